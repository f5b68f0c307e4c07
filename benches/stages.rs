//! How fast each stage is by itself: what of the time of a whole report goes where. All stages are given the same log, and
//! all are measured in its bytes, and in the lines, requests or announces that they take.
//!
//! ```text
//! cargo bench --bench stages -- --sort location [STAGE]
//! ```

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use foldhash::fast::RandomState;
use std::io::{self, Write};
use std::sync::LazyLock;
use swarmtrail::access_log::{Context, LineReader, Request, lines};
use swarmtrail::announce::{Fate, read};
use swarmtrail::audit::{Terms, Watch, audit};
use swarmtrail::reading::{Options, read_all};
use swarmtrail::replay::{Arrival, Batch, Given, Hashes, Record, Replay, Rules, Story};
use swarmtrail::report::{Filter, Output, Style, View, print_report};
use swarmtrail::side::Side;
use swarmtrail::source::{Block, Blocks, Source};
use swarmtrail::time::Time;

#[allow(dead_code)] // It is a program of its own.
#[path = "../examples/generate.rs"]
mod generate;

/// Large enough that the sessions do not fit into the nearer caches.
const SIZE: &str = "32M";

static LOG: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let args = ["--bytes", SIZE].map(String::from);
    let options = generate::Options::parse(args.into_iter()).expect("options that it knows").expect("no call for help");
    let mut log = Vec::new();
    generate::Tracker::new(&options).write(options.bytes, &mut log).expect("memory takes it");
    log
});

fn main() {
    LazyLock::force(&LOG);
    divan::main();
}

fn reader() -> LineReader {
    LineReader::detect(&LOG, None).expect("a log that is read")
}

fn requests() -> Vec<Request<'static>> {
    let (reader, mut context) = (reader(), Context::default());
    lines(&LOG).filter_map(|line| reader.parse(line, &mut context)).collect()
}

/// A block as it goes from parsing to the engine.
struct Parsed {
    block: Block,
    records: Vec<Record>,
    /// Lines before it, and the latest time in them.
    base: u64,
    newest: Option<Time>,
    /// For each line, the latest time in the block before it.
    newest_before: Vec<Option<Time>>,
}

fn blocks() -> Vec<Parsed> {
    let (reader, mut context, seed) = (reader(), Context::default(), RandomState::default());
    let (mut cut, mut out, mut base, mut newest) = (Blocks::new(&LOG[..]), Vec::new(), 0, None);
    let mut block = Block::default();
    while cut.next(&mut block).expect("memory can be read") {
        let (mut records, mut newest_before, mut latest) = (Vec::new(), Vec::new(), None);
        for text in lines(&block.bytes) {
            newest_before.push(latest);
            let line = newest_before.len() as u32;
            let Some(request) = reader.parse(text, &mut context) else { continue };
            latest = latest.max(request.time);
            let (announce, refused) = match read(&request, &block.bytes) {
                Fate::Announce(announce) => (announce, false),
                Fate::Undelivered(Some(announce)) => (announce, true),
                _ => continue,
            };
            let arrival = Arrival { at: request.time, line, addr: request.addr, agent: request.agent, refused };
            let hashes = Hashes::of(&seed, &announce, request.addr);
            records.push(Record::new(&announce, &arrival, hashes, &block.bytes));
        }
        let lines = newest_before.len() as u64;
        out.push(Parsed { block: std::mem::take(&mut block), records, base, newest, newest_before });
        newest = newest.max(latest);
        base += lines;
    }
    out
}

/// Bytes into blocks, and blocks into lines.
#[divan::bench]
fn cut(bencher: Bencher) {
    let count = lines(&LOG).count();
    bencher.counter(BytesCount::of_slice(&LOG[..])).counter(ItemsCount::new(count)).bench(|| {
        let (mut blocks, mut block) = (Blocks::new(&black_box(&LOG)[..]), Block::default());
        while blocks.next(&mut block).expect("memory can be read") {
            lines(&block.bytes).for_each(|line| _ = black_box(line));
        }
    });
}

/// Lines into requests.
#[divan::bench]
fn parse(bencher: Bencher) {
    let (reader, lines) = (reader(), lines(&LOG).collect::<Vec<_>>());
    bencher.counter(BytesCount::of_slice(&LOG[..])).counter(ItemsCount::new(lines.len())).bench(|| {
        let mut context = Context::default();
        black_box(&lines).iter().for_each(|line| _ = black_box(reader.parse(line, &mut context)));
    });
}

/// Requests into announces.
#[divan::bench]
fn decode(bencher: Bencher) {
    let requests = requests();
    bencher.counter(BytesCount::of_slice(&LOG[..])).counter(ItemsCount::new(requests.len())).bench(|| {
        black_box(&requests).iter().for_each(|request| _ = black_box(read(request, &LOG)));
    });
}

/// Announces into sessions.
#[divan::bench]
fn apply(bencher: Bencher) {
    let blocks = blocks();
    let count: usize = blocks.iter().map(|parsed| parsed.records.len()).sum();
    bencher.counter(BytesCount::of_slice(&LOG[..])).counter(ItemsCount::new(count)).bench(|| {
        let mut engine = Replay::new(Rules::default(), ());
        for Parsed { block, records, base, newest, newest_before } in black_box(&blocks) {
            let (base, newest) = (*base, *newest);
            let batch =
                Batch { records, text: &block.bytes, source: 0, base, lines_before: base, newest, newest_before };
            engine.feed(&batch, &mut |_, _, _| {});
        }
        engine.finish()
    });
}

/// A report of a file, by so many threads.
#[divan::bench(args = [1, 2])]
fn whole(bencher: Bencher, threads: usize) {
    let mut file = tempfile::NamedTempFile::new().expect("a place for files");
    file.write_all(&LOG).expect("written");
    let sources = [Source::File(file.path().to_path_buf())];
    let options = Options { threads, ..Options::default() };
    let count = lines(&LOG).count();
    bencher.counter(BytesCount::of_slice(&LOG[..])).counter(ItemsCount::new(count)).bench(|| {
        let (input, engines) = read_all(&sources, &options, Watch::default);
        let (parts, watches): (Vec<_>, Vec<_>) = engines.into_iter().unzip();
        let span = (input.tally.first_at, input.tally.last_at);
        let (story, kept) = Story::new(parts, Given::default(), span, threads);
        let found = audit(&story, watches, kept, &Side::default(), &Terms::default(), threads);
        let filter = Filter::default();
        let style =
            Style { color: false, width: None, millis: input.tally.millis, zone: swarmtrail::time::Zone::default() };
        let view = View::new(&story, &input, &found, &filter, threads);
        print_report(&mut io::sink(), Output::Table, &style, &view).expect("nothing is refused there");
    });
}
