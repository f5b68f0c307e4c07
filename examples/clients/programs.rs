//! The programs, and what each sends.

use super::line::{Escape, LOWER, UPPER};

/// What a client program does that others do not.
pub struct Client {
    /// Of a thousand users so many run it.
    pub share: u32,
    pub agent: &'static str,
    pub http: &'static str,
    /// The parameters of an announce, in its order.
    pub query: &'static [Part],
    pub escape: &'static Escape,
    pub peer_id: PeerId,
    pub key: Key,
    /// Seconds between announces when the tracker asks for half an hour.
    pub interval: u32,
    /// Sends `completed`.
    pub completes: bool,
    /// Sends `stopped` when the program ends.
    pub stops_at_exit: bool,
    /// Pausing is heard by the tracker: `stopped`, later `started`.
    pub pauses: bool,
    /// Asks for the swarm's counts soon after the start. (This tracker gives them with every answer too, so it is
    /// seldom asked again.)
    pub scrapes: bool,
    /// Says `paused` (BEP 21) in every announce once it has all that it wants of a torrent.
    pub partial_seeds: bool,
    /// Over which address families it announces.
    pub families: Families,
    /// What it finds on disk counts as downloaded.
    pub counts_disk: bool,
    /// Says `started` before it has checked what is on disk.
    pub starts_unchecked: bool,
    /// Counts only whole pieces as no longer missing.
    pub whole_pieces: bool,
    /// A refused announce is said again within two minutes, not at the next interval.
    pub retries: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Families {
    V4,
    /// IPv6 where there is any.
    One,
    /// Both at once, and each line names both addresses.
    Both,
}

/// A piece of a query. Each brings the `&` that ends it.
pub enum Part {
    InfoHash,
    /// Escaped in another way than the rest.
    InfoHashAs(&'static Escape),
    PeerId,
    Port,
    Uploaded,
    Downloaded,
    Left,
    /// WebTorrent's `left` comes early, but last when it stops.
    LeftUnlessStopped,
    LeftIfStopped,
    Key,
    Event,
    /// `event=` even if there is none.
    EventOrEmpty,
    /// None when it stops.
    Numwant(u32),
    NumwantAlways(u32),
    /// Bytes that failed their check.
    Corrupt,
    /// Bytes that came twice: of those downloaded, some.
    Redundant,
    Addresses,
    Text(&'static str),
}

pub struct PeerId {
    pub prefix: &'static [u8],
    pub tail: Tail,
    /// The prefix is written as it is, whatever the escaping says.
    pub prefix_raw: bool,
    pub scope: Scope,
    /// A new one after each pause.
    pub fleeting: bool,
}

/// What follows the prefix of a peer id.
pub enum Tail {
    Letters(&'static [u8]),
    /// Of 36 letters, the last of which makes the sum divisible.
    Checked,
    Bytes,
}

/// What an identity belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One run of the program, with all its torrents.
    Run,
    /// One torrent in one run of the program.
    Torrent,
    /// A torrent, however often the program is started.
    Kept,
}

pub struct Key {
    pub form: KeyForm,
    pub scope: Scope,
}

pub enum KeyForm {
    /// 32 bits in lower case, without leading zeros.
    ShortHex,
    LowerHex,
    /// 32 bits in upper case, without leading zeros.
    ShortUpperHex,
    Decimal,
    /// So many of 0-9 and a-z, at most 12.
    Letters(usize),
    UpperHex,
    /// Eight of 0-9 and A-Z.
    Alphanumeric,
    /// The last eight bytes of the peer id, escaped.
    PeerIdEnd,
    None,
}

pub const LETTERS_36: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
pub const LETTERS_64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
pub const LETTERS_URL: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.!~*()";

pub const HALF_AN_HOUR: u32 = 1800;

pub const TRANSMISSION: Client = Client {
    share: 230,
    agent: "Transmission/3.00",
    http: "HTTP/1.1",
    query: &[
        Part::InfoHash,
        Part::PeerId,
        Part::Port,
        Part::Uploaded,
        Part::Downloaded,
        Part::Left,
        Part::Numwant(80),
        Part::Key,
        Part::Text("compact=1&supportcrypto=1&"),
        Part::Event,
    ],
    escape: &Escape::new(b"-._~", LOWER),
    peer_id: PeerId {
        prefix: b"-TR3000-",
        tail: Tail::Checked,
        prefix_raw: false,
        scope: Scope::Torrent,
        fleeting: true,
    },
    key: Key { form: KeyForm::ShortHex, scope: Scope::Run },
    interval: HALF_AN_HOUR,
    completes: true,
    stops_at_exit: false,
    pauses: true,
    scrapes: true,
    partial_seeds: true,
    families: Families::One,
    counts_disk: false,
    starts_unchecked: false,
    whole_pieces: false,
    retries: true,
};

pub const LIBTORRENT: Client = Client {
    share: 20,
    agent: "libtorrent/2.0.8.0",
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
        Part::Numwant(200),
        Part::Text("compact=1&no_peer_id=1&supportcrypto=1&"),
        Part::Redundant,
        Part::Addresses,
    ],
    escape: &Escape::new(b"!()*-._~", LOWER),
    peer_id: PeerId {
        prefix: b"-LT2080-",
        tail: Tail::Letters(LETTERS_URL),
        prefix_raw: false,
        scope: Scope::Torrent,
        fleeting: false,
    },
    key: Key { form: KeyForm::UpperHex, scope: Scope::Torrent },
    stops_at_exit: true,
    scrapes: false,
    families: Families::Both,
    whole_pieces: true,
    ..TRANSMISSION
};

pub const LIBTORRENT_211: Client = Client {
    share: 10,
    agent: "libtorrent/2.1.1.0",
    peer_id: PeerId { prefix: b"-LT2110-", ..LIBTORRENT.peer_id },
    ..LIBTORRENT
};

pub const QBITTORRENT: Client = Client {
    share: 370,
    agent: "qBittorrent/4.5.2",
    peer_id: PeerId { prefix: b"-qB4520-", ..LIBTORRENT.peer_id },
    ..LIBTORRENT
};

pub const DELUGE: Client = Client {
    share: 90,
    agent: "Deluge/2.0.3 libtorrent/2.0.8.0",
    peer_id: PeerId { prefix: b"-DE203s-", ..LIBTORRENT.peer_id },
    partial_seeds: false,
    // By its default settings it listens on IPv4 alone.
    families: Families::V4,
    ..LIBTORRENT
};

pub const UTORRENT: Client = Client {
    share: 120,
    agent: "uTorrent/355(111916176)(46096)",
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
        Part::Numwant(200),
        Part::Text("compact=1&no_peer_id=1&"),
    ],
    escape: &Escape::new(b"", LOWER),
    peer_id: PeerId {
        // The build number follows, least significant byte first.
        prefix: b"-UT355S-\x10\xb4",
        tail: Tail::Bytes,
        prefix_raw: false,
        scope: Scope::Torrent,
        fleeting: false,
    },
    key: Key { form: KeyForm::UpperHex, scope: Scope::Run },
    partial_seeds: false,
    families: Families::V4,
    whole_pieces: false,
    ..LIBTORRENT
};

pub const RTORRENT: Client = Client {
    share: 90,
    agent: "rtorrent/0.9.8/0.13.8",
    query: &[
        Part::InfoHash,
        Part::PeerId,
        Part::Key,
        Part::Text("compact=1&"),
        Part::Port,
        Part::Uploaded,
        Part::Downloaded,
        Part::Left,
        Part::Event,
    ],
    escape: &Escape::new(b"", UPPER),
    peer_id: PeerId {
        prefix: b"-lt0D80-",
        tail: Tail::Bytes,
        prefix_raw: true,
        scope: Scope::Torrent,
        fleeting: false,
    },
    key: Key { form: KeyForm::LowerHex, scope: Scope::Kept },
    // Whatever the tracker says.
    interval: 600,
    completes: false,
    stops_at_exit: true,
    scrapes: false,
    partial_seeds: false,
    ..TRANSMISSION
};

pub const ARIA2: Client = Client {
    share: 40,
    agent: "aria2/1.36.0",
    query: &[
        Part::InfoHash,
        Part::PeerId,
        Part::Uploaded,
        Part::Downloaded,
        Part::Left,
        Part::Text("compact=1&"),
        Part::Key,
        Part::Numwant(50),
        Part::Text("no_peer_id=1&"),
        Part::Port,
        Part::Event,
        Part::Text("supportcrypto=1&"),
    ],
    escape: &Escape::new(b"-._~", UPPER),
    peer_id: PeerId { prefix: b"A2-1-36-0-", tail: Tail::Bytes, prefix_raw: false, scope: Scope::Run, fleeting: false },
    key: Key { form: KeyForm::PeerIdEnd, scope: Scope::Run },
    stops_at_exit: true,
    scrapes: false,
    partial_seeds: false,
    ..TRANSMISSION
};

pub const CTORRENT: Client = Client {
    share: 10,
    agent: "Enhanced-CTorrent/dnh3.3.2",
    http: "HTTP/1.0",
    query: &[
        Part::InfoHash,
        Part::PeerId,
        Part::Text("ip=0.0.0.0&"),
        Part::Port,
        Part::Key,
        Part::Event,
        Part::Uploaded,
        Part::Downloaded,
        Part::Left,
        Part::Text("compact=1&numwant=100&"),
    ],
    escape: &Escape::new(b"", UPPER),
    peer_id: PeerId {
        prefix: b"-CD0303-",
        tail: Tail::Bytes,
        prefix_raw: false,
        scope: Scope::Torrent,
        fleeting: false,
    },
    key: Key { form: KeyForm::Alphanumeric, scope: Scope::Torrent },
    stops_at_exit: true,
    pauses: false,
    scrapes: false,
    partial_seeds: false,
    families: Families::V4,
    starts_unchecked: true,
    retries: false,
    ..TRANSMISSION
};

pub const WEBTORRENT: Client = Client {
    share: 20,
    agent: "WebTorrent/3.0.21 (https://webtorrent.io)",
    query: &[
        Part::Text("numwant=50&"),
        Part::Uploaded,
        Part::Downloaded,
        Part::LeftUnlessStopped,
        Part::Event,
        Part::Text("compact=1&"),
        Part::InfoHash,
        Part::PeerId,
        Part::Port,
        Part::LeftIfStopped,
    ],
    escape: &Escape::new(b"-._", UPPER),
    peer_id: PeerId {
        prefix: b"-WW0300-",
        tail: Tail::Letters(LETTERS_64),
        prefix_raw: false,
        scope: Scope::Run,
        fleeting: false,
    },
    key: Key { form: KeyForm::None, scope: Scope::Run },
    stops_at_exit: true,
    pauses: false,
    scrapes: false,
    partial_seeds: false,
    counts_disk: true,
    retries: false,
    ..TRANSMISSION
};

pub static CLIENTS: [Client; 10] =
    [QBITTORRENT, TRANSMISSION, UTORRENT, DELUGE, RTORRENT, ARIA2, LIBTORRENT, LIBTORRENT_211, WEBTORRENT, CTORRENT];
