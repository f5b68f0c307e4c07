//! All sessions of a story, in its order.

use super::gather::Gather;
use super::shelf::{Place, Record, Shelf};
use crate::packed::{Packer, Unpacker};
use crate::session::{Brief, Outline, Session};
use crate::strings::{AHEAD, Group, Strings};
use prefetch_index::prefetch_index;
use std::ops::Range;

/// Sessions by their places: what is asked of them again and again as it is, the rest packed.
#[derive(Clone, Default, Debug)]
pub struct Sessions {
    briefs: Vec<Brief>,
    packed: Strings,
}

/// What a session's numbers are to become, all of which are those of its engine.
#[derive(Clone, Debug)]
pub struct Numbers {
    /// Users, by number.
    pub users: Vec<u32>,
    /// Torrents, by number.
    pub torrents: Vec<u32>,
    /// Names, by number; `None` if they keep theirs.
    pub names: Option<Vec<u32>>,
    /// That of the first peer.
    pub first_peer: u32,
    /// By peer, the user and the torrent.
    pub whose: Vec<(u32, u32)>,
}

impl Numbers {
    /// What a name's number becomes.
    pub fn name(&self, name: u32) -> u32 {
        self.names.as_ref().map_or(name, |names| names[name as usize])
    }

    /// What the numbers of a peer's user and torrent become.
    pub fn whose(&self, peer: u32) -> (u32, u32) {
        let (user, torrent) = self.whose[peer as usize];
        (self.users[user as usize], self.torrents[torrent as usize])
    }

    /// Gives a session on a shelf its new numbers, and adds the rest of it to `bytes`.
    fn take(&self, record: &Record<'_>, engine: u16, bytes: &mut Vec<u8>) -> Brief {
        let mut brief = record.brief;
        (brief.engine, brief.peer) = (engine, brief.peer + self.first_peer);
        if brief.moved && self.names.is_some() {
            // Its addresses are in there.
            let mut session = record.session();
            session.renumber_addresses(|name| self.name(name));
            session.pack(&mut Packer(bytes));
        } else {
            bytes.extend_from_slice(record.body);
        }
        brief.address = self.name(brief.address);
        brief
    }
}

impl Sessions {
    /// Takes them from the shelves of engines, on so many threads. `order` says for each which engine's it is, and where. What was kept
    /// of them comes in the same order.
    pub fn gather(
        shelves: Vec<Shelf>,
        numbers: &[Numbers],
        order: &[(u16, Place)],
        threads: usize,
    ) -> (Sessions, Strings) {
        let group = |all: &Gather, places: Range<usize>| {
            let (mut briefs, mut packed, mut kept) =
                (Vec::with_capacity(places.len()), Group::default(), Group::default());
            let mut ahead = order[places.start..].iter().skip(AHEAD);
            for &(engine, place) in &order[places] {
                if let Some((engine, place)) = ahead.next() {
                    all.shelf(usize::from(*engine)).fetch(*place);
                }
                let number = usize::from(engine);
                let numbers = &numbers[number];
                let record = all.shelf(number).get(place, |peer| numbers.whose(peer));
                packed.add(|bytes| briefs.push(numbers.take(&record, engine, bytes)));
                kept.add(|bytes| bytes.extend_from_slice(record.kept));
                all.note_read(number, place.piece());
            }
            (briefs, packed.end(), kept.end())
        };
        let mut sessions =
            Sessions { briefs: Vec::with_capacity(order.len()), packed: Strings::with_capacity(order.len()) };
        let mut all_kept = Strings::with_capacity(order.len());
        Gather::new(shelves).all(order.len(), threads, group, |(briefs, packed, kept)| {
            sessions.briefs.extend(briefs);
            sessions.packed.add(packed);
            all_kept.add(kept);
        });
        (sessions, all_kept)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.briefs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.briefs.is_empty()
    }

    /// The session at a place, put together.
    pub fn get(&self, at: usize) -> Session {
        Session::unpack(&self.briefs[at], &mut Unpacker(self.packed.get(at).0))
    }

    /// What the session at a place comes to.
    pub fn outline(&self, at: usize) -> Outline {
        Outline::unpack(&self.briefs[at], &mut Unpacker(self.packed.get(at).0))
    }

    /// The sessions at some places.
    pub fn at<'a>(&'a self, places: &'a [u32]) -> impl Iterator<Item = Session> + 'a {
        places.iter().map(|&at| self.get(at as usize))
    }

    /// Has the cache fetch what a session is put together from.
    #[inline]
    pub fn fetch(&self, at: usize) {
        prefetch_index(&self.briefs, at);
        self.packed.fetch(at);
    }

    /// What is asked of a session again and again.
    #[inline]
    pub fn brief(&self, at: usize) -> &Brief {
        &self.briefs[at]
    }

    /// The same, of all.
    pub fn briefs(&self) -> &[Brief] {
        &self.briefs
    }

    /// The addresses of a session, by number; at most [`Session::ADDRESSES`] and one.
    pub fn addresses(&self, at: usize) -> impl Iterator<Item = u32> {
        let brief = &self.briefs[at];
        let several: Vec<u32> = match brief.moved {
            true => self.get(at).addresses().map(|seen| seen.address).collect(),
            false => Vec::new(),
        };
        (!brief.moved).then_some(brief.address).into_iter().chain(several)
    }

    /// All of them, put together one by one.
    pub fn iter(&self) -> impl Iterator<Item = Session> {
        (0..self.len()).map(|at| self.get(at))
    }
}

#[cfg(test)]
mod tests {
    use super::super::shelf::Item;
    use super::*;
    use crate::session::{Last, LineRef, Live, Opening, Whose};

    /// What is kept of a peer's session after it was put on the shelf so many times.
    fn kept(peer: u32, times: u32) -> Vec<u8> {
        vec![peer as u8; (peer % 97 * times) as usize]
    }

    #[test]
    fn what_was_put_on_shelves_moved_there_and_not_taken_off_is_gathered_as_it_was() {
        const PEERS: u32 = 30_000;
        let session = |peer: u32| {
            let whose = Whose { user: peer / 3, torrent: peer % 11, peer };
            Session::open(whose, peer, 0, &Live::default(), LineRef::new(0, u64::from(peer) + 1), Opening::Started)
        };
        let mut shelves = vec![Shelf::default(), Shelf::default()];
        let mut places = Vec::new();
        for (engine, shelf) in shelves.iter_mut().enumerate() {
            let put = |shelf: &mut Shelf, peer: u32, times: u32| {
                shelf.put(&Item { session: &session(peer), last: Some(&Last::default()), kept: &kept(peer, times) })
            };
            let mut own: Vec<(Place, u32)> = (0..PEERS).map(|peer| (put(shelf, peer, 1), 1)).collect();
            let pieces = shelf.in_use().len();
            // Some are taken off; others have their room, or what has grown needs more.
            for peer in (0..PEERS).filter(|peer| peer % 3 == engine as u32) {
                let times = 1 + peer % 2;
                shelf.remove(own[peer as usize].0);
                own[peer as usize] = (put(shelf, peer, times), times);
            }
            assert!(pieces > 2 && shelf.in_use().len() < pieces * 3 / 2, "{pieces}, then {}", shelf.in_use().len());
            // Many are taken off at once: the others are moved together.
            let pieces = shelf.in_use().len();
            let off: Vec<u32> = (0..PEERS).filter(|peer| peer % 5 < 2).collect();
            off.iter().for_each(|peer| shelf.remove(own[*peer as usize].0));
            shelf.close_up(|peer, place| own[peer as usize].0 = place);
            assert!(shelf.in_use().len() < pieces, "{pieces}, then {}", shelf.in_use().len());
            off.iter().for_each(|peer| own[*peer as usize].0 = put(shelf, *peer, own[*peer as usize].1));
            assert_eq!(shelf.in_use().iter().sum::<usize>(), PEERS as usize);
            places.push(own);
        }
        let whose: Vec<(u32, u32)> = (0..PEERS).map(|peer| (peer / 3, peer % 11)).collect();
        let numbers = |first_peer| Numbers {
            users: (0..PEERS).collect(),
            torrents: (0..11).collect(),
            names: None,
            first_peer,
            whose: whose.clone(),
        };
        // The engines in turn, by peers; but a few of each piece come last, and it must wait for them.
        let peers = (0..PEERS).filter(|peer| peer % 3000 != 7).chain((0..PEERS).filter(|peer| peer % 3000 == 7));
        let order: Vec<(u16, u32)> = peers.flat_map(|peer| [(0, peer), (1, peer)]).collect();
        let places_of: Vec<(u16, Place)> =
            order.iter().map(|&(engine, peer)| (engine, places[usize::from(engine)][peer as usize].0)).collect();
        let numbers = [numbers(0), numbers(PEERS)];
        let (sessions, all_kept) = Sessions::gather(shelves, &numbers, &places_of, 2);
        for (at, &(engine, peer)) in order.iter().enumerate() {
            let (gathered, mut expected) = (sessions.get(at), session(peer));
            (expected.engine, expected.peer) = (engine, peer + u32::from(engine) * PEERS);
            assert_eq!(format!("{gathered:?}"), format!("{expected:?}"));
            let ((bytes, len), times) = (all_kept.get(at), places[usize::from(engine)][peer as usize].1);
            assert_eq!(bytes[..len], kept(peer, times));
        }
    }
}
