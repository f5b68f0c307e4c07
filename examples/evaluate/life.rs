//! What happens when: programs start and end, torrents come and go, peers announce, the tracker is away.

use crate::clients::line::Event;
use crate::clients::programs::{Families, Scope};
use crate::honest::{self, Odd};
use crate::world::{Act, Break, HOUR, Listed, MINUTE, NEVER, Peer, STEP, Torrent, What, World};
use std::cmp::Reverse;
use std::io::{self, Write};

/// Up to so many seconds after the tracker's interval a client announces.
const JITTER: u64 = 8;
/// Lines are written in chunks of about this size.
const CHUNK: usize = 1 << 20;

impl World {
    /// Lets it all happen, and writes the log of it.
    pub fn run(&mut self, out: &mut impl Write) -> io::Result<()> {
        while self.now < self.end() {
            self.step = self.now;
            self.transfer();
            while let Some(&Reverse((due, what))) = self.queue.peek()
                && due < self.step + STEP
            {
                self.queue.pop();
                self.now = self.now.max(due);
                self.happen(what);
            }
            self.now = self.step + STEP;
            self.settle_step();
            if self.log.lines.len() >= CHUNK {
                out.write_all(&self.log.lines)?;
                self.log.lines.clear();
            }
        }
        self.assert_conserved();
        out.write_all(&self.log.lines)?;
        out.flush()
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Peer(peer, ticket) if self.peers[peer as usize].ticket == ticket => self.go(peer),
            What::Boot(machine) => {
                let on = self.machines[machine as usize].habit.on;
                let exit = self.now + self.chance.between(on);
                self.boot(machine, exit);
            }
            What::Exit(machine, run) if self.machines[machine as usize].run == run => self.exit(machine),
            What::Want(machine, run) if self.is_up(machine, run) => {
                if self.machines[machine as usize].tool.is_some() {
                    self.vary_fakes(machine);
                } else {
                    self.want(machine);
                }
            }
            What::Roam(machine) => self.roam(machine),
            What::Release(torrent) => self.release(torrent),
            What::Forget(peer, ticket) if self.peers[peer as usize].ticket == ticket => self.list(peer, Listed::No),
            What::Scrape(peer, run) => self.scrape_on(peer, run),
            What::Meet(giver, taker, torrent) => self.meet(giver, taker, torrent),
            _ => {}
        }
    }

    /// Whether that run of a machine is still under way.
    pub fn is_up(&self, machine: u32, run: u32) -> bool {
        let machine = &self.machines[machine as usize];
        machine.running && machine.run == run
    }

    /// Makes a peer act at that time, and not otherwise.
    pub fn wake(&mut self, at: u32, act: Act, due: u32) {
        let peer = &mut self.peers[at as usize];
        peer.act = act;
        peer.ticket += 1;
        let ticket = peer.ticket;
        self.at(due, What::Peer(at, ticket));
    }

    // ------------------------------------------------------------------------------------------ programs

    /// The program starts, with all its torrents.
    pub fn boot(&mut self, number: u32, exit: u32) {
        let machine = &mut self.machines[number as usize];
        machine.running = true;
        machine.run += 1;
        machine.exit_at = exit;
        let (run, wants) = (machine.run, machine.habit.wants);
        if machine.tool.is_some() && machine.peers.is_empty() {
            self.begin_fakes(number);
        }
        let peers = self.machines[number as usize].peers.clone();
        self.at(exit, What::Exit(number, run));
        let due = self.now + self.chance.between((wants / 20, wants * 2));
        self.at(due, What::Want(number, run));
        if self.odd(honest::ROAMING) {
            let due = self.now + self.chance.between((10 * MINUTE, 12 * HOUR));
            self.at(due, What::Roam(number));
        }
        let spread = 5 + peers.len() as u64 / 4;
        for peer in peers {
            self.set_out(peer);
            let due = self.now + 1 + self.chance.below(spread) as u32;
            self.wake(peer, Act::Begin, due);
        }
    }

    /// The program ends, or is killed. Some say goodbye.
    fn exit(&mut self, number: u32) {
        let crash = self.odd(honest::CRASH);
        if crash {
            self.note(number, Odd::Crash);
        }
        let machine = &mut self.machines[number as usize];
        machine.running = false;
        let says_so = machine.client.stops_at_exit && !crash;
        let (off, peers) = (machine.habit.off, machine.peers.clone());
        let boot = self.now + self.chance.between(off);
        self.at(boot, What::Boot(number));
        for at in peers {
            self.peers[at as usize].ticket += 1;
            if !self.peers[at as usize].present {
                continue;
            }
            if says_so {
                self.say(at, Event::Stopped);
            }
            self.leave_swarm(at);
            let peer = &mut self.peers[at as usize];
            let size = self.torrents[peer.torrent as usize].size;
            if crash && peer.have < size && self.machines[number as usize].tool.is_none() {
                // What was not yet saved is lost.
                let since = peer.have - peer.found.min(peer.have);
                peer.have -= self.chance.below(since / 4 + 1);
            }
        }
    }

    /// Another address. Some programs notice and say so.
    fn roam(&mut self, number: u32) {
        let (chance, machine) = (&mut self.chance, &mut self.machines[number as usize]);
        machine.v4[1..].copy_from_slice(&[chance.next() as u8, chance.next() as u8, chance.below(254) as u8 + 1]);
        let notices = machine.running && machine.client.families == Families::Both;
        let peers = machine.peers.clone();
        self.note(number, Odd::Roaming);
        for peer in peers {
            if notices && self.peers[peer as usize].present {
                let due = self.now + 1 + self.chance.below(20) as u32;
                self.wake(peer, Act::BeginAgain, due);
            }
        }
    }

    /// Something new to download.
    fn want(&mut self, number: u32) {
        let machine = &self.machines[number as usize];
        let (run, wants, gone) = (machine.run, machine.habit.wants, machine.gone.clone());
        let other = self.users[machine.user as usize].machines[0];
        let due = self.now + self.chance.between((wants / 4, wants * 7 / 4));
        self.at(due, What::Want(number, run));
        let twin = self.machines[other as usize].peers.clone();
        let again = self.odd(honest::REDOWNLOAD) && !gone.is_empty();
        let torrent = if again {
            Some(gone[self.chance.below(gone.len() as u64) as usize])
        } else if other != number && !twin.is_empty() && self.chance.once_in(3) {
            Some(self.peers[twin[self.chance.below(twin.len() as u64) as usize] as usize].torrent)
        } else {
            self.choose(number)
        };
        let Some(torrent) = torrent.filter(|&torrent| !self.has(number, torrent)) else { return };
        let size = self.torrents[torrent as usize].size;
        let mut peer = Peer::idle(number, torrent, 0);
        peer.waste = self.chance.below(4);
        if again {
            self.note(number, Odd::Redownload);
        }
        if self.torrents[torrent as usize].web > 0 {
            self.note(number, Odd::WebSeed);
        }
        if self.odd(honest::HASH_FAIL) {
            peer.waste = 50 + self.chance.below(250);
            self.note(number, Odd::HashFail);
        }
        if self.odd(honest::CROSS_SEED) {
            peer.have = size;
            peer.remove_at = self.now + STEP + self.chance.between(self.machines[number as usize].habit.keeps);
            self.note(number, Odd::CrossSeed);
        } else if self.odd(honest::SELECTIVE) {
            peer.unwanted = size / 10 * (1 + self.chance.below(9));
            self.note(number, Odd::Selective);
        }
        let peer = self.add_peer(peer);
        self.set_out(peer);
        self.wake(peer, Act::Begin, self.now + 1);
    }

    // --------------------------------------------------------------------------------------------- peers

    fn go(&mut self, at: u32) {
        match self.peers[at as usize].act {
            Act::Begin => {
                if self.say(at, Event::Started) {
                    if !self.peers[at as usize].present {
                        self.join(at);
                    }
                    let machine = &self.machines[self.peers[at as usize].machine as usize];
                    if machine.client.scrapes {
                        self.scrape(at);
                    } else if machine.tool.is_some_and(|tool| tool.scrapes) {
                        let run = machine.run;
                        self.at(self.now + MINUTE, What::Scrape(at, run));
                    }
                    self.plan(at);
                } else {
                    if !self.peers[at as usize].present && self.odd(honest::EARLY_START) {
                        self.note(self.peers[at as usize].machine, Odd::EarlyStart);
                        self.join(at);
                    }
                    self.retry(at);
                }
            }
            Act::BeginAgain => self.say_or_retry(at, Event::Started),
            Act::Complete => self.say_or_retry(at, Event::Completed),
            Act::Announce => {
                let event = self.plain_event(at);
                self.say_or_retry(at, event);
            }
            Act::Remove => {
                // Where much happens it may go in the middle of a step: what it moved in all of it is moved.
                self.enter(at);
                self.say(at, Event::Stopped);
                self.leave_swarm(at);
                let peer = &mut self.peers[at as usize];
                peer.kept = false;
                peer.ticket += 1;
                let (machine, torrent) = (&mut self.machines[peer.machine as usize], peer.torrent);
                machine.peers.retain(|&peer| peer != at);
                machine.gone.push(torrent);
            }
            Act::Break => self.take_a_break(at),
        }
    }

    fn plain_event(&self, at: u32) -> Event {
        let peer = &self.peers[at as usize];
        let machine = &self.machines[peer.machine as usize];
        if machine.tool.is_some() {
            return self.fake_event(at);
        }
        let content = peer.unwanted > 0 && self.missing(peer) == 0;
        if machine.client.partial_seeds && content { Event::Paused } else { Event::None }
    }

    fn say_or_retry(&mut self, at: u32, event: Event) {
        if self.say(at, event) { self.plan(at) } else { self.retry(at) }
    }

    /// Stops for a while, or to check what is on disk.
    fn take_a_break(&mut self, at: u32) {
        self.say(at, Event::Stopped);
        self.leave_swarm(at);
        let peer = &mut self.peers[at as usize];
        peer.break_at = NEVER;
        let (machine, why) = (peer.machine, peer.break_for);
        let Torrent { size, piece, .. } = self.torrents[peer.torrent as usize];
        let mut span = (5 * MINUTE, 6 * HOUR);
        if why == Break::Recheck {
            span = (MINUTE, 20 * MINUTE);
            let missing = size - peer.unwanted.min(size) - peer.have.min(size - peer.unwanted);
            if missing > 0 && self.chance.once_in(2) {
                // Some of it was there all along.
                peer.have += self.chance.below(missing);
            } else {
                peer.have -= (piece * self.chance.below(20)).min(peer.have);
            }
        }
        self.note(machine, if why == Break::Recheck { Odd::Recheck } else { Odd::Pause });
        self.set_out(at);
        let due = self.now + self.chance.between(span);
        self.wake(at, Act::Begin, due);
    }

    /// A new session: counters at zero, and whatever identity the program gives itself.
    pub fn set_out(&mut self, at: u32) {
        let peer = &mut self.peers[at as usize];
        let machine = &self.machines[peer.machine as usize];
        peer.tally.close(&mut self.users[machine.user as usize].truth);
        let (client, fresh, rerun) = (machine.client, peer.fresh, peer.run != machine.run);
        let new_in = |scope| fresh || rerun && scope != Scope::Kept;
        let mut of_run = crate::clients::chance::Chance::of(machine.identity, 2, u64::from(machine.run));
        if client.key.scope == Scope::Run {
            peer.key = of_run.next() as u32;
        } else if new_in(client.key.scope) {
            peer.key = self.chance.next() as u32;
        }
        if client.peer_id.scope == Scope::Run {
            peer.peer_id = client.peer_id.draw(&mut of_run);
        } else if new_in(client.peer_id.scope) || client.peer_id.fleeting {
            peer.peer_id = client.peer_id.draw(&mut self.chance);
        }
        peer.fresh = false;
        peer.run = machine.run;
        peer.refused = 0;
        peer.up = 0;
        peer.down = 0;
        peer.corrupt = 0;
        peer.found = peer.have;
        peer.fake.reset(self.now);
    }

    fn join(&mut self, at: u32) {
        let peer = &mut self.peers[at as usize];
        peer.present = true;
        peer.break_at = NEVER;
        if peer.remove_at < self.step + STEP {
            // It was due while the program did not run.
            peer.remove_at = self.now + self.chance.between((10 * MINUTE, 5 * HOUR));
        }
        let (machine, torrent) = (peer.machine, peer.torrent as usize);
        if self.machines[machine as usize].tool.is_some() {
            return;
        }
        self.torrents[torrent].members.push(at);
        if self.missing(&self.peers[at as usize]) > 0 {
            self.torrents[torrent].wanting.push(at);
        }
    }

    fn leave_swarm(&mut self, at: u32) {
        let peer = &mut self.peers[at as usize];
        assert!(peer.flow_up == 0 && peer.flow_down == 0, "left in the middle of a transfer");
        peer.present = false;
        let (torrent, ticket) = (peer.torrent as usize, peer.ticket);
        let torrent = &mut self.torrents[torrent];
        for list in [&mut torrent.members, &mut torrent.wanting] {
            if let Some(place) = list.iter().position(|&other| other == at) {
                list.swap_remove(place);
            }
        }
        if self.peers[at as usize].listed != Listed::No {
            self.at(self.now + HOUR, What::Forget(at, ticket));
        }
    }

    fn retry(&mut self, at: u32) {
        let peer = &mut self.peers[at as usize];
        let machine = &self.machines[peer.machine as usize];
        let wait = match peer.refused {
            _ if !machine.client.retries => machine.interval,
            0 => 17,
            1 => 55,
            2 => 117,
            3 => 300,
            4 => 900,
            _ => 1800,
        };
        peer.refused += 1;
        let act = peer.act;
        let due = self.now + wait + self.chance.below(5) as u32;
        self.wake(at, act, due);
    }

    /// Announces again as the tracker asks, unless something comes before.
    fn plan(&mut self, at: u32) {
        let machine = self.peers[at as usize].machine;
        let interval = self.machines[machine as usize].interval;
        let mut due = self.now + interval + self.chance.below(JITTER) as u32;
        if self.odd(honest::FORCED * u64::from(interval) / 1800) {
            due = self.now + 10 + self.chance.below(u64::from(interval)) as u32;
            self.note(machine, Odd::Forced);
        }
        let soonest = self.step + STEP;
        for (odds, why) in [(honest::PAUSE, Break::Pause), (honest::RECHECK, Break::Recheck)] {
            if self.odd(odds * u64::from(interval) / 1800) && self.machines[machine as usize].client.pauses {
                let peer = &mut self.peers[at as usize];
                peer.break_at = soonest + self.chance.below(u64::from(interval)) as u32;
                peer.break_for = why;
            }
        }
        let peer = &self.peers[at as usize];
        if self.machines[machine as usize].tool.is_some_and(|tool| tool.darts) {
            let due = self.now + 3 + self.chance.below(15) as u32;
            return self.wake(at, Act::Remove, due);
        }
        let leaves = peer.leaves_at();
        if leaves.max(soonest) < due {
            let act = if peer.remove_at <= peer.break_at { Act::Remove } else { Act::Break };
            return self.wake(at, act, leaves.max(soonest));
        }
        self.wake(at, Act::Announce, due);
    }
}
