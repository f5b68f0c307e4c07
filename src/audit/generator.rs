//! Numbers that only a generator makes.

use super::{Check, Conclude, Finding, Group, Severity};
use crate::replay::Step;
use crate::session::Transition;

/// What all counters of a session have in common.
#[derive(Clone, Copy, Debug)]
pub struct Residues {
    /// Different values of `uploaded` above zero.
    values: u16,
    /// For each of [`MODULI`], a bit: all of them are its multiples.
    divisible: u8,
}

impl Default for Residues {
    fn default() -> Self {
        Residues { values: 0, divisible: (1 << MODULI.len()) - 1 }
    }
}

/// Odd, or multiples of what is odd: pieces and blocks make multiples of powers of two all by themselves.
const MODULI: [u64; 6] = [3, 5, 7, 25, 100, 1000];
/// A common multiple of all of them.
const ALL: u64 = 21_000;
/// Fewer values prove nothing.
const LEAST: u16 = 12;

impl Residues {
    /// Notes the counter of a step, if it went up.
    #[inline]
    pub(super) fn note(&mut self, step: &Step<'_>) {
        if step.credit.up == 0 || step.transition == Transition::Duplicate {
            return;
        }
        let rest = step.said.counters.up % ALL;
        self.values = self.values.saturating_add(1);
        for (bit, modulus) in MODULI.iter().enumerate() {
            if rest % modulus != 0 {
                self.divisible &= !(1 << bit);
            }
        }
    }

    /// What the counters of both have in common.
    fn and(self, other: Residues) -> Residues {
        let values = self.values.saturating_add(other.values);
        Residues { values, divisible: self.divisible & other.divisible }
    }

    /// The largest number that all values are multiples of, and how many values there are; `None` if chance explains it
    /// in one of so many sessions.
    fn common(self, sessions: usize) -> Option<(u64, u16)> {
        let modulus = (0..MODULI.len()).rev().find(|bit| self.divisible & 1 << bit != 0).map(|bit| MODULI[bit])?;
        let tests = (sessions * MODULI.len()) as f64;
        let chance = -f64::from(self.values) * (modulus as f64).ln() + tests.ln();
        (self.values >= LEAST && chance < 1e-8f64.ln()).then_some((modulus, self.values))
    }
}

pub static COMMON_FACTOR: Check = Check {
    name: "common-factor",
    severity: Severity::High,
    summary: "every value of `uploaded`, of a user or in a session, is a multiple of the same number",
    formula: "n different values of uploaded above 0, all of them multiples of m, for m of 3, 5, 7, 25, 100, 1000, of all the user's sessions together or of one; by chance so in m^-n, times the sessions and numbers tried",
    threshold: "at least 12 values, and less than one in 10^8 by chance",
    look_alikes: "a client that rounds what it counts to whole kilobytes of 1000 bytes: none is known; powers of two, which every client makes, are not looked at",
    source: "JOAL adds whole speeds times 5; Ratio.py counts in 1000 bytes; a patched client multiplies by 3, 5 or 7",
    group: Some(Group::Generator),
    conclude: Conclude::User(|case| {
        let tried = case.story.sessions.len();
        let together = case.residues.iter().fold(Residues::default(), |all, one| all.and(*one)).common(tried);
        // A generator may run beside an honest client.
        let single = || {
            let (at, common) =
                case.residues.iter().map(|one| one.common(tried)).enumerate().max_by_key(|(_, c)| c.map(|c| c.1))?;
            Some((std::slice::from_ref(&case.sessions[at]), common?))
        };
        let (sessions, (modulus, values)) = together.map(|common| (case.sessions, common)).or_else(single)?;
        let most = sessions.iter().max_by_key(|session| session.state.credit().up)?;
        Some(Finding {
            check: 0,
            severity: Severity::High,
            user: case.user,
            session: None,
            from: sessions.iter().filter_map(|session| session.first_at).min(),
            to: sessions.iter().filter_map(|session| session.last_at).max(),
            bytes: None,
            count: values.into(),
            amount: modulus,
            evidence: vec![most.first_line, most.last_line],
        })
    }),
    message: |f| format!("all {} values of uploaded are multiples of {}", f.count, f.amount),
};
