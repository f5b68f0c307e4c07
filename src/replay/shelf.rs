//! Sessions that are over, or of which nothing was heard for long: put aside in as few bytes as hold them.

use crate::order::by_number;
use crate::packed::{Packer, Unpacker};
use crate::session::{Brief, Last, Session, Whose};
use crate::time::Time;
use prefetch_index::prefetch_index;
use std::ops::Range;

/// Sessions with what a listener keeps of each, packed. A record takes a multiple of [`GRAIN`] bytes, and what is put there next takes the
/// room of one that was taken off, if that was as long.
#[derive(Debug)]
pub struct Shelf {
    pieces: Vec<Vec<u8>>,
    /// Which piece is not full yet, of each part; at first there is one part.
    open: Vec<Option<usize>>,
    /// Up to when the sessions began that lie in each part but the last, in milliseconds: see [`Shelf::part`].
    ends: Vec<i64>,
    /// By length in grains, the room that became free last; each says which one did before it.
    holes: [Place; HOLES],
    /// Bytes between records, free or not used again.
    free: usize,
    /// Room to pack in.
    packed: Vec<u8>,
    body: Vec<u8>,
}

impl Default for Shelf {
    fn default() -> Self {
        Shelf {
            pieces: Vec::new(),
            open: vec![None],
            ends: Vec::new(),
            holes: [Place::NONE; HOLES],
            free: 0,
            packed: Vec::new(),
            body: Vec::new(),
        }
    }
}

/// Where a record begins: its piece, and its place in there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place(u32);

impl Place {
    /// No record.
    const NONE: Place = Place(u32::MAX);

    /// The piece of the shelf that it is in.
    pub fn piece(self) -> usize {
        self.0 as usize / PLACES
    }

    fn at(self) -> usize {
        self.0 as usize % PLACES * GRAIN
    }

    /// Its number, which is less than 2^31 for the first 16 GiB of a shelf.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The place with a number.
    pub fn numbered(number: u32) -> Place {
        Place(number)
    }
}

/// Records begin at multiples of this.
const GRAIN: usize = 8;
/// Room for records of fewer grains is used again: hardly any has more.
const HOLES: usize = 320;
/// The system gives memory for a piece alone, and takes it back when the piece goes.
const PIECE: usize = 1 << 20;
/// So many parts a shelf has at last.
const PARTS: usize = 16;
/// Where more than one byte for so many that are taken is free, records are moved together.
const SPARSE: usize = 8;
/// Records that can begin in a piece.
const PLACES: usize = PIECE / GRAIN;

/// What to order a session by: the rest of it stays packed meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Spine {
    /// Where it is.
    pub place: Place,
    /// The peer, by number.
    pub peer: u32,
    /// The first announce.
    pub first_at: Option<Time>,
}

/// A session as it is put aside.
pub struct Item<'a> {
    pub session: &'a Session,
    /// `None` if another session of the peer followed: then nothing will be held against it any more.
    pub last: Option<&'a Last>,
    /// What the listener keeps of it.
    pub kept: &'a [u8],
}

/// A session that lies on the shelf.
pub struct Record<'a> {
    pub brief: Brief,
    /// What the listener keeps of it.
    pub kept: &'a [u8],
    /// The rest of the session, packed.
    pub body: &'a [u8],
    last: Option<Unpacker<'a>>,
}

impl Record<'_> {
    /// The session, put together.
    pub fn session(&self) -> Session {
        Session::unpack(&self.brief, &mut Unpacker(self.body))
    }

    /// What its last announce said, if it is its peer's last session.
    pub fn last(&self, session: &Session) -> Option<Last> {
        self.last.as_ref().map(|last| Last::unpack(session, &mut Unpacker(last.0)))
    }
}

/// When a session began, in milliseconds; before all others if nothing says when.
fn begin(session: &Session) -> i64 {
    session.first_at.map_or(i64::MIN, Time::millis)
}

/// A record whose first byte says so is none any more.
const GONE: u8 = 0;

impl Shelf {
    /// From now on sessions that began at about the same time come to lie together, unless they take the room of others: in that order
    /// they will be taken off, and pieces go. `sessions` are those that will be put here.
    pub fn part<'a>(&mut self, sessions: impl Iterator<Item = &'a Session>) {
        let mut begins: Vec<i64> = sessions.map(begin).collect();
        by_number(&mut begins, |begin| *begin);
        let end = |part: usize| begins.get(begins.len() * part / PARTS).copied();
        self.ends = (1..PARTS).filter_map(end).collect();
        self.open = vec![None; PARTS];
    }

    /// Puts a session aside. Returns where it is.
    pub fn put(&mut self, item: &Item<'_>) -> Place {
        self.packed.clear();
        self.packed.extend([0; ROOM]);
        let mut to = Packer(&mut self.packed);
        let Item { session, last, kept } = item;
        // Never GONE.
        to.number((u64::from(session.peer) << 1 | u64::from(last.is_some())) + 1);
        session.brief().pack(&mut to);
        to.bytes(kept);
        self.body.clear();
        session.pack(&mut Packer(&mut self.body));
        to.bytes(&self.body);
        last.iter().for_each(|last| last.pack(session, &mut to));

        let len = self.packed.len().next_multiple_of(GRAIN);
        self.packed.resize(len, 0);
        self.packed[..ROOM].copy_from_slice(&(len as u32).to_le_bytes());
        let hole = self.holes.get_mut(len / GRAIN).filter(|hole| **hole != Place::NONE);
        let Some(hole) = hole else {
            let part = self.ends.partition_point(|end| *end < begin(session));
            return add(&mut self.pieces, &mut self.open[part], &self.packed);
        };
        let place = *hole;
        let record = &mut self.pieces[place.piece()][place.at()..];
        *hole = hole_before(record);
        record[..len].copy_from_slice(&self.packed);
        self.free -= len;
        place
    }

    /// Moves records together if too much is free between them: there may be no others that are as long. `moved` is told where a
    /// peer's last session lies now.
    pub fn close_up(&mut self, mut moved: impl FnMut(u32, Place)) {
        let taken = self.pieces.iter().map(Vec::len).sum::<usize>() - self.free;
        if self.free <= taken / SPARSE {
            return;
        }
        (self.holes, self.free) = ([Place::NONE; HOLES], 0);
        self.open.fill(None);
        // One of the old pieces goes for each new one.
        for piece in std::mem::take(&mut self.pieces) {
            let mut rest = &piece[..];
            while let Some(record) = rest.split_off(..len_of(rest)).filter(|record| !record.is_empty()) {
                if record[ROOM] != GONE {
                    let place = add(&mut self.pieces, &mut self.open[0], record);
                    let (peer, is_last) = tag(&mut Unpacker(&record[ROOM..]));
                    if is_last {
                        moved(peer, place);
                    }
                }
            }
        }
    }

    /// Takes off what lies there.
    pub fn remove(&mut self, place: Place) {
        let record = &mut self.pieces[place.piece()][place.at()..];
        let len = len_of(record);
        self.free += len;
        if let Some(hole) = self.holes.get_mut(len / GRAIN) {
            let before = std::mem::replace(hole, place);
            record[BEFORE].copy_from_slice(&before.0.to_le_bytes());
        }
        record[ROOM] = GONE;
    }

    /// Has the cache fetch what lies there: as much as most records take.
    #[inline]
    pub fn fetch(&self, place: Place) {
        for line in [0, 64, 128] {
            prefetch_index(&self.pieces[place.piece()], place.at() + line);
        }
    }

    /// What lies there; `whose` tells user and torrent of a peer.
    pub fn get(&self, place: Place, whose: impl Fn(u32) -> (u32, u32)) -> Record<'_> {
        let record = &self.pieces[place.piece()][place.at()..];
        let mut from = Unpacker(&record[ROOM..]);
        let (peer, has_last) = tag(&mut from);
        let (user, torrent) = whose(peer);
        let brief = Brief::unpack(Whose { user, torrent, peer }, &mut from);
        Record { brief, kept: from.bytes(), body: from.bytes(), last: has_last.then_some(from) }
    }

    /// All records that are there.
    pub fn spines(&self) -> impl Iterator<Item = Spine> {
        (0..).zip(&self.pieces).flat_map(|(number, piece)| {
            let mut at = 0;
            std::iter::from_fn(move || {
                loop {
                    let record = piece.get(at..).filter(|record| !record.is_empty())?;
                    let place = Place((number * PLACES + at / GRAIN) as u32);
                    at += len_of(record);
                    if record[ROOM] != GONE {
                        let mut from = Unpacker(&record[ROOM..]);
                        let (peer, _) = tag(&mut from);
                        return Some(Spine { place, peer, first_at: Brief::unpack_first_at(&mut from) });
                    }
                }
            })
        })
    }

    /// How many sessions there are in each piece.
    pub fn in_use(&self) -> Vec<usize> {
        let mut in_use = vec![0; self.pieces.len()];
        self.spines().for_each(|spine| in_use[spine.place.piece()] += 1);
        in_use
    }

    /// Gives back the memory of a piece, of which all has been read.
    pub fn give_back(&mut self, piece: usize) {
        self.pieces[piece] = Vec::new();
    }
}

/// Adds a record behind those of a piece that is not full yet, or begins one.
fn add(pieces: &mut Vec<Vec<u8>>, open: &mut Option<usize>, record: &[u8]) -> Place {
    let fits = |number: &usize| pieces[*number].capacity() - pieces[*number].len() >= record.len();
    let number = open.filter(fits).unwrap_or_else(|| {
        pieces.push(Vec::with_capacity(PIECE.max(record.len())));
        pieces.len() - 1
    });
    *open = Some(number);
    let piece = &mut pieces[number];
    let at = piece.len();
    piece.extend_from_slice(record);
    Place((number * PLACES + at / GRAIN) as u32)
}

/// A record begins with so many bytes that say how long it is.
const ROOM: usize = size_of::<u32>();

/// Of a record that is none any more, which one of its length became that before it.
const BEFORE: Range<usize> = ROOM + 1..ROOM + 1 + size_of::<u32>();

fn hole_before(record: &[u8]) -> Place {
    record[BEFORE].try_into().map_or(Place::NONE, |before| Place(u32::from_le_bytes(before)))
}

/// How long a record is.
fn len_of(record: &[u8]) -> usize {
    record.first_chunk().map_or(0, |len| u32::from_le_bytes(*len) as usize)
}

/// What comes next: the peer, and whether something can be held against the session's last announce.
fn tag(from: &mut Unpacker<'_>) -> (u32, bool) {
    let tag = from.number::<u64>().saturating_sub(1);
    ((tag >> 1) as u32, tag & 1 != 0)
}
