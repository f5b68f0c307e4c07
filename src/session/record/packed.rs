//! A session in some fifty bytes, besides its [`Brief`]: what is kept of it once nothing is heard of it any more.

use super::super::state::{Counters, Last, Left, Phase, RefusedStart, State};
use super::bits::{Bits, Clock, EVENTS, OPENINGS, PHASES, pack_counters, pack_line, unpack_counters, unpack_line};
use super::{Brief, Heard, Opening, Rare, Refused, Seen, Session, Unheard};
use crate::packed::{Packer, Packs, Unpacker};
use crate::time::Time;

impl Session {
    /// Packs all the rest of it.
    pub fn pack(&self, to: &mut Packer<'_>) {
        let state = &self.state;
        let later = &self.phases_at[..usize::from(self.phase_count) - 1];
        let clock = Clock::new(self.first_at, false);
        let mut times = [self.last_at, state.completed_at].into_iter().chain(later.iter().copied()).flatten();
        let whole = times.all(|at| clock.after(at) % 1000 == 0);
        let clock = Clock::new(self.first_at, whole);

        let room = to.0.len();
        to.0.extend([0; Bits::BYTES]);
        let mut bits = Bits::default();
        bits.put_if(whole);
        bits.put(state.last_event as usize, 3);
        bits.put(self.opening as usize, 2);
        bits.put(self.phase_count.into(), 2);
        self.phases.iter().for_each(|phase| bits.put(*phase as usize, 3));
        bits.put_if(state.completed);
        bits.put_if(state.leeched);
        for at in [self.last_at, state.completed_at].iter().chain(later) {
            bits.put_if(at.is_some());
            clock.pack(*at, to);
        }
        if !bits.put_if(state.base == Counters::ZERO) {
            pack_counters(state.base, to);
        }
        if !bits.put_if(state.base.plus(state.credit()) == state.peak) {
            pack_counters(state.peak, to);
        }
        for left in [state.left, state.first_left] {
            bits.put_if(left.is_some());
            if let Some(left) = left.map(Left::bytes)
                && !bits.put_if(left == state.largest_left)
            {
                to.number(left);
            }
        }
        pack_line(self.first_line, to);
        to.signed(self.last_line.after(self.first_line));
        // None yet is the largest number.
        to.number(self.shortest.wrapping_add(1));
        to.number(self.idle);
        self.rare.iter().for_each(|rare| rare.pack(self, &mut bits, to));
        bits.pack(to, room);
    }

    /// Puts it together again.
    pub fn unpack(brief: &Brief, from: &mut Unpacker<'_>) -> Session {
        let (outline, mut bits) = Outline::take(brief, from);
        let first_line = unpack_line(from);
        let mut session = Session {
            first_at: brief.first_at,
            state: outline.state,
            last_at: outline.last_at,
            last_line: first_line.plus(from.signed()),
            user: brief.user,
            torrent: brief.torrent,
            peer: brief.peer,
            number: brief.number,
            announces: brief.announces,
            shortest: from.number::<u32>().wrapping_sub(1),
            idle: from.number(),
            address: brief.address,
            first_line,
            phases_at: outline.phases_at,
            rare: None,
            engine: brief.engine,
            opening: outline.opening,
            flags: brief.flags,
            phases: outline.phases,
            phase_count: outline.phase_count,
        };
        if brief.rare {
            session.rare = Some(Box::new(Rare::unpack(&session, &mut bits, from)));
        }
        session
    }
}

/// What a session comes to, without what it takes longer to put together.
#[derive(Clone, Copy, Debug)]
pub struct Outline {
    /// Whose, by number.
    pub user: u32,
    /// The first announce.
    pub first_at: Option<Time>,
    /// The server refused its `stopped`, and nothing came after that.
    pub stop_was_refused: bool,
    /// Where it stood at last.
    pub state: State,
    /// The last announce or duplicate.
    pub last_at: Option<Time>,
    /// How the beginning is known.
    pub opening: Opening,
    phases: [Phase; Session::PHASES],
    phase_count: u8,
    phases_at: [Option<Time>; Session::PHASES - 1],
}

impl Outline {
    /// Takes it off what [`Session::pack`] wrote.
    pub fn unpack(brief: &Brief, from: &mut Unpacker<'_>) -> Outline {
        Outline::take(brief, from).0
    }

    /// The same; gives out the bits that tell of the rest, too.
    #[inline]
    fn take(brief: &Brief, from: &mut Unpacker<'_>) -> (Outline, Bits) {
        let mut bits = Bits::unpack(from);
        let clock = Clock::new(brief.first_at, bits.is());
        let (last_event, opening) = (bits.one(&EVENTS), bits.one(&OPENINGS));
        let phase_count = bits.take(2).max(1) as u8;
        let phases = std::array::from_fn(|_| bits.one(&PHASES));
        let (completed, leeched) = (bits.is(), bits.is());
        let mut time = || clock.unpack(bits.is(), from);
        let (last_at, completed_at) = (time(), time());
        let mut phases_at = [None; Session::PHASES - 1];
        phases_at[..usize::from(phase_count) - 1].iter_mut().for_each(|at| *at = time());
        let base = if bits.is() { Counters::ZERO } else { unpack_counters(from) };
        let peak = if bits.is() { base.plus(brief.credit) } else { unpack_counters(from) };
        let largest_left = brief.largest_left;
        let mut left = || bits.is().then(|| Left::new(if bits.is() { largest_left } else { from.number() }));
        let (left, first_left) = (left(), left());
        let phase = brief.phase;
        let state =
            State { phase, base, peak, last_event, left, first_left, largest_left, completed_at, completed, leeched };
        let stop_was_refused = brief.stop_was_refused();
        let Brief { user, first_at, .. } = *brief;
        let outline =
            Outline { user, first_at, stop_was_refused, state, last_at, opening, phases, phase_count, phases_at };
        (outline, bits)
    }
}

impl Last {
    /// Packs what is other than what a session itself tells.
    pub fn pack(&self, session: &Session, to: &mut Packer<'_>) {
        let clock = Clock::new(session.first_at, false);
        let mut bits = Bits::default();
        let room = to.0.len();
        to.0.push(0);
        if !bits.put_if(self.counters == session.state.peak) {
            pack_counters(self.counters, to);
        }
        if !bits.put_if(Some(self.left) == session.state.left()) {
            to.number(self.left);
        }
        for (at, other) in [(self.at, session.last_at), (self.started_at, session.first_at)] {
            if !bits.put_if(at == other) {
                bits.put_if(at.is_some());
                clock.pack(at, to);
            }
        }
        to.0[room] = bits.word as u8;
    }

    /// Puts it together again.
    pub fn unpack(session: &Session, from: &mut Unpacker<'_>) -> Last {
        let clock = Clock::new(session.first_at, false);
        let (bits, rest) = from.0.split_first().unwrap_or((&0, &[]));
        from.0 = rest;
        let mut bits = Bits { word: (*bits).into(), at: 0 };
        let counters = if bits.is() { session.state.peak } else { unpack_counters(from) };
        let left = if bits.is() { session.state.left().unwrap_or_default() } else { from.number() };
        let mut time = |other| if bits.is() { other } else { clock.unpack(bits.is(), from) };
        Last { counters, left, at: time(session.last_at), started_at: time(session.first_at) }
    }
}

impl Rare {
    /// Most have one thing of all that few have.
    fn pack(&self, session: &Session, bits: &mut Bits, to: &mut Packer<'_>) {
        let (clock, first_line) = (Clock::new(session.first_at, false), session.first_line);
        let time = |to: &mut Packer<'_>, at| to.option(at, |to, at| clock.pack(Some(at), to));
        if bits.put_if(!self.phases.is_empty()) {
            to.number(self.phases.len());
            for (at, phase) in &self.phases {
                time(to, *at);
                to.number(*phase as u8);
            }
        }
        if bits.put_if(self.gaps.len() > 0) {
            self.gaps.pack(to);
        }
        if bits.put_if(!self.addresses.is_empty()) {
            to.number(self.addresses.len());
            for seen in &self.addresses {
                to.number(seen.address);
                time(to, seen.at);
                to.signed(seen.line.after(first_line));
            }
        }
        if bits.put_if(self.hurried != [0; 3]) {
            self.hurried.iter().for_each(|hurried| to.number(*hurried));
        }
        if bits.put_if(self.hurried_line.is_some()) {
            self.hurried_line.iter().for_each(|line| to.signed(line.after(first_line)));
        }
        if bits.put_if(self.unheard.is_some()) {
            self.unheard.iter().for_each(|unheard| unheard.pack(clock, to));
        }
    }

    /// `session` is all the rest of it.
    fn unpack(session: &Session, bits: &mut Bits, from: &mut Unpacker<'_>) -> Rare {
        let (clock, first_line) = (Clock::new(session.first_at, false), session.first_line);
        let time = |from: &mut Unpacker<'_>| from.option(|from| clock.unpack(true, from)).flatten();
        let line = |from: &mut Unpacker<'_>| first_line.plus(from.signed());
        let phase = |from: &mut Unpacker<'_>| PHASES[from.number::<usize>() % PHASES.len()];
        let mut rare = Rare::default();
        if bits.is() {
            rare.phases = (0..from.number::<usize>()).map(|_| (time(from), phase(from))).collect();
        }
        if bits.is() {
            rare.gaps = Packs::unpack(from);
        }
        if bits.is() {
            let len = from.number::<usize>();
            let seen = |_| Seen { address: from.number(), at: time(from), line: line(from) };
            rare.addresses = (0..len).map(seen).collect();
        }
        if bits.is() {
            rare.hurried = std::array::from_fn(|_| from.number());
        }
        rare.hurried_line = bits.is().then(|| line(from));
        rare.unheard = bits.is().then(|| Box::new(Unheard::unpack(clock, from)));
        rare
    }
}

impl Unheard {
    fn pack(&self, clock: Clock, to: &mut Packer<'_>) {
        let time = |to: &mut Packer<'_>, at| to.option(at, |to, at| clock.pack(Some(at), to));
        to.option(self.heard, |to, (at, line)| {
            time(to, at);
            pack_line(line, to);
        });
        to.option(self.stop, |to, stop| {
            time(to, stop.at);
            pack_line(stop.line, to);
            pack_counters(stop.counters, to);
        });
        to.option(self.start, |to, start| {
            pack_counters(start.counters, to);
            to.number(u8::from(start.leeched));
        });
        to.number(u8::from(self.refused));
    }

    fn unpack(clock: Clock, from: &mut Unpacker<'_>) -> Unheard {
        let time = |from: &mut Unpacker<'_>| from.option(|from| clock.unpack(true, from)).flatten();
        let heard = |from: &mut Unpacker<'_>| -> Heard { (time(from), unpack_line(from)) };
        let stop = |from: &mut Unpacker<'_>| Refused {
            at: time(from),
            line: unpack_line(from),
            counters: unpack_counters(from),
        };
        let start = |from: &mut Unpacker<'_>| RefusedStart {
            counters: unpack_counters(from),
            leeched: from.number::<u8>() != 0,
        };
        Unheard {
            heard: from.option(heard),
            stop: from.option(stop),
            start: from.option(start),
            refused: from.number::<u8>() != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::gaps::{Gap, Gaps};
    use super::super::LineRef;
    use super::*;
    use proptest::prelude::*;

    /// Numbers of all sizes, the small ones most often.
    fn number() -> impl Strategy<Value = u64> {
        (any::<u64>(), prop_oneof![Just(0u32), 0u32..64, 40u32..64]).prop_map(|(number, shift)| number >> shift)
    }

    /// Times near a moment, and any; whole seconds most often.
    fn time() -> impl Strategy<Value = Option<Time>> {
        prop_oneof![
            Just(None),
            (0i64..1 << 20).prop_map(|secs| Some(Time::from_secs(1_795_000_000 + secs))),
            (0i64..1 << 30).prop_map(|millis| Some(Time::from_millis(1_795_000_000_000 + millis))),
            any::<i64>().prop_map(|millis| Some(Time::from_millis(millis))),
        ]
    }

    fn line() -> impl Strategy<Value = LineRef> {
        (prop_oneof![Just(0usize), any::<usize>()], number()).prop_map(|(source, line)| LineRef::new(source, line))
    }

    fn counters() -> impl Strategy<Value = Counters> {
        (number(), number()).prop_map(|(up, down)| Counters { up, down })
    }

    fn rare() -> impl Strategy<Value = Option<Rare>> {
        let times = prop::collection::vec((time(), prop::sample::select(&PHASES[..])), 0..4);
        let seen = (any::<u32>(), time(), line()).prop_map(|(address, at, line)| Seen { address, at, line });
        let gaps = prop::collection::vec((any::<(i64, i64, bool)>(), line(), line()), 0..4);
        let refused = (time(), line(), counters()).prop_map(|(at, line, counters)| Refused { at, line, counters });
        let start = (counters(), any::<bool>()).prop_map(|(counters, leeched)| RefusedStart { counters, leeched });
        let (heard, stop) = (prop::option::of((time(), line())), prop::option::of(refused));
        let unheard = (heard, stop, prop::option::of(start), any::<bool>());
        let unheard =
            unheard.prop_map(|(heard, stop, start, refused)| Box::new(Unheard { heard, stop, start, refused }));
        let hurried = (any::<[u16; 3]>(), prop::option::of(line()));
        let all = (times, gaps, prop::collection::vec(seen, 0..4), hurried, prop::option::of(unheard));
        prop::option::of(all.prop_map(|(phases, all, addresses, (hurried, hurried_line), unheard)| {
            let mut gaps = Gaps::default();
            for ((from, to, idle), from_line, to_line) in all {
                let (from, to) = (Time::from_millis(from), Time::from_millis(to));
                gaps.push(&Gap { from, to, from_line, to_line, idle }, (None, LineRef::new(0, 1)));
            }
            Rare { phases, gaps, addresses, hurried, hurried_line, unheard }
        }))
    }

    prop_compose! {
        fn session()(
            times in prop::array::uniform5(time()),
            lines in (line(), line()),
            counters in (prop_oneof![Just(Counters::ZERO), counters()], counters()),
            lefts in prop::array::uniform3(0u64..1 << 62),
            like in 0u8..8,
            numbers in any::<[u32; 9]>(),
            small in (any::<u16>(), 0u8..16, 1u8..4, any::<[bool; 2]>()),
            kinds in (
                prop::array::uniform4(prop::sample::select(&PHASES[..])),
                prop::sample::select(&EVENTS[..]),
                prop::sample::select(&OPENINGS[..]),
            ),
            rare in rare(),
        ) -> Session {
            let ((engine, flags, phase_count, [completed, leeched]), (phases, last_event, opening)) = (small, kinds);
            // Most often they are the same, or not known.
            let left = |bit: u8, left| match like >> bit & 3 {
                0 => None,
                1 => Some(Left::new(lefts[0])),
                _ => Some(Left::new(left)),
            };
            let state = State {
                phase: phases[3], base: counters.0, peak: counters.0.max(counters.1), last_event, left: left(0, lefts[1]),
                first_left: left(1, lefts[2]), largest_left: lefts[0], completed_at: times[0], completed, leeched,
            };
            let mut phases_at = [times[1], times[2]];
            phases_at[usize::from(phase_count) - 1..].fill(None);
            let [user, torrent, peer, number, announces, shortest, idle, address, _] = numbers;
            Session {
                first_at: times[3], state, last_at: times[4], last_line: lines.1, user, torrent, peer, number, announces,
                shortest, idle, address, first_line: lines.0, phases_at, rare: rare.map(Box::new), engine, opening, flags,
                phases: [phases[0], phases[1], phases[2]], phase_count,
            }
        }
    }

    proptest! {
        #[test]
        fn a_session_comes_back_as_it_was(
            session in session(), same: bool, other in (counters(), number(), time(), time()),
        ) {
            let (counters, left, at, started_at) = other;
            let last = Last { counters, left, at, started_at };
            let heard = Last { counters: session.state.peak, left: 0, at: session.last_at, started_at: session.first_at };
            let last = if same { heard } else { last };
            let mut bytes = Vec::new();
            let mut to = Packer(&mut bytes);
            session.pack(&mut to);
            last.pack(&session, &mut to);
            let mut from = Unpacker(&bytes);
            let unpacked = Session::unpack(&session.brief(), &mut from);
            prop_assert_eq!(format!("{unpacked:?}"), format!("{session:?}"));
            prop_assert_eq!(Last::unpack(&unpacked, &mut from), last);
            prop_assert!(from.0.is_empty());
            let outline = Outline::unpack(&session.brief(), &mut Unpacker(&bytes));
            prop_assert_eq!((outline.state, outline.last_at), (session.state, session.last_at));
            let (brief, mut bytes) = (session.brief(), Vec::new());
            brief.pack(&mut Packer(&mut bytes));
            let unpacked = Brief::unpack(session.whose(), &mut Unpacker(&bytes));
            prop_assert_eq!(Brief { engine: brief.engine, ..unpacked }, brief);
        }
    }
}
