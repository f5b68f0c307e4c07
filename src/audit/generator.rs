//! Arithmetic that only a generator does: what all increments of a counter have in common.

use super::generated::{CHANCE, Ground, Sign};
use super::{Check, Conclude, Group, Severity};
use crate::order::{by_number, by_two};
use crate::packed::{Packer, Packs, Unpacker};
use crate::share::shared;
use std::cmp::Reverse;
use std::collections::HashMap;

/// What the increments of a session's `uploaded` have in common.
#[derive(Clone, Copy, Default, Debug)]
pub struct Increments {
    /// Their greatest common divisor; 1 if that is a power of two, which says nothing, and 0 if there are none.
    divisor: u64,
    /// The last two, at first those of other sessions of the kind.
    recent: Recent,
    /// How many there are.
    count: u32,
    /// Those that share no more than the divisor with the two before, about.
    apart: u32,
}

impl Packs for Increments {
    fn pack(&self, to: &mut Packer<'_>) {
        to.number(self.count);
        // Many uploaded nothing.
        if self.count == 0 {
            return;
        }
        to.number(self.divisor);
        // Where they have nothing in common any more, nothing else is asked.
        if self.divisor > 1 {
            to.number(self.apart);
            self.recent.0.iter().for_each(|bytes| to.number(*bytes));
        }
    }

    fn unpack(from: &mut Unpacker<'_>) -> Increments {
        let count = from.number();
        if count == 0 {
            return Increments::default();
        }
        let divisor = from.number();
        if divisor <= 1 {
            return Increments { divisor, count, ..Increments::default() };
        }
        let (apart, recent) = (from.number(), Recent([from.number(), from.number()]));
        Increments { divisor, recent, count, apart }
    }
}

impl Increments {
    /// Notes one, and in how many seconds it came: an hour if the log has no times. `recent` are those of the user's clients of
    /// the kind.
    #[inline]
    pub fn note(&mut self, bytes: u64, secs: Option<u64>, recent: &Recent) {
        if self.count == 0 {
            self.recent = *recent;
        }
        self.count = self.count.saturating_add(1);
        if self.divisor == 1 {
            return;
        }
        self.divisor = common(self.divisor, bytes);
        if self.odd() == 1 {
            // So it stays, and that is all that is asked.
            self.divisor = 1;
            return;
        }
        self.apart += u32::from(self.recent.is_apart(bytes, secs));
        self.recent.keep(bytes);
    }

    /// The odd part of the divisor. Clients request blocks, which are powers of two: those say nothing.
    fn odd(&self) -> u64 {
        odd(self.divisor)
    }

    /// So many are evidence, at least: of two neighbours that are not like the rest, three look so.
    fn independent(&self) -> u32 {
        self.apart / 3 * 2
    }

    /// Whether they are so many that having something in common may show something.
    fn are_enough(&self) -> bool {
        self.count >= ENOUGH
    }

    fn merge(&mut self, other: &Increments) {
        self.divisor = common(self.divisor, other.divisor);
        self.count = self.count.saturating_add(other.count);
        self.apart = self.apart.saturating_add(other.apart);
    }
}

/// The last two increments of some uploads.
#[derive(Clone, Copy, Default, Debug)]
pub struct Recent([u64; 2]);

impl Recent {
    /// Whether one that came in so many seconds is evidence of what it shares with others.
    /// A line that is capped grows by the same quantum with each of its ticks; two such increments share it, and are no evidence
    /// of anything else that they share.
    pub fn is_apart(&self, bytes: u64, secs: Option<u64>) -> bool {
        let quantum = bytes / (TICKS * secs.unwrap_or(3600).max(1));
        self.0.iter().all(|other| *other == 0 || share_at_most(quantum, *other, bytes))
    }

    /// Whether one is another than those.
    pub fn is_new(&self, bytes: u64) -> bool {
        !self.0.contains(&bytes)
    }

    /// Keeps one.
    #[inline]
    pub fn keep(&mut self, bytes: u64) {
        self.0 = [self.0[1], bytes];
    }
}

fn odd(number: u64) -> u64 {
    number >> number.trailing_zeros().min(63)
}

fn common(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Whether what two numbers have in common is no more than a limit: most often that is clear before it is known.
fn share_at_most(limit: u64, mut a: u64, mut b: u64) -> bool {
    while b > limit {
        (a, b) = (b, a % b);
    }
    b > 0 || a <= limit
}

/// Divisors with larger odd parts may come of something that rounds.
const SMALL: u64 = 100;
/// Of so many bytes something is made up, if the divisor says that of any.
const ROUND: u64 = 1 << 20;

/// What of so many bytes uploaded in multiples of a divisor is made up, at least. Who multiplies by m makes up all but one m-th;
/// who counts in ticks of m seconds makes up all. Of what is rounded to tens, hundreds, ... nothing need be.
fn made_up_of(divisor: u64, uploaded: u64) -> u64 {
    let odd = odd(divisor);
    let decimal = (1..).map_while(|zeros| 10u64.checked_pow(zeros)).any(|ten| ten == divisor);
    // The divisor may be a multiple of m by chance.
    match (3..SMALL).find(|m| odd.is_multiple_of(*m)) {
        Some(m) if odd < SMALL && !decimal => (uploaded - uploaded / m).saturating_sub(1),
        _ => 0,
    }
}

/// Fewer increments show nothing, whatever they have in common.
const ENOUGH: u32 = 20;
/// So many that count are no more than a hint.
const FEW: u32 = 8;
/// No client hands out its capped line in so many portions a second.
const TICKS: u64 = 64;
/// Where most of so many users share a divisor, something in front of the tracker or in their program makes it so.
const POPULATION: usize = 8;

/// Whose sessions are tested together: the user, the program, and the form in which it writes, all by number.
type Key = (u32, u32, u32);

/// What is tested: all sessions of one user with one program, or one session by itself.
struct Tested {
    of: Key,
    /// One by itself.
    alone: bool,
    increments: Increments,
    /// Their places.
    places: Vec<u32>,
}

/// What was tested.
#[derive(Default)]
struct Tests {
    /// So many were.
    count: usize,
    /// Those with something in common, and enough that is evidence of it.
    telling: Vec<Tested>,
    /// All sessions of one user with one program together: how many, of everybody (`None`) and of those with the same program...
    all: HashMap<Option<u32>, usize>,
    /// ...and how many of these share which odd part.
    sharing: HashMap<(Option<u32>, u64), usize>,
}

impl Tests {
    /// Tests some sessions that are tested together, and the long ones of them by themselves.
    fn test(&mut self, ground: &Ground<'_>, sessions: &[(Key, u32)]) {
        let (of, mut together) = (sessions[0].0, Increments::default());
        for &(_, at) in sessions {
            let increments = ground.counted(at as usize).increments;
            together.merge(&increments);
            self.add(of, true, increments, || vec![at]);
        }
        self.add(of, false, together, || sessions.iter().map(|(_, at)| *at).collect());
        if together.are_enough() {
            for among in [None, Some(of.1)] {
                *self.all.entry(among).or_default() += 1;
                *self.sharing.entry((among, together.odd())).or_default() += 1;
            }
        }
    }

    fn add(&mut self, of: Key, alone: bool, increments: Increments, places: impl FnOnce() -> Vec<u32>) {
        if increments.are_enough() {
            self.count += 1;
            let tells = increments.odd() > 1 && increments.independent() >= FEW;
            self.telling.extend(tells.then(|| Tested { of, alone, increments, places: places() }));
        }
    }

    fn merge(mut self, mut other: Tests) -> Tests {
        self.count += other.count;
        self.telling.append(&mut other.telling);
        other.all.into_iter().for_each(|(among, count)| *self.all.entry(among).or_default() += count);
        other.sharing.into_iter().for_each(|(what, count)| *self.sharing.entry(what).or_default() += count);
        self
    }

    /// Whether most of some share it.
    fn is_usual(&self, among: Option<u32>, odd: u64) -> bool {
        let (all, sharing) = (self.all.get(&among).unwrap_or(&0), self.sharing.get(&(among, odd)).unwrap_or(&0));
        *all >= POPULATION && sharing * 2 > *all
    }
}

/// Users whose increments share a divisor by more than chance. Sessions of one client program, written in one way, are tested
/// together, all of them: to choose among them would be to help chance. Who runs the real program too has long ones tested
/// by themselves.
fn residues(ground: &Ground<'_>) -> HashMap<u32, Sign> {
    let key = |at: usize| {
        let session = ground.story.sessions.brief(at);
        (session.user, ground.clients.class_of(at) as u32, ground.story.written(session.peer).form)
    };
    let keyed = |at: usize| (ground.counted(at).increments.count > 0).then(|| (key(at), at as u32));
    let mut sessions: Vec<(Key, u32)> =
        shared(ground.story.sessions.len(), ground.threads, |range| range.filter_map(keyed).collect());
    by_number(&mut sessions, |(of, _)| of.2);
    by_two(&mut sessions, |(of, _)| (of.0, of.1));
    let groups: Vec<&[(Key, u32)]> = sessions.chunk_by(|a, b| a.0 == b.0).collect();
    let tests = shared(groups.len(), ground.threads, |range| {
        let mut tests = Tests::default();
        groups[range].iter().for_each(|group| tests.test(ground, group));
        vec![tests]
    });
    let mut tests = tests.into_iter().fold(Tests::default(), Tests::merge);
    let mut found = Vec::new();
    for tested in std::mem::take(&mut tests.telling) {
        let (odd, independent) = (tested.increments.odd(), tested.increments.independent());
        if tests.is_usual(None, odd) || tests.is_usual(Some(tested.of.1), odd) {
            continue;
        }
        let by_chance = (odd as f64).powf(-f64::from(independent)) * tests.count as f64;
        let most = match made_up_of(tested.increments.divisor, ROUND) {
            _ if independent < ENOUGH => Severity::Low,
            0 => Severity::Medium,
            _ => Severity::High,
        };
        // A remainder has as many values as the divisor, one as likely as the other: this is no estimate.
        let shown = ground.beyond_chance(by_chance, CHANCE, &tested.places);
        found.extend(shown.map(|severity| (severity.min(most), tested)));
    }
    // First the one with all sessions of a program, and with the most evidence: numbers of forms say nothing.
    found.sort_by_key(|(severity, tested)| {
        let independent = tested.increments.independent();
        (Reverse(*severity), tested.alone, Reverse(independent), tested.places.first().copied())
    });
    let mut signs: HashMap<u32, Sign> = HashMap::new();
    for (severity, Tested { of, increments, places, .. }) in found {
        let made_up = |&place: &u32| (place, made_up_of(increments.divisor, ground.uploaded(place)));
        let made_up: Vec<(u32, u64)> = places.iter().map(made_up).collect();
        let first = || {
            let (count, amount) = (u64::from(increments.independent()), increments.divisor);
            Sign { count, amount, ..ground.sign(severity, places) }
        };
        signs.entry(of.0).or_insert_with(first).made_up.extend(made_up);
    }
    signs
}

pub static RESIDUE: Check = Check {
    name: "residue",
    severity: Severity::High,
    summary: "all uploads are multiples of one odd number",
    formula: "m = greatest common divisor of all increments of uploaded between announces, in the user's sessions with one client program, or in a long one of them; its odd part to the power of minus the increments is how likely chance does that, times all that were tested. An increment counts if it shares no more with either of the two before it than a 64th of what was uploaded in a second, since a capped line grows by a quantum; and then for two thirds. Where it makes somebody likely-faked or unexplained, all but one p-th of these uploads are unexplained (p the least prime factor of m's odd part), if that part is below 100 and m no power of ten, to which something may have rounded",
    threshold: "high: 20 increments that count in several torrents, and less likely than 1e-8, if that part is below 100 and m no power of ten: then these uploads are unexplained without other evidence, too; medium: 20 and 1e-8 otherwise; low: 8 and 0.02; not if most of all users tested (8 or more) share it, or most of those with the same program and version. Likely-faked only together with bytes or with a client that is not what it says",
    look_alikes: "a modded client; a proxy that rounds; powers of two are what clients request, and never counted",
    source: "JOAL adds speed x 5 s (multiples of 5); Ratio.py kB x 1000; multipliers in patched clients (x 3)",
    group: Some(Group::Generator),
    conclude: Conclude::Counters(residues),
    message: |f| {
        let bytes = f.size();
        format!("{bytes} were uploaded in multiples of {} bytes, {} times without another reason", f.amount, f.count)
    },
};
