//! Who can be trusted, and what the others claim beside them.

use super::flow::{Window, serve};
use super::swarm::Windows;
use super::{Book, GIB, GRANULE, Looked, NOISE, UserBytes, in_bytes};
use crate::share::shared;

/// So many windows are swept to find who can be trusted: some seconds. If there are more suspects than that allows for, only
/// what is certain of each user alone is said.
const SWEEPS: usize = 300_000_000;

/// Where more than so many tenths of all users are suspects, too few are left to be trusted.
const MANY: usize = 3;
/// So few are tried in any case.
const FEW: usize = 100;

/// Who lacks receivers for so many times what is allowed is not helped by serving others in another way: that is not tried.
const MOVABLE: u64 = 4;

/// The swarms in which somebody is suspected, or something is left to explain.
pub struct Trial<'a> {
    looked: Vec<&'a Looked>,
    windows: Vec<Windows>,
    /// By user.
    suspects: Vec<bool>,
    threads: usize,
}

impl<'a> Trial<'a> {
    /// A trial of some users; `None` if there are too many of them to tell.
    pub fn new(book: &Book<'_>, looked: &'a [Looked], suspects: Vec<bool>) -> Option<Self> {
        if suspects.iter().filter(|suspect| **suspect).count() > FEW.max(suspects.len() / 10 * MANY) {
            return None;
        }
        let is_suspect = |user: &&(u32, u64, u64)| suspects[user.0 as usize] && in_bytes(user.1) >= NOISE;
        // Nobody can be beside others what all are not together.
        let concerned = |swarm: &Looked| {
            let suspect = |user: &(u32, u64, u64)| suspects[user.0 as usize] && in_bytes(user.1) >= NOISE;
            in_bytes(swarm.together) >= NOISE && (swarm.excess > swarm.noise() || swarm.users.iter().any(suspect))
        };
        // Each suspect costs a sweep of every swarm that he is in.
        let sweeps = |swarm: &Looked| swarm.windows * swarm.users.iter().filter(is_suspect).count();
        if looked.iter().filter(|swarm| concerned(swarm)).map(sweeps).sum::<usize>() > SWEEPS {
            return None;
        }
        let places: Vec<usize> = (0..looked.len()).filter(|&at| concerned(&looked[at])).collect();
        let windows = shared(places.len(), book.threads, |range| {
            places[range].iter().map(|&at| book.windows(at)).collect::<Vec<Windows>>()
        });
        let looked = places.iter().map(|&at| &looked[at]).collect();
        Some(Trial { looked, windows, suspects, threads: book.threads })
    }

    /// What the trusted leave without a receiver in a swarm, and one suspect with them.
    fn excess(&self, place: usize, with: Option<u32>) -> u64 {
        self.windows[place].excess(|user| Some(user) == with || !self.suspects[user as usize])
    }

    fn excesses(&self) -> Vec<u64> {
        shared(self.windows.len(), self.threads, |range| range.map(|place| self.excess(place, None)).collect())
    }

    /// The trusted together must not leave an excess either; else the one who is blamed for most of it is not trusted.
    pub fn suspect_more(&mut self, parts: &[f64]) {
        for (place, mut excess) in self.excesses().into_iter().enumerate() {
            let swarm = self.looked[place];
            while excess > swarm.noise() {
                let blame = |user: &(u32, u64, u64)| (parts[user.0 as usize] + 1e-6) * user.1 as f64;
                let trusted = swarm.users.iter().filter(|user| !self.suspects[user.0 as usize]);
                let Some(most) = trusted.max_by(|a, b| blame(a).total_cmp(&blame(b))) else { break };
                self.suspects[most.0 as usize] = true;
                excess = self.excess(place, None);
            }
        }
    }

    /// Too many are suspected by now: whoever fits in is trusted again, the least blamed first.
    pub fn trust_again(&mut self, parts: &[f64], sums: &[UserBytes]) {
        let places = self.places();
        let mut rooms = self.rooms();
        let mut order: Vec<usize> = (0..self.suspects.len()).filter(|&user| self.suspects[user]).collect();
        let score = |user: usize| parts[user] + sums[user].certain.bytes as f64 / (sums[user].claimed as f64 + 1.0);
        order.sort_by(|&a, &b| score(a).total_cmp(&score(b)));
        for user in order {
            let allowed = (NOISE / GRANULE).max(sums[user].claimed / GRANULE / 50);
            // Whatever has no receiver even alone has none beside others.
            if sums[user].certain.bytes / GRANULE > allowed {
                continue;
            }
            // First without moving anybody else's bytes.
            let mut with = Vec::new();
            let mut more = 0u64;
            for &place in &places[user] {
                let (lacks, room) = rooms[place].with(user as u32);
                more = more.saturating_add(lacks);
                with.push((place, room));
                if more > allowed.saturating_mul(MOVABLE) {
                    break;
                }
            }
            if more > allowed.saturating_mul(MOVABLE) {
                continue;
            }
            if more > allowed {
                with.clear();
                more = 0;
                for &place in &places[user] {
                    more = more.saturating_add(self.more(place, user as u32));
                    if more > allowed {
                        break;
                    }
                }
                if more > allowed {
                    continue;
                }
            }
            self.suspects[user] = false;
            if with.is_empty() {
                places[user].iter().for_each(|&place| rooms[place] = self.room(place));
            }
            with.into_iter().for_each(|(place, room)| rooms[place].left = room);
        }
    }

    /// How much more has no receiver if a suspect is trusted, in granules.
    fn more(&self, place: usize, user: u32) -> u64 {
        self.excess(place, Some(user)).saturating_sub(self.excess(place, None))
    }

    /// By user: where the suspects claim anything to speak of.
    fn places(&self) -> Vec<Vec<usize>> {
        let mut places: Vec<Vec<usize>> = vec![Vec::new(); self.suspects.len()];
        for (place, swarm) in self.looked.iter().enumerate() {
            let suspect = |user: &&(u32, u64, u64)| self.suspects[user.0 as usize] && in_bytes(user.1) >= NOISE;
            swarm.users.iter().filter(suspect).for_each(|user| places[user.0 as usize].push(place));
        }
        places
    }

    fn room(&self, place: usize) -> Room {
        let Windows { senders, receivers } = &self.windows[place];
        let mut suspects: Vec<Window> =
            senders.iter().copied().filter(|window| self.suspects[window.user as usize]).collect();
        suspects.sort_by_key(|window| window.user);
        Room { suspects, left: serve(senders, receivers, |user| !self.suspects[user as usize]).1 }
    }

    fn rooms(&self) -> Vec<Room> {
        shared(self.windows.len(), self.threads, |range| range.map(|place| self.room(place)).collect())
    }

    /// What each suspect claims beside the trusted: torrent, user, bytes, size of the torrent.
    pub fn beside(&self) -> Vec<(u32, u32, u64, u64)> {
        // At most, as the trusted are served now.
        let most = shared(self.windows.len(), self.threads, |range| {
            let mut most = Vec::new();
            for place in range {
                let room = self.room(place);
                let suspect = |user: &&(u32, u64, u64)| self.suspects[user.0 as usize] && in_bytes(user.1) >= NOISE;
                let lacks = |user: &(u32, u64, u64)| (place, user.0, in_bytes(room.with(user.0).0));
                most.extend(self.looked[place].users.iter().filter(suspect).map(lacks));
            }
            most
        });
        let mut sums = vec![0u64; self.suspects.len()];
        most.iter().for_each(|&(_, user, bytes)| sums[user as usize] = sums[user as usize].saturating_add(bytes));
        // Who cannot come to anything that is said need not be looked at.
        let said: Vec<(usize, u32, u64)> =
            most.into_iter().filter(|&(_, user, bytes)| bytes >= NOISE && sums[user as usize] > GIB).collect();
        shared(said.len(), self.threads, |range| {
            let mut found = Vec::new();
            for of_one in said[range].chunk_by(|a, b| a.0 == b.0) {
                let place = of_one[0].0;
                let (swarm, trusted) = (self.looked[place], self.excess(place, None));
                for &(_, user, _) in of_one {
                    let beside = self.excess(place, Some(user)).saturating_sub(trusted);
                    found.push((swarm.torrent, user, in_bytes(beside), swarm.size));
                }
            }
            found
        })
    }
}

/// What the trusted leave in a swarm.
struct Room {
    /// What the suspects sent, by user.
    suspects: Vec<Window>,
    /// What can still be received.
    left: Vec<Window>,
}

impl Room {
    /// What of a suspect's claims finds no receiver there, and what is left then. With the bytes of the trusted served in
    /// another way it may be less.
    fn with(&self, user: u32) -> (u64, Vec<Window>) {
        let from = self.suspects.partition_point(|window| window.user < user);
        let own = &self.suspects[from..];
        let own = &own[..own.partition_point(|window| window.user == user)];
        serve(own, &self.left, |_| true)
    }
}
