//! One story, logged by many servers at once (`testdata/formats`), must be told the same from every log; and whatever is done
//! to a log of any format, every line is counted once and nothing panics.

use super::told;
use crate::support::{self, swarmtrail, swarmtrail_on};
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use swarmtrail::access_log::{FORMATS, Format, Json, LineReader, Pattern, Template, lines};
use swarmtrail::audit::{Terms, Watch, audit};
use swarmtrail::reading::{Options, read_all};
use swarmtrail::replay::{Given, Story};
use swarmtrail::report::{Filter, Output, Style, View, print_report};
use swarmtrail::side::Side;
use swarmtrail::source::Source;
use swarmtrail::time::Zone;

/// The logs of the story, by name, and the format that each is in.
const LOGS: [(&str, &str); 20] = [
    ("apache_combined", "combined"),
    ("apache_common", "common"),
    ("apache_vhost_combined", "vhost"),
    ("apache_xff_first", "combined"),
    ("caddy", "json"),
    ("haproxy_stdout_ua", "haproxy"),
    ("haproxy_syslog_iso", "syslog"),
    ("haproxy_syslog_rfc3164", "syslog"),
    ("lighttpd", "combined"),
    ("nginx_combined", "combined"),
    ("nginx_json", "json"),
    ("nginx_syslog_rfc3164", "syslog"),
    ("nginx_syslog_rfc5424", "syslog"),
    ("nginx_timed", "combined"),
    ("nginx_vhost", "vhost"),
    ("nginx_xff_last", "combined"),
    ("ngrep_byline", "capture"),
    ("tcpdump_ascii", "capture"),
    ("tomcat_w3c", "w3c"),
    ("varnishncsa", "combined"),
];

/// Captures have no answers: what was refused reads as taken there.
const WITHOUT_STATUS: [&str; 2] = ["ngrep_byline", "tcpdump_ascii"];

/// Logs in which the client's address is only that of the proxy before.
const BEHIND_A_PROXY: [&str; 5] =
    ["apache_combined", "apache_common", "apache_vhost_combined", "lighttpd", "varnishncsa"];

/// Logs without user agents.
const WITHOUT_AGENT: [&str; 3] = ["apache_common", "haproxy_syslog_iso", "haproxy_syslog_rfc3164"];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("testdata/formats/{name}.log"))
}

/// What must be the same from whichever log: sessions, and what each said, but for the times, of which some logs have those of
/// the answers and some those of the requests.
fn story(name: &str, report: &told::Report) -> Vec<Value> {
    let mut sessions: Vec<Value> = (report.sessions.iter())
        .map(|s| {
            let addresses = if BEHIND_A_PROXY.contains(&name) { json!(["-"]) } else { json!(s.addresses) };
            json!([
                s.user,
                s.info_hash,
                s.peer_id,
                s.client,
                s.announces,
                s.uploaded,
                s.downloaded,
                s.left,
                s.end,
                addresses
            ])
        })
        .collect();
    sessions.sort_by_key(|session| session.to_string());
    sessions
}

/// When sessions began and were last heard of, in the order of their peers and their beginning.
fn spans(report: &told::Report) -> Vec<[f64; 2]> {
    let mut sessions: Vec<(&str, [f64; 2])> = (report.sessions.iter())
        .map(|s| (&*s.peer_id, [s.started_at, s.last_at].map(|at| at.expect("a time"))))
        .collect();
    sessions.sort_by(|a, b| a.partial_cmp(b).expect("times are numbers"));
    sessions.into_iter().map(|(_, span)| span).collect()
}

#[test]
fn one_story_from_every_log() {
    let wanted = told::report(&path("nginx_combined"), &[]);
    assert_eq!((wanted.input.lines, wanted.input.announces, wanted.input.undelivered), (39, 31, 6));
    for (name, format) in LOGS {
        let path = path(name);
        let found = told::report(&path, &[]);
        let detected: Value = support::json(&told::printed(&["detect", "-o", "json"], &path));
        assert_eq!(detected[0]["format"], format, "{name}");
        if WITHOUT_STATUS.contains(&name) {
            let input = &found.input;
            assert_eq!((input.announces, input.undelivered, input.scrapes), (37, 0, 1), "{name}");
            assert!(input.last_at.is_some(), "{name}");
        } else {
            assert_eq!(story(name, &found), story(name, &wanted), "{name}");
            for (found, wanted) in spans(&found).iter().zip(spans(&wanted)) {
                // Whole seconds, and one server's clock lags by up to one.
                assert!((0..2).all(|n| (found[n] - wanted[n]).abs() <= 2.1), "{name}: {found:?} for {wanted:?}");
            }
        }
        let agents: Vec<&str> =
            detected[0]["lines"].as_array().expect("lines").iter().filter_map(|line| line["agent"].as_str()).collect();
        let known = ["Transmission/3.00", "qBittorrent/4.5.2", "aria2/1.36.0"];
        assert_eq!(agents, if WITHOUT_AGENT.contains(&name) { ["", "", ""] } else { known }, "{name}");
    }
}

/// The forms of one client are the same from every log, wherever the user agent stands: nobody's client is called in doubt.
#[test]
fn clients_are_the_same_from_every_log() {
    let clients = |name: &str| support::json(&told::printed(&["clients", "-o", "json"], &path(name)));
    let wanted = clients("nginx_combined");
    for (name, _) in LOGS.iter().filter(|(name, _)| !WITHOUT_STATUS.contains(name)) {
        assert_eq!(clients(name), wanted, "{name}");
    }
}

/// The report of a log, read by so many threads in blocks of about so many bytes.
fn in_blocks(log: &[u8], threads: usize, block: Option<usize>) -> String {
    let dir = tempfile::tempdir().expect("a folder for the test");
    let path = dir.path().join("a.log");
    fs::write(&path, log).expect("written");
    let latest = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_795_380_000);
    fs::File::options().append(true).open(&path).and_then(|file| file.set_modified(latest)).expect("a file's time");
    let options = Options { threads, block, ..Options::default() };
    let (mut input, engines) = read_all(&[Source::File(path)], &options, Watch::default);
    input.sources[0].name.clear();
    let (parts, watches): (Vec<_>, Vec<Watch>) = engines.into_iter().unzip();
    let span = (input.tally.first_at, input.tally.last_at);
    let (story, kept) = Story::new(parts, Given::default(), span, threads);
    let audit = audit(&story, watches, kept, &Side::default(), &Terms::default(), threads);
    let filter = Filter::default();
    let style = Style { color: false, width: None, millis: input.tally.millis, zone: Zone::default() };
    let mut out = Vec::new();
    print_report(&mut out, Output::Json, &style, &View::new(&story, &input, &audit, &filter, threads))
        .expect("written");
    String::from_utf8(out).expect("UTF-8")
}

/// Headings hold for the blocks behind them, and requests of several lines are not torn: a block holds several of them.
#[test]
fn blocks_change_nothing() {
    for (name, _) in LOGS {
        let log = fs::read(path(name)).expect("it is there");
        let log = log.repeat(400_000 / log.len() + 1);
        let whole = in_blocks(&log, 1, Some(1 << 20));
        for (threads, block) in [(2, 5000), (3, 9_001), (2, 50_021)] {
            assert!(in_blocks(&log, threads, Some(block)) == whole, "{name}: another story in blocks of {block}");
        }
    }
}

/// Formats of somebody's own, for logs of the same story.
#[test]
fn own_formats_tell_the_same() {
    let wanted = story("", &told::report(&path("nginx_combined"), &[]));
    for (name, args) in [
        (
            "nginx_combined",
            [
                "--log-format",
                r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#,
            ],
        ),
        (
            "nginx_timed",
            [
                "--log-format",
                r#"$remote_addr - $remote_user [$time_iso8601] "$request" $status $body_bytes_sent $request_time"#,
            ],
        ),
        (
            "nginx_xff_last",
            [
                "--log-format",
                r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for""#,
            ],
        ),
        (
            "apache_xff_first",
            ["--log-format", r#"%{X-Forwarded-For}i %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\""#],
        ),
        (
            "nginx_combined",
            ["--pattern", r#"^(?P<addr>\S+) \S+ \S+ \[(?P<time>[^]]+)\] "(?P<request>[^"]*)" (?P<status>\d+)"#],
        ),
        ("caddy", ["--json-fields", "time=ts,target=request.uri,forwarded=request.headers.X-Forwarded-For"]),
    ] {
        assert_eq!(story(name, &told::report(&path(name), &args)), wanted, "{name} {args:?}");
    }
}

#[test]
fn formats_and_detect_are_for_programs_too() {
    let rows = support::json(&swarmtrail(&["formats", "-o", "json"]).stdout);
    let names: Vec<&str> = rows.as_array().expect("rows").iter().filter_map(|row| row["format"].as_str()).collect();
    assert_eq!(names, FORMATS.iter().map(|format| format.name()).collect::<Vec<_>>());
    let text = swarmtrail(&["formats"]).stdout;
    for format in FORMATS {
        // What is shown as an example is read.
        let example = format.example().replace("KEY", "572ebd23e3a7486c3fcf402d08fa2434");
        let found = support::json(&swarmtrail_on(example.as_bytes(), &["detect", "-o", "json"]).stdout);
        assert_eq!((&found[0]["format"], &found[0]["read"]), (&json!(format.name()), &json!(1)), "{example}");
        let shown = found[0]["lines"][0]["target"].as_str().expect("a target");
        assert!(!shown.contains("572ebd23e3a74"), "a passkey is a credential: {shown}");
        assert!(text.contains(format.summary()));
    }
    let none = swarmtrail_on(b"prose\n", &["detect"]);
    assert_eq!(none.code, Some(0));
    assert!(none.stdout.contains("no format fits"), "{}", none.stdout);
    assert_eq!(swarmtrail(&["detect", "/no/such/file"]).code, Some(2));
    let evil = "203.0.113.1\u{202e} - - [x] \"GET /rss/572ebd23e3a7486c3fcf402d08fa2434\x1b]0;x HTTP/1.1\" 200 1 \"-\" \"\u{7}\"\n";
    for output in ["table", "json", "csv"] {
        let shown = swarmtrail_on(evil.as_bytes(), &["detect", "-o", output]).stdout;
        assert!(shown.chars().all(|c| !c.is_control() || c == '\n') && !shown.contains('\u{202e}'), "{shown:?}");
        assert!(!shown.contains("572ebd23e3a74"), "{shown}");
    }
}

#[test]
fn wrong_formats_are_refused_with_a_reason() {
    for (args, says) in [
        (["--log-format", "$remote_addr $status"], "nothing in it is the request"),
        (["--log-format", "$remote_addr$request"], "nothing between $remote_addr and $request"),
        (["--log-format", "words"], "no variable"),
        (["--pattern", "(?P<request>"], "unclosed group"),
        (["--pattern", "(?P<addr>.*)"], "no group is the request"),
        (["--pattern", "(?P<when>.*)"], "no group may be called"),
        (["--json-fields", "time"], "not FIELD=NAME"),
        (["--json-fields", "when=ts"], "no field"),
    ] {
        let run = swarmtrail_on(b"", &["report", args[0], args[1]]);
        assert_eq!(run.code, Some(2), "{args:?}");
        assert!(run.stderr.contains(says), "{args:?}: {}", run.stderr);
    }
    let both = swarmtrail_on(b"", &["report", "--pattern", "(?P<request>.*)", "--format", "json"]);
    assert_eq!(both.code, Some(2), "{}", both.stderr);
}

/// Every format, those of somebody's own, and one that is detected.
fn readers(text: &[u8]) -> Vec<LineReader> {
    let own: [&'static dyn Format; 3] = [
        Box::leak(Box::new(
            Template::new(r#"$remote_addr [$time_local] "$request" $status $msec|$args"#).expect("a format"),
        )),
        Box::leak(Box::new(Pattern::new(r"(?P<addr>\S+).*?(?P<time>\d+).*(?P<request>GET [^ ]*)").expect("a pattern"))),
        Box::leak(Box::new(Json::with_fields("time=a.b,target=request.uri").expect("fields"))),
    ];
    let formats = FORMATS.iter().copied().chain(own);
    let latest = swarmtrail::time::parse_time("2026-11-22");
    formats.map(|format| LineReader::of(format, text, latest)).chain(LineReader::detect(text, latest)).collect()
}

proptest! {
    #![proptest_config(Config { cases: 200, failure_persistence: None, ..Config::default() })]

    /// Logs of every format, with bytes changed, pieces moved and ends cut off.
    #[test]
    fn no_damage_is_too_much(
        which in any::<prop::sample::Index>(),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        moved in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0usize..300), 0..6),
        end in any::<prop::sample::Index>(),
    ) {
        let mut texts: Vec<Vec<u8>> = FORMATS.iter().map(|format| format.example().repeat(3).into_bytes()).collect();
        texts.extend(LOGS.iter().map(|(name, _)| fs::read(path(name)).expect("it is there")));
        let mut text = which.get(&texts).clone();
        text.truncate(8_000);
        for (place, byte) in hits {
            // Often something that means something.
            let byte = *b"\"\\{}[]:,\n\t =?%u<>.".get(usize::from(byte)).unwrap_or(&byte);
            let place = place.index(text.len());
            text[place] = byte;
        }
        for (from, to, len) in moved {
            let from = from.index(text.len());
            let piece = text[from..(from + len).min(text.len())].to_vec();
            let to = to.index(text.len());
            text.splice(to..to, piece);
        }
        text.truncate(end.index(text.len()) + 1);
        for mut reader in readers(&text) {
            let mut context = reader.context();
            let mut prepared = text.clone();
            let joined = reader.prepare(&mut prepared, &mut context) as usize;
            let count = lines(&text).count();
            prop_assert_eq!(lines(&prepared).count(), count, "{} keeps the number of lines", reader.format());
            let blank = lines(&prepared).filter(|line| line.trim_ascii().is_empty()).count();
            prop_assert!(joined <= blank, "{}: {} lines joined, {} empty", reader.format(), joined, blank);
            for line in lines(&prepared) {
                reader.parse(line, &mut context);
            }
            reader.pass(&text);
            let cut = reader.cut(&text);
            prop_assert!(cut.is_none_or(|cut| cut > 0 && text[cut - 1] == b'\n'), "{} cuts in a line", reader.format());
        }
    }
}
