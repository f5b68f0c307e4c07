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
/// ...and so many times the rate of anything else that the user sends.
const FAST: f64 = 4.0;
/// What lies further away, in seconds, is neither before nor after.
const NEAR: u64 = 4000;
/// A rate over less time says little. In seconds.
const SHORTEST: u64 = 300;
/// So many are no chance...
const SEVERAL: usize = 2;
/// ...if there is as much else to hold them against.
const ENOUGH: u32 = 8;

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
    let sent = shared(ground.traces.len(), ground.threads, |range| {
        let mut found = Vec::new();
        for place in range {
            if let Some(trace) = ground.traces[place] {
                let kept = found.len();
                sent(place as u32, trace, &mut found);
                let leapt = found[kept..].iter().any(|sent| matches!(sent, Sent::Steep { .. }));
                // What was taken back at once may have been a mistake.
                if leapt && spike_of(ground, place).is_some() {
                    found.truncate(kept);
                }
            }
        }
        found
    });
    let user = |place: u32| ground.story.sessions[place as usize].user;
    let mut otherwise = vec![(0u32, 0.0f64); ground.story.users.len()];
    for sent in &sent {
        if let Sent::Otherwise { place, count, fastest } = *sent {
            let (all, most) = &mut otherwise[user(place) as usize];
            (*all, *most) = (all.saturating_add(count), most.max(fastest));
        }
    }
    let mut leaps: HashMap<u32, Vec<(u32, u64)>> = HashMap::new();
    for sent in sent {
        let Sent::Steep { place, rate, bytes } = sent else { continue };
        let (count, fastest) = otherwise[user(place) as usize];
        if count >= ENOUGH && rate > FAST * fastest {
            leaps.entry(user(place)).or_default().push((place, bytes));
        }
    }
    leaps.retain(|_, leaps| leaps.len() >= SEVERAL);
    let sign = |(user, leaps): (u32, Vec<(u32, u64)>)| {
        let bytes = leaps.iter().fold(0u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
        let mut places: Vec<u32> = leaps.iter().map(|(place, _)| *place).collect();
        places.dedup();
        let amount = (otherwise[user as usize].1 * GRANULE as f64) as u64;
        (user, Sign { bytes, count: leaps.len() as u64, amount, ..ground.sign(Severity::Low, places) })
    };
    leaps.into_iter().map(sign).collect()
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
    conclude: Conclude::Counters(leaps),
    message: |f| {
        let otherwise = measure::bytes(f.amount.into());
        format!("{} were uploaded in {} leaps, else never more than {otherwise} a second", f.size(), f.count)
    },
};
