//! Bytes of a kind, found many at a time.

use std::ops::Range;
use wide::u8x16;

/// So many bytes are looked at together: a bit for each.
pub const WINDOW: usize = u64::BITS as usize;

/// Those of some bytes that pass a test, from the lowest bit on.
#[inline(always)]
fn bits(window: &[u8; WINDOW], test: impl Fn(u8x16) -> u8x16) -> u64 {
    let (parts, _) = window.as_chunks();
    parts.iter().rev().fold(0, |bits, part| bits << 16 | u64::from(test(u8x16::new(*part)).to_bitmask()))
}

/// A part of `text` and all that follows it there; the part alone if it stands elsewhere.
#[inline(always)]
pub fn onwards<'a>(part: &'a [u8], text: &'a [u8]) -> &'a [u8] {
    let at = (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    text.get(at..).filter(|onwards| onwards.len() >= part.len()).unwrap_or(part)
}

/// Where the first `byte` is, which most likely is near the beginning.
#[inline(always)]
pub fn find_near(byte: u8, text: &[u8]) -> Option<usize> {
    if let Some(near) = text.first_chunk() {
        let bits = u8x16::new(*near).simd_eq(u8x16::splat(byte)).to_bitmask();
        if bits != 0 {
            return Some(bits.trailing_zeros() as usize);
        }
    }
    memchr::memchr(byte, text)
}

/// Finds the places of `byte` in a stretch of `text`, and puts them into `places`, with the end of the stretch for the last.
/// Returns how many they are; `None` if there are too many.
#[inline(always)]
pub fn places<const MOST: usize>(
    byte: u8,
    text: &[u8],
    stretch: Range<usize>,
    places: &mut [u32; MOST],
) -> Option<usize> {
    /// Of a window, so many are taken together whether they are there or not, since their number can hardly be foreseen.
    const FEW: usize = 4;
    let byte = u8x16::splat(byte);
    let (mut count, mut begin, end) = (0, stretch.start, stretch.end.min(text.len()));
    while begin < end {
        let mut found = match text[begin..].first_chunk() {
            Some(window) => bits(window, |part| part.simd_eq(byte)),
            None => {
                let mut window = [0; WINDOW];
                let rest = &text[begin..end];
                window[..rest.len()].copy_from_slice(rest);
                bits(&window, |part| part.simd_eq(byte))
            }
        };
        if end - begin < WINDOW {
            // What follows the stretch is none of it.
            found &= !(u64::MAX << (end - begin));
        }
        let all = count + found.count_ones() as usize;
        while count < all {
            for place in places.get_mut(count..count + FEW)? {
                *place = begin as u32 + found.trailing_zeros();
                found &= found.wrapping_sub(1);
            }
            count += FEW;
        }
        count = all;
        begin += WINDOW;
    }
    *places.get_mut(count)? = end as u32;
    Some(count + 1)
}

/// Eight bytes from `at` on, the first one lowest; `None` if there are fewer.
#[inline(always)]
pub fn word(text: &[u8], at: usize) -> Option<u64> {
    text.get(at..at + 8)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// How many digits a word begins with.
#[inline(always)]
pub fn digits_in_front(word: u64) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let values = word ^ (ONES * u64::from(b'0'));
    // A byte above 9 has its high bit set afterwards, or had it before.
    let others = (values.wrapping_add(ONES * 0x76) | values) & (ONES << 7);
    others.trailing_zeros() as usize / 8
}

/// The number that the last `len` of sixteen characters stand for, 1 to 16; `None` if one of them is no digit.
#[inline(always)]
pub fn digits(text: &[u8; 16], len: usize) -> Option<u64> {
    /// From place `len` on, all but the last `len` bytes are 0.
    const LAST: [u8; 32] = {
        let (mut last, mut at) = ([0; 32], 16);
        while at < 32 {
            last[at] = 0xff;
            at += 1;
        }
        last
    };
    let last: &[u8; 16] = LAST.get(len..).and_then(|last| last.first_chunk())?;
    let digits = (u8x16::new(*text) - u8x16::splat(b'0')) & u8x16::new(*last);
    if digits.simd_le(u8x16::splat(9)).to_bitmask() != 0xffff {
        return None;
    }
    let digits = digits.to_array();
    Some(eight(word(&digits, 0)?) * 100_000_000 + eight(word(&digits, 8)?))
}

/// The number of eight digits, the first one lowest. Neighbours are taken together: pairs, then pairs of pairs.
#[inline(always)]
fn eight(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10 << 8 | 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100 << 16 | 1) >> 16 & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000 << 32 | 1) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_are_numbers_and_nothing_else_is(before: [u8; 16], text in "[0-9]{1,16}|[ -~]{1,16}") {
            let all = [&before[..], text.as_bytes()].concat();
            let plain = text.bytes().all(|byte| byte.is_ascii_digit());
            prop_assert_eq!(digits(all.last_chunk().unwrap(), text.len()), text.parse().ok().filter(|_| plain));
            let front = text.bytes().take(8).take_while(u8::is_ascii_digit).count();
            let padded = [text.as_bytes(), b"x       "].concat();
            prop_assert_eq!(word(&padded, 0).map(digits_in_front), Some(front));
        }
    }
}
