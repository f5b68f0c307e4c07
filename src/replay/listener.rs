//! What the engine tells of, and whom.

use super::story::User;
use crate::announce::{InfoHash, PeerId};
use crate::session::{Counters, Last, LineRef, Live, Said, Session, Transition};

/// One announce, applied.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Whose session.
    pub user: &'a User,
    /// Of which torrent.
    pub info_hash: &'a InfoHash,
    /// By which peer.
    pub peer_id: &'a PeerId,
    /// The session after the announce.
    pub session: &'a Session,
    /// The session before it of this user, torrent and peer id: another one if this one begins here. `None` for the first
    /// announce.
    pub before: Option<&'a Live>,
    /// The line that was heard before; its own if there was none.
    pub line_before: LineRef,
    /// What was said.
    pub said: &'a Said,
    /// What it did.
    pub transition: Transition,
    /// What it credited.
    pub credit: Counters,
    /// Where it stands.
    pub line: LineRef,
    /// Seconds since the session was last heard of, refused announces included; `None` if never, or without times.
    pub silence: Option<u32>,
    /// The server refused an announce of this session since the last one it took.
    pub after_refusal: bool,
    /// It came from an address that the session had not used before.
    pub new_address: bool,
}

/// Told of every announce applied, duplicates included.
pub trait Listener {
    /// What it keeps of each session. It lies beside the session: memory is far away.
    type Kept: Default;

    /// An announce was applied, of a session of which this is kept.
    fn applied(&mut self, step: &Step<'_>, kept: &mut Self::Kept);

    /// A session is over, or the log is, or nothing was heard of it for long. If it goes on after that, its end is told again.
    fn ended(&mut self, _: &Session, _: &Last) {}

    /// Writes down what it keeps of a session that is put aside, where nothing is written yet, and lets go of what lies behind it.
    fn put_aside(&mut self, _: &mut Self::Kept, _: &mut Vec<u8>) {}

    /// What it wrote down of a session, which goes on.
    fn take_up(&mut self, _: &[u8]) -> Self::Kept {
        Self::Kept::default()
    }

    /// Has the cache fetch what lies behind what is kept of a session: it will be needed soon.
    fn fetch(&self, _: &Self::Kept) {}

    /// Whether it is to be told of seeds, too, that have nothing new to say (see [`says_nothing_new`](crate::session::says_nothing_new)). They credit nothing.
    fn hears_all(&self) -> bool {
        true
    }

    /// Nothing more needs to be told: reading may stop.
    fn done(&self) -> bool {
        false
    }
}

impl Listener for () {
    type Kept = ();

    fn applied(&mut self, _: &Step<'_>, _: &mut ()) {}
}
