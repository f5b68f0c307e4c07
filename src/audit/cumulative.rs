//! Counters that are none: each announce says what was uploaded since the one before, at some rate.

use super::generated::{Ground, Sign};
use super::steady::{ALIKE, SHORTEST, WITHIN};
use super::{Check, Conclude, Group, Severity, Watch, marks_of, times};
use crate::announce::Event;
use crate::replay::Step;
use crate::session::{LineRef, Transition};
use std::collections::HashMap;

/// So many falls of `uploaded`, at least.
const ENOUGH: usize = 8;
/// Lines shown as evidence, of a session and in all.
const LINES: usize = 4;
const LINES_IN_ALL: usize = 8;

/// Plain announces of a session that say they uploaded less than the one before said.
#[derive(Clone, Debug)]
pub struct Falls {
    /// How many there are.
    count: usize,
    /// Those at the rate of the first.
    alike: usize,
    /// Those that are a whole number of bytes a second.
    whole: usize,
    /// Bytes a second of the first.
    rate: f64,
    /// The line before the first, and the first three.
    lines: Vec<LineRef>,
}

pub(super) fn observe(step: &Step<'_>, watch: &mut Watch) {
    let (said, Some(before)) = (step.said, step.before) else { return };
    let fell = said.counters.up < before.last.counters.up && said.counters.up > 0;
    if !fell || step.transition != Transition::Went || said.event != Event::None || !said.same_address {
        return;
    }
    let secs = said.at.zip(before.last.at).map_or(0, |(at, last)| at.since(last).max(0) as u64 / 1000);
    if secs < SHORTEST {
        return;
    }
    let up = said.counters.up;
    let rate = up as f64 / secs as f64;
    let falls = watch
        .marks_at(step)
        .uploaded_fell
        .get_or_insert_with(|| Box::new(Falls { count: 0, alike: 0, whole: 0, rate, lines: vec![step.line_before] }));
    falls.count += 1;
    falls.alike += usize::from((rate / falls.rate - 1.0).abs() <= WITHIN);
    falls.whole += usize::from((secs - 1..=secs + 1).any(|secs| up.is_multiple_of(secs)));
    if falls.lines.len() < LINES {
        falls.lines.push(step.line);
    }
}

/// What a user's falls come to.
#[derive(Default)]
struct All {
    count: usize,
    proportional: usize,
    places: Vec<u32>,
    lines: Vec<LineRef>,
}

/// By user, those whose uploads are a rate times the silence before the announce.
fn by_silence(ground: &Ground<'_>) -> HashMap<u32, Sign> {
    let mut users: HashMap<u32, All> = HashMap::new();
    for (place, session) in ground.story.sessions.briefs().iter().enumerate() {
        let marks = marks_of(ground.watches, session);
        let Some(falls) = marks.and_then(|marks| marks.uploaded_fell.as_deref()) else { continue };
        let user = users.entry(session.user).or_default();
        user.count += falls.count;
        user.proportional += falls.alike.max(falls.whole);
        user.places.push(place as u32);
        user.lines.extend(&falls.lines);
    }
    users.retain(|_, all| all.count >= ENOUGH && all.proportional * 10 >= all.count * ALIKE);
    let sign = |(user, mut all): (u32, All)| {
        all.lines.truncate(LINES_IN_ALL);
        let sign = ground.sign(Severity::Medium, all.places);
        (user, Sign { count: all.count as u64, lines: all.lines, ..sign })
    };
    users.into_iter().map(sign).collect()
}

pub static NOT_CUMULATIVE: Check = Check {
    name: "not-cumulative",
    severity: Severity::Medium,
    summary: "`uploaded` is no counter: it says a rate times the seconds since the announce before",
    formula: "plain announces from one address with uploaded < that of the announce before, 120 s or more after it. uploaded / seconds is the same as in the session's first such one within 1.5 %, or uploaded is a multiple of the seconds (give or take one)",
    threshold: "8 such announces of a user, nine of ten of them so. Likely-faked only together with bytes or with a client that is not what it says",
    look_alikes: "counters that fall otherwise: restarts whose `started` was lost, two clients with one peer id. Their values have nothing to do with the time since",
    source: "RatioUp (announcer/tracker.rs): next_upload_speed x seconds since the last announce",
    group: Some(Group::Generator),
    conclude: Conclude::Counters(by_silence),
    message: |f| {
        format!("uploaded fell {}, each time to a rate times the seconds since the announce before", times(f.count))
    },
};
