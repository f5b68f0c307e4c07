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
    /// All names, one after the other.
    text: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    seed: RandomState,
}

impl Default for Names {
    fn default() -> Self {
        let mut names =
            Names { table: HashTable::new(), text: Vec::new(), ends: Vec::new(), seed: RandomState::default() };
        names.number(b"");
        names
    }
}

impl Names {
    /// The number of a name, a new one if it is new.
    pub fn number(&mut self, name: &[u8]) -> u32 {
        let Names { table, text, ends, seed } = self;
        let known = |n: u32| of(text, ends, n);
        let entry = table.entry(seed.hash_one(name), |&n| known(n) == name, |&n| seed.hash_one(known(n)));
        match entry {
            hashbrown::hash_table::Entry::Occupied(known) => *known.get(),
            hashbrown::hash_table::Entry::Vacant(free) => {
                let number = ends.len() as u32;
                free.insert(number);
                text.extend_from_slice(name);
                ends.push(text.len());
                number
            }
        }
    }

    /// Takes others in. Returns their numbers here, by those that they had.
    pub fn merge(&mut self, others: Names) -> Vec<u32> {
        let count = others.ends.len() as u32;
        let Names { table, text, ends, seed } = self;
        table.reserve(others.ends.len(), |&n| seed.hash_one(of(text, ends, n)));
        (0..count).map(|n| self.number(others.name(n))).collect()
    }

    /// The name of a number.
    pub fn name(&self, number: u32) -> &[u8] {
        of(&self.text, &self.ends, number)
    }
}

fn of<'a>(text: &'a [u8], ends: &[usize], number: u32) -> &'a [u8] {
    let number = number as usize;
    let from = number.checked_sub(1).map_or(0, |before| ends[before]);
    &text[from..ends[number]]
}
