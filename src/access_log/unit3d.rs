//! A dump of UNIT3D's `announces` table as CSV (or with tabs or semicolons): the announces that the tracker took, without
//! addresses. Users and torrents are numbers there: the user is called by its number, and the torrent's info hash is its number
//! in decimal digits, with zeros in front.
//!
//! Rows are rewritten as a time, a tab and the query of an announce.

use super::columns::{self, Columns};
use super::{Context, Format, GET, Request, Ties, clock};
use std::io::Write;

/// The format.
pub struct Unit3d;

const FIELDS: [&[&str]; 11] = [
    &["user_id"],
    &["torrent_id"],
    &["uploaded"],
    &["downloaded"],
    &["left"],
    &["peer_id"],
    &["created_at"],
    &["event"],
    &["key"],
    &["port"],
    &["corrupt"],
];

/// The table's own order, for dumps without a heading.
const ORDER: &str = "id,user_id,torrent_id,uploaded,downloaded,left,corrupt,peer_id,port,numwant,created_at,event,key";

/// What a rewritten row has behind its time: nothing else looks so.
const MARK: &[u8] = b"\tunit3d=1&";

impl Format for Unit3d {
    fn name(&self) -> &'static str {
        "unit3d"
    }

    fn summary(&self) -> &'static str {
        "UNIT3D's `announces` table as CSV; users and torrents are numbers"
    }

    fn example(&self) -> &'static str {
        "id,user_id,torrent_id,uploaded,downloaded,left,corrupt,peer_id,port,numwant,created_at,event,key\n1,17,42,0,0,8388608,0,-TR3000-525px16zb498,51413,80,2026-11-22 06:39:53,started,6380908a"
    }

    fn prepare(&self, text: &mut Vec<u8>, context: &mut Context) -> u64 {
        let mut out = Vec::with_capacity(text.len() * 2);
        for line in text.split(|b| *b == b'\n') {
            let row = line.strip_suffix(b"\r").unwrap_or(line);
            let heading = heading(row);
            context.unit3d = heading.or(context.unit3d);
            let columns = context.unit3d.unwrap_or_else(in_order);
            if heading.is_some() || rewrite(row, columns, &mut out).is_none() {
                out.extend_from_slice(line);
            }
            out.push(b'\n');
        }
        out.pop();
        *text = out;
        0
    }

    fn ties(&self) -> Option<&dyn Ties> {
        Some(self)
    }

    fn parse<'a>(&self, line: &'a [u8], _: &mut Context) -> Option<Request<'a>> {
        let at = memchr::memmem::find(&line[..line.len().min(64)], MARK)?;
        let (time, query) = (&line[..at], &line[at + MARK.len()..]);
        let time = clock::iso(time).map(|(time, _)| time).or_else(|| clock::unix(time));
        Some(Request { time, method: GET, target: b"/announce", query, ..Request::default() })
    }
}

impl Ties for Unit3d {
    fn pass(&self, text: &[u8], context: &mut Context) {
        let mut rows = text.rsplit(|b| *b == b'\n').filter(|line| memchr::memmem::find(line, b"user_id").is_some());
        let found = rows.find_map(|line| heading(line.strip_suffix(b"\r").unwrap_or(line)));
        context.unit3d = found.or(context.unit3d);
    }
}

fn heading(line: &[u8]) -> Option<Columns> {
    let columns = Columns::find(cells(line), &FIELDS);
    (0..6).all(|field| columns.has(field)).then_some(columns)
}

fn in_order() -> Columns {
    Columns::find(cells(ORDER.as_bytes()), &FIELDS)
}

/// The cells of a row, whatever separates them.
fn cells(row: &[u8]) -> impl Iterator<Item = &[u8]> {
    columns::cells(row, memchr::memchr3(b',', b'\t', b';', row).map_or(b',', |at| row[at]))
}

/// Writes a row as a line that [`Unit3d::parse`] reads; `None`, and nothing is written, if it is no announce.
fn rewrite(row: &[u8], columns: Columns, out: &mut Vec<u8>) -> Option<()> {
    let cells = columns.values(cells(row));
    let [user, torrent, uploaded, downloaded, left, peer_id, at, event, key, port, corrupt, ..] = cells;
    let number = |cell: &[u8]| !cell.is_empty() && cell.len() <= 20 && cell.iter().all(u8::is_ascii_digit);
    let known = clock::iso(at).is_some() || number(at) || at.is_empty() || at == b"NULL";
    if ![user, torrent, uploaded, downloaded, left].into_iter().all(number) || peer_id.is_empty() || !known {
        return None;
    }
    // Without a space: no part of the line is what a client wrote, and none may look so.
    out.extend(at.iter().map(|b| if *b == b' ' { b'T' } else { *b }));
    out.extend_from_slice(MARK);
    out.extend_from_slice(b"passkey=");
    out.extend_from_slice(user);
    out.extend_from_slice(b"&info_hash=");
    let digits: Vec<u8> = std::iter::repeat_n(b'0', 40 - torrent.len()).chain(torrent.iter().copied()).collect();
    percent(&digits, out);
    out.extend_from_slice(b"&peer_id=");
    match peer_id.strip_prefix(b"0x").unwrap_or(peer_id) {
        hex if hex.len() == 40 && hex.iter().all(u8::is_ascii_hexdigit) => percent(hex, out),
        _ => peer_id.iter().for_each(|byte| {
            let _ = write!(out, "%{byte:02x}");
        }),
    }
    for (name, value) in [
        ("uploaded", uploaded),
        ("downloaded", downloaded),
        ("left", left),
        ("key", key),
        ("port", port),
        ("corrupt", corrupt),
        ("event", event),
    ] {
        if !value.is_empty() && value.iter().all(u8::is_ascii_alphanumeric) && value != b"NULL" {
            let _ = write!(out, "&{name}=");
            out.extend_from_slice(value);
        }
    }
    Some(())
}

/// Writes hexadecimal digits as escaped bytes.
fn percent(digits: &[u8], out: &mut Vec<u8>) {
    for pair in digits.chunks(2) {
        out.push(b'%');
        out.extend_from_slice(pair);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LineReader, lines};
    use super::*;
    use crate::announce::{Event, Fate, read};

    /// The columns of `App\Models\Announce` in HDInnovations/UNIT3D-Community-Edition, as `mysql` and phpMyAdmin dump them.
    #[test]
    fn rows_become_announces() {
        let row = "1,17,42,5,6,7,0,-TR3000-525px16zb498,51413,80,2026-11-22 06:39:53,started,6380908a";
        let hex = row
            .replace("-TR3000-525px16zb498", "0x2D5452333030302D35323570783136 7A62343938".replace(' ', "").as_str());
        let quoted = format!("\"{}\"", row.replace(',', "\",\""));
        let turned = "torrent_id;user_id;left;peer_id;downloaded;uploaded;created_at;event\r\n42;17;7;-TR3000-525px16zb498;6;5;\"2026-11-22 06:39:53\";started\r";
        for dump in [
            row.to_owned(),
            format!("{ORDER}\n{row}"),
            format!("{}\n{}", ORDER.replace(',', "\t"), row.replace(',', "\t")),
            format!("\"{}\"\n{quoted}", ORDER.replace(',', "\",\"")),
            format!("{ORDER}\n{hex}"),
            turned.to_owned(),
        ] {
            let reader = LineReader::detect(dump.as_bytes(), None).unwrap_or_else(|| panic!("{dump}"));
            assert_eq!(reader.format(), "unit3d", "{dump}");
            let (mut text, mut context) = (dump.as_bytes().to_vec(), reader.context());
            reader.prepare(&mut text, &mut context);
            let requests: Vec<_> = lines(&text).filter_map(|line| reader.parse(line, &mut context)).collect();
            assert_eq!(requests.len(), 1, "{dump}");
            assert_eq!(requests[0].time.map(|time| time.millis()), Some(1_795_329_593_000), "{dump}");
            let Fate::Announce(announce) = read(&requests[0], b"") else { panic!("{dump}") };
            let (hash, peer_id) = announce.decode().expect("readable");
            assert_eq!(hash.to_string(), format!("{:040}", 42));
            assert_eq!((peer_id.bytes(), announce.passkey), (&b"-TR3000-525px16zb498"[..], Some(&b"17"[..])));
            assert_eq!((announce.uploaded, announce.downloaded, announce.left), (5, 6, 7));
            assert_eq!(announce.event, Event::Started);
        }
        assert!(
            LineReader::detect(b"1,17,x,5,6,7,0,-TR3000-525px16zb498,51413,80,2026-11-22 06:39:53,started,6", None)
                .is_none()
        );
    }
}
