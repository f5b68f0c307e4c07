//! Announces are applied, each to its peer's session.

use super::peer::Peer;
use super::queue::{Held, take_next};
use super::{AHEAD, Listener, Replay, Step};
use crate::announce::Event;
use crate::session::{
    Counters, Live, Opening, Phase, Refused, RefusedStart, Session, Transition, advance, decide, is_late,
    says_nothing_new,
};
use prefetch_index::prefetch_index;
use std::collections::VecDeque;

impl<L: Listener> Replay<L> {
    /// Applies what was collected, if its turn is before `limit`.
    pub(super) fn apply_due(&mut self, limit: i64) {
        let mut collected = std::mem::take(&mut self.collected);
        let mut own = std::mem::take(&mut self.own);
        collected.gather(limit);
        let (due, held) = collected.due();
        // From here on it says where in memory that is.
        due.iter_mut().for_each(|(peer, _)| *peer = self.peers.slot(*peer, &mut self.listener) as u32);
        let mut first = 0;
        // Memory is far away: what an announce needs is fetched while those before it are applied, step by step.
        for at in 0..due.len() + 3 * AHEAD {
            let slot = |steps: usize| Some(due.get(at.checked_sub(steps * AHEAD)?)?.0 as usize);
            if let Some(slot) = slot(0) {
                self.peers[slot].fetch();
            }
            if let Some(slot) = slot(1) {
                let Peer { session, kept, .. } = &self.peers[slot];
                self.users[session.user as usize].account.fetch();
                session.fetch_rare();
                self.listener.fetch(kept);
            }
            if let Some(slot) = slot(2) {
                prefetch_index(held, due[at - 2 * AHEAD].1 as usize);
                let session = &self.peers[slot].session;
                self.users[session.user as usize].account.fetch_end(&self.histories);
                session.fetch_lists();
            }
            if let Some(at) = at.checked_sub(3 * AHEAD)
                && due.get(at + 1).is_none_or(|next| next.0 != due[at].0)
            {
                let all = due[first..=at].iter().map(|(_, at)| &held[*at as usize]);
                self.apply_own(due[at].0 as usize, all, &mut own);
                first = at + 1;
            }
        }
        collected.drop_due(limit);
        (self.collected, self.own) = (collected, own);
    }

    /// Applies what was collected of one peer. `own` is room for it.
    #[inline]
    fn apply_own<'a>(&mut self, slot: usize, all: impl Iterator<Item = &'a Held> + Clone, own: &mut VecDeque<Held>) {
        // Most often each has a moment of its own, and they came in order.
        if all.clone().is_sorted_by(|a, b| a.turn < b.turn) {
            all.for_each(|held| self.apply(slot, held));
        } else {
            own.extend(all);
            own.make_contiguous().sort_by_key(|held| held.turn);
            self.apply_all(slot, own);
        }
    }

    /// Applies what was lined up, if its turn is before `limit`.
    pub(super) fn apply_lined_up(&mut self, limit: i64) {
        while let Some(mut moment) = self.lined_up.next(limit) {
            while let Some(peer) = moment.front().map(|held| held.peer) {
                let others = moment.split_off(moment.iter().take_while(|held| held.peer == peer).count());
                let slot = self.peers.slot(peer, &mut self.listener);
                self.apply_all(slot, &mut moment);
                moment = others;
            }
        }
    }

    /// Applies announces of the peer that is in that place.
    #[inline]
    fn apply_all(&mut self, slot: usize, waiting: &mut VecDeque<Held>) {
        loop {
            let peer = &self.peers[slot];
            let Some(held) = take_next(waiting, peer.has_begun().then_some(&peer.session)) else { return };
            self.apply(slot, &held);
        }
    }

    fn apply(&mut self, slot: usize, held: &Held) {
        if held.refused {
            return self.note_refused(slot, held);
        }
        if self.goes_on(slot, held) {
            return;
        }
        let mut peer = &mut self.peers[slot];
        let begun = peer.has_begun();
        let before = begun.then_some(Live { state: peer.session.state, last: peer.last });
        let line_before = if begun { peer.session.heard_line() } else { held.line };
        let same_address = begun && peer.session.address == held.address;
        let said = held.said(same_address);
        let refused_start = peer.session.refused_start();
        let transition = decide(before.as_ref(), &said, refused_start);
        let in_span = self.rules.since.is_none_or(|since| held.at.is_none_or(|at| at >= since));

        let after_refusal = peer.session.note_delivered(transition != Transition::Duplicate);
        let mut credit = Counters::ZERO;
        if transition.opens() {
            let next = advance(before.as_ref(), &said, transition, refused_start, self.rules.completed);
            let opening = Opening::of(said.event, transition, refused_start.is_some());
            credit = next.state.credit();
            if begun {
                self.peers.close(slot, &mut self.listener);
                peer = &mut self.peers[slot];
            }
            peer.last = next.last;
            peer.session = Session::open(peer.session.whose(), self.begun, held.address, &next, held.line, opening);
            peer.kept = Default::default();
            self.begun += 1;
        } else if transition == Transition::Duplicate {
            self.duplicates += 1;
        } else {
            let next = advance(before.as_ref(), &said, transition, refused_start, self.rules.completed);
            credit = next.state.peak.above(peer.session.state.peak);
            peer.session.state = next.state;
            peer.last = next.last;
        }
        let session = &mut peer.session;
        if transition != Transition::Duplicate {
            session.announces += 1;
            session.note_going_on();
        }
        if session.announces == 2 && session.opening == Opening::Unseen && before.is_some_and(|b| is_late(&b, &said)) {
            session.opening = Opening::Started;
        }
        if in_span {
            session.note_in_span();
        } else {
            // Known, but not counted.
            session.state.base = session.state.peak;
            credit = Counters::ZERO;
        }
        let opens = transition.opens();
        let turns = opens || before.is_none_or(|b| b.state.phase != session.state.phase);
        if turns {
            session.note_phase(held.at);
        }
        let plain = said.event == Event::None && transition == Transition::Went;
        let idle = before.is_some_and(|b| b.is_idle(&said));
        let silence = if opens { None } else { session.note_announce(held.at, held.line, plain, idle) };
        if transition != Transition::Duplicate {
            session.idle = if idle && plain { session.idle + 1 } else { 0 };
        }
        if plain && let Some(silence) = silence {
            self.silences.note(silence);
        }
        let new_address = !same_address && !opens && session.note_address(held.address, held.at, held.line);
        if transition != Transition::Duplicate {
            session.address = held.address;
        }
        let user = &mut self.users[session.user as usize];
        if in_span && self.wanted[session.torrent as usize] {
            user.account.credit(held.at, credit, self.rules.keep, &mut self.histories);
        }
        let step = Step {
            user,
            info_hash: &self.torrents[session.torrent as usize],
            peer_id: &self.peer_ids[session.peer as usize],
            session,
            before: before.as_ref(),
            line_before,
            said: &said,
            transition,
            credit,
            line: held.line,
            silence,
            after_refusal,
            new_address,
        };
        self.listener.applied(&step, &mut peer.kept);
        if turns {
            self.peers.note_turn(slot);
        }
    }

    /// Applies an announce if it is a seed's that has nothing new to say, and nobody wants to hear of: then it does no more than
    /// [`Replay::apply`] would, in a fraction of the time.
    #[inline]
    fn goes_on(&mut self, slot: usize, held: &Held) -> bool {
        let Peer { session, last, .. } = &mut self.peers[slot];
        let says_nothing = session.address == held.address && says_nothing_new(&session.state, last, &held.said(true));
        if !says_nothing || session.is_after_refusal() || self.rules.since.is_some() || self.listener.hears_all() {
            return false;
        }
        last.at = held.at;
        session.announces += 1;
        session.idle = 0;
        session.note_going_on();
        if let Some(silence) = session.note_announce(held.at, held.line, true, false) {
            self.silences.note(silence);
        }
        true
    }

    /// A refused announce credits nothing, but its `started` tells where the counters begin, and its `stopped` why a
    /// session is still listed.
    fn note_refused(&mut self, slot: usize, held: &Held) {
        let peer = &mut self.peers[slot];
        let start = RefusedStart { counters: held.counters, leeched: held.left > 0 };
        peer.session.note_refusal((held.event == Event::Started).then_some(start));
        if !peer.has_begun() || peer.session.state.phase == Phase::Stopped {
            return;
        }
        let refused = Refused { at: held.at, line: held.line, counters: held.counters };
        peer.session.note_refused(refused, held.event == Event::Stopped);
    }
}
