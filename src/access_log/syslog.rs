//! Lines of any other format that went through syslog: RFC 3164 (without a year), RFC 5424, or with the ISO times that rsyslog
//! and journald write to files; with `<PRI>` or without.

use super::{Context, FORMATS, Format, Request, clock, cut_at, json};
use crate::time::Time;

/// The format.
pub struct Syslog;

impl Format for Syslog {
    fn name(&self) -> &'static str {
        "syslog"
    }

    fn summary(&self) -> &'static str {
        "a line of any other format behind a syslog header (RFC 3164, RFC 5424)"
    }

    fn example(&self) -> &'static str {
        r#"Nov 22 06:39:53 web1 nginx: 203.0.113.9 - - [22/Nov/2026:06:39:53 +0000] "GET /KEY/announce?info_hash=... HTTP/1.1" 200 81 "-" "-""#
    }

    /// The line behind the header may be JSON.
    fn prepare(&self, text: &mut Vec<u8>, _: &mut Context) -> u64 {
        json::unescape(text);
        0
    }

    #[inline]
    fn parse<'a>(&self, line: &'a [u8], context: &mut Context) -> Option<Request<'a>> {
        let (time, message) = strip(line, context)?;
        let message = message.trim_ascii_start();
        let message = message.strip_prefix(b"@cee:").unwrap_or(message).trim_ascii_start();
        let others = FORMATS.iter().filter(|format| format.name() != self.name());
        let mut request = others.into_iter().find_map(|format| format.parse(message, context))?;
        request.time = request.time.or(time);
        Some(request)
    }
}

/// The header's time, if it has one, and what stands behind the header.
fn strip<'a>(line: &'a [u8], context: &mut Context) -> Option<(Option<Time>, &'a [u8])> {
    let (rest, has_priority) = match line {
        [b'<', rest @ ..] => {
            let (digits, rest) = cut_at(rest, b'>')?;
            ((1..=3).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)).then_some((rest, true))?
        }
        _ => (line, false),
    };
    if has_priority && let Some(rest) = rest.strip_prefix(b"1 ") {
        return rfc5424(rest);
    }
    let (time, used) = context.clock.yearless(rest).or_else(|| clock::iso(rest))?;
    let rest = rest[used..].strip_prefix(b" ")?;
    // The host, which may be missing, and the program, which ends in a colon.
    let (host, after) = cut_at(rest, b' ')?;
    if host.ends_with(b":") {
        return Some((Some(time), after));
    }
    let (tag, message) = cut_at(after, b' ')?;
    tag.ends_with(b":").then_some((Some(time), message))
}

/// `TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG`.
fn rfc5424(text: &[u8]) -> Option<(Option<Time>, &[u8])> {
    let (time, mut rest) = cut_at(text, b' ')?;
    for _ in 0..4 {
        (_, rest) = cut_at(rest, b' ')?;
    }
    let message = match rest {
        [b'-', rest @ ..] => rest,
        _ => {
            // Elements in brackets, in which a bracket is escaped.
            let mut rest = rest;
            while let [b'[', element @ ..] = rest {
                let mut escaped = false;
                let end = element.iter().position(|b| {
                    let end = *b == b']' && !escaped;
                    escaped = *b == b'\\' && !escaped;
                    end
                })?;
                rest = &element[end + 1..];
            }
            rest
        }
    };
    let message = message.strip_prefix(b" ")?;
    let message = message.strip_prefix(b"\xef\xbb\xbf").unwrap_or(message);
    Some((clock::iso(time).map(|(time, _)| time), message))
}

#[cfg(test)]
mod tests {
    use super::super::{Clock, LineReader};
    use super::*;

    #[test]
    fn headers_come_off_and_any_format_is_read() {
        let common = r#"203.0.113.9 - - [22/Nov/2026:06:39:53 +0000] "GET /k?a=1&b=2 HTTP/1.1" 200 81"#;
        let inner = [
            common.to_owned(),
            format!(r#"{common} "-" "agent""#),
            format!("tracker.test:80 {common}"),
            r#"{"ts":1795329593,"remote_ip":"203.0.113.9","uri":"/k?a=1\u0026b=2","status":200}"#.to_owned(),
            r#"@cee: {"ip":"203.0.113.9","uri":"/k?a=1&b=2","status":200}"#.to_owned(),
            r#"203.0.113.9:4 [22/Nov/2026:06:39:53.000] f b/t1 0/0/0/8/8 200 172 - - ---- 1/1/0/0/0 0/0 "GET /k?a=1&b=2 HTTP/1.1""#.to_owned(),
            "203.0.113.9 GET /k?a=1&b=2".to_owned(),
        ];
        for header in [
            "Nov 22 06:39:53 web1 nginx: ",
            "<190>Nov 22 06:39:53 web1 haproxy[20574]: ",
            "<190>Nov 22 06:39:53 nginx: ",
            "Nov 22 06:39:53 2001:db8::1 caddy[1]:  ",
            "2026-11-22T07:39:53.000123+01:00 web1 nginx: ",
            "<165>1 2026-11-22T06:39:53.000Z web1 nginx 12 ID47 - ",
            "<165>1 2026-11-22T06:39:53.000Z web1 - - - [a@1 b=\"c\\]d\"][e f=\"g\"] \u{feff}",
        ] {
            for inner in &inner {
                let mut line = format!("{header}{inner}").into_bytes();
                let latest = Some(Time::from_secs(1_795_400_000));
                let reader = LineReader::detect(&line, latest).unwrap_or_else(|| panic!("{header}{inner}"));
                assert_eq!(reader.format(), "syslog", "{header}{inner}");
                let mut context = reader.context();
                reader.prepare(&mut line, &mut context);
                let request = reader.parse(&line, &mut context).expect("read before");
                assert_eq!(
                    (request.addr, request.target),
                    (&b"203.0.113.9"[..], &b"/k?a=1&b=2"[..]),
                    "{header}{inner}"
                );
                assert_eq!(request.time, Some(Time::from_secs(1_795_329_593)), "{header}{inner}");
            }
        }
        let mut context = Context { clock: Clock::until(None), ..Context::default() };
        for line in ["Nov 22 06:39:53 web1 nginx: x", "<1>1 2026", "<190>", "Nov 22 06:39:53", "<165>1 - - - - - [a ]"]
        {
            assert_eq!(Syslog.parse(line.as_bytes(), &mut context), None, "{line}");
        }
    }
}
