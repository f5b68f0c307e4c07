//! Announces that wait for their turn.
//!
//! Lines come slightly out of order, so an announce waits until no earlier one of its peer can come. Nothing depends on the
//! order among different peers: so many announces are collected, sorted by peer, and go through the peers as these lie in
//! memory. The engine waits for memory more than for anything else, and longest where one place is far from the next.

use crate::announce::Event;
use crate::order::by_number;
use crate::session::{Counters, LineRef, Said, Session, order_within_a_moment};
use crate::time::Time;
use std::collections::{HashMap, VecDeque};

/// Lines come slightly out of order. A line this much older than the newest before it is still put in its place, in
/// milliseconds; an older one is taken as it comes.
const REORDER: i64 = 120_000;

/// An announce waiting for its turn.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Held {
    pub at: Option<Time>,
    /// When its turn is, in milliseconds: [`turn`].
    pub turn: i64,
    pub line: LineRef,
    pub counters: Counters,
    pub left: u64,
    pub peer: u32,
    pub address: u32,
    pub event: Event,
    pub refused: bool,
}

// A line of the cache.
const _: () = assert!(size_of::<Held>() == 64);

impl Held {
    /// What it says.
    #[inline]
    pub fn said(&self, same_address: bool) -> Said {
        Said { at: self.at, event: self.event, counters: self.counters, left: self.left, same_address }
    }

    /// Whether `other` may have come before or after it: the log tells no more than that both came then.
    fn is_as_early_as(&self, other: &Held) -> bool {
        self.turn == other.turn && self.at == other.at && self.at.is_some_and(|at| at.millis() == self.turn)
    }
}

/// When the turn is of an announce that comes while the latest time in the log is `newest`: at its own time, or, if it comes
/// too late to be put in its place, after all whose turn it is already. Without a time, the order of the lines is all there is.
#[inline]
pub fn turn(at: Option<Time>, newest: Option<Time>) -> i64 {
    let newest = newest.map_or(i64::MIN, Time::millis);
    at.map_or(newest, |at| at.millis().max(newest.saturating_sub(REORDER + 1)))
}

/// Those whose turn is earlier are due: none can come before them any more. Without times, all are.
#[inline]
pub fn limit(newest: Option<Time>) -> i64 {
    newest.map_or(i64::MAX, |newest| newest.millis().saturating_sub(REORDER))
}

/// Announces collected, in the order of their lines.
#[derive(Default, Debug)]
pub struct Collected {
    held: Vec<Held>,
    /// Those whose turn it is, by peer, and then in the order of their lines: the peer, and the place.
    due: Vec<(u32, u32)>,
}

impl Collected {
    /// Adds one.
    #[inline]
    pub fn push(&mut self, held: Held) {
        self.held.push(held);
    }

    /// Finds those whose turn is before `limit`, and puts them in the order of their peers.
    pub fn gather(&mut self, limit: i64) {
        let due = self.held.iter().zip(0..).filter(|(held, _)| held.turn < limit);
        self.due.extend(due.map(|(held, at)| (held.peer, at)));
        by_number(&mut self.due, |(peer, _)| *peer);
    }

    /// Those gathered: the peer, and the place among all that are held, which come second.
    pub fn due(&mut self) -> (&mut [(u32, u32)], &[Held]) {
        (&mut self.due, &self.held)
    }

    /// Drops those gathered, which were before `limit`.
    pub fn drop_due(&mut self, limit: i64) {
        self.due.clear();
        self.held.retain(|held| held.turn >= limit);
    }
}

/// Announces of the whole log, in the order of their turns.
#[derive(Default, Debug)]
pub struct LinedUp(VecDeque<Held>);

impl LinedUp {
    /// Adds one, behind those whose turn is not later.
    pub fn insert(&mut self, held: Held) {
        let place = self.0.iter().rposition(|other| other.turn <= held.turn).map_or(0, |before| before + 1);
        self.0.insert(place, held);
    }

    /// Those whose turn is next, if that is before `limit`; those of one peer side by side.
    pub fn next(&mut self, limit: i64) -> Option<VecDeque<Held>> {
        let first = self.0.front().filter(|first| first.turn < limit)?;
        let count = self.0.iter().take_while(|held| held.turn == first.turn).count();
        let mut next: VecDeque<Held> = self.0.drain(..count).collect();
        if count > 1 {
            let mut firsts: HashMap<u32, usize> = HashMap::new();
            next.iter().enumerate().for_each(|(at, held)| _ = firsts.entry(held.peer).or_insert(at));
            next.make_contiguous().sort_by_key(|held| firsts[&held.peer]);
        }
        Some(next)
    }
}

/// Takes the next of what waits, all of one peer: the first, or, of those of its moment, the one that fits what the session is
/// now.
pub fn take_next(waiting: &mut VecDeque<Held>, session: Option<&Session>) -> Option<Held> {
    /// Nobody sends more in one second; a flood is taken as it comes.
    const MOST: usize = 64;
    let first = waiting.front()?;
    let same = waiting.iter().take(MOST + 1).take_while(|held| held.is_as_early_as(first)).count();
    let state = session.map(|session| &session.state);
    let rank = |held: &Held| (!held.refused).then(|| order_within_a_moment(state, &held.said(true)));
    let best = (0..same).min_by_key(|&n| (rank(&waiting[n]), waiting[n].line)).filter(|_| (2..=MOST).contains(&same));
    waiting.remove(best.unwrap_or_default())
}
