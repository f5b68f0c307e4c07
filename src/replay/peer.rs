//! One peer: a (user, info hash, peer id) with its present session, and the announces of it that wait for their turn.

use super::record::Hashes;
use crate::announce::Event;
use crate::session::{Counters, LineRef, RefusedStart, Said, Session, order_within_a_moment};
use crate::time::Time;
use prefetch_index::prefetch_index;
use std::collections::VecDeque;

/// An announce waiting for its turn.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    pub at: Option<Time>,
    pub line: LineRef,
    pub counters: Counters,
    pub left: u64,
    pub address: u32,
    pub event: Event,
    pub refused: bool,
}

impl Held {
    /// What it says.
    #[inline]
    pub fn said(&self, same_address: bool) -> Said {
        Said { at: self.at, event: self.event, counters: self.counters, left: self.left, same_address }
    }
}

/// A peer. All that an announce needs lies side by side: memory is far away.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Peer {
    /// The two addresses last used, the last one first: a dual-stack client announces from both by turns.
    addr_hashes: [u64; 2],
    /// The first announce that waits.
    waiting: Option<Held>,
    addresses: [u32; 2],
    /// What most peers do not have.
    rare: Option<Box<Rare>>,
    /// The present session, if it has begun.
    pub session: Session,
}

// As many lines of the cache as it must take, and no more.
const _: () = assert!(size_of::<Peer>() == 320);

#[derive(Default, Debug)]
struct Rare {
    /// Further announces that wait, in the order of their times.
    waiting: VecDeque<Held>,
    /// The `started` that the server refused after the last announce that it took.
    refused_start: Option<RefusedStart>,
    /// The server refused an announce since the last one it took.
    refused: bool,
}

impl Peer {
    /// A peer whose session has not begun; `session` says whose it will be.
    pub fn new(hashes: &Hashes, address: u32, session: Session) -> Peer {
        Peer { addr_hashes: [hashes.addr; 2], addresses: [address; 2], waiting: None, rare: None, session }
    }

    /// Has the cache fetch all of it.
    #[inline]
    pub fn fetch(&self) {
        const LINE: usize = 64;
        for line in 0..size_of::<Peer>() / LINE {
            prefetch_index(self.addr_hashes.as_slice(), line * LINE / size_of::<u64>());
        }
    }

    /// Whether there is a session.
    #[inline]
    pub fn has_begun(&self) -> bool {
        self.session.announces > 0
    }

    /// The number of the address that it announces from now; `number` is asked only for one not used lately.
    #[inline]
    pub fn address(&mut self, hashes: &Hashes, number: impl FnOnce() -> u32) -> u32 {
        if self.addr_hashes[0] != hashes.addr {
            self.addr_hashes.swap(0, 1);
            self.addresses.swap(0, 1);
            if self.addr_hashes[0] != hashes.addr {
                self.addr_hashes[0] = hashes.addr;
                self.addresses[0] = number();
            }
        }
        self.addresses[0]
    }

    /// Lets an announce wait.
    #[inline]
    pub fn hold(&mut self, held: Held) {
        let Some(first) = &mut self.waiting else {
            self.waiting = Some(held);
            return;
        };
        let mut held = held;
        if held.at < first.at {
            std::mem::swap(first, &mut held);
        }
        let later = &mut self.rare.get_or_insert_default().waiting;
        let place = later.iter().rposition(|other| other.at <= held.at).map_or(0, |before| before + 1);
        later.insert(place, held);
    }

    /// The next announce whose turn it is: older than `limit`, if there is one.
    #[inline]
    pub fn next(&mut self, limit: Option<Time>) -> Option<Held> {
        let first = self.waiting.filter(|first| limit.is_none_or(|limit| first.at < Some(limit)))?;
        let session = self.has_begun().then_some(&self.session);
        match &mut self.rare {
            Some(rare) if !rare.waiting.is_empty() => {
                let (next, following) = next_of_moment(first, &mut rare.waiting, session);
                self.waiting = following;
                Some(next)
            }
            _ => self.waiting.take(),
        }
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

/// Of the announces of one moment, the one whose turn it is; and what then waits first. `first` and all of `later` are in
/// the order of their times.
fn next_of_moment(first: Held, later: &mut VecDeque<Held>, session: Option<&Session>) -> (Held, Option<Held>) {
    /// Nobody sends more in one second; a flood is taken as it comes.
    const MOST: usize = 64;
    let same = later.iter().take(MOST).take_while(|held| held.at == first.at).count();
    let state = session.map(|session| &session.state);
    let rank = |held: &Held| (!held.refused).then(|| order_within_a_moment(state, &held.said(true)));
    let best = (0..same).min_by_key(|&n| (rank(&later[n]), later[n].line));
    match best {
        Some(n) if same < MOST && (rank(&later[n]), later[n].line) < (rank(&first), first.line) => {
            (later.remove(n).unwrap_or(first), Some(first))
        }
        _ => (first, later.pop_front()),
    }
}
