//! Uploads of what was not there.

use super::{Check, Conclude, Severity};
use crate::replay::Story;
use crate::session::{Opening, Session};

/// Less may be what a client still counts from before, or sends of a piece that is not whole yet.
const LEAST: u64 = 16 << 20;

/// The size of each torrent, by number, where it is sure: the most that two users said they missed, of whom somebody received
/// most of it then. One alone may miss a part of it only; and a whole swarm may miss the same part, which nobody has.
pub fn sizes(story: &Story) -> Vec<Option<u64>> {
    let mut missed: Vec<(u32, u64, u32)> = Vec::new();
    let mut received = vec![0; story.torrents.len()];
    for Session { torrent, user, state, .. } in &story.sessions {
        if state.largest_left > 0 {
            missed.push((*torrent, state.largest_left, *user));
        }
        if state.left().is_some_and(|left| left < state.largest_left / 2) {
            let most: &mut u64 = &mut received[*torrent as usize];
            *most = state.largest_left.max(*most);
        }
    }
    missed.sort_unstable();
    let mut sizes = vec![None; story.torrents.len()];
    for pair in missed.windows(2).filter(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1)) {
        let (torrent, size, user) = pair[0];
        if user != pair[1].2 && size == received[torrent as usize] {
            sizes[torrent as usize] = Some(size);
        }
    }
    sizes
}

/// Whether a session had nothing of a torrent of that size from its first line to its last.
fn has_nothing(session: &Session, size: u64) -> bool {
    let state = &session.state;
    let missing = [state.first_left(), state.left(), Some(state.largest_left)];
    session.opening == Opening::Started && missing == [Some(size); 3] && state.peak.down == state.base.down
}

pub static UPLOAD_WITHOUT_POSSESSION: Check = Check {
    name: "upload-without-possession",
    severity: Severity::Low,
    summary: "uploaded while everything was missing: either the upload is made up, or the download is hidden",
    formula: "credited upload of sessions in which left is the torrent's size and downloaded 0 from `started` to the last line. The size is the most that two users said they missed, and one of them then received",
    threshold: "more than 16 MiB in a session. No evidence for a verdict: who hides a download may well have uploaded",
    look_alikes: "a client that tells no statistics; a proxy that hides downloads from the tracker, in front of a client that really shares",
    source: "SeedMage claims so; Torratio and Ratio Ghost hide downloads so; UNIT3D's ghost-leech list",
    group: None,
    conclude: Conclude::User(|case| {
        let nothing = |session: &&&Session| {
            let size = case.known.sizes[session.torrent as usize];
            session.state.credit().up > LEAST && size.is_some_and(|size| has_nothing(session, size))
        };
        let found: Vec<&Session> = case.sessions.iter().filter(nothing).copied().collect();
        let mut finding = (!found.is_empty()).then(|| case.finding(Severity::Low, &found))?;
        finding.bytes = Some(found.iter().fold(0, |sum: u64, session| sum.saturating_add(session.state.credit().up)));
        Some(finding)
    }),
    message: |f| {
        let sessions = if f.count == 1 { "one session".into() } else { format!("{} sessions", f.count) };
        format!("uploaded {} bytes in {sessions} of torrents of which it had nothing", f.bytes.unwrap_or(0))
    },
};
