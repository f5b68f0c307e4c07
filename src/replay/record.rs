//! An announce on its way to the engine.

use crate::announce::{Announce, Event, InfoHash, PeerId, Reason, decode};
use crate::session::LineRef;
use crate::time::Time;
use foldhash::fast::RandomState;
use std::hash::{BuildHasher, Hasher};

/// A stretch of a batch's text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    at: u32,
    len: u32,
}

impl Span {
    /// Where `part` lies in `text`, which it is a part of; empty if it is not.
    #[inline]
    pub fn of(part: &[u8], text: &[u8]) -> Span {
        let at = (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
        if at <= text.len() { Span { at: at as u32, len: part.len() as u32 } } else { Span::default() }
    }

    /// The stretch itself.
    #[inline]
    pub fn get(self, text: &[u8]) -> &[u8] {
        text.get(self.at as usize..self.at as usize + self.len as usize).unwrap_or_default()
    }
}

/// An announce, small enough to be handed from core to core. What is seldom needed stays in the text.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub(super) at: Option<Time>,
    pub(super) hashes: Hashes,
    pub(super) uploaded: u64,
    pub(super) downloaded: u64,
    pub(super) left: u64,
    pub(super) passkey: Span,
    pub(super) addr: Span,
    pub(super) key: Span,
    pub(super) info_hash: Span,
    pub(super) peer_id: Span,
    pub(super) agent: Span,
    /// Counted from the batch's beginning.
    pub(super) line: u32,
    pub(super) event: Event,
    pub(super) refused: bool,
    pub(super) has_passkey: bool,
}

/// Where and how an announce came.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// When the log says it came.
    pub at: Option<Time>,
    /// The line, counted from the batch's beginning, from 1.
    pub line: u32,
    /// From which address; empty if the line does not say.
    pub addr: &'a [u8],
    /// The user agent; empty if it is to be looked for in the line.
    pub agent: &'a [u8],
    /// The server refused it.
    pub refused: bool,
}

impl Record {
    /// The record of an announce that stands in `text`.
    #[inline]
    pub fn new(announce: &Announce<'_>, arrival: &Arrival<'_>, hashes: Hashes, text: &[u8]) -> Record {
        Record {
            at: arrival.at,
            hashes,
            uploaded: announce.uploaded,
            downloaded: announce.downloaded,
            left: announce.left,
            passkey: announce.passkey.map_or(Span::default(), |passkey| Span::of(passkey, text)),
            addr: Span::of(arrival.addr, text),
            key: Span::of(announce.key, text),
            info_hash: Span::of(announce.info_hash, text),
            peer_id: Span::of(announce.peer_id, text),
            agent: Span::of(arrival.agent, text),
            line: arrival.line,
            event: announce.event,
            refused: arrival.refused,
            has_passkey: announce.passkey.is_some(),
        }
    }

    /// Undoes the escapes of info hash and peer id.
    ///
    /// # Errors
    /// What cannot be read.
    pub(super) fn decode(&self, batch: &Batch<'_>) -> Result<(InfoHash, PeerId), Reason> {
        decode(self.info_hash.get(batch.text), self.peer_id.get(batch.text))
    }
}

/// Some announces in the order of their lines, and the text that they stand in.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The announces.
    pub records: &'a [Record],
    /// The lines.
    pub text: &'a [u8],
    /// Which source they come from.
    pub source: usize,
    /// Lines of that source before the batch.
    pub base: u64,
    /// Lines of the whole log before the batch.
    pub lines_before: u64,
    /// The latest time in the log before the batch.
    pub newest: Option<Time>,
    /// For each line, the latest time in the batch before it.
    pub newest_before: &'a [Option<Time>],
}

impl<'a> Batch<'a> {
    /// Where a record stands.
    #[inline]
    pub fn line(&self, record: &Record) -> LineRef {
        LineRef::new(self.source, self.base + u64::from(record.line))
    }

    /// The latest time in the log before a line, which is counted from the batch's beginning, from 1.
    #[inline]
    pub(super) fn newest_before(&self, line: u32) -> Option<Time> {
        let within = self.newest_before.get((line as usize).wrapping_sub(1)).copied().flatten();
        within.max(self.newest)
    }

    /// The whole line that a record stands in, and where in it the info hash begins.
    pub(super) fn whole_line(&self, record: &Record) -> (&'a [u8], usize) {
        let at = (record.info_hash.at as usize).min(self.text.len());
        let from = memchr::memrchr(b'\n', &self.text[..at]).map_or(0, |end| end + 1);
        let to = memchr::memchr(b'\n', &self.text[at..]).map_or(self.text.len(), |len| at + len);
        (&self.text[from..to], at - from)
    }

    /// Who announces: the passkey, or without one the address; `true` if it is a passkey.
    pub fn user(&self, record: &Record) -> (&'a [u8], bool) {
        match (record.has_passkey, record.addr.get(self.text)) {
            (true, _) => (record.passkey.get(self.text), true),
            (false, b"") => (b"unknown", false),
            (false, addr) => (addr, false),
        }
    }
}

/// Seeded hashes of what an announce is about: strangers choose passkeys, info hashes and peer ids, but cannot know the
/// seed, so they cannot choose collisions either.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hashes {
    /// Of the user: the passkey, or without one the address.
    pub(super) user: u64,
    /// Of user, info hash and peer id, as they are spelled. With `user` it stands for them: that two of them agree in both
    /// does not happen.
    pub(super) spelling: u64,
    /// Of the address.
    pub(super) addr: u64,
}

impl Hashes {
    /// The hashes of an announce that came from `addr`.
    #[inline]
    pub fn of(seed: &RandomState, announce: &Announce<'_>, addr: &[u8]) -> Hashes {
        let hash = |text: &[u8]| {
            let mut hasher = seed.build_hasher();
            hasher.write(text);
            hasher.finish()
        };
        let addr = hash(addr);
        let user = announce.passkey.map_or(!addr, hash);
        let mut spelling = seed.build_hasher();
        spelling.write_u64(user);
        spelling.write(announce.info_hash);
        spelling.write(announce.peer_id);
        Hashes { user, spelling: spelling.finish(), addr }
    }

    /// Which of so many engines owns the user.
    #[inline]
    pub fn shard(self, shards: usize) -> usize {
        // The upper bits: the lower ones choose a place in the engine's own table.
        ((u128::from(self.user) * shards as u128) >> 64) as usize
    }
}
