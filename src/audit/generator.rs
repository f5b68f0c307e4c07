//! Numbers that only a generator makes.

use super::{Check, Conclude, Finding, Group, Severity};
use crate::replay::Step;
use crate::session::Transition;

/// What all counters of a session have in common.
#[derive(Clone, Copy, Default, Debug)]
pub struct Residues {
    /// Different values of `uploaded` above zero.
    values: u32,
    /// Their greatest common divisor; 0 if there are none.
    divisor: u64,
}

/// Numbers that generators count in. Powers of two are no tell: pieces and blocks make them all by themselves. Larger numbers
/// are none either: whoever sends at a constant rate sends multiples of it.
const FACTORS: [u64; 7] = [3, 5, 7, 9, 15, 25, 125];
/// Fewer values prove nothing.
const LEAST: u32 = 12;

impl Residues {
    /// Notes the counter of a step, if it went up.
    #[inline]
    pub(super) fn note(&mut self, step: &Step<'_>) {
        if step.credit.up == 0 || step.transition == Transition::Duplicate {
            return;
        }
        self.values = self.values.saturating_add(1);
        self.divisor = divisor(self.divisor, step.said.counters.up);
    }

    /// Reads a little of it.
    #[inline]
    pub(super) fn touch(&self) -> u64 {
        self.divisor
    }

    /// What the counters of both have in common.
    fn and(self, other: Residues) -> Residues {
        let values = self.values.saturating_add(other.values);
        Residues { values, divisor: divisor(self.divisor, other.divisor) }
    }

    /// The odd number that all values are multiples of, and how many values there are; `None` if there is none, or chance
    /// explains it in one of so many sessions.
    fn common(self, sessions: usize) -> Option<(u64, u32)> {
        let odd = self.divisor >> self.divisor.trailing_zeros().min(63);
        let factor = FACTORS.into_iter().find(|factor| *factor == odd)?;
        let tests = (sessions * FACTORS.len()) as f64;
        let chance = -f64::from(self.values) * (factor as f64).ln() + tests.ln();
        (self.values >= LEAST && chance < 1e-8f64.ln()).then_some((factor, self.values))
    }
}

/// The greatest common divisor; of a number and 0, the number.
fn divisor(mut a: u64, mut b: u64) -> u64 {
    // Nearly always there is nothing more to find.
    while b != 0 && a != 1 {
        (a, b) = (b, a % b);
    }
    a
}

pub static COMMON_FACTOR: Check = Check {
    name: "common-factor",
    severity: Severity::Medium,
    summary: "every value of `uploaded`, of a user or in a session, is a multiple of the same number",
    formula: "n different values of uploaded above 0, all of them multiples of m; the odd part of their greatest common divisor is 3, 5, 7, 9, 15, 25 or 125; of all the user's sessions together or of one; by chance so in m^-n, times the sessions and numbers tried",
    threshold: "at least 12 values, and less than one in 10^8 by chance",
    look_alikes: "a client that rounds what it counts to whole kilobytes of 1000 bytes: none is known; powers of two, which every client makes, and large numbers, which a constant rate makes, are not looked at",
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
            severity: Severity::Medium,
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
