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
    Completed, Counters, LineRef, Opening, Phase, Refused, Said, Session, State, Transition, Whose, advance, decide,
    order_within_a_moment,
};
use crate::time::Time;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher};

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
    /// Who and what it is about, as numbers to look up by.
    pub hashes: Hashes,
    /// The latest time in the log up to this line.
    pub newest: Option<Time>,
    /// What it says.
    pub announce: Announce<'a>,
}

/// Seeded hashes of what an announce is about: strangers choose passkeys, info hashes and peer ids, but cannot know the
/// seed, so they cannot choose collisions either.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hashes {
    /// Of the user: the passkey, or without one the address.
    user: u64,
    /// Of user, info hash and peer id. With `user` it stands for them: that two of them agree in both does not happen.
    slot: u64,
    /// Of the address.
    addr: u64,
}

impl Hashes {
    /// The hashes of an announce that came from `addr`.
    #[inline]
    pub fn of(seed: &RandomState, announce: &Announce<'_>, addr: &[u8]) -> Hashes {
        let addr_hash = seed.hash_one(addr);
        let user = announce.passkey.map_or(!addr_hash, |passkey| seed.hash_one(passkey));
        let mut slot = seed.build_hasher();
        slot.write(&announce.info_hash.0);
        slot.write(announce.peer_id.bytes());
        slot.write_u64(user);
        Hashes { user, slot: slot.finish(), addr: addr_hash }
    }

    /// Which of so many engines owns the user.
    #[inline]
    pub fn shard(self, shards: usize) -> usize {
        // The upper bits: the lower ones choose a place in the engine's own table.
        ((u128::from(self.user) * shards as u128) >> 64) as usize
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
}

/// Lines come slightly out of order. A line this much older than the newest before it is still put in its place, in
/// milliseconds; an older one is applied when it comes.
const REORDER: i64 = 120_000;

/// One announce, applied.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Whose session.
    pub user: &'a User,
    /// Of which torrent.
    pub info_hash: InfoHash,
    /// By which peer.
    pub peer_id: &'a PeerId,
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

/// All sessions of one (user, info hash, peer id). Small: it is looked up for every line.
#[derive(Debug)]
struct Slot {
    user_hash: u64,
    slot_hash: u64,
    /// Of the two addresses last used, the last one first: a dual-stack client announces from both by turns.
    addr_hashes: [u64; 2],
    refused_start: Option<Box<(Counters, bool)>>,
    user: u32,
    torrent: u32,
    key: u32,
    /// The current session, or `NONE`.
    session: u32,
    /// The two addresses last used.
    addresses: [u32; 2],
    refused: bool,
}

const NONE: u32 = u32::MAX;

/// So many announces are looked up, and so many applied, before the next.
const CHUNK: usize = 32;

/// The engine.
pub struct Replay<L> {
    rules: Rules,
    listener: L,
    seed: RandomState,
    user_table: HashTable<(u64, u32)>,
    users: Vec<User>,
    torrent_table: HashTable<u32>,
    torrents: Vec<InfoHash>,
    /// Which torrents are credited.
    wanted: Vec<bool>,
    slot_table: HashTable<u32>,
    slots: Vec<Slot>,
    /// By slot.
    peer_ids: Vec<PeerId>,
    sessions: Vec<Session>,
    names: Names,
    silences: Silences,
    duplicates: u64,
    /// Announces that an earlier one may still come before, in the order of their times.
    waiting: VecDeque<Held>,
    moment: Vec<Held>,
    by_slot: Vec<(u32, u32)>,
}

impl<L: Listener> Replay<L> {
    /// An engine that tells `listener`.
    pub fn new(rules: Rules, listener: L) -> Self {
        Replay {
            rules,
            listener,
            seed: RandomState::default(),
            user_table: HashTable::new(),
            users: Vec::new(),
            torrent_table: HashTable::new(),
            torrents: Vec::new(),
            wanted: Vec::new(),
            slot_table: HashTable::new(),
            slots: Vec::new(),
            peer_ids: Vec::new(),
            sessions: Vec::new(),
            names: Names::default(),
            silences: Silences::default(),
            duplicates: 0,
            waiting: VecDeque::new(),
            moment: Vec::new(),
            by_slot: Vec::new(),
        }
    }

    /// Whether the listener wants to hear no more.
    pub fn done(&self) -> bool {
        self.listener.done()
    }

    /// Takes announces in, in the order of their lines. Each is applied once no earlier one can come any more.
    pub fn feed<'a>(&mut self, records: impl Iterator<Item = Record<'a>>) {
        let mut records = records.peekable();
        let mut chunk: Vec<Record<'_>> = Vec::with_capacity(CHUNK);
        while records.peek().is_some() {
            chunk.clear();
            chunk.extend(records.by_ref().take(CHUNK));
            self.feed_chunk(&chunk);
        }
    }

    /// The look-ups of a chunk come first, and do not wait for one another: memory is far away.
    fn feed_chunk(&mut self, chunk: &[Record<'_>]) {
        let mut known = [NONE; CHUNK];
        for (known, record) in known.iter_mut().zip(chunk) {
            *known = self.find_slot(record).unwrap_or(NONE);
        }
        let mut limit = None;
        for (known, record) in known.iter().zip(chunk) {
            if record.at.is_some_and(|at| self.rules.until.is_some_and(|until| at > until)) {
                continue;
            }
            let held = self.hold(record, *known);
            limit = record.newest.map(|newest| newest.plus(-REORDER));
            if held.at.is_none() || held.at < limit {
                // Without a time, or too late to be put in its place: the order of the lines is all there is.
                self.release(limit.filter(|_| held.at.is_some()));
                self.apply(&held);
                continue;
            }
            // Nearly always the last place.
            let place = self.waiting.iter().rposition(|h| h.at <= held.at).map_or(0, |before| before + 1);
            if place == self.waiting.len() {
                self.waiting.push_back(held);
            } else {
                self.waiting.insert(place, held);
            }
        }
        if limit.is_some() {
            self.release(limit);
        }
    }

    fn hold(&mut self, record: &Record<'_>, known: u32) -> Held {
        // One that is new may have come in the same chunk before.
        let known = if known == NONE { self.find_slot(record) } else { Some(known) };
        let number = known.unwrap_or_else(|| self.new_slot(record));
        let slot = &mut self.slots[number as usize];
        if slot.addr_hashes[0] != record.hashes.addr {
            slot.addr_hashes.swap(0, 1);
            slot.addresses.swap(0, 1);
            if slot.addr_hashes[0] != record.hashes.addr {
                slot.addr_hashes[0] = record.hashes.addr;
                slot.addresses[0] = self.names.number(record.addr);
            }
        }
        Held {
            at: record.at,
            line: record.line,
            slot: number,
            address: slot.addresses[0],
            event: record.announce.event,
            refused: record.refused,
            counters: Counters { up: record.announce.uploaded, down: record.announce.downloaded },
            left: record.announce.left,
        }
    }

    /// Touches what the next announces will need, so that it is near when they are applied.
    fn warm(&self, limit: Option<Time>) {
        let next = || self.waiting.iter().take(CHUNK).take_while(|h| limit.is_none_or(|limit| h.at < Some(limit)));
        let slots = || next().map(|held| &self.slots[held.slot as usize]);
        let sessions = slots().filter_map(|slot| self.sessions.get(slot.session as usize)).map(Session::touch);
        let users = slots().map(|slot| self.users[slot.user as usize].account.touch());
        std::hint::black_box((sessions.fold(0, u64::wrapping_add), users.fold(0, u64::wrapping_add)));
    }

    /// Applies what waits and is older than `limit`; all of it without one.
    fn release(&mut self, limit: Option<Time>) {
        let mut warm = 0;
        while let Some(first) = self.next_waiting(|h| limit.is_none_or(|limit| h.at < Some(limit))) {
            if warm == 0 {
                self.warm(limit);
                warm = CHUNK;
            }
            warm -= 1;
            if self.waiting.front().is_none_or(|next| next.at != first.at) {
                self.apply(&first);
                continue;
            }
            let mut moment = std::mem::take(&mut self.moment);
            moment.push(first);
            while let Some(next) = self.next_waiting(|next| next.at == first.at) {
                moment.push(next);
            }
            self.apply_moment(&mut moment);
            moment.clear();
            self.moment = moment;
        }
    }

    fn next_waiting(&mut self, due: impl Fn(&Held) -> bool) -> Option<Held> {
        self.waiting.front().is_some_and(due).then(|| self.waiting.pop_front()).flatten()
    }

    /// Applies announces of one moment: those of one peer id in the order that makes sense, the others as they came.
    fn apply_moment(&mut self, moment: &mut [Held]) {
        /// Nobody sends more in one second; a flood is taken as it comes.
        const MOST: usize = 64;
        let mut by_slot = std::mem::take(&mut self.by_slot);
        by_slot.clear();
        by_slot.extend(moment.iter().enumerate().map(|(at, held)| (held.slot, at as u32)));
        by_slot.sort_unstable();
        let alone = by_slot.windows(2).all(|pair| pair[0].0 != pair[1].0);
        for at in 0..moment.len() {
            let slot = moment[at].slot;
            let first = by_slot.partition_point(|(other, _)| *other < slot);
            let group = by_slot[first..].iter().take_while(|(other, _)| *other == slot).count();
            if alone || group == 1 || group > MOST {
                self.apply(&moment[at]);
                continue;
            }
            if by_slot[first].1 != at as u32 {
                continue; // Applied with the first of its group.
            }
            let mut left: Vec<Held> =
                by_slot[first..first + group].iter().map(|(_, at)| moment[*at as usize]).collect();
            while !left.is_empty() {
                let state = self.sessions.get(self.slots[slot as usize].session as usize).map(|s| &s.state);
                let rank = |held: &Held| (!held.refused).then(|| order_within_a_moment(state, &held.said(true)));
                let next = (0..left.len()).min_by_key(|&n| rank(&left[n])).unwrap_or_default();
                let held = left.remove(next);
                self.apply(&held);
            }
        }
        self.by_slot = by_slot;
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
            let whose = Whose { user: slot.user, torrent: slot.torrent, key: slot.key, peer: held.slot };
            slot.session = self.sessions.len() as u32;
            self.sessions.push(Session::open(whose, held.address, state, held.line, opening));
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
            session.note_refused_stop(None);
            session.address = held.address;
        }
        session.in_span |= in_span;
        if !in_span {
            // Known, but not counted.
            session.state.base = session.state.peak;
            credit = Counters::ZERO;
        }
        if before.is_none_or(|b| b.phase != session.state.phase) || transition.opens() {
            session.note_phase(held.at);
        }
        let plain = said.event == Event::None && transition == Transition::Went;
        let idle = before.is_some_and(|b| {
            b.phase == Phase::Leeching && said.counters.down == b.last.down && said.left == b.last_left && said.left > 0
        });
        let silence = session.note_heard(held.at, held.line, plain, idle && !transition.opens());
        if transition != Transition::Duplicate {
            session.idle = if idle && plain { session.idle + 1 } else { 0 };
        }
        if plain && let Some(silence) = silence {
            self.silences.note(silence);
        }
        session.last_at = session.last_at.max(held.at);
        session.last_line = held.line;
        let new_address =
            !same_address && !transition.opens() && session.note_address(held.address, held.at, held.line);
        let user = &mut self.users[session.user as usize];
        if in_span && self.wanted[session.torrent as usize] {
            user.account.credit(held.at, credit, self.rules.keep);
        }
        let session = &self.sessions[number as usize];
        self.listener.applied(&Step {
            user: &self.users[session.user as usize],
            info_hash: self.torrents[session.torrent as usize],
            peer_id: &self.peer_ids[session.peer as usize],
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
            new_address,
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
        let refused = Refused { at: held.at, line: held.line, counters: held.counters };
        session.note_refused_stop((held.event == Event::Stopped).then_some(refused));
    }

    fn user(&mut self, record: &Record<'_>) -> u32 {
        let (name, is_passkey) = record.user();
        let users = &mut self.users;
        let entry = self.user_table.entry(
            record.hashes.user,
            |&(hash, n)| hash == record.hashes.user && users[n as usize].is(name, is_passkey),
            |&(hash, _)| hash,
        );
        match entry {
            hashbrown::hash_table::Entry::Occupied(known) => known.get().1,
            hashbrown::hash_table::Entry::Vacant(free) => {
                let number = users.len() as u32;
                free.insert((record.hashes.user, number));
                users.push(User { name: name.into(), is_passkey, account: Account::default() });
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

    #[inline]
    fn find_slot(&self, record: &Record<'_>) -> Option<u32> {
        let Hashes { user, slot, .. } = record.hashes;
        let same = |n: &u32| self.slots[*n as usize].slot_hash == slot && self.slots[*n as usize].user_hash == user;
        self.slot_table.find(slot, same).copied()
    }

    #[cold]
    fn new_slot(&mut self, record: &Record<'_>) -> u32 {
        let number = self.slots.len() as u32;
        let slot = Slot {
            user_hash: record.hashes.user,
            slot_hash: record.hashes.slot,
            addr_hashes: [record.hashes.addr; 2],
            refused_start: None,
            user: self.user(record),
            torrent: self.torrent(record.announce.info_hash),
            key: self.names.number(record.announce.key),
            session: NONE,
            addresses: [self.names.number(record.addr); 2],
            refused: false,
        };
        self.slots.push(slot);
        self.peer_ids.push(PeerId::from(record.announce.peer_id.bytes()));
        let slots = &self.slots;
        self.slot_table.insert_unique(record.hashes.slot, number, |&n| slots[n as usize].slot_hash);
        number
    }

    /// Applies what still waits, and gives out all that has come together.
    pub fn finish(mut self) -> (Part, L) {
        self.release(None);
        let part = Part {
            users: self.users,
            torrents: self.torrents,
            sessions: self.sessions,
            peer_ids: self.peer_ids,
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
