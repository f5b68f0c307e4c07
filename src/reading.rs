//! Reads sources on every core and feeds the engine: blocks are cut in order, parsed side by side, and applied by the one
//! engine that owns their users. So the result does not depend on how many cores there are.

use crate::access_log::{self, Clock, Format, LineReader};
use crate::announce::{Fate, Reason, looks_like_announce, read};
use crate::replay::{Listener, Part, Record, Replay, Rules};
use crate::session::LineRef;
use crate::source::{Block, Blocks, Source, SourceError};
use crate::time::Time;
use foldhash::fast::RandomState;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How to read.
#[derive(Clone)]
pub struct Options {
    /// The format of every source; `None` to detect it for each.
    pub format: Option<&'static dyn Format>,
    /// Threads to use, at least 1.
    pub threads: usize,
    /// What the engine does.
    pub rules: Rules,
}

/// What became of the physical lines. Each is counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All lines.
    pub lines: u64,
    /// Announces that the tracker took, copies included.
    pub delivered: u64,
    /// Announces answered with 4xx or 5xx.
    pub undelivered: u64,
    /// Scrapes.
    pub scrapes: u64,
    /// No tracker requests.
    pub other: u64,
    /// Announces that cannot be used.
    pub rejected: u64,
    /// Further lines of wrapped announces.
    pub continuations: u64,
    /// Why announces cannot be used.
    pub reasons: BTreeMap<Reason, u64>,
    /// The first lines rejected for each reason, at most [`Tally::EXAMPLES`].
    pub examples: Vec<(LineRef, Reason)>,
    /// The first time in the log.
    pub first_at: Option<Time>,
    /// The last time in the log.
    pub last_at: Option<Time>,
}

impl Tally {
    /// Examples kept of each reason.
    pub const EXAMPLES: u64 = 3;

    fn reject(&mut self, line: LineRef, reason: Reason) {
        self.rejected += 1;
        let count = self.reasons.entry(reason).or_default();
        *count += 1;
        if *count <= Self::EXAMPLES {
            self.examples.push((line, reason));
        }
    }

    fn note_time(&mut self, at: Option<Time>) {
        if let Some(at) = at {
            self.first_at = Some(self.first_at.map_or(at, |first| first.min(at)));
            self.last_at = self.last_at.max(Some(at));
        }
    }

    /// Adds what came after.
    fn append(&mut self, next: Tally) {
        self.lines += next.lines;
        self.delivered += next.delivered;
        self.undelivered += next.undelivered;
        self.scrapes += next.scrapes;
        self.other += next.other;
        self.rejected += next.rejected;
        self.continuations += next.continuations;
        for (line, reason) in next.examples {
            let before = self.examples.iter().filter(|(_, r)| *r == reason).count() as u64;
            if before < Self::EXAMPLES {
                self.examples.push((line, reason));
            }
        }
        for (reason, count) in next.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.note_time(next.first_at);
        self.note_time(next.last_at);
    }
}

/// What was read of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRead {
    /// Its name.
    pub name: String,
    /// The format given or detected; `None` if no line of it fits any.
    pub format: Option<&'static str>,
    /// Its size, as far as it was read.
    pub bytes: u64,
    /// Its physical lines.
    pub lines: u64,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Input {
    /// The sources that could be opened, in the order given.
    pub sources: Vec<SourceRead>,
    /// What became of their lines.
    pub tally: Tally,
    /// Times have fractions of a second.
    pub millis: bool,
    /// What could not be read.
    pub errors: Vec<SourceError>,
}

/// A block with what is needed to parse it.
struct Job {
    block: Block,
    source: usize,
    reader: Option<LineReader>,
    /// Lines that were joined to the ones before them, and are empty now.
    joined: u64,
}

/// A block, parsed: the announces for each engine, and what became of the lines.
struct Parsed<'b> {
    shards: Vec<Vec<Record<'b>>>,
    tally: Tally,
    millis: bool,
}

/// Blocks a thread works on between two meetings with the others.
const BLOCKS_A_THREAD: usize = 8;

/// Reads all sources, in the order given, through as many engines as there are threads.
pub fn read_all<L: Listener + Send>(
    sources: &[Source],
    options: &Options,
    listener: impl Fn() -> L,
) -> (Input, Vec<(Part, L)>) {
    let threads = options.threads.max(1);
    let mut engines: Vec<Replay<L>> = (0..threads).map(|_| Replay::new(options.rules.clone(), listener())).collect();
    let mut input = Input::default();
    let seed = RandomState::default();
    let mut jobs: Vec<Job> = Vec::new();
    let mut spare: Vec<Vec<u8>> = Vec::new();
    let round = threads * BLOCKS_A_THREAD;
    for source in sources {
        let reader = match source.open() {
            Ok(reader) => reader,
            Err(error) => {
                input.errors.push(error);
                continue;
            }
        };
        let number = input.sources.len();
        input.sources.push(SourceRead {
            name: source.name(),
            format: options.format.map(|f| f.name()),
            bytes: 0,
            lines: 0,
        });
        let mut blocks = Blocks::new(reader);
        let mut lines = options.format.map(LineReader::of);
        let mut first = true;
        loop {
            let mut block = Block { bytes: spare.pop().unwrap_or_default(), ..Block::default() };
            match blocks.next(&mut block) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    let after = input.sources[number].bytes;
                    input.errors.push(SourceError::Read { name: source.name(), after, error });
                    break;
                }
            }
            if std::mem::take(&mut first) && block.bytes.starts_with(b"\xef\xbb\xbf") {
                block.bytes.drain(..3);
            }
            input.sources[number].bytes += block.read;
            if lines.is_none() {
                lines = LineReader::detect(&block.bytes);
                input.sources[number].format = lines.map(|l| l.format());
            }
            let joined =
                if lines.is_some_and(|l| l.wraps()) { access_log::unwrap_captures(&mut block.bytes) } else { 0 };
            jobs.push(Job { block, source: number, reader: lines, joined });
            if jobs.len() == round {
                work(&jobs, &mut engines, &mut input, &seed);
                spare.extend(jobs.drain(..).map(|job| job.block.bytes));
                if engines.iter().any(Replay::done) {
                    break;
                }
            }
        }
    }
    work(&jobs, &mut engines, &mut input, &seed);
    let parts = engines.into_iter().map(Replay::finish).collect();
    (input, parts)
}

/// One round: parse all blocks, then let every engine apply its share of them in order.
fn work<L: Listener + Send>(jobs: &[Job], engines: &mut [Replay<L>], input: &mut Input, seed: &RandomState) {
    let mut base = Vec::with_capacity(jobs.len());
    let shards = engines.len();
    for job in jobs {
        let source = &mut input.sources[job.source];
        base.push(source.lines);
        let unfinished =
            u64::from(!job.block.bytes.is_empty() && (job.block.overlong || !job.block.bytes.ends_with(b"\n")));
        source.lines += memchr::memchr_iter(b'\n', &job.block.bytes).count() as u64 + unfinished;
    }
    let next = AtomicUsize::new(0);
    let parsed: Vec<Mutex<Option<Parsed<'_>>>> = jobs.iter().map(|_| Mutex::new(None)).collect();
    let parse_some = || {
        let mut clock = Clock::default();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(at) else { return };
            let result = parse(job, base[at], shards, seed, &mut clock);
            if let Ok(mut slot) = parsed[at].lock() {
                *slot = Some(result);
            }
        }
    };
    on_all(engines.iter_mut(), |_| parse_some());
    let mut parsed: Vec<Parsed<'_>> = parsed.into_iter().filter_map(|p| p.into_inner().ok().flatten()).collect();
    for block in &mut parsed {
        input.tally.append(std::mem::take(&mut block.tally));
        input.millis |= block.millis;
    }
    on_all(engines.iter_mut().enumerate(), |(shard, engine)| {
        for block in &parsed {
            for record in &block.shards[shard] {
                engine.feed(record);
            }
        }
    });
}

/// Runs `work` for every item, each on a thread of its own but the last, which stays here.
fn on_all<T: Send>(items: impl ExactSizeIterator<Item = T>, work: impl Fn(T) + Sync) {
    let last = items.len().saturating_sub(1);
    std::thread::scope(|scope| {
        for (at, item) in items.enumerate() {
            let work = &work;
            if at == last {
                work(item);
            } else {
                scope.spawn(move || work(item));
            }
        }
    });
}

/// Parses a block. `base` is the number of lines before it in its source.
fn parse<'b>(job: &'b Job, base: u64, shards: usize, seed: &RandomState, clock: &mut Clock) -> Parsed<'b> {
    let mut tally = Tally::default();
    let mut out: Vec<Vec<Record<'b>>> = (0..shards).map(|_| Vec::new()).collect();
    let mut millis = false;
    for line in access_log::lines(&job.block.bytes) {
        tally.lines += 1;
        let at = LineRef::new(job.source, base + tally.lines);
        let Some(request) = job.reader.and_then(|r| r.parse(line, clock)) else {
            if looks_like_announce(line) {
                let reason = if job.block.overlong { Reason::LineTooLong } else { Reason::Garbled };
                tally.reject(at, reason);
            } else {
                tally.other += 1;
            }
            continue;
        };
        tally.note_time(request.time);
        millis |= request.time.is_some_and(|t| t.millis() % 1000 != 0);
        let (announce, refused) = match read(&request) {
            _ if job.block.overlong => {
                tally.reject(at, Reason::LineTooLong);
                continue;
            }
            Fate::Announce(announce) => {
                tally.delivered += 1;
                (announce, false)
            }
            Fate::Undelivered(announce) => {
                tally.undelivered += 1;
                let Some(announce) = announce else { continue };
                (announce, true)
            }
            Fate::Scrape => {
                tally.scrapes += 1;
                continue;
            }
            Fate::Other => {
                tally.other += 1;
                continue;
            }
            Fate::Rejected(reason) => {
                tally.reject(at, reason);
                continue;
            }
        };
        let record = Record { at: request.time, line: at, addr: request.addr, refused, announce };
        let shard = if shards == 1 { 0 } else { seed.hash_one(record.user()) as usize % shards };
        out[shard].push(record);
    }
    tally.other -= job.joined;
    tally.continuations = job.joined;
    Parsed { shards: out, tally, millis }
}
