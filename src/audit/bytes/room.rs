//! What the trusted leave in a swarm for the others, and what one user claims beside them.

use super::flow::Sweep;
use super::looked::{Claim, Looked};
use super::merged::{Merged, Sent, Sums};
use super::odds::Cell;
use super::swarm::{Secret, Unsorted};
use super::{Book, GRANULE, NOISE};
use crate::time::Time;
use std::cell::OnceCell;

/// A swarm that somebody is tried in: its windows, and what is sent in them.
pub struct Tried<'a> {
    book: &'a Book<'a>,
    /// Which swarm.
    place: usize,
    first_peer: Option<Time>,
    pub merged: &'a Merged,
    /// By those who are trusted.
    pub trusted: Sums,
}

impl<'a> Tried<'a> {
    /// The swarm at a place of the book; what is sent in its merged windows is what the trusted sent.
    pub fn new(book: &'a Book<'a>, place: usize, merged: &'a Merged) -> Tried<'a> {
        let first_peer = book.sources.first_peer(book.swarms[place]);
        Tried { book, place, first_peer, merged, trusted: merged.sums() }
    }

    /// What a user sent, by the places of the merged windows: few are asked for, so that is made again.
    pub fn sent(&self, user: u32) -> Vec<Sent> {
        let all = self.book.swarms[self.place];
        let begin = all.partition_point(|key| key.0 < user);
        let len = all[begin..].iter().take_while(|key| key.0 == user).count();
        let mut own = Unsorted::default();
        if len > 0 {
            self.book.sources.add_own(&all[begin..begin + len], self.book.size(self.place), self.first_peer, &mut own);
        }
        self.merged.sent(own)
    }

    /// Does not trust a user any more.
    pub fn distrust(&mut self, user: u32) {
        let own = self.sent(user);
        self.trusted.take_off(&own);
    }

    /// Trusts all but `suspects` instead of all but those who were suspected before.
    pub fn trust_others(&mut self, before: &[bool], suspects: &[bool]) {
        for user in self.book.swarms[self.place].chunk_by(|a, b| a.0 == b.0).map(|own| own[0].0) {
            match (before[user as usize], suspects[user as usize]) {
                (true, false) => {
                    let own = self.sent(user);
                    self.trusted.add(&own);
                }
                (false, true) => self.distrust(user),
                _ => {}
            }
        }
    }
}

/// What the trusted leave in a swarm.
pub struct Room<'a> {
    tried: Tried<'a>,
    secret: Secret<'a>,
    plain: Served,
    /// Once somebody asked.
    proved: OnceCell<Served>,
}

/// What the trusted send and receive, without or with secret receivers. In granules.
struct Served {
    /// What can be received, by the places of the windows.
    received: Vec<u32>,
    /// What of the claims of the trusted finds no receiver.
    excess: u64,
    /// What can still be received then.
    left: Vec<u32>,
}

impl Served {
    fn new(tried: &Tried<'_>, secret: Secret<'_>, sweep: &mut Sweep) -> Served {
        let windows = &tried.merged.windows;
        let received = windows.received(secret);
        let excess = windows.excess(sweep, tried.trusted.amounts(), &received);
        let left = sweep.left();
        Served { received, excess, left }
    }
}

impl<'a> Room<'a> {
    /// In a swarm, with those receivers in secret.
    pub fn new(tried: Tried<'a>, secret: Secret<'a>, sweep: &mut Sweep) -> Room<'a> {
        let plain = Served::new(&tried, Secret::None, sweep);
        Room { tried, secret, plain, proved: OnceCell::new() }
    }

    /// What of the claims of the trusted finds no receiver, in granules.
    pub fn excess(&self) -> u64 {
        self.plain.excess
    }

    fn proved(&self, sweep: &mut Sweep) -> &Served {
        self.proved.get_or_init(|| Served::new(&self.tried, self.secret, sweep))
    }

    /// What a suspect claims beside the trusted.
    pub fn beside(&self, swarm: &Looked, claim: &Claim, sweep: &mut Sweep) -> Cell {
        let own = self.tried.sent(claim.user);
        let excess = self.more(claim.user, &own, &self.plain, sweep);
        let proved = if excess == 0 { 0 } else { self.more(claim.user, &own, self.proved(sweep), sweep) };
        Cell { excess, proved, before: self.plain.excess, ..Cell::quiet(claim.up, swarm.claimed) }
    }

    /// What one of the trusted claims beside the others.
    pub fn among(&self, swarm: &Looked, claim: &Claim, sweep: &mut Sweep) -> Cell {
        let without = |served: &Served, sweep: &mut Sweep| match served.excess {
            0 => 0,
            _ => {
                let others = self.tried.trusted.without(&self.tried.sent(claim.user));
                self.tried.merged.windows.excess(sweep, &others, &served.received)
            }
        };
        let before = without(&self.plain, sweep);
        let excess = self.plain.excess.saturating_sub(before);
        let proved = match excess {
            0 => 0,
            _ => {
                let proved = self.proved(sweep);
                proved.excess.saturating_sub(without(proved, sweep))
            }
        };
        Cell { excess, proved, before, ..Cell::quiet(claim.up, swarm.claimed) }
    }

    /// How much more has no receiver if a suspect is trusted, who sent that; in granules.
    fn more(&self, user: u32, own: &[Sent], served: &Served, sweep: &mut Sweep) -> u64 {
        let merged = self.tried.merged;
        // At most, as the trusted are served now: with their bytes served in another way it may be less.
        let receivers = &merged.windows.receivers;
        let most = sweep.unserved_alone(&merged.side(user, own), (receivers, &served.left));
        if most < NOISE / GRANULE / 4 {
            return 0;
        }
        let sent = self.tried.trusted.with(own);
        merged.windows.excess(sweep, &sent, &served.received).saturating_sub(served.excess)
    }
}
