//! One torrent's sessions together.

use crate::account::Totals;
use crate::replay::Story;
use crate::session::{Status, status_at};

/// A torrent's sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swarm {
    /// Bytes that its peers uploaded and downloaded.
    pub totals: Totals,
    /// The largest `left` believed; `None` if nobody ever missed a byte.
    pub size: Option<u64>,
    /// Users who took part.
    pub users: u32,
    /// Their sessions.
    pub sessions: u32,
    /// Sessions listed as leeching when the log ends.
    pub leeching: u32,
    /// Sessions listed as seeding when the log ends.
    pub seeding: u32,
}

/// Sums up every torrent, by number. Only sessions for which `counts` holds are taken.
pub fn swarms(story: &Story, counts: impl Fn(usize) -> bool) -> Vec<Swarm> {
    let mut swarms = vec![Swarm::default(); story.torrents.len()];
    let mut pairs = Vec::new();
    for (index, session) in story.sessions.iter().enumerate().filter(|(index, _)| counts(*index)) {
        let swarm = &mut swarms[session.torrent as usize];
        swarm.totals.add(session.state.credit());
        swarm.sessions += 1;
        swarm.size = swarm.size.max(Some(session.state.largest_left).filter(|left| *left > 0));
        match status_at(&story.listing(index), story.log_end).map(|l| l.status) {
            Some(Status::Leeching) => swarm.leeching += 1,
            Some(Status::Seeding) => swarm.seeding += 1,
            _ => {}
        }
        pairs.push((session.torrent, session.user));
    }
    pairs.sort_unstable();
    pairs.dedup();
    for (torrent, _) in pairs {
        swarms[torrent as usize].users += 1;
    }
    swarms
}
