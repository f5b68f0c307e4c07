//! Uploads far faster than all else that a user sends.

use super::bytes::{BEFORE, GRANULE, Stretch};
use super::generated::{Ground, Sign};
use super::spike::spike_of;
use super::{Check, Conclude, Group, Severity};
use crate::measure;
use crate::order::by_number;
use crate::share::shared;
use std::collections::HashMap;

/// So many bytes at once, at least...
const LARGE: u64 = 256 << 20;
/// ...at so many times the rate before and after...
const STEEP: f64 = 20.0;
/// ...and so many times the rate of anything else that the user sends: so many of them, and so much else to hold them against, are
/// no chance.
const RULES: [(f64, usize, u32); 2] = [(4.0, 2, 8), (2.0, 3, 1)];
/// What lies further away, in seconds, is neither before nor after.
const NEAR: u64 = 4000;
/// A rate over less time says little. In seconds.
const SHORTEST: u64 = 300;

/// What a session sent between two announces, much faster than before and after.
#[derive(Clone, Copy, Debug)]
struct Steep {
    user: u32,
    /// The session's place.
    place: u32,
    /// Granules a second.
    rate: f64,
    bytes: u64,
}

/// What else somebody sent: so often, and how fast at the most.
#[derive(Clone, Copy, Default, Debug)]
struct Otherwise {
    count: u32,
    fastest: f64,
}

impl Otherwise {
    fn add(&mut self, other: Otherwise) {
        self.count = self.count.saturating_add(other.count);
        self.fastest = self.fastest.max(other.fastest);
    }
}

fn rate(stretch: &Stretch) -> f64 {
    stretch.up as f64 / (stretch.to - stretch.from).max(SHORTEST) as f64
}

/// What a session sent, by its place.
fn sent(ground: &Ground<'_>, place: usize) -> (Vec<Steep>, Otherwise) {
    let user = ground.story.sessions.brief(place).user;
    let (mut steep, mut otherwise) = (Vec::new(), Otherwise::default());
    // What came before the first line came in nobody knows how long.
    let mut told = ground.traces.of(place).stretches().filter(|stretch| stretch.from >= BEFORE).peekable();
    let mut before = None;
    while let Some(stretch) = told.next() {
        let near = |other: Option<&Stretch>| {
            other.filter(|b| b.from <= stretch.to + NEAR && stretch.from <= b.to + NEAR).map_or(0.0, rate)
        };
        let (rate, bytes) = (rate(&stretch), stretch.up.saturating_mul(GRANULE));
        if bytes >= LARGE && rate > STEEP * near(before.as_ref()).max(near(told.peek())) {
            steep.push(Steep { user, place: place as u32, rate, bytes });
        } else if bytes > 0 {
            otherwise.add(Otherwise { count: 1, fastest: rate });
        }
        before = Some(stretch);
    }
    // What was taken back at once may have been a mistake.
    if !steep.is_empty() && spike_of(ground, place).is_some() {
        return Default::default();
    }
    (steep, otherwise)
}

/// By user, those with several.
fn leaps(ground: &Ground<'_>) -> HashMap<u32, Sign> {
    let sessions = &ground.story.sessions;
    let user = |place: usize| sessions.brief(place).user;
    let mut steep = shared(sessions.len(), ground.threads, |range| {
        let sent_enough = range.filter(|at| sessions.brief(*at).credit.up >= LARGE);
        sent_enough.flat_map(|at| sent(ground, at).0).collect()
    });
    by_number(&mut steep, |one: &Steep| one.user);
    // Few have so many: only of them is it asked what else they sent.
    let least = RULES.iter().map(|(_, several, _)| *several).min().unwrap_or(0);
    let of_users = steep.chunk_by(|a, b| a.user == b.user);
    let of_users: Vec<&[Steep]> = of_users.filter(|own| own.len() >= least).collect();
    let mut asked = vec![false; ground.story.users.len()];
    of_users.iter().for_each(|own| asked[own[0].user as usize] = true);
    let others = shared(sessions.len(), ground.threads, |range| {
        let asked = range.filter(|at| asked[user(*at) as usize]);
        asked.map(|at| (user(at), sent(ground, at).1)).collect()
    });
    let mut otherwise = vec![Otherwise::default(); asked.len()];
    others.into_iter().for_each(|(user, others): (u32, _)| otherwise[user as usize].add(others));
    let sign = |steep: &[Steep]| {
        let user = steep[0].user;
        let Otherwise { count, fastest } = otherwise[user as usize];
        let by_rule = |(fast, several, enough): (f64, usize, u32)| {
            let leaps: Vec<_> = steep.iter().filter(|one| one.rate > fast * fastest).collect();
            (count >= enough && leaps.len() >= several).then_some(leaps)
        };
        let leaps = RULES.into_iter().find_map(by_rule)?;
        let bytes = leaps.iter().fold(0u64, |sum, one| sum.saturating_add(one.bytes));
        let mut places: Vec<u32> = leaps.iter().map(|one| one.place).collect();
        places.dedup();
        let amount = (fastest * GRANULE as f64) as u64;
        Some((user, Sign { bytes, count: leaps.len() as u64, amount, ..ground.sign(Severity::Low, places) }))
    };
    of_users.into_iter().filter_map(sign).collect()
}

pub static LEAP: Check = Check {
    name: "leap",
    severity: Severity::Low,
    summary: "uploads between two announces far faster than all else that the user sends",
    formula: "growth of uploaded over the seconds between two announces (at least 300), of 256 MiB or more; 20 times the rates next to it in its session, if within 4000 s, and 4 times the fastest of the user's others that are not so steep, or twice the fastest",
    threshold: "two of them that are 4 times as fast, and eight others; or three that are twice as fast, and one other. Of 11,270 honest users of simulated trackers 3 have that: it counts beside evidence of another kind only",
    look_alikes: "a seed at rest until a popular torrent asks for everything at once; a line that was rented for a day",
    source: "counters that leap by some gigabytes now and then; NexusPHP's speed check, against the user's own history",
    group: Some(Group::Generator),
    conclude: Conclude::Counters(leaps),
    message: |f| {
        let otherwise = measure::bytes(f.amount.into());
        format!("{} were uploaded in {} leaps, else never more than {otherwise} a second", f.size(), f.count)
    },
};
