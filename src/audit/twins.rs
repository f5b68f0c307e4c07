//! One peer id under several users: a client that announces with more than one passkey.

use super::generated::{Ground, Sign};
use super::{Check, Conclude, Severity};
use crate::order::by_number;
use crate::session::Session;
use crate::share::shared;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::hash::BuildHasher;

/// rTorrents on machines of one image share their peer ids (rakshasa/libtorrent#38).
const SHARED: &[u8] = b"-lt";
/// What more than so many users have, no client drew.
const MANY: usize = 8;
/// Of a user's sessions with one peer id so many are held against others'.
const LOOKED_AT: usize = 64;
/// So many lines are cited.
const LINES: usize = 8;

/// Whether no other client is likely to have the same.
fn is_drawn(peer_id: &[u8]) -> bool {
    let random = peer_id.get(8..).unwrap_or_default();
    !peer_id.starts_with(SHARED) && random.windows(2).any(|pair| pair[0] != pair[1])
}

fn at_once(a: &Session, b: &Session) -> bool {
    a.first_at < b.last_at && b.first_at < a.last_at
}

fn twins(ground: &Ground<'_>) -> HashMap<u32, Sign> {
    let story = ground.story;
    let session = |place: &u32| story.sessions.brief(*place as usize);
    let peer_id = |place: &u32| story.peer_id(session(place).peer).bytes();
    // Seeded: strangers choose their peer ids.
    let seed = RandomState::default();
    let hash = |place: usize| {
        let place = place as u32;
        let has_passkey = story.users[session(&place).user as usize].is_passkey;
        has_passkey.then(|| (seed.hash_one(peer_id(&place)) as u32, place))
    };
    let mut hashes: Vec<(u32, u32)> =
        shared(story.sessions.len(), ground.threads, |range| range.filter_map(hash).collect());
    by_number(&mut hashes, |(hash, _)| *hash);
    let mut signs: HashMap<u32, Sign> = HashMap::new();
    let several = hashes.chunk_by(|a, b| a.0 == b.0).filter(|same_hash| same_hash.len() > 1);
    let alike = several.flat_map(|same_hash| {
        let mut places: Vec<u32> = same_hash.iter().map(|(_, place)| *place).collect();
        places.sort_unstable_by_key(|place| (peer_id(place), session(place).user, *place));
        places.chunk_by(|a, b| peer_id(a) == peer_id(b)).map(<[u32]>::to_vec).collect::<Vec<_>>()
    });
    for places in alike.filter(|places| is_drawn(peer_id(&places[0]))) {
        let of_users: Vec<&[u32]> = places.chunk_by(|a, b| session(a).user == session(b).user).collect();
        if !(2..=MANY).contains(&of_users.len()) {
            continue;
        }
        for own in &of_users {
            let user = session(&own[0]).user;
            let others =
                || of_users.iter().filter(|other| other[0] != own[0]).flat_map(|other| other.iter().take(LOOKED_AT));
            let whole = |place: &u32| story.sessions.get(*place as usize);
            let meet = |place: &&u32| others().any(|other| at_once(&whole(place), &whole(other)));
            let together = own.iter().take(LOOKED_AT).find(meet);
            let severity = if together.is_some() { Severity::Low } else { Severity::Info };
            let one = together.unwrap_or(&own[0]);
            // Of several peer ids, the one that says most; the places and lines of all.
            let known = signs.entry(user).or_insert_with(|| ground.sign(severity, Vec::new()));
            (known.severity, known.count) = (known.severity.max(severity), known.count.max(of_users.len() as u64 - 1));
            known.bytes = own.iter().fold(known.bytes, |sum, place| sum.saturating_add(ground.uploaded(*place)));
            known.places.extend(*own);
            known.lines.push(whole(one).first_line);
        }
    }
    for sign in signs.values_mut() {
        sign.places.sort_unstable();
        sign.lines.sort_unstable();
        sign.lines.truncate(LINES);
    }
    signs
}

pub static PEER_ID_OF_OTHERS: Check = Check {
    name: "peer-id-of-others",
    severity: Severity::Low,
    summary: "one peer id under several users: a client that announces with the passkeys of more than one",
    formula: "sessions of a user whose peer id (all twenty bytes) another user's sessions have, too; not those of rTorrent, nor of which all bytes behind the client's name are the same, nor what more than eight users have. Cited is a line of the user's own for each peer id, by which those of the others are found: a dossier may be shown to its user",
    threshold: "low if sessions of both were under way at one moment, info if not",
    look_alikes: "a passkey that was reset while the client ran (one user after the other); a household with two accounts; machines copied from one image; a program that keeps one peer id for all who run it, which then is what `client-form` and `shared-peer-id` look for",
    source: "BEP 3: a peer id is drawn at random by each client; rakshasa/libtorrent#38, rtorrent#440 (rTorrents that share theirs)",
    group: None,
    conclude: Conclude::Counters(twins),
    message: |f| {
        let when = if f.severity == Severity::Low { "at the same time" } else { "at another time" };
        match f.count {
            1 => format!("another user announced with the same peer id, {when}"),
            others => format!("{others} other users announced with the same peer id, {when}"),
        }
    },
};
