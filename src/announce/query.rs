//! The query of an announce.

use super::passkey::TrackerPath;
use super::{Announce, Event, Field, InfoHash, Reason, escape};

/// Reads the query of an announce. Of a parameter that comes twice the last one counts, as with most trackers.
/// A second `?` separates like `&`: some trackers' announce URLs end in `?passkey=KEY` and clients append `?info_hash=`.
///
/// # Errors
/// What is missing or cannot be read.
#[inline]
pub fn announce<'a>(tracker: &TrackerPath<'a>) -> Result<Announce<'a>, Reason> {
    let mut info_hash = Err(Reason::Missing(Field::InfoHash));
    let mut peer_id = Err(Reason::Missing(Field::PeerId));
    let mut uploaded = Err(Reason::Missing(Field::Uploaded));
    let mut downloaded = Err(Reason::Missing(Field::Downloaded));
    let mut left = Err(Reason::Missing(Field::Left));
    let mut key: &[u8] = b"";
    let mut event = Event::None;
    let (mut raw_info_hash, mut raw_peer_id): (&[u8], &[u8]) = (b"", b"");
    let mut query_key: Option<(u8, &[u8])> = None;

    let mut rest = tracker.query;
    // Only the first parameter, the announce URL's own, can end in a second `?`.
    let mut end = if rest.starts_with(b"info_hash=") { b'&' } else { separator_of_first(rest) };
    while !rest.is_empty() {
        // What is needed is decoded while its end is looked for; the rest is skipped.
        let read = match Needed::at(rest) {
            Some((Needed::InfoHash, value)) => {
                let rest = needed(&mut info_hash, Field::InfoHash, value, escape::decode_20(value, end), end);
                raw_info_hash = &value[..value.len() - rest.len()];
                rest
            }
            Some((Needed::PeerId, value)) => {
                let rest = needed(&mut peer_id, Field::PeerId, value, escape::decode(value, end), end);
                raw_peer_id = &value[..value.len() - rest.len()];
                rest
            }
            Some((Needed::Uploaded, value)) => needed(&mut uploaded, Field::Uploaded, value, number(value, end), end),
            Some((Needed::Downloaded, value)) => {
                needed(&mut downloaded, Field::Downloaded, value, number(value, end), end)
            }
            Some((Needed::Left, value)) => needed(&mut left, Field::Left, value, number(value, end), end),
            None => {
                let part = &rest[..length(rest, end)];
                match part {
                    [b'k', b'e', b'y', b'=', value @ ..] => key = value,
                    [b'e', b'v', b'e', b'n', b't', b'=', value @ ..] => event = Event::of(value),
                    _ if tracker.passkey.is_none() => {
                        if let Some((rank, value)) = passkey_parameter(part)
                            && query_key.is_none_or(|(best, _)| rank <= best)
                        {
                            query_key = Some((rank, value));
                        }
                    }
                    _ => {}
                }
                &rest[part.len()..]
            }
        };
        rest = read.get(1..).unwrap_or_default();
        end = b'&';
    }
    Ok(Announce {
        passkey: tracker.passkey.or_else(|| query_key.map(|(rank, value)| user_of(rank, value))),
        info_hash: InfoHash(info_hash?),
        raw_info_hash,
        peer_id: peer_id?,
        raw_peer_id,
        key,
        event,
        uploaded: uploaded?,
        downloaded: downloaded?,
        left: left?,
    })
}

/// The parameters that are needed.
enum Needed {
    InfoHash,
    PeerId,
    Uploaded,
    Downloaded,
    Left,
}

impl Needed {
    /// Which of them the text begins with, and what comes behind its `=`. Five bytes tell them from all others but those
    /// that nobody sends, so that one look suffices for the many parameters that are not needed.
    #[inline(always)]
    fn at(text: &[u8]) -> Option<(Needed, &[u8])> {
        match text.first_chunk::<5>()? {
            b"info_" => text.strip_prefix(b"info_hash=").map(|value| (Needed::InfoHash, value)),
            b"peer_" => text.strip_prefix(b"peer_id=").map(|value| (Needed::PeerId, value)),
            b"uploa" => text.strip_prefix(b"uploaded=").map(|value| (Needed::Uploaded, value)),
            b"downl" => text.strip_prefix(b"downloaded=").map(|value| (Needed::Downloaded, value)),
            b"left=" => Some((Needed::Left, &text[5..])),
            _ => None,
        }
    }
}

/// How long a value is, up to `end`.
fn length(text: &[u8], end: u8) -> usize {
    memchr::memchr(end, text).unwrap_or(text.len())
}

/// Keeps what was decoded of a needed field, or why it could not be. Returns what comes behind the value.
#[inline(always)]
fn needed<'a, T>(
    slot: &mut Result<T, Reason>,
    field: Field,
    value: &'a [u8],
    decoded: Option<(T, usize)>,
    end: u8,
) -> &'a [u8] {
    match decoded {
        Some((decoded, len)) if len > 0 => {
            *slot = Ok(decoded);
            &value[len..]
        }
        _ => {
            let len = length(value, end);
            *slot = Err(if len == 0 { Reason::Missing(field) } else { Reason::Unreadable(field) });
            &value[len..]
        }
    }
}

/// `?` if the first parameter ends in one, else `&`.
fn separator_of_first(query: &[u8]) -> u8 {
    memchr::memchr2(b'&', b'?', query).map_or(b'&', |at| query[at])
}

/// The parameters that hold a passkey, surest first.
const PASSKEYS: [&[u8]; 5] = [b"passkey", b"torrent_pass", b"authkey", b"uk", b"pid"];

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

/// A whole number of at most 64 bits that ends at `end` or with the text, and how long it is as written.
#[inline]
fn number(text: &[u8], end: u8) -> Option<(u64, usize)> {
    let mut n = 0u64;
    let mut at = 0;
    while let Some(&b) = text.get(at).filter(|b| **b != end) {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Fewer digits cannot overflow.
        n = if at < 19 { n * 10 + u64::from(digit) } else { n.checked_mul(10)?.checked_add(digit.into())? };
        at += 1;
    }
    Some((n, at))
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
