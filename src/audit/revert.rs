//! Goodbyes that take back what was claimed before.

use super::{Check, Conclude, Group, Mark, Severity, Watch};
use crate::replay::{Step, Story};
use crate::session::{Counters, LineRef, Transition};
use std::collections::HashMap;

/// Real clients take back less, if any. In bytes, and in parts of what was claimed.
const DIP: u64 = 1 << 20;
const PART: u64 = 100;
/// So many sessions are no chance.
const SEVERAL: usize = 3;

pub(super) fn observe(step: &Step<'_>, watch: &mut Watch) {
    let (said, Some(before)) = (step.said, step.before) else { return };
    // WebTorrent's `stopped` always counts zero.
    let says_nothing = said.counters == Counters::ZERO;
    if step.transition != Transition::Stopped || says_nothing || !said.same_address {
        return;
    }
    let by = before.last.up.saturating_sub(said.counters.up);
    if by > DIP.max(before.last.up / PART) {
        Mark::see(&mut watch.at(step).stopped_fell, step, by, 0);
    }
}

/// A user's sessions whose `stopped` takes back uploads.
#[derive(Default, Debug)]
pub struct Reverts {
    /// Their places, and the credited bytes that are taken back.
    pub sessions: Vec<(u32, u64)>,
    lines: Vec<LineRef>,
}

/// By user, those with several.
pub fn reverts(story: &Story, watches: &[Watch]) -> HashMap<u32, Reverts> {
    let mut users: HashMap<u32, Reverts> = HashMap::new();
    for (place, (session, (engine, number))) in (0u32..).zip(story.sessions.iter().zip(&story.origins)) {
        let notes = watches.get(*engine as usize).and_then(|watch| watch.of(*number));
        let Some(mark) = notes.and_then(|notes| notes.stopped_fell.as_deref()) else { continue };
        let user = users.entry(session.user).or_default();
        // Of what is taken back, what the counter began with was not credited.
        let credited = mark.bytes.saturating_sub(session.state.base.up).min(session.state.credit().up);
        user.sessions.push((place, credited));
        user.lines.extend(&mark.lines);
    }
    users.retain(|_, user| user.sessions.len() >= SEVERAL);
    users
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
    conclude: Conclude::User(|case| {
        let reverts = case.known.generated.reverts.get(&case.user)?;
        let places: Vec<u32> = reverts.sessions.iter().map(|(place, _)| *place).collect();
        let mut finding = case.about_uploads(Severity::Medium, &places);
        finding.bytes = Some(reverts.sessions.iter().fold(0u64, |sum, (_, bytes)| sum.saturating_add(*bytes)));
        finding.evidence = reverts.lines.iter().copied().take(8).collect();
        Some(finding)
    }),
    message: |f| format!("`stopped` took back {} of upload, in {} sessions", f.size(), f.count),
};
