//! Uploads that nobody received: what the balance of the swarms says about a user.

use super::bytes::{Excess, GIB};
use super::{Check, Conclude, Finding, Group, Severity, UserCase};
use crate::measure;
use crate::session::Session;

/// About 1,100 to 1.
const CONVINCING: f64 = 7.0;
/// Odds that convince even where all may have been received in secret.
const ALONE: f64 = 15.0;
/// Odds that mean something beside evidence of another kind only.
const LIKELY: f64 = 3.0;
/// Odds that mean something where the counters look made up.
const SO_MUCH: f64 = 2.0;
/// So many bytes are left outside the swarm with the most of them.
const ELSEWHERE: u64 = 384 << 20;

fn finding(case: &UserCase<'_>, severity: Severity, excess: &Excess) -> Finding {
    let there = case.sessions(|brief| Some(brief.torrent) == excess.torrent);
    let mut most: Vec<&Session> = there.iter().collect();
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
    formula: "sum over swarms of: credited upload between two announces, less the most that others can have received in windows that touch it (a maximum flow). Receivers count with 1.01 x max(growth of downloaded, fall of left, what was lost and came again), with as much of `left` after an end that was not heard as twice their fastest makes in two intervals, with all that they tell of in the four intervals before a beginning that was not (when the log begins: as much of it, in two), and counters may be 190 s old. Whoever may have received in secret counts as if he had: who always misses the same and downloads nothing with all that he misses, who comes from nowhere with everything (or all but a MiB) with the whole torrent, within his first day. A client that is not what it says is weighed apart from the others of its user, which may have received from it, and stands for him unless there is more against those",
    threshold: "more than 1 GiB and a tenth of the upload (of a client's that is not what it says, if that is what is weighed); and still 512 MiB and a fifth of that if twice somebody whom no line shows had received a whole torrent, where that explains the most. Nothing is said of a swarm in which three users and half of those who uploaded did so, nor of bytes at all if a quarter of those who upload a GiB or more (and five) did",
    look_alikes: "receivers that this log does not show: another tracker or DHT for the same torrent, another front end of this tracker, peers whose lines are all lost",
    source: "conservation of bytes in a closed swarm; GreedyTorrent forum 2007; UNIT3D CheatedTorrentController",
    group: Some(Group::Bytes),
    conclude: Conclude::User(|case| {
        let excess = &case.bytes.against().certain;
        let much = excess.bytes > GIB && excess.bytes > case.bytes.weighed / 10;
        let sure = excess.unless_unseen() > (GIB / 2).max(excess.bytes / 5);
        (much && sure).then(|| finding(case, Severity::High, excess))
    }),
    message: |f| {
        format!(
            "{} of {} uploaded were received by nobody, in {}",
            f.size(),
            measure::bytes(f.amount.into()),
            if f.count == 1 { "one swarm".into() } else { format!("{} swarms", f.count) }
        )
    },
};

/// So many uploads to nobody are no chance.
const SEVERAL: u32 = 3;

pub static NO_RECIPIENT: Check = Check {
    name: "no-recipient",
    severity: Severity::Low,
    summary: "uploaded, again and again, while nobody else in the swarm can have received anything",
    formula: "credited uploads between two announces that no window touches in which anybody else received or may have; windows, and what may have been received in secret, are those of unreceived-upload",
    threshold: "three of 64 MiB or more, in swarms in which 64 MiB of the user's upload were received by nobody. Of 3,760 honest users of simulated trackers 7 have that: no evidence of its own for a verdict: unreceived-upload and excess-over-others weigh the same bytes, whole",
    look_alikes: "a leech whose lines are all lost, or who is on another tracker",
    source: "NexusPHP's check of uploads in swarms without leechers",
    group: None,
    conclude: Conclude::User(|case| {
        let against = case.bytes.against();
        let times = against.unattended_times;
        let finding = || finding(case, Severity::Low, &against.unattended);
        (times >= SEVERAL).then(|| Finding { count: u64::from(times), ..finding() })
    }),
    message: |f| {
        format!("{} were uploaded in {} intervals in which nobody can have received anything", f.size(), f.count)
    },
};

pub static EXCESS_OVER_OTHERS: Check = Check {
    name: "excess-over-others",
    severity: Severity::Medium,
    summary: "swarms balance without this user's upload, and do not with it",
    formula: "sum over swarms of: what cannot have been received of the upload of this user (or of his client that is not what it says, apart from his others) and of all trusted users together, less what cannot have been received of the trusted users' alone. Trusted is who is not needed to explain any excess, or whose swarms look like those of who is not. The odds sum over his swarms the logarithm of how much oftener a swarm looks like that for who fakes than for the trusted users of this log (its part without a receiver; whether secret receivers explain it; whether others have an excess there), each swarm at least -1.5 and at most 4, or 2.5 for less than 64 MiB",
    threshold: "odds above 7 (1,100 to 1) and more than 1 GiB, of which a fifth and 512 MiB are left if everybody who may have received in secret did, and 384 MiB of those outside the swarm with the most of them (swarms left aside in which the trusted alone have an excess as large as what he uploaded there); or odds above 15; and odds above 0 in 19 of 20 bootstraps over his swarms (as many of them drawn, each as often as it comes; 400 times). Low, which counts beside evidence of another kind only: odds above 7 alone, above 3 (20 to 1) with 128 MiB left so or more than half of the upload in excess, or above 2 (7 to 1) where the counters look made up (by what may be medium or more); from 512 MiB, and unless the counters look made up in two swarms, with 128 MiB too much in 39 of 40 bootstraps",
    look_alikes: "as with unreceived-upload; somebody trusted who is not to be trusted; a seeder whose leeches nearly all hide what they receive",
    source: "attribution over many swarms: GreedyTorrent forum 2007, by non-negative deconvolution and a trusted set",
    group: Some(Group::Bytes),
    conclude: Conclude::User(|case| {
        let against = case.bytes.against();
        let excess = &against.beside;
        let (odds, swarms) = (against.odds, &against.proved);
        let proved = swarms.bytes > (GIB / 2).max(excess.bytes / 5) && swarms.unless_worst() > ELSEWHERE;
        let looks = case.known.generated.looks(case.user);
        // What one swarm alone says is no hint, unless the counters look made up.
        let holds = looks || against.range.0 > GIB / 8;
        // Who is really there has receivers for the most of it.
        let most = excess.bytes > case.bytes.weighed / 2;
        let likely = odds > LIKELY && (most || swarms.unless_worst() > GIB / 8);
        let hint = odds > CONVINCING || likely || odds > SO_MUCH && looks;
        let severity =
            if excess.bytes > GIB && (odds > ALONE || odds > CONVINCING && proved) && against.least_odds > 0.0 {
                Severity::Medium
            } else if hint && holds && excess.bytes > GIB / 2 && (excess.swarms > 1 || looks) {
                Severity::Low
            } else {
                return None;
            };
        Some(finding(case, severity, excess))
    }),
    message: |f| {
        format!(
            "{} of {} uploaded find no receiver beside what trusted users sent, in {} swarms",
            f.size(),
            measure::bytes(f.amount.into()),
            f.count
        )
    },
};
