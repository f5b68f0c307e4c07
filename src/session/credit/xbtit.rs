//! XBTIT's rule.

use super::{Identity, Kept, Policy, Taken, Why};
use crate::announce::Event;
use crate::session::{Counters, Said};

/// XBTIT without LIVESTATS. (With it, growth of each counter.)
pub static XBTIT: Policy = Policy {
    name: "xbtit",
    summary: "the whole counters at `stopped`, each time that comes, and nothing before: a session without it is lost",
    interval: None,
    timeout: None,
    identity: Identity::PeerId,
    source: "bug-me-not/XBTIT-Blu 53be025 announce.php:837,917-923",
    rule,
};

fn rule(kept: &Kept, said: &Said) -> Taken {
    let (credit, why) = match said.event {
        Event::Stopped => (said.counters, Why::WholeCounter),
        _ => (Counters::ZERO, Why::OnlyAtStopped),
    };
    Taken { kept: kept.took_and_removes(said), credit, why }
}
