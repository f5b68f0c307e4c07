//! What the log is about, before anybody is looked at.

use super::chart::{Chart, Series, Unit};
use super::{Page, words};
use crate::audit::Verdict;
use crate::pulse::Moment;
use crate::report::rows::ClientRow;
use crate::report::text;
use crate::session::Status;
use crate::time::Time;
use maud::{Markup, html};

/// Users, swarms and clients that the overview names.
const FIRST: usize = 10;
/// Places in time of the overview's charts.
const PLACES: usize = 240;
/// If on average so many announces would have come in a silence, then the log has a gap there.
const MISSED: f64 = 40.0;

/// A stretch of the log without any announce.
struct Silence {
    from: i64,
    to: i64,
    missed: f64,
}

impl Page<'_> {
    /// The overview.
    pub fn overview(&self) -> Markup {
        let view = self.view;
        let (inputs, settings) = (view.inputs(), view.settings());
        let users = self.order.iter().map(|user| view.story.users[*user].account.totals);
        let (up, down) = users.fold((0, 0), |sum, totals| (sum.0 + totals.uploaded, sum.1 + totals.downloaded));
        let nobody: u128 = view.audit.swarms.iter().map(|swarm| u128::from(swarm.unexplained)).sum();
        let counts = view.counts();
        let silences = self.silences();
        html! {
            section #overview aria-labelledby="overview-title" {
                h2 #overview-title { "Overview" }
                dl.tiles {
                    (words::tile("users", &counts.users.to_string()))
                    (words::tile("torrents", &counts.torrents.to_string()))
                    (words::tile("sessions", &counts.sessions.to_string()))
                    (words::tile("announces", &inputs.announces.to_string()))
                    (words::tile("uploaded", &text::bytes(up)))
                    (words::tile("downloaded", &text::bytes(down)))
                    (words::tile("received by nobody", &text::bytes(nobody)))
                    (words::tile("anomalies", &view.findings_asked_for().count().to_string()))
                }
                (self.verdicts())
                @if !silences.is_empty() {
                    div.warning role="note" {
                        strong { "The log has gaps." } " No announce came"
                        ul {
                            @for silence in silences.iter().take(FIRST) {
                                li { (words::time(Some(Time::from_secs(silence.from)))) " to " (words::time(Some(Time::from_secs(silence.to))))
                                    ": on average there would have been " (format!("{:.0}", silence.missed)) }
                            }
                            @if silences.len() > FIRST { li { "and in " (silences.len() - FIRST) " more stretches" } }
                        }
                        "What lies there is unknown: a front end's log may be missing, or the tracker was down."
                    }
                }
                @if self.timed {
                    section.linked {
                        @for chart in self.overview_charts() { (chart.figure(true)) }
                    }
                } @else {
                    p.note { "The log has no times: there is nothing to draw over time." }
                }
                div.columns {
                    (self.first_users())
                    (self.first_swarms())
                    (clients(&view.clients().collect::<Vec<_>>()))
                    (self.read())
                }
                p.note { "Interval " (settings.interval_s) " s (" (settings.interval_from) "), timeout " (settings.timeout_s) " s, completed " (settings.completed) ". Times are UTC." }
            }
        }
    }

    fn verdicts(&self) -> Markup {
        const ALL: [Verdict; 5] =
            [Verdict::LikelyFaked, Verdict::Unexplained, Verdict::ClientMismatch, Verdict::Unknown, Verdict::Clear];
        let count = |verdict: Verdict| {
            self.order.iter().filter(|user| self.view.audit.judgements[**user].verdict == verdict).count()
        };
        let all = self.order.len().max(1) as f64;
        let mut before = 0.0;
        let parts = ALL.map(|verdict| {
            let width = count(verdict) as f64 * 100.0 / all;
            before += width;
            (verdict.name(), count(verdict), before - width, width)
        });
        html! {
            div.verdicts {
                h3 { "Users by verdict" }
                svg.bar width="100%" height="18" role="img" aria-label="Users by verdict; the numbers follow" {
                    @for (name, _, from, width) in parts {
                        rect.(name) x=(format!("{from:.2}%")) width=(format!("{width:.2}%")) height="18" {}
                    }
                }
                ul.legend {
                    @for (name, count, ..) in parts { li { (words::badge(name)) " " strong { (count) } } }
                }
            }
        }
    }

    /// Stretches in which many announces would have come, and none did.
    fn silences(&self) -> Vec<Silence> {
        let all = &self.curves.all;
        let announces: u64 = all.moments().map(|(_, moment)| moment.announces).sum();
        let busy = all.moments().filter(|(_, moment)| moment.announces > 0).count().max(1);
        let usual = announces as f64 / busy as f64;
        let (mut found, mut from) = (Vec::new(), None);
        for (second, moment) in all.moments() {
            if moment.announces == 0 {
                from.get_or_insert(second);
            } else if let Some(from) = from.take() {
                let missed = usual * (second - from) as f64 / all.width() as f64;
                if missed >= MISSED && second - from >= 120 {
                    found.push(Silence { from, to: second, missed });
                }
            }
        }
        found.sort_by_key(|silence| silence.from - silence.to);
        found
    }

    /// Announces and bytes, a stretch at a time, and what profiles list.
    pub fn overview_charts(&self) -> Vec<Chart> {
        let all = &self.curves.all;
        let announces: u64 = all.moments().map(|(_, moment)| moment.announces).sum();
        // A handful of announces at each place, at least, or the curve is all noise.
        let places = PLACES.min((announces / 4) as usize).max(12);
        let each = all.moments().len().div_ceil(places).max(1);
        let moments: Vec<(i64, Moment)> = all.moments().collect();
        let joined: Vec<(i64, Moment)> = (moments.chunks(each))
            .map(|chunk| {
                let sum = chunk.iter().fold(Moment::default(), |sum, (_, m)| Moment {
                    announces: sum.announces + m.announces,
                    up: sum.up.saturating_add(m.up),
                    down: sum.down.saturating_add(m.down),
                });
                (chunk[0].0, sum)
            })
            .collect();
        // The last stretch may not be over.
        let seconds = |from: i64| (each as i64 * all.width()).min(self.span.1 - from + 1).max(1) as f64;
        let at: Vec<i64> = joined.iter().map(|(second, _)| *second).collect();
        let rate = |value: fn(&Moment) -> u64, of: f64| -> Vec<Option<f64>> {
            let rate = |(from, moment): &(i64, Moment)| value(moment) as f64 * of / seconds(*from);
            joined.iter().map(|place| Some((rate(place) * 100.0).round() / 100.0)).collect()
        };
        let chart =
            |id: &str, title, unit, at, series| Chart { id: id.into(), title, unit, span: self.span, at, series };
        let (times, leeching, seeding) = self.listed_over_time();
        vec![
            chart(
                "announces",
                "Announces a minute",
                Unit::Count,
                at.clone(),
                vec![Series { name: "announces", class: "many", values: rate(|moment| moment.announces, 60.0) }],
            ),
            chart(
                "traffic",
                "Bytes a second, as announced",
                Unit::Bytes,
                at,
                vec![
                    Series { name: "uploaded", class: "up", values: rate(|moment| moment.up, 1.0) },
                    Series { name: "downloaded", class: "down", values: rate(|moment| moment.down, 1.0) },
                ],
            ),
            chart(
                "listed",
                "Peers listed in profiles",
                Unit::Count,
                times,
                vec![
                    Series { name: "leeching", class: "leeching", values: leeching },
                    Series { name: "seeding", class: "seeding", values: seeding },
                ],
            ),
        ]
    }

    fn listed_over_time(&self) -> (Vec<i64>, Vec<Option<f64>>, Vec<Option<f64>>) {
        let (from, to) = self.span;
        let second = |place: usize| from + ((to - from) as i128 * place as i128 / PLACES as i128) as i64;
        // The first place at or after a second.
        let place = |time: Option<Time>, none: usize| {
            let Some(time) = time else { return none };
            let since = (time.millis().div_euclid(1000) - from).max(0) as u128;
            let at = (since * PLACES as u128).div_ceil((to - from).max(1) as u128);
            at.min(PLACES as u128 + 1) as usize
        };
        let mut changes = [vec![0i64; PLACES + 2], vec![0i64; PLACES + 2]];
        for at in self.view.shown_sessions() {
            for listed in self.view.story.listing(at) {
                let which = match listed.status {
                    Status::Leeching => 0,
                    Status::Seeding => 1,
                    Status::Removed => continue,
                };
                changes[which][place(listed.from, 0)] += 1;
                changes[which][place(listed.to, PLACES + 1)] -= 1;
            }
        }
        let sums = |changes: &[i64]| -> Vec<Option<f64>> {
            let sum = |sum: &mut i64, change: &i64| {
                *sum += change;
                Some(Some(*sum as f64))
            };
            changes[..=PLACES].iter().scan(0, sum).collect()
        };
        ((0..=PLACES).map(second).collect(), sums(&changes[0]), sums(&changes[1]))
    }

    fn first_users(&self) -> Markup {
        let judgements = &self.view.audit.judgements;
        let suspects: Vec<usize> = (self.order.iter().copied())
            .filter(|user| judgements[*user].verdict > Verdict::Clear)
            .take(FIRST)
            .collect();
        html! {
            div.card {
                h3 { "Look at these users first" }
                @if suspects.is_empty() { p { "Nothing speaks against anybody." } } @else {
                    table {
                        thead { tr { th scope="col" { "user" } th scope="col" { "verdict" } th.num scope="col" { "uploaded" } th.num scope="col" { "unexplained" } } }
                        tbody { @for user in suspects { tr {
                            td { (self.user_link(user)) } td { (words::badge(judgements[user].verdict.name())) }
                            td.num { (words::bytes(self.view.story.users[user].account.totals.uploaded)) }
                            td.num { (words::bytes(judgements[user].unexplained.into())) }
                        } } }
                    }
                    p { a href="#users" { "All users" } }
                }
            }
        }
    }

    fn first_swarms(&self) -> Markup {
        let nobody = |torrent: usize| self.view.audit.swarms[torrent].unexplained;
        let first: Vec<usize> =
            self.swarm_order.iter().copied().filter(|torrent| nobody(*torrent) > 0).take(FIRST).collect();
        html! {
            div.card {
                h3 { "Look at these swarms first" }
                @if first.is_empty() { p { "Every swarm balances: what was uploaded can have been received." } } @else {
                    table {
                        thead { tr { th scope="col" { "torrent" } th.num scope="col" { "uploaded" } th.num scope="col" { "received by nobody" } } }
                        tbody { @for torrent in first { tr {
                            td { (self.torrent_link(self.view.story.torrents[torrent])) }
                            td.num { (words::bytes(self.whole[torrent].totals.uploaded)) }
                            td.num { (words::bytes(nobody(torrent).into())) }
                        } } }
                    }
                    p { a href="#swarms" { "All swarms" } }
                }
            }
        }
    }

    /// What was read, line by line.
    fn read(&self) -> Markup {
        let inputs = self.view.inputs();
        let fates = [
            ("announces", inputs.announces),
            ("duplicates: a second address family, a retry", inputs.duplicates),
            ("refused by the server", inputs.undelivered),
            ("scrapes", inputs.scrapes),
            ("no tracker requests", inputs.other),
            ("rejected", inputs.rejected),
            ("continuations of wrapped lines", inputs.continuations),
        ];
        html! {
            div.card {
                h3 { "What was read" }
                table {
                    thead { tr { th scope="col" { "source" } th scope="col" { "format" } th.num scope="col" { "size" } th.num scope="col" { "lines" } } }
                    tbody { @for source in inputs.sources.iter().take(FIRST) { tr {
                        td { bdi { (text::clean(source.name)) } } td { (source.format.unwrap_or("no format fits")) }
                        td.num { (words::bytes(source.bytes.into())) } td.num { (source.lines) }
                    } } }
                }
                @if inputs.sources.len() > FIRST { p { "and " (inputs.sources.len() - FIRST) " more sources" } }
                table {
                    thead { tr { th scope="col" { "lines" } th.num scope="col" { (inputs.lines) } } }
                    tbody {
                        @for (what, count) in fates.into_iter().filter(|(_, count)| *count > 0) { tr { td { (what) } td.num { (count) } } }
                        @for (reason, count) in &inputs.rejected_by_reason { tr { td.sub { (reason) } td.num { (count) } } }
                    }
                }
                @if let Some((first, last)) = inputs.first_at.time.zip(inputs.last_at.time) {
                    p { (words::time(Some(first))) " to " (words::time(Some(last))) }
                }
            }
        }
    }
}

fn clients(rows: &[ClientRow]) -> Markup {
    let most = rows.iter().map(|row| row.users).max().unwrap_or(1).max(1) as f64;
    html! {
        div.card {
            h3 { "Clients in use" }
            table {
                thead { tr { th scope="col" { "client" } th scope="col" { "version" } th.num scope="col" { "users" } th.room aria-hidden="true" {} th.num scope="col" { "not as they say" } } }
                tbody { @for row in rows.iter().take(FIRST) { tr {
                    td { bdi { (row.client) } } td { bdi { (row.version) } } td.num { (row.users) }
                    td aria-hidden="true" { svg.bar width="72" height="10" { rect.many width=(format!("{:.1}%", row.users as f64 * 100.0 / most)) height="10" rx="2" {} } }
                    td.num { (row.disagreeing_users) }
                } } }
            }
            @if rows.len() > FIRST { p.note { "and " (rows.len() - FIRST) " more: " code { "swarmtrail clients FILE" } } }
        }
    }
}
