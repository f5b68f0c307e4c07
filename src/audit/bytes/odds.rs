//! How much likelier what a user's swarms look like is of who fakes.
//!
//! Whoever leeches in secret leaves an excess with those who sent to him, honest as they are. But that happens to them in some
//! swarms, with other seeds beside them, and where somebody is who may have received it. Who makes up uploads has an excess
//! nearly wherever he goes. So every swarm of a user is a cell of some kind; how often honest users have cells of each kind,
//! the log itself tells by those who can be trusted.

use super::trace::GRANULE;

/// What a user claims in one swarm, and what of it finds no receiver. In granules.
#[derive(Clone, Copy, Default, Debug)]
pub struct Cell {
    /// The user's claims.
    pub up: u64,
    /// What all in the swarm claim.
    pub all: u64,
    /// What finds no receiver beside those who are trusted.
    pub excess: u64,
    /// The same if everybody who may receive in secret does.
    pub proved: u64,
    /// What of the claims of the trusted finds no receiver without the user.
    pub before: u64,
}

/// Cells with fewer granules say nothing.
pub const LEAST: u64 = (64 << 20) / GRANULE;
/// Less of an excess is none.
const SMALL: u64 = (16 << 20) / GRANULE;

/// How large an excess is against the claims, in percent: bounds between classes.
const PARTS: [u64; 4] = [2, 10, 30, 60];
/// The kinds of cells: without an excess, and by its part, by whether secret receivers explain it, and by whether others have
/// one too.
const KINDS: usize = 1 + PARTS.len() * 4;
/// The classes in which kinds are told apart: by the size of the claims, and by their part in the swarm.
const CLASSES: usize = 9;

impl Cell {
    fn kind(&self) -> usize {
        let excess = if self.excess < SMALL { 0 } else { self.excess };
        let part = PARTS.iter().filter(|percent| excess * 100 >= self.up * **percent).count();
        let Some(part) = part.checked_sub(1) else { return 0 };
        let proved = usize::from(self.proved * 10 >= excess * 3);
        let alone = usize::from(self.before < (excess / 4).max(SMALL * 2));
        1 + part * 4 + proved * 2 + alone
    }

    fn class(&self) -> usize {
        let size = usize::from(self.up >= 8 * LEAST) + usize::from(self.up >= 64 * LEAST);
        let share = usize::from(self.up * 20 >= self.all) + usize::from(self.up * 10 >= self.all * 3);
        size * 3 + share
    }
}

/// How often who fakes has cells of each kind, in a thousand: over all ways of faking of simulated trackers, which the
/// evaluation's scores do not use.
const OF_FAKERS: [f64; KINDS] = [
    301.0, //
    42.0, 8.0, 2.0, 6.0, //
    35.0, 21.0, 9.0, 17.0, //
    65.0, 31.0, 18.0, 37.0, //
    63.0, 75.0, 40.0, 231.0,
];

/// How often who can be trusted has cells of each kind.
#[derive(Clone, Debug)]
pub struct Usual {
    kinds: [[f64; KINDS]; CLASSES],
    /// Granules claimed, and those without a receiver.
    up: f64,
    excess: f64,
}

impl Default for Usual {
    fn default() -> Self {
        Usual { kinds: [[0.0; KINDS]; CLASSES], up: 0.0, excess: 0.0 }
    }
}

/// So many cells as all have together count with each class's own.
const PRIOR: f64 = 20.0;
/// No cell says more, whatever its kind: in one swarm anything may have happened. And none speaks for a user by more.
const MOST: f64 = 4.0;
const LEAST_SAID: f64 = -1.5;

impl Usual {
    /// Adds a cell of somebody trusted, who stands for so many.
    pub fn add(&mut self, cell: &Cell, weight: f64) {
        self.kinds[cell.class()][cell.kind()] += weight;
        self.up += cell.up as f64 * weight;
        self.excess += cell.excess as f64 * weight;
    }

    /// Which part of what they send those who can be trusted send to receivers in secret, as far as it shows.
    pub fn lost(&self) -> f64 {
        self.excess / self.up.max(1.0)
    }

    /// The logarithm of how much likelier a user's cells are of who fakes.
    pub fn odds<'a>(&self, cells: impl Iterator<Item = &'a Cell>) -> f64 {
        let all: f64 = self.kinds.iter().flatten().sum();
        let of_kind = |kind: usize| (self.kinds.iter().map(|class| class[kind]).sum::<f64>() + 0.5) / (all + 9.0);
        let odds = |cell: &Cell| {
            let (class, kind) = (&self.kinds[cell.class()], cell.kind());
            let of_class: f64 = class.iter().sum();
            let honest = (class[kind] + PRIOR * of_kind(kind)) / (of_class + PRIOR);
            (OF_FAKERS[kind] / 1000.0 / honest).ln().clamp(LEAST_SAID, MOST)
        };
        cells.map(odds).sum()
    }
}
