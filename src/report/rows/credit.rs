//! What policies credit.

use super::{Cell, Column, Place, Row, brief, exact, hex, optional, shown};
use crate::account::Totals;
use crate::announce::InfoHash;
use crate::credit::{Credited, Credits, Parting};
use crate::report::View;
use crate::session::Counters;
use crate::session::credit::{Identity, Policy};
use crate::side::Factors;
use serde::Serialize;

/// swarmtrail's own rule, which the others are compared with: growth by the running maximum.
pub const OWN: &str = "swarmtrail";

/// A policy.
#[derive(Serialize)]
pub struct PolicyRow {
    policy: &'static str,
    /// The shortest and the longest.
    interval_s: Option<[u32; 2]>,
    timeout_s: Option<u32>,
    peer: &'static str,
    summary: &'static str,
    source: &'static str,
}

impl PolicyRow {
    /// The row of a policy.
    pub fn new(policy: &Policy) -> PolicyRow {
        PolicyRow {
            policy: policy.name,
            interval_s: policy.interval.map(|(least, most)| [least, most]),
            timeout_s: policy.timeout,
            peer: match policy.identity {
                Identity::PeerId => "peer-id",
                Identity::Port => "port",
            },
            summary: policy.summary,
            source: policy.source,
        }
    }
}

/// What a policy credits.
#[derive(Serialize)]
struct Amount {
    policy: String,
    uploaded: u128,
    downloaded: u128,
    ratio: Option<f64>,
    /// With the factors of the torrents.
    credited_uploaded: u128,
    credited_downloaded: u128,
    credited_ratio: Option<f64>,
}

impl Amount {
    fn new(policy: &str, sum: Totals, credited: Totals) -> Amount {
        Amount {
            policy: policy.into(),
            uploaded: sum.uploaded,
            downloaded: sum.downloaded,
            ratio: sum.ratio(),
            credited_uploaded: credited.uploaded,
            credited_downloaded: credited.downloaded,
            credited_ratio: credited.ratio(),
        }
    }

    fn bytes(&self) -> [u128; 4] {
        [self.uploaded, self.downloaded, self.credited_uploaded, self.credited_downloaded]
    }
}

/// What a policy credits to a user.
#[derive(Serialize)]
pub struct UserCreditRow {
    user: String,
    name: Option<String>,
    #[serde(flatten)]
    amount: Amount,
    /// Sessions for which it credits something else than swarmtrail's own rule.
    sessions_apart: u32,
    /// There are factors.
    #[serde(skip)]
    factored: bool,
}

/// What a policy credits for a session.
#[derive(Serialize)]
pub struct SessionCreditRow<'a> {
    session: u64,
    user: String,
    user_name: Option<String>,
    #[serde(serialize_with = "hex")]
    info_hash: InfoHash,
    torrent_name: Option<String>,
    peer_id: String,
    #[serde(flatten)]
    amount: Amount,
    /// Since when it is apart from swarmtrail's own rule; `None` if it is not, in the end.
    parts_at: Option<Place<'a>>,
    parts_why: Option<&'static str>,
    #[serde(skip)]
    words: &'static str,
}

/// The names of the policies, and what each credited for a session.
fn by_policy(view: &View<'_>, credits: &Credits, session: usize) -> Vec<(&'static str, Credited)> {
    let own = Credited { sum: view.story.sessions.brief(session).credit, parts: None };
    let others = credits.policies().iter().map(|policy| policy.name).zip(credits.session(session).iter().copied());
    // A policy that was asked for stands alone.
    let own = (credits.policies().len() != 1).then_some((OWN, own));
    own.into_iter().chain(others).collect()
}

/// Both with and without factors.
#[derive(Clone, Copy, Default)]
struct Sums {
    plain: Totals,
    credited: Totals,
    apart: u32,
}

impl Sums {
    fn add(&mut self, sum: Counters, factors: Factors, apart: bool) {
        self.plain.add(sum);
        self.credited.add(factors.of(sum));
        self.apart += u32::from(apart);
    }
}

impl UserCreditRow {
    /// The rows of all users asked for, by policy. `together`: policies that agree share a row.
    pub(in crate::report) fn all(view: &View<'_>, credits: &Credits, together: bool) -> Vec<UserCreditRow> {
        let mut sums: Vec<Vec<Sums>> = vec![Vec::new(); view.story.users.len()];
        let mut names = Vec::new();
        for session in view.shown_sessions() {
            let of = view.story.sessions.brief(session);
            let (sums, factors) = (&mut sums[of.user as usize], view.factors(of.torrent));
            let policies = by_policy(view, credits, session);
            sums.resize(policies.len(), Sums::default());
            for (sums, (_, credited)) in sums.iter_mut().zip(&policies) {
                sums.add(credited.sum, factors, credited.parts.is_some());
            }
            if names.is_empty() {
                names = policies.iter().map(|(name, _)| *name).collect();
            }
        }
        let rows = view.user_order().into_iter().flat_map(|user| {
            let row = |(name, sums): (&&str, &Sums)| UserCreditRow {
                user: view.name(&view.story.users[user]),
                name: view.user_name(user),
                amount: Amount::new(name, sums.plain, sums.credited),
                sessions_apart: sums.apart,
                factored: view.has_factors(),
            };
            let rows: Vec<UserCreditRow> = names.iter().zip(&sums[user]).map(row).collect();
            if together {
                merge(rows, |row| (row.amount.bytes(), row.sessions_apart), |row| &mut row.amount)
            } else {
                rows
            }
        });
        rows.collect()
    }
}

impl<'a> SessionCreditRow<'a> {
    /// The rows of all sessions asked for, by policy. `together`: policies that agree share a row, and sessions about which all
    /// agree have none.
    pub(in crate::report) fn all(
        view: &'a View<'_>,
        credits: &'a Credits,
        together: bool,
    ) -> impl Iterator<Item = SessionCreditRow<'a>> {
        view.shown_sessions().flat_map(move |session| {
            let of = view.story.sessions.brief(session);
            let factors = view.factors(of.torrent);
            let policies = by_policy(view, credits, session);
            let apart = policies.iter().any(|(_, credited)| credited.parts.is_some());
            let row = |(name, credited): (&str, Credited)| {
                let mut sums = Sums::default();
                sums.add(credited.sum, factors, false);
                SessionCreditRow {
                    session: session as u64 + 1,
                    user: view.name(&view.story.users[of.user as usize]),
                    user_name: view.user_name(of.user as usize),
                    info_hash: view.story.torrents[of.torrent as usize],
                    torrent_name: view.torrent_name(of.torrent),
                    peer_id: view.story.peer_id(of.peer).to_string(),
                    amount: Amount::new(name, sums.plain, sums.credited),
                    parts_at: credited.parts.map(|parts| view.place(parts.line)),
                    parts_why: credited.parts.map(|parts| parts.why.name()),
                    words: credited.parts.map_or("", |parts: Parting| parts.why.words()),
                }
            };
            let rows: Vec<SessionCreditRow<'_>> = policies.into_iter().map(row).collect();
            match together {
                false => rows,
                true if !apart => Vec::new(),
                true => merge(
                    rows,
                    |row| (row.amount.bytes(), row.parts_at.map(|place| place.line), row.parts_why),
                    |row| &mut row.amount,
                ),
            }
        })
    }
}

/// Makes one row of those that say the same, with the names of all their policies.
fn merge<R, K: PartialEq>(rows: Vec<R>, key: impl Fn(&R) -> K, amount: impl Fn(&mut R) -> &mut Amount) -> Vec<R> {
    let mut merged: Vec<R> = Vec::new();
    for mut row in rows {
        match merged.iter_mut().find(|other| key(other) == key(&row)) {
            Some(other) => {
                let name = std::mem::take(&mut amount(&mut row).policy);
                let names = &mut amount(other).policy;
                names.push(' ');
                names.push_str(&name);
            }
            None => merged.push(row),
        }
    }
    merged
}

impl Row for PolicyRow {
    const TYPE: &'static str = "policy";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("policy", |r| Cell::Text(r.policy.into())),
            shown("peer", |r| Cell::Text(r.peer.into())),
            shown("timeout", |r| Cell::Text(r.timeout_s.map(|secs| format!("{secs} s")).unwrap_or_default())),
            shown("summary", |r| Cell::Text(r.summary.into())),
            shown("source", |r| Cell::Text(r.source.into())),
        ]
    }
}

impl UserCreditRow {
    fn factored(&self, bytes: u128) -> Cell {
        Cell::MaybeBytes(self.factored.then_some(u64::try_from(bytes).unwrap_or(u64::MAX)))
    }
}

/// A column for people that is there if torrents have factors.
fn with_factors<R>(name: &'static str, cell: fn(&R) -> Cell) -> Column<R> {
    Column { optional: true, ..brief(name, cell) }
}

impl Row for UserCreditRow {
    const TYPE: &'static str = "user_credit";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("user", |r| Cell::Text(r.user.clone())),
            optional("name", |r| Cell::Text(r.name.clone().unwrap_or_default())),
            shown("policy", |r| Cell::Text(r.amount.policy.clone())),
            shown("uploaded", |r| Cell::Bytes(r.amount.uploaded)),
            shown("downloaded", |r| Cell::Bytes(r.amount.downloaded)),
            shown("ratio", |r| Cell::Ratio(r.amount.ratio)),
            exact("credited_uploaded", |r| Cell::Bytes(r.amount.credited_uploaded)),
            exact("credited_downloaded", |r| Cell::Bytes(r.amount.credited_downloaded)),
            exact("credited_ratio", |r| Cell::Ratio(r.amount.credited_ratio)),
            with_factors("with_factors_up", |r| r.factored(r.amount.credited_uploaded)),
            with_factors("with_factors_down", |r| r.factored(r.amount.credited_downloaded)),
            shown("sessions_apart", |r| Cell::Count(r.sessions_apart.into())),
        ]
    }
}

impl Row for SessionCreditRow<'_> {
    const TYPE: &'static str = "session_credit";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("session", |r| Cell::Count(r.session)),
            shown("user", |r| Cell::Text(r.user.clone())),
            optional("user_name", |r| Cell::Text(r.user_name.clone().unwrap_or_default())),
            exact("info_hash", |r| Cell::Text(r.info_hash.to_string())),
            brief("torrent", |r| Cell::Text(r.info_hash.to_string()[..12].into())),
            optional("torrent_name", |r| Cell::Text(r.torrent_name.clone().unwrap_or_default())),
            exact("peer_id", |r| Cell::Text(r.peer_id.clone())),
            shown("policy", |r| Cell::Text(r.amount.policy.clone())),
            shown("uploaded", |r| Cell::Bytes(r.amount.uploaded)),
            shown("downloaded", |r| Cell::Bytes(r.amount.downloaded)),
            exact("credited_uploaded", |r| Cell::Bytes(r.amount.credited_uploaded)),
            exact("credited_downloaded", |r| Cell::Bytes(r.amount.credited_downloaded)),
            shown("parts_at", |r| Cell::Text(r.parts_at.map(|place| place.to_string()).unwrap_or_default())),
            exact("parts_why", |r| Cell::Text(r.parts_why.unwrap_or_default().into())),
            brief("because_it", |r| Cell::Text(r.words.into())),
        ]
    }
}
