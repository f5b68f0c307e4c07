//! How large torrents are: as the site says, or as their leeches do.

use crate::order::by_two;
use crate::replay::Story;
use crate::share::shared;
use crate::side::Side;
use crate::strings::AHEAD;

/// Who says that he misses less tells no size: some who leech in secret say that they miss one byte. In bytes.
pub const LEAST: u64 = 1 << 20;

/// Of which torrent and by which user a session is, and its place.
type Key = (u32, u32, u32);

/// Sizes of torrents, by number, in bytes; `None` where they are not known. The site's; else the most that two users said they
/// missed when they first came, and somebody received most of. One alone may miss a part of it only; a whole swarm may miss the
/// same part, which nobody has; and what somebody misses who had more before is what a recheck lost.
pub fn sizes(story: &Story, side: &Side, threads: usize) -> Vec<Option<u64>> {
    let briefs = story.sessions.briefs().iter().zip(0u32..);
    let mut keys: Vec<Key> = briefs.map(|(session, at)| (session.torrent, session.user, at)).collect();
    by_two(&mut keys, |key| (key.0, key.1));
    let torrents: Vec<&[Key]> = keys.chunk_by(|a, b| a.0 == b.0).collect();
    let told = shared(torrents.len(), threads, |range| {
        torrents[range].iter().filter_map(|own| Some((own[0].0, size_told(story, own)?))).collect()
    });
    let mut sizes = vec![None; story.torrents.len()];
    told.into_iter().for_each(|(torrent, size)| sizes[torrent as usize] = Some(size));
    for (size, info_hash) in sizes.iter_mut().zip(&story.torrents) {
        *size = side.torrent(info_hash).and_then(|told| told.size).filter(|told| *told > 0).or(*size);
    }
    sizes
}

/// What size a torrent's sessions tell, which are in the order of users and of their beginnings.
fn size_told(story: &Story, sessions: &[Key]) -> Option<u64> {
    let (mut received, mut most) = (0, Vec::new());
    let mut ahead = sessions.iter().skip(AHEAD);
    for own in sessions.chunk_by(|a, b| a.1 == b.1) {
        // What a user missed at first, and at the most.
        let (mut first, mut largest) = (None, 0);
        for (.., at) in own {
            if let Some((.., at)) = ahead.next() {
                story.sessions.fetch(*at as usize);
            }
            let state = story.sessions.outline(*at as usize).state;
            if let Some(left) = state.first_left() {
                let began = (story.sessions.brief(*at as usize).first_at, left, state.largest_left);
                first = first.map_or(Some(began), |first| Some(began.min(first)));
                largest = state.largest_left.max(largest);
            }
            // What a recheck finds on the disk was not received.
            let half = state.largest_left / 2;
            if state.left().is_some_and(|left| left < half) && state.peak.down >= half {
                received = state.largest_left.max(received);
            }
        }
        most.extend(first.filter(|(_, left, _)| largest >= LEAST && *left == largest).map(|_| largest));
    }
    // The most that two of them have in common.
    most.sort_unstable();
    let common = most.windows(2).rfind(|pair| pair[0] == pair[1])?[0];
    (common == received).then_some(common)
}
