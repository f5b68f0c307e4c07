//! Silence, standstill and haste.

use super::notes::Stall;
use super::{Check, Conclude, Severity, Watch};
use crate::announce::usual_silence;
use crate::measure::duration;
use crate::replay::Step;
use crate::session::{Gap, Session, Transition};

pub(super) fn observe(step: &Step<'_>, watch: &mut Watch) {
    let (idle, Some(before)) = (step.session.idle, step.before) else { return };
    if idle == 0 || step.transition == Transition::Duplicate {
        return;
    }
    let notes = watch.at(step);
    let stall = match &mut notes.stall {
        Some(stall) if idle > 1 => stall,
        stall => {
            let (from, from_line) = (before.last.at, step.line_before);
            stall.insert(Stall { from, to: None, from_line, to_line: step.line, count: 0 })
        }
    };
    (stall.count, stall.to, stall.to_line) = (idle, step.said.at, step.line);
    if notes.longest_stall.is_none_or(|longest| idle >= longest.count) {
        notes.longest_stall = notes.stall;
    }
}

pub static PAUSE_GAP: Check = Check {
    name: "pause-gap",
    severity: Severity::Info,
    summary: "a leech fell silent, and nothing had moved when it came back: most likely paused in a client that says nothing then",
    formula: "seconds between two lines of a session (refused ones included), leeching on both sides, with the same downloaded and left",
    threshold: "longer than two intervals, and than a quarter more than this client's usual floor (libtorrent 300 s, rtorrent 600 s, aria2 900 s), plus 10 s",
    look_alikes: "a network that was down, a laptop that slept, nobody to download from",
    source: "the anatomy document: pause sends nothing (in old clients; most new ones send `stopped`)",
    group: None,
    conclude: Conclude::Session(|case| {
        let longest = case.session.gaps().filter(|gap| gap.idle).max_by_key(Gap::length)?;
        let floor = usual_silence(case.peer_id().bytes());
        let allowed = i64::from((case.interval() * 2).max(floor + floor / 4) + 10) * 1000;
        let silent = longest.length();
        if silent <= allowed {
            return None;
        }
        let mut finding = case.finding(Severity::Info, vec![longest.from_line, longest.to_line])?;
        (finding.from, finding.to) = (Some(longest.from), Some(longest.to));
        finding.amount = silent as u64 / 1000;
        Some(finding)
    }),
    message: |f| format!("silent for {} while leeching, and nothing moved meanwhile", duration(f.amount)),
};

pub static STALLED: Check = Check {
    name: "stalled",
    severity: Severity::Info,
    summary: "a leech that announces on time and gets nowhere",
    formula: "consecutive announces with the same downloaded and left > 0 (not event=paused)",
    threshold: "three or more, over at least three intervals",
    look_alikes: "nobody seeds; a download limit of zero; a partial download that is done, in clients that do not say so (aria2, rtorrent)",
    source: "UNIT3D's ghost-leech list, without its accusation",
    group: None,
    conclude: Conclude::Session(|case| {
        let stall = case.notes?.longest_stall?;
        let secs = stall.to.zip(stall.from).map(|(to, from)| to.since(from) / 1000)?;
        if stall.count < 3 || secs < i64::from(case.interval()) * 3 {
            return None;
        }
        let mut finding = case.finding(Severity::Info, vec![stall.from_line, stall.to_line])?;
        (finding.from, finding.to) = (stall.from, stall.to);
        (finding.count, finding.amount) = (u64::from(stall.count), secs as u64);
        Some(finding)
    }),
    message: |f| format!("announced {} times over {} without any progress", f.count, duration(f.amount)),
};

/// So many announces after too short a silence are a habit, and not somebody who presses a button.
const FLOOD: u32 = 10;

pub static ANNOUNCE_FLOOD: Check = Check {
    name: "announce-flood",
    severity: Severity::Low,
    summary: "announces several times as often as the tracker asks, all the time",
    formula: "plain announces after less than 15 s, 60 s or 300 s (the largest of these that is at most a third of the interval), in sessions where that is the rule",
    threshold: "ten in a session, and more than half of its announces (so the median silence is below the bound); never for intervals below 45 s",
    look_alikes: "a script that presses `force reannounce` for racing; a client whose interval was set by hand; a proxy that repeats requests",
    source: "GhostSeed announces every minute; UNIT3D refuses announces before about 1500 s of 1800 s",
    group: None,
    conclude: Conclude::User(|case| {
        let bound = [300, 60, 15].into_iter().position(|bound| bound * 3 <= case.story.settings.interval)?;
        let soon = |session: &Session| u32::from(session.hurried().0[2 - bound]);
        let mut floods = case.sessions(|brief| brief.rare && brief.announces >= FLOOD);
        floods.retain(|session| soon(session) >= FLOOD && soon(session) > session.announces / 2);
        let mut finding = (!floods.is_empty()).then(|| case.finding(Severity::Low, &floods))?;
        finding.amount = floods.iter().map(|session| u64::from(soon(session))).sum();
        Some(finding)
    }),
    message: |f| {
        let sessions = if f.count == 1 { "one session".into() } else { format!("{} sessions", f.count) };
        format!("announced {} times in {sessions} long before it was asked to, and seldom when it was", f.amount)
    },
};

pub static EARLY_ANNOUNCE: Check = Check {
    name: "early-announce",
    severity: Severity::Info,
    summary: "plain announces long before the interval is over",
    formula: "announces without event after less than 15 s, 60 s or 300 s: the largest of these that is at most half the interval",
    threshold: "five or more in a session",
    look_alikes: "somebody who presses `force reannounce`; scripts that do; a client that sees few peers",
    source: "UNIT3D refuses announces before about 1500 s of 1800 s; BEP 3 asks for the interval only",
    group: None,
    conclude: Conclude::Session(|case| {
        let (hurried, first) = case.session.hurried();
        let bounds = [300, 60, 15].into_iter().zip(hurried.iter().rev());
        let (bound, &count) = bounds.into_iter().find(|(bound, _)| bound * 2 <= case.interval())?;
        if count < 5 {
            return None;
        }
        let lines = first.into_iter().chain([case.session.last_line]).collect();
        let mut finding = case.finding(Severity::Info, lines)?;
        (finding.count, finding.amount) = (u64::from(count), u64::from(bound));
        Some(finding)
    }),
    message: |f| format!("announced {} times less than {} after the time before", f.count, duration(f.amount)),
};
