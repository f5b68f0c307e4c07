//! The engine: drives announces in order through their sessions, and tells whoever listens what happened.

mod addresses;
mod gather;
mod interval;
mod listener;
mod names;
mod peer;
mod peers;
mod queue;
mod record;
mod sessions;
mod shelf;
mod spellings;
mod story;
mod written;

pub use interval::{IntervalFrom, Silences, timeout_of};
pub use listener::{Listener, Step};
pub use names::{Names, Texts};
pub use peers::Aside;
pub use record::{Arrival, Batch, Hashes, Record};
pub use sessions::Sessions;
pub use story::{Given, Part, Settings, Story, User};
pub use written::{Key, Written};

use crate::account::{Account, Histories, Keep};
use crate::announce::{Event, InfoHash, PeerId, Reason, write_form};
use crate::session::{
    Completed, Counters, LineRef, Live, Opening, Phase, Refused, RefusedStart, Session, Transition, Whose, advance,
    decide, is_late, says_nothing_new,
};
use crate::time::Time;
use addresses::Addresses;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use peer::Peer;
use peers::Peers;
use percent_encoding::percent_decode;
use prefetch_index::prefetch_index;
use queue::{Collected, Held, LinedUp, limit, take_next, turn};
use record::Span;
use spellings::{Known, Spellings};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::hash::BuildHasher;

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
    /// Who is put aside. It changes how much memory is needed, and nothing that is told.
    pub aside: Aside,
}

/// In which order announces are applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// In time order for each peer: all that sums and sessions need.
    #[default]
    EachPeer,
    /// In time order for the whole log: for who wants to be told the story as it went.
    WholeLog,
}

/// Announces of so many lines of the log are applied together: the more, the more of one peer follow each other, and find it in the
/// cache; but all of them should lie there, too. Which lines these are depends on nothing but the log, and so does the order in which
/// a user's peers are credited.
const LINES: u64 = 1 << 15;

/// So many announces are taken in while what a later one needs comes from memory.
const AHEAD: usize = 12;

/// The engine.
pub struct Replay<L: Listener> {
    rules: Rules,
    listener: L,
    seed: RandomState,
    user_table: HashTable<(u64, u32)>,
    users: Vec<User>,
    /// Their timelines.
    histories: Histories,
    torrent_table: HashTable<u32>,
    torrents: Vec<InfoHash>,
    /// Which torrents are credited.
    wanted: Vec<bool>,
    /// Peers, by the spellings in which they came.
    spellings: Spellings,
    /// Peers, by user, torrent and peer id.
    identities: HashTable<u32>,
    peers: Peers<L::Kept>,
    /// By peer.
    peer_ids: Vec<PeerId>,
    /// By peer.
    written: Vec<Written>,
    /// Sessions that have begun.
    begun: u32,
    names: Names,
    /// Room to write a form in.
    form: Vec<u8>,
    silences: Silences,
    duplicates: u64,
    addresses: Addresses,
    /// What waits, if it is enough that each peer is told in order.
    collected: Collected,
    /// What waits, if the whole log is to be told in order.
    lined_up: LinedUp,
    /// Of one peer, what is being applied.
    own: VecDeque<Held>,
}

impl<L: Listener> Replay<L> {
    /// An engine that tells `listener`.
    pub fn new(rules: Rules, listener: L) -> Self {
        Replay {
            listener,
            seed: RandomState::default(),
            user_table: HashTable::new(),
            users: Vec::new(),
            histories: Histories::default(),
            torrent_table: HashTable::new(),
            torrents: Vec::new(),
            wanted: Vec::new(),
            spellings: Spellings::default(),
            identities: HashTable::new(),
            peers: Peers::new(rules.aside),
            rules,
            peer_ids: Vec::new(),
            written: Vec::new(),
            begun: 0,
            names: Names::default(),
            form: Vec::new(),
            silences: Silences::default(),
            duplicates: 0,
            addresses: Addresses::default(),
            collected: Collected::default(),
            lined_up: LinedUp::default(),
            own: VecDeque::new(),
        }
    }

    /// Whether the listener wants to hear no more.
    pub fn done(&self) -> bool {
        self.listener.done()
    }

    /// Takes announces in. Each is applied once no earlier one of its peer can come any more. `reject` is told of those that
    /// turn out to be unusable: the number of the line among all of the log, where it stands, and why.
    pub fn feed(&mut self, batch: &Batch<'_>, reject: &mut impl FnMut(u64, LineRef, Reason)) {
        let mut rest = batch.records;
        let lines = batch.newest_before.len() as u64;
        let first = (batch.lines_before + 1).next_multiple_of(LINES);
        for line in (first..=batch.lines_before + lines).step_by(LINES as usize) {
            let line = (line - batch.lines_before) as u32;
            let before = rest.partition_point(|record| record.line < line);
            self.take_all_in(&rest[..before], batch, reject);
            rest = &rest[before..];
            self.apply_due(limit(batch.newest_before(line)));
        }
        self.take_all_in(rest, batch, reject);
        let now = limit(batch.newest_before(lines as u32));
        self.peers.tidy(now, &mut self.listener);
    }

    fn take_all_in(&mut self, records: &[Record], batch: &Batch<'_>, reject: &mut impl FnMut(u64, LineRef, Reason)) {
        for at in 0..records.len() + 2 * AHEAD {
            let record = |steps: usize| records.get(at.checked_sub(steps * AHEAD)?);
            if let Some(record) = record(0) {
                self.spellings.fetch(&record.hashes);
            }
            if let Some(known) = record(1).and_then(|record| self.spellings.find(&record.hashes)) {
                self.addresses.fetch(known.address);
            }
            if let Some(record) = record(2)
                && let Err(reason) = self.take_in(record, batch)
                && !record.refused
            {
                reject(batch.lines_before + u64::from(record.line), batch.line(record), reason);
            }
        }
    }

    #[inline]
    fn take_in(&mut self, record: &Record, batch: &Batch<'_>) -> Result<(), Reason> {
        if record.at.is_some_and(|at| self.rules.until.is_some_and(|until| at > until)) {
            return record.decode(batch).map(|_| ());
        }
        // Whatever was spelled so before could be decoded.
        let (peer, address) = match self.spellings.find(&record.hashes) {
            Some(known) => {
                let same = self.addresses.name(known.address, record.hashes.addr);
                (known.peer, same.unwrap_or_else(|| self.moved(known, record, batch)))
            }
            None => self.peer(record, batch)?,
        };
        let newest = batch.newest_before(record.line).max(record.at);
        let held = || Held {
            at: record.at,
            turn: turn(record.at, newest),
            line: batch.line(record),
            counters: Counters { up: record.uploaded, down: record.downloaded },
            left: record.left,
            peer,
            address,
            event: record.event,
            refused: record.refused,
        };
        match self.rules.order {
            Order::EachPeer => self.collected.push(held()),
            Order::WholeLog => {
                self.lined_up.insert(held());
                self.apply_lined_up(limit(newest));
            }
        }
        Ok(())
    }

    /// Applies what was collected, if its turn is before `limit`.
    fn apply_due(&mut self, limit: i64) {
        let mut collected = std::mem::take(&mut self.collected);
        let mut own = std::mem::take(&mut self.own);
        collected.gather(limit);
        let (due, held) = collected.due();
        // From here on it says where in memory that is.
        due.iter_mut().for_each(|(peer, _)| *peer = self.peers.slot(*peer, &mut self.listener) as u32);
        let mut first = 0;
        // Memory is far away: what an announce needs is fetched while those before it are applied, step by step.
        for at in 0..due.len() + 3 * AHEAD {
            let slot = |steps: usize| Some(due.get(at.checked_sub(steps * AHEAD)?)?.0 as usize);
            if let Some(slot) = slot(0) {
                self.peers[slot].fetch();
            }
            if let Some(slot) = slot(1) {
                let Peer { session, kept, .. } = &self.peers[slot];
                self.users[session.user as usize].account.fetch();
                session.fetch_rare();
                self.listener.fetch(kept);
            }
            if let Some(slot) = slot(2) {
                prefetch_index(held, due[at - 2 * AHEAD].1 as usize);
                let session = &self.peers[slot].session;
                self.users[session.user as usize].account.fetch_end(&self.histories);
                session.fetch_lists();
            }
            if let Some(at) = at.checked_sub(3 * AHEAD)
                && due.get(at + 1).is_none_or(|next| next.0 != due[at].0)
            {
                let all = due[first..=at].iter().map(|(_, at)| &held[*at as usize]);
                self.apply_own(due[at].0 as usize, all, &mut own);
                first = at + 1;
            }
        }
        collected.drop_due(limit);
        (self.collected, self.own) = (collected, own);
    }

    /// Applies what was collected of one peer. `own` is room for it.
    #[inline]
    fn apply_own<'a>(&mut self, slot: usize, all: impl Iterator<Item = &'a Held> + Clone, own: &mut VecDeque<Held>) {
        // Most often each has a moment of its own, and they came in order.
        if all.clone().is_sorted_by(|a, b| a.turn < b.turn) {
            all.for_each(|held| self.apply(slot, held));
        } else {
            own.extend(all);
            own.make_contiguous().sort_by_key(|held| held.turn);
            self.apply_all(slot, own);
        }
    }

    /// Applies what was lined up, if its turn is before `limit`.
    fn apply_lined_up(&mut self, limit: i64) {
        while let Some(mut moment) = self.lined_up.next(limit) {
            while let Some(peer) = moment.front().map(|held| held.peer) {
                let others = moment.split_off(moment.iter().take_while(|held| held.peer == peer).count());
                let slot = self.peers.slot(peer, &mut self.listener);
                self.apply_all(slot, &mut moment);
                moment = others;
            }
        }
    }

    /// Applies announces of the peer that is in that place.
    #[inline]
    fn apply_all(&mut self, slot: usize, waiting: &mut VecDeque<Held>) {
        loop {
            let peer = &self.peers[slot];
            let Some(held) = take_next(waiting, peer.has_begun().then_some(&peer.session)) else { return };
            self.apply(slot, &held);
        }
    }

    fn apply(&mut self, slot: usize, held: &Held) {
        if held.refused {
            return self.note_refused(slot, held);
        }
        if self.goes_on(slot, held) {
            return;
        }
        let mut peer = &mut self.peers[slot];
        let begun = peer.has_begun();
        let before = begun.then_some(Live { state: peer.session.state, last: peer.last });
        let line_before = if begun { peer.session.heard_line() } else { held.line };
        let same_address = begun && peer.session.address == held.address;
        let said = held.said(same_address);
        let refused_start = peer.session.refused_start();
        let transition = decide(before.as_ref(), &said, refused_start);
        let in_span = self.rules.since.is_none_or(|since| held.at.is_none_or(|at| at >= since));

        let after_refusal = peer.session.note_delivered(transition != Transition::Duplicate);
        let mut credit = Counters::ZERO;
        if transition.opens() {
            let next = advance(before.as_ref(), &said, transition, refused_start, self.rules.completed);
            let opening = Opening::of(said.event, transition, refused_start.is_some());
            credit = next.state.credit();
            if begun {
                self.peers.close(slot, &mut self.listener);
                peer = &mut self.peers[slot];
            }
            peer.last = next.last;
            peer.session = Session::open(peer.session.whose(), self.begun, held.address, &next, held.line, opening);
            peer.kept = Default::default();
            self.begun += 1;
        } else if transition == Transition::Duplicate {
            self.duplicates += 1;
        } else {
            let next = advance(before.as_ref(), &said, transition, refused_start, self.rules.completed);
            credit = next.state.peak.above(peer.session.state.peak);
            peer.session.state = next.state;
            peer.last = next.last;
        }
        let session = &mut peer.session;
        if transition != Transition::Duplicate {
            session.announces += 1;
            session.note_going_on();
        }
        if session.announces == 2 && session.opening == Opening::Unseen && before.is_some_and(|b| is_late(&b, &said)) {
            session.opening = Opening::Started;
        }
        if in_span {
            session.note_in_span();
        } else {
            // Known, but not counted.
            session.state.base = session.state.peak;
            credit = Counters::ZERO;
        }
        if before.is_none_or(|b| b.state.phase != session.state.phase) || transition.opens() {
            session.note_phase(held.at);
        }
        let plain = said.event == Event::None && transition == Transition::Went;
        let idle = before.is_some_and(|b| b.is_idle(&said));
        let opens = transition.opens();
        let silence = if opens { None } else { session.note_announce(held.at, held.line, plain, idle) };
        if transition != Transition::Duplicate {
            session.idle = if idle && plain { session.idle + 1 } else { 0 };
        }
        if plain && let Some(silence) = silence {
            self.silences.note(silence);
        }
        let new_address = !same_address && !opens && session.note_address(held.address, held.at, held.line);
        if transition != Transition::Duplicate {
            session.address = held.address;
        }
        let user = &mut self.users[session.user as usize];
        if in_span && self.wanted[session.torrent as usize] {
            user.account.credit(held.at, credit, self.rules.keep, &mut self.histories);
        }
        let step = Step {
            user,
            info_hash: &self.torrents[session.torrent as usize],
            peer_id: &self.peer_ids[session.peer as usize],
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
        };
        self.listener.applied(&step, &mut peer.kept);
    }

    /// Applies an announce if it is a seed's that has nothing new to say, and nobody wants to hear of: then it does no more than
    /// [`Replay::apply`] would, in a fraction of the time.
    #[inline]
    fn goes_on(&mut self, slot: usize, held: &Held) -> bool {
        let Peer { session, last, .. } = &mut self.peers[slot];
        let says_nothing = session.address == held.address && says_nothing_new(&session.state, last, &held.said(true));
        if !says_nothing || session.is_after_refusal() || self.rules.since.is_some() || self.listener.hears_all() {
            return false;
        }
        last.at = held.at;
        session.announces += 1;
        session.idle = 0;
        session.note_going_on();
        if let Some(silence) = session.note_announce(held.at, held.line, true, false) {
            self.silences.note(silence);
        }
        true
    }

    /// A refused announce credits nothing, but its `started` tells where the counters begin, and its `stopped` why a
    /// session is still listed.
    fn note_refused(&mut self, slot: usize, held: &Held) {
        let peer = &mut self.peers[slot];
        let start = RefusedStart { counters: held.counters, leeched: held.left > 0 };
        peer.session.note_refusal((held.event == Event::Started).then_some(start));
        if !peer.has_begun() || peer.session.state.phase == Phase::Stopped {
            return;
        }
        let refused = Refused { at: held.at, line: held.line, counters: held.counters };
        peer.session.note_refused(refused, held.event == Event::Stopped);
    }

    /// The number of the address that an announce came from, which is another than that of the one before.
    #[cold]
    fn moved(&mut self, known: Known, record: &Record, batch: &Batch<'_>) -> u32 {
        let (at, address) = self.address(record, batch);
        self.spellings.move_to(known, at);
        address
    }

    /// The address that an announce came from, by its place among addresses, and its number.
    fn address(&mut self, record: &Record, batch: &Batch<'_>) -> (u32, u32) {
        self.addresses.find(record.hashes.addr, || self.names.number(record.addr.get(batch.text)))
    }

    fn user(&mut self, record: &Record, batch: &Batch<'_>) -> u32 {
        let (name, is_passkey) = batch.user(record);
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
                users.push(User { name: name.into(), is_passkey, account: Account::default(), engine: 0 });
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

    /// The peer of a spelling that is new, another one for a known peer or a new peer; and the address.
    #[cold]
    fn peer(&mut self, record: &Record, batch: &Batch<'_>) -> Result<(u32, u32), Reason> {
        let text = |span: Span| span.get(batch.text);
        let (info_hash, peer_id) = record.decode(batch)?;
        let (address_at, address) = self.address(record, batch);
        let (user, torrent) = (self.user(record, batch), self.torrent(info_hash));
        let hash = |user: u32, torrent: u32, peer_id: &PeerId| self.seed.hash_one((user, torrent, peer_id));
        let identity = hash(user, torrent, &peer_id);
        let (peers, peer_ids) = (&self.peers, &self.peer_ids);
        let same = |&n: &u32| peers.whose(n) == (user, torrent) && peer_ids[n as usize] == peer_id;
        if let Some(&number) = self.identities.find(identity, same) {
            self.spellings.insert(&record.hashes, number, address_at);
            return Ok((number, address));
        }
        let number = self.peers.len() as u32;
        // Only now is the line read whole: how a client writes is the same in all its lines.
        let (line, info_hash_at) = batch.whole_line(record);
        let escapes = write_form(line, info_hash_at, peer_id.bytes(), text(record.agent), &mut self.form);
        // Once for each peer: how fast it is does not matter.
        let key: Cow<'_, [u8]> = percent_decode(text(record.key)).into();
        let (form, key) = (self.names.number(&self.form), Key::of(&key, &mut self.names));
        self.written.push(Written::new(form, key, escapes));
        let whose = Whose { user, torrent, peer: number };
        let session = Session::open(whose, 0, 0, &Live::default(), batch.line(record), Opening::Unseen);
        self.peers.push(session);
        self.peer_ids.push(peer_id);
        self.spellings.insert(&record.hashes, number, address_at);
        let (peers, peer_ids) = (&self.peers, &self.peer_ids);
        self.identities.insert_unique(identity, number, |&n| {
            let (user, torrent) = peers.whose(n);
            hash(user, torrent, &peer_ids[n as usize])
        });
        Ok((number, address))
    }

    /// Applies what still waits, and gives out all that has come together.
    pub fn finish(mut self) -> (Part, L) {
        self.apply_due(i64::MAX);
        self.apply_lined_up(i64::MAX);
        // Each goes as soon as it is not needed any more: this is when the most memory is in use.
        drop((self.spellings, self.identities, self.user_table, self.torrent_table));
        let (shelf, whose) = self.peers.into_shelf(&mut self.listener);
        let part = Part {
            users: self.users,
            histories: self.histories,
            torrents: self.torrents,
            whose,
            shelf,
            peer_ids: self.peer_ids,
            written: self.written,
            names: self.names,
            silences: self.silences,
            duplicates: self.duplicates,
        };
        (part, self.listener)
    }
}
