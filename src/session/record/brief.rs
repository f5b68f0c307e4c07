//! What is asked of sessions again and again.

use super::bits::{PHASES, unpack_counters};
use super::{Session, Whose};
use crate::packed::{Packer, Unpacker};
use crate::session::state::{Counters, Phase};
use crate::time::Time;

/// What is asked of sessions again and again, in one line of the cache. The rest of them lies packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(align(64))]
pub struct Brief {
    /// The first announce.
    pub first_at: Option<Time>,
    /// What it credits.
    pub credit: Counters,
    /// Whose, by number.
    pub user: u32,
    /// Of which torrent, by number.
    pub torrent: u32,
    /// The peer id, by number.
    pub peer: u32,
    /// Announces applied.
    pub announces: u32,
    /// The address of the last announce, by number; the only one, unless it has `moved`.
    pub address: u32,
    /// The largest `left` believed; 0 if none was above it.
    pub largest_left: u64,
    /// Its number in its engine.
    pub number: u32,
    /// Which engine it comes from, by the place among them.
    pub engine: u16,
    /// The last phase.
    pub phase: Phase,
    pub(super) flags: u8,
    /// It has what most have not: further phases, unusual silences, several addresses, announces in haste, refusals.
    pub rare: bool,
    /// It has several addresses.
    pub moved: bool,
}

const _: () = assert!(size_of::<Brief>() == 64);

impl Brief {
    /// Packs it, but for whose it is and the engine; the beginning comes first.
    pub fn pack(&self, to: &mut Packer<'_>) {
        to.option(self.first_at, |to, at| to.signed(at.millis()));
        [self.credit.up, self.credit.down, self.largest_left].into_iter().for_each(|bytes| to.number(bytes));
        [self.announces, self.number, self.address].into_iter().for_each(|number| to.number(number));
        let marks = u16::from(self.flags) << 5 | u16::from(self.moved) << 4 | u16::from(self.rare) << 3;
        to.number(marks | self.phase as u16);
    }

    /// The beginning, of what [`Brief::pack`] wrote.
    pub fn unpack_first_at(from: &mut Unpacker<'_>) -> Option<Time> {
        from.option(|from| Time::from_millis(from.signed()))
    }

    /// Puts it together again.
    pub fn unpack(whose: Whose, from: &mut Unpacker<'_>) -> Brief {
        let Whose { user, torrent, peer } = whose;
        let first_at = Brief::unpack_first_at(from);
        let (credit, largest_left) = (unpack_counters(from), from.number());
        let (announces, number, address) = (from.number(), from.number(), from.number());
        let marks: u16 = from.number();
        Brief {
            first_at,
            credit,
            user,
            torrent,
            peer,
            announces,
            address,
            largest_left,
            number,
            engine: 0,
            phase: PHASES[usize::from(marks & 7)],
            rare: marks >> 3 & 1 != 0,
            moved: marks >> 4 & 1 != 0,
            flags: (marks >> 5) as u8,
        }
    }

    /// An announce of it lies in the span asked for.
    pub fn in_span(&self) -> bool {
        self.flags & Session::IN_SPAN != 0
    }

    /// The server refused its `stopped`, and nothing came after that.
    pub fn stop_was_refused(&self) -> bool {
        self.flags & Session::STOP_REFUSED != 0
    }
}

impl Session {
    /// What is asked of it again and again.
    pub fn brief(&self) -> Brief {
        Brief {
            first_at: self.first_at,
            credit: self.state.credit(),
            user: self.user,
            torrent: self.torrent,
            peer: self.peer,
            announces: self.announces,
            address: self.address,
            largest_left: self.state.largest_left,
            number: self.number,
            engine: self.engine,
            phase: self.state.phase,
            flags: self.flags,
            rare: self.rare.is_some(),
            moved: self.rare.as_ref().is_some_and(|rare| !rare.addresses.is_empty()),
        }
    }
}
