//! Addresses by the hash of their spelling.

use hashbrown::HashTable;
use prefetch_index::prefetch_index;

/// The addresses that announces came from, in order of appearance.
#[derive(Default, Debug)]
pub struct Addresses {
    /// By hash, where they are in the list.
    table: HashTable<u32>,
    /// The hash of each, and its name by number.
    list: Vec<(u64, u32)>,
}

impl Addresses {
    /// The name of the address at a place of the list, by number, if it has that hash.
    #[inline]
    pub fn name(&self, at: u32, hash: u64) -> Option<u32> {
        self.list.get(at as usize).filter(|known| known.0 == hash).map(|known| known.1)
    }

    /// Has the cache fetch the address at a place of the list.
    #[inline]
    pub fn fetch(&self, at: u32) {
        prefetch_index(&self.list, at as usize);
    }

    /// The place of the address with a hash, and its name; `name` gives it one if it is new.
    pub fn find(&mut self, hash: u64, name: impl FnOnce() -> u32) -> (u32, u32) {
        let list = &mut self.list;
        let entry = self.table.entry(hash, |&at| list[at as usize].0 == hash, |&at| list[at as usize].0);
        let at = *entry.or_insert_with(|| list.len() as u32).get();
        if at as usize == list.len() {
            list.push((hash, name()));
        }
        (at, list[at as usize].1)
    }
}
