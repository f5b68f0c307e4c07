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
    names: Vec<Box<[u8]>>,
    seed: RandomState,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Names { table: HashTable::new(), names: Vec::new(), seed: RandomState::default() };
        names.number(b"");
        names
    }
}

impl Names {
    /// The number of a name, a new one if it is new.
    pub fn number(&mut self, name: &[u8]) -> u32 {
        let hash = self.seed.hash_one(name);
        let names = &mut self.names;
        let entry =
            self.table.entry(hash, |&n| *names[n as usize] == *name, |&n| self.seed.hash_one(&*names[n as usize]));
        match entry {
            hashbrown::hash_table::Entry::Occupied(known) => *known.get(),
            hashbrown::hash_table::Entry::Vacant(free) => {
                let number = names.len() as u32;
                free.insert(number);
                names.push(name.into());
                number
            }
        }
    }

    /// How many there are.
    #[allow(clippy::len_without_is_empty)] // The empty string is always there.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// The name of a number.
    pub fn name(&self, number: u32) -> &[u8] {
        &self.names[number as usize]
    }
}
