//! The `[22/Nov/2026:06:39:53 +0000]` of the common log format.

use crate::time::{Time, days_from_civil};

/// Reads common-log-format times. Neighbouring lines share their minute and zone, so the last ones read are kept.
#[derive(Default, Clone, Debug)]
pub struct Clock {
    minute: [u8; 17],
    zone: [u8; 5],
    /// Milliseconds of `minute` in `zone`, in UTC.
    base: i64,
}

impl Clock {
    /// Reads `22/Nov/2026:06:39:53 +0000` from the beginning of `text`; `None` if it is no such time.
    #[inline]
    pub fn read(&mut self, text: &[u8]) -> Option<Time> {
        let text: &[u8; 26] = text.first_chunk()?;
        let (minute, rest) = text.split_first_chunk::<17>()?;
        let (secs, zone) = rest.split_first_chunk::<4>()?;
        let zone: &[u8; 5] = zone.try_into().ok()?;
        if *minute != self.minute || *zone != self.zone {
            self.base = minute_in_zone(minute, zone)?;
            (self.minute, self.zone) = (*minute, *zone);
        }
        let (a, b) = (secs[1].wrapping_sub(b'0'), secs[2].wrapping_sub(b'0'));
        if secs[0] != b':' || secs[3] != b' ' || a > 6 || b > 9 {
            return None;
        }
        Some(Time::from_millis(self.base + i64::from(a * 10 + b) * 1000))
    }
}

fn minute_in_zone(minute: &[u8; 17], zone: &[u8; 5]) -> Option<i64> {
    let [d1, d2, b'/', m1, m2, m3, b'/', y1, y2, y3, y4, b':', h1, h2, b':', i1, i2] = *minute else {
        return None;
    };
    let month = match [m1, m2, m3] {
        [b'J', b'a', b'n'] => 1,
        [b'F', b'e', b'b'] => 2,
        [b'M', b'a', b'r'] => 3,
        [b'A', b'p', b'r'] => 4,
        [b'M', b'a', b'y'] => 5,
        [b'J', b'u', b'n'] => 6,
        [b'J', b'u', b'l'] => 7,
        [b'A', b'u', b'g'] => 8,
        [b'S', b'e', b'p'] => 9,
        [b'O', b'c', b't'] => 10,
        [b'N', b'o', b'v'] => 11,
        [b'D', b'e', b'c'] => 12,
        _ => return None,
    };
    let number =
        |digits: &[u8]| digits.iter().try_fold(0i64, |n, &b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')));
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
}
