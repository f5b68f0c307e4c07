//! Numbers for byte strings: each is kept once.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Byte strings, numbered in order of appearance. Number 0 is the empty string.
///
/// The hash is seeded per process: whoever writes the log cannot choose collisions.
#[derive(Clone, Debug)]
pub struct Names {
    table: HashTable<u32>,
    texts: Texts,
    seed: RandomState,
}

/// Byte strings by number, of which none is added any more.
#[derive(Clone, Default, Debug)]
pub struct Texts {
    /// All of them, one after the other.
    text: Vec<u8>,
    /// Where each ends.
    ends: Ends,
}

/// Numbers that do not fall, in four bytes each.
#[derive(Clone, Default, Debug)]
struct Ends {
    /// Their lower halves.
    low: Vec<u32>,
    /// The first one with each upper half but 0.
    high: Vec<u32>,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Names { table: HashTable::new(), texts: Texts::default(), seed: RandomState::default() };
        names.number(b"");
        names
    }
}

impl Names {
    /// The number of a name, a new one if it is new.
    pub fn number(&mut self, name: &[u8]) -> u32 {
        let Names { table, texts, seed } = self;
        let known = |n: u32| texts.name(n);
        let entry = table.entry(seed.hash_one(name), |&n| known(n) == name, |&n| seed.hash_one(known(n)));
        match entry {
            hashbrown::hash_table::Entry::Occupied(known) => *known.get(),
            hashbrown::hash_table::Entry::Vacant(free) => {
                let number = texts.ends.len() as u32;
                free.insert(number);
                texts.text.extend_from_slice(name);
                texts.ends.push(texts.text.len() as u64);
                number
            }
        }
    }

    /// Takes others in. Returns their numbers here, by those that they had.
    pub fn merge(&mut self, others: Names) -> Vec<u32> {
        let (Names { table, texts, seed }, others) = (&mut *self, others.into_texts());
        table.reserve(others.ends.len(), |&n| seed.hash_one(texts.name(n)));
        (0..others.ends.len() as u32).map(|n| self.number(others.name(n))).collect()
    }

    /// All of them.
    pub fn into_texts(self) -> Texts {
        self.texts
    }
}

impl Texts {
    /// The one with that number.
    pub fn name(&self, number: u32) -> &[u8] {
        let from = number.checked_sub(1).map_or(0, |before| self.ends.get(before));
        &self.text[from as usize..self.ends.get(number) as usize]
    }
}

impl Ends {
    fn len(&self) -> usize {
        self.low.len()
    }

    fn push(&mut self, end: u64) {
        while end >> 32 > self.high.len() as u64 {
            self.high.push(self.low.len() as u32);
        }
        self.low.push(end as u32);
    }

    fn get(&self, number: u32) -> u64 {
        let high = self.high.partition_point(|first| *first <= number) as u64;
        high << 32 | u64::from(self.low[number as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ends_come_back_however_far_they_are(steps in prop::collection::vec((any::<u64>(), 28..64u32), 0..60)) {
            let mut ends = Ends::default();
            let mut end = 0u64;
            let all: Vec<u64> = steps.into_iter().map(|(step, shift)| {
                end += step >> shift;
                end
            }).collect();
            all.iter().for_each(|end| ends.push(*end));
            prop_assert_eq!((0..ends.len() as u32).map(|n| ends.get(n)).collect::<Vec<_>>(), all);
        }
    }

    #[test]
    fn a_name_has_one_number() {
        let mut names = Names::default();
        let own: Vec<u32> = [&b"a"[..], b"", b"bc", b"a"].map(|name| names.number(name)).to_vec();
        assert_eq!(own, [1, 0, 2, 1]);
        let mut others = Names::default();
        [&b"d"[..], b"bc"].iter().for_each(|name| assert!(others.number(name) > 0));
        assert_eq!(names.merge(others), [0, 3, 2]);
        let texts = names.into_texts();
        assert_eq!([0, 1, 2, 3].map(|number| texts.name(number)), [&b""[..], b"a", b"bc", b"d"]);
    }
}
