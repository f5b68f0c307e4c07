//! Packets as text, as `tcpdump -A` and `ngrep` print them (`-tttt`, `-tt` and `-t` make them say the day; without
//! it, it comes from the file). One request a packet, with the headers below it.

use super::clf::COMBINED;
use super::rewrite::{self, Heading};
use super::{
    Clock, Context, Format, Request, Ties, address,
    clock::{iso, unix},
    cut_at,
};

/// The format.
pub struct Capture;

impl Format for Capture {
    fn name(&self) -> &'static str {
        "capture"
    }

    fn summary(&self) -> &'static str {
        "packets as text, from `tcpdump -A` or `ngrep`, headers below the request"
    }

    fn example(&self) -> &'static str {
        "2026-11-22 06:39:53.245123 IP 203.0.113.9.51413 > 198.51.100.1.80: Flags [P.], length 299\nE..GET /KEY/announce?info_hash=... HTTP/1.1\nUser-Agent: Transmission/3.00\n"
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

impl Ties for Capture {
    fn cut(&self, text: &[u8]) -> Option<usize> {
        rewrite::last(text, heading)
    }
}

/// The line that begins a packet.
fn heading<'a>(line: &'a [u8], next: &'a [u8], clock: &mut Clock) -> Option<Heading<'a>> {
    if let Some(rest) = line.strip_prefix(b"T ") {
        return ngrep(rest);
    }
    let first = *line.first()?;
    if !first.is_ascii_digit() && !line.starts_with(b"IP") {
        return None;
    }
    // What stands before `IP` is the time, and perhaps the interface.
    let find = |what: &[u8]| memchr::memmem::find(&line[..line.len().min(100)], what).map(|at| (at, at + what.len()));
    let (end, from) = match line {
        [b'I', b'P', b' ', ..] => (0, 3),
        [b'I', b'P', b'6', b' ', ..] => (0, 4),
        _ => find(b" IP ").or_else(|| find(b" IP6 "))?,
    };
    let mut packet = &line[from..];
    if packet.starts_with(b"(") {
        packet = next.trim_ascii_start();
    }
    let (sender, rest) = cut_at(packet, b' ')?;
    rest.strip_prefix(b"> ")?;
    let port = memchr::memrchr(b'.', sender)?;
    let addr = &sender[..port];
    let before = &line[..end];
    let first = || before.split(|b| *b == b' ').next().unwrap_or_default();
    if !address::is_list(addr) {
        return None;
    }
    let time = iso(before).map(|(time, _)| time).or_else(|| unix(first())).or_else(|| clock.dayless(first()));
    Some(Heading { time, addr })
}

/// `T 2026/11/22 06:39:53.245123 203.0.113.9:51413 -> 198.51.100.1:80 [AP]`, or without the time.
fn ngrep(rest: &[u8]) -> Option<Heading<'_>> {
    let (time, used) = iso(rest).map_or((None, 0), |(time, used)| (Some(time), used + 1));
    let (sender, rest) = cut_at(rest.get(used..)?, b' ')?;
    rest.strip_prefix(b"-> ")?;
    let addr = address::without_port(sender);
    address::is_list(addr).then_some(Heading { time, addr })
}

#[cfg(test)]
mod tests {
    use super::super::{LineReader, lines};
    use super::*;
    use crate::time::Time;

    const CAPTURES: [&str; 5] = [
        // tcpdump -A -tttt, with its own reading of the request in the heading, and what else goes over the wire.
        "2026-11-22 06:39:53.100000 IP 203.0.113.9.51413 > 198.51.100.1.80: Flags [S], seq 1, length 0\n\
         E..<..@.@...........\n\
         2026-11-22 06:39:53.245123 IP 203.0.113.9.51413 > 198.51.100.1.80: Flags [P.], seq 1:300, length 299: HTTP: GET /k/announce?a=1 HTTP/1.1\n\
         E..S..@.@.......P..GET /k/announce?a=1 HTTP/1.1\r\n\
         Host: tracker.test\r\n\
         user-agent: Agent \"1\"/2\r\n\
         \r\n\
         2026-11-22 06:39:53.300000 IP 198.51.100.1.80 > 203.0.113.9.51413: Flags [P.], length 100: HTTP: HTTP/1.1 200 OK\n\
         E..S..@.@.HTTP/1.1 200 OK\n",
        // tcpdump -A -v -tt, from inside.
        "1795329593.245123 IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length 339)\n\
         \x20   10.0.0.1.51413 > 198.51.100.1.80: Flags [P.], cksum 0x1, seq 1:300, length 299: HTTP, length: 299\n\
         \tGET /k/announce?a=1 HTTP/1.1\n\
         \tX-Forwarded-For: 203.0.113.9\n\
         \tUser-Agent: Agent \"1\"/2\n\
         \n\
         E..S..GET /k/announce?a=1 HTTP/1.1\n",
        // tcpdump of any interface, not -A, with the time of day alone.
        "06:39:53.245123 eth0  In  IP 203.0.113.9.51413 > 198.51.100.1.80: Flags [P.], length 299: HTTP: GET /k/announce?a=1 HTTP/1.1\n",
        // ngrep -t -W byline.
        "interface: eth0 (198.51.100.0/255.255.255.0)\nfilter: ( port 80 ) and (ip || ip6)\n#\n\
         T 2026/11/22 06:39:53.245123 203.0.113.9:51413 -> 198.51.100.1:80 [AP] #4\n\
         GET /k/announce?a=1 HTTP/1.1.\nHost: tracker.test.\nUser-Agent: Agent \"1\"/2.\n.\n\n##\n",
        // ngrep -t.
        "T 2026/11/22 06:39:53.245123 203.0.113.9:51413 -> 198.51.100.1:80 [AP]\n\
         \x20 GET /k/announce?a=1 HTTP/1.1..Host: tracker.test..User-Agent: Agent \"1\"/2..Accept: */*....\n",
    ];

    #[test]
    fn packets_become_requests() {
        for capture in CAPTURES {
            let reader = LineReader::detect(capture.as_bytes(), Some(Time::from_secs(1_795_340_000)))
                .unwrap_or_else(|| panic!("{capture}"));
            assert_eq!(reader.format(), "capture", "{capture}");
            let mut text = capture.as_bytes().to_vec();
            let mut context = reader.context();
            let joined = reader.prepare(&mut text, &mut context);
            let count = |text: &[u8]| text.iter().filter(|b| **b == b'\n').count();
            assert_eq!(count(&text), count(capture.as_bytes()), "line numbers hold: {capture}");
            assert_eq!(joined > 0, capture.lines().count() > 1, "{capture}");
            let read: Vec<_> =
                lines(&text).filter_map(|line| Some((line, reader.parse(line, &mut context)?))).collect();
            assert_eq!(read.len(), 1, "{capture}");
            let (line, request) = &read[0];
            assert_eq!((request.addr, request.target), (&b"203.0.113.9"[..], &b"/k/announce?a=1"[..]), "{capture}");
            assert_eq!(request.time.map(|time| time.millis()), Some(1_795_329_593_245), "{capture}");
            let agent = if capture.contains("gent: ") { r#""Agent \x221\x22/2""# } else { r#""-""# };
            assert!(String::from_utf8_lossy(line).contains(agent), "{}", String::from_utf8_lossy(line));
        }
    }

    /// A block ends before a packet that may go on.
    #[test]
    fn packets_are_not_torn() {
        let text = CAPTURES.concat();
        let cut = Capture.cut(text.as_bytes()).expect("several packets");
        assert!(text[cut..].starts_with("T 2026/11/22") && text[cut..].contains("Accept"));
        assert_eq!(Capture.cut(&text.as_bytes()[cut..]), None);
    }
}
