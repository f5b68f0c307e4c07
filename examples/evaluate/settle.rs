//! How the world comes about: torrents, users and their machines, and what lies on disks when it begins.

use crate::clients::chance::{Chance, pick};
use crate::clients::line::LOWER;
use crate::clients::programs::Client;
use crate::honest::{self, Ghost, Odd};
use crate::label::Truth;
use crate::ways::Way;
use crate::world::{Act, BEFORE, DAY, HOUR, MINUTE, Machine, NEVER, Peer, STEP, Torrent, User, What, World};
use std::cmp::Reverse;

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

impl World {
    /// Torrents, half of them old.
    pub fn publish(&mut self) {
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

    /// A user with a machine or two.
    pub fn register(&mut self) {
        let mut passkey = [0; 32];
        self.chance.letters(&mut passkey, LOWER);
        let ghost = if self.chance.below(1000) < self.setup.ghosts { Ghost::draw(&mut self.chance) } else { Ghost::No };
        let unseen = self.chance.below(1000) < self.setup.unseen;
        let number = self.users.len() as u32;
        let mut truth = Truth::default();
        if ghost != Ghost::No {
            truth.note(Odd::Ghost);
        }
        self.users.push(User { passkey, way: Way::Honest, ghost, unseen, machines: Vec::new(), jump_at: 0, truth });
        let habit = pick(&HABITS, self.chance.below(1000) as u32, |habit| habit.share);
        self.add_machine(number, habit, None);
        if self.odd(50_000) {
            let habit = pick(&HABITS, self.chance.below(1000) as u32, |habit| habit.share);
            let second = self.add_machine(number, habit, None);
            self.note(second, Odd::TwoMachines);
            if self.chance.once_in(3) {
                // Two programs at home.
                let first = &self.machines[self.users[number as usize].machines[0] as usize];
                let (v4, v6) = (first.v4, first.home_v6);
                let second = &mut self.machines[second as usize];
                (second.v4, second.home_v6) = (v4, v6);
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
            home_v6: chance.once_in(5).then(|| [chance.next() as u16, chance.next() as u16, chance.next() as u16 | 1]),
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
    pub fn settle(&mut self, number: u32) {
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
        if self.machines[number as usize].tool.is_some() && self.chance.once_in(2) {
            // Many a cheat comes to it only later.
            let boot = self.chance.between((HOUR, BEFORE + self.setup.days * DAY));
            return self.at(boot, What::Boot(number));
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
    pub fn give_everything_a_home(&mut self) {
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
        let elsewhere =
            self.users[self.machines[machine as usize].user as usize].unseen.then_some(self.setup.elsewhere);
        let weight = |torrent: &Torrent| {
            let lot = u64::from(u16::from_be_bytes([torrent.info_hash[0], torrent.info_hash[1]])) % 1000;
            if elsewhere.is_some_and(|part| part > 0 && lot >= part) {
                return 0;
            }
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

    /// When the tracker will be away.
    pub fn plan_outages(&mut self) {
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
