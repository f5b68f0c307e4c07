//! Uploads that nobody received: what the balance of the swarms says about a user.

use super::bytes::{Excess, GIB};
use super::{Check, Conclude, Finding, Group, Severity, UserCase};
use crate::session::Session;

/// Whether an excess cannot be a lost line or a peer that the log does not show: more than a GiB and so many percent of what
/// is claimed, and still a fifth of it if leeches had received whole torrents in secret.
fn is_much(case: &UserCase<'_>, excess: &Excess, percent: u64) -> bool {
    let claimed = case.bytes.claimed;
    let enough = excess.bytes > GIB && excess.bytes > claimed / 100 * percent;
    enough && excess.unless_secret(case.known.balance.secrets) > (GIB / 4).max(excess.bytes / 5)
}

fn finding(case: &UserCase<'_>, severity: Severity, excess: &Excess) -> Finding {
    let there: Vec<&Session> = case.sessions.iter().copied().filter(|s| Some(s.torrent) == excess.torrent).collect();
    let mut most = there.clone();
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
        bytes: Some(excess.bytes),
        count: u64::from(excess.swarms),
        amount: case.bytes.claimed,
        evidence,
    }
}

pub static UNRECEIVED_UPLOAD: Check = Check {
    name: "unreceived-upload",
    severity: Severity::High,
    summary: "uploaded more than all others in the swarms can have received, even if nobody else had sent anything",
    formula: "sum over swarms of: credited upload between two announces, less the most that others can have received in windows that touch it (a maximum flow). Receivers count with 1.01 x max(growth of downloaded, fall of left, what was lost and came again), with as much of `left` after an end that was not heard (or before a beginning that was not) as twice their fastest makes in two intervals, and counters may be 190 s old",
    threshold: "more than 1 GiB and a tenth of the upload; and still a fifth of it if twice (up to six times where many users have small excesses) somebody had received a whole torrent in secret",
    look_alikes: "receivers that this log does not show: leeches that claim to have everything already (room for two whole torrents or more is left), another tracker or DHT for the same torrent, another front end of this tracker, peers whose lines are all lost",
    source: "conservation of bytes in a closed swarm; GreedyTorrent forum 2007; UNIT3D CheatedTorrentController",
    group: Some(Group::Bytes),
    conclude: Conclude::User(|case| {
        let bytes = case.bytes;
        is_much(case, &bytes.certain, 10).then(|| finding(case, Severity::High, &bytes.certain))
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
    threshold: "more than 1 GiB and a fifth of the upload; and still a fifth of it if twice (up to six times where many users have small excesses) somebody had received a whole torrent in secret",
    look_alikes: "as with unreceived-upload; and somebody trusted who is not to be trusted",
    source: "attribution over many swarms: GreedyTorrent forum 2007, by non-negative deconvolution and a trusted set",
    group: Some(Group::Bytes),
    conclude: Conclude::User(|case| {
        let bytes = case.bytes;
        is_much(case, &bytes.beside, 20).then(|| finding(case, Severity::Medium, &bytes.beside))
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
