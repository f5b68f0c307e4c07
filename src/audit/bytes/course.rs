//! How a swarm's uploads may have found their receivers, for who wants to see why some cannot have.

use super::flow::{Sweep, Window};
use super::in_bytes;
use super::swarm::{Secret, Sources, Windows};
use crate::time::Time;
use std::collections::BTreeMap;

/// So many points of a course are kept, about.
const POINTS: i64 = 60;
/// So many pairs of users are kept, those between whom most moved.
const PAIRS: usize = 12;

/// One way in which a swarm's upload finds receivers: whose window ends first is served first.
#[derive(Clone, Default, Debug)]
pub struct Course {
    /// When; bytes that were said to be sent by then; and those of them that can have been received.
    pub points: Vec<(Time, u64, u64)>,
    /// Who may have sent to whom, and how many bytes; most first. Whose bytes nobody received it does not say: that depends on
    /// who is served first.
    pub pairs: Vec<(u32, u32, u64)>,
    /// Pairs that are not among them.
    pub more: usize,
}

impl Course {
    /// A swarm's, of which those are the windows.
    pub(super) fn new(windows: &Windows, sources: &Sources<'_>, sweep: &mut Sweep) -> Course {
        let ends = windows.senders.windows().iter().map(|window| i64::from(window.to));
        let (from, to) = ends.fold((i64::MAX, 0), |(from, to), end| (from.min(end), to.max(end)));
        let width = ((to - from) / POINTS).max(1);
        let mut steps: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
        let mut pairs: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        let user = |window: &Window| sources.actors.user(window.user());
        let (sent, received) = (windows.sent(|_| true), windows.received(Secret::None));
        sweep.assign((&windows.senders, &sent), (&windows.receivers, &received));
        let step = |at: u32| (i64::from(at) - from).div_euclid(width);
        for (sender, left) in windows.senders.windows().iter().zip(sweep.unsent()) {
            let left = in_bytes((*left).into());
            if left > 0 {
                let said = &mut steps.entry(step(sender.to)).or_default().0;
                *said = said.saturating_add(left);
            }
        }
        for moved in sweep.moves() {
            let sender = &windows.senders.windows()[moved.from as usize];
            let receiver = &windows.receivers.windows()[moved.to as usize];
            let bytes = in_bytes(moved.bytes.into());
            let step = steps.entry(step(sender.to.min(receiver.to))).or_default();
            *step = (step.0.saturating_add(bytes), step.1.saturating_add(bytes));
            let pair = pairs.entry((user(sender), user(receiver))).or_default();
            *pair = pair.saturating_add(bytes);
        }
        let mut sum = (0u64, 0u64);
        let begin = steps.first_key_value().map(|(step, _)| (sources.time(from + step * width), 0, 0));
        let points = steps.into_iter().map(|(step, more)| {
            sum = (sum.0.saturating_add(more.0), sum.1.saturating_add(more.1));
            (sources.time(from + (step + 1) * width), sum.0, sum.1)
        });
        let points = begin.into_iter().chain(points).collect();
        let mut pairs: Vec<_> = pairs.into_iter().map(|((from, to), bytes)| (from, to, bytes)).collect();
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.2));
        let more = pairs.len().saturating_sub(PAIRS);
        pairs.truncate(PAIRS);
        Course { points, pairs, more }
    }
}
