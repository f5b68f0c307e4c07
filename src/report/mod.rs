//! What people and programs see: rows over one model, and a file for each way to print them.

mod case;
mod credit;
mod csv;
mod html;
mod json;
mod plot;
mod rows;
mod table;
mod text;

pub use rows::{
    AnomalyRow, ApartRow, AuditRow, CaseRow, CheckRow, ClientRow, DetectRow, FormatRow, InputRow, Inputs, ListedRow,
    OWN, PointRow, PolicyRow, ReplayRow, Row, SessionCreditRow, SessionRow, SettingsRow, TorrentRow, UserCreditRow,
    UserRow,
};

use crate::account::Totals;
use crate::audit::{Audit, Finding, Severity};
use crate::credit::Credits;
use crate::order::{by_number, by_two};
use crate::reading::Input;
use crate::replay::{Story, User};
use crate::session::{Counters, LineRef, Listed, Status, ends_listed, status_at};
use crate::share::{both, shared};
use crate::side::{Factors, Side, TorrentInfo, UserInfo};
use crate::swarm::{Swarm, swarms};
use crate::time::{Time, Zone};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::{self, Write};

/// In which form to print.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Output {
    /// Tables for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values (RFC 4180).
    Csv,
}

/// How to print for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// With colours.
    pub color: bool,
    /// Columns of the terminal; `None` if it is none.
    pub width: Option<u16>,
    /// Times have fractions of a second.
    pub millis: bool,
    /// Where times are shown in.
    pub zone: Zone,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only users whose passkey or address begins so.
    pub user: Option<String>,
    /// Only torrents whose info hash begins so, in lower-case hexadecimal.
    pub torrent: Option<String>,
    /// Only findings at least so severe.
    pub min_severity: Option<Severity>,
    /// Only what happened from then on.
    pub since: Option<Time>,
    /// Whole passkeys in print.
    pub show_passkeys: bool,
}

/// Sums over one user's sessions.
#[derive(Clone, Debug, Default)]
struct UserSum {
    announces: u64,
    sessions: u32,
    leeching: u32,
    seeding: u32,
    torrents: u32,
    addresses: u32,
}

impl UserSum {
    /// Sums up every user, by number, but for the torrents.
    fn all(story: &Story, shown: &[Option<Status>]) -> Vec<UserSum> {
        let mut sums = vec![UserSum::default(); story.users.len()];
        let mut addresses = Vec::new();
        for (at, (session, status)) in story.sessions.briefs().iter().zip(shown).enumerate() {
            let Some(status) = *status else { continue };
            let sum = &mut sums[session.user as usize];
            sum.announces += u64::from(session.announces);
            sum.sessions += 1;
            sum.leeching += u32::from(status == Status::Leeching);
            sum.seeding += u32::from(status == Status::Seeding);
            let known = story.sessions.addresses(at).filter(|address| *address != 0);
            addresses.extend(known.map(|address| (session.user, address)));
        }
        by_two(&mut addresses, |pair| *pair);
        addresses.dedup();
        addresses.into_iter().for_each(|(user, _)| sums[user as usize].addresses += 1);
        sums
    }
}

/// How many rows of each kind there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // The names say it.
pub struct Counts {
    pub users: usize,
    pub torrents: usize,
    pub sessions: usize,
    pub listed: usize,
}

/// Everything there is to report, and what of it was asked for.
pub struct View<'a> {
    /// What happened.
    pub story: &'a Story,
    /// What was read.
    pub input: &'a Input,
    audit: &'a Audit,
    filter: &'a Filter,
    /// What one policy credits, if that was asked for instead of swarmtrail's own rule.
    credits: Option<&'a Credits>,
    /// What is known of users and torrents.
    side: Option<&'a Side>,
    sums: Vec<UserSum>,
    swarms: Vec<Swarm>,
    /// By session: as what it is listed when the log ends; `None` if it is not asked for.
    shown: Vec<Option<Status>>,
    threads: usize,
}

impl<'a> View<'a> {
    /// A view of a story, made on so many threads.
    pub fn new(story: &'a Story, input: &'a Input, audit: &'a Audit, filter: &'a Filter, threads: usize) -> View<'a> {
        let users: Vec<bool> = story.users.iter().map(|user| filter.wants_user(user)).collect();
        let torrents: Vec<bool> = story.torrents.iter().map(|t| filter.wants_torrent(&t.to_string())).collect();
        let shown_as = |index: usize| {
            let session = story.sessions.brief(index);
            if !users[session.user as usize] || !torrents[session.torrent as usize] {
                return None;
            }
            let listed = ends_listed(session.phase).then(|| story.listing(index));
            let listed = listed.and_then(|listing| status_at(&listing, story.log_end));
            let status = listed.map_or(Status::Removed, |listed| listed.status);
            (session.in_span() || status != Status::Removed).then_some(status)
        };
        let shown = shared(story.sessions.len(), threads, |range| range.map(shown_as).collect());
        let (mut sums, (swarms, took_part)) =
            both(threads, || UserSum::all(story, &shown), || swarms(story, |at| shown[at]));
        took_part.into_iter().for_each(|(_, user)| sums[user as usize].torrents += 1);
        View { story, input, audit, filter, credits: None, side: None, sums, swarms, shown, threads }
    }

    /// The same with what another tracker credits. The users' accounts are that already (see [`Credits::new`]).
    pub fn credited(mut self, credits: &'a Credits) -> View<'a> {
        self.credits = Some(credits);
        self.swarms.iter_mut().for_each(|swarm| swarm.totals = Totals::default());
        for session in (0..self.shown.len()).filter(|&n| self.shown[n].is_some()) {
            let (torrent, credit) = (self.story.sessions.brief(session).torrent, self.credit(session));
            self.swarms[torrent as usize].totals.add(credit);
        }
        self
    }

    /// The same with names, sizes and factors.
    pub fn with(mut self, side: &'a Side) -> View<'a> {
        self.side = Some(side);
        self
    }

    /// What is credited for a session.
    fn credit(&self, session: usize) -> Counters {
        let credited = self.credits.and_then(|credits| credits.session(session).first());
        credited.map_or_else(|| self.story.sessions.brief(session).credit, |credited| credited.sum)
    }

    fn shown_sessions(&self) -> impl Iterator<Item = usize> {
        (0..self.shown.len()).filter(|&n| self.shown[n].is_some())
    }

    fn user_info(&self, user: usize) -> Option<&'a UserInfo> {
        self.side?.user(&self.story.users[user].name)
    }

    fn torrent_info(&self, torrent: u32) -> Option<&'a TorrentInfo> {
        self.side?.torrent(&self.story.torrents[torrent as usize])
    }

    fn user_name(&self, user: usize) -> Option<String> {
        self.user_info(user)?.name.clone()
    }

    fn torrent_name(&self, torrent: u32) -> Option<String> {
        self.torrent_info(torrent)?.name.clone()
    }

    fn factors(&self, torrent: u32) -> Factors {
        self.torrent_info(torrent).map_or_else(Factors::default, |torrent| torrent.factors)
    }

    /// How many users and torrents that are asked for are in no table; `None` without a table.
    fn unknown(&self) -> (Option<u64>, Option<u64>) {
        let Some(side) = self.side else { return (None, None) };
        let user = |&n: &usize| side.knows_user(&self.story.users[n].name) == Some(false);
        let torrent = |&n: &usize| side.knows_torrent(&self.story.torrents[n]) == Some(false);
        let users = (0..self.sums.len()).filter(|&n| self.sums[n].sessions > 0).filter(user).count();
        let torrents = (0..self.swarms.len()).filter(|&n| self.swarms[n].sessions > 0).filter(torrent).count();
        (side.has_users().then_some(users as u64), side.has_torrents().then_some(torrents as u64))
    }

    fn has_factors(&self) -> bool {
        self.side.is_some_and(Side::has_factors)
    }

    /// How a user is called in print: 12 characters of a passkey, since a whole one is a credential.
    pub fn name(&self, user: &User) -> String {
        self.filter.name(user)
    }

    /// The same, after the name that the site knows.
    pub fn full_name(&self, user: usize) -> String {
        let key = self.name(&self.story.users[user]);
        match self.user_name(user) {
            Some(name) => format!("{} ({key})", text::clean(&name)),
            None => key,
        }
    }

    /// How many rows of each kind there are.
    pub fn counts(&self) -> Counts {
        Counts {
            users: self.sums.iter().filter(|sum| sum.sessions > 0).count(),
            torrents: self.swarms.iter().filter(|swarm| swarm.sessions > 0).count(),
            sessions: self.shown_sessions().count(),
            listed: self.sums.iter().map(|sum| (sum.leeching + sum.seeding) as usize).sum(),
        }
    }

    /// The settings.
    pub fn settings(&self) -> SettingsRow {
        SettingsRow::new(self)
    }

    /// What was read.
    pub fn inputs(&self) -> Inputs<'_> {
        Inputs::new(self)
    }

    /// Users, the one that uploaded most first.
    pub fn users(&self) -> impl Iterator<Item = UserRow<'_>> {
        self.user_order().into_iter().map(|n| UserRow::new(self, n))
    }

    fn user_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.sums.len()).filter(|&n| self.sums[n].sessions > 0).collect();
        order.sort_by_cached_key(|&n| {
            let totals = self.story.users[n].account.totals;
            Reverse((totals.uploaded, totals.downloaded))
        });
        order
    }

    /// Users with their verdicts, the worst first.
    pub fn audited(&self) -> impl Iterator<Item = AuditRow> {
        self.worst_first().into_iter().map(|n| AuditRow::new(self, n))
    }

    /// The numbers of the users asked for, the worst verdict first.
    fn worst_first(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.sums.len()).filter(|&n| self.sums[n].sessions > 0).collect();
        let key = |n: usize| {
            let judgement = &self.audit.judgements[n];
            (judgement.verdict, judgement.score, judgement.unexplained, judgement.estimate)
        };
        order.sort_by(|&a, &b| key(b).partial_cmp(&key(a)).unwrap_or(std::cmp::Ordering::Equal).then(a.cmp(&b)));
        order
    }

    /// Client programs, the one with most users first.
    pub fn clients(&self) -> impl Iterator<Item = ClientRow> {
        ClientRow::all(self).into_iter()
    }

    /// The dossier of the one user asked for. `lines` are the raw lines that its findings cite.
    ///
    /// # Errors
    /// How many users were asked for, if it is not one.
    pub fn case(&self, lines: &HashMap<LineRef, String>) -> Result<CaseRow<'_>, usize> {
        let asked: Vec<usize> = (0..self.sums.len()).filter(|&n| self.sums[n].sessions > 0).collect();
        match asked[..] {
            [user] => Ok(CaseRow::new(self, user, lines)),
            _ => Err(asked.len()),
        }
    }

    /// Torrents, the busiest first.
    pub fn torrents(&self) -> impl Iterator<Item = TorrentRow> {
        self.torrent_order().into_iter().map(|n| TorrentRow::new(self, n))
    }

    fn torrent_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.swarms.len()).filter(|&n| self.swarms[n].sessions > 0).collect();
        order.sort_by_cached_key(|&n| {
            let totals = self.swarms[n].totals;
            Reverse((totals.uploaded, totals.downloaded))
        });
        order
    }

    /// Sessions in the order in which they began.
    pub fn sessions(&self) -> impl Iterator<Item = SessionRow<'_>> {
        self.shown_sessions().map(|n| SessionRow::new(self, n))
    }

    /// Findings, worst first.
    pub fn anomalies(&self) -> impl Iterator<Item = AnomalyRow<'_>> {
        self.findings_asked_for().map(|finding| AnomalyRow::new(self, finding))
    }

    /// The findings that were asked for.
    pub fn findings_asked_for(&self) -> impl Iterator<Item = &'a Finding> {
        let (findings, shown, sums) = (&self.audit.findings, &self.shown, &self.sums);
        findings.iter().filter(move |f| {
            self.filter.min_severity.is_none_or(|least| f.severity >= least)
                && f.session.map_or(sums[f.user as usize].sessions > 0, |session| shown[session as usize].is_some())
        })
    }

    /// What profiles list at a time (default: the end of the log), by user.
    pub fn profile(&self, at: Option<Time>) -> impl Iterator<Item = ListedRow> {
        // At the end it is known already who is.
        let may_be = |n: &usize| at.is_some() || self.shown[*n] != Some(Status::Removed);
        let at = at.or(self.story.log_end);
        let listed = move |n: usize| {
            let status = status_at(&self.story.listing(n), at)?;
            (status.status != Status::Removed).then_some((n, status))
        };
        let user = |n: usize| (self.story.sessions.brief(n).user, n);
        let mut places: Vec<(u32, usize)> = self.shown_sessions().filter(may_be).map(user).collect();
        by_number(&mut places, |(user, _)| *user);
        // User by user, as they are asked for: a table has room for a few.
        let mut places = places.into_iter().peekable();
        let of_user = move || {
            let user = places.peek()?.0;
            let own = std::iter::from_fn(|| places.next_if(|(of, _)| *of == user));
            let mut own: Vec<(usize, Listed)> = own.filter_map(|(_, n)| listed(n)).collect();
            own.sort_by_key(|(_, listed)| (listed.status, listed.from));
            Some(own)
        };
        std::iter::from_fn(of_user).flatten().map(move |(n, listed)| ListedRow::new(self, n, listed, at))
    }
}

/// So much of a passkey is shown: enough to tell users apart, too little to announce with.
const SHOWN: usize = 12;

impl Filter {
    /// Whether a user was asked for.
    pub fn wants_user(&self, user: &User) -> bool {
        self.user.as_deref().is_none_or(|prefix| user.name.starts_with(prefix.as_bytes()))
    }

    /// Whether a torrent was asked for.
    pub fn wants_torrent(&self, info_hash: &str) -> bool {
        self.torrent.as_deref().is_none_or(|prefix| info_hash.starts_with(prefix))
    }

    /// A raw line in print: without what a terminal acts on, and with the passkeys of the users asked for cut short.
    pub fn masked(&self, line: &[u8], users: &[User]) -> String {
        let mut text = text::clean(&String::from_utf8_lossy(line));
        for user in users.iter().filter(|user| self.wants_user(user) && user.is_passkey && !self.show_passkeys) {
            let whole = String::from_utf8_lossy(&user.name);
            if text.contains(&*whole) {
                text = text.replace(&*whole, &format!("{}...", self.name(user)));
            }
        }
        text
    }

    /// A request's target in print: its passkey is cut short, and so is whatever else is long enough to be one.
    pub fn target(&self, target: &[u8], passkey: Option<&[u8]>) -> Vec<u8> {
        /// Keys are 32 letters and digits, or more; in queries hardly anything else is.
        const LONG: usize = 28;
        if self.show_passkeys {
            return target.to_vec();
        }
        let word = |b: &u8| b.is_ascii_alphanumeric();
        let parts = target.chunk_by(|a, b| word(a) == word(b));
        let mut out: Vec<u8> = Vec::with_capacity(target.len());
        for part in parts {
            let cut = part.len() > SHOWN && (part.len() >= LONG && word(&part[0]) || passkey == Some(part));
            out.extend_from_slice(if cut { &part[..SHOWN] } else { part });
            out.extend_from_slice(if cut { b"..." } else { b"" });
        }
        // A key may be of several words.
        match passkey.filter(|key| key.len() > SHOWN).and_then(|key| Some((memchr::memmem::find(&out, key)?, key))) {
            Some((at, key)) => [&out[..at + SHOWN], b"...", &out[at + key.len()..]].concat(),
            None => out,
        }
    }

    /// How a user is called in print.
    pub fn name(&self, user: &User) -> String {
        let whole = self.show_passkeys || !user.is_passkey;
        let shown = if whole { user.name.len() } else { user.name.len().min(SHOWN) };
        crate::announce::printable(&user.name[..shown]).to_string()
    }
}

/// Prints rows of one kind as they come: an array, a line each, or a table.
pub struct Printer<W, R> {
    out: W,
    output: Output,
    style: Style,
    rows: u64,
    /// Those of CSV.
    columns: Vec<rows::Column<R>>,
    /// Rows of a table, which are laid out together.
    page: Vec<R>,
}

impl<W: Write, R: Row> Printer<W, R> {
    /// A printer to `out`.
    pub fn new(out: W, output: Output, style: Style) -> Self {
        Printer { out, output, style, rows: 0, columns: csv::columns(), page: Vec::new() }
    }

    /// Prints a row.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn row(&mut self, row: R) -> io::Result<()> {
        let first = self.rows == 0;
        self.rows += 1;
        match self.output {
            Output::Table => {
                self.page.push(row);
                if self.page.len() >= table::PAGE { self.turn_page() } else { Ok(()) }
            }
            Output::Json => json::element(&mut self.out, &row, first),
            Output::Ndjson => json::line(&mut self.out, R::TYPE, &row),
            Output::Csv => {
                if first {
                    csv::heading(&mut self.out, &self.columns)?;
                }
                csv::row(&mut self.out, &self.style, &self.columns, &row)
            }
        }
    }

    fn turn_page(&mut self) -> io::Result<()> {
        table::page(&mut self.out, &self.style, self.page.drain(..))
    }

    /// Prints what is left.
    ///
    /// # Errors
    /// Whatever the writer says.
    pub fn finish(mut self) -> io::Result<()> {
        match self.output {
            Output::Table if self.rows == 0 => writeln!(self.out, "nothing"),
            Output::Table if self.page.is_empty() => Ok(()),
            Output::Table => self.turn_page(),
            Output::Json => {
                json::close(&mut self.out, self.rows == 0)?;
                writeln!(self.out)
            }
            Output::Csv if self.rows == 0 => csv::heading(&mut self.out, &self.columns),
            Output::Ndjson | Output::Csv => Ok(()),
        }?;
        self.out.flush()
    }
}

/// Prints rows of one kind.
///
/// # Errors
/// Whatever the writer says.
pub fn print_rows<R: Row>(
    out: &mut dyn Write,
    output: Output,
    style: Style,
    rows: impl Iterator<Item = R>,
) -> io::Result<()> {
    let mut printer = Printer::new(out, output, style);
    for row in rows {
        printer.row(row)?;
    }
    printer.finish()
}

/// Prints the whole picture.
///
/// # Errors
/// Whatever the writer says.
pub fn print_report(out: &mut dyn Write, output: Output, style: &Style, view: &View<'_>) -> io::Result<()> {
    match output {
        Output::Table => table::report(out, style, view),
        Output::Json => json::report(out, view),
        Output::Ndjson => json::report_lines(out, view),
        Output::Csv => csv::report(out, style, view),
    }
}

pub use case::case as print_case;
pub use credit::credit as print_credit;
pub use html::{case as print_case_page, cited as cited_on_page, report as print_report_page};
pub use plot::charts as print_charts;
pub use table::{
    check as print_check, detected as print_detected, formats as print_formats, terminal_width,
    timelines as print_timelines,
};
