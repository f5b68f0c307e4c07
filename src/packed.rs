//! Numbers in as few bytes as they need, one after the other: what is kept of everything must be small.
//!
//! Seven bits of a number to a byte, as in LEB128; but how many bytes follow the first stands in its lowest bits, so that
//! nothing has to be taken apart.

/// What can be packed, and comes back as it was.
pub trait Packs: Sized {
    /// Adds its bytes to others.
    fn pack(&self, to: &mut Packer<'_>);

    /// Takes it off the bytes that [`Packs::pack`] wrote.
    fn unpack(from: &mut Unpacker<'_>) -> Self;
}

/// Packs numbers.
#[derive(Debug)]
pub struct Packer<'a>(pub &'a mut Vec<u8>);

impl Packer<'_> {
    /// Adds an unsigned number. There is no branch on how many bytes it takes, if that is no more than eight: it can hardly be
    /// foreseen, and every session is packed once, and put together again and again.
    #[inline]
    pub fn number<N: TryInto<u64>>(&mut self, number: N) {
        let number = number.try_into().unwrap_or_default();
        let bits = u64::BITS - (number | 1).leading_zeros();
        if bits > 56 {
            return self.large(number);
        }
        // As many zeros as bytes follow, and a one.
        let follow = (bits - 1) / 7;
        let end = self.0.len() + follow as usize + 1;
        // All eight bytes: that is soon done.
        self.0.extend_from_slice(&((number << 1 | 1) << follow).to_le_bytes());
        self.0.truncate(end);
    }

    #[cold]
    fn large(&mut self, number: u64) {
        self.0.push(0);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Adds an `i64`.
    #[inline]
    pub fn signed(&mut self, number: i64) {
        self.number((number << 1 ^ number >> 63) as u64);
    }

    /// Adds some bytes, and how many they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Adds what may not be there; `pack` adds the rest of it.
    pub fn option<T>(&mut self, value: Option<T>, pack: impl FnOnce(&mut Self, T)) {
        self.number(u8::from(value.is_some()));
        if let Some(value) = value {
            pack(self, value);
        }
    }
}

/// Takes numbers off what [`Packer`] wrote, in the same order. Where nothing is left, they are 0.
#[derive(Debug)]
pub struct Unpacker<'a>(pub &'a [u8]);

impl<'a> Unpacker<'a> {
    /// Takes an unsigned number.
    #[inline]
    pub fn number<N: TryFrom<u64> + Default>(&mut self) -> N {
        N::try_from(self.unsigned()).unwrap_or_default()
    }

    /// Takes an `i64`.
    #[inline]
    pub fn signed(&mut self) -> i64 {
        let number = self.unsigned();
        (number >> 1) as i64 ^ -((number & 1) as i64)
    }

    /// See [`Packer::number`].
    #[inline]
    fn unsigned(&mut self) -> u64 {
        let word = self.0.first_chunk().map_or_else(|| self.last_word(), |bytes| u64::from_le_bytes(*bytes));
        let len = word.trailing_zeros() + 1;
        if len > 8 {
            return self.large();
        }
        self.0 = self.0.get(len as usize..).unwrap_or_default();
        word << (64 - 8 * len) >> (64 - 7 * len)
    }

    /// The last bytes, with zeros behind them.
    #[cold]
    fn last_word(&self) -> u64 {
        let mut word = [0; 8];
        word.iter_mut().zip(self.0).for_each(|(to, from)| *to = *from);
        u64::from_le_bytes(word)
    }

    #[cold]
    fn large(&mut self) -> u64 {
        let number = self.0.get(1..).and_then(|bytes| bytes.split_first_chunk());
        let (number, rest) = number.map_or((0, &[][..]), |(bytes, rest)| (u64::from_le_bytes(*bytes), rest));
        self.0 = rest;
        number
    }

    /// Takes some bytes.
    pub fn bytes(&mut self) -> &'a [u8] {
        let len = self.number();
        let (bytes, rest) = self.0.split_at_checked(len).unwrap_or((self.0, &[]));
        self.0 = rest;
        bytes
    }

    /// Takes what may not be there.
    pub fn option<T>(&mut self, unpack: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.number::<u8>() != 0).then(|| unpack(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back_as_they_were(all in prop::collection::vec((any::<u64>(), 0u32..64), 0..40), text: Vec<u8>) {
            let all: Vec<u64> = all.into_iter().map(|(number, shift)| number >> shift).collect();
            let mut packed = Vec::new();
            let mut to = Packer(&mut packed);
            for number in &all {
                to.number(*number);
                to.signed(*number as i64);
                to.signed(*number as i64 >> 8);
                to.number(*number as u16);
            }
            to.bytes(&text);
            to.option(Some(7u8), |to, number| to.number(number));
            to.option(None::<u8>, |to, number| to.number(number));
            let mut from = Unpacker(&packed);
            for number in all {
                prop_assert_eq!(from.number::<u64>(), number);
                prop_assert_eq!(from.signed(), number as i64);
                prop_assert_eq!(from.signed(), number as i64 >> 8);
                prop_assert_eq!(from.number::<u16>(), number as u16);
            }
            prop_assert_eq!(from.bytes(), text);
            prop_assert_eq!(from.option(Unpacker::number::<u8>), Some(7));
            prop_assert_eq!(from.option(Unpacker::number::<u8>), None);
            prop_assert_eq!((from.0.len(), from.number::<u8>()), (0, 0));
        }
    }
}
