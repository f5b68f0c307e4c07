//! JSON: one document, or an object a line. Rows are written as they come, those of a report on every core; no tree is built.

use super::rows::{AnomalyRow, SessionRow, TorrentRow, UserRow};
use super::{Row, View};
use crate::audit::Finding;
use crate::share::shared;
use serde::Serialize;
use std::io::{self, Write};

/// The version of the report's document.
const SCHEMA: &str = "swarmtrail.report/1";

fn value<T: Serialize>(out: &mut (impl Write + ?Sized), value: &T) -> io::Result<()> {
    serde_json::to_writer(out, value).map_err(io::Error::from)
}

/// One element of an array, a row a line; `first` opens the array.
pub fn element<R: Row>(out: &mut (impl Write + ?Sized), row: &R, first: bool) -> io::Result<()> {
    out.write_all(if first { b"[\n" } else { b",\n" })?;
    value(out, row)
}

/// The end of an array.
pub fn close(out: &mut dyn Write, empty: bool) -> io::Result<()> {
    out.write_all(if empty { b"[]" } else { b"\n]" })
}

/// How rows stand in a document.
#[derive(Clone, Copy)]
pub enum Rows {
    /// As an array.
    Array,
    /// As an object a line, each with its `type`.
    Lines,
}

impl Rows {
    /// Adds a row; `first`: none came before.
    fn add<R: Row>(self, text: &mut Vec<u8>, row: &R, first: bool) -> io::Result<()> {
        match self {
            Rows::Array => element(text, row, first),
            Rows::Lines => line(text, R::TYPE, row),
        }
    }

    fn end(self, out: &mut dyn Write, empty: bool) -> io::Result<()> {
        match self {
            Rows::Array => close(out, empty),
            Rows::Lines => Ok(()),
        }
    }

    /// Writes rows.
    pub fn write<R: Row>(self, out: &mut dyn Write, rows: impl Iterator<Item = R>) -> io::Result<()> {
        /// So many bytes are written at once: a row is made of many small pieces.
        const PIECE: usize = 64 << 10;
        let (mut first, mut text) = (true, Vec::new());
        for row in rows {
            self.add(&mut text, &row, std::mem::take(&mut first))?;
            if text.len() >= PIECE {
                out.write_all(&text)?;
                text.clear();
            }
        }
        out.write_all(&text)?;
        self.end(out, first)
    }

    /// The same of the rows of some items, made on so many threads.
    fn write_of<T: Sync, R: Row>(
        self,
        out: &mut dyn Write,
        threads: usize,
        items: &[T],
        row: impl Fn(&T) -> R + Sync,
    ) -> io::Result<()> {
        /// So many are made before they are written: a user with a timeline takes some 8 kB.
        const WAVE: usize = 512;
        for (wave, items) in items.chunks(WAVE).enumerate() {
            let texts = shared(items.len(), threads, |mut range| {
                let mut text = Vec::new();
                let done = range.try_for_each(|at| self.add(&mut text, &row(&items[at]), (wave, at) == (0, 0)));
                vec![done.map(|()| text)]
            });
            for text in texts {
                out.write_all(&text?)?;
            }
        }
        self.end(out, items.is_empty())
    }
}

/// An object with its `type`, on a line of its own.
pub fn line<T: Serialize>(out: &mut (impl Write + ?Sized), kind: &str, row: &T) -> io::Result<()> {
    // Every row is an object: the type goes in behind its brace.
    let text = serde_json::to_string(row).map_err(io::Error::from)?;
    writeln!(out, "{{\"type\":\"{kind}\",{}", &text[1..])
}

/// A document of its own.
pub fn document<T: Serialize>(out: &mut dyn Write, row: &T) -> io::Result<()> {
    value(out, row)?;
    writeln!(out)
}

/// The whole report.
pub fn report(out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    write!(out, "{{\"schema\":\"{SCHEMA}\",\n\"settings\":")?;
    value(out, &view.settings())?;
    out.write_all(b",\n\"input\":")?;
    value(out, &view.inputs())?;
    out.write_all(b",\n\"users\":")?;
    Rows::Array.write_of(out, view.threads, &view.user_order(), |n| UserRow::new(view, *n))?;
    out.write_all(b",\n\"torrents\":")?;
    Rows::Array.write_of(out, view.threads, &view.torrent_order(), |n| TorrentRow::new(view, *n))?;
    out.write_all(b",\n\"sessions\":")?;
    Rows::Array
        .write_of(out, view.threads, &view.shown_sessions().collect::<Vec<_>>(), |n| SessionRow::new(view, *n))?;
    out.write_all(b",\n\"anomalies\":")?;
    let findings: Vec<&Finding> = view.findings_asked_for().collect();
    Rows::Array.write_of(out, view.threads, &findings, |finding| AnomalyRow::new(view, finding))?;
    out.write_all(b"}\n")
}

/// The whole report, an object a line.
pub fn report_lines(out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    line(out, "settings", &view.settings())?;
    line(out, "input", &view.inputs())?;
    Rows::Lines.write_of(out, view.threads, &view.user_order(), |n| UserRow::new(view, *n))?;
    Rows::Lines.write_of(out, view.threads, &view.torrent_order(), |n| TorrentRow::new(view, *n))?;
    Rows::Lines
        .write_of(out, view.threads, &view.shown_sessions().collect::<Vec<_>>(), |n| SessionRow::new(view, *n))?;
    let findings: Vec<&Finding> = view.findings_asked_for().collect();
    Rows::Lines.write_of(out, view.threads, &findings, |finding| AnomalyRow::new(view, finding))
}
