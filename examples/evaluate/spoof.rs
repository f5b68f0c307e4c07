//! What faking programs send: almost what the clients send that they pretend to be. Each differs as its source does.

use crate::clients::line::{Escape, LOWER, UPPER};
use crate::clients::programs::{
    ARIA2, Client, Families, Key, KeyForm, LETTERS_36, LIBTORRENT, Part, PeerId, QBITTORRENT, RTORRENT, Scope,
    TRANSMISSION, Tail, UTORRENT,
};
use crate::honest::{QBITTORRENT_467, TRANSMISSION_406, UTORRENT_355};

/// What happens when the tracker tells of no leecher.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// It goes on.
    None,
    /// It stops for good.
    Stops,
    Pauses,
}

/// A faking program.
pub struct Tool {
    pub name: &'static str,
    pub client: &'static Client,
    /// Uploads are multiples of this.
    pub quantum: u64,
    pub gate: Gate,
    /// Thousandths by which the rate varies from tick to tick.
    pub varies: u64,
    /// Can pretend to download.
    pub leeches: bool,
    /// Says that everything is missing.
    pub left_whole: bool,
    /// Tells what came since the last announce, not the sum.
    pub forgets_sum: bool,
    /// Every announce is a `started`.
    pub restarts: bool,
    /// Asks for the swarm's counts every minute.
    pub scrapes: bool,
    /// Comes, and leaves within seconds having uploaded the whole torrent.
    pub darts: bool,
}

const PLAIN: Tool = Tool {
    name: "",
    client: &QBITTORRENT_467,
    quantum: 1,
    gate: Gate::None,
    varies: 1,
    leeches: false,
    left_whole: false,
    forgets_sum: false,
    restarts: false,
    scrapes: false,
    darts: false,
};

static ALL_UPPER: Escape = Escape::new(b"", UPPER);
static ALL_LOWER: Escape = Escape::new(b"", LOWER);
static UNRESERVED_LOWER: Escape = Escape::new(b"-._~", LOWER);
static SLASH_UPPER: Escape = Escape::new(b"-._~/", UPPER);
/// One byte from the escapes so that every letter of a hash is escaped too.
static EVERYTHING: Escape = Escape::everything(UPPER);
const ALNUM: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// One peer id for all torrents, and a key without its zeros.
const JOAL_QBITTORRENT: Client = Client {
    peer_id: PeerId { scope: Scope::Run, ..QBITTORRENT_467.peer_id },
    key: Key { form: KeyForm::ShortUpperHex, scope: Scope::Torrent },
    families: Families::V4,
    partial_seeds: false,
    ..QBITTORRENT_467
};

/// Escapes what the real one leaves.
const JOAL_UTORRENT: Client =
    Client { escape: &ALL_LOWER, key: Key { form: KeyForm::ShortUpperHex, scope: Scope::Run }, ..UTORRENT_355 };

const JOAL_TRANSMISSION: Client =
    Client { escape: &ALL_LOWER, scrapes: false, stops_at_exit: true, families: Families::V4, ..TRANSMISSION };

/// The number of people asked for does not fall when it stops, and the two bytes after the prefix are no build number.
const RATIOMASTER_UTORRENT: Client = Client {
    agent: "uTorrent/3.3.2(30303)",
    query: &[
        Part::InfoHash,
        Part::PeerId,
        Part::Port,
        Part::Uploaded,
        Part::Downloaded,
        Part::Left,
        Part::Corrupt,
        Part::Key,
        Part::Event,
        Part::NumwantAlways(200),
        Part::Text("compact=1&no_peer_id=1&"),
    ],
    escape: &ALL_LOWER,
    peer_id: PeerId { prefix: b"-UT3320-w4", ..UTORRENT.peer_id },
    ..UTORRENT
};

const FREENITIAL_TRANSMISSION: Client = Client {
    escape: &UNRESERVED_LOWER,
    key: Key { form: KeyForm::LowerHex, scope: Scope::Torrent },
    scrapes: false,
    families: Families::V4,
    ..TRANSMISSION_406
};

const RATIOMASTER_RS: Client = Client {
    agent: "uTorrent/3.5.5(45271)",
    query: RATIOMASTER_UTORRENT.query,
    peer_id: PeerId { prefix: b"-UT355W-\xd7\xb0", ..UTORRENT.peer_id },
    key: Key { form: KeyForm::LowerHex, scope: Scope::Run },
    ..UTORRENT_355
};

/// The same order whatever it pretends to be, and every byte of the hash escaped.
const RUSTATIO: Client = Client {
    agent: "qBittorrent/4.6.5",
    query: &[
        Part::InfoHashAs(&EVERYTHING),
        Part::PeerId,
        Part::Port,
        Part::Uploaded,
        Part::Downloaded,
        Part::Left,
        Part::Text("compact=1&"),
        Part::Event,
        Part::NumwantAlways(50),
        Part::Key,
        Part::Text("supportcrypto=1&"),
    ],
    escape: &ALL_UPPER,
    peer_id: PeerId { prefix: b"-qB4650-", tail: Tail::Letters(ALNUM), ..QBITTORRENT.peer_id },
    families: Families::V4,
    partial_seeds: false,
    ..QBITTORRENT
};

const RATIO_SPOOF: Client = Client {
    agent: "qBittorrent/4.0.3",
    peer_id: PeerId { prefix: b"-qB4030-", ..QBITTORRENT.peer_id },
    families: Families::V4,
    partial_seeds: false,
    ..QBITTORRENT
};

/// Announces every minute, whatever the tracker asks.
const GHOSTSEED: Client = Client {
    agent: "qBittorrent/4.3.5",
    query: &[
        Part::InfoHashAs(&EVERYTHING),
        Part::PeerId,
        Part::Port,
        Part::Uploaded,
        Part::Downloaded,
        Part::Left,
        Part::Corrupt,
        Part::Key,
        Part::EventOrEmpty,
        Part::Numwant(200),
        Part::Text("compact=1&no_peer_id=1&"),
    ],
    peer_id: PeerId { prefix: b"-qB4350-", tail: Tail::Letters(LOWER), ..QBITTORRENT.peer_id },
    interval: 60,
    families: Families::V4,
    ..QBITTORRENT
};

/// A key in decimal, one peer id for all, and an `&` at the end.
const RATIOUP: Client = Client {
    query: &[
        Part::InfoHash,
        Part::PeerId,
        Part::Port,
        Part::Uploaded,
        Part::Downloaded,
        Part::Left,
        Part::Corrupt,
        Part::Key,
        Part::EventOrEmpty,
        Part::Numwant(200),
        Part::Text("compact=1&no_peer_id=1&supportcrypto=1&redundant=0&"),
        Part::Text("&"),
    ],
    peer_id: PeerId { scope: Scope::Run, ..QBITTORRENT.peer_id },
    key: Key { form: KeyForm::Decimal, scope: Scope::Run },
    families: Families::V4,
    ..QBITTORRENT
};

const DFAKESEEDER: Client = Client {
    query: &[
        Part::InfoHash,
        Part::PeerId,
        Part::Port,
        Part::Uploaded,
        Part::Downloaded,
        Part::Left,
        Part::Text("compact=0&no_peer_id=0&"),
        Part::Key,
        Part::Text("numwant=0&"),
        Part::Event,
    ],
    peer_id: PeerId { tail: Tail::Letters(ALNUM), ..QBITTORRENT.peer_id },
    key: Key { form: KeyForm::Letters(12), scope: Scope::Torrent },
    stops_at_exit: false,
    families: Families::V4,
    ..QBITTORRENT
};

const SEEDMAGE: Client = Client {
    agent: "qBittorrent/4.3.3",
    peer_id: PeerId { prefix: b"-qB4330-", tail: Tail::Letters(LETTERS_36), ..QBITTORRENT.peer_id },
    ..DFAKESEEDER
};

const JRATIOBOOST: Client = Client {
    query: &[
        Part::InfoHash,
        Part::PeerId,
        Part::Port,
        Part::Uploaded,
        Part::Downloaded,
        Part::Left,
        Part::Text("compact=1&"),
        Part::Event,
    ],
    agent: "Transmission/3.00 (bb6b5a062e) 1.0",
    escape: &UNRESERVED_LOWER,
    peer_id: PeerId { tail: Tail::Letters(LETTERS_36), ..TRANSMISSION.peer_id },
    scrapes: false,
    families: Families::V4,
    ..TRANSMISSION
};

/// Not compact, and no key.
const RATIO_PY: Client = Client {
    query: &[
        Part::InfoHash,
        Part::PeerId,
        Part::Port,
        Part::Uploaded,
        Part::Downloaded,
        Part::Left,
        Part::Text("compact=0&"),
        Part::NumwantAlways(100),
        Part::Event,
    ],
    agent: "Transmission/2.92",
    peer_id: PeerId { prefix: b"-TR2920-", tail: Tail::Letters(LETTERS_36), ..TRANSMISSION.peer_id },
    ..JRATIOBOOST
};

/// A proxy before a real client: it moves the peer id to the end.
pub static NEWGREEDY: Client = Client {
    query: &[
        Part::InfoHash,
        Part::Port,
        Part::Uploaded,
        Part::Downloaded,
        Part::Left,
        Part::Corrupt,
        Part::Key,
        Part::Event,
        Part::NumwantAlways(187),
        Part::Text("compact=1&no_peer_id=1&supportcrypto=1&"),
        Part::Redundant,
        Part::PeerId,
    ],
    families: Families::V4,
    ..QBITTORRENT
};

/// A proxy before a real client: it escapes everything anew.
pub static TORRATIO: Client = Client { escape: &SLASH_UPPER, ..QBITTORRENT_467 };

static JOAL_CLIENTS: [Client; 3] = [JOAL_QBITTORRENT, JOAL_UTORRENT, JOAL_TRANSMISSION];

pub static JOAL: [Tool; 3] = [
    Tool { name: "joal-qbittorrent", client: &JOAL_CLIENTS[0], quantum: 5, ..PLAIN },
    Tool { name: "joal-utorrent", client: &JOAL_CLIENTS[1], quantum: 5, ..PLAIN },
    Tool { name: "joal-transmission", client: &JOAL_CLIENTS[2], quantum: 5, ..PLAIN },
];

pub static CONSTANT: [Tool; 9] = [
    Tool {
        name: "ratiomaster",
        client: &RATIOMASTER_UTORRENT,
        quantum: 16384,
        gate: Gate::Stops,
        leeches: true,
        ..PLAIN
    },
    Tool {
        name: "freenitial",
        client: &FREENITIAL_TRANSMISSION,
        quantum: 16384,
        gate: Gate::Pauses,
        leeches: true,
        ..PLAIN
    },
    Tool { name: "ratiomaster-rs", client: &RATIOMASTER_RS, leeches: true, ..PLAIN },
    Tool { name: "ghostseed", client: &GHOSTSEED, gate: Gate::Pauses, varies: 60, ..PLAIN },
    Tool { name: "ratioup", client: &RATIOUP, gate: Gate::Pauses, forgets_sum: true, ..PLAIN },
    Tool { name: "dfakeseeder", client: &DFAKESEEDER, varies: 30, ..PLAIN },
    Tool { name: "seedmage", client: &SEEDMAGE, left_whole: true, varies: 50, ..PLAIN },
    Tool { name: "jratioboost", client: &JRATIOBOOST, varies: 10, ..PLAIN },
    Tool { name: "ratio.py", client: &RATIO_PY, darts: true, ..PLAIN },
];

pub static RANDOM: Tool = Tool { name: "rustatio", client: &RUSTATIO, varies: 200, scrapes: true, ..PLAIN };
pub static SPOOF: Tool = Tool { name: "ratio-spoof", client: &RATIO_SPOOF, restarts: true, ..PLAIN };
/// The user's own client does the talking.
pub static GENUINE: Tool = Tool { name: "genuine", varies: 250, ..PLAIN };

/// Clients that are not allowed, and say that they are others.
pub static DISGUISED: [Client; 5] = [
    Client {
        agent: "qBittorrent/4.5.2",
        peer_id: PeerId { prefix: b"-qB4520-", prefix_raw: false, ..RTORRENT.peer_id },
        ..RTORRENT
    },
    Client { agent: "uTorrent/355(111916176)(46096)", peer_id: UTORRENT.peer_id, ..LIBTORRENT },
    Client {
        agent: "Transmission/3.00",
        peer_id: PeerId { prefix: b"-TR3000-", tail: Tail::Bytes, ..ARIA2.peer_id },
        ..ARIA2
    },
    // The new version's name, the old one's form.
    Client {
        agent: "Transmission/4.0.6",
        peer_id: PeerId { prefix: b"-TR4060-", tail: Tail::Letters(LETTERS_36), ..TRANSMISSION.peer_id },
        ..TRANSMISSION
    },
    Client { agent: "qBittorrent/5.0.3", ..JRATIOBOOST },
];
