//! Announces, replayed.

use super::{At, Cell, Column, Row, brief, exact, hex, shown};
use crate::announce::InfoHash;
use crate::replay::Step;
use crate::session::{Counters, Status};
use serde::Serialize;

/// One announce, replayed.
#[derive(Serialize)]
pub struct ReplayRow {
    source: String,
    line: u64,
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
    pub fn new(step: &Step<'_>, source: String, user: String, listed: (u32, u32), millis: bool) -> Self {
        let Counters { up, down } = step.said.counters;
        let totals = step.user.account.totals;
        ReplayRow {
            source,
            line: step.line.line(),
            at: At { time: step.said.at, millis },
            user,
            info_hash: *step.info_hash,
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
            exact("source", |r| Cell::Text(r.source.clone())),
            shown("line", |r| Cell::Count(r.line)),
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
