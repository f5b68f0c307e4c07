//! What is told instead of the truth. Programs that only pretend to share run on machines of their own; what stands between a real
//! client and the tracker changes that client's numbers.

use crate::clients::chance::Chance;
use crate::clients::line::Event;
use crate::honest::Ghost;
use crate::spoof::{Gate, Tool};
use crate::ways::Way;
use crate::world::{Act, DAY, HOUR, MINUTE, Peer, STEP, Torrent, What, World};

/// What is made up in one session, and what it takes to go on so.
#[derive(Default)]
pub struct Fake {
    /// Bytes claimed, and pretended to be received.
    bytes: u64,
    down: u64,
    /// Over all sessions.
    total: u64,
    /// Until when it is reckoned.
    at: u32,
    rate: u64,
    /// What is pretended to be missing.
    left: u64,
    /// The gate has closed.
    dead: bool,
    /// Real counters at the last announce.
    seen_up: u64,
    seen_down: u64,
    /// Its share of the user's rate.
    weight: u64,
}

impl Fake {
    pub fn reset(&mut self, now: u32) {
        self.bytes = 0;
        self.down = 0;
        self.at = now;
        self.seen_up = 0;
        self.seen_down = 0;
    }
}

/// The content of an announce, and what is true of it.
pub struct Told {
    pub event: Event,
    pub uploaded: u64,
    pub downloaded: u64,
    pub left: u64,
    pub corrupt: u64,
    /// Bytes really uploaded in this session.
    pub real: u64,
}

impl World {
    fn tool(&self, at: u32) -> Option<&'static Tool> {
        self.machines[self.peers[at as usize].machine as usize].tool
    }

    /// What a peer says now.
    pub fn tell(&mut self, at: u32, event: Event) -> Told {
        match self.tool(at) {
            Some(tool) => self.pretend(at, event, tool),
            None => self.tell_of_sharing(at, event),
        }
    }

    // ------------------------------------------------------------------------- real sharing, told more or less truly

    fn tell_of_sharing(&mut self, at: u32, event: Event) -> Told {
        let since = u64::from(self.now - self.step);
        let peer = &self.peers[at as usize];
        let machine = &self.machines[peer.machine as usize];
        let Torrent { size, piece, .. } = self.torrents[peer.torrent as usize];
        let part = |flow: u64| (u128::from(flow) * u128::from(since) / u128::from(STEP)) as u64;
        let (up, down, have) =
            (peer.up + part(peer.flow_up), peer.down + part(peer.flow_down), peer.have + part(peer.flow_have));
        let client = machine.client;
        let left = if event == Event::Started && client.starts_unchecked {
            size
        } else if client.whole_pieces && have < size - peer.unwanted {
            size - have / piece * piece
        } else {
            size - have
        };
        let downloaded = if client.counts_disk { peer.found + down } else { down };
        let (way, ghost) = {
            let user = &self.users[machine.user as usize];
            (user.way, user.ghost)
        };
        let (downloaded, left) = ghost.tells(downloaded, left, size);
        let (mut event, mut downloaded) = (event, downloaded);
        if way == Way::Greedy {
            // What seeds downloaded is made up from the hash, and some announces begin anew for no reason.
            let hash = self.torrents[self.peers[at as usize].torrent as usize].info_hash;
            let made_up = u64::from(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])) % 49_000 + 1000;
            if left == 0 && down == 0 && event != Event::Stopped {
                downloaded = made_up * 1_000_000;
            }
            if event == Event::None && self.chance.below(100) < 3 {
                event = Event::Started;
            }
        }
        let silent = matches!(ghost, Ghost::Seed | Ghost::Frozen) && matches!(event, Event::Completed | Event::Paused);
        let uploaded = self.improve(at, way, event, up, down);
        Told {
            event: if silent { Event::None } else { event },
            uploaded,
            downloaded,
            left,
            corrupt: if ghost == Ghost::No { self.peers[at as usize].corrupt } else { 0 },
            real: up,
        }
    }

    /// What is told of `up` bytes really uploaded.
    fn improve(&mut self, at: u32, way: Way, event: Event, up: u64, down: u64) -> u64 {
        let now = self.now;
        let peer = &mut self.peers[at as usize];
        let leechers = peer.saw.1;
        let seconds = u64::from(now - peer.fake.at);
        let more_up = up - peer.fake.seen_up.min(up);
        let more_down = down - peer.fake.seen_down.min(down);
        (peer.fake.at, peer.fake.seen_up, peer.fake.seen_down) = (now, up, down);
        if !peer.present && event == Event::Started {
            return up;
        }
        match way {
            Way::Multiplier(tenths) => return up * tenths / 10,
            Way::Added => {
                if peer.fake.rate == 0 {
                    peer.fake.rate = self.chance.any_scale(6) * 3000 + self.chance.below(3000);
                }
                if leechers > 0 {
                    peer.fake.bytes += peer.fake.rate * seconds * (14 + self.chance.below(5)) / 16;
                }
            }
            Way::Gated(least) if leechers >= least => {
                // Four to eight times as much again, or half to once where few are watching.
                let factor = if least > 1 { 400 + self.chance.below(400) } else { 50 + self.chance.below(50) };
                peer.fake.bytes += more_up * factor / 100 + more_down * self.chance.below(50) / 1000;
                if self.chance.once_in(20) {
                    peer.fake.bytes += self.chance.below(15 << 10) * seconds;
                }
            }
            Way::Greedy => {
                // The goodbye goes through as it is.
                if event == Event::Stopped {
                    return up;
                }
                let aim = (down * 16 / 10).saturating_sub(up);
                peer.fake.bytes += aim.saturating_sub(peer.fake.bytes).min(2_000_000 * seconds);
            }
            Way::Jumps => {
                let user = &mut self.users[self.machines[peer.machine as usize].user as usize];
                let due = user.jump_at <= now && event == Event::None;
                if due {
                    user.jump_at = now + self.chance.between((8 * HOUR, 3 * DAY));
                    let bytes = self.chance.any_scale(7) * 128_000_000 + self.chance.below(128_000_000);
                    if self.chance.once_in(5) {
                        // Only this once; then the counter is itself again.
                        return up + peer.fake.bytes + bytes;
                    }
                    peer.fake.bytes += bytes;
                }
            }
            _ => {}
        }
        up + self.peers[at as usize].fake.bytes
    }

    // ------------------------------------------------------------------------------------------- pure pretence

    /// Gives a faking program its first torrents.
    pub fn begin_fakes(&mut self, machine: u32) {
        let user = self.machines[machine as usize].user;
        let count = match self.users[user as usize].way {
            Way::Joal => 5 + self.chance.below(16),
            Way::Constant | Way::Random => 1 + self.chance.below(5),
            Way::Slow | Way::RatioSpoof => 1 + self.chance.below(3),
            // They meet at their own times.
            _ => 0,
        };
        for _ in 0..count {
            self.add_fake(machine);
        }
    }

    /// Now and then another torrent, rather one that is in demand.
    pub fn vary_fakes(&mut self, machine: u32) {
        let run = self.machines[machine as usize].run;
        let due = self.now + self.chance.between((HOUR, 8 * HOUR));
        self.at(due, What::Want(machine, run));
        let peers = &self.machines[machine as usize].peers;
        let way = self.users[self.machines[machine as usize].user as usize].way;
        if matches!(way, Way::Colluding | Way::Partner) {
            return;
        }
        if peers.is_empty() {
            return self.renew(machine);
        }
        let old = peers[self.chance.below(peers.len() as u64) as usize];
        if self.peers[old as usize].present {
            self.peers[old as usize].remove_at = self.now;
            self.wake(old, Act::Remove, self.now + 1);
            self.renew(machine);
        }
    }

    fn renew(&mut self, machine: u32) {
        if let Some(new) = self.add_fake(machine) {
            self.set_out(new);
            self.wake(new, Act::Begin, self.now + 5);
        }
    }

    fn add_fake(&mut self, machine: u32) -> Option<u32> {
        let user = self.machines[machine as usize].user;
        let mut best: Option<u32> = None;
        for _ in 0..6 {
            let Some(torrent) = self.choose(machine) else { continue };
            let demand = |torrent: u32| self.torrents[torrent as usize].leechers_told;
            if best.is_none_or(|best| demand(torrent) > demand(best)) {
                best = Some(torrent);
            }
        }
        let torrent = best?;
        let size = self.torrents[torrent as usize].size;
        let tool = self.machines[machine as usize].tool?;
        let chance = &mut self.chance;
        let mut peer = Peer::idle(machine, torrent, size);
        peer.fake.rate = match self.users[user as usize].way {
            Way::Slow => 1000 + chance.below(19_000),
            Way::RatioSpoof => chance.any_scale(4) * 10_000 + chance.below(10_000),
            _ => chance.any_scale(7) * 3000 + chance.below(3000),
        };
        if tool.leeches && chance.once_in(4) {
            peer.fake.left = size / 100 * (1 + chance.below(100));
        }
        Some(self.add_peer(peer))
    }

    /// The plain announce of a faking program.
    pub fn fake_event(&self, at: u32) -> Event {
        if self.tool(at).is_some_and(|tool| tool.restarts) { Event::Started } else { Event::None }
    }

    /// Two who work together take up a torrent, the one as seeder, the other as leecher.
    pub fn meet(&mut self, giver: u32, taker: u32, torrent: u32) {
        let size = self.torrents[torrent as usize].size;
        if self.has(giver, torrent) || self.has(taker, torrent) || self.torrents[torrent as usize].released > self.now {
            return;
        }
        let rate = 200_000 + self.chance.below(1_500_000);
        // Some takers do not even say that they received it.
        let says = self.machines[taker as usize].identity.is_multiple_of(2);
        for (machine, left, rate) in [(giver, 0, rate), (taker, size, if says { rate } else { 0 })] {
            let mut peer = Peer::idle(machine, torrent, size);
            (peer.fake.left, peer.fake.rate) = (left, rate);
            let peer = self.add_peer(peer);
            if self.machines[machine as usize].running {
                self.set_out(peer);
                let due = self.now + 1 + self.chance.below(30) as u32;
                self.wake(peer, Act::Begin, due);
            }
        }
    }

    fn pretend(&mut self, at: u32, event: Event, tool: &'static Tool) -> Told {
        let machine = self.peers[at as usize].machine;
        let user = self.machines[machine as usize].user;
        let way = self.users[user as usize].way;
        let piece = self.torrents[self.peers[at as usize].torrent as usize].piece;
        let size = self.torrents[self.peers[at as usize].torrent as usize].size;
        if way == Way::Joal {
            self.spread_rate(machine);
        }
        let now = self.now;
        let chance = &mut self.chance;
        let (leechers, begins) = (self.peers[at as usize].saw.1, !self.peers[at as usize].present);
        let fake = &mut self.peers[at as usize].fake;
        let seconds = u64::from(now.saturating_sub(fake.at));
        let mut event = event;
        let mut grown = 0;
        if event == Event::Started && begins {
            fake.at = now;
        } else if way != Way::Joal {
            fake.at = now;
            fake.dead |= tool.gate == Gate::Stops && leechers == 0 && event == Event::None;
            let shut = fake.dead || tool.gate == Gate::Pauses && leechers == 0;
            grown = if shut { 0 } else { vary(fake.rate * seconds, seconds, tool.varies, chance) };
            if way == Way::RatioSpoof && seconds > 0 {
                grown += piece * (1 + chance.below(9));
            }
            if fake.left > 0 {
                let come = match way {
                    Way::Partner => fake.rate * seconds,
                    _ => fake.rate * 3 * seconds,
                };
                let come = come.min(fake.left) / 16 * 16;
                fake.down += come;
                fake.left -= if fake.left - come < 16 { fake.left } else { come };
                if fake.left == 0 && event == Event::None {
                    event = Event::Completed;
                }
            }
        }
        if tool.darts {
            grown = if event == Event::Stopped { size } else { 0 };
        }
        if way == Way::Colluding {
            // No more than there is to give.
            grown = grown.min(size - fake.total.min(size));
        }
        if way == Way::Partner {
            grown = 0;
        }
        fake.total += grown;
        fake.bytes += grown;
        let uploaded = if tool.forgets_sum { grown } else { fake.bytes / tool.quantum * tool.quantum };
        Told {
            event,
            uploaded,
            downloaded: if tool.left_whole { 0 } else { fake.down },
            left: if tool.left_whole { size } else { fake.left },
            corrupt: 0,
            real: 0,
        }
    }

    /// One rate for all torrents, drawn every twenty minutes, shared out by how much each is in demand, in ticks of
    /// five seconds.
    fn spread_rate(&mut self, machine: u32) {
        let peers = self.machines[machine as usize].peers.clone();
        let identity = self.machines[machine as usize].identity;
        let generous = [1, 1, 1, 4, 10][(identity % 5) as usize];
        let total: u64 = peers.iter().map(|&peer| self.peers[peer as usize].fake.weight).sum();
        for at in peers {
            let now = self.now;
            let peer = &mut self.peers[at as usize];
            let mut at_time = peer.fake.at.next_multiple_of(5);
            while peer.present && at_time + 5 <= now {
                let until = (at_time / (20 * MINUTE) + 1) * 20 * MINUTE;
                let ticks = (until.min(now) - at_time) / 5;
                let rate = Chance::of(identity, 20, u64::from(at_time / (20 * MINUTE))).between((30_000, 170_000));
                let speed = (u64::from(rate) * generous * peer.fake.weight).checked_div(total).unwrap_or(0);
                peer.fake.bytes += speed * 5 * u64::from(ticks);
                at_time += 5 * ticks;
                if ticks == 0 {
                    break;
                }
            }
            peer.fake.at = at_time;
            // Demand as the tracker told it last; alone in a swarm, or without leechers, it gives nothing.
            let (seeds, leechers) = (u64::from(peer.saw.0.saturating_sub(1)), u64::from(peer.saw.1));
            let everybody = seeds + leechers;
            let alone = seeds == 0 || leechers == 0;
            peer.fake.weight = if alone { 0 } else { 1000 * leechers.pow(3) / everybody.pow(2) };
        }
    }
}

/// A rate that varies from one tick of five seconds to the next, by so many thousandths at most.
fn vary(bytes: u64, seconds: u64, thousandths: u64, chance: &mut Chance) -> u64 {
    let ticks = (seconds / 5).max(1);
    let mut sum = 0;
    for _ in 0..ticks {
        sum += 1000 - thousandths + chance.below(2 * thousandths + 1);
    }
    (u128::from(bytes) * u128::from(sum) / u128::from(1000 * ticks)) as u64
}
