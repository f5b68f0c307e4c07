//! One peer: a (user, info hash, peer id) with its present session.

use crate::session::{Last, Session};
use prefetch_index::prefetch_index;
use std::slice;

/// A peer. All that an announce needs lies side by side, in as few lines of the cache as hold it: memory is far away.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Peer<K> {
    /// The present session, if it has begun.
    pub session: Session,
    /// What its last announce said.
    pub last: Last,
    /// What the listener keeps of it.
    pub kept: K,
}

impl<K: Default> Peer<K> {
    /// A peer whose session has not begun; `session` says whose it will be.
    pub fn new(session: Session) -> Peer<K> {
        Peer { session, last: Last::default(), kept: K::default() }
    }

    /// Has the cache fetch what every announce needs.
    #[inline]
    pub fn fetch(&self) {
        const LINE: usize = 64;
        // It begins with that.
        let first = &self.session.first_at;
        for line in 0..size_of::<Self>() / LINE {
            prefetch_index(slice::from_ref(first), line * LINE / size_of_val(first));
        }
    }

    /// Whether there is a session.
    #[inline]
    pub fn has_begun(&self) -> bool {
        self.session.announces > 0
    }
}
