//! A swarm as windows: who sent when, and who received or may have received without saying so.

use super::flow::Window;
use super::trace::{GRANULE, Trace};
use crate::replay::Story;
use crate::session::{End, Opening, Session};
use crate::time::Time;

/// Counters in an announce may be so many seconds old.
const STALE: i64 = 190;
/// A line is written so many seconds after what it says, at most.
const LATE: i64 = 5;
/// A client that is not heard of any more may have gone on for so many announce intervals.
const UNHEARD: i64 = 3;
/// Receivers are given so much more than they report, in percent: protocol overhead, pieces that failed their hash.
const WASTE: u64 = 3;
/// A leech that claims to have everything already is done in so many seconds.
const HIDDEN: i64 = 86_400;
/// One that was there when the log begins, in so many.
const HIDDEN_BEFORE: i64 = 6 * 3600;

/// A swarm's windows, each in the order of their beginnings.
#[derive(Default)]
pub struct Windows {
    /// Who sent.
    pub senders: Vec<Window>,
    /// Who received, or may have.
    pub receivers: Vec<Window>,
    /// What users may have received in secret there, in granules.
    pub hidden: Vec<(u32, u64)>,
    /// Users with more than one client in the swarm at once: they may have sent to themselves.
    pub doubled: Vec<u32>,
}

/// One user's sessions in a swarm, by beginning, as places in the story.
pub struct Member<'a> {
    /// The user.
    pub user: u32,
    /// The sessions.
    pub sessions: &'a [(u32, u32, u32)],
}

/// What windows are made from.
pub struct Source<'a> {
    /// The story.
    pub story: &'a Story,
    /// The trace of each session, by its place in the story.
    pub traces: &'a [Option<&'a Trace>],
    /// Users, by number, who are believed to leech in secret where they may: they count among the receivers there.
    pub secret: &'a [bool],
}

fn secs(time: Time) -> i64 {
    time.millis().div_euclid(1000)
}

impl Source<'_> {
    /// The windows of a swarm. `size` is the torrent's size in bytes, if known. Without times there are none.
    pub fn windows(&self, members: &[Member<'_>], size: Option<u64>) -> Windows {
        let mut windows = Windows::default();
        let first_of_all = members.iter().filter_map(|m| self.session(m.sessions.first()?.2).first_at).min();
        for member in members {
            self.add(member, size, first_of_all, &mut windows);
        }
        windows.senders.sort_unstable_by_key(|window| (window.from, window.to, window.user));
        windows.receivers.sort_unstable_by_key(|window| (window.from, window.to, window.user));
        windows
    }

    fn session(&self, at: u32) -> &Session {
        &self.story.sessions[at as usize]
    }

    fn add(&self, member: &Member<'_>, size: Option<u64>, first_of_all: Option<Time>, windows: &mut Windows) {
        let user = member.user;
        let unheard = UNHEARD * i64::from(self.story.settings.interval);
        let mut receive = |from: i64, to: i64, bytes: u64| {
            if bytes > 0 {
                windows.receivers.push(Window { from, to: to.max(from), bytes: with_waste(bytes), user });
            }
        };
        let mut known_to_have: u64 = 0;
        let mut secret = 0u64;
        let mut open_until = None;
        let mut doubled = false;
        for (n, &(_, _, at)) in member.sessions.iter().enumerate() {
            let session = self.session(at);
            let Some((first_at, last_at)) = session.first_at.zip(session.last_at) else { continue };
            let (first, last) = (secs(first_at), secs(last_at));
            doubled |= open_until.is_some_and(|until| first < until);
            open_until = open_until.max(Some(last));
            let mut received = 0;
            for stretch in self.traces[at as usize].into_iter().flat_map(Trace::stretches) {
                let (from, to) = (first + stretch.from as i64 - STALE, first + stretch.to as i64 + LATE);
                if stretch.up > 0 {
                    windows.senders.push(Window { from, to, bytes: stretch.up, user });
                }
                receive(from, to, stretch.down);
                received |= stretch.down;
            }
            let state = &session.state;
            let next = member.sessions.get(n + 1).map(|key| self.session(key.2));
            let next = next.and_then(|next| Some((secs(next.first_at?), next.state.first_left?)));
            let stopped = self.story.endings[at as usize].end == End::Stopped && session.refused_stop().is_none();
            let left = state.left.unwrap_or(0);
            match next {
                // What is missing later is less: it was received in between.
                Some((later, missing)) if missing < left => receive(last - STALE, later, granules(left - missing)),
                Some(_) => {}
                // The end was not heard.
                None if !stopped => receive(last - STALE, last + unheard, granules(left)),
                None => {}
            }
            // What was received before the first line was heard.
            let unseen = session.opening == Opening::Unseen;
            if unseen {
                receive(first - unheard, first, granules(state.base.down));
            }
            // A leech that says it receives nothing.
            let frozen = if received == 0 && secret == 0 { granules(left) } else { 0 };
            // A leech that says it has everything, or much of it, though it was never seen to receive it. The first peer
            // of all brought the data; what a user had before is there still.
            let has = size.unwrap_or(0).saturating_sub(state.first_left.unwrap_or(0));
            let had = has.saturating_sub(known_to_have).saturating_sub(state.base.down);
            let had = if n == 0 && Some(first_at) != first_of_all { granules(had) } else { 0 };
            let from_before = unseen && self.story.log_start.is_some_and(|start| first - secs(start) <= unheard);
            if self.secret[user as usize] {
                let begin = if unseen { first - unheard } else { first - STALE };
                receive(begin, last + unheard, frozen);
                receive(begin, first + if from_before { HIDDEN_BEFORE } else { HIDDEN }, had);
            }
            secret = secret.saturating_add(frozen).saturating_add(if from_before { 0 } else { had });
            known_to_have = known_to_have.max(size.unwrap_or(0).saturating_sub(left));
        }
        if secret > 0 {
            windows.hidden.push((user, secret));
        }
        if doubled {
            windows.doubled.push(user);
        }
    }
}

fn granules(bytes: u64) -> u64 {
    bytes.div_ceil(GRANULE)
}

fn with_waste(granules: u64) -> u64 {
    granules.saturating_add(granules / 100 * WASTE + 1)
}
