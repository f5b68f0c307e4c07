//! Peers by the spelling of their announces.

use super::record::Hashes;
use prefetch_index::prefetch_index;

/// Which peer an announce is of, by how user, info hash and peer id are spelled in it. A peer that is spelled in several
/// ways is there several times.
///
/// Look-ups are most of what the engine waits for: so an entry tells by itself whether it is the one, and from which address the
/// last announce spelled so came, which most often is where the next one comes from; and it can be fetched ahead.
#[derive(Debug)]
pub struct Spellings {
    /// Those with higher hashes lie further behind.
    lines: Vec<Line>,
    taken: usize,
}

/// A line of the cache with what is known of so many spellings as fit in. It is filled from the first place on, and what does not
/// fit in lies in the next one.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line {
    spelling: [u64; Line::PLACES],
    /// Some bits of the user's hash: with `spelling` it stands for the text.
    user: [u32; Line::PLACES],
    /// The peer; [`Spellings::NONE`] in a free place.
    peer: [u32; Line::PLACES],
    /// The last address.
    address: [u32; Line::PLACES],
}

impl Line {
    const PLACES: usize = 3;
    const FREE: Line = Line {
        spelling: [0; Line::PLACES],
        user: [0; Line::PLACES],
        peer: [Spellings::NONE; Line::PLACES],
        address: [0; Line::PLACES],
    };
}

const _: () = assert!(size_of::<Line>() == 64);

/// What is known of a spelling.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known {
    /// The peer that is spelled so, by number.
    pub peer: u32,
    /// Where its last announce came from.
    pub address: u32,
    /// The line and the place in it.
    at: (usize, usize),
}

impl Default for Spellings {
    fn default() -> Self {
        Spellings { lines: vec![Line::FREE; Self::FEWEST], taken: 0 }
    }
}

impl Spellings {
    /// No peer.
    const NONE: u32 = u32::MAX;
    /// Of ten places so many are taken at most.
    const TENTHS: usize = 8;
    /// So few lines suffice at first.
    const FEWEST: usize = 4;

    /// Fetches the cache line where a spelling is looked for.
    #[inline]
    pub fn fetch(&self, hashes: &Hashes) {
        prefetch_index(&self.lines, self.first(hashes.spelling));
    }

    /// What is known of a spelling; `None` if it is new.
    #[inline]
    pub fn find(&self, hashes: &Hashes) -> Option<Known> {
        let mut at = self.first(hashes.spelling);
        loop {
            let line = &self.lines[at];
            // Without a branch for each: which one it is cannot be foretold.
            let same = |place: usize| u32::from(line.spelling[place] == hashes.spelling) << place;
            let mut found = (0..Line::PLACES).fold(0, |found, place| found | same(place));
            while found != 0 {
                let place = found.trailing_zeros() as usize;
                let known = Known { peer: line.peer[place], address: line.address[place], at: (at, place) };
                if line.user[place] == hashes.user as u32 && known.peer != Self::NONE {
                    return Some(known);
                }
                found &= found - 1;
            }
            if line.peer[Line::PLACES - 1] == Self::NONE {
                return None;
            }
            at = self.after(at);
        }
    }

    /// Notes the address that an announce came from.
    pub fn move_to(&mut self, known: Known, address: u32) {
        let (line, place) = known.at;
        self.lines[line].address[place] = address;
    }

    /// Notes the peer of a spelling that is new, and the address that it came from. When there is no room for more, those are forgotten
    /// of whom no announce is `expected`.
    pub fn insert(&mut self, hashes: &Hashes, peer: u32, address: u32, expected: impl Fn(u32) -> bool) {
        if 10 * self.taken >= Self::TENTHS * Line::PLACES * self.lines.len() {
            let stays = |peer: u32| peer != Self::NONE && expected(peer);
            self.taken = self.lines.iter().flat_map(|line| line.peer).filter(|&peer| stays(peer)).count();
            // A quarter more than they need: there are as many as peers, so that much of the memory is theirs.
            let lines = (self.taken * 10).div_ceil(Self::TENTHS * Line::PLACES) * 5 / 4;
            let lines = vec![Line::FREE; lines.max(Self::FEWEST)];
            for line in std::mem::replace(&mut self.lines, lines) {
                for place in (0..Line::PLACES).filter(|&place| stays(line.peer[place])) {
                    self.put(line.spelling[place], line.user[place], line.peer[place], line.address[place]);
                }
            }
        }
        self.taken += 1;
        self.put(hashes.spelling, hashes.user as u32, peer, address);
    }

    fn put(&mut self, spelling: u64, user: u32, peer: u32, address: u32) {
        let mut at = self.first(spelling);
        let place = loop {
            match self.lines[at].peer.iter().position(|peer| *peer == Self::NONE) {
                Some(free) => break free,
                None => at = self.after(at),
            }
        };
        let line = &mut self.lines[at];
        line.spelling[place] = spelling;
        line.user[place] = user;
        line.peer[place] = peer;
        line.address[place] = address;
    }

    /// The line where a spelling is looked for first.
    #[inline]
    fn first(&self, spelling: u64) -> usize {
        ((u128::from(spelling) * self.lines.len() as u128) >> u64::BITS) as usize
    }

    #[inline]
    fn after(&self, line: usize) -> usize {
        if line + 1 == self.lines.len() { 0 } else { line + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_was_spelled_is_found_while_more_is_expected_of_its_peer_and_nothing_else(
            // Many of them are looked for in the same line, the last one, too.
            spelled in prop::collection::hash_map((0u64..200, 0u32..3), 0u32..9, 0..600), spread in 0u32..64, stay in 1u32..9,
        ) {
            let expected = |peer: u32| peer % 9 < stay;
            let hashes = |(spelling, user): (u64, u32)| {
                Hashes { user: user.into(), spelling: !(spelling << spread), addr: 0 }
            };
            let mut spellings = Spellings::default();
            let mut known = std::collections::HashMap::new();
            for (peer, (key, address)) in (0..).zip(spelled) {
                let hashes = hashes(key);
                if let Some(found) = spellings.find(&hashes) {
                    let kept = known.get_mut(&(hashes.spelling, hashes.user));
                    prop_assert_eq!(kept.as_deref(), Some(&(found.peer, found.address)));
                    spellings.move_to(found, address);
                    kept.unwrap().1 = address;
                } else {
                    prop_assert!(known.get(&(hashes.spelling, hashes.user)).is_none_or(|(peer, _)| !expected(*peer)));
                    spellings.insert(&hashes, peer, address, expected);
                    known.insert((hashes.spelling, hashes.user), (peer, address));
                }
            }
            for (&(spelling, user), &kept) in &known {
                let found = spellings.find(&Hashes { user, spelling, addr: 0 });
                let found = found.map(|found| (found.peer, found.address));
                prop_assert!(found == Some(kept) || found.is_none() && !expected(kept.0));
                let other = Hashes { user: user + 3, spelling, addr: 0 };
                prop_assert!(spellings.find(&other).is_none());
            }
        }
    }
}
