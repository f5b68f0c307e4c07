//! The ways of cheating, and who takes to which.

use crate::honest::{self, Ghost};
use crate::spoof;
use crate::world::{DAY, HOUR, What, World};

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
        Way::Constant => tool = Some(&spoof::CONSTANT[(world.chance.below(16) as usize).saturating_sub(7)]),
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
