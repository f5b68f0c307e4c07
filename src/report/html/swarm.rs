//! All there is about one swarm: so much was uploaded, so much can have been received.

use super::chart::{Bar, Chart, Lane, Series, Unit, lanes};
use super::{Page, words};
use crate::audit::Course;
use crate::report::text;
use crate::session::Status;
use crate::time::Time;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// So many users of a swarm are shown, the most uploaded first.
const SHOWN: usize = 16;
/// So many bars of a user are drawn, at most.
const BARS: usize = 24;

/// A user in a swarm.
struct Peer {
    user: u32,
    sessions: Vec<u32>,
    up: u128,
    down: u128,
    /// From the first line to the last.
    there: (Option<Time>, Option<Time>),
}

impl Page<'_> {
    /// A swarm's article. `sessions` are its sessions.
    pub fn swarm(&self, torrent: usize, sessions: &[u32]) -> Markup {
        let story = self.view.story;
        let (name, sum) = (story.torrents[torrent].to_string(), &self.whole[torrent]);
        let slug = self.swarm_slug(torrent);
        let nobody = u128::from(self.view.audit.swarms[torrent].unexplained);
        let received = sum.totals.uploaded.saturating_sub(nobody);
        let peers = peers(story, sessions);
        html! {
            article.detail #(slug) tabindex="-1" aria-labelledby=(format!("{slug}-name")) {
                (self.closing("#swarms"))
                h2 id=(format!("{slug}-name")) { "Swarm " @if let Some(called) = self.view.torrent_name(torrent as u32) { bdi { (text::clean(&called)) } " " } span.hash { (name) } }
                dl.tiles {
                    (words::tile("uploaded by all", &text::bytes(sum.totals.uploaded)))
                    (words::tile("downloaded by all", &text::bytes(sum.totals.downloaded)))
                    (words::tile("received by nobody", &text::bytes(nobody)))
                    (words::tile("size", &sum.size.map_or("?".into(), |size| text::bytes(size.into()))))
                    (words::tile("users", &sum.users.to_string()))
                    (words::tile("sessions", &sum.sessions.to_string()))
                }
                h3 { "Does it add up?" }
                p.lead {
                    "Every byte that one peer uploads, another one downloads. In this swarm all users together say that they uploaded "
                    strong { (words::bytes(sum.totals.uploaded)) } ". "
                    @if nobody > 0 {
                        "Given every benefit of the doubt, others can have received at most " strong { (words::bytes(received)) }
                        " of that. The other " strong.bad { (words::bytes(nobody)) }
                        " were received by nobody: as far as this log shows everybody in the swarm, those bytes cannot exist."
                    } @else {
                        "Given every benefit of the doubt, all of that can have been received: the swarm balances."
                    }
                }
                (balance(sum.totals.uploaded, received, sum.totals.downloaded))
                details {
                    summary { "How that was bounded" }
                    ul {
                        li { "Upload is held against those who were there when it was sent, announce by announce, and not only against the sums." }
                        li { "Nobody receives from himself." }
                        li { "A receiver counts with what its " code { "downloaded" } " grew by or what its " code { "left" } " fell by, whichever is more, and one in a hundred on top; what it lost and got again counts again." }
                        li { "Who vanished without a word is taken to have received all that it still missed." }
                        li { "Counters may be three minutes old, and lines may be late." }
                    }
                    p { a href="#check-unreceived-upload" { "The formula" } ", and what harmless thing looks the same." }
                }
                section.linked {
                    h3 { "Over time" }
                    @for chart in self.swarm_charts(torrent, &slug) { (chart.figure(self.timed)) }
                    @if self.timed {
                        (lanes(&peers.iter().take(SHOWN).map(|peer| self.peer_lane(peer)).collect::<Vec<_>>(), self.span, "Who was there"))
                        p.keys { span.key { i.leeching {} "leeching" } span.key { i.seeding {} "seeding" } "Those who uploaded most come first." }
                    }
                }
                @if let Some(course) = self.view.audit.courses.get(&(torrent as u32)) { (self.pairs(course)) }
                h3 { "Who was there (" (peers.len()) ")" }
                div.scroll { table {
                    thead { tr { th scope="col" { "user" } th scope="col" { "verdict" } th.num scope="col" { "uploaded" } th.num scope="col" { "downloaded" }
                        th.num scope="col" { "others there meanwhile" } th.num scope="col" { "they downloaded" } th.num scope="col" { "uploaded beyond that" } } }
                    tbody {
                        @for peer in peers.iter().take(SHOWN) {
                            @let (others, theirs) = meanwhile(peer, &peers);
                            tr {
                                td { (self.user_link(peer.user as usize)) }
                                td { (words::badge(self.view.audit.judgements[peer.user as usize].verdict.name())) }
                                td.num { (text::bytes(peer.up)) } td.num { (text::bytes(peer.down)) }
                                td.num { (others) } td.num { (text::bytes(theirs)) }
                                td.num { @if peer.up > theirs { strong.bad { (words::bytes(peer.up - theirs)) } } @else { "0 B" } }
                            }
                        }
                    }
                } }
                @if peers.len() > SHOWN {
                    p.note { (SHOWN) " of " (peers.len()) " users are shown. All: " code { "swarmtrail sessions --torrent " (name) " FILE" } }
                }
            }
        }
    }

    /// How much of what was uploaded can have been received, so far; and what all say.
    pub fn swarm_charts(&self, torrent: usize, slug: &str) -> Vec<Chart> {
        let course = self.view.audit.courses.get(&(torrent as u32));
        let course = course.filter(|course| self.timed && course.points.len() > 1);
        let found = course.map(|course| self.course_chart(course, slug));
        found.into_iter().chain(self.announced_chart(torrent, slug)).collect()
    }

    fn course_chart(&self, course: &Course, slug: &str) -> Chart {
        let second = |time: Time| time.millis().div_euclid(1000).clamp(self.span.0, self.span.1);
        let values =
            |of: fn(&(Time, u64, u64)) -> u64| course.points.iter().map(|point| Some(of(point) as f64)).collect();
        Chart {
            id: format!("{slug}-received"),
            title: "Uploads, and what of them can have been received",
            unit: Unit::Bytes,
            span: self.span,
            at: course.points.iter().map(|point| second(point.0)).collect(),
            series: vec![
                Series { name: "uploaded, as claimed", class: "up", values: values(|point| point.1) },
                Series { name: "received at most", class: "received", values: values(|point| point.2) },
            ],
        }
    }

    /// Who may have sent to whom.
    fn pairs(&self, course: &Course) -> Markup {
        let (claimed, received) = course.points.last().map_or((0, 0), |point| (point.1, point.2));
        let (nobody, shown) = (claimed - received, course.pairs.iter().map(|pair| pair.2).sum());
        let rest = received.saturating_sub(shown);
        html! {
            h3 { "Who can have sent to whom" }
            p.note {
                "One way in which the uploads find receivers who were there at the time: who sends or receives no longer is served first. There are others, so it does not say whose bytes found none."
            }
            div.scroll { table {
                thead { tr { th scope="col" { "from" } th scope="col" { "to" } th.num scope="col" { "bytes, in this way" } } }
                tbody {
                    @for (from, to, bytes) in &course.pairs {
                        tr {
                            td { (self.user_link(*from as usize)) }
                            td { (self.user_link(*to as usize)) }
                            td.num { (text::bytes((*bytes).into())) }
                        }
                    }
                    @if course.more > 0 { tr { td colspan="2" { (course.more) " more pairs" } td.num { (text::bytes(rest.into())) } } }
                    @if nobody > 0 { tr { td { "somebody" } td { strong.bad { "nobody" } } td.num { (text::bytes(nobody.into())) } } }
                }
            } }
        }
    }

    /// What all say they uploaded and downloaded, so far.
    fn announced_chart(&self, torrent: usize, slug: &str) -> Option<Chart> {
        let curve = self.curves.torrents.get(&self.view.story.torrents[torrent])?;
        let first = curve.moments().next()?.0;
        let (mut at, mut sums, mut sum) = (vec![first], vec![(0, 0)], (0u64, 0u64));
        for (second, moment) in curve.moments() {
            sum = (sum.0.saturating_add(moment.up), sum.1.saturating_add(moment.down));
            at.push((second + curve.width()).min(self.span.1.max(second)));
            sums.push(sum);
        }
        let up = Series { name: "uploaded", class: "up", values: sums.iter().map(|sum| Some(sum.0 as f64)).collect() };
        let down =
            Series { name: "downloaded", class: "down", values: sums.iter().map(|sum| Some(sum.1 as f64)).collect() };
        Some(Chart {
            id: format!("{slug}-balance"),
            title: "Bytes so far, as announced by all",
            unit: Unit::Bytes,
            span: self.span,
            at,
            series: vec![up, down],
        })
    }

    fn peer_lane(&self, peer: &Peer) -> Lane {
        let story = self.view.story;
        let name = self.view.full_name(peer.user as usize);
        let second = |time: Time| time.millis().div_euclid(1000);
        let mut bars = Vec::new();
        for &at in peer.sessions.iter().take(BARS) {
            for listed in story.listing(at as usize).iter().filter(|listed| listed.status != Status::Removed) {
                let span = (listed.from.map_or(self.span.0, second), listed.to.map_or(self.span.1, second));
                let (from, to) =
                    (words::time(Some(Time::from_secs(span.0))), words::time(Some(Time::from_secs(span.1))));
                bars.push(Bar {
                    class: listed.status.name(),
                    span,
                    title: format!("{} {from} to {to}", listed.status.name()),
                });
            }
        }
        bars.truncate(BARS);
        Lane { label: self.user_link(peer.user as usize), name: format!("user {name}"), bars, dots: Vec::new() }
    }
}

/// The users of a swarm, the one that uploaded most first.
fn peers(story: &crate::replay::Story, sessions: &[u32]) -> Vec<Peer> {
    let mut peers: BTreeMap<u32, Peer> = BTreeMap::new();
    for &at in sessions {
        let session = story.sessions.get(at as usize);
        let peer = peers.entry(session.user).or_insert_with(|| Peer {
            user: session.user,
            sessions: Vec::new(),
            up: 0,
            down: 0,
            there: (session.first_at, session.last_at),
        });
        let credit = session.state.credit();
        peer.sessions.push(at);
        peer.up += u128::from(credit.up);
        peer.down += u128::from(credit.down);
        peer.there = (peer.there.0.min(session.first_at), peer.there.1.max(session.last_at));
    }
    let mut peers: Vec<Peer> = peers.into_values().collect();
    peers.sort_by_key(|peer| (std::cmp::Reverse(peer.up), peer.user));
    peers
}

/// How many others were there at some time while a user was, and what they downloaded in all.
fn meanwhile(peer: &Peer, peers: &[Peer]) -> (usize, u128) {
    let there = |other: &&Peer| {
        other.user != peer.user && other.there.0 <= peer.there.1 && peer.there.0 <= other.there.1 && other.down > 0
    };
    (peers.iter().filter(there).count(), peers.iter().filter(there).map(|other| other.down).sum())
}

/// Three bars under each other: what was claimed, what can have been received, and what was said to be.
fn balance(uploaded: u128, received: u128, downloaded: u128) -> Markup {
    let most = uploaded.max(downloaded).max(1) as f64;
    let width = |n: u128| format!("{:.2}%", n as f64 * 100.0 / most);
    html! {
        dl.balance {
            @for (label, n, class) in [
                ("uploaded, as claimed", uploaded, "up"),
                ("received at most", received, "received"),
                ("downloaded, as announced", downloaded, "down"),
            ] {
                dt { (label) }
                dd {
                    svg.bar width="100%" height="14" aria-hidden="true" {
                        rect.(class) width=(width(n)) height="14" rx="3" {}
                        @if class == "received" && uploaded > received {
                            rect.nobody x=(width(received)) width=(width(uploaded - received)) height="14" rx="3" {}
                        }
                    }
                    span.num { (words::bytes(n)) @if class == "received" && uploaded > received { " + " (words::bytes(uploaded - received)) " by nobody" } }
                }
            }
        }
    }
}
