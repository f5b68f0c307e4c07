//! From options to a story: what every command that reads logs has in common.

use super::heap;
use super::out::Out;
use super::progress::Progress;
use crate::cli::{Color, Completed, Output as Asked, Shared};
use anyhow::{Context, bail};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};
use swarmtrail::account::Keep;
use swarmtrail::audit::{Audit, HitAndRun, Severity, Terms, Watch, audit};
use swarmtrail::credit::{Books, Credits, Timelines};
use swarmtrail::pulse::{Curves, Pulse};
use swarmtrail::reading::{Input, Options, read_all};
use swarmtrail::replay::{Given, Listener, Order, Rules, Step, Story};
use swarmtrail::report::{Filter, Output, Row, Style, View, print_rows, terminal_width};
use swarmtrail::session::credit::{Identity, Policy};
use swarmtrail::session::{self, Last, LineRef, Session};
use swarmtrail::side::{Side, WrongRow};
use swarmtrail::source::{Source, SourceError, expand, lines_of};
use swarmtrail::time::{Moment, Time};

/// Of so many swarms a page shows how their uploads may have found receivers.
const COURSES: usize = 100;

/// Checked options.
pub struct Setup {
    pub sources: Vec<Source>,
    pub filter: Filter,
    pub given: Given,
    pub shared: Shared,
    terms: Terms,
    until: Option<Time>,
    /// What could not be looked into.
    errors: Vec<SourceError>,
    bytes_read: Arc<AtomicU64>,
}

impl Setup {
    /// Checks the options.
    ///
    /// # Errors
    /// If there is nothing to read, or a prefix that nothing can begin with.
    pub fn new(files: &[PathBuf], shared: Shared) -> anyhow::Result<Setup> {
        let implied = [PathBuf::from("-")];
        if files.is_empty() && io::stdin().is_terminal() {
            bail!("nothing to read: name a FILE, or pipe a log in (see --help)");
        }
        let (sources, errors) = expand(if files.is_empty() { &implied } else { files });
        if sources.contains(&Source::Stdin) && io::stdin().is_terminal() && !shared.quiet {
            eprintln!("swarmtrail: reading from the terminal; end with Ctrl-D");
        }
        let torrent = shared.torrent.as_ref().map(|prefix| prefix.to_ascii_lowercase());
        if let Some(prefix) = &torrent
            && !(prefix.len() <= 40 && prefix.bytes().all(|b| b.is_ascii_hexdigit()))
        {
            bail!("--torrent {prefix:?}: an info hash is 40 hexadecimal digits");
        }
        let seen = |moment: Option<Moment>| moment.map(|moment| resolve(moment, &shared)).transpose();
        let until = seen(shared.until)?;
        let filter = Filter {
            user: shared.user.clone(),
            torrent,
            min_severity: shared.min_severity.map(Severity::from),
            since: seen(shared.since)?,
            show_passkeys: shared.show_passkeys,
        };
        let completed = match shared.completed {
            Completed::Removes => session::Completed::Removes,
            Completed::Seeds => session::Completed::Seeds,
        };
        let given = Given { interval: shared.interval, timeout: shared.timeout, completed, keep: Keep::Shape };
        let usual = HitAndRun::default();
        let hit_and_run = HitAndRun {
            seed_time: shared.hnr_seedtime.unwrap_or(usual.seed_time),
            ratio: shared.hnr_ratio.unwrap_or(usual.ratio),
            grace: shared.hnr_grace.unwrap_or(usual.grace),
        };
        let terms = Terms {
            since: filter.since,
            hit_and_run,
            courses: if matches!(shared.output, Asked::Html) { COURSES } else { 0 },
        };
        Ok(Setup { sources, filter, given, shared, terms, until, errors, bytes_read: Arc::default() })
    }

    /// How many threads to use.
    pub fn threads(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, |n| n.get());
        self.shared.threads.map_or_else(cores, usize::from)
    }

    /// How to read.
    pub fn options(&self, keep: Keep, threads: usize, order: Order) -> Options {
        let rules = Rules {
            completed: self.given.completed,
            keep,
            since: self.filter.since,
            until: self.until,
            torrent: self.filter.torrent.clone(),
            order,
            ..Rules::default()
        };
        Options { format: self.shared.given_format(), threads, block: None, rules, bytes_read: self.bytes_read.clone() }
    }

    /// Shows how far reading has come, if anybody is there to see it and does not type the log in there.
    pub fn progress(&self) -> Progress {
        let typed = || self.sources.contains(&Source::Stdin) && io::stdin().is_terminal();
        if self.shared.quiet || !io::stderr().is_terminal() || typed() {
            return Progress::default();
        }
        Progress::begin(self.bytes_read.clone(), self.sources.iter().map(Source::size).sum())
    }

    /// Says on standard error what could not be read; `true` if that was anything.
    pub fn complain(&self, input: &Input) -> bool {
        for error in self.errors.iter().chain(&input.errors) {
            eprintln!("swarmtrail: {error}");
        }
        if input.sources.is_empty() {
            return true;
        }
        let tally = &input.tally;
        if tally.delivered + tally.undelivered == 0 && !self.shared.quiet {
            eprintln!("swarmtrail: no announce in {} lines; is this a tracker's access log?", tally.lines);
        }
        if !self.shared.quiet {
            notes(input).for_each(|note| eprintln!("swarmtrail: {note}"));
        }
        !self.errors.is_empty() || !input.errors.is_empty()
    }

    /// The span of the log, as far as it was asked for.
    fn span(&self, input: &Input) -> (Option<Time>, Option<Time>) {
        let last = match (input.tally.last_at, self.until) {
            (Some(last), Some(until)) => Some(last.min(until)),
            (last, _) => last,
        };
        (input.tally.first_at, last)
    }
}

/// What was made of sources that are not as they should be, in words.
fn notes(input: &Input) -> impl Iterator<Item = String> {
    let name = |given: usize| input.source(given).map_or("?", |source| source.name.as_str());
    let copies = input.sources.iter().filter_map(move |source| match (source.same_as, source.repeats) {
        (Some(other), _) => Some(format!("{}: the same as {}, and read once", source.name, name(other))),
        (None, Some(other)) => {
            Some(format!("{}: {} lines are also in {}, and counted once", source.name, source.repeated, name(other)))
        }
        (None, None) => None,
    });
    let tally = &input.tally;
    let holes = tally.first_hole.map(|line| {
        let place = format!("{}:{}", name(line.source()), line.line());
        format!("{} lines have NULs in front, as a crash leaves them; read without ({place} is the first)", tally.holes)
    });
    copies.chain(holes)
}

/// Which time a moment is, seen from now and in the zone asked for.
pub fn resolve(moment: Moment, shared: &Shared) -> anyhow::Result<Time> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let now = Time::from_millis(i64::try_from(now).unwrap_or(i64::MAX));
    moment.time(shared.tz, now).context("a time that no calendar has")
}

/// In which form to print.
pub fn output(shared: &Shared) -> Output {
    match shared.output {
        Asked::Table => Output::Table,
        Asked::Json => Output::Json,
        Asked::Ndjson => Output::Ndjson,
        Asked::Csv => Output::Csv,
        // Whoever can make a page has made it by then, and who cannot has refused.
        Asked::Html => Output::Table,
    }
}

/// How to print for people.
pub fn style(shared: &Shared, millis: bool) -> Style {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let terminal = io::stdout().is_terminal();
    let color = match shared.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => !set("NO_COLOR") && (terminal || set("CLICOLOR_FORCE")),
    };
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|n| *n >= 20);
    Style { color, width: columns.or_else(terminal_width), millis, zone: shared.tz }
}

/// The tables of users and torrents, if any are given. Rows that cannot be used are said on standard error.
fn side(shared: &Shared) -> anyhow::Result<Side> {
    /// So many are said, and how many more there are.
    const SAID: usize = 20;
    let mut side = Side::default();
    let complain = |path: &Path, wrong: Vec<WrongRow>| {
        if shared.quiet {
            return;
        }
        for row in wrong.iter().take(SAID) {
            eprintln!("swarmtrail: {}:{}: {}; the row is left out", path.display(), row.line, row.problem);
        }
        if wrong.len() > SAID {
            eprintln!("swarmtrail: {}: {} more rows are left out", path.display(), wrong.len() - SAID);
        }
    };
    if let Some(path) = &shared.users {
        complain(path, side.read_users(path)?);
    }
    if let Some(path) = &shared.torrents {
        complain(path, side.read_torrents(path)?);
    }
    Ok(side)
}

/// A log, read and understood.
pub struct Told {
    setup: Setup,
    input: Input,
    story: Story,
    audit: Audit,
    /// What the policies that ran beside credit.
    credits: Credits,
    side: Side,
    curves: Curves,
    incomplete: bool,
}

/// What listens while a log is read.
struct Listeners {
    watch: Watch,
    pulse: Option<Pulse>,
    books: Option<Books>,
}

impl Listener for Listeners {
    type Kept = <Watch as Listener>::Kept;

    fn applied(&mut self, step: &Step<'_>, kept: &mut Self::Kept) {
        self.watch.applied(step, kept);
        if let Some(pulse) = &mut self.pulse {
            pulse.applied(step, &mut ());
        }
        if let Some(books) = &mut self.books {
            books.applied(step, &mut ());
        }
    }

    fn ended(&mut self, session: &Session, last: &Last) {
        self.watch.ended(session, last);
    }

    fn hears_all(&self) -> bool {
        self.pulse.is_some() || self.books.is_some() || self.watch.hears_all()
    }

    fn put_aside(&mut self, kept: &mut Self::Kept, to: &mut Vec<u8>) {
        self.watch.put_aside(kept, to);
    }

    fn take_up(&mut self, kept: &[u8]) -> Self::Kept {
        self.watch.take_up(kept)
    }

    fn fetch(&self, kept: &Self::Kept) {
        self.watch.fetch(kept);
    }
}

/// The process ends with what was told: it need not be given back piece by piece before.
impl Told {
    /// Reads the logs.
    ///
    /// # Errors
    /// If there is nothing to read.
    pub fn read(files: &[PathBuf], shared: Shared, keep: Keep) -> anyhow::Result<ManuallyDrop<Told>> {
        let policy = shared.credit.0;
        let timelines = policy
            .map(|_| Timelines { keep, torrent: shared.torrent.as_ref().map(|prefix| prefix.to_ascii_lowercase()) });
        Told::read_with(files, shared, keep, policy.as_slice(), timelines)
    }

    /// Reads the logs, and runs policies beside.
    ///
    /// # Errors
    /// If there is nothing to read.
    pub fn read_comparing(
        files: &[PathBuf],
        shared: Shared,
        policies: &[&'static Policy],
    ) -> anyhow::Result<ManuallyDrop<Told>> {
        Told::read_with(files, shared, Keep::Shape, policies, None)
    }

    fn read_with(
        files: &[PathBuf],
        shared: Shared,
        keep: Keep,
        policies: &[&'static Policy],
        timelines: Option<Timelines>,
    ) -> anyhow::Result<ManuallyDrop<Told>> {
        let setup = Setup::new(files, shared)?;
        let side = side(&setup.shared)?;
        let progress = setup.progress();
        let html = matches!(setup.shared.output, Asked::Html);
        let books = || Books::new(policies.to_vec(), setup.filter.since, timelines.clone());
        let listeners = || Listeners {
            watch: Watch::default(),
            pulse: html.then(Pulse::default),
            books: (!policies.is_empty()).then(books),
        };
        // Who knows peers by their port must hear in turn of those that share it.
        let by_port = policies.iter().any(|policy| policy.identity == Identity::Port);
        let order = if by_port { Order::WholeLog } else { Order::EachPeer };
        heap::give_back();
        let (input, parts) = read_all(&setup.sources, &setup.options(keep, setup.threads(), order), listeners);
        let (mut told, mut watches, mut pulses, mut books) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (part, heard) in parts {
            told.push(part);
            let mut watch = heard.watch;
            watch.close();
            watches.push(watch);
            pulses.extend(heard.pulse);
            books.extend(heard.books);
        }
        let curves = Curves::of(pulses);
        let given = Given { keep, ..setup.given };
        let (mut story, kept) = Story::new(told, given, setup.span(&input), setup.threads());
        let audit = audit(&story, watches, kept, &side, &setup.terms, setup.threads());
        let credits = Credits::new(&mut story, books);
        progress.end();
        let incomplete = setup.complain(&input);
        Ok(ManuallyDrop::new(Told { setup, input, story, audit, credits, side, curves, incomplete }))
    }

    /// What was asked for.
    pub fn view(&self) -> View<'_> {
        let view =
            View::new(&self.story, &self.input, &self.audit, &self.setup.filter, self.setup.threads()).with(&self.side);
        if self.setup.shared.credit.0.is_some() { view.credited(&self.credits) } else { view }
    }

    /// What the policies credit that ran beside.
    pub fn credits(&self) -> &Credits {
        &self.credits
    }

    /// What moved when, if a page is asked for.
    pub fn curves(&self) -> &Curves {
        &self.curves
    }

    /// Raw lines, fit to be shown: passkeys are cut short as everywhere. Lines that cannot be read a second time are missing.
    pub fn raw(&self, lines: impl IntoIterator<Item = LineRef>) -> HashMap<LineRef, String> {
        let mut wanted: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
        for line in lines {
            wanted.entry(line.source()).or_default().insert(line.line());
        }
        let mut cited = HashMap::new();
        for (source, lines) in wanted {
            let read = self.setup.sources.get(source).map(|source| lines_of(source, &lines));
            for (line, text) in read.and_then(Result::ok).unwrap_or_default() {
                cited.insert(LineRef::new(source, line), self.setup.filter.masked(&text, &self.story.users));
            }
        }
        cited
    }

    /// Prints, and says with which status to exit.
    ///
    /// # Errors
    /// Whatever standard output says.
    pub fn print(
        &self,
        print: impl FnOnce(&mut dyn Write, Output, Style) -> io::Result<()>,
    ) -> anyhow::Result<ExitCode> {
        if self.input.sources.is_empty() {
            return Ok(ExitCode::from(2));
        }
        let mut out = BufWriter::with_capacity(1 << 16, Out::new(&self.setup.shared));
        print(&mut out, output(&self.setup.shared), style(&self.setup.shared, self.input.tally.millis))?;
        out.flush()?;
        let severe = |least: Severity| self.view().findings_asked_for().any(|f| f.severity >= least);
        Ok(match self.setup.shared.fail_on.map(Severity::from) {
            _ if self.incomplete => ExitCode::from(2),
            Some(least) if severe(least) => ExitCode::from(1),
            _ => ExitCode::SUCCESS,
        })
    }

    /// Prints rows.
    ///
    /// # Errors
    /// Whatever standard output says.
    pub fn print_rows<R: Row>(&self, rows: impl Iterator<Item = R>) -> anyhow::Result<ExitCode> {
        self.print(|out, output, style| print_rows(out, output, style, rows))
    }
}
