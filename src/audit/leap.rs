//! Uploads far faster than all else that a user sends.

use super::bytes::{BEFORE, GRANULE, Stretch, Trace};
use super::generated::{Ground, Sign};
use super::spike::spike_of;
use super::{Check, Conclude, Group, Severity};
use crate::measure;
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

/// What a session sent between its announces.
#[derive(Clone, Copy, Debug)]
enum Sent {
    /// Once, much faster than before and after; granules a second.
    Steep { place: u32, rate: f64, bytes: u64 },
    /// Otherwise: so often, and how fast at the most.
    Otherwise { place: u32, count: u32, fastest: f64 },
}

fn rate(stretch: &Stretch) -> f64 {
    stretch.up as f64 / (stretch.to - stretch.from).max(SHORTEST) as f64
}

fn sent(place: u32, trace: Trace<'_>, found: &mut Vec<Sent>) {
    // What came before the first line came in nobody knows how long.
    let mut told = trace.stretches().filter(|stretch| stretch.from >= BEFORE).peekable();
    let (mut before, mut count, mut fastest) = (None, 0, 0.0f64);
    while let Some(stretch) = told.next() {
        let near = |other: Option<&Stretch>| {
            other.filter(|b| b.from <= stretch.to + NEAR && stretch.from <= b.to + NEAR).map_or(0.0, rate)
        };
        let (rate, bytes) = (rate(&stretch), stretch.up.saturating_mul(GRANULE));
        if bytes >= LARGE && rate > STEEP * near(before.as_ref()).max(near(told.peek())) {
            found.push(Sent::Steep { place, rate, bytes });
        } else if bytes > 0 {
            (count, fastest) = (count + 1, fastest.max(rate));
        }
        before = Some(stretch);
    }
    if count > 0 {
        found.push(Sent::Otherwise { place, count, fastest });
    }
}

/// By user, those with several.
fn leaps(ground: &Ground<'_>) -> HashMap<u32, Sign> {
    let sent = shared(ground.story.sessions.len(), ground.threads, |range| {
        let mut found = Vec::new();
        for place in range {
            let kept = found.len();
            sent(place as u32, ground.traces.of(place), &mut found);
            let leapt = found[kept..].iter().any(|sent| matches!(sent, Sent::Steep { .. }));
            // What was taken back at once may have been a mistake.
            if leapt && spike_of(ground, place).is_some() {
                found.truncate(kept);
            }
        }
        found
    });
    let user = |place: u32| ground.story.sessions.brief(place as usize).user;
    let mut otherwise = vec![(0u32, 0.0f64); ground.story.users.len()];
    for sent in &sent {
        if let Sent::Otherwise { place, count, fastest } = *sent {
            let (all, most) = &mut otherwise[user(place) as usize];
            (*all, *most) = (all.saturating_add(count), most.max(fastest));
        }
    }
    let mut steep: HashMap<u32, Vec<(u32, f64, u64)>> = HashMap::new();
    for sent in sent {
        if let Sent::Steep { place, rate, bytes } = sent {
            steep.entry(user(place)).or_default().push((place, rate, bytes));
        }
    }
    let sign = |(user, steep): (u32, Vec<(u32, f64, u64)>)| {
        let (count, fastest) = otherwise[user as usize];
        let by_rule = |(fast, several, enough): (f64, usize, u32)| {
            let leaps: Vec<_> = steep.iter().filter(|(_, rate, _)| *rate > fast * fastest).collect();
            (count >= enough && leaps.len() >= several).then_some(leaps)
        };
        let leaps = RULES.into_iter().find_map(by_rule)?;
        let bytes = leaps.iter().fold(0u64, |sum, (.., bytes)| sum.saturating_add(*bytes));
        let mut places: Vec<u32> = leaps.iter().map(|(place, ..)| *place).collect();
        places.dedup();
        let amount = (fastest * GRANULE as f64) as u64;
        Some((user, Sign { bytes, count: leaps.len() as u64, amount, ..ground.sign(Severity::Low, places) }))
    };
    steep.into_iter().filter_map(sign).collect()
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
