//! What each tracker would have credited: policies run beside each other while a log is replayed.

use crate::account::{Account, Histories, Keep};
use crate::replay::{Listener, Step, Story};
use crate::session::credit::{Identity, Kept, Policy, Why};
use crate::session::{Counters, LineRef};
use crate::time::Time;
use std::collections::HashMap;

/// What a policy credited for a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Credited {
    /// The bytes.
    pub sum: Counters,
    /// Since when that differs from what swarmtrail's own rule credits; `None` if it does not, in the end.
    pub parts: Option<Parting>,
}

/// Where two rules part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parting {
    /// The line.
    pub line: LineRef,
    /// What the policy made of it.
    pub why: Why,
}

/// Timelines, wanted for one policy alone.
#[derive(Clone, Debug, Default)]
pub struct Timelines {
    /// What is kept of them.
    pub keep: Keep,
    /// Only torrents whose info hash begins so (lower-case hexadecimal) are credited.
    pub torrent: Option<String>,
}

impl Timelines {
    fn wants(&self, step: &Step<'_>) -> bool {
        self.torrent.as_ref().is_none_or(|prefix| step.info_hash.to_string().starts_with(prefix))
    }
}

/// What one engine's announces come to under some policies. Those that know peers by their port need to hear of announces in
/// the order of the whole log ([`crate::replay::Order::WholeLog`]). Memory: 48 bytes for each peer and 32 for each session, by policy.
#[derive(Default)]
pub struct Books {
    policies: Vec<&'static Policy>,
    since: Option<Time>,
    timelines: Option<Timelines>,
    /// By peer, then by policy.
    peers: Vec<Kept>,
    /// By user, torrent and policy, of those that know peers by their port.
    ports: HashMap<(u32, u32, usize), Kept>,
    /// By session, then by policy.
    sessions: Vec<Credited>,
    /// By session: whose it is.
    users: Vec<u32>,
    /// By user, if timelines are wanted.
    accounts: Vec<Option<Account>>,
    histories: Histories,
}

impl Books {
    /// Books for some policies. What comes before `since` is known, but not credited. Timelines are kept of the first policy.
    pub fn new(policies: Vec<&'static Policy>, since: Option<Time>, timelines: Option<Timelines>) -> Books {
        Books { policies, since, timelines, ..Books::default() }
    }
}

impl Listener for Books {
    type Kept = ();

    fn applied(&mut self, step: &Step<'_>, _: &mut ()) {
        let (many, session, said) = (self.policies.len(), step.session, step.said);
        let [of_peer, of_session] = [session.peer, session.number].map(|number| number as usize * many);
        grow(&mut self.peers, of_peer + many);
        grow(&mut self.sessions, of_session + many);
        grow(&mut self.users, session.number as usize + 1);
        self.users[session.number as usize] = session.user;
        let counts = self.since.is_none_or(|since| said.at.is_none_or(|at| at >= since));
        let own = session.state.credit();
        for (place, policy) in self.policies.iter().enumerate() {
            let kept = match policy.identity {
                Identity::PeerId => &mut self.peers[of_peer + place],
                Identity::Port => self.ports.entry((session.user, session.torrent, place)).or_default(),
            };
            let taken = policy.take(kept, said);
            *kept = taken.kept;
            let credited = &mut self.sessions[of_session + place];
            if counts {
                credited.sum = credited.sum.plus(taken.credit);
            }
            credited.parts = match credited.parts {
                _ if credited.sum == own => None,
                None => Some(Parting { line: step.line, why: taken.why }),
                parts => parts,
            };
            if place == 0
                && let Some(timelines) = &self.timelines
            {
                grow(&mut self.accounts, session.user as usize + 1);
                let account = self.accounts[session.user as usize].get_or_insert_default();
                if counts && timelines.wants(step) {
                    account.credit(said.at, taken.credit, timelines.keep, &mut self.histories);
                }
            }
        }
    }
}

fn grow<T: Clone + Default>(items: &mut Vec<T>, len: usize) {
    if items.len() < len {
        items.resize(len, T::default());
    }
}

/// What policies credited over a whole log.
#[derive(Default)]
pub struct Credits {
    policies: Vec<&'static Policy>,
    /// By the session's place in the story, then by policy.
    sessions: Vec<Credited>,
}

impl Credits {
    /// Puts the books of the engines that `story` comes from together, in their order. If timelines were wanted, the users'
    /// accounts become what the policy credits.
    pub fn new(story: &mut Story, mut books: Vec<Books>) -> Credits {
        let Some(first) = books.first() else { return Credits::default() };
        let (policies, timelines) = (first.policies.clone(), first.timelines.is_some());
        let many = policies.len();
        if timelines {
            // None is left that lies in other histories.
            story.users.iter_mut().for_each(|user| user.account = Account::default());
        }
        let mut sessions = Vec::with_capacity(story.sessions.len() * many);
        for session in story.sessions.iter() {
            let (of, number) = (&mut books[usize::from(session.engine)], session.number as usize);
            sessions.extend_from_slice(&of.sessions[number * many..(number + 1) * many]);
            // Users have other numbers in the engines, but sessions know whose they are.
            if timelines && let Some(account) = of.accounts[of.users[number] as usize].take() {
                story.users[session.user as usize].account = account;
            }
        }
        if timelines {
            story.histories = books.into_iter().map(|books| books.histories).collect();
        }
        Credits { policies, sessions }
    }

    /// The policies.
    pub fn policies(&self) -> &[&'static Policy] {
        &self.policies
    }

    /// What each of them credited for the session at a place in the story.
    pub fn session(&self, place: usize) -> &[Credited] {
        let many = self.policies.len();
        &self.sessions[place * many..(place + 1) * many]
    }
}
