//! Uploads at a steady rate: what a generator does, and a swarm does not.

use super::bytes::{AllTraces, BEFORE};
use super::generated::{Ground, Sign};
use super::notes::Counted;
use super::{Check, Conclude, Group, Severity};
use crate::order::{by_number, by_two};
use crate::replay::Story;
use crate::share::shared;
use std::collections::HashMap;
use std::ops::Range;

/// So many silences with an upload, at least, show what is usual in a torrent...
const ENOUGH: u32 = 8;
/// ...and so many of them in each session of it.
const FEW: usize = 3;
/// Of these so many in ten are alike...
pub(super) const ALIKE: usize = 9;
/// ...that is within this part of their median.
pub(super) const WITHIN: f64 = 0.015;
/// Counters are told to the second: in a shorter time that matters too much. In seconds.
pub(super) const SHORTEST: u64 = 120;
/// In so many torrents no limit on a line does that.
const SEVERAL: usize = 3;

/// How steady is steady.
#[derive(Clone, Copy)]
struct Measure {
    /// Rates within this part of their median are alike.
    within: f64,
    /// Rates of two torrents that differ by less may be the same limit.
    apart: f64,
}

/// As programs are that only pretend to upload.
const STEADY: Measure = Measure { within: WITHIN, apart: 0.05 };
/// As what is added to real uploads is, if those are little. Some lines do that, too: it is a hint, and only where it is rare.
const NEARLY: Measure = Measure { within: 0.14, apart: 0.3 };
/// That is, where no more than one user in so many does it.
const RARE: usize = 20;

/// What a session uploads, silence by silence.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// The session's place.
    place: u32,
    user: u32,
    /// Of which kind the user's client is.
    kind: u32,
    torrent: u32,
    /// Their median, in granules a second.
    median: f64,
    /// Nine of ten are within this part of it.
    spread: f64,
    /// How many there are; if they are not alike, how many were looked at.
    count: u32,
}

/// Sessions of one torrent that upload at one steady rate.
#[derive(Clone, Debug)]
struct Steady {
    /// Their places.
    places: Vec<u32>,
    torrent: u32,
    /// Granules a second.
    rate: f64,
    /// Silences with an upload.
    count: u32,
}

/// The median of some rates, and the part of it within which nine of ten are.
fn median_and_spread(rates: &[f64]) -> (f64, f64) {
    let mut sorted = rates.to_vec();
    let middle = sorted.len() / 2;
    let median = *sorted.select_nth_unstable_by(middle, f64::total_cmp).1;
    sorted.iter_mut().for_each(|rate| *rate = (*rate / median - 1.0).abs());
    let last = (sorted.len() * ALIKE).div_ceil(10) - 1;
    (median, *sorted.select_nth_unstable_by(last, f64::total_cmp).1)
}

/// A session's rates, if there are enough.
fn rates(story: &Story, traces: &AllTraces, place: usize) -> Option<Rates> {
    let trace = traces.of(place);
    // What came before the first line came in nobody knows how long.
    let told = trace.stretches().filter(|s| s.up > 0 && s.from >= BEFORE && s.to - s.from >= SHORTEST);
    let mut rates = told.map(|stretch| stretch.up as f64 / (stretch.to - stretch.from) as f64);
    let mut all: Vec<f64> = rates.by_ref().take(ENOUGH as usize).collect();
    if all.len() < FEW {
        return None;
    }
    // Most sessions show soon that they are not steady.
    let (mut median, mut spread) = median_and_spread(&all);
    let alike = all.iter().filter(|rate| (*rate / median - 1.0).abs() <= NEARLY.within).count();
    if alike * 2 >= all.len() {
        all.extend(rates);
        (median, spread) = median_and_spread(&all);
    }
    let session = story.sessions.brief(place);
    let (user, kind, torrent) = (session.user, Counted::kind_in(traces, place)?, session.torrent);
    Some(Rates { place: place as u32, user, kind, torrent, median, spread, count: all.len() as u32 })
}

/// The rates of all sessions, those of a user's clients of a kind together.
pub fn all_rates(story: &Story, traces: &AllTraces, threads: usize) -> Vec<Rates> {
    let of_some = |range: Range<usize>| range.filter_map(|place| rates(story, traces, place)).collect();
    let mut all: Vec<Rates> = shared(story.sessions.len(), threads, of_some);
    by_number(&mut all, |one| one.torrent);
    by_two(&mut all, |one| (one.user, one.kind));
    all
}

fn of_kinds<'a>(ground: &'a Ground<'_>) -> impl Iterator<Item = &'a [Rates]> {
    ground.rates.chunk_by(|a, b| (a.user, a.kind) == (b.user, b.kind))
}

/// In how many torrents there are enough of them.
fn told(of_kind: &[Rates]) -> usize {
    let of_torrents = of_kind.chunk_by(|a, b| a.torrent == b.torrent);
    of_torrents.filter(|own| own.iter().map(|one| one.count).sum::<u32>() >= ENOUGH).count()
}

/// By user, those of whom the clients of a kind do it in two torrents or more.
fn steady_rates(ground: &Ground<'_>) -> HashMap<u32, Sign> {
    let story = ground.story;
    let (mut tested, mut nearly) = (0, 0);
    let (mut signs, mut hints) = (HashMap::new(), HashMap::new());
    for of_kind in of_kinds(ground) {
        tested += usize::from(told(of_kind) > 1);
        let (strictly, loosely) = (chosen(story, of_kind, STEADY), chosen(story, of_kind, NEARLY));
        nearly += usize::from(torrents(&loosely) > 1);
        let (steady, is_strict) = if torrents(&strictly) > 1 { (strictly, true) } else { (loosely, false) };
        let torrents = torrents(&steady);
        if torrents < 2 {
            continue;
        }
        let mut places: Vec<u32> = steady.into_iter().flat_map(|steady| steady.places).collect();
        places.sort_unstable();
        let amount = places.iter().map(|at| u64::from(story.sessions.brief(*at as usize).announces)).sum();
        let (found, sign) = match is_strict {
            true if torrents >= SEVERAL => (&mut signs, ground.sign_of_made_up(Severity::Medium, places)),
            true => (&mut signs, ground.sign_of_made_up(Severity::Low, places)),
            // What is really uploaded is in it.
            false => (&mut hints, ground.sign(Severity::Low, places)),
        };
        let sign = Sign { count: torrents as u64, amount, ..sign };
        // Of two kinds of clients, the one in more torrents.
        keep_larger(found, of_kind[0].user, sign);
    }
    if nearly * RARE <= tested {
        signs.extend(hints);
    }
    signs
}

/// By user, those of whom the clients of a kind nearly do it in a torrent.
fn level_rates(ground: &Ground<'_>) -> HashMap<u32, Sign> {
    let (mut tested, mut found) = (0, HashMap::new());
    for of_kind in of_kinds(ground) {
        tested += usize::from(told(of_kind) > 0);
        let level = chosen(ground.story, of_kind, NEARLY);
        let Some(most) = level.into_iter().max_by_key(|one| one.count) else { continue };
        let (count, places) = (u64::from(most.count), most.places);
        let sign = Sign { count, ..ground.sign(Severity::Info, places) };
        // Of two kinds of clients, the one that does it longer.
        keep_larger(&mut found, of_kind[0].user, sign);
    }
    if found.len() * RARE <= tested { found } else { HashMap::new() }
}

/// Of several signs of a user, keeps the one that counts most.
fn keep_larger(found: &mut HashMap<u32, Sign>, user: u32, sign: Sign) {
    if found.get(&user).is_none_or(|other| other.count < sign.count) {
        found.insert(user, sign);
    }
}

/// In how many torrents.
fn torrents(steady: &[Steady]) -> usize {
    steady.chunk_by(|a, b| a.torrent == b.torrent).count()
}

/// Of some sessions those that are steady and that no limit on a line explains, by torrent.
fn chosen(story: &Story, all: &[Rates], measure: Measure) -> Vec<Steady> {
    let steady = all.iter().filter(|one| one.spread <= measure.within);
    let mut steady: Vec<Steady> = steady
        .map(|one| Steady { places: vec![one.place], torrent: one.torrent, rate: one.median, count: one.count })
        .collect();
    // A generator keeps its rate when it begins anew: sessions of a torrent with the same one are one.
    steady.sort_by(|a, b| a.torrent.cmp(&b.torrent).then(a.rate.total_cmp(&b.rate)));
    steady.dedup_by(|next, one| {
        let same = next.torrent == one.torrent && next.rate / one.rate - 1.0 <= measure.within;
        if same {
            one.places.append(&mut next.places);
            one.count += next.count;
        }
        same
    });
    steady.retain(|one| one.count >= ENOUGH);
    let at_once = |one: &Steady, other: &Steady| {
        let spans = |steady: &Steady| -> Vec<_> {
            story.sessions.at(&steady.places).map(|session| (session.first_at, session.last_at)).collect()
        };
        let others = spans(other);
        spans(one).iter().any(|a| others.iter().any(|b| a.0 < b.1 && b.0 < a.1))
    };
    // A line that is full has one rate: the same in one torrent after the other, and hardly in two at once.
    let by_itself = |one: &Steady, other: &Steady| {
        one.torrent == other.torrent || (one.rate / other.rate - 1.0).abs() > measure.apart || at_once(one, other)
    };
    let mut chosen: Vec<Steady> = Vec::new();
    for one in steady {
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
    formula: "in a session: growth of uploaded over the seconds between two announces, wherever it grew (120 s apart or more); steady if nine of ten of these rates lie within 1.5 % of their median. All of a user's clients of a kind. Steady sessions of a torrent whose medians lie within 1.5 % are one. A torrent counts if it ran beside those counted before or at a rate that differs by more than 5 %. Where it makes somebody likely-faked, all of these uploads are unexplained. If there are not two such torrents: the same with 14 % (and 30 % between torrents), if no more than one in twenty of those with enough announces in two torrents has them; then nothing need be made up",
    threshold: "3 rates in a session and 8 in a torrent; low with two torrents, medium with three; within 14 % low. Likely-faked only together with bytes or with a client that is not what it says",
    look_alikes: "limits set for single torrents that always have somebody to serve; within 14 % also a line that is always full. One limit for the whole client is not: its torrents share it as their leeches ask",
    source: "RatioMaster and rustatio: a rate times seconds, varied by every tick (0.06 and 0.6 % over an interval)",
    group: Some(Group::Generator),
    conclude: Conclude::Counters(steady_rates),
    message: |f| {
        let (bytes, torrents, announces) = (f.size(), f.count, f.amount);
        format!("{bytes} were uploaded at a steady rate in each of {torrents} torrents, over {announces} announces")
    },
};

pub static LEVEL_RATE: Check = Check {
    name: "level-rate",
    severity: Severity::Info,
    summary: "uploads at nearly the same rate all the time, in a torrent",
    formula: "as with steady-rate, if nine of ten rates lie within 14 % of their median: sessions of a torrent whose medians lie within 14 % are one",
    threshold: "3 rates in a session and 8 in the torrent; not if more than one in twenty of those with 8 rates in a torrent has that. Of 11,270 honest users of simulated trackers 172 have: it counts beside evidence from bytes only",
    look_alikes: "a line that is always full; a limit that always has somebody to serve",
    source: "RatioMaster and proxies that add a rate, varied a little, to what is really uploaded",
    group: Some(Group::Generator),
    conclude: Conclude::Counters(level_rates),
    message: |f| format!("{} were uploaded in one torrent at nearly the same rate, {} times", f.size(), f.count),
};
