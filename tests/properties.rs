//! What must hold for any log: nothing panics, every line is counted once, and what does not matter changes nothing.

use crate::support::{announce, json};
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use swarmtrail::access_log::lines;
use swarmtrail::account::{Keep, Point};
use swarmtrail::announce::Event;
use swarmtrail::audit::{Counted, Terms, Watch, audit};
use swarmtrail::reading::{Applied, Input, Options, read_all};
use swarmtrail::replay::{Aside, Given, Listener, Order, Rules, Step, Story};
use swarmtrail::report::{Filter, Output, Style, View, print_report};
use swarmtrail::session::{Completed, Counters, Last, Live, Phase, Said, Session, Transition};
use swarmtrail::session::{advance, decide, says_nothing_new};
use swarmtrail::side::Side;
use swarmtrail::source::Source;
use swarmtrail::strings::Strings;
use swarmtrail::time::{Time, Zone};

/// Every real log in a format that is read.
fn logs() -> Vec<(PathBuf, Vec<u8>)> {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/corpus");
    let mut out = Vec::new();
    for scenario in fs::read_dir(corpus).expect("testdata is there") {
        for file in fs::read_dir(scenario.expect("a folder").path()).expect("a folder") {
            let path = file.expect("a file").path();
            if path.extension().is_some_and(|e| e == "log") {
                let bytes = fs::read(&path).expect("readable");
                out.push((path, bytes));
            }
        }
    }
    out.sort();
    assert!(out.len() > 20, "only {} logs", out.len());
    out
}

/// What must not matter: how many threads read, and how much at a time.
#[derive(Clone, Copy, Debug)]
struct How {
    threads: usize,
    block: Option<usize>,
}

fn on(threads: usize) -> How {
    How { threads, block: None }
}

fn read_by<L: Listener<Kept: Send> + Send>(
    parts: &[&[u8]],
    how: How,
    rules: Rules,
    listener: impl Fn() -> L + Sync,
) -> (Input, Vec<Applied<L>>) {
    let dir = tempfile::tempdir().expect("a folder for the test");
    let sources: Vec<Source> = (0..parts.len()).map(|n| Source::File(dir.path().join(format!("{n}.log")))).collect();
    for (source, part) in sources.iter().zip(parts) {
        let Source::File(path) = source else { continue };
        fs::write(path, part).expect("written");
    }
    let options = Options { threads: how.threads, block: how.block, rules, ..Options::default() };
    let (mut input, engines) = read_all(&sources, &options, listener);
    for (number, source) in input.sources.iter_mut().enumerate() {
        // The folder has another name each time.
        source.name = format!("{number}.log");
    }
    (input, engines)
}

fn read(parts: &[&[u8]], how: How, keep: Keep) -> (Input, Story, Vec<Watch>, Strings) {
    let (input, engines) = read_by(parts, how, Rules { keep, ..Rules::default() }, Watch::default);
    let (parts, watches) = engines.into_iter().unzip();
    let span = (input.tally.first_at, input.tally.last_at);
    let (story, kept) = Story::new(parts, Given::default(), span, how.threads);
    (input, story, watches, kept)
}

/// The report of a log that lies in these files.
fn report(parts: &[&[u8]], threads: usize) -> Value {
    json(&printed(parts, on(threads), Output::Json))
}

fn printed(parts: &[&[u8]], how: How, output: Output) -> String {
    let (input, story, watches, kept) = read(parts, how, Keep::Shape);
    let audit = audit(&story, watches, kept, &Side::default(), &Terms::default(), how.threads);
    let mut out = Vec::new();
    let style = Style { color: false, width: None, millis: input.tally.millis, zone: Zone::default() };
    let filter = Filter::default();
    print_report(&mut out, output, &style, &View::new(&story, &input, &audit, &filter, how.threads)).expect("written");
    String::from_utf8(out).expect("UTF-8")
}

/// The same without what may differ between one file and several: where lines stand.
fn without_places(mut report: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for place in ["first_line", "last_line", "evidence", "sources", "rejected_examples"] {
                    map.remove(place);
                }
                map.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut report);
    report
}

fn sum_holds(report: &Value) {
    let read = &report["input"];
    let count = |name: &str| read[name].as_u64().unwrap_or_else(|| panic!("{name} in {read}"));
    let fates = ["announces", "duplicates", "undelivered", "scrapes", "other", "rejected", "continuations"];
    assert_eq!(count("lines"), fates.iter().map(|fate| count(fate)).sum::<u64>(), "{read}");
    let reasons: u64 = read["rejected_by_reason"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(reasons, count("rejected"));
}

/// An audit's listener that is told of every announce.
#[derive(Default)]
struct HearsAll(Watch, u64);

impl Listener for HearsAll {
    type Kept = Counted;

    fn applied(&mut self, step: &Step<'_>, kept: &mut Counted) {
        self.1 += 1;
        self.0.applied(step, kept);
    }

    fn ended(&mut self, session: &Session, last: &Last) {
        self.0.ended(session, last);
    }

    fn put_aside(&mut self, kept: &mut Counted, to: &mut Vec<u8>) {
        self.0.put_aside(kept, to);
    }

    fn take_up(&mut self, kept: &[u8]) -> Counted {
        self.0.take_up(kept)
    }
}

/// The same, but that it need not be told of all.
#[derive(Default)]
struct HearsNews(HearsAll);

impl Listener for HearsNews {
    type Kept = Counted;

    fn applied(&mut self, step: &Step<'_>, kept: &mut Counted) {
        self.0.applied(step, kept);
    }

    fn ended(&mut self, session: &Session, last: &Last) {
        self.0.ended(session, last);
    }

    fn put_aside(&mut self, kept: &mut Counted, to: &mut Vec<u8>) {
        self.0.put_aside(kept, to);
    }

    fn take_up(&mut self, kept: &[u8]) -> Counted {
        self.0.take_up(kept)
    }

    fn hears_all(&self) -> bool {
        self.0.0.hears_all()
    }
}

/// The second of a line, as text: lines of the same one may be in any order.
fn second_of(line: &[u8]) -> &[u8] {
    let open = line.iter().position(|b| *b == b'[').map_or(0, |at| at + 1);
    line.get(open..open + 20).unwrap_or_default()
}

/// Seeds that have nothing new to say are passed over quickly: that must change nothing.
#[test]
fn what_says_nothing_new_changes_nothing() {
    fn told<L: Listener<Kept = Counted> + Default + Send>(log: &[u8], watch: fn(L) -> HearsAll) -> (String, u64) {
        let (input, engines) = read_by(&[log], on(1), Rules::default(), L::default);
        let (parts, listeners): (Vec<_>, Vec<L>) = engines.into_iter().unzip();
        let (watches, heard): (Vec<_>, Vec<u64>) =
            listeners.into_iter().map(watch).map(|HearsAll(watch, heard)| (watch, heard)).unzip();
        let span = (input.tally.first_at, input.tally.last_at);
        let (story, kept) = Story::new(parts, Given::default(), span, 1);
        let audit = audit(&story, watches, kept, &Side::default(), &Terms::default(), 1);
        let Story { sessions, users, settings, .. } = &story;
        (format!("{sessions:?} {users:?} {settings:?} {:?} {:?}", audit.findings, audit.judgements), heard.iter().sum())
    }
    let (mut all, mut news) = (0, 0);
    for (path, log) in logs() {
        let (told_all, heard) = told(&log, |all: HearsAll| all);
        let (told_news, heard_news) = told(&log, |news: HearsNews| news.0);
        assert_eq!(told_all, told_news, "{}", path.display());
        (all, news) = (all + heard, news + heard_news);
    }
    assert!(news < all, "{news} of {all} are news");
}

#[test]
fn who_is_put_aside_is_told_of_as_all_others_are() {
    let told = |log: &[u8], aside: Aside, order: Order| {
        let how = How { threads: 1, block: Some(3_000) };
        let (input, engines) = read_by(&[log], how, Rules { aside, order, ..Rules::default() }, Watch::default);
        let (parts, watches): (Vec<_>, Vec<Watch>) = engines.into_iter().unzip();
        let span = (input.tally.first_at, input.tally.last_at);
        let (story, kept) = Story::new(parts, Given::default(), span, 1);
        let of_sessions = format!("{kept:?}");
        let audit = audit(&story, watches, kept, &Side::default(), &Terms::default(), 1);
        let sessions: Vec<Session> = story.sessions.iter().collect();
        let timelines: Vec<Vec<Point>> = (0..story.users.len()).map(|user| story.timeline(user).collect()).collect();
        format!(
            "{sessions:?} {timelines:?} {of_sessions} {:?} {:?} {:?} {:?}",
            story.users, story.settings, audit.findings, audit.judgements
        )
    };
    let never = Aside { from: usize::MAX, ..Aside::default() };
    let of_corpus = logs().into_iter().map(|(path, log)| (path.display().to_string(), log));
    for (name, log) in of_corpus.chain([("many days".into(), long_log())]) {
        for order in [Order::EachPeer, Order::WholeLog] {
            let expected = told(&log, never, order);
            // All of them again and again, those who stopped, those who are silent for some time, and those who only began.
            for (after, beginning) in [(-1, 0), (i64::MAX, 0), (600_000, 0), (i64::MAX, 2)] {
                let aside = Aside { from: 0, after, many: 0, beginning, before_next: 30_000 };
                assert!(told(&log, aside, order) == expected, "{name}: {aside:?}");
            }
        }
    }
}

#[test]
fn threads_and_files_change_nothing() {
    for (path, log) in logs() {
        let whole = report(&[&log], 1);
        sum_holds(&whole);
        for threads in [2, 3, 7] {
            assert_eq!(report(&[&log], threads), whole, "{} on {threads} threads", path.display());
        }
        let all: Vec<&[u8]> = log.split_inclusive(|b| *b == b'\n').collect();
        for pieces in [2, 5] {
            let parts: Vec<Vec<u8>> = all.chunks(all.len().div_ceil(pieces)).map(|lines| lines.concat()).collect();
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            assert_eq!(
                without_places(report(&parts, 2)),
                without_places(whole.clone()),
                "{} in {pieces}",
                path.display()
            );
        }
        let crlf: Vec<u8> = lines(&log).flat_map(|line| [line, b"\r\n"].concat()).collect();
        assert_eq!(report(&[&crlf], 1)["sessions"], whole["sessions"], "{} with CRLF", path.display());
    }
}

/// A log of many blocks and as many days, in which users come again and again, and time jumps back now and then.
fn long_log() -> Vec<u8> {
    let keys = regex::bytes::Regex::new("/[0-9a-f]{32}").expect("a constant expression");
    let days = regex::bytes::Regex::new(r"\[22/Nov").expect("a constant expression");
    let mut log = Vec::new();
    for round in 0..12u8 {
        for (_, one) in logs().iter().filter(|(path, _)| !path.ends_with("m_caddy/access.log")) {
            let other =
                |key: &regex::bytes::Captures<'_>| [&key[0][..31], format!("{:02x}", round % 5).as_bytes()].concat();
            let day = format!("[{:02}/Nov", round + 1).into_bytes();
            log.extend_from_slice(&days.replace_all(&keys.replace_all(one, other), day));
        }
    }
    assert!(log.len() > 6 << 20, "{} bytes are too few blocks", log.len());
    // Lines that are longer than some of the blocks, and longer than a line may be.
    for long in [3_000, 60_000, 70_000, 300_000] {
        let line = announce("longlonglong", 5, "", 10, 20, 30).replace("&port", &format!("&{}&port", "x".repeat(long)));
        let line = line.replace("[22/Nov", "[01/Nov");
        let at = log[..long * 10].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        log.splice(at..at, line.into_bytes());
    }
    log
}

/// A log as so many files.
fn files(log: &[u8], number: usize) -> Vec<&[u8]> {
    let ends_line = |at: usize| log[..at].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let ends: Vec<usize> = (0..=number).map(|n| ends_line(log.len() * n / number)).collect();
    ends.windows(2).map(|ends| &log[ends[0]..ends[1]]).collect()
}

/// The same, each with whole days.
fn days(log: &[u8], number: usize) -> Vec<&[u8]> {
    let day = |n: usize| memchr::memmem::find(log, format!("[{n:02}/Nov").as_bytes()).map_or(log.len(), |at| at);
    let begins = |n: usize| log[..day(n)].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let ends: Vec<usize> = (0..number).map(|n| begins(1 + 12 * n / number)).chain([log.len()]).collect();
    ends.windows(2).map(|ends| &log[ends[0]..ends[1]]).collect()
}

#[test]
fn blocks_threads_and_files_change_no_byte() {
    let log = long_log();
    let mut whole: Option<Value> = None;
    for number in [1, 2, 7] {
        let files = files(&log, number);
        let expected = printed(&files, on(1), Output::Json);
        for (block, threads) in [(4096, 1), (4096, 5), (50_021, 2), (50_021, 3), (1 << 20, 1), (1 << 20, 2)] {
            let how = How { threads, block: Some(block) };
            assert!(printed(&files, how, Output::Json) == expected, "{how:?}, {number} files: another story");
        }
        assert!(printed(&files, on(5), Output::Json) == expected, "5 threads, {number} files: another story");
        let days = days(&log, number);
        let told = without_places(report(&days, 2));
        sum_holds(&told);
        assert!(*whole.get_or_insert(told.clone()) == told, "{number} files tell another story");
    }
    let how = How { threads: 3, block: Some(10_007) };
    for output in [Output::Table, Output::Ndjson, Output::Csv] {
        assert!(printed(&[&log], how, output) == printed(&[&log], on(1), output), "{output:?}");
    }
}

/// Cuts a file off as soon as something is told.
struct Cuts<'a> {
    file: &'a Path,
    len: u64,
    heard: Heard,
}

impl Listener for Cuts<'_> {
    type Kept = ();

    fn applied(&mut self, step: &Step<'_>, kept: &mut ()) {
        if self.heard.0.is_empty() {
            fs::OpenOptions::new().write(true).open(self.file).and_then(|file| file.set_len(self.len)).expect("cut");
        }
        self.heard.applied(step, kept);
    }
}

/// `copytruncate` does that to a log while it is read.
#[test]
fn a_file_that_is_cut_off_meanwhile_ends_there() {
    let log = long_log();
    let dir = tempfile::tempdir().expect("a folder for the test");
    let [file, timeless] = &["0.log", "1.log"].map(|name| dir.path().join(name));
    // Without times: so it comes last, and that is all that is known of it before.
    let request = announce("timeless", 0, "", 10, 20, 30).split('"').nth(1).expect("a request").to_owned() + "\n";
    fs::write(timeless, &request).expect("written");
    // In the middle of a line, before anybody looks for it, and in the last block, whose end nobody looks for.
    let lens = [log.len() * 2 / 3, log.len() - 5];
    for (threads, number, len) in [(1, 1, lens[0]), (3, 1, lens[0]), (1, 1, lens[1]), (3, 1, lens[1]), (2, 2, lens[1])]
    {
        fs::write(file, &log).expect("written");
        // So that something is told before all is read.
        let rules = || Rules { order: Order::WholeLog, ..Rules::default() };
        let options = Options { threads, block: Some(50_021), rules: rules(), ..Options::default() };
        let cuts = || Cuts { file, len: len as u64, heard: Heard::default() };
        let sources = [file, timeless].map(|path| Source::File(path.clone()));
        let (input, told) = read_all(&sources[..number], &options, cuts);
        let parts = &[&log[..len], request.as_bytes()][..number];
        let (expected, expected_told) = read_by(parts, on(threads), rules(), Heard::default);
        assert_eq!((input.sources[0].bytes, input.sources[0].lines), (len as u64, expected.sources[0].lines));
        assert_eq!((input.tally.delivered, input.errors.len()), (expected.tally.delivered, 0));
        let sorted = |mut heard: Vec<(usize, u64, Transition, Counters)>| {
            heard.sort_by_key(|told| (told.0, told.1));
            heard
        };
        let told = told.into_iter().flat_map(|(_, cuts)| cuts.heard.0).collect();
        let expected_told = expected_told.into_iter().flat_map(|(_, heard)| heard.0).collect();
        assert!(sorted(told) == sorted(expected_told), "{threads} threads, {number} files: told something else");
    }
}

#[test]
fn front_ends_and_copies_are_the_same_in_any_blocks() {
    let log = long_log();
    let mut lines: Vec<&[u8]> = log.split_inclusive(|b| *b == b'\n').collect();
    lines.sort_by_key(|line| second_of(line));
    let mut fronts: [Vec<u8>; 3] = Default::default();
    for (number, line) in lines.into_iter().enumerate() {
        // Now and then one of them is silent for a while.
        let quiet = number / 500 % 7;
        fronts[(number * 7919 / 13 + usize::from(quiet == number % 3)) % 3].extend_from_slice(line);
    }
    let copy = files(&fronts[0], 3)[1].to_vec();
    let lines = files(&fronts[1], 3)[1].split_inclusive(|b| *b == b'\n').enumerate();
    let damaged: Vec<u8> = lines.filter(|(number, _)| number % 300 > 0).flat_map(|(_, line)| line.to_vec()).collect();
    let parts = [copy.as_slice(), &fronts[2], &fronts[0], &damaged, &fronts[1]];
    let expected = printed(&parts, on(1), Output::Json);
    for (block, threads) in [(4096, 1), (50_021, 3), (1 << 20, 2)] {
        let how = How { threads, block: Some(block) };
        assert!(printed(&parts, how, Output::Json) == expected, "{how:?}: another story");
    }
    let (expected, whole) = (json(&expected), report(&[&fronts[0], &fronts[1], &fronts[2]], 2));
    sum_holds(&expected);
    let sums = |report: &Value| -> Vec<Vec<Value>> {
        let users = report["users"].as_array().expect("an array");
        users
            .iter()
            .map(|u| ["user", "uploaded", "downloaded", "sessions", "announces"].map(|sum| u[sum].clone()).into())
            .collect()
    };
    assert_eq!(sums(&expected), sums(&whole));
    assert_eq!(expected["input"]["sources"][0]["same_as"], "2.log");
    for fate in ["scrapes", "undelivered", "rejected"] {
        assert_eq!(expected["input"][fate], whole["input"][fate], "{fate}");
    }
}

/// What a listener is told of each announce: enough to notice another order.
#[derive(Default, PartialEq)]
struct Heard(Vec<(usize, u64, Transition, Counters)>);

impl Listener for Heard {
    type Kept = ();

    fn applied(&mut self, step: &Step<'_>, _: &mut ()) {
        self.0.push((step.line.source(), step.line.line(), step.transition, step.credit));
    }
}

#[test]
fn blocks_change_no_step() {
    let log = long_log();
    for order in [Order::WholeLog, Order::EachPeer] {
        let told = |block| {
            let rules = Rules { order, ..Rules::default() };
            read_by(&files(&log, 2), How { threads: 1, block }, rules, Heard::default).1.remove(0).1
        };
        let usual = told(None);
        assert!(usual.0.len() > 10_000, "only {} steps", usual.0.len());
        for block in [4096, 50_021, 1 << 20] {
            assert!(told(Some(block)) == usual, "blocks of {block} bytes tell another story");
        }
    }
}

#[test]
fn doubled_lines_credit_nothing() {
    for (path, log) in logs() {
        let doubled: Vec<u8> = log.split_inclusive(|b| *b == b'\n').flat_map(|line| [line, line].concat()).collect();
        let (once, twice) = (without_places(report(&[&log], 1)), without_places(report(&[&doubled], 1)));
        for part in ["users", "torrents", "sessions", "anomalies", "settings"] {
            assert_eq!(once[part], twice[part], "{part} of {}", path.display());
        }
        let count = |report: &Value, fate: &str| report["input"][fate].as_u64().unwrap();
        assert_eq!(count(&twice, "announces"), count(&once, "announces"));
        assert_eq!(count(&twice, "duplicates"), 2 * count(&once, "duplicates") + count(&once, "announces"));
    }
}

#[test]
fn a_log_cut_short_tells_what_was_known_then() {
    for (path, log) in logs() {
        let (_, whole, ..) = read(&[&log], on(1), Keep::All);
        let all: Vec<&[u8]> = log.split_inclusive(|b| *b == b'\n').collect();
        for cut in (1..all.len()).step_by(7).filter(|&cut| second_of(all[cut]) != second_of(all[cut - 1])) {
            let (input, before, ..) = read(&[&all[..cut].concat()], on(1), Keep::All);
            for user in &before.users {
                let known = whole.users.iter().position(|u| u.name == user.name).expect("a user does not vanish");
                let then = whole.timeline(known).rev().find(|point| point.at <= input.tally.last_at);
                let then = then.map_or((0, 0), |point| (u128::from(point.uploaded), u128::from(point.downloaded)));
                let now = user.account.totals;
                assert_eq!((now.uploaded, now.downloaded), then, "{} cut after line {cut}", path.display());
            }
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 48, failure_persistence: None, ..Config::default() })]

    #[test]
    fn lines_of_one_second_may_come_in_any_order(which in any::<prop::sample::Index>(), seed in any::<u64>()) {
        let logs = logs();
        let (path, log) = which.get(&logs);
        let mut all: Vec<&[u8]> = log.split_inclusive(|b| *b == b'\n').collect();
        // The order of users' lines within a second is random; what a log can tell of one peer's order within a second
        // is in its counters.
        let mut random = seed | 1;
        for group in all.chunk_by_mut(|a, b| second_of(a) == second_of(b)) {
            for at in (1..group.len()).rev() {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                group.swap(at, (random >> 33) as usize % (at + 1));
            }
        }
        let (straight, shuffled) = (without_places(report(&[log], 1)), without_places(report(&[&all.concat()], 1)));
        for part in ["users", "torrents", "settings", "anomalies"] {
            prop_assert_eq!(&straight[part], &shuffled[part], "{} of {}", part, path.display());
        }
        let strip_addresses = |report: &Value| {
            let mut sessions = report["sessions"].clone();
            for session in sessions.as_array_mut().into_iter().flatten() {
                if let Some(list) = session["addresses"].as_array_mut() {
                    list.sort_by_key(|address| address.to_string());
                }
            }
            sessions
        };
        prop_assert_eq!(strip_addresses(&straight), strip_addresses(&shuffled), "sessions of {}", path.display());
    }

    #[test]
    fn lines_a_few_seconds_late_change_nothing(which in any::<prop::sample::Index>(), seed in any::<u64>()) {
        let logs = logs();
        let (path, log) = which.get(&logs);
        let all: Vec<&[u8]> = log.split_inclusive(|b| *b == b'\n').collect();
        // Every line may fall behind up to four lines of other seconds, but not behind those of its own.
        let mut late: Vec<(usize, usize)> = all.iter().enumerate().map(|(at, line)| {
            let delay = (seed.rotate_left((at % 61) as u32) & 3) as usize;
            let same = all[at + 1..].iter().take_while(|next| second_of(next) == second_of(line)).count();
            (at + if same == 0 { delay } else { 0 }, at)
        }).collect();
        late.sort();
        let late: Vec<u8> = late.into_iter().flat_map(|(_, at)| all[at].iter().copied()).collect();
        let (straight, late) = (without_places(report(&[log], 1)), without_places(report(&[&late], 1)));
        prop_assert_eq!(&straight["sessions"], &late["sessions"], "{}", path.display());
        prop_assert_eq!(&straight["users"], &late["users"], "{}", path.display());
    }

    #[test]
    fn any_bytes_are_counted(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        sum_holds(&report(&[&bytes], 2));
    }

    #[test]
    fn a_damaged_log_is_counted(
        which in any::<prop::sample::Index>(),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..60),
        end in any::<prop::sample::Index>(),
    ) {
        let logs = logs();
        let mut log = which.get(&logs).1.clone();
        for (place, byte) in hits {
            let place = place.index(log.len());
            log[place] = byte;
        }
        log.truncate(end.index(log.len()) + 1);
        let text = report(&[&log], 2);
        sum_holds(&text);
        prop_assert_eq!(text["input"]["lines"].as_u64().unwrap() as usize, lines(&log).count());
    }

    /// Random announces through the state machine.
    #[test]
    fn the_state_machine_keeps_its_promises(
        walk in prop::collection::vec((0u8..5, 0u64..4, 0u64..4, 0u64..3, 0i64..40, any::<bool>()), 1..60),
        seeds in any::<bool>(),
    ) {
        let mode = if seeds { Completed::Seeds } else { Completed::Removes };
        let mut live: Option<Live> = None;
        let mut started: Option<Time> = None;
        let mut at = 0;
        let mut total = Counters::ZERO;
        for (event, up, down, left, wait, same_address) in walk {
            at += wait;
            let event = [Event::None, Event::Started, Event::Completed, Event::Stopped, Event::Paused][usize::from(event)];
            let counters = Counters { up: up << 24, down: down << 24 };
            let said = Said { at: Some(Time::from_secs(at + 1)), event, counters, left, same_address };
            let transition = decide(live.as_ref(), &said, None);
            let went_on = advance(live.as_ref(), &said, transition, None, mode);
            if let Some(mut same) = live.filter(|live| says_nothing_new(&live.state, &live.last, &said)) {
                same.last.at = said.at;
                prop_assert_eq!((transition, went_on), (Transition::Went, same));
            }
            let (before, next) = (live.map(|live| live.state), went_on.state);
            if transition == Transition::Duplicate {
                let Live { state, last } = live.unwrap();
                // Of the announce before; or of the `started` that began it, come behind its successors.
                let of_start = event == Event::Started && counters == state.base && said.at <= started.map(|t| t.plus(8_000));
                prop_assert!(of_start || (event, counters, left) == (state.last_event, last.counters, last.left));
                continue;
            }
            started = if event == Event::Started { said.at } else { started.filter(|_| !transition.opens()) };
            prop_assert!(!next.peak.fell_below(next.base) && !next.peak.fell_below(counters));
            if transition.opens() {
                prop_assert_eq!(next.credit(), Counters::ZERO, "a session begins with nothing");
                prop_assert!(before.is_none() || event != Event::Stopped, "`stopped` ends, and begins nothing");
                total = Counters { up: total.up + next.credit().up, down: total.down + next.credit().down };
            } else {
                let before = before.unwrap();
                prop_assert!(!next.credit().fell_below(before.credit()), "credit is never taken back");
                prop_assert_eq!(next.base, before.base);
            }
            prop_assert_eq!(next.phase == Phase::Stopped, event == Event::Stopped);
            // A `started` that only stands behind its own `completed` changes nothing.
            let late = event == Event::Started && before.is_some_and(|s| s.phase == Phase::Completed);
            if !late {
                prop_assert_eq!(next.phase == Phase::Completed, event == Event::Completed && !seeds);
            }
            if next.phase == Phase::Seeding {
                prop_assert_eq!(next.left(), Some(0));
            }
            prop_assert!(next.completed_at.is_none() || next.leeched, "only a leech completes");
            live = Some(went_on);
        }
    }
}
