//! How much of what was sent can have been received: a maximum flow between windows of time.
//!
//! Whoever sent in a window can have sent to whoever received in a window that touches it. The sweep goes through time; a
//! window that ends is served by the windows of the other side that are open then, those that end first before the
//! others. Who is still open will have at least the partners that a window which ends first has: so nothing is lost by
//! serving in that order, and what remains is what no assignment could have served.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

/// A window in which a user sent or received. There are as many as announces: it is kept small.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Its first second, since whenever all windows count from.
    pub from: u32,
    /// Its last second.
    pub to: u32,
    /// Granules of bytes: up to 64 TiB, which is more than anybody moves between two announces.
    pub bytes: u32,
    /// The user, by number.
    pub user: u32,
}

impl Window {
    /// What windows are put in order by: their beginnings, then their ends, then their users.
    pub fn order(&self) -> (u64, u32) {
        (u64::from(self.from) << 32 | u64::from(self.to), self.user)
    }
}

/// One side of the sweep: windows in the order of their beginnings, and those that are open, by their ends.
struct Side<'a, W> {
    windows: &'a [Window],
    /// Whose windows count.
    wanted: W,
    next: usize,
    rest: Vec<u32>,
    /// The end in the upper half, the window's place in the lower.
    open: BinaryHeap<Reverse<u64>>,
}

impl<'a, W: Fn(u32) -> bool> Side<'a, W> {
    fn new(windows: &'a [Window], wanted: W) -> Self {
        let rest = windows.iter().map(|window| window.bytes).collect();
        Side { windows, wanted, next: 0, rest, open: BinaryHeap::new() }
    }

    fn begins(&mut self) -> Option<u32> {
        while let Some(window) = self.windows.get(self.next) {
            if (self.wanted)(window.user) {
                return Some(window.from);
            }
            self.next += 1;
        }
        None
    }

    fn ends(&self) -> Option<u32> {
        self.open.peek().map(|Reverse(open)| (open >> 32) as u32)
    }

    fn open_next(&mut self) {
        let to = self.windows[self.next].to;
        self.open.push(Reverse(u64::from(to) << 32 | self.next as u64));
        self.next += 1;
    }

    /// Closes the window that ends first, after serving what it has left from the other side. Returns what
    /// could not be served.
    fn close(&mut self, other: &mut Side<'_, impl Fn(u32) -> bool>) -> Option<u64> {
        let at = place(self.open.pop()?);
        let user = self.windows[at].user;
        let rest = &mut self.rest[at];
        let mut own = Vec::new();
        while *rest > 0 {
            let Some(first) = other.open.peek_mut() else { break };
            let partner = place(*first);
            if other.windows[partner].user == user {
                own.push(PeekMut::pop(first));
                continue;
            }
            let theirs = &mut other.rest[partner];
            let moved = (*rest).min(*theirs);
            *rest -= moved;
            *theirs -= moved;
            if *theirs == 0 {
                PeekMut::pop(first);
            }
        }
        other.open.extend(own);
        Some(u64::from(*rest))
    }
}

fn place(Reverse(open): Reverse<u64>) -> usize {
    open as u32 as usize
}

/// What of the bytes of some senders no receiver can have received, in granules. Both in the order of their beginnings.
/// Nobody receives from himself: with several users on both sides that makes the order of serving a good one, not the best;
/// with only one sender it stays exact.
pub fn unserved(senders: &[Window], receivers: &[Window], sends: impl Fn(u32) -> bool) -> u64 {
    serve(senders, receivers, sends).0
}

/// As [`unserved`]; and what the receivers can still receive.
pub fn serve(senders: &[Window], receivers: &[Window], sends: impl Fn(u32) -> bool) -> (u64, Vec<Window>) {
    let (mut senders, mut receivers) = (Side::new(senders, sends), Side::new(receivers, |_| true));
    let mut unserved = 0u64;
    loop {
        let begins = [senders.begins(), receivers.begins()].into_iter().flatten().min();
        let ends = [senders.ends(), receivers.ends()].into_iter().flatten().min();
        match (begins, ends) {
            // What begins when another ends still touches it.
            (Some(begins), ends) if ends.is_none_or(|ends| begins <= ends) => {
                if senders.begins() == Some(begins) {
                    senders.open_next();
                } else {
                    receivers.open_next();
                }
            }
            (_, Some(ends)) if senders.ends() == Some(ends) => {
                let rest = senders.close(&mut receivers).unwrap_or_default();
                unserved = unserved.saturating_add(rest);
            }
            (_, Some(_)) => {
                receivers.close(&mut senders);
            }
            _ => break,
        }
    }
    let rest = receivers.windows.iter().zip(receivers.rest).filter(|(_, rest)| *rest > 0);
    (unserved, rest.map(|(window, bytes)| Window { bytes, ..*window }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same by augmenting paths, one granule at a time.
    fn by_matching(senders: &[Window], receivers: &[Window]) -> u64 {
        let spread = |side: &[Window]| -> Vec<Window> {
            side.iter().flat_map(|w| (0..w.bytes).map(|_| Window { bytes: 1, ..*w })).collect()
        };
        let (left, right) = (spread(senders), spread(receivers));
        let mut partner = vec![None; right.len()];
        fn place(
            at: usize,
            left: &[Window],
            right: &[Window],
            partner: &mut [Option<usize>],
            seen: &mut [bool],
        ) -> bool {
            for to in 0..right.len() {
                let touch = left[at].from <= right[to].to && right[to].from <= left[at].to;
                if touch && left[at].user != right[to].user && !std::mem::replace(&mut seen[to], true) {
                    let free = partner[to].is_none_or(|other| place(other, left, right, partner, seen));
                    if free {
                        partner[to] = Some(at);
                        return true;
                    }
                }
            }
            false
        }
        let served = |at: &usize| place(*at, &left, &right, &mut partner, &mut vec![false; right.len()]);
        let count = (0..left.len()).filter(served).count();
        (left.len() - count) as u64
    }

    fn windows(user: std::ops::Range<u32>) -> impl Strategy<Value = Vec<Window>> {
        let window = (0u32..40, 0u32..12, 0u32..4, user);
        prop::collection::vec(window, 0..9).prop_map(|mut all: Vec<(u32, u32, u32, u32)>| {
            all.sort_unstable();
            all.into_iter().map(|(from, len, bytes, user)| Window { from, to: from + len, bytes, user }).collect()
        })
    }

    proptest! {
        #[test]
        fn the_sweep_is_a_maximum_flow(senders in windows(0..1), receivers in windows(1..4)) {
            prop_assert_eq!(unserved(&senders, &receivers, |_| true), by_matching(&senders, &receivers));
        }

        #[test]
        fn with_several_senders_it_never_serves_more(senders in windows(0..3), receivers in windows(0..4)) {
            prop_assert!(unserved(&senders, &receivers, |_| true) >= by_matching(&senders, &receivers));
        }
    }
}
