//! States, transitions and credit.

use crate::announce::Event;
use crate::time::Time;
use std::num::NonZeroU64;

/// What `event=completed` does to the listing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Completed {
    /// It removes the torrent from the profile, as the anatomy document says.
    #[default]
    Removes,
    /// The torrent goes on as a seed (BEP 3, and every tracker whose code is known).
    Seeds,
}

/// The two counters of a client session, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Counters {
    /// Bytes uploaded.
    pub up: u64,
    /// Bytes downloaded.
    pub down: u64,
}

impl Counters {
    /// No bytes.
    pub const ZERO: Counters = Counters { up: 0, down: 0 };

    /// The larger of each.
    pub fn max(self, other: Counters) -> Counters {
        Counters { up: self.up.max(other.up), down: self.down.max(other.down) }
    }

    /// The sum of each; as much as 64 bits hold.
    pub fn plus(self, other: Counters) -> Counters {
        Counters { up: self.up.saturating_add(other.up), down: self.down.saturating_add(other.down) }
    }

    /// How far `self` is above `base`, each on its own, 0 where it is below.
    pub fn above(self, base: Counters) -> Counters {
        Counters { up: self.up.saturating_sub(base.up), down: self.down.saturating_sub(base.down) }
    }

    /// Whether either is lower than in `other`.
    pub fn fell_below(self, other: Counters) -> bool {
        self.up < other.up || self.down < other.down
    }
}

/// What an announce says, for the state machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Said {
    /// When; `None` in a log without times.
    pub at: Option<Time>,
    /// What happened.
    pub event: Event,
    /// The counters.
    pub counters: Counters,
    /// Bytes missing, as sent: perhaps a placeholder.
    pub left: u64,
    /// It came from the address of the session's announce before.
    pub same_address: bool,
}

/// A `started` that the server refused after the last announce that it took.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RefusedStart {
    /// Where the counters began.
    pub counters: Counters,
    /// Bytes were missing.
    pub leeched: bool,
}

/// Where a session stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Phase {
    /// Bytes are missing.
    #[default]
    Leeching,
    /// Bytes are missing, but everything wanted is there (`event=paused`, BEP 21).
    PartialSeed,
    /// Nothing is missing.
    Seeding,
    /// `event=completed` came, and it removes the torrent.
    Completed,
    /// `event=stopped` came.
    Stopped,
}

/// A `left` that is believed. It is below 2^62, so there is room to say that there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Left(NonZeroU64);

impl Left {
    pub(super) fn new(bytes: u64) -> Left {
        Left(NonZeroU64::MIN.saturating_add(bytes))
    }

    pub(super) fn bytes(self) -> u64 {
        self.0.get() - 1
    }
}

/// Where a session stands: what is told of it once the whole log has been read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct State {
    /// Where it stands.
    pub phase: Phase,
    /// What the credit counts from.
    pub base: Counters,
    /// The highest counters so far.
    pub peak: Counters,
    /// The event of the last announce.
    pub last_event: Event,
    pub(super) left: Option<Left>,
    pub(super) first_left: Option<Left>,
    /// The largest `left` believed; 0 if none was above it.
    pub largest_left: u64,
    /// When the download was complete; `None` if it never leeched here, or is not.
    pub completed_at: Option<Time>,
    /// `completed` has come.
    pub completed: bool,
    /// It has been leeching.
    pub leeched: bool,
}

/// What the last announce of a session (not a duplicate) said: the next one is held against it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Last {
    /// Its counters.
    pub counters: Counters,
    /// Its `left`, as sent.
    pub left: u64,
    /// When it came.
    pub at: Option<Time>,
    /// When the last `started` came.
    pub(super) started_at: Option<Time>,
}

/// A session as the state machine sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Live {
    /// Where it stands.
    pub state: State,
    /// What its last announce said.
    pub last: Last,
}

/// What an announce does to a session. See the table in [`crate::session`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transition {
    /// The first announce of a peer id.
    Began,
    /// `started` after `stopped`: a new session.
    Resumed,
    /// `started` with counters that fell, and no `stopped` before: a new session.
    Restarted,
    /// `downloaded` fell without `started`: a new session.
    Reset,
    /// A regular announce.
    Went,
    /// `started` again, and the counters go on: a retry, another address, a magnet that found its size.
    StartedAgain,
    /// `completed`.
    Completed,
    /// `stopped`.
    Stopped,
    /// `stopped` once more.
    StoppedAgain,
    /// Something else than `started` after `stopped`.
    AfterStop,
    /// A copy of the announce before.
    Duplicate,
}

impl Transition {
    /// Whether a new session begins.
    pub fn opens(self) -> bool {
        matches!(self, Transition::Began | Transition::Resumed | Transition::Restarted | Transition::Reset)
    }

    /// A name for people and scripts.
    pub fn name(self) -> &'static str {
        match self {
            Transition::Began => "began",
            Transition::Resumed => "resumed",
            Transition::Restarted => "restarted",
            Transition::Reset => "reset",
            Transition::Went => "went on",
            Transition::StartedAgain => "started again",
            Transition::Completed => "completed",
            Transition::Stopped => "stopped",
            Transition::StoppedAgain => "stopped again",
            Transition::AfterStop => "after stop",
            Transition::Duplicate => "duplicate",
        }
    }
}

/// A copy comes so soon, in milliseconds.
const COPY: i64 = 5_000;
/// A copy over another address (the second address family, most often) comes so soon.
const COPY_ELSEWHERE: i64 = 30_000;
/// A log line is written when the answer is sent, so a `started` may stand behind its own successors, by so much.
const LATE: i64 = 8_000;

/// Says what an announce does. `refused_start` is a `started` of this peer id that the server refused after the last
/// announce that it took.
#[inline(always)] // One place asks, for every announce.
pub fn decide(before: Option<&Live>, said: &Said, refused_start: Option<RefusedStart>) -> Transition {
    let Some(before) = before else {
        return Transition::Began;
    };
    if repeats(before, said) || is_over(&before.last, said) {
        return Transition::Duplicate;
    }
    let Live { state, last } = before;
    let stopped = state.phase == Phase::Stopped;
    match said.event {
        Event::Started if stopped => Transition::Resumed,
        Event::Started if !said.counters.fell_below(state.peak) => Transition::StartedAgain,
        Event::Started => {
            if soon(said, last.started_at) && said.counters == state.base {
                Transition::Duplicate
            } else if is_late(before, said) {
                Transition::StartedAgain
            } else {
                Transition::Restarted
            }
        }
        // The session that it stops never got its `started` through.
        Event::Stopped if stopped && refused_start.is_some() => Transition::Resumed,
        Event::Stopped if stopped => Transition::StoppedAgain,
        Event::Stopped => Transition::Stopped,
        event => {
            let fell = fell_for_good(state.peak.down, said.counters.down);
            match refused_start {
                Some(_) if stopped => Transition::Resumed,
                Some(start) if said.counters.fell_below(state.peak) && !said.counters.fell_below(start.counters) => {
                    Transition::Restarted
                }
                _ if fell => Transition::Reset,
                _ if stopped => Transition::AfterStop,
                _ if event == Event::Completed => Transition::Completed,
                _ => Transition::Went,
            }
        }
    }
}

fn soon(said: &Said, since: Option<Time>) -> bool {
    said.at.zip(since).is_some_and(|(at, since)| at.since(since) <= LATE)
}

/// Whether a `started` only stands behind lines that it came before.
pub fn is_late(before: &Live, said: &Said) -> bool {
    said.event == Event::Started
        && soon(said, before.last.at)
        && said.counters != Counters::ZERO
        && !before.state.peak.fell_below(said.counters)
}

/// Lines that come too late to be put in order do so by no more than this; what seems to be older is a clock that was set back.
const OUT_OF_ORDER: i64 = 600_000;

/// Whether an announce was made long before the last one. What it says is known since, or was another session's: as growth of
/// this one it would count twice.
fn is_over(before: &Last, said: &Said) -> bool {
    said.at.zip(before.at).is_some_and(|(at, last)| (LATE + 1..=OUT_OF_ORDER).contains(&last.since(at)))
}

fn repeats(before: &Live, said: &Said) -> bool {
    let last = &before.last;
    if said.event != before.state.last_event || said.counters != last.counters || said.left != last.left {
        return false;
    }
    match said.at.zip(last.at) {
        Some((at, last)) => {
            let since = at.since(last);
            since <= if said.same_address { COPY } else { COPY_ELSEWHERE }
        }
        // Without times a copy of a plain announce cannot be told from a seed that has nothing new to say.
        None => said.event != Event::None,
    }
}

/// Whether `downloaded` fell by more than real clients let it fall within a session: libtorrent was seen to take back
/// some 70 kB after `completed`.
fn fell_for_good(peak: u64, now: u64) -> bool {
    now.saturating_add((peak / 100).max(1 << 20)) < peak
}

/// Whether an announce is of a seed that has nothing new to say: it is [`Transition::Went`], and [`advance`] changes nothing but
/// [`Last::at`]. In a tracker that lives most are. It may be `false` of some that are, and does not hold where the server refused an
/// announce since the last one.
#[inline]
pub fn says_nothing_new(state: &State, last: &Last, said: &Said) -> bool {
    let same = said.counters == last.counters && (said.left, last.left) == (0, 0);
    let seeds_on = state.phase == Phase::Seeding && (said.event, state.last_event) == (Event::None, Event::None);
    let no_copy = said.at.zip(last.at).is_some_and(|(at, last)| at.since(last) > COPY_ELSEWHERE);
    let is_whole = !state.leeched || state.completed_at.is_some();
    same && seeds_on && no_copy && is_whole && !fell_for_good(state.peak.down, said.counters.down)
}

/// How the session goes on after an announce that was not a [`Transition::Duplicate`].
#[inline(always)] // The engine would wait for what it returns to be copied.
pub fn advance(
    before: Option<&Live>,
    said: &Said,
    transition: Transition,
    refused_start: Option<RefusedStart>,
    mode: Completed,
) -> Live {
    match before.filter(|_| !transition.opens()) {
        Some(before) => before.after(said, mode),
        None => Live::opened(said, refused_start, mode),
    }
}

fn phase_of(said: &Said, left: Option<u64>, mode: Completed) -> Phase {
    match said.event {
        Event::Stopped => Phase::Stopped,
        Event::Completed if mode == Completed::Removes => Phase::Completed,
        _ if left == Some(0) => Phase::Seeding,
        Event::Paused => Phase::PartialSeed,
        _ => Phase::Leeching,
    }
}

/// Whether an announce shows that the session leeches.
fn leeches(said: &Said, left: Option<u64>) -> bool {
    left.is_none_or(|left| left > 0) && said.event != Event::Stopped
}

/// The `left` that a session's ledger begins with: the first one believed. A client that announces before its own hash check
/// is done (ctorrent), or before it knows the size (aria2), corrects it with its next announce.
fn first_left(before: &Live, said: &Said, left: Option<u64>) -> Option<u64> {
    let known = before.state.first_left();
    let (Some(first), Some(now)) = (known, left) else { return known.or(left) };
    Some(match before.state.last_event {
        Event::Started if first == 0 => now,
        Event::Started => first.min(now.saturating_add(said.counters.above(before.last.counters).down)),
        _ => first,
    })
}

/// `left` unless it is a placeholder: 2^63-1 (Transmission) or 16384 (libtorrent, WebTorrent) before the metadata of a
/// magnet is there, and the 16384 of a WebTorrent `stopped`. aria2's placeholder is 0, and looks like a seed's.
fn believed(said: &Said, before: Option<u64>) -> Option<u64> {
    let placeholder = said.left >= 1 << 62
        || said.left == 16_384 && said.counters == Counters::ZERO && (before.is_none() || said.event == Event::Stopped);
    (!placeholder).then_some(said.left)
}

impl Live {
    /// A session after the announce that opens it.
    fn opened(said: &Said, refused_start: Option<RefusedStart>, mode: Completed) -> Live {
        let left = believed(said, None);
        // A refused start with higher counters was another session's.
        let start = refused_start.filter(|start| !said.counters.fell_below(start.counters));
        let base = start.map_or(said.counters, |start| start.counters);
        let leeched_unheard = refused_start.is_some_and(|start| start.leeched);
        let completes = said.event == Event::Completed || left == Some(0);
        let state = State {
            phase: phase_of(said, left, mode),
            base,
            peak: base.max(said.counters),
            last_event: said.event,
            left: left.map(Left::new),
            first_left: left.map(Left::new),
            largest_left: left.unwrap_or(0),
            completed_at: said.at.filter(|_| leeched_unheard && completes),
            completed: said.event == Event::Completed,
            leeched: leeched_unheard || leeches(said, left),
        };
        Live { state, last: Last::new(said, None) }
    }

    /// The same session after another announce of it.
    #[inline(always)]
    fn after(&self, said: &Said, mode: Completed) -> Live {
        let before = &self.state;
        let left = believed(said, before.left());
        let completes =
            said.event == Event::Completed && !before.completed || left == Some(0) && before.completed_at.is_none();
        let late = is_late(self, said);
        let state = State {
            // What comes late was over when the lines before it were written.
            phase: if late { before.phase } else { phase_of(said, left, mode) },
            left: if late { before.left } else { left.map(Left::new).or(before.left) },
            base: before.base,
            peak: before.peak.max(said.counters),
            last_event: said.event,
            first_left: first_left(self, said, left).map(Left::new),
            largest_left: before.largest_left.max(left.unwrap_or(0)),
            completed_at: if before.leeched && completes { said.at } else { before.completed_at },
            completed: before.completed || said.event == Event::Completed,
            leeched: before.leeched || leeches(said, left),
        };
        Live { state, last: Last::new(said, self.last.started_at) }
    }

    /// Whether it is leeching, and an announce brings no progress.
    pub fn is_idle(&self, said: &Said) -> bool {
        let nothing_came = said.counters.down == self.last.counters.down && said.left == self.last.left;
        self.state.phase == Phase::Leeching && nothing_came && said.left > 0
    }
}

impl Last {
    fn new(said: &Said, started_at: Option<Time>) -> Last {
        let started_at = if said.event == Event::Started { said.at } else { started_at };
        Last { counters: said.counters, left: said.left, at: said.at, started_at }
    }
}

impl State {
    /// The last `left` believed; `None` while only placeholders came.
    pub fn left(&self) -> Option<u64> {
        self.left.map(Left::bytes)
    }

    /// The first `left` believed, or what the next announce made of it: what the ledger begins with.
    pub fn first_left(&self) -> Option<u64> {
        self.first_left.map(Left::bytes)
    }

    /// What was missing at the first, at the last and at the most, if that is the same, and not nothing.
    pub fn always_missing(&self) -> Option<u64> {
        let same = [self.first_left(), self.left()] == [Some(self.largest_left); 2];
        (same && self.largest_left > 0).then_some(self.largest_left)
    }

    /// The growth of the counters within the session.
    pub fn credit(&self) -> Counters {
        self.peak.above(self.base)
    }
}

/// Orders announces of one peer id that bear the same time: those that go on from `state` first, by their counters, then
/// `stopped`, then `started` with counters that fell. Where that leaves a tie, the order of the log decides.
pub fn order_within_a_moment(state: Option<&State>, said: &Said) -> (u8, Counters) {
    let alive = state.filter(|s| s.phase != Phase::Stopped);
    let goes_on = alive.is_none_or(|s| !said.counters.fell_below(s.peak));
    let rank = match (said.event, alive.is_some()) {
        (Event::Started, false) => 0,
        (Event::Started, true) if !goes_on => 4,
        (Event::Stopped, _) => 3,
        _ if goes_on => 1,
        _ => 5,
    };
    let counters = if rank == 1 { said.counters } else { Counters::ZERO };
    (rank, counters)
}
