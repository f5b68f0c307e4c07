//! Who there is: users, their machines and habits, the torrents, and what lies on disks when the world begins.

use crate::clients::chance::{Chance, pick};
use crate::clients::line::LOWER;
use crate::clients::programs::{Client, Families};
use crate::fake::{Fake, Way};
use crate::honest::{self, Ghost, Odd};
use crate::label::{Tally, Truth};
use crate::spoof::Tool;
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
}

/// How a computer is used.
pub struct Habit {
    share: u32,
    /// Bytes a second: the slowest, and the span of `any_scale` above it.
    up: (u64, u32),
    down: (u64, u32),
    /// Seconds the program runs at a stretch, and until it is started again.
    pub on: (u32, u32),
    pub off: (u32, u32),
    /// Torrents on disk when the world begins, and seconds between two new ones while it runs.
    library: u64,
    pub wants: u32,
    /// Seconds that a torrent is kept when it is complete.
    pub keeps: (u32, u32),
}

pub const SEEDBOX: usize = 0;
static HABITS: [Habit; 3] = [
    Habit {
        share: 80,
        up: (4_000_000, 4),
        down: (10_000_000, 3),
        on: (2 * DAY, 20 * DAY),
        off: (30, 120),
        library: 15,
        wants: 9 * HOUR,
        keeps: (DAY, 10 * DAY),
    },
    Habit {
        share: 340,
        up: (300_000, 4),
        down: (1_500_000, 4),
        on: (10 * HOUR, 5 * DAY),
        off: (30, 900),
        library: 5,
        wants: 34 * HOUR,
        keeps: (6 * HOUR, 16 * DAY),
    },
    Habit {
        share: 580,
        up: (100_000, 5),
        down: (800_000, 5),
        on: (2 * HOUR, 9 * HOUR),
        off: (10 * HOUR, 24 * HOUR),
        library: 2,
        wants: 9 * HOUR,
        keeps: (30 * MINUTE, 6 * DAY),
    },
];

/// An account.
pub struct User {
    pub passkey: [u8; 32],
    pub way: Way,
    pub ghost: Ghost,
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
    v6: Option<[u16; 3]>,
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
        self.v6.filter(|_| self.client.families != Families::V4)
    }
}

pub struct Torrent {
    pub info_hash: [u8; 20],
    pub size: u64,
    pub piece: u64,
    pub released: u32,
    /// How old it was when the world began.
    age: u32,
    popularity: u64,
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
    pub log: crate::life::Log,
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
            log: crate::life::Log::new(&setup),
        };
        world.publish();
        for _ in 0..setup.users {
            world.register();
        }
        crate::fake::overlay(&mut world);
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

    fn publish(&mut self) {
        let count = (self.setup.users / 2).max(40);
        let chance = &mut self.chance;
        for number in 0..count {
            let mut info_hash = [0; 20];
            chance.fill(&mut info_hash);
            // From 100 MB to 50 GB.
            let size = (chance.any_scale(9) * 98_000_000 + chance.below(98_000_000)).clamp(100_000_000, 50_000_000_000);
            let piece = (size / 1500).next_power_of_two().clamp(1 << 18, 1 << 24);
            let new = number % 2 == 0;
            let released = if new { chance.between((HOUR, BEFORE + self.setup.days * DAY)) } else { 0 };
            let rank = chance.below(u64::from(count)) + 3;
            self.torrents.push(Torrent {
                info_hash,
                size,
                piece,
                released,
                age: if new { 0 } else { chance.between((0, 60 * DAY)) },
                popularity: 1_000_000 / rank,
                web: if chance.below(10_000) < 2 * self.setup.oddities { 300_000 } else { 0 },
                members: Vec::new(),
                wanting: Vec::new(),
                seeds_told: 0,
                leechers_told: 0,
                from_web: 0,
            });
            if new {
                self.queue.push(Reverse((released, What::Release(number))));
            }
        }
    }

    fn register(&mut self) {
        let mut passkey = [0; 32];
        self.chance.letters(&mut passkey, LOWER);
        let ghost = if self.chance.below(1000) < self.setup.ghosts { Ghost::draw(&mut self.chance) } else { Ghost::No };
        let number = self.users.len() as u32;
        let mut truth = Truth::default();
        if ghost != Ghost::No {
            truth.note(Odd::Ghost);
        }
        self.users.push(User { passkey, way: Way::Honest, ghost, machines: Vec::new(), jump_at: 0, truth });
        let habit = pick(&HABITS, self.chance.below(1000) as u32, |habit| habit.share);
        self.add_machine(number, habit, None);
        if self.odd(50_000) {
            let habit = pick(&HABITS, self.chance.below(1000) as u32, |habit| habit.share);
            let second = self.add_machine(number, habit, None);
            self.note(second, Odd::TwoMachines);
            if self.chance.once_in(3) {
                // Two programs at home.
                let first = &self.machines[self.users[number as usize].machines[0] as usize];
                let (v4, v6) = (first.v4, first.v6);
                let second = &mut self.machines[second as usize];
                (second.v4, second.v6) = (v4, v6);
            }
        }
    }

    /// Gives a user a computer of that kind.
    pub fn add_machine(&mut self, user: u32, habit: &'static Habit, client: Option<&'static Client>) -> u32 {
        let shares_address = self.odd(30_000) && !self.machines.is_empty();
        let chance = &mut self.chance;
        let client = client.unwrap_or_else(|| honest::program(chance));
        let number = self.machines.len() as u32;
        let mut v4 = [10, chance.next() as u8, chance.next() as u8, chance.below(254) as u8 + 1];
        if shares_address {
            v4 = self.machines[chance.below(u64::from(number)) as usize].v4;
        }
        let scaled =
            |chance: &mut Chance, (least, span): (u64, u32)| least * chance.any_scale(span) + chance.below(least);
        let machine = Machine {
            user,
            client,
            habit,
            v4,
            v6: chance.once_in(5).then(|| [chance.next() as u16, chance.next() as u16, chance.next() as u16 | 1]),
            port: chance.between((1024, 65_535)) as u16,
            up: scaled(chance, habit.up),
            down: scaled(chance, habit.down),
            interval: client.interval,
            tool: None,
            running: false,
            run: 0,
            exit_at: NEVER,
            peers: Vec::new(),
            gone: Vec::new(),
            identity: chance.next(),
            budget_of: NEVER,
            up_left: 0,
            down_left: 0,
        };
        self.machines.push(machine);
        self.users[user as usize].machines.push(number);
        if shares_address {
            self.note(number, Odd::SharedAddress);
        }
        number
    }

    pub fn seedbox() -> &'static Habit {
        &HABITS[SEEDBOX]
    }

    pub fn any_habit(&mut self) -> &'static Habit {
        pick(&HABITS, self.chance.below(1000) as u32, |habit| habit.share)
    }

    /// Puts a machine somewhere in the midst of things: the log does not begin with the tracker.
    fn settle(&mut self, number: u32) {
        let habit = self.machines[number as usize].habit;
        let (on, off) = (u64::from(habit.on.0 + habit.on.1) / 2, u64::from(habit.off.0 + habit.off.1) / 2);
        if self.machines[number as usize].tool.is_none() {
            let count = self.chance.below(2 * habit.library + 1);
            for _ in 0..count {
                if let Some(torrent) = self.choose(number) {
                    self.put_on_disk(number, torrent);
                }
            }
        }
        if self.chance.below(on + off) >= on {
            let boot = 1 + self.chance.below(off) as u32;
            return self.at(boot, What::Boot(number));
        }
        // Its sessions began before the world did; they are told from within.
        let exit = 2 * STEP + self.chance.below(on) as u32;
        self.boot(number, exit);
        for at in self.machines[number as usize].peers.clone() {
            let peer = &mut self.peers[at as usize];
            let size = self.torrents[peer.torrent as usize].size;
            peer.up = self.chance.below(2 * size);
            peer.down = if self.chance.once_in(2) { size } else { 0 };
        }
    }

    /// A complete copy, of which some time has passed.
    fn put_on_disk(&mut self, machine: u32, torrent: u32) {
        let size = self.torrents[torrent as usize].size;
        let keeps = self.machines[machine as usize].habit.keeps.1;
        let mut peer = Peer::idle(machine, torrent, size);
        peer.remove_at = STEP + self.chance.below(2 * u64::from(keeps)) as u32;
        self.add_peer(peer);
    }

    /// Whatever is old has somebody who keeps it.
    fn give_everything_a_home(&mut self) {
        let mut owned = vec![false; self.torrents.len()];
        for peer in &self.peers {
            owned[peer.torrent as usize] = true;
        }
        for torrent in 0..self.torrents.len() as u32 {
            if self.torrents[torrent as usize].released == 0 && !owned[torrent as usize] {
                self.release(torrent);
            }
        }
    }

    /// Somebody who is there brings a torrent.
    pub fn release(&mut self, torrent: u32) {
        let mut machine = 0;
        for tries in 0..100 {
            machine = self.chance.below(self.machines.len() as u64) as u32;
            let one = &self.machines[machine as usize];
            let steady = one.habit.on.0 > 8 * HOUR || tries > 80;
            if one.tool.is_none() && one.running && steady && !self.has(machine, torrent) {
                break;
            }
        }
        if self.machines[machine as usize].tool.is_some() {
            return;
        }
        let size = self.torrents[torrent as usize].size;
        let mut peer = Peer::idle(machine, torrent, size);
        peer.remove_at = self.now + 2 * DAY + self.chance.below(10 * u64::from(DAY)) as u32;
        let peer = self.add_peer(peer);
        if self.machines[machine as usize].running {
            self.set_out(peer);
            let due = self.now + 1 + self.chance.below(60) as u32;
            self.wake(peer, Act::Begin, due);
        }
    }

    pub fn add_peer(&mut self, peer: Peer) -> u32 {
        let number = self.peers.len() as u32;
        self.machines[peer.machine as usize].peers.push(number);
        self.peers.push(peer);
        number
    }

    /// Whether a machine has a torrent.
    pub fn has(&self, machine: u32, torrent: u32) -> bool {
        let peers = &self.machines[machine as usize].peers;
        peers.iter().any(|&peer| self.peers[peer as usize].torrent == torrent)
    }

    /// What a user would like to have: popular or new, and not here yet.
    pub fn choose(&mut self, machine: u32) -> Option<u32> {
        let now = self.now;
        let weight = |torrent: &Torrent| {
            let fresh = match torrent.age + now.saturating_sub(torrent.released) {
                0..DAY => 24,
                DAY..259_200 => 8,
                259_200..604_800 => 4,
                604_800..2_592_000 => 2,
                _ => 1,
            };
            if torrent.released > now { 0 } else { torrent.popularity * fresh }
        };
        let total: u64 = self.torrents.iter().map(weight).sum();
        for _ in 0..20 {
            let mut ticket = self.chance.below(total.max(1));
            let found = self.torrents.iter().position(|torrent| match ticket.checked_sub(weight(torrent)) {
                Some(rest) => {
                    ticket = rest;
                    false
                }
                None => true,
            });
            match found {
                Some(torrent) if !self.has(machine, torrent as u32) => return Some(torrent as u32),
                _ => {}
            }
        }
        None
    }

    fn plan_outages(&mut self) {
        let mut at = 0;
        loop {
            // An hour away every five days, as things usually go.
            at += self.chance.between((HOUR, 10 * DAY)) * 100 / (self.setup.oddities.max(1) as u32).min(1000);
            if at > self.end() || self.setup.oddities == 0 {
                return;
            }
            let status = if self.chance.once_in(2) { 503 } else { 502 };
            let long = self.chance.between((20 * MINUTE, 80 * MINUTE));
            self.outages.push((at, at + long, status));
            at += long;
        }
    }
}
