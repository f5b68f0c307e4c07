//! What a session reported between its announces, kept small: windows of time, and the bytes that moved in them.

use crate::replay::Step;
use crate::session::Transition;
use crate::time::Time;

/// Bytes are kept in multiples of this.
pub const GRANULE: u64 = 16 << 10;

/// So many seconds before its first announce that the server took, a session may have begun: its `started` was refused.
pub const BEFORE: u64 = 7200;

/// A window of time between two announces in which counters moved. Bytes are in granules.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stretch {
    /// When it begins, in seconds from [`BEFORE`] the session's first announce.
    pub from: u64,
    /// When it ends.
    pub to: u64,
    /// Credited upload, rounded down over the session: never more than was claimed.
    pub up: u64,
    /// What was received at most, rounded up.
    pub down: u64,
}

/// The stretches of a session, in order, each as up to four numbers of seven bits a byte: how long it lasts, what went up, and
/// if there is any, the seconds since the one before and what came down. A seed that announces every half hour for a week
/// takes some 1.5 kB.
#[derive(Clone, Default, Debug)]
pub struct Trace {
    bytes: Vec<u8>,
    /// The end of the last stretch.
    end: u64,
}

impl Trace {
    /// A longer trace is made half as long: two neighbouring stretches become one, in which more can fit than in the two.
    const MOST: usize = 2048;

    /// Notes what a step reports.
    #[inline]
    pub fn note(&mut self, step: &Step<'_>) {
        let credit = step.session.state.credit().up;
        let up = credit / GRANULE - (credit - step.credit.up.min(credit)) / GRANULE;
        let down = received(step);
        if up == 0 && down == 0 || step.transition == Transition::Duplicate {
            return;
        }
        let Some((first, at)) = step.session.first_at.zip(step.said.at) else { return };
        let secs = |time: Time| BEFORE + (time.since(first).max(0) / 1000) as u64;
        let last = step.before.filter(|_| !step.transition.opens()).and_then(|before| before.last_at);
        let from = last.map_or(0, secs).max(self.end);
        self.push(&Stretch { from, to: secs(at).max(from), up, down });
        if self.bytes.len() > Self::MOST {
            self.halve();
        }
    }

    /// Reads a little of it.
    #[inline]
    pub fn touch(&self) -> u64 {
        self.end ^ self.bytes.last().map_or(0, |byte| u64::from(*byte))
    }

    /// The stretches, in order.
    pub fn stretches(&self) -> impl Iterator<Item = Stretch> {
        let (mut rest, mut end) = (self.bytes.iter(), 0);
        std::iter::from_fn(move || {
            let mut number = || {
                let mut number = 0;
                for shift in (0..64).step_by(7) {
                    let byte = *rest.next()?;
                    number |= u64::from(byte & 0x7f) << shift;
                    if byte < 0x80 {
                        break;
                    }
                }
                Some(number)
            };
            // The lowest bit says whether another number follows.
            let (length, up) = (number()?, number()?);
            let from = end + if length & 1 == 1 { number()? } else { 0 };
            let down = if up & 1 == 1 { number()? } else { 0 };
            end = from + (length >> 1);
            Some(Stretch { from, to: end, up: up >> 1, down })
        })
    }

    fn push(&mut self, stretch: &Stretch) {
        let (gap, length) = (stretch.from - self.end, stretch.to - stretch.from);
        let (gapped, received) = (gap > 0, stretch.down > 0);
        // Neither seconds of milliseconds nor granules of bytes fill 64 bits.
        let (length, up) = (length << 1 | u64::from(gapped), stretch.up << 1 | u64::from(received));
        let (mut written, mut len) = ([0u8; 40], 0);
        for (mut number, there) in [(length, true), (up, true), (gap, gapped), (stretch.down, received)] {
            while there && number >= 0x80 {
                written[len] = number as u8 | 0x80;
                number >>= 7;
                len += 1;
            }
            written[len] = number as u8;
            len += usize::from(there);
        }
        if self.bytes.capacity() - self.bytes.len() < len {
            // Room for a quarter more, not for twice as much: there are as many traces as sessions.
            self.bytes.reserve_exact((self.bytes.len() / 4).max(24));
        }
        self.bytes.extend_from_slice(&written[..len]);
        self.end = stretch.to;
    }

    fn halve(&mut self) {
        let all: Vec<Stretch> = self.stretches().collect();
        *self = Trace { bytes: Vec::with_capacity(self.bytes.len()), end: 0 };
        for pair in all.chunks(2) {
            let last = pair[pair.len() - 1];
            let (up, down) = pair.iter().fold((0u64, 0u64), |sum, stretch| {
                (sum.0.saturating_add(stretch.up), sum.1.saturating_add(stretch.down))
            });
            self.push(&Stretch { from: pair[0].from, to: last.to, up, down });
        }
    }
}

/// What a step's peer received since the announce before, at most: by its counter, or by what is missing now. What it lost
/// (a hash check, a file that is wanted after all) it may have received again.
fn received(step: &Step<'_>) -> u64 {
    let fell = |before: u64, left: u64| (before.saturating_sub(left), left.saturating_sub(before));
    let before = step.before.filter(|_| !step.transition.opens());
    let left = before.and_then(|before| before.left).zip(step.session.state.left);
    let (fell, rose) = left.map_or((0, 0), |(before, left)| fell(before, left));
    // A file added to what is wanted is no loss; but the log cannot tell one from the other.
    let rose = if step.credit.down > 0 { rose } else { 0 };
    fell.max(step.credit.down.saturating_add(rose)).div_ceil(GRANULE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_gives_back_what_it_was_given_and_halves_without_losing_bytes() {
        let stretch = |n: u64| Stretch { from: n * 3600, to: n * 3600 + 1800, up: n * 977, down: n % 3 * 100_000 };
        let mut trace = Trace::default();
        (0..100).for_each(|n| trace.push(&stretch(n)));
        assert!(trace.stretches().eq((0..100).map(stretch)));
        trace.halve();
        assert_eq!(trace.stretches().count(), 50);
        assert_eq!(trace.stretches().map(|s| s.up).sum::<u64>(), (0..100).map(|n| n * 977).sum::<u64>());
        assert_eq!(trace.stretches().last().map(|s| s.to), Some(stretch(99).to));
    }
}
