//! Holds the binary's report against real logs of which it is known what happened: `testdata/corpus`.
//!
//! Three independent sources are compared: the web server's log as swarmtrail reads it (`report --output json`, and
//! `replay --output ndjson` for single lines), what the tracker behind that server counted (`tracker.jsonl`), and what was
//! done to each client together with the counters that it showed its user (`truth.jsonl`, see [`crate::support::known`]).
//!
//! Per log:
//! - [`lines`](accounts_for_every_line): every line is in one count of `input`, and each count is what is known of it;
//! - [`announces`](takes_what_the_tracker_took): the delivered announces are those the tracker took, one by one, and the
//!   duplicates among them those that its record shows to be copies;
//! - [`sessions`](tells_every_run): one session per [`Run`], begun and ended when and as the client did, complete when the
//!   client was, and with the bytes that the tracker was told and the client counted;
//! - [`sums`](sums_agree): users and torrents are the sums of their sessions, a listing has no holes;
//! - no anomaly above `low`: everybody in these logs is honest.
//!
//! Sessions, sums and anomalies are compared a second time with `--timeout 1m`, as nobody times out in such short logs.
//!
//! `cargo test --test all corpus -- --nocapture` prints a table per log.

mod formats;
mod told;

use crate::support::known::{Client, Counted, Ended, Row, Run, Truth, runs};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use told::{Anomaly, Input, Report, Session, Settings, Step, hex, printed, replay, report};

/// Log lines have whole seconds, and the clocks read a little before or after: `apache` when the request comes, `nginx` when
/// the answer is sent.
const SECOND: f64 = 1.1;

/// Everything that does not hold, and where.
#[derive(Default)]
struct Verdict {
    log: String,
    wrong: Vec<String>,
}

impl Verdict {
    fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(format!("{}: {}", self.log, what()));
        }
    }

    fn equal<T: PartialEq + Debug>(&mut self, what: &str, found: T, wanted: T) {
        self.check(found == wanted, || format!("{what}: found {found:?}, wanted {wanted:?}"));
    }

    fn within(&mut self, what: &str, found: f64, from: f64, to: f64) {
        self.check((from..=to).contains(&found), || format!("{what}: found {found}, wanted {from} to {to}"));
    }

    fn credit(&mut self, what: &str, found: u64, Counted { grown, below, above }: Counted) {
        let off = found as i64 - grown;
        let holds = (-below..=above).contains(&off);
        self.check(holds, || format!("{what}: found {found}, wanted {grown} (up to {below} less, {above} more)"));
    }
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/corpus")
}

/// The folders of the corpus, by name.
fn scenarios() -> Vec<(String, PathBuf)> {
    let folders = fs::read_dir(corpus()).expect("testdata/corpus is there");
    let mut found: Vec<_> = folders
        .map(|entry| entry.expect("testdata/corpus can be listed").path())
        .filter(|path| path.is_dir())
        .map(|path| (path.file_name().expect("a folder has a name").to_string_lossy().into_owned(), path))
        .collect();
    found.sort();
    assert!(found.len() > 20, "the corpus is incomplete: {} scenarios", found.len());
    found
}

/// The access logs of a scenario.
fn logs(folder: &Path) -> Vec<PathBuf> {
    let files =
        fs::read_dir(folder).expect("a scenario can be listed").map(|entry| entry.expect("and its files").path());
    let mut logs: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "log")).collect();
    logs.sort();
    assert!(!logs.is_empty(), "{} has no log", folder.display());
    logs
}

#[test]
fn tells_what_happened() {
    let mut verdict = Verdict::default();
    for (name, folder) in scenarios() {
        let truth = Truth::read(&folder);
        for log in logs(&folder) {
            let file = log.file_name().expect("a log has a name").to_string_lossy().into_owned();
            verdict.log = format!("{name}/{file}");
            let report = report(&log, &[]);
            let text = fs::read_to_string(&log).expect("the logs of the corpus are text");
            println!("\n{}", verdict.log);
            accounts_for_every_line(&mut verdict, &report, &truth, &text);
            let rows = takes_what_the_tracker_took(&mut verdict, &report, &truth, &replay(&log));
            let runs = runs(&truth);
            tells_every_run(&mut verdict, &report, &runs, rows.as_deref());
            sums_agree(&mut verdict, &report, &truth);
            accuses_nobody(&mut verdict, &report);
            infers_the_interval(&mut verdict, &report.settings, &truth);

            // Now somebody times out, and many are silent for longer than the timeout and go on.
            verdict.log += " --timeout 1m";
            println!("\n{}", verdict.log);
            let impatient = told::report(&log, &["--timeout", "1m"]);
            tells_every_run(&mut verdict, &impatient, &runs, rows.as_deref());
            sums_agree(&mut verdict, &impatient, &truth);
            accuses_nobody(&mut verdict, &impatient);
        }
    }
    assert!(verdict.wrong.is_empty(), "{} things are not so:\n{}", verdict.wrong.len(), verdict.wrong.join("\n"));
}

/// Every physical line is in exactly one of the counts, and
/// - scrapes are the lines that ask for `/scrape`,
/// - undelivered are the announces that the server answered with 4xx or 5xx,
/// - other and rejected are the requests of browsers and scanners (`noise`), and nothing else; among them rejected are
///   those that the tracker refused as no announce.
fn accounts_for_every_line(verdict: &mut Verdict, report: &Report, truth: &Truth, text: &str) {
    let Input { lines, announces, duplicates, undelivered, scrapes, other, rejected, continuations, .. } = report.input;
    println!(
        "  {lines} lines: {announces} announces, {duplicates} duplicates, {undelivered} undelivered, {scrapes} scrapes, \
         {other} other, {rejected} rejected, {continuations} continuations"
    );
    verdict.equal("lines", lines, text.lines().count());
    let sum = announces + duplicates + undelivered + scrapes + other + rejected + continuations;
    verdict.equal("the sum of the kinds of line", sum, lines);
    let refused = |line: &&str| {
        let status = line.split("\" ").nth(1).and_then(|rest| rest.split(' ').next());
        line.contains("info_hash=") && status.is_some_and(|status| status.starts_with(['4', '5']))
    };
    verdict.equal("scrapes", scrapes, text.lines().filter(|line| line.contains("/scrape?")).count());
    verdict.equal("undelivered", undelivered, text.lines().filter(refused).count());
    verdict.equal("other and rejected", other + rejected, truth.count("noise"));
    verdict.equal("rejected", rejected, truth.warnings);
}

/// The delivered announces (applied or duplicates) are the announces in the tracker's own record, as many of each event, and
/// those of each torrent and peer id in the same order with the same counters, and at the same time give or take a second.
/// One difference: the tracker's record leaves out `event=paused`.
///
/// The duplicates are as many as the record shows copies: the same as the peer's announce before that was no copy, at most
/// 5 s later, or at most 30 s later from another address, which is the other address family.
///
/// Returns the delivered announces in order, for what else there is to compare; nothing where the tracker kept no record.
fn takes_what_the_tracker_took(
    verdict: &mut Verdict,
    report: &Report,
    truth: &Truth,
    steps: &[Step],
) -> Option<Vec<Row>> {
    verdict.equal("delivered", steps.len(), report.input.announces + report.input.duplicates);
    let duplicates = steps.iter().filter(|step| step.transition == "duplicate").count();
    verdict.equal("duplicates in the replay", duplicates, report.input.duplicates);

    let mut taken = truth.taken.clone()?;
    let delivered: Vec<Row> = steps.iter().map(row).collect();
    taken.extend(delivered.iter().filter(|row| row.ev == "paused").cloned());
    taken.sort_by(|a, b| a.t.total_cmp(&b.t));
    verdict.equal(
        "announces of each event",
        delivered.iter().map(|row| &row.ev).fold(BTreeMap::new(), count),
        taken.iter().map(|row| &row.ev).fold(BTreeMap::new(), count),
    );
    let (found, by_peer) = (of_each_peer(&delivered), of_each_peer(&taken));
    for (peer, wanted) in &by_peer {
        let found = found.get(peer).map_or(&[][..], Vec::as_slice);
        verdict.equal(&format!("the announces of {peer:?}"), said(found), said(wanted));
        for (found, wanted) in found.iter().zip(wanted) {
            verdict.within("the time of an announce, by the tracker's clock", found.t - wanted.t, -SECOND, SECOND);
        }
    }
    verdict.equal("duplicates", report.input.duplicates, by_peer.values().map(|rows| copies(rows)).sum());
    Some(taken)
}

/// The announces of each torrent and peer id, in order.
fn of_each_peer(rows: &[Row]) -> BTreeMap<(&str, &str), Vec<&Row>> {
    let mut peers = BTreeMap::<_, Vec<_>>::new();
    for row in rows {
        peers.entry((row.info_hash.as_str(), row.peer_id.as_str())).or_default().push(row);
    }
    peers
}

/// What each of the announces said: event, uploaded, downloaded, left.
fn said<'a>(rows: &[&'a Row]) -> Vec<(&'a str, u64, u64, u64)> {
    rows.iter().map(|row| row.said()).collect()
}

/// How many of one peer's announces, in order, are copies.
fn copies(rows: &[&Row]) -> usize {
    let mut applied: Vec<&Row> = Vec::new();
    for &row in rows {
        let copy = applied.last().is_some_and(|last| {
            let within = if row.host() == last.host() { 5.0 } else { 30.0 };
            row.said() == last.said() && row.t - last.t <= within
        });
        if !copy {
            applied.push(row);
        }
    }
    rows.len() - applied.len()
}

fn count<K: Ord>(mut counts: BTreeMap<K, usize>, key: K) -> BTreeMap<K, usize> {
    *counts.entry(key).or_default() += 1;
    counts
}

/// An announce of the replay in the tracker's words.
fn row(step: &Step) -> Row {
    let ev = match step.event.as_deref() {
        Some("started") => "start",
        Some("completed") => "complete",
        Some("stopped") => "stop",
        Some("paused") => "paused",
        None | Some("" | "none") => "update",
        Some(event) => panic!("unknown event {event}"),
    };
    Row {
        t: step.at.expect("the logs of the corpus have times"),
        ev: ev.into(),
        addr: String::new(),
        info_hash: step.info_hash.clone(),
        peer_id: hex(&step.peer_id),
        uploaded: step.uploaded,
        downloaded: step.downloaded,
        left: step.left,
    }
}

/// For every user and torrent there are as many sessions as [`Run`]s, and in the order they began each session is told as
/// the run was: [`tells_the_course`], [`tells_what_was_announced`], [`tells_what_the_client_counted`].
fn tells_every_run(verdict: &mut Verdict, report: &Report, runs: &[Run], rows: Option<&[Row]>) {
    println!(
        "  {:12} {:12} {:9} {:>8} {:>8} {:>12} {:>12}",
        "user", "client", "end", "begun", "complete", "up", "down"
    );
    let mut runs_of = BTreeMap::<_, Vec<&Run>>::new();
    for run in runs {
        runs_of.entry((run.user.as_str(), run.info_hash.as_str())).or_default().push(run);
    }
    let mut sessions_of = BTreeMap::<_, Vec<&Session>>::new();
    for session in &report.sessions {
        sessions_of.entry((session.user.as_str(), session.info_hash.as_str())).or_default().push(session);
    }
    for user in sessions_of.keys().filter(|user| !runs_of.contains_key(*user)) {
        verdict.check(false, || format!("a session of {user:?}, who did nothing"));
    }
    for (user, runs) in runs_of {
        let mut sessions = sessions_of.remove(&user).unwrap_or_default();
        sessions.sort_by(|a, b| a.started_at.partial_cmp(&b.started_at).expect("times are numbers"));
        let told: Vec<_> = sessions.iter().map(|session| (&session.started_at, &session.end)).collect();
        let done: Vec<_> = runs.iter().map(|run| (run.from, run.ended)).collect();
        verdict.check(told.len() == done.len(), || format!("sessions of {user:?}: found {told:?}, wanted {done:?}"));
        if told.len() != done.len() {
            continue;
        }
        for (i, (run, session)) in runs.iter().zip(&sessions).enumerate() {
            let name = format!("session {} of {} ({:?}) of {}", i + 1, runs.len(), run.client, run.user);
            let before = runs[..i].iter().rev().find(|before| before.life == run.life).copied();
            let next = runs.get(i + 1).map_or(f64::INFINITY, |next| next.from);
            let followed = sessions.get(i + 1).and_then(|next| next.started_at).unwrap_or(f64::INFINITY);
            tells_the_course(verdict, &name, run, session, report, followed);
            if let Some(rows) = rows {
                tells_what_was_announced(verdict, &name, run, session, rows, next);
            }
            tells_what_the_client_counted(verdict, &name, run, before, session);
        }
        downloads_the_torrent(verdict, &runs, &sessions);
    }
}

/// - `client` is the program that ran.
/// - The session begins at most 20 s after the client was given the torrent.
/// - `end` is `stopped` if the client said so, and then within [`Client::stops_within`] of being told to; `replaced` if it
///   was killed and came back before the timeout (the next session `followed`); never `stopped` if it left without a word:
///   then `completed`, `timed-out` or `open`, as the last line and the silence after it demand.
/// - `completed_at` is null unless the download finished here. It is not earlier than the time the download may have been
///   finished, nor later than [`Client::completes_within`]. rtorrent sends no `completed`, so it is its first announce after.
fn tells_the_course(verdict: &mut Verdict, name: &str, run: &Run, session: &Session, report: &Report, followed: f64) {
    let started = session.started_at.expect("the logs of the corpus have times");
    let last = session.last_at.expect("the logs of the corpus have times");
    verdict.check(session.client.starts_with(run.client.name()), || format!("{name} is called {}", session.client));
    verdict.within(&format!("{name} begins"), started - run.from, -2.0, 20.0);

    let quiet = report.input.last_at.expect("the logs of the corpus have times") - last;
    let timeout = report.settings.timeout_s as f64;
    let end = match run.ended.expect("every run has an end") {
        Ended::Stopped => "stopped",
        Ended::KilledAndBack if followed - last <= timeout => "replaced",
        Ended::Silent if session.completed_at == session.last_at => "completed",
        Ended::KilledAndBack | Ended::Silent if quiet > timeout => "timed-out",
        Ended::KilledAndBack | Ended::Silent => "open",
    };
    verdict.equal(&format!("the end of {name}"), session.end.as_str(), end);
    if end == "stopped" {
        let ended = session.ended_at.unwrap_or(f64::NAN) - run.until;
        verdict.within(&format!("{name} ends"), ended, -SECOND, run.client.stops_within());
    } else {
        verdict.check(last <= run.until, || format!("{name} is heard of after its end"));
    }

    let found_on_disk = run.on_disk == run.size;
    let completed = session.completed_at;
    match run.finished.filter(|_| !found_on_disk && !run.selective) {
        Some(finished) if run.client == Client::RTorrent => {
            let after = completed.is_some_and(|at| at >= finished.since - 4.0);
            verdict.check(after, || format!("{name} is complete at {completed:?}, finished was {finished:?}"));
        }
        Some(finished) => verdict.within(
            &format!("{name} is complete"),
            completed.unwrap_or(f64::NAN),
            finished.since - 4.0,
            finished.at + run.client.completes_within(),
        ),
        // ctorrent begins before it has checked what is on disk, and so seems to leech that.
        None if found_on_disk && run.client == Client::CTorrent => {}
        None => verdict.equal(&format!("completed_at of {name}"), completed, None),
    }
    println!(
        "  {:12} {:12} {:9} {:8.1} {:>8} {:12} {:12}",
        run.user,
        run.client.name(),
        session.end,
        started - run.from,
        completed.zip(run.finished).map_or(String::new(), |(at, finished)| format!("{:.1}", at - finished.at)),
        session.uploaded,
        session.downloaded
    );
}

/// Against the tracker's record of the same peer id between this run's beginning and the next's:
/// - `announces` are those that are no copies,
/// - `uploaded` and `downloaded` are the growth from the first to the highest, to the byte,
/// - `left` is that of the last but for WebTorrent's `stopped`, whose numbers are always the same,
/// - `completed_at` is the `completed`, else, after leeching, the first that misses nothing,
/// - `addresses` are where they came from.
fn tells_what_was_announced(verdict: &mut Verdict, name: &str, run: &Run, session: &Session, rows: &[Row], next: f64) {
    let peer_id = hex(&session.peer_id);
    let ours = |row: &&Row| {
        row.info_hash == session.info_hash && row.peer_id == peer_id && (run.from - 2.0..next - 2.0).contains(&row.t)
    };
    let ours: Vec<&Row> = rows.iter().filter(ours).collect();
    let Some(first) = ours.first() else {
        return verdict.check(false, || format!("{name}: the tracker knows nothing of {}", session.peer_id));
    };
    verdict.equal(&format!("announces of {name}"), session.announces, ours.len() - copies(&ours));
    let growth = |counter: fn(&Row) -> u64| ours.iter().map(|row| counter(row)).max().unwrap_or(0) - counter(first);
    verdict.equal(&format!("uploaded of {name}, as announced"), session.uploaded, growth(|row| row.uploaded));
    verdict.equal(&format!("downloaded of {name}, as announced"), session.downloaded, growth(|row| row.downloaded));

    let believable = |row: &&&Row| run.client != Client::WebTorrent || row.ev != "stop";
    let left = ours.iter().rfind(believable).map(|row| row.left);
    verdict.equal(&format!("left of {name}"), session.left, left);

    let leeched = ours.iter().position(|row| row.left > 0).unwrap_or(ours.len());
    let after = ours.get(leeched + 1..).unwrap_or_default();
    let complete = after.iter().find(|row| row.ev == "complete").or(after.iter().find(|row| row.left == 0));
    match (session.completed_at, complete) {
        (Some(at), Some(row)) => verdict.within(&format!("completed_at of {name}"), at - row.t, -SECOND, SECOND),
        (at, row) => verdict.equal(&format!("whether {name} was completed"), at.is_some(), row.is_some()),
    }
    let from = ours.iter().filter(|row| !row.addr.is_empty()).map(|row| row.host().to_owned());
    verdict.equal(&format!("addresses of {name}"), &session.addresses, &from.collect());
}

/// The session's credit against what the counters that the client showed its user grew by over the run: [`Run::sent`] and
/// [`Run::received`] say which these are, and how far they may be from what was announced.
fn tells_what_the_client_counted(
    verdict: &mut Verdict,
    name: &str,
    run: &Run,
    before: Option<&Run>,
    session: &Session,
) {
    if let Some(sent) = run.sent(before) {
        verdict.credit(&format!("uploaded of {name}, by the client's counters"), session.uploaded, sent);
    }
    if let Some(received) = run.received(before) {
        verdict.credit(&format!("downloaded of {name}, by the client's counters"), session.downloaded, received);
    }
}

/// Whoever has a torrent complete has downloaded what was missing, over all the sessions that took: [`Run::missing`].
fn downloads_the_torrent(verdict: &mut Verdict, runs: &[&Run], sessions: &[&Session]) {
    let lives: BTreeSet<usize> = runs.iter().map(|run| run.life).collect();
    for life in lives {
        let of: Vec<_> = runs.iter().zip(sessions).filter(|(run, _)| run.life == life).collect();
        let run = of[0].0;
        if !run.selective && of.iter().any(|(run, _)| run.finished.is_some()) {
            let sum = of.iter().map(|(_, session)| session.downloaded).sum();
            let name = format!("downloaded of {} ({:?}), who has all of {}", run.user, run.client, run.info_hash);
            verdict.credit(&name, sum, run.missing());
        }
    }
}

/// - A user's and a torrent's bytes, announces and sessions are the sums over the sessions.
/// - `leeching` and `seeding` of a user are the listings that last beyond the log.
/// - A torrent's `size` is the true one if somebody began it with nothing, and never above.
/// - A listing begins with the session, has no holes and no repetitions, and does not end `removed` only where nobody said
///   so and the silence is not yet longer than the timeout.
fn sums_agree(verdict: &mut Verdict, report: &Report, truth: &Truth) {
    for user in &report.users {
        let of: Vec<_> = report.sessions.iter().filter(|session| session.user == user.user).collect();
        let listed = |status: &str| of.iter().filter(|session| session.listed_at_the_end() == Some(status)).count();
        let sums = (
            of.len(),
            of.iter().map(|session| session.announces).sum(),
            of.iter().map(|session| session.uploaded).sum(),
            of.iter().map(|session| session.downloaded).sum(),
            listed("leeching"),
            listed("seeding"),
        );
        let told = (user.sessions, user.announces, user.uploaded, user.downloaded, user.leeching, user.seeding);
        verdict.equal(&format!("the sums of user {}", user.user), told, sums);
    }
    for torrent in &report.torrents {
        let of: Vec<_> = report.sessions.iter().filter(|session| session.info_hash == torrent.info_hash).collect();
        let sums = (
            of.len(),
            of.iter().map(|session| &session.user).collect::<BTreeSet<_>>().len(),
            of.iter().map(|session| session.uploaded).sum(),
            of.iter().map(|session| session.downloaded).sum(),
        );
        let told = (torrent.sessions, torrent.users, torrent.uploaded, torrent.downloaded);
        verdict.equal(&format!("the sums of torrent {}", torrent.info_hash), told, sums);
        let (size, said) = truth.size(&torrent.info_hash).unwrap_or((0, true));
        let right = if said { torrent.size == size } else { torrent.size <= size };
        verdict.check(right, || format!("torrent {} has {size} bytes, not {}", torrent.info_hash, torrent.size));
    }
    let counted = (report.input.announces, report.sessions.iter().map(|session| session.announces).sum());
    verdict.equal("announces, and those of all sessions", counted.0, counted.1);

    for session in &report.sessions {
        let Session { user, listing, .. } = session;
        let whole = listing.windows(2).all(|pair| pair[0].to == pair[1].from && pair[0].status != pair[1].status);
        let begins = listing.first().is_some_and(|first| first.from == session.started_at);
        let quiet = report.input.last_at.zip(session.last_at).map_or(0.0, |(end, last)| end - last);
        let listed = matches!(session.end.as_str(), "open" | "replaced") && quiet <= report.settings.timeout_s as f64;
        let last = listing.last().is_some_and(|last| (last.status != "removed") == listed && last.to.is_none());
        verdict.check(whole && begins && last, || format!("a listing of {user} ({}): {listing:?}", session.end));
    }
}

/// Nothing graver than `low` is found: all these clients are unmodified, and were used honestly.
fn accuses_nobody(verdict: &mut Verdict, report: &Report) {
    let found = report.anomalies.iter().map(|anomaly| (&anomaly.severity, &anomaly.check)).fold(BTreeMap::new(), count);
    for ((severity, check), times) in found {
        println!("  {severity}: {check} {times}x");
    }
    for Anomaly { check, severity, user, message } in &report.anomalies {
        verdict.check(severity == "info" || severity == "low", || format!("{severity} {check} of {user:?}: {message}"));
    }
}

/// The interval is inferred as the tracker was told to send it; where it is the tracker's own half an hour, the log is too
/// short to tell, and the default is taken.
fn infers_the_interval(verdict: &mut Verdict, settings: &Settings, truth: &Truth) {
    let found = (settings.interval_s, settings.interval_from.as_str());
    let wanted = truth.interval().map_or((1800, "default"), |interval| (interval, "inferred"));
    verdict.equal("the interval", found, wanted);
}

/// The same requests in three formats, written side by side by one server, give the same report but for the names of the
/// files and formats and the lines pointed to; one of the formats has no user agents.
#[test]
fn a_format_changes_nothing() {
    let reports: Vec<Value> = logs(&corpus().join("m_apache"))
        .iter()
        .map(|log| {
            let mut report = crate::support::json(&printed(&["report", "--output", "json"], log));
            report["input"]["sources"].take();
            forget_lines(&mut report);
            report
        })
        .collect();
    assert_eq!(reports.len(), 3, "m_apache has three logs");
    assert!(reports[0]["sessions"].as_array().is_some_and(|sessions| sessions.len() == 12), "12 sessions");
    for other in &reports[1..] {
        assert_eq!(*other, reports[0]);
    }
}

/// Drops what points to lines.
fn forget_lines(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            fields.retain(|name, _| !matches!(name.as_str(), "first_line" | "last_line" | "evidence"));
            fields.values_mut().for_each(forget_lines);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_lines),
        _ => {}
    }
}
