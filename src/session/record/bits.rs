//! What sessions are packed with: small numbers in bits, times, counters and lines.

use super::{LineRef, Opening};
use crate::announce::Event;
use crate::packed::{Packer, Unpacker};
use crate::session::state::{Counters, Phase};
use crate::time::Time;

/// In their order, and the last one again up to a power of two: so none is looked for beyond the end.
pub const PHASES: [Phase; 8] = {
    use Phase::*;
    [Leeching, PartialSeed, Seeding, Completed, Stopped, Stopped, Stopped, Stopped]
};
/// Likewise.
pub const EVENTS: [Event; 8] = {
    use Event::*;
    [None, Started, Completed, Stopped, Paused, Paused, Paused, Paused]
};
/// Likewise.
pub const OPENINGS: [Opening; 4] = [Opening::Started, Opening::RefusedStarted, Opening::Reset, Opening::Unseen];

/// Small numbers side by side in one: the first one lowest.
#[derive(Default)]
pub struct Bits {
    /// The bits.
    pub word: u64,
    /// How many of its bits are written, or were read.
    pub at: u32,
}

impl Bits {
    /// So many bytes hold all that is told of a session in bits.
    pub const BYTES: usize = 6;

    /// Adds a number of so many bits.
    pub fn put(&mut self, value: usize, bits: u32) {
        self.word |= (value as u64) << self.at;
        self.at += bits;
    }

    /// Adds one bit, and says the same.
    pub fn put_if(&mut self, is: bool) -> bool {
        self.put(is.into(), 1);
        is
    }

    /// Takes a number of so many bits.
    pub fn take(&mut self, bits: u32) -> usize {
        let value = self.word >> self.at & ((1 << bits) - 1);
        self.at += bits;
        value as usize
    }

    /// Takes one bit.
    pub fn is(&mut self) -> bool {
        self.take(1) != 0
    }

    /// Takes which of some it is.
    pub fn one<T: Copy, const N: usize>(&mut self, of: &[T; N]) -> T {
        const { assert!(N.is_power_of_two()) };
        of[self.take(N.ilog2()) % N]
    }

    /// Writes them where [`Bits::BYTES`] bytes of room were left.
    pub fn pack(&self, to: &mut Packer<'_>, room: usize) {
        to.0[room..room + Bits::BYTES].copy_from_slice(&self.word.to_le_bytes()[..Bits::BYTES]);
    }

    /// Reads them again.
    pub fn unpack(from: &mut Unpacker<'_>) -> Bits {
        let Some((bits, rest)) = from.0.split_first_chunk::<{ Bits::BYTES }>() else { return Bits::default() };
        from.0 = rest;
        let mut word = [0; 8];
        word[..Bits::BYTES].copy_from_slice(bits);
        Bits { word: u64::from_le_bytes(word), at: 0 }
    }
}

/// How times are packed: from the session's beginning on, in seconds if that loses nothing.
#[derive(Clone, Copy)]
pub struct Clock {
    origin: i64,
    whole: bool,
}

impl Clock {
    pub fn new(first_at: Option<Time>, whole: bool) -> Clock {
        Clock { origin: first_at.map_or(0, Time::millis), whole }
    }

    pub fn after(self, at: Time) -> i64 {
        at.millis().wrapping_sub(self.origin)
    }

    pub fn pack(self, at: Option<Time>, to: &mut Packer<'_>) {
        if let Some(at) = at {
            let after = self.after(at);
            to.signed(if self.whole { after / 1000 } else { after });
        }
    }

    pub fn unpack(self, is: bool, from: &mut Unpacker<'_>) -> Option<Time> {
        is.then(|| {
            Time::from_millis(from.signed().wrapping_mul(if self.whole { 1000 } else { 1 }).wrapping_add(self.origin))
        })
    }
}

pub fn pack_counters(counters: Counters, to: &mut Packer<'_>) {
    to.number(counters.up);
    to.number(counters.down);
}

pub fn unpack_counters(from: &mut Unpacker<'_>) -> Counters {
    Counters { up: from.number(), down: from.number() }
}

/// A line's number and its source, which most often is the first: both are small, but what they are kept in is not.
pub fn pack_line(line: LineRef, to: &mut Packer<'_>) {
    let elsewhere = line.source() > 0;
    to.number(line.line() << 1 | u64::from(elsewhere));
    if elsewhere {
        to.number(line.source());
    }
}

pub fn unpack_line(from: &mut Unpacker<'_>) -> LineRef {
    let line = from.number::<u64>();
    LineRef::new(if line & 1 != 0 { from.number() } else { 0 }, line >> 1)
}
