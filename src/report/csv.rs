//! Comma-separated values: a heading, then a row a line, with exact numbers.

use super::rows::{Cell, Column, Row};
use super::{Style, View};
use std::io::{self, Write};

/// The report: users, torrents, sessions and anomalies, each with a heading of its own; the first column says which.
pub fn report(out: &mut dyn Write, style: &Style, view: &View<'_>) -> io::Result<()> {
    table(out, style, view.users())?;
    table(out, style, view.torrents())?;
    table(out, style, view.sessions())?;
    table(out, style, view.anomalies())
}

/// Rows with a heading; the first column says what they are.
pub fn table<R: Row>(out: &mut dyn Write, style: &Style, rows: impl Iterator<Item = R>) -> io::Result<()> {
    let columns = columns::<R>();
    out.write_all(b"type,")?;
    heading(out, &columns)?;
    for each in rows {
        write!(out, "{},", R::TYPE)?;
        row(out, style, &columns, &each)?;
    }
    Ok(())
}

/// The columns that programs see.
pub fn columns<R: Row>() -> Vec<Column<R>> {
    R::columns().into_iter().filter(|c| c.exact).collect()
}

/// The names of the columns.
pub fn heading<R: Row>(out: &mut dyn Write, columns: &[Column<R>]) -> io::Result<()> {
    let names: Vec<&str> = columns.iter().map(|c| c.name).collect();
    writeln!(out, "{}", names.join(","))
}

/// One row.
pub fn row<R: Row>(out: &mut dyn Write, style: &Style, columns: &[Column<R>], row: &R) -> io::Result<()> {
    let fields: Vec<String> = columns.iter().map(|c| field(&(c.cell)(row), style)).collect();
    writeln!(out, "{}", fields.join(","))
}

fn field(cell: &Cell, style: &Style) -> String {
    match cell {
        Cell::Text(text) if text.contains([',', '"', '\n', '\r']) => format!("\"{}\"", text.replace('"', "\"\"")),
        Cell::Text(text) => text.clone(),
        Cell::Bytes(n) => n.to_string(),
        Cell::MaybeBytes(n) => n.map(|n| n.to_string()).unwrap_or_default(),
        Cell::Count(n) => n.to_string(),
        Cell::Ratio(ratio) => ratio.map(|r| r.to_string()).unwrap_or_default(),
        Cell::Time(at) => at.time.map(|t| t.rfc3339(style.millis).to_string()).unwrap_or_default(),
        Cell::Severity(severity) => severity.name().into(),
    }
}
