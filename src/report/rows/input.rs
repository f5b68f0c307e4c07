//! What was read, and with which settings.

use super::{At, OWN, Place};
use crate::reading;
use crate::report::{View, text};
use crate::session::Completed;
use crate::time::Zone;
use serde::Serialize;
use std::collections::BTreeMap;

/// The settings.
#[derive(Serialize)]
pub struct SettingsRow {
    pub(in crate::report) interval_s: u32,
    pub(in crate::report) interval_from: &'static str,
    pub(in crate::report) timeout_s: u32,
    pub(in crate::report) completed: &'static str,
    /// Whose rule credits.
    credit: &'static str,
}

impl SettingsRow {
    pub(in crate::report) fn new(view: &View<'_>) -> Self {
        let settings = &view.story.settings;
        SettingsRow {
            interval_s: settings.interval,
            interval_from: settings.interval_from.name(),
            timeout_s: settings.timeout,
            completed: match settings.completed {
                Completed::Removes => "removes",
                Completed::Seeds => "seeds",
            },
            credit: view.credits.and_then(|credits| credits.policies().first()).map_or(OWN, |policy| policy.name),
        }
    }
}

/// What was read.
#[derive(Serialize)]
pub struct Inputs<'a> {
    pub(in crate::report) sources: Vec<InputRow<'a>>,
    pub(in crate::report) lines: u64,
    pub(in crate::report) announces: u64,
    pub(in crate::report) duplicates: u64,
    pub(in crate::report) undelivered: u64,
    pub(in crate::report) scrapes: u64,
    pub(in crate::report) other: u64,
    pub(in crate::report) rejected: u64,
    pub(in crate::report) continuations: u64,
    pub(in crate::report) rejected_by_reason: BTreeMap<&'static str, u64>,
    rejected_examples: Vec<Example<'a>>,
    pub(in crate::report) first_at: At,
    pub(in crate::report) last_at: At,
    /// Users that are not in the table of users; `None` without one.
    unknown_users: Option<u64>,
    /// Torrents that are not in the table of torrents; `None` without one.
    unknown_torrents: Option<u64>,
}

/// A source.
#[derive(Serialize)]
pub struct InputRow<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its format; `None` if no line fits any.
    pub format: Option<&'static str>,
    /// How it is compressed: `gzip`, `zstd`, `bzip2`, `xz`; `None` if it is not.
    pub compression: Option<&'static str>,
    /// `utf-16le` or `utf-16be`; `None` for what needed no conversion.
    pub encoding: Option<&'static str>,
    /// Bytes read, not compressed.
    pub bytes: u64,
    /// Physical lines, but those repeated.
    pub lines: u64,
    /// Lines that stand in another source as well, and were read there.
    pub repeated_lines: u64,
    /// The source that this is all the same as; `None` if it is not.
    pub same_as: Option<&'a str>,
}

#[derive(Serialize)]
struct Example<'a> {
    source: &'a str,
    line: u64,
    reason: &'static str,
}

impl<'a> Inputs<'a> {
    pub(in crate::report) fn new(view: &'a View<'_>) -> Self {
        let tally = &view.input.tally;
        let example = |example: &reading::Example| {
            let place = view.place(example.line);
            Example { source: place.source, line: place.line, reason: example.reason.name() }
        };
        Inputs {
            sources: (view.input.sources.iter())
                .map(|s| InputRow {
                    name: &s.name,
                    format: s.format,
                    compression: s.compression,
                    encoding: s.encoding,
                    bytes: s.bytes,
                    lines: s.lines,
                    repeated_lines: s.repeated,
                    same_as: s.same_as.and_then(|other| view.input.source(other)).map(|other| other.name.as_str()),
                })
                .collect(),
            lines: tally.lines,
            announces: tally.delivered - view.story.duplicates,
            duplicates: view.story.duplicates,
            undelivered: tally.undelivered,
            scrapes: tally.scrapes,
            other: tally.other,
            rejected: tally.rejected,
            continuations: tally.continuations,
            rejected_by_reason: tally.reasons.iter().map(|(reason, n)| (reason.name(), *n)).collect(),
            rejected_examples: tally.examples.iter().map(example).collect(),
            first_at: view.at(tally.first_at),
            last_at: view.at(tally.last_at),
            unknown_users: view.unknown().0,
            unknown_torrents: view.unknown().1,
        }
    }

    /// What was read, in words.
    pub(in crate::report) fn sentences(&self, zone: Zone) -> Vec<String> {
        let count = |n: u64, what: &str| (n > 0).then(|| format!("{n} {what}"));
        let mut fates = vec![format!("{} announces", self.announces)];
        fates.extend(count(self.duplicates, "duplicates"));
        fates.extend(count(self.undelivered, "refused by the server"));
        fates.extend(count(self.scrapes, "scrapes"));
        fates.extend(count(self.other, "other"));
        fates.extend(count(self.rejected, "rejected"));
        fates.extend(count(self.continuations, "continuations"));
        let mut out: Vec<String> = (self.sources.iter())
            .take(10)
            .map(|s| {
                if let Some(other) = s.same_as {
                    return format!("{}: the same as {other}", s.name);
                }
                let stored: String = s.compression.iter().chain(&s.encoding).map(|how| format!(", {how}")).collect();
                let size = text::bytes(u128::from(s.bytes));
                let repeated = count(s.repeated_lines, "more are in another source");
                let repeated = repeated.map_or(String::new(), |repeated| format!(" ({repeated})"));
                let format = s.format.unwrap_or("no format fits");
                format!("{}: {format}{stored}, {size}, {} lines{repeated}", s.name, s.lines)
            })
            .collect();
        if self.sources.len() > 10 {
            out.push(format!("... and {} more sources", self.sources.len() - 10));
        }
        out.push(format!("{} lines = {}", self.lines, fates.join(" + ")));
        for (reason, n) in &self.rejected_by_reason {
            let places = self.rejected_examples.iter().filter(|e| e.reason == *reason);
            let places: Vec<_> = places.map(|e| Place { source: e.source, line: e.line }.to_string()).collect();
            out.push(format!("  {n} rejected: {reason} ({}{})", places.join(", "), if *n > 3 { ", ..." } else { "" }));
        }
        for (unknown, what) in [(self.unknown_users, "users"), (self.unknown_torrents, "torrents")] {
            out.extend(unknown.filter(|n| *n > 0).map(|n| format!("{n} {what} are not in the table of {what}")));
        }
        if let Some((first, last)) = self.first_at.time.zip(self.last_at.time) {
            let millis = self.first_at.millis;
            out.push(format!("{} to {}", zone.show(first, millis), zone.show(last, millis)));
        }
        out
    }
}
