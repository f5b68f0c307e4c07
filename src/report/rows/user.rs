//! Users and their timelines, torrents.

use super::{At, Cell, Column, JudgementCells, Row, aside, brief, exact, hex, optional, shown};
use crate::account::Point;
use crate::announce::InfoHash;
use crate::replay::{Story, User};
use crate::report::View;
use crate::report::text::{levels, sparkline};
use crate::time::Time;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

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

    /// The time.
    pub(in crate::report) fn at(&self) -> Option<Time> {
        self.at.time
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
    story: &'a Story,
    /// By number.
    user: usize,
    millis: bool,
}

impl Serialize for Timeline<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut seq = s.serialize_seq(None)?;
        for point in self.story.timeline(self.user) {
            seq.serialize_element(&PointRow::new(None, &point, self.millis))?;
        }
        seq.end()
    }
}

/// A user.
#[derive(Serialize)]
pub struct UserRow<'a> {
    user: String,
    name: Option<&'a str>,
    class: Option<&'a str>,
    joined_at: At,
    line_speed: Option<u64>,
    /// In the table of users; `None` without one.
    known: Option<bool>,
    uploaded: u128,
    downloaded: u128,
    ratio: Option<f64>,
    announces: u64,
    sessions: u32,
    torrents: u64,
    leeching: u32,
    seeding: u32,
    addresses: u64,
    #[serde(flatten)]
    judgement: JudgementCells,
    timeline: Timeline<'a>,
}

impl<'a> UserRow<'a> {
    pub(in crate::report) fn new(view: &'a View<'_>, number: usize) -> Self {
        let user: &User = &view.story.users[number];
        let sum = &view.sums[number];
        let totals = user.account.totals;
        let info = view.user_info(number);
        UserRow {
            user: view.name(user),
            name: info.and_then(|info| info.name.as_deref()),
            class: info.and_then(|info| info.class.as_deref()),
            joined_at: At { time: info.and_then(|info| info.joined), millis: false },
            line_speed: info.and_then(|info| info.line_speed),
            known: view.side.and_then(|side| side.knows_user(&user.name)),
            uploaded: totals.uploaded,
            downloaded: totals.downloaded,
            ratio: totals.ratio(),
            announces: sum.announces,
            sessions: sum.sessions,
            torrents: sum.torrents.into(),
            leeching: sum.leeching,
            seeding: sum.seeding,
            addresses: sum.addresses.into(),
            judgement: JudgementCells::new(view, number),
            timeline: Timeline { story: view.story, user: number, millis: view.input.tally.millis },
        }
    }

    /// The user's name in print.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The verdict.
    pub fn judgement(&self) -> &JudgementCells {
        &self.judgement
    }

    /// Uploaded, downloaded and ratio.
    pub fn totals(&self) -> (u128, u128, Option<f64>) {
        (self.uploaded, self.downloaded, self.ratio)
    }

    /// The points of the timeline, as rows of their own.
    pub fn points(&self) -> impl Iterator<Item = PointRow<'_>> {
        let millis = self.timeline.millis;
        self.timeline
            .story
            .timeline(self.timeline.user)
            .map(move |point| PointRow::new(Some(&self.user), &point, millis))
    }

    /// The ratio over time in so many columns, from 0 to 1 as the largest; none if it never rose above 0.
    pub(in crate::report) fn levels(&self, width: usize) -> Vec<f64> {
        let x = |at: usize, p: &Point| p.at.map_or(at as f64, |t| t.millis() as f64);
        let points = self.timeline.story.timeline(self.timeline.user).enumerate();
        let values: Vec<(f64, f64)> = points.map(|(at, p)| (x(at, &p), p.ratio().unwrap_or(0.0))).collect();
        if values.iter().all(|v| v.1 == 0.0) { Vec::new() } else { levels(&values, width) }
    }
}

impl Row for UserRow<'_> {
    const TYPE: &'static str = "user";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("user", |r| Cell::Text(r.user.clone())),
            optional("name", |r| Cell::Text(r.name.unwrap_or_default().into())),
            shown("uploaded", |r| Cell::Bytes(r.uploaded)),
            shown("downloaded", |r| Cell::Bytes(r.downloaded)),
            shown("ratio", |r| Cell::Ratio(r.ratio)),
            brief("ratio_over_time", |r| Cell::Text(sparkline(&r.levels(12)))),
            aside(shown("announces", |r| Cell::Count(r.announces))),
            aside(shown("sessions", |r| Cell::Count(r.sessions.into()))),
            exact("torrents", |r| Cell::Count(r.torrents)),
            aside(shown("leeching", |r| Cell::Count(r.leeching.into()))),
            aside(shown("seeding", |r| Cell::Count(r.seeding.into()))),
            exact("addresses", |r| Cell::Count(r.addresses)),
            shown("verdict", |r| Cell::Text(r.judgement.verdict().into())),
            exact("unexplained_upload", |r| Cell::Bytes(r.judgement.unexplained().into())),
            exact("score", |r| Cell::Text(r.judgement.score())),
        ]
    }
}

/// A torrent.
#[derive(Serialize)]
pub struct TorrentRow {
    #[serde(serialize_with = "hex")]
    info_hash: InfoHash,
    name: Option<String>,
    /// In the table of torrents; `None` without one.
    known: Option<bool>,
    piece_length: Option<u64>,
    private: Option<bool>,
    upload_factor: Option<f64>,
    download_factor: Option<f64>,
    uploaded: u128,
    downloaded: u128,
    size: Option<u64>,
    users: u32,
    sessions: u32,
    leeching: u32,
    seeding: u32,
    unexplained_upload: u64,
    balance: i128,
}

impl TorrentRow {
    pub(in crate::report) fn new(view: &View<'_>, number: usize) -> Self {
        let (swarm, info) = (&view.swarms[number], view.torrent_info(number as u32));
        TorrentRow {
            info_hash: view.story.torrents[number],
            name: view.torrent_name(number as u32),
            known: view.side.and_then(|side| side.knows_torrent(&view.story.torrents[number])),
            piece_length: info.and_then(|info| info.piece_length),
            private: info.and_then(|info| info.private),
            upload_factor: info.map(|info| f64::from(info.factors.up) / 1000.0),
            download_factor: info.map(|info| f64::from(info.factors.down) / 1000.0),
            uploaded: swarm.totals.uploaded,
            downloaded: swarm.totals.downloaded,
            size: info.and_then(|info| info.size).or(swarm.size),
            users: swarm.users,
            sessions: swarm.sessions,
            leeching: swarm.leeching,
            seeding: swarm.seeding,
            unexplained_upload: view.audit.swarms[number].unexplained,
            balance: swarm.totals.uploaded.cast_signed() - swarm.totals.downloaded.cast_signed(),
        }
    }
}

impl Row for TorrentRow {
    const TYPE: &'static str = "torrent";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("info_hash", |r| Cell::Text(r.info_hash.to_string())),
            optional("name", |r| Cell::Text(r.name.clone().unwrap_or_default())),
            shown("uploaded", |r| Cell::Bytes(r.uploaded)),
            shown("downloaded", |r| Cell::Bytes(r.downloaded)),
            shown("size", |r| Cell::MaybeBytes(r.size)),
            aside(shown("users", |r| Cell::Count(r.users.into()))),
            aside(shown("sessions", |r| Cell::Count(r.sessions.into()))),
            aside(shown("leeching", |r| Cell::Count(r.leeching.into()))),
            aside(shown("seeding", |r| Cell::Count(r.seeding.into()))),
            exact("unexplained_upload", |r| Cell::Bytes(r.unexplained_upload.into())),
            exact("balance", |r| Cell::Text(r.balance.to_string())),
        ]
    }
}
