//! Who can be trusted, and what the others claim beside them.

use super::swarm::Windows;
use super::{Book, GRANULE, LEAST, Looked, NOISE, UserBytes, in_bytes};
use crate::share::shared;

/// So many windows are swept to find who can be trusted: some seconds. If there are more suspects than that allows for, only
/// what is certain of each user alone is said.
const SWEEPS: usize = 300_000_000;

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
        let is_suspect = |user: &&(u32, u64, u64)| suspects[user.0 as usize] && in_bytes(user.1) >= LEAST;
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
        let mut places: Vec<Vec<usize>> = vec![Vec::new(); self.suspects.len()];
        for (place, swarm) in self.looked.iter().enumerate() {
            let suspect = |user: &&(u32, u64, u64)| self.suspects[user.0 as usize] && in_bytes(user.1) >= LEAST;
            swarm.users.iter().filter(suspect).for_each(|user| places[user.0 as usize].push(place));
        }
        let mut excesses = self.excesses();
        let mut order: Vec<usize> = (0..self.suspects.len()).filter(|&user| self.suspects[user]).collect();
        let score = |user: usize| parts[user] + sums[user].certain.bytes as f64 / (sums[user].claimed as f64 + 1.0);
        order.sort_by(|&a, &b| score(a).total_cmp(&score(b)));
        for user in order {
            let allowed = (NOISE / GRANULE).max(sums[user].claimed / GRANULE / 50);
            // Whatever has no receiver even alone has none beside others.
            if sums[user].certain.bytes / GRANULE > allowed {
                continue;
            }
            let mut with: Vec<(usize, u64)> = Vec::new();
            let mut more = 0u64;
            for &place in &places[user] {
                let excess = self.excess(place, Some(user as u32));
                more = more.saturating_add(excess.saturating_sub(excesses[place]));
                with.push((place, excess));
                if more > allowed {
                    break;
                }
            }
            if more <= allowed {
                self.suspects[user] = false;
                with.into_iter().for_each(|(place, excess)| excesses[place] = excess);
            }
        }
    }

    /// What each suspect claims beside the trusted: torrent, user, bytes, size of the torrent.
    pub fn beside(&self) -> Vec<(u32, u32, u64, u64)> {
        shared(self.windows.len(), self.threads, |range| {
            let mut found = Vec::new();
            for place in range {
                let (swarm, trusted) = (self.looked[place], self.excess(place, None));
                for &(user, ..) in swarm.users.iter().filter(|user| self.suspects[user.0 as usize]) {
                    let beside = self.excess(place, Some(user)).saturating_sub(trusted);
                    found.push((swarm.torrent, user, in_bytes(beside), swarm.size));
                }
            }
            found
        })
    }
}
