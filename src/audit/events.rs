//! Events that are missing, repeated, refused or out of place.

use super::{Check, Conclude, Mark, Severity, Watch, times};
use crate::announce::{Event, program_of};
use crate::replay::Step;
use crate::session::{Counters, End, Opening, Transition};

/// Lines this late, in milliseconds, may only have been written in the wrong order.
const LATE: i64 = 8_000;

pub(super) fn observe(step: &Step<'_>, watch: &mut Watch) {
    match step.transition {
        Transition::Duplicate => return,
        Transition::AfterStop if !late(step) => Mark::see(&mut watch.marks_at(step).after_stopped, step, 0, 0),
        Transition::StartedAgain
            if !late(step) && !step.after_refusal && !step.new_address && !found_its_size(step) =>
        {
            let grew = step.before.map_or(0, |b| {
                let growth = step.said.counters.above(b.state.base);
                growth.up.max(growth.down)
            });
            Mark::see(&mut watch.marks_at(step).started_again, step, grew, 0);
        }
        _ => {}
    }
    if step.said.event == Event::Completed {
        observe_completed(step, watch);
    }
}

fn observe_completed(step: &Step<'_>, watch: &mut Watch) {
    if step.said.left > 0 {
        Mark::see(&mut watch.marks_at(step).completed_with_left, step, step.said.left, 0);
    }
    let Some(before) = step.before.filter(|_| !step.transition.opens()) else { return };
    let nothing_came = step.said.counters.down <= before.state.base.down;
    if step.session.opening != Opening::Unseen && nothing_came && step.said.left == 0 && !before.state.completed {
        Mark::see(&mut watch.marks_at(step).completed_without_download, step, 0, 0);
    }
    if before.state.completed && before.state.left() == Some(0) {
        Mark::see(&mut watch.marks_at(step).completed_again, step, 0, 0);
    }
}

fn late(step: &Step<'_>) -> bool {
    let last = step.before.and_then(|b| b.last.at);
    step.said.at.zip(last).is_some_and(|(at, last)| at.since(last) <= LATE)
}

/// A magnet link whose metadata came: `started` again, with the true `left` instead of a placeholder.
fn found_its_size(step: &Step<'_>) -> bool {
    step.before
        .is_some_and(|b| b.state.left().is_none() || b.state.left() == Some(0) && b.last.counters == Counters::ZERO)
        && step.said.left > 0
}

pub static MISSING_STOPPED: Check = Check {
    name: "missing-stopped",
    severity: Severity::Info,
    summary: "a session ended without `stopped`: it stays in the profile until the tracker's timeout",
    formula: "last event is not `stopped`, and silent for longer than the timeout before the log ends, or the same client began another session of the torrent",
    threshold: "silence > timeout; a session still inside the timeout when the log ends is unknown, never a finding",
    look_alikes: "Transmission up to 3.00 never sends `stopped` when it quits; crashes, power cuts and lost connections send nothing; qBittorrent gives `stopped` two seconds at exit",
    source: "the anatomy document; UNIT3D's inactive peers (7200 s); transmission issue 196",
    group: None,
    conclude: Conclude::Session(|case| {
        let over = matches!(case.ending.end, End::TimedOut | End::Replaced) && case.session.refused_stop().is_none();
        let lines = std::iter::once(case.session.last_line).chain(case.ending.successor).collect();
        let mut finding = over.then(|| case.finding(Severity::Info, lines)).flatten()?;
        finding.from = case.session.last_at;
        finding.to = case.ending.delisted.or(case.ending.at);
        finding.count = u64::from(case.ending.end == End::Replaced);
        Some(finding)
    }),
    message: |f| match f.count {
        0 => "fell silent without `stopped`; the tracker listed it until the timeout".into(),
        _ => "gave no `stopped` before the same client began anew; the old entry stayed listed".into(),
    },
};

pub static UNDELIVERED_STOPPED: Check = Check {
    name: "undelivered-stopped",
    severity: Severity::Info,
    summary: "the client did send `stopped`, but the server refused it: why the torrent is still listed",
    formula: "the last announce of a session is a `stopped` answered with 4xx or 5xx",
    threshold: "one such line, and none that was taken after it",
    look_alikes: "this is the tracker's doing, not the user's",
    source: "HTTP status of the line; what it counted since the announce before is credited to nobody",
    group: None,
    conclude: Conclude::Session(|case| {
        let refused = case.session.refused_stop()?;
        let mut finding = case.finding(Severity::Info, vec![case.session.last_line, refused.line])?;
        finding.from = refused.at;
        finding.to = refused.at;
        let lost = refused.counters.above(case.session.state.peak);
        finding.bytes = Some(lost.up.saturating_add(lost.down)).filter(|bytes| *bytes > 0);
        Some(finding)
    }),
    message: |f| match f.bytes {
        Some(_) => format!("sent `stopped`, but the server refused it, and {} that it reported with it", f.size()),
        None => "sent `stopped`, but the server refused it".into(),
    },
};

pub static MISSING_STARTED: Check = Check {
    name: "missing-started",
    severity: Severity::Low,
    summary: "a session appears in mid-log without `started`",
    formula: "the first line of a (user, info hash, peer id) is not `started`, none was refused, and the log covers more than a timeout before it",
    threshold: "first line > log start + timeout; nearer to the start it may have begun before the log: unknown",
    look_alikes: "a log with lines missing; a front end that logs elsewhere; UDP announces; a `stopped` repeated after a restart",
    source: "BEP 3; TBDev refuses such peers",
    group: None,
    conclude: Conclude::Session(|case| {
        let unseen = case.session.opening == Opening::Unseen && case.beginning_is_covered();
        unseen.then(|| case.finding(Severity::Low, vec![case.session.first_line])).flatten()
    }),
    message: |_| "appears without `started`, and nothing of it came before".into(),
};

pub static ANNOUNCE_AFTER_STOPPED: Check = Check {
    name: "announce-after-stopped",
    severity: Severity::Low,
    summary: "a peer goes on after its own `stopped`, without a new `started`",
    formula: "an announce other than `started` or `stopped`, of a session that was stopped",
    threshold: "more than 8 s after the `stopped`; sooner, the lines may be in the wrong order",
    look_alikes: "a `started` that was lost; an announce that was under way when the client stopped",
    source: "BEP 3: `stopped` is sent when the downloader ceases downloading",
    group: None,
    conclude: Conclude::Session(|case| case.marked(Severity::Low, case.mark(|n| &n.after_stopped)?)),
    message: |f| format!("went on announcing after `stopped`, {}", times(f.count)),
};

pub static DUPLICATE_STARTED: Check = Check {
    name: "duplicate-started",
    severity: Severity::Medium,
    summary: "`started` again in a session that goes on",
    formula: "`started` while the session is alive and its counters do not fall; not after a refused announce, from a new address, with a size just learnt, or within 8 s",
    threshold: "one is info; five and more with counters that grow between them are medium: some ratio fakers send `started` every time",
    look_alikes: "a client that got no answer and tries again; an address or port that changed; a second instance with a copied profile",
    source: "BEP 3; ratio-spoof sends it with every announce",
    group: None,
    conclude: Conclude::Session(|case| {
        let mark = case.mark(|n| &n.started_again)?;
        let severity = if mark.count >= 5 && mark.bytes > 0 { Severity::Medium } else { Severity::Info };
        case.marked(severity, mark)
    }),
    message: |f| {
        format!("sent `started` {} in mid-session", if f.count == 1 { "again".into() } else { times(f.count) })
    },
};

pub static COMPLETED_WITH_LEFT: Check = Check {
    name: "completed-with-left",
    severity: Severity::Medium,
    summary: "`completed` although bytes are missing",
    formula: "event = completed and left > 0",
    threshold: "left > 0",
    look_alikes: "none known among clients; a proxy that rewrites announces",
    source: "BEP 3; Ocelot counts no snatch then, XBT drops the announce",
    group: None,
    conclude: Conclude::Session(|case| case.marked(Severity::Medium, case.mark(|n| &n.completed_with_left)?)),
    message: |f| format!("sent `completed` with {} left", f.size()),
};

pub static COMPLETED_WITHOUT_DOWNLOAD: Check = Check {
    name: "completed-without-download",
    severity: Severity::Low,
    summary: "`completed` in a session that downloaded nothing",
    formula: "event = completed, left = 0, and downloaded has not grown since the session began",
    threshold: "growth = 0 in a session whose beginning was seen",
    look_alikes: "WebTorrent sends it for data that was on the disk all along; a recheck or a cross-seed that found the data",
    source: "BEP 3: no `completed` if the file was complete when started; qbittorrent issue 11629",
    group: None,
    conclude: Conclude::Session(|case| {
        let mark = case.mark(|n| &n.completed_without_download)?;
        let habit = program_of(case.peer_id().bytes()) == Some("WebTorrent");
        case.marked(if habit { Severity::Info } else { Severity::Low }, mark)
    }),
    message: |_| "sent `completed` without having downloaded anything in this session".into(),
};

pub static COMPLETED_REPEATED: Check = Check {
    name: "completed-repeated",
    severity: Severity::Low,
    summary: "`completed` more than once for one download",
    formula: "event = completed twice in a session, with left = 0 all the time between",
    threshold: "the second one, unless it is a copy (5 s; 30 s from another address)",
    look_alikes: "libtorrent repeats it until one tracker has answered; transmission issue 8399; after a recheck that lost pieces it is right, and not counted",
    source: "BEP 3: it is sent when the download completes",
    group: None,
    conclude: Conclude::Session(|case| case.marked(Severity::Low, case.mark(|n| &n.completed_again)?)),
    message: |f| format!("sent `completed` {} more for one download", times(f.count)),
};
