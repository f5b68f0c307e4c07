//! Uploads that the user's own line cannot have carried, where the site tells how fast that is.

use super::bytes::{BEFORE, GIB, GRANULE};
use super::{Check, Conclude, Severity, UserCase};
use crate::measure::bytes;
use crate::time::Time;

/// Seconds over which a rate is taken: longer than counters are stale, and than bursts last.
const SPAN: i64 = 6 * 3600;

/// What somebody uploaded between two announces.
struct Sent {
    from: i64,
    to: i64,
    bytes: u64,
}

/// All that a user sent, stretch by stretch, whatever the torrent.
fn sent(case: &UserCase<'_>) -> Vec<Sent> {
    let of_session = |&place: &u32| {
        let first = case.story.sessions.brief(place as usize).first_at?.millis() / 1000;
        let stretches = case.known.traces.of(place as usize).stretches();
        let zero = first - BEFORE as i64;
        Some(stretches.filter(|stretch| stretch.up > 0).map(move |stretch| Sent {
            from: zero + stretch.from as i64,
            to: zero + stretch.to as i64,
            bytes: stretch.up.saturating_mul(GRANULE),
        }))
    };
    case.places.iter().filter_map(of_session).flatten().collect()
}

/// The six hours, of those that begin at full hours, in which most was sent: when they begin, and how much.
fn busiest(sent: &[Sent]) -> Option<(i64, u64)> {
    const STEP: i64 = 3600;
    let mut hours: Vec<(i64, u64)> = Vec::new();
    for sent in sent {
        // What began before or ended after may have moved then.
        let latest = sent.from.div_euclid(STEP);
        let earliest = (sent.to - SPAN).div_euclid(STEP) + i64::from((sent.to - SPAN).rem_euclid(STEP) > 0);
        hours.extend((earliest..=latest).map(|hour| (hour, sent.bytes)));
    }
    hours.sort_unstable();
    let sums = hours.chunk_by(|a, b| a.0 == b.0);
    let sums = sums.map(|hour| (hour[0].0 * STEP, hour.iter().fold(0u64, |sum, more| sum.saturating_add(more.1))));
    sums.max_by_key(|(from, bytes)| (*bytes, std::cmp::Reverse(*from)))
}

pub static FASTER_THAN_LINE: Check = Check {
    name: "faster-than-line",
    severity: Severity::Low,
    summary: "uploaded faster than the user's own line, as the site knows it",
    formula: "the most uploaded in six hours, in all torrents together (only what was sent from one announce to the next within them), against the line speed in `--users`",
    threshold: "more than 1 GiB, and than the line carries in that time and a quarter more. No evidence for a verdict: the table may be out of date",
    look_alikes: "a line that was upgraded since; a second line; a seedbox or a friend's machine under the same passkey",
    source: "NexusPHP check_cheater, with the user's own line instead of a limit for all",
    group: None,
    conclude: Conclude::User(|case| {
        let speed = case.known.side.user(&case.user().name)?.line_speed?;
        let (from, most) = busiest(&sent(case))?;
        let carried = u128::from(speed) * SPAN as u128;
        if most <= GIB || u128::from(most) * 4 <= carried * 5 {
            return None;
        }
        let (from, to) = (Time::from_secs(from), Time::from_secs(from + SPAN));
        let mut sessions = case.sessions(|brief| brief.credit.up > 0 && brief.first_at < Some(to));
        sessions.retain(|session| session.last_at > Some(from));
        sessions.sort_by_key(|session| std::cmp::Reverse(session.state.credit().up));
        let mut finding = case.finding(Severity::Low, &sessions);
        (finding.from, finding.to) = (Some(from), Some(to));
        (finding.bytes, finding.amount) = (Some(most), speed);
        Some(finding)
    }),
    message: |f| {
        let line = bytes(u128::from(f.amount) * SPAN as u128);
        format!("uploaded {} within six hours, in which the line carries {line}", f.size())
    },
};
