//! The engine: drives announces in order through their sessions, and tells whoever listens what happened.

mod interval;
mod names;
mod story;

pub use interval::{IntervalFrom, Silences, timeout_of};
pub use names::Names;
pub use story::{Given, Part, Settings, Story, User};

use crate::account::{Account, Keep};
use crate::announce::{Announce, Event, InfoHash, PeerId};
use crate::session::{
    Completed, Counters, LineRef, Opening, Phase, Refused, Said, Session, State, Transition, advance, decide,
    order_within_a_moment,
};
use crate::time::Time;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::collections::VecDeque;
use std::hash::BuildHasher;

/// An announce on its way to the engine, still borrowing from its line.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// When the log says it came.
    pub at: Option<Time>,
    /// Where it stands.
    pub line: LineRef,
    /// From which address; empty if the line does not say.
    pub addr: &'a [u8],
    /// The server refused it.
    pub refused: bool,
    /// Who announces, as a number to look up by.
    pub user_hash: UserHash,
    /// What it says.
    pub announce: Announce<'a>,
}

/// A user's name (the passkey, or without one the address) as a seeded hash: which engine owns the user, and where to
/// look. Strangers choose passkeys, but cannot know the seed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct UserHash(u64);

impl UserHash {
    /// The hash of a user.
    #[inline]
    pub fn of(seed: &RandomState, passkey: Option<&[u8]>, addr: &[u8]) -> UserHash {
        UserHash(seed.hash_one((passkey.unwrap_or(addr), passkey.is_some())))
    }

    /// Which of so many engines owns the user.
    #[inline]
    pub fn shard(self, shards: usize) -> usize {
        // The upper bits: the lower ones choose a place in the engine's own table.
        ((u128::from(self.0) * shards as u128) >> 64) as usize
    }
}

impl<'a> Record<'a> {
    /// Who announces: the passkey, or without one the address; `true` if it is a passkey.
    pub fn user(&self) -> (&'a [u8], bool) {
        match self.announce.passkey {
            Some(passkey) => (passkey, true),
            None if self.addr.is_empty() => (b"unknown", false),
            None => (self.addr, false),
        }
    }
}

/// How the engine works.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// What `completed` does.
    pub completed: Completed,
    /// What is kept of timelines.
    pub keep: Keep,
    /// Announces before this build sessions but are credited to nobody.
    pub since: Option<Time>,
    /// Announces after this are not applied: as if the log ended there.
    pub until: Option<Time>,
    /// Only torrents whose info hash begins so (lower-case hexadecimal) are credited to users.
    pub torrent: Option<String>,
    /// In which order announces are applied.
    pub order: Order,
}

/// Lines come slightly out of order; they are sorted by time before they are applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// In time order for each user: all that sums and sessions need.
    #[default]
    EachUser,
    /// In time order for the whole log.
    WholeLog,
}

/// A line this much older than the newest of its user is still put in its place, in milliseconds. An older one is applied
/// when it comes.
const REORDER: i64 = 120_000;

/// One announce, applied.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Whose session.
    pub user: &'a User,
    /// Of which torrent.
    pub info_hash: InfoHash,
    /// The session's number in this engine.
    pub number: u32,
    /// The session after the announce.
    pub session: &'a Session,
    /// The state before of this user, torrent and peer id: of the session before if this one begins here. `None` for the
    /// first announce.
    pub before: Option<&'a State>,
    /// The line that was heard before; its own if there was none.
    pub line_before: LineRef,
    /// What was said.
    pub said: &'a Said,
    /// What it did.
    pub transition: Transition,
    /// What it credited.
    pub credit: Counters,
    /// Where it stands.
    pub line: LineRef,
    /// Seconds since the session was last heard of, refused announces included; `None` if never, or without times.
    pub silence: Option<u32>,
    /// The server refused an announce of this session since the last one it took.
    pub after_refusal: bool,
    /// It came from an address that the session had not used before.
    pub new_address: bool,
}

/// Told of every announce applied, duplicates included.
pub trait Listener {
    /// An announce was applied.
    fn applied(&mut self, step: &Step<'_>);

    /// Nothing more needs to be told: reading may stop.
    fn done(&self) -> bool {
        false
    }
}

impl Listener for () {
    fn applied(&mut self, _: &Step<'_>) {}
}

/// An announce waiting for its turn.
#[derive(Clone, Copy, Debug)]
struct Held {
    at: Option<Time>,
    line: LineRef,
    slot: u32,
    address: u32,
    event: Event,
    refused: bool,
    counters: Counters,
    left: u64,
}

/// All sessions of one (user, info hash, peer id).
#[derive(Debug)]
struct Slot {
    user_hash: UserHash,
    info_hash: InfoHash,
    peer_id: PeerId,
    user: u32,
    torrent: u32,
    key: u32,
    /// The current session, or `NONE`.
    session: u32,
    /// The address last used.
    address: u32,
    refused_start: Option<Box<(Counters, bool)>>,
    refused: bool,
}

const NONE: u32 = u32::MAX;

/// The engine.
pub struct Replay<L> {
    rules: Rules,
    listener: L,
    seed: RandomState,
    user_table: HashTable<(UserHash, u32)>,
    users: Vec<User>,
    queues: Vec<VecDeque<Held>>,
    torrent_table: HashTable<u32>,
    torrents: Vec<InfoHash>,
    /// Which torrents are credited.
    wanted: Vec<bool>,
    slot_table: HashTable<u32>,
    slots: Vec<Slot>,
    sessions: Vec<Session>,
    names: Names,
    silences: Silences,
    duplicates: u64,
    moment: Vec<Held>,
}

impl<L: Listener> Replay<L> {
    /// An engine that tells `listener`.
    pub fn new(rules: Rules, listener: L) -> Self {
        let order = rules.order;
        Replay {
            rules,
            listener,
            seed: RandomState::default(),
            user_table: HashTable::new(),
            users: Vec::new(),
            queues: vec![VecDeque::new(); usize::from(order == Order::WholeLog)],
            torrent_table: HashTable::new(),
            torrents: Vec::new(),
            wanted: Vec::new(),
            slot_table: HashTable::new(),
            slots: Vec::new(),
            sessions: Vec::new(),
            names: Names::default(),
            silences: Silences::default(),
            duplicates: 0,
            moment: Vec::new(),
        }
    }

    /// Whether the listener wants to hear no more.
    pub fn done(&self) -> bool {
        self.listener.done()
    }

    /// Takes an announce in. It is applied once no earlier one can come any more.
    pub fn feed(&mut self, record: &Record<'_>) {
        if record.at.is_some_and(|at| self.rules.until.is_some_and(|until| at > until)) {
            return;
        }
        let slot = self.slot(record);
        let Slot { user, address: known, .. } = self.slots[slot as usize];
        let address = if self.names.name(known) == record.addr { known } else { self.names.number(record.addr) };
        self.slots[slot as usize].address = address;
        let held = Held {
            at: record.at,
            line: record.line,
            slot,
            address,
            event: record.announce.event,
            refused: record.refused,
            counters: Counters { up: record.announce.uploaded, down: record.announce.downloaded },
            left: record.announce.left,
        };
        let queue = if self.rules.order == Order::WholeLog { 0 } else { user as usize };
        let Some(at) = held.at else {
            // Without a time, the order of the lines is all there is.
            self.release(queue, None);
            self.apply(&held);
            return;
        };
        let held_back = &mut self.queues[queue];
        let place = held_back.iter().rposition(|h| h.at <= held.at).map_or(0, |before| before + 1);
        held_back.insert(place, held);
        let newest = held_back.back().and_then(|h| h.at).unwrap_or(at);
        self.release(queue, Some(newest.plus(-REORDER)));
    }

    /// Applies what waits and is older than `limit`; all of it without one.
    fn release(&mut self, queue: usize, limit: Option<Time>) {
        loop {
            let waiting = &mut self.queues[queue];
            let Some(first) = waiting.front().filter(|h| limit.is_none_or(|limit| h.at < Some(limit))).copied() else {
                return;
            };
            waiting.pop_front();
            if waiting.front().is_none_or(|next| next.at != first.at) {
                self.apply(&first);
                continue;
            }
            let mut moment = std::mem::take(&mut self.moment);
            moment.push(first);
            while let Some(next) = self.queues[queue].pop_front_if(|next| next.at == first.at) {
                moment.push(next);
            }
            self.apply_moment(&mut moment);
            moment.clear();
            self.moment = moment;
        }
    }

    /// Applies announces of one moment, those of one peer id in the order that makes sense.
    fn apply_moment(&mut self, moment: &mut Vec<Held>) {
        /// Nobody sends more in one second; a flood is taken as it comes.
        const MOST: usize = 64;
        if moment.len() > MOST {
            moment.sort_by_key(|h| h.line);
            moment.iter().for_each(|held| self.apply(held));
            return;
        }
        moment.sort_by_key(|h| (h.slot, h.line));
        while let Some(first) = moment.first() {
            let slot = first.slot;
            let state = self.current(slot).map(|s| s.state);
            let rank = |held: &Held| (!held.refused).then(|| order_within_a_moment(state.as_ref(), &held.said(true)));
            let next = moment.iter().enumerate().take_while(|(_, h)| h.slot == slot).min_by_key(|(_, h)| rank(h));
            let Some((at, _)) = next else { return };
            let held = moment.remove(at);
            self.apply(&held);
        }
    }

    fn current(&self, slot: u32) -> Option<&Session> {
        self.sessions.get(self.slots[slot as usize].session as usize)
    }

    fn apply(&mut self, held: &Held) {
        if held.refused {
            return self.note_refused(held);
        }
        let slot = &mut self.slots[held.slot as usize];
        let last = self.sessions.get(slot.session as usize);
        let before = last.map(|s| s.state);
        let line_before = last.map_or(held.line, |s| s.heard_line);
        let same_address = last.is_some_and(|s| s.address == held.address);
        let said = held.said(same_address);
        let refused_start = slot.refused_start.as_deref().map(|start| start.0);
        let transition = decide(before.as_ref(), &said, refused_start);
        let in_span = self.rules.since.is_none_or(|since| held.at.is_none_or(|at| at >= since));

        self.duplicates += u64::from(transition == Transition::Duplicate);
        let mut credit = Counters::ZERO;
        let mut refused_leeched = false;
        if transition.opens() {
            let mut state = advance(before.as_ref(), &said, transition, refused_start, self.rules.completed);
            let opening = match (said.event, refused_start) {
                (Event::Started, _) => Opening::Started,
                (_, Some(_)) => Opening::RefusedStarted,
                _ if transition == Transition::Reset => Opening::Reset,
                _ => Opening::Unseen,
            };
            if let Some(start) = slot.refused_start.take() {
                refused_leeched = start.1;
            }
            state.leeched |= refused_leeched;
            credit = state.credit();
            let peer_id = slot.peer_id.clone();
            slot.session = self.sessions.len() as u32;
            self.sessions.push(Session::open(slot.user, slot.torrent, slot.key, peer_id, state, held.line, opening));
        }
        let after_refusal = std::mem::take(&mut slot.refused);
        let number = slot.session;
        let session = &mut self.sessions[number as usize];
        if !transition.opens() && transition != Transition::Duplicate {
            let next = advance(Some(&session.state), &said, transition, refused_start, self.rules.completed);
            credit = next.peak.above(session.state.peak);
            session.state = next;
            slot.refused_start = None;
        }
        if transition != Transition::Duplicate {
            session.announces += 1;
            session.refused_stop = None;
            session.address = held.address;
        }
        session.in_span |= in_span;
        if !in_span {
            // Known, but not counted.
            session.state.base = session.state.peak;
            credit = Counters::ZERO;
        }
        session.note_phase(held.at);
        let plain = said.event == Event::None && transition == Transition::Went;
        let idle = before.is_some_and(|b| {
            b.phase == Phase::Leeching && said.counters.down == b.last.down && said.left == b.last_left && said.left > 0
        });
        let silence = session.note_heard(held.at, held.line, plain, idle && !transition.opens());
        if plain && let Some(silence) = silence {
            self.silences.note(silence);
        }
        session.last_at = session.last_at.max(held.at);
        session.last_line = held.line;
        let addresses = session.addresses.len();
        if !same_address || transition.opens() {
            session.note_address(held.address, held.at, held.line);
        }
        let user = &mut self.users[session.user as usize];
        if in_span && self.wanted[session.torrent as usize] {
            user.account.credit(held.at, credit, self.rules.keep);
        }
        let session = &self.sessions[number as usize];
        self.listener.applied(&Step {
            user: &self.users[session.user as usize],
            info_hash: self.torrents[session.torrent as usize],
            number,
            session,
            before: before.as_ref(),
            line_before,
            said: &said,
            transition,
            credit,
            line: held.line,
            silence,
            after_refusal,
            new_address: addresses > 0 && session.addresses.len() > addresses,
        });
    }

    /// A refused announce credits nothing, but its `started` tells where the counters begin, and its `stopped` why a
    /// session is still listed.
    fn note_refused(&mut self, held: &Held) {
        let slot = &mut self.slots[held.slot as usize];
        slot.refused = true;
        if held.event == Event::Started && slot.refused_start.is_none() {
            slot.refused_start = Some(Box::new((held.counters, held.left > 0)));
        }
        let Some(session) = self.sessions.get_mut(slot.session as usize) else { return };
        if session.state.phase == Phase::Stopped {
            return;
        }
        session.note_heard(held.at, held.line, false, false);
        session.refused_stop = (held.event == Event::Stopped)
            .then(|| Box::new(Refused { at: held.at, line: held.line, counters: held.counters }));
    }

    fn user(&mut self, record: &Record<'_>) -> u32 {
        let (name, is_passkey) = record.user();
        let users = &mut self.users;
        let entry = self.user_table.entry(
            record.user_hash.0,
            |&(hash, n)| hash == record.user_hash && users[n as usize].is(name, is_passkey),
            |&(hash, _)| hash.0,
        );
        match entry {
            hashbrown::hash_table::Entry::Occupied(known) => known.get().1,
            hashbrown::hash_table::Entry::Vacant(free) => {
                let number = users.len() as u32;
                free.insert((record.user_hash, number));
                users.push(User { name: name.into(), is_passkey, account: Account::default() });
                if self.rules.order == Order::EachUser {
                    self.queues.push(VecDeque::new());
                }
                number
            }
        }
    }

    fn torrent(&mut self, info_hash: InfoHash) -> u32 {
        let torrents = &mut self.torrents;
        let entry = self.torrent_table.entry(
            self.seed.hash_one(info_hash),
            |&n| torrents[n as usize] == info_hash,
            |&n| self.seed.hash_one(torrents[n as usize]),
        );
        match entry {
            hashbrown::hash_table::Entry::Occupied(known) => *known.get(),
            hashbrown::hash_table::Entry::Vacant(free) => {
                let number = torrents.len() as u32;
                free.insert(number);
                torrents.push(info_hash);
                let prefix = self.rules.torrent.as_deref();
                self.wanted.push(prefix.is_none_or(|prefix| info_hash.to_string().starts_with(prefix)));
                number
            }
        }
    }

    /// The slot of an announce. A known one is found by the user's hash alone: that two passkeys have the same seeded 64
    /// bits and the same torrent and peer id besides does not happen.
    fn slot(&mut self, record: &Record<'_>) -> u32 {
        let info_hash = record.announce.info_hash;
        let peer_id = record.announce.peer_id.bytes();
        let hash = self.seed.hash_one((record.user_hash, info_hash, peer_id));
        let slots = &self.slots;
        let found = self.slot_table.find(hash, |&n| {
            let slot = &slots[n as usize];
            slot.user_hash == record.user_hash && slot.info_hash == info_hash && slot.peer_id.bytes() == peer_id
        });
        if let Some(&number) = found {
            return number;
        }
        let number = self.slots.len() as u32;
        let slot = Slot {
            user_hash: record.user_hash,
            info_hash,
            peer_id: PeerId::from(peer_id),
            user: self.user(record),
            torrent: self.torrent(info_hash),
            key: self.names.number(record.announce.key),
            session: NONE,
            address: 0,
            refused_start: None,
            refused: false,
        };
        self.slots.push(slot);
        let slots = &self.slots;
        self.slot_table.insert_unique(hash, number, |&n| {
            let slot = &slots[n as usize];
            self.seed.hash_one((slot.user_hash, slot.info_hash, slot.peer_id.bytes()))
        });
        number
    }

    /// Applies what still waits, and gives out all that has come together.
    pub fn finish(mut self) -> (Part, L) {
        for queue in 0..self.queues.len() {
            self.release(queue, None);
        }
        let part = Part {
            users: self.users,
            torrents: self.torrents,
            sessions: self.sessions,
            names: self.names,
            silences: self.silences,
            duplicates: self.duplicates,
        };
        (part, self.listener)
    }
}

impl Held {
    fn said(&self, same_address: bool) -> Said {
        Said { at: self.at, event: self.event, counters: self.counters, left: self.left, same_address }
    }
}
