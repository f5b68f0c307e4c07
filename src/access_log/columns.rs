//! Which field stands where, in formats that say so in the log itself.

use super::cut_at;

/// The most columns that are looked at; no such log comes near it.
const MOST: usize = 64;

/// For each of a format's fields the column that it stands in.
#[derive(Clone, Copy, Debug)]
pub struct Columns([u8; Columns::FIELDS]);

impl Columns {
    /// The most fields that a format asks for.
    const FIELDS: usize = 12;

    /// Finds each field's column by the names that it goes by: the first of them that there is.
    pub fn find<'a>(names: impl Iterator<Item = &'a [u8]>, fields: &[&[&str]]) -> Columns {
        let mut columns = [u8::MAX; Columns::FIELDS];
        let names: Vec<&[u8]> = names.take(MOST).collect();
        for (column, known) in columns.iter_mut().zip(fields) {
            let place = |known: &&str| names.iter().position(|name| name.eq_ignore_ascii_case(known.as_bytes()));
            if let Some(at) = known.iter().find_map(place) {
                *column = at as u8;
            }
        }
        Columns(columns)
    }

    /// Whether a field has a column.
    pub fn has(&self, field: usize) -> bool {
        self.0[field] != u8::MAX
    }

    /// The values of a line's fields; empty for those without a column.
    pub fn values<'a>(&self, line: impl Iterator<Item = &'a [u8]>) -> [&'a [u8]; Columns::FIELDS] {
        let mut cells = [&b""[..]; MOST];
        cells.iter_mut().zip(line).for_each(|(cell, value)| *cell = value);
        self.0.map(|column| cells.get(usize::from(column)).copied().unwrap_or_default())
    }
}

/// The cells of a row, without the quotes that some are in. Quotes inside stay doubled: no cell that is used has any.
pub fn cells(row: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(row);
    std::iter::from_fn(move || {
        let text = rest?;
        let quoted = text.strip_prefix(b"\"").and_then(|text| {
            let closes = |at: &usize| text.get(at + 1).is_none_or(|b| *b == separator);
            let end = memchr::memchr_iter(b'"', text).find(closes)?;
            Some((&text[..end], text.get(end + 2..)))
        });
        let (cell, after) = quoted.unwrap_or_else(|| match cut_at(text, separator) {
            Some((cell, after)) => (cell, Some(after)),
            None => (text, None),
        });
        rest = after;
        Some(cell)
    })
}
