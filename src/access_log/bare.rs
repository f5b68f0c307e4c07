//! Request lines alone, as people paste them: `GET /KEY/announce?...`, wrapped or not, perhaps with a time
//! (ISO 8601 or Unix seconds) and an address in front.

use super::{Context, Format, Request, split_request};
use regex::bytes::Regex;
use std::sync::LazyLock;

/// The bare format.
pub struct Bare;

static LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?x-u)^\s*
        (?:\[?(?P<time>\d{4}-\d\d-\d\d[T\x20]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|\x20?[+-]\d\d:?\d\d)?|\d{9,11}(?:\.\d+)?)\]?[\s,;|]+)?
        (?:(?P<addr>\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]+)[\s,;|]+)?
        (?P<request>"?[A-Z]{3,7}\x20(?:/|https?://)[^\x20"]*(?:\x20HTTP/[\d.]+)?)"?\s*$"#,
    )
    .expect("a constant expression")
});

impl Format for Bare {
    fn name(&self) -> &'static str {
        "bare"
    }

    fn summary(&self) -> &'static str {
        "request lines alone, wrapped or not, with or without a time in front"
    }

    fn example(&self) -> &'static str {
        "2026-11-22T06:39:53Z 203.0.113.9 GET /KEY/announce?info_hash=..."
    }

    fn prepare(&self, text: &mut Vec<u8>, _: &mut Context) -> u64 {
        let ended = text.ends_with(b"\n");
        if !ended {
            text.push(b'\n');
        }
        let joined = unwrap_captures(text);
        // A last line without an end that is empty now would be none.
        if !ended && !text.ends_with(b"\n\n") {
            text.pop();
        }
        joined
    }

    fn parse<'a>(&self, line: &'a [u8], context: &mut Context) -> Option<Request<'a>> {
        // Most lines that are none are prose: found out before the expression runs.
        memchr::memmem::find(line, b" /").or_else(|| memchr::memmem::find(line, b" http"))?;
        let parts = LINE.captures(line)?;
        let time = parts.name("time").and_then(|time| context.clock.any(time.as_bytes()));
        let request = parts.name("request")?.as_bytes();
        let (method, target) = split_request(request.strip_prefix(b"\"").unwrap_or(request));
        let addr = parts.name("addr").map_or(&b""[..], |a| a.as_bytes());
        Some(Request { time, addr, method, target, ..Request::default() })
    }
}

/// Joins announces that were wrapped over several lines, in place: the further lines move up, and as many
/// empty lines stay behind them, so that line numbers hold. Returns the number of further lines.
///
/// A line goes on if it is a request without the protocol at its end, and the next line is one word that can be
/// part of a query: it holds `&` or `=`, or the part before it ended where no value can end.
fn unwrap_captures(bytes: &mut [u8]) -> u64 {
    let mut joined = 0;
    let mut at = 0;
    while at < bytes.len() {
        let end = line_end(bytes, at);
        if opens(&bytes[at..end]) {
            joined += join(bytes, at, end);
        }
        at = end + 1;
    }
    joined
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    memchr::memchr(b'\n', &bytes[from..]).map_or(bytes.len(), |n| from + n)
}

/// Whether this is a bare announce that may go on: nothing comes after the target.
fn opens(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    let target = line.rsplit(|&b| b == b' ').next().unwrap_or_default();
    let before = &line[..line.len() - target.len()];
    before.ends_with(b"GET ") && memchr::memchr(b'?', target).is_some() && memchr::memchr(b'"', before).is_none()
}

/// Joins the lines after the one at `start..end` to it; returns how many.
fn join(bytes: &mut [u8], start: usize, end: usize) -> u64 {
    let mut joined = 0;
    let mut text_end = start + bytes[start..end].trim_ascii_end().len();
    let mut next = end + 1;
    while next < bytes.len() {
        let stop = line_end(bytes, next);
        let piece = bytes[next..stop].trim_ascii();
        if !goes_on(&bytes[start..text_end], piece) {
            break;
        }
        let from = next + bytes[next..stop].len() - bytes[next..stop].trim_ascii_start().len();
        let len = piece.len();
        bytes.copy_within(from..from + len, text_end);
        // What is left: the line feed after the joined text, then blank up to the next line's.
        let feed = text_end + len;
        bytes[feed..stop].fill(b' ');
        let feeds = joined as usize + 1;
        bytes[feed..feed + feeds].fill(b'\n');
        text_end = feed;
        joined += 1;
        next = stop + 1;
    }
    joined
}

fn goes_on(so_far: &[u8], piece: &[u8]) -> bool {
    let plain = !piece.is_empty() && piece.iter().all(|b| b.is_ascii_graphic() && !b"\"<>{}|\\^`".contains(b));
    if !plain || piece.len() > 4096 {
        return false;
    }
    let torn = match so_far {
        [.., b'&' | b'=' | b'?' | b'%' | b'-'] => true,
        [.., b'%', _] => true,
        _ => {
            let last = so_far.rsplit(|&b| b == b'&').next().unwrap_or_default();
            let event = last.strip_prefix(b"event=").unwrap_or_default();
            [&b"started"[..], b"completed", b"stopped", b"paused"].iter().any(|whole| {
                !event.is_empty() && event.len() < whole.len() && [event, piece].concat().starts_with(whole)
            })
        }
    };
    torn || piece.contains(&b'&') || piece.contains(&b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unwrapped(text: &str) -> (String, u64) {
        let mut bytes = text.as_bytes().to_vec();
        let joined = unwrap_captures(&mut bytes);
        let lines = |b: &[u8]| b.iter().filter(|&&b| b == b'\n').count();
        assert_eq!(lines(&bytes), lines(text.as_bytes()), "line numbers must hold");
        assert_eq!(bytes.len(), text.len());
        (String::from_utf8(bytes).unwrap(), joined)
    }

    #[test]
    fn wrapped_announces_are_joined_and_prose_is_not() {
        let (text, joined) = unwrapped(
            "prose\nGET /k/announce?peer_id=-TR1320-\nph6n&compact=1&\r\n  event=star\nted\nLet's go\nWord\n",
        );
        assert_eq!(joined, 3);
        assert_eq!(text.lines().nth(1), Some("GET /k/announce?peer_id=-TR1320-ph6n&compact=1&event=started"));
        assert!(text.lines().skip(2).take(3).all(|l| l.trim().is_empty()));
        assert_eq!(text.lines().nth(5), Some("Let's go"));
        for whole in
            ["GET /a?b=c HTTP/1.1\nx=y\n", "GET /a?event=started\nWord\n", "\"GET /a?b=c\nx=y\n", "no request\nx=y\n"]
        {
            assert_eq!(unwrapped(whole), (whole.to_string(), 0));
        }
        assert_eq!(unwrapped("GET /a?b=c&\nd=e").1, 1, "no line feed at the end");
    }

    #[test]
    fn times_in_front() {
        for (line, time) in [
            ("GET /a", None),
            ("1795329593.245 GET /a", Some("2026-11-22T06:39:53.245Z")),
            ("1795329593\tGET /a HTTP/1.1", Some("2026-11-22T06:39:53.000Z")),
            ("[2026-11-22T06:39:53+00:00] \"GET /a HTTP/1.0\"", Some("2026-11-22T06:39:53.000Z")),
            ("2026-11-22 06:39:53,5 203.0.113.1 GET /a", Some("2026-11-22T06:39:53.500Z")),
        ] {
            let request = Bare.parse(line.as_bytes(), &mut Context::default()).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(request.time.map(|t| t.rfc3339(true).to_string()).as_deref(), time, "{line}");
            assert_eq!(request.target, b"/a", "{line}");
        }
        for line in ["GET commands. The very first", "we GET /a here", ""] {
            assert_eq!(Bare.parse(line.as_bytes(), &mut Context::default()), None, "{line}");
        }
    }
}
