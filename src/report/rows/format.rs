//! Formats of logs, and what a log is taken for.

use super::{At, Cell, Column, Row, exact, shown};
use crate::access_log::Format;
use crate::announce::printable;
use crate::reading::{Apart, Look};
use crate::report::Filter;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// A format, for `formats`.
pub struct FormatRow(pub &'static dyn Format);

impl Serialize for FormatRow {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("format", self.0.name())?;
        map.serialize_entry("summary", self.0.summary())?;
        map.serialize_entry("example", self.0.example())?;
        map.end()
    }
}

impl Row for FormatRow {
    const TYPE: &'static str = "format";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("format", |r| Cell::Text(r.0.name().into())),
            shown("summary", |r| Cell::Text(r.0.summary().into())),
            exact("example", |r| Cell::Text(r.0.example().into())),
        ]
    }
}

/// What a source is taken for, for `detect`.
#[derive(Serialize)]
pub struct DetectRow {
    /// The source's name.
    pub source: String,
    /// The format; `None` if no line fits any.
    pub format: Option<&'static str>,
    /// What the format is.
    pub summary: &'static str,
    /// Lines looked at.
    pub looked_at: u64,
    /// Lines read as requests.
    pub read: u64,
    /// Lines read as announces.
    pub announces: u64,
    /// The part of the lines looked at that was read; `None` if there was none.
    pub share: Option<f64>,
    /// Some lines taken apart.
    pub lines: Vec<ApartRow>,
}

/// A line taken apart.
#[derive(Serialize)]
#[allow(missing_docs)] // The names say it.
pub struct ApartRow {
    pub line: u64,
    pub time: At,
    pub address: String,
    pub method: String,
    pub target: String,
    pub status: Option<u16>,
    pub agent: String,
}

impl DetectRow {
    /// The row of a look; passkeys are cut short, unless the filter shows them whole.
    pub fn new(look: Look, filter: &Filter) -> DetectRow {
        let share = (look.looked_at > 0).then(|| look.read as f64 / look.looked_at as f64);
        DetectRow {
            source: look.source,
            format: look.format,
            summary: look.summary,
            looked_at: look.looked_at,
            read: look.read,
            announces: look.announces,
            share,
            lines: look.lines.into_iter().map(|line| ApartRow::new(line, filter)).collect(),
        }
    }
}

impl ApartRow {
    fn new(line: Apart, filter: &Filter) -> ApartRow {
        ApartRow {
            line: line.line,
            time: At { time: line.time, millis: true },
            address: printed(&line.addr),
            method: printed(&line.method),
            target: printed(&filter.target(&line.target, line.passkey.as_deref())),
            status: line.status,
            agent: printed(&line.agent),
        }
    }
}

/// Text of a log as it stands there, but for what a terminal would act on.
fn printed(text: &[u8]) -> String {
    let plain = |b: &u8| (b' '..=b'~').contains(b);
    text.chunk_by(|a, b| plain(a) == plain(b)).fold(String::new(), |mut out, part| {
        match std::str::from_utf8(part) {
            Ok(text) if part.iter().all(plain) => out.push_str(text),
            _ => out.push_str(&printable(part).to_string()),
        }
        out
    })
}

impl Row for DetectRow {
    const TYPE: &'static str = "detected";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("source", |r| Cell::Text(r.source.clone())),
            shown("format", |r| Cell::Text(r.format.unwrap_or_default().into())),
            shown("looked_at", |r| Cell::Count(r.looked_at)),
            shown("read", |r| Cell::Count(r.read)),
            shown("announces", |r| Cell::Count(r.announces)),
            shown("share", |r| Cell::Ratio(r.share)),
        ]
    }
}
