//! Values as people and databases write them.

/// A number and what follows it.
fn number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let value = text[..end].parse::<f64>().ok()?;
    Some((value, text[end..].trim()))
}

/// 1024 or 1000 to the power that the prefix of a unit means, and what follows it.
fn prefix(unit: &str, plain: f64) -> Option<(f64, &str)> {
    let power = match unit.bytes().next()?.to_ascii_lowercase() {
        b'k' => 1,
        b'm' => 2,
        b'g' => 3,
        b't' => 4,
        _ => return None,
    };
    let rest = &unit[1..];
    Some(match rest.strip_prefix('i') {
        Some(rest) => (1024f64.powi(power), rest),
        None => (plain.powi(power), rest),
    })
}

/// Bytes: `14680064`, `1.4 GiB`, `700 MB` (a million each).
pub fn bytes(text: &str) -> Option<u64> {
    if let Ok(bytes) = text.parse() {
        return Some(bytes);
    }
    let (value, unit) = number(text)?;
    let (factor, rest) = prefix(unit, 1000.0).unwrap_or((1.0, unit));
    matches!(rest, "" | "B" | "b" | "bytes").then_some((value * factor) as u64)
}

/// Bytes per second of a line: `100 Mbit/s`, `1Gbps`, `50M` in bits; `12.5 MB/s` in bytes. A bare number is in bits per second.
pub fn speed(text: &str) -> Option<u64> {
    let (value, unit) = number(text)?;
    let (factor, rest) = prefix(unit, 1000.0).unwrap_or((1.0, unit));
    let bits = match rest.trim_end_matches("/s").trim_end_matches("ps") {
        "" | "b" | "bit" | "bits" => 8.0,
        "B" | "byte" | "bytes" => 1.0,
        _ => return None,
    };
    Some((value * factor / bits) as u64)
}

/// Whether something is so.
pub fn yes(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "y" | "t" | "on" => Some(true),
        "0" | "false" | "no" | "n" | "f" | "off" => Some(false),
        _ => None,
    }
}

/// More than this is no factor, but a percentage.
const MOST: f64 = 10.0;

/// A factor in thousandths: `0.5`, `2`, `50%`, or percent without the sign from 11 on, as UNIT3D has them.
pub fn factor(text: &str) -> Option<u32> {
    let (value, unit) = number(text)?;
    let percent = unit == "%" || unit.is_empty() && value > MOST;
    let value = if percent { value / 100.0 } else { value };
    (matches!(unit, "" | "%" | "x") && value <= MOST).then_some((value * 1000.0).round() as u32)
}

/// What a discount leaves of a download, in thousandths: `yes`, `1`, `100` and `100%` leave nothing, `50` and `0.5` a half.
pub fn discount(text: &str) -> Option<u32> {
    let off = match yes(text) {
        Some(yes) => f64::from(u8::from(yes)),
        None => match number(text)? {
            (share, "") if share <= 1.0 => share,
            (percent, "" | "%") => percent / 100.0,
            _ => return None,
        },
    };
    (off <= 1.0).then_some(((1.0 - off) * 1000.0).round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_as_they_are_written() {
        for (text, value) in [("14680064", 14_680_064), ("14 MiB", 14_680_064), ("1.5 GB", 1_500_000_000), ("9B", 9)] {
            assert_eq!(bytes(text), Some(value), "{text}");
        }
        for (text, value) in
            [("100 Mbit/s", 12_500_000), ("1Gbps", 125_000_000), ("12.5 MB/s", 12_500_000), ("8000", 1000)]
        {
            assert_eq!(speed(text), Some(value), "{text}");
        }
        for (text, value) in [("0", 0), ("0.3", 300), ("2", 2000), ("50%", 500), ("200", 2000), ("2x", 2000)] {
            assert_eq!(factor(text), Some(value), "{text}");
        }
        for (text, value) in [("yes", 0), ("0", 1000), ("1", 0), ("100", 0), ("0.5", 500), ("50", 500), ("30%", 700)] {
            assert_eq!(discount(text), Some(value), "{text}");
        }
        for text in ["", "-1", "many", "1..2", "3 parsecs"] {
            let any =
                bytes(text).is_some() || speed(text).is_some() || factor(text).is_some() || discount(text).is_some();
            assert!(!any, "{text}");
        }
    }
}
