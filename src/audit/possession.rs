//! Uploads of what was not there.

use super::{Check, Conclude, Severity};
use crate::session::{Opening, Session};

/// Less may be what a client still counts from before, or sends of a piece that is not whole yet.
const LEAST: u64 = 16 << 20;

/// Whether a session had nothing of a torrent of that size from its first line to its last.
fn has_nothing(session: &Session, size: u64) -> bool {
    let state = &session.state;
    let nothing_came = state.always_missing() == Some(size) && state.peak.down == state.base.down;
    session.opening == Opening::Started && nothing_came
}

pub static UPLOAD_WITHOUT_POSSESSION: Check = Check {
    name: "upload-without-possession",
    severity: Severity::Low,
    summary: "uploaded while everything was missing: either the upload is made up, or the download is hidden",
    formula: "credited upload of sessions in which left is the torrent's size and downloaded 0 from `started` to the last line. The size is what `--torrents` says, or the most that two users said they missed, and somebody then received",
    threshold: "more than 16 MiB in a session. No evidence for a verdict: who hides a download may well have uploaded",
    look_alikes: "a client that tells no statistics; a proxy that hides downloads from the tracker, in front of a client that really shares",
    source: "SeedMage claims so; Torratio and Ratio Ghost hide downloads so; UNIT3D's ghost-leech list",
    group: None,
    conclude: Conclude::User(|case| {
        let size = |torrent: u32| case.known.sizes[torrent as usize];
        let mut found = case.sessions(|brief| {
            brief.credit.up > LEAST && brief.credit.down == 0 && size(brief.torrent) == Some(brief.largest_left)
        });
        found.retain(|session| size(session.torrent).is_some_and(|size| has_nothing(session, size)));
        let mut finding = (!found.is_empty()).then(|| case.finding(Severity::Low, &found))?;
        finding.bytes = Some(found.iter().fold(0, |sum: u64, session| sum.saturating_add(session.state.credit().up)));
        Some(finding)
    }),
    message: |f| {
        let sessions = if f.count == 1 { "one session".into() } else { format!("{} sessions", f.count) };
        format!("uploaded {} in {sessions} of torrents of which it had nothing", f.size())
    },
};
