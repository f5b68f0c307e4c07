//! A swarm as windows: who sent when, and who received or may have received without saying so.

use super::flow::{Window, unserved};
use super::trace::{BEFORE, GRANULE, Trace};
use crate::replay::Story;
use crate::session::{End, Opening};
use crate::time::Time;

/// Counters in an announce may be so many seconds old.
const STALE: i64 = 190;
/// A line is written so many seconds after what it says, at most.
const LATE: i64 = 5;
/// A client that is not heard of any more may have gone on for so many announce intervals.
const UNHEARD: i64 = 2;
/// It received no more than so many times what it received at its fastest: that is an average over an interval.
const FASTER: f64 = 2.0;
/// Receivers are given so much more than they report, in percent: protocol overhead, pieces that failed their hash.
const WASTE: u64 = 1;

/// Windows count their seconds from so long before the log's first line.
const MARGIN: i64 = 1 << 20;

/// Torrent, user, place of the session in the story.
pub type Key = (u32, u32, u32);

/// A swarm's windows, each in the order of their beginnings.
#[derive(Default)]
pub struct Windows {
    /// Who sent.
    pub senders: Vec<Window>,
    /// Who received, or may have.
    pub receivers: Vec<Window>,
}

impl Windows {
    /// What of the claims of some users no receiver can have received, in granules.
    pub fn excess(&self, wanted: impl Fn(u32) -> bool) -> u64 {
        unserved(&self.senders, &self.receivers, wanted)
    }
}

fn secs(time: Time) -> i64 {
    time.millis().div_euclid(1000)
}

/// All that windows are made of.
pub struct Sources<'a> {
    /// The sessions.
    pub story: &'a Story,
    /// Their traces, by their places in the story.
    pub traces: &'a [Option<Trace<'a>>],
    /// By user: granules a second received at the fastest, in any swarm; 0 if nothing was.
    fastest: Vec<f64>,
}

impl<'a> Sources<'a> {
    /// Of all sessions of a story.
    pub fn new(story: &'a Story, traces: &'a [Option<Trace<'a>>]) -> Self {
        let mut fastest = vec![0.0f64; story.users.len()];
        for (session, trace) in story.sessions.iter().zip(traces) {
            let fastest = &mut fastest[session.user as usize];
            for stretch in trace.iter().flat_map(|trace| trace.stretches()).filter(|stretch| stretch.down > 0) {
                *fastest = fastest.max(stretch.down as f64 / (stretch.to - stretch.from + 60) as f64);
            }
        }
        Sources { story, traces, fastest }
    }

    /// What of so many granules a user can have received in so many seconds without saying so.
    fn unheard(&self, user: u32, granules: u64, secs: i64) -> u64 {
        match self.fastest[user as usize] {
            0.0 => granules,
            fastest => granules.min((fastest * FASTER * (secs + STALE) as f64) as u64),
        }
    }
}

impl Windows {
    /// The windows of a swarm's sessions, in order. Without times there are none.
    pub fn of(swarm: &[Key], sources: &Sources<'_>) -> Windows {
        let mut windows = Windows::default();
        for sessions in swarm.chunk_by(|a, b| a.1 == b.1) {
            windows.add(sessions, sources);
        }
        windows.senders.sort_unstable_by_key(Window::order);
        windows.receivers.sort_unstable_by_key(Window::order);
        windows
    }

    /// Adds one user's sessions.
    fn add(&mut self, sessions: &[Key], sources: &Sources<'_>) {
        let (story, user) = (sources.story, sessions[0].1);
        let before = self.receivers.len();
        let unheard = UNHEARD * i64::from(story.settings.interval);
        let begin = story.log_start.map_or(0, secs) - MARGIN;
        let since = |at: i64| u32::try_from((at - begin).max(0)).unwrap_or(u32::MAX);
        let window = |from: i64, to: i64, bytes: u64| Window {
            from: since(from),
            to: since(to.max(from)),
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            user,
        };
        let mut receive = |from: i64, to: i64, bytes: u64| {
            if bytes > 0 {
                self.receivers.push(window(from, to, with_waste(bytes)));
            }
        };
        let mut open_until = None;
        let mut doubled = false;
        for (n, &(_, _, at)) in sessions.iter().enumerate() {
            let session = &story.sessions[at as usize];
            let Some((first_at, last_at)) = session.first_at.zip(session.last_at) else { continue };
            let (first, last) = (secs(first_at), secs(last_at));
            doubled |= open_until.is_some_and(|until| first < until);
            open_until = open_until.max(Some(last));
            let zero = first - BEFORE as i64;
            for stretch in sources.traces[at as usize].into_iter().flat_map(Trace::stretches) {
                let (from, to) = (zero + stretch.from as i64 - STALE, zero + stretch.to as i64 + LATE);
                if stretch.up > 0 {
                    self.senders.push(window(from, to, stretch.up));
                }
                receive(from, to, stretch.down);
            }
            let state = &session.state;
            let next = sessions.get(n + 1).map(|key| &story.sessions[key.2 as usize]);
            let next = next.and_then(|next| Some((secs(next.first_at?), next.state.first_left()?)));
            let stopped = story.endings[at as usize].end == End::Stopped && session.refused_stop().is_none();
            let left = state.left().unwrap_or(0);
            match next {
                // What is missing later is less: it was received in between.
                Some((later, missing)) if missing < left => {
                    receive(last - STALE, later, granules(left - missing));
                }
                _ if stopped => {}
                // The end was not heard; what came then was not told, or lost with the crash.
                _ => {
                    let later = next.map_or(last + unheard, |(later, _)| later.min(last + unheard));
                    receive(last - STALE, later, sources.unheard(user, granules(left), later - last));
                }
            }
            // What was received before the first line was heard.
            let unseen = session.opening == Opening::Unseen;
            // A seed that was there when the log begins had it all by then.
            let from_before = unseen && story.log_start.is_some_and(|start| first - secs(start) <= unheard);
            if unseen && !(from_before && state.first_left() == Some(0)) {
                receive(first - unheard, first, sources.unheard(user, granules(state.base.down), unheard));
            }
        }
        // With more than one client in the swarm at once, one may have sent to the other.
        if doubled {
            self.receivers[before..].iter_mut().for_each(|window| window.user = u32::MAX - user);
        }
    }
}

fn granules(bytes: u64) -> u64 {
    bytes.div_ceil(GRANULE)
}

fn with_waste(granules: u64) -> u64 {
    granules.saturating_add(granules / 100 * WASTE + 1)
}
