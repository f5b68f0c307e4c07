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
/// The kinds of cells: without an excess, and by its part and by whether secret receivers explain it.
const KINDS: usize = 1 + PARTS.len() * 2;
/// Where others have an excess too, there is less room for anybody: kinds are told apart by how much of one they have.
const ROOMS: usize = 3;
/// And by the size of the claims, and by their part in the swarm.
const CLASSES: usize = 9;

impl Cell {
    /// One without an excess.
    pub fn quiet(up: u64, all: u64) -> Cell {
        Cell { up, all, ..Cell::default() }
    }

    fn kind(&self) -> usize {
        let excess = if self.excess < SMALL { 0 } else { self.excess };
        let part = PARTS.iter().filter(|percent| excess * 100 >= self.up * **percent).count();
        let Some(part) = part.checked_sub(1) else { return 0 };
        1 + part * 2 + usize::from(self.proved * 10 >= excess * 3)
    }

    fn room(&self) -> usize {
        match self.before {
            before if before < SMALL * 2 => 0,
            before if before < self.up => 1,
            _ => 2,
        }
    }

    fn class(&self) -> usize {
        let size = usize::from(self.up >= 8 * LEAST) + usize::from(self.up >= 64 * LEAST);
        let share = usize::from(self.up * 20 >= self.all) + usize::from(self.up * 10 >= self.all * 3);
        size * 3 + share
    }
}

/// How often who fakes has cells of each kind, in a thousand: over all ways of faking of simulated trackers, which the
/// evaluation's scores do not use.
const OF_FAKERS: [[f64; KINDS]; ROOMS] = [
    [317.0, 6.0, 9.0, 25.0, 23.0, 49.0, 78.0, 122.0, 370.0],
    [62.0, 39.0, 5.0, 63.0, 31.0, 144.0, 32.0, 247.0, 377.0],
    [229.0, 75.0, 0.0, 133.0, 12.0, 177.0, 27.0, 191.0, 155.0],
];

/// How often who can be trusted has cells of each kind.
#[derive(Default, Debug)]
pub struct Usual {
    kinds: [[[f64; KINDS]; CLASSES]; ROOMS],
    /// Granules claimed, and those without a receiver.
    up: f64,
    excess: f64,
}

/// So many cells as all have together count with those of each room, and so many of a room with each class's own.
const PRIOR: f64 = 20.0;
/// No cell says more, whatever its kind: in one swarm anything may have happened. And none speaks for a user by more.
const MOST: f64 = 4.0;
const LEAST_SAID: f64 = -1.5;
/// An excess of some tens of MiB says less: peers whose lines are lost, counters that are old.
const MOST_OF_LITTLE: f64 = 2.5;

impl Usual {
    /// Adds a cell of somebody trusted, who stands for so many.
    pub fn add(&mut self, cell: &Cell, weight: f64) {
        self.kinds[cell.room()][cell.class()][cell.kind()] += weight;
        self.up += cell.up as f64 * weight;
        self.excess += cell.excess as f64 * weight;
    }

    /// Which part of what they send those who can be trusted send to receivers in secret, as far as it shows.
    pub fn lost(&self) -> f64 {
        self.excess / self.up.max(1.0)
    }

    /// What cells say by this.
    pub fn table(&self) -> Table {
        let sum = |rows: &[[f64; KINDS]]| -> [f64; KINDS] {
            std::array::from_fn(|kind| rows.iter().map(|row| row[kind]).sum())
        };
        let of_rooms = self.kinds.each_ref().map(|room| sum(room));
        let everywhere = part(&sum(&of_rooms), &[1.0 / KINDS as f64; KINDS], 0.5 * KINDS as f64);
        let of_rooms = of_rooms.map(|room| part(&room, &everywhere, PRIOR));
        let honest = |room: usize| self.kinds[room].map(|class| part(&class, &of_rooms[room], PRIOR));
        Table(std::array::from_fn(honest))
    }
}

/// How likely who can be trusted has a cell of each kind.
#[derive(Debug)]
pub struct Table([[[f64; KINDS]; CLASSES]; ROOMS]);

impl Table {
    /// The logarithm of how much likelier a cell is of who fakes.
    pub fn odds(&self, cell: &Cell) -> f64 {
        let (room, kind) = (cell.room(), cell.kind());
        let most = if cell.excess < LEAST { MOST_OF_LITTLE } else { MOST };
        (OF_FAKERS[room][kind] / 1000.0 / self.0[room][cell.class()][kind]).ln().clamp(LEAST_SAID, most)
    }
}

/// How often each kind is seen, where so many as seen elsewhere count with it.
fn part(seen: &[f64; KINDS], elsewhere: &[f64; KINDS], prior: f64) -> [f64; KINDS] {
    let all: f64 = seen.iter().sum();
    std::array::from_fn(|kind| (seen[kind] + prior * elsewhere[kind]) / (all + prior))
}
