//! Whose counters look made up, by their arithmetic: what the checks that look for that find.

use super::bytes::AllTraces;
use super::notes::{Counted, Watch};
use super::scaled::Multiples;
use super::steady::Rates;
use super::{CHECKS, Clients, Conclude, Mark, Severity, watch_of};
use crate::replay::Story;
use crate::session::LineRef;
use crate::share::each;
use std::collections::HashMap;

/// What there is to look for it in.
pub struct Ground<'a> {
    pub story: &'a Story,
    pub watches: &'a [Watch],
    /// By session, and beside each what was counted of it.
    pub traces: &'a AllTraces,
    pub clients: &'a Clients,
    /// By torrent.
    pub sizes: &'a [Option<u64>],
    /// How steadily sessions upload: see [`all_rates`](super::steady::all_rates).
    pub rates: &'a [Rates],
    pub threads: usize,
}

/// Chance does not explain it by itself, where how likely it is, is an estimate...
pub const PROOF: f64 = 1e-12;
/// ...and hardly...
pub const CHANCE: f64 = 1e-8;
/// ...and this much if there is evidence of another kind.
const HINT: f64 = 0.02;

/// Lines that show what was taken back, at most.
const LINES: usize = 8;

/// Uploads that a session's counter took back.
pub struct TakenBack<'a> {
    /// The session, by its place.
    pub place: u32,
    /// Credited bytes of them.
    pub bytes: u64,
    /// Where it was seen.
    pub mark: &'a Mark,
}

impl Ground<'_> {
    /// What was uploaded in a session, by its place. In bytes.
    pub fn uploaded(&self, place: u32) -> u64 {
        self.story.sessions.brief(place as usize).credit.up
    }

    /// Of which kind of a user's clients a session is, by its place; `None` if it uploaded nothing.
    pub fn kind(&self, place: usize) -> Option<u32> {
        Counted::kind_in(self.traces, place)
    }

    /// By what the uploads of that kind may be multiplied.
    pub fn multiples(&self, place: usize) -> Option<&Multiples> {
        watch_of(self.watches, self.story.sessions.brief(place))?.multiples_of(self.kind(place)?)
    }

    /// What was counted of a session, by its place.
    pub fn counted(&self, place: usize) -> Counted {
        Counted::of(self.traces, place)
    }

    /// How much what some sessions, by their places, have in common shows, if chance does that so likely, over all that was
    /// tested. From `proof` down that is no chance. `None` if it shows nothing.
    pub fn beyond_chance(&self, by_chance: f64, proof: f64, places: &[u32]) -> Option<Severity> {
        let torrent = |place: &u32| self.story.sessions.brief(*place as usize).torrent;
        // In one torrent whatever counted there may have had its reasons.
        let several = || places.windows(2).any(|pair| torrent(&pair[0]) != torrent(&pair[1]));
        match by_chance {
            _ if by_chance <= proof && several() => Some(Severity::High),
            ..=CHANCE => Some(Severity::Medium),
            ..=HINT => Some(Severity::Low),
            _ => None,
        }
    }

    /// Signs of users of whom so many sessions or more took uploads back; `of` says that of a session, by its place.
    pub fn taken_back<'m>(&self, least: usize, of: impl Fn(usize) -> Option<TakenBack<'m>>) -> HashMap<u32, Sign> {
        let mut found: Vec<TakenBack<'m>> = (0..self.story.sessions.len()).filter_map(of).collect();
        let user = |taken: &TakenBack<'_>| self.story.sessions.brief(taken.place as usize).user;
        found.sort_by_key(user);
        let sign = |own: &[TakenBack<'m>]| {
            let sign = self.sign(Severity::Medium, own.iter().map(|taken| taken.place).collect());
            let bytes = own.iter().fold(0u64, |sum, taken| sum.saturating_add(taken.bytes));
            let lines = own.iter().flat_map(|taken| taken.mark.lines.iter().copied()).take(LINES).collect();
            let made_up = own.iter().map(|taken| (taken.place, taken.bytes)).collect();
            (user(&own[0]), Sign { bytes, lines, made_up, ..sign })
        };
        found.chunk_by(|a, b| user(a) == user(b)).filter(|own| own.len() >= least).map(sign).collect()
    }

    /// A sign in some sessions, by their places: about all that was uploaded there, of which nothing need be made up.
    pub fn sign(&self, severity: Severity, places: Vec<u32>) -> Sign {
        let bytes = places.iter().fold(0u64, |sum, place| sum.saturating_add(self.uploaded(*place)));
        Sign { severity, bytes, count: places.len() as u64, amount: 0, lines: Vec::new(), made_up: Vec::new(), places }
    }

    /// The same, if all of it is made up.
    pub fn sign_of_made_up(&self, severity: Severity, places: Vec<u32>) -> Sign {
        let made_up = places.iter().map(|&place| (place, self.uploaded(place))).collect();
        Sign { made_up, ..self.sign(severity, places) }
    }
}

/// A sign that a user's counters are made up.
#[derive(Debug)]
pub struct Sign {
    pub severity: Severity,
    /// The sessions, by their places.
    pub places: Vec<u32>,
    /// Its bytes, its count and its amount, as those of a finding.
    pub bytes: u64,
    pub count: u64,
    pub amount: u64,
    /// Lines that show it; none if the first and the last of the sessions do.
    pub lines: Vec<LineRef>,
    /// What is made up at least in sessions, by their places, if the arithmetic is no chance. In bytes.
    pub made_up: Vec<(u32, u64)>,
}

/// All signs: by check, by its place in [`CHECKS`], and by user.
#[derive(Debug)]
pub struct Generated(Vec<(usize, HashMap<u32, Sign>)>);

impl Generated {
    /// Looks at all sessions.
    pub fn new(ground: &Ground<'_>) -> Generated {
        let checks = CHECKS.iter().enumerate().filter_map(|(at, check)| match check.conclude {
            Conclude::Counters(find) => Some((at, find)),
            _ => None,
        });
        let checks: Vec<_> = checks.collect();
        // Much of each is done by one thread; but what each needs lies beside what the others do.
        Generated(each(checks.len(), ground.threads, |number| {
            let (at, find) = checks[number];
            (at, find(ground))
        }))
    }

    /// What a check, by its place, found of a user.
    pub fn sign(&self, check: usize, user: u32) -> Option<&Sign> {
        self.0.iter().find(|(at, _)| *at == check)?.1.get(&user)
    }

    /// Whether a user's counters look made up. What is never more than a hint does not say so.
    pub fn looks(&self, user: u32) -> bool {
        let tells = |check: usize| CHECKS[check].severity >= Severity::Medium;
        self.0.iter().any(|(check, signs)| tells(*check) && signs.contains_key(&user))
    }

    /// What of a user's uploads is made up at least. In bytes.
    pub fn made_up(&self, user: u32) -> u64 {
        let signs = self.0.iter().filter_map(|(_, signs)| signs.get(&user));
        let mut most: HashMap<u32, u64> = HashMap::new();
        for &(place, bytes) in signs.flat_map(|sign| &sign.made_up) {
            // Where two say it of one session, the one that says more.
            let most = most.entry(place).or_default();
            *most = bytes.max(*most);
        }
        most.values().fold(0, |sum, bytes| sum.saturating_add(*bytes))
    }
}
