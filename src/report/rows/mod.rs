//! The model: one struct for each kind of row, which every output prints. The field names are the JSON's.

mod audit;
mod case;
mod client;
mod credit;
mod finding;
mod format;
mod input;
mod session;
mod step;
mod user;

pub use audit::{AuditRow, JudgementCells};
pub use case::CaseRow;
pub use client::ClientRow;
pub use credit::{OWN, PolicyRow, SessionCreditRow, UserCreditRow};
pub use finding::{AnomalyRow, CheckRow};
pub use format::{ApartRow, DetectRow, FormatRow};
pub use input::{InputRow, Inputs, SettingsRow};
pub use session::{ListedRow, SessionRow};
pub use step::ReplayRow;
pub use user::{PointRow, TorrentRow, UserRow};

use super::View;
use crate::announce::InfoHash;
use crate::audit::Severity;
use crate::session::LineRef;
use crate::time::Time;
use serde::{Serialize, Serializer};

/// A row that every output can print.
pub trait Row: Serialize + Sized {
    /// What it is, in `ndjson` and `csv`.
    const TYPE: &'static str;
    /// Its columns.
    fn columns() -> Vec<Column<Self>>;
}

/// A column of a table.
pub struct Column<R> {
    /// Its name in CSV, and (with spaces) as a heading.
    pub name: &'static str,
    /// Programs see it.
    pub exact: bool,
    /// People see it.
    pub shown: bool,
    /// People see it only if it says something in any row.
    pub optional: bool,
    /// It gives way where a screen is too narrow.
    pub aside: bool,
    /// The value of a row.
    pub cell: fn(&R) -> Cell,
}

/// A column for everybody.
fn shown<R>(name: &'static str, cell: fn(&R) -> Cell) -> Column<R> {
    Column { name, exact: true, shown: true, optional: false, aside: false, cell }
}

/// A column for programs: it would only crowd a screen.
fn exact<R>(name: &'static str, cell: fn(&R) -> Cell) -> Column<R> {
    Column { name, exact: true, shown: false, optional: false, aside: false, cell }
}

/// A column for people: it shortens or draws what others tell exactly.
fn brief<R>(name: &'static str, cell: fn(&R) -> Cell) -> Column<R> {
    Column { name, exact: false, shown: true, optional: false, aside: false, cell }
}

/// A column that gives way where a screen is too narrow.
fn aside<R>(column: Column<R>) -> Column<R> {
    Column { aside: true, ..column }
}

/// A column for everybody, if it says something.
fn optional<R>(name: &'static str, cell: fn(&R) -> Cell) -> Column<R> {
    Column { optional: true, ..shown(name, cell) }
}

/// A value, printed exactly for programs and readably for people.
pub enum Cell {
    /// Words.
    Text(String),
    /// Bytes.
    Bytes(u128),
    /// Bytes, if known.
    MaybeBytes(Option<u64>),
    /// A count.
    Count(u64),
    /// A ratio.
    Ratio(Option<f64>),
    /// A time.
    Time(At),
    /// How much a finding matters.
    Severity(Severity),
}

impl Cell {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        matches!(self, Cell::MaybeBytes(None)) || matches!(self, Cell::Text(text) if text.is_empty())
    }
}

/// A time, if there is one; printed with milliseconds if the log has them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// The time.
    pub time: Option<Time>,
    /// The log has fractions of a second.
    pub millis: bool,
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.time {
            Some(time) => s.collect_str(&time.rfc3339(self.millis)),
            None => s.serialize_none(),
        }
    }
}

fn hex<S: Serializer>(hash: &InfoHash, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(hash)
}

impl View<'_> {
    fn at(&self, time: Option<Time>) -> At {
        At { time, millis: self.input.tally.millis }
    }

    pub(in crate::report) fn place(&self, line: LineRef) -> Place<'_> {
        Place { source: self.input.source(line.source()).map_or("?", |s| s.name.as_str()), line: line.line() }
    }
}

/// A line of a source.
#[derive(Serialize, Clone, Copy)]
pub struct Place<'a> {
    source: &'a str,
    line: u64,
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.source, self.line)
    }
}
