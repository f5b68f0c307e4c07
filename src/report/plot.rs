//! The ratio over time as a chart for a terminal, in braille: two by four dots a character.

use super::rows::UserRow;
use super::text::{bytes, ratio};
use super::{Style, table};
use crate::time::Time;
use std::io::{self, Write};

/// Lines of a chart, without its axis.
const LINES: usize = 10;
/// Columns left of the plot.
const LEFT: usize = 10;

/// Dots, two columns and four rows to a character.
struct Dots {
    columns: usize,
    set: Vec<bool>,
}

impl Dots {
    fn new(characters: usize) -> Dots {
        let columns = characters * 2;
        Dots { columns, set: vec![false; columns * LINES * 4] }
    }

    /// Draws a line between two dots; row 0 is at the bottom.
    fn line(&mut self, from: (usize, usize), to: (usize, usize)) {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
        let between = |a: usize, b: usize, step: usize| {
            (a as f64 + (b as f64 - a as f64) * step as f64 / steps as f64).round() as usize
        };
        for step in 0..=steps {
            let (x, y) = (between(from.0, to.0, step), between(from.1, to.1, step));
            self.set[(LINES * 4 - 1 - y) * self.columns + x] = true;
        }
    }

    fn row(&self, row: usize) -> String {
        /// The dots of a character, row by row, as Unicode numbers them.
        const BITS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let character = |at: usize| {
            let mut code = 0x2800;
            for (y, bits) in BITS.iter().enumerate() {
                for (x, bit) in bits.iter().enumerate() {
                    if self.set[(row * 4 + y) * self.columns + at * 2 + x] {
                        code |= bit;
                    }
                }
            }
            if code == 0x2800 { ' ' } else { char::from_u32(code).unwrap_or(' ') }
        };
        (0..self.columns / 2).map(character).collect()
    }
}

/// Timelines as charts with axes.
pub fn charts<'a>(out: &mut dyn Write, style: &Style, users: impl Iterator<Item = UserRow<'a>>) -> io::Result<()> {
    let mut any = false;
    for user in users {
        if std::mem::replace(&mut any, true) {
            writeln!(out)?;
        }
        chart(out, style, &user)?;
    }
    if any { Ok(()) } else { writeln!(out, "nothing") }
}

fn chart(out: &mut dyn Write, style: &Style, user: &UserRow<'_>) -> io::Result<()> {
    let (uploaded, downloaded, last) = user.totals();
    table::section(out, &format!("{}: ratio over time", user.user()), style)?;
    writeln!(out, "uploaded {}, downloaded {}, ratio {}", bytes(uploaded), bytes(downloaded), ratio(last))?;
    let times: Vec<Option<Time>> = user.points().map(|point| point.at()).collect();
    let place = |at: usize| times[at].map_or(at as f64, |time| time.millis() as f64);
    let points: Vec<(f64, f64)> =
        user.points().enumerate().filter_map(|(at, point)| Some((place(at), point.ratio()?))).collect();
    let top = points.iter().map(|point| point.1).fold(0.0, f64::max);
    if points.is_empty() || top == 0.0 {
        return writeln!(
            out,
            "{}",
            if downloaded == 0 { "no ratio: nothing was downloaded" } else { "the ratio is 0 all the time" }
        );
    }
    let (first, end) = (place(0), place(times.len() - 1));
    let width = usize::from(style.width.unwrap_or(80)).clamp(LEFT + 24, LEFT + 120) - LEFT;
    let mut dots = Dots::new(width);
    let dot = |(x, y): (f64, f64)| {
        let x = (x - first) / (end - first).max(1.0) * (width * 2 - 1) as f64;
        (x.round() as usize, (y / top * (LINES * 4 - 1) as f64).round() as usize)
    };
    match &points[..] {
        [only] => dots.line(dot(*only), dot(*only)),
        several => several.windows(2).for_each(|pair| dots.line(dot(pair[0]), dot(pair[1]))),
    }
    for row in 0..LINES {
        let label = match row {
            0 => ratio(Some(top)),
            _ if row == LINES / 2 => ratio(Some(top * (LINES - row) as f64 / LINES as f64)),
            _ => String::new(),
        };
        writeln!(out, "{}", format!("{label:>8} ┤{}", dots.row(row)).trim_end())?;
    }
    writeln!(out, "{:>8} ┼{}", "0", "─".repeat(width))?;
    let label = |at: usize| match times[at] {
        Some(time) => time.rfc3339(false).to_string().get(..16).unwrap_or("").replace('T', " "),
        None => format!("announce {}", at + 1),
    };
    let (left, right) = (label(0), label(times.len() - 1));
    writeln!(out, "{:LEFT$}{left}{right:>rest$}", "", rest = width - left.len())
}
