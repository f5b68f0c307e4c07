//! Charts as SVG: readable where no script runs, and drawn anew by the page's script from the same numbers where one does.
//!
//! Positions along an axis are percentages of the plot, or lie in a box of 1000 by 1000 that is stretched over it: so a
//! chart fits every width, and its text keeps its size.

use crate::report::text;
use crate::time::Time;
use maud::{Markup, PreEscaped, html};
use serde::Serialize;

/// What a chart's numbers are.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Uploaded over downloaded.
    Ratio,
    /// Things that are counted.
    Count,
}

impl Unit {
    /// A value in print.
    pub fn print(self, value: f64) -> String {
        match self {
            Unit::Bytes => text::bytes(value as u128),
            Unit::Ratio => text::ratio(Some(value)),
            Unit::Count => format!("{value}"),
        }
    }

    /// A value beside the grid: as short as it gets.
    fn mark(self, value: f64) -> String {
        let text = self.print(value);
        let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
        let short = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
        if unit.is_empty() { short.to_string() } else { format!("{short} {unit}") }
    }

    /// From one line of the grid to the next, so that there are at most four of them.
    fn step(self, top: f64) -> f64 {
        let mut unit = 1.0;
        if self == Unit::Bytes {
            while top / unit >= 1024.0 {
                unit *= 1024.0;
            }
        }
        let rough = top / unit / 4.0;
        let power = 10f64.powf(rough.log10().floor());
        let nice = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|n| n * power).find(|n| *n >= rough * 0.999);
        let nice = nice.unwrap_or(10.0 * power) * unit;
        if self == Unit::Ratio { nice } else { nice.max(1.0) }
    }
}

/// One line of a chart.
#[derive(Serialize)]
pub struct Series {
    /// What it is.
    pub name: &'static str,
    /// How it is drawn, by the style sheet.
    pub class: &'static str,
    /// Its values; `None` where there is none.
    pub values: Vec<Option<f64>>,
}

/// A chart of values over time.
#[derive(Serialize)]
pub struct Chart {
    /// Its place in the page.
    #[serde(skip)]
    pub id: String,
    /// What it shows.
    #[serde(skip)]
    pub title: &'static str,
    /// What its numbers are.
    pub unit: Unit,
    /// The span of the axis, in seconds.
    pub span: (i64, i64),
    /// Seconds since the epoch, in order; numbers from 0 on in a log without times.
    pub at: Vec<i64>,
    /// The lines.
    pub series: Vec<Series>,
}

/// Seconds between marks on an axis of time.
const STEPS: [i64; 23] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    2_419_200, 9_676_800, 31_536_000,
];

/// Marks on an axis of time: where, in thousandths, and what stands there.
fn marks((from, to): (i64, i64), timed: bool) -> Vec<(f64, String)> {
    let span = (to - from).max(1);
    let step = STEPS.into_iter().find(|step| span / step <= 6).unwrap_or(span / 6 + 1);
    let first = from.div_euclid(step) + i64::from(from.rem_euclid(step) != 0);
    (first..=to.div_euclid(step))
        .take(12)
        .map(|n| (thousandth(n * step, (from, to)), if timed { clock(n * step, step) } else { (n * step).to_string() }))
        .collect()
}

/// `06:45`, or the day where a day begins: `22 Nov`.
fn clock(second: i64, step: i64) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = Time::from_secs(second).rfc3339(false).to_string();
    if second.rem_euclid(86_400) == 0 {
        let month = text.get(5..7).and_then(|m| m.parse::<usize>().ok()).unwrap_or(1);
        let day = text.get(8..10).unwrap_or("").trim_start_matches('0');
        return format!("{day} {}", MONTHS[(month - 1).min(11)]);
    }
    text.get(11..if step < 60 { 19 } else { 16 }).unwrap_or("").to_string()
}

/// Where a second stands on an axis, in thousandths.
pub fn thousandth(second: i64, (from, to): (i64, i64)) -> f64 {
    (second - from) as f64 * 1000.0 / (to - from).max(1) as f64
}

/// A number of a drawing: a tenth of a thousandth of an axis is finer than any screen.
fn fine(n: f64) -> String {
    let text = format!("{n:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_string()
}

impl Chart {
    fn top(&self) -> f64 {
        let values = self.series.iter().flat_map(|series| series.values.iter().flatten());
        let top = values.fold(0.0, |top: f64, value| top.max(*value));
        if top > 0.0 { top * 1.04 } else { 1.0 }
    }

    fn line(&self, series: &Series, top: f64) -> String {
        let mut path = String::new();
        let mut pen = 'M';
        for (at, value) in self.at.iter().zip(&series.values) {
            let Some(value) = value else {
                pen = 'M';
                continue;
            };
            path.push(pen);
            path += &format!("{} {}", fine(thousandth(*at, self.span)), fine(1000.0 - value * 1000.0 / top));
            pen = 'L';
        }
        path
    }

    /// In words, for who cannot see it.
    fn words(&self) -> String {
        let ends = |series: &Series| {
            let last = series.values.iter().flatten().next_back().copied().unwrap_or(0.0);
            let most = series.values.iter().flatten().fold(0.0, |most: f64, value| most.max(*value));
            format!("{}: at most {}, at the end {}", series.name, self.unit.print(most), self.unit.print(last))
        };
        format!("{}. {}", self.title, self.series.iter().map(ends).collect::<Vec<_>>().join("; "))
    }

    /// The chart. Without `timed` there are no times, only an order.
    pub fn figure(&self, timed: bool) -> Markup {
        let top = self.top();
        let step = self.unit.step(top);
        let lines: Vec<f64> = (0..=8).map(|n| f64::from(n) * step).take_while(|value| *value <= top).collect();
        html! {
            figure.chart #(self.id) {
                figcaption {
                    span.title { (self.title) }
                    @for series in &self.series { span.key { i.(series.class) {} (series.name) } }
                }
                div.frame {
                    svg.plot width="100%" height="100%" role="img" aria-label=(self.words()) {
                        @for value in &lines {
                            @let y = format!("{}%", fine(100.0 - value * 100.0 / top));
                            line.grid x1="0" x2="100%" y1=(y) y2=(y) {}
                            text.y x="-8" y=(y) { (self.unit.mark(*value)) }
                        }
                        @for (x, mark) in marks(self.span, timed) {
                            text.x x=(format!("{}%", fine(x / 10.0))) y="100%" dy="18" { (mark) }
                        }
                        svg.lines width="100%" height="100%" viewBox="0 0 1000 1000" preserveAspectRatio="none" {
                            @for series in &self.series { path.(series.class) d=(self.line(series, top)) {} }
                        }
                    }
                }
            }
        }
    }
}

/// A stretch of a lane.
pub struct Bar {
    /// How it is drawn, by the style sheet.
    pub class: &'static str,
    /// From when to when, in seconds.
    pub span: (i64, i64),
    /// What it is.
    pub title: String,
}

/// A row of bars.
pub struct Lane {
    /// What stands beside it.
    pub label: Markup,
    /// What it is, in words.
    pub name: String,
    /// What is drawn first, and may be covered.
    pub bars: Vec<Bar>,
    /// Points in time that matter: when, how severe, and what.
    pub dots: Vec<(i64, &'static str, String)>,
}

/// Lanes under one axis of time.
pub fn lanes(lanes: &[Lane], span: (i64, i64), title: &str) -> Markup {
    let bar = |bar: &Bar| {
        let (from, to) = (thousandth(bar.span.0, span).max(0.0), thousandth(bar.span.1, span).min(1000.0));
        // The class gives height and colour; what is shorter than a pixel is still seen.
        let width = (to - from).max(1.5);
        let (y, height) = match bar.class {
            "leeching" => ("2", "16"),
            "seeding" => ("6", "8"),
            "ghost" => ("8", "4"),
            _ => ("9", "2"),
        };
        html! {
            rect.(bar.class) x=(fine(from)) y=(y) width=(fine(width)) height=(height) { title { (bar.title) } }
        }
    };
    html! {
        figure.lanes {
            figcaption.off { (title) }
            @for lane in lanes {
                div.lane {
                    span.label { (lane.label) }
                    svg.track viewBox="0 0 1000 20" preserveAspectRatio="none" role="img" aria-label=(lane.name) {
                        title { (lane.name) }
                        @for each in &lane.bars { (bar(each)) }
                        @for (at, class, what) in &lane.dots {
                            path.dot.(class) d=(PreEscaped(format!("M{} 10h0", fine(thousandth(*at, span))))) {
                                title { (what) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A curve in a table's cell, from values between 0 and 1.
pub fn spark(values: &[f64]) -> Markup {
    if values.is_empty() {
        return html! {};
    }
    let points: Vec<String> = values.iter().enumerate().map(|(x, y)| format!("{x},{}", fine(9.0 - y * 8.0))).collect();
    let width = values.len().max(2) - 1;
    html! {
        svg.spark viewBox=(format!("0 0 {width} 10")) preserveAspectRatio="none" aria-hidden="true" {
            polyline points=(points.join(" ")) {}
        }
    }
}
