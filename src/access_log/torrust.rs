//! Torrust Tracker's own log: `request; server_socket_addr=... method=GET uri=... request_id=...`. It names no address.

use super::clock::iso;
use super::{Context, Format, Request, cut_at};

/// The format.
pub struct Torrust;

impl Format for Torrust {
    fn name(&self) -> &'static str {
        "torrust"
    }

    fn summary(&self) -> &'static str {
        "Torrust Tracker's own log; it has no addresses and no status"
    }

    fn example(&self) -> &'static str {
        "2026-11-22T06:39:53.245Z [HTTP TRACKER][INFO] request; server_socket_addr=0.0.0.0:7070 method=GET uri=/announce/KEY?info_hash=... request_id=ID"
    }

    fn parse<'a>(&self, line: &'a [u8], _: &mut Context) -> Option<Request<'a>> {
        let (time, used) = iso(line)?;
        // Answers have the same fields and more, and would count twice.
        let fields = after(&line[used..], b"request; ")?;
        let method = after(fields, b"method=")?;
        let target = after(method, b" uri=")?;
        let (method, _) = cut_at(method, b' ')?;
        let target = cut_at(target, b' ').map_or(target, |(target, _)| target);
        Some(Request { time: Some(time), method, target, ..Request::default() })
    }
}

fn after<'a>(text: &'a [u8], what: &[u8]) -> Option<&'a [u8]> {
    memchr::memmem::find(text, what).map(|at| &text[at + what.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of torrust/torrust-tracker#697, where they were introduced, and the form of later releases.
    #[test]
    fn requests_are_read_and_answers_are_not() {
        for (line, target) in [
            (
                "2024-02-19T13:29:02.301023716+00:00 [HTTP TRACKER][INFO] request; server_socket_addr=0.0.0.0:7070 method=GET uri=/scrape?info_hash=%44%3C%76%02 request_id=2c4aa57d-dd12-4cb8-95d1-e8193627c106",
                "/scrape?info_hash=%44%3C%76%02",
            ),
            (
                "2024-02-19T13:00:12.631712627+00:00 [HTTP TRACKER][INFO] request; method=GET uri=/health_check request_id=24a3f4a2-99e5-4db1-890f-f7196a294c2a",
                "/health_check",
            ),
            (
                "2024-06-10T16:46:41.123456Z  INFO HTTP TRACKER: request; method=GET uri=/announce/k?a=1",
                "/announce/k?a=1",
            ),
        ] {
            let request = Torrust.parse(line.as_bytes(), &mut Context::default()).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((request.method, request.target), (&b"GET"[..], target.as_bytes()));
            assert!(request.time.is_some());
        }
        let line = "2024-02-19T13:29:02.301095545+00:00 [HTTP TRACKER][INFO] response; server_socket_addr=0.0.0.0:7070 latency=0 status=200 OK request_id=2c4aa57d-dd12-4cb8-95d1-e8193627c106";
        assert_eq!(Torrust.parse(line.as_bytes(), &mut Context::default()), None);
    }
}
