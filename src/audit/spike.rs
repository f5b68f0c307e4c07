//! Counters that leap up for one announce and then go on as if nothing had been.

use super::bytes::{BEFORE, GRANULE, Stretch, Trace};
use super::counters::fell_far;
use super::generated::{Ground, Sign, TakenBack};
use super::{Check, Conclude, Group, Mark, Severity, Watch, marks_of};
use crate::replay::Step;
use crate::session::Transition;
use crate::time::Time;
use std::collections::HashMap;

/// So many bytes up and down again, at least.
const LARGE: u64 = 256 << 20;
/// The second announce is on time, give or take one part in so many: who begins anew announces at once, and then an interval
/// later.
const ON_TIME: u64 = 100;
/// All but one part in so many is taken back.
const NEARLY: u64 = 10;

pub(super) fn observe(step: &Step<'_>, watch: &mut Watch) {
    let (said, Some(before)) = (step.said, step.before) else { return };
    let by = before.last.counters.up.saturating_sub(said.counters.up);
    let goes_on =
        step.transition == Transition::Went && said.same_address && said.counters.down >= before.last.counters.down;
    if by >= LARGE / NEARLY
        && goes_on
        && before.last.counters.up == before.state.peak.up
        && fell_far(before.last.counters.up, by)
    {
        Mark::see(&mut watch.marks_at(step).spiked, step, by, before.last.counters.up);
    }
}

/// The last growth of what was credited up to a moment of a session: in bytes, and how many seconds it was ago.
fn growth_before(trace: Trace<'_>, moment: Time, first: Time) -> Option<(u64, u64)> {
    let until = BEFORE + (moment.since(first).max(0) / 1000) as u64;
    let last = trace.stretches().take_while(|stretch| stretch.to <= until).filter(|stretch| stretch.up > 0).last();
    last.map(|Stretch { up, to, .. }| (up.saturating_mul(GRANULE), until - to))
}

/// The spike of a session, by its place; `None` if there is none.
pub fn spike_of<'a>(ground: &Ground<'a>, place: usize) -> Option<TakenBack<'a>> {
    let sessions = &ground.story.sessions;
    let marks = marks_of(ground.watches, sessions.brief(place))?;
    let mark = marks.spiked.as_deref()?;
    let session = sessions.get(place);
    let (top, fell) = (mark.amount, mark.bytes);
    // Where it stands as high again later, there may be two clients with one peer id.
    if mark.count > 1 || session.state.peak.up != top {
        return None;
    }
    let (grown, ago) = growth_before(ground.traces.of(place), mark.from?, session.first_at?)?;
    let (before, after) = (top.saturating_sub(grown), top.saturating_sub(fell));
    let back = fell >= grown - grown / NEARLY && !(after < before && fell_far(before, before - after));
    let interval = u64::from(ground.story.settings.interval);
    let on_time = ago.abs_diff(interval) <= interval / ON_TIME;
    let bytes = marks.ended_below.min(session.state.credit().up);
    (grown >= LARGE && back && on_time).then_some(TakenBack { place: place as u32, bytes, mark })
}

/// By user.
fn spikes(ground: &Ground<'_>) -> HashMap<u32, Sign> {
    ground.taken_back(1, |place| spike_of(ground, place))
}

pub static SPIKE: Check = Check {
    name: "spike",
    severity: Severity::Medium,
    summary: "`uploaded` leaps up in one announce, and the next goes on as if nothing had been",
    formula: "of two plain announces of a session, from one address and an interval apart (within 1 %): growth of uploaded up to the first, and fall from it to the second, which is nine tenths of the growth or more and not below what stood there before; downloaded does not fall, and uploaded never stands as high again in the session. Unexplained is the highest uploaded less the last one",
    threshold: "256 MiB up and down again. None of 11,043 honest users of simulated trackers has that, nor where three in ten of their lines are lost",
    look_alikes: "a client's mistake (rTorrent was seen to report 500 GB that were none): the bytes are none all the same, but nobody need have lied. A client that began anew with its peer id, of which `stopped` and `started` were lost: then it is not on time. Two clients with one peer id, of which one is heard once. A line that was garbled and still reads well",
    source: "counters that leap by some gigabytes now and then, of which the next announce knows nothing; rakshasa/rtorrent#561; BEP 3: counters do not fall within a session",
    group: Some(Group::Bytes),
    conclude: Conclude::Counters(spikes),
    message: |f| {
        let sessions = if f.count == 1 { "one session".into() } else { format!("{} sessions", f.count) };
        format!("{} of upload were there in one announce and gone in the next, in {sessions}", f.size())
    },
};
