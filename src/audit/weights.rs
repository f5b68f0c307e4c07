//! Uploads shared out among torrents by JOAL's weights: a program that only pretends to upload gives each torrent its part of one
//! rate, by how many leeches and seeds the tracker told of.

use super::bytes::BEFORE;
use super::generated::{Ground, PROOF, Sign};
use super::steady::SHORTEST;
use super::{Check, Conclude, Group, Severity};
use crate::order::{by_number, by_two};
use crate::session::Status;
use crate::share::shared;
use crate::time::Time;
use std::collections::HashMap;
use std::ops::RangeInclusive;

/// Fewer torrents show nothing...
const ENOUGH: usize = 6;
/// ...nor fewer rates in one, each held against so many others at the time.
const FEW: usize = 3;
const BESIDE: u32 = 2;
/// So many torrents are looked at: those with the most uploaded.
const MOST: usize = 64;
/// Rates keep a law that are within this factor's logarithm of it.
const CLOSE: f32 = 0.15;
/// Laws that are no further from each other are not told apart.
const APART: f32 = 2.0 * CLOSE;
/// So likely, at most, a torrent keeps it by chance: of the other users of simulated trackers one in ten.
const BY_CHANCE: f64 = 0.2;
/// What is shared out by a law changes little from one announce to the next: half of these changes are less than that.
const STEADY: f32 = 0.5;
/// So many of a candidate's rates are looked at, about: those that begin in some stretches of time, of so many seconds.
const ENOUGH_RATES: u32 = 2048;
const SLOT: u32 = 7200;
/// In a longer time swarms change. In seconds.
const LENGTHS: RangeInclusive<u64> = SHORTEST..=14_400;
/// A session with less uploaded says nothing. In bytes.
const LEAST: u64 = 1 << 20;

/// Sessions of one user's clients of a kind that upload and download nothing.
struct Candidate {
    user: u32,
    /// Their torrents and places, by torrent.
    sessions: Vec<(u32, u32)>,
}

/// The laws by which rates may be shared out, as logarithms of what each torrent gets: JOAL's; and two that honest clients keep
/// where the line is what limits them: so much for each leech, or for each that a seed has to serve.
type Laws = [f32; 3];

fn laws(leeches: f32, seeds: f32) -> Laws {
    let each = leeches.ln();
    [3.0 * each - 2.0 * (seeds + leeches).ln(), each, each - (seeds + 1.0).ln()]
}

/// What was uploaded in a silence.
#[derive(Clone, Copy, Debug)]
struct Rate {
    /// Whose: the candidate, by its place.
    candidate: u32,
    torrent: u32,
    /// The session's place.
    place: u32,
    /// Its place among the candidate's, by torrent and session.
    nth: u32,
    /// In seconds.
    from: u32,
    to: u32,
    /// Its logarithm.
    rate: f32,
    laws: Laws,
}

/// Seeds and leeches since a second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Listing {
    since: u32,
    seeds: i32,
    leeches: i32,
}

/// Seconds since the log began; one of more than a century ends there.
fn secs(ground: &Ground<'_>, time: Time) -> u32 {
    let start = ground.story.log_start.unwrap_or(time);
    u32::try_from(time.since(start).max(0) / 1000).unwrap_or(u32::MAX)
}

/// User, kind of the client, torrent, place of the session.
type Key = (u32, u32, u32, u32);

fn candidates(ground: &Ground<'_>) -> Vec<Candidate> {
    let sessions = &ground.story.sessions;
    let key = |place: usize| {
        let (session, credit) = (sessions.brief(place), sessions.brief(place).credit);
        let seeds_alone = credit.up >= LEAST && credit.down == 0;
        let kind = seeds_alone.then(|| ground.kind(place)).flatten()?;
        Some((session.user, kind, session.torrent, place as u32))
    };
    let mut keys: Vec<Key> = shared(sessions.len(), ground.threads, |range| range.filter_map(key).collect());
    by_number(&mut keys, |key| key.2);
    by_two(&mut keys, |key| (key.0, key.1));
    let mut candidates: Vec<Candidate> = Vec::new();
    for of_kind in keys.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let torrents: Vec<&[Key]> = of_kind.chunk_by(|a, b| a.2 == b.2).collect();
        if torrents.len() >= ENOUGH {
            candidates.push(Candidate { user: of_kind[0].0, sessions: largest(ground, torrents) });
        }
    }
    candidates
}

/// Of the sessions of some torrents, those in the torrents with the most uploaded, by torrent.
fn largest(ground: &Ground<'_>, mut torrents: Vec<&[Key]>) -> Vec<(u32, u32)> {
    let up = |own: &[Key]| own.iter().fold(0u64, |sum, key| sum.saturating_add(ground.uploaded(key.3)));
    if torrents.len() > MOST {
        torrents.sort_by_cached_key(|own| std::cmp::Reverse(up(own)));
        torrents.truncate(MOST);
        torrents.sort_unstable_by_key(|own| own[0].2);
    }
    torrents.into_iter().flatten().map(|key| (key.2, key.3)).collect()
}

/// A candidate's rates, in the order of their beginnings.
fn rates(ground: &Ground<'_>, candidate: u32, of: &Candidate) -> Vec<Rate> {
    let mut rates = Vec::new();
    for &(torrent, place) in &of.sessions {
        let (session, trace) = (ground.story.sessions.brief(place as usize), ground.traces.of(place as usize));
        let Some(first) = session.first_at else { continue };
        let since = |secs_from: u64| u64::from(secs(ground, first)) + (secs_from - BEFORE);
        // What came before the first line came in nobody knows how long.
        let told = trace.stretches().filter(|s| s.up > 0 && s.from >= BEFORE && LENGTHS.contains(&(s.to - s.from)));
        rates.extend(told.filter_map(|stretch| {
            Some(Rate {
                candidate,
                torrent,
                place,
                nth: 0,
                from: since(stretch.from).try_into().ok()?,
                to: since(stretch.to).try_into().ok()?,
                rate: stretch.up as f32 / (stretch.to - stretch.from) as f32,
                laws: Laws::default(),
            })
        }));
    }
    // Of many, those of some hours tell as much.
    let one_in = (rates.len() as u32 / ENOUGH_RATES).max(1);
    rates.retain(|rate| (rate.from / SLOT).is_multiple_of(one_in));
    // They come by torrent and session.
    rates.iter_mut().zip(0..).for_each(|(rate, nth)| (rate.nth, rate.rate) = (nth, rate.rate.ln()));
    by_number(&mut rates, |rate| rate.from);
    rates
}

/// What is told of a rate, less the means of those of other torrents at the time.
#[derive(Clone, Copy, Debug)]
struct Beside<const N: usize> {
    torrent: u32,
    place: u32,
    told: [f32; N],
}

/// So many rates are held against one at once.
const LANES: usize = 8;

/// Some rates in the order of their beginnings, and what is told of them, side by side.
struct Row<const N: usize> {
    torrent: [u32; LANES],
    from: [u32; LANES],
    to: [u32; LANES],
    told: [[f32; LANES]; N],
}

impl<const N: usize> Row<N> {
    /// Places without a rate hold one that is over when it begins, of no torrent: beside that is nothing.
    fn new(rates: &[Rate], told: impl Fn(&Rate) -> [f32; N]) -> Row<N> {
        let mut row = Row { torrent: [u32::MAX; LANES], from: [0; LANES], to: [0; LANES], told: [[0.0; LANES]; N] };
        for (at, rate) in rates.iter().enumerate() {
            (row.torrent[at], row.from[at], row.to[at]) = (rate.torrent, rate.from, rate.to);
            row.told.iter_mut().zip(told(rate)).for_each(|(row, value)| row[at] = value);
        }
        row
    }
}

/// How many of some rates are of other torrents and overlap half of `one`, and the sums of what is told of them. Whether one is
/// cannot be foretold: so it is asked of several at once, without a branch.
#[multiversion::multiversion(targets("x86_64+avx2"))]
fn sums_beside<const N: usize>(one: &Rate, rows: &[Row<N>]) -> (u32, [f32; N]) {
    let half = (one.to - one.from) / 2;
    let (mut counts, mut sums) = ([0u32; LANES], [[0.0f32; LANES]; N]);
    for row in rows {
        let mut masks = [0u32; LANES];
        for lane in 0..LANES {
            let overlap = one.to.min(row.to[lane]).saturating_sub(one.from.max(row.from[lane]));
            let beside = u32::from(row.torrent[lane] != one.torrent) & u32::from(overlap >= half);
            counts[lane] += beside;
            masks[lane] = beside.wrapping_neg();
        }
        for (sums, told) in sums.iter_mut().zip(&row.told) {
            for lane in 0..LANES {
                sums[lane] += f32::from_bits(told[lane].to_bits() & masks[lane]);
            }
        }
    }
    (counts.iter().sum(), sums.map(|sums| sums.iter().sum()))
}

/// By torrent and session, what `told` says of those of a candidate's rates that can be held against enough others.
fn beside_others<const N: usize>(rates: &[Rate], told: impl Fn(&Rate) -> [f32; N]) -> Vec<Beside<N>> {
    let longest = rates.iter().map(|rate| rate.to - rate.from).max().unwrap_or(0);
    let rows: Vec<Row<N>> = rates.chunks(LANES).map(|rates| Row::new(rates, &told)).collect();
    let last = rates.iter().map(|rate| rate.nth as usize).max();
    let mut found: Vec<Option<Beside<N>>> = vec![None; last.map_or(0, |last| last + 1)];
    let (mut first, mut end) = (0, 0);
    for one in rates {
        // What is in these rows and not between, overlaps nothing.
        first += rates[first..].iter().take_while(|other| other.from.saturating_add(longest) < one.from).count();
        end += rates[end..].iter().take_while(|other| other.from < one.from.saturating_add(longest)).count();
        let (count, sums) = sums_beside(one, &rows[first / LANES..end.div_ceil(LANES)]);
        if count >= BESIDE {
            let own = told(one);
            let told = std::array::from_fn(|n| own[n] - sums[n] / count as f32);
            found[one.nth as usize] = Some(Beside { torrent: one.torrent, place: one.place, told });
        }
    }
    let mut all = Vec::with_capacity(found.len());
    // Not collected: that asks for each of them whether there is one, and then once more.
    found.into_iter().flatten().for_each(|one| all.push(one));
    all
}

/// By torrent, or by session, those with enough of them.
fn by<const N: usize>(all: &[Beside<N>], of: fn(&Beside<N>) -> u32) -> impl Iterator<Item = &[Beside<N>]> {
    all.chunk_by(move |a, b| of(a) == of(b)).filter(|own| own.len() >= FEW)
}

/// The means of what is told.
fn means<const N: usize>(all: &[Beside<N>]) -> [f32; N] {
    std::array::from_fn(|n| all.iter().map(|one| one.told[n]).sum::<f32>() / all.len() as f32)
}

/// Whether it can be told what law some rates keep, and they may keep one.
fn may_tell(rates: &[Rate]) -> bool {
    let all = beside_others(rates, |rate| [rate.rate]);
    let changes = by(&all, |one| one.torrent)
        .flat_map(|own| own.windows(2).map(|pair| (pair[0].told[0] - pair[1].told[0]).abs()));
    let (few, many) = changes.fold((0, 0), |(few, many), change| match change < STEADY {
        true => (few + 1, many),
        false => (few, many + 1),
    });
    few >= many && by(&all, |one| one.torrent).count() >= ENOUGH
}

/// How many seeds and leeches a torrent had when, by its sessions' places.
fn listings(ground: &Ground<'_>, places: &[(u32, u32)]) -> Vec<Listing> {
    let mut changes: Vec<Listing> = Vec::new();
    for (_, place) in places {
        let (mut seeds, mut leeches) = (0, 0);
        for listed in ground.story.listing(*place as usize) {
            let (seeding, leeching) =
                (i32::from(listed.status == Status::Seeding), i32::from(listed.status == Status::Leeching));
            let change =
                |since| Listing { since: secs(ground, since), seeds: seeding - seeds, leeches: leeching - leeches };
            changes.extend(listed.from.map(change));
            (seeds, leeches) = (seeding, leeching);
        }
    }
    changes.sort_unstable();
    let (mut seeds, mut leeches) = (0, 0);
    for change in &mut changes {
        (seeds, leeches) = (seeds + change.seeds, leeches + change.leeches);
        (change.seeds, change.leeches) = (seeds, leeches);
    }
    changes
}

/// Finds out what the laws say of some rates. A program hears of a swarm when it announces, and goes by that until it does again:
/// no rate is left where it was alone, or nobody leeched.
fn find_laws(ground: &Ground<'_>, rates: &mut Vec<Rate>) {
    rates.sort_by_key(|rate| rate.torrent);
    let mut wanted = vec![false; ground.story.torrents.len()];
    rates.iter().for_each(|rate| wanted[rate.torrent as usize] = true);
    let sessions = ground.story.sessions.briefs().iter().zip(0u32..).map(|(session, place)| (session.torrent, place));
    let mut sessions: Vec<(u32, u32)> = sessions.filter(|(torrent, _)| wanted[*torrent as usize]).collect();
    sessions.sort_unstable();
    // Each rate is of one of these sessions: the torrents are the same.
    let sessions = sessions.chunk_by(|a, b| a.0 == b.0);
    let swarms: Vec<_> = rates.chunk_by(|a, b| a.torrent == b.torrent).zip(sessions).collect();
    let found = shared(swarms.len(), ground.threads, |range| {
        let mut found: Vec<Option<Laws>> = Vec::new();
        for (rates, sessions) in &swarms[range] {
            let listings = listings(ground, sessions);
            found.extend(rates.iter().map(|rate| {
                let at = listings.partition_point(|listing| listing.since <= rate.from).checked_sub(1)?;
                let (seeds, leeches) = (listings[at].seeds - 1, listings[at].leeches);
                (seeds > 0 && leeches > 0).then(|| laws(leeches as f32, seeds as f32))
            }));
        }
        found
    });
    let mut found = found.into_iter();
    rates.retain_mut(|rate| found.next().flatten().map(|laws| rate.laws = laws).is_some());
    rates.sort_by_key(|rate| (rate.candidate, rate.from, rate.torrent));
}

/// How a candidate keeps JOAL's law.
struct Kept {
    candidate: u32,
    /// In so many torrents it can be told from the others...
    told: usize,
    /// ...and in so many of these it is kept.
    close: usize,
    /// The sessions that keep it, by their places.
    places: Vec<u32>,
}

impl Kept {
    fn new(rates: &[Rate]) -> Option<Kept> {
        let mut kept = Kept { candidate: rates.first()?.candidate, told: 0, close: 0, places: Vec::new() };
        let all = beside_others(rates, |rate| [rate.rate, rate.laws[0], rate.laws[1], rate.laws[2]]);
        for own in by(&all, |one| one.torrent) {
            let [rate, law, others @ ..] = means(own);
            let is_told = others.iter().all(|other| (law - other).abs() > APART);
            kept.told += usize::from(is_told);
            if (rate - law).abs() < CLOSE {
                kept.close += usize::from(is_told);
                // Others of the user's sessions there may be real.
                let sessions = by(own, |one| one.place).filter(|own| {
                    let [rate, law, ..] = means(own);
                    (rate - law).abs() < CLOSE
                });
                kept.places.extend(sessions.map(|own| own[0].place));
            }
        }
        (kept.told >= ENOUGH).then_some(kept)
    }
}

/// How likely so many or more of `all` are, where each is so likely.
fn at_least(many: usize, all: usize, chance: f64) -> f64 {
    let (mut term, mut sum) = (chance.powi(all as i32), 0.0);
    for others in 0..=all - many.min(all) {
        sum += term;
        term *= (1.0 - chance) / chance * (all - others) as f64 / (others + 1) as f64;
    }
    sum
}

fn weights(ground: &Ground<'_>) -> HashMap<u32, Sign> {
    let candidates = candidates(ground);
    let mut rates = shared(candidates.len(), ground.threads, |range| {
        let of = |at: usize| rates(ground, at as u32, &candidates[at]);
        // Most have nothing that can be held against something else.
        range.map(of).filter(|rates| may_tell(rates)).flatten().collect()
    });
    find_laws(ground, &mut rates);
    let tested = rates.chunk_by(|a, b| a.candidate == b.candidate).filter_map(Kept::new);
    let sign = |kept: Kept| {
        let by_chance = at_least(kept.close, kept.told, BY_CHANCE) * candidates.len() as f64;
        let severity = ground.beyond_chance(by_chance, PROOF, &kept.places)?;
        let (count, amount) = (kept.close as u64, kept.told as u64);
        let sign = Sign { count, amount, ..ground.sign_of_made_up(severity, kept.places) };
        Some((candidates[kept.candidate as usize].user, sign))
    };
    let mut signs: HashMap<u32, Sign> = HashMap::new();
    for (user, sign) in tested.filter_map(sign) {
        // Of two kinds of clients, the one with more evidence.
        if signs.get(&user).is_none_or(|other| (other.severity, other.count) < (sign.severity, sign.count)) {
            signs.insert(user, sign);
        }
    }
    signs
}

pub static JOAL_WEIGHTS: Check = Check {
    name: "joal-weights",
    severity: Severity::High,
    summary: "one rate is shared out among torrents by the weights that JOAL gives them",
    formula: "JOAL gives a torrent with L leeches and S other seeds, as the tracker told last, the weight L^3/(S + L)^2, and its part of one rate by that. In sessions that upload and download nothing: the logarithm of the rate between two announces (120 s to four hours apart), less the mean of those of other torrents that overlap half of it (two or more); the same of the weights, with L and S as this log lists them at the first of the two announces. A torrent, or a session, keeps the law if the means of both, over three rates or more, differ by less than 0.15 (16 %). A torrent tells only if the law differs by 0.3 from two harmless ones: L, and L/(S + 1). By client of a user, in the 64 torrents with the most uploaded, if half of what the logarithms change by from one announce to the next is less than 0.5. A torrent keeps the law by chance in one of five (in one of ten, for the other users of simulated trackers): the binomial sum of so many of those that tell is how likely chance does that, times all clients of users with six torrents",
    threshold: "six torrents that tell; high: less likely than 1e-12; medium: 1e-8; low: 0.02. High makes the uploads of sessions that keep it unexplained; likely-faked only together with bytes or with a client that is not what it says",
    look_alikes: "a client that is limited by its line and gives each leech the same uploads by L or L/(S + 1): torrents in which these say the same do not count. No client is known that counts seeds as JOAL does",
    source: "JOAL's PeersAwareWeightCalculator and BandwidthDispatcher",
    group: Some(Group::Generator),
    conclude: Conclude::Counters(weights),
    message: |f| {
        let (bytes, close, told) = (f.size(), f.count, f.amount);
        format!(
            "{bytes} were uploaded in rates as JOAL's weights give them, in {close} of {told} torrents that can tell"
        )
    },
};

#[cfg(test)]
mod tests {
    use super::at_least;

    #[test]
    fn chances_are_the_binomial_sums() {
        assert!((at_least(2, 2, 0.2) - 0.04).abs() < 1e-12);
        assert!((at_least(1, 3, 0.2) - (1.0 - 0.512)).abs() < 1e-12);
        assert!((at_least(0, 9, 0.3) - 1.0).abs() < 1e-12);
        assert!(at_least(40, 64, 0.2) < at_least(30, 64, 0.2) && at_least(64, 64, 0.2) < 1e-44);
    }
}
