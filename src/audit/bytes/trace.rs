//! What a session reported between its announces, kept small: windows of time, and the bytes that moved in them.

use crate::chains::{Chain, Chains, ONE_LINE};
use crate::gather::{AHEAD, Gather, Group, Strings};
use crate::packed::{Packer, Packs, Unpacker};
use crate::replay::Step;
use crate::scan;
use crate::session::Transition;
use crate::time::Time;
use std::ops::Range;

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

/// The stretches of all sessions, in order: see [`Packed`]. A seed that announces every half hour for a week takes some 1.5 kB.
#[derive(Clone, Default, Debug)]
pub struct Traces(Chains<ONE_LINE>);

/// Where a session's stretches lie.
#[derive(Clone, Copy, Default, Debug)]
pub struct Place {
    chain: Chain,
    /// The end of the last stretch, in seconds.
    end: u32,
    /// What the next stretch's length is counted from: see [`counted_from`].
    length: u16,
    /// How many chunks there are.
    chunks: u8,
}

impl Packs for Place {
    fn pack(&self, to: &mut Packer<'_>) {
        to.number(self.chunks);
        if self.chunks > 0 {
            self.chain.pack(to);
            to.number(self.length);
            to.number(self.end);
        }
    }

    fn unpack(from: &mut Unpacker<'_>) -> Place {
        match from.number() {
            0 => Place::default(),
            chunks => Place { chunks, chain: Chain::unpack(from), length: from.number(), end: from.number() },
        }
    }
}

/// A stretch as it is written: how many bytes each of four numbers takes, in two bits each, and those bytes. The numbers are by how
/// much it is longer than the one before (twice that, and if it is shorter, twice how much that is, less one), what went up, the
/// seconds since the one before, and what came down. Most take five bytes, and are read without a branch: traces are read again
/// and again.
struct Packed {
    bytes: [u8; Packed::MOST],
    len: usize,
}

/// The stretches of one session, packed, in one piece.
#[derive(Clone, Copy, Debug)]
pub struct Trace<'a> {
    /// They begin here. What follows does not matter, but is there: words go beyond the end.
    bytes: &'a [u8],
    len: usize,
}

/// The traces of all sessions, by their places in the story. They are read again and again, session by session: so each lies in one
/// piece, beside its neighbours'.
#[derive(Debug)]
pub struct AllTraces(Strings);

impl AllTraces {
    /// Those of so many sessions, by their places in the story: `of` says in which of `traces` each lies, and where. Traces begin
    /// about in the order of their sessions.
    pub fn gather(
        len: usize,
        threads: usize,
        traces: Vec<Traces>,
        of: impl Fn(usize) -> Option<(usize, Place)> + Sync,
    ) -> AllTraces {
        let group = |all: &Gather<Chains<ONE_LINE>>, sessions: Range<usize>| {
            let mut group = Group::default();
            for session in sessions {
                if let Some((from, place)) = of(session + AHEAD) {
                    all.source(from).fetch(place.chain);
                }
                group.add(|bytes| {
                    if let Some((from, place)) = of(session) {
                        let read = |chunk| all.note_read(from, Chains::<ONE_LINE>::piece_of(chunk));
                        all.source(from).read(place.chain, bytes, read);
                    }
                });
            }
            group
        };
        let mut strings = Strings::with_capacity(len);
        Gather::new(traces.into_iter().map(|traces| traces.0).collect())
            .all(len, threads, group, |group| strings.add(group));
        AllTraces(strings)
    }

    /// Has the cache fetch that of a session.
    #[inline]
    pub fn fetch(&self, session: usize) {
        self.0.fetch(session);
    }

    /// That of a session, by its place; empty if nothing moved in it.
    pub fn of(&self, session: usize) -> Trace<'_> {
        let (bytes, len) = self.0.get(session);
        Trace { bytes, len }
    }
}

impl Traces {
    /// A session with more chunks has its trace made half as long: two neighbouring stretches become one, in which more can
    /// fit than in the two.
    const MOST: u8 = 34;

    /// Notes what a step reports in the trace of its session, which lies at `place`.
    #[inline]
    pub fn note(&mut self, place: &mut Place, step: &Step<'_>) {
        let credit = step.session.state.credit().up;
        let up = credit / GRANULE - (credit - step.credit.up.min(credit)) / GRANULE;
        let down = received(step);
        if up == 0 && down == 0 || step.transition == Transition::Duplicate {
            return;
        }
        let Some((first, at)) = step.session.first_at.zip(step.said.at) else { return };
        let secs = |time: Time| BEFORE + (time.since(first).max(0) / 1000) as u64;
        let last = step.before.filter(|_| !step.transition.opens()).and_then(|before| before.last.at);
        let from = last.map_or(0, secs).max(place.end.into());
        self.push(place, &Stretch { from, to: secs(at).max(from), up, down });
        if place.chunks > Self::MOST {
            self.halve(place);
        }
    }

    /// Has the cache fetch the end of a session's trace.
    #[inline]
    pub fn fetch(&self, place: &Place) {
        self.0.fetch(place.chain);
    }

    /// The stretches of the trace that lies at `place`.
    fn stretches(&self, place: Place) -> Vec<Stretch> {
        let mut bytes = Vec::new();
        self.0.read(place.chain, &mut bytes, |_| {});
        let len = bytes.len();
        bytes.extend([0; Strings::BEYOND]);
        Trace { bytes: &bytes, len }.stretches().collect()
    }

    fn push(&mut self, place: &mut Place, stretch: &Stretch) {
        let (gap, length) = (stretch.from - u64::from(place.end), stretch.to - stretch.from);
        let longer = length.wrapping_sub(place.length.into()) as i64;
        place.length = counted_from(length);
        let packed = Packed::new([(longer << 1 ^ longer >> 63) as u64, stretch.up, gap, stretch.down]);
        let before = place.chain;
        self.0.push(&mut place.chain, &packed.bytes[..packed.len]);
        // It never takes more than one.
        place.chunks = place.chunks.saturating_add(u8::from(place.chain != before));
        // A log of more than a century has its end there.
        place.end = u32::try_from(stretch.to).unwrap_or(u32::MAX);
    }

    #[cold]
    fn halve(&mut self, place: &mut Place) {
        let all = self.stretches(*place);
        self.0.clear(&mut place.chain);
        *place = Place::default();
        for pair in all.chunks(2) {
            let last = pair[pair.len() - 1];
            let (up, down) = pair.iter().fold((0u64, 0u64), |sum, stretch| {
                (sum.0.saturating_add(stretch.up), sum.1.saturating_add(stretch.down))
            });
            self.push(place, &Stretch { from: pair[0].from, to: last.to, up, down });
        }
    }
}

impl Packed {
    /// Where the first byte says so, each of the four takes eight: one of them does not fit in three.
    const WHOLE: u8 = u8::MAX;
    /// So many bytes a stretch takes at most.
    const MOST: usize = 1 + 4 * size_of::<u64>();
    /// What is read of a number of so many bytes.
    const MASKS: [u64; 4] = [0, 0xff, 0xffff, 0xff_ffff];

    #[inline]
    fn new(numbers: [u64; 4]) -> Packed {
        let lens = numbers.map(|number| (u64::BITS - number.leading_zeros()).div_ceil(8));
        let sizes = lens[0] | lens[1] << 2 | lens[2] << 4 | lens[3] << 6;
        if lens.iter().any(|len| *len > 3) || sizes == u32::from(Self::WHOLE) {
            return Packed::whole(numbers);
        }
        let mut packed = Packed { bytes: [0; Self::MOST], len: 1 };
        packed.bytes[0] = sizes as u8;
        for n in [0, 2] {
            let two = numbers[n] | numbers[n + 1] << (8 * lens[n]);
            packed.bytes[packed.len..packed.len + 8].copy_from_slice(&two.to_le_bytes());
            packed.len += (lens[n] + lens[n + 1]) as usize;
        }
        packed
    }

    #[cold]
    fn whole(numbers: [u64; 4]) -> Packed {
        let mut packed = Packed { bytes: [Self::WHOLE; Self::MOST], len: Self::MOST };
        let words = packed.bytes[1..].chunks_exact_mut(size_of::<u64>());
        words.zip(numbers).for_each(|(word, number)| word.copy_from_slice(&number.to_le_bytes()));
        packed
    }

    /// The numbers of the stretch that begins at `at`, and where the next one does.
    #[inline]
    fn read(bytes: &[u8], at: usize) -> ([u64; 4], usize) {
        let word = |at: usize| scan::word(bytes, at).unwrap_or_default();
        let sizes = bytes[at];
        if sizes == Self::WHOLE {
            return ([1, 9, 17, 25].map(|from| word(at + from)), at + Self::MOST);
        }
        let lens = [0, 2, 4, 6].map(|bits| usize::from(sizes >> bits & 3));
        let (first, second) = (at + 1, at + 1 + lens[0] + lens[1]);
        let two = |from: usize, n: usize| {
            let word = word(from);
            [word & Self::MASKS[lens[n]], word >> (8 * lens[n]) & Self::MASKS[lens[n + 1]]]
        };
        let ([longer, up], [gap, down]) = (two(first, 0), two(second, 2));
        ([longer, up, gap, down], second + lens[2] + lens[3])
    }
}

/// How long a stretch is, as far as the next one's length is counted from that.
fn counted_from(length: u64) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

impl<'a> Trace<'a> {
    /// The stretches, in order.
    #[inline]
    pub fn stretches(self) -> impl Iterator<Item = Stretch> + use<'a> {
        let (mut at, mut before, mut end) = (0, 0u16, 0);
        std::iter::from_fn(move || {
            if at >= self.len {
                return None;
            }
            let ([longer, up, gap, down], next) = Packed::read(self.bytes, at);
            at = next;
            let length = u64::from(before).wrapping_add_signed((longer >> 1) as i64 ^ -((longer & 1) as i64));
            before = counted_from(length);
            let from = end + gap;
            end = from + length;
            Some(Stretch { from, to: end, up, down })
        })
    }
}

/// What a step's peer received since the announce before, at most: by its counter, or by what is missing now. What it lost
/// (a hash check, a file that is wanted after all) it may have received again.
fn received(step: &Step<'_>) -> u64 {
    let fell = |before: u64, left: u64| (before.saturating_sub(left), left.saturating_sub(before));
    let before = step.before.filter(|_| !step.transition.opens());
    let left = before.and_then(|before| before.state.left()).zip(step.session.state.left());
    let (fell, rose) = left.map_or((0, 0), |(before, left)| fell(before, left));
    // A file added to what is wanted is no loss; but the log cannot tell one from the other.
    let rose = if step.credit.down > 0 { rose } else { 0 };
    fell.max(step.credit.down.saturating_add(rose)).div_ceil(GRANULE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_trace_gives_back_whatever_it_was_given(
            moved in prop::collection::vec((0u32..40, 0u64..=1 << 40, 0u32..40, 0u32..64, 0u32..64), 1..40),
        ) {
            let (mut traces, mut place, mut given) = (Traces::default(), Place::default(), Vec::new());
            for (gap, some, length, up, down) in moved {
                let bits = |bits: u32| some & ((1u64 << bits.min(40)) - 1);
                let from = given.last().map_or(0, |last: &Stretch| last.to) + bits(gap) % (1 << 24);
                let stretch = Stretch { from, to: from + bits(length) % (1 << 26), up: some >> up, down: some >> down };
                traces.push(&mut place, &stretch);
                given.push(stretch);
            }
            prop_assert_eq!(traces.stretches(place), given);
        }
    }

    #[test]
    fn a_trace_gives_back_what_it_was_given_and_halves_without_losing_bytes() {
        let stretch = |n: u64| Stretch { from: n * 3600, to: n * 3600 + 1800, up: n * 977, down: n % 3 * 100_000 };
        let (mut traces, mut place, mut other) = (Traces::default(), Place::default(), Place::default());
        for n in 0..100 {
            traces.push(&mut place, &stretch(n));
            traces.push(&mut other, &stretch(n));
        }
        assert!(traces.stretches(place).into_iter().eq((0..100).map(stretch)));
        traces.halve(&mut place);
        let halved = traces.stretches(place);
        assert_eq!(halved.len(), 50);
        assert_eq!(halved.iter().map(|s| s.up).sum::<u64>(), (0..100).map(|n| n * 977).sum::<u64>());
        assert_eq!(halved.last().map(|s| s.to), Some(stretch(99).to));
        // Chunks given back are used again, and nobody else's.
        (100..150).for_each(|n| traces.push(&mut place, &stretch(n)));
        assert!(traces.stretches(other).into_iter().eq((0..100).map(stretch)));
        assert!(traces.stretches(place).into_iter().skip(50).eq((100..150).map(stretch)));
    }

    #[test]
    fn gathered_traces_are_those_that_lay_in_chunks() {
        // Some of them fill pieces of memory, which are given back meanwhile; those that were halved use chunks again.
        let lens = (0..70_000u64).map(|n| if n % 500 == 3 { 700 } else { 1 + n % 2 });
        let mut engines = vec![Traces::default(), Traces::default()];
        let mut places = Vec::new();
        for (n, len) in (0u64..).zip(lens) {
            let (of, mut place) = ((n % 3 / 2) as usize, Place::default());
            for at in 0..len {
                engines[of].push(&mut place, &Stretch { from: at * 3600, to: at * 3600 + n % 999, up: n, down: n % 7 });
                if place.chunks > Traces::MOST {
                    engines[of].halve(&mut place);
                }
            }
            places.push((of, place));
        }
        let expected: Vec<Vec<Stretch>> = places.iter().map(|(of, place)| engines[*of].stretches(*place)).collect();
        let sum = |all: &[Stretch]| all.iter().map(|stretch| stretch.up).sum::<u64>();
        assert!((0u64..).zip(&expected).all(|(n, all)| sum(all) == n * if n % 500 == 3 { 700 } else { 1 + n % 2 }));
        for threads in [1, 2] {
            let engines = engines.clone();
            let all = AllTraces::gather(places.len(), threads, engines, |at| places.get(at).copied());
            for (at, expected) in expected.iter().enumerate() {
                assert!(all.of(at).stretches().eq(expected.iter().copied()), "{at} with {threads} threads");
            }
        }
    }
}
