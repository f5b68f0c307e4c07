//! Rows of a table in CSV or JSON, each with its line.

use super::{Names, WrongRow};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A table; the columns are named as in [`plain`].
#[derive(Default)]
pub struct Table {
    columns: Vec<String>,
    /// Lines, and their fields by column.
    rows: Vec<(u64, Vec<String>)>,
    wrong: Vec<WrongRow>,
}

/// The fields of a row.
pub struct Fields<'a> {
    columns: &'a [String],
    fields: &'a [String],
}

impl Table {
    /// Reads a table, whichever it is.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(text: &str) -> Result<Table, String> {
        match text.trim_start().as_bytes().first() {
            None => Err("it is empty".into()),
            Some(b'[' | b'{') => json(text),
            Some(_) => csv(text),
        }
    }

    /// Whether there is a column of one of these names.
    pub fn has(&self, names: Names) -> bool {
        self.columns.iter().any(|column| names.contains(&column.as_str()))
    }

    /// The rows, each with its line.
    pub fn rows(&self) -> impl Iterator<Item = (u64, Fields<'_>)> {
        self.rows.iter().map(|(line, fields)| (*line, Fields { columns: &self.columns, fields }))
    }

    /// What is no row.
    pub fn wrong(&self) -> Vec<WrongRow> {
        self.wrong.clone()
    }

    /// Adds an object as a row.
    fn add(&mut self, line: u64, object: BTreeMap<String, Value>) {
        let mut fields = vec![String::new(); self.columns.len()];
        for (name, value) in object {
            let text = match value {
                Value::String(text) => text,
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => continue,
            };
            let name = plain(&name);
            let place = self.columns.iter().position(|column| *column == name).unwrap_or_else(|| {
                self.columns.push(name);
                fields.push(String::new());
                self.columns.len() - 1
            });
            fields[place] = text.trim().into();
        }
        self.rows.push((line, fields));
    }
}

impl Fields<'_> {
    /// The first field of these names that says something.
    pub fn get(&self, names: Names) -> Option<&str> {
        self.named(names).map(|(_, text)| text)
    }

    fn named(&self, names: Names) -> Option<(&str, &str)> {
        let field = |name: &&str| {
            let place = self.columns.iter().position(|column| column == name)?;
            let text = self.fields.get(place)?.as_str();
            (!text.is_empty()).then_some((self.columns[place].as_str(), text))
        };
        names.iter().find_map(field)
    }

    /// The same, understood; `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be understood.
    pub fn read<T>(&self, names: Names, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, String> {
        let Some((column, text)) = self.named(names) else { return Ok(None) };
        read(text).map(Some).ok_or_else(|| format!("{column} cannot be read"))
    }
}

/// A column's name without what does not matter: `Info-Hash` and `info_hash` are one.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn csv(text: &str) -> Result<Table, String> {
    let heading = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |delimiter: &u8| heading.bytes().filter(|b| b == delimiter).count();
    // Of equals the last one wins: commas are the usual.
    let delimiter = b"\t;,".iter().copied().max_by_key(count).unwrap_or(b',');
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let columns: Vec<String> = reader.headers().map_err(|error| error.to_string())?.iter().map(plain).collect();
    let mut table = Table { columns, ..Table::default() };
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() > table.columns.len() {
            let problem = format!("{} fields, but {} columns", record.len(), table.columns.len());
            table.wrong.push(WrongRow { line, problem });
        } else {
            table.rows.push((line, record.iter().map(String::from).collect()));
        }
    }
    Ok(table)
}

fn json(text: &str) -> Result<Table, String> {
    let mut table = Table::default();
    let object = |text: &str| serde_json::from_str::<BTreeMap<String, Value>>(text);
    // An object a line, or one document.
    let mut lines = text.trim().lines();
    if lines.next().is_some_and(|first| object(first).is_ok()) && lines.next().is_some() {
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            match object(text) {
                Ok(object) => table.add(line, object),
                Err(error) => table.wrong.push(no_object(line, &error)),
            }
        }
        return Ok(table);
    }
    for raw in elements(text).map_err(|error| error.to_string())? {
        let line = 1 + text[..offset(text, raw.get())].bytes().filter(|b| *b == b'\n').count() as u64;
        match object(raw.get()) {
            Ok(object) => table.add(line, object),
            Err(error) => table.wrong.push(no_object(line, &error)),
        }
    }
    Ok(table)
}

/// A row that is no object; the error's own words would cite it.
fn no_object(line: u64, error: &serde_json::Error) -> WrongRow {
    let problem = match error.classify() {
        serde_json::error::Category::Eof => "it breaks off",
        serde_json::error::Category::Data => "no JSON object",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "broken JSON",
    };
    WrongRow { line, problem: problem.into() }
}

/// The elements of an array, or of the first array in an object, or the object itself.
fn elements(text: &str) -> serde_json::Result<Vec<&RawValue>> {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text);
    }
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
    match members.values().find(|raw| raw.get().starts_with('[')) {
        Some(array) => serde_json::from_str(array.get()),
        None => Ok(vec![serde_json::from_str(text)?]),
    }
}

/// Where `part` begins in `text`, which it is a part of.
fn offset(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize).min(text.len())
}
