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
        Cell::Text(text) => quoted(&guarded(text)),
        Cell::Bytes(n) => n.to_string(),
        Cell::MaybeBytes(n) => n.map(|n| n.to_string()).unwrap_or_default(),
        Cell::Count(n) => n.to_string(),
        Cell::Ratio(ratio) => ratio.map(|r| r.to_string()).unwrap_or_default(),
        Cell::Time(at) => at.time.map(|t| t.rfc3339(style.millis).to_string()).unwrap_or_default(),
        Cell::Severity(severity) => severity.name().into(),
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into() }
}

/// What a spreadsheet would take for a formula gets an apostrophe in front. Numbers and usual peer ids, which begin with a
/// minus too, stay as they are: without brackets, quotes, bars and marks of exclamation they cannot call anything.
fn guarded(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_.%".contains(c);
    let formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !(text.starts_with('-') && text.chars().all(harmless));
    if formula { format!("'{text}") } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_guarded_and_data_is_not() {
        for (text, field) in [
            ("-qB4520-abcdefghijkl", "-qB4520-abcdefghijkl"),
            ("-TR3000-%AB%00.x_y", "-TR3000-%AB%00.x_y"),
            ("-1234", "-1234"),
            ("stopped", "stopped"),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("+cmd|'/c calc'!A1", "'+cmd|'/c calc'!A1"),
            ("-qB4520-cmd|'/c x'!A", "'-qB4520-cmd|'/c x'!A"),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
        ] {
            assert_eq!(quoted(&guarded(text)), field);
        }
    }
}
