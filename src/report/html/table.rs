//! Tables: the first rows as they are read without scripts, all of them as data for the page's script to sort and search.

use super::chart::spark;
use super::words;
use crate::report::text;
use maud::{Markup, html};
use serde::Serialize;

/// What a column holds, and so how it is printed and sorted.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The name of a row, which leads to what there is about it.
    Name,
    /// A verdict.
    Verdict,
    /// Words.
    Text,
    /// Bytes.
    Bytes,
    /// Uploaded over downloaded.
    Ratio,
    /// A count.
    Count,
    /// A curve, as digits of base 36.
    Spark,
}

/// A column.
#[derive(Serialize)]
pub struct Column {
    /// Its heading.
    pub label: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// A screen must be so wide to show it: the style sheet knows.
    pub room: &'static str,
}

impl Column {
    fn class(&self) -> String {
        let number = matches!(self.kind, Kind::Bytes | Kind::Ratio | Kind::Count);
        format!("{}{}", if number { "num " } else { "" }, self.room)
    }
}

/// A value.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Words.
    Text(String),
    /// Words that are always the same.
    Word(&'static str),
    /// Bytes or a count.
    Whole(u128),
    /// A ratio; `None` if there is none.
    Ratio(Option<f64>),
}

/// A row: where it leads, and a value for each column.
#[derive(Serialize)]
pub struct Line(pub String, pub Vec<Value>);

/// A table.
#[derive(Serialize)]
pub struct Table {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Line>,
}

/// A curve in a few characters: digits of base 36, from nothing to the most.
pub fn digits(values: &[f64]) -> String {
    let digit = |value: &f64| char::from_digit((value.clamp(0.0, 1.0) * 35.0).round() as u32, 36).unwrap_or('0');
    values.iter().map(digit).collect()
}

fn cell(column: &Column, to: &str, value: &Value) -> Markup {
    let number = |text: String| html! { td class=(column.class()) { (text) } };
    match (column.kind, value) {
        (Kind::Bytes, Value::Whole(n)) => number(text::bytes(*n)),
        (_, Value::Whole(n)) => number(n.to_string()),
        (_, Value::Ratio(ratio)) => number(text::ratio(*ratio)),
        (Kind::Verdict, Value::Word(name)) => html! { td.(column.room) { (words::badge(name)) } },
        (_, Value::Word(word)) => html! { td.(column.room) { (word) } },
        (Kind::Name, Value::Text(name)) => html! { th.name scope="row" { a href=(format!("#{to}")) { (name) } } },
        (Kind::Spark, Value::Text(digits)) => {
            let values: Vec<f64> = digits.chars().map(|c| f64::from(c.to_digit(36).unwrap_or(0)) / 35.0).collect();
            html! { td.(column.room) { (spark(&values)) } }
        }
        (_, Value::Text(text)) => html! { td.(column.room) { bdi { (text) } } },
    }
}

impl Table {
    /// Its first rows, in an element of that id. Where scripts run, it is the table that they fill.
    pub fn draw(&self, id: &str, caption: &str, rows: usize) -> Markup {
        html! {
            div.scroll {
                table #(id) {
                    caption.off { (caption) }
                    thead { tr {
                        @for column in &self.columns {
                            th class=(column.class()) scope="col" { (column.label) }
                        }
                    } }
                    tbody {
                        @for Line(to, values) in self.rows.iter().take(rows) {
                            tr { @for (column, value) in self.columns.iter().zip(values) { (cell(column, to, value)) } }
                        }
                    }
                }
            }
        }
    }
}
