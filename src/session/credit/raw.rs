//! What clients say, as a rule.

use super::{Identity, Kept, Policy, Taken, Why, each_growth};
use crate::session::{Counters, Said};

/// No tracker: what the client says.
pub static RAW: Policy = Policy {
    name: "raw",
    summary: "what the client's counters add up to, from 0: the whole counter at first, and again whenever one fell",
    interval: None,
    timeout: None,
    identity: Identity::PeerId,
    source: "no tracker: an upper bound to compare with",
    rule,
};

fn rule(kept: &Kept, said: &Said) -> Taken {
    let (growth, why) = each_growth(kept, said);
    let rise = |now: u64, then: u64, growth: u64| if now < then { now } else { growth };
    let credit = match why {
        Why::NewPeer => said.counters,
        _ => Counters {
            up: rise(said.counters.up, kept.counters.up, growth.up),
            down: rise(said.counters.down, kept.counters.down, growth.down),
        },
    };
    let why = if why == Why::Growth { Why::Growth } else { Why::WholeCounter };
    Taken { kept: kept.took(said), credit, why }
}
