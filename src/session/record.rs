//! What is kept of a session.

use super::state::{Counters, Phase, State, Transition};
use crate::announce::Event;
use crate::time::Time;
use std::iter;
use std::num::NonZeroU64;

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

/// A silence that was longer than this session's usual ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// The last line before.
    pub from: Time,
    /// The first line after.
    pub to: Time,
    /// Where the last line before stands.
    pub from_line: LineRef,
    /// Where the first line after stands.
    pub to_line: LineRef,
    /// Leeching on both sides, and nothing moved between them.
    pub idle: bool,
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
    gaps: Vec<Gap>,
    /// The addresses after the first, in order of appearance.
    addresses: Vec<Seen>,
    /// Fewer still have one.
    refused_stop: Option<Box<Refused>>,
}

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
///
/// What every announce needs comes first, [`Session::HOT`] bytes of it: three lines of the cache, where a session begins with one.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Session {
    /// Where the state machine stands.
    pub state: State,
    /// The first announce.
    pub first_at: Option<Time>,
    /// The last announce or duplicate.
    pub last_at: Option<Time>,
    /// Where the last announce or duplicate stands.
    pub last_line: LineRef,
    /// When it was last heard of, refused announces included.
    pub heard_at: Option<Time>,
    /// Where.
    pub heard_line: LineRef,
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
    /// The address of the last announce.
    pub address: u32,
    /// Plain announces after less than 15 s, 60 s and 300 s.
    pub hurried: [u16; 3],
    /// How the beginning is known.
    pub opening: Opening,
    /// What else there is to know of it: [`Session::IN_SPAN`] and so on.
    flags: u8,
    /// Where the first announce stands.
    pub first_line: LineRef,
    /// The first plain announce after less than 300 s.
    pub hurried_line: Option<LineRef>,
    /// When the second and the third phase began; the first one begins with the session.
    phases_at: [Option<Time>; Session::PHASES - 1],
    /// What most sessions do not have.
    rare: Option<Box<Rare>>,
    /// The first address.
    first_address: u32,
    /// The first three phases, and how many lie here.
    phases: [Phase; Session::PHASES],
    phase_count: u8,
}

const _: () = assert!(std::mem::offset_of!(Session, first_line) == Session::HOT);

impl Session {
    /// So many bytes of it every announce needs.
    pub const HOT: usize = 192;

    /// An announce of it lies in the span asked for.
    const IN_SPAN: u8 = 1;
    /// The server refused its `stopped`, and nothing came after it.
    const STOP_REFUSED: u8 = 2;

    /// So many phases lie in the session itself: few have more than leeching, seeding and stopped.
    const PHASES: usize = 3;

    /// With so many more unusual silences, it is time to ask whether they are the usual ones.
    const MANY: usize = 8;
    /// So many unusual silences are kept; of more, the longest.
    pub const GAPS: usize = 32;

    /// So many addresses are kept.
    pub const ADDRESSES: usize = 1000;

    /// A new session, before its first announce is noted.
    pub fn open(whose: Whose, number: u32, address: u32, state: State, line: LineRef, opening: Opening) -> Session {
        Session {
            user: whose.user,
            torrent: whose.torrent,
            peer: whose.peer,
            number,
            announces: 0,
            state,
            first_at: state.last_at,
            last_at: state.last_at,
            first_line: line,
            last_line: line,
            opening,
            flags: 0,
            heard_at: None,
            heard_line: line,
            shortest: u32::MAX,
            hurried: [0; 3],
            idle: 0,
            hurried_line: None,
            phases: [state.phase; Self::PHASES],
            phase_count: 1,
            phases_at: [None; Self::PHASES - 1],
            rare: None,
            first_address: address,
            address,
        }
    }

    /// Whose it is.
    pub fn whose(&self) -> Whose {
        Whose { user: self.user, torrent: self.torrent, peer: self.peer }
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
            self.rare.get_or_insert_default().phases.push((at, phase));
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

    /// Notes that the session was heard of, and how long it had been silent. `plain`: by an announce without event.
    /// `idle`: leeching before and after, and nothing moved. Returns the silence in seconds.
    pub fn note_heard(&mut self, at: Option<Time>, line: LineRef, plain: bool, idle: bool) -> Option<u32> {
        let before = self.heard_at;
        let before_line = self.heard_line;
        self.heard_line = line;
        self.heard_at = at.or(before);
        let (from, to) = before.zip(at)?;
        let silence = u32::try_from(to.since(from).max(0) / 1000).unwrap_or(u32::MAX);
        // Silences of up to a quarter more than the usual are the usual. With nothing to compare to, the longest floor
        // of any client is taken for it.
        let usual = if self.shortest == u32::MAX { 720 } else { self.shortest.max(48) };
        // The first plain silence says itself what is usual.
        let says_itself = plain && silence < self.shortest && self.gaps().is_empty();
        if silence > usual.saturating_add(usual / 4) && !says_itself {
            self.keep_gap(Gap { from, to, from_line: before_line, to_line: line, idle });
        }
        if plain {
            if silence < self.shortest {
                self.shortest = silence;
                let usual = silence.max(48);
                let length = |gap: &Gap| gap.to.since(gap.from) / 1000;
                if let [only] = self.gaps()
                    && length(only) <= i64::from(usual + usual / 4)
                {
                    self.rare.get_or_insert_default().gaps = Vec::new();
                }
            }
            for (count, bound) in self.hurried.iter_mut().zip([15, 60, 300]) {
                *count = count.saturating_add(u16::from(silence < bound));
            }
            if silence < 300 && self.hurried_line.is_none() {
                self.hurried_line = Some(line);
            }
        }
        Some(silence)
    }

    fn keep_gap(&mut self, gap: Gap) {
        let gaps = &mut self.rare.get_or_insert_default().gaps;
        if gaps.len() == Self::GAPS {
            // Drop the shorter half, keep the order.
            let mut lengths: Vec<i64> = gaps.iter().map(|g| g.to.since(g.from)).collect();
            lengths.sort_unstable();
            let median = lengths[lengths.len() / 2];
            gaps.retain(|g| g.to.since(g.from) > median);
        }
        // Most that have any have one.
        gaps.reserve_exact(1);
        gaps.push(gap);
        if gaps.len().is_multiple_of(Self::MANY) {
            self.learn_usual();
        }
    }

    /// After an announce in haste all silences look unusual. Those that most announces come after are the usual ones.
    fn learn_usual(&mut self) {
        let Some(rare) = &mut self.rare else { return };
        let length = |gap: &Gap| u32::try_from(gap.to.since(gap.from) / 1000).unwrap_or(u32::MAX);
        let Some(usual) = rare.gaps.iter().map(length).min() else { return };
        let is_usual = |gap: &Gap| length(gap) <= usual.saturating_add(usual / 4);
        if 2 * rare.gaps.iter().filter(|gap| is_usual(gap)).count() > self.announces as usize {
            self.shortest = usual;
            rare.gaps.retain(|gap| !is_usual(gap));
        }
    }

    /// Notes the address of an announce; `true` if it is new to the session.
    pub fn note_address(&mut self, address: u32, at: Option<Time>, line: LineRef) -> bool {
        let count = self.rare.as_ref().map_or(0, |rare| rare.addresses.len());
        let new = count < Self::ADDRESSES && self.addresses().all(|seen| seen.address != address);
        if new {
            self.rare.get_or_insert_default().addresses.push(Seen { address, at, line });
        }
        new
    }

    /// The addresses, in order of appearance; at most [`Session::ADDRESSES`] and one.
    pub fn addresses(&self) -> impl Iterator<Item = Seen> {
        let first = Seen { address: self.first_address, at: self.first_at, line: self.first_line };
        iter::once(first).chain(self.rare.iter().flat_map(|rare| rare.addresses.iter().copied()))
    }

    /// Gives its addresses other numbers.
    pub fn renumber_addresses(&mut self, mut number: impl FnMut(u32) -> u32) {
        self.first_address = number(self.first_address);
        let rest = self.rare.iter_mut().flat_map(|rare| &mut rare.addresses);
        rest.for_each(|seen| seen.address = number(seen.address));
    }

    /// The unusual silences, at most [`Session::GAPS`].
    pub fn gaps(&self) -> &[Gap] {
        self.rare.as_ref().map_or(&[], |rare| rare.gaps.as_slice())
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
        rare.and_then(|rare| rare.refused_stop.as_deref())
    }

    /// Notes that the server refused a `stopped`.
    pub fn note_refused_stop(&mut self, refused: Refused) {
        self.rare.get_or_insert_default().refused_stop = Some(Box::new(refused));
        self.flags |= Self::STOP_REFUSED;
    }

    /// Notes that the session goes on: a `stopped` that was refused was not its end.
    #[inline]
    pub fn note_going_on(&mut self) {
        self.flags &= !Self::STOP_REFUSED;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_an_announce_in_haste_regular_silences_are_no_gaps() {
        let (whose, line) = (Whose { user: 0, torrent: 0, peer: 0 }, LineRef::new(0, 1));
        let mut session = Session::open(whose, 0, 0, State::default(), line, Opening::Started);
        let mut at = 1_000_000;
        let mut announce = |silence: i64| {
            at += silence;
            session.announces += 1;
            session.note_heard(Some(Time::from_secs(at)), line, true, false);
            session.gaps().len()
        };
        // Somebody presses a button; then every half hour, but for a night.
        [1800, 1800, 40].into_iter().for_each(|silence| _ = announce(silence));
        let gaps: Vec<usize> = (0..40).map(|n| announce(if n == 30 { 30_000 } else { 1800 + n % 7 })).collect();
        assert_eq!((gaps[5], gaps[29], gaps[39]), (6, 0, 1), "{gaps:?}");
    }
}
