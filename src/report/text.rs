//! Numbers and words for people.

use crate::audit::Basis;
pub use crate::measure::bytes;

/// What is said of so much unexplained upload, and of what it may be.
pub fn unexplained(basis: Basis, upload: u64, range: Option<(u64, u64)>) -> String {
    let upload = bytes(upload.into());
    match basis {
        Basis::Receivers => match range.map(|(low, high)| (bytes(low.into()), bytes(high.into()))) {
            Some((low, high)) => format!(
                "Of the upload {upload} has no receiver in this log; {low} to {high} in 95 of 100 cases if the user's swarms are \
                 drawn anew, each as often as it comes (a bootstrap)."
            ),
            None => format!("Of the upload {upload} has no receiver in this log."),
        },
        Basis::Arithmetic => {
            format!("Of the upload {upload} is no count of bytes sent, by the arithmetic of its counters.")
        }
    }
}

/// What must be so for that to hold.
pub fn holds_if(basis: Basis) -> &'static str {
    match basis {
        Basis::Receivers => {
            "This holds if the log shows everybody in these swarms: no other tracker, no DHT or peer exchange, no other front end, \
             no user whose lines are missing."
        }
        Basis::Arithmetic => {
            "This holds if nothing harmless makes counters grow so: what looks the same is said with each finding."
        }
    }
}

/// A ratio with three digits; `-` for none.
pub fn ratio(ratio: Option<f64>) -> String {
    match ratio {
        None => "-".into(),
        Some(r) if r >= 1e6 => format!("{r:.1e}"),
        Some(r) if r >= 100.0 => format!("{r:.1}"),
        Some(r) => format!("{r:.3}"),
    }
}

const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A curve in columns: the last value of each of `width` equal stretches, as a part of the largest.
pub fn levels(values: &[(f64, f64)], width: usize) -> Vec<f64> {
    let Some(((first, _), (last, _))) = values.first().zip(values.last()) else {
        return Vec::new();
    };
    let top = values.iter().map(|v| v.1).fold(0.0, f64::max);
    let span = (last - first).max(f64::MIN_POSITIVE);
    let mut columns: Vec<Option<f64>> = vec![None; width.max(1)];
    for (x, y) in values {
        let at = (((x - first) / span) * width as f64) as usize;
        columns[at.min(width.max(1) - 1)] = Some(*y);
    }
    let mut before = values[0].1;
    let level = |value: Option<f64>| {
        before = value.unwrap_or(before);
        if top > 0.0 { before / top } else { 0.0 }
    };
    columns.into_iter().map(level).collect()
}

/// Levels from 0 to 1 in one line.
pub fn sparkline(levels: &[f64]) -> String {
    levels.iter().map(|level| STEPS[((level * 7.0).round() as usize).min(7)]).collect()
}

/// A bar of at most `width` columns, in eighths.
pub fn chart_bar(value: f64, top: f64, width: usize) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    if !(top > 0.0 && value > 0.0) {
        return String::new();
    }
    let eighths = ((value / top).min(1.0) * (width * 8) as f64).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8]);
    }
    bar
}

/// Text from outside, without anything a terminal might act on, and without what makes text read in another order than it
/// is written.
pub fn clean(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves() {
        let curve = |values: &[(f64, f64)]| sparkline(&levels(values, 3));
        assert_eq!(curve(&[(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)]), "▁▅█");
        assert_eq!(curve(&[(0.0, 0.0)]), "▁▁▁");
        assert_eq!(curve(&[]), "");
        assert_eq!(chart_bar(1.0, 2.0, 4), "██");
        assert_eq!(chart_bar(0.0, 0.0, 4), "");
    }
}
