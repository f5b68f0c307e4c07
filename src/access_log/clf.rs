//! The common log format and its children: common, combined (with whatever fields behind it), and both with
//! the virtual host in front, as nginx, Apache and lighttpd write them.

use super::clock::iso;
use super::{Context, Format, Request, address, closing_quote, cut_at, split_request};
use crate::scan::{digits_in_front, find_near, word};
use crate::time::Time;

/// A member of the family.
pub struct Clf {
    name: &'static str,
    summary: &'static str,
    example: &'static str,
    /// The virtual host comes before the address.
    vhost: bool,
    tail: Tail,
}

#[derive(PartialEq, Eq)]
enum Tail {
    /// Nothing after the size.
    None,
    /// Quoted referrer and user agent, then anything.
    Agent,
    Any,
}

pub static COMMON: Clf = Clf {
    name: "common",
    summary: "the common log format: address, time, request, status, size",
    example: r#"203.0.113.9 - - [22/Nov/2026:06:39:53 +0000] "GET /KEY/announce?info_hash=... HTTP/1.1" 200 81"#,
    vhost: false,
    tail: Tail::None,
};

pub static COMBINED: Clf = Clf {
    name: "combined",
    summary: "the combined log format: common, then referrer, user agent and any further fields (nginx, Apache, lighttpd, Traefik)",
    example: r#"203.0.113.9 - - [22/Nov/2026:06:39:53 +0000] "GET /KEY/announce?info_hash=... HTTP/1.1" 200 81 "-" "qBittorrent/4.5.2""#,
    vhost: false,
    tail: Tail::Agent,
};

pub static VHOST: Clf = Clf {
    name: "vhost",
    summary: "common or combined with the virtual host in front",
    example: r#"tracker.example:443 203.0.113.9 - - [22/Nov/2026:06:39:53 +0000] "GET /KEY/announce?info_hash=... HTTP/1.1" 200 81"#,
    vhost: true,
    tail: Tail::Any,
};

impl Format for Clf {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn example(&self) -> &'static str {
        self.example
    }

    #[inline]
    fn parse<'a>(&self, line: &'a [u8], context: &mut Context) -> Option<Request<'a>> {
        let end = find_near(b' ', line)?;
        let (mut addr, mut rest) = (&line[..end], &line[end + 1..]);
        if self.vhost {
            (addr, rest) = cut_at(rest, b' ')?;
        }
        if addr.ends_with(b",") {
            (addr, rest) = listed(addr, rest)?;
        }
        // Identity and user, of which the latter may hold spaces; most often there are none.
        let rest = match rest {
            [b'-', b' ', b'-', b' ', b'[', rest @ ..] => rest,
            _ => self.without_names(rest)?,
        };
        if addr == b"-" {
            return None;
        }
        let time = context.clock.read(rest).or_else(|| iso(rest).map(|(time, _)| time));
        let rest = match rest.get(26..) {
            Some([b']', b' ', b'"', rest @ ..]) => rest,
            _ => cut_at(rest, b']')?.1.strip_prefix(b" \"")?,
        };
        let end = closing_quote(rest)?;
        let (method, target) = split_request(&rest[..end]);
        let rest = rest[end + 1..].strip_prefix(b" ")?;
        let (status, rest) = match rest {
            [b'-', rest @ ..] => (None, rest),
            [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] => {
                let digit = |d: u8| u16::from(d - b'0');
                (Some(digit(*a) * 100 + digit(*b) * 10 + digit(*c)), rest)
            }
            _ => return None,
        };
        let rest = rest.strip_prefix(b" ")?;
        let size = end_of_size(rest);
        let tail = &rest[size..];
        let fits = match self.tail {
            Tail::None => tail.trim_ascii().is_empty() || numbers(tail) == tail.len(),
            Tail::Agent => tail.starts_with(b" \"") || tail[numbers(tail)..].starts_with(b" \""),
            Tail::Any => true,
        };
        // A field behind the agent may tell the time more precisely.
        let time =
            if tail.last().is_some_and(u8::is_ascii_digit) { time.map(|time| precise(time, tail)) } else { time };
        if address::may_be_inside(addr) {
            addr = forwarded(addr, tail);
        }
        (size > 0 && fits).then_some(Request { time, addr, method, target, status, ..Request::default() })
    }
}

impl Clf {
    /// What stands behind identity and user and the bracket after them.
    #[cold]
    fn without_names<'a>(&self, rest: &'a [u8]) -> Option<&'a [u8]> {
        let (names, rest) = cut_at(rest, b'[')?;
        // Two names end in a space each; a third one is a user name with a space in it, or all is shifted by a
        // virtual host.
        let spaces = names.iter().filter(|&&b| b == b' ').count();
        let shifted = !self.vhost && spaces > 2 && starts_with_address(names);
        (spaces >= 2 && !shifted).then_some(rest)
    }
}

/// How long the size is that a text begins with: digits, or a dash.
#[inline]
fn end_of_size(text: &[u8]) -> usize {
    let short = word(text, 0).map(digits_in_front).filter(|end| text[*end..].first() == Some(&b' '));
    short.unwrap_or_else(|| text.iter().position(|b| !b.is_ascii_digit() && *b != b'-').unwrap_or(text.len()))
}

/// How much of a text is fields of numbers, each behind a space: times and sizes of somebody's own.
#[cold]
fn numbers(text: &[u8]) -> usize {
    let is_number = |b: &u8| b.is_ascii_digit() || matches!(b, b'.' | b'-');
    let mut at = 0;
    while let Some(field) = text[at..].strip_prefix(b" ") {
        let end = field.iter().position(|b| !is_number(b)).unwrap_or(field.len());
        if end == 0 || field.get(end).is_some_and(|b| *b != b' ') {
            break;
        }
        at += 1 + end;
    }
    at
}

/// The client of a list of addresses in front, which is what `X-Forwarded-For` said, and what stands behind the list.
#[cold]
fn listed<'a>(first: &'a [u8], rest: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let trim = |addr: &'a [u8]| addr.strip_suffix(b",").unwrap_or(addr);
    let (mut last, mut rest, mut client) = (first, rest, None);
    loop {
        let addr = address::host(trim(last));
        client = if address::is_inside(addr) { client } else { Some(addr) };
        if !last.ends_with(b",") {
            return Some((client.unwrap_or(addr), rest));
        }
        (last, rest) = cut_at(rest, b' ')?;
    }
}

/// The client behind a proxy, if the last of the quoted fields is what `X-Forwarded-For` said.
fn forwarded<'a>(peer: &'a [u8], fields: &'a [u8]) -> &'a [u8] {
    let end = match fields {
        [.., b'"'] => fields.len() - 1,
        _ => memchr::memrchr(b'"', fields).unwrap_or_default(),
    };
    // Most often it is the user agent: a few characters tell.
    for byte in fields[..end].iter().rev().take(8).take_while(|byte| **byte != b'"') {
        if !address::may_be_listed(*byte) {
            return peer;
        }
    }
    let field = memchr::memrchr(b'"', &fields[..end]).map_or(&b""[..], |open| &fields[open + 1..end]);
    if address::is_list(field) { address::client(peer, field) } else { peer }
}

/// The time with the milliseconds of nginx's `$msec` (`1795330578.282`), if one of the fields is that and means the same
/// second, or nearly: the line's own time may be that of the request, and this one is that of the answer.
fn precise(time: Time, fields: &[u8]) -> Time {
    const NEAR: i64 = 2_000;
    let msec = fields.rsplit(|b| *b == b' ').take(8).find_map(|field| {
        let value = field.strip_prefix(b"msec=").unwrap_or(field);
        let [secs @ .., b'.', a, b, c] = value else { return None };
        let digits = secs.len() == 10 && secs.iter().chain([a, b, c]).all(u8::is_ascii_digit);
        let number = |digits: &[u8]| digits.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0'));
        digits.then(|| Time::from_millis(number(secs) * 1000 + number(&[*a, *b, *c])))
    });
    msec.filter(|msec| msec.since(time).abs() <= NEAR).unwrap_or(time)
}

fn starts_with_address(names: &[u8]) -> bool {
    let first = names.split(|&b| b == b' ').next().unwrap_or_default();
    std::str::from_utf8(first).is_ok_and(|text| text.parse::<std::net::IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<'a>(format: &Clf, line: &'a str) -> Option<Request<'a>> {
        format.parse(line.as_bytes(), &mut Context::default())
    }

    #[test]
    fn the_family_is_told_apart() {
        let common = r#"203.0.113.9 - - [22/Nov/2026:06:39:53 +0000] "GET /x?a=1 HTTP/1.1" 200 81"#;
        let combined = format!(r#"{common} "-" "agent""#);
        let vhost = format!("tracker.test:80 {combined}");
        for (line, expected) in [(common, "common"), (&combined, "combined"), (&vhost, "vhost")] {
            let read = super::super::LineReader::detect(line.as_bytes(), None).map(|r| r.format());
            assert_eq!(read, Some(expected), "{line}");
            let request =
                super::super::format_named(expected).and_then(|f| f.parse(line.as_bytes(), &mut Context::default()));
            let request = request.expect("its own format reads it");
            assert_eq!((request.addr, request.target), (&b"203.0.113.9"[..], &b"/x?a=1"[..]), "{line}");
        }
    }

    /// Defaults of servers that differ a little, as their documentation has them.
    #[test]
    fn cousins_are_read() {
        for (line, addr) in [
            // Traefik, "Access logs", the common log format.
            (
                r#"10.0.0.7 - - [22/Nov/2026:06:39:53 +0000] "GET /a HTTP/1.1" 200 81 "-" "x/1" 1 "router@file" "http://10.0.0.2:80" 8ms"#,
                "10.0.0.7",
            ),
            // lighttpd, `accesslog.format`, with the virtual host for the identity.
            (
                r#"203.0.113.9 tracker.example - [22/Nov/2026:06:39:53 +0000] "GET /a HTTP/1.1" 200 81 "-" "x/1""#,
                "203.0.113.9",
            ),
            // nginx's `main` behind a proxy, and one that a client on the net makes up.
            (
                r#"127.0.0.1 - - [22/Nov/2026:06:39:53 +0000] "GET /a HTTP/1.1" 200 81 "-" "x/1" "1.1.1.1, 203.0.113.9""#,
                "203.0.113.9",
            ),
            (
                r#"203.0.113.9 - - [22/Nov/2026:06:39:53 +0000] "GET /a HTTP/1.1" 200 81 "-" "x/1" "1.1.1.1""#,
                "203.0.113.9",
            ),
        ] {
            let request = parse(&COMBINED, line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((request.addr, request.target), (addr.as_bytes(), &b"/a"[..]), "{line}");
            assert_eq!(crate::announce::user_agent(line.as_bytes(), &request), b"x/1", "{line}");
        }
    }

    #[test]
    fn odd_lines() {
        let line = r#"::1 - jo [x] doe [22/Nov/2026:06:39:53 +0000] "GET /a HTTP/1.1" 200 81 "-" "-""#;
        assert_eq!(parse(&COMBINED, line), None, "a bracket in the user name is beyond repair");
        let line = r#"::1 - jo doe [22/Nov/2026:06:39:53 +0000] "GET /a b\"c HTTP/1.1" - - "-" "-" x="y" 0.3"#;
        let request = parse(&COMBINED, line).expect("spaces, escaped quotes, no status, further fields");
        assert_eq!((request.target, request.status), (&br#"/a b\"c"#[..], None));
        let line = r#"::1 - - [22/Nov/2026:06:39:53 +0000] "-" 400 0 "-" "-""#;
        assert_eq!(parse(&COMBINED, line).map(|r| r.method), Some(&b"-"[..]));
        for (field, millis) in [("1795329593.245", 245), ("1795329594.001", 1001), ("1795320000.245", 0), ("0.245", 0)]
        {
            let line = format!(r#"::1 - - [22/Nov/2026:06:39:53 +0000] "GET /a HTTP/1.1" 200 1 "-" "-" {field} 0.006"#);
            let time = parse(&COMBINED, &line).and_then(|r| r.time).map(|t| t.millis() - 1_795_329_593_000);
            assert_eq!(time, Some(millis), "{field}");
        }
        let line = r#"t.example ::1 - - [2026-11-22T07:39:53+01:00] "GET /a HTTP/1.1" 200 1 "-" "-" rt=0.1 msec=1795329593.245"#;
        let time = parse(&VHOST, line).and_then(|r| r.time).map(|t| t.rfc3339(true).to_string());
        assert_eq!(time.as_deref(), Some("2026-11-22T06:39:53.245Z"));
        let line = r#"1.1.1.1, 203.0.113.9, 10.0.0.1 - - [22/Nov/2026:06:39:53 +0000] "GET /a HTTP/1.1" 200 1 "-" "-""#;
        assert_eq!(parse(&COMBINED, line).map(|r| r.addr), Some(&b"203.0.113.9"[..]), "the last one is a proxy's");
        for (line, format) in [
            (r#"::1 - - [22/Nov/2026:06:39:53 +0000] "GET /a HTTP/1.1" 200 81 0.003 - "-" "x""#, "combined"),
            (r#"::1 - - [22/Nov/2026:06:39:53 +0000] "GET /a HTTP/1.1" 200 81 0.003 12"#, "common"),
        ] {
            let read = super::super::LineReader::detect(line.as_bytes(), None).map(|r| r.format());
            assert_eq!(read, Some(format), "{line}");
        }
        let line = r#"::1 - - [not a time] "GET /a HTTP/1.1" 200 1 "-" "-""#;
        assert_eq!(parse(&COMBINED, line).map(|r| r.time), Some(None));
    }
}
