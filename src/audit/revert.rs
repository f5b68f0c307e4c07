//! Goodbyes that take back what was claimed before.

use super::counters::fell_far;
use super::generated::{Ground, Sign, TakenBack};
use super::{Check, Conclude, Group, Mark, Severity, Watch, marks_of};
use crate::replay::Step;
use crate::session::{Counters, Transition};
use std::collections::HashMap;

/// So many sessions are no chance.
const SEVERAL: usize = 3;

pub(super) fn observe(step: &Step<'_>, watch: &mut Watch) {
    let (said, Some(before)) = (step.said, step.before) else { return };
    // WebTorrent's `stopped` always counts zero.
    let says_nothing = said.counters == Counters::ZERO;
    if step.transition != Transition::Stopped || says_nothing || !said.same_address {
        return;
    }
    let by = before.last.counters.up.saturating_sub(said.counters.up);
    if fell_far(before.last.counters.up, by) {
        Mark::see(&mut watch.marks_at(step).stopped_fell, step, by, 0);
    }
}

/// By user, those with several.
fn reverts(ground: &Ground<'_>) -> HashMap<u32, Sign> {
    ground.taken_back(SEVERAL, |place| {
        let sessions = &ground.story.sessions;
        let mark = marks_of(ground.watches, sessions.brief(place))?.stopped_fell.as_deref()?;
        let state = sessions.outline(place).state;
        // Of what is taken back, what the counter began with was not credited.
        let bytes = mark.bytes.saturating_sub(state.base.up).min(state.credit().up);
        Some(TakenBack { place: place as u32, bytes, mark })
    })
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
