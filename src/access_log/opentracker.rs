//! opentracker's full log (`WANT_FULLLOG_NETWORKS`): `TIME: ADDRESS`, then the request as it came, then a line with a star.

use super::clf::COMBINED;
use super::rewrite::{self, Heading};
use super::{Clock, Context, Format, Request, Ties, address, clock};
use crate::time::Time;

/// The format.
pub struct Opentracker;

impl Format for Opentracker {
    fn name(&self) -> &'static str {
        "opentracker"
    }

    fn summary(&self) -> &'static str {
        "opentracker's full log: time and address, then the request and its headers, then a star"
    }

    fn example(&self) -> &'static str {
        "1795329593: 203.0.113.9\nGET /announce?info_hash=... HTTP/1.1\nUser-Agent: Transmission/3.00\n\n*\n"
    }

    fn prepare(&self, text: &mut Vec<u8>, context: &mut Context) -> u64 {
        rewrite::records(text, heading, &mut context.clock)
    }

    fn ties(&self) -> Option<&dyn Ties> {
        Some(self)
    }

    fn parse<'a>(&self, line: &'a [u8], context: &mut Context) -> Option<Request<'a>> {
        COMBINED.parse(line, context)
    }
}

impl Ties for Opentracker {
    fn cut(&self, text: &[u8]) -> Option<usize> {
        rewrite::last(text, heading)
    }
}

/// `%08ld: ` and an address.
fn heading<'a>(line: &'a [u8], _: &'a [u8], _: &mut Clock) -> Option<Heading<'a>> {
    /// Seconds since the epoch are beyond it, minutes will not be for long.
    const SECONDS: i64 = 1_000_000_000_000;
    let digits = line.iter().take_while(|b| b.is_ascii_digit()).count();
    let addr = line[digits..].strip_prefix(b": ")?.trim_ascii();
    if digits < 8 || !address::is_list(addr) {
        return None;
    }
    let time = clock::unix(&line[..digits])?;
    let time = if time.millis() < SECONDS { Time::from_millis(time.millis().saturating_mul(60)) } else { time };
    Some(Heading { time: Some(time), addr: address::host(addr) })
}

#[cfg(test)]
mod tests {
    use super::super::{LineReader, lines};

    /// As `stats_return_fulllog` of opentracker writes it.
    #[test]
    fn records_become_requests() {
        let log = "1795329593: ::ffff:203.0.113.9\nGET /announce?a=1 HTTP/1.1\r\nHost: t\r\nUser-Agent: Agent/1\r\n\r\n\n*\n\n\
                   29922159: 2001:db8::9\nGET /announce?a=2 HTTP/1.0\r\n\r\n\n*\n\n";
        let reader = LineReader::detect(log.as_bytes(), None).expect("a format");
        assert_eq!(reader.format(), "opentracker");
        let (mut text, mut context) = (log.as_bytes().to_vec(), reader.context());
        reader.prepare(&mut text, &mut context);
        let read: Vec<_> = lines(&text).filter_map(|line| reader.parse(line, &mut context)).collect();
        assert_eq!(
            read.iter().map(|r| (r.addr, r.target)).collect::<Vec<_>>(),
            [(&b"203.0.113.9"[..], &b"/announce?a=1"[..]), (b"2001:db8::9", b"/announce?a=2"),]
        );
        let times: Vec<_> = read.iter().map(|r| r.time.map(|time| time.millis() / 1000)).collect();
        assert_eq!(times, [Some(1_795_329_593), Some(1_795_329_540)]);
        assert!(String::from_utf8_lossy(&text).contains("Agent/1"));
    }
}
