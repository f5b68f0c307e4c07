//! How a peer's announces are written.

use super::names::{Names, Texts};
use crate::announce::Escapes;
use std::borrow::Cow;

/// How a peer's announces are written: as its first line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Written {
    /// Its form (see [`crate::announce::write_form`]), by number.
    pub form: u32,
    /// See [`Key`].
    key: u32,
    key_is: KeyIs,
    /// How its bytes are escaped.
    pub escapes: Escapes,
}

// There are as many as peers.
const _: () = assert!(size_of::<Written>() <= 16);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum KeyIs {
    Name,
    Lower,
    Upper,
}

/// The `key` parameter (BEP 7). Most programs make eight hexadecimal digits, other ones for each peer: those are kept as the number that
/// they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// By number; 0 if there is none.
    Name(u32),
    /// Eight digits, the letters in lower case, or none.
    Lower(u32),
    /// Eight digits, the letters in upper case.
    Upper(u32),
}

impl Key {
    /// The key that is written so.
    pub fn of(text: &[u8], names: &mut Names) -> Key {
        Key::digits(text).unwrap_or_else(|| Key::Name(names.number(text)))
    }

    fn digits(text: &[u8]) -> Option<Key> {
        let all = |is: fn(&u8) -> bool| text.len() == 8 && text.iter().all(is);
        let value = || u32::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok();
        match () {
            _ if all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) => value().map(Key::Lower),
            _ if all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F')) => value().map(Key::Upper),
            _ => None,
        }
    }

    /// Whether there is one.
    pub fn is_some(self) -> bool {
        self != Key::Name(0)
    }

    /// What is written.
    pub fn text(self, names: &Texts) -> Cow<'_, [u8]> {
        match self {
            Key::Name(number) => names.name(number).into(),
            Key::Lower(value) => format!("{value:08x}").into_bytes().into(),
            Key::Upper(value) => format!("{value:08X}").into_bytes().into(),
        }
    }
}

impl Written {
    /// With that form and key.
    pub fn new(form: u32, key: Key, escapes: Escapes) -> Written {
        let (key_is, key) = match key {
            Key::Name(number) => (KeyIs::Name, number),
            Key::Lower(value) => (KeyIs::Lower, value),
            Key::Upper(value) => (KeyIs::Upper, value),
        };
        Written { form, key, key_is, escapes }
    }

    /// The key.
    pub fn key(&self) -> Key {
        match self.key_is {
            KeyIs::Name => Key::Name(self.key),
            KeyIs::Lower => Key::Lower(self.key),
            KeyIs::Upper => Key::Upper(self.key),
        }
    }

    /// The same, with other numbers for names.
    pub(super) fn renamed(self, name: impl Fn(u32) -> u32) -> Written {
        let key = if self.key_is == KeyIs::Name { name(self.key) } else { self.key };
        Written { form: name(self.form), key, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_as_they_were_written() {
        let mut names = Names::default();
        let texts: [&[u8]; 10] = [
            b"",
            b"0",
            b"00000000",
            b"12345678",
            b"89abcdef",
            b"89ABCDEF",
            b"89abcdEF",
            b"+1234567",
            b"12345g78",
            b"\xff\xff\xff\xff\xff\xff\xff\xff",
        ];
        let keys = texts.map(|text| Key::of(text, &mut names));
        assert_eq!(keys.map(Key::is_some), texts.map(|text| !text.is_empty()));
        assert!(matches!(keys[2..6], [Key::Lower(0), Key::Lower(0x12345678), Key::Lower(0x89abcdef), Key::Upper(_)]));
        let names = names.into_texts();
        for (key, text) in keys.iter().zip(texts) {
            assert_eq!(Written::new(7, *key, Escapes::default()).key(), *key);
            assert_eq!(key.text(&names), text);
        }
    }
}
