//! One peer: a (user, info hash, peer id) with its present session.

use crate::session::{RefusedStart, Session};
use prefetch_index::prefetch_index;
use std::slice;

/// A peer. All that an announce needs lies side by side, in as few lines of the cache as hold it: memory is far away.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Peer<K> {
    /// What most peers do not have.
    rare: Option<Box<Rare>>,
    /// What the listener keeps of the present session.
    pub kept: K,
    /// The present session, if it has begun.
    pub session: Session,
}

#[derive(Default, Debug)]
struct Rare {
    /// The `started` that the server refused after the last announce that it took.
    refused_start: Option<RefusedStart>,
    /// The server refused an announce since the last one it took.
    refused: bool,
}

impl<K: Default> Peer<K> {
    /// A peer whose session has not begun; `session` says whose it will be.
    pub fn new(session: Session) -> Peer<K> {
        Peer { rare: None, session, kept: K::default() }
    }

    /// Has the cache fetch what every announce needs.
    #[inline]
    pub fn fetch(&self) {
        const LINE: usize = 64;
        // It begins with `rare`.
        for line in 0..size_of::<Self>() / LINE {
            prefetch_index(slice::from_ref(&self.rare), line * LINE / size_of_val(&self.rare));
        }
    }

    /// Whether there is a session.
    #[inline]
    pub fn has_begun(&self) -> bool {
        self.session.announces > 0
    }

    /// The `started` that the server refused after the last announce that it took.
    #[inline]
    pub fn refused_start(&self) -> Option<RefusedStart> {
        self.rare.as_ref().and_then(|rare| rare.refused_start)
    }

    /// Notes that the server refused an announce, and which `started` it was, if it was the first one.
    pub fn note_refused(&mut self, start: Option<RefusedStart>) {
        let rare = self.rare.get_or_insert_default();
        rare.refused = true;
        rare.refused_start = rare.refused_start.or(start);
    }

    /// Notes that the server took an announce, which ends what a refused `started` began unless it is only a copy. Returns
    /// whether it had refused any since the last one.
    #[inline]
    pub fn note_delivered(&mut self, ends: bool) -> bool {
        let Some(rare) = &mut self.rare else { return false };
        rare.refused_start = rare.refused_start.filter(|_| !ends);
        std::mem::take(&mut rare.refused)
    }
}
