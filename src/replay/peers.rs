//! All peers: those that are heard of, ready for their next announce, and the others, put aside.

use super::peer::Peer;
use super::shelf::{Item, Place, Shelf};
use crate::packed::Packs;
use crate::pieces::Pieces;
use crate::session::{Last, Phase, Session};
use std::ops::{Index, IndexMut};

/// The peers, by number.
///
/// Most of what a tracker's log tells of is over: in a generated week seven of ten peers have stopped, and others went without a word. Who
/// stopped, or was not heard of for long, is put aside as soon as there are many of them, and taken up again when he is heard of.
#[derive(Debug)]
pub struct Peers<K> {
    /// By number, the user and the torrent.
    whose: Vec<(u32, u32)>,
    /// By number, where in `live` it is; [`Peers::ASIDE`] if it is put aside.
    slots: Vec<u32>,
    /// By number, where it is put aside, or was before it was taken up.
    places: Vec<Place>,
    live: Pieces<Peer<K>>,
    /// Where in `live` nobody is.
    free: Vec<u32>,
    aside: Aside,
    /// With so many it is time to look who can be put aside.
    many: usize,
    shelf: Shelf<K>,
}

/// Which peers are put aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Aside {
    /// None, as long as there are fewer.
    pub from: usize,
    /// Besides those who stopped, those who were not heard of for so many milliseconds: they are not likely to be.
    pub after: i64,
    /// Of so many, those, too, who only began, if they are a quarter: on an open tracker most go on no longer than that.
    pub many: usize,
    /// Who was heard of for so many milliseconds, and not for as many since, only began.
    pub beginning: i64,
}

/// One in so many: see [`Aside::many`].
const BEGINNERS: usize = 4;

impl Default for Aside {
    /// Clients announce every half hour or so.
    fn default() -> Aside {
        Aside { from: 1 << 12, after: 3 * 3_600_000, many: 1 << 16, beginning: 5 * 60_000 }
    }
}

impl Aside {
    /// Whether a session was not heard of for so many milliseconds by `now`.
    fn is_silent(session: &Session, now: i64, after: i64) -> bool {
        session.last_at.is_some_and(|at| now.saturating_sub(at.millis()) > after)
    }

    fn only_began(&self, session: &Session, now: i64) -> bool {
        let times = session.first_at.zip(session.last_at);
        times.is_some_and(|(first, last)| last.since(first) < self.beginning)
            && Self::is_silent(session, now, self.beginning)
    }
}

impl<K: Packs + Default> Peers<K> {
    const ASIDE: u32 = u32::MAX;

    /// No peers yet.
    pub fn new(aside: Aside) -> Peers<K> {
        Peers {
            whose: Vec::new(),
            slots: Vec::new(),
            places: Vec::new(),
            live: Pieces::default(),
            free: Vec::new(),
            aside,
            many: aside.from,
            shelf: Shelf::default(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// The user and the torrent of a peer.
    pub fn whose(&self, peer: u32) -> (u32, u32) {
        self.whose[peer as usize]
    }

    /// Adds a peer whose session has not begun; `session` says whose it will be.
    pub fn push(&mut self, session: Session) {
        self.whose.push((session.user, session.torrent));
        self.places.push(Place::NONE);
        let slot = self.add(Peer::new(session));
        self.slots.push(slot);
    }

    fn add(&mut self, peer: Peer<K>) -> u32 {
        if let Some(free) = self.free.pop() {
            self.live[free as usize] = peer;
            return free;
        }
        self.live.push(peer);
        self.live.len() as u32 - 1
    }

    /// Where a peer is, ready for an announce, until it is put aside.
    #[inline]
    pub fn slot(&mut self, peer: u32) -> usize {
        let slot = self.slots[peer as usize];
        if slot == Self::ASIDE { self.take_up(peer) } else { slot as usize }
    }

    #[cold]
    fn take_up(&mut self, peer: u32) -> usize {
        let whose = &self.whose;
        let record = self.shelf.get(self.places[peer as usize], |peer| whose[peer as usize]);
        let session = record.session();
        let (last, kept) = (record.last(&session), record.kept);
        let slot = self.add(Peer { session, last: last.unwrap_or_default(), kept });
        self.slots[peer as usize] = slot;
        slot as usize
    }

    /// Puts the session of a peer aside, since another one follows.
    pub fn close(&mut self, slot: usize) {
        let Peer { session, kept, .. } = &self.live[slot];
        let before = std::mem::replace(&mut self.places[session.peer as usize], Place::NONE);
        self.shelf.put(&Item { session, last: None, kept }, before);
    }

    /// Puts those aside who are not likely to be heard of soon, if there are many. `now` is the time in the log, in milliseconds.
    /// `ended` is told of the session of each.
    pub fn tidy(&mut self, now: i64, mut ended: impl FnMut(&Session, &Last)) {
        let count = self.live.len() - self.free.len();
        if count < self.many {
            return;
        }
        let (mut over, mut beginners) = (Vec::new(), Vec::new());
        for slot in 0..self.live.len() {
            let Peer { session, .. } = &self.live[slot];
            if !self.live[slot].has_begun() {
                continue;
            }
            if session.state.phase == Phase::Stopped || Aside::is_silent(session, now, self.aside.after) {
                over.push(slot);
            } else if count >= self.aside.many && self.aside.only_began(session, now) {
                beginners.push(slot);
            }
        }
        if beginners.len() >= count / BEGINNERS {
            over.append(&mut beginners);
        }
        for slot in over {
            self.put_aside(slot, &mut ended);
            self.free.push(slot as u32);
        }
        let left = self.live.len() - self.free.len();
        self.many = self.aside.from.max(left + left / 4);
    }

    fn put_aside(&mut self, slot: usize, ended: &mut impl FnMut(&Session, &Last)) {
        let Peer { session, last, kept } = &mut self.live[slot];
        ended(session, last);
        let peer = session.peer as usize;
        self.places[peer] = self.shelf.put(&Item { session, last: Some(last), kept }, self.places[peer]);
        self.slots[peer] = Self::ASIDE;
        // Nobody is there now.
        session.clear();
    }

    /// Puts all of them aside, since nothing more will be heard. `ended` is told of the sessions of those who were not.
    pub fn into_shelf(mut self, mut ended: impl FnMut(&Session, &Last)) -> (Shelf<K>, Vec<(u32, u32)>) {
        for slot in 0..self.live.len() {
            if self.live[slot].has_begun() {
                self.put_aside(slot, &mut ended);
            }
            if slot + 1 == self.live.len() || Pieces::<Peer<K>>::piece_of(slot) != Pieces::<Peer<K>>::piece_of(slot + 1)
            {
                self.live.give_back(Pieces::<Peer<K>>::piece_of(slot));
            }
        }
        (self.shelf, self.whose)
    }
}

impl<K> Index<usize> for Peers<K> {
    type Output = Peer<K>;

    #[inline]
    fn index(&self, slot: usize) -> &Peer<K> {
        &self.live[slot]
    }
}

impl<K> IndexMut<usize> for Peers<K> {
    #[inline]
    fn index_mut(&mut self, slot: usize) -> &mut Peer<K> {
        &mut self.live[slot]
    }
}
