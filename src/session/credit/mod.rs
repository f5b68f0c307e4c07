//! How trackers credit: the same announces are worth different bytes on different trackers.
//!
//! A [`Policy`] is data (interval, timeout, where the rule was read) and a pure function from what that tracker keeps of a
//! peer and an announce to what it keeps then and what it credits. All of them are in [`POLICIES`].
//!
//! What a rule needs beyond announces is left out: limits of places and slots, bans, multipliers, and that trackers sweep only
//! now and then, so that a peer is forgotten as soon as its timeout is over. A peer is a user's, even where the tracker looks at
//! the peer id alone.

mod nexusphp;
mod ocelot;
mod raw;
mod tbdev;
mod torrentpier;
mod trackarr;
mod unit3d;
mod xbt;
mod xbtit;

use super::{Counters, Said};
use crate::announce::Event;
use crate::time::Time;

/// A tracker's rule.
pub struct Policy {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// The shortest and the longest interval that the tracker asks for, in seconds; `None` if that is configured.
    pub interval: Option<(u32, u32)>,
    /// After so many seconds of silence it has forgotten a peer's counters; `None` if it never does, or keeps none.
    pub timeout: Option<u32>,
    /// What a peer is to it.
    pub identity: Identity,
    /// Where the rule was read.
    pub source: &'static str,
    rule: fn(&Kept, &Said) -> Taken,
}

/// What a peer is to a tracker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Identity {
    /// A user's peer id on a torrent.
    PeerId,
    /// A user's port on a torrent. All of a user's peers on a torrent are taken for one: clients keep their port over restarts.
    Port,
}

/// What a tracker keeps of a peer; each keeps some of it. By default the peer is unknown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Kept {
    /// The peer is known, and so are its counters.
    known: bool,
    /// It was a seed.
    seeding: bool,
    /// The last event that was not ignored as a repetition.
    event: Event,
    /// What growth is counted from.
    counters: Counters,
    /// When the last announce was taken.
    at: Option<Time>,
    /// When the one before that was taken.
    before: Option<Time>,
    /// When the last announce came that was not ignored as a repetition, taken or not.
    heard: Option<Time>,
}

/// What a tracker does with an announce.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken {
    /// What it keeps then.
    pub kept: Kept,
    /// What it credits.
    pub credit: Counters,
    /// Why that much.
    pub why: Why,
}

/// Why a tracker credits what it does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// By how much the counters grew.
    Growth,
    /// It does not know the peer, and counts from here.
    NewPeer,
    /// It had forgotten the peer, and counts from here.
    Forgotten,
    /// `started` makes it count from here, whatever it knows.
    Started,
    /// A counter fell.
    CounterFell,
    /// The counters are below what was credited before.
    BelowPeak,
    /// It refuses announces that come so early.
    TooEarly,
    /// It ignores repetitions.
    Repeated,
    /// It refuses peers that it does not know without `started`.
    UnknownPeer,
    /// It refuses `completed` of such peers.
    CompletedRefused,
    /// More than it believes.
    Capped,
    /// It credits at `stopped` only.
    OnlyAtStopped,
    /// The counter as it stands.
    WholeCounter,
}

impl Why {
    /// A name for people and scripts.
    pub fn name(self) -> &'static str {
        match self {
            Why::Growth => "growth",
            Why::NewPeer => "new-peer",
            Why::Forgotten => "forgotten",
            Why::Started => "started",
            Why::CounterFell => "counter-fell",
            Why::BelowPeak => "below-peak",
            Why::TooEarly => "too-early",
            Why::Repeated => "repeated",
            Why::UnknownPeer => "unknown-peer",
            Why::CompletedRefused => "completed-refused",
            Why::Capped => "capped",
            Why::OnlyAtStopped => "only-at-stopped",
            Why::WholeCounter => "whole-counter",
        }
    }

    /// It in a few words.
    pub fn words(self) -> &'static str {
        match self {
            Why::Growth => "credits the growth",
            Why::NewPeer => "does not know the peer: counts from here",
            Why::Forgotten => "had forgotten the silent peer: counts from here",
            Why::Started => "counts from `started`",
            Why::CounterFell => "a counter fell: counts from here",
            Why::BelowPeak => "below what was credited before",
            Why::TooEarly => "refuses it: too early",
            Why::Repeated => "ignores it: a repetition",
            Why::UnknownPeer => "refuses it: an unknown peer without `started`",
            Why::CompletedRefused => "refuses this `completed`",
            Why::Capped => "credits no more than its cap",
            Why::OnlyAtStopped => "credits at `stopped` only",
            Why::WholeCounter => "credits the whole counter",
        }
    }
}

/// Every policy.
pub static POLICIES: &[&Policy] = &[
    &ocelot::OCELOT,
    &unit3d::UNIT3D,
    &unit3d::UNIT3D_ANNOUNCE,
    &tbdev::TBDEV,
    &nexusphp::NEXUSPHP,
    &xbt::XBT,
    &torrentpier::TORRENTPIER,
    &xbtit::XBTIT,
    &trackarr::TRACKARR,
    &raw::RAW,
];

/// The policy of that name.
pub fn policy_named(name: &str) -> Option<&'static Policy> {
    POLICIES.iter().copied().find(|policy| policy.name == name)
}

impl Policy {
    /// What the tracker makes of an announce of a peer of which it keeps `kept`.
    pub fn take(&self, kept: &Kept, said: &Said) -> Taken {
        let silent = |timeout: u32| since(kept.at, said).is_some_and(|silence| silence > i64::from(timeout) * 1000);
        let forgotten = kept.known && self.timeout.is_some_and(silent);
        let mut taken = (self.rule)(&Kept { known: kept.known && !forgotten, ..*kept }, said);
        if forgotten && taken.why == Why::NewPeer {
            taken.why = Why::Forgotten;
        }
        taken
    }
}

impl Kept {
    /// Notes an announce that the tracker takes.
    fn took(&self, said: &Said) -> Kept {
        Kept {
            known: true,
            seeding: said.left == 0,
            event: said.event,
            counters: said.counters,
            at: said.at,
            before: if self.known { self.at } else { None },
            heard: said.at,
        }
    }

    /// The same, by a tracker that removes a peer at `stopped`.
    fn took_and_removes(&self, said: &Said) -> Kept {
        Kept { known: said.event != Event::Stopped, ..self.took(said) }
    }

    /// The announce is refused: it changes nothing that is known of the peer.
    fn refuses(&self, said: &Said, why: Why) -> Taken {
        Taken { kept: Kept { event: said.event, heard: said.at, ..*self }, credit: Counters::ZERO, why }
    }

    /// The announce is passed over.
    fn ignores(&self) -> Taken {
        Taken { kept: *self, credit: Counters::ZERO, why: Why::Repeated }
    }
}

/// Milliseconds from then to the announce; `None` without times.
fn since(then: Option<Time>, said: &Said) -> Option<i64> {
    then.zip(said.at).map(|(then, now)| now.since(then))
}

/// Whether that was less than so many seconds ago.
fn within(then: Option<Time>, said: &Said, secs: i64) -> bool {
    since(then, said).is_some_and(|silence| silence < secs * 1000)
}

/// The rule that most share: growth, of each counter on its own, 0 where it fell; a new peer counts from here.
fn each_growth(kept: &Kept, said: &Said) -> (Counters, Why) {
    match kept.known {
        false => (Counters::ZERO, Why::NewPeer),
        true if said.counters.fell_below(kept.counters) => (said.counters.above(kept.counters), Why::CounterFell),
        true => (said.counters.above(kept.counters), Why::Growth),
    }
}

/// Growth if neither counter fell; a new peer counts from here.
fn joint_growth(kept: &Kept, said: &Said) -> (Counters, Why) {
    match each_growth(kept, said) {
        (_, Why::CounterFell) => (Counters::ZERO, Why::CounterFell),
        other => other,
    }
}
