//! Ocelot's rule.

use super::{Identity, Kept, Policy, Taken, Why, joint_growth};
use crate::announce::Event;
use crate::session::{Counters, Said};

/// Ocelot, of Gazelle sites.
pub static OCELOT: Policy = Policy {
    name: "ocelot",
    summary: "`started` always counts from there; if either counter fell, so does any announce",
    interval: Some((1800, 2400)),
    timeout: Some(7200),
    identity: Identity::PeerId,
    source: "WhatCD/Ocelot 972c8d6 worker.cpp:316,379-423",
    rule,
};

fn rule(kept: &Kept, said: &Said) -> Taken {
    // Seeds and leeches are two lists: a seed that misses bytes is a new leech. Such a `stopped` (WebTorrent's) leaves the
    // seed behind until it times out.
    let lost = kept.known && kept.seeding && said.left > 0;
    if lost && said.event == Event::Stopped {
        return kept.refuses(said, Why::NewPeer);
    }
    let (credit, why) = match joint_growth(&Kept { known: kept.known && !lost, ..*kept }, said) {
        (_, Why::Growth | Why::CounterFell) if said.event == Event::Started => (Counters::ZERO, Why::Started),
        other => other,
    };
    Taken { kept: kept.took_and_removes(said), credit, why }
}
