//! Counters that are none: each announce says what was uploaded since the one before, at some rate.

use super::{Check, Conclude, Group, Notes, Severity, Watch, times};
use crate::announce::Event;
use crate::replay::{Step, Story};
use crate::session::{LineRef, Transition};
use std::collections::{BTreeMap, HashMap};

/// So many falls of `uploaded`, at least.
const ENOUGH: u32 = 8;
/// Of these so many in ten are a rate times the seconds.
const ALIKE: u32 = 9;
/// Rates are the same within this part of the first.
const WITHIN: f64 = 0.015;
/// Counters are told to the second: in a shorter time that matters too much. In seconds.
const SHORTEST: i64 = 120;

/// Plain announces of a session that say they uploaded less than the one before said.
#[derive(Clone, Debug)]
pub struct Falls {
    /// How many there are.
    count: u32,
    /// Those at the rate of the first.
    alike: u32,
    /// Those that are a whole number of bytes a second.
    whole: u32,
    /// Bytes a second of the first.
    rate: f64,
    /// The first two, with the lines before them.
    lines: Vec<LineRef>,
}

pub(super) fn observe(step: &Step<'_>, watch: &mut Watch) {
    let (said, Some(before)) = (step.said, step.before) else { return };
    let fell = said.counters.up < before.last.up && said.counters.up > 0;
    if !fell || step.transition != Transition::Went || said.event != Event::None || !said.same_address {
        return;
    }
    let secs = said.at.zip(before.last_at).map_or(0, |(at, last)| at.since(last) / 1000);
    if secs < SHORTEST {
        return;
    }
    let (up, secs) = (said.counters.up, secs as u64);
    let rate = up as f64 / secs as f64;
    let falls = watch
        .at(step)
        .uploaded_fell
        .get_or_insert_with(|| Box::new(Falls { count: 0, alike: 0, whole: 0, rate, lines: vec![step.line_before] }));
    falls.count += 1;
    falls.alike += u32::from((rate / falls.rate - 1.0).abs() <= WITHIN);
    falls.whole += u32::from((secs - 1..=secs + 1).any(|secs| up.is_multiple_of(secs)));
    if falls.lines.len() < 4 {
        falls.lines.push(step.line);
    }
}

/// A user whose counters are a rate times the silence before the announce.
#[derive(Default, Debug)]
pub struct BySilence {
    count: u32,
    proportional: u32,
    /// The sessions, by their places.
    places: Vec<u32>,
    lines: Vec<LineRef>,
}

/// By user, those whose uploads are not cumulative.
pub fn by_silence(story: &Story, watches: &[Watch]) -> HashMap<u32, BySilence> {
    let mut users: BTreeMap<u32, BySilence> = BTreeMap::new();
    for (place, (session, (engine, number))) in story.sessions.iter().zip(&story.origins).enumerate() {
        let notes: Option<&Notes> = watches.get(*engine as usize).and_then(|watch| watch.of(*number));
        let Some(falls) = notes.and_then(|notes| notes.uploaded_fell.as_deref()) else { continue };
        let user = users.entry(session.user).or_default();
        user.count += falls.count;
        user.proportional += falls.alike.max(falls.whole);
        user.places.push(place as u32);
        user.lines.extend(&falls.lines);
    }
    users.retain(|_, user| user.count >= ENOUGH && user.proportional * 10 >= user.count * ALIKE);
    users.into_iter().collect()
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
    conclude: Conclude::User(|case| {
        let found = case.known.generated.by_silence.get(&case.user)?;
        let mut finding = case.about_uploads(Severity::Medium, &found.places);
        finding.count = u64::from(found.count);
        finding.evidence = found.lines.iter().copied().take(8).collect();
        Some(finding)
    }),
    message: |f| {
        format!("uploaded fell {}, each time to a rate times the seconds since the announce before", times(f.count))
    },
};
