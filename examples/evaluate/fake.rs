//! The ways of faking. Programs that only pretend to share run on machines of their own; what stands between a real
//! client and the tracker changes that client's numbers.

use crate::clients::chance::Chance;
use crate::clients::line::Event;
use crate::honest::{self, Ghost};
use crate::spoof::{self, Gate, Tool};
use crate::world::{Act, DAY, HOUR, MINUTE, Peer, STEP, Torrent, What, World};

/// What a user does that is not honest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Honest,
    /// Rates by the law of weights, sums of which are multiples of five.
    Joal,
    Constant,
    /// A rate that varies by a fifth.
    Random,
    /// A little, by a client that looks genuine.
    Slow,
    /// Every announce a `started`.
    RatioSpoof,
    Jumps,
    /// Tenths by which real uploads are multiplied.
    Multiplier(u64),
    /// A rate added to real uploads while there are leechers.
    Added,
    /// Real uploads multiplied while there are so many leechers.
    Gated(u32),
    /// Uploads made up to a ratio.
    Greedy,
    /// Claims to give to somebody who works with him.
    Colluding,
    /// The other one.
    Partner,
    /// Downloads without telling.
    Hidden,
    /// A client in disguise, otherwise honest.
    Disguised,
    SharedPasskey,
    Flood,
    HitAndRun,
}

/// In turn, so that there are about as many of each.
const WAYS: [Way; 22] = [
    Way::Joal,
    Way::Constant,
    Way::Multiplier(20),
    Way::Jumps,
    Way::Added,
    Way::Random,
    Way::Colluding,
    Way::Multiplier(12),
    Way::Slow,
    Way::Hidden,
    Way::Joal,
    Way::Disguised,
    Way::Multiplier(15),
    Way::Gated(1),
    Way::Flood,
    Way::Constant,
    Way::HitAndRun,
    Way::Multiplier(30),
    Way::RatioSpoof,
    Way::Gated(5),
    Way::SharedPasskey,
    Way::Multiplier(50),
];

impl Way {
    pub fn name(self) -> &'static str {
        match self {
            Way::Honest => "honest",
            Way::Joal => "joal",
            Way::Constant => "constant",
            Way::Random => "random",
            Way::Slow => "slow",
            Way::RatioSpoof => "ratio-spoof",
            Way::Jumps => "jumps",
            Way::Multiplier(12) => "multiplier-1.2",
            Way::Multiplier(15) => "multiplier-1.5",
            Way::Multiplier(20) => "multiplier-2",
            Way::Multiplier(30) => "multiplier-3",
            Way::Multiplier(_) => "multiplier-5",
            Way::Added => "added",
            Way::Gated(1) => "gated-1",
            Way::Gated(_) => "gated-5",
            Way::Greedy => "greedy",
            Way::Colluding => "colluding",
            Way::Partner => "partner",
            Way::Hidden => "hidden-download",
            Way::Disguised => "client-spoof",
            Way::SharedPasskey => "shared-passkey",
            Way::Flood => "flood",
            Way::HitAndRun => "hit-and-run",
        }
    }

    /// Removes what has just been downloaded.
    pub fn runs_off(self) -> bool {
        self == Way::HitAndRun
    }
}

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

/// Makes some of the users cheat, each in one way.
pub fn overlay(world: &mut World) {
    let count = (u64::from(world.setup.users) * world.setup.cheats / 1000) as usize;
    for turn in 0..count {
        let way = WAYS[turn % WAYS.len()];
        let way = if way == Way::Jumps && turn / WAYS.len() % 3 == 2 { Way::Greedy } else { way };
        if let Some(user) = upright(world) {
            corrupt(world, user, way);
        }
    }
}

/// Somebody who does nothing wrong so far.
fn upright(world: &mut World) -> Option<u32> {
    (0..100).find_map(|_| {
        let user = world.chance.below(world.users.len() as u64) as u32;
        let one = &world.users[user as usize];
        (one.way == Way::Honest && one.ghost == Ghost::No).then_some(user)
    })
}

fn corrupt(world: &mut World, number: u32, way: Way) {
    world.users[number as usize].way = way;
    let machine = world.users[number as usize].machines[0] as usize;
    let mut tool = None;
    match way {
        Way::Joal => tool = Some(&spoof::JOAL[world.chance.below(3) as usize]),
        // The two best known are as frequent as all others.
        Way::Constant => tool = Some(&spoof::CONSTANT[(world.chance.below(16) as usize).saturating_sub(8)]),
        Way::Random => tool = Some(&spoof::RANDOM),
        Way::RatioSpoof => tool = Some(&spoof::SPOOF),
        Way::Slow => tool = Some(&spoof::GENUINE),
        Way::Greedy => disguise(world, machine, &spoof::NEWGREEDY, "newgreedy"),
        Way::Hidden => {
            let ghost = if world.chance.once_in(2) { Ghost::Frozen } else { Ghost::Untold };
            world.users[number as usize].ghost = ghost;
            if world.chance.once_in(2) {
                disguise(world, machine, &spoof::TORRATIO, "torratio");
            }
        }
        Way::Disguised => {
            let client = &spoof::DISGUISED[world.chance.below(spoof::DISGUISED.len() as u64) as usize];
            disguise(world, machine, client, client.agent);
        }
        Way::SharedPasskey => {
            for _ in 0..3 + world.chance.below(3) {
                let habit = world.any_habit();
                world.add_machine(number, habit, None);
            }
        }
        Way::Flood => world.machines[machine].interval = world.chance.between((45, 200)),
        Way::HitAndRun => {
            let up = if world.chance.once_in(2) { 0 } else { 2000 };
            let machine = &mut world.machines[machine];
            machine.up = up;
        }
        Way::Colluding => conspire(world, number),
        _ => {}
    }
    if let Some(tool) = tool {
        let habit = if world.chance.once_in(2) { World::seedbox() } else { world.any_habit() };
        let own = world.machines[machine].client;
        let genuine = tool.name == spoof::GENUINE.name;
        let client = if genuine { own } else { tool.client };
        let faker = world.add_machine(number, habit, Some(client)) as usize;
        world.machines[faker].tool = Some(tool);
        world.machines[faker].v4 = world.machines[machine].v4;
        world.users[number as usize].truth.tool = tool.name;
        world.users[number as usize].truth.spoofed = !genuine;
    }
}

fn disguise(world: &mut World, machine: usize, client: &'static crate::clients::programs::Client, name: &'static str) {
    let machine = &mut world.machines[machine];
    machine.client = client;
    machine.interval = client.interval;
    let truth = &mut world.users[machine.user as usize].truth;
    truth.spoofed = true;
    truth.tool = name;
}

/// Finds a partner, and agrees with him when to take up which torrent.
fn conspire(world: &mut World, giver: u32) {
    let Some(taker) = upright(world) else { return };
    world.users[taker as usize].way = Way::Partner;
    let fakers = [giver, taker].map(|user| {
        let client = honest::program(&mut world.chance);
        let machine = world.add_machine(user, World::seedbox(), Some(client));
        world.machines[machine as usize].tool = Some(&spoof::GENUINE);
        machine
    });
    for _ in 0..2 + world.setup.days / 2 {
        let when = world.chance.between((HOUR, DAY + world.setup.days * DAY));
        let torrent = world.chance.below(world.torrents.len() as u64) as u32;
        world.at(when, What::Meet(fakers[0], fakers[1], torrent));
    }
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
        if peers.is_empty() || matches!(way, Way::Colluding | Way::Partner) {
            return;
        }
        let old = peers[self.chance.below(peers.len() as u64) as usize];
        if self.peers[old as usize].present {
            self.peers[old as usize].remove_at = self.now;
            self.wake(old, Act::Remove, self.now + 1);
            if let Some(new) = self.add_fake(machine) {
                self.set_out(new);
                self.wake(new, Act::Begin, self.now + 5);
            }
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
            _ => chance.any_scale(6) * 10_000 + chance.below(10_000),
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
        let leechers = self.peers[at as usize].saw.1;
        let fake = &mut self.peers[at as usize].fake;
        let seconds = u64::from(now.saturating_sub(fake.at));
        let mut event = event;
        let mut grown = 0;
        if event == Event::Started && !tool.restarts {
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
