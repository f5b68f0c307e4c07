//! What lies scattered over large pieces of memory, put in order, while the pieces go back one by one: there is too much of it to
//! hold it twice.

use crate::share::shared;
use prefetch_index::prefetch_index;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is to be gathered from.
pub trait Scattered {
    /// How many things there are to be read in each piece.
    fn in_use(&self) -> Vec<usize>;

    /// Gives back the memory of a piece, of which all has been read.
    fn give_back(&mut self, piece: usize);
}

/// Sources, and how much of each of their pieces is not read yet.
#[derive(Debug)]
pub struct Gather<S> {
    sources: Vec<S>,
    unread: Vec<Vec<AtomicUsize>>,
}

/// What is needed so many things later is fetched.
pub const AHEAD: usize = 8;
/// Things are put in order in groups of so many.
const GROUP: usize = 256;
/// So many groups are gathered before memory is given back.
const GROUPS: usize = 64;

impl<S: Scattered + Sync> Gather<S> {
    /// From these sources.
    pub fn new(sources: Vec<S>) -> Gather<S> {
        let in_use = |source: &S| source.in_use().into_iter().map(AtomicUsize::new).collect();
        Gather { unread: sources.iter().map(in_use).collect(), sources }
    }

    /// One of the sources.
    pub fn source(&self, number: usize) -> &S {
        &self.sources[number]
    }

    /// Notes that something in a piece was read.
    pub fn note_read(&self, source: usize, piece: usize) {
        self.unread[source][piece].fetch_sub(1, Ordering::Relaxed);
    }

    /// Does `group` for so many things, in groups and on so many threads; `done` is given what comes out, in order. What is near
    /// each other in the sources should be near each other in the new order, too.
    pub fn all<T: Send>(
        mut self,
        len: usize,
        threads: usize,
        group: impl Fn(&Self, Range<usize>) -> T + Sync,
        mut done: impl FnMut(T),
    ) {
        let count = len.div_ceil(GROUP);
        for next in (0..count).step_by(GROUPS) {
            let this = &self;
            let one = |number: usize| {
                let begin = (next + number) * GROUP;
                group(this, begin..len.min(begin + GROUP))
            };
            shared(GROUPS.min(count - next), threads, |range| range.map(one).collect()).into_iter().for_each(&mut done);
            for (source, unread) in self.sources.iter_mut().zip(&mut self.unread) {
                let read = unread.iter_mut().map(|left| *left.get_mut() == 0);
                read.enumerate().filter(|(_, read)| *read).for_each(|(piece, _)| source.give_back(piece));
            }
        }
    }
}

/// Byte strings by number: those of a group lie side by side.
#[derive(Clone, Default, Debug)]
pub struct Strings {
    groups: Vec<Vec<u8>>,
    /// Where each ends in its group.
    ends: Vec<u32>,
}

/// The strings of a group, and where each ends.
#[derive(Default)]
pub struct Group {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Group {
    /// Adds a string, which `write` adds to the bytes.
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len() as u32);
    }
}

impl Strings {
    /// So many bytes behind a string may be read: words may go beyond its end.
    pub const BEYOND: usize = size_of::<u64>();

    /// None yet, and room for so many.
    pub fn with_capacity(strings: usize) -> Strings {
        Strings { groups: Vec::with_capacity(strings.div_ceil(GROUP)), ends: Vec::with_capacity(strings) }
    }

    /// Adds a group, which is a whole one unless it is the last.
    pub fn add(&mut self, group: Group) {
        // No more room than that: there are as many as sessions.
        let mut bytes = Vec::with_capacity(group.bytes.len() + Self::BEYOND);
        bytes.extend_from_slice(&group.bytes);
        bytes.extend([0; Self::BEYOND]);
        self.groups.push(bytes);
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
        prefetch_index(&self.groups[number / GROUP], self.begin(number));
    }
}
