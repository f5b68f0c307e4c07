//! Single lines of a source, read once more.

use super::{Source, SourceError, without_nuls};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::sync::Arc;

/// So much of a line is kept.
const KEPT: usize = 4096;

/// The lines of those numbers, from 1, without their ends. Standard input is gone by then: it has none.
///
/// # Errors
/// If the source cannot be opened or read any more.
pub fn lines_of(source: &Source, wanted: &BTreeSet<u64>) -> Result<BTreeMap<u64, Vec<u8>>, SourceError> {
    let mut found = BTreeMap::new();
    let Some(&last) = wanted.last().filter(|_| *source != Source::Stdin) else { return Ok(found) };
    let opened = source.open(&Arc::default())?;
    let mut reader = BufReader::with_capacity(1 << 18, opened.reader);
    let (mut number, mut after) = (1, 0);
    while number <= last {
        let stopped = |error| SourceError::stopped(source.name(), opened.compression, after, error);
        let text = reader.fill_buf().map_err(stopped)?;
        if text.is_empty() {
            break;
        }
        let end = memchr::memchr(b'\n', text);
        let part = &text[..end.unwrap_or(text.len())];
        if wanted.contains(&number) {
            let line: &mut Vec<u8> = found.entry(number).or_default();
            let part = if line.is_empty() { without_nuls(part) } else { part };
            line.extend_from_slice(&part[..part.len().min(KEPT - line.len().min(KEPT))]);
        }
        let used = part.len() + usize::from(end.is_some());
        number += u64::from(end.is_some());
        after += used as u64;
        reader.consume(used);
    }
    Ok(found)
}
