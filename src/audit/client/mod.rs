//! Clients that are not what they say they are: announces that are not written as the program named in the peer id writes
//! them. `clients.tsv` says what is known of programs; this log's own users correct it.

mod learn;
mod table;
mod traits;

pub use learn::{Class, Clients};

use super::{Check, Conclude, Finding, Group, Mark, Marks, Severity, UserCase, times};
use crate::session::Session;
use traits::KINDS;
use traits::trait_of::{AGENT, BUILD, CASE, KEY, NEEDLESS, NUMWANT, ORDER, QUIRK, RAW, SHARED, SUM, VERSION, ZEROS};

/// What disagrees, in words.
pub fn in_words(wrong: u32) -> impl Iterator<Item = &'static str> {
    KINDS.iter().filter(move |(kind, ..)| wrong & kind != 0).map(|(_, words, _)| *words)
}

/// How much the disagreements of a user's clients with themselves matter together. One alone may be a slip of the table's;
/// two of different kinds, or the same with several peer ids, are the program's ways.
fn severity(case: &UserCase<'_>) -> Severity {
    let all =
        || case.places.iter().map(|at| (case.known.clients.wrong(*at as usize), *at)).filter(|(wrong, _)| *wrong != 0);
    let (mut kinds, mut strong, mut repeated) = (0, false, false);
    for (kind, _, weak) in KINDS {
        let mut peers =
            all().filter(|(wrong, _)| wrong & kind != 0).map(|(_, at)| case.story.sessions.brief(at as usize).peer);
        let Some(first) = peers.next() else { continue };
        kinds += 1;
        strong |= !weak;
        repeated |= !weak && peers.any(|peer| peer != first);
    }
    if strong && kinds >= 2 || repeated { Severity::Medium } else { Severity::Low }
}

/// A finding of some kinds of disagreement.
fn finding(case: &UserCase<'_>, kinds: u32) -> Option<Finding> {
    let found: Vec<usize> =
        case.places.iter().map(|at| *at as usize).filter(|at| case.known.clients.wrong(*at) & kinds != 0).collect();
    if found.is_empty() {
        return None;
    }
    let sessions: Vec<Session> = found.iter().map(|at| case.story.sessions.get(*at)).collect();
    let sessions = || sessions.iter();
    let mut evidence: Vec<_> = sessions().take(EVIDENCE).map(|session| session.first_line).collect();
    evidence.sort_unstable();
    Some(Finding {
        check: 0,
        severity: severity(case),
        user: case.user,
        session: None,
        from: sessions().filter_map(|session| session.first_at).min(),
        to: sessions().filter_map(|session| session.last_at).max(),
        bytes: None,
        count: found.len() as u64,
        amount: found.iter().fold(0, |all, at| all | u64::from(case.known.clients.wrong(*at) & kinds)),
        evidence,
    })
}

/// Lines shown as evidence.
const EVIDENCE: usize = 6;

fn words_of(finding: &Finding) -> String {
    in_words(finding.amount as u32).collect::<Vec<_>>().join(", ")
}

fn in_sessions(count: u64) -> String {
    if count == 1 { "in one session".into() } else { format!("in {count} sessions") }
}

const TOGETHER: &str = "medium if a user's sessions disagree in two ways (with the other checks of clients counted), or in one with two peer ids, numwant and versions alone not counted; else low. What 95 % and at least 5 users of a version do is taken for genuine (unless other versions in the same row prove otherwise), as is what most users of the whole log do; unknown clients are compared with 20 and more others like them";

pub static CLIENT_FORM: Check = Check {
    name: "client-form",
    severity: Severity::Medium,
    summary: "announces that the client named in the peer id does not write so",
    formula: "order of parameters, key, case and choice of escapes, numwant and empty parameters of each peer's first line, held against the row of its client in `src/audit/client/clients.tsv`",
    threshold: TOGETHER,
    look_alikes: "a client newer than the table, or patched; a proxy or a log pipeline that writes URLs anew (for one user: a VPN or a company's proxy)",
    source: "the clients' and fakers' sources: JOAL, RatioMaster and others copy most of a form, seldom all of it",
    group: Some(Group::Protocol),
    conclude: Conclude::User(|case| finding(case, ORDER | KEY | ZEROS | CASE | NEEDLESS | RAW | NUMWANT | QUIRK)),
    message: |f| format!("not written as the client it names writes, {}: {}", in_sessions(f.count), words_of(f)),
};

pub static CLIENT_NAME: Check = Check {
    name: "client-name",
    severity: Severity::Medium,
    summary: "user agent and peer id name different programs or versions",
    formula: "the user agent against the pattern in the client's row, with the peer id's version in it; not without a user agent, nor for clients whose users choose it (aria2, libtorrent's scripts, WebTorrent)",
    threshold: TOGETHER,
    look_alikes: "a beta that calls itself by the next version; a build of one's own; a proxy with a user agent of its own",
    source: "the clients' sources; trackers that ban clients by peer id alone",
    group: Some(Group::Protocol),
    conclude: Conclude::User(|case| finding(case, AGENT | VERSION)),
    message: |f| format!("the peer id names another client, {}: {}", in_sessions(f.count), words_of(f)),
};

pub static PEER_ID_CHECKSUM: Check = Check {
    name: "peer-id-checksum",
    severity: Severity::Medium,
    summary: "a peer id that its client cannot have made",
    formula: "Transmission: the base 36 digits behind the prefix add up to a multiple of 36; uTorrent: bytes 8 and 9 are the build number in the user agent",
    threshold: TOGETHER,
    look_alikes: "a fork that keeps the prefix and not the arithmetic",
    source: "transmission: libtransmission/session.c; five public captures of uTorrent",
    group: Some(Group::Protocol),
    conclude: Conclude::User(|case| finding(case, SUM | BUILD)),
    message: |f| format!("peer ids that the client does not make, {}: {}", in_sessions(f.count), words_of(f)),
};

pub static SHARED_PEER_ID: Check = Check {
    name: "shared-peer-id",
    severity: Severity::Medium,
    summary: "one peer id for several torrents, in a client that makes one for each",
    formula: "different info hashes that one user announces under one peer id, of a client that makes one per torrent: qBittorrent from 4.2, Transmission, libtorrent from 1.1.7 (Deluge if the user agent says so)",
    threshold: "three: a hybrid torrent has two info hashes. Never for rTorrent, uTorrent, aria2",
    look_alikes: "a fork that goes back to one peer id for all",
    source: "libtorrent 1.1.7 release notes; JOAL's and RatioUp's profiles keep one peer id",
    group: Some(Group::Protocol),
    conclude: Conclude::User(|case| finding(case, SHARED)),
    message: |f| format!("one peer id for several torrents, {}", in_sessions(f.count)),
};

/// The `started` of a session that sends it with most announces, while its counters grow.
pub fn started_every_time(marks: Option<&Marks>, announces: u32) -> Option<&Mark> {
    let mark = marks?.started_again.as_deref()?;
    (mark.count >= 5 && mark.count >= announces / 2 && mark.bytes > 0).then_some(mark)
}

pub static STARTED_EVERY_TIME: Check = Check {
    name: "started-every-time",
    severity: Severity::Medium,
    summary: "`started` with most announces of a session, while counters grow",
    formula: "announces counted by duplicate-started (`started` in a session that goes on, not after a refusal or from a new address)",
    threshold: "five, and half of the session's announces",
    look_alikes: "a client that hears no answer and begins anew each time, while peers it knows go on",
    source: "ratio-spoof sends it with every announce; no client does",
    group: Some(Group::Protocol),
    conclude: Conclude::Session(|case| {
        let mark = started_every_time(case.marks(), case.session.announces)?;
        case.marked(Severity::Medium, mark)
    }),
    message: |f| format!("sent `started` {} while the session went on", times(f.count)),
};
