//! An announce: a query string turned into typed values (BEP 3, 7, 21, 23), where the passkey is, and which client
//! a peer id names.

mod client;
mod escape;
mod form;
mod passkey;
mod query;

pub use client::{Client, client_of, program_of, usual_silence};
pub use escape::printable;
pub use form::{Escapes, Form, SPECIALS, user_agent, write_form};

use crate::access_log::Request;
use crate::scan;
use std::fmt;

/// The SHA-1 that names a torrent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InfoHash(pub [u8; 20]);

impl fmt::Display for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hex = [0; 40];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&hex).unwrap_or_default())
    }
}

impl fmt::Debug for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a client calls itself in a swarm: 20 bytes by BEP 3. Others come too, and are kept as they are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerId {
    /// As BEP 3 has it.
    Usual([u8; 20]),
    /// Of another length.
    Odd(Box<[u8]>),
}

impl PeerId {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            PeerId::Usual(bytes) => bytes,
            PeerId::Odd(bytes) => bytes,
        }
    }
}

impl From<&[u8]> for PeerId {
    fn from(bytes: &[u8]) -> Self {
        bytes.try_into().map_or_else(|_| PeerId::Odd(bytes.into()), PeerId::Usual)
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        printable(self.bytes()).fmt(f)
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What an announce says happened (BEP 3; `paused` is BEP 21).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Event {
    /// A regular announce, or an event nobody defined.
    #[default]
    None,
    /// The client began to take part.
    Started,
    /// The download is whole now.
    Completed,
    /// The client leaves.
    Stopped,
    /// A partial seed: everything wanted is there although `left` is above 0. Not a pause of the user's.
    Paused,
}

impl Event {
    fn of(value: &[u8]) -> Event {
        match value {
            b"started" => Event::Started,
            b"completed" => Event::Completed,
            b"stopped" => Event::Stopped,
            b"paused" => Event::Paused,
            _ => Event::None,
        }
    }

    /// The event's name in a query; empty for none.
    pub fn name(self) -> &'static str {
        match self {
            Event::None => "",
            Event::Started => "started",
            Event::Completed => "completed",
            Event::Stopped => "stopped",
            Event::Paused => "paused",
        }
    }
}

/// Why an announce cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// A field that an announce must have is not there.
    Missing(Field),
    /// A field cannot be read: a broken escape, a wrong length, no number, or one beyond 64 bits.
    Unreadable(Field),
    /// The line is too long to be kept.
    LineTooLong,
    /// The line breaks off or is garbled, but an announce can be made out in it.
    Garbled,
}

/// The fields without which an announce says nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs)]
pub enum Field {
    InfoHash,
    PeerId,
    Uploaded,
    Downloaded,
    Left,
}

impl Reason {
    /// A short name for reports and scripts.
    pub fn name(self) -> &'static str {
        use Field::*;
        match self {
            Reason::Missing(InfoHash) => "missing info_hash",
            Reason::Missing(PeerId) => "missing peer_id",
            Reason::Missing(Uploaded) => "missing uploaded",
            Reason::Missing(Downloaded) => "missing downloaded",
            Reason::Missing(Left) => "missing left",
            Reason::Unreadable(InfoHash) => "info_hash is not 20 bytes",
            Reason::Unreadable(PeerId) => "unreadable peer_id",
            Reason::Unreadable(Uploaded) => "unreadable uploaded",
            Reason::Unreadable(Downloaded) => "unreadable downloaded",
            Reason::Unreadable(Left) => "unreadable left",
            Reason::LineTooLong => "line too long",
            Reason::Garbled => "garbled line",
        }
    }
}

/// What one announce says. Text is borrowed from the line, escapes and all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Announce<'a> {
    /// The passkey, or the user's number in an `authkey`; `None` if the announce has none.
    pub passkey: Option<&'a [u8]>,
    /// Which torrent, as sent. Whether it can be decoded, [`Announce::decode`] tells.
    pub info_hash: &'a [u8],
    /// The peer id, as sent; likewise.
    pub peer_id: &'a [u8],
    /// The `key` parameter (BEP 7), as sent; empty if missing.
    pub key: &'a [u8],
    /// What happened.
    pub event: Event,
    /// Bytes uploaded since the client's session began.
    pub uploaded: u64,
    /// Bytes downloaded since the client's session began.
    pub downloaded: u64,
    /// Bytes that are still missing.
    pub left: u64,
}

impl Announce<'_> {
    /// Undoes the escapes.
    ///
    /// # Errors
    /// What is missing or cannot be read.
    pub fn decode(&self) -> Result<(InfoHash, PeerId), Reason> {
        decode(self.info_hash, self.peer_id)
    }
}

/// Undoes the escapes of an info hash and a peer id.
///
/// # Errors
/// What is missing or cannot be read.
pub fn decode(info_hash: &[u8], peer_id: &[u8]) -> Result<(InfoHash, PeerId), Reason> {
    let read = |text: &[u8], field| match escape::decode(text) {
        _ if text.is_empty() => Err(Reason::Missing(field)),
        decoded => decoded.ok_or(Reason::Unreadable(field)),
    };
    let hash = read(info_hash, Field::InfoHash)?;
    let hash = hash.bytes().try_into().map_err(|_| Reason::Unreadable(Field::InfoHash))?;
    let peer_id = read(peer_id, Field::PeerId)?;
    Ok((InfoHash(hash), PeerId::from(peer_id.bytes())))
}

/// What becomes of a request, before any session knows of it.
#[derive(Clone, Copy, Debug)]
pub enum Fate<'a> {
    /// An announce that the tracker took.
    Announce(Announce<'a>),
    /// An announce answered with 4xx or 5xx; what it said, if it can be read.
    Undelivered(Option<Announce<'a>>),
    /// A scrape.
    Scrape,
    /// No tracker request.
    Other,
    /// An announce that cannot be used.
    Rejected(Reason),
}

/// Says what a request is; the first that fits of: scrape, other method, refused by the server, unreadable, announce. It is read
/// more quickly if `text` is the one that it stands in.
#[inline(always)]
pub fn read<'a>(request: &Request<'a>, text: &'a [u8]) -> Fate<'a> {
    let Some(mut tracker) = passkey::tracker_path(request.target) else {
        return Fate::Other;
    };
    if !request.query.is_empty() {
        tracker.query = request.query;
    }
    if tracker.scrape {
        return Fate::Scrape;
    }
    if request.method != b"GET" {
        return Fate::Other;
    }
    let announce = query::announce(&tracker, scan::onwards(tracker.query, text));
    if request.status.is_some_and(|status| status >= 400) {
        return Fate::Undelivered(announce.ok());
    }
    match announce {
        Ok(announce) => Fate::Announce(announce),
        Err(reason) => Fate::Rejected(reason),
    }
}

/// The passkey in a request, of whatever kind it is; `None` if it has none.
pub fn passkey_of<'a>(request: &Request<'a>) -> Option<&'a [u8]> {
    let tracker = passkey::tracker_path(request.target)?;
    let query = if request.query.is_empty() { tracker.query } else { request.query };
    tracker.passkey.or_else(|| query::passkey(query))
}

/// Whether an announce can be made out in a line that no format reads.
pub fn looks_like_announce(line: &[u8]) -> bool {
    let after_get = memchr::memmem::find(line, b"GET /").map(|at| &line[at..]);
    after_get.is_some_and(|rest| memchr::memmem::find(rest, b"announce").is_some())
}
