//! Points in time and spans, as an access log gives them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
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
    /// No other is later.
    pub const LAST: Time = Time(NonZeroI64::MAX);

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

/// A zone in which times are shown to people, and read from them where they name none.
///
/// Other programs are always told UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Zone(Option<&'static TimeZone>);

impl Zone {
    /// By its name (`Europe/Berlin`), its offset (`+02:00`), or `local`. `None` if there is no such zone.
    pub fn named(text: &str) -> Option<Zone> {
        let zone = match text {
            _ if text.eq_ignore_ascii_case("utc") => return Some(Zone::default()),
            "local" => TimeZone::system(),
            _ if text.starts_with(['+', '-']) => TimeZone::fixed(parse_offset(text)?),
            _ => TimeZone::get(text).ok()?,
        };
        // It lasts as long as the program, and so may be copied about.
        Some(Zone(Some(Box::leak(Box::new(zone)))))
    }

    /// A time as people read it: `2026-11-22 06:39:53`, with milliseconds if `millis`.
    pub fn show(self, time: Time, millis: bool) -> String {
        let there =
            self.0.and_then(|zone| Some(jiff::Timestamp::from_millisecond(time.millis()).ok()?.to_zoned(zone.clone())));
        match there {
            Some(there) => {
                there.strftime(if millis { "%Y-%m-%d %H:%M:%S%.3f" } else { "%Y-%m-%d %H:%M:%S" }).to_string()
            }
            None => time.rfc3339(millis).to_string().trim_end_matches('Z').replace('T', " "),
        }
    }

    fn time(self, there: DateTime) -> Option<Time> {
        let zone = self.0.cloned().unwrap_or(TimeZone::UTC);
        Some(Time::from_millis(zone.to_timestamp(there).ok()?.as_millisecond()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("UTC"),
            Some(zone) => match (zone.iana_name(), zone.to_fixed_offset()) {
                (Some(name), _) => f.write_str(name),
                (None, Ok(offset)) => write!(f, "UTC{offset}"),
                (None, Err(_)) => f.write_str("local"),
            },
        }
    }
}

/// A time as people give it, perhaps as seen from now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// This one.
    At(Time),
    /// This one in whichever zone is used.
    Local(DateTime),
    /// So many milliseconds after now; before, if negative.
    FromNow(i64),
    /// Midnight, so many days after the last one; before, if negative.
    Midnight(i64),
}

impl Moment {
    /// Reads what [`parse_time`] does, a duration before or after now (`-2h`, `-1h30m`, `+5m`), `now`, `today` and `yesterday`
    /// (midnight). `None` if it is none of these.
    pub fn parse(text: &str) -> Option<Moment> {
        match text {
            "now" => return Some(Moment::FromNow(0)),
            "today" => return Some(Moment::Midnight(0)),
            "yesterday" => return Some(Moment::Midnight(-1)),
            _ => {}
        }
        for (sign, direction) in [('-', -1000), ('+', 1000)] {
            if let Some(duration) = text.strip_prefix(sign) {
                return parse_duration(duration).map(|secs| Moment::FromNow(i64::from(secs) * direction));
            }
        }
        let time = parse_time(text)?;
        // Where a zone is named, or it is a number, that is what counts.
        let there = text.parse::<jiff::Timestamp>().is_err().then(|| text.parse::<DateTime>().ok()).flatten();
        Some(there.map_or(Moment::At(time), Moment::Local))
    }

    /// Which time that is; `None` where the calendar ends.
    pub fn time(self, zone: Zone, now: Time) -> Option<Time> {
        match self {
            Moment::At(time) => Some(time),
            Moment::Local(there) => zone.time(there),
            Moment::FromNow(ms) => Some(now.plus(ms)),
            Moment::Midnight(days) => {
                let there = jiff::Timestamp::from_millisecond(now.millis()).ok()?;
                let today = there.to_zoned(zone.0.cloned().unwrap_or(TimeZone::UTC)).date();
                let date = today.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
                zone.time(date.at(0, 0, 0, 0))
            }
        }
    }
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

/// `+02:00`, `-0530`, `+2`.
fn parse_offset(text: &str) -> Option<jiff::tz::Offset> {
    let (sign, digits) = (if text.starts_with('-') { -1 } else { 1 }, text[1..].replacen(':', "", 1));
    if !(1..=4).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = if digits.len() > 2 { digits.split_at(digits.len() - 2) } else { (digits.as_str(), "0") };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let secs = sign * (hours * 3600 + minutes * 60);
    (hours <= 14 && minutes < 60).then(|| jiff::tz::Offset::from_seconds(secs).ok()).flatten()
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
    fn moments_are_seen_from_now_and_from_a_zone() {
        let now = parse_time("2026-03-29T09:30:00Z").expect("a time");
        let seen = |text: &str, zone: &str| {
            let zone = Zone::named(zone).unwrap_or_else(|| panic!("{zone}"));
            Moment::parse(text)?.time(zone, now).map(|time| time.rfc3339(false).to_string())
        };
        for (text, zone, expected) in [
            ("-2h", "UTC", "2026-03-29T07:30:00Z"),
            ("-1h30m", "Europe/Berlin", "2026-03-29T08:00:00Z"),
            ("now", "+02:00", "2026-03-29T09:30:00Z"),
            ("yesterday", "UTC", "2026-03-28T00:00:00Z"),
            // The clocks went forward in that night.
            ("today", "Europe/Berlin", "2026-03-28T23:00:00Z"),
            ("2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00Z"),
            ("2026-03-29 06:00", "Europe/Berlin", "2026-03-29T04:00:00Z"),
            ("2026-03-29T06:00Z", "Europe/Berlin", "2026-03-29T06:00:00Z"),
            ("2026-03-29 06:00", "-05:30", "2026-03-29T11:30:00Z"),
            ("1795329593", "Asia/Tokyo", "2026-11-22T06:39:53Z"),
        ] {
            assert_eq!(seen(text, zone).as_deref(), Some(expected), "{text} in {zone}");
        }
        for text in ["-", "--2h", "-2 h", "lately", "-2026-01-01"] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
        assert_eq!(Zone::named("Mars/Olympus"), None);
        let berlin = Zone::named("Europe/Berlin").expect("a zone");
        assert_eq!(
            (berlin.show(now, true), berlin.to_string()),
            ("2026-03-29 11:30:00.000".into(), "Europe/Berlin".into())
        );
        assert_eq!(Zone::default().show(now, false), "2026-03-29 09:30:00");
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
