//! The query of an announce.

use super::passkey::TrackerPath;
use super::{Announce, Event, Field, Reason, escape};

/// Reads the query of an announce. Of a parameter that comes twice the last one counts, as with most trackers.
/// A second `?` separates like `&`: some trackers' announce URLs end in `?passkey=KEY` and clients append `?info_hash=`.
///
/// Info hash and peer id are only checked, not decoded: that is done once for each spelling, not for each line.
///
/// # Errors
/// What is missing or cannot be read.
#[inline]
pub fn announce<'a>(tracker: &TrackerPath<'a>) -> Result<Announce<'a>, Reason> {
    let mut announce = Announce { passkey: tracker.passkey, ..Announce::default() };
    let mut readable = [false; 2];
    let mut numbers = [Number::Missing; 3];
    let mut query_key: Option<(u8, &[u8])> = None;

    let query = tracker.query;
    let mut at = 0;
    // Only the first parameter, the announce URL's own, can end in a second `?`.
    if !query.starts_with(b"info_hash=") && separator_of_first(query) == b'?' {
        at = value_end(query, 0, b'?');
        note_other(&mut query_key, tracker, &query[..at]);
        at += 1;
    }
    while at < query.len() {
        let name = word(query, at);
        let counter = match name {
            INFO_HASH if query[at + 8..].starts_with(b"h=") => {
                let value = at + 10;
                at = take(query, value, &mut announce.info_hash);
                readable[0] = escape::is_20_bytes(&query[value..], announce.info_hash.len());
                continue;
            }
            PEER_ID => {
                at = take(query, at + 8, &mut announce.peer_id);
                readable[1] = escape::is_short(announce.peer_id);
                continue;
            }
            UPLOADED if query.get(at + 8) == Some(&b'=') => Some((0, at + 9)),
            DOWNLOADED if query[at + 8..].starts_with(b"ed=") => Some((1, at + 11)),
            _ if name & mask(5) == LEFT => Some((2, at + 5)),
            _ => None,
        };
        if let Some((which, value)) = counter {
            (numbers[which], at) = number(query, value);
            continue;
        }
        if name & mask(4) == KEY {
            at = take(query, at + 4, &mut announce.key);
        } else if name & mask(6) == EVENT {
            let mut event: &[u8] = b"";
            at = take(query, at + 6, &mut event);
            announce.event = Event::of(event);
        } else {
            let end = value_end(query, at, b'&');
            if tracker.passkey.is_none() {
                note_other(&mut query_key, tracker, &query[at..end]);
            }
            at = end + 1;
        }
    }
    if let Some((rank, value)) = query_key {
        announce.passkey = Some(user_of(rank, value));
    }
    match numbers {
        [Number::Is(uploaded), Number::Is(downloaded), Number::Is(left)] if readable == [true; 2] => {
            Ok(Announce { uploaded, downloaded, left, ..announce })
        }
        _ => Err(reason(&announce, numbers)),
    }
}

/// Why an announce cannot be used: the first of its fields that is missing or unreadable.
#[cold]
fn reason(announce: &Announce<'_>, numbers: [Number; 3]) -> Reason {
    if let Err(reason) = announce.decode() {
        return reason;
    }
    let fields = [Field::Uploaded, Field::Downloaded, Field::Left];
    let at = numbers.iter().position(|number| !matches!(number, Number::Is(_))).unwrap_or_default();
    match numbers[at] {
        Number::Missing => Reason::Missing(fields[at]),
        _ => Reason::Unreadable(fields[at]),
    }
}

// Parameters are told apart by their first eight letters at once.
const INFO_HASH: u64 = u64::from_le_bytes(*b"info_has");
const PEER_ID: u64 = u64::from_le_bytes(*b"peer_id=");
const UPLOADED: u64 = u64::from_le_bytes(*b"uploaded");
const DOWNLOADED: u64 = u64::from_le_bytes(*b"download");
const LEFT: u64 = u64::from_le_bytes(*b"left=\0\0\0");
const KEY: u64 = u64::from_le_bytes(*b"key=\0\0\0\0");
const EVENT: u64 = u64::from_le_bytes(*b"event=\0\0");

/// The first so many bytes of a word.
const fn mask(bytes: u32) -> u64 {
    (1 << (8 * bytes)) - 1
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// Eight bytes from `at` on, the first one lowest; zeros behind the end.
#[inline(always)]
fn word(text: &[u8], at: usize) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    rest.first_chunk().map_or_else(|| short_word(rest), |bytes| u64::from_le_bytes(*bytes))
}

#[cold]
fn short_word(text: &[u8]) -> u64 {
    text.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Where the first `end` from `at` on is, or the end of the text. Eight bytes at a time: most values are too short for
/// anything wider to pay.
#[inline]
fn value_end(text: &[u8], mut at: usize, end: u8) -> usize {
    while at < text.len() {
        let word = word(text, at) ^ (ONES * u64::from(end));
        let found = word.wrapping_sub(ONES) & !word & HIGHS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    text.len()
}

/// Takes the value that begins at `at`. Returns where the next parameter begins.
#[inline(always)]
fn take<'a>(query: &'a [u8], at: usize, into: &mut &'a [u8]) -> usize {
    let end = value_end(query, at, b'&');
    *into = query.get(at..end).unwrap_or_default();
    end + 1
}

/// What a parameter that should be a number is.
#[derive(Clone, Copy)]
enum Number {
    Missing,
    Unreadable,
    Is(u64),
}

/// Reads a whole number of at most 64 bits at `at`, and says where the next parameter begins. It takes two words whatever
/// their length: a branch on the length would be guessed wrong too often.
#[inline(always)]
fn number(query: &[u8], at: usize) -> (Number, usize) {
    const TENS: [u64; 9] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
    let (high, first) = digits(word(query, at));
    let (low, second) = digits(word(query, at + first));
    let end = at + first + second;
    if first > 0 && second < 8 && query.get(end).is_none_or(|b| *b == b'&') {
        return (Number::Is(high * TENS[second] + low), end + 1);
    }
    long_number(query, at)
}

/// The digits that a word begins with, as a number, and how many they are.
#[inline(always)]
fn digits(word: u64) -> (u64, usize) {
    let values = word ^ (ONES * u64::from(b'0'));
    // A byte above 9 has its high bit set afterwards, or had it before.
    let others = (values.wrapping_add(ONES * 0x76) | values) & HIGHS;
    let count = others.trailing_zeros() as usize / 8;
    if count == 0 {
        return (0, 0);
    }
    let values = values << (64 - 8 * count);
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    (fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff, count)
}

/// Reads what is longer than two words, or no number.
#[cold]
fn long_number(query: &[u8], at: usize) -> (Number, usize) {
    let mut value: &[u8] = b"";
    let next = take(query, at, &mut value);
    let add = |n: u64, b: &u8| n.checked_mul(10)?.checked_add(b.is_ascii_digit().then(|| u64::from(b - b'0'))?);
    let number = value.iter().try_fold(0, add);
    let number = if value.is_empty() { Number::Missing } else { number.map_or(Number::Unreadable, Number::Is) };
    (number, next)
}

/// `?` if the first parameter ends in one, else `&`.
fn separator_of_first(query: &[u8]) -> u8 {
    memchr::memchr2(b'&', b'?', query).map_or(b'&', |at| query[at])
}

/// The parameters that hold a passkey, surest first.
const PASSKEYS: [&[u8]; 5] = [b"passkey", b"torrent_pass", b"authkey", b"uk", b"pid"];

/// Whether a parameter of that name holds a passkey.
pub fn is_passkey_name(name: &[u8]) -> bool {
    PASSKEYS.contains(&name)
}

/// Notes the passkey that a parameter holds, if there is no surer one.
#[cold]
fn note_other<'a>(best: &mut Option<(u8, &'a [u8])>, tracker: &TrackerPath<'_>, part: &'a [u8]) {
    if tracker.passkey.is_none()
        && let Some((rank, value)) = passkey_parameter(part)
        && best.is_none_or(|(best, _)| rank <= best)
    {
        *best = Some((rank, value));
    }
}

/// The passkey in a query, if a parameter holds one.
pub fn passkey(query: &[u8]) -> Option<&[u8]> {
    let parts = query.split(|b| matches!(b, b'&' | b'?')).filter_map(passkey_parameter);
    parts.min_by_key(|(rank, _)| *rank).map(|(_, value)| value)
}

/// A passkey in a parameter, and how sure that is.
fn passkey_parameter(part: &[u8]) -> Option<(u8, &[u8])> {
    let at = memchr::memchr(b'=', part)?;
    let (name, value) = (&part[..at], &part[at + 1..]);
    let rank = PASSKEYS.iter().position(|p| *p == name).filter(|_| !value.is_empty())?;
    Some((rank as u8, value))
}

/// Who a passkey parameter names: an `authkey` may be `torrent|user|hash`, another one for every torrent.
fn user_of(rank: u8, value: &[u8]) -> &[u8] {
    if PASSKEYS[usize::from(rank)] != b"authkey" {
        return value;
    }
    let bar = |text: &[u8]| {
        let plain = memchr::memchr(b'|', text).map(|at| (at, 1));
        let escaped =
            memchr::memmem::find(text, b"%7C").or_else(|| memchr::memmem::find(text, b"%7c")).map(|at| (at, 3));
        plain.or(escaped)
    };
    let user = bar(value).and_then(|(at, len)| {
        let rest = &value[at + len..];
        bar(rest).map(|(end, _)| &rest[..end])
    });
    user.filter(|u| !u.is_empty()).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::super::passkey::tracker_path;
    use super::*;

    fn read(target: &str) -> Result<Announce<'_>, Reason> {
        announce(&tracker_path(target.as_bytes()).expect("a tracker's path"))
    }

    const REST: &str = "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-TR3000-bbbbbbbbbbbb&uploaded=1&downloaded=2&left=3";

    #[test]
    fn passkeys_in_queries() {
        for (front, expected) in [
            ("/announce.php?passkey=K1&", "K1"),
            ("/announce.php?passkey=K1?", "K1"),
            ("/announce?torrent_pass=K2&", "K2"),
            ("/announce?pid=9&uk=K3&", "K3"),
            ("/announce.php?authkey=77%7C4711%7Cabcdef&", "4711"),
            ("/announce.php?authkey=abcdef&", "abcdef"),
        ] {
            let target = format!("{front}{REST}");
            assert_eq!(read(&target).unwrap().passkey, Some(expected.as_bytes()), "{target}");
        }
        assert_eq!(read(&format!("/announce?{REST}")).unwrap().passkey, None);
    }

    #[test]
    fn broken_numbers_are_named() {
        for (value, ok) in [
            ("18446744073709551615", true),
            ("18446744073709551616", false),
            ("00000000000000000000000007", true),
            ("-1", false),
            ("+1", false),
            ("nan", false),
            ("1e9", false),
            ("0x10", false),
        ] {
            let result = read(&format!("/announce?{REST}&left={value}").replace("left=3&", "")).map(|a| a.left);
            assert_eq!(result.is_ok(), ok, "{value}: {result:?}");
        }
        assert_eq!(read("/announce?peer_id=x").unwrap_err(), Reason::Missing(Field::InfoHash));
        assert_eq!(read(&format!("/announce?{REST}&uploaded=")).unwrap_err(), Reason::Missing(Field::Uploaded));
    }
}
