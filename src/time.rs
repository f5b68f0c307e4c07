//! Points in time and spans, as an access log gives them.

use std::fmt;
use std::num::NonZeroI64;

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
///
/// `Option<Time>` is as small as `Time`; `None` means that the log gave no time (a bare capture).
/// Millisecond 0 of the epoch itself is stored as millisecond 1: no tracker ran then.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Time(NonZeroI64);

const FIRST: NonZeroI64 = NonZeroI64::new(1).unwrap();

impl Time {
    /// From milliseconds since the epoch.
    pub fn from_millis(ms: i64) -> Time {
        Time(NonZeroI64::new(ms).unwrap_or(FIRST))
    }

    /// From whole seconds since the epoch.
    pub fn from_secs(s: i64) -> Time {
        Time::from_millis(s.saturating_mul(1000))
    }

    /// The present, by the system's clock.
    pub fn now() -> Time {
        Time::from(std::time::SystemTime::now())
    }

    /// Milliseconds since the epoch.
    pub fn millis(self) -> i64 {
        self.0.get()
    }

    /// Milliseconds from `earlier` to `self`; negative if it is the other way round.
    pub fn since(self, earlier: Time) -> i64 {
        self.millis().saturating_sub(earlier.millis())
    }

    /// This point, `ms` milliseconds later (or earlier, if negative).
    pub fn plus(self, ms: i64) -> Time {
        Time::from_millis(self.millis().saturating_add(ms))
    }

    /// RFC 3339 in UTC; with milliseconds if `millis`.
    pub fn rfc3339(self, millis: bool) -> Rfc3339 {
        Rfc3339 { time: self, millis }
    }
}

impl From<std::time::SystemTime> for Time {
    fn from(time: std::time::SystemTime) -> Time {
        let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Time::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A [`Time`] that prints as RFC 3339 in UTC.
#[derive(Clone, Copy)]
pub struct Rfc3339 {
    time: Time,
    millis: bool,
}

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.time.millis();
        let secs = ms.div_euclid(1000);
        let (y, m, d) = civil_from_days(secs.div_euclid(86_400));
        let day = secs.rem_euclid(86_400);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        if !(0..=9999).contains(&y) {
            return write!(f, "{y}-{m:02}-{d:02}T{:02}:{:02}:{:02}Z", day / 3600, day / 60 % 60, day % 60);
        }
        let two = |text: &mut [u8], at: usize, n: i64| {
            text[at] = b'0' + (n / 10 % 10) as u8;
            text[at + 1] = b'0' + (n % 10) as u8;
        };
        two(&mut text, 0, y / 100);
        two(&mut text, 2, y % 100);
        two(&mut text, 5, m);
        two(&mut text, 8, d);
        two(&mut text, 11, day / 3600);
        two(&mut text, 14, day / 60 % 60);
        two(&mut text, 17, day % 60);
        let sub = ms.rem_euclid(1000);
        text[20] = b'0' + (sub / 100) as u8;
        two(&mut text, 21, sub % 100);
        let end = if self.millis {
            24
        } else {
            text[19] = b'Z';
            20
        };
        f.write_str(std::str::from_utf8(&text[..end]).unwrap_or_default())
    }
}

/// Days since the epoch of a date in the proleptic Gregorian calendar.
pub fn days_from_civil(y: i64, m: i64, d: i64) -> i64 {
    let y = if m <= 2 { y - 1 } else { y };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * ((m + 9) % 12) + 2) / 5 + d - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

/// The year in which a time lies, in UTC.
pub fn year_of(time: Time) -> i64 {
    civil_from_days(time.millis().div_euclid(86_400_000)).0
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let m = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(m <= 2), m, doy - (153 * mp + 2) / 5 + 1)
}

/// Reads a duration as people write it: `30m`, `1h30m`, `20s`, `2d`, or a bare number of seconds.
/// `None` if it is none, or zero. The result is in seconds.
pub fn parse_duration(text: &str) -> Option<u32> {
    if let Ok(secs) = text.parse::<u32>() {
        return (secs > 0).then_some(secs);
    }
    let mut total: u32 = 0;
    let mut digits = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        let n: u32 = digits.parse().ok()?;
        total = total.checked_add(n.checked_mul(unit)?)?;
        digits.clear();
    }
    (digits.is_empty() && total > 0).then_some(total)
}

/// Reads a time as people write it: RFC 3339, a date, a date with a time (UTC), or Unix seconds with
/// or without a fraction. `None` if it is none of these.
pub fn parse_time(text: &str) -> Option<Time> {
    if let Ok(t) = text.parse::<jiff::Timestamp>() {
        return Some(Time::from_millis(t.as_millisecond()));
    }
    if let Ok(t) = text.parse::<jiff::civil::DateTime>() {
        let t = t.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        return Some(Time::from_millis(t.timestamp().as_millisecond()));
    }
    if let Ok(d) = text.parse::<jiff::civil::Date>() {
        let t = d.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        return Some(Time::from_millis(t.timestamp().as_millisecond()));
    }
    parse_unix(text)
}

fn parse_unix(text: &str) -> Option<Time> {
    let (secs, frac) = text.split_once('.').unwrap_or((text, ""));
    if !(1..=11).contains(&secs.len()) || !secs.bytes().chain(frac.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut ms = secs.parse::<i64>().ok()? * 1000;
    for (i, b) in frac.bytes().take(3).enumerate() {
        ms += i64::from(b - b'0') * [100, 10, 1][i];
    }
    Some(Time::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_and_print_alike() {
        for (text, printed) in [
            ("2026-11-22T06:39:53Z", "2026-11-22T06:39:53.000Z"),
            ("2026-11-22T07:39:53.5+01:00", "2026-11-22T06:39:53.500Z"),
            ("2026-11-22 06:39:53", "2026-11-22T06:39:53.000Z"),
            ("2000-02-29", "2000-02-29T00:00:00.000Z"),
            ("1795329593.245", "2026-11-22T06:39:53.245Z"),
            ("0", "1970-01-01T00:00:00.001Z"),
        ] {
            let time = parse_time(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(time.rfc3339(true).to_string(), printed, "{text}");
        }
        for text in ["", "yesterdayish", "12:00", "1795329593.2x", "99999999999999"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("1h30m"), Some(5400));
        assert_eq!(parse_duration("20s"), Some(20));
        assert_eq!(parse_duration("45"), Some(45));
        for bad in ["", "0", "h", "5x", "30m5", "99999999d"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }
}
