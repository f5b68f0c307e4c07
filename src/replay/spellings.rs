//! Peers by the spelling of their announces.

use super::record::Hashes;
use prefetch_index::prefetch_index;

/// Which peer an announce is of, by how user, info hash and peer id are spelled in it. A peer that is spelled in several
/// ways is there several times.
///
/// Look-ups are most of what the engine waits for: so an entry tells by itself whether it is the one (four of them lie in a
/// cache line), and the line can be fetched ahead.
#[derive(Debug)]
pub struct Spellings {
    /// A power of two of places, at most half of them taken.
    places: Vec<Place>,
    taken: usize,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    spelling: u64,
    /// Some bits of the user's hash: with `spelling` it stands for the text.
    user: u32,
    /// The peer; [`Spellings::NONE`] in a free place.
    peer: u32,
}

const FREE: Place = Place { spelling: 0, user: 0, peer: Spellings::NONE };

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

    /// The peer of a spelling; [`Spellings::NONE`] if it is new.
    #[inline]
    pub fn find(&self, hashes: &Hashes) -> u32 {
        let mut at = self.first(hashes.spelling);
        loop {
            let place = &self.places[at];
            if place.peer == Self::NONE || place.spelling == hashes.spelling && place.user == hashes.user as u32 {
                return place.peer;
            }
            at = (at + 1) & (self.places.len() - 1);
        }
    }

    /// Notes the peer of a spelling that is new.
    pub fn insert(&mut self, hashes: &Hashes, peer: u32) {
        if 2 * self.taken >= self.places.len() {
            let twice = vec![FREE; 2 * self.places.len()];
            let places = std::mem::replace(&mut self.places, twice);
            places.into_iter().filter(|place| place.peer != Self::NONE).for_each(|place| self.put(place));
        }
        self.taken += 1;
        self.put(Place { spelling: hashes.spelling, user: hashes.user as u32, peer });
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
        // Four places are a cache line: a search begins with the first of one.
        (spelling as usize & (self.places.len() - 1)) & !3
    }
}
