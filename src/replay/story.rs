//! What came together: every session in a fixed order, with its end, for whoever reports on it.

use super::interval::{IntervalFrom, Silences, timeout_of};
use super::names::{Names, Texts};
use super::peer::Peer;
use crate::account::{Account, Keep};
use crate::announce::{Escapes, InfoHash, PeerId};
use crate::order::{by_number, by_two};
use crate::pieces::Pieces;
use crate::session::{Clock, Completed, Ending, Listed, Session, listing, replaced};
use crate::share::{both, shared};
use crate::time::Time;

/// A user: a passkey, or where there is none, an address.
#[derive(Clone, Default, Debug)]
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
    pub names: Texts,
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

/// Sessions on their way into the story, and what listeners kept of them.
struct Unsorted<K> {
    sessions: Vec<Session>,
    kept: Vec<K>,
    keys: Vec<Key>,
}

/// What most sessions are ordered by: to look at these themselves would take longer.
struct Key {
    begins: Option<Time>,
    user: u32,
    place: u32,
}

impl Story {
    /// No session.
    const NONE: u32 = u32::MAX;

    /// Puts the parts together, on so many threads. `span` is the first and the last time in the log. What listeners kept of
    /// sessions comes in the order of the story.
    pub fn new<K: Default + Send>(
        mut parts: Vec<Part<K>>,
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
            names: Texts::default(),
            settings,
            log_start: span.0,
            log_end: span.1,
            duplicates: 0,
            keep: given.keep,
        };
        story.torrents = parts.iter().flat_map(|part| part.torrents.iter().copied()).collect();
        story.torrents.sort_unstable();
        story.torrents.dedup();
        let users = story.add_users(parts.iter_mut().map(|part| std::mem::take(&mut part.users)));
        let many = parts.iter().map(|part| part.peers.len() + part.closed.len()).sum();
        let mut unsorted = Unsorted {
            sessions: Vec::with_capacity(many),
            kept: Vec::with_capacity(many),
            keys: Vec::with_capacity(many),
        };
        let mut parts = (0u16..).zip(parts).zip(&users);
        if let Some(((number, mut first), users)) = parts.next() {
            // The first part's names keep their numbers, so its sessions can be added while the others' get theirs.
            let (mut names, mut others) = (std::mem::take(&mut first.names), parts.collect::<Vec<_>>());
            let merge =
                || others.iter_mut().map(|((_, part), _)| names.merge(std::mem::take(&mut part.names))).collect();
            let add = || story.add(number, first, users, |name| name, &mut unsorted);
            let (numbers, ()): (Vec<Vec<u32>>, ()) = both(threads, merge, add);
            for (((number, part), users), numbers) in others.into_iter().zip(numbers) {
                story.add(number, part, users, |name| numbers[name as usize], &mut unsorted);
            }
            story.names = names.into_texts();
        }
        let kept = story.sort(unsorted, threads);
        story.successors = story.successors(threads);
        (story, kept)
    }

    /// Takes in the users of all parts, and orders them by name. Returns their numbers, by part and by the numbers that they had.
    fn add_users(&mut self, parts: impl Iterator<Item = Vec<User>>) -> Vec<Vec<u32>> {
        let mut ends = Vec::new();
        for users in parts {
            append(&mut self.users, users);
            ends.push(self.users.len());
        }
        let mut order: Vec<u32> = (0..self.users.len() as u32).collect();
        let name = |n: u32| (&*self.users[n as usize].name, self.users[n as usize].is_passkey);
        order.sort_by(|&a, &b| name(a).cmp(&name(b)));
        let mut places = vec![0; order.len()];
        for (place, &user) in order.iter().enumerate() {
            places[user as usize] = place as u32;
        }
        arrange(&mut self.users, order, std::mem::take);
        let mut begin = 0;
        ends.into_iter().map(|end| places[std::mem::replace(&mut begin, end)..end].to_vec()).collect()
    }

    /// Takes a part in, and gives everything numbers that hold for the whole: `users` are those of its users, and `renumber` does
    /// that with names.
    fn add<K: Default>(
        &mut self,
        number: u16,
        part: Part<K>,
        users: &[u32],
        renumber: impl Fn(u32) -> u32,
        unsorted: &mut Unsorted<K>,
    ) {
        self.duplicates += part.duplicates;
        let torrents: Vec<u32> =
            part.torrents.iter().map(|t| self.torrents.binary_search(t).unwrap_or_default() as u32).collect();
        let first_peer = self.peer_ids.len() as u32;
        append(&mut self.peer_ids, part.peer_ids);
        let written = part.written.into_iter().map(|written| Written {
            form: renumber(written.form),
            key: renumber(written.key),
            ..written
        });
        append(&mut self.written, written.collect());
        let mut add = |session: &mut Session, kept: &mut K| {
            let mut session = session.take();
            session.engine = number;
            session.user = users[session.user as usize];
            session.peer += first_peer;
            session.torrent = torrents[session.torrent as usize];
            session.renumber_addresses(&renumber);
            unsorted.keys.push(Key {
                begins: session.first_at,
                user: session.user,
                place: unsorted.sessions.len() as u32,
            });
            unsorted.sessions.push(session);
            unsorted.kept.push(std::mem::take(kept));
        };
        // Memory is given back meanwhile: there are too many to hold them twice.
        for mut piece in part.closed.into_pieces() {
            piece.iter_mut().for_each(|(session, kept)| add(session, kept));
        }
        for mut piece in part.peers.into_pieces() {
            let begun = piece.iter_mut().filter(|peer| peer.has_begun());
            begun.for_each(|peer| add(&mut peer.session, &mut peer.kept));
        }
    }

    /// Orders sessions by beginning, with what was kept of them.
    fn sort<K: Default + Send>(&mut self, unsorted: Unsorted<K>, threads: usize) -> Vec<K> {
        let Unsorted { mut sessions, mut kept, mut keys } = unsorted;
        let begins = |key: &Key| key.begins.map_or(i64::MIN, Time::millis);
        by_number(&mut keys, begins);
        for together in keys.chunk_by_mut(|a, b| begins(a) == begins(b)).filter(|together| together.len() > 1) {
            let session = |key: &Key| &sessions[key.place as usize];
            // Sessions without times have nothing but their lines to order them.
            let line = |key: &Key| key.begins.is_none().then(|| session(key).first_line);
            let rest = |key: &Key| {
                let session = session(key);
                (session.torrent, self.peer_id(session), session.first_line)
            };
            together.sort_unstable_by(|a, b| {
                let first = (line(a), a.user).cmp(&(line(b), b.user));
                first.then_with(|| rest(a).cmp(&rest(b)))
            });
        }
        let order: Vec<u32> = keys.into_iter().map(|key| key.place).collect();
        let same = order.clone();
        both(threads, || arrange(&mut kept, same, std::mem::take), || arrange(&mut sessions, order, Session::take));
        self.sessions = sessions;
        kept
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
/// twice. `take` takes an item away, and leaves any other one there.
fn arrange<T>(items: &mut [T], mut order: Vec<u32>, take: impl Fn(&mut T) -> T) {
    for start in 0..order.len() {
        if order[start] as usize == start {
            continue;
        }
        // Follow the cycle that begins here; places that are done point to themselves.
        let (first, mut at) = (take(&mut items[start]), start);
        loop {
            let from = std::mem::replace(&mut order[at], at as u32) as usize;
            if from == start {
                break;
            }
            items[at] = take(&mut items[from]);
            at = from;
        }
        items[at] = first;
    }
}

#[cfg(test)]
mod tests {
    use super::arrange;

    #[test]
    fn arranging_is_indexing() {
        for order in [vec![], vec![0], vec![2, 0, 1], vec![1, 0, 3, 2], vec![4, 2, 0, 1, 3]] {
            let mut items: Vec<u32> = (0..order.len() as u32).map(|n| n * 10).collect();
            arrange(&mut items, order.clone(), std::mem::take);
            assert_eq!(items, order.iter().map(|n| n * 10).collect::<Vec<_>>());
        }
    }
}
