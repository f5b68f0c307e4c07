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
    /// A power of two of places, at most half of them taken.
    places: Vec<Place>,
    taken: usize,
}

/// What is known of a spelling.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    spelling: u64,
    /// Some bits of the user's hash: with `spelling` they stand for the text. Below them, as many as there is room for of the
    /// address's hash.
    others: u64,
    /// The peer; [`Spellings::NONE`] in a free place.
    pub peer: u32,
    /// The number of the address.
    address: u32,
}

/// So many bits of a user's hash.
const OF_USER: u32 = 16;

const FREE: Place = Place { spelling: 0, others: 0, peer: Spellings::NONE, address: 0 };

impl Place {
    fn new(hashes: &Hashes, peer: u32, address: u32) -> Place {
        Place { spelling: hashes.spelling, others: others(hashes), peer, address }
    }

    /// The address that an announce came from, if it is that of the one before.
    #[inline]
    pub fn address(&self, hashes: &Hashes) -> Option<u32> {
        (self.others == others(hashes)).then_some(self.address)
    }

    /// Notes the address that an announce came from.
    pub fn move_to(&mut self, hashes: &Hashes, address: u32) {
        (self.others, self.address) = (others(hashes), address);
    }
}

#[inline]
fn others(hashes: &Hashes) -> u64 {
    hashes.user << (64 - OF_USER) | hashes.addr >> OF_USER
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
        let user = hashes.user << (64 - OF_USER);
        loop {
            let place = &self.places[at];
            if place.peer == Self::NONE {
                return None;
            }
            if place.spelling == hashes.spelling && (place.others ^ user) >> (64 - OF_USER) == 0 {
                return Some(&mut self.places[at]);
            }
            at = (at + 1) & (self.places.len() - 1);
        }
    }

    /// Notes the peer of a spelling that is new, and the address that it came from.
    pub fn insert(&mut self, hashes: &Hashes, peer: u32, address: u32) {
        if 2 * self.taken >= self.places.len() {
            let twice = vec![FREE; 2 * self.places.len()];
            let places = std::mem::replace(&mut self.places, twice);
            places.into_iter().filter(|place| place.peer != Self::NONE).for_each(|place| self.put(place));
        }
        self.taken += 1;
        self.put(Place::new(hashes, peer, address));
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
