//! Sessions, and what profiles list.

use super::{At, Cell, Column, Place, Row, aside, brief, exact, hex, optional, shown};
use crate::announce::{InfoHash, client_of, printable};
use crate::report::View;
use crate::report::text::bytes;
use crate::session::{Listed, ghost};
use crate::time::Time;
use serde::Serialize;

#[derive(Serialize)]
struct Stretch {
    from: At,
    to: At,
    status: &'static str,
}

/// A session.
#[derive(Serialize)]
pub struct SessionRow<'a> {
    pub(in crate::report) id: u64,
    pub(in crate::report) user: String,
    user_name: Option<String>,
    #[serde(serialize_with = "hex")]
    pub(in crate::report) info_hash: InfoHash,
    torrent_name: Option<String>,
    pub(in crate::report) peer_id: String,
    pub(in crate::report) key: String,
    pub(in crate::report) client: String,
    pub(in crate::report) addresses: Vec<String>,
    pub(in crate::report) started_at: At,
    pub(in crate::report) last_at: At,
    pub(in crate::report) ended_at: At,
    pub(in crate::report) end: &'static str,
    pub(in crate::report) completed_at: At,
    pub(in crate::report) announces: u32,
    pub(in crate::report) uploaded: u64,
    pub(in crate::report) downloaded: u64,
    pub(in crate::report) left: Option<u64>,
    listing: Vec<Stretch>,
    pub(in crate::report) first_line: Place<'a>,
    pub(in crate::report) last_line: Place<'a>,
}

impl<'a> SessionRow<'a> {
    /// What a dossier shows of it: number, client, beginning, last line, end, bytes.
    pub fn brief(&self) -> [String; 7] {
        let [uploaded, downloaded] = [self.uploaded, self.downloaded].map(|sum| bytes(sum.into()));
        let client = self.client.replace('|', "\\|");
        let [from, to] = [self.started_at, self.last_at]
            .map(|at| at.time.map_or("-".into(), |time| time.rfc3339(at.millis).to_string()));
        [self.id.to_string(), client, from, to, self.end.into(), uploaded, downloaded]
    }

    pub(in crate::report) fn new(view: &'a View<'_>, index: usize) -> Self {
        let story = view.story;
        let session = &story.sessions.get(index);
        let ending = story.ending(index, session);
        let credit = view.credit(index);
        let text = |number: u32| printable(story.names.name(number)).to_string();
        SessionRow {
            id: index as u64 + 1,
            user: view.name(story.user(session.user)),
            user_name: view.user_name(session.user as usize),
            info_hash: story.torrents[session.torrent as usize],
            torrent_name: view.torrent_name(session.torrent),
            peer_id: story.peer_id(session.peer).to_string(),
            key: printable(&story.written(session.peer).key().text(&story.names)).to_string(),
            client: client_of(story.peer_id(session.peer).bytes()).to_string(),
            addresses: session.addresses().filter(|seen| seen.address != 0).map(|seen| text(seen.address)).collect(),
            started_at: view.at(session.first_at),
            last_at: view.at(session.last_at),
            ended_at: view.at(ending.at),
            end: ending.end.name(),
            completed_at: view.at(session.state.completed_at),
            announces: session.announces,
            uploaded: credit.up,
            downloaded: credit.down,
            left: session.state.left(),
            listing: (story.listing(index).iter())
                .map(|l| Stretch { from: view.at(l.from), to: view.at(l.to), status: l.status.name() })
                .collect(),
            first_line: view.place(session.first_line),
            last_line: view.place(session.last_line),
        }
    }
}

impl Row for SessionRow<'_> {
    const TYPE: &'static str = "session";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("id", |r| Cell::Count(r.id)),
            shown("user", |r| Cell::Text(r.user.clone())),
            optional("user_name", |r| Cell::Text(r.user_name.clone().unwrap_or_default())),
            exact("info_hash", |r| Cell::Text(r.info_hash.to_string())),
            aside(brief("torrent", |r| Cell::Text(r.info_hash.to_string()[..12].into()))),
            optional("torrent_name", |r| Cell::Text(r.torrent_name.clone().unwrap_or_default())),
            exact("peer_id", |r| Cell::Text(r.peer_id.clone())),
            exact("key", |r| Cell::Text(r.key.clone())),
            shown("client", |r| Cell::Text(r.client.clone())),
            exact("addresses", |r| Cell::Text(r.addresses.join(" "))),
            shown("started_at", |r| Cell::Time(r.started_at)),
            exact("last_at", |r| Cell::Time(r.last_at)),
            aside(shown("ended_at", |r| Cell::Time(r.ended_at))),
            shown("end", |r| Cell::Text(r.end.into())),
            exact("completed_at", |r| Cell::Time(r.completed_at)),
            aside(shown("announces", |r| Cell::Count(r.announces.into()))),
            shown("uploaded", |r| Cell::Bytes(r.uploaded.into())),
            shown("downloaded", |r| Cell::Bytes(r.downloaded.into())),
            aside(shown("left", |r| Cell::MaybeBytes(r.left))),
            exact("first_line", |r| Cell::Text(r.first_line.to_string())),
            exact("last_line", |r| Cell::Text(r.last_line.to_string())),
        ]
    }
}

/// A torrent in a profile.
#[derive(Serialize)]
pub struct ListedRow {
    pub(in crate::report) user: String,
    user_name: Option<String>,
    #[serde(serialize_with = "hex")]
    pub(in crate::report) info_hash: InfoHash,
    torrent_name: Option<String>,
    pub(in crate::report) session: u64,
    pub(in crate::report) status: &'static str,
    pub(in crate::report) since: At,
    /// When the session was last heard of, in the whole log.
    pub(in crate::report) last_at: At,
    pub(in crate::report) ghost: &'static str,
    pub(in crate::report) client: String,
}

impl ListedRow {
    pub(in crate::report) fn new(view: &View<'_>, index: usize, listed: Listed, at: Option<Time>) -> Self {
        let story = view.story;
        let session = &story.sessions.get(index);
        ListedRow {
            user: view.name(story.user(session.user)),
            user_name: view.user_name(session.user as usize),
            info_hash: story.torrents[session.torrent as usize],
            torrent_name: view.torrent_name(session.torrent),
            session: index as u64 + 1,
            status: listed.status.name(),
            since: view.at(listed.from),
            last_at: view.at(session.last_at),
            ghost: ghost(
                session,
                story.peer_id(session.peer),
                &story.ending(index, session),
                story.settings.interval,
                at,
            )
            .name(),
            client: client_of(story.peer_id(session.peer).bytes()).to_string(),
        }
    }
}

impl Row for ListedRow {
    const TYPE: &'static str = "listed";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("user", |r| Cell::Text(r.user.clone())),
            optional("user_name", |r| Cell::Text(r.user_name.clone().unwrap_or_default())),
            exact("info_hash", |r| Cell::Text(r.info_hash.to_string())),
            aside(brief("torrent", |r| Cell::Text(r.info_hash.to_string()[..12].into()))),
            optional("torrent_name", |r| Cell::Text(r.torrent_name.clone().unwrap_or_default())),
            shown("session", |r| Cell::Count(r.session)),
            shown("status", |r| Cell::Text(r.status.into())),
            shown("since", |r| Cell::Time(r.since)),
            aside(shown("last_at", |r| Cell::Time(r.last_at))),
            shown("ghost", |r| Cell::Text(r.ghost.into())),
            shown("client", |r| Cell::Text(r.client.clone())),
        ]
    }
}
