//! Uploads that are a true count times a fraction, or times two: counters that never take values which a true count takes as
//! often as any other. Multiples of an odd number are the residue's.

use super::generated::{Ground, PROOF, Sign};
use super::generator::Recent;
use super::{Check, Conclude, Group, Severity};
use crate::order::by_two;
use crate::share::shared;
use std::collections::HashMap;

/// A factor, `over / under` in lowest terms, and what counters that are multiplied by it and rounded down look like.
struct Factor {
    over: u64,
    under: u64,
    /// The odd part of `over`: low bits are the clients' own affair, which count in blocks.
    modulus: u64,
    /// A bit for each remainder that is possible.
    possible: u32,
    /// Only odd values tell.
    odd_only: bool,
}

impl Factor {
    const fn new(over: u64, under: u64) -> Factor {
        let (modulus, odd_only) = (over >> over.trailing_zeros(), over.is_multiple_of(2));
        let (mut possible, mut count) = (0, 0);
        while count < under {
            let value = count * over / under;
            if !(odd_only && value.is_multiple_of(2)) {
                possible |= 1 << (value % modulus);
            }
            count += 1;
        }
        Factor { over, under, modulus, possible, odd_only }
    }

    /// How likely a value is impossible if the remainder is another than before.
    fn chance(&self) -> f64 {
        let possible = f64::from(self.possible.count_ones());
        (self.modulus as f64 - possible) / (self.modulus as f64 - 1.0)
    }
}

/// Fractions that people multiply by. Left out is what shows in low bits only, as eight fifths.
const FRACTIONS: [Factor; 12] = [
    Factor::new(11, 10),
    Factor::new(6, 5),
    Factor::new(5, 4),
    Factor::new(13, 10),
    Factor::new(7, 5),
    Factor::new(3, 2),
    Factor::new(17, 10),
    Factor::new(7, 4),
    Factor::new(9, 5),
    Factor::new(19, 10),
    Factor::new(5, 2),
    Factor::new(7, 2),
];
/// Fractions, and behind them two.
const FACTORS: usize = FRACTIONS.len() + 1;
/// Two.
const TWICE: usize = FRACTIONS.len();
/// Clients count bytes, or blocks of 16 KiB: of their increments, every other has no higher power of two in it than these.
const UNITS: [u32; 2] = [0, 14];

/// By which factors the counters of one user's clients of a kind may be multiplied, as far as they go.
#[derive(Clone, Copy, Default, Debug)]
pub struct Multiples {
    /// A bit for each factor that is ruled out.
    ruled_out: u16,
    /// How often each factor might have been ruled out, and was not.
    passed: [u16; FACTORS],
}

impl Multiples {
    const ALL: u16 = (1 << FACTORS) - 1;

    /// Notes that `uploaded` grew, and in how many seconds.
    #[inline]
    pub fn note(&mut self, before: u64, now: u64, secs: Option<u64>, recent: &Recent) {
        // Two or three dozen announces rule out all factors of who tells what he counts.
        if self.ruled_out != Self::ALL {
            self.test(before, now, secs, recent);
        }
    }

    fn test(&mut self, before: u64, now: u64, secs: Option<u64>, recent: &Recent) {
        let growth = now.saturating_sub(before);
        for (at, factor) in FRACTIONS.iter().enumerate() {
            if self.ruled_out & 1 << at != 0 || factor.odd_only && now.is_multiple_of(2) {
                continue;
            }
            let remainder = now % factor.modulus;
            if factor.possible & 1 << remainder == 0 {
                self.ruled_out |= 1 << at;
            } else if remainder != before % factor.modulus && recent.is_new(growth) {
                // What grows by multiples of the modulus, or by the same each time, shows nothing.
                self.passed[at] = self.passed[at].saturating_add(1);
            }
        }
        match growth.trailing_zeros() {
            unit if UNITS.contains(&unit) => self.ruled_out |= 1 << TWICE,
            // Twice a number of blocks may be whole pieces: only bytes tell.
            1 if self.ruled_out & 1 << TWICE == 0 && recent.is_apart(growth, secs) => {
                self.passed[TWICE] = self.passed[TWICE].saturating_add(1);
            }
            _ => {}
        }
    }
}

/// How often a factor was ruled out, and how often it might have been and was not.
#[derive(Clone, Copy, Default)]
struct Usual {
    ruled_out: f64,
    passed: f64,
}

impl Usual {
    /// Nobody counts for more: who multiplies would be what is usual.
    const MOST: u16 = 16;
    /// So many seen elsewhere count with those of one kind.
    const PRIOR: f64 = 20.0;

    /// What one user's clients of a kind say of a factor.
    fn of(multiples: &Multiples, factor: usize) -> Usual {
        let passed = multiples.passed[factor];
        let ruled_out = multiples.ruled_out & 1 << factor != 0 && passed < Self::MOST;
        Usual { ruled_out: f64::from(u8::from(ruled_out)), passed: f64::from(passed.min(Self::MOST)) }
    }

    fn add(&mut self, other: Usual) {
        self.ruled_out += other.ruled_out;
        self.passed += other.passed;
    }

    /// How likely a factor is ruled out when it may be, by all but one of those added.
    fn chance_without(&self, own: Usual, elsewhere: f64) -> f64 {
        let (ruled_out, passed) = (self.ruled_out - own.ruled_out, self.passed - own.passed);
        (ruled_out + elsewhere * Self::PRIOR) / (ruled_out + passed + Self::PRIOR)
    }
}

/// The user, the kind of his clients, and the place of a session.
type Key = (u32, u32, u32);

/// A factor that one user's clients of a kind may well multiply by.
struct Fit {
    user: u32,
    factor: usize,
    /// How often it might have been ruled out.
    passed: u16,
    /// How likely chance does that, over all that was tested...
    by_chance: f64,
    /// ...and how much that shows.
    severity: Severity,
    /// Their sessions, by their places.
    places: Vec<u32>,
}

/// Of bytes that are no multiple of four, two in three are odd.
const OF_BYTES: f64 = 2.0 / 3.0;
/// Fewer show nothing.
const FEW: u16 = 12;

fn scaled(ground: &Ground<'_>) -> HashMap<u32, Sign> {
    let key = |at: usize| Some((ground.story.sessions.brief(at).user, ground.kind(at)?, at as u32));
    let mut keys: Vec<Key> =
        shared(ground.story.sessions.len(), ground.threads, |range| range.filter_map(key).collect());
    by_two(&mut keys, |key| (key.0, key.1));
    let of_kinds: Vec<&[Key]> = keys.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).collect();
    // What one user's clients of a kind may be multiplied by, and their program.
    let tested = |of_kind: &[Key]| {
        let first = of_kind[0].2 as usize;
        Some((ground.multiples(first)?, ground.clients.class_of(first)))
    };
    // Of everybody, and of those with the same program.
    let (mut count, mut usual) = (0, HashMap::<Option<usize>, [Usual; FACTORS]>::new());
    for (multiples, program) in of_kinds.iter().filter_map(|of_kind| tested(of_kind)) {
        count += 1;
        for among in [None, Some(program)] {
            let usual = usual.entry(among).or_default().iter_mut().enumerate();
            usual.for_each(|(factor, usual)| usual.add(Usual::of(multiples, factor)));
        }
    }
    let many = (count * FACTORS) as f64;
    let by_chance = |multiples: &Multiples, program: usize, factor: usize| {
        let own = Usual::of(multiples, factor);
        let most = FRACTIONS.get(factor).map_or(OF_BYTES, Factor::chance);
        // With who counts otherwise than the rest, what is ruled out less often counts.
        let chance = [None, Some(program)].iter().fold(most, |chance, among| {
            usual.get(among).map_or(chance, |usual| usual[factor].chance_without(own, chance).min(chance))
        });
        (1.0 - chance).powi(i32::from(multiples.passed[factor])) * many
    };
    let fit = |of_kind: &&[Key]| {
        let (multiples, program) = tested(of_kind)?;
        let may_be = |factor: &usize| multiples.ruled_out & 1 << factor == 0 && multiples.passed[*factor] >= FEW;
        let chances = (0..FACTORS).filter(may_be).map(|factor| (by_chance(multiples, program, factor), factor));
        let (by_chance, factor) = chances.min_by(|a, b| a.0.total_cmp(&b.0))?;
        let places: Vec<u32> = of_kind.iter().map(|key| key.2).collect();
        let severity = ground.beyond_chance(by_chance, PROOF, &places)?;
        Some(Fit { user: of_kind[0].0, factor, passed: multiples.passed[factor], by_chance, severity, places })
    };
    let mut fits: Vec<Fit> = of_kinds.iter().filter_map(fit).collect();
    // Of a user's, the one with most evidence is told; all count.
    fits.sort_by(|a, b| a.by_chance.total_cmp(&b.by_chance));
    let mut signs: HashMap<u32, Sign> = HashMap::new();
    for Fit { user, factor, passed, severity, places, .. } in fits {
        let (over, under) = FRACTIONS.get(factor).map_or((2, 1), |factor| (factor.over, factor.under));
        let counted = |uploaded: u64| (u128::from(uploaded) * u128::from(under)).div_ceil(u128::from(over)) as u64;
        let made_up = |place: u32| ground.uploaded(place) - counted(ground.uploaded(place));
        let made_up: Vec<(u32, u64)> = places.iter().map(|&place| (place, made_up(place))).collect();
        let (count, amount) = (passed.into(), over * 100 / under);
        let first = || Sign { count, amount, ..ground.sign(severity, places) };
        signs.entry(user).or_insert_with(first).made_up.extend(made_up);
    }
    signs
}

pub static SCALED: Check = Check {
    name: "scaled",
    severity: Severity::High,
    summary: "all uploads are values that a multiple of a true count has, by a fraction or by two",
    formula: "a count times f, rounded down, never has some remainders: with f = 3/2 none of 2 by 3. f is 1.1, 1.2, 1.25, 1.3, 1.4, 1.5, 1.7, 1.75, 1.8, 1.9, 2.5 or 3.5; the remainder of `uploaded` by the odd part of its numerator (with 1.2 where `uploaded` is odd), wherever it changed, and by other bytes than the two times before; all sessions of a user's clients of a kind together. With 2, no increment of `uploaded` is odd, or 16 KiB times an odd number (clients count in either); those that are twice an odd number count, if they share no quantum with the two before (as in residue). How likely a value is ruled out is learnt from all users and from those with the same program and version (each by 16 values at most), and is no more than the remainders say; the rest to the power of the values is how likely chance does that, times all that were tested",
    threshold: "high: less likely than 1e-12, in several torrents, which makes what is beyond the count itself unexplained; medium: 1e-8; low: 0.02; from 12 values. Likely-faked only together with bytes or with a client that is not what it says",
    look_alikes: "a modded client or a proxy that counts in a unit of its own",
    source: "multipliers in patched clients and proxies (int(uploaded x 1.5)); real clients' counters in the corpus: one increment in two is odd, or 16 KiB times an odd number",
    group: Some(Group::Generator),
    conclude: Conclude::Counters(scaled),
    message: |f| {
        let (bytes, whole, hundredths) = (f.size(), f.amount / 100, f.amount % 100);
        format!(
            "{bytes} were uploaded in values as {whole}.{hundredths:02} times a count has them, and in no others, {} times",
            f.count
        )
    },
};
