//! Envoy's default format, and Istio's, which has more before the header of the proxies.

use super::clock::iso;
use super::{Context, Format, Request, address, closing_quote, cut_at, quoted, split_request, status};

/// The format.
pub struct Envoy;

impl Format for Envoy {
    fn name(&self) -> &'static str {
        "envoy"
    }

    fn summary(&self) -> &'static str {
        "Envoy's and Istio's default format; the address is what `X-Forwarded-For` says"
    }

    fn example(&self) -> &'static str {
        r#"[2026-11-22T06:39:53.245Z] "GET /KEY/announce?info_hash=... HTTP/1.1" 200 - 0 81 3 2 "203.0.113.9" "qBittorrent/4.5.2" "ID" "tracker.example" "10.0.2.1:80""#
    }

    fn parse<'a>(&self, line: &'a [u8], _: &mut Context) -> Option<Request<'a>> {
        let line = line.strip_prefix(b"[")?;
        let (time, used) = iso(line)?;
        let request = line[used..].strip_prefix(b"] \"")?;
        let end = closing_quote(request)?;
        let (method, target) = split_request(&request[..end]);
        let rest = request[end + 1..].strip_prefix(b" ")?;
        let (code, rest) = cut_at(rest, b' ')?;
        // Istio's tell of a failure upstream first.
        let mut fields = quoted(rest);
        let skip = fields.by_ref().count().checked_sub(5)?.min(1);
        let mut fields = quoted(rest).skip(skip);
        let (forwarded, agent) = (fields.next()?, fields.next()?);
        let agent = if agent == b"-" { b"" } else { agent };
        let addr = address::client(b"", forwarded);
        Some(Request { time: Some(time), addr, method, target, status: status(code), agent, ..Request::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_documentation() {
        for (line, addr, target, code, agent) in [
            // Envoy, "Access logging", default format string.
            (
                r#"[2016-04-15T20:17:00.310Z] "POST /api/v1/locations HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "nsq2http" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "locations" "tcp://10.0.2.1:80""#,
                "10.0.35.28",
                "/api/v1/locations",
                Some(204),
                "nsq2http",
            ),
            // Istio, "Envoy Access Logs".
            (
                r#"[2020-11-25T21:26:18.409Z] "GET /status/418 HTTP/1.1" 418 - via_upstream - "-" 0 135 4 4 "-" "curl/7.73.0-DEV" "84961386-6d84-929d-98bd-c5aee93b5c88" "httpbin:8000" "10.44.1.27:80" outbound|8000||httpbin.foo.svc.cluster.local 10.44.1.23:37652 10.0.45.184:8000 10.44.1.23:46520 - default"#,
                "",
                "/status/418",
                Some(418),
                "curl/7.73.0-DEV",
            ),
            (
                r#"[2026-11-22T06:39:53.245Z] "GET /k/announce?a=1 HTTP/1.1" 0 DC 0 81 3 - "1.1.1.1,203.0.113.9,10.0.0.1" "-" "ID" "t" "-""#,
                "203.0.113.9",
                "/k/announce?a=1",
                None,
                "",
            ),
        ] {
            let request = Envoy.parse(line.as_bytes(), &mut Context::default()).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((request.addr, request.target), (addr.as_bytes(), target.as_bytes()), "{line}");
            assert_eq!((request.status, request.agent), (code, agent.as_bytes()), "{line}");
        }
    }
}
