//! NexusPHP's rule.

use super::{Identity, Kept, Policy, Taken, Why, each_growth, within};
use crate::announce::Event;
use crate::session::Said;

/// NexusPHP.
pub static NEXUSPHP: Policy = Policy {
    name: "nexusphp",
    summary: "growth of each counter; whatever comes within 20 s is ignored, plain announces within 300 s of the last but one are refused",
    interval: Some((900, 3600)),
    timeout: Some(4680),
    identity: Identity::PeerId,
    source: "xiaomlove/nexusphp a514ed5 announce.php:495ff",
    rule,
};

/// An announce locks its peer for so many seconds.
const AGAIN: i64 = 20;
/// No plain announce within so many seconds of the last but one: two may come in short order.
const LEAST: i64 = 300;

fn rule(kept: &Kept, said: &Said) -> Taken {
    if within(kept.heard, said, AGAIN) {
        return kept.ignores();
    }
    let plain = said.event == Event::None;
    if kept.known && plain && within(kept.before, said, LEAST) {
        return kept.refuses(said, Why::TooEarly);
    }
    let (credit, why) = each_growth(kept, said);
    Taken { kept: kept.took_and_removes(said), credit, why }
}
