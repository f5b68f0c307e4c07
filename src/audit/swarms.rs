//! Uploads that nobody received: what the balance of the swarms says about a user.

use super::{Check, Conclude, Finding, Group, Severity, UserBytes, UserCase};
use crate::session::Session;

const GIB: u64 = 1 << 30;

/// Whether so much of a claim, in so many swarms, cannot be a lost line or a peer that the log does not show: more than a
/// GiB and a tenth, and in two swarms at least, or more than a whole torrent.
fn is_much(bytes: u64, swarms: u32, worst: u64, claimed: u64, size: Option<u64>) -> bool {
    let more_than_the_torrent = size.is_some_and(|size| worst > size && worst > 2 * GIB);
    bytes > GIB && bytes > claimed / 10 && (swarms >= 2 || more_than_the_torrent)
}

fn finding(case: &UserCase<'_>, severity: Severity, bytes: u64, swarms: u32) -> Finding {
    let there: Vec<&Session> =
        case.sessions.iter().copied().filter(|s| Some(s.torrent) == case.bytes.torrent).collect();
    let mut most: Vec<&Session> = there.clone();
    most.sort_by_key(|s| std::cmp::Reverse(s.state.credit().up));
    let mut evidence: Vec<_> = most.iter().take(4).flat_map(|s| [s.first_line, s.last_line]).collect();
    evidence.sort_unstable();
    evidence.dedup();
    Finding {
        check: 0,
        severity,
        user: case.user,
        session: None,
        from: there.iter().filter_map(|s| s.first_at).min(),
        to: there.iter().filter_map(|s| s.last_at).max(),
        bytes: Some(bytes),
        count: u64::from(swarms),
        amount: case.bytes.claimed,
        evidence,
    }
}

fn size(case: &UserCase<'_>, bytes: &UserBytes) -> Option<u64> {
    let there = case.story.sessions.iter().filter(|s| Some(s.torrent) == bytes.torrent);
    there.map(|s| s.state.largest_left).max().filter(|size| *size > 0)
}

pub static UNRECEIVED_UPLOAD: Check = Check {
    name: "unreceived-upload",
    severity: Severity::High,
    summary: "uploaded more than all others in the swarms can have received, even if nobody else had sent anything",
    formula: "sum over swarms of: credited upload between two announces, less the most that others can have received in windows that touch it (a maximum flow). Receivers count with 1.03 x max(growth of downloaded, fall of left), with all of `left` after a lost end, with the whole torrent if they claim to have it without having been seen to receive it, and counters may be 190 s old",
    threshold: "more than 1 GiB and a tenth of the upload, in two swarms or beyond the size of the torrent",
    look_alikes: "receivers that this log does not show: another tracker or DHT for the same torrent, another front end of this tracker, peers whose lines are all lost",
    source: "conservation of bytes in a closed swarm; GreedyTorrent forum 2007; UNIT3D CheatedTorrentController",
    group: Some(Group::Bytes),
    conclude: Conclude::User(|case| {
        let bytes = case.bytes;
        (bytes.certain > GIB && is_much(bytes.certain, bytes.swarms, bytes.worst, bytes.claimed, size(case, bytes)))
            .then(|| finding(case, Severity::High, bytes.certain, bytes.swarms))
    }),
    message: |f| {
        format!(
            "{} of {} bytes uploaded were received by nobody, in {}",
            f.bytes.unwrap_or(0),
            f.amount,
            if f.count == 1 { "one swarm".into() } else { format!("{} swarms", f.count) }
        )
    },
};

pub static EXCESS_OVER_OTHERS: Check = Check {
    name: "excess-over-others",
    severity: Severity::Medium,
    summary: "swarms balance without this user's upload, and do not with it",
    formula: "sum over swarms of: what cannot have been received of the upload of this user and of all trusted users together, less what cannot have been received of the trusted users' alone. Trusted is who is not needed to explain any excess",
    threshold: "more than 1 GiB and a tenth of the upload, in two swarms",
    look_alikes: "as with unreceived-upload; and somebody trusted who is not to be trusted",
    source: "attribution over many swarms: GreedyTorrent forum 2007, by non-negative deconvolution and a trusted set",
    group: Some(Group::Bytes),
    conclude: Conclude::User(|case| {
        let bytes = case.bytes;
        (bytes.beside_others > GIB && is_much(bytes.beside_others, bytes.beside_swarms, 0, bytes.claimed, None))
            .then(|| finding(case, Severity::Medium, bytes.beside_others, bytes.beside_swarms))
    }),
    message: |f| {
        format!(
            "{} of {} bytes uploaded find no receiver beside what trusted users sent, in {} swarms",
            f.bytes.unwrap_or(0),
            f.amount,
            f.count
        )
    },
};
