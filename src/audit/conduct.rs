//! Rates that no line carries.

use super::{Check, Conclude, Mark, Severity, Watch};
use crate::replay::Step;

/// Bytes a second that a gigabit line carries, about.
const GIGABIT: u64 = 125 << 20;
/// Less is not worth a thought.
const ENOUGH: u64 = 256 << 20;
/// Counters in an announce may be so many seconds old.
const STALE: u64 = 60;

pub(super) fn observe(step: &Step<'_>, watch: &mut Watch) {
    let bytes = step.credit.up.max(step.credit.down);
    if bytes < ENOUGH || step.transition.opens() {
        return;
    }
    let Some((at, last)) = step.said.at.zip(step.before.and_then(|b| b.last_at)) else { return };
    let secs = at.since(last).max(0) as u64 / 1000;
    let rate = bytes / (secs + STALE);
    if rate > GIGABIT {
        Mark::see(&mut watch.at(step).too_fast, step, bytes, rate);
    }
}

pub static OVERSPEED: Check = Check {
    name: "overspeed",
    severity: Severity::Medium,
    summary: "more bytes between two announces than a gigabit line carries",
    formula: "growth of uploaded or downloaded / (seconds since the announce before + 60), since counters may be a minute old",
    threshold: "more than 125 MiB/s and 256 MiB; low up to ten times that, medium above",
    look_alikes: "seedboxes on ten gigabit; several machines behind one peer id",
    source: "NexusPHP check_cheater, Trackarr velocity (80 MiB/s and multiples), with more room",
    group: None,
    conclude: Conclude::Session(|case| {
        let mark = case.mark(|n| &n.too_fast)?;
        case.marked(if mark.amount > 10 * GIGABIT { Severity::Medium } else { Severity::Low }, mark)
    }),
    message: |f| format!("{} bytes between two announces: {} MiB/s", f.bytes.unwrap_or(0), f.amount >> 20),
};
