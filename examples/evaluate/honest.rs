//! What honest users run, and the odd things that happen to them.

use crate::clients::chance::{Chance, pick};
use crate::clients::line::{Escape, UPPER};
use crate::clients::programs::{
    ARIA2, CTORRENT, Client, DELUGE, Key, KeyForm, LIBTORRENT, PeerId, QBITTORRENT, RTORRENT, Scope, TRANSMISSION,
    UTORRENT, WEBTORRENT,
};

/// Harmless things that look strange in a log, by name; and one that is not harmless, but no lie about uploads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Odd {
    Crash,
    Pause,
    DualStack,
    Selective,
    Recheck,
    CrossSeed,
    WebSeed,
    Redownload,
    HashFail,
    Ghost,
    SharedAddress,
    TwoMachines,
    Forced,
    Roaming,
    Refused,
    /// Shares before the tracker took its `started`, with peers it knew.
    EarlyStart,
    /// An announce came twice, as the first answer got lost.
    Repeated,
}

impl Odd {
    pub const ALL: [(Odd, &'static str); 17] = [
        (Odd::Crash, "crash"),
        (Odd::Pause, "pause"),
        (Odd::DualStack, "dual-stack"),
        (Odd::Selective, "selective"),
        (Odd::Recheck, "recheck"),
        (Odd::CrossSeed, "cross-seed"),
        (Odd::WebSeed, "web-seed"),
        (Odd::Redownload, "redownload"),
        (Odd::HashFail, "hash-fail"),
        (Odd::Ghost, "ghost"),
        (Odd::SharedAddress, "shared-address"),
        (Odd::TwoMachines, "two-machines"),
        (Odd::Forced, "forced"),
        (Odd::Roaming, "roaming"),
        (Odd::Refused, "refused"),
        (Odd::EarlyStart, "early-start"),
        (Odd::Repeated, "repeated"),
    ];
}

// How often odd things happen, of a million chances.

/// A torrent that is new to a user is one that was here before, is on disk already, is wanted in part, fails checks.
pub const REDOWNLOAD: u64 = 30_000;
pub const CROSS_SEED: u64 = 30_000;
pub const SELECTIVE: u64 = 20_000;
pub const HASH_FAIL: u64 = 30_000;
/// After an announce, a torrent is paused, checked again, or announced before its time.
pub const PAUSE: u64 = 3000;
pub const RECHECK: u64 = 400;
pub const FORCED: u64 = 4000;
/// A program ends without a word.
pub const CRASH: u64 = 120_000;
/// A machine gets another address while its program runs.
pub const ROAMING: u64 = 60_000;
/// A request fails though the tracker is there.
pub const REFUSED: u64 = 170;
/// Who was refused at the start begins all the same, with peers he knows.
pub const EARLY_START: u64 = 300_000;
/// An announce is made again, as its answer got lost.
pub const REPEATED: u64 = 1500;

/// Leeches without telling: the accounts of such users are false, their uploads are not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ghost {
    No,
    /// Pretends to have everything from the start.
    Seed,
    /// Pretends to receive nothing: `left` stays the whole torrent.
    Frozen,
    /// Tells what is left, but not what came.
    Untold,
}

impl Ghost {
    pub fn draw(chance: &mut Chance) -> Ghost {
        [Ghost::Seed, Ghost::Seed, Ghost::Frozen, Ghost::Untold][chance.below(4) as usize]
    }

    /// What is told for that `downloaded` and `left` of a torrent of that size.
    pub fn tells(self, downloaded: u64, left: u64, size: u64) -> (u64, u64) {
        match self {
            Ghost::No => (downloaded, left),
            Ghost::Seed => (0, 0),
            Ghost::Frozen => (0, size),
            Ghost::Untold => (0, left),
        }
    }
}

/// Escapes letters in upper case, and leaves what is unreserved.
pub static UNRESERVED_UPPER: Escape = Escape::new(b"-._~", UPPER);
static UTORRENT_ESCAPE: Escape = Escape::new(b"-.~", crate::clients::line::LOWER);

pub const UTORRENT_355: Client = Client {
    escape: &UTORRENT_ESCAPE,
    // One identity for all torrents.
    peer_id: PeerId { scope: Scope::Run, ..UTORRENT.peer_id },
    ..UTORRENT
};

pub const TRANSMISSION_406: Client = Client {
    agent: "Transmission/4.0.6",
    escape: &UNRESERVED_UPPER,
    peer_id: PeerId { prefix: b"-TR4060-", ..TRANSMISSION.peer_id },
    key: Key { form: KeyForm::UpperHex, scope: Scope::Torrent },
    stops_at_exit: true,
    ..TRANSMISSION
};

pub const QBITTORRENT_467: Client = Client {
    agent: "qBittorrent/4.6.7",
    peer_id: PeerId { prefix: b"-qB4670-", ..QBITTORRENT.peer_id },
    ..QBITTORRENT
};

pub const QBITTORRENT_503: Client = Client {
    agent: "qBittorrent/5.0.3",
    peer_id: PeerId { prefix: b"-qB5030-", ..QBITTORRENT.peer_id },
    ..QBITTORRENT
};

static PROGRAMS: [Client; 12] = [
    Client { share: 160, ..QBITTORRENT },
    Client { share: 160, ..QBITTORRENT_467 },
    Client { share: 90, ..QBITTORRENT_503 },
    Client { share: 150, ..TRANSMISSION },
    Client { share: 110, ..TRANSMISSION_406 },
    Client { share: 110, ..UTORRENT_355 },
    Client { share: 80, ..DELUGE },
    Client { share: 80, ..RTORRENT },
    Client { share: 30, ..ARIA2 },
    Client { share: 15, ..LIBTORRENT },
    Client { share: 8, ..WEBTORRENT },
    Client { share: 7, ..CTORRENT },
];

/// Some program, the popular ones more often.
pub fn program(chance: &mut Chance) -> &'static Client {
    pick(&PROGRAMS, chance.below(1000) as u32, |client| client.share)
}
