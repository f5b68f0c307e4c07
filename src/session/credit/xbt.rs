//! XBT Tracker's rule.

use super::{Identity, Kept, Policy, Taken, Why, joint_growth};
use crate::announce::Event;
use crate::session::Said;

/// XBT Tracker.
pub static XBT: Policy = Policy {
    name: "xbt",
    summary: "growth, unless either counter fell; `completed` with bytes missing is dropped",
    interval: Some((1800, 1800)),
    timeout: Some(2700),
    identity: Identity::PeerId,
    source: "OlafvdSpek/xbt 3af812b tracker.cpp:368,424,715-725, tracker_input.cpp:74",
    rule,
};

fn rule(kept: &Kept, said: &Said) -> Taken {
    if said.event == Event::Completed && said.left > 0 {
        return kept.refuses(said, Why::CompletedRefused);
    }
    let (credit, why) = joint_growth(kept, said);
    Taken { kept: kept.took_and_removes(said), credit, why }
}
