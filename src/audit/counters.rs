//! Counters that fall, start above zero, or do not agree with each other.

use super::{Check, Conclude, Mark, Severity, Watch, times};
use crate::announce::{Event, program_of};
use crate::replay::Step;
use crate::session::{Counters, Transition};

/// Real clients take back so much within a session (libtorrent some 70 kB after `completed`).
const DIP: u64 = 1 << 20;

/// Whether a counter that stood there fell further than those of real clients do within a session.
pub(super) fn fell_far(stood: u64, by: u64) -> bool {
    by > DIP.max(stood / 100)
}

/// `left` of real clients goes up by so much without anything being wrong: pieces that failed their hash.
const PIECES: u64 = 64 << 20;

pub(super) fn observe(step: &Step<'_>, watch: &mut Watch) {
    let (said, Some(before)) = (step.said, step.before) else {
        return observe_first(step, watch);
    };
    if step.transition == Transition::Duplicate {
        return;
    }
    if step.transition.opens() {
        if step.transition == Transition::Reset {
            let fell = before.state.peak.above(said.counters);
            Mark::see(&mut watch.marks_at(step).counters_fell, step, fell.down.max(fell.up), 0);
        }
        return observe_first(step, watch);
    }
    // WebTorrent's `stopped` always counts zero.
    if said.counters != Counters::ZERO {
        let fell = before.state.peak.above(said.counters);
        let by = fell.up.max(fell.down);
        if fell_far(before.state.peak.up.max(before.state.peak.down), by)
            && !before.last.counters.fell_below(before.state.peak)
        {
            Mark::see(&mut watch.marks_at(step).counters_fell, step, by, 0);
        }
    }
    let rose = before.state.left().filter(|left| said.left > *left && *left > 0).map_or(0, |left| said.left - left);
    if rose > PIECES.max(before.state.largest_left / 50) && said.left < 1 << 62 && said.event != Event::Stopped {
        Mark::see(&mut watch.marks_at(step).left_rose, step, rose, 0);
    }
}

fn observe_first(step: &Step<'_>, watch: &mut Watch) {
    let said = step.said;
    let started = said.event == Event::Started && step.transition.opens();
    // A base below the counters is that of a refused `started`: it was no start from above zero then.
    if started && said.counters != Counters::ZERO && step.session.state.base == said.counters {
        let data_on_disk = said.counters.up == 0 && program_of(step.peer_id.bytes()) == Some("WebTorrent");
        if !data_on_disk {
            Mark::see(&mut watch.marks_at(step).nonzero_start, step, said.counters.up.max(said.counters.down), 0);
        }
    }
}

pub static COUNTER_RESET: Check = Check {
    name: "counter-reset",
    severity: Severity::Low,
    summary: "counters fell within a session, without `started`",
    formula: "uploaded or downloaded < the highest before, and the announce is not `started` (nor the zeros of WebTorrent's `stopped`)",
    threshold: "by more than 1 MiB and 1 %",
    look_alikes: "a `stopped` and `started` that were lost or refused; a client that crashed and came back with the same peer id",
    source: "BEP 3; Ocelot and XBT credit nothing then",
    group: None,
    conclude: Conclude::Session(|case| case.marked(Severity::Low, case.mark(|n| &n.counters_fell)?)),
    message: |f| format!("counters fell {} without `started`, by up to {}", times(f.count), f.size()),
};

pub static NONZERO_START: Check = Check {
    name: "nonzero-start",
    severity: Severity::Low,
    summary: "`started` with counters above zero; they are not credited",
    formula: "event = started opens a session with uploaded + downloaded > 0, and no `started` of it was refused before",
    threshold: "above 0, more than a timeout after the log's start; nearer it may repeat one from before the log: unknown",
    look_alikes: "Transmission keeps its counters until a `stopped` was answered; WebTorrent counts data found on disk as downloaded (not counted here)",
    source: "BEP 3; trackers that credit a first announce were robbed by `started` with a tebibyte",
    group: None,
    conclude: Conclude::Session(|case| {
        let mark = case.mark(|n| &n.nonzero_start)?;
        case.beginning_is_covered().then(|| case.marked(Severity::Low, mark)).flatten()
    }),
    message: |f| format!("began with {} on its counters already", f.size()),
};

pub static LEFT_INCREASED: Check = Check {
    name: "left-increased",
    severity: Severity::Low,
    summary: "`left` grew within a session",
    formula: "left > left of the announce before; placeholders (2^63-1, 16384, 0 before a magnet's metadata) are none",
    threshold: "by more than 64 MiB and 2 % of the largest left: less happens when pieces fail their hash",
    look_alikes: "a recheck that lost pieces; more files selected; files removed from the disk",
    source: "BEP 3: left is what this client still has to download",
    group: None,
    conclude: Conclude::Session(|case| case.marked(Severity::Low, case.mark(|n| &n.left_rose)?)),
    message: |f| format!("`left` grew {} by up to {}", times(f.count), f.size()),
};

pub static LEDGER_MISMATCH: Check = Check {
    name: "ledger-mismatch",
    severity: Severity::Low,
    summary: "what was downloaded and what went missing from `left` differ",
    formula: "| growth of downloaded - fall of left | over the session, from its first believed left",
    threshold: "more than 32 MiB and 5 % of the size (and 25 % of the download, if too much was downloaded): clients count pieces in progress, doubled blocks and failed pieces differently. Info; low from 1 GiB that came without being counted",
    look_alikes: "data found on disk: a recheck, a cross-seed, a client that announces long before its hash check is done; web seeds; pieces that failed; 1,620 bytes in the anatomy document",
    source: "BEP 3: left cannot be computed from downloaded and the size",
    group: None,
    conclude: Conclude::Session(|case| {
        let state = &case.session.state;
        let (first, last) = (state.first_left()?, state.left()?);
        let fell = first.saturating_sub(last);
        let came = state.peak.down - state.base.down;
        let tolerance = (32 << 20).max(state.largest_left / 20);
        let hidden = fell.saturating_sub(came);
        let surplus = came.saturating_sub(fell).saturating_sub(came / 4);
        if last > first || hidden.max(surplus) <= tolerance {
            return None;
        }
        let severity = if hidden >= 1 << 30 { Severity::Low } else { Severity::Info };
        let mut finding = case.finding(severity, vec![case.session.first_line, case.session.last_line])?;
        finding.bytes = Some(fell.abs_diff(came));
        finding.amount = u64::from(hidden > surplus);
        Some(finding)
    }),
    message: |f| {
        let bytes = f.size();
        match f.amount {
            1 => format!("`left` fell by {bytes} more than were downloaded"),
            _ => format!("downloaded {bytes} more than went missing from `left`"),
        }
    },
};
