//! What a log does not tell: who users are and what torrents are, from tables that the site has.

mod rows;
mod units;

use crate::announce::InfoHash;
use crate::session::Counters;
use crate::time::{Time, parse_time};
use rows::{Fields, Table};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;
use units::{bytes, discount, factor, speed, yes};

/// A user, as the site knows it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UserInfo {
    /// The name.
    pub name: Option<String>,
    /// When the account was made.
    pub joined: Option<Time>,
    /// The class or group.
    pub class: Option<String>,
    /// The speed of the line, in bytes per second.
    pub line_speed: Option<u64>,
}

/// A torrent, as the site knows it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TorrentInfo {
    /// The name.
    pub name: Option<String>,
    /// All its bytes.
    pub size: Option<u64>,
    /// Bytes of a piece.
    pub piece_length: Option<u64>,
    /// What credited bytes are multiplied with.
    pub factors: Factors,
    /// Whether it forbids other ways to find peers.
    pub private: Option<bool>,
}

/// What credited bytes are multiplied with, in thousandths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Factors {
    /// Uploaded bytes.
    pub up: u32,
    /// Downloaded bytes: 0 is freeleech.
    pub down: u32,
}

impl Default for Factors {
    fn default() -> Self {
        Factors { up: 1000, down: 1000 }
    }
}

impl Factors {
    /// What bytes come to, rounded down; as much as 64 bits hold.
    pub fn of(self, sum: Counters) -> Counters {
        let times = |bytes: u64, factor: u32| u128::from(bytes) * u128::from(factor) / 1000;
        let fit = |bytes: u128| u64::try_from(bytes).unwrap_or(u64::MAX);
        Counters { up: fit(times(sum.up, self.up)), down: fit(times(sum.down, self.down)) }
    }
}

/// Why a table cannot be used.
#[derive(Debug, Error)]
pub enum SideError {
    /// It cannot be read.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is no table.
    #[error("{}: {problem}", path.display())]
    NoTable {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
}

/// A row that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrongRow {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong, without anything secret.
    pub problem: String,
}

/// Both tables. By default there are none, and nobody is known.
#[derive(Clone, Debug, Default)]
pub struct Side {
    users: Option<HashMap<Box<[u8]>, UserInfo>>,
    torrents: Option<HashMap<InfoHash, TorrentInfo>>,
}

impl Side {
    /// Reads a table of users, as CSV or JSON, with a passkey (or address) in every row. Returns the rows that cannot be used.
    ///
    /// # Errors
    /// If it cannot be read, or no column is a passkey.
    pub fn read_users(&mut self, path: &Path) -> Result<Vec<WrongRow>, SideError> {
        let (users, wrong) = read(path, PASSKEY, "a passkey", user)?;
        self.users = Some(users);
        Ok(wrong)
    }

    /// Reads a table of torrents, as CSV or JSON, with an info hash in every row. Returns the rows that cannot be used.
    ///
    /// # Errors
    /// If it cannot be read, or no column is an info hash.
    pub fn read_torrents(&mut self, path: &Path) -> Result<Vec<WrongRow>, SideError> {
        let (torrents, wrong) = read(path, INFO_HASH, "an info hash", torrent)?;
        self.torrents = Some(torrents);
        Ok(wrong)
    }

    /// What is known of a user; `None` if nothing is.
    pub fn user(&self, name: &[u8]) -> Option<&UserInfo> {
        self.users.as_ref()?.get(name)
    }

    /// What is known of a torrent; `None` if nothing is.
    pub fn torrent(&self, info_hash: &InfoHash) -> Option<&TorrentInfo> {
        self.torrents.as_ref()?.get(info_hash)
    }

    /// Whether there is a table of users.
    pub fn has_users(&self) -> bool {
        self.users.is_some()
    }

    /// Whether there is a table of torrents.
    pub fn has_torrents(&self) -> bool {
        self.torrents.is_some()
    }

    /// Whether a user is in the table; `None` if there is none.
    pub fn knows_user(&self, name: &[u8]) -> Option<bool> {
        self.users.as_ref().map(|users| users.contains_key(name))
    }

    /// Whether a torrent is in the table; `None` if there is none.
    pub fn knows_torrent(&self, info_hash: &InfoHash) -> Option<bool> {
        self.torrents.as_ref().map(|torrents| torrents.contains_key(info_hash))
    }

    /// Whether credited bytes are multiplied anywhere.
    pub fn has_factors(&self) -> bool {
        self.torrents.iter().flatten().any(|(_, torrent)| torrent.factors != Factors::default())
    }
}

/// Names of columns, in lower case and without anything but letters and digits; the first that is there counts.
type Names = &'static [&'static str];

const PASSKEY: Names = &["passkey", "torrentpass", "pid", "uk", "authkey", "key", "address", "ip"];
const INFO_HASH: Names = &["infohash", "hash", "btih", "infohashv1"];
const NAME: Names = &["name", "username", "title", "torrentname", "login", "nick", "releasename"];
const JOINED: Names =
    &["joined", "joinedat", "joindate", "registered", "registeredat", "createdat", "created", "added"];
const CLASS: Names = &["class", "group", "groupname", "rank", "role", "level", "classname"];
const SPEED: Names = &["linespeed", "speed", "line", "bandwidth", "maxspeed", "uploadspeed"];
const SIZE: Names = &["size", "bytes", "length", "totalsize", "sizebytes", "torrentsize"];
const PIECE_LENGTH: Names = &["piecelength", "piecesize"];
const UP_FACTOR: Names = &["uploadfactor", "upfactor", "uploadvolumefactor", "uploadmultiplier", "upmultiplier"];
const DOUBLE_UP: Names = &["doubleup", "doubleupload"];
const DOWN_FACTOR: Names =
    &["downloadfactor", "downfactor", "downloadvolumefactor", "downloadmultiplier", "downmultiplier", "leechfactor"];
const FREELEECH: Names = &["freeleech", "free", "freetorrent", "discount", "freeleechfactor"];
const PRIVATE: Names = &["private", "isprivate"];

/// A table by its key. `wanted` says in words what that is.
fn read<K: std::hash::Hash + Eq, V>(
    path: &Path,
    key: Names,
    wanted: &str,
    row: impl Fn(&Fields<'_>) -> Result<(K, V), String>,
) -> Result<(HashMap<K, V>, Vec<WrongRow>), SideError> {
    let bytes = fs::read(path).map_err(|error| SideError::Io { path: path.into(), error })?;
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes));
    let no_table = |problem| SideError::NoTable { path: path.into(), problem };
    let table = Table::read(&text).map_err(no_table)?;
    if !table.has(key) {
        return Err(no_table(format!("no column is {wanted}; {} would be called so", key[0])));
    }
    let (mut items, mut wrong) = (HashMap::new(), table.wrong());
    for (line, fields) in table.rows() {
        match row(&fields) {
            Ok((key, _)) if items.contains_key(&key) => {
                wrong.push(WrongRow { line, problem: format!("{wanted} that an earlier row has") });
            }
            Ok((key, value)) => {
                items.insert(key, value);
            }
            Err(problem) => wrong.push(WrongRow { line, problem }),
        }
    }
    wrong.sort_by_key(|row| row.line);
    Ok((items, wrong))
}

fn user(fields: &Fields<'_>) -> Result<(Box<[u8]>, UserInfo), String> {
    let passkey = fields.get(PASSKEY).ok_or("no passkey")?;
    let user = UserInfo {
        name: fields.get(NAME).map(String::from),
        joined: fields.read(JOINED, parse_time)?,
        class: fields.get(CLASS).map(String::from),
        line_speed: fields.read(SPEED, speed)?,
    };
    Ok((passkey.as_bytes().into(), user))
}

fn torrent(fields: &Fields<'_>) -> Result<(InfoHash, TorrentInfo), String> {
    let hash = fields.get(INFO_HASH).ok_or("no info hash")?;
    let hash = info_hash(hash).ok_or("the info hash is not 40 hexadecimal digits")?;
    let doubled = fields.read(DOUBLE_UP, yes)?.map(|yes| if yes { 2000 } else { 1000 });
    let free = fields.read(FREELEECH, discount)?;
    let usual = Factors::default();
    let torrent = TorrentInfo {
        name: fields.get(NAME).map(String::from),
        size: fields.read(SIZE, bytes)?,
        piece_length: fields.read(PIECE_LENGTH, bytes)?,
        factors: Factors {
            up: fields.read(UP_FACTOR, factor)?.or(doubled).unwrap_or(usual.up),
            down: fields.read(DOWN_FACTOR, factor)?.or(free).unwrap_or(usual.down),
        },
        private: fields.read(PRIVATE, yes)?,
    };
    Ok((hash, torrent))
}

fn info_hash(text: &str) -> Option<InfoHash> {
    let mut hash = [0; 20];
    if text.len() != 40 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(InfoHash(hash))
}
