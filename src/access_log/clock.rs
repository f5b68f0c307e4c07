//! Times, in all the ways in which logs write them.
//!
//! A time without a zone is taken as UTC. A time without a year gets it from the order of the file: see
//! [`Clock::yearless`].

use crate::time::{Time, days_from_civil, year_of};

/// Reads times. Neighbouring lines share their minute and zone, so the last ones read are kept.
#[derive(Default, Clone, Copy, Debug)]
pub struct Clock {
    minute: [u8; 17],
    zone: [u8; 5],
    /// Milliseconds of `minute` in `zone`, in UTC.
    base: i64,
    /// No line is later, as far as is known; `None` for now.
    latest: Option<Time>,
    /// The first time without a year, or without a date.
    first: Option<Time>,
}

const DAY: i64 = 86_400_000;

/// How far times may stand out of order, and clocks be ahead, where only the day is missing.
const HOUR: i64 = 3_600_000;

impl Clock {
    /// A clock for a log of which no line is later than `latest`, as when its file was changed last; `None` for now.
    pub fn until(latest: Option<Time>) -> Clock {
        Clock { latest, ..Clock::default() }
    }

    /// Reads `22/Nov/2026:06:39:53 +0000` from the beginning of `text`; `None` if it is no such time.
    #[inline]
    pub fn read(&mut self, text: &[u8]) -> Option<Time> {
        let text: &[u8; 26] = text.first_chunk()?;
        let (minute, rest) = text.split_first_chunk::<17>()?;
        let (secs, zone) = rest.split_first_chunk::<4>()?;
        let zone: &[u8; 5] = zone.try_into().ok()?;
        let base = self.base_of(minute, zone)?;
        let (a, b) = (secs[1].wrapping_sub(b'0'), secs[2].wrapping_sub(b'0'));
        if secs[0] != b':' || secs[3] != b' ' || a > 6 || b > 9 {
            return None;
        }
        Some(Time::from_millis(base + i64::from(a * 10 + b) * 1000))
    }

    /// Reads `22/Nov/2026:06:39:53.304`, which has no zone: HAProxy's.
    #[inline]
    pub fn zoneless(&mut self, text: &[u8]) -> Option<Time> {
        let (minute, rest) = text.split_first_chunk::<17>()?;
        let [b':', a, b, rest @ ..] = rest else { return None };
        let secs = number(&[*a, *b]).filter(|secs| *secs <= 60)?;
        let (millis, _) = fraction(rest);
        Some(Time::from_millis(self.base_of(minute, b"+0000")? + secs * 1000 + millis))
    }

    #[inline]
    fn base_of(&mut self, minute: &[u8; 17], zone: &[u8; 5]) -> Option<i64> {
        if *minute != self.minute || *zone != self.zone {
            self.base = minute_in_zone(minute, zone)?;
            (self.minute, self.zone) = (*minute, *zone);
        }
        Some(self.base)
    }

    /// Reads `Nov 22 07:17:30` (RFC 3164) from the beginning of `text`; `Nov 22 2026 07:17:30` is read too. Returns the time
    /// and how much text it took.
    ///
    /// The first such time of a log is taken for the latest that is not in the future of the log's last change, give or take
    /// a day; every other lies within the year that begins a day before the first one. So a step back over New Year is the
    /// next year, wherever a log is cut into blocks. A log of more than a year cannot be told from one of less.
    pub fn yearless(&mut self, text: &[u8]) -> Option<(Time, usize)> {
        let [m1, m2, m3, b' ', d1, d2, rest @ ..] = text else { return None };
        let month = month([*m1, *m2, *m3])?;
        let (day, mut rest) = match (*d1, *d2) {
            (b' ', d) => (number(&[d])?, rest),
            (d, b' ') => (number(&[d])?, &text[5..]),
            (a, b) => (number(&[a, b])?, rest),
        };
        rest = rest.strip_prefix(b" ")?;
        let mut year = None;
        if let [y @ .., b' '] = rest.get(..5)? {
            (year, rest) = (Some(number(y)?), &rest[5..]);
        }
        let [h1, h2, b':', i1, i2, b':', s1, s2, after @ ..] = rest else { return None };
        let (hour, min, sec) = (number(&[*h1, *h2])?, number(&[*i1, *i2])?, number(&[*s1, *s2])?);
        if !(1..=31).contains(&day) || hour > 23 || min > 59 || sec > 60 {
            return None;
        }
        let (millis, digits) = fraction(after);
        let of_day = ((hour * 60 + min) * 60 + sec) * 1000 + millis;
        let used = text.len() - after.len() + digits;
        let in_year = |year: i64| Time::from_millis(days_from_civil(year, month, day) * DAY + of_day);
        let time = match (year, self.first) {
            (Some(year), _) => in_year(year),
            (None, Some(first)) => {
                let from = first.plus(-DAY);
                let time = in_year(year_of(from));
                if time < from { in_year(year_of(from) + 1) } else { time }
            }
            (None, None) => {
                let latest = self.latest.unwrap_or_else(Time::now).plus(DAY);
                let time = in_year(year_of(latest));
                let time = if time > latest { in_year(year_of(latest) - 1) } else { time };
                self.first = Some(time);
                time
            }
        };
        Some((time, used))
    }

    /// Reads `07:17:30.304512` from the beginning of `text`: a time without a date. The first one of a log is the latest that is
    /// not in the future of the log's last change, and every other lies within the day after it, give or take an hour.
    pub fn dayless(&mut self, text: &[u8]) -> Option<Time> {
        let [h1, h2, b':', i1, i2, b':', s1, s2, rest @ ..] = text else { return None };
        let (hour, min, sec) = (number(&[*h1, *h2])?, number(&[*i1, *i2])?, number(&[*s1, *s2])?);
        if hour > 23 || min > 59 || sec > 60 {
            return None;
        }
        let of_day = ((hour * 60 + min) * 60 + sec) * 1000 + fraction(rest).0;
        let end = match self.first {
            Some(first) => first.plus(DAY - HOUR),
            None => self.latest.unwrap_or_else(Time::now).plus(HOUR),
        };
        let time = Time::from_millis(end.millis() - (end.millis() - of_day).rem_euclid(DAY));
        self.first.get_or_insert(time);
        Some(time)
    }

    /// Reads a text that is nothing but a time, written in any of these ways or as Unix seconds, milliseconds, microseconds
    /// or nanoseconds.
    pub fn any(&mut self, text: &[u8]) -> Option<Time> {
        let text = text.strip_prefix(b"[").map_or(text, |text| text.strip_suffix(b"]").unwrap_or(text));
        match text {
            [_, _, b'/', ..] => self.read(text).or_else(|| self.zoneless(text)),
            [_, _, _, _, b'-' | b'/', ..] => iso(text).filter(|(_, used)| *used == text.len()).map(|(time, _)| time),
            [a, ..] if a.is_ascii_digit() => unix(text),
            _ => self.yearless(text).map(|(time, _)| time),
        }
    }
}

/// Reads `2026-11-22T06:39:53.245+01:00` and its kin from the beginning of `text`: with a space for the `T`, slashes, a comma
/// before the fraction, without seconds or zone. Returns the time and how much text it took.
pub fn iso(text: &[u8]) -> Option<(Time, usize)> {
    let [y1, y2, y3, y4, s1, m1, m2, s2, d1, d2, t, h1, h2, b':', i1, i2] = *text.first_chunk()? else { return None };
    if !matches!((s1, s2), (b'-', b'-') | (b'/', b'/')) || !matches!(t, b'T' | b't' | b' ' | b'\t') {
        return None;
    }
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    let (hour, min) = (number(&[h1, h2])?, number(&[i1, i2])?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || min > 59 {
        return None;
    }
    let mut at = 16;
    let mut millis = ((days_from_civil(year, month, day) * 24 + hour) * 60 + min) * 60_000;
    if let [b':', a, b, ..] = text[at..] {
        millis += number(&[a, b]).filter(|secs| *secs <= 60)? * 1000;
        let (more, digits) = fraction(&text[at + 3..]);
        millis += more;
        at += 3 + digits;
    }
    let (offset, used) = offset(&text[at..]);
    Some((Time::from_millis(millis - offset * 60_000), at + used))
}

/// A zone's offset in minutes, and how much text it took: none if there is no zone.
fn offset(text: &[u8]) -> (i64, usize) {
    let spaces = usize::from(text.first() == Some(&b' '));
    let read = |sign: u8, hour: &[u8], min: &[u8]| {
        let minutes = number(hour)? * 60 + number(min)?;
        Some(if sign == b'-' { -minutes } else { minutes })
    };
    let (minutes, used) = match text[spaces..] {
        [b'Z' | b'z', ..] if spaces == 0 => (Some(0), 1),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2, ..] => (read(sign, &[h1, h2], &[m1, m2]), 6),
        [sign @ (b'+' | b'-'), h1, h2, m1, m2, ..] => (read(sign, &[h1, h2], &[m1, m2]), 5),
        _ => (None, 0),
    };
    minutes.map_or((0, 0), |minutes| (minutes, spaces + used))
}

/// The milliseconds of a fraction (`.304512`), and how much text it took.
fn fraction(text: &[u8]) -> (i64, usize) {
    let [b'.' | b',', digits @ ..] = text else { return (0, 0) };
    let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let digit = |at: usize| if at < count { i64::from(digits[at] - b'0') } else { 0 };
    if count == 0 { (0, 0) } else { (digit(0) * 100 + digit(1) * 10 + digit(2), count + 1) }
}

/// Reads Unix time; in which unit, its size tells.
pub fn unix(text: &[u8]) -> Option<Time> {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (whole, rest) = text.split_at(end);
    let (millis, used) = fraction(rest);
    if used != rest.len() {
        return None;
    }
    let count = number(whole)?;
    match whole.len() {
        1..=11 => Some(Time::from_millis(count * 1000 + millis)),
        12..=14 => Some(Time::from_millis(count)),
        15..=17 => Some(Time::from_millis(count / 1000)),
        18..=19 => Some(Time::from_millis(count / 1_000_000)),
        _ => None,
    }
}

fn month(name: [u8; 3]) -> Option<i64> {
    const NAMES: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    NAMES.iter().position(|month| **month == name).map(|at| at as i64 + 1)
}

fn number(digits: &[u8]) -> Option<i64> {
    let add = |n: i64, b: &u8| n.checked_mul(10)?.checked_add(b.is_ascii_digit().then(|| i64::from(b - b'0'))?);
    digits.iter().try_fold(0, add)
}

fn minute_in_zone(minute: &[u8; 17], zone: &[u8; 5]) -> Option<i64> {
    let [d1, d2, b'/', m1, m2, m3, b'/', y1, y2, y3, y4, b':', h1, h2, b':', i1, i2] = *minute else {
        return None;
    };
    let month = month([m1, m2, m3])?;
    let (day, year) = (number(&[d1, d2])?, number(&[y1, y2, y3, y4])?);
    let (hour, min) = (number(&[h1, h2])?, number(&[i1, i2])?);
    let offset = number(&zone[1..3])? * 60 + number(&zone[3..5])?;
    let offset = match zone[0] {
        b'+' => offset,
        b'-' => -offset,
        _ => return None,
    };
    if !(1..=31).contains(&day) || hour > 23 || min > 59 {
        return None;
    }
    Some(((days_from_civil(year, month, day) * 24 + hour) * 60 + min - offset) * 60_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_zones_and_refuses_nonsense() {
        let mut clock = Clock::default();
        let mut read = |text: &str| clock.read(text.as_bytes()).map(|t| t.rfc3339(false).to_string());
        assert_eq!(read("22/Nov/2026:06:39:53 +0000").as_deref(), Some("2026-11-22T06:39:53Z"));
        assert_eq!(read("22/Nov/2026:06:39:54 +0000").as_deref(), Some("2026-11-22T06:39:54Z"));
        assert_eq!(read("22/Nov/2026:06:39:54 -0130").as_deref(), Some("2026-11-22T08:09:54Z"));
        assert_eq!(read("01/Jan/2027:00:30:00 +0100").as_deref(), Some("2026-12-31T23:30:00Z"));
        for bad in [
            "",
            "22/Nov/2026:06:39",
            "22/Nob/2026:06:39:53 +0000",
            "22/Nov/2026:06:39:99 *0000",
            "00/Nov/2026:06:39:53 +0000",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn one_moment_in_every_way() {
        for text in [
            "2026-11-22T06:39:53.245Z",
            "2026-11-22T06:39:53.245678901Z",
            "2026-11-22T07:39:53.245+01:00",
            "2026-11-22 05:09:53,245 -0130",
            "2026/11/22 06:39:53.245",
            "[22/Nov/2026:06:39:53.245]",
            "1795329593.245",
            "1795329593.2451682",
            "1795329593245",
            "1795329593245999",
            "1795329593245999000",
            "Nov 22 06:39:53.245",
            "Nov 22 2026 06:39:53.245",
        ] {
            let mut clock = Clock::until(Some(Time::from_secs(1_795_400_000)));
            let time = clock.any(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(time.millis(), 1_795_329_593_245, "{text}");
        }
        for bad in
            ["", "-", "2026-13-22T06:39:53Z", "2026-11-22T06:39:53Zulu", "1e9", "17953295932451682", "Nov", "Nov 22"]
        {
            let time = Clock::default().any(bad.as_bytes());
            assert!(time.is_none() || bad.starts_with("1795"), "{bad}: {time:?}");
        }
    }

    /// The year comes from when the file was changed last and from the order of its lines.
    #[test]
    fn years_that_logs_do_not_say() {
        let at = |text: &str| crate::time::parse_time(text).expect("a time");
        let read = |latest: &str, lines: &[&str]| -> Vec<String> {
            let mut clock = Clock::until(Some(at(latest)));
            let mut read = |line: &&str| clock.yearless(line.as_bytes()).expect("a time").0.rfc3339(false).to_string();
            lines.iter().map(&mut read).collect()
        };
        // Over New Year, a little out of order; rotated and copied weeks later.
        assert_eq!(
            read("2027-01-20", &["Dec 31 23:59:58", "Jan  1 00:00:01", "Dec 31 23:59:59", "Jan 10 12:00:00"]),
            ["2026-12-31T23:59:58Z", "2027-01-01T00:00:01Z", "2026-12-31T23:59:59Z", "2027-01-10T12:00:00Z"]
        );
        // A clock that is ahead, and a single day in the month of the change.
        assert_eq!(read("2026-11-22", &["Nov 22 23:00:00"]), ["2026-11-22T23:00:00Z"]);
        assert_eq!(
            read("2026-11-22", &["Nov 24 23:00:00", "Mar 1 00:00:00"]),
            ["2025-11-24T23:00:00Z", "2026-03-01T00:00:00Z"]
        );
    }
}
