//! How large torrents are: as the site says, or as their leeches do.

use crate::replay::Story;
use crate::session::Brief;
use crate::side::Side;
use crate::time::Time;

/// Who says that he misses less tells no size: some who leech in secret say that they miss one byte. In bytes.
pub const LEAST: u64 = 1 << 20;

/// What a session missed: when it came, then, and at the most. In bytes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Missed {
    since: Option<Time>,
    first: u64,
    most: u64,
}

/// Sizes of torrents, by number, in bytes; `None` where they are not known. The site's; else the most that two users said they
/// missed when they first came, and somebody received most of. One alone may miss a part of it only; a whole swarm may miss the
/// same part, which nobody has; and what somebody misses who had more before is what a recheck lost.
pub fn sizes(story: &Story, side: &Side) -> Vec<Option<u64>> {
    let mut missed: Vec<(u32, u32, Missed)> = Vec::new();
    let mut received = vec![0; story.torrents.len()];
    for (at, &Brief { torrent, user, first_at, .. }) in story.sessions.briefs().iter().enumerate() {
        let state = story.sessions.outline(at).state;
        if let Some(first) = state.first_left() {
            missed.push((torrent, user, Missed { since: first_at, first, most: state.largest_left }));
        }
        // What a recheck finds on the disk was not received.
        if state.left().is_some_and(|left| left < state.largest_left / 2) && state.peak.down >= state.largest_left / 2 {
            let most: &mut u64 = &mut received[torrent as usize];
            *most = state.largest_left.max(*most);
        }
    }
    missed.sort_unstable();
    // The most of each user, then the most that two of them have in common.
    let most_of = |own: &[(u32, u32, Missed)]| {
        let most = own.iter().map(|(.., missed)| missed.most).max().filter(|most| *most >= LEAST)?;
        (own[0].2.first == most).then_some((own[0].0, most))
    };
    let mut most: Vec<(u32, u64)> = missed.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).filter_map(most_of).collect();
    most.sort_unstable();
    let mut sizes = vec![None; received.len()];
    for pair in most.windows(2).filter(|pair| pair[0] == pair[1]) {
        let (torrent, size) = (pair[0].0 as usize, pair[0].1);
        sizes[torrent] = (size == received[torrent]).then_some(size);
    }
    for (size, info_hash) in sizes.iter_mut().zip(&story.torrents) {
        *size = side.torrent(info_hash).and_then(|told| told.size).filter(|told| *told > 0).or(*size);
    }
    sizes
}
