//! A look at the beginning of a source: which format it is in, and what is read of it.

use crate::access_log::{Format, LOOKED_AT, LineReader, first_lines, lines};
use crate::announce::{Fate, passkey_of, read, user_agent};
use crate::source::{Block, Blocks, Source, SourceError};
use crate::time::Time;
use std::sync::Arc;

/// What a look at the beginning of a source shows.
#[derive(Clone, Debug)]
pub struct Look {
    /// The source's name.
    pub source: String,
    /// The format given or detected; `None` if no line of it fits any.
    pub format: Option<&'static str>,
    /// What the format is, in a line.
    pub summary: &'static str,
    /// Lines looked at, without those that are empty or belong to others.
    pub looked_at: u64,
    /// Lines read as requests by the format.
    pub read: u64,
    /// Lines read as announces.
    pub announces: u64,
    /// Some lines taken apart: announces, if there are any.
    pub lines: Vec<Apart>,
}

/// A line taken apart.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)] // As in a request.
pub struct Apart {
    /// Its number, from 1.
    pub line: u64,
    pub time: Option<Time>,
    pub addr: Vec<u8>,
    pub method: Vec<u8>,
    pub target: Vec<u8>,
    pub status: Option<u16>,
    pub agent: Vec<u8>,
    /// The passkey in it.
    pub passkey: Option<Vec<u8>>,
}

/// Lines taken apart.
const SHOWN: usize = 3;

/// Looks at a source. `format` is the one asked for; `None` to detect it.
///
/// # Errors
/// If the source cannot be read.
pub fn look_at(source: &Source, format: Option<&'static dyn Format>) -> Result<Look, SourceError> {
    let mut blocks = Blocks::new(source.open(&Arc::default())?.reader);
    let mut block = Block::default();
    let failed = |error| SourceError::Read { name: source.name(), after: 0, error };
    blocks.next(&mut block).map_err(failed)?;
    let first = &block.bytes;
    let reader = match format {
        Some(format) => Some(LineReader::of(format, first, source.modified())),
        None => LineReader::detect(first, source.modified()),
    };
    let mut look = Look {
        source: source.name(),
        format: reader.map(|reader| reader.format()),
        summary: reader.map_or("", |reader| reader.summary()),
        looked_at: 0,
        read: 0,
        announces: 0,
        lines: Vec::new(),
    };
    let mut text = first_lines(first).to_vec();
    let Some(reader) = reader else {
        look.looked_at = lines(&text).filter(|line| !line.trim_ascii().is_empty()).count() as u64;
        return Ok(look);
    };
    let mut context = reader.context();
    reader.prepare(&mut text, &mut context);
    let mut others = Vec::new();
    for (number, line) in (1..).zip(lines(&text).take(LOOKED_AT)) {
        look.looked_at += u64::from(!line.trim_ascii().is_empty());
        let Some(request) = reader.parse_own(line, &mut context) else { continue };
        look.read += 1;
        let announce = match read(&request, line) {
            Fate::Announce(announce) | Fate::Undelivered(Some(announce)) => announce.decode().is_ok(),
            _ => false,
        };
        look.announces += u64::from(announce);
        let into = if announce { &mut look.lines } else { &mut others };
        if into.len() < SHOWN {
            into.push(Apart {
                line: number,
                time: request.time,
                addr: request.addr.to_vec(),
                method: request.method.to_vec(),
                target: match request.query {
                    b"" => request.target.to_vec(),
                    query => [request.target, query].join(&b'?'),
                },
                status: request.status,
                agent: user_agent(line, &request).to_vec(),
                passkey: passkey_of(&request).map(<[u8]>::to_vec),
            });
        }
    }
    let missing = SHOWN - look.lines.len();
    look.lines.extend(others.into_iter().take(missing));
    Ok(look)
}
