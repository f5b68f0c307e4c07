//! Arithmetic that only a generator does: what all increments of a counter have in common.

use super::{Check, Clients, Conclude, Group, Severity, Watch};
use crate::replay::Story;
use crate::session::Session;
use std::collections::{BTreeMap, HashMap};

/// What the increments of a session's `uploaded` have in common.
#[derive(Clone, Copy, Default, Debug)]
pub struct Increments {
    /// Their greatest common divisor; 0 if there are none.
    divisor: u64,
    /// A bit for each: as many bits as are set, at least, differ.
    seen: u64,
}

impl Increments {
    /// Notes one.
    #[inline]
    pub fn note(&mut self, bytes: u64) {
        // Fibonacci hashing: the upper six bits of the product.
        self.seen |= 1 << (bytes.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58);
        if self.divisor != 1 {
            self.divisor = common(self.divisor, bytes);
        }
    }

    /// Reads a little of it.
    #[inline]
    pub fn touch(&self) -> u64 {
        self.divisor
    }

    /// The odd part of the divisor. Clients request blocks, which are powers of two: those say nothing.
    fn odd(&self) -> u64 {
        self.divisor >> self.divisor.trailing_zeros().min(63)
    }

    /// Whether they are so many that having something in common shows something.
    fn are_enough(&self) -> bool {
        self.seen.count_ones() >= ENOUGH
    }

    fn merge(&mut self, other: &Increments) {
        self.divisor = common(self.divisor, other.divisor);
        self.seen |= other.seen;
    }
}

fn common(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// A divisor that all increments share, and chance does not explain.
#[derive(Debug)]
pub struct Residue {
    divisor: u64,
    /// Increments that differ, at least.
    distinct: u32,
    /// The sessions, by their places.
    places: Vec<u32>,
}

/// Fewer increments show nothing, whatever they have in common.
const ENOUGH: u32 = 20;
/// Chance may explain this much, over all that were tested.
const CHANCE: f64 = 1e-8;
/// A capped line grows by a quantum for each tick, so that all increments share it. No client ticks so often in a second.
const TICKS: f64 = 64.0;
/// Where so many of all tested share a divisor, something in front of the tracker or in a common client makes it so. A few
/// alone are no population.
const POPULATION: (usize, usize) = (8, 4);

/// What is tested: all sessions of one user with one program, or one session by itself.
#[derive(Default)]
struct Tested {
    increments: Increments,
    bytes: u64,
    millis: i64,
    places: Vec<u32>,
}

impl Tested {
    fn add(&mut self, place: u32, session: &Session, increments: &Increments) {
        self.increments.merge(increments);
        self.bytes = self.bytes.saturating_add(session.state.credit().up);
        self.millis += session.first_at.zip(session.last_at).map_or(0, |(first, last)| last.since(first));
        self.places.push(place);
    }
}

/// Users whose increments share a divisor by more than chance. Sessions of one client program, written in one way, are tested
/// together, all of them: to choose among them would be to help chance. Who runs the real program too has long ones tested
/// by themselves.
pub fn residues(story: &Story, clients: &Clients, watches: &[Watch]) -> HashMap<u32, Residue> {
    let mut groups: BTreeMap<(u32, usize, u32, Option<u32>), Tested> = BTreeMap::new();
    for (at, (session, (engine, number))) in story.sessions.iter().zip(&story.origins).enumerate() {
        let increments = watches.get(*engine as usize).and_then(|watch| watch.increments_of(*number));
        let Some(increments) = increments.filter(|increments| increments.seen != 0) else { continue };
        let (program, form) = (clients.class_of(at), story.written(session).form);
        let alone = increments.are_enough().then_some(Some(at as u32));
        for part in [Some(None), alone].into_iter().flatten() {
            groups.entry((session.user, program, form, part)).or_default().add(at as u32, session, increments);
        }
    }
    groups.retain(|_, group| group.increments.are_enough());
    let tested = groups.len();
    let mut sharing: HashMap<u64, usize> = HashMap::new();
    groups.values().for_each(|group| *sharing.entry(group.increments.odd()).or_default() += 1);
    let mut found: HashMap<u32, Residue> = HashMap::new();
    for (key, group) in &groups {
        let Increments { divisor, seen } = group.increments;
        let odd = group.increments.odd();
        let by_chance = (odd as f64).powf(-f64::from(seen.count_ones())) * tested as f64;
        let rate = group.bytes as f64 * 1000.0 / group.millis.max(1) as f64;
        let usual = tested >= POPULATION.0 && sharing[&odd] * POPULATION.1 > tested;
        if odd == 1 || by_chance > CHANCE || rate < divisor as f64 * TICKS || usual {
            continue;
        }
        let residue = Residue { divisor, distinct: seen.count_ones(), places: group.places.clone() };
        // A program's sessions come before the single ones of it.
        found.entry(key.0).or_insert(residue);
    }
    found
}

pub static RESIDUE: Check = Check {
    name: "residue",
    severity: Severity::Medium,
    summary: "all uploads are multiples of one odd number",
    formula: "m = greatest common divisor of all increments of uploaded between announces, in the user's sessions with one client program, or in a long one of them; its odd part to the power of minus the distinct increments is how likely chance does that, times the users tested",
    threshold: "at least 20 distinct increments, less likely than 1e-8 over all users, and more than 64 m uploaded a second, since the quantum of a capped line is shared too; not if a quarter of all users tested (8 or more) share it. Likely-faked only together with bytes or with a client that is not what it says",
    look_alikes: "a modded client; a proxy that rounds; powers of two are what clients request, and never counted",
    source: "JOAL adds speed x 5 s (multiples of 5); Ratio.py kB x 1000; multipliers in patched clients (x 3)",
    group: Some(Group::Generator),
    conclude: Conclude::User(|case| {
        let residue = case.known.residues.get(&case.user)?;
        let sessions: Vec<&Session> = residue.places.iter().map(|at| &case.story.sessions[*at as usize]).collect();
        let mut finding = case.finding(Severity::Medium, &sessions);
        finding.bytes = Some(sessions.iter().fold(0, |sum: u64, s| sum.saturating_add(s.state.credit().up)));
        (finding.count, finding.amount) = (u64::from(residue.distinct), residue.divisor);
        Some(finding)
    }),
    message: |f| {
        let bytes = f.bytes.unwrap_or(0);
        format!("{bytes} bytes were uploaded in multiples of {}, {} or more different ones", f.amount, f.count)
    },
};
