//! What all findings on a user come to.

use super::bytes::Balance;
use super::generated::Generated;
use super::{Conclude, Finding, Severity};
use crate::replay::Story;

/// Kinds of evidence. One kind alone never proves a lie: what looks wrong in one way may have one harmless cause.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Group {
    /// Bytes that cannot exist.
    Bytes,
    /// Requests that the named client does not send.
    Protocol,
    /// Arithmetic that only a generator does. By itself it proves nothing about bytes, unless it is beyond chance (high).
    Generator,
}

/// What the log says about a user, from nothing to the worst.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Verdict {
    /// The log does not tell.
    #[default]
    Unknown,
    /// Nothing was found.
    Clear,
    /// The client is not what it says it is; that is no proof of wrong counters.
    ClientMismatch,
    /// Bytes were claimed that cannot exist; who or what made them, the log does not tell.
    Unexplained,
    /// Two kinds of evidence, one of them bytes or a generator's arithmetic.
    LikelyFaked,
}

impl Verdict {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Unknown => "unknown",
            Verdict::Clear => "clear",
            Verdict::ClientMismatch => "client-mismatch",
            Verdict::Unexplained => "unexplained",
            Verdict::LikelyFaked => "likely-faked",
        }
    }
}

/// What unexplained upload rests on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Basis {
    /// Nobody in the log can have received it.
    Receivers,
    /// The counters grow as only a generator makes them.
    Arithmetic,
}

impl Basis {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Basis::Receivers => "receivers",
            Basis::Arithmetic => "arithmetic",
        }
    }
}

/// A verdict, and what it rests on.
#[derive(Clone, Default, Debug)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Bytes of upload that cannot exist: that nobody can have received, or that the counters' arithmetic says were made up if it
    /// is beyond chance or there is evidence of another kind, too; 0 if none are named.
    pub unexplained: u64,
    /// What that rests on, if there is any.
    pub basis: Option<Basis>,
    /// If it rests on receivers: what it may be, 95 of 100 times, had other swarms of the user been drawn (a bootstrap). In bytes.
    pub range: Option<(u64, u64)>,
    /// The least that is faked, as far as the log is whole, and the most that can be: all upload, since what does find a receiver
    /// may have been sent by others. In bytes.
    pub estimate: (u64, u64),
    /// The checks that it rests on.
    pub reasons: Vec<&'static str>,
    /// How much likelier it is of who fakes that all this is found: a natural logarithm, summed up over findings by what those of
    /// their severity say at least, each kind of evidence capped.
    pub score: f64,
    /// The weightiest finding, in words.
    why: String,
}

impl Judgement {
    /// One line of why.
    pub fn why(&self) -> String {
        match self.verdict {
            Verdict::Clear if self.why.is_empty() => "nothing was found".into(),
            _ => self.why.clone(),
        }
    }
}

/// No kind of evidence counts for more.
const CAP: f64 = 8.0;
/// Fewer announces say nothing.
const THIN: u32 = 4;

/// How much a finding says: a natural logarithm. In simulated logs (`evaluate` prints them) it is the least that a check of that
/// severity has, rounded down, where the honest have it as often as is still likely.
fn weight(severity: Severity) -> f64 {
    match severity {
        Severity::Info => 0.0,
        Severity::Low => 1.0,
        Severity::Medium => 3.5,
        Severity::High => 4.5,
    }
}

/// Judges every user.
pub fn judge(story: &Story, balance: &Balance, findings: &[Finding], generated: &Generated) -> Vec<Judgement> {
    let users = story.users.len();
    let (mut announces, mut uploaded) = (vec![0u32; users], vec![0u64; users]);
    for session in story.sessions.briefs() {
        let (count, sum) = (&mut announces[session.user as usize], &mut uploaded[session.user as usize]);
        *count = count.saturating_add(session.announces);
        *sum = sum.saturating_add(session.credit.up);
    }
    let mut counting: Vec<Vec<&Finding>> = vec![Vec::new(); users];
    for finding in findings.iter().filter(|finding| finding.check().group.is_some()) {
        counting[finding.user as usize].push(finding);
    }
    (0..users)
        .map(|user| {
            let mut judgement = verdict_on(&counting[user]);
            if judgement.verdict == Verdict::Clear
                && let Some(why) = why_unknown(announces[user], story.users[user].is_passkey, story, balance)
            {
                judgement = Judgement { verdict: Verdict::Unknown, why: why.into(), ..judgement };
            }
            if judgement.verdict >= Verdict::Unexplained {
                let against = balance.users[user].against();
                let made_up = generated.made_up(user as u32);
                // Where arithmetic says what was made up, a hint from the swarms does not say better.
                let unreceived = match made_up {
                    1.. if !in_swarms(&counting[user]) => 0,
                    _ => against.certain.unless_unseen().max(against.too_much),
                };
                judgement.unexplained = unreceived.max(made_up);
                let basis = if made_up > unreceived { Basis::Arithmetic } else { Basis::Receivers };
                judgement.basis = (judgement.unexplained > 0).then_some(basis);
                let of_receivers = judgement.basis == Some(Basis::Receivers) && against.range.1 > 0;
                judgement.range = of_receivers.then(|| {
                    let (low, high) = against.range;
                    let low = low.max(against.certain.unless_unseen()).min(judgement.unexplained);
                    (low, high.max(judgement.unexplained).min(uploaded[user]))
                });
                // What does find a receiver may be made up as well: others may have sent it.
                judgement.estimate = (judgement.unexplained.min(uploaded[user]), uploaded[user]);
            }
            judgement
        })
        .collect()
}

/// Why nothing can be said of a user, if nothing can.
fn why_unknown(announces: u32, is_passkey: bool, story: &Story, balance: &Balance) -> Option<&'static str> {
    if announces < THIN {
        Some("too few announces to say")
    } else if !is_passkey {
        // A user is an address then, and whoever announces there: no closed swarm.
        Some("the log names no users")
    } else if story.log_end.is_none() {
        Some("the log has no times")
    } else if balance.open {
        Some(
            "too much upload, or that of too many users, has no receiver in this log: some front end or tracker is missing from it",
        )
    } else {
        None
    }
}

/// Whether the swarms say more than a hint.
fn in_swarms(findings: &[&Finding]) -> bool {
    let of_counters = |f: &Finding| matches!(f.check().conclude, Conclude::Counters(_));
    let of_swarms = |f: &&&Finding| f.check().group == Some(Group::Bytes) && !of_counters(f);
    findings.iter().filter(of_swarms).any(|f| f.severity >= Severity::Medium)
}

/// How severe the worst finding of a group is; `None` if there is none.
fn strongest(findings: &[&Finding], group: Group) -> Option<Severity> {
    findings.iter().filter(|f| f.check().group == Some(group)).map(|f| f.severity).max()
}

fn verdict_on(findings: &[&Finding]) -> Judgement {
    let mut kinds: Vec<(Group, f64)> = Vec::new();
    for finding in findings {
        let Some(group) = finding.check().group else { continue };
        let weight = weight(finding.severity);
        match kinds.iter_mut().find(|kind| kind.0 == group) {
            Some(kind) => kind.1 += weight,
            None => kinds.push((group, weight)),
        }
    }
    let has = |group: Group| kinds.iter().any(|kind| kind.0 == group && kind.1 >= weight(Severity::Medium));
    // What alone proves nothing does so beside evidence of another kind: bytes and arithmetic, not protocol.
    let (bytes, generator) = (strongest(findings, Group::Bytes).is_some(), strongest(findings, Group::Generator));
    // One or two honest users in a hundred have counters that look odd, whatever they run: there it takes bytes.
    let odd = generator > Some(Severity::Info);
    // Counters that no count can have had say that bytes were made up, if not who did it.
    let proved = generator == Some(Severity::High);
    let verdict = if bytes && generator.is_some() || has(Group::Protocol) && (bytes || odd) {
        Verdict::LikelyFaked
    } else if has(Group::Bytes) || proved {
        Verdict::Unexplained
    } else if has(Group::Protocol) {
        Verdict::ClientMismatch
    } else {
        Verdict::Clear
    };
    let mut reasons: Vec<&'static str> = findings.iter().map(|finding| finding.check().name).collect();
    reasons.dedup();
    Judgement {
        verdict,
        reasons,
        score: kinds.iter().fold(0.0, |sum, kind| sum + kind.1.min(CAP)),
        why: findings.first().map(|finding| finding.message()).unwrap_or_default(),
        ..Judgement::default()
    }
}
