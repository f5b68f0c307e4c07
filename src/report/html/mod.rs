//! The page: one file for a browser, with everything in it, to be read with and without scripts.
//!
//! Text from the log reaches it through [`maud`], which escapes whatever is put in, or as JSON in a block that no browser
//! runs. The policy in its head lets run only the script and the style that belong to it (by their SHA-256), and lets
//! nothing be loaded from anywhere. Charts are our own SVG, not a library's canvas: they must be there without scripts and
//! on paper too, and what is left for the script then (zoom, exact values, log scale) is smaller than any library.

mod chart;
mod data;
mod overview;
mod swarm;
mod table;
mod user;
mod words;

use super::View;
use super::rows::ListedRow;
use crate::announce::InfoHash;
use crate::audit::{CHECKS, Check, Finding, Group};
use crate::pulse::Curves;
use crate::report::text;
use crate::session::{LineRef, Status};
use crate::swarm::{Swarm, swarms};
use base64::Engine;
use data::{Data, ROWS, ROWS_READ};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use user::Scope;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Bytes of articles about users and about swarms: with timelines and rows, a page stays under 5 MB.
const USERS: usize = 2_500_000;
const SWARMS: usize = 600_000;
/// Raw lines read again, in all.
const LINES: usize = 1500;

/// Everything that the page is made of.
struct Page<'a> {
    view: &'a View<'a>,
    curves: &'a Curves,
    lines: &'a HashMap<LineRef, String>,
    /// The log has times.
    timed: bool,
    /// From the log's first second to its last.
    span: (i64, i64),
    /// Users asked for, the worst first.
    order: Vec<usize>,
    /// Torrents asked for: what nobody received first, then the most uploaded.
    swarm_order: Vec<usize>,
    /// Where a user stands in the page, by number.
    slugs: Vec<String>,
    /// Sessions asked for, by user.
    sessions: Vec<Vec<u32>>,
    /// Findings asked for, by user.
    findings: Vec<Vec<&'a Finding>>,
    /// What profiles list at the end, by user.
    listed: HashMap<u32, Vec<ListedRow>>,
    /// Every swarm, whoever was asked for.
    whole: Vec<Swarm>,
    /// Torrents that have an article.
    told: HashSet<InfoHash>,
}

/// Prints the page of a report.
///
/// # Errors
/// Whatever the writer says.
pub fn report(
    out: &mut dyn Write,
    view: &View<'_>,
    curves: &Curves,
    lines: &HashMap<LineRef, String>,
) -> io::Result<()> {
    let mut page = Page::new(view, curves, lines);
    let by_torrent = page.sessions_by_torrent();
    let swarms = page.swarm_articles(&by_torrent);
    let users = page.user_articles();
    let data = page.data(&users, &swarms);
    let (shown_users, shown_swarms) = (&data.tables["users"], &data.tables["swarms"]);
    let body = html! {
        (page.overview())
        section #users aria-labelledby="users-title" {
            h2 #users-title { "Users" }
            p.note {
                "The worst verdict first. " (users.len()) " of " (page.order.len()) " users are here with everything: findings, raw lines, profile and sessions"
                @if users.len() < page.order.len() { "; the others, with totals and their curve" } "."
                @if page.order.len() > ROWS { " Only " (ROWS) " are in the table." }
                " All of one user: " code { "swarmtrail case USER -o html FILE" } ". All users: " code { "swarmtrail audit FILE" } "."
                @if page.order.len() > ROWS_READ { span.noscript { " Without scripts, this table ends after " (ROWS_READ) " rows." } }
            }
            (shown_users.draw("user-table", "Users, the worst verdict first", ROWS_READ))
        }
        section #swarms aria-labelledby="swarms-title" {
            h2 #swarms-title { "Swarms" }
            p.note {
                "What nobody can have received first. " (swarms.len()) " of " (page.swarm_order.len()) " swarms are here with everything."
                @if page.swarm_order.len() > ROWS { " Only " (ROWS) " are in the table." }
                " One swarm: " code { "swarmtrail report --torrent HASH FILE" } "."
                @if page.swarm_order.len() > ROWS_READ { span.noscript { " Without scripts, this table ends after " (ROWS_READ) " rows." } }
            }
            (shown_swarms.draw("swarm-table", "Swarms, what nobody can have received first", ROWS_READ))
        }
        (checks(CHECKS.iter().copied()))
        @for article in users.iter().chain(&swarms) { (article) }
    };
    page.print(
        out,
        "report",
        &[("#overview", "Overview"), ("#users", "Users"), ("#swarms", "Swarms"), ("#checks", "Checks")],
        body,
        &data,
    )
}

/// Prints the page of the case of the user asked for.
///
/// # Errors
/// Whatever the writer says.
pub fn case(out: &mut dyn Write, view: &View<'_>, curves: &Curves, lines: &HashMap<LineRef, String>) -> io::Result<()> {
    let mut page = Page::new(view, curves, lines);
    let by_torrent = page.sessions_by_torrent();
    let swarms = page.swarm_articles(&by_torrent);
    let mut data = page.data(&[], &swarms);
    data.tables.clear();
    let users: Vec<Markup> = page.order.iter().map(|user| page.user(*user, Scope::Alone)).collect();
    data.timelines =
        page.order.iter().map(|&user| (page.slugs[user].clone(), page.timeline(user, Scope::Alone.points()))).collect();
    // Where a swarm's article leads to; the findings say themselves what they mean.
    let cited = CHECKS.iter().copied().filter(|check| check.group == Some(Group::Bytes));
    let body = html! {
        @for article in &users { (article) }
        (checks(cited))
        @for article in &swarms { (article) }
    };
    page.print(out, "case", &[], body, &data)
}

/// The lines that the page of a report shows: those that the findings on the worst users cite, and not too many.
pub fn cited(view: &View<'_>) -> Vec<LineRef> {
    let mut by_user: HashMap<u32, Vec<LineRef>> = HashMap::new();
    for finding in view.findings_asked_for() {
        let lines = by_user.entry(finding.user).or_default();
        let room = user::LINES.saturating_sub(lines.len());
        lines.extend(finding.evidence.iter().take(room));
    }
    let worst = view.worst_first().into_iter();
    worst.flat_map(|user| by_user.remove(&(user as u32)).unwrap_or_default()).take(LINES).collect()
}

impl<'a> Page<'a> {
    fn new(view: &'a View<'a>, curves: &'a Curves, lines: &'a HashMap<LineRef, String>) -> Page<'a> {
        let story = view.story;
        let second = |time: Option<crate::time::Time>| time.map(|time| time.millis().div_euclid(1000));
        let span = second(view.filter.since.max(story.log_start)).zip(second(story.log_end));
        let mut sessions = vec![Vec::new(); story.users.len()];
        for at in view.shown_sessions() {
            sessions[story.sessions.brief(at).user as usize].push(at as u32);
        }
        let mut findings = vec![Vec::new(); story.users.len()];
        view.findings_asked_for().for_each(|finding| findings[finding.user as usize].push(finding));
        let mut listed: HashMap<u32, Vec<ListedRow>> = HashMap::new();
        for row in view.profile(None) {
            listed.entry(story.sessions.brief(row.session as usize - 1).user).or_default().push(row);
        }
        let mut swarm_order: Vec<usize> =
            (0..view.swarms.len()).filter(|torrent| view.swarms[*torrent].sessions > 0).collect();
        let (whole, _) = swarms(story, |_| Some(Status::Removed));
        swarm_order.sort_by_key(|&torrent| {
            std::cmp::Reverse((view.audit.swarms[torrent].unexplained, whole[torrent].totals.uploaded))
        });
        Page {
            view,
            curves,
            lines,
            timed: span.is_some(),
            span: span.map_or((0, 1), |(from, to)| (from, to.max(from + 1))),
            order: view.worst_first(),
            swarm_order,
            slugs: slugs(view),
            sessions,
            findings,
            listed,
            whole,
            told: HashSet::new(),
        }
    }

    /// Sessions of the torrents that may get an article, by torrent.
    fn sessions_by_torrent(&self) -> HashMap<u32, Vec<u32>> {
        /// No article is so short that more would fit.
        const MOST: usize = 400;
        let mut by_torrent: HashMap<u32, Vec<u32>> =
            self.swarm_order.iter().take(MOST).map(|torrent| (*torrent as u32, Vec::new())).collect();
        for (at, session) in self.view.story.sessions.briefs().iter().enumerate() {
            if let Some(sessions) = by_torrent.get_mut(&session.torrent) {
                sessions.push(at as u32);
            }
        }
        by_torrent
    }

    /// Articles about swarms, as many as there is room for. Only what has one is a link.
    fn swarm_articles(&mut self, by_torrent: &HashMap<u32, Vec<u32>>) -> Vec<Markup> {
        let (mut articles, mut room) = (Vec::new(), SWARMS);
        for &torrent in &self.swarm_order {
            let Some(sessions) = by_torrent.get(&(torrent as u32)) else { break };
            let article = self.swarm(torrent, sessions);
            let Some(left) = room.checked_sub(article.0.len()) else { break };
            room = left;
            articles.push(article);
            self.told.insert(self.view.story.torrents[torrent]);
        }
        articles
    }

    /// Articles about users, the worst first, as many as there is room for.
    fn user_articles(&self) -> Vec<Markup> {
        let mut room = USERS;
        let fits = |article: &Markup| {
            let left = room.checked_sub(article.0.len());
            room = left.unwrap_or(0);
            left.is_some()
        };
        self.order.iter().map(|user| self.user(*user, Scope::OneOfMany)).take_while(fits).collect()
    }

    fn swarm_slug(&self, torrent: usize) -> String {
        format!("swarm-{}", &self.view.story.torrents[torrent].to_string()[..16])
    }

    fn user_link(&self, user: usize) -> Markup {
        let name = self.view.full_name(user);
        if self.sessions[user].is_empty() {
            return html! { bdi { (name) } };
        }
        html! { a href=(format!("#{}", self.slugs[user])) { bdi { (name) } } }
    }

    fn torrent_link(&self, torrent: InfoHash) -> Markup {
        let hash = torrent.to_string();
        let named = self.view.side.and_then(|side| side.torrent(&torrent)?.name.as_deref()).map(short);
        let (class, text) = named.map_or(("hash", hash[..12].to_string()), |name| ("", name));
        if self.told.contains(&torrent) {
            html! { a.(class) href=(format!("#swarm-{}", &hash[..16])) title=(hash) { bdi { (text) } } }
        } else {
            html! { span.(class) title=(hash) { bdi { (text) } } }
        }
    }

    /// What closes an article: it leads back to where the articles of its kind are listed.
    fn closing(&self, to: &str) -> Markup {
        html! { a.close href=(to) { "Close" } }
    }

    fn print(
        &self,
        out: &mut dyn Write,
        what: &str,
        places: &[(&str, &str)],
        body: Markup,
        data: &Data,
    ) -> io::Result<()> {
        let names: Vec<String> =
            self.view.input.sources.iter().take(3).map(|source| super::text::clean(&source.name)).collect();
        let of = match self.view.input.sources.len() {
            0..=3 => names.join(", "),
            more => format!("{} and {} more", names.join(", "), more - 3),
        };
        let policy = format!(
            "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
            hash(SCRIPT),
            hash(STYLE)
        );
        let page = html! {
            (DOCTYPE)
            html lang="en" class=(what) {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="referrer" content="no-referrer";
                    meta name="generator" content=(concat!("swarmtrail ", env!("CARGO_PKG_VERSION")));
                    title { "swarmtrail " (what) ": " (of) }
                    link rel="icon" href="data:,";
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header {
                        h1 { "swarmtrail " span { (what) } }
                        p.source { bdi { (of) } @if self.timed { " · " (words::time(self.view.input.tally.first_at)) " to " (words::time(self.view.input.tally.last_at)) " UTC" } }
                        nav aria-label="Parts of the page" { @for (to, name) in places { a href=(to) { (name) } } }
                    }
                    main #main tabindex="-1" { (body) }
                    footer { "Made by swarmtrail " (env!("CARGO_PKG_VERSION")) ". This file holds everything it shows; it loads nothing and sends nothing." }
                    // Nothing in it can end the block or begin another, since it has no `<`.
                    script #data type="application/json" { (PreEscaped(data.json()?)) }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        out.write_all(page.0.as_bytes())
    }
}

/// What checks mean.
fn checks(checks: impl Iterator<Item = &'static Check>) -> Markup {
    html! {
        section #checks aria-labelledby="checks-title" {
            h2 #checks-title { "What the checks mean" }
            @for check in checks {
                details.meaning id=(format!("check-{}", check.name)) {
                    summary { (words::severity(check.severity)) " " strong { (check.name) } ": " (check.summary) }
                    (words::explained(check))
                }
            }
        }
    }
}

/// So many characters of a name are shown where it is one of many.
const NAME: usize = 40;

/// A name, cut where it is too long for a table.
fn short(name: &str) -> String {
    let name = text::clean(name);
    match name.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name,
    }
}

/// How the policy names what may run.
fn hash(text: &str) -> String {
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text)))
}

/// Where users stand in the page, by number: as they are called, in letters and digits, each once.
fn slugs(view: &View<'_>) -> Vec<String> {
    let mut taken: HashMap<String, usize> = HashMap::new();
    let slug = |user| {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = view.name(user).chars().map(plain).collect();
        let count = taken.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { format!("user-{name}") } else { format!("user-{name}.{count}") }
    };
    view.story.users.iter().map(slug).collect()
}
