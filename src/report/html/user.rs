//! All there is about one user.

use super::chart::{Bar, Chart, Lane, Series, Unit, lanes};
use super::{Page, words};
use crate::account::{Account, Point};
use crate::announce::client_of;
use crate::audit::{Finding, Verdict};
use crate::report::rows::{ListedRow, SessionRow};
use crate::report::text;
use crate::session::{End, Status};
use maud::{Markup, html};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// So many rows of each table, bars and findings of a user are shown; `case` has all.
const SHOWN: usize = 10;
/// So many sessions are drawn, however many there are.
const LANES: usize = 200;
/// So many bars of a session are drawn, at most.
const BARS: usize = 24;
/// So many silences of a session are drawn, the longest.
const GAPS: usize = 6;
/// So much of a raw line is shown.
const LINE: usize = 1200;

/// Lines of the user's findings that are worth reading again.
pub const LINES: usize = 12;

/// Whether a user's article has all: it is the only one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One of many.
    OneOfMany,
    /// The page is about this user.
    Alone,
}

impl Scope {
    /// Points of the timeline.
    pub fn points(self) -> usize {
        if self == Scope::Alone { usize::MAX } else { Account::POINTS }
    }

    fn most(self) -> usize {
        if self == Scope::Alone { usize::MAX } else { SHOWN }
    }
}

impl Page<'_> {
    /// A user's article.
    pub fn user(&self, number: usize, scope: Scope) -> Markup {
        let (view, user) = (self.view, &self.view.story.users[number]);
        let (judgement, sum) = (&view.audit.judgements[number], &view.sums[number]);
        let (totals, verdict) = (user.account.totals, judgement.verdict.name());
        let slug = &self.slugs[number];
        let findings = &self.findings[number];
        html! {
            article.detail #(slug) tabindex="-1" aria-labelledby=(format!("{slug}-name")) {
                (self.closing("#users"))
                h2 id=(format!("{slug}-name")) { "User " bdi { (view.full_name(number)) } " " (words::badge(verdict)) }
                p.lead { (words::says(verdict)) @if judgement.verdict != Verdict::Clear { " " (sentence(&judgement.why())) } }
                dl.tiles {
                    (words::tile("uploaded", &text::bytes(totals.uploaded)))
                    (words::tile("downloaded", &text::bytes(totals.downloaded)))
                    (words::tile("ratio", &text::ratio(totals.ratio())))
                    @if judgement.unexplained > 0 {
                        (words::tile("unexplained", &text::bytes(judgement.unexplained.into())))
                        (words::tile("faked at least, at most", &format!("{}, {}", text::bytes(judgement.estimate.0.into()), text::bytes(judgement.estimate.1.into()))))
                    }
                    (words::tile("announces", &sum.announces.to_string()))
                    (words::tile("sessions", &sum.sessions.to_string()))
                    (words::tile("torrents", &sum.torrents.to_string()))
                    (words::tile("addresses", &sum.addresses.to_string()))
                }
                @if let Some(basis) = judgement.basis {
                    p.note { (text::unexplained(basis, judgement.unexplained, judgement.range)) " " (text::holds_if(basis)) }
                }
                section.linked {
                    h3 { "Over time" }
                    @for chart in self.user_charts(number, scope) { (chart.figure(self.timed)) }
                    (self.session_lanes(number, scope))
                }
                h3 { "Findings (" (findings.len()) ")" }
                @if findings.is_empty() { p { "None." } }
                @for finding in findings.iter().take(scope.most()) { (self.finding(finding, scope)) }
                (self.rest(findings.len(), scope, number, "findings"))
                (self.listed(number, scope))
                (self.swarms_of(number, scope))
                (self.sessions_of(number, scope))
            }
        }
    }

    /// The user's ratio, and what it is made of.
    fn user_charts(&self, number: usize, scope: Scope) -> [Chart; 2] {
        let points = self.points(number, scope.points());
        let at = |point: (usize, &Point)| point.1.at.map_or(point.0 as i64, |at| at.millis().div_euclid(1000));
        let values = |value: fn(&Point) -> Option<f64>| points.iter().map(value).collect::<Vec<_>>();
        let span = if self.timed { self.span } else { (0, (points.len() as i64 - 1).max(1)) };
        let chart = |what: &str, title, unit, series| Chart {
            id: format!("{}-{what}", self.slugs[number]),
            title,
            unit,
            span,
            at: points.iter().enumerate().map(at).collect(),
            series,
        };
        let ratio = Series { name: "ratio", class: "ratio", values: values(Point::ratio) };
        let up = Series { name: "uploaded", class: "up", values: values(|point| Some(point.uploaded as f64)) };
        let down = Series { name: "downloaded", class: "down", values: values(|point| Some(point.downloaded as f64)) };
        [chart("ratio", "Ratio", Unit::Ratio, vec![ratio]), chart("bytes", "Bytes so far", Unit::Bytes, vec![up, down])]
    }

    /// Sessions as bars on an axis of time, the ones with findings and the largest first to be shown.
    fn session_lanes(&self, number: usize, scope: Scope) -> Markup {
        let story = self.view.story;
        if !self.timed {
            return html! {};
        }
        let marked = |at: u32| self.findings[number].iter().any(|finding| finding.session == Some(at));
        let mut chosen = self.sessions[number].clone();
        let credit = |at: u32| story.sessions.brief(at as usize).credit;
        chosen.sort_by_key(|&at| {
            (std::cmp::Reverse(marked(at)), std::cmp::Reverse(credit(at).up.saturating_add(credit(at).down)), at)
        });
        chosen.truncate(scope.most().min(LANES));
        chosen.sort_unstable();
        let mut all: Vec<Lane> = chosen.iter().map(|&at| self.session_lane(at, number)).collect();
        let whole: Vec<_> = (self.findings[number].iter())
            .filter(|finding| finding.session.is_none())
            .filter_map(|finding| Some((finding, finding.from.or(finding.to)?)))
            .map(|(finding, from)| {
                let what = format!("{} ({}): {}", finding.check().name, finding.severity.name(), finding.message());
                (from.millis().div_euclid(1000), finding.severity.name(), what)
            })
            .collect();
        if !whole.is_empty() {
            all.insert(
                0,
                Lane {
                    label: html! { "all" },
                    name: "findings on all sessions together".into(),
                    bars: Vec::new(),
                    dots: whole,
                },
            );
        }
        html! {
            (lanes(&all, self.span, "Sessions over time"))
            p.keys {
                span.key { i.leeching {} "leeching" } span.key { i.seeding {} "seeding" }
                span.key { i.ghost {} "ghost: listed, but gone" } span.key { i.gap {} "gap: silent for longer than usual" }
                span.key { i.dot {} "anomaly" }
            }
            @if scope == Scope::OneOfMany {
                (self.rest(self.sessions[number].len(), scope, number, "sessions"))
            } @else if self.sessions[number].len() > LANES {
                p.note { (LANES) " of " (self.sessions[number].len()) " sessions are drawn; all are in the table below." }
            }
        }
    }

    /// What the profile listed for a session: as what, and when only because no `stopped` came.
    fn session_lane(&self, at: u32, user: usize) -> Lane {
        let (story, index) = (self.view.story, at as usize);
        let session = story.sessions.get(index);
        let ending = story.ending(index, &session);
        let client = client_of(story.peer_id(session.peer).bytes()).to_string();
        let torrent = story.torrents[session.torrent as usize].to_string();
        let second = |time: crate::time::Time| time.millis().div_euclid(1000);
        let name = format!("session {} of torrent {} by {client}", at + 1, &torrent[..12]);
        let gone = matches!(ending.end, End::TimedOut | End::Replaced) || session.refused_stop().is_some();
        let last = session.last_at.map_or(self.span.1, second);
        let mut bars = Vec::new();
        for listed in story.listing(index).iter().filter(|listed| listed.status != Status::Removed) {
            let (from, to) = (listed.from.map_or(self.span.0, second), listed.to.map_or(self.span.1, second));
            let mut stretch = |class: &'static str, from: i64, to: i64| {
                if from < to || class != "ghost" {
                    let title = format!("{class} {} to {}", self.clock(from), self.clock(to));
                    bars.push(Bar { class, span: (from, to), title });
                }
            };
            let alive = if gone { to.min(last.max(from)) } else { to };
            stretch(listed.status.name(), from, alive);
            stretch("ghost", alive, to);
        }
        bars.truncate(BARS);
        let mut gaps: Vec<_> = session.gaps().collect();
        gaps.sort_by_key(|gap| Reverse(gap.length()));
        for gap in gaps.into_iter().take(GAPS) {
            let (from, to) = (second(gap.from), second(gap.to));
            let title = format!("silent {} to {}", self.clock(from), self.clock(to));
            bars.push(Bar { class: "gap", span: (from, to), title });
        }
        let dots = (self.findings[user].iter())
            .filter(|finding| finding.session == Some(at))
            .filter_map(|finding| {
                let what = format!("{} ({}): {}", finding.check().name, finding.severity.name(), finding.message());
                Some((second(finding.from.or(finding.to)?), finding.severity.name(), what))
            })
            .collect();
        Lane { label: html! { "#" (at + 1) }, name, bars, dots }
    }

    fn finding(&self, finding: &Finding, scope: Scope) -> Markup {
        let (view, check) = (self.view, finding.check());
        html! {
            div.finding {
                h4 { (words::severity(finding.severity)) " " (check.name) }
                p {
                    (sentence(&finding.message()))
                    @if let Some(bytes) = finding.bytes { " These are " (words::bytes(bytes.into())) "." }
                    @if let Some(session) = finding.session { " Session #" (u64::from(session) + 1) "." }
                    @if finding.from.is_some() { " " span.when { (words::time(finding.from)) " to " (words::time(finding.to)) } }
                }
                @if scope == Scope::Alone {
                    (words::explained(check))
                } @else {
                    details.explain data-check=(check.name) {
                        summary { "How it is computed, what it assumes, and what harmless thing looks the same" }
                        p { a href=(format!("#check-{}", check.name)) { "What " (check.name) " means" } }
                    }
                }
                @if !finding.evidence.is_empty() {
                    details.evidence open[scope == Scope::Alone] {
                        summary { "Lines (" (finding.evidence.len()) ")" }
                        ol {
                            @for line in &finding.evidence {
                                li {
                                    span.place { bdi { (text::clean(&view.place(*line).to_string())) } }
                                    @if let Some(text) = self.lines.get(line) { code { bdi { (shortened(text)) } } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// What the profile lists when the log ends.
    fn listed(&self, number: usize, scope: Scope) -> Markup {
        let listed: &[ListedRow] = self.listed.get(&(number as u32)).map_or(&[], |rows| rows);
        html! {
            h3 { "Listed in the profile at the end (" (listed.len()) ")" }
            @if !listed.is_empty() {
                div.scroll { table {
                    thead { tr { th scope="col" { "torrent" } th scope="col" { "session" } th scope="col" { "status" }
                        th scope="col" { "since" } th scope="col" { "last heard of" } th scope="col" { "ghost" } th scope="col" { "client" } } }
                    tbody {
                        @for row in listed.iter().take(scope.most()) {
                            tr {
                                td { (self.torrent_link(row.info_hash)) }
                                td { "#" (row.session) }
                                td { (row.status) }
                                td { (words::time(row.since.time)) }
                                td { (words::time(row.last_at.time)) }
                                td { (row.ghost) }
                                td { bdi { (row.client) } }
                            }
                        }
                    }
                } }
            }
            (self.rest(listed.len(), scope, number, "entries"))
        }
    }

    fn swarms_of(&self, number: usize, scope: Scope) -> Markup {
        let story = self.view.story;
        let mut sums: BTreeMap<u32, (u128, u128)> = BTreeMap::new();
        for &at in &self.sessions[number] {
            let session = story.sessions.brief(at as usize);
            let (sum, credit) = (sums.entry(session.torrent).or_default(), session.credit);
            *sum = (sum.0 + u128::from(credit.up), sum.1 + u128::from(credit.down));
        }
        let nobody = |torrent: u32| self.view.audit.swarms[torrent as usize].unexplained;
        let mut sums: Vec<(u32, (u128, u128))> = sums.into_iter().collect();
        sums.sort_by_key(|(torrent, (up, _))| std::cmp::Reverse((u128::from(nobody(*torrent)).min(*up), *up)));
        html! {
            h3 { "Swarms (" (sums.len()) ")" }
            div.scroll { table {
                thead { tr { th scope="col" { "torrent" } th.num scope="col" { "uploaded" } th.num scope="col" { "downloaded" }
                    th.num scope="col" { "uploaded by all" } th.num scope="col" { "downloaded by all" } th.num scope="col" { "received by nobody" } } }
                tbody {
                    @for &(torrent, (up, down)) in sums.iter().take(scope.most()) {
                        @let all = self.whole[torrent as usize].totals;
                        tr {
                            td { (self.torrent_link(story.torrents[torrent as usize])) }
                            td.num { (text::bytes(up)) } td.num { (text::bytes(down)) }
                            td.num { (text::bytes(all.uploaded)) } td.num { (text::bytes(all.downloaded)) }
                            td.num { (text::bytes(nobody(torrent).into())) }
                        }
                    }
                }
            } }
            (self.rest(sums.len(), scope, number, "swarms"))
        }
    }

    fn sessions_of(&self, number: usize, scope: Scope) -> Markup {
        let sessions = &self.sessions[number];
        html! {
            h3 { "Sessions (" (sessions.len()) ")" }
            div.scroll { table {
                thead { tr { th.num scope="col" { "session" } th scope="col" { "torrent" } th scope="col" { "client" }
                    th scope="col" { "from" } th scope="col" { "to" } th scope="col" { "end" }
                    th.num scope="col" { "announces" } th.num scope="col" { "uploaded" } th.num scope="col" { "downloaded" } } }
                tbody {
                    @for row in sessions.iter().take(scope.most()).map(|at| SessionRow::new(self.view, *at as usize)) {
                        tr {
                            td.num { "#" (row.id) }
                            td { (self.torrent_link(row.info_hash)) }
                            td { bdi { (row.client) } }
                            td { (words::time(row.started_at.time)) }
                            td { (words::time(row.last_at.time)) }
                            td { (row.end) }
                            td.num { (row.announces) }
                            td.num { (text::bytes(row.uploaded.into())) }
                            td.num { (text::bytes(row.downloaded.into())) }
                        }
                    }
                }
            } }
            (self.rest(sessions.len(), scope, number, "sessions"))
        }
    }

    /// What was left out, and where it is.
    fn rest(&self, all: usize, scope: Scope, number: usize, what: &str) -> Markup {
        let name = self.view.name(&self.view.story.users[number]);
        html! {
            @if all > scope.most() {
                p.note { (scope.most()) " of " (all) " " (what) " are shown. All: " code { "swarmtrail case " (name) " -o html FILE" } }
            }
        }
    }

    fn clock(&self, second: i64) -> String {
        words::time(Some(crate::time::Time::from_secs(second)))
    }
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_string(),
    }
}
