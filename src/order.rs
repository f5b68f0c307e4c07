//! Sorting by numbers.

use radsort::Key;

/// Sorts by a number, in a few passes; items with the same one stay in their order.
pub fn by_number<T, K: Key + Ord>(items: &mut [T], number: impl Fn(&T) -> K) {
    /// Fewer are sorted sooner by comparing them.
    const FEW: usize = 128;
    if items.len() < FEW {
        items.sort_by_key(number);
    } else {
        radsort::sort_by_key(items, number);
    }
}

/// Sorts by a number, and items with the same one by what else there is: equal ones come in any order. Very many are sorted in place:
/// that takes longer, but no room beside.
pub fn by_number_then<T, K: Ord>(items: &mut [T], number: impl Fn(&T) -> u32, rest: impl Fn(&T) -> K) {
    const VERY_MANY: usize = 1 << 20;
    if items.len() > VERY_MANY {
        items.sort_unstable_by_key(|item| (number(item), rest(item)));
        return;
    }
    by_number(items, &number);
    for together in items.chunk_by_mut(|a, b| number(a) == number(b)).filter(|together| together.len() > 1) {
        together.sort_unstable_by_key(&rest);
    }
}

/// Sorts by two numbers, by the first one first; items with the same ones stay in their order. To sort by more, sort by the last
/// ones before.
pub fn by_two<T>(items: &mut [T], numbers: impl Fn(&T) -> (u32, u32)) {
    by_number(items, |item| {
        let (first, second) = numbers(item);
        u64::from(first) << 32 | u64::from(second)
    });
}
