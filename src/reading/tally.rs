//! What became of the physical lines.

use crate::announce::Reason;
use crate::session::LineRef;
use crate::time::Time;
use std::collections::BTreeMap;

/// What became of the physical lines. Each is counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All lines.
    pub lines: u64,
    /// Announces that the tracker took, copies included.
    pub delivered: u64,
    /// Announces answered with 4xx or 5xx.
    pub undelivered: u64,
    /// Scrapes.
    pub scrapes: u64,
    /// No tracker requests.
    pub other: u64,
    /// Announces that cannot be used.
    pub rejected: u64,
    /// Further lines of wrapped announces.
    pub continuations: u64,
    /// Why announces cannot be used.
    pub reasons: BTreeMap<Reason, u64>,
    /// The first lines rejected for each reason, at most [`Tally::EXAMPLES`], in the order in which they were read.
    pub examples: Vec<Example>,
    /// Lines with NULs in front, as a crash leaves them: they are read without.
    pub holes: u64,
    /// The first of these lines.
    pub first_hole: Option<LineRef>,
    /// The first time in the log.
    pub first_at: Option<Time>,
    /// The last time in the log.
    pub last_at: Option<Time>,
    /// Times have fractions of a second.
    pub millis: bool,
}

/// A line with an announce that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// The line's number among all that were read, from 1.
    pub nth: u64,
    /// Where it stands.
    pub line: LineRef,
    /// Why the announce cannot be used.
    pub reason: Reason,
}

impl Tally {
    /// Examples kept of each reason.
    pub const EXAMPLES: u64 = 3;

    /// Counts an announce that cannot be used, in the `nth` line.
    pub fn reject(&mut self, nth: u64, line: LineRef, reason: Reason) {
        self.rejected += 1;
        let count = self.reasons.entry(reason).or_default();
        *count += 1;
        if *count <= Self::EXAMPLES {
            self.examples.push(Example { nth, line, reason });
        }
    }

    /// Takes in what was rejected late: it was counted as delivered before.
    pub fn reject_late(&mut self, late: &Tally) {
        self.delivered -= late.rejected;
        self.rejected += late.rejected;
        for (reason, count) in &late.reasons {
            *self.reasons.entry(*reason).or_default() += count;
        }
        self.examples.extend(&late.examples);
        self.examples.sort_by_key(|example| example.nth);
        let mut kept: BTreeMap<Reason, u64> = BTreeMap::new();
        self.examples.retain(|example| {
            let count = kept.entry(example.reason).or_default();
            *count += 1;
            *count <= Self::EXAMPLES
        });
    }

    /// Notes that a line has NULs in front.
    pub fn note_hole(&mut self, line: LineRef) {
        self.holes += 1;
        self.first_hole = self.first_hole.or(Some(line));
    }

    /// Notes when a request came.
    #[inline]
    pub fn note_time(&mut self, at: Option<Time>) {
        // Many come within the same second.
        if let Some(at) = at.filter(|_| at != self.last_at) {
            self.first_at = Some(self.first_at.map_or(at, |first| first.min(at)));
            self.last_at = self.last_at.max(Some(at));
            self.millis |= at.millis() % 1000 != 0;
        }
    }

    /// Adds what came after. `base` is the number of lines of that source before it.
    pub fn append(&mut self, next: &Tally, base: u64) {
        self.delivered += next.delivered;
        self.undelivered += next.undelivered;
        self.scrapes += next.scrapes;
        self.other += next.other;
        self.rejected += next.rejected;
        self.continuations += next.continuations;
        self.holes += next.holes;
        let moved = |line: LineRef| LineRef::new(line.source(), base + line.line());
        self.first_hole = self.first_hole.or(next.first_hole.map(moved));
        for &Example { nth, line, reason } in &next.examples {
            let before = self.examples.iter().filter(|example| example.reason == reason).count() as u64;
            if before < Self::EXAMPLES {
                self.examples.push(Example { nth: self.lines + nth, line: moved(line), reason });
            }
        }
        self.lines += next.lines;
        for (reason, count) in &next.reasons {
            *self.reasons.entry(*reason).or_default() += count;
        }
        self.note_time(next.first_at);
        self.note_time(next.last_at);
        self.millis |= next.millis;
    }
}
