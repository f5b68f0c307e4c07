//! Who runs what, and how far each announce is written as its client writes them: by what is known of clients, and by what
//! the others in the same log do.

use super::table::{ROWS, Row, Scope, Version, row_of, version};
use super::traits::trait_of::{CASE, ORDER, SHARED};
use super::traits::{KINDS, look_at_escapes, look_at_form, look_at_peer_id};
use crate::announce::{Client, Escapes, Form, client_of};
use crate::order::by_two;
use crate::replay::{Story, Written};
use crate::session::Brief;
use crate::share::shared;
use crate::strings::AHEAD;
use foldhash::fast::RandomState;
use prefetch_index::prefetch_index;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};

type Map<K, V> = HashMap<K, V, RandomState>;

/// So many users of a version agree by more than chance.
const SEVERAL: u32 = 5;
/// So many users are enough to know how a client writes that no table knows; and to confirm what the table says.
const MANY: u32 = 20;
/// Some client programs use one peer id for the two hashes of a hybrid torrent.
const TORRENTS: usize = 3;

/// A client program in a version, as peer ids name it.
#[derive(Clone, Debug)]
pub struct Class {
    /// The program.
    pub client: Client,
    /// Its row in the table.
    row: Option<usize>,
    version: Version,
}

impl Class {
    /// Whether the table knows it.
    pub fn is_known(&self) -> bool {
        self.row.is_some()
    }

    fn row(&self) -> Option<&'static Row> {
        self.row.and_then(|row| ROWS.get(row))
    }
}

/// Who runs what, and what disagrees with itself.
#[derive(Default, Debug)]
pub struct Clients {
    classes: Vec<Class>,
    /// The class of each session.
    class: Vec<u32>,
    /// How each session's announces are not as their client's.
    wrong: Vec<u32>,
}

impl Clients {
    /// The clients that are there.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// Which of them a session's is.
    pub fn class_of(&self, session: usize) -> usize {
        self.class[session] as usize
    }

    /// How a session's announces are not as their client's.
    pub fn wrong(&self, session: usize) -> u32 {
        self.wrong[session]
    }

    /// Learns from a story, on so many threads.
    pub fn of(story: &Story, threads: usize) -> Clients {
        let mut learner = Learner::new(story, threads);
        learner.look();
        learner.look_at_scopes();
        learner.forgive();
        let Learner { classes, class, wrong, .. } = learner;
        Clients { classes, class, wrong }
    }
}

struct Learner<'a> {
    story: &'a Story,
    classes: Vec<Class>,
    class: Vec<u32>,
    /// What each session shows of how its client writes, and what of that is not so.
    shown: Vec<u32>,
    wrong: Vec<u32>,
    /// Places of sessions, those of a user with one client together.
    order: Vec<u32>,
    threads: usize,
}

/// Of so many users who show something, so many do it otherwise.
#[derive(Clone, Copy, Default)]
struct Tally {
    shown: u32,
    wrong: u32,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.shown += other.shown;
        self.wrong += other.wrong;
    }

    /// As good as all of several users do it otherwise.
    fn is_the_rule(self) -> bool {
        self.shown >= SEVERAL && u64::from(self.wrong) * 100 >= u64::from(self.shown) * 95
    }

    /// As good as nobody of many does it otherwise.
    fn confirms(self) -> bool {
        self.shown >= MANY && self.wrong * 10 <= self.shown
    }
}

/// By trait.
type Tallies = [Tally; 32];

impl<'a> Learner<'a> {
    fn new(story: &'a Story, threads: usize) -> Self {
        let mut learner = Learner {
            story,
            classes: Vec::new(),
            class: Vec::with_capacity(story.sessions.len()),
            shown: Vec::new(),
            wrong: Vec::new(),
            order: Vec::new(),
            threads,
        };
        // Most peer ids name the client in their first eight bytes.
        let mut by_prefix: Map<[u8; 8], u32> = Map::default();
        let mut known: Map<(Option<&'static str>, String), u32> = Map::default();
        let briefs = story.sessions.briefs();
        for (at, session) in briefs.iter().enumerate() {
            if let Some(ahead) = briefs.get(at + AHEAD) {
                prefetch_index(&story.peer_ids, ahead.peer as usize);
            }
            let peer_id = story.peer_id(session.peer).bytes();
            let prefix = peer_id.first_chunk::<8>().filter(|prefix| prefix[0] == b'-' && prefix[7] == b'-');
            let class = prefix.and_then(|prefix| by_prefix.get(prefix).copied()).unwrap_or_else(|| {
                let client = client_of(peer_id);
                *known.entry((client.name, client.version.clone())).or_insert_with(|| {
                    let version = version(&client.version);
                    let row = client.name.and_then(|_| row_of(peer_id, version));
                    learner.classes.push(Class { client, row, version });
                    learner.classes.len() as u32 - 1
                })
            });
            if let Some(prefix) = prefix {
                by_prefix.insert(*prefix, class);
            }
            learner.class.push(class);
        }
        // With what they are ordered by: to look there in each pass would take longer.
        let keys = learner.class.iter().zip(briefs).zip(0u32..);
        let mut keys: Vec<(u32, u32, u32)> = keys.map(|((class, session), at)| (*class, session.user, at)).collect();
        by_two(&mut keys, |(class, user, _)| (*class, *user));
        learner.order = keys.iter().map(|(.., at)| *at).collect();
        learner
    }

    fn row(&self, session: usize) -> Option<&'static Row> {
        self.classes[self.class[session] as usize].row()
    }

    /// Holds every session against the table.
    fn look(&mut self) {
        let cases = AtomicU8::new(0);
        let looked = shared(self.story.sessions.len(), self.threads, |range| {
            let mut forms: Map<(u32, u32), (u32, u32)> = Map::default();
            let (mut looked, mut seen) = (Vec::with_capacity(range.len()), 0);
            for at in range {
                let Written { form, escapes, .. } = self.story.written(self.story.sessions.brief(at).peer);
                seen |= escapes.seen & (Escapes::UPPER | Escapes::LOWER);
                looked.push(self.look_at(at, form, escapes, &mut forms));
            }
            cases.fetch_or(seen, Ordering::Relaxed);
            looked
        });
        (self.shown, self.wrong) = looked.into_iter().unzip();
        // Where no escape is in upper case, or none in lower case, something has rewritten them.
        if cases.into_inner() != Escapes::UPPER | Escapes::LOWER {
            self.shown.iter_mut().chain(&mut self.wrong).for_each(|traits| *traits &= !CASE);
        }
        self.look_at_strangers();
    }

    /// What a session shows, and what of that is not as the table says. `forms` are those that were looked at before, by class.
    fn look_at(&self, at: usize, form: u32, escapes: Escapes, forms: &mut Map<(u32, u32), (u32, u32)>) -> (u32, u32) {
        let Some(row) = self.row(at) else { return (0, 0) };
        let (class, story) = (self.class[at], self.story);
        let session = story.sessions.brief(at);
        let (mut shown, mut wrong) = *forms.entry((class, form)).or_insert_with(|| {
            let text = story.names.name(form);
            Form::of(text).map_or((0, 0), |form| look_at_form(row, &form, self.classes[class as usize].version))
        });
        let mut see = |(all, other): (u32, u32)| {
            shown |= all;
            wrong |= other & all;
        };
        see(look_at_escapes(row, escapes));
        see(look_at_peer_id(row, story.peer_id(session.peer).bytes(), || agent_of(story, session)));
        (shown, wrong)
    }

    /// Clients that no table knows write as many others with the same one do, or else are not the same.
    fn look_at_strangers(&mut self) {
        let story = self.story;
        let user = |at: &u32| story.sessions.brief(*at as usize).user;
        let core = |at: u32| {
            let form = form_of(story, story.sessions.brief(at as usize))?;
            Some(core_order(form.order))
        };
        let mut odd: Vec<u32> = Vec::new();
        for run in self.order.chunk_by(|a, b| self.class[*a as usize] == self.class[*b as usize]) {
            let class = &self.classes[self.class[run[0] as usize] as usize];
            let all = run.chunk_by(|a, b| user(a) == user(b)).count();
            if class.row.is_some() || class.client.name.is_none() || all < MANY as usize {
                continue;
            }
            let mut users_of: Map<Vec<&[u8]>, Vec<u32>> = Map::default();
            for at in run {
                let Some(core) = core(*at) else { continue };
                let users = users_of.entry(core).or_default();
                if users.last() != Some(&user(at)) {
                    users.push(user(at));
                }
            }
            let usual = users_of.iter().find(|(_, users)| users.len() * 100 >= all * 95).map(|(core, _)| core);
            let unusual = |at: &&u32| usual.is_some_and(|usual| core(**at).is_some_and(|core| core != *usual));
            odd.extend(run.iter().filter(unusual));
        }
        for at in odd {
            self.shown[at as usize] |= ORDER;
            self.wrong[at as usize] |= ORDER;
        }
    }

    /// Looks for peer ids that serve several torrents of a user although their client makes one for each.
    fn look_at_scopes(&mut self) {
        let story = self.story;
        let key = |at: &u32| (self.class[*at as usize], story.sessions.brief(*at as usize).user);
        let runs: Vec<_> = self.order.chunk_by(|a, b| key(a) == key(b)).filter(|run| run.len() >= TORRENTS).collect();
        let found = shared(runs.len(), self.threads, |range| {
            // By form.
            let mut newer: Map<u32, bool> = Map::default();
            runs[range].iter().flat_map(|run| self.look_at_scope(run, &mut newer)).collect()
        });
        for (at, wrong) in found {
            self.shown[at as usize] |= SHARED;
            self.wrong[at as usize] |= if wrong { SHARED } else { 0 };
        }
    }

    /// Of some sessions of a user with one client, those that show it, and whether it is not so.
    fn look_at_scope(&self, run: &[u32], newer: &mut Map<u32, bool>) -> Vec<(u32, bool)> {
        let story = self.story;
        let Some(row) = self.row(run[0] as usize) else { return Vec::new() };
        let mut can_tell = |at: &u32| match row.scope {
            Scope::Torrent => true,
            Scope::ByAgent => {
                let session = story.sessions.brief(*at as usize);
                let form = story.written(session.peer).form;
                *newer.entry(form).or_insert_with(|| agent_of(story, session).is_some_and(new_libtorrent))
            }
            Scope::Unknown => false,
        };
        let mut all: Vec<u32> = run.iter().copied().filter(|at| can_tell(at)).collect();
        let place = |at: &u32| {
            let session = story.sessions.brief(*at as usize);
            (story.peer_id(session.peer), session.torrent)
        };
        all.sort_by_key(place);
        let torrents = |run: &[u32]| run.chunk_by(|a, b| place(a) == place(b)).count();
        if torrents(&all) < TORRENTS {
            return Vec::new();
        }
        let by_peer_id = all.chunk_by(|a, b| place(a).0 == place(b).0);
        let judged = by_peer_id.flat_map(|same| {
            let wrong = torrents(same) >= TORRENTS;
            same.iter().map(move |at| (*at, wrong))
        });
        judged.collect()
    }

    /// What as good as all users of a client do is how it writes in this log, whatever the table says: it may be patched,
    /// or a proxy rewrites it.
    fn forgive(&mut self) {
        let mut tallies: Vec<Tallies> = vec![Tallies::default(); self.classes.len()];
        let key = |at: u32| (self.class[at as usize], self.story.sessions.brief(at as usize).user);
        for run in self.order.chunk_by(|a, b| key(*a) == key(*b)) {
            let of_all = |traits: &[u32]| run.iter().fold(0, |all, at| all | traits[*at as usize]);
            let (shown, wrong) = (of_all(&self.shown), of_all(&self.wrong));
            let tallies = &mut tallies[key(run[0]).0 as usize];
            for (bit, tally) in tallies.iter_mut().enumerate() {
                tally.add(Tally { shown: shown >> bit & 1, wrong: wrong >> bit & 1 });
            }
        }
        // What most of all users do otherwise, whatever they run, is not their clients' doing.
        let mut everywhere = Tallies::default();
        for tallies in &tallies {
            everywhere.iter_mut().zip(tallies).for_each(|(sum, tally)| sum.add(*tally));
        }
        let rewritten =
            bits(|bit| everywhere[bit].shown >= SEVERAL && everywhere[bit].wrong * 2 > everywhere[bit].shown);
        let forgiven: Vec<u32> = (0..self.classes.len())
            .map(|class| {
                let rule = bits(|bit| tallies[class][bit].is_the_rule());
                rewritten | rule & !self.known_better(class, rule, &tallies)
            })
            .collect();
        for (wrong, class) in self.wrong.iter_mut().zip(&self.class) {
            *wrong &= !forgiven[*class as usize];
        }
    }

    /// What all users of a client do otherwise, but not because it is new or patched: many users of other versions in the
    /// same row, one of them newer, do as the table says, and a program does not change several of its ways for one version
    /// and back.
    fn known_better(&self, class: usize, rule: u32, tallies: &[Tallies]) -> u32 {
        let Class { row: Some(row), version, .. } = self.classes[class] else { return 0 };
        let others = || self.classes.iter().zip(tallies).filter(|(other, _)| other.row == Some(row));
        let known = bits(|bit| {
            let mut sum = Tally::default();
            let (mut newer, others) = (false, others().filter(|(other, _)| other.version != version));
            for (other, tallies) in others {
                newer |= other.version > version && tallies[bit].shown > 0;
                sum.add(tallies[bit]);
            }
            newer && sum.confirms()
        });
        let known = known & rule;
        if KINDS.iter().filter(|(kind, ..)| known & kind != 0).count() >= 2 { known } else { 0 }
    }
}

fn bits(is: impl Fn(usize) -> bool) -> u32 {
    (0..32).fold(0, |bits, bit| bits | u32::from(is(bit)) << bit)
}

fn form_of<'a>(story: &'a Story, session: &Brief) -> Option<Form<'a>> {
    Form::of(story.names.name(story.written(session.peer).form))
}

fn agent_of<'a>(story: &'a Story, session: &Brief) -> Option<&'a [u8]> {
    form_of(story, session).map(|form| form.agent).filter(|agent| !agent.is_empty())
}

/// Whether a user agent names a libtorrent that makes a peer id for each torrent.
fn new_libtorrent(agent: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(agent, b"libtorrent/") else { return false };
    std::str::from_utf8(&agent[at..]).is_ok_and(|text| version(text) >= [1, 1, 7, 0])
}

/// The order of what every announce has.
fn core_order(order: &[u8]) -> Vec<&[u8]> {
    const CORE: [&[u8]; 8] =
        [b"info_hash", b"peer_id", b"port", b"uploaded", b"downloaded", b"left", b"key", b"compact=1"];
    order.split(|b| *b == b' ').filter(|name| CORE.contains(name)).collect()
}
