//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use swarmtrail::access_log::{FORMATS, Format, Json, Pattern, Template, format_named};
use swarmtrail::audit::{Severity, check_named};
use swarmtrail::report::OWN;
use swarmtrail::session::credit::{POLICIES, Policy, policy_named};
use swarmtrail::time::{Moment, Zone, parse_duration};

/// Reads the access log of a BitTorrent tracker and tells what really happened: every torrent session, each user's ratio
/// over time, what each profile listed and when, and what does not add up.
#[derive(Parser)]
#[command(name = "swarmtrail", version, max_term_width = 100, after_help = EXAMPLES)]
#[command(override_usage = "swarmtrail [OPTIONS] [COMMAND] [FILE]...")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub shared: Shared,
    /// Access logs, compressed or not, and folders of them, in any order; none or `-` is standard input. Without a command,
    /// `report` is run
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  swarmtrail access.log                          the whole picture
  swarmtrail /var/log/nginx/tracker.log*         rotated and compressed parts, put in order
  swarmtrail users --since -2h --tz local access.log
  swarmtrail timeline --user 572ebd access.log   one user's ratio over time
  swarmtrail profile --at 2026-11-22T06:45 access.log
  swarmtrail anomalies --min-severity low -o json access.log | jq '.[].message'
  swarmtrail audit access.log                    who claims what nobody received
  swarmtrail case 572ebd access.log > case.md    everything about one user, for a ticket
  swarmtrail credit --compare --user 572ebd access.log   what other trackers would have credited
  swarmtrail users --users users.csv access.log  with names
  swarmtrail report -o html access.log > report.html
  swarmtrail explain pause-gap                   what a finding means
  swarmtrail detect access.log                   which format a log is in, and whether it is read right
  swarmtrail --log-format '$remote_addr [$time_iso8601] \"$request\" $status' access.log

Exit status: 0 done; 1 a finding was as severe as --fail-on says; 2 wrong usage, or a source that could not be read.
Times are UTC unless --tz says otherwise; `-2h`, `today` and `yesterday` are seen from now. Sources may be compressed (gzip,
zstd, bzip2, xz), which is told by their content, and cover the same hours: they are merged by time. A user is shown by the first 12 characters of the passkey, or by address where there is none.
Where standard error is a terminal, it shows how far reading has come if that takes longer than half a second.";

#[derive(Subcommand)]
pub enum Command {
    /// The whole picture: what was read, users, torrents, sessions, what profiles list, anomalies
    Report(Files),
    /// One row per announce, in the order applied: what it said, what it did, what it credited, what the profile lists then
    Replay(Files),
    /// One row per user: totals, ratio and how it went, what is listed
    Users(Files),
    /// Uploaded, downloaded and ratio over time, for every user or one (--user)
    Timeline(Timeline),
    /// One row per session: when, how it ended, what it credited
    Sessions(Files),
    /// What profiles list as leeching and seeding at a time, since when, and which entries are ghosts
    Profile(Profile),
    /// One row per user, worst first: the verdict, the bytes that cannot exist, and why
    Audit(Files),
    /// One row per client program and version: who runs it, and what disagrees with itself
    Clients(Files),
    /// The dossier of one user for a dispute: verdict, findings with formula, look-alikes and raw lines, swarms, sessions
    Case(Case),
    /// What does not add up, worst first, with the lines that prove it
    Anomalies(Files),
    /// What a tracker would have credited (--credit), or every known one (--compare), and since which lines they part
    Credit(Credit),
    /// The formats of logs, with an example line each
    Formats,
    /// What a log is taken for, how sure that is, and three of its lines taken apart
    Detect(Files),
    /// What a check means: formula, threshold, the harmless thing that looks the same, source
    Explain {
        /// The check's name; all of them if left out
        #[arg(value_parser = |name: &str| check_named(name).map(|c| c.name).ok_or("no such check; `swarmtrail explain` lists them"))]
        check: Option<&'static str>,
    },
    /// Completions for a shell, to be loaded by it
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// The man page, of all or of one command: swarmtrail man | man -l -
    Man {
        /// The command; the program as a whole if left out
        command: Option<String>,
    },
}

#[derive(Args)]
pub struct Files {
    /// Access logs, compressed or not, and folders of them, in any order; none or `-` is standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

#[derive(Args)]
pub struct Case {
    /// The user: how the passkey or address begins
    #[arg(value_name = "USER")]
    pub who: String,
    #[command(flatten)]
    pub files: Files,
}

#[derive(Args)]
pub struct Timeline {
    #[command(flatten)]
    pub files: Files,
    /// One point for each such stretch of time, instead of as many as the curve's shape needs
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "full")]
    pub step: Option<u32>,
    /// Every point at which something changed
    #[arg(long)]
    pub full: bool,
}

#[derive(Args)]
pub struct Credit {
    #[command(flatten)]
    pub files: Files,
    /// Every policy, side by side
    #[arg(long, conflicts_with = "credit")]
    pub compare: bool,
}

#[derive(Args)]
pub struct Profile {
    #[command(flatten)]
    pub files: Files,
    /// At which time; the end of the log if left out
    #[arg(long, value_name = "TIME", value_parser = moment, allow_hyphen_values = true)]
    pub at: Option<Moment>,
}

#[derive(Args)]
pub struct Shared {
    /// How to print
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Table)]
    pub output: Output,
    /// The log's format, by name; detected from the first lines if left out
    #[arg(short, long, global = true, value_name = "NAME", value_parser = format, default_value = "auto")]
    pub format: FormatChoice,
    /// The log's format as nginx's `log_format` or Apache's `LogFormat` has it: '$remote_addr [$time_local] "$request" $status'
    #[arg(long, global = true, value_name = "STRING", value_parser = log_format, conflicts_with = "format")]
    pub log_format: Option<FormatChoice>,
    /// The log's format as a regular expression with groups named request or target, and time, addr, method, query, status,
    /// agent, forwarded: '^(?P<addr>\S+) (?P<time>\S+) "(?P<request>[^"]*)"'
    #[arg(long, global = true, value_name = "REGEX", value_parser = pattern, conflicts_with_all = ["format", "log_format"])]
    pub pattern: Option<FormatChoice>,
    /// Which field of a JSON log is what, where their names do not tell: time=when,addr=peer.ip,target=url
    #[arg(long, global = true, value_name = "FIELD=NAME,...", value_parser = json_fields, conflicts_with_all = ["format", "log_format", "pattern"])]
    pub json_fields: Option<FormatChoice>,
    /// The tracker's announce interval (30m, 1h30m, 20s); inferred from the log if left out
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub interval: Option<u32>,
    /// How long a silent peer stays listed; two and a half intervals, at least 15m, if left out
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<u32>,
    /// What event=completed does to the listing: `removes` as the anatomy document says, `seeds` as BEP 3 says
    #[arg(long, global = true, value_enum, default_value_t = Completed::Removes)]
    pub completed: Completed,
    /// Whose rule credits bytes: ocelot, unit3d, unit3d-announce, tbdev, nexusphp, xbt, torrentpier, xbtit, trackarr, raw (what
    /// clients say), or swarmtrail's own, growth by the running maximum
    #[arg(long, global = true, value_name = "NAME", value_parser = policy, default_value = OWN)]
    pub credit: PolicyChoice,
    /// A table of users, CSV or JSON: passkey, name, joined, class, line speed
    #[arg(long, global = true, value_name = "FILE")]
    pub users: Option<PathBuf>,
    /// A table of torrents, CSV or JSON: info hash, name, size, piece length, upload factor, download factor or freeleech, private
    #[arg(long, global = true, value_name = "FILE")]
    pub torrents: Option<PathBuf>,
    /// Count only what happened from then on; sessions open before are known (2026-11-22, 2026-11-22T06:00, -2h, yesterday)
    #[arg(long, global = true, value_name = "TIME", value_parser = moment, allow_hyphen_values = true)]
    pub since: Option<Moment>,
    /// Stop there, as if the log ended
    #[arg(long, global = true, value_name = "TIME", value_parser = moment, allow_hyphen_values = true)]
    pub until: Option<Moment>,
    /// The zone of times in tables and on the command line: Europe/Berlin, +02:00, local. JSON and CSV are always UTC
    #[arg(long, global = true, value_name = "ZONE", value_parser = zone, default_value = "UTC", allow_hyphen_values = true)]
    pub tz: Zone,
    /// Only users whose passkey or address begins so
    #[arg(long, global = true, value_name = "PREFIX")]
    pub user: Option<String>,
    /// Only torrents whose info hash begins so
    #[arg(long, global = true, value_name = "PREFIX")]
    pub torrent: Option<String>,
    /// Only anomalies at least so severe
    #[arg(long, global = true, value_enum, value_name = "SEVERITY")]
    pub min_severity: Option<Severe>,
    /// Exit with status 1 if there is an anomaly at least so severe
    #[arg(long, global = true, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<Severe>,
    /// For hit-and-run: how long each completed torrent is to be seeded [default: 7d]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub hnr_seedtime: Option<u32>,
    /// For hit-and-run: the ratio on the torrent that does instead [default: 1]
    #[arg(long, global = true, value_name = "R", value_parser = ratio)]
    pub hnr_ratio: Option<f64>,
    /// For hit-and-run: how long the user may be away from the torrent before it counts as left [default: 3d]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub hnr_grace: Option<u32>,
    /// Print whole passkeys. They are credentials: by default only 12 characters are shown
    #[arg(long, global = true)]
    pub show_passkeys: bool,
    /// Colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Show the output in $PAGER (less if unset), if it goes to a terminal
    #[arg(long, global = true)]
    pub pager: bool,
    /// No progress and no notes on standard error, only errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Threads; as many as there are cores if left out
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Output {
    Table,
    Json,
    Ndjson,
    Csv,
    /// One page for a browser, with everything in it: of report and case
    Html,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Completed {
    Removes,
    Seeds,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Severe {
    Info,
    Low,
    Medium,
    High,
}

impl Shared {
    /// The format of the log, if it is given in any way.
    pub fn given_format(&self) -> Option<&'static dyn Format> {
        let own = [&self.log_format, &self.pattern, &self.json_fields].into_iter().flatten().next();
        own.unwrap_or(&self.format).0
    }
}

impl From<Severe> for Severity {
    fn from(severe: Severe) -> Severity {
        match severe {
            Severe::Info => Severity::Info,
            Severe::Low => Severity::Low,
            Severe::Medium => Severity::Medium,
            Severe::High => Severity::High,
        }
    }
}

/// A format asked for by name, or none.
#[derive(Clone)]
pub struct FormatChoice(pub Option<&'static dyn Format>);

fn format(name: &str) -> Result<FormatChoice, String> {
    if name == "auto" {
        return Ok(FormatChoice(None));
    }
    let names = || FORMATS.iter().map(|f| f.name()).collect::<Vec<_>>().join(", ");
    format_named(name)
        .map(|f| FormatChoice(Some(f)))
        .ok_or_else(|| format!("no such format; there are auto, {}", names()))
}

/// A policy asked for by name; none is swarmtrail's own rule.
#[derive(Clone)]
pub struct PolicyChoice(pub Option<&'static Policy>);

fn policy(name: &str) -> Result<PolicyChoice, String> {
    if name == OWN {
        return Ok(PolicyChoice(None));
    }
    let names = || POLICIES.iter().map(|policy| policy.name).collect::<Vec<_>>().join(", ");
    let found = policy_named(name).map(|policy| PolicyChoice(Some(policy)));
    found.ok_or_else(|| format!("no such policy; there are {OWN}, {}", names()))
}

/// A format of somebody's own. There is one at most, and it is needed as long as the program runs.
fn own<F: Format + 'static, E: std::fmt::Display>(format: Result<F, E>) -> Result<FormatChoice, String> {
    format.map(|format| FormatChoice(Some(Box::leak(Box::new(format))))).map_err(|error| error.to_string())
}

fn log_format(text: &str) -> Result<FormatChoice, String> {
    own(Template::new(text))
}

fn pattern(text: &str) -> Result<FormatChoice, String> {
    own(Pattern::new(text))
}

fn json_fields(text: &str) -> Result<FormatChoice, String> {
    own(Json::with_fields(text))
}

fn duration(text: &str) -> Result<u32, &'static str> {
    parse_duration(text).ok_or("no duration such as 30m, 1h30m or 20s")
}

fn ratio(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|ratio: &f64| ratio.is_finite() && *ratio >= 0.0).ok_or("no ratio such as 0.4 or 1")
}

fn moment(text: &str) -> Result<Moment, &'static str> {
    Moment::parse(text).ok_or(
        "no time such as 2026-11-22, 2026-11-22T06:00, 2026-11-22T06:00:00Z, Unix seconds, -2h, today or yesterday",
    )
}

fn zone(text: &str) -> Result<Zone, &'static str> {
    Zone::named(text).ok_or("no zone such as Europe/Berlin, +02:00, local or UTC")
}
