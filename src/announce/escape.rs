//! Percent-escapes, and the `\xHH` that web servers write for bytes they do not print.

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

/// The byte that two hexadecimal digits at `at` stand for.
pub fn hex_at(text: &[u8], at: usize) -> Option<u8> {
    let [a, b] = *text.get(at..)?.first_chunk()?;
    hex(a, b)
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
        [b'\\', b'b', ..] => Some((0x08, 2)),
        [b'\\', b'v', ..] => Some((0x0b, 2)),
        [b'\\', b'f', ..] => Some((0x0c, 2)),
        [b'\\', b'n', ..] => Some((b'\n', 2)),
        [b'\\', b'r', ..] => Some((b'\r', 2)),
        [b'\\', ..] => Some((b'\\', 1)),
        _ => None,
    }
}

/// A short decoded value, held in place.
#[derive(Clone, Copy)]
pub struct Decoded {
    len: u8,
    bytes: [u8; Decoded::MOST],
}

impl Decoded {
    /// No peer id is longer in practice; one that is cannot be read.
    const MOST: usize = 63;

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// Decodes a value. `None` if it is longer than [`Decoded::MOST`] or an escape is broken.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &[u8]) -> Option<Vec<u8>> {
        decode(text).map(|value| value.bytes().to_vec())
    }

    #[test]
    fn every_clients_escapes_give_the_same_bytes() {
        let expected: [u8; 20] = *b"\xb8|\x84\xaf\x8d\xc7o4\x0cb\xbb \xd7\x0e\"L^K*\x83";
        for text in [
            &b"%b8%7c%84%af%8d%c7o4%0cb%bb%20%d7%0e%22L%5eK*%83"[..],
            b"%B8%7C%84%AF%8D%C7o4%0Cb%BB%20%D7%0E%22L%5EK%2A%83",
            b"\\xB8|\\x84\\xAF\\x8D\\xC7o4\\x0Cb\\xBB%20\\xD7\\x0E\\\"L^K*\\x83",
        ] {
            assert_eq!(decoded(text).as_deref(), Some(&expected[..]), "{}", printable(text));
        }
        for bad in [&b"%"[..], b"%b", b"%zz", b"%b8%7c%", &[b'a'; 64]] {
            assert_eq!(decoded(bad), None);
        }
        assert_eq!(decoded(b"a%26").as_deref(), Some(&b"a&"[..]));
    }

    #[test]
    fn nothing_unprintable_is_printed() {
        assert_eq!(printable(b"-AZ\x1b[31m%\xff \x7f").to_string(), "-AZ%1B[31m%25%FF%20%7F");
    }
}
