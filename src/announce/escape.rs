//! Percent-escapes, and the `\xHH` that web servers write for bytes they do not print.

use super::Decoded;
use percent_encoding::{AsciiSet, CONTROLS, PercentEncode, percent_encode};

/// Everything outside printable ASCII, the percent sign, and the space (so that the text stays one word).
const UNPRINTABLE: &AsciiSet = &CONTROLS.add(b'%').add(b' ');

/// Bytes as text that no terminal acts on: what is outside printable ASCII, and `%`, becomes `%XX`.
pub fn printable(bytes: &[u8]) -> PercentEncode<'_> {
    percent_encode(bytes, UNPRINTABLE)
}

/// The value of each hexadecimal digit; of anything else, 255.
const DIGITS: [u8; 256] = {
    let mut digits = [255; 256];
    let mut n = 0;
    while n < 16 {
        digits[b"0123456789abcdef"[n] as usize] = n as u8;
        digits[b"0123456789ABCDEF"[n] as usize] = n as u8;
        n += 1;
    }
    digits
};

#[inline(always)]
fn hex(a: u8, b: u8) -> Option<u8> {
    let (a, b) = (DIGITS[usize::from(a)], DIGITS[usize::from(b)]);
    (a | b < 16).then_some(a << 4 | b)
}

/// Takes the first byte off escaped text: the byte, and how much text it took. `None` for a broken escape.
#[inline(always)]
fn next(text: &[u8]) -> Option<(u8, usize)> {
    match *text {
        [b'%', a, b, ..] => Some((hex(a, b)?, 3)),
        [b'%' | b'\\', ..] => logged(text),
        [c, ..] => Some((c, 1)),
        [] => None,
    }
}

/// What servers write for bytes that they do not print.
#[cold]
fn logged(text: &[u8]) -> Option<(u8, usize)> {
    match *text {
        [b'\\', b'x', a, b, ..] => Some((hex(a, b)?, 4)),
        [b'\\', c @ (b'"' | b'\\'), ..] => Some((c, 2)),
        [b'\\', b't', ..] => Some((b'\t', 2)),
        [b'\\', b'n', ..] => Some((b'\n', 2)),
        [b'\\', b'r', ..] => Some((b'\r', 2)),
        [b'\\', ..] => Some((b'\\', 1)),
        _ => None,
    }
}

/// Decodes a value of at most [`Decoded::MOST`] bytes that ends at `end` or with the text. Returns how long it is as
/// written, too; `None` if it is longer or an escape is broken.
#[inline]
pub fn decode(text: &[u8], end: u8) -> Option<(Decoded, usize)> {
    // Most peer ids have 20 bytes, and nothing escaped in them. No early way out of the loop: so it is done many bytes at
    // a time.
    let odd = |text: &[u8; 20]| {
        text.iter().fold(0u8, |odd, &b| odd | u8::from(b == b'%') | u8::from(b == b'\\') | u8::from(b == end))
    };
    if let Some((usual, rest)) = text.split_first_chunk::<20>()
        && rest.first().is_none_or(|b| *b == end)
        && odd(usual) == 0
    {
        let mut out = Decoded { len: 20, bytes: [0; Decoded::MOST] };
        out.bytes[..20].copy_from_slice(usual);
        return Some((out, 20));
    }
    let mut out = Decoded { len: 0, bytes: [0; Decoded::MOST] };
    let mut at = 0;
    while at < text.len() && text[at] != end {
        let (byte, took) = next(&text[at..])?;
        *out.bytes.get_mut(usize::from(out.len))? = byte;
        out.len += 1;
        at += took;
    }
    Some((out, at))
}

/// Decodes a value of exactly 20 bytes that ends at `end` or with the text. Returns how long it is as written, too.
#[inline]
pub fn decode_20(text: &[u8], end: u8) -> Option<([u8; 20], usize)> {
    /// Every byte escaped, what may be read beyond, and a round number.
    const WINDOW: usize = 64;
    let mut out = [0; 20];
    let mut at = 0;
    if let Some(window) = text.first_chunk::<WINDOW>() {
        // Whether the next byte is escaped cannot be foretold: so both ways are gone, and one is chosen.
        let mut odd = 0;
        for slot in &mut out {
            let Some(&[c, a, b]) = window[at..].first_chunk::<3>() else { break };
            let (a, b) = (DIGITS[usize::from(a)], DIGITS[usize::from(b)]);
            let escaped = c == b'%';
            *slot = if escaped { a << 4 | b } else { c };
            odd |= (if escaped { a | b } else { 0 } & 0xf0) | u8::from(c == end) | u8::from(c == b'\\');
            at += if escaped { 3 } else { 1 };
        }
        let odd = odd != 0;
        if !odd {
            return text.get(at).is_none_or(|&b| b == end).then_some((out, at));
        }
        at = 0;
    }
    for slot in &mut out {
        let (byte, took) = next(text.get(at..)?)?;
        if byte == end && took == 1 {
            return None;
        }
        *slot = byte;
        at += took;
    }
    text.get(at).is_none_or(|&b| b == end).then_some((out, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clients_escapes_give_the_same_bytes() {
        let expected: [u8; 20] = *b"\xb8|\x84\xaf\x8d\xc7o4\x0cb\xbb \xd7\x0e\"L^K*\x83";
        for text in [
            &b"%b8%7c%84%af%8d%c7o4%0cb%bb%20%d7%0e%22L%5eK*%83"[..],
            b"%B8%7C%84%AF%8D%C7o4%0Cb%BB%20%D7%0E%22L%5EK%2A%83",
            b"\\xB8|\\x84\\xAF\\x8D\\xC7o4\\x0Cb\\xBB%20\\xD7\\x0E\\\"L^K*\\x83",
        ] {
            assert_eq!(decode_20(text, b'&'), Some((expected, text.len())), "{}", printable(text));
        }
        for bad in [&b"%"[..], b"%b", b"%zz", b"%b8%7c", b"aaaaaaaaaaaaaaaaaaaaa", b"aaaaaaaaaaaaaaaaaaa&a"] {
            assert_eq!(decode_20(bad, b'&'), None);
        }
        assert_eq!(decode_20(b"aaaaaaaaaaaaaaaaaa%26a&b", b'&'), Some((*b"aaaaaaaaaaaaaaaaaa&a", 22)));
        assert_eq!(decode(&[b'a'; 64], b'&'), None);
        assert_eq!(decode(b"a%26&", b'&').map(|(value, len)| (value.bytes().to_vec(), len)), Some((b"a&".to_vec(), 4)));
    }

    #[test]
    fn nothing_unprintable_is_printed() {
        assert_eq!(printable(b"-AZ\x1b[31m%\xff \x7f").to_string(), "-AZ%1B[31m%25%FF%20%7F");
    }
}
