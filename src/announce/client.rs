//! Which program a peer id names (BEP 20 and what clients really send).

use std::fmt;

/// A client program, as its peer id names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Client {
    /// The program; `None` if the peer id follows no known convention.
    pub name: Option<&'static str>,
    /// Its version, if the peer id tells one.
    pub version: String,
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.unwrap_or("unknown"))?;
        if !self.version.is_empty() {
            write!(f, " {}", self.version)?;
        }
        Ok(())
    }
}

/// How the four characters after a program's two letters spell its version.
#[derive(Clone, Copy)]
enum Version {
    /// A digit each, trailing zeros dropped: `4520` is 4.5.2. Letters count on from 9.
    Digits,
    /// `3000` is 3.00, `1320` is 1.32, `0006` is 0.6 (Transmission).
    Transmission,
    /// Two digits each: `0300` is 3.0 (WebTorrent).
    Pairs,
    /// The version of the library, not of the program (rTorrent).
    Library,
}

use Version::{Digits, Library, Pairs, Transmission};

/// Two letters, program, spelling of the version.
const AZUREUS_STYLE: &[(&[u8; 2], &str, Version)] = &[
    (b"AG", "Ares", Digits),
    (b"AZ", "Azureus", Digits),
    (b"BC", "BitComet", Digits),
    (b"BI", "BiglyBT", Digits),
    (b"BT", "BitTorrent", Digits),
    (b"BW", "BitWombat", Digits),
    (b"CD", "CTorrent", Pairs),
    (b"CT", "CTorrent", Pairs),
    (b"DE", "Deluge", Digits),
    (b"DW", "DelugeWeb", Digits),
    (b"FD", "Free Download Manager", Digits),
    (b"FL", "Flud", Digits),
    (b"GT", "GetRight", Digits),
    (b"HL", "Halite", Digits),
    (b"KG", "KGet", Digits),
    (b"KT", "KTorrent", Digits),
    (b"LP", "Lphant", Digits),
    (b"LT", "libtorrent", Digits),
    (b"lt", "rTorrent", Library),
    (b"LW", "LimeWire", Digits),
    (b"MG", "MediaGet", Digits),
    (b"MO", "MonoTorrent", Digits),
    (b"PI", "PicoTorrent", Digits),
    (b"qB", "qBittorrent", Digits),
    (b"QD", "QQDownload", Digits),
    (b"RB", "RealBit", Digits),
    (b"rT", "rTorrent", Digits),
    (b"SD", "Thunder", Digits),
    (b"ST", "SymTorrent", Digits),
    (b"TL", "Tribler", Digits),
    (b"TR", "Transmission", Transmission),
    (b"UL", "uLeecher", Digits),
    (b"UM", "uTorrent Mac", Digits),
    (b"UT", "uTorrent", Digits),
    (b"UE", "uTorrent Embedded", Digits),
    (b"UW", "uTorrent Web", Digits),
    (b"VG", "Vagaa", Digits),
    (b"WW", "WebTorrent", Pairs),
    (b"WD", "WebTorrent Desktop", Pairs),
    (b"XL", "Xunlei", Digits),
    (b"XT", "XanTorrent", Digits),
    (b"XX", "Xtorrent", Digits),
    (b"ZO", "Zona", Digits),
    (b"rQ", "rqbit", Digits),
];

/// Prefixes of programs that go their own way; digits and dashes behind them are the version.
const OTHER_STYLES: &[(&[u8], &str)] = &[
    (b"A2-", "aria2"),
    (b"aria2-", "aria2"),
    (b"TIX", "Tixati"),
    (b"M", "BitTorrent"),
    (b"exbc", "BitComet"),
    (b"OP", "Opera"),
];

/// The program that a peer id names, and its version.
pub fn client_of(peer_id: &[u8]) -> Client {
    let Some(named) = named(peer_id) else { return Client { name: None, version: String::new() } };
    let version = match named.spelling {
        Some(spelling) => spell(named.version, spelling),
        None => dashed(named.version),
    };
    Client { name: Some(named.program), version }
}

/// The program that a peer id names; `None` if it follows no known convention.
pub fn program_of(peer_id: &[u8]) -> Option<&'static str> {
    named(peer_id).map(|named| named.program)
}

/// What a peer id says of its client.
struct Named<'a> {
    program: &'static str,
    /// The version, as it is spelled.
    version: &'a [u8],
    /// How; `None` for numbers and dashes.
    spelling: Option<Version>,
}

fn named(peer_id: &[u8]) -> Option<Named<'_>> {
    if let [b'-', a, b, version @ ..] = peer_id
        && version.len() >= 5
        && let Some((_, program, spelling)) = AZUREUS_STYLE.iter().find(|(letters, ..)| **letters == [*a, *b])
    {
        return Some(Named { program, version: &version[..4], spelling: Some(*spelling) });
    }
    OTHER_STYLES.iter().find_map(|(prefix, program)| {
        let version = peer_id.strip_prefix(*prefix)?;
        let begins = version.first().is_some_and(u8::is_ascii_digit);
        begins.then_some(Named { program, version, spelling: None })
    })
}

fn dashed(text: &[u8]) -> String {
    let end = text.iter().position(|b| !b.is_ascii_digit() && *b != b'-').unwrap_or(text.len());
    // aria2 writes four parts and a dash, and random bytes after them that may be digits too.
    let parts: Vec<_> = text[..end].split(|&b| b == b'-').take_while(|part| !part.is_empty()).take(3).collect();
    parts.iter().filter_map(|part| std::str::from_utf8(part).ok()).collect::<Vec<_>>().join(".")
}

fn spell(version: &[u8], spelling: Version) -> String {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(u32::from(b - b'0')),
        b'A'..=b'Z' => Some(u32::from(b - b'A') + 10),
        b'a'..=b'z' => Some(u32::from(b - b'a') + 36),
        _ => None,
    };
    // The fourth place is often a letter for the kind of release: `s` is stable, `B` beta.
    let places: Vec<u32> = match version {
        [head @ .., last] if !last.is_ascii_digit() => head.iter().map_while(|b| digit(*b)).collect(),
        all => all.iter().map_while(|b| digit(*b)).collect(),
    };
    match (spelling, &places[..]) {
        (Transmission, [0, 0, 0, minor]) => format!("0.{minor}"),
        (Transmission, [0, 0, major, minor]) => format!("0.{major}{minor}"),
        (Transmission, [major, minor, patch, ..]) if *major < 4 => format!("{major}.{minor}{patch}"),
        (Library, _) => format!("(libtorrent {})", spell(version, Digits)),
        (Pairs, [a, b, c, d]) => format!("{}.{}", a * 10 + b, c * 10 + d),
        _ => {
            let keep = places.iter().rposition(|&n| n != 0).map_or(2, |last| (last + 1).max(2)).min(places.len());
            places[..keep].iter().map(u32::to_string).collect::<Vec<_>>().join(".")
        }
    }
}

/// Seconds for which a client may be silent between two announces whatever interval the tracker asks for, as
/// observed: libtorrent never announces faster than every 300 s, rtorrent every 600 s, and aria2 falls silent for
/// minutes while it downloads.
pub fn usual_silence(peer_id: &[u8]) -> u32 {
    match program_of(peer_id) {
        Some("libtorrent" | "qBittorrent" | "Deluge") => 300,
        Some("rTorrent") => 600,
        Some("aria2") => 900,
        _ => 60,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_peer_ids() {
        for (peer_id, expected) in [
            (&b"-TR3000-e245f4ic4rta"[..], "Transmission 3.00"),
            (b"-TR1320-ph6nbw6phum2", "Transmission 1.32"),
            (b"-TR4060-ph6nbw6phum2", "Transmission 4.0.6"),
            (b"-qB4520-cSnr63534e72", "qBittorrent 4.5.2"),
            (b"-DE203s-QBCBQBCBQBCB", "Deluge 2.0.3"),
            (b"-LT2080-g.q(E15vt)TR", "libtorrent 2.0.8"),
            (b"-LT2110-g.q(E15vt)TR", "libtorrent 2.1.1"),
            (b"-lt0D80-\xba\x1d\x1c>\x18P\xae\xd9S#C\x80", "rTorrent (libtorrent 0.13.8)"),
            (b"-WW0300-abcdefghijkl", "WebTorrent 3.0"),
            (b"-CD0303-abcdefghijkl", "CTorrent 3.3"),
            (b"A2-1-36-0-B`\x95VK\xec\xef\xbf(\xf3", "aria2 1.36.0"),
            (b"M7-9-2--abcdefghijkl", "BitTorrent 7.9.2"),
            (b"-BI3210-abcdefghijkl", "BiglyBT 3.2.1"),
            (b"\x00\x01", "unknown"),
            (b"", "unknown"),
        ] {
            assert_eq!(client_of(peer_id).to_string(), expected);
        }
    }
}
