//! What the page's script reads: every row of the tables, charts and timelines.

use super::Page;
use super::chart::Chart;
use super::table::{self, Column, Kind, Line, Table, Value};
use super::user::Scope;
use crate::account::{Account, Point};
use crate::announce::client_of;
use crate::audit::Verdict;
use crate::report::rows::UserRow;
use maud::Markup;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;

/// Rows of the tables that are data for the script.
pub const ROWS: usize = 10_000;
/// Rows that are there without it.
pub const ROWS_READ: usize = 100;
/// Bytes of timelines of users who have no article.
const TIMELINES: usize = 900_000;
/// Points of such a timeline.
const POINTS: usize = 24;

/// What the script reads.
#[derive(Serialize)]
pub struct Data {
    /// The log has times.
    pub timed: bool,
    /// From the log's first second to its last.
    pub span: (i64, i64),
    /// By what they list.
    pub tables: BTreeMap<&'static str, Table>,
    /// By their places in the page; those of users are made of their timelines.
    pub charts: BTreeMap<String, Chart>,
    /// Of users.
    pub timelines: BTreeMap<String, Timeline>,
}

/// First second, seconds from point to point, and what came up and down between them.
pub type Timeline = (i64, Vec<i64>, Vec<u64>, Vec<u64>);

impl Data {
    /// As JSON without a `<`, which it says otherwise.
    pub fn json(&self) -> io::Result<String> {
        Ok(serde_json::to_string(self).map_err(io::Error::from)?.replace('<', "\\u003c"))
    }
}

impl Page<'_> {
    /// The data of a page with articles about so many users and swarms.
    pub fn data(&self, users: &[Markup], swarms: &[Markup]) -> Data {
        let mut data = Data {
            timed: self.timed,
            span: self.span,
            tables: BTreeMap::from([("users", self.user_table()), ("swarms", self.swarm_table())]),
            charts: BTreeMap::new(),
            timelines: BTreeMap::new(),
        };
        if self.timed {
            data.charts.extend(self.overview_charts().into_iter().map(|chart| (chart.id.clone(), chart)));
        }
        for &torrent in &self.swarm_order[..swarms.len()] {
            let charts = self.swarm_charts(torrent, &self.swarm_slug(torrent));
            data.charts.extend(charts.into_iter().map(|chart| (chart.id.clone(), chart)));
        }
        for &user in &self.order[..users.len()] {
            data.timelines.insert(self.slugs[user].clone(), self.timeline(user, Scope::OneOfMany.points()));
        }
        let mut room = TIMELINES;
        for &user in self.order[users.len()..].iter().take(ROWS) {
            let timeline = self.timeline(user, POINTS);
            // About as many bytes as its numbers take in print.
            let Some(left) = room.checked_sub(64 + timeline.1.len() * 24) else { break };
            room = left;
            data.timelines.insert(self.slugs[user].clone(), timeline);
        }
        data
    }

    /// A user's timeline of at most so many points.
    pub fn points(&self, user: usize, most: usize) -> Vec<Point> {
        let story = self.view.story;
        if most > Account::POINTS { story.timeline(user).collect() } else { story.outline(user, most) }
    }

    /// How a user's sums grew.
    pub fn timeline(&self, user: usize, most: usize) -> Timeline {
        let points = self.points(user, most);
        let at = |place: usize| points[place].at.map_or(place as i64, |at| at.millis().div_euclid(1000));
        let growth = |of: fn(&Point) -> u64| {
            (0..points.len()).map(|p| of(&points[p]) - if p > 0 { of(&points[p - 1]) } else { 0 }).collect::<Vec<_>>()
        };
        (
            if points.is_empty() { 0 } else { at(0) },
            (0..points.len()).map(|p| at(p) - at(p.saturating_sub(1))).collect(),
            growth(|point| point.uploaded),
            growth(|point| point.downloaded),
        )
    }

    fn user_table(&self) -> Table {
        let column = |label, kind, room| Column { label, kind, room };
        let columns = vec![
            column("user", Kind::Name, ""),
            column("verdict", Kind::Verdict, ""),
            column("ratio", Kind::Ratio, ""),
            column("over time", Kind::Spark, "middle"),
            column("uploaded", Kind::Bytes, ""),
            column("downloaded", Kind::Bytes, "middle"),
            column("unexplained", Kind::Bytes, "middle"),
            column("announces", Kind::Count, "widest"),
            column("sessions", Kind::Count, "wide"),
            column("leeching", Kind::Count, "widest"),
            column("seeding", Kind::Count, "widest"),
            column("client", Kind::Text, "wide"),
            column("why", Kind::Text, "widest"),
        ];
        let row = |&user: &usize| {
            let (row, judgement) = (UserRow::new(self.view, user), &self.view.audit.judgements[user]);
            let (uploaded, downloaded, ratio) = row.totals();
            let sum = &self.view.sums[user];
            Line(
                self.slugs[user].clone(),
                vec![
                    Value::Text(self.view.full_name(user)),
                    Value::Word(judgement.verdict.name()),
                    Value::Ratio(ratio),
                    Value::Text(table::digits(&row.levels(20))),
                    Value::Whole(uploaded),
                    Value::Whole(downloaded),
                    Value::Whole(judgement.unexplained.into()),
                    Value::Whole(sum.announces.into()),
                    Value::Whole(sum.sessions.into()),
                    Value::Whole(sum.leeching.into()),
                    Value::Whole(sum.seeding.into()),
                    Value::Text(self.client(user)),
                    Value::Text(if judgement.verdict == Verdict::Clear { String::new() } else { judgement.why() }),
                ],
            )
        };
        Table { columns, rows: self.order.iter().take(ROWS).map(row).collect() }
    }

    fn swarm_table(&self) -> Table {
        let column = |label, kind, room| Column { label, kind, room };
        let columns = vec![
            column("torrent", Kind::Name, ""),
            column("received by nobody", Kind::Bytes, ""),
            column("uploaded", Kind::Bytes, ""),
            column("downloaded", Kind::Bytes, "middle"),
            column("size", Kind::Bytes, "middle"),
            column("users", Kind::Count, "wide"),
            column("sessions", Kind::Count, "wide"),
            column("leeching", Kind::Count, "wide"),
            column("seeding", Kind::Count, "wide"),
        ];
        let row = |&torrent: &usize| {
            let (shown, whole) = (&self.view.swarms[torrent], &self.whole[torrent]);
            Line(
                self.swarm_slug(torrent),
                vec![
                    Value::Text(self.view.torrent_name(torrent as u32).map_or_else(
                        || self.view.story.torrents[torrent].to_string()[..16].to_string(),
                        |name| super::short(&name),
                    )),
                    Value::Whole(self.view.audit.swarms[torrent].unexplained.into()),
                    Value::Whole(whole.totals.uploaded),
                    Value::Whole(whole.totals.downloaded),
                    Value::Whole(whole.size.unwrap_or(0).into()),
                    Value::Whole(whole.users.into()),
                    Value::Whole(whole.sessions.into()),
                    Value::Whole(shown.leeching.into()),
                    Value::Whole(shown.seeding.into()),
                ],
            )
        };
        Table { columns, rows: self.swarm_order.iter().take(ROWS).map(row).collect() }
    }

    /// The client that announced most for a user.
    fn client(&self, user: usize) -> String {
        let story = self.view.story;
        let most = self.sessions[user].iter().max_by_key(|at| story.sessions.brief(**at as usize).announces);
        most.map(|at| client_of(story.peer_id(story.sessions.brief(*at as usize).peer).bytes()).to_string())
            .unwrap_or_default()
    }
}
