//! One torrent's sessions together.

use crate::account::Totals;
use crate::order::by_two;
use crate::replay::Story;
use crate::session::Status;

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

/// Sums up every torrent, by number, and tells which users took part in which, each torrent and user once. `status` says as what a
/// session is listed when the log ends; `None` if it does not count.
pub fn swarms(story: &Story, status: impl Fn(usize) -> Option<Status>) -> (Vec<Swarm>, Vec<(u32, u32)>) {
    let mut swarms = vec![Swarm::default(); story.torrents.len()];
    let mut pairs = Vec::new();
    for (index, session) in story.sessions.briefs().iter().enumerate() {
        let Some(status) = status(index) else { continue };
        let swarm = &mut swarms[session.torrent as usize];
        swarm.totals.add(session.credit);
        swarm.sessions += 1;
        swarm.size = swarm.size.max(Some(session.largest_left).filter(|left| *left > 0));
        swarm.leeching += u32::from(status == Status::Leeching);
        swarm.seeding += u32::from(status == Status::Seeding);
        pairs.push((session.torrent, session.user));
    }
    by_two(&mut pairs, |pair| *pair);
    pairs.dedup();
    for (torrent, _) in &pairs {
        swarms[*torrent as usize].users += 1;
    }
    (swarms, pairs)
}
