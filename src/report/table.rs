//! Tables for people.

use super::rows::{Cell, Column, DetectRow, Row, UserRow};
use super::text::{bytes, chart_bar, clean, ratio};
use super::{Style, View};
use crate::access_log::Format;
use crate::audit::{Check, Severity};
use comfy_table::{Attribute, Cell as Drawn, CellAlignment, Color, ContentArrangement, Table, presets};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Rows that `report` shows of each table; the commands of their own show all.
const SHOWN: usize = 20;

/// Columns of the terminal that standard output is; `None` if it is none.
pub fn terminal_width() -> Option<u16> {
    Table::new().width()
}

/// Rows that are laid out together; the next ones have a heading of their own.
pub const PAGE: usize = 1000;

/// Some rows, with their heading.
pub fn page<R: Row>(out: &mut dyn Write, style: &Style, rows: impl Iterator<Item = R>) -> io::Result<()> {
    draw(out, &build(style, rows))
}

/// Cells are padded to their columns; the padding at a line's end is of no use.
fn draw(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn build<R: Row>(style: &Style, rows: impl Iterator<Item = R>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    match style.width {
        Some(width) => table.set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    if style.color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    let rows: Vec<R> = rows.collect();
    let says = |column: &Column<R>| !column.optional || rows.iter().any(|row| !(column.cell)(row).is_empty());
    let mut columns: Vec<_> = R::columns().into_iter().filter(|column| column.shown && says(column)).collect();
    let mut rows: Vec<Vec<Drawn>> =
        rows.iter().map(|row| columns.iter().map(|column| cell(&(column.cell)(row), style)).collect()).collect();
    while let Some(at) = in_the_way(style, &columns, &rows) {
        columns.remove(at);
        rows.iter_mut().for_each(|row| drop(row.remove(at)));
    }
    table.set_header(columns.iter().map(|column| heading(column.name, style)));
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// The last column that may give way, if the table is too wide for the terminal.
fn in_the_way<R>(style: &Style, columns: &[Column<R>], rows: &[Vec<Drawn>]) -> Option<usize> {
    let width = |at: usize| {
        let heading = title(columns[at].name).split(' ').map(str::len).max().unwrap_or(0);
        rows.iter().map(|row| row[at].content().chars().count()).max().unwrap_or(0).max(heading) + 2
    };
    let whole: usize = (0..columns.len()).map(width).sum();
    style.width.filter(|room| whole > usize::from(*room) + 2)?;
    columns.iter().rposition(|column| column.aside)
}

fn title(name: &str) -> String {
    name.trim_end_matches("_at").replace('_', " ").to_uppercase()
}

fn heading(name: &str, style: &Style) -> Drawn {
    let drawn = Drawn::new(title(name));
    if style.color { drawn.add_attribute(Attribute::Bold) } else { drawn }
}

fn cell(cell: &Cell, style: &Style) -> Drawn {
    let right = |text: String| Drawn::new(text).set_alignment(CellAlignment::Right);
    match cell {
        Cell::Text(text) => Drawn::new(clean(text)),
        Cell::Bytes(n) => right(bytes(*n)),
        Cell::MaybeBytes(n) => right(n.map_or("-".into(), |n| if n >= 1 << 62 { "?".into() } else { bytes(n.into()) })),
        Cell::Count(n) => right(n.to_string()),
        Cell::Ratio(r) => right(ratio(*r)),
        Cell::Time(at) => Drawn::new(at.time.map_or("-".into(), |t| style.zone.show(t, style.millis))),
        Cell::Severity(severity) => {
            let drawn = Drawn::new(severity.name());
            match severity {
                _ if !style.color => drawn,
                Severity::Info => drawn,
                Severity::Low => drawn.fg(Color::Cyan),
                Severity::Medium => drawn.fg(Color::Yellow),
                Severity::High => drawn.fg(Color::Red).add_attribute(Attribute::Bold),
            }
        }
    }
}

/// The whole picture.
pub fn report(out: &mut dyn Write, style: &Style, view: &View<'_>) -> io::Result<()> {
    section(out, "INPUT", style)?;
    for sentence in view.inputs().sentences(style.zone) {
        say(out, style, &sentence)?;
    }
    let settings = &view.story.settings;
    let settings = format!(
        "interval {} s ({}), timeout {} s, completed {}{} (times are {})",
        settings.interval,
        settings.interval_from.name(),
        settings.timeout,
        if settings.completed == crate::session::Completed::Removes { "removes" } else { "seeds" },
        view.credits
            .and_then(|credits| credits.policies().first())
            .map_or(String::new(), |p| format!(", credit as {}", p.name)),
        style.zone,
    );
    say(out, style, &settings)?;
    let counts = view.counts();
    some(out, style, "USERS", "users", view.users(), counts.users)?;
    some(out, style, "TORRENTS", "torrents", view.torrents(), counts.torrents)?;
    some(out, style, "SESSIONS", "sessions", view.sessions(), counts.sessions)?;
    some(out, style, "LISTED IN PROFILES AT THE END", "profile", view.profile(None), counts.listed)?;
    let mut kinds: BTreeMap<(std::cmp::Reverse<Severity>, &str), u64> = BTreeMap::new();
    for finding in view.findings_asked_for() {
        *kinds.entry((std::cmp::Reverse(finding.severity), finding.check().name)).or_default() += 1;
    }
    some(out, style, "ANOMALIES", "anomalies", view.anomalies(), view.findings_asked_for().count())?;
    if !kinds.is_empty() {
        let counts: Vec<String> =
            kinds.iter().map(|((severity, check), n)| format!("{n} {check} ({})", severity.0.name())).collect();
        say(out, style, &format!("in all: {}; `swarmtrail explain CHECK` tells what one means", counts.join(", ")))?;
    }
    Ok(())
}

/// A sentence, in as many lines as a terminal needs; further ones are indented.
fn say(out: &mut dyn Write, style: &Style, sentence: &str) -> io::Result<()> {
    let room = style.width.map_or(usize::MAX, usize::from);
    let mut used = 0;
    for (at, word) in sentence.split(' ').enumerate() {
        let width = word.chars().count();
        if at > 0 && used + 1 + width > room {
            write!(out, "\n    {word}")?;
            used = 4 + width;
        } else {
            write!(out, "{}{word}", if at > 0 { " " } else { "" })?;
            used += width + usize::from(at > 0);
        }
    }
    writeln!(out)
}

/// A heading.
pub fn section(out: &mut dyn Write, title: &str, style: &Style) -> io::Result<()> {
    if style.color { writeln!(out, "\x1b[1m{title}\x1b[0m") } else { writeln!(out, "{title}") }
}

/// The first rows of a table, and where the others are.
fn some<R: Row>(
    out: &mut dyn Write,
    style: &Style,
    title: &str,
    command: &str,
    rows: impl Iterator<Item = R>,
    count: usize,
) -> io::Result<()> {
    writeln!(out)?;
    section(out, &format!("{title} ({count})"), style)?;
    if count == 0 {
        return writeln!(out, "none");
    }
    draw(out, &build(style, rows.take(SHOWN)))?;
    if count > SHOWN {
        writeln!(out, "... and {} more: swarmtrail {command}", count - SHOWN)?;
    }
    Ok(())
}

/// Timelines as charts: a row for each point, with a bar for the ratio.
pub fn timelines<'a>(out: &mut dyn Write, style: &Style, users: impl Iterator<Item = UserRow<'a>>) -> io::Result<()> {
    let mut any = false;
    for user in users {
        if std::mem::replace(&mut any, true) {
            writeln!(out)?;
        }
        section(out, &format!("{}: ratio over time", user.user()), style)?;
        let top = user.points().filter_map(|p| p.ratio()).fold(0.0, f64::max);
        let width = usize::from(style.width.unwrap_or(100)).saturating_sub(66).clamp(8, 60);
        let columns = super::PointRow::columns();
        for point in user.points() {
            let texts: Vec<String> = columns.iter().map(|c| cell(&(c.cell)(&point), style).content()).collect();
            let bar = chart_bar(point.ratio().unwrap_or(0.0), top, width);
            let line = format!("{:23}  {:>11} up  {:>11} down  {:>9}  {bar}", texts[1], texts[2], texts[3], texts[4]);
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    if any { Ok(()) } else { writeln!(out, "nothing") }
}

/// Rows with a title, however many.
pub fn titled<R: Row>(
    out: &mut dyn Write,
    style: &Style,
    title: &str,
    rows: impl Iterator<Item = R>,
) -> io::Result<()> {
    section(out, title, style)?;
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return writeln!(out, "none");
    }
    while rows.peek().is_some() {
        page(out, style, rows.by_ref().take(PAGE))?;
    }
    Ok(())
}

/// One check, explained.
pub fn check(out: &mut dyn Write, style: &Style, check: &Check) -> io::Result<()> {
    section(out, &format!("{} (at most {})", check.name, check.severity.name()), style)?;
    for (what, text) in [
        ("finds", check.summary),
        ("formula", check.formula),
        ("threshold", check.threshold),
        ("harmless look-alikes", check.look_alikes),
        ("source", check.source),
    ] {
        writeln!(out, "  {what}: {text}")?;
    }
    Ok(())
}

/// The formats, with an example each.
pub fn formats(out: &mut dyn Write, style: &Style, formats: &[&dyn Format]) -> io::Result<()> {
    for format in formats {
        section(out, format.name(), style)?;
        writeln!(out, "  {}", format.summary())?;
        for line in format.example().lines() {
            writeln!(out, "    {}", line.replace('\t', "    "))?;
        }
    }
    writeln!(out, "Others: --log-format takes nginx's or Apache's own string, --pattern a regular expression.")
}

/// What sources are taken for.
pub fn detected(out: &mut dyn Write, style: &Style, rows: &[DetectRow]) -> io::Result<()> {
    for row in rows {
        let Some(format) = row.format else {
            section(out, &format!("{}: no format fits", row.source), style)?;
            writeln!(out, "  none of {} lines looked at is a request in a known format", row.looked_at)?;
            writeln!(out, "  `swarmtrail formats` lists those; --log-format and --pattern take any other")?;
            continue;
        };
        section(out, &format!("{}: {format}", row.source), style)?;
        let share = row.share.unwrap_or_default() * 100.0;
        writeln!(out, "  {}", row.summary)?;
        writeln!(
            out,
            "  {} of {} lines looked at were read ({share:.0} %), {} of them as announces",
            row.read, row.looked_at, row.announces
        )?;
        for line in &row.lines {
            writeln!(out, "  line {}", line.line)?;
            let time = line.time.time.map(|time| time.rfc3339(true).to_string()).unwrap_or_default();
            let status = line.status.map(|status| status.to_string()).unwrap_or_default();
            for (what, text) in [
                ("time", &time),
                ("address", &line.address),
                ("method", &line.method),
                ("target", &line.target),
                ("status", &status),
                ("agent", &line.agent),
            ] {
                writeln!(out, "    {what:8} {}", if text.is_empty() { "-" } else { text })?;
            }
        }
    }
    Ok(())
}
