//! Whose counters look made up, by their arithmetic.

use super::Clients;
use super::bytes::Trace;
use super::cumulative::{BySilence, by_silence};
use super::dart::darts;
use super::generator::{Residue, residues};
use super::leap::{Leaps, leaps};
use super::notes::Watch;
use super::revert::{Reverts, reverts};
use super::steady::{SteadyRates, steady_rates};
use crate::replay::Story;
use std::collections::HashMap;

/// What looks made up. All by user.
#[derive(Debug)]
#[allow(missing_docs)] // One for each check, and named so.
pub struct Generated {
    pub residues: HashMap<u32, Vec<Residue>>,
    pub steady: HashMap<u32, SteadyRates>,
    pub by_silence: HashMap<u32, BySilence>,
    pub darts: HashMap<u32, Vec<u32>>,
    pub reverts: HashMap<u32, Reverts>,
    pub leaps: HashMap<u32, Leaps>,
}

impl Generated {
    /// Looks at all sessions.
    pub fn new(
        story: &Story,
        watches: &[Watch],
        traces: &[Option<Trace<'_>>],
        clients: &Clients,
        sizes: &[Option<u64>],
        threads: usize,
    ) -> Generated {
        Generated {
            residues: residues(story, clients, watches),
            steady: steady_rates(story, traces, threads),
            by_silence: by_silence(story, watches),
            darts: darts(story, sizes),
            reverts: reverts(story, watches),
            leaps: leaps(story, traces, threads),
        }
    }

    /// Whether a user's counters look made up.
    pub fn looks(&self, user: u32) -> bool {
        self.residues.contains_key(&user)
            || self.steady.contains_key(&user)
            || self.by_silence.contains_key(&user)
            || self.darts.contains_key(&user)
            || self.reverts.contains_key(&user)
    }

    /// Whether there is anything about them that is strange, if there is evidence of another kind.
    pub fn are_strange(&self, user: u32) -> bool {
        self.looks(user) || self.leaps.contains_key(&user)
    }

    /// What of a user's uploads is made up at least, if the arithmetic is no chance. In bytes.
    pub fn made_up(&self, story: &Story, user: u32) -> u64 {
        let uploaded = |place: u32| story.sessions[place as usize].state.credit().up;
        let mut parts: Vec<(u32, u64)> = Vec::new();
        for residue in self.residues.get(&user).into_iter().flatten() {
            parts.extend(residue.places().iter().map(|&place| (place, residue.made_up(uploaded(place)))));
        }
        let steady = self.steady.get(&user).map(SteadyRates::places);
        let darts = self.darts.get(&user).map(Vec::as_slice);
        let whole = [steady, darts].into_iter().flatten().flatten();
        parts.extend(whole.map(|&place| (place, uploaded(place))));
        parts.extend(self.reverts.get(&user).into_iter().flat_map(|reverts| &reverts.sessions));
        // Where two say it of one session, the one that says more.
        parts.sort_unstable();
        parts
            .chunk_by(|a, b| a.0 == b.0)
            .filter_map(|same| same.last())
            .map(|(_, bytes)| bytes)
            .fold(0, |sum: u64, bytes| sum.saturating_add(*bytes))
    }
}
