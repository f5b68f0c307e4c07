//! The W3C extended log file format: `#Fields:` says what stands where (IIS, CloudFront, BNBT).

use super::columns::{Columns, cells};
use super::{Context, Format, Request, Ties, address, clock, status};
use crate::time::Time;

/// The format.
pub struct W3c;

/// The fields, and what they are called.
const FIELDS: [&[&str]; 11] = [
    &["date"],
    &["time"],
    &["c-ip", "c-dns"],
    &["cs-method"],
    &["cs-uri-stem"],
    &["cs-uri-query"],
    &["cs-uri"],
    &["sc-status"],
    &["cs(User-Agent)"],
    &["cs(X-Forwarded-For)", "X-Forwarded-For", "x-forwarded-for"],
    &["cs-request"],
];

/// What introduces a line of field names.
const HEADING: &[u8] = b"#Fields:";

fn heading(line: &[u8]) -> Option<Columns> {
    let names = line.strip_prefix(HEADING)?;
    Some(Columns::find(words(names.trim_ascii()), &FIELDS))
}

/// The fields of a line: between tabs, or else spaces.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    cells(text, memchr::memchr(b'\t', text).map_or(b' ', |_| b'\t'))
}

impl Format for W3c {
    fn name(&self) -> &'static str {
        "w3c"
    }

    fn summary(&self) -> &'static str {
        "the W3C extended format, with `#Fields:` lines (IIS, CloudFront)"
    }

    fn example(&self) -> &'static str {
        "#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status\n2026-11-22 06:39:53 203.0.113.9 GET /KEY/announce info_hash=... 200"
    }

    fn ties(&self) -> Option<&dyn Ties> {
        Some(self)
    }

    fn parse<'a>(&self, line: &'a [u8], context: &mut Context) -> Option<Request<'a>> {
        if line.first() == Some(&b'#') {
            context.w3c = heading(line).or(context.w3c);
            return None;
        }
        let columns = context.w3c?;
        let [date, time, addr, method, stem, query, uri, code, agent, forwarded, ..] = columns.values(words(line));
        let target = if stem.is_empty() { uri } else { stem };
        if target.is_empty() || method.is_empty() {
            return None;
        }
        let given = |value: &'a [u8]| if value == b"-" { b"" } else { value };
        Some(Request {
            time: when(line, date, time),
            addr: address::client(addr, given(forwarded)),
            method,
            target,
            query: given(query),
            status: status(code),
            agent: given(agent),
        })
    }
}

impl Ties for W3c {
    fn pass(&self, text: &[u8], context: &mut Context) {
        let mut before = text;
        while let Some(at) = memchr::memmem::rfind(before, HEADING) {
            if at == 0 || text[at - 1] == b'\n' {
                let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |len| at + len);
                context.w3c = heading(&text[at..end]);
                return;
            }
            before = &text[..at];
        }
    }
}

/// The time of a line, which has its date and its time of day next to each other.
fn when(line: &[u8], date: &[u8], time: &[u8]) -> Option<Time> {
    let from = (date.as_ptr() as usize).checked_sub(line.as_ptr() as usize)?;
    let both = line.get(from..from + date.len() + 1 + time.len())?;
    both.ends_with(time).then(|| clock::iso(both))?.filter(|(_, used)| *used == both.len()).map(|(time, _)| time)
}

#[cfg(test)]
mod tests {
    use super::super::LineReader;
    use super::*;

    /// The lines of "IIS log file format" in Microsoft's documentation, a tracker's, and CloudFront's with tabs. The columns
    /// change in the middle of the log, as they do when the server starts anew with other settings.
    #[test]
    fn columns_are_where_the_log_says() {
        let log = "#Software: Internet Information Services 6.0\n#Version: 1.0\n#Date: 2001-05-02 17:42:15\n\
                   #Fields: time c-ip cs-method cs-uri-stem sc-status cs-version\n\
                   17:42:15 172.16.255.255 GET /default.htm 200 HTTP/1.0\n\
                   #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port c-ip cs(User-Agent) sc-status\n\
                   2026-11-22 06:39:53 10.0.0.1 GET /k/announce info_hash=%b8&left=0 80 203.0.113.9 qBittorrent/4.5.2 200\n\
                   #Fields: date\ttime\tc-ip\tcs-method\tcs-uri-stem\tsc-status\tcs-uri-query\n\
                   2026-11-22\t06:39:53\t203.0.113.9\tGET\t/k/announce\t404\t-\n";
        let reader = LineReader::detect(log.as_bytes(), None).expect("a format");
        assert_eq!(reader.format(), "w3c");
        let mut context = reader.context();
        let read: Vec<_> =
            super::super::lines(log.as_bytes()).filter_map(|line| reader.parse(line, &mut context)).collect();
        assert_eq!(read.len(), 3);
        assert_eq!((read[0].time, read[0].addr, read[0].status), (None, &b"172.16.255.255"[..], Some(200)));
        assert_eq!((read[1].target, read[1].query), (&b"/k/announce"[..], &b"info_hash=%b8&left=0"[..]));
        assert_eq!((read[1].addr, read[1].agent), (&b"203.0.113.9"[..], &b"qBittorrent/4.5.2"[..]));
        assert_eq!((read[2].query, read[2].status), (&b""[..], Some(404)));
        assert!(read[1..].iter().all(|request| request.time == Some(Time::from_secs(1_795_329_593))));
        // A block that begins behind the heading knows it.
        let mut reader = reader;
        reader.pass(log.as_bytes());
        let last = log.lines().next_back().expect("a line");
        assert!(reader.parse(last.as_bytes(), &mut reader.context()).is_some());
    }
}
