//! The query of an announce.

use super::passkey::TrackerPath;
use super::{Announce, Event, Field, Reason};
use crate::scan;
use std::cmp::Reverse;

/// Reads the query of an announce. Of a parameter that comes twice the last one counts, as with most trackers.
/// A second `?` separates like `&`: some trackers' announce URLs end in `?passkey=KEY` and clients append `?info_hash=`.
///
/// Info hash and peer id are only found, not decoded: that is done once for each spelling, not for each line.
///
/// `text` begins with the query. What follows there does not matter, but the more does, the quicker the query is read: words go
/// beyond its end then.
///
/// # Errors
/// What is missing or cannot be read.
#[inline(always)]
pub fn announce<'a>(tracker: &TrackerPath<'a>, text: &'a [u8]) -> Result<Announce<'a>, Reason> {
    let query = tracker.query;
    // Only the first parameter, the announce URL's own, can end in a second `?`.
    let from = if query.starts_with(b"info_hash=") { 0 } else { end_of_passkey(query) };
    let mut found: Found = Default::default();
    if !parameters(text, from, query.len(), &mut found) {
        found = parameters_slowly(query, from);
    }
    let value = |which: usize| {
        let (begin, end) = found[which];
        query.get(begin as usize + NAMES[which].len()..end as usize).unwrap_or_default()
    };
    let announce = Announce {
        passkey: tracker.passkey.or_else(|| user_in(query)),
        info_hash: value(INFO_HASH),
        peer_id: value(PEER_ID),
        key: value(KEY),
        event: Event::of(value(EVENT)),
        ..Announce::default()
    };
    let numbers = [counter(query, &found, UPLOADED), counter(query, &found, DOWNLOADED), counter(query, &found, LEFT)];
    match numbers {
        [Number::Is(uploaded), Number::Is(downloaded), Number::Is(left)]
            if !announce.info_hash.is_empty() && !announce.peer_id.is_empty() =>
        {
            Ok(Announce { uploaded, downloaded, left, ..announce })
        }
        _ => Err(reason(&announce, numbers)),
    }
}

/// The parameters that an announce is made of. Other ones do not matter.
const NAMES: [&[u8]; 7] = [b"info_hash=", b"peer_id=", b"uploaded=", b"downloaded=", b"left=", b"key=", b"event="];
const INFO_HASH: usize = 0;
const PEER_ID: usize = 1;
const UPLOADED: usize = 2;
const DOWNLOADED: usize = 3;
const LEFT: usize = 4;
const KEY: usize = 5;
const EVENT: usize = 6;

/// Where each of [`NAMES`] stands, from its name to its value's end; twice 0 if it is not there. The last one is for all others.
type Found = [(u32, u32); NAMES.len() + 1];

/// Finds the parameters of the query that ends at `to`, the last one where a name comes twice. `false` if there are too many, or
/// names that only begin like these. What comes next in a query can hardly be foreseen, and a branch that is guessed wrong costs
/// as much as a dozen operations: so there are none.
#[inline(always)]
fn parameters(text: &[u8], from: usize, to: usize, found: &mut Found) -> bool {
    let mut ends = [0; 32];
    let Some(count) = scan::places(b'&', text, from..to, &mut ends) else { return false };
    let mut begin = from as u32;
    for &end in &ends[..count] {
        let first = scan::word(text, begin as usize).unwrap_or_else(|| last_word(text, begin as usize));
        let name = &BY_HASH[hash(first)];
        let which = std::hint::select_unpredictable(first & name.mask == name.word, name.which, NAMES.len());
        found[which] = (begin, end);
        begin = end + 1;
    }
    // The first eight characters are as they should be: so are all if the last eight are, too.
    let is_whole = |which: usize| {
        let ((begin, end), last) = (found[which], NAMES[which].len() - 8);
        end == 0 || scan::word(text, begin as usize + last) == scan::word(NAMES[which], last)
    };
    is_whole(INFO_HASH) && is_whole(UPLOADED) && is_whole(DOWNLOADED)
}

#[cold]
fn parameters_slowly(query: &[u8], from: usize) -> Found {
    let mut found: Found = Default::default();
    let mut begin = from;
    while begin < query.len() {
        let rest = &query[begin..];
        let end = begin + memchr::memchr(b'&', rest).unwrap_or(rest.len());
        if let Some(which) = NAMES.iter().position(|name| rest.starts_with(name)) {
            found[which] = (begin as u32, end as u32);
        }
        begin = end + 1;
    }
    found
}

/// How one of [`NAMES`] begins.
#[derive(Clone, Copy)]
struct Beginning {
    /// Its first eight characters.
    word: u64,
    /// Which bits of a word belong to it.
    mask: u64,
    which: usize,
}

impl Beginning {
    const fn of(which: usize) -> Beginning {
        let (mut word, mut mask, mut at) = (0, 0, 0);
        while at < 8 && at < NAMES[which].len() {
            word |= (NAMES[which][at] as u64) << (8 * at);
            mask |= 0xff << (8 * at);
            at += 1;
        }
        Beginning { word, mask, which }
    }
}

/// Tells the names apart by their first three letters.
#[inline(always)]
const fn hash(word: u64) -> usize {
    (((word as u32) << 8).wrapping_mul(FACTOR) >> 28) as usize
}

/// With this one no two names have the same hash.
const FACTOR: u32 = {
    let mut factor: u32 = 1;
    loop {
        let (mut taken, mut which, mut alone) = (0u32, 0, true);
        while which < NAMES.len() {
            let bit = 1 << (((Beginning::of(which).word as u32) << 8).wrapping_mul(factor) >> 28);
            alone &= taken & bit == 0;
            taken |= bit;
            which += 1;
        }
        if alone {
            break factor;
        }
        factor += 2;
    }
};

/// The names, each in the place of its hash. No word is as the others say.
static BY_HASH: [Beginning; 16] = {
    let mut names = [Beginning { word: u64::MAX, mask: 0, which: NAMES.len() }; 16];
    let mut which = 0;
    while which < NAMES.len() {
        let name = Beginning::of(which);
        names[hash(name.word)] = name;
        which += 1;
    }
    names
};

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

/// Eight bytes from `at` on as [`scan::word`] reads them, with zeros behind the end.
#[cold]
fn last_word(text: &[u8], at: usize) -> u64 {
    // The last eight, without those that come before.
    let before = (at + 8).saturating_sub(text.len()).min(8) as u32;
    let last = text.last_chunk().map_or_else(|| short_word(text), |bytes| u64::from_le_bytes(*bytes));
    last.checked_shr(8 * before).unwrap_or(0)
}

/// All of a text of less than eight bytes, the last one highest.
fn short_word(text: &[u8]) -> u64 {
    text.iter().rfold(0, |word, byte| word << 8 | u64::from(*byte)).checked_shl(64 - 8 * text.len() as u32).unwrap_or(0)
}

/// What a parameter that should be a number is.
#[derive(Clone, Copy)]
enum Number {
    Missing,
    Unreadable,
    Is(u64),
}

#[inline(always)]
fn counter(query: &[u8], found: &Found, which: usize) -> Number {
    match found[which] {
        (0, 0) => Number::Missing,
        (begin, end) => number(query, begin as usize + NAMES[which].len(), end as usize),
    }
}

/// Reads a whole number of at most 64 bits. Sixteen digits are read whatever its length: a branch on the length would be guessed
/// wrong too often.
#[inline(always)]
fn number(text: &[u8], from: usize, to: usize) -> Number {
    let len = to.wrapping_sub(from);
    let chunk: Option<&[u8; 16]> = text.get(..to).and_then(|text| text.last_chunk());
    match chunk.filter(|_| (1..=16).contains(&len)) {
        Some(chunk) => scan::digits(chunk, len).map_or(Number::Unreadable, Number::Is),
        None => long_number(&text[..to], from),
    }
}

/// Reads what is longer than that, stands too near the beginning, or is no number.
#[cold]
fn long_number(text: &[u8], from: usize) -> Number {
    let value = text.get(from..).unwrap_or_default();
    let add = |n: u64, b: &u8| n.checked_mul(10)?.checked_add(b.is_ascii_digit().then(|| u64::from(b - b'0'))?);
    let number = value.iter().try_fold(0, add);
    if value.is_empty() { Number::Missing } else { number.map_or(Number::Unreadable, Number::Is) }
}

/// Where the parameters begin: behind the first one and a `?` if that is how it ends.
fn end_of_passkey(query: &[u8]) -> usize {
    memchr::memchr2(b'&', b'?', query).filter(|&at| query[at] == b'?').map_or(0, |at| at + 1)
}

/// The parameters that hold a passkey, surest first.
const PASSKEYS: [&[u8]; 5] = [b"passkey", b"torrent_pass", b"authkey", b"uk", b"pid"];

/// Whether a parameter of that name holds a passkey.
pub fn is_passkey_name(name: &[u8]) -> bool {
    PASSKEYS.contains(&name)
}

/// The passkey in a query, if a parameter holds one.
pub fn passkey(query: &[u8]) -> Option<&[u8]> {
    surest(query).map(|(_, value)| value)
}

/// Who a query is of, if it tells by a parameter.
fn user_in(query: &[u8]) -> Option<&[u8]> {
    surest(query).map(|(rank, value)| user_of(rank, value))
}

/// The surest passkey in a query, and how sure that is; of several the last one.
fn surest(query: &[u8]) -> Option<(Reverse<usize>, &[u8])> {
    let holds = |part| {
        let at = memchr::memchr(b'=', part)?;
        let (name, value) = (&part[..at], &part[at + 1..]);
        let rank = PASSKEYS.iter().position(|passkey| *passkey == name).filter(|_| !value.is_empty())?;
        Some((Reverse(rank), value))
    };
    query.split(|b| matches!(b, b'&' | b'?')).filter_map(holds).max_by_key(|(rank, _)| *rank)
}

/// Who a passkey parameter names: an `authkey` may be `torrent|user|hash`, another one for every torrent.
fn user_of(Reverse(rank): Reverse<usize>, value: &[u8]) -> &[u8] {
    if PASSKEYS[rank] != b"authkey" {
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
        let tracker = tracker_path(target.as_bytes()).expect("a tracker's path");
        announce(&tracker, tracker.query)
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
