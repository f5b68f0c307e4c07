//! What was credited when: most of what is kept of a user.

use crate::chains::{Chain, Chains, TWO_LINES};
use crate::packed::{Packer, Unpacker};
use crate::session::Counters;
use crate::time::Time;

/// What was credited, and when.
pub type Credit = (Option<Time>, Counters);

/// What was credited to many accounts, packed.
#[derive(Clone, Default, Debug)]
pub struct Histories {
    /// A user's are read whole again and again, and each chunk is waited for: so there should be few.
    chains: Chains<TWO_LINES>,
    /// Room to pack in.
    packed: Vec<u8>,
}

/// Credits in the order in which they came: in some eight bytes each, but for the last one, which may yet change.
#[derive(Clone, Copy, Default, Debug)]
pub struct History {
    /// Those before the last one.
    packed: Chain,
    last: Last,
}

/// The last credit, as it is.
#[derive(Clone, Copy, Default, Debug)]
struct Last {
    /// How many there are, with this one.
    count: u64,
    /// The time of the one before, in milliseconds; 0 if there is none, or it has none.
    before: i64,
    /// Its own time.
    at: i64,
    credit: Counters,
}

impl Last {
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
    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.last.count as usize
    }

    /// The last one; `None` if there is none.
    #[inline]
    pub fn last(&self) -> Option<Credit> {
        (self.last.count > 0).then(|| self.last.credit())
    }

    /// Makes the last one another.
    #[inline]
    pub fn amend_last(&mut self, (at, credit): Credit) {
        (self.last.at, self.last.credit) = (at.map_or(0, Time::millis), credit);
    }

    /// Adds one.
    #[inline]
    pub fn push(&mut self, (at, credit): Credit, all: &mut Histories) {
        if self.last.count > 0 {
            all.packed.clear();
            self.last.pack(&mut Packer(&mut all.packed));
            all.chains.push(&mut self.packed, &all.packed);
        }
        let Last { count, at: before, .. } = self.last;
        self.last = Last { count: count + 1, before, at: at.map_or(0, Time::millis), credit };
    }

    /// All of them.
    pub fn credits(&self, all: &Histories) -> Vec<Credit> {
        let mut bytes = Vec::new();
        all.chains.read(self.packed, &mut bytes);
        let mut credits = Vec::with_capacity(self.len());
        let (mut from, mut packed) = (Unpacker(&bytes), Last::default());
        while !from.0.is_empty() {
            packed = packed.unpack_next(&mut from);
            credits.push(packed.credit());
        }
        credits.extend(self.last());
        credits
    }

    /// Takes others instead, which are fewer.
    pub fn set(&mut self, credits: &[Credit], all: &mut Histories) {
        all.chains.clear(&mut self.packed);
        self.last = Last::default();
        credits.iter().for_each(|credit| self.push(*credit, all));
    }

    /// Has the cache fetch its end.
    #[inline]
    pub fn fetch_end(&self, all: &Histories) {
        all.chains.fetch(self.packed);
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
            let (mut history, mut all) = (History::default(), Histories::default());
            for credit in &credits {
                history.push(*credit, &mut all);
                prop_assert_eq!(history.last(), Some(*credit));
                for _ in 0..amended {
                    history.amend_last((None, Counters::ZERO));
                    prop_assert_eq!(history.last(), Some((None, Counters::ZERO)));
                    history.amend_last(*credit);
                }
            }
            if set {
                history.set(&credits, &mut all);
            }
            prop_assert_eq!(history.len(), credits.len());
            prop_assert_eq!(history.credits(&all), credits);
        }
    }
}
