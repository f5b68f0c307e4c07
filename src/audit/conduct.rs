//! Rates that no line carries, and torrents left behind.

use super::{Check, Conclude, Mark, Severity, UserCase, Watch};
use crate::measure::duration;
use crate::replay::Step;
use crate::session::{Counters, Ending, Opening, Phase, Session};
use crate::time::Time;

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
    let Some((at, last)) = step.said.at.zip(step.before.and_then(|b| b.last.at)) else { return };
    let secs = at.since(last).max(0) as u64 / 1000;
    let rate = bytes / (secs + STALE);
    if rate > GIGABIT {
        Mark::see(&mut watch.marks_at(step).too_fast, step, bytes, rate);
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
    message: |f| format!("{} between two announces: {} MiB/s", f.size(), f.amount >> 20),
};

/// What a tracker asks of who downloads: to seed each torrent for a time, or up to a ratio.
#[derive(Clone, Copy, Debug)]
pub struct HitAndRun {
    /// Seconds to seed each torrent that was completed.
    pub seed_time: u32,
    /// Uploaded / downloaded of the torrent that does instead.
    pub ratio: f64,
    /// Seconds away from the torrent before it counts as left: the user may come back.
    pub grace: u32,
}

/// UNIT3D's, with the ratio that other trackers accept instead.
impl Default for HitAndRun {
    fn default() -> Self {
        HitAndRun { seed_time: 7 * DAY, ratio: 1.0, grace: 3 * DAY }
    }
}

const DAY: u32 = 86_400;
/// Who seeds so many seconds has left at once.
const AT_ONCE: u64 = 1800;

/// One user's whole business with a torrent that was completed and is over.
struct Snatch {
    downloaded: u64,
    /// Seconds.
    seeded: u64,
    /// Uploaded less than a tenth of what was downloaded.
    gave_nothing: bool,
    /// Neither seeded nor uploaded as much as is asked.
    left: bool,
}

/// Seconds for which a session seeded. An end that was not heard is taken for as late as can be.
fn seeded(session: &Session, timeout: i64) -> i64 {
    let seeds = |phase: Phase| matches!(phase, Phase::Seeding | Phase::Completed);
    let mut millis = 0;
    let mut phases = session.phases().peekable();
    while let Some((from, phase)) = phases.next() {
        let next = phases.peek().map(|next| next.0);
        let to = next.unwrap_or(session.last_at);
        if !seeds(phase) {
            continue;
        }
        let Some((from, to)) = from.zip(to) else { continue };
        let within = session.gaps().filter(|gap| gap.from >= from && gap.to <= to);
        let away: i64 = within.map(|gap| (gap.length() - timeout).max(0)).sum();
        let unheard = if next.is_none() { timeout } else { 0 };
        millis += to.since(from) - away + unheard;
    }
    millis.max(0) / 1000
}

/// What became of a torrent that one user completed; `None` if it was not completed, or the log does not tell how it ends.
fn snatch(case: &UserCase<'_>, places: &[u32], log_end: Time) -> Option<Snatch> {
    let rules = &case.known.terms.hit_and_run;
    let sum = |of: fn(Counters) -> u64| {
        let credits = places.iter().map(|at| case.story.sessions.brief(*at as usize).credit);
        credits.map(of).fold(0, u64::saturating_add)
    };
    let (downloaded, uploaded) = (sum(|credit| credit.down), sum(|credit| credit.up));
    // Most downloaded nothing.
    if downloaded == 0 {
        return None;
    }
    let sessions: Vec<Session> = case.story.sessions.at(places).collect();
    let sessions = || sessions.iter();
    let endings = || places.iter().zip(sessions()).map(|(at, session)| case.story.ending(*at as usize, session));
    let size = sessions().map(|session| session.state.largest_left).max()?;
    let completed = sessions().any(|session| session.state.completed_at.is_some());
    // What came before the log's beginning is not known.
    let whole = sessions().all(|session| session.opening != Opening::Unseen);
    if !completed || !whole || downloaded <= size / 10 {
        return None;
    }
    let timeout = i64::from(case.story.settings.timeout) * 1000;
    let seeded = sessions().map(|session| seeded(session, timeout)).sum::<i64>().unsigned_abs();
    let enough = seeded >= u64::from(rules.seed_time) || uploaded as f64 >= rules.ratio * downloaded as f64;
    // Still listed, or away for so short that it may be back: not over.
    let over = |ending: Ending| ending.delisted.is_some_and(|at| log_end.since(at) >= i64::from(rules.grace) * 1000);
    let left = !enough && endings().all(over);
    (enough || left).then_some(Snatch { downloaded, seeded, gave_nothing: uploaded <= downloaded / 10, left })
}

pub static HIT_AND_RUN: Check = Check {
    name: "hit-and-run",
    severity: Severity::Low,
    summary: "torrents completed and left, with less seeding and upload than the tracker asks",
    formula: "per torrent that the user completed (more than a tenth of it downloaded in the log): seconds seeding after it, summed over sessions, and uploaded / downloaded. An end without `stopped` is taken for as late as the timeout allows",
    threshold: "seeded for less than `--hnr-seedtime` (7 d), ratio on it below `--hnr-ratio` (1), and away for `--hnr-grace` (3 d) when the log ends; later it is unknown. Low if two or more, and four fifths of all that could be judged, were left within half an hour with a tenth or less given back; else info",
    look_alikes: "seeding that this log does not show (UDP, another front end); a tracker with other rules; freeleech, or staff, whom rules spare; a seedbox under another passkey",
    source: "UNIT3D config/hitrun.php (7 d, 3 d, 10 %); NexusPHP accepts uploaded / size instead",
    group: None,
    conclude: Conclude::User(|case| {
        let log_end = case.story.log_end.filter(|_| case.user().is_passkey)?;
        let judged = case.by_torrent().into_iter();
        let judged: Vec<(Vec<u32>, Snatch)> =
            judged.filter_map(|places| snatch(case, &places, log_end).map(|snatch| (places, snatch))).collect();
        let left: Vec<_> = judged.iter().filter(|(_, snatch)| snatch.left).collect();
        let at_once = left.iter().filter(|(_, snatch)| snatch.seeded <= AT_ONCE && snatch.gave_nothing).count();
        let severity = if at_once >= 2 && at_once * 5 >= judged.len() * 4 { Severity::Low } else { Severity::Info };
        let last = left.iter().filter_map(|(places, _)| places.last());
        let sessions: Vec<Session> = last.map(|at| case.story.sessions.get(*at as usize)).collect();
        let mut finding = (!left.is_empty()).then(|| case.finding(severity, &sessions))?;
        finding.bytes = Some(left.iter().fold(0, |sum: u64, (_, snatch)| sum.saturating_add(snatch.downloaded)));
        finding.amount = left.iter().map(|(_, snatch)| snatch.seeded).max()?;
        Some(finding)
    }),
    message: |f| {
        let torrents = if f.count == 1 { "a torrent".into() } else { format!("{} torrents", f.count) };
        format!("left {torrents} ({} downloaded) having seeded for {} at most", f.size(), duration(f.amount))
    },
};
