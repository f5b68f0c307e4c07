//! Single lines of a source, read once more.

use super::{Source, SourceError};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};

/// So much of a line is kept.
const KEPT: usize = 4096;

/// The lines of those numbers, from 1, without their ends. Standard input is gone by then: it has none.
///
/// # Errors
/// If the source cannot be opened or read any more.
pub fn lines_of(source: &Source, wanted: &BTreeSet<u64>) -> Result<BTreeMap<u64, Vec<u8>>, SourceError> {
    let mut found = BTreeMap::new();
    let Some(&last) = wanted.last().filter(|_| *source != Source::Stdin) else { return Ok(found) };
    let mut reader = BufReader::with_capacity(1 << 18, source.open()?);
    let (mut number, mut after) = (1, 0);
    while number <= last {
        let text = reader.fill_buf().map_err(|error| SourceError::Read { name: source.name(), after, error })?;
        if text.is_empty() {
            break;
        }
        let end = memchr::memchr(b'\n', text);
        let part = &text[..end.unwrap_or(text.len())];
        if wanted.contains(&number) {
            let line: &mut Vec<u8> = found.entry(number).or_default();
            line.extend_from_slice(&part[..part.len().min(KEPT - line.len().min(KEPT))]);
        }
        let used = part.len() + usize::from(end.is_some());
        number += u64::from(end.is_some());
        after += used as u64;
        reader.consume(used);
    }
    Ok(found)
}
