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
