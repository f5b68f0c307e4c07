//! A block of lines, parsed: the announces for each engine, and what became of the lines. Pure, and done on every core.

use super::tally::Tally;
use crate::access_log::{self, Clock, LineReader};
use crate::announce::{Announce, Decoded, Event, Fate, InfoHash, Reason, looks_like_announce, read};
use crate::replay::{Hashes, Record};
use crate::session::LineRef;
use crate::source::Block;
use crate::time::Time;

/// A block with what is needed to parse it.
#[derive(Default)]
pub struct Job {
    /// The lines.
    pub block: Block,
    /// Which source they come from.
    pub source: usize,
    /// How to read them; `None` if no format fits.
    pub reader: Option<LineReader>,
    /// Lines that were joined to the ones before them, and are empty now.
    pub joined: u64,
}

/// A block, parsed. It keeps its text: the announces point into it.
#[derive(Default)]
pub struct Parsed {
    bytes: Vec<u8>,
    /// Which source it comes from.
    pub source: usize,
    /// What became of the lines, numbered from the block's beginning.
    pub tally: Tally,
    shards: Vec<Vec<Entry>>,
}

/// A stretch of the block's text.
#[derive(Clone, Copy)]
struct Span {
    at: u32,
    len: u32,
}

/// An announce, small enough to be handed from core to core.
struct Entry {
    at: Option<Time>,
    newest: Option<Time>,
    hashes: Hashes,
    uploaded: u64,
    downloaded: u64,
    left: u64,
    passkey: Span,
    addr: Span,
    key: Span,
    line: u32,
    info_hash: InfoHash,
    peer_id: Decoded,
    event: Event,
    refused: bool,
    has_passkey: bool,
}

impl Parsed {
    /// The announces for one engine. `base` is the number of lines before the block in its source, `newest` the latest
    /// time before it.
    pub fn records(&self, shard: usize, base: u64, newest: Option<Time>) -> impl Iterator<Item = Record<'_>> {
        self.shards[shard].iter().map(move |entry| entry.record(self, base, newest))
    }

    /// Its buffers, to be filled again.
    pub fn recycle(mut self) -> (Vec<u8>, Parsed) {
        let bytes = std::mem::take(&mut self.bytes);
        self.shards.iter_mut().for_each(Vec::clear);
        self.tally = Tally::default();
        (bytes, self)
    }
}

impl Entry {
    #[inline]
    fn record<'b>(&self, block: &'b Parsed, base: u64, newest: Option<Time>) -> Record<'b> {
        let text = |span: Span| block.bytes.get(span.at as usize..(span.at + span.len) as usize).unwrap_or_default();
        Record {
            at: self.at,
            line: LineRef::new(block.source, base + u64::from(self.line)),
            addr: text(self.addr),
            refused: self.refused,
            hashes: self.hashes,
            newest: self.newest.max(newest),
            announce: Announce {
                passkey: self.has_passkey.then(|| text(self.passkey)),
                info_hash: self.info_hash,
                peer_id: self.peer_id,
                key: text(self.key),
                event: self.event,
                uploaded: self.uploaded,
                downloaded: self.downloaded,
                left: self.left,
            },
        }
    }
}

/// Parses a block into `parsed`, which is empty.
pub fn parse(
    job: Job,
    mut parsed: Parsed,
    shards: usize,
    seed: &foldhash::fast::RandomState,
    clock: &mut Clock,
) -> Parsed {
    parsed.shards.resize_with(shards, Vec::new);
    parsed.source = job.source;
    let tally = &mut parsed.tally;
    let bytes = &job.block.bytes;
    let start = bytes.as_ptr() as usize;
    let span = |text: &[u8]| Span { at: (text.as_ptr() as usize).wrapping_sub(start) as u32, len: text.len() as u32 };
    for line in access_log::lines(bytes) {
        tally.lines += 1;
        let at = LineRef::new(job.source, tally.lines);
        let Some(request) = job.reader.and_then(|r| r.parse(line, clock)) else {
            if looks_like_announce(line) {
                tally.reject(at, if job.block.overlong { Reason::LineTooLong } else { Reason::Garbled });
            } else {
                tally.other += 1;
            }
            continue;
        };
        tally.note_time(request.time);
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
        let hashes = Hashes::of(seed, &announce, request.addr);
        parsed.shards[hashes.shard(shards)].push(Entry {
            at: request.time,
            newest: tally.last_at,
            hashes,
            uploaded: announce.uploaded,
            downloaded: announce.downloaded,
            left: announce.left,
            passkey: announce.passkey.map_or(Span { at: 0, len: 0 }, span),
            addr: span(request.addr),
            key: span(announce.key),
            line: tally.lines as u32,
            info_hash: announce.info_hash,
            peer_id: announce.peer_id,
            event: announce.event,
            refused,
            has_passkey: announce.passkey.is_some(),
        });
    }
    tally.other -= job.joined;
    tally.continuations = job.joined;
    parsed.bytes = job.block.bytes;
    parsed
}
