//! JSON: one document, or an object a line. Rows are written as they come; no tree is built.

use super::{Row, View};
use serde::Serialize;
use std::io::{self, Write};

/// The version of the report's document.
const SCHEMA: &str = "swarmtrail.report/1";

fn value<T: Serialize>(out: &mut dyn Write, value: &T) -> io::Result<()> {
    serde_json::to_writer(out, value).map_err(io::Error::from)
}

/// One element of an array, a row a line; `first` opens the array.
pub fn element<R: Row>(out: &mut dyn Write, row: &R, first: bool) -> io::Result<()> {
    out.write_all(if first { b"[\n" } else { b",\n" })?;
    value(out, row)
}

/// The end of an array.
pub fn close(out: &mut dyn Write, empty: bool) -> io::Result<()> {
    out.write_all(if empty { b"[]" } else { b"\n]" })
}

/// An array.
pub fn elements<R: Row>(out: &mut dyn Write, rows: impl Iterator<Item = R>) -> io::Result<()> {
    /// So many bytes are written at once: a row is made of many small pieces.
    const PIECE: usize = 64 << 10;
    let (mut first, mut text) = (true, Vec::new());
    for row in rows {
        text.extend_from_slice(if std::mem::take(&mut first) { b"[\n" } else { b",\n" });
        serde_json::to_writer(&mut text, &row).map_err(io::Error::from)?;
        if text.len() >= PIECE {
            out.write_all(&text)?;
            text.clear();
        }
    }
    out.write_all(&text)?;
    close(out, first)
}

/// An object a line, each with its `type`.
pub fn lines<R: Row>(out: &mut dyn Write, rows: impl Iterator<Item = R>) -> io::Result<()> {
    for row in rows {
        line(out, R::TYPE, &row)?;
    }
    Ok(())
}

/// An object with its `type`, on a line of its own.
pub fn line<T: Serialize>(out: &mut dyn Write, kind: &str, row: &T) -> io::Result<()> {
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
    elements(out, view.users())?;
    out.write_all(b",\n\"torrents\":")?;
    elements(out, view.torrents())?;
    out.write_all(b",\n\"sessions\":")?;
    elements(out, view.sessions())?;
    out.write_all(b",\n\"anomalies\":")?;
    elements(out, view.anomalies())?;
    out.write_all(b"}\n")
}

/// The whole report, an object a line.
pub fn report_lines(out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    line(out, "settings", &view.settings())?;
    line(out, "input", &view.inputs())?;
    lines(out, view.users())?;
    lines(out, view.torrents())?;
    lines(out, view.sessions())?;
    lines(out, view.anomalies())
}
