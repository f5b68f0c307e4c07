//! The model: one struct for each kind of row, which every output prints. The field names are the JSON's.

use super::View;
use super::text::sparkline;
use crate::account::{Account, Keep, Point};
use crate::announce::{InfoHash, client_of, printable};
use crate::audit::{Check, Finding, Severity};
use crate::replay::{Step, User};
use crate::session::{Counters, LineRef, Listed, Status, ghost};
use crate::time::Time;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// A row that every output can print.
pub trait Row: Serialize + Sized {
    /// What it is, in `ndjson` and `csv`.
    const TYPE: &'static str;
    /// Its columns.
    fn columns() -> Vec<Column<Self>>;
}

/// A column of a table.
pub struct Column<R> {
    /// Its name in CSV, and (with spaces) as a heading.
    pub name: &'static str,
    /// Programs see it.
    pub exact: bool,
    /// People see it.
    pub shown: bool,
    /// The value of a row.
    pub cell: fn(&R) -> Cell,
}

/// A column for everybody.
fn shown<R>(name: &'static str, cell: fn(&R) -> Cell) -> Column<R> {
    Column { name, exact: true, shown: true, cell }
}

/// A column for programs: it would only crowd a screen.
fn exact<R>(name: &'static str, cell: fn(&R) -> Cell) -> Column<R> {
    Column { name, exact: true, shown: false, cell }
}

/// A column for people: it shortens or draws what others tell exactly.
fn brief<R>(name: &'static str, cell: fn(&R) -> Cell) -> Column<R> {
    Column { name, exact: false, shown: true, cell }
}

/// A value, printed exactly for programs and readably for people.
pub enum Cell {
    /// Words.
    Text(String),
    /// Bytes.
    Bytes(u128),
    /// Bytes, if known.
    MaybeBytes(Option<u64>),
    /// A count.
    Count(u64),
    /// A ratio.
    Ratio(Option<f64>),
    /// A time.
    Time(At),
    /// How much a finding matters.
    Severity(Severity),
}

/// A time, if there is one; printed with milliseconds if the log has them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// The time.
    pub time: Option<Time>,
    /// The log has fractions of a second.
    pub millis: bool,
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.time {
            Some(time) => s.collect_str(&time.rfc3339(self.millis)),
            None => s.serialize_none(),
        }
    }
}

struct Shown<T>(T);

impl<T: std::fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

fn hex<S: Serializer>(hash: &InfoHash, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(hash)
}

fn severity<S: Serializer>(severity: &Severity, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(severity.name())
}

impl View<'_> {
    fn at(&self, time: Option<Time>) -> At {
        At { time, millis: self.input.tally.millis }
    }

    fn place(&self, line: LineRef) -> Place<'_> {
        Place { source: self.input.sources.get(line.source()).map_or("?", |s| s.name.as_str()), line: line.line() }
    }
}

/// A line of a source.
#[derive(Serialize, Clone, Copy)]
pub struct Place<'a> {
    source: &'a str,
    line: u64,
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.source, self.line)
    }
}

/// The settings.
#[derive(Serialize)]
pub struct SettingsRow {
    interval_s: u32,
    interval_from: &'static str,
    timeout_s: u32,
    completed: &'static str,
}

impl SettingsRow {
    pub(super) fn new(view: &View<'_>) -> Self {
        let settings = &view.story.settings;
        SettingsRow {
            interval_s: settings.interval,
            interval_from: settings.interval_from.name(),
            timeout_s: settings.timeout,
            completed: match settings.completed {
                crate::session::Completed::Removes => "removes",
                crate::session::Completed::Seeds => "seeds",
            },
        }
    }
}

/// What was read.
#[derive(Serialize)]
pub struct Inputs<'a> {
    sources: Vec<InputRow<'a>>,
    lines: u64,
    announces: u64,
    duplicates: u64,
    undelivered: u64,
    scrapes: u64,
    other: u64,
    rejected: u64,
    continuations: u64,
    rejected_by_reason: BTreeMap<&'static str, u64>,
    rejected_examples: Vec<Example<'a>>,
    first_at: At,
    last_at: At,
}

/// A source.
#[derive(Serialize)]
pub struct InputRow<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its format; `None` if no line fits any.
    pub format: Option<&'static str>,
    /// Bytes read.
    pub bytes: u64,
    /// Physical lines.
    pub lines: u64,
}

#[derive(Serialize)]
struct Example<'a> {
    source: &'a str,
    line: u64,
    reason: &'static str,
}

impl<'a> Inputs<'a> {
    pub(super) fn new(view: &'a View<'_>) -> Self {
        let tally = &view.input.tally;
        let example = |&(line, reason): &(LineRef, crate::announce::Reason)| {
            let place = view.place(line);
            Example { source: place.source, line: place.line, reason: reason.name() }
        };
        Inputs {
            sources: (view.input.sources.iter())
                .map(|s| InputRow { name: &s.name, format: s.format, bytes: s.bytes, lines: s.lines })
                .collect(),
            lines: tally.lines,
            announces: tally.delivered - view.story.duplicates,
            duplicates: view.story.duplicates,
            undelivered: tally.undelivered,
            scrapes: tally.scrapes,
            other: tally.other,
            rejected: tally.rejected,
            continuations: tally.continuations,
            rejected_by_reason: tally.reasons.iter().map(|(reason, n)| (reason.name(), *n)).collect(),
            rejected_examples: tally.examples.iter().map(example).collect(),
            first_at: view.at(tally.first_at),
            last_at: view.at(tally.last_at),
        }
    }

    /// What was read, in words.
    pub(super) fn sentences(&self) -> Vec<String> {
        let count = |n: u64, what: &str| (n > 0).then(|| format!("{n} {what}"));
        let mut fates = vec![format!("{} announces", self.announces)];
        fates.extend(count(self.duplicates, "duplicates"));
        fates.extend(count(self.undelivered, "refused by the server"));
        fates.extend(count(self.scrapes, "scrapes"));
        fates.extend(count(self.other, "other"));
        fates.extend(count(self.rejected, "rejected"));
        fates.extend(count(self.continuations, "continuations"));
        let mut out: Vec<String> = (self.sources.iter())
            .take(10)
            .map(|s| {
                let size = super::text::bytes(u128::from(s.bytes));
                format!("{}: {}, {size}, {} lines", s.name, s.format.unwrap_or("no format fits"), s.lines)
            })
            .collect();
        if self.sources.len() > 10 {
            out.push(format!("... and {} more sources", self.sources.len() - 10));
        }
        out.push(format!("{} lines = {}", self.lines, fates.join(" + ")));
        for (reason, n) in &self.rejected_by_reason {
            let places = self.rejected_examples.iter().filter(|e| e.reason == *reason);
            let places: Vec<_> = places.map(|e| Place { source: e.source, line: e.line }.to_string()).collect();
            out.push(format!("  {n} rejected: {reason} ({}{})", places.join(", "), if *n > 3 { ", ..." } else { "" }));
        }
        if let Some((first, last)) = self.first_at.time.zip(self.last_at.time) {
            let millis = self.first_at.millis;
            out.push(format!("{} to {}", first.rfc3339(millis), last.rfc3339(millis)));
        }
        out
    }
}

/// A point of a timeline.
#[derive(Serialize)]
pub struct PointRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    at: At,
    uploaded: u64,
    downloaded: u64,
    ratio: Option<f64>,
}

impl<'a> PointRow<'a> {
    /// The ratio at that time.
    pub fn ratio(&self) -> Option<f64> {
        self.ratio
    }

    fn new(user: Option<&'a str>, point: &Point, millis: bool) -> Self {
        PointRow {
            user,
            at: At { time: point.at, millis },
            uploaded: point.uploaded,
            downloaded: point.downloaded,
            ratio: point.ratio(),
        }
    }
}

impl Row for PointRow<'_> {
    const TYPE: &'static str = "point";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("user", |r| Cell::Text(r.user.unwrap_or_default().into())),
            shown("at", |r| Cell::Time(r.at)),
            shown("uploaded", |r| Cell::Bytes(r.uploaded.into())),
            shown("downloaded", |r| Cell::Bytes(r.downloaded.into())),
            shown("ratio", |r| Cell::Ratio(r.ratio)),
        ]
    }
}

struct Timeline<'a> {
    account: &'a Account,
    keep: Keep,
    millis: bool,
}

impl Serialize for Timeline<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut seq = s.serialize_seq(None)?;
        for point in self.account.timeline(self.keep) {
            seq.serialize_element(&PointRow::new(None, &point, self.millis))?;
        }
        seq.end()
    }
}

/// A user.
#[derive(Serialize)]
pub struct UserRow<'a> {
    user: String,
    uploaded: u128,
    downloaded: u128,
    ratio: Option<f64>,
    announces: u64,
    sessions: u32,
    torrents: u64,
    leeching: u32,
    seeding: u32,
    addresses: u64,
    timeline: Timeline<'a>,
}

impl<'a> UserRow<'a> {
    pub(super) fn new(view: &'a View<'_>, number: usize) -> Self {
        let user: &User = &view.story.users[number];
        let sum = &view.sums[number];
        let totals = user.account.totals;
        UserRow {
            user: view.name(user),
            uploaded: totals.uploaded,
            downloaded: totals.downloaded,
            ratio: totals.ratio(),
            announces: sum.announces,
            sessions: sum.sessions,
            torrents: sum.torrents.len() as u64,
            leeching: sum.leeching,
            seeding: sum.seeding,
            addresses: sum.addresses.len() as u64,
            timeline: Timeline { account: &user.account, keep: view.story.keep, millis: view.input.tally.millis },
        }
    }

    /// The user's name in print.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The points of the timeline, as rows of their own.
    pub fn points(&self) -> impl Iterator<Item = PointRow<'_>> {
        let millis = self.timeline.millis;
        self.timeline
            .account
            .timeline(self.timeline.keep)
            .map(move |point| PointRow::new(Some(&self.user), &point, millis))
    }

    fn curve(&self) -> String {
        let x = |at: usize, p: &Point| p.at.map_or(at as f64, |t| t.millis() as f64);
        let points = self.timeline.account.timeline(self.timeline.keep).enumerate();
        let values: Vec<(f64, f64)> = points.map(|(at, p)| (x(at, &p), p.ratio().unwrap_or(0.0))).collect();
        if values.iter().all(|v| v.1 == 0.0) { String::new() } else { sparkline(&values, 12) }
    }
}

impl Row for UserRow<'_> {
    const TYPE: &'static str = "user";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("user", |r| Cell::Text(r.user.clone())),
            shown("uploaded", |r| Cell::Bytes(r.uploaded)),
            shown("downloaded", |r| Cell::Bytes(r.downloaded)),
            shown("ratio", |r| Cell::Ratio(r.ratio)),
            brief("ratio_over_time", |r| Cell::Text(r.curve())),
            shown("announces", |r| Cell::Count(r.announces)),
            shown("sessions", |r| Cell::Count(r.sessions.into())),
            exact("torrents", |r| Cell::Count(r.torrents)),
            shown("leeching", |r| Cell::Count(r.leeching.into())),
            shown("seeding", |r| Cell::Count(r.seeding.into())),
            exact("addresses", |r| Cell::Count(r.addresses)),
        ]
    }
}

/// A torrent.
#[derive(Serialize)]
pub struct TorrentRow {
    #[serde(serialize_with = "hex")]
    info_hash: InfoHash,
    uploaded: u128,
    downloaded: u128,
    size: Option<u64>,
    users: u32,
    sessions: u32,
    leeching: u32,
    seeding: u32,
}

impl TorrentRow {
    pub(super) fn new(view: &View<'_>, number: usize) -> Self {
        let swarm = &view.swarms[number];
        TorrentRow {
            info_hash: view.story.torrents[number],
            uploaded: swarm.totals.uploaded,
            downloaded: swarm.totals.downloaded,
            size: swarm.size,
            users: swarm.users,
            sessions: swarm.sessions,
            leeching: swarm.leeching,
            seeding: swarm.seeding,
        }
    }
}

impl Row for TorrentRow {
    const TYPE: &'static str = "torrent";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("info_hash", |r| Cell::Text(r.info_hash.to_string())),
            shown("uploaded", |r| Cell::Bytes(r.uploaded)),
            shown("downloaded", |r| Cell::Bytes(r.downloaded)),
            shown("size", |r| Cell::MaybeBytes(r.size)),
            shown("users", |r| Cell::Count(r.users.into())),
            shown("sessions", |r| Cell::Count(r.sessions.into())),
            shown("leeching", |r| Cell::Count(r.leeching.into())),
            shown("seeding", |r| Cell::Count(r.seeding.into())),
        ]
    }
}

#[derive(Serialize)]
struct Stretch {
    from: At,
    to: At,
    status: &'static str,
}

/// A session.
#[derive(Serialize)]
pub struct SessionRow<'a> {
    id: u64,
    user: String,
    #[serde(serialize_with = "hex")]
    info_hash: InfoHash,
    peer_id: String,
    key: String,
    client: String,
    addresses: Vec<String>,
    started_at: At,
    last_at: At,
    ended_at: At,
    end: &'static str,
    completed_at: At,
    announces: u32,
    uploaded: u64,
    downloaded: u64,
    left: Option<u64>,
    listing: Vec<Stretch>,
    first_line: Place<'a>,
    last_line: Place<'a>,
}

impl<'a> SessionRow<'a> {
    pub(super) fn new(view: &'a View<'_>, index: usize) -> Self {
        let story = view.story;
        let (session, ending) = (&story.sessions[index], &story.endings[index]);
        let credit = session.state.credit();
        let text = |number: u32| printable(story.names.name(number)).to_string();
        SessionRow {
            id: index as u64 + 1,
            user: view.name(story.user(session)),
            info_hash: story.torrents[session.torrent as usize],
            peer_id: story.peer_id(session).to_string(),
            key: text(session.key),
            client: client_of(story.peer_id(session).bytes()).to_string(),
            addresses: session.addresses().filter(|seen| seen.address != 0).map(|seen| text(seen.address)).collect(),
            started_at: view.at(session.first_at),
            last_at: view.at(session.last_at),
            ended_at: view.at(ending.at),
            end: ending.end.name(),
            completed_at: view.at(session.state.completed_at),
            announces: session.announces,
            uploaded: credit.up,
            downloaded: credit.down,
            left: session.state.left,
            listing: (story.listing(index).iter())
                .map(|l| Stretch { from: view.at(l.from), to: view.at(l.to), status: l.status.name() })
                .collect(),
            first_line: view.place(session.first_line),
            last_line: view.place(session.last_line),
        }
    }
}

impl Row for SessionRow<'_> {
    const TYPE: &'static str = "session";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("id", |r| Cell::Count(r.id)),
            shown("user", |r| Cell::Text(r.user.clone())),
            exact("info_hash", |r| Cell::Text(r.info_hash.to_string())),
            brief("torrent", |r| Cell::Text(r.info_hash.to_string()[..12].into())),
            exact("peer_id", |r| Cell::Text(r.peer_id.clone())),
            exact("key", |r| Cell::Text(r.key.clone())),
            shown("client", |r| Cell::Text(r.client.clone())),
            exact("addresses", |r| Cell::Text(r.addresses.join(" "))),
            shown("started_at", |r| Cell::Time(r.started_at)),
            exact("last_at", |r| Cell::Time(r.last_at)),
            shown("ended_at", |r| Cell::Time(r.ended_at)),
            shown("end", |r| Cell::Text(r.end.into())),
            exact("completed_at", |r| Cell::Time(r.completed_at)),
            shown("announces", |r| Cell::Count(r.announces.into())),
            shown("uploaded", |r| Cell::Bytes(r.uploaded.into())),
            shown("downloaded", |r| Cell::Bytes(r.downloaded.into())),
            shown("left", |r| Cell::MaybeBytes(r.left)),
            exact("first_line", |r| Cell::Text(r.first_line.to_string())),
            exact("last_line", |r| Cell::Text(r.last_line.to_string())),
        ]
    }
}

/// A finding.
#[derive(Serialize)]
pub struct AnomalyRow<'a> {
    check: &'static str,
    #[serde(serialize_with = "severity")]
    severity: Severity,
    user: String,
    info_hash: Option<Hash>,
    session: Option<u64>,
    from: At,
    to: At,
    bytes: Option<u64>,
    message: String,
    evidence: Vec<Place<'a>>,
}

struct Hash(InfoHash);

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        Shown(self.0).serialize(s)
    }
}

impl<'a> AnomalyRow<'a> {
    pub(super) fn new(view: &'a View<'_>, finding: &Finding) -> Self {
        let story = view.story;
        let session = finding.session.map(|n| &story.sessions[n as usize]);
        AnomalyRow {
            check: finding.check().name,
            severity: finding.severity,
            user: view.name(&story.users[finding.user as usize]),
            info_hash: session.map(|s| Hash(story.torrents[s.torrent as usize])),
            session: finding.session.map(|n| u64::from(n) + 1),
            from: view.at(finding.from),
            to: view.at(finding.to),
            bytes: finding.bytes,
            message: finding.message(),
            evidence: finding.evidence.iter().map(|line| view.place(*line)).collect(),
        }
    }

    /// The evidence in words: lines of one source behind its name.
    fn evidence_text(&self) -> String {
        let mut text = String::new();
        let mut source = "";
        for place in &self.evidence {
            if place.source == source {
                text += &format!(",{}", place.line);
            } else {
                let space = if text.is_empty() { "" } else { " " };
                text += &format!("{space}{place}");
                source = place.source;
            }
        }
        text
    }
}

impl Row for AnomalyRow<'_> {
    const TYPE: &'static str = "anomaly";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("severity", |r| Cell::Severity(r.severity)),
            shown("check", |r| Cell::Text(r.check.into())),
            shown("user", |r| Cell::Text(r.user.clone())),
            exact("info_hash", |r| Cell::Text(r.info_hash.as_ref().map(|h| h.0.to_string()).unwrap_or_default())),
            shown("session", |r| Cell::Text(r.session.map(|id| id.to_string()).unwrap_or_default())),
            shown("from", |r| Cell::Time(r.from)),
            exact("to", |r| Cell::Time(r.to)),
            exact("bytes", |r| Cell::MaybeBytes(r.bytes)),
            shown("message", |r| Cell::Text(r.message.clone())),
            shown("evidence", |r| Cell::Text(r.evidence_text())),
        ]
    }
}

/// A torrent in a profile.
#[derive(Serialize)]
pub struct ListedRow {
    user: String,
    #[serde(serialize_with = "hex")]
    info_hash: InfoHash,
    session: u64,
    status: &'static str,
    since: At,
    /// When the session was last heard of, in the whole log.
    last_at: At,
    ghost: &'static str,
    client: String,
}

impl ListedRow {
    pub(super) fn new(view: &View<'_>, index: usize, listed: Listed, at: Option<Time>) -> Self {
        let story = view.story;
        let session = &story.sessions[index];
        ListedRow {
            user: view.name(story.user(session)),
            info_hash: story.torrents[session.torrent as usize],
            session: index as u64 + 1,
            status: listed.status.name(),
            since: view.at(listed.from),
            last_at: view.at(session.last_at),
            ghost: ghost(session, story.peer_id(session), &story.endings[index], story.settings.interval, at).name(),
            client: client_of(story.peer_id(session).bytes()).to_string(),
        }
    }
}

impl Row for ListedRow {
    const TYPE: &'static str = "listed";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("user", |r| Cell::Text(r.user.clone())),
            exact("info_hash", |r| Cell::Text(r.info_hash.to_string())),
            brief("torrent", |r| Cell::Text(r.info_hash.to_string()[..12].into())),
            shown("session", |r| Cell::Count(r.session)),
            shown("status", |r| Cell::Text(r.status.into())),
            shown("since", |r| Cell::Time(r.since)),
            shown("last_at", |r| Cell::Time(r.last_at)),
            shown("ghost", |r| Cell::Text(r.ghost.into())),
            shown("client", |r| Cell::Text(r.client.clone())),
        ]
    }
}

/// One announce, replayed.
#[derive(Serialize)]
pub struct ReplayRow {
    line: u64,
    source: u64,
    at: At,
    user: String,
    #[serde(serialize_with = "hex")]
    info_hash: InfoHash,
    peer_id: String,
    event: &'static str,
    uploaded: u64,
    downloaded: u64,
    left: u64,
    transition: &'static str,
    credited_up: u64,
    credited_down: u64,
    status: &'static str,
    /// Torrents of the user listed as leeching after it.
    leeching: u32,
    /// Torrents of the user listed as seeding after it.
    seeding: u32,
    user_uploaded: u128,
    user_downloaded: u128,
    user_ratio: Option<f64>,
}

impl ReplayRow {
    /// A step as a row. `listed`: how many sessions the user's profile lists as leeching and seeding after it.
    pub fn new(step: &Step<'_>, user: String, listed: (u32, u32), millis: bool) -> Self {
        let Counters { up, down } = step.said.counters;
        let totals = step.user.account.totals;
        ReplayRow {
            line: step.line.line(),
            source: step.line.source() as u64,
            at: At { time: step.said.at, millis },
            user,
            info_hash: step.info_hash,
            peer_id: step.peer_id.to_string(),
            event: step.said.event.name(),
            uploaded: up,
            downloaded: down,
            left: step.said.left,
            transition: step.transition.name(),
            credited_up: step.credit.up,
            credited_down: step.credit.down,
            status: Status::from(step.session.state.phase).name(),
            leeching: listed.0,
            seeding: listed.1,
            user_uploaded: totals.uploaded,
            user_downloaded: totals.downloaded,
            user_ratio: totals.ratio(),
        }
    }
}

impl Row for ReplayRow {
    const TYPE: &'static str = "step";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("line", |r| Cell::Count(r.line)),
            exact("source", |r| Cell::Count(r.source)),
            shown("at", |r| Cell::Time(r.at)),
            shown("user", |r| Cell::Text(r.user.clone())),
            exact("info_hash", |r| Cell::Text(r.info_hash.to_string())),
            brief("torrent", |r| Cell::Text(r.info_hash.to_string()[..12].into())),
            exact("peer_id", |r| Cell::Text(r.peer_id.clone())),
            shown("event", |r| Cell::Text(r.event.into())),
            exact("uploaded", |r| Cell::Bytes(r.uploaded.into())),
            exact("downloaded", |r| Cell::Bytes(r.downloaded.into())),
            shown("left", |r| Cell::Bytes(r.left.into())),
            shown("transition", |r| Cell::Text(r.transition.into())),
            shown("credited_up", |r| Cell::Bytes(r.credited_up.into())),
            shown("credited_down", |r| Cell::Bytes(r.credited_down.into())),
            shown("status", |r| Cell::Text(r.status.into())),
            shown("leeching", |r| Cell::Count(r.leeching.into())),
            shown("seeding", |r| Cell::Count(r.seeding.into())),
            exact("user_uploaded", |r| Cell::Bytes(r.user_uploaded)),
            exact("user_downloaded", |r| Cell::Bytes(r.user_downloaded)),
            shown("user_ratio", |r| Cell::Ratio(r.user_ratio)),
        ]
    }
}

/// A check, for `explain`.
pub struct CheckRow(pub &'static Check);

impl Serialize for CheckRow {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let check = self.0;
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("check", check.name)?;
        map.serialize_entry("severity", check.severity.name())?;
        map.serialize_entry("summary", check.summary)?;
        map.serialize_entry("formula", check.formula)?;
        map.serialize_entry("threshold", check.threshold)?;
        map.serialize_entry("look_alikes", check.look_alikes)?;
        map.serialize_entry("source", check.source)?;
        map.end()
    }
}

impl Row for CheckRow {
    const TYPE: &'static str = "check";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("check", |r| Cell::Text(r.0.name.into())),
            shown("severity", |r| Cell::Severity(r.0.severity)),
            shown("summary", |r| Cell::Text(r.0.summary.into())),
            exact("formula", |r| Cell::Text(r.0.formula.into())),
            exact("threshold", |r| Cell::Text(r.0.threshold.into())),
            exact("look_alikes", |r| Cell::Text(r.0.look_alikes.into())),
            exact("source", |r| Cell::Text(r.0.source.into())),
        ]
    }
}
