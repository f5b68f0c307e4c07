//! TBDev's rule.

use super::{Identity, Kept, Policy, Taken, Why, each_growth};
use crate::announce::Event;
use crate::session::Said;

/// TBDev, and most of what comes from TBSource.
pub static TBDEV: Policy = Policy {
    name: "tbdev",
    summary: "growth of each counter; an unknown peer is refused unless it says `started`",
    interval: Some((1800, 1800)),
    timeout: Some(2340),
    identity: Identity::PeerId,
    source: "cybernet/tbdev df90b92 TB/announce.php:287-320, cleanup.php:23",
    rule,
};

fn rule(kept: &Kept, said: &Said) -> Taken {
    if !kept.known && said.event != Event::Started {
        return kept.refuses(said, Why::UnknownPeer);
    }
    let (credit, why) = each_growth(kept, said);
    Taken { kept: kept.took_and_removes(said), credit, why }
}
