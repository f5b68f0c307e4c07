//! A line of an access log, taken apart into one HTTP request.
//!
//! One file per family of formats, one line per format in [`FORMATS`]. Detection asks each of them
//! what it can read of a log's first lines.

mod address;
mod bare;
mod capture;
mod clf;
mod clock;
mod columns;
mod envoy;
mod haproxy;
mod json;
mod opentracker;
mod pattern;
mod rewrite;
mod straight;
mod syslog;
mod template;
mod torrust;
mod unit3d;
mod w3c;
mod xbt;

pub use clock::Clock;
pub use json::{Json, JsonFieldsError};
pub use pattern::{Pattern, PatternError};
pub use template::{Template, TemplateError};

use crate::time::Time;
use columns::Columns;

/// One HTTP request, as a log line tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request<'a> {
    /// When; `None` if the line has no time, or none that can be read.
    pub time: Option<Time>,
    /// From whom, as written; empty if the line does not say.
    pub addr: &'a [u8],
    /// `GET`, usually.
    pub method: &'a [u8],
    /// The path and the query, as sent (some servers escape what they cannot print as `\xHH`).
    pub target: &'a [u8],
    /// The query, where the format keeps it apart from the path; else empty, and the target has it.
    pub query: &'a [u8],
    /// The status answered; `None` if the line does not say.
    pub status: Option<u16>,
    /// The user agent; empty if the line does not say, or says it where the combined format does: there it is looked for
    /// when it is wanted, which is seldom.
    pub agent: &'a [u8],
}

/// One way of writing access logs.
pub trait Format: Sync {
    /// Its name for `--format` and in reports.
    fn name(&self) -> &'static str;
    /// What it is, in a line.
    fn summary(&self) -> &'static str;
    /// A request written so.
    fn example(&self) -> &'static str;
    /// Takes a line (without its line feed) apart; `None` if it is not written so, or is no request.
    fn parse<'a>(&self, line: &'a [u8], context: &mut Context) -> Option<Request<'a>>;

    /// Rewrites a block's lines where a request cannot be read from one line as it stands. Lines that were joined to others
    /// stay behind empty, so that line numbers hold; returns how many.
    fn prepare(&self, _text: &mut Vec<u8>, _context: &mut Context) -> u64 {
        0
    }

    /// What ties blocks to those before them; `None` if each can be read by itself.
    fn ties(&self) -> Option<&dyn Ties> {
        None
    }
}

/// Blocks that can be read in their order only.
pub trait Ties {
    /// Notes what a block, as it lies in the log, says of the blocks after it.
    fn pass(&self, _text: &[u8], _context: &mut Context) {}

    /// Where a block must end at the latest, if what follows may go on in the next one; `None` if any line can be the last.
    fn cut(&self, _text: &[u8]) -> Option<usize> {
        None
    }
}

/// What the lines before say of a line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// Reads times.
    clock: Clock,
    /// Which field stands where, in the formats that say so in the log.
    w3c: Option<Columns>,
    unit3d: Option<Columns>,
}

/// Every format, the more particular before the more general: of two that read the same lines, detection
/// takes the first.
pub static FORMATS: &[&dyn Format] = &[
    &syslog::Syslog,
    &json::JSON,
    &haproxy::Haproxy,
    &envoy::Envoy,
    &w3c::W3c,
    &xbt::Xbt,
    &torrust::Torrust,
    &clf::COMBINED,
    &clf::COMMON,
    &clf::VHOST,
    &capture::Capture,
    &opentracker::Opentracker,
    &unit3d::Unit3d,
    &bare::Bare,
];

/// The format of that name.
pub fn format_named(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|f| f.name() == name)
}

/// Lines that detection looks at.
pub const LOOKED_AT: usize = 200;

/// Reads the lines of one source: by the one format asked for, or by the one detected and, line by line
/// where that fails, by whichever other format fits.
#[derive(Clone, Copy)]
pub struct LineReader {
    main: &'static dyn Format,
    others: &'static [&'static dyn Format],
    context: Context,
}

impl LineReader {
    /// Reads `format` and nothing else. `first` are a source's first lines; no line is later than `latest`, as far as is
    /// known (`None`: than now), which only matters to times without a year.
    pub fn of(format: &'static dyn Format, first: &[u8], latest: Option<Time>) -> Self {
        let (_, clock) = try_on(format, first, latest);
        LineReader { main: format, others: &[], context: Context { clock, ..Context::default() } }
    }

    /// Detects from the first lines of a source: the format that reads the most of them as requests.
    /// `None` if none reads any. `latest` as with [`LineReader::of`].
    pub fn detect(first: &[u8], latest: Option<Time>) -> Option<Self> {
        let mut best: Option<(usize, Self)> = None;
        for &main in FORMATS {
            let (read, clock) = try_on(main, first, latest);
            if read > best.map_or(0, |(most, _)| most) {
                let context = Context { clock, ..Context::default() };
                best = Some((read, LineReader { main, others: FORMATS, context }));
            }
        }
        best.map(|(_, reader)| reader)
    }

    /// The detected or given format's name.
    pub fn format(&self) -> &'static str {
        self.main.name()
    }

    /// What that format is, in a line.
    pub fn summary(&self) -> &'static str {
        self.main.summary()
    }

    /// What is known before a block's first line.
    pub fn context(&self) -> Context {
        self.context
    }

    /// Makes a block readable line by line; see [`Format::prepare`].
    pub fn prepare(&self, text: &mut Vec<u8>, context: &mut Context) -> u64 {
        self.main.prepare(text, context)
    }

    /// Whether a block can be read without those before it; see [`Format::ties`].
    pub fn is_free(&self) -> bool {
        self.main.ties().is_none()
    }

    /// Goes on to the block after this one; see [`Ties::pass`].
    pub fn pass(&mut self, text: &[u8]) {
        if let Some(ties) = self.main.ties() {
            ties.pass(text, &mut self.context);
        }
    }

    /// Where a block must end at the latest; see [`Ties::cut`].
    pub fn cut(&self, text: &[u8]) -> Option<usize> {
        self.main.ties()?.cut(text)
    }

    /// Takes a line apart; `None` if no format reads it.
    #[inline]
    pub fn parse<'a>(&self, line: &'a [u8], context: &mut Context) -> Option<Request<'a>> {
        let request = self.main.parse(line, context);
        if request.is_some() {
            return request;
        }
        self.others.iter().find_map(|format| format.parse(line, context))
    }

    /// Takes a line apart by the detected or given format alone.
    pub fn parse_own<'a>(&self, line: &'a [u8], context: &mut Context) -> Option<Request<'a>> {
        self.main.parse(line, context)
    }
}

/// How many of the first lines a format reads, and its clock after them.
fn try_on(format: &dyn Format, first: &[u8], latest: Option<Time>) -> (usize, Clock) {
    let mut context = Context { clock: Clock::until(latest), ..Context::default() };
    let mut text = first_lines(first).to_vec();
    format.prepare(&mut text, &mut context);
    let read = lines(&text).filter(|line| format.parse(line, &mut context).is_some()).count();
    (read, context.clock)
}

/// The lines that detection looks at.
pub fn first_lines(text: &[u8]) -> &[u8] {
    let end = memchr::memchr_iter(b'\n', text).nth(LOOKED_AT - 1);
    end.map_or(text, |end| &text[..=end])
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
#[inline]
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

/// A status of three digits; `None` for anything else.
#[inline]
fn status(text: &[u8]) -> Option<u16> {
    let [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = text else { return None };
    let digit = |d: &u8| u16::from(d - b'0');
    (!rest.first().is_some_and(u8::is_ascii_digit)).then(|| digit(a) * 100 + digit(b) * 10 + digit(c))
}

fn cut_at(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(byte, text)?;
    Some((&text[..at], &text[at + 1..]))
}

/// The quote that ends a quoted field: Apache writes a quote inside as `\"`, nginx as `\x22`.
#[inline]
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(b'"', &text[from..])?;
        if text[..at].last() != Some(&b'\\') {
            return Some(at);
        }
        let slashes = text[..at].iter().rev().take_while(|&&b| b == b'\\').count();
        if slashes % 2 == 0 {
            return Some(at);
        }
        from = at + 1;
    }
}

/// The quoted fields of a text.
fn quoted(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, field) = cut_at(rest, b'"')?;
        let end = closing_quote(field)?;
        rest = &field[end + 1..];
        Some(&field[..end])
    })
}

/// `GET`, where a format has no methods of its own.
const GET: &[u8] = b"GET";
