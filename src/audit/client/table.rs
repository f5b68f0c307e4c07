//! What is known of clients: the rows of `clients.tsv`.

use std::fmt;
use std::sync::LazyLock;

/// A version, in numbers: zeros behind it make no difference.
pub type Version = [u16; 4];

/// How one program writes its announces, in a range of versions.
#[derive(Debug)]
pub struct Row {
    prefix: &'static [u8],
    from: Version,
    to: (Version, usize),
    /// Name, and whether it may be missing; empty if any order will do.
    order: Vec<(&'static [u8], bool)>,
    keys: Vec<Key>,
    /// Escapes are in upper case (`Some(true)`), in lower case, or either.
    pub upper: Option<bool>,
    /// Bytes that it does not escape, and those that it does; bits as in [`crate::announce::SPECIALS`].
    pub raw: u16,
    pub escaped: u16,
    /// While it takes part, and when it stops.
    numwant: Option<[Vec<&'static [u8]>; 2]>,
    pub scope: Scope,
    pub check: PeerIdCheck,
    agents: Vec<&'static str>,
}

/// What a peer id belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    Torrent,
    /// A torrent, if the user agent names a libtorrent that does it so.
    ByAgent,
    Unknown,
}

/// What can be checked in a peer id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PeerIdCheck {
    Sum36,
    Build,
    None,
}

/// How a key is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Key {
    /// Letters in upper case; padded with zeros to eight.
    Hex {
        upper: bool,
        padded: bool,
    },
    Decimal,
    Alphanumeric,
    Tail,
    None,
    Any,
}

/// How a key agrees with a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyFit {
    /// It is written so.
    Fits,
    /// Only its zeros in front are not as they should be.
    Zeros,
    /// It is another kind of key.
    Other,
}

/// How a user agent agrees with a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AgentFit {
    Fits,
    /// The program, but another version.
    Version,
    Other,
    /// The row says nothing.
    Unjudged,
}

/// Every row.
pub static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let rows = parse(include_str!("clients.tsv"));
    // A test sees to it that every row can be read; one that cannot judges nobody.
    rows.into_iter().filter_map(Result::ok).collect()
});

/// A row that cannot be read.
#[derive(Debug)]
pub struct BadRow {
    line: usize,
    column: &'static str,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "clients.tsv, line {}: {} cannot be read", self.line, self.column)
    }
}

/// The row of a client, by its place.
pub fn row_of(peer_id: &[u8], version: Version) -> Option<usize> {
    let fits = |row: &Row| {
        let (to, parts) = row.to;
        peer_id.starts_with(row.prefix) && version >= row.from && version[..parts] <= to[..parts]
    };
    ROWS.iter().position(fits)
}

/// The numbers that a text begins with, dots between them; what is in front of the first digit does not count.
pub fn version(text: &str) -> Version {
    let start = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    leading_version(&text[start..]).0
}

/// A version that a text begins with, how many numbers it has, and the rest of the text.
fn leading_version(text: &str) -> (Version, usize, &str) {
    let (mut version, mut parts, mut rest) = (Version::default(), 0, text);
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || parts == version.len() {
            return (version, parts, rest);
        }
        version[parts] = rest[..digits].parse().unwrap_or(u16::MAX);
        parts += 1;
        rest = &rest[digits..];
        match rest.strip_prefix('.') {
            Some(more) if more.starts_with(|c: char| c.is_ascii_digit()) => rest = more,
            _ => return (version, parts, rest),
        }
    }
}

fn parse(text: &'static str) -> Vec<Result<Row, BadRow>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(at, line)| row(line).map_err(|column| BadRow { line: at + 1, column })).collect()
}

/// Reads a row, or says which column cannot be read.
fn row(line: &'static str) -> Result<Row, &'static str> {
    let columns: Vec<&'static str> = line.split('\t').collect();
    let [prefix, from, to, order, key, case, raw, either, numwant, scope, check, agent] = columns[..] else {
        return Err("the number of columns");
    };
    let range = |text: &'static str| match leading_version(text) {
        (version, parts, "") if parts > 0 => Some((version, parts)),
        _ => None,
    };
    Ok(Row {
        prefix: Some(prefix.as_bytes()).filter(|prefix| prefix.len() >= 3).ok_or("prefix")?,
        from: range(from).ok_or("from")?.0,
        to: range(to).ok_or("to")?,
        order: order_of(order).ok_or("order")?,
        keys: key.split('|').map(key_of).collect::<Option<_>>().ok_or("key")?,
        upper: match case {
            "upper" => Some(true),
            "lower" => Some(false),
            "*" => None,
            _ => return Err("case"),
        },
        raw: bits(raw).ok_or("raw")?,
        escaped: if raw == "*" { 0 } else { !(bits(raw).ok_or("raw")? | bits(either).ok_or("either")?) },
        numwant: match numwant.split_once('/') {
            _ if numwant == "*" => None,
            Some((on, off)) => Some([on, off].map(|list| list.split(',').map(str::as_bytes).collect())),
            None => return Err("numwant"),
        },
        scope: match scope {
            "torrent" => Scope::Torrent,
            "agent" => Scope::ByAgent,
            "*" => Scope::Unknown,
            _ => return Err("scope"),
        },
        check: match check {
            "sum36" => PeerIdCheck::Sum36,
            "build" => PeerIdCheck::Build,
            "*" => PeerIdCheck::None,
            _ => return Err("check"),
        },
        agents: if agent == "*" { Vec::new() } else { agent.split('|').collect() },
    })
}

fn order_of(text: &'static str) -> Option<Vec<(&'static [u8], bool)>> {
    if text == "*" {
        return Some(Vec::new());
    }
    let name = |name: &'static str| match name.strip_prefix('[') {
        Some(inner) => Some((inner.strip_suffix(']')?.as_bytes(), true)),
        None => (!name.is_empty()).then_some((name.as_bytes(), false)),
    };
    text.split(' ').map(name).collect()
}

fn key_of(text: &str) -> Option<Key> {
    Some(match text {
        "%08X" => Key::Hex { upper: true, padded: true },
        "%X" => Key::Hex { upper: true, padded: false },
        "%08x" => Key::Hex { upper: false, padded: true },
        "%x" => Key::Hex { upper: false, padded: false },
        "%u" => Key::Decimal,
        "alnum8" => Key::Alphanumeric,
        "tail" => Key::Tail,
        "none" => Key::None,
        "*" => Key::Any,
        _ => return None,
    })
}

/// The bits of special bytes; `*` and nothing are none.
fn bits(text: &str) -> Option<u16> {
    if text == "*" {
        return Some(0);
    }
    let bit = |byte: u8| crate::announce::SPECIALS.iter().position(|special| *special == byte).map(|at| 1 << at);
    text.bytes().try_fold(0, |bits, byte| Some(bits | bit(byte)?))
}

impl Row {
    /// Whether parameters in this order are from this client; `None` if that cannot be said.
    pub fn order_fits(&self, order: &[u8]) -> Option<bool> {
        if self.order.is_empty() {
            return None;
        }
        // Trackers give ids out, and clients echo them wherever they like.
        let mut names = order.split(|b| *b == b' ').filter(|name| *name != b"trackerid").peekable();
        for (name, may_be_missing) in &self.order {
            if names.peek() == Some(name) {
                names.next();
            } else if !may_be_missing {
                return Some(false);
            }
        }
        Some(names.next().is_none())
    }

    /// How a key agrees, as [`crate::announce::Form`] describes it; `None` if the row does not say.
    pub fn key_fit(&self, form: &[u8]) -> Option<KeyFit> {
        if self.keys.contains(&Key::Any) {
            return None;
        }
        let fits = self.keys.iter().map(|key| key.fit(form));
        Some(fits.min_by_key(|fit| *fit as u8).unwrap_or(KeyFit::Fits))
    }

    /// Whether keys of this client are padded with zeros; `None` if that is not known, or they are not numbers.
    pub fn keys_are_padded(&self) -> Option<bool> {
        let mut padded = self.keys.iter().map(|key| match key {
            Key::Hex { padded, .. } => Some(*padded),
            _ => None,
        });
        let first = padded.next().flatten()?;
        padded.all(|other| other == Some(first)).then_some(first)
    }

    /// Whether it asks for so many people (`80`, or `0s` when it stops); `None` if that is not known.
    pub fn numwant_fits(&self, numwant: &[u8]) -> Option<bool> {
        let [on, off] = self.numwant.as_ref()?;
        if numwant.is_empty() {
            // A parameter that is missing is the order's business.
            return None;
        }
        Some(match numwant.strip_suffix(b"s") {
            Some(value) => off.contains(&value),
            None => on.contains(&numwant),
        })
    }

    /// How a user agent agrees with a peer id of that version.
    pub fn agent_fit(&self, agent: &[u8], version: Version) -> AgentFit {
        if self.agents.is_empty() || agent.is_empty() {
            return AgentFit::Unjudged;
        }
        let Ok(agent) = std::str::from_utf8(agent) else { return AgentFit::Other };
        if self.agents.iter().any(|pattern| matches(pattern, agent, Some(version))) {
            AgentFit::Fits
        } else if self.agents.iter().any(|pattern| matches(pattern, agent, None)) {
            AgentFit::Version
        } else {
            AgentFit::Other
        }
    }
}

impl Key {
    fn fit(self, form: &[u8]) -> KeyFit {
        let (kind, len, zero) = match *form {
            [kind, a @ b'0'..=b'9', b @ b'0'..=b'9', ref rest @ ..] => (kind, (a - b'0') * 10 + b - b'0', rest == b"z"),
            _ => (0, 0, false),
        };
        let fits = match self {
            Key::Hex { upper, padded } => {
                let letters = kind == b'd' || kind == if upper { b'X' } else { b'x' };
                return match letters && (1..=8).contains(&len) {
                    true if padded && len == 8 || !padded && !zero => KeyFit::Fits,
                    true => KeyFit::Zeros,
                    false => KeyFit::Other,
                };
            }
            Key::Decimal => kind == b'd' && len <= 10 && !zero,
            Key::Alphanumeric => len == 8 && matches!(kind, b'd' | b'x' | b'X' | b'a' | b'A' | b'm'),
            Key::Tail => form == b"tail",
            Key::None => form == b"none",
            Key::Any => true,
        };
        if fits { KeyFit::Fits } else { KeyFit::Other }
    }
}

/// Whether a text is as a pattern says; with any version in it if none is given.
fn matches(pattern: &str, text: &str, wanted: Option<Version>) -> bool {
    if let Some(rest) = pattern.strip_prefix("{v}") {
        let (version, parts, behind) = leading_version(text);
        parts > 0 && wanted.is_none_or(|wanted| wanted == version) && matches(rest, behind, wanted)
    } else if let Some(rest) = pattern.strip_prefix("{n}") {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && matches(rest, &text[digits..], wanted)
    } else if let Some(rest) = pattern.strip_prefix('*') {
        text.char_indices().any(|(at, _)| matches(rest, &text[at..], wanted)) || matches(rest, "", wanted)
    } else if let Some(literal) = pattern.chars().next() {
        text.strip_prefix(literal).is_some_and(|behind| matches(&pattern[literal.len_utf8()..], behind, wanted))
    } else {
        text.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_can_be_read() {
        for row in parse(include_str!("clients.tsv")) {
            let row = row.unwrap_or_else(|bad| panic!("{bad}"));
            assert!(row.from <= row.to.0 || row.from[..row.to.1] <= row.to.0[..row.to.1], "{row:?}");
            assert_eq!(row.raw & row.escaped, 0, "{row:?}");
        }
        assert!(ROWS.len() > 15);
        for bad in ["", "-qB\t4", "-qB\tx\t5\t*\t*\t*\t*\t\t*\t*\t*\t*", "-qB\t4\t5\t[a\t*\t*\t*\t\t*\t*\t*\t*"] {
            assert!(row(bad).is_err(), "{bad}");
        }
    }

    fn row_for(peer_id: &str, of: &str) -> Option<&'static Row> {
        row_of(peer_id.as_bytes(), version(of)).map(|at| &ROWS[at])
    }

    #[test]
    fn versions_find_their_rows() {
        assert_eq!(
            (version("(libtorrent 0.13.8)"), version("3.00"), version("")),
            ([0, 13, 8, 0], [3, 0, 0, 0], [0; 4])
        );
        assert_eq!(row_for("-TR4030-", "4.0.3").map(|row| row.keys[0]), Some(Key::Decimal));
        assert_eq!(row_for("-TR4040-", "4.0.4").map(|row| row.keys[0]), Some(Key::Hex { upper: true, padded: true }));
        assert_eq!(row_for("-TR2940-", "2.94").map(|row| row.keys[0]), Some(Key::Hex { upper: false, padded: false }));
        assert_eq!(row_for("-qB4120-", "4.1.2").map(|row| row.scope), Some(Scope::Unknown));
        assert_eq!(row_for("-qB5100-", "5.1").map(|row| row.scope), Some(Scope::Torrent));
        for (peer_id, of) in [("-qB6000-", "6"), ("-TR1320-", "1.32"), ("-TR5000-", "5.0"), ("-XX0000-", "")] {
            assert!(row_for(peer_id, of).is_none(), "{peer_id} is not known");
        }
    }

    #[test]
    fn orders_keys_and_numbers() {
        let row = row_for("-TR4060-", "4.0.6").expect("it is there");
        let order = b"info_hash peer_id port uploaded downloaded left numwant key compact=1 supportcrypto=1";
        assert_eq!(row.order_fits(order), Some(true));
        assert_eq!(row.order_fits(&[&order[..], b" event trackerid"].concat()), Some(true));
        assert_eq!(row.order_fits(&[&order[..], b" more"].concat()), Some(false));
        assert_eq!(row.order_fits(&order[10..]), Some(false));
        for (key, fit) in [
            ("X08", KeyFit::Fits),
            ("d08z", KeyFit::Fits),
            ("X07", KeyFit::Zeros),
            ("x08", KeyFit::Other),
            ("d10", KeyFit::Other),
            ("none", KeyFit::Other),
            ("", KeyFit::Other),
        ] {
            assert_eq!(row.key_fit(key.as_bytes()), Some(fit), "{key}");
        }
        let three = row_for("-TR3000-", "3.00").expect("it is there");
        assert_eq!(three.key_fit(b"x08z"), Some(KeyFit::Zeros));
        assert_eq!(three.keys_are_padded(), Some(false));
        for (numwant, fits) in
            [("80", Some(true)), ("0s", Some(true)), ("0", Some(false)), ("80s", Some(false)), ("", None)]
        {
            assert_eq!(row.numwant_fits(numwant.as_bytes()), fits, "{numwant}");
        }
    }

    #[test]
    fn agents() {
        let fit = |peer_id: &str, of: &str, agent: &str| {
            row_for(peer_id, of).expect("it is there").agent_fit(agent.as_bytes(), version(of))
        };
        assert_eq!(fit("-qB4600-", "4.6", "qBittorrent/4.6.0"), AgentFit::Fits);
        assert_eq!(fit("-qB4600-", "4.6", "qBittorrent/4.6.1"), AgentFit::Version);
        assert_eq!(fit("-qB4600-", "4.6", "Transmission/3.00"), AgentFit::Other);
        assert_eq!(fit("-qB4600-", "4.6", ""), AgentFit::Unjudged);
        assert_eq!(fit("-lt0D80-", "0.13.8", "rtorrent/0.9.8/0.13.8"), AgentFit::Fits);
        assert_eq!(fit("-DE13F0-", "1.3.15", "Deluge 1.3.15"), AgentFit::Fits);
        assert_eq!(fit("-UT355S-", "3.5.5", "uTorrent/355(111916176)(46096)"), AgentFit::Fits);
        assert_eq!(fit("-UT355S-", "3.5.5", "uTorrent/3.5.5(45271)"), AgentFit::Other);
        assert_eq!(fit("-TR4100-", "4.1", "Transmission/4.1.0-beta.1"), AgentFit::Fits);
    }
}
