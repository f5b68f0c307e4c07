//! Trackarr's rule.

use super::{Identity, Kept, Policy, Taken, Why, each_growth, since, within};
use crate::session::{Counters, Said};

/// Trackarr.
pub static TRACKARR: Policy = Policy {
    name: "trackarr",
    summary: "growth of each counter, at most 1 GiB a second and 1 TiB; the same event within 2 s is ignored; a peer is remembered for a day of silence",
    interval: Some((1800, 1800)),
    timeout: Some(86_400),
    identity: Identity::PeerId,
    source: "Dim145/opentracker 0a63b25 handler.go:336-515, peers.go:15-45",
    rule,
};

/// The same event is ignored for so many seconds.
const SAME_EVENT: i64 = 2;
/// Bytes a second that are believed.
const FASTEST: u64 = 1 << 30;
/// Bytes an announce that are believed.
const MOST: u64 = 1 << 40;

fn rule(kept: &Kept, said: &Said) -> Taken {
    if kept.event == said.event && within(kept.heard, said, SAME_EVENT) {
        return kept.ignores();
    }
    let (credit, why) = each_growth(kept, said);
    // Most logs have whole seconds: what looks like the same one may be almost a second later.
    let secs = since(kept.at, said).map_or(u64::MAX, |ms| ms.max(1000).cast_unsigned() / 1000);
    let most = FASTEST.saturating_mul(secs).min(MOST);
    let believed = Counters { up: credit.up.min(most), down: credit.down.min(most) };
    let why = if believed == credit { why } else { Why::Capped };
    Taken { kept: kept.took_and_removes(said), credit: believed, why }
}
