//! What was credited when: most of what is kept of a user.

use crate::packed::{Packer, Unpacker};
use crate::session::Counters;
use crate::time::Time;
use prefetch_index::prefetch_index;

/// What was credited, and when.
pub type Credit = (Option<Time>, Counters);

/// Credits in the order in which they came.
#[derive(Clone, Debug)]
pub enum History {
    /// In 16 bytes each, as all but very few users' fit.
    Packed(Vec<u128>),
    /// As they are, once one did not fit. Boxed, so that a history is no larger than a list.
    #[allow(clippy::box_collection)]
    Wide(Box<Vec<Credit>>),
    /// In about eight bytes each, once all of them have come: see [`History::settle`].
    Settled(Box<[u8]>),
}

/// So many bits hold the bytes of a credit: 4 TiB since the announce before.
const BYTES: u32 = 42;
/// So many bits hold its time in milliseconds: for 557 years.
const TIME: u32 = u128::BITS - 2 * BYTES;

/// A credit in 16 bytes; `None` if it does not fit.
#[inline]
fn pack((at, credit): Credit) -> Option<u128> {
    // No time is 0; what is negative fits no more than what is too large.
    let at = at.map_or(0, Time::millis) as u64;
    let fits = at >> TIME == 0 && (credit.up | credit.down) >> BYTES == 0;
    fits.then(|| u128::from(at) << (2 * BYTES) | u128::from(credit.up) << BYTES | u128::from(credit.down))
}

#[inline]
fn unpack(packed: u128) -> Credit {
    let bytes = |packed: u128| packed as u64 & ((1 << BYTES) - 1);
    let at = (packed >> (2 * BYTES)) as i64;
    ((at != 0).then(|| Time::from_millis(at)), Counters { up: bytes(packed >> BYTES), down: bytes(packed) })
}

impl Default for History {
    fn default() -> History {
        History::Packed(Vec::new())
    }
}

impl From<Vec<Credit>> for History {
    fn from(credits: Vec<Credit>) -> History {
        let mut packed = Vec::with_capacity(credits.len());
        packed.extend(credits.iter().map_while(|credit| pack(*credit)));
        if packed.len() == credits.len() { History::Packed(packed) } else { History::Wide(credits.into()) }
    }
}

impl History {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            History::Packed(credits) => credits.len(),
            History::Wide(credits) => credits.len(),
            History::Settled(_) => self.credits().len(),
        }
    }

    /// The time of the last one; `None` if there is none, or it has none.
    #[inline]
    pub fn last_at(&self) -> Option<Time> {
        match self {
            History::Packed(credits) => unpack(*credits.last()?).0,
            History::Wide(credits) => credits.last()?.0,
            History::Settled(_) => self.unsettled_last()?.0,
        }
    }

    /// Takes the last one away.
    pub fn pop(&mut self) -> Option<Credit> {
        match self {
            History::Packed(credits) => credits.pop().map(unpack),
            History::Wide(credits) => credits.pop(),
            History::Settled(_) => self.unsettled().pop(),
        }
    }

    /// Adds one.
    #[inline]
    pub fn push(&mut self, credit: Credit) {
        match (&mut *self, pack(credit)) {
            (History::Packed(credits), Some(packed)) => push(credits, packed),
            (History::Wide(credits), _) => push(credits, credit),
            (History::Packed(_), None) => self.widen().push(credit),
            (History::Settled(_), _) => self.unsettled().push(credit),
        }
    }

    /// All of them.
    pub fn credits(&self) -> Vec<Credit> {
        match self {
            History::Packed(credits) => credits.iter().map(|packed| unpack(*packed)).collect(),
            History::Wide(credits) => credits.to_vec(),
            History::Settled(bytes) => {
                let mut from = Unpacker(bytes);
                let (unit, len) = (from.signed(), from.number());
                let mut at = 0;
                let next = || {
                    at += from.signed() * unit;
                    ((at != 0).then(|| Time::from_millis(at)), Counters { up: from.number(), down: from.number() })
                };
                std::iter::repeat_with(next).take(len).collect()
            }
        }
    }

    #[cold]
    fn widen(&mut self) -> &mut History {
        *self = History::Wide(self.credits().into());
        self
    }

    /// Takes more again.
    #[cold]
    fn unsettled(&mut self) -> &mut History {
        *self = self.credits().into();
        self
    }

    #[cold]
    fn unsettled_last(&self) -> Option<Credit> {
        self.credits().pop()
    }

    /// Packs them as tightly as may be, since no more will come: most of a large log's users are told of in a table or not at all.
    pub fn settle(&mut self) {
        let History::Packed(credits) = self else { return };
        let times = || credits.iter().map(|packed| (*packed >> (2 * BYTES)) as i64);
        let unit = if times().all(|at| at % 1000 == 0) { 1000 } else { 1 };
        // In one piece, and as large as it must be.
        let mut bytes = Vec::with_capacity(4 + 16 * credits.len());
        let mut to = Packer(&mut bytes);
        to.signed(unit);
        to.number(credits.len());
        let mut before = 0;
        for (packed, at) in credits.iter().zip(times()) {
            let (_, credit) = unpack(*packed);
            // The compiler divides by a constant in a few operations.
            to.signed(if unit == 1 { at - before } else { (at - before) / 1000 });
            [credit.up, credit.down].into_iter().for_each(|bytes| to.number(bytes));
            before = at;
        }
        *self = History::Settled(bytes.into());
    }

    /// Has the cache fetch its end.
    #[inline]
    pub fn fetch_end(&self) {
        match self {
            History::Packed(credits) => prefetch_index(credits, credits.len()),
            History::Wide(credits) => prefetch_index(credits.as_slice(), credits.len()),
            History::Settled(_) => {}
        }
    }
}

/// Adds an item. Most lists stay short: none gets twice the room that it needs.
#[inline]
fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 4).max(32));
    }
    list.push(item);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn credits_come_back_as_they_were(credits: Vec<(Option<i64>, u64, u64)>, fit: bool, popped in 0..4usize) {
            let shift = if fit { 64 - BYTES } else { 0 };
            let credits: Vec<Credit> = credits.into_iter().map(|(at, up, down)| {
                let at = at.map(|ms| Time::from_millis(if fit { ms & ((1 << TIME) - 1) } else { ms }));
                (at, Counters { up: up >> shift, down: down >> shift })
            }).collect();
            let mut history = History::default();
            for credit in &credits {
                history.push(*credit);
                prop_assert_eq!(history.last_at(), credit.0);
                for _ in 0..popped {
                    prop_assert_eq!(history.pop(), Some(*credit));
                    history.push(*credit);
                }
            }
            prop_assert_eq!(history.len(), credits.len());
            prop_assert_eq!(history.credits(), credits.clone());
            let mut settled = history.clone();
            settled.settle();
            prop_assert!(!fit || matches!(settled, History::Settled(_)));
            prop_assert_eq!((settled.credits(), settled.len()), (credits.clone(), credits.len()));
            // Whatever comes nevertheless is taken.
            let more = (Some(Time::from_millis(5)), Counters::ZERO);
            settled.push(more);
            prop_assert_eq!((settled.last_at(), settled.pop()), (more.0, Some(more)));
            prop_assert_eq!(settled.credits(), credits.clone());
            prop_assert_eq!(History::from(credits.clone()).credits(), credits);
            prop_assert!(!fit || matches!(history, History::Packed(_)));
        }
    }
}
