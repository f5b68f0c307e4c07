//! Many byte strings that do not change any more.

use prefetch_index::prefetch_index;

/// What is needed so many things later is fetched.
pub(crate) const AHEAD: usize = 8;
/// So many strings lie side by side.
pub(crate) const GROUP: usize = 256;

/// Byte strings by number: those of a group lie side by side.
#[derive(Clone, Default, Debug)]
pub struct Strings {
    groups: Vec<Vec<u8>>,
    /// Where each ends in its group.
    ends: Vec<u32>,
}

/// The strings of a group, and where each ends.
#[derive(Debug)]
pub struct Group {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Default for Group {
    /// An empty one, with room for most.
    fn default() -> Group {
        Group { bytes: Vec::with_capacity(GROUP * 64), ends: Vec::with_capacity(GROUP) }
    }
}

impl Group {
    /// Adds a string, which `write` adds to the bytes.
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len() as u32);
    }

    /// Says that this is all of it: it takes no more room than that, for there are as many strings as sessions. To shrink what there is
    /// would leave holes.
    pub fn end(self) -> Group {
        let mut bytes = Vec::with_capacity(self.bytes.len() + Strings::BEYOND);
        bytes.extend_from_slice(&self.bytes);
        bytes.extend([0; Strings::BEYOND]);
        Group { bytes, ..self }
    }
}

impl Strings {
    /// So many bytes behind a string may be read: words may go beyond its end.
    pub const BEYOND: usize = size_of::<u64>();

    /// None yet, and room for so many.
    pub fn with_capacity(strings: usize) -> Strings {
        Strings { groups: Vec::with_capacity(strings.div_ceil(GROUP)), ends: Vec::with_capacity(strings) }
    }

    /// Adds a group that has ended, which is a whole one unless it is the last.
    pub fn add(&mut self, group: Group) {
        self.groups.push(group.bytes);
        self.ends.extend(group.ends);
    }

    #[inline]
    fn begin(&self, number: usize) -> usize {
        if number.is_multiple_of(GROUP) { 0 } else { self.ends[number - 1] as usize }
    }

    /// The string with a number, and what follows; and how long it is.
    #[inline]
    pub fn get(&self, number: usize) -> (&[u8], usize) {
        let begin = self.begin(number);
        (&self.groups[number / GROUP][begin..], self.ends[number] as usize - begin)
    }

    /// Has the cache fetch the beginning of one.
    #[inline]
    pub fn fetch(&self, number: usize) {
        let begin = self.begin(number);
        for line in [0, 64, 128] {
            prefetch_index(&self.groups[number / GROUP], begin + line);
        }
    }
}
