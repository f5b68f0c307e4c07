//! The engine: drives announces in order through their sessions, and tells whoever listens what happened.

mod addresses;
mod apply;
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
mod taking;
mod written;

pub use interval::{IntervalFrom, Silences, timeout_of};
pub use listener::{Listener, Step};
pub use names::{Names, Texts};
pub use peers::Aside;
pub use record::{Arrival, Batch, Hashes, Record};
pub use sessions::Sessions;
pub use story::{Given, Part, Settings, Story, User};
pub use written::{Key, Written};

use crate::account::{Histories, Keep};
use crate::announce::{InfoHash, PeerId, Reason};
use crate::session::{Completed, LineRef};
use crate::time::Time;
use addresses::Addresses;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use peers::Peers;
use queue::{Collected, Held, LinedUp, limit};
use spellings::Spellings;
use std::collections::VecDeque;

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
