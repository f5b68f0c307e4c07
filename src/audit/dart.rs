//! Sessions that come, say that they uploaded the whole torrent, and go.

use super::generated::{Ground, Sign};
use super::{Check, Conclude, Group, Severity};
use crate::session::{Opening, Phase, Session};
use std::collections::HashMap;

/// They last no longer, in milliseconds: no leech can have heard of them, and been served, so soon.
const SHORT: i64 = 60_000;
/// Smaller torrents may be sent in that time. In bytes.
const LARGE: u64 = 64 << 20;
/// So many are no chance.
const SEVERAL: usize = 3;

/// Whether a session was there from `started` to `stopped`, for a moment.
fn is_dart(session: &Session) -> bool {
    let lasted = session.last_at.zip(session.first_at).map(|(last, first)| last.since(first));
    session.opening == Opening::Started
        && session.state.phase == Phase::Stopped
        && lasted.is_some_and(|lasted| lasted <= SHORT)
}

/// By user, those with several such sessions.
fn darts(ground: &Ground<'_>) -> HashMap<u32, Sign> {
    let mut darts: HashMap<u32, Vec<u32>> = HashMap::new();
    for (place, session) in (0u32..).zip(ground.story.sessions.briefs()) {
        let whole =
            ground.sizes[session.torrent as usize].is_some_and(|size| session.credit.up == size && size >= LARGE);
        if whole && is_dart(&ground.story.sessions.get(place as usize)) {
            darts.entry(session.user).or_default().push(place);
        }
    }
    darts.retain(|_, places| places.len() >= SEVERAL);
    darts.into_iter().map(|(user, places)| (user, ground.sign_of_made_up(Severity::Medium, places))).collect()
}

pub static WHOLE_AT_ONCE: Check = Check {
    name: "whole-at-once",
    severity: Severity::Medium,
    summary: "came, claimed to have uploaded exactly the torrent's size, and went, within a minute",
    formula: "sessions from `started` to `stopped` of at most 60 s whose credited upload is the torrent's size. The size is what `--torrents` says, or the most that two users said they missed, and somebody then received. Where it makes somebody likely-faked, all of these uploads are unexplained",
    threshold: "three such sessions, of torrents of 64 MiB or more. Likely-faked only together with bytes or with a client that is not what it says",
    look_alikes: "a seed with a very fast line that serves one leech the whole torrent as soon as it is back: hardly three times, to the byte",
    source: "Ratio.py: started and stopped within seconds, uploaded = the torrent's size",
    group: Some(Group::Generator),
    conclude: Conclude::Counters(darts),
    message: |f| {
        format!("{} in {} sessions of at most a minute, each time exactly the torrent's size", f.size(), f.count)
    },
};
