//! Goodbyes that take back what was claimed before.

use super::counters::fell_far;
use super::generated::{Ground, Sign};
use super::{Check, Conclude, Group, Mark, Severity, Watch, notes_of};
use crate::replay::Step;
use crate::session::{Counters, Session, Transition};
use std::collections::HashMap;

/// So many sessions are no chance.
const SEVERAL: usize = 3;
/// Lines shown as evidence.
const LINES: usize = 8;

pub(super) fn observe(step: &Step<'_>, watch: &mut Watch) {
    let (said, Some(before)) = (step.said, step.before) else { return };
    // WebTorrent's `stopped` always counts zero.
    let says_nothing = said.counters == Counters::ZERO;
    if step.transition != Transition::Stopped || says_nothing || !said.same_address {
        return;
    }
    let by = before.last.up.saturating_sub(said.counters.up);
    if fell_far(before.last.up, by) {
        Mark::see(&mut watch.at(step).stopped_fell, step, by, 0);
    }
}

/// A session whose `stopped` takes back uploads.
struct Revert<'a> {
    user: u32,
    place: u32,
    /// Credited bytes that are taken back.
    bytes: u64,
    mark: &'a Mark,
}

/// By user, those with several.
fn reverts(ground: &Ground<'_>) -> HashMap<u32, Sign> {
    let revert = |(place, session): (usize, &Session)| {
        let mark = notes_of(ground.story, ground.watches, place)?.stopped_fell.as_deref()?;
        // Of what is taken back, what the counter began with was not credited.
        let bytes = mark.bytes.saturating_sub(session.state.base.up).min(session.state.credit().up);
        Some(Revert { user: session.user, place: place as u32, bytes, mark })
    };
    let mut found: Vec<Revert<'_>> = ground.story.sessions.iter().enumerate().filter_map(revert).collect();
    found.sort_by_key(|revert| revert.user);
    let sign = |own: &[Revert<'_>]| {
        let sign = ground.sign(Severity::Medium, own.iter().map(|revert| revert.place).collect());
        let bytes = own.iter().fold(0u64, |sum, revert| sum.saturating_add(revert.bytes));
        let lines = own.iter().flat_map(|revert| revert.mark.lines.iter().copied()).take(LINES).collect();
        let made_up = own.iter().map(|revert| (revert.place, revert.bytes)).collect();
        (own[0].user, Sign { bytes, lines, made_up, ..sign })
    };
    found.chunk_by(|a, b| a.user == b.user).filter(|own| own.len() >= SEVERAL).map(sign).collect()
}

pub static STOPPED_REVERTS: Check = Check {
    name: "stopped-reverts",
    severity: Severity::Medium,
    summary: "`stopped` takes back uploads that were claimed before",
    formula: "uploaded of the announce before - uploaded of `stopped`, from one address, of a session that goes on until then (not the zeros of WebTorrent's `stopped`). Where it makes somebody likely-faked, what is taken back is unexplained",
    threshold: "more than 1 MiB and 1 %, in three sessions. Likely-faked only together with bytes or with a client that is not what it says",
    look_alikes: "a client that crashed and came back with the same peer id, of which nothing but `stopped` was heard: hardly three times. Two clients with one peer id behind one address",
    source: "NewGreedy (newgreedy_addon.py): `stopped` passes as the client sends it, all else with uploads added",
    group: Some(Group::Generator),
    conclude: Conclude::Counters(reverts),
    message: |f| format!("`stopped` took back {} of upload, in {} sessions", f.size(), f.count),
};
