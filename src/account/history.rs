//! What was credited when: most of what is kept of a user.

use crate::packed::{Packer, Unpacker};
use crate::session::Counters;
use crate::time::Time;
use prefetch_index::prefetch_index;

/// What was credited, and when.
pub type Credit = (Option<Time>, Counters);

/// Credits in the order in which they came: in some eight bytes each, but for the last one, which may yet change.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Empty without credits.
    bytes: Vec<u8>,
}

/// The last credit. It stands at the end, as it is.
#[derive(Clone, Copy, Default)]
struct Last {
    /// How many there are, with this one.
    count: u64,
    /// The time of the one before, in milliseconds; 0 if there is none, or it has none.
    before: i64,
    /// Its own time.
    at: i64,
    credit: Counters,
}

/// Bytes that it takes.
const LAST: usize = 5 * size_of::<u64>();

/// A credit takes fewer, even while it is written.
const MOST: usize = 64;

/// A list grows by so many bytes, or by a quarter: most stay short, and none gets twice the room that it needs.
const STEP: usize = 128;

impl Last {
    #[inline]
    fn read(bytes: &[u8; LAST]) -> Last {
        let (words, _) = bytes.as_chunks();
        let word = |at: usize| words.get(at).map_or(0, |word| u64::from_le_bytes(*word));
        Last {
            count: word(0),
            before: word(1) as i64,
            at: word(2) as i64,
            credit: Counters { up: word(3), down: word(4) },
        }
    }

    #[inline]
    fn bytes(&self) -> [[u8; 8]; 5] {
        let Counters { up, down } = self.credit;
        [self.count, self.before as u64, self.at as u64, up, down].map(u64::to_le_bytes)
    }

    /// Says the same as another one of the same history, in fewer bytes.
    #[inline]
    fn pack(&self, to: &mut Packer<'_>) {
        let later = self.at.wrapping_sub(self.before);
        // Most logs have whole seconds. One bit tells.
        let (secs, millis) = (later.div_euclid(1000), later.rem_euclid(1000));
        to.signed(secs << 1 | i64::from(millis != 0));
        if millis != 0 {
            to.number(millis);
        }
        to.number(self.credit.up);
        to.number(self.credit.down);
    }

    /// The one that comes after this.
    #[inline]
    fn unpack_next(&self, from: &mut Unpacker<'_>) -> Last {
        let secs = from.signed();
        let millis = if secs & 1 == 1 { from.number() } else { 0 };
        let later = (secs >> 1).wrapping_mul(1000).wrapping_add(millis);
        let credit = Counters { up: from.number(), down: from.number() };
        Last { count: self.count + 1, before: self.at, at: self.at.wrapping_add(later), credit }
    }

    #[inline]
    fn credit(&self) -> Credit {
        // No time is 0.
        ((self.at != 0).then(|| Time::from_millis(self.at)), self.credit)
    }
}

impl History {
    /// The last one, and the bytes before it.
    #[inline]
    fn split(&self) -> Option<(&[u8], Last)> {
        let (before, last) = self.bytes.split_last_chunk()?;
        Some((before, Last::read(last)))
    }

    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.split().map_or(0, |(_, last)| last.count as usize)
    }

    /// The last one; `None` if there is none.
    #[inline]
    pub fn last(&self) -> Option<Credit> {
        self.split().map(|(_, last)| last.credit())
    }

    /// Makes the last one another.
    #[inline]
    pub fn amend_last(&mut self, (at, credit): Credit) {
        if let Some((before, last)) = self.split() {
            let (len, last) = (before.len(), Last { at: at.map_or(0, Time::millis), credit, ..last });
            self.bytes[len..].copy_from_slice(last.bytes().as_flattened());
        }
    }

    /// Adds one.
    #[inline]
    pub fn push(&mut self, (at, credit): Credit) {
        if self.bytes.capacity() - self.bytes.len() < MOST + LAST {
            self.bytes.reserve_exact((self.bytes.len() / 4).max(STEP));
        }
        let mut next = Last { count: 1, before: 0, at: at.map_or(0, Time::millis), credit };
        if let Some((before, last)) = self.split() {
            (next.count, next.before) = (last.count + 1, last.at);
            let len = before.len();
            self.bytes.truncate(len);
            last.pack(&mut Packer(&mut self.bytes));
        }
        self.bytes.extend_from_slice(next.bytes().as_flattened());
    }

    /// All of them.
    pub fn credits(&self) -> Vec<Credit> {
        let Some((before, last)) = self.split() else { return Vec::new() };
        let mut credits = Vec::with_capacity(last.count as usize);
        let (mut from, mut packed) = (Unpacker(before), Last::default());
        while !from.0.is_empty() {
            packed = packed.unpack_next(&mut from);
            credits.push(packed.credit());
        }
        credits.push(last.credit());
        credits
    }

    /// Takes others instead, which are fewer.
    pub fn set(&mut self, credits: &[Credit]) {
        self.bytes.clear();
        credits.iter().for_each(|credit| self.push(*credit));
        self.bytes.shrink_to(self.bytes.len() + STEP);
    }

    /// Has the cache fetch its end.
    #[inline]
    pub fn fetch_end(&self) {
        prefetch_index(&self.bytes, self.bytes.len().saturating_sub(LAST));
        prefetch_index(&self.bytes, self.bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn credits_come_back_as_they_were(
            credits: Vec<(Option<i64>, u64, u64)>, shift in 0..64u32, whole: bool, amended in 0..4usize, set: bool,
        ) {
            let credits: Vec<Credit> = credits.into_iter().map(|(at, up, down)| {
                let at = at.map(|ms| Time::from_millis(if whole { (ms >> shift) / 1000 * 1000 } else { ms >> shift }));
                (at, Counters { up: up >> shift, down: down >> shift })
            }).collect();
            let mut history = History::default();
            for credit in &credits {
                history.push(*credit);
                prop_assert_eq!(history.last(), Some(*credit));
                for _ in 0..amended {
                    history.amend_last((None, Counters::ZERO));
                    prop_assert_eq!(history.last(), Some((None, Counters::ZERO)));
                    history.amend_last(*credit);
                }
            }
            if set {
                history.set(&credits);
            }
            prop_assert_eq!(history.len(), credits.len());
            prop_assert_eq!(history.credits(), credits);
        }
    }
}
