//! What is kept of a session.

mod bits;
mod brief;
mod packed;

pub use brief::Brief;
pub use packed::Outline;

use super::gaps::{Gap, Gaps, Origin};
use super::state::{Counters, Live, Phase, RefusedStart, State, Transition};
use crate::announce::Event;
use crate::time::Time;
use prefetch_index::prefetch_index;
use std::num::NonZeroU64;
use std::{iter, slice};

/// A line of a source: which source (by its place in the input) and which physical line, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LineRef(NonZeroU64);

impl LineRef {
    /// Sources beyond the 65,536th share its number.
    pub fn new(source: usize, line: u64) -> LineRef {
        let packed = (source as u64).min(0xffff) << 48 | line.min((1 << 48) - 1);
        LineRef(NonZeroU64::new(packed).unwrap_or(NonZeroU64::MIN))
    }

    /// The source's place in the input, from 0.
    pub fn source(self) -> usize {
        (self.0.get() >> 48) as usize
    }

    /// The line, from 1.
    pub fn line(self) -> u64 {
        self.0.get() & ((1 << 48) - 1)
    }

    /// How far it is behind another one: a small number if both are of one source, and [`LineRef::plus`] undoes it in any case.
    pub(super) fn after(self, other: LineRef) -> i64 {
        self.0.get().wrapping_sub(other.0.get()) as i64
    }

    /// The line so far behind it.
    pub(super) fn plus(self, after: i64) -> LineRef {
        LineRef(NonZeroU64::new(self.0.get().wrapping_add(after as u64)).unwrap_or(NonZeroU64::MIN))
    }
}

/// How a session's beginning is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opening {
    /// By `started`.
    Started,
    /// By a `started` that the server refused.
    RefusedStarted,
    /// By counters that fell without `started`.
    Reset,
    /// It was there already, or its `started` is missing.
    Unseen,
}

impl Opening {
    /// How a session begins by an announce that opens it; `refused`: a `started` of it was refused before.
    pub fn of(event: Event, transition: Transition, refused: bool) -> Opening {
        match event {
            Event::Started => Opening::Started,
            _ if refused => Opening::RefusedStarted,
            _ if transition == Transition::Reset => Opening::Reset,
            _ => Opening::Unseen,
        }
    }
}

/// An announce that the server refused (4xx, 5xx).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused {
    /// When.
    pub at: Option<Time>,
    /// Where.
    pub line: LineRef,
    /// What it counted.
    pub counters: Counters,
}

/// An address, and since when a session uses it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// The address, by number.
    pub address: u32,
    /// When it was first seen in this session.
    pub at: Option<Time>,
    /// Where.
    pub line: LineRef,
}

/// What most sessions do not have.
#[derive(Clone, Default, Debug)]
struct Rare {
    /// The changes of phase after those that lie in the session itself.
    phases: Vec<(Option<Time>, Phase)>,
    gaps: Gaps,
    /// All addresses in order of appearance, once there are several.
    addresses: Vec<Seen>,
    /// Plain announces after less than 15 s, 60 s and 300 s.
    hurried: [u16; 3],
    /// The first of those.
    hurried_line: Option<LineRef>,
    /// Fewer still have that.
    unheard: Option<Box<Unheard>>,
}

/// What the tracker did not hear, or not in its turn.
#[derive(Clone, Copy, Default, Debug)]
struct Unheard {
    /// When and where it was last heard of, if that is not the last announce.
    heard: Option<Heard>,
    /// The last `stopped` that was refused.
    stop: Option<Refused>,
    /// The first `started` that was refused after the last announce that was taken.
    start: Option<RefusedStart>,
    /// An announce was refused since the last one that was taken.
    refused: bool,
}

/// When something was heard, and in which line.
type Heard = (Option<Time>, LineRef);

/// Whose session it is, of what, by which peer: all by number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Whose {
    /// The user.
    pub user: u32,
    /// The torrent.
    pub torrent: u32,
    /// The peer id.
    pub peer: u32,
}

/// One session: a (user, info hash, peer id) from its first announce on.
#[derive(Clone, Debug)]
#[repr(C)] // So that it is known what it begins with.
pub struct Session {
    /// The first announce.
    pub first_at: Option<Time>,
    /// Where the state machine stands.
    pub state: State,
    /// The last announce or duplicate.
    pub last_at: Option<Time>,
    /// Where the last announce or duplicate stands.
    pub last_line: LineRef,
    /// Whose, by number.
    pub user: u32,
    /// Of which torrent, by number.
    pub torrent: u32,
    /// The peer id, by number.
    pub peer: u32,
    /// Its number in its engine.
    pub number: u32,
    /// Announces applied.
    pub announces: u32,
    /// The shortest silence before a plain announce so far, in seconds; what is usual, once that was learnt.
    pub shortest: u32,
    /// Consecutive announces without progress, up to the last.
    pub idle: u32,
    /// The address of the last announce. While it is the only one, addresses are not listed.
    pub address: u32,
    /// Where the first announce stands.
    pub first_line: LineRef,
    /// When the second and the third phase began; the first one begins with the session.
    phases_at: [Option<Time>; Session::PHASES - 1],
    /// What most sessions do not have.
    rare: Option<Box<Rare>>,
    /// Which engine it comes from, by the place among them; known once all is read.
    pub engine: u16,
    /// How the beginning is known.
    pub opening: Opening,
    /// What else there is to know of it: [`Session::IN_SPAN`] and so on.
    flags: u8,
    /// The first three phases, and how many lie here.
    phases: [Phase; Session::PHASES],
    phase_count: u8,
}

// There are more sessions than anything else: this is most of what a large log takes.
const _: () = assert!(size_of::<Session>() <= 168);

impl Session {
    /// An announce of it lies in the span asked for.
    const IN_SPAN: u8 = 1;
    /// The server refused its `stopped`, and nothing came after it.
    const STOP_REFUSED: u8 = 2;
    /// It was heard of since the last announce, or before it.
    const UNHEARD: u8 = 4;
    /// The server refused an announce, and took none since that is more than a copy.
    const AFTER_REFUSAL: u8 = 8;

    /// So many phases lie in the session itself: few have more than leeching, seeding and stopped.
    const PHASES: usize = 3;

    /// With so many more unusual silences, it is time to ask whether they are the usual ones.
    const MANY: usize = 8;
    /// So many unusual silences are kept; of more, the longest.
    pub const GAPS: usize = 32;

    /// So many addresses are kept.
    pub const ADDRESSES: usize = 1000;

    /// A new session, before its first announce is noted.
    pub fn open(whose: Whose, number: u32, address: u32, live: &Live, line: LineRef, opening: Opening) -> Session {
        let Live { state, last } = *live;
        Session {
            user: whose.user,
            torrent: whose.torrent,
            peer: whose.peer,
            number,
            announces: 0,
            state,
            first_at: last.at,
            last_at: last.at,
            first_line: line,
            last_line: line,
            engine: 0,
            opening,
            flags: 0,
            shortest: u32::MAX,
            idle: 0,
            phases: [state.phase; Self::PHASES],
            phase_count: 1,
            phases_at: [None; Self::PHASES - 1],
            rare: None,
            address,
        }
    }

    /// Gives back what it holds, and is none any more.
    pub fn clear(&mut self) {
        (self.rare, self.announces) = (None, 0);
    }

    /// Whose it is.
    pub fn whose(&self) -> Whose {
        Whose { user: self.user, torrent: self.torrent, peer: self.peer }
    }

    /// Has the cache fetch what most sessions do not have, if this one has it.
    #[inline]
    pub fn fetch_rare(&self) {
        if let Some(rare) = &self.rare {
            // Where it begins, and where it ends.
            prefetch_index(slice::from_ref(&**rare), 0);
            prefetch_index(slice::from_ref(&**rare), 1);
        }
    }

    /// Has the cache fetch where its addresses begin and its gaps end.
    #[inline]
    pub fn fetch_lists(&self) {
        if let Some(rare) = &self.rare {
            prefetch_index(&rare.addresses, 0);
            rare.gaps.fetch_end();
        }
    }

    /// Notes the phase after an announce.
    #[inline]
    pub fn note_phase(&mut self, at: Option<Time>) {
        let phase = self.state.phase;
        if self.last_phase().1 != phase {
            self.change_phase(at, phase);
        }
    }

    fn change_phase(&mut self, at: Option<Time>, phase: Phase) {
        let count = usize::from(self.phase_count);
        if count < Self::PHASES {
            (self.phases[count], self.phases_at[count - 1]) = (phase, at);
            self.phase_count += 1;
        } else {
            push_one(&mut self.rare.get_or_insert_default().phases, (at, phase));
        }
    }

    /// The phases: since when, and which.
    pub fn phases(&self) -> impl Iterator<Item = (Option<Time>, Phase)> {
        let at = iter::once(self.first_at).chain(self.phases_at);
        let within = at.zip(self.phases).take(usize::from(self.phase_count));
        within.chain(self.rare.iter().flat_map(|rare| rare.phases.iter().copied()))
    }

    /// The present phase, and since when.
    #[inline]
    pub fn last_phase(&self) -> (Option<Time>, Phase) {
        let last = usize::from(self.phase_count) - 1;
        let within = (last.checked_sub(1).map_or(self.first_at, |before| self.phases_at[before]), self.phases[last]);
        self.rare.as_ref().and_then(|rare| rare.phases.last().copied()).unwrap_or(within)
    }

    /// Where it was last heard of, refused announces included.
    #[inline]
    pub fn heard_line(&self) -> LineRef {
        self.heard().1
    }

    #[inline]
    fn heard(&self) -> Heard {
        let heard = self.rare.as_ref().filter(|_| self.flags & Self::UNHEARD != 0);
        heard.and_then(|rare| rare.unheard.as_ref()?.heard).unwrap_or((self.last_at, self.last_line))
    }

    /// Notes an announce after the first, or a copy: how long the session had been silent. `plain`: an announce without event.
    /// `idle`: leeching before and after, and nothing moved. Returns the silence in seconds.
    #[inline]
    pub fn note_announce(&mut self, at: Option<Time>, line: LineRef, plain: bool, idle: bool) -> Option<u32> {
        let heard = self.heard();
        let silence = self.note_silence(heard, (at, line), plain, idle);
        (self.last_at, self.last_line) = (self.last_at.max(at), line);
        let heard_at = at.or(heard.0);
        if heard_at == self.last_at {
            self.flags &= !Self::UNHEARD;
        } else {
            self.note_heard(heard_at, line);
        }
        silence
    }

    /// The `started` that the server refused after the last announce that it took.
    #[inline]
    pub fn refused_start(&self) -> Option<RefusedStart> {
        let rare = self.rare.as_ref().filter(|_| self.is_after_refusal());
        rare.and_then(|rare| rare.unheard.as_ref()?.start)
    }

    /// Notes that the server refused an announce, and which `started` it was.
    #[cold]
    pub fn note_refusal(&mut self, start: Option<RefusedStart>) {
        self.flags |= Self::AFTER_REFUSAL;
        let unheard = self.unheard();
        unheard.refused = true;
        unheard.start = unheard.start.or(start);
    }

    /// Notes that the server took an announce, which ends what a refused `started` began unless it is only a copy. Returns
    /// whether it had refused any since the last one.
    #[inline]
    pub fn note_delivered(&mut self, ends: bool) -> bool {
        self.is_after_refusal() && self.end_refusal(ends)
    }

    /// The server refused an announce, and took none since that is more than a copy.
    pub fn is_after_refusal(&self) -> bool {
        self.flags & Self::AFTER_REFUSAL != 0
    }

    #[cold]
    fn end_refusal(&mut self, ends: bool) -> bool {
        let unheard = self.unheard();
        let refused = std::mem::take(&mut unheard.refused);
        if ends {
            unheard.start = None;
            self.flags &= !Self::AFTER_REFUSAL;
        }
        refused
    }

    /// Notes an announce that the server refused while the session goes on: `stop` if it was a `stopped`.
    #[cold]
    pub fn note_refused(&mut self, refused: Refused, stop: bool) {
        let heard = self.heard();
        self.note_silence(heard, (refused.at, refused.line), false, false);
        self.note_heard(refused.at.or(heard.0), refused.line);
        if stop {
            self.unheard().stop = Some(refused);
            self.flags |= Self::STOP_REFUSED;
        } else {
            self.note_going_on();
        }
    }

    fn unheard(&mut self) -> &mut Unheard {
        self.rare.get_or_insert_default().unheard.get_or_insert_default()
    }

    #[cold]
    fn note_heard(&mut self, at: Option<Time>, line: LineRef) {
        self.unheard().heard = Some((at, line));
        self.flags |= Self::UNHEARD;
    }

    #[inline]
    fn note_silence(&mut self, before: Heard, now: Heard, plain: bool, idle: bool) -> Option<u32> {
        let (from, to) = (before.0?, now.0?);
        let silence = u32::try_from(to.since(from).max(0) / 1000).unwrap_or(u32::MAX);
        // Silences of up to a quarter more than the usual are the usual. With nothing to compare to, the longest floor
        // of any client is taken for it.
        let usual = if self.shortest == u32::MAX { 720 } else { self.shortest.max(48) };
        // The first plain silence says itself what is usual.
        let says_itself = plain && silence < self.shortest && self.gaps().next().is_none();
        if silence > usual.saturating_add(usual / 4) && !says_itself {
            self.keep_gap(Gap { from, to, from_line: before.1, to_line: now.1, idle });
        }
        if plain {
            if silence < self.shortest {
                self.shortest = silence;
                let usual = i64::from(silence.max(48));
                if let Some(rare) = &mut self.rare
                    && rare.gaps.len() == 1
                {
                    rare.gaps.retain(|only| only / 1000 > usual + usual / 4);
                }
            }
            if silence < 300 {
                self.note_hurry(silence, now.1);
            }
        }
        Some(silence)
    }

    #[cold]
    fn note_hurry(&mut self, silence: u32, line: LineRef) {
        let rare = self.rare.get_or_insert_default();
        for (count, bound) in rare.hurried.iter_mut().zip([15, 60, 300]) {
            *count = count.saturating_add(u16::from(silence < bound));
        }
        rare.hurried_line.get_or_insert(line);
    }

    #[cold]
    fn keep_gap(&mut self, gap: Gap) {
        let origin = self.origin();
        let gaps = &mut self.rare.get_or_insert_default().gaps;
        if gaps.len() == Self::GAPS {
            // Drop the shorter half, keep the order.
            let mut lengths = [0; Self::GAPS];
            lengths.iter_mut().zip(gaps.lengths()).for_each(|(to, length)| *to = length);
            let median = *lengths.select_nth_unstable(Self::GAPS / 2).1;
            gaps.retain(|length| length > median);
        }
        gaps.push(&gap, origin);
        if gaps.len().is_multiple_of(Self::MANY) {
            self.learn_usual();
        }
    }

    /// After an announce in haste all silences look unusual. Those that most announces come after are the usual ones.
    fn learn_usual(&mut self) {
        let Some(rare) = &mut self.rare else { return };
        if 2 * rare.gaps.len() <= self.announces as usize {
            return;
        }
        let secs = |millis: i64| u32::try_from(millis / 1000).unwrap_or(u32::MAX);
        let Some(usual) = rare.gaps.lengths().map(secs).min() else { return };
        let is_usual = |millis: &i64| secs(*millis) <= usual.saturating_add(usual / 4);
        if 2 * rare.gaps.lengths().filter(is_usual).count() > self.announces as usize {
            self.shortest = usual;
            rare.gaps.retain(|length| !is_usual(&length));
        }
    }

    /// What its gaps are counted from.
    fn origin(&self) -> Origin {
        (self.first_at, self.first_line)
    }

    /// Plain announces after less than 15 s, 60 s and 300 s, and the first of those.
    pub fn hurried(&self) -> ([u16; 3], Option<LineRef>) {
        self.rare.as_ref().map_or(([0; 3], None), |rare| (rare.hurried, rare.hurried_line))
    }

    /// Notes an address that is another than that of the announce before; `true` if it is new to the session.
    pub fn note_address(&mut self, address: u32, at: Option<Time>, line: LineRef) -> bool {
        let new = self.addresses().count() <= Self::ADDRESSES && self.addresses().all(|seen| seen.address != address);
        if new {
            let first = self.first_address();
            let addresses = &mut self.rare.get_or_insert_default().addresses;
            if addresses.is_empty() {
                push_one(addresses, first);
            }
            push_one(addresses, Seen { address, at, line });
        }
        new
    }

    /// The only address.
    fn first_address(&self) -> Seen {
        Seen { address: self.address, at: self.first_at, line: self.first_line }
    }

    /// The addresses, in order of appearance; at most [`Session::ADDRESSES`] and one.
    pub fn addresses(&self) -> impl Iterator<Item = Seen> {
        let listed = self.rare.as_ref().map_or(&[][..], |rare| &rare.addresses);
        let only = listed.is_empty().then(|| self.first_address());
        only.into_iter().chain(listed.iter().copied())
    }

    /// Gives its addresses other numbers.
    pub fn renumber_addresses(&mut self, mut number: impl FnMut(u32) -> u32) {
        self.address = number(self.address);
        let listed = self.rare.iter_mut().flat_map(|rare| &mut rare.addresses);
        listed.for_each(|seen| seen.address = number(seen.address));
    }

    /// The unusual silences, at most [`Session::GAPS`].
    pub fn gaps(&self) -> impl Iterator<Item = Gap> {
        let origin = self.origin();
        self.rare.iter().flat_map(move |rare| rare.gaps.iter(origin))
    }

    /// An announce of it lies in the span asked for.
    pub fn in_span(&self) -> bool {
        self.flags & Self::IN_SPAN != 0
    }

    /// Notes that an announce of it lies in the span asked for.
    pub fn note_in_span(&mut self) {
        self.flags |= Self::IN_SPAN;
    }

    /// The last `stopped` that the server refused, if nothing came after it.
    pub fn refused_stop(&self) -> Option<&Refused> {
        let rare = self.rare.as_ref().filter(|_| self.flags & Self::STOP_REFUSED != 0);
        rare.and_then(|rare| rare.unheard.as_ref()?.stop.as_ref())
    }

    /// Notes that the session goes on: a `stopped` that was refused was not its end.
    #[inline]
    pub fn note_going_on(&mut self) {
        self.flags &= !Self::STOP_REFUSED;
    }
}

/// Adds an item to a list that most often has one.
fn push_one<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(1 + list.len() / 2);
    }
    list.push(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_an_announce_in_haste_regular_silences_are_no_gaps() {
        let (whose, line) = (Whose { user: 0, torrent: 0, peer: 0 }, LineRef::new(0, 1));
        let mut session = Session::open(whose, 0, 0, &Live::default(), line, Opening::Started);
        let mut at = 1_000_000;
        let mut announce = |silence: i64| {
            at += silence;
            session.announces += 1;
            session.note_announce(Some(Time::from_secs(at)), line, true, false);
            session.gaps().count()
        };
        // Somebody presses a button; then every half hour, but for a night.
        [1800, 1800, 40].into_iter().for_each(|silence| _ = announce(silence));
        let gaps: Vec<usize> = (0..40).map(|n| announce(if n == 30 { 30_000 } else { 1800 + n % 7 })).collect();
        assert_eq!((gaps[5], gaps[29], gaps[39]), (6, 0, 1), "{gaps:?}");
    }
}
