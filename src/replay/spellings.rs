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
    /// A power of two of places, at most three in four of them taken.
    places: Vec<Place>,
    taken: usize,
}

/// What is known of a spelling. Two of them are a line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub struct Place {
    spelling: u64,
    /// Some bits of the user's hash: with `spelling` it stands for the text.
    user: u32,
    /// The peer; [`Spellings::NONE`] in a free place.
    pub peer: u32,
    /// The hash of the last address...
    addr: u64,
    /// ...and its number.
    address: u32,
}

const FREE: Place = Place { spelling: 0, user: 0, peer: Spellings::NONE, addr: 0, address: 0 };

impl Place {
    /// The address that an announce came from, if it is that of the one before.
    #[inline]
    pub fn address(&self, hashes: &Hashes) -> Option<u32> {
        (self.addr == hashes.addr).then_some(self.address)
    }

    /// Notes the address that an announce came from.
    pub fn move_to(&mut self, hashes: &Hashes, address: u32) {
        (self.addr, self.address) = (hashes.addr, address);
    }
}

impl Default for Spellings {
    fn default() -> Self {
        Spellings { places: vec![FREE; 64], taken: 0 }
    }
}

impl Spellings {
    /// No peer.
    pub const NONE: u32 = u32::MAX;

    /// Fetches the cache line where a spelling is looked for.
    #[inline]
    pub fn fetch(&self, hashes: &Hashes) {
        prefetch_index(&self.places, self.first(hashes.spelling));
    }

    /// What is known of a spelling; `None` if it is new.
    #[inline]
    pub fn find(&mut self, hashes: &Hashes) -> Option<&mut Place> {
        let mut at = self.first(hashes.spelling);
        loop {
            let place = &self.places[at];
            if place.peer == Self::NONE {
                return None;
            }
            if place.spelling == hashes.spelling && place.user == hashes.user as u32 {
                return Some(&mut self.places[at]);
            }
            at = (at + 1) & (self.places.len() - 1);
        }
    }

    /// Notes the peer of a spelling that is new, and the address that it came from.
    pub fn insert(&mut self, hashes: &Hashes, peer: u32, address: u32) {
        if 4 * self.taken >= 3 * self.places.len() {
            let twice = vec![FREE; 2 * self.places.len()];
            let places = std::mem::replace(&mut self.places, twice);
            places.into_iter().filter(|place| place.peer != Self::NONE).for_each(|place| self.put(place));
        }
        self.taken += 1;
        let Hashes { spelling, user, addr } = *hashes;
        self.put(Place { spelling, user: user as u32, peer, addr, address });
    }

    fn put(&mut self, place: Place) {
        let mut at = self.first(place.spelling);
        while self.places[at].peer != Self::NONE {
            at = (at + 1) & (self.places.len() - 1);
        }
        self.places[at] = place;
    }

    #[inline]
    fn first(&self, spelling: u64) -> usize {
        spelling as usize & (self.places.len() - 1)
    }
}
