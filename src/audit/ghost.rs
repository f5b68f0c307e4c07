//! Leeches that never say that anything came.

use super::{Check, Conclude, Severity};
use crate::session::{Counters, Session};

/// Fewer announces in a torrent may be a torrent that was looked at and left.
const ENOUGH: u32 = 4;
/// So many such torrents are no chance.
const SEVERAL: usize = 2;

/// Whether a session says from its first line to its last that it misses the same, and that nothing moves.
fn is_silent(session: &Session) -> bool {
    let state = &session.state;
    state.always_missing().is_some() && !state.completed && state.peak == state.base
}

pub static GHOST_LEECH: Check = Check {
    name: "ghost-leech",
    severity: Severity::Low,
    summary: "leeched in several torrents without ever saying that anything came",
    formula: "torrents in which all of the user's sessions say the same left > 0 from first to last, nothing uploaded or downloaded, and no `completed`, over four announces or more",
    threshold: "two torrents. Of 5,550 honest users of simulated trackers 12 have that, and one in nine of those who leech in secret: no evidence for a verdict",
    look_alikes: "torrents that nobody seeds; downloads that were paused or given up; a download limit of zero; a file choice that leaves nothing to load",
    source: "UNIT3D's ghost-leech list",
    group: None,
    conclude: Conclude::User(|case| {
        let by_torrent = case.by_torrent();
        let silent = |places: &&Vec<u32>| {
            let briefs = || places.iter().map(|at| case.story.sessions.brief(*at as usize));
            if briefs().any(|session| session.credit != Counters::ZERO) {
                return false;
            }
            let announces = briefs().map(|session| session.announces).fold(0, u32::saturating_add);
            announces >= ENOUGH && case.story.sessions.at(places).all(|session| is_silent(&session))
        };
        let found = by_torrent.iter().filter(silent);
        let found: Vec<Session> = found.map(|places| case.story.sessions.get(places[0] as usize)).collect();
        (found.len() >= SEVERAL).then(|| case.finding(Severity::Low, &found))
    }),
    message: |f| format!("stayed in {} torrents as a leech that nothing ever came to, nor went from", f.count),
};
