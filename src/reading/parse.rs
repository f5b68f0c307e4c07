//! A block of lines, parsed: the announces for each engine, and what became of the lines. Pure, and done on every core.

use super::tally::Tally;
use crate::access_log::{self, LineReader};
use crate::announce::{Fate, Reason, looks_like_announce, read};
use crate::replay::{Arrival, Batch, Hashes, Record};
use crate::session::LineRef;
use crate::source::{LONGEST_LINE, Part, without_nuls};
use crate::time::Time;
use foldhash::fast::RandomState;

/// A block with what is needed to parse it.
#[derive(Default)]
pub struct Job {
    /// The lines.
    pub bytes: Vec<u8>,
    /// Where they lie, if they have not been read yet.
    pub unread: Option<Part>,
    /// Which source they come from.
    pub source: usize,
    /// How to read them; `None` if no format fits.
    pub reader: Option<LineReader>,
    /// Lines of the source just before these that were passed over, since they repeat another source's.
    pub passed: u64,
}

/// A block, parsed. It keeps its text: the announces point into it.
#[derive(Default)]
pub struct Parsed {
    bytes: Vec<u8>,
    /// Which source it comes from.
    pub source: usize,
    /// Lines of the source just before these that were passed over.
    pub passed: u64,
    /// What became of the lines, numbered from the block's beginning.
    pub tally: Tally,
    shards: Vec<Vec<Record>>,
    /// For each line, the latest time in the block before it.
    newest_before: Vec<Option<Time>>,
}

impl Parsed {
    /// The announces for one engine. `base` is the number of lines before the block in its source, `before` tells of all
    /// lines before it.
    pub fn batch(&self, shard: usize, base: u64, before: &Tally) -> Batch<'_> {
        Batch {
            records: &self.shards[shard],
            text: &self.bytes,
            source: self.source,
            base,
            lines_before: before.lines,
            newest: before.last_at,
            newest_before: &self.newest_before,
        }
    }

    /// Its buffers, to be filled again.
    pub fn recycle(mut self) -> (Vec<u8>, Parsed) {
        let bytes = std::mem::take(&mut self.bytes);
        self.shards.iter_mut().for_each(Vec::clear);
        self.newest_before.clear();
        self.tally = Tally::default();
        (bytes, self)
    }
}

/// Parses a block into `parsed`, which is empty.
#[multiversion::multiversion(targets("x86_64+avx2+bmi1+bmi2+lzcnt+popcnt"))]
pub fn parse(mut job: Job, mut parsed: Parsed, shards: usize, seed: &RandomState) -> Parsed {
    parsed.shards.resize_with(shards, Vec::new);
    parsed.source = job.source;
    parsed.passed = job.passed;
    let mut context = job.reader.map(|reader| reader.context()).unwrap_or_default();
    let joined = job.reader.map_or(0, |reader| reader.prepare(&mut job.bytes, &mut context));
    let tally = &mut parsed.tally;
    let bytes = &job.bytes;
    for line in access_log::lines(bytes) {
        tally.lines += 1;
        parsed.newest_before.push(tally.last_at);
        let at = LineRef::new(job.source, tally.lines);
        let line = match line {
            [0, ..] => {
                tally.note_hole(at);
                without_nuls(line)
            }
            _ => line,
        };
        let too_long = line.len() > LONGEST_LINE;
        // Not moved: it is large, and was just written.
        let request = match &job.reader {
            Some(reader) if !too_long => reader.parse(line, &mut context),
            _ => None,
        };
        let Some(request) = &request else {
            // All that is there of any line that is too long.
            let line = &line[..line.len().min(LONGEST_LINE)];
            if looks_like_announce(line) {
                tally.reject(tally.lines, at, if too_long { Reason::LineTooLong } else { Reason::Garbled });
            } else {
                tally.other += 1;
            }
            continue;
        };
        tally.note_time(request.time);
        let (announce, refused) = match read(request, bytes) {
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
                tally.reject(tally.lines, at, reason);
                continue;
            }
        };
        let hashes = Hashes::of(seed, &announce, request.addr);
        let line = tally.lines as u32;
        let arrival = Arrival { at: request.time, line, addr: request.addr, agent: request.agent, refused };
        parsed.shards[hashes.shard(shards)].push(Record::new(&announce, &arrival, hashes, bytes));
    }
    // They are empty now.
    tally.other -= joined;
    tally.continuations = joined;
    parsed.bytes = job.bytes;
    parsed
}
