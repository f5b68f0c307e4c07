//! XBT Tracker's raw log (`log_access`, `xbt_tracker_raw.log`): Unix time, address, port and request line, a tab between them.

use super::{Context, Format, Request, address, clock, split_request};

/// The format.
pub struct Xbt;

impl Format for Xbt {
    fn name(&self) -> &'static str {
        "xbt"
    }

    fn summary(&self) -> &'static str {
        "XBT Tracker's raw log: Unix time, address, port and request line, with tabs"
    }

    fn example(&self) -> &'static str {
        "1795329593\t203.0.113.9\t51413\tGET /KEY/announce?info_hash=... HTTP/1.1"
    }

    fn parse<'a>(&self, line: &'a [u8], _: &mut Context) -> Option<Request<'a>> {
        let mut fields = line.splitn(4, |b| *b == b'\t');
        let time = clock::unix(fields.next()?)?;
        let (addr, port, request) = (fields.next()?, fields.next()?, fields.next()?);
        if !address::is_list(addr) || port.is_empty() || !port.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let (method, target) = split_request(request);
        let addr = address::host(addr);
        (!target.is_empty()).then_some(Request { time: Some(time), addr, method, target, ..Request::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `connection_t::read` of XBT Tracker writes: `srv_time() \t inet_ntoa \t ntohs(port) \t` request line.
    #[test]
    fn lines_as_the_tracker_writes_them() {
        for (addr, expected) in
            [("203.0.113.9", "203.0.113.9"), ("::ffff:203.0.113.9", "203.0.113.9"), ("2001:db8::9", "2001:db8::9")]
        {
            let line = format!("1795329593\t{addr}\t51413\tGET /k/announce?a=1\t2 HTTP/1.1");
            let request = Xbt.parse(line.as_bytes(), &mut Context::default()).expect("a request");
            assert_eq!((request.addr, request.target), (expected.as_bytes(), &b"/k/announce?a=1\t2"[..]));
            assert_eq!(request.time.map(|time| time.millis()), Some(1_795_329_593_000));
        }
        // Its other log, of announces as numbers, is none of requests.
        let line = "1795329593\t203.0.113.9\t51413\t2\t0\t0\t5\taa\tbb";
        assert_eq!(Xbt.parse(line.as_bytes(), &mut Context::default()), None);
    }
}
