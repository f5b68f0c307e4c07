//! Uploads at a steady rate: what a generator does, and a swarm does not.

use super::bytes::{BEFORE, Trace};
use super::{Check, Conclude, Group, Severity};
use crate::replay::Story;
use crate::share::shared;
use std::collections::{BTreeMap, HashMap};

/// So many silences with an upload, at least, show what is usual in a session.
const ENOUGH: usize = 8;
/// Of these so many in ten are alike...
const ALIKE: usize = 9;
/// ...that is within this part of their median.
const WITHIN: f64 = 0.015;
/// Counters are told to the second: in a shorter time that matters too much. In seconds.
const SHORTEST: u64 = 120;
/// Rates of two torrents that differ by less may be the same limit.
const APART: f64 = 0.05;
/// In so many torrents no limit on a line does that.
const SEVERAL: usize = 3;

/// A session that uploads at a steady rate.
#[derive(Clone, Copy, Debug)]
struct Steady {
    /// Its place.
    place: u32,
    /// Granules a second.
    rate: f64,
}

/// A user's sessions with a steady rate that no limit on a line explains: by their places, one for each torrent.
#[derive(Debug)]
pub struct SteadyRates {
    places: Vec<u32>,
}

impl SteadyRates {
    /// Whether they are so many that chance does not explain it.
    pub fn are_several(&self) -> bool {
        self.places.len() >= SEVERAL
    }
}

/// The rate of a session, if it is steady.
fn steady_rate(trace: Trace<'_>) -> Option<f64> {
    // What came before the first line came in nobody knows how long.
    let told = trace.stretches().filter(|s| s.up > 0 && s.from >= BEFORE && s.to - s.from >= SHORTEST);
    let mut rates = told.map(|stretch| stretch.up as f64 / (stretch.to - stretch.from) as f64);
    let alike = |rates: &[f64]| {
        let mut sorted = rates.to_vec();
        let middle = sorted.len() / 2;
        let median = *sorted.select_nth_unstable_by(middle, f64::total_cmp).1;
        (median, rates.iter().filter(|rate| (*rate / median - 1.0).abs() <= WITHIN).count())
    };
    // Most sessions show soon that they are not.
    let mut all: Vec<f64> = rates.by_ref().take(ENOUGH).collect();
    if all.len() < ENOUGH || alike(&all).1 * 2 < ENOUGH {
        return None;
    }
    all.extend(rates);
    let (median, count) = alike(&all);
    (count * 10 >= all.len() * ALIKE).then_some(median)
}

/// By user, those with two torrents or more. `traces` are those of the sessions, by their places.
pub fn steady_rates(story: &Story, traces: &[Option<Trace<'_>>], threads: usize) -> HashMap<u32, SteadyRates> {
    let steady: Vec<Steady> = shared(traces.len(), threads, |range| {
        let rate = |place: usize| Some(Steady { place: place as u32, rate: steady_rate(traces[place]?)? });
        range.filter_map(rate).collect::<Vec<_>>()
    });
    let session = |steady: &Steady| &story.sessions[steady.place as usize];
    let mut by_user: BTreeMap<u32, Vec<Steady>> = BTreeMap::new();
    for one in steady {
        by_user.entry(session(&one).user).or_default().push(one);
    }
    let independent = |of_user: Vec<Steady>| {
        let mut chosen: Vec<Steady> = Vec::new();
        for one in &of_user {
            // A line that is full has one rate: the same in one torrent after the other, and hardly in two at once.
            let by_itself = |other: &Steady| {
                let (a, b) = (session(one), session(other));
                a.torrent != b.torrent
                    && ((one.rate / other.rate - 1.0).abs() > APART || a.first_at < b.last_at && b.first_at < a.last_at)
            };
            if chosen.iter().all(by_itself) {
                chosen.push(*one);
            }
        }
        SteadyRates { places: chosen.iter().map(|steady| steady.place).collect() }
    };
    let found = by_user.into_iter().map(|(user, of_user)| (user, independent(of_user)));
    found.filter(|(_, rates)| rates.places.len() > 1).collect()
}

pub static STEADY_RATE: Check = Check {
    name: "steady-rate",
    severity: Severity::Medium,
    summary: "uploads at a steady rate, in several torrents",
    formula: "in a session: growth of uploaded over the seconds between two announces, wherever it grew (120 s apart or more); steady if nine of ten of these rates lie within 1.5 % of their median. One session counts for each torrent, if it ran beside those counted before or at a rate that differs by more than 5 %",
    threshold: "8 rates in a session; low with two torrents, medium with three. Likely-faked only together with bytes or with a client that is not what it says",
    look_alikes: "limits set for single torrents that always have somebody to serve. One limit for the whole client is not: its torrents share it as their leeches ask",
    source: "RatioMaster and rustatio: a rate times seconds, varied by every tick (0.06 and 0.6 % over an interval)",
    group: Some(Group::Generator),
    conclude: Conclude::User(|case| {
        let rates = case.known.steady.get(&case.user)?;
        let severity = if rates.are_several() { Severity::Medium } else { Severity::Low };
        let mut finding = case.about_uploads(severity, &rates.places);
        let announces = |at: &u32| u64::from(case.story.sessions[*at as usize].announces);
        finding.amount = rates.places.iter().map(announces).sum();
        Some(finding)
    }),
    message: |f| {
        let (bytes, torrents, announces) = (f.size(), f.count, f.amount);
        format!("{bytes} were uploaded at a steady rate in each of {torrents} torrents, over {announces} announces")
    },
};
