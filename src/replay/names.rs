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
    /// Where each ends, less whole multiples of 4 GiB.
    ends: Vec<u32>,
    /// The first one that ends beyond each of those.
    beyond: Vec<u32>,
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
                texts.add(name);
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
        let from = number.checked_sub(1).map_or(0, |before| self.end(before));
        &self.text[from..self.end(number)]
    }

    fn add(&mut self, name: &[u8]) {
        self.text.extend_from_slice(name);
        if self.text.len() >> 32 > self.beyond.len() {
            self.beyond.push(self.ends.len() as u32);
        }
        self.ends.push(self.text.len() as u32);
    }

    fn end(&self, number: u32) -> usize {
        let beyond = self.beyond.partition_point(|first| *first <= number);
        beyond << 32 | self.ends[number as usize] as usize
    }
}
