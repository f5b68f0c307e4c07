//! Who there is: users, their machines and habits, the torrents, and what lies on disks when the world begins.

use crate::clients::chance::Chance;
use crate::clients::programs::{Client, Families};
use crate::fake::Fake;
use crate::honest::{Ghost, Odd};
use crate::label::{Tally, Truth};
use crate::settle::Habit;
use crate::spoof::Tool;
use crate::ways::Way;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

pub const MINUTE: u32 = 60;
pub const HOUR: u32 = 3600;
pub const DAY: u32 = 24 * HOUR;
/// Bytes move in steps of so many seconds.
pub const STEP: u32 = 120;
/// Not to happen.
pub const NEVER: u32 = u32::MAX;
/// How long the world runs before the log begins, and after it has ended.
pub const BEFORE: u32 = DAY;
pub const AFTER: u32 = 4 * HOUR;

/// What is to be simulated.
#[derive(Clone, Copy)]
pub struct Setup {
    pub users: u32,
    pub days: u32,
    pub seed: u64,
    /// How often odd but honest things happen: 100 is as usual.
    pub oddities: u64,
    /// Of a thousand users so many leech without saying so.
    pub ghosts: u64,
    /// Of a thousand users so many cheat.
    pub cheats: u64,
    /// Of a thousand users so many are not in the log, as if they announced elsewhere.
    pub unseen: u64,
    /// Those take up only so many of a thousand torrents: those that are elsewhere, too. 0 is all.
    pub elsewhere: u64,
}

/// An account.
pub struct User {
    pub passkey: [u8; 32],
    pub way: Way,
    pub ghost: Ghost,
    /// What he announces is not in the log.
    pub unseen: bool,
    pub machines: Vec<u32>,
    /// When the next jump of the counter is due, for those who do that.
    pub jump_at: u32,
    pub truth: Truth,
}

/// A computer with a client program on it.
pub struct Machine {
    pub user: u32,
    pub client: &'static Client,
    pub habit: &'static Habit,
    pub v4: [u8; 4],
    /// An address over IPv6, whether the program uses it or not.
    pub home_v6: Option<[u16; 3]>,
    pub port: u16,
    /// Bytes a second.
    pub up: u64,
    pub down: u64,
    /// Seconds between announces.
    pub interval: u32,
    /// If set, the machine only pretends to share.
    pub tool: Option<&'static Tool>,
    pub running: bool,
    pub run: u32,
    pub exit_at: u32,
    pub peers: Vec<u32>,
    /// Torrents that were here once.
    pub gone: Vec<u32>,
    /// From which identities of its runs are drawn.
    pub identity: u64,
    /// Bytes that the line still carries in the step of that time.
    pub budget_of: u32,
    pub up_left: u64,
    pub down_left: u64,
}

impl Machine {
    /// The address that its program announces from over IPv6, if it does.
    pub fn v6(&self) -> Option<[u16; 3]> {
        self.home_v6.filter(|_| self.client.families != Families::V4)
    }
}

pub struct Torrent {
    pub info_hash: [u8; 20],
    pub size: u64,
    pub piece: u64,
    pub released: u32,
    /// How old it was when the world began.
    pub age: u32,
    pub popularity: u64,
    /// Bytes a second that a web server adds for each leecher.
    pub web: u64,
    /// Peers that take part, and those of them that miss something.
    pub members: Vec<u32>,
    pub wanting: Vec<u32>,
    /// What the tracker believes.
    pub seeds_told: u32,
    pub leechers_told: u32,
    /// Bytes that came from there.
    pub from_web: u64,
}

/// What a peer does when its time has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Begin,
    /// A second `started`, after a change of address.
    BeginAgain,
    Announce,
    Complete,
    Break,
    Remove,
}

/// Why a peer is away for a while.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Break {
    Pause,
    Recheck,
}

/// As what the tracker lists a peer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    No,
    Leech,
    Seed,
}

/// A torrent in a machine's program.
pub struct Peer {
    pub machine: u32,
    pub torrent: u32,
    /// Only the queue's entry with this number counts.
    pub ticket: u32,
    pub act: Act,
    pub break_at: u32,
    pub break_for: Break,
    pub remove_at: u32,
    pub kept: bool,
    /// Takes part in the swarm.
    pub present: bool,
    pub run: u32,
    pub fresh: bool,
    /// How often in a row the tracker was not there.
    pub refused: u32,
    pub peer_id: [u8; 20],
    pub key: u32,
    /// The program's counters of this session.
    pub up: u64,
    pub down: u64,
    pub corrupt: u64,
    /// What really went out and came in, over all sessions.
    pub sent: u64,
    pub received: u64,
    /// Bytes on disk, and those there when the session began.
    pub have: u64,
    pub found: u64,
    /// Bytes of files that it does not want.
    pub unwanted: u64,
    /// Of a thousand bytes received so many are thrown away.
    pub waste: u64,
    /// What the step under way adds.
    pub flow_up: u64,
    pub flow_down: u64,
    pub flow_have: u64,
    pub listed: Listed,
    /// Seeds and leechers in the tracker's last answer.
    pub saw: (u32, u32),
    pub fake: Fake,
    pub tally: Tally,
}

impl Peer {
    pub fn idle(machine: u32, torrent: u32, have: u64) -> Peer {
        Peer {
            machine,
            torrent,
            ticket: 0,
            act: Act::Begin,
            break_at: NEVER,
            break_for: Break::Pause,
            remove_at: NEVER,
            kept: true,
            present: false,
            run: 0,
            fresh: true,
            refused: 0,
            peer_id: [0; 20],
            key: 0,
            up: 0,
            down: 0,
            corrupt: 0,
            sent: 0,
            received: 0,
            have,
            found: 0,
            unwanted: 0,
            waste: 0,
            flow_up: 0,
            flow_down: 0,
            flow_have: 0,
            listed: Listed::No,
            saw: (0, 0),
            fake: Fake::default(),
            tally: Tally::default(),
        }
    }

    /// When it leaves the swarm of its own accord.
    pub fn leaves_at(&self) -> u32 {
        self.break_at.min(self.remove_at)
    }
}

/// What the queue holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Peer(u32, u32),
    Boot(u32),
    Exit(u32, u32),
    /// The user of a machine looks for something new.
    Want(u32, u32),
    /// The provider gives the machine another address.
    Roam(u32),
    Release(u32),
    /// The tracker gives up waiting for a peer that said no goodbye.
    Forget(u32, u32),
    /// A program asks for the swarm's counts every minute.
    Scrape(u32, u32),
    /// Two users who work together take up a torrent.
    Meet(u32, u32, u32),
}

/// Everything.
pub struct World {
    pub setup: Setup,
    pub chance: Chance,
    pub now: u32,
    /// Start of the step under way.
    pub step: u32,
    pub users: Vec<User>,
    pub machines: Vec<Machine>,
    pub torrents: Vec<Torrent>,
    pub peers: Vec<Peer>,
    pub queue: BinaryHeap<Reverse<(u32, What)>>,
    /// Peers that give or take in the step under way.
    pub moving: Vec<u32>,
    /// When the tracker is away, and what its web server says then.
    pub outages: Vec<(u32, u32, u16)>,
    pub log: crate::say::Log,
}

impl World {
    /// The world as it is a day before the log begins.
    pub fn new(setup: Setup) -> World {
        let mut world = World {
            setup,
            chance: Chance::of(setup.seed, 77, 0),
            now: 0,
            step: 0,
            users: Vec::new(),
            machines: Vec::new(),
            torrents: Vec::new(),
            peers: Vec::new(),
            queue: BinaryHeap::new(),
            moving: Vec::new(),
            outages: Vec::new(),
            log: crate::say::Log::new(&setup),
        };
        world.publish();
        for _ in 0..setup.users {
            world.register();
        }
        crate::ways::overlay(&mut world);
        world.plan_outages();
        for machine in 0..world.machines.len() as u32 {
            world.settle(machine);
        }
        world.give_everything_a_home();
        world
    }

    /// When everything ends.
    pub fn end(&self) -> u32 {
        BEFORE + self.setup.days * DAY + AFTER
    }

    pub fn at(&mut self, when: u32, what: What) {
        self.queue.push(Reverse((when, what)));
    }

    /// True so many times in a million, as oddities are scaled.
    pub fn odd(&mut self, per_million: u64) -> bool {
        self.chance.below(100_000_000) < per_million * self.setup.oddities
    }

    /// Notes that something odd happened to a machine's user.
    pub fn note(&mut self, machine: u32, odd: Odd) {
        let user = self.machines[machine as usize].user;
        self.users[user as usize].truth.note(odd);
    }
}
