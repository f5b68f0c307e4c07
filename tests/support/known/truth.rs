//! The files of a scenario: `truth.jsonl` and `tracker.jsonl`.

use super::{Client, Finished};
use serde::{Deserialize, Deserializer, de};
use std::fs;
use std::path::Path;

/// A line of `truth.jsonl`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Action {
    pub t: f64,
    pub action: String,
    #[serde(default)]
    pub host: String,
    pub client: Option<Client>,
    pub passkey: Option<String>,
    pub info_hash: Option<String>,
    pub size: Option<u64>,
    have: Option<String>,
    how: Option<String>,
    pub client_reported: Option<Reported>,
    /// A number where the tracker was told one.
    interval: Option<serde_json::Value>,
}

/// A client's own counters. Lifetime totals of the torrent, except where the name says otherwise; which of them a client
/// has differs.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Reported {
    pub uploaded: Option<u64>,
    pub session_uploaded: Option<u64>,
    pub session_downloaded: Option<u64>,
    /// libtorrent: of `session_downloaded`, what was thrown away as it was there already.
    pub redundant: Option<u64>,
    /// Transmission: bytes of verified pieces.
    pub have: Option<u64>,
    /// rtorrent: bytes of verified pieces.
    pub completed: Option<u64>,
    pub left: Option<u64>,
    pub(super) state: Option<String>,
}

/// A line of `tracker.jsonl`: an announce that the tracker took.
#[derive(Clone, Debug, Deserialize)]
pub struct Row {
    pub t: f64,
    pub ev: String,
    #[serde(default)]
    pub addr: String,
    #[serde(default, rename = "ih")]
    pub info_hash: String,
    /// In hex.
    #[serde(default)]
    pub peer_id: String,
    #[serde(default, deserialize_with = "number")]
    pub uploaded: u64,
    #[serde(default, deserialize_with = "number")]
    pub downloaded: u64,
    #[serde(default, deserialize_with = "number")]
    pub left: u64,
}

fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    String::deserialize(from)?.parse().map_err(de::Error::custom)
}

impl Row {
    /// The address without the port.
    pub fn host(&self) -> &str {
        let host = self.addr.rsplit_once(':').map_or(self.addr.as_str(), |(host, _)| host);
        host.trim_matches(['[', ']'])
    }

    /// What the announce said: event, uploaded, downloaded, left.
    pub fn said(&self) -> (&str, u64, u64, u64) {
        (&self.ev, self.uploaded, self.downloaded, self.left)
    }
}

/// What is known of a scenario.
pub struct Truth {
    pub(super) actions: Vec<Action>,
    /// What the tracker took; `None` where it keeps no record.
    pub taken: Option<Vec<Row>>,
    /// What the tracker refused as nonsense.
    pub warnings: usize,
}

impl Truth {
    /// Reads the files of a scenario.
    pub fn read(folder: &Path) -> Truth {
        let actions = lines(&folder.join("truth.jsonl")).expect("every scenario has its truth.jsonl");
        let rows = lines::<Row>(&folder.join("tracker.jsonl"));
        let warnings = rows.iter().flatten().filter(|row| row.ev == "warning").count();
        let taken = rows.map(|rows| rows.into_iter().filter(|row| row.ev != "warning").collect());
        Truth { actions, taken, warnings }
    }

    /// How often something was done.
    pub fn count(&self, action: &str) -> usize {
        self.actions.iter().filter(|a| a.action == action).count()
    }

    /// The announce interval that the tracker was told to send.
    pub fn interval(&self) -> Option<u64> {
        let up = self.actions.iter().find(|a| a.action == "tracker_up")?;
        up.interval.as_ref()?.as_u64()
    }

    /// The size of a torrent, and whether some client began it with nothing (and so said its size).
    pub fn size(&self, info_hash: &str) -> Option<(u64, bool)> {
        let mut added =
            self.actions.iter().filter(|a| a.action == "added" && a.info_hash.as_deref() == Some(info_hash));
        let size = added.clone().next()?.size?;
        Some((size, added.any(|a| a.have.as_deref() == Some("nothing") && self.on_disk(a) == 0)))
    }

    pub(super) fn on_disk(&self, added: &Action) -> u64 {
        let size = added.size.expect("an added torrent has a size");
        if added.have.as_deref() == Some("all") {
            return size;
        }
        let there = self
            .actions
            .iter()
            .find(|a| a.action == "data_already_present" && a.host == added.host && a.info_hash == added.info_hash);
        match there.and_then(|a| a.how.as_deref()) {
            None => 0,
            Some("complete") => size,
            Some("2 MiB of it missing") => size - (2 << 20),
            Some(how) => panic!("unknown state of the data on disk: {how}"),
        }
    }

    /// Since when a download may have been finished that was seen to be so at `at`. Downloads are looked at every second
    /// or two, but not while a client is being waited for that takes its time to leave.
    pub(super) fn finished(&self, at: f64) -> Finished {
        let waited = self.actions.iter().filter(|a| a.action == "quit_done" && (0.0..2.5).contains(&(at - a.t)));
        let begun = |done: &Action| {
            let begun = self.actions.iter().rfind(|a| a.action == "quit_begin" && a.host == done.host && a.t <= done.t);
            begun.map_or(done.t, |a| a.t)
        };
        Finished { at, since: waited.map(begun).fold(at, f64::min) }
    }
}

fn lines<T: de::DeserializeOwned>(path: &Path) -> Option<Vec<T>> {
    let text = fs::read_to_string(path).ok()?;
    let parse = |(i, line)| serde_json::from_str(line).unwrap_or_else(|e| panic!("{}:{}: {e}", path.display(), i + 1));
    Some(text.lines().enumerate().map(parse).collect())
}
