//! The clients of the corpus and their habits, as far as a log shows them.

use serde::Deserialize;

/// The clients of the corpus. The two versions of libtorrent have the same habits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Client {
    Transmission,
    QBittorrent,
    Deluge,
    #[serde(rename = "lt", alias = "lt211")]
    Libtorrent,
    RTorrent,
    Aria2,
    CTorrent,
    WebTorrent,
}

impl Client {
    /// A pause sends `stopped`, and the resume `started`. WebTorrent's does not even stop the transfer; ctorrent has none.
    pub fn pause_stops(self) -> bool {
        !matches!(self, Client::WebTorrent | Client::CTorrent)
    }

    /// A clean exit sends `stopped`; Transmission 3.00 never does.
    pub fn quit_stops(self) -> bool {
        self != Client::Transmission
    }

    /// Announces again when started after SIGKILL. Deluge had not saved its list of torrents.
    pub fn comes_back(self) -> bool {
        self != Client::Deluge
    }

    /// Goes on after SIGKILL with what it had on disk; Transmission and qBittorrent had not noted it, and began anew.
    pub fn keeps_progress(self) -> bool {
        !matches!(self, Client::Transmission | Client::QBittorrent)
    }

    /// Shows counters of the session (`session_uploaded`) beside those of the torrent's life.
    pub fn of_libtorrent(self) -> bool {
        matches!(self, Client::QBittorrent | Client::Deluge | Client::Libtorrent)
    }

    /// `downloaded` in its announces counts what came twice as well.
    pub fn counts_repeats(self) -> bool {
        matches!(self, Client::Aria2 | Client::CTorrent)
    }

    /// How long after the last byte `completed` may come, in seconds: aria2 and ctorrent wait for the next announce that
    /// is due (the trackers' interval here is 20 s, and less is left of it).
    pub fn completes_within(self) -> f64 {
        match self {
            Client::Aria2 => 22.0,
            Client::CTorrent => 14.0,
            _ => 2.0,
        }
    }

    /// How long after being told to go `stopped` may come, in seconds.
    pub fn stops_within(self) -> f64 {
        match self {
            Client::CTorrent => 40.0,
            Client::Aria2 => 5.0,
            _ => 3.0,
        }
    }

    /// How its name begins in a report.
    pub fn name(self) -> &'static str {
        match self {
            Client::Transmission => "Transmission",
            Client::QBittorrent => "qBittorrent",
            Client::Deluge => "Deluge",
            Client::Libtorrent => "libtorrent",
            Client::RTorrent => "rTorrent",
            Client::Aria2 => "aria2",
            Client::CTorrent => "CTorrent",
            Client::WebTorrent => "WebTorrent",
        }
    }
}
