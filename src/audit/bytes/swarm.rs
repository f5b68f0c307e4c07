//! A swarm as windows: who sent when, and who received or may have received without saying so.

use super::actors::Actors;
use super::flow::{Side, Sweep, Window};
use super::trace::{AllTraces, BEFORE, GRANULE, Stretch};
use crate::audit::sizes::LEAST;
use crate::replay::Story;
use crate::session::{Opening, Outline, Phase};
use crate::share::shared;
use crate::strings::AHEAD;
use crate::time::Time;

/// Counters in an announce may be so many seconds old.
const STALE: i64 = 190;
/// A line is written so many seconds after what it says, at most.
const LATE: i64 = 5;
/// A client that is not heard of any more may have gone on for so many announce intervals.
const UNHEARD: i64 = 2;
/// What is told of first in mid-log came in within so many announce intervals.
const UNTOLD: i64 = 4;
/// It received no more than so many times what it received at its fastest: that is an average over an interval.
const FASTER: f64 = 2.0;
/// Receivers are given so much more than they report, in percent: protocol overhead, pieces that failed their hash.
const WASTE: u64 = 1;
/// Who leeches in secret has done so within so many seconds.
const SECRETLY: i64 = 86_400;

/// Windows count their seconds from so long before the log's first line.
const MARGIN: i64 = 1 << 20;

/// Who is held to account, place of the session in the story.
pub type Key = (u32, u32);

/// A swarm's windows.
pub struct Windows {
    /// Who sent.
    pub senders: Side,
    /// Who received, or may have.
    pub receivers: Side,
}

/// Which secret receivers count.
#[derive(Clone, Copy)]
pub enum Secret<'a> {
    /// None: who received says so.
    None,
    /// All but those of the users who are known to fake: they would explain each other.
    But(&'a [bool]),
}

impl Secret<'_> {
    /// Whether a receiver's window counts.
    pub fn counts(self, window: &Window) -> bool {
        match self {
            _ if !window.is_secret() => true,
            Secret::None => false,
            Secret::But(fakers) => !fakers[window.user() as usize],
        }
    }
}

/// A swarm's windows in whatever order.
#[derive(Default)]
pub struct Unsorted {
    /// Who sent.
    pub senders: Vec<Window>,
    /// Who received, or may have.
    pub receivers: Vec<Window>,
}

impl Unsorted {
    /// Puts them in order.
    pub fn sort(self) -> Windows {
        Windows { senders: Side::new(self.senders), receivers: Side::new(self.receivers) }
    }
}

impl Windows {
    /// What some users sent, by the places of the senders' windows, in granules.
    pub fn sent(&self, by: impl Fn(u32) -> bool) -> Vec<u32> {
        self.senders.amounts(|window| by(window.user()))
    }

    /// What may have been received, by the places of the receivers' windows, in granules.
    pub fn received(&self, secret: Secret<'_>) -> Vec<u32> {
        self.receivers.amounts(|window| secret.counts(window))
    }

    /// What of so much no receiver can have received, in granules.
    pub fn excess(&self, sweep: &mut Sweep, sent: &[u32], received: &[u32]) -> u64 {
        sweep.unserved((&self.senders, sent), (&self.receivers, received))
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
    pub traces: &'a AllTraces,
    /// Who is held to account for what.
    pub actors: &'a Actors<'a>,
    /// By user: granules a second received at the fastest, in any swarm; 0 if nothing was.
    fastest: Vec<f64>,
    /// The second that windows count from.
    zero: i64,
}

impl<'a> Sources<'a> {
    /// Of all sessions of a story.
    pub fn new(story: &'a Story, traces: &'a AllTraces, actors: &'a Actors<'a>, threads: usize) -> Self {
        let of_sessions = shared(story.sessions.len(), threads, |range| {
            let rate = |stretch: Stretch| stretch.down as f64 / (stretch.to - stretch.from + 60) as f64;
            let rates = |at: usize| traces.of(at).stretches().filter(|s| s.down > 0).map(rate).fold(0.0, f64::max);
            range.map(rates).collect()
        });
        let mut fastest = vec![0.0f64; story.users.len()];
        for (session, rate) in story.sessions.briefs().iter().zip(of_sessions) {
            let fastest = &mut fastest[session.user as usize];
            *fastest = fastest.max(rate);
        }
        Sources { story, traces, actors, fastest, zero: story.log_start.map_or(0, secs) - MARGIN }
    }

    /// What of so many granules somebody can have received in so many seconds without saying so.
    fn unheard(&self, actor: u32, granules: u64, secs: i64) -> u64 {
        match self.fastest[self.actors.user(actor) as usize] {
            0.0 => granules,
            fastest => granules.min((fastest * FASTER * (secs + STALE) as f64) as u64),
        }
    }

    fn window(&self, user: u32, from: i64, to: i64, bytes: u64) -> Window {
        let since = |at: i64| u32::try_from((at - self.zero).max(0)).unwrap_or(u32::MAX);
        Window::new(user, since(from), since(to.max(from)), u32::try_from(bytes).unwrap_or(u32::MAX))
    }

    /// When a window begins or ends.
    pub fn time(&self, second: i64) -> Time {
        Time::from_secs(second + self.zero)
    }

    fn interval(&self) -> i64 {
        i64::from(self.story.settings.interval)
    }

    /// The windows of a swarm's sessions. Without times there are none. `size` is the torrent's in bytes; 0 if unknown.
    pub fn windows(&self, swarm: &[Key], size: u64) -> Unsorted {
        let mut windows = Unsorted::default();
        let first_peer = self.first_peer(swarm);
        let mut ahead = swarm.iter().skip(AHEAD);
        for own in swarm.chunk_by(|a, b| a.0 == b.0) {
            for (_, at) in ahead.by_ref().take(own.len()) {
                self.story.sessions.fetch(*at as usize);
                self.traces.fetch(*at as usize);
            }
            self.add_own(own, size, first_peer, &mut windows);
        }
        windows
    }

    /// When the first peer of a swarm came.
    pub fn first_peer(&self, swarm: &[Key]) -> Option<Time> {
        swarm.iter().filter_map(|key| self.story.sessions.brief(key.1 as usize).first_at).min()
    }

    /// Adds the windows of one user's sessions in a swarm. `first_peer` is when that began.
    pub fn add_own(&self, own: &[Key], size: u64, first_peer: Option<Time>, to: &mut Unsorted) {
        let Unsorted { senders, receivers } = to;
        let before = receivers.len();
        let sessions: Vec<Outline> = own.iter().map(|key| self.story.sessions.outline(key.1 as usize)).collect();
        let doubled = self.add(own, &sessions, senders, receivers);
        if doubled {
            // With more than one client in the swarm at once, one may have sent to the other.
            receivers[before..].iter_mut().for_each(Window::double);
        }
        receivers.extend(self.silent(&sessions));
        receivers.extend(self.having_all(&sessions, size, first_peer));
    }

    /// Adds one user's sessions. Returns whether he had several clients there at once.
    fn add(&self, own: &[Key], sessions: &[Outline], senders: &mut Vec<Window>, receivers: &mut Vec<Window>) -> bool {
        let user = own[0].0;
        let unheard = UNHEARD * self.interval();
        let mut receive = |from: i64, to: i64, bytes: u64| {
            if bytes > 0 {
                receivers.push(self.window(user, from, to, with_waste(bytes)));
            }
        };
        let mut open_until = None;
        let mut doubled = false;
        for (n, (&(_, at), session)) in own.iter().zip(sessions).enumerate() {
            let Some((first_at, last_at)) = session.first_at.zip(session.last_at) else { continue };
            let (first, last) = (secs(first_at), secs(last_at));
            doubled |= open_until.is_some_and(|until| first < until);
            open_until = open_until.max(Some(last));
            let zero = first - BEFORE as i64;
            for stretch in self.traces.of(at as usize).stretches() {
                let (from, to) = (zero + stretch.from as i64 - STALE, zero + stretch.to as i64 + LATE);
                if stretch.up > 0 {
                    senders.push(self.window(user, from, to, stretch.up));
                }
                receive(from, to, stretch.down);
            }
            let state = &session.state;
            let next = sessions.get(n + 1);
            let next = next.and_then(|next| Some((secs(next.first_at?), next.state.first_left()?)));
            let stopped = session.state.phase == Phase::Stopped && !session.stop_was_refused;
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
                    receive(last - STALE, later, self.unheard(user, granules(left), later - last));
                }
            }
            // What was received before the first line was heard: if that was while the log lasts, all that it tells of.
            if session.opening == Opening::Unseen {
                let told = granules(state.base.down);
                match (self.was_there(session), state.first_left()) {
                    (true, Some(0)) => {}
                    (true, _) => receive(first - unheard, first, self.unheard(user, told, unheard)),
                    (false, _) => receive(first - UNTOLD * self.interval(), first, told),
                }
            }
        }
        doubled
    }

    /// Whether a session was there when the log begins, as far as can be told.
    fn was_there(&self, session: &Outline) -> bool {
        let since = |(first, start): (Time, Time)| secs(first) - secs(start);
        session.first_at.zip(self.story.log_start).is_some_and(|times| since(times) <= UNHEARD * self.interval())
    }

    /// From when to when some sessions of one user were there.
    fn presence<'s>(sessions: impl Iterator<Item = &'s Outline>) -> Option<(i64, i64)> {
        let times = sessions.filter_map(|session| session.first_at.zip(session.last_at));
        times.map(|(first, last)| (secs(first), secs(last))).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// Who always misses the same, and says that nothing comes, may leech in secret: as much as he says he misses.
    fn silent(&self, own: &[Outline]) -> Option<Window> {
        let says_nothing =
            |session: &&Outline| session.state.credit().down == 0 && session.state.always_missing().is_some();
        let silent = || own.iter().filter(says_nothing);
        let (from, to) = Self::presence(silent())?;
        let missing = silent().filter_map(|session| session.state.always_missing()).max()?;
        let to = to + UNHEARD * self.interval();
        Some(self.window(own[0].user, from - STALE, to, with_waste(granules(missing))).in_secret())
    }

    /// Who says that he has everything when he first comes may leech in secret: the whole torrent, within a day. Not so who
    /// was there when the log begins, and not the first peer, who brings the torrent.
    fn having_all(&self, own: &[Outline], size: u64, first_peer: Option<Time>) -> Option<Window> {
        let first = own.iter().min_by_key(|session| session.first_at)?;
        let has_all = |session: &Outline| session.state.largest_left < LEAST && session.state.credit().down < LEAST;
        let known = self.was_there(first) || first.first_at == first_peer;
        if known || !own.iter().all(has_all) {
            return None;
        }
        let (from, to) = Self::presence(own.iter())?;
        // What nobody told the size of has any.
        let bytes = if size == 0 { u64::MAX } else { with_waste(granules(size)) };
        Some(self.window(own[0].user, from - STALE, to.min(from + SECRETLY), bytes).in_secret())
    }
}

fn granules(bytes: u64) -> u64 {
    bytes.div_ceil(GRANULE)
}

fn with_waste(granules: u64) -> u64 {
    granules.saturating_add(granules / 100 * WASTE + 1)
}
