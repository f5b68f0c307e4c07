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

/// Decodes a value of at most [`Decoded::MOST`] bytes; `None` if it is longer or an escape is broken.
#[inline]
pub fn decode(mut text: &[u8]) -> Option<Decoded> {
    let mut out = Decoded { len: 0, bytes: [0; Decoded::MOST] };
    while !text.is_empty() {
        let (byte, took) = next(text)?;
        *out.bytes.get_mut(usize::from(out.len))? = byte;
        out.len += 1;
        text = &text[took..];
    }
    Some(out)
}

/// Decodes a value of exactly 20 bytes.
#[inline]
pub fn decode_20(mut text: &[u8]) -> Option<[u8; 20]> {
    let mut out = [0; 20];
    for slot in &mut out {
        let (byte, took) = next(text)?;
        *slot = byte;
        text = &text[took..];
    }
    text.is_empty().then_some(out)
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
            assert_eq!(decode_20(text), Some(expected), "{}", printable(text));
        }
        for bad in [&b"%"[..], b"%b", b"%zz", b"%b8%7c", b"aaaaaaaaaaaaaaaaaaaaa"] {
            assert_eq!(decode_20(bad), None);
        }
        assert_eq!(decode(&[b'a'; 32]), None);
    }

    #[test]
    fn nothing_unprintable_is_printed() {
        assert_eq!(printable(b"-AZ\x1b[31m%\xff \x7f").to_string(), "-AZ%1B[31m%25%FF%20%7F");
    }
}
