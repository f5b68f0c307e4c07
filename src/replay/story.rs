//! What came together: every session in a fixed order, with its end, for whoever reports on it.

use super::interval::{IntervalFrom, Silences, timeout_of};
use super::names::{Names, Texts};
use super::sessions::{Numbers, Sessions};
use super::shelf::{Place, Shelf, Spine};
use super::written::Written;
use crate::account::{Account, Histories, Keep, Point};
use crate::announce::{InfoHash, PeerId};
use crate::order::{by_number, by_two};
use crate::session::{Clock, Completed, Ending, Listed, Session, ends_listed, listing, replaced};
use crate::share::{both, each, shared};
use crate::strings::Strings;
use crate::time::Time;

/// A user: a passkey, or where there is none, an address. Two lines of the cache.
#[derive(Clone, Default, Debug)]
#[repr(align(64))]
pub struct User {
    /// The passkey or the address, as written.
    pub name: Box<[u8]>,
    /// `name` is a passkey: a credential.
    pub is_passkey: bool,
    /// Totals and timeline.
    pub account: Account,
    /// Which engine it comes from, by the place among them; known once all is read.
    pub engine: u16,
}

const _: () = assert!(size_of::<User>() == 128);

impl User {
    /// Whether this is the user of that name.
    pub fn is(&self, name: &[u8], is_passkey: bool) -> bool {
        self.is_passkey == is_passkey && *self.name == *name
    }
}

/// What one engine gives out; numbers are its own.
#[derive(Debug)]
pub struct Part {
    /// Users by number.
    pub users: Vec<User>,
    /// Their timelines.
    pub histories: Histories,
    /// Info hashes by number.
    pub torrents: Vec<InfoHash>,
    /// By peer, the user and the torrent.
    pub(super) whose: Vec<(u32, u32)>,
    /// All sessions, and what the listener kept of them.
    pub(super) shelf: Shelf,
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
    /// Their timelines, by engine.
    pub(crate) histories: Vec<Histories>,
    /// Info hashes in order.
    pub torrents: Vec<InfoHash>,
    /// Sessions by beginning, then user, torrent and peer id.
    pub sessions: Sessions,
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

/// What most sessions are ordered by: to look at these themselves would take longer.
struct Key {
    begins: Option<Time>,
    user: u32,
    torrent: u32,
    peer: u32,
    place: Place,
    engine: u16,
}

impl Story {
    /// No session.
    const NONE: u32 = u32::MAX;

    /// Puts the parts together, on so many threads. `span` is the first and the last time in the log. What listeners kept of
    /// sessions comes in the order of the story.
    pub fn new(
        mut parts: Vec<Part>,
        given: Given,
        span: (Option<Time>, Option<Time>),
        threads: usize,
    ) -> (Story, Strings) {
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
            histories: parts.iter_mut().map(|part| std::mem::take(&mut part.histories)).collect(),
            torrents: Vec::new(),
            sessions: Sessions::default(),
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
        let torrents = story.add_torrents(parts.iter().map(|part| &part.torrents[..]));
        let users = story.add_users(parts.iter_mut().map(|part| std::mem::take(&mut part.users)));
        let (mut numbers, mut names, mut written) = (Vec::new(), Vec::new(), Vec::new());
        for ((part, users), torrents) in parts.iter_mut().zip(users).zip(torrents) {
            numbers.push(Numbers {
                users,
                torrents,
                names: None,
                first_peer: story.peer_ids.len() as u32,
                whose: std::mem::take(&mut part.whose),
            });
            append(&mut story.peer_ids, std::mem::take(&mut part.peer_ids));
            names.push(std::mem::take(&mut part.names));
            written.push(std::mem::take(&mut part.written));
            story.duplicates += part.duplicates;
        }
        let shelves: Vec<Shelf> = parts.into_iter().map(|part| part.shelf).collect();
        let ((names, renamed), order) = both(threads, || merged(names), || story.order(&shelves, &numbers, threads));
        story.names = names;
        for ((numbers, names), written) in numbers.iter_mut().zip(renamed).zip(written) {
            numbers.names = names;
            let own = written.into_iter().map(|written| written.renamed(|name| numbers.name(name)));
            append(&mut story.written, own.collect());
        }
        let kept;
        (story.sessions, kept) = Sessions::gather(shelves, &numbers, &order, threads);
        story.successors = story.successors(threads);
        (story, kept)
    }

    /// Takes in the torrents of all parts, and orders them. Returns their numbers, by part and by the numbers that they had.
    fn add_torrents<'a>(&mut self, parts: impl Iterator<Item = &'a [InfoHash]>) -> Vec<Vec<u32>> {
        let mut numbers = Vec::new();
        let mut all: Vec<(InfoHash, u32, u32)> = Vec::new();
        for (part, torrents) in (0..).zip(parts) {
            numbers.push(vec![0; torrents.len()]);
            all.extend(torrents.iter().zip(0..).map(|(torrent, at)| (*torrent, part, at)));
        }
        all.sort_unstable_by(|(a, ..), (b, ..)| beginning(&a.0).cmp(&beginning(&b.0)).then_with(|| a.cmp(b)));
        for same in all.chunk_by(|a, b| a.0 == b.0) {
            for &(_, part, at) in same {
                numbers[part as usize][at as usize] = self.torrents.len() as u32;
            }
            self.torrents.push(same[0].0);
        }
        numbers
    }

    /// Takes in the users of all parts, and orders them by name. Returns their numbers, by part and by the numbers that they had.
    fn add_users(&mut self, parts: impl Iterator<Item = Vec<User>>) -> Vec<Vec<u32>> {
        let mut ends = Vec::new();
        for (engine, mut users) in (0..).zip(parts) {
            users.iter_mut().for_each(|user| user.engine = engine);
            append(&mut self.users, users);
            ends.push(self.users.len());
        }
        let mut order: Vec<(u128, u32)> = self.users.iter().map(|user| beginning(&user.name)).zip(0..).collect();
        let name = |n: u32| (&*self.users[n as usize].name, self.users[n as usize].is_passkey);
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| name(a.1).cmp(&name(b.1))));
        let mut places = vec![0; order.len()];
        for (place, (_, user)) in order.iter().enumerate() {
            places[*user as usize] = place as u32;
        }
        let ordered = order.iter().map(|(_, user)| std::mem::take(&mut self.users[*user as usize])).collect();
        self.users = ordered;
        let mut begin = 0;
        ends.into_iter().map(|end| places[std::mem::replace(&mut begin, end)..end].to_vec()).collect()
    }

    /// The order of sessions: by beginning, then user, torrent and peer id.
    fn order(&self, shelves: &[Shelf], numbers: &[Numbers], threads: usize) -> Vec<(u16, Place)> {
        let of_engine = |engine: usize| {
            let numbers = &numbers[engine];
            let key = |Spine { place, peer, first_at }| {
                let (user, torrent) = numbers.whose(peer);
                Key { begins: first_at, user, torrent, peer: peer + numbers.first_peer, place, engine: engine as u16 }
            };
            shelves[engine].spines().map(key).collect()
        };
        let mut keys: Vec<Key> = Vec::new();
        each(shelves.len(), threads, of_engine).into_iter().for_each(|own| append(&mut keys, own));
        let begins = |key: &Key| key.begins.map_or(i64::MIN, Time::millis);
        by_number(&mut keys, begins);
        let line = |key: &Key| {
            let (shelf, numbers) = (&shelves[usize::from(key.engine)], &numbers[usize::from(key.engine)]);
            shelf.get(key.place, |peer| numbers.whose(peer)).session().first_line
        };
        for together in keys.chunk_by_mut(|a, b| begins(a) == begins(b)).filter(|together| together.len() > 1) {
            if together[0].begins.is_none() {
                // Sessions without times have nothing but their lines to order them.
                together.sort_by_cached_key(line);
                continue;
            }
            let peer_id = |key: &Key| &self.peer_ids[key.peer as usize];
            together.sort_unstable_by(|a, b| {
                let first = (a.user, a.torrent).cmp(&(b.user, b.torrent));
                first.then_with(|| peer_id(a).cmp(peer_id(b))).then_with(|| line(a).cmp(&line(b)))
            });
        }
        keys.into_iter().map(|key| (key.engine, key.place)).collect()
    }

    fn successors(&self, threads: usize) -> Vec<u32> {
        let mut order: Vec<_> = (0u32..).zip(self.sessions.briefs()).map(|(n, s)| (s.user, s.torrent, n)).collect();
        by_two(&mut order, |key| (key.0, key.1));
        // Most stand alone.
        let groups = order.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).filter(|group| group.len() > 1);
        let groups: Vec<_> = groups.collect();
        let pairs = shared(groups.len(), threads, |range| {
            let mut pairs = Vec::new();
            let may_be_replaced = |key: &(u32, u32, u32)| ends_listed(self.sessions.brief(key.2 as usize).phase);
            for group in groups[range].iter().filter(|group| group[..group.len() - 1].iter().any(may_be_replaced)) {
                let sessions: Vec<Session> = group.iter().map(|key| self.sessions.get(key.2 as usize)).collect();
                let (peer_id, key) = (
                    |s: &Session| self.peer_id(s.peer),
                    |s: &Session| Some(self.written(s.peer).key()).filter(|key| key.is_some()),
                );
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

    /// How the session at `index`, which is at hand, ended.
    pub fn ending(&self, index: usize, session: &Session) -> Ending {
        let next = self.successors[index];
        let next = (next != Self::NONE).then(|| self.sessions.get(next as usize));
        Ending::of(session, next.as_ref(), &self.clock())
    }

    /// What the profile listed for the session at `index`.
    pub fn listing(&self, index: usize) -> Vec<Listed> {
        let session = self.sessions.get(index);
        listing(&session, &self.ending(index, &session), &self.clock())
    }

    /// A peer's id, by number.
    pub fn peer_id(&self, peer: u32) -> &PeerId {
        &self.peer_ids[peer as usize]
    }

    /// How a peer's announces are written, by number.
    pub fn written(&self, peer: u32) -> Written {
        self.written[peer as usize]
    }

    /// A user's timeline, by number: the first and the last point are always there.
    pub fn timeline(&self, user: usize) -> impl DoubleEndedIterator<Item = Point> + use<> {
        let User { account, engine, .. } = &self.users[user];
        account.timeline(self.keep, &self.histories[usize::from(*engine)])
    }

    /// The shape of a user's timeline in about so many points, and not more than one above.
    pub fn outline(&self, user: usize, most: usize) -> Vec<Point> {
        let User { account, engine, .. } = &self.users[user];
        account.outline(most, &self.histories[usize::from(*engine)])
    }

    /// A user, by number.
    pub fn user(&self, user: u32) -> &User {
        &self.users[user as usize]
    }
}

/// How a text begins, as a number: most texts are ordered by that alone, without a look at themselves. Where it is equal, they must
/// be looked at.
fn beginning(text: &[u8]) -> u128 {
    let bytes = text.first_chunk().copied().unwrap_or_else(|| {
        let mut bytes = [0; 16];
        bytes[..text.len()].copy_from_slice(text);
        bytes
    });
    u128::from_be_bytes(bytes)
}

/// Adds items to others. The first ones stay where they are.
fn append<T>(items: &mut Vec<T>, mut more: Vec<T>) {
    if items.is_empty() {
        *items = more;
    } else {
        items.append(&mut more);
    }
}

/// All names under numbers that hold for the whole, and by part what its own become; `None` if they stay.
fn merged(parts: Vec<Names>) -> (Texts, Vec<Option<Vec<u32>>>) {
    let mut parts = parts.into_iter();
    let mut names = parts.next().unwrap_or_default();
    let others: Vec<_> = parts.map(|others| Some(names.merge(others))).collect();
    (names.into_texts(), [None].into_iter().chain(others).collect())
}
