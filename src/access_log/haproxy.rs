//! HAProxy's HTTP log (`option httplog`, `option httpslog`), with captured headers or without. Its times have no zone: they
//! are taken as UTC.

use super::{Context, Format, Request, address, closing_quote, cut_at, split_request, status};

/// The format.
pub struct Haproxy;

impl Format for Haproxy {
    fn name(&self) -> &'static str {
        "haproxy"
    }

    fn summary(&self) -> &'static str {
        "HAProxy's HTTP log"
    }

    fn example(&self) -> &'static str {
        r#"203.0.113.9:43775 [22/Nov/2026:06:39:53.245] front back/t1 0/0/0/8/8 200 172 - - ---- 1/1/0/0/0 0/0 "GET /KEY/announce?info_hash=... HTTP/1.1""#
    }

    #[inline]
    fn parse<'a>(&self, line: &'a [u8], context: &mut Context) -> Option<Request<'a>> {
        let (addr, rest) = cut_at(line, b'[')?;
        let addr = addr.strip_suffix(b" ")?;
        let (time, rest) = cut_at(rest, b']')?;
        // Frontend, backend and server, timers, status.
        let mut words = rest.strip_prefix(b" ")?.splitn(5, |b| *b == b' ');
        let (_, _, timers, code, rest) = (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
        if memchr::memchr(b' ', addr).is_some() || memchr::memchr(b'/', timers).is_none() {
            return None;
        }
        // HAProxy writes a quote in a captured header as `#22`.
        let (before, request) = cut_at(rest, b'"')?;
        let (method, target) = split_request(&request[..closing_quote(request)?]);
        Some(Request {
            time: context.clock.zoneless(time),
            addr: address::without_port(addr),
            method,
            target,
            status: status(code),
            agent: captured_agent(before),
            ..Request::default()
        })
    }
}

/// The user agent among the captured headers, which have no names: the first that reads like a program and its version.
fn captured_agent(text: &[u8]) -> &[u8] {
    let Some((_, captured)) = cut_at(text, b'{') else { return b"" };
    let captured = cut_at(captured, b'}').map_or(captured, |(captured, _)| captured);
    let program = |header: &&[u8]| {
        let name = header.iter().take_while(|b| b.is_ascii_graphic() && **b != b'/').count();
        name > 0 && matches!(header[name..], [b'/', version, ..] if version.is_ascii_digit())
    };
    captured.split(|b| *b == b'|').find(program).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_its_manual() {
        for (line, addr, target, code) in [
            // Configuration manual, 8.2.3: HTTP log format.
            (
                r#"10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu|Transmission/3.00 (x)|https://1wt.eu/1} {} "GET /index.html HTTP/1.1""#,
                "10.0.1.2",
                "/index.html",
                Some(200),
            ),
            // 8.5: a session that the client gave up.
            (
                r#"2001:db8::9:33320 [06/Feb/2009:12:14:19.096] http-in~ dynamic/<NOSRV> -1/-1/-1/-1/5 -1 187 - - LR-- 5/5/5/0/0 0/0 "GET /k/announce?a=1 HTTP/1.0""#,
                "2001:db8::9",
                "/k/announce?a=1",
                None,
            ),
            // 8.2.4: HTTPS log format.
            (
                r#"10.0.1.2:33317 [06/Feb/2009:12:14:14.655] https-in~ static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {} {} "GET /index.html HTTP/1.1" 0/0/0/0/0 1wt.eu/TLSv1.3/TLS_AES_256_GCM_SHA384"#,
                "10.0.1.2",
                "/index.html",
                Some(200),
            ),
        ] {
            let request = Haproxy.parse(line.as_bytes(), &mut Context::default()).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((request.addr, request.target), (addr.as_bytes(), target.as_bytes()), "{line}");
            assert_eq!(request.status, code, "{line}");
            let agent = if line.contains("Transmission") { &b"Transmission/3.00 (x)"[..] } else { b"" };
            assert_eq!(request.agent, agent, "{line}");
            assert!(request.time.is_some_and(|time| time.millis() / 86_400_000 == 14_281), "{line}");
        }
        // A TCP log line, a refused connection, a request that broke off.
        for line in [
            "10.0.1.2:33313 [06/Feb/2009:12:12:51.443] fnt bck/srv1 0/0/5007 212 -- 0/0/0/0/3 0/0",
            "Connect from 10.0.1.2:33312 to 10.0.3.31:8012 (www/HTTP)",
            r#"10.0.1.2:3 [06/Feb/2009:12:14:14.655] f b/s 1/0/3/6/1 200 2750 - - ---- 1/1/1/1/0 0/0 "GET /k/annou"#,
        ] {
            assert_eq!(Haproxy.parse(line.as_bytes(), &mut Context::default()), None, "{line}");
        }
    }
}
