//! Bytes of a kind, found many at a time.

use wide::u8x16;

/// So many bytes are looked at together: a bit for each.
pub const WINDOW: usize = u64::BITS as usize;

/// Those of some bytes that pass a test, from the lowest bit on.
#[inline(always)]
fn bits(window: &[u8; WINDOW], test: impl Fn(u8x16) -> u8x16) -> u64 {
    let (parts, _) = window.as_chunks();
    parts.iter().rev().fold(0, |bits, part| bits << 16 | u64::from(test(u8x16::new(*part)).to_bitmask()))
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

/// Finds the places of `byte` in `text` from `from` on, and puts them into `places`, with the end of the text for the last.
/// Returns how many they are; `None` if there are too many.
#[inline(always)]
pub fn places<const MOST: usize>(byte: u8, text: &[u8], from: usize, places: &mut [u32; MOST]) -> Option<usize> {
    /// Of a window, so many are taken together whether they are there or not, since their number can hardly be foreseen.
    const FEW: usize = 4;
    let byte = u8x16::splat(byte);
    let (mut count, mut begin) = (0, from);
    while begin < text.len() {
        let rest = &text[begin..];
        let mut found = match rest.first_chunk() {
            Some(window) => bits(window, |part| part.simd_eq(byte)),
            None => {
                let mut window = [0; WINDOW];
                window[..rest.len()].copy_from_slice(rest);
                bits(&window, |part| part.simd_eq(byte)) & below(rest.len())
            }
        };
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
    *places.get_mut(count)? = text.len() as u32;
    Some(count + 1)
}

/// How many bytes the first `len` bytes of `text` stand for, if all escapes among them are `%` and two hexadecimal digits.
/// `None` if one is not, or a server wrote escapes of its own, or `text` ends too soon to tell quickly.
#[inline(always)]
pub fn unescaped_len(text: &[u8], len: usize) -> Option<usize> {
    let window = text.first_chunk().filter(|_| len <= WINDOW)?;
    let inside = below(len);
    let escapes = bits(window, |part| part.simd_eq(u8x16::splat(b'%'))) & inside;
    let others = bits(window, |part| part.simd_eq(u8x16::splat(b'\\'))) & inside;
    if escapes == 0 {
        return (others == 0).then_some(len);
    }
    let within = |part: u8x16, from: u8, count: u8| (part - u8x16::splat(from)).simd_le(u8x16::splat(count - 1));
    let digits = bits(window, |part| within(part, b'0', 10) | within(part | u8x16::splat(0x20), b'a', 6)) & inside;
    let broken = escapes & !(digits >> 1 & digits >> 2);
    (broken | others == 0).then(|| len - 2 * escapes.count_ones() as usize)
}

/// The lowest `len` bits.
#[inline(always)]
fn below(len: usize) -> u64 {
    u64::MAX.checked_shl(len as u32).map_or(u64::MAX, |above| !above)
}
