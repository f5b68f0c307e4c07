//! A line of an access log, taken apart into one HTTP request.
//!
//! One file per family of formats, one line per format in [`FORMATS`]. Detection asks each of them
//! what it can read of a log's first lines.

mod bare;
mod clf;
mod clock;

pub use bare::unwrap_captures;
pub use clock::Clock;

use crate::time::Time;

/// One HTTP request, as a log line tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// When; `None` if the line has no time, or none that can be read.
    pub time: Option<Time>,
    /// From whom, as written; empty if the line does not say.
    pub addr: &'a [u8],
    /// `GET`, usually.
    pub method: &'a [u8],
    /// The path and the query, as sent (some servers escape what they cannot print as `\xHH`).
    pub target: &'a [u8],
    /// The status answered; `None` if the line does not say.
    pub status: Option<u16>,
}

/// One way of writing access logs.
pub trait Format: Sync {
    /// Its name for `--format` and in reports.
    fn name(&self) -> &'static str;
    /// What it is, in a line.
    fn summary(&self) -> &'static str;
    /// Takes a line (without its line feed) apart; `None` if it is not written so.
    fn parse<'a>(&self, line: &'a [u8], clock: &mut Clock) -> Option<Request<'a>>;
    /// Whether a request may be wrapped over several lines.
    fn wraps(&self) -> bool {
        false
    }
}

/// Every format, the more particular before the more general: of two that read the same lines, detection
/// takes the first.
pub static FORMATS: &[&dyn Format] = &[&clf::COMBINED, &clf::COMMON, &clf::VHOST, &bare::Bare];

/// The format of that name.
pub fn format_named(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|f| f.name() == name)
}

/// Lines that detection looks at.
const LOOKED_AT: usize = 200;

/// Reads the lines of one source: by the one format asked for, or by the one detected and, line by line
/// where that fails, by whichever other format fits.
#[derive(Clone, Copy)]
pub struct LineReader {
    main: &'static dyn Format,
    others: &'static [&'static dyn Format],
}

impl LineReader {
    /// Reads `format` and nothing else.
    pub fn of(format: &'static dyn Format) -> Self {
        LineReader { main: format, others: &[] }
    }

    /// Detects from the first lines of a source: the format that reads the most of them as requests.
    /// `None` if none reads any.
    pub fn detect(first: &[u8]) -> Option<Self> {
        let mut clock = Clock::default();
        let mut best: Option<(usize, &'static dyn Format)> = None;
        for &format in FORMATS {
            let read = lines(first).take(LOOKED_AT).filter(|line| format.parse(line, &mut clock).is_some()).count();
            if read > best.map_or(0, |(most, _)| most) {
                best = Some((read, format));
            }
        }
        best.map(|(_, main)| LineReader { main, others: FORMATS })
    }

    /// The detected or given format's name.
    pub fn format(&self) -> &'static str {
        self.main.name()
    }

    /// Whether lines may be wrapped; then [`unwrap_captures`] goes first.
    pub fn wraps(&self) -> bool {
        self.main.wraps()
    }

    /// Takes a line apart; `None` if no format reads it.
    #[inline]
    pub fn parse<'a>(&self, line: &'a [u8], clock: &mut Clock) -> Option<Request<'a>> {
        self.main.parse(line, clock).or_else(|| self.others.iter().find_map(|f| f.parse(line, clock)))
    }
}

/// The physical lines of a block, without line feeds and carriage returns.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (line, after) = match memchr::memchr(b'\n', rest) {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, &rest[rest.len()..]),
        };
        rest = after;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    })
}

/// Splits `GET /path HTTP/1.1` into method and target. A target with spaces in it, as some clients send,
/// stays whole; the protocol may be missing.
fn split_request(request: &[u8]) -> (&[u8], &[u8]) {
    let (method, rest) = match request {
        [b'G', b'E', b'T', b' ', rest @ ..] => (&request[..3], rest),
        _ => match memchr::memchr(b' ', request) {
            Some(space) => (&request[..space], &request[space + 1..]),
            None => return (request, b""),
        },
    };
    let target = match rest {
        [target @ .., b' ', b'H', b'T', b'T', b'P', b'/', _, b'.', _] => target,
        _ => match memchr::memrchr(b' ', rest) {
            Some(at) if rest[at + 1..].starts_with(b"HTTP/") => &rest[..at],
            _ => rest,
        },
    };
    (method, target)
}
