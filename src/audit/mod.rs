//! Findings: what does not add up, with the lines that prove it and the harmless thing that looks the same.
//!
//! Every check is a value in [`CHECKS`]; `explain`, the README's table and the reports read that registry. A family of
//! checks is a file: its `observe` notes what stands out in single announces while they are applied, the `conclude` of
//! each check judges a whole session once the log has been read, when interval, timeout and edges are known.

mod bytes;
mod client;
mod conduct;
mod counters;
mod cumulative;
mod dart;
mod events;
mod generated;
mod generator;
mod ghost;
mod identity;
mod leap;
mod line;
mod notes;
mod possession;
mod revert;
mod scaled;
mod sizes;
mod spike;
mod steady;
mod swarms;
mod timing;
mod twins;
mod verdict;
mod weights;

use bytes::{AllTraces, Doubts};
pub use bytes::{Balance, Course, SwarmBytes, UserBytes};
pub use client::{Class, Clients, in_words};
pub use conduct::HitAndRun;
pub use notes::{Counted, Mark, Marks, Notes, Watch};
pub use verdict::{Basis, Group, Judgement, Verdict};

use crate::announce::PeerId;
use crate::measure;
use crate::order::by_number;
use crate::replay::{Listener, Step, Story, User};
use crate::session::{Brief, Ending, Last, LineRef, Session};
use crate::share::{both, shared};
use crate::side::Side;
use crate::strings::Strings;
use crate::time::Time;
use generated::{Generated, Ground, Sign};
use identity::Crowds;
use notes::{marks_of, notes_of, watch_of};
use sizes::sizes;
use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;
use std::ops::Range;
use steady::all_rates;

/// How much a finding matters: by the harm it may mean, not by how odd it looks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Honest clients do it every day.
    Info,
    /// Worth knowing when there is something else.
    Low,
    /// Seldom honest; look at it.
    Medium,
    /// Cannot be honest, as far as the log is whole.
    High,
}

impl Severity {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        }
    }
}

/// One check.
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// The most severe it gets.
    pub severity: Severity,
    /// What it finds, in a line.
    pub summary: &'static str,
    /// How it is computed.
    pub formula: &'static str,
    /// From where on it is a finding.
    pub threshold: &'static str,
    /// What harmless thing looks the same.
    pub look_alikes: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
    /// Which evidence it is for a verdict on its user; `None` if it is none.
    pub group: Option<Group>,
    /// Judges a session.
    conclude: Conclude,
    /// Says it in a sentence.
    message: fn(&Finding) -> String,
}

enum Conclude {
    /// Looks at one session.
    Session(fn(&Case<'_>) -> Option<Finding>),
    /// Looks at one user's sessions.
    User(fn(&UserCase<'_>) -> Option<Finding>),
    /// Looks at all users together, most often at their counters, before anything is known of bytes. By user.
    Counters(fn(&Ground<'_>) -> HashMap<u32, Sign>),
}

/// Every check.
pub static CHECKS: &[&Check] = &[
    &events::MISSING_STOPPED,
    &events::UNDELIVERED_STOPPED,
    &events::MISSING_STARTED,
    &events::ANNOUNCE_AFTER_STOPPED,
    &events::DUPLICATE_STARTED,
    &events::COMPLETED_WITH_LEFT,
    &events::COMPLETED_WITHOUT_DOWNLOAD,
    &events::COMPLETED_REPEATED,
    &timing::PAUSE_GAP,
    &timing::STALLED,
    &timing::EARLY_ANNOUNCE,
    &timing::ANNOUNCE_FLOOD,
    &counters::COUNTER_RESET,
    &counters::NONZERO_START,
    &counters::LEFT_INCREASED,
    &counters::LEDGER_MISMATCH,
    &conduct::OVERSPEED,
    &line::FASTER_THAN_LINE,
    &conduct::HIT_AND_RUN,
    &ghost::GHOST_LEECH,
    &identity::MANY_ADDRESSES,
    &identity::SHARED_PASSKEY,
    &twins::PEER_ID_OF_OTHERS,
    &swarms::UNRECEIVED_UPLOAD,
    &swarms::EXCESS_OVER_OTHERS,
    &swarms::NO_RECIPIENT,
    &possession::UPLOAD_WITHOUT_POSSESSION,
    &generator::RESIDUE,
    &scaled::SCALED,
    &steady::STEADY_RATE,
    &steady::LEVEL_RATE,
    &cumulative::NOT_CUMULATIVE,
    &dart::WHOLE_AT_ONCE,
    &revert::STOPPED_REVERTS,
    &spike::SPIKE,
    &weights::JOAL_WEIGHTS,
    &leap::LEAP,
    &client::CLIENT_FORM,
    &client::CLIENT_NAME,
    &client::PEER_ID_CHECKSUM,
    &client::SHARED_PEER_ID,
    &client::STARTED_EVERY_TIME,
];

/// The check of that name.
pub fn check_named(name: &str) -> Option<&'static Check> {
    CHECKS.iter().copied().find(|c| c.name == name)
}

/// Something that does not add up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Which check, by its place in [`CHECKS`].
    check: u8,
    /// How much it matters here.
    pub severity: Severity,
    /// Whose, by number.
    pub user: u32,
    /// The session, by its place in the story; `None` if it is about the user as a whole.
    pub session: Option<u32>,
    /// From when.
    pub from: Option<Time>,
    /// Until when.
    pub to: Option<Time>,
    /// The bytes in question, if it is about bytes.
    pub bytes: Option<u64>,
    /// How often, or how many.
    pub count: u64,
    /// Another number that the message needs: seconds, most often.
    pub amount: u64,
    /// The lines that prove it.
    pub evidence: Vec<LineRef>,
}

impl Finding {
    /// The check that found it.
    pub fn check(&self) -> &'static Check {
        CHECKS[usize::from(self.check)]
    }

    /// The finding in a sentence.
    pub fn message(&self) -> String {
        (self.check().message)(self)
    }

    /// The order in which findings are told.
    fn worst_first(&self, other: &Finding) -> Ordering {
        let order = |f: &Finding| (Reverse(f.severity), f.check, Reverse(f.bytes), f.from, f.user, f.session);
        order(self).cmp(&order(other))
    }

    /// Its bytes, for people.
    fn size(&self) -> String {
        measure::bytes(self.bytes.unwrap_or(0).into())
    }
}

/// One session, and all that there is to judge it by.
pub struct Case<'a> {
    session: &'a Session,
    ending: Ending,
    notes: Option<&'a Notes>,
    story: &'a Story,
}

impl Case<'_> {
    fn peer_id(&self) -> &PeerId {
        self.story.peer_id(self.session.peer)
    }

    fn interval(&self) -> u32 {
        self.story.settings.interval
    }

    fn marks(&self) -> Option<&Marks> {
        self.notes?.marks()
    }

    fn mark(&self, mark: fn(&Marks) -> &Option<Box<Mark>>) -> Option<&Mark> {
        mark(self.marks()?).as_deref()
    }

    /// The log covers so much time before the session's first line that an earlier announce of it would be there: more
    /// than a timeout.
    fn beginning_is_covered(&self) -> bool {
        let covered = |(first, start): (Time, Time)| first.since(start) > i64::from(self.story.settings.timeout) * 1000;
        self.session.first_at.zip(self.story.log_start).is_some_and(covered)
    }

    /// A finding from the session's first line to its last.
    fn finding(&self, severity: Severity, evidence: Vec<LineRef>) -> Option<Finding> {
        Some(Finding {
            check: 0,
            severity,
            user: self.session.user,
            session: Some(0),
            from: self.session.first_at,
            to: self.session.last_at,
            bytes: None,
            count: 1,
            amount: 0,
            evidence,
        })
    }

    /// A finding for what was marked.
    fn marked(&self, severity: Severity, mark: &Mark) -> Option<Finding> {
        let finding = self.finding(severity, mark.lines.clone())?;
        let bytes = (mark.bytes > 0).then_some(mark.bytes);
        Some(Finding {
            from: mark.from,
            to: mark.to,
            bytes,
            count: u64::from(mark.count),
            amount: mark.amount,
            ..finding
        })
    }
}

/// One user, and all that there is to judge it by.
pub struct UserCase<'a> {
    user: u32,
    bytes: &'a UserBytes,
    /// The places of the sessions in the story.
    places: &'a [u32],
    known: &'a Known<'a>,
    story: &'a Story,
}

impl UserCase<'_> {
    /// The user.
    pub fn user(&self) -> &User {
        &self.story.users[self.user as usize]
    }

    /// Those of the sessions of which what is asked again and again passes a test, put together.
    fn sessions(&self, wanted: impl Fn(&Brief) -> bool) -> Vec<Session> {
        let wanted = |at: &&u32| wanted(self.story.sessions.brief(**at as usize));
        self.places.iter().filter(wanted).map(|at| self.story.sessions.get(*at as usize)).collect()
    }

    /// The places of the sessions, those of a torrent together.
    fn by_torrent(&self) -> Vec<Vec<u32>> {
        let torrent = |at: &u32| self.story.sessions.brief(*at as usize).torrent;
        let mut places = self.places.to_vec();
        places.sort_by_key(torrent);
        places.chunk_by(|a, b| torrent(a) == torrent(b)).map(<[u32]>::to_vec).collect()
    }

    /// A finding on the user, from the first line of some of the sessions to the last. Of those, the first few are evidence.
    fn finding(&self, severity: Severity, sessions: &[Session]) -> Finding {
        let mut evidence: Vec<LineRef> =
            sessions.iter().take(Self::CITED).flat_map(|session| [session.first_line, session.last_line]).collect();
        evidence.sort_unstable();
        evidence.dedup();
        Finding {
            check: 0,
            severity,
            user: self.user,
            session: None,
            from: sessions.iter().filter_map(|session| session.first_at).min(),
            to: sessions.iter().filter_map(|session| session.last_at).max(),
            bytes: None,
            count: sessions.len() as u64,
            amount: 0,
            evidence,
        }
    }

    /// A finding for a sign that the user's counters are made up.
    fn signed(&self, sign: &Sign) -> Finding {
        let sessions: Vec<Session> = self.story.sessions.at(&sign.places).collect();
        let mut finding = self.finding(sign.severity, &sessions);
        (finding.bytes, finding.count, finding.amount) = (Some(sign.bytes), sign.count, sign.amount);
        if !sign.lines.is_empty() {
            finding.evidence = sign.lines.clone();
        }
        finding
    }

    /// So many sessions are cited.
    const CITED: usize = 4;
}

/// What an audit is to go by.
#[derive(Clone, Copy, Default, Debug)]
pub struct Terms {
    /// What was over before is not looked for.
    pub since: Option<Time>,
    /// What the tracker asks of who downloads.
    pub hit_and_run: HitAndRun,
    /// Of so many swarms it is to be shown how their uploads may have found receivers.
    pub courses: usize,
}

/// What there is to say about a log.
#[derive(Default, Debug)]
pub struct Audit {
    /// All findings, worst first.
    pub findings: Vec<Finding>,
    /// What they come to, by user.
    pub judgements: Vec<Judgement>,
    /// What bytes say, by torrent.
    pub swarms: Vec<SwarmBytes>,
    /// How uploads may have found their receivers, by torrent, of as many swarms as was asked for.
    pub courses: HashMap<u32, Course>,
    /// Who runs what.
    pub clients: Clients,
}

/// What is made of so few sessions takes little room: several things at once may be. Of more, one after the other, each by all threads.
const FEW: usize = 1 << 17;

/// Audits a story, on so many threads. `watches` are the listeners of the engines that its parts came from; `kept` is what they
/// kept of the sessions; `side` is what the site knows.
pub fn audit(
    story: &Story,
    mut watches: Vec<Watch>,
    kept: Strings,
    side: &Side,
    terms: &Terms,
    threads: usize,
) -> Audit {
    let traces = AllTraces::new(kept);
    let others = || (sizes(story, side, threads), all_rates(story, &traces, threads));
    let (clients, (sizes, rates)) = both(threads, || Clients::of(story, threads), others);
    let ground =
        Ground { story, watches: &watches, traces: &traces, clients: &clients, sizes: &sizes, rates: &rates, threads };
    let generated = Generated::new(&ground);
    let starts_anew = |at| {
        let session = story.sessions.brief(at);
        client::started_every_time(marks_of(&watches, session), session.announces).is_some()
    };
    let doubts = Doubts {
        users: (0..story.users.len() as u32).map(|user| generated.looks(user)).collect(),
        sessions: shared(story.sessions.len(), threads, |range| {
            range.map(|at| clients.wrong(at) != 0 || starts_anew(at)).collect()
        }),
    };
    drop(rates);
    watches.iter_mut().for_each(Watch::drop_kinds);
    let watches = &watches[..];
    let of_sessions = |threads| {
        let mut found = shared(story.sessions.len(), threads, |range| about_sessions(story, watches, range));
        // What is sorted already is soon sorted with the rest.
        found.sort_by(Finding::worst_first);
        (found, identity::crowds(story, &clients, threads))
    };
    let few = story.sessions.len() < FEW;
    let (balance, early) =
        bytes::balance(story, &traces, &sizes, &doubts, terms.courses, threads, || few.then(|| of_sessions(1)));
    let (found, crowds) = early.unwrap_or_else(|| of_sessions(threads));
    let known = Known { terms, side, traces: &traces, balance: &balance, clients: &clients, sizes, crowds, generated };
    let findings = findings(story, &known, found, threads);
    let judgements = verdict::judge(story, &balance, &findings, &known.generated);
    Audit { findings, judgements, swarms: balance.swarms, courses: balance.courses, clients }
}

/// What is known of the whole log before single users are looked at.
struct Known<'a> {
    terms: &'a Terms,
    side: &'a Side,
    /// By session.
    traces: &'a AllTraces,
    balance: &'a Balance,
    clients: &'a Clients,
    /// By torrent.
    sizes: Vec<Option<u64>>,
    crowds: Crowds,
    generated: Generated,
}

/// The places of all sessions, those of a user together, each user's in the order of the story.
fn by_user(story: &Story) -> Vec<u32> {
    let mut places: Vec<(u32, u32)> = story.sessions.briefs().iter().map(|session| session.user).zip(0..).collect();
    by_number(&mut places, |(user, _)| *user);
    places.into_iter().map(|(_, at)| at).collect()
}

/// All findings, in their order; `found` are those in single sessions.
fn findings(story: &Story, known: &Known<'_>, mut found: Vec<Finding>, threads: usize) -> Vec<Finding> {
    let (by_user, since) = (by_user(story), known.terms.since);
    let user = |at: u32| story.sessions.brief(at as usize).user;
    let users: Vec<_> = by_user.chunk_by(|a, b| user(*a) == user(*b)).collect();
    found.extend(shared(users.len(), threads, |range| about_users(story, known, &users[range])));
    // What was over before the span asked for is not asked for.
    found.retain(|f| since.is_none() || f.to.max(f.from).is_none_or(|to| Some(to) >= since));
    found.sort_by(Finding::worst_first);
    found
}

/// What the checks find in single sessions.
fn about_sessions(story: &Story, watches: &[Watch], sessions: Range<usize>) -> Vec<Finding> {
    let mut found = Vec::new();
    for at in sessions {
        let session = story.sessions.get(at);
        let notes = notes_of(watches, story.sessions.brief(at));
        let case = Case { session: &session, ending: story.ending(at, &session), notes, story };
        for (check, conclude) in CHECKS.iter().enumerate() {
            let Conclude::Session(conclude) = conclude.conclude else { continue };
            if let Some(finding) = conclude(&case) {
                found.push(Finding { check: check as u8, session: Some(at as u32), ..finding });
            }
        }
    }
    found
}

/// What the checks find in all sessions of a user together.
fn about_users(story: &Story, known: &Known<'_>, users: &[&[u32]]) -> Vec<Finding> {
    let mut found = Vec::new();
    for user in users {
        let number = story.sessions.brief(user[0] as usize).user;
        let bytes = &known.balance.users[number as usize];
        let case = UserCase { user: number, bytes, places: user, known, story };
        for (check, conclude) in CHECKS.iter().enumerate() {
            let finding = match conclude.conclude {
                Conclude::Session(_) => None,
                Conclude::User(conclude) => conclude(&case),
                Conclude::Counters(_) => known.generated.sign(check, number).map(|sign| case.signed(sign)),
            };
            found.extend(finding.map(|finding| Finding { check: check as u8, ..finding }));
        }
    }
    found
}

impl Listener for Watch {
    type Kept = Counted;

    fn put_aside(&mut self, counted: &mut Counted, to: &mut Vec<u8>) {
        self.write_down(counted, to);
    }

    fn take_up(&mut self, kept: &[u8]) -> Counted {
        self.read_again(kept)
    }

    fn fetch(&self, counted: &Counted) {
        self.fetch_behind(counted);
    }

    fn ended(&mut self, session: &Session, last: &Last) {
        self.end(session, last);
    }

    fn applied(&mut self, step: &Step<'_>, counted: &mut Counted) {
        events::observe(step, self);
        counters::observe(step, self);
        cumulative::observe(step, self);
        revert::observe(step, self);
        spike::observe(step, self);
        conduct::observe(step, self);
        timing::observe(step, self);
        self.count(step, counted);
    }

    /// Nothing stands out in what says nothing new.
    fn hears_all(&self) -> bool {
        false
    }
}

/// `once`, `twice`, `5 times`.
fn times(count: u64) -> String {
    match count {
        1 => "once".into(),
        2 => "twice".into(),
        n => format!("{n} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_whole() {
        for (at, check) in CHECKS.iter().enumerate() {
            assert_eq!(CHECKS.iter().position(|c| c.name == check.name), Some(at), "{} is there twice", check.name);
            assert!(check.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
            for text in [check.summary, check.formula, check.threshold, check.look_alikes, check.source] {
                assert!(text.len() > 4, "{} says nothing", check.name);
            }
        }
    }
}
