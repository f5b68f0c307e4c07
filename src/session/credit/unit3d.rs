//! The rules of UNIT3D's two trackers.

use super::{Identity, Kept, Policy, Taken, Why, each_growth, joint_growth, within};
use crate::announce::Event;
use crate::session::{Counters, Said};

/// UNIT3D's tracker in PHP.
pub static UNIT3D: Policy = Policy {
    name: "unit3d",
    summary: "growth of each counter; early announces are refused, `started` counts from there; knows a peer for two days, stopped or not",
    interval: Some((1800, 3600)),
    timeout: Some(172_800),
    identity: Identity::PeerId,
    source: "HDInnovations/UNIT3D-Community-Edition 44a3aea ProcessAnnounce.php:70-95, AnnounceController.php:440-490",
    rule,
};

/// UNIT3D's tracker in Rust.
pub static UNIT3D_ANNOUNCE: Policy = Policy {
    name: "unit3d-announce",
    summary: "growth, unless either counter fell; a peer is remembered for 21 days of silence",
    interval: Some((1800, 3600)),
    timeout: Some(1_814_400),
    identity: Identity::PeerId,
    source: "Roardom/UNIT3D-Announce fcd189e announce.rs:500-575",
    rule: announce_rule,
};

/// The middle of the random 1530 to 1710 seconds before which a plain or `started` announce is refused.
const EARLY: i64 = 1620;
/// The same event is refused for so many seconds.
const SAME_EVENT: i64 = 30;

fn rule(kept: &Kept, said: &Said) -> Taken {
    if kept.event == said.event && within(kept.heard, said, SAME_EVENT) {
        return kept.ignores();
    }
    let exempt = matches!(said.event, Event::Completed | Event::Stopped);
    if kept.known && !exempt && within(kept.at, said, EARLY) {
        return kept.refuses(said, Why::TooEarly);
    }
    if !kept.known && said.event == Event::Completed {
        return kept.refuses(said, Why::CompletedRefused);
    }
    let (credit, why) = match each_growth(kept, said) {
        (_, Why::Growth | Why::CounterFell) if said.event == Event::Started => (Counters::ZERO, Why::Started),
        other => other,
    };
    Taken { kept: kept.took(said), credit, why }
}

fn announce_rule(kept: &Kept, said: &Said) -> Taken {
    let (credit, why) = joint_growth(kept, said);
    Taken { kept: kept.took_and_removes(said), credit, why }
}
