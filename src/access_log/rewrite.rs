//! Requests of several lines, written anew as one line of the combined format each.
//!
//! A record is a heading (when, from whom) and what the client sent: a request line, perhaps with other bytes in front of it,
//! and headers. What is known of it goes where its request line stands; its other lines stay behind empty.

use super::{Clock, address};
use crate::time::Time;
use std::io::Write;

/// The heading of a record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heading<'a> {
    /// When; `None` if it does not say.
    pub time: Option<Time>,
    /// From whom; empty if it does not say.
    pub addr: &'a [u8],
}

/// Reads a line that may be a heading; the line after it may belong to it.
pub type ReadHeading = for<'a> fn(&'a [u8], &'a [u8], &mut Clock) -> Option<Heading<'a>>;

/// Rewrites a block. Returns how many lines were joined to others.
pub fn records(text: &mut Vec<u8>, read: ReadHeading, clock: &mut Clock) -> u64 {
    let mut out = Vec::with_capacity(text.len());
    let ended = text.ends_with(b"\n");
    let lines: Vec<&[u8]> = text[..text.len() - usize::from(ended)].split(|b| *b == b'\n').collect();
    let next = |at: usize| lines.get(at + 1).copied().unwrap_or_default();
    let (mut at, mut joined) = (0, 0);
    while at < lines.len() {
        let heading = read(lines[at], next(at), clock);
        let mut end = at + 1;
        while end < lines.len() && read(lines[end], next(end), &mut clock.clone()).is_none() {
            end += 1;
        }
        let record = &lines[at..end];
        match heading.and_then(|heading| Some((heading, request(record)?))) {
            Some((heading, place)) => {
                joined += record.len() as u64 - 1;
                for number in 0..record.len() {
                    if number == place {
                        write_record(&heading, &record[place..], &mut out);
                    }
                    out.push(b'\n');
                }
            }
            None => record.iter().for_each(|line| {
                out.extend_from_slice(line);
                out.push(b'\n');
            }),
        }
        at = end;
    }
    // A last line without an end that is empty now would be none.
    if !ended && !out.ends_with(b"\n\n") {
        out.pop();
    }
    *text = out;
    joined
}

/// Where the last record begins; `None` if that is at the beginning.
pub fn last(text: &[u8], read: ReadHeading) -> Option<usize> {
    let mut end = text.len();
    let mut next: &[u8] = b"";
    while let Some(feed) = memchr::memrchr(b'\n', &text[..end]) {
        let line = &text[feed + 1..end];
        if read(line, next, &mut Clock::default()).is_some() {
            return Some(feed + 1);
        }
        (next, end) = (line, feed);
    }
    None
}

/// Which of a record's lines has the request: the first behind the heading, or the heading.
fn request(record: &[&[u8]]) -> Option<usize> {
    (1..record.len()).chain([0]).find(|at| request_line(record[*at]).is_some())
}

/// The request line in a line, and what stands behind it.
fn request_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let request = &line[memchr::memmem::find(line, b"GET /")?..];
    let end = memchr::memmem::find(request, b" HTTP/1.")? + b" HTTP/1.1".len();
    Some((request.get(..end)?, &request[end..]))
}

/// Writes a record of which the request is in the first of `lines`.
fn write_record(heading: &Heading<'_>, lines: &[&[u8]], out: &mut Vec<u8>) {
    let Some((request, behind)) = lines.first().and_then(|line| request_line(line)) else { return };
    let (mut agent, mut forwarded) = (&b"-"[..], &b"-"[..]);
    // Some tools print a line end as dots, with the headers on one line or on one each.
    let mut headers: Vec<&[u8]> = Vec::new();
    let mut rest = behind;
    while let Some(at) = memchr::memmem::find(rest, b"..") {
        headers.push(&rest[..at]);
        rest = &rest[at + 2..];
    }
    headers.push(rest);
    let dotted = headers.len() == 1 && behind.starts_with(b".");
    for line in &lines[1..] {
        let line = line.trim_ascii_end();
        let line = if dotted { line.strip_suffix(b".").unwrap_or(line) } else { line };
        if line.trim_ascii().is_empty() {
            break;
        }
        headers.push(line);
    }
    for header in headers {
        let Some((name, value)) = super::cut_at(header, b':') else { continue };
        let value = value.trim_ascii();
        if name.trim_ascii().eq_ignore_ascii_case(b"user-agent") {
            agent = value;
        } else if name.trim_ascii().eq_ignore_ascii_case(b"x-forwarded-for") && address::is_list(value) {
            forwarded = value;
        }
    }
    write_combined(heading, request, agent, forwarded, out);
}

fn write_combined(heading: &Heading<'_>, request: &[u8], agent: &[u8], forwarded: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(heading.addr);
    out.extend_from_slice(b" - - [");
    if let Some(time) = heading.time {
        // Writing to memory does not fail.
        let _ = write!(out, "{}", time.rfc3339(true));
    }
    out.extend_from_slice(b"] \"");
    escape(request, out);
    out.extend_from_slice(b"\" - - \"-\" \"");
    escape(agent, out);
    out.extend_from_slice(b"\" \"");
    escape(forwarded, out);
    out.push(b'"');
}

/// Writes text into quotes, as nginx does.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'"' | b'\\' | 0..0x20 => {
                let _ = write!(out, "\\x{byte:02X}");
            }
            _ => out.push(*byte),
        }
    }
}
