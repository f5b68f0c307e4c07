//! All peers: those that are heard of, ready for their next announce, and the others, put aside.

use super::listener::Listener;
use super::peer::Peer;
use super::shelf::{Item, Place, Shelf};
use crate::pieces::Pieces;
use crate::session::{Phase, Session};
use crate::strings::AHEAD;
use std::ops::{Index, IndexMut};

/// The peers, by number.
///
/// Most of what a tracker's log tells of is over: in a generated week seven of ten peers have stopped, and others went without a word. Who
/// stopped, or was not heard of for long, is put aside as soon as there are many of them, and taken up again when he is heard of.
#[derive(Debug)]
pub struct Peers<K> {
    /// By number, the user and the torrent.
    whose: Vec<(u32, u32)>,
    /// By number.
    spots: Vec<Spot>,
    /// By number: who was put aside and is not likely to be heard of again.
    gone: Vec<bool>,
    live: Pieces<Peer<K>>,
    /// By place in `live`: before that, counted in [`TICK`]s, there is no reason to put aside who is there. To look at every peer
    /// takes long: they lie far from each other.
    not_before: Vec<u32>,
    /// Where in `live` nobody is.
    free: Vec<u32>,
    aside: Aside,
    /// With so many it is time to look who can be put aside.
    many: usize,
    shelf: Shelf,
    /// Room for what the listener keeps of one of them.
    kept: Vec<u8>,
}

/// Where a peer is.
#[derive(Clone, Copy, Debug)]
struct Spot(u32);

enum At {
    /// There in `live`.
    Slot(usize),
    /// There on the shelf.
    Shelf(Place),
}

impl Spot {
    /// This bit says that it is on the shelf.
    const SHELF: u32 = 1 << 31;

    fn of(at: At) -> Spot {
        match at {
            At::Slot(slot) => Spot(slot as u32),
            At::Shelf(place) => Spot(place.number() | Self::SHELF),
        }
    }

    #[inline]
    fn at(self) -> At {
        match self.0 {
            slot if slot & Self::SHELF == 0 => At::Slot(slot as usize),
            place => At::Shelf(Place::numbered(place & !Self::SHELF)),
        }
    }
}

/// Which peers are put aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Aside {
    /// None, as long as there are fewer.
    pub from: usize,
    /// Besides those who stopped, those who were not heard of for so many milliseconds: they are not likely to be.
    pub after: i64,
    /// Of so many, those, too, who only began, if they are an eighth: on an open tracker most go on no longer than that.
    pub many: usize,
    /// Who announced so often at most...
    pub beginning: u32,
    /// ...and was not heard of for so many milliseconds since, only began.
    pub before_next: i64,
}

/// One in so many: see [`Aside::many`].
const BEGINNERS: usize = 8;

/// About a minute, in milliseconds.
const TICK: i64 = 1 << 16;

/// In which tick a moment is; those before 1970 are all in the first.
fn tick(millis: i64) -> u32 {
    u32::try_from(millis.div_euclid(TICK).max(0)).unwrap_or(u32::MAX)
}

impl Default for Aside {
    /// Clients announce every half hour or so.
    fn default() -> Aside {
        Aside { from: 1 << 12, after: 3 * 3_600_000, many: 5 << 14, beginning: 3, before_next: 5 * 60_000 }
    }
}

impl Aside {
    /// Whether a session was not heard of for so many milliseconds by `now`.
    fn is_silent(session: &Session, now: i64, after: i64) -> bool {
        session.last_at.is_some_and(|at| now.saturating_sub(at.millis()) > after)
    }

    /// Whether nothing more is expected of a session for long.
    fn is_over(&self, session: &Session, now: i64) -> bool {
        session.state.phase == Phase::Stopped || Self::is_silent(session, now, self.after)
    }

    fn only_began(&self, session: &Session, now: i64) -> bool {
        session.announces <= self.beginning && Self::is_silent(session, now, self.before_next)
    }

    /// In which tick a session may be silent for long enough, if nothing is heard of it.
    fn not_before(&self, session: &Session) -> u32 {
        let after = if session.announces <= self.beginning { self.before_next.min(self.after) } else { self.after };
        session.last_at.map_or(0, |at| tick(at.millis().saturating_add(after)))
    }
}

impl<K: Default> Peers<K> {
    /// No peers yet.
    pub fn new(aside: Aside) -> Peers<K> {
        Peers {
            whose: Vec::new(),
            spots: Vec::new(),
            gone: Vec::new(),
            live: Pieces::default(),
            not_before: Vec::new(),
            free: Vec::new(),
            aside,
            many: aside.from,
            shelf: Shelf::default(),
            kept: Vec::new(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.spots.len()
    }

    /// The user and the torrent of a peer.
    pub fn whose(&self, peer: u32) -> (u32, u32) {
        self.whose[peer as usize]
    }

    /// Whether a peer may well be heard of again.
    pub fn is_expected(&self, peer: u32) -> bool {
        !self.gone[peer as usize]
    }

    /// Adds a peer whose session has not begun; `session` says whose it will be.
    pub fn push(&mut self, session: Session) {
        self.whose.push((session.user, session.torrent));
        let slot = self.add(Peer::new(session));
        self.spots.push(Spot::of(At::Slot(slot)));
        self.gone.push(false);
    }

    fn add(&mut self, peer: Peer<K>) -> usize {
        if let Some(free) = self.free.pop() {
            self.live[free as usize] = peer;
            self.not_before[free as usize] = 0;
            return free as usize;
        }
        self.live.push(peer);
        self.not_before.push(0);
        self.live.len() - 1
    }

    /// Where a peer is, ready for an announce, until it is put aside.
    #[inline]
    pub fn slot(&mut self, peer: u32, listener: &mut impl Listener<Kept = K>) -> usize {
        match self.spots[peer as usize].at() {
            At::Slot(slot) => slot,
            At::Shelf(place) => self.take_up(peer, place, listener),
        }
    }

    #[cold]
    fn take_up(&mut self, peer: u32, place: Place, listener: &mut impl Listener<Kept = K>) -> usize {
        let whose = &self.whose;
        let record = self.shelf.get(place, |peer| whose[peer as usize]);
        let session = record.session();
        let (last, kept) = (record.last(&session), listener.take_up(record.kept));
        self.shelf.remove(place);
        let slot = self.add(Peer { session, last: last.unwrap_or_default(), kept });
        self.spots[peer as usize] = Spot::of(At::Slot(slot));
        self.gone[peer as usize] = false;
        slot
    }

    /// Notes that the session of the peer who is there began, or came to another phase: that may be a reason to put it aside.
    #[inline]
    pub fn note_turn(&mut self, slot: usize) {
        self.not_before[slot] = 0;
    }

    /// Puts the session of a peer aside, since another one follows.
    pub fn close(&mut self, slot: usize, listener: &mut impl Listener<Kept = K>) {
        self.shelve(slot, true, listener);
    }

    /// Puts what a peer's session is on the shelf; `over`: nothing will be held against it any more.
    fn shelve(&mut self, slot: usize, over: bool, listener: &mut impl Listener<Kept = K>) -> Place {
        let Peer { session, last, kept } = &mut self.live[slot];
        listener.ended(session, last);
        self.kept.clear();
        listener.put_aside(kept, &mut self.kept);
        self.shelf.put(&Item { session, last: (!over).then_some(last), kept: &self.kept })
    }

    /// Puts those aside who are not likely to be heard of soon, if there are many. `now` is the time in the log, in milliseconds.
    pub fn tidy(&mut self, now: i64, listener: &mut impl Listener<Kept = K>) {
        let count = self.live.len() - self.free.len();
        if count < self.many {
            return;
        }
        let (mut over, mut beginners) = (Vec::new(), Vec::new());
        let this_tick = tick(now);
        debug_assert!(
            self.live.iter().zip(&self.not_before).all(|(peer, not_before)| {
                let (session, aside) = (&peer.session, &self.aside);
                let may_be = aside.is_over(session, now) || aside.only_began(session, now);
                *not_before <= this_tick || !peer.has_begun() || !may_be
            }),
            "who can be put aside is looked at"
        );
        for (slot, not_before) in self.not_before.iter_mut().enumerate().filter(|(_, tick)| **tick <= this_tick) {
            let Peer { session, .. } = &self.live[slot];
            if !self.live[slot].has_begun() {
                continue;
            }
            if self.aside.is_over(session, now) {
                over.push(slot);
                // Of who only began more is expected.
                self.gone[session.peer as usize] = true;
            } else if count >= self.aside.many && self.aside.only_began(session, now) {
                beginners.push(slot);
            } else {
                *not_before = self.aside.not_before(session);
            }
        }
        if beginners.len() >= count / BEGINNERS {
            over.append(&mut beginners);
        }
        for (at, &slot) in over.iter().enumerate() {
            if let Some(ahead) = over.get(at + AHEAD) {
                listener.fetch(&self.live[*ahead].kept);
            }
            self.put_aside(slot, listener);
            // Nobody is there to be put aside.
            self.not_before[slot] = u32::MAX;
            self.free.push(slot as u32);
        }
        let spots = &mut self.spots;
        self.shelf.close_up(|peer, place| spots[peer as usize] = Spot::of(At::Shelf(place)));
        let left = self.live.len() - self.free.len();
        let more = self.aside.from.max(left + left / 8);
        // From there on others can be put aside, too.
        self.many = if left < self.aside.many { more.min(self.aside.many) } else { more };
    }

    fn put_aside(&mut self, slot: usize, listener: &mut impl Listener<Kept = K>) {
        let place = self.shelve(slot, false, listener);
        let Peer { session, .. } = &mut self.live[slot];
        self.spots[session.peer as usize] = Spot::of(At::Shelf(place));
        // Nobody is there now.
        session.clear();
    }

    /// Puts all of them aside, since nothing more will be heard.
    pub fn into_shelf(mut self, listener: &mut impl Listener<Kept = K>) -> (Shelf, Vec<(u32, u32)>) {
        self.shelf.part(self.live.iter().filter(|peer| peer.has_begun()).map(|peer| &peer.session));
        for slot in 0..self.live.len() {
            if let Some(ahead) = self.live.get(slot + AHEAD) {
                listener.fetch(&ahead.kept);
            }
            if self.live[slot].has_begun() {
                self.put_aside(slot, listener);
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
