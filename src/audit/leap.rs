//! Uploads far faster than all else that a user sends.

use super::bytes::{BEFORE, GRANULE, Stretch, Trace};
use super::{Check, Conclude, Group, Severity};
use crate::measure;
use crate::replay::Story;
use crate::share::shared;
use std::collections::HashMap;

/// So many bytes at once, at least...
const LARGE: u64 = 256 << 20;
/// ...at so many times the rate before and after...
const STEEP: f64 = 20.0;
/// ...and so many times the rate of anything else that the user sends.
const FAST: f64 = 4.0;
/// What lies further away, in seconds, is neither before nor after.
const NEAR: u64 = 4000;
/// A rate over less time says little. In seconds.
const SHORTEST: u64 = 300;
/// So many are no chance...
const SEVERAL: usize = 2;
/// ...if there is as much else to hold them against.
const ENOUGH: usize = 8;

/// An upload between two announces.
#[derive(Clone, Copy, Debug)]
struct Sent {
    user: u32,
    place: u32,
    /// Granules a second.
    rate: f64,
    bytes: u64,
    /// Much faster than what comes before and after.
    steep: bool,
}

/// A user's leaps.
#[derive(Debug)]
pub struct Leaps {
    /// The sessions, by their places.
    places: Vec<u32>,
    /// How many there are.
    count: usize,
    bytes: u64,
    /// Bytes a second of the fastest upload that is none.
    otherwise: u64,
}

fn rate(stretch: &Stretch) -> f64 {
    stretch.up as f64 / (stretch.to - stretch.from).max(SHORTEST) as f64
}

fn sent(user: u32, place: u32, trace: Trace<'_>) -> Vec<Sent> {
    // What came before the first line came in nobody knows how long.
    let told: Vec<Stretch> = trace.stretches().filter(|stretch| stretch.from >= BEFORE).collect();
    let near = |a: &Stretch, b: Option<&Stretch>| {
        b.filter(|b| b.from <= a.to + NEAR && a.from <= b.to + NEAR).map_or(0.0, rate)
    };
    let sent = |(at, stretch): (usize, &Stretch)| {
        let before = at.checked_sub(1).and_then(|before| told.get(before));
        let beside = near(stretch, before).max(near(stretch, told.get(at + 1)));
        let (rate, bytes) = (rate(stretch), stretch.up.saturating_mul(GRANULE));
        (bytes > 0).then_some(Sent { user, place, rate, bytes, steep: bytes >= LARGE && rate > STEEP * beside })
    };
    told.iter().enumerate().filter_map(sent).collect()
}

/// By user, those with several. `traces` are those of the sessions, by their places.
pub fn leaps(story: &Story, traces: &[Option<Trace<'_>>], threads: usize) -> HashMap<u32, Leaps> {
    let user = |place: u32| story.sessions[place as usize].user;
    // Few sessions have one; of those users everything is looked at.
    let steep = shared(traces.len(), threads, |range| {
        let all = range.filter_map(|place| Some(sent(user(place as u32), place as u32, traces[place]?)));
        all.flatten().filter(|sent| sent.steep).collect()
    });
    let mut concerned: HashMap<u32, Vec<Sent>> = HashMap::new();
    for sent in &steep {
        concerned.entry(sent.user).or_default();
    }
    for (place, trace) in (0u32..).zip(traces) {
        if let Some((all, trace)) = concerned.get_mut(&user(place)).zip(*trace) {
            all.extend(sent(user(place), place, trace));
        }
    }
    let found = |(user, all): (u32, Vec<Sent>)| {
        let (steep, others): (Vec<Sent>, Vec<Sent>) = all.into_iter().partition(|sent| sent.steep);
        let fastest = others.iter().map(|sent| sent.rate).fold(0.0, f64::max);
        let leaps: Vec<Sent> = steep.into_iter().filter(|sent| sent.rate > FAST * fastest).collect();
        (leaps.len() >= SEVERAL && others.len() >= ENOUGH).then(|| {
            let mut places: Vec<u32> = leaps.iter().map(|sent| sent.place).collect();
            places.dedup();
            let bytes = leaps.iter().fold(0u64, |sum, sent| sum.saturating_add(sent.bytes));
            (user, Leaps { places, count: leaps.len(), bytes, otherwise: (fastest * GRANULE as f64) as u64 })
        })
    };
    concerned.into_iter().filter_map(found).collect()
}

pub static LEAP: Check = Check {
    name: "leap",
    severity: Severity::Low,
    summary: "uploads between two announces far faster than all else that the user sends",
    formula: "growth of uploaded over the seconds between two announces (at least 300), of 256 MiB or more; 20 times the rates next to it in its session, if within 4000 s, and 4 times the fastest of the user's others that are not so steep",
    threshold: "two of them, and eight others. Of 29,471 honest users of simulated trackers 8 have that: it counts beside evidence of another kind only",
    look_alikes: "a seed at rest until a popular torrent asks for everything at once; a line that was rented for a day",
    source: "counters that leap by some gigabytes now and then; NexusPHP's speed check, against the user's own history",
    group: Some(Group::Generator),
    conclude: Conclude::User(|case| {
        let leaps = case.known.generated.leaps.get(&case.user)?;
        let mut finding = case.about_uploads(Severity::Low, &leaps.places);
        (finding.bytes, finding.count, finding.amount) = (Some(leaps.bytes), leaps.count as u64, leaps.otherwise);
        Some(finding)
    }),
    message: |f| {
        let otherwise = measure::bytes(f.amount.into());
        format!("{} were uploaded in {} leaps, else never more than {otherwise} a second", f.size(), f.count)
    },
};
