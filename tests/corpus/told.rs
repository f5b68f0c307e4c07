//! What swarmtrail tells of a log.

use crate::support;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

#[derive(Deserialize)]
pub struct Report {
    pub settings: Settings,
    pub input: Input,
    pub users: Vec<User>,
    pub torrents: Vec<Torrent>,
    pub sessions: Vec<Session>,
    pub anomalies: Vec<Anomaly>,
}

#[derive(Deserialize)]
pub struct Settings {
    pub interval_s: u64,
    pub interval_from: String,
    pub timeout_s: u64,
}

#[derive(Deserialize)]
pub struct Input {
    pub lines: usize,
    pub announces: usize,
    pub duplicates: usize,
    pub undelivered: usize,
    pub scrapes: usize,
    pub other: usize,
    pub rejected: usize,
    pub continuations: usize,
    #[serde(deserialize_with = "time")]
    pub last_at: Option<f64>,
}

#[derive(Deserialize)]
pub struct User {
    pub user: String,
    pub uploaded: u64,
    pub downloaded: u64,
    pub announces: usize,
    pub sessions: usize,
    pub leeching: usize,
    pub seeding: usize,
}

#[derive(Deserialize)]
pub struct Torrent {
    pub info_hash: String,
    pub uploaded: u64,
    pub downloaded: u64,
    pub size: u64,
    pub users: usize,
    pub sessions: usize,
}

#[derive(Deserialize)]
pub struct Session {
    pub user: String,
    pub info_hash: String,
    pub peer_id: String,
    pub client: String,
    pub addresses: BTreeSet<String>,
    #[serde(deserialize_with = "time")]
    pub started_at: Option<f64>,
    #[serde(deserialize_with = "time")]
    pub last_at: Option<f64>,
    #[serde(deserialize_with = "time")]
    pub ended_at: Option<f64>,
    pub end: String,
    #[serde(deserialize_with = "time")]
    pub completed_at: Option<f64>,
    pub announces: usize,
    pub uploaded: u64,
    pub downloaded: u64,
    pub left: Option<u64>,
    pub listing: Vec<Listed>,
}

#[derive(Deserialize, Debug)]
pub struct Listed {
    #[serde(deserialize_with = "time")]
    pub from: Option<f64>,
    #[serde(deserialize_with = "time")]
    pub to: Option<f64>,
    pub status: String,
}

#[derive(Deserialize)]
pub struct Anomaly {
    pub check: String,
    pub severity: String,
    pub user: Option<String>,
    pub message: String,
}

/// A row of `replay --output ndjson`.
#[derive(Deserialize)]
pub struct Step {
    #[serde(deserialize_with = "time")]
    pub at: Option<f64>,
    pub info_hash: String,
    pub peer_id: String,
    pub event: Option<String>,
    pub uploaded: u64,
    pub downloaded: u64,
    pub left: u64,
    pub transition: String,
}

/// RFC 3339 to Unix seconds.
fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    let parse = |text: String| text.parse::<jiff::Timestamp>().map(|at| at.as_millisecond() as f64 / 1000.0);
    text.map(parse).transpose().map_err(D::Error::custom)
}

/// The raw bytes of a peer id as a report prints it, in hex.
pub fn hex(peer_id: &str) -> String {
    percent_encoding::percent_decode_str(peer_id).fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
        hex
    })
}

impl Session {
    /// What the profile lists it as when the log ends.
    pub fn listed_at_the_end(&self) -> Option<&str> {
        self.listing.last().filter(|listed| listed.to.is_none()).map(|listed| listed.status.as_str())
    }
}

/// What the binary prints for a log.
pub fn printed(args: &[&str], log: &Path) -> String {
    let path = log.to_str().expect("the project is in a folder with a readable name");
    let run = support::swarmtrail(&[args, &["--quiet", path]].concat());
    assert_eq!(run.code, Some(0), "{args:?} on {path}: {}", run.stderr);
    run.stdout
}

/// The report of a log, with some options.
pub fn report(log: &Path, options: &[&str]) -> Report {
    let json = printed(&[&["report", "--output", "json"], options].concat(), log);
    serde_json::from_str(&json).unwrap_or_else(|e| panic!("report of {}: {e}", log.display()))
}

/// The announces of a log, one by one.
pub fn replay(log: &Path) -> Vec<Step> {
    let ndjson = printed(&["replay", "--output", "ndjson"], log);
    let parse =
        |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("replay of {}: {e}: {line}", log.display()));
    ndjson.lines().map(parse).collect()
}
