//! What lies scattered over shelves, put in order, while their pieces go back one by one: there is too much of it to hold it twice.

use super::shelf::Shelf;
use crate::share::shared;
use crate::strings::GROUP;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Shelves, and how much of each of their pieces is not read yet.
#[derive(Debug)]
pub struct Gather {
    shelves: Vec<Shelf>,
    unread: Vec<Vec<AtomicUsize>>,
}

/// So many groups are gathered before memory is given back.
const GROUPS: usize = 64;

impl Gather {
    /// From these shelves.
    pub fn new(shelves: Vec<Shelf>) -> Gather {
        let in_use = |shelf: &Shelf| shelf.in_use().into_iter().map(AtomicUsize::new).collect();
        Gather { unread: shelves.iter().map(in_use).collect(), shelves }
    }

    /// One of the shelves.
    pub fn shelf(&self, number: usize) -> &Shelf {
        &self.shelves[number]
    }

    /// Notes that something in a piece was read.
    pub fn note_read(&self, shelf: usize, piece: usize) {
        self.unread[shelf][piece].fetch_sub(1, Ordering::Relaxed);
    }

    /// Does `group` for so many things, in groups and on so many threads; `done` is given what comes out, in order. What is near
    /// each other on the shelves should be near each other in the new order, too.
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
            for (shelf, unread) in self.shelves.iter_mut().zip(&mut self.unread) {
                let read = unread.iter_mut().map(|left| *left.get_mut() == 0);
                read.enumerate().filter(|(_, read)| *read).for_each(|(piece, _)| shelf.give_back(piece));
            }
        }
    }
}
