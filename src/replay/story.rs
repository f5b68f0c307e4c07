//! What came together: every session in a fixed order, with its end, for whoever reports on it.

use super::interval::{IntervalFrom, Silences, timeout_of};
use super::names::Names;
use super::peer::Peer;
use crate::account::{Account, Keep};
use crate::announce::{Escapes, InfoHash, PeerId};
use crate::order::{by_number, by_two};
use crate::pieces::Pieces;
use crate::session::{Clock, Completed, Ending, LineRef, Listed, Session, listing, replaced};
use crate::share::shared;
use crate::time::Time;

/// A user: a passkey, or where there is none, an address.
#[derive(Clone, Debug)]
pub struct User {
    /// The passkey or the address, as written.
    pub name: Box<[u8]>,
    /// `name` is a passkey: a credential.
    pub is_passkey: bool,
    /// Totals and timeline.
    pub account: Account,
}

impl User {
    /// Whether this is the user of that name.
    pub fn is(&self, name: &[u8], is_passkey: bool) -> bool {
        self.is_passkey == is_passkey && *self.name == *name
    }
}

/// How a peer's announces are written: as its first line is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Written {
    /// Its form (see [`crate::announce::write_form`]), by number.
    pub form: u32,
    /// The `key` parameter (BEP 7), by number; 0 if there is none.
    pub key: u32,
    /// How its bytes are escaped.
    pub escapes: Escapes,
}

/// What one engine gives out; numbers are its own.
#[derive(Debug)]
pub struct Part<K> {
    /// Users by number.
    pub users: Vec<User>,
    /// Info hashes by number.
    pub torrents: Vec<InfoHash>,
    /// The peers, with the last session of each.
    pub(super) peers: Pieces<Peer<K>>,
    /// Sessions that another one of the same peer followed, and what the listener kept of them.
    pub(super) closed: Pieces<(Session, K)>,
    /// Peer ids by number.
    pub peer_ids: Vec<PeerId>,
    /// How those peers write, by the same numbers.
    pub written: Vec<Written>,
    /// Keys, addresses and forms by number.
    pub names: Names,
    /// What was heard of the interval.
    pub silences: Silences,
    /// Announces that were copies.
    pub duplicates: u64,
}

/// What holds for the whole log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The announce interval in seconds.
    pub interval: u32,
    /// Where it comes from.
    pub interval_from: IntervalFrom,
    /// The peer timeout in seconds.
    pub timeout: u32,
    /// What `completed` does.
    pub completed: Completed,
}

/// Everything that a log tells, in an order that depends on nothing but its lines.
#[derive(Debug)]
pub struct Story {
    /// Users by name.
    pub users: Vec<User>,
    /// Info hashes in order.
    pub torrents: Vec<InfoHash>,
    /// Sessions by beginning, then user, torrent and peer id.
    pub sessions: Vec<Session>,
    /// By which one each of them was replaced, by its place; [`Story::NONE`] if by none.
    successors: Vec<u32>,
    /// Peer ids by number.
    pub peer_ids: Vec<PeerId>,
    /// How those peers write, by the same numbers.
    pub written: Vec<Written>,
    /// Keys, addresses and forms by number.
    pub names: Names,
    /// Interval, timeout and reading of `completed`.
    pub settings: Settings,
    /// The first time in the log.
    pub log_start: Option<Time>,
    /// The last time in the log.
    pub log_end: Option<Time>,
    /// Announces that were copies.
    pub duplicates: u64,
    /// How timelines were kept.
    pub keep: Keep,
}

/// What the command line gives of the settings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given {
    /// The interval in seconds.
    pub interval: Option<u32>,
    /// The timeout in seconds.
    pub timeout: Option<u32>,
    /// What `completed` does.
    pub completed: Completed,
    /// How timelines were kept.
    pub keep: Keep,
}

impl Story {
    /// No session.
    const NONE: u32 = u32::MAX;

    /// Puts the parts together, on so many threads. `span` is the first and the last time in the log. What listeners kept of
    /// sessions comes in the order of the story.
    pub fn new<K: Default>(
        parts: Vec<Part<K>>,
        given: Given,
        span: (Option<Time>, Option<Time>),
        threads: usize,
    ) -> (Story, Vec<K>) {
        let mut silences = Silences::default();
        parts.iter().for_each(|part| silences.merge(&part.silences));
        let (interval, interval_from) =
            given.interval.map_or_else(|| silences.interval(), |i| (i, IntervalFrom::Given));
        let settings = Settings {
            interval,
            interval_from,
            timeout: given.timeout.unwrap_or_else(|| timeout_of(interval)),
            completed: given.completed,
        };
        let mut story = Story {
            users: Vec::new(),
            torrents: Vec::new(),
            sessions: Vec::new(),
            successors: Vec::new(),
            peer_ids: Vec::new(),
            written: Vec::new(),
            names: Names::default(),
            settings,
            log_start: span.0,
            log_end: span.1,
            duplicates: 0,
            keep: given.keep,
        };
        story.torrents = parts.iter().flat_map(|part| part.torrents.iter().copied()).collect();
        story.torrents.sort_unstable();
        story.torrents.dedup();
        let (many, mut kept) = (parts.iter().map(|part| part.peers.len() + part.closed.len()).sum(), Vec::new());
        story.sessions.reserve_exact(many);
        kept.reserve_exact(many);
        for (number, part) in (0u16..).zip(parts) {
            story.add(number, part, &mut kept);
        }
        story.sort(&mut kept);
        story.successors = story.successors(threads);
        (story, kept)
    }

    /// Takes a part in, and gives everything numbers that hold for the whole.
    fn add<K: Default>(&mut self, number: u16, part: Part<K>, all_kept: &mut Vec<K>) {
        self.duplicates += part.duplicates;
        let torrents: Vec<u32> =
            part.torrents.iter().map(|t| self.torrents.binary_search(t).unwrap_or_default() as u32).collect();
        let first_user = self.users.len() as u32;
        let first_peer = self.peer_ids.len() as u32;
        append(&mut self.users, part.users);
        append(&mut self.peer_ids, part.peer_ids);
        let (mut own, mut known) = (part.names, Vec::new());
        if number == 0 {
            // The first part's names keep their numbers.
            self.names = std::mem::take(&mut own);
        } else {
            known = vec![None; own.len()];
        }
        let names = &mut self.names;
        let mut renumber = |name: u32| match known.get_mut(name as usize) {
            Some(known) => *known.get_or_insert_with(|| names.number(own.name(name))),
            None => name,
        };
        let written = part.written.into_iter().map(|written| Written {
            form: renumber(written.form),
            key: renumber(written.key),
            ..written
        });
        append(&mut self.written, written.collect());
        // Memory is given back meanwhile: there are too many to hold them twice.
        let last = part.peers.into_iter().filter(Peer::has_begun).map(|peer| (peer.session, peer.kept));
        for (mut session, kept) in part.closed.into_iter().chain(last) {
            session.engine = number;
            session.user += first_user;
            session.peer += first_peer;
            session.torrent = torrents[session.torrent as usize];
            session.renumber_addresses(&mut renumber);
            self.sessions.push(session);
            all_kept.push(kept);
        }
    }

    /// Orders users by name, and sessions by beginning, with what was kept of them.
    fn sort<K>(&mut self, kept: &mut [K]) {
        let mut order: Vec<u32> = (0..self.users.len() as u32).collect();
        let name = |n: u32| (&*self.users[n as usize].name, self.users[n as usize].is_passkey);
        order.sort_by(|&a, &b| name(a).cmp(&name(b)));
        let mut place = vec![0; order.len()];
        for (at, &user) in order.iter().enumerate() {
            place[user as usize] = at as u32;
        }
        self.sessions.iter_mut().for_each(|session| session.user = place[session.user as usize]);
        arrange(&mut self.users, order);

        // Sessions without times have nothing but their lines to order them.
        let line = |s: &Session| if s.first_at.is_none() { s.first_line } else { LineRef::new(0, 0) };
        let begins = |s: &Session| s.first_at.map_or(i64::MIN, Time::millis);
        let mut keys: Vec<(i64, u32)> = self.sessions.iter().map(begins).zip(0..).collect();
        by_number(&mut keys, |key| key.0);
        for together in keys.chunk_by_mut(|a, b| a.0 == b.0).filter(|together| together.len() > 1) {
            together.sort_unstable_by(|a, b| {
                let key = |s: &Session| (line(s), s.user, s.torrent);
                let (a, b) = (&self.sessions[a.1 as usize], &self.sessions[b.1 as usize]);
                key(a).cmp(&key(b)).then_with(|| (self.peer_id(a), a.first_line).cmp(&(self.peer_id(b), b.first_line)))
            });
        }
        let order: Vec<u32> = keys.into_iter().map(|key| key.1).collect();
        arrange(kept, order.clone());
        arrange(&mut self.sessions, order);
    }

    fn successors(&self, threads: usize) -> Vec<u32> {
        let key = |(n, s): (usize, &Session)| (s.user, s.torrent, n as u32);
        let mut order: Vec<_> = self.sessions.iter().enumerate().map(key).collect();
        by_two(&mut order, |key| (key.0, key.1));
        // Most stand alone.
        let groups = order.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).filter(|group| group.len() > 1);
        let groups: Vec<_> = groups.collect();
        let pairs = shared(groups.len(), threads, |range| {
            let mut pairs = Vec::new();
            for group in &groups[range] {
                let sessions: Vec<&Session> = group.iter().map(|key| &self.sessions[key.2 as usize]).collect();
                let (peer_id, key) = (|s| self.peer_id(s), |s: &Session| self.written(s).key);
                let places = replaced(&sessions, peer_id, key, &self.clock()).into_iter();
                pairs.extend(places.map(|(at, by)| (group[at].2, group[by].2)));
            }
            pairs
        });
        let mut successors = vec![Self::NONE; self.sessions.len()];
        pairs.into_iter().for_each(|(at, by)| successors[at as usize] = by);
        successors
    }

    /// What endings and listings depend on.
    pub fn clock(&self) -> Clock {
        Clock { log_end: self.log_end, timeout: self.settings.timeout }
    }

    /// How the session at `index` ended.
    pub fn ending(&self, index: usize) -> Ending {
        let next = self.sessions.get(self.successors[index] as usize);
        Ending::of(&self.sessions[index], next, &self.clock())
    }

    /// What the profile listed for the session at `index`.
    pub fn listing(&self, index: usize) -> Vec<Listed> {
        listing(&self.sessions[index], &self.ending(index), &self.clock())
    }

    /// The peer id of a session.
    pub fn peer_id(&self, session: &Session) -> &PeerId {
        &self.peer_ids[session.peer as usize]
    }

    /// How a session's announces are written.
    pub fn written(&self, session: &Session) -> Written {
        self.written[session.peer as usize]
    }

    /// The user of a session.
    pub fn user(&self, session: &Session) -> &User {
        &self.users[session.user as usize]
    }
}

/// Adds items to others. The first ones stay where they are.
fn append<T>(items: &mut Vec<T>, mut more: Vec<T>) {
    if items.is_empty() {
        *items = more;
    } else {
        items.append(&mut more);
    }
}

/// Puts `items` into an order, in place: first the one at `order[0]`, and so on. There are too many sessions to hold them
/// twice.
fn arrange<T>(items: &mut [T], mut order: Vec<u32>) {
    for start in 0..order.len() {
        let mut at = start;
        // Follow the cycle that begins here; places that are done point to themselves.
        while order[at] as usize != start {
            let from = order[at] as usize;
            items.swap(at, from);
            order[at] = at as u32;
            at = from;
        }
        order[at] = at as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::arrange;

    #[test]
    fn arranging_is_indexing() {
        for order in [vec![], vec![0], vec![2, 0, 1], vec![1, 0, 3, 2], vec![4, 2, 0, 1, 3]] {
            let mut items: Vec<u32> = (0..order.len() as u32).map(|n| n * 10).collect();
            arrange(&mut items, order.clone());
            assert_eq!(items, order.iter().map(|n| n * 10).collect::<Vec<_>>());
        }
    }
}
