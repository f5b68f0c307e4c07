//! Numbers in as few bytes as they need, one after the other (LEB128): what is kept of everything must be small.

use integer_encoding::VarInt;

/// What can be packed, and comes back as it was.
pub trait Packs: Sized {
    /// Adds its bytes to others.
    fn pack(&self, to: &mut Packer<'_>);

    /// Takes it off the bytes that [`Packs::pack`] wrote.
    fn unpack(from: &mut Unpacker<'_>) -> Self;
}

/// Nothing takes no bytes.
impl Packs for () {
    fn pack(&self, _: &mut Packer<'_>) {}

    fn unpack(_: &mut Unpacker<'_>) {}
}

/// A bit for each of eight bytes that another one of the same number follows.
const GOES_ON: u64 = u64::from_ne_bytes([0x80; 8]);

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
            return self.slowly(number);
        }
        // Taken apart: two halves, then fourteens, then sevens.
        let halves = (number & 0x00ff_ffff_f000_0000) << 4 | number & 0x0fff_ffff;
        let fourteens = (halves & 0x0fff_c000_0fff_c000) << 2 | halves & 0x0000_3fff_0000_3fff;
        let sevens = (fourteens & 0x3f80_3f80_3f80_3f80) << 1 | fourteens & 0x007f_007f_007f_007f;
        let len = bits.div_ceil(7);
        let goes_on = GOES_ON & ((1 << (8 * (len - 1))) - 1);
        let end = self.0.len() + len as usize;
        // All eight bytes: that is soon done.
        self.0.extend_from_slice(&(sevens | goes_on).to_le_bytes());
        self.0.truncate(end);
    }

    #[cold]
    fn slowly(&mut self, number: u64) {
        let mut bytes = [0; 10];
        let len = number.encode_var(&mut bytes);
        self.0.extend_from_slice(&bytes[..len]);
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
        let Some(word) = self.0.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)) else { return self.slowly() };
        let ends = !word & GOES_ON;
        if ends == 0 {
            return self.slowly();
        }
        self.0 = &self.0[ends.trailing_zeros() as usize / 8 + 1..];
        let sevens = word & (ends ^ (ends - 1)) & !GOES_ON;
        // Neighbours are put together: sevens, then fourteens, then the two halves.
        let fourteens = (sevens & 0x7f00_7f00_7f00_7f00) >> 1 | sevens & 0x007f_007f_007f_007f;
        let halves = (fourteens & 0x3fff_0000_3fff_0000) >> 2 | fourteens & 0x0000_3fff_0000_3fff;
        (halves & 0x0fff_ffff_0000_0000) >> 4 | halves & 0x0fff_ffff
    }

    /// Takes one that takes more, or stands too near the end.
    #[cold]
    fn slowly(&mut self) -> u64 {
        let (number, len) = u64::decode_var(self.0).unwrap_or_default();
        self.0 = self.0.get(len..).unwrap_or_default();
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
