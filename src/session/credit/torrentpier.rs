//! TorrentPier's rule.

use super::{Identity, Kept, Policy, Taken, Why, each_growth};
use crate::session::Said;

/// TorrentPier.
pub static TORRENTPIER: Policy = Policy {
    name: "torrentpier",
    summary: "growth above the highest counters so far of the same port, whichever peer id it has: a client that began anew earns nothing until it passes them",
    interval: Some((1800, 1800)),
    timeout: Some(4500),
    identity: Identity::Port,
    source: "torrentpier/torrentpier 87f6853 AnnounceController.php:208,440ff",
    rule,
};

fn rule(kept: &Kept, said: &Said) -> Taken {
    let (credit, why) = match each_growth(kept, said) {
        (credit, Why::CounterFell) => (credit, Why::BelowPeak),
        other => other,
    };
    let mut then = kept.took_and_removes(said);
    if kept.known {
        then.counters = then.counters.max(kept.counters);
    }
    Taken { kept: then, credit, why }
}
