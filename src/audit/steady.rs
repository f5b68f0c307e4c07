//! Uploads at a steady rate: what a generator does, and a swarm does not.

use super::bytes::{BEFORE, Trace};
use super::generated::{Ground, Sign};
use super::{Check, Conclude, Group, Severity};
use crate::replay::Story;
use crate::share::shared;
use std::collections::HashMap;

/// So many silences with an upload, at least, show what is usual in a torrent...
const ENOUGH: usize = 8;
/// ...and so many of them in each session of it.
const FEW: usize = 3;
/// Of these so many in ten are alike...
pub(super) const ALIKE: usize = 9;
/// ...that is within this part of their median.
pub(super) const WITHIN: f64 = 0.015;
/// Counters are told to the second: in a shorter time that matters too much. In seconds.
pub(super) const SHORTEST: u64 = 120;
/// Rates of two torrents that differ by less may be the same limit.
const APART: f64 = 0.05;
/// In so many torrents no limit on a line does that.
const SEVERAL: usize = 3;

/// Sessions of one torrent that upload at one steady rate.
#[derive(Clone, Debug)]
struct Steady {
    /// Their places.
    places: Vec<u32>,
    torrent: u32,
    /// Granules a second.
    rate: f64,
    /// Silences with an upload.
    count: usize,
}

/// The rate of a session, if it is steady, and in how many silences that shows.
fn steady_rate(trace: Trace<'_>) -> Option<(f64, usize)> {
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
    if all.len() < FEW || alike(&all).1 * 2 < all.len() {
        return None;
    }
    all.extend(rates);
    let (median, count) = alike(&all);
    (count * 10 >= all.len() * ALIKE).then_some((median, all.len()))
}

/// By user, those with two torrents or more.
fn steady_rates(ground: &Ground<'_>) -> HashMap<u32, Sign> {
    let (story, traces) = (ground.story, ground.traces);
    let steady: Vec<Steady> = shared(traces.len(), ground.threads, |range| {
        let steady = |place: usize| {
            let (rate, count) = steady_rate(traces[place]?)?;
            Some(Steady { places: vec![place as u32], torrent: story.sessions[place].torrent, rate, count })
        };
        range.filter_map(steady).collect::<Vec<_>>()
    });
    let mut by_user: HashMap<u32, Vec<Steady>> = HashMap::new();
    for one in steady {
        by_user.entry(story.sessions[one.places[0] as usize].user).or_default().push(one);
    }
    let sign = |(user, of_user): (u32, Vec<Steady>)| {
        let chosen = independent(story, of_user);
        let torrents = chosen.chunk_by(|a, b| a.torrent == b.torrent).count();
        let mut places: Vec<u32> = chosen.into_iter().flat_map(|steady| steady.places).collect();
        places.sort_unstable();
        let amount = places.iter().map(|at| u64::from(story.sessions[*at as usize].announces)).sum();
        let severity = if torrents >= SEVERAL { Severity::Medium } else { Severity::Low };
        let sign = ground.sign_of_made_up(severity, places);
        (torrents > 1).then_some((user, Sign { count: torrents as u64, amount, ..sign }))
    };
    by_user.into_iter().filter_map(sign).collect()
}

/// Of a user's steady sessions those that no limit on a line explains, by torrent.
fn independent(story: &Story, mut of_user: Vec<Steady>) -> Vec<Steady> {
    // A generator keeps its rate when it begins anew: sessions of a torrent with the same one are one.
    of_user.sort_by(|a, b| a.torrent.cmp(&b.torrent).then(a.rate.total_cmp(&b.rate)));
    of_user.dedup_by(|next, one| {
        let same = next.torrent == one.torrent && next.rate / one.rate - 1.0 <= WITHIN;
        if same {
            one.places.append(&mut next.places);
            one.count += next.count;
        }
        same
    });
    of_user.retain(|one| one.count >= ENOUGH);
    let at_once = |one: &Steady, other: &Steady| {
        let span = |at: &u32| (story.sessions[*at as usize].first_at, story.sessions[*at as usize].last_at);
        let meet = |a: &u32, b: &u32| span(a).0 < span(b).1 && span(b).0 < span(a).1;
        one.places.iter().any(|a| other.places.iter().any(|b| meet(a, b)))
    };
    // A line that is full has one rate: the same in one torrent after the other, and hardly in two at once.
    let by_itself = |one: &Steady, other: &Steady| {
        one.torrent == other.torrent || (one.rate / other.rate - 1.0).abs() > APART || at_once(one, other)
    };
    let mut chosen: Vec<Steady> = Vec::new();
    for one in of_user {
        if chosen.iter().all(|other| by_itself(&one, other)) {
            chosen.push(one);
        }
    }
    chosen
}

pub static STEADY_RATE: Check = Check {
    name: "steady-rate",
    severity: Severity::Medium,
    summary: "uploads at a steady rate, in several torrents",
    formula: "in a session: growth of uploaded over the seconds between two announces, wherever it grew (120 s apart or more); steady if nine of ten of these rates lie within 1.5 % of their median. Steady sessions of a torrent whose medians lie within 1.5 % are one. A torrent counts if it ran beside those counted before or at a rate that differs by more than 5 %. Where it makes somebody likely-faked, all of these uploads are unexplained",
    threshold: "3 rates in a session and 8 in a torrent; low with two torrents, medium with three. Likely-faked only together with bytes or with a client that is not what it says",
    look_alikes: "limits set for single torrents that always have somebody to serve. One limit for the whole client is not: its torrents share it as their leeches ask",
    source: "RatioMaster and rustatio: a rate times seconds, varied by every tick (0.06 and 0.6 % over an interval)",
    group: Some(Group::Generator),
    conclude: Conclude::Counters(steady_rates),
    message: |f| {
        let (bytes, torrents, announces) = (f.size(), f.count, f.amount);
        format!("{bytes} were uploaded at a steady rate in each of {torrents} torrents, over {announces} announces")
    },
};
