//! What a session reported between its announces, kept small: windows of time, and the bytes that moved in them.

use crate::chains::{Chain, Chains, ONE_LINE};
use crate::packed::{Packer, Unpacker};
use crate::replay::Step;
use crate::scan;
use crate::session::Transition;
use crate::strings::Strings;
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

/// The stretches of sessions that may go on, in order: see [`Packed`]. A seed that announces every half hour for a week takes some 1.5 kB.
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
    /// How many bytes they take.
    len: u16,
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

/// The traces of all sessions, by their places in the story, and what is kept beside each. They are read again and again, session by
/// session: so each lies in one piece, beside its neighbours'.
#[derive(Debug)]
pub struct AllTraces(Strings);

impl AllTraces {
    /// Of what [`Traces::put_aside`] wrote of each session.
    pub fn new(kept: Strings) -> AllTraces {
        AllTraces(kept)
    }

    /// Has the cache fetch that of a session.
    #[inline]
    pub fn fetch(&self, session: usize) {
        self.0.fetch(session);
    }

    /// That of a session, by its place; empty if nothing moved in it.
    #[inline]
    pub fn of(&self, session: usize) -> Trace<'_> {
        trace_in(self.0.get(session))
    }

    /// What is kept beside that of a session, by its place. What follows does not matter.
    pub fn beside(&self, session: usize) -> &[u8] {
        beside_in(self.0.get(session))
    }
}

/// The trace in what [`Traces::put_aside`] wrote: that begins with how long the trace is, or is nothing at all.
#[inline]
fn trace_in((kept, len): (&[u8], usize)) -> Trace<'_> {
    let mut from = Unpacker(kept);
    let len = if len == 0 { 0 } else { from.number() };
    Trace { bytes: from.0, len }
}

/// What is kept beside it begins there, behind it; nothing if that is nothing.
#[inline]
fn beside_in((kept, len): (&[u8], usize)) -> &[u8] {
    let trace = trace_in((kept, len));
    let begin = kept.len() - trace.bytes.len() + trace.len;
    if begin < len { &kept[begin..] } else { &[] }
}

impl Traces {
    /// A session with more bytes has its trace made half as long: two neighbouring stretches become one, in which more can
    /// fit than in the two.
    const MOST: u16 = 34 * ONE_LINE as u16;

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
        if place.len > Self::MOST {
            self.halve(place);
        }
    }

    /// Has the cache fetch the end of a session's trace.
    #[inline]
    pub fn fetch(&self, place: &Place) {
        self.0.fetch(place.chain);
    }

    /// Takes out the trace that lies at `place`, and writes it down with what is kept beside it.
    pub fn put_aside(&mut self, place: &mut Place, to: &mut Vec<u8>, beside: impl FnOnce(&mut Packer<'_>)) {
        let Place { mut chain, len, .. } = std::mem::take(place);
        Packer(to).number(len);
        self.0.read(chain, to);
        self.0.clear(&mut chain);
        let end = to.len();
        beside(&mut Packer(to));
        if len == 0 && to.len() == end {
            to.clear();
        }
    }

    /// Takes in what was put aside. Returns where the trace lies, and what was kept beside it.
    pub fn take_up<'a>(&mut self, kept: &'a [u8]) -> (Place, &'a [u8]) {
        let kept = (kept, kept.len());
        let Trace { bytes, len } = trace_in(kept);
        let mut place = Place { len: len as u16, ..Place::default() };
        self.0.push(&mut place.chain, &bytes[..len]);
        if let Some(last) = self.stretches(place).last() {
            place.ends_with(last);
        }
        (place, beside_in(kept))
    }

    /// The stretches of the trace that lies at `place`.
    fn stretches(&self, place: Place) -> Vec<Stretch> {
        let mut bytes = Vec::new();
        self.0.read(place.chain, &mut bytes);
        let len = bytes.len();
        bytes.extend([0; Strings::BEYOND]);
        Trace { bytes: &bytes, len }.stretches().collect()
    }

    fn push(&mut self, place: &mut Place, stretch: &Stretch) {
        let (gap, length) = (stretch.from - u64::from(place.end), stretch.to - stretch.from);
        let longer = length.wrapping_sub(place.length.into()) as i64;
        let packed = Packed::new([(longer << 1 ^ longer >> 63) as u64, stretch.up, gap, stretch.down]);
        self.0.push(&mut place.chain, &packed.bytes[..packed.len]);
        place.len = place.len.saturating_add(packed.len as u16);
        place.ends_with(stretch);
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

impl Place {
    fn ends_with(&mut self, last: &Stretch) {
        // A log of more than a century has its end there.
        self.end = u32::try_from(last.to).unwrap_or(u32::MAX);
        self.length = counted_from(last.to - last.from);
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
    use crate::strings::Group;
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

        #[test]
        fn what_is_put_aside_goes_on_when_it_is_taken_up(
            moved in prop::collection::vec((0usize..3, 0u32..9000, 0u32..90_000, 0u64..1 << 30, any::<bool>()), 1..400),
            beside in prop::array::uniform3(prop::collection::vec(any::<u8>(), 0..40)),
        ) {
            let (mut traces, mut places) = (Traces::default(), [Place::default(); 3]);
            let (mut never, mut expected) = (Traces::default(), [Place::default(); 3]);
            let mut written = Vec::new();
            for (of, gap, length, up, aside) in moved {
                let from = u64::from(expected[of].end) + u64::from(gap);
                let stretch = Stretch { from, to: from + u64::from(length), up, down: up >> 9 };
                never.push(&mut expected[of], &stretch);
                traces.push(&mut places[of], &stretch);
                if aside {
                    written.clear();
                    traces.put_aside(&mut places[of], &mut written, |to| to.0.extend(&beside[of]));
                    let (place, own) = traces.take_up(&written);
                    prop_assert_eq!(own, &beside[of][..]);
                    places[of] = place;
                }
                prop_assert_eq!(
                    (places[of].end, places[of].length, places[of].len),
                    (expected[of].end, expected[of].length, expected[of].len)
                );
            }
            let mut group = Group::default();
            for (place, beside) in places.iter_mut().zip(&beside) {
                group.add(|bytes| {
                    let mut own = Vec::new();
                    traces.put_aside(place, &mut own, |to| to.0.extend(beside));
                    bytes.extend(own);
                });
            }
            let mut all = Strings::with_capacity(3);
            all.add(group.end());
            let all = AllTraces::new(all);
            for (session, (place, beside)) in expected.iter().zip(&beside).enumerate() {
                prop_assert_eq!(all.of(session).stretches().collect::<Vec<_>>(), never.stretches(*place));
                prop_assert!(all.beside(session).starts_with(beside));
            }
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
}
