//! How bytes move. Whatever a peer sends in a step, another peer of that torrent receives in the same step; what both
//! say about it is another matter, and not told here.

use crate::world::{Act, HOUR, Peer, STEP, Torrent, World};

/// A leecher asks so many others at a time.
const CONNECTIONS: u64 = 12;
/// A peer serves so many at a time.
const SLOTS: u64 = 4;

impl World {
    /// Decides what moves in the step that begins now.
    pub fn transfer(&mut self) {
        let torrents = self.torrents.len();
        // Whoever is asked first gives most, so nobody is always first.
        let first = self.chance.below(torrents as u64) as usize;
        let mut offers = Vec::new();
        for at in 0..torrents {
            let torrent = (first + at) % torrents;
            if self.torrents[torrent].wanting.is_empty() {
                continue;
            }
            let ceiling = self.ceiling(torrent);
            for place in 0..self.torrents[torrent].wanting.len() {
                let leecher = self.torrents[torrent].wanting[place];
                if self.stays(leecher) {
                    self.feed(torrent, leecher, ceiling, &mut offers);
                }
            }
        }
    }

    /// So much of a torrent can be had: all of it, unless nobody who is there has a whole copy.
    fn ceiling(&self, torrent: usize) -> u64 {
        let Torrent { size, web, ref members, .. } = self.torrents[torrent];
        let have = |&peer: &u32| self.peers[peer as usize].have;
        if web > 0 || members.iter().any(|peer| have(peer) >= size) {
            return size;
        }
        members.iter().map(have).max().unwrap_or(0)
    }

    /// Whether a peer is there until the step ends.
    fn stays(&self, peer: u32) -> bool {
        let peer = &self.peers[peer as usize];
        let end = self.step + STEP;
        peer.leaves_at() >= end && self.machines[peer.machine as usize].exit_at >= end
    }

    /// Lets one leecher ask around.
    fn feed(&mut self, torrent: usize, leecher: u32, ceiling: u64, offers: &mut Vec<(u32, u64)>) {
        offers.clear();
        let me = &self.peers[leecher as usize];
        let (machine, have, waste) = (me.machine, me.have + me.flow_have, me.waste);
        let missing = (self.missing(me) - me.flow_have).min(ceiling.saturating_sub(have));
        let (_, down) = self.budget(machine);
        // What is thrown away is asked for again.
        let want = (missing * 1000).div_ceil(1000 - waste).min(down);
        let size = self.torrents[torrent].size;
        let members = self.torrents[torrent].members.len() as u64;
        let epoch = u64::from(self.now / (HOUR / 2));
        let mut sum = 0;
        for connection in 0..CONNECTIONS.min(2 * members) {
            let mut mixed = u64::from(leecher) << 32 ^ epoch << 8 ^ connection;
            mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ mixed >> 32).wrapping_mul(0x94d0_49bb_1331_11eb);
            let source = self.torrents[torrent].members[((mixed >> 16) % members) as usize];
            let other = &self.peers[source as usize];
            let known = offers.iter().any(|&(peer, _)| peer == source);
            if source == leecher || other.machine == machine || other.have == 0 || known || !self.stays(source) {
                continue;
            }
            // Of what somebody incomplete has, the leecher has a part already.
            let news = if other.have >= size { size } else { share(other.have, size - have.min(size), size) };
            let (other_machine, line) = (other.machine, self.machines[other.machine as usize].up);
            let (up, _) = self.budget(other_machine);
            let offer = (line * u64::from(STEP) / SLOTS).min(up).min(news);
            if offer > 0 {
                offers.push((source, offer));
                sum += offer;
            }
        }
        let granted = want.min(sum);
        let mut got = 0;
        for &(source, offer) in offers.iter() {
            let bytes = share(granted, offer, sum);
            if bytes == 0 {
                continue;
            }
            let other = &mut self.peers[source as usize];
            let untouched = other.flow_up == 0 && other.flow_down == 0;
            other.flow_up += bytes;
            self.machines[other.machine as usize].up_left -= bytes;
            if untouched {
                self.moving.push(source);
            }
            got += bytes;
        }
        let web = (self.torrents[torrent].web * u64::from(STEP)).min(want - got);
        self.torrents[torrent].from_web += web;
        self.take(leecher, got + web, missing);
    }

    fn take(&mut self, leecher: u32, bytes: u64, missing: u64) {
        if bytes == 0 {
            return;
        }
        let me = &mut self.peers[leecher as usize];
        let untouched = me.flow_up == 0 && me.flow_down == 0;
        me.flow_down += bytes;
        me.flow_have += (bytes - bytes * me.waste / 1000).min(missing);
        self.machines[me.machine as usize].down_left -= bytes;
        if untouched {
            self.moving.push(leecher);
        }
    }

    /// What a machine's line still carries in this step, up and down.
    fn budget(&mut self, machine: u32) -> (u64, u64) {
        if self.machines[machine as usize].budget_of != self.step {
            // Nobody's line is always free.
            let free = 4 + self.chance.below(13);
            let machine = &mut self.machines[machine as usize];
            machine.budget_of = self.step;
            machine.up_left = machine.up * u64::from(STEP) * free / 16;
            machine.down_left = machine.down * u64::from(STEP);
        }
        let machine = &self.machines[machine as usize];
        (machine.up_left, machine.down_left)
    }

    /// Bytes that a peer wants and does not have.
    pub fn missing(&self, peer: &Peer) -> u64 {
        (self.torrents[peer.torrent as usize].size - peer.unwanted).saturating_sub(peer.have)
    }

    /// Enters what moved in the step that has ended, and lets those who have everything say so.
    pub fn settle_step(&mut self) {
        for at in std::mem::take(&mut self.moving) {
            if self.enter(at) > 0 && self.missing(&self.peers[at as usize]) == 0 {
                self.download_ends(at);
            }
        }
    }

    /// Enters what a peer moved in this step; returns what it has now and had not.
    pub fn enter(&mut self, at: u32) -> u64 {
        let peer = &mut self.peers[at as usize];
        let up = std::mem::take(&mut peer.flow_up);
        let down = std::mem::take(&mut peer.flow_down);
        let have = std::mem::take(&mut peer.flow_have);
        peer.up += up;
        peer.down += down;
        peer.have += have;
        peer.sent += up;
        peer.received += down;
        if peer.waste > 20 {
            peer.corrupt += down - have;
        }
        have
    }

    fn download_ends(&mut self, at: u32) {
        let peer = &self.peers[at as usize];
        let (machine, whole) = (peer.machine, peer.unwanted == 0);
        let torrent = &mut self.torrents[peer.torrent as usize];
        torrent.wanting.retain(|&other| other != at);
        let (low, high) = self.machines[machine as usize].habit.keeps;
        // Half of all torrents go soon.
        let mut keeps = self.chance.between((low, high));
        if self.chance.once_in(2) {
            keeps = self.chance.between((low, low + (high - low) / 4));
        }
        if self.users[self.machines[machine as usize].user as usize].way.runs_off() {
            keeps = self.chance.between((60, 14 * 60));
        }
        self.peers[at as usize].remove_at = self.now + STEP + keeps;
        let completes = self.machines[machine as usize].client.completes;
        if completes && whole {
            let due = self.now + self.chance.below(3) as u32;
            self.wake(at, Act::Complete, due);
        }
    }

    /// Every byte that somebody uploaded was downloaded by somebody, or came from a web server.
    pub fn assert_conserved(&self) {
        let mut balance = vec![(0, 0); self.torrents.len()];
        for peer in &self.peers {
            let (sent, received) = &mut balance[peer.torrent as usize];
            *sent += peer.sent;
            *received += peer.received;
        }
        for (torrent, (sent, received)) in self.torrents.iter().zip(balance) {
            assert_eq!(sent + torrent.from_web, received, "bytes from nowhere, or lost");
        }
    }
}

/// `part` of `whole`, of so many.
fn share(of: u64, part: u64, whole: u64) -> u64 {
    if whole == 0 { 0 } else { (u128::from(of) * u128::from(part) / u128::from(whole)) as u64 }
}
