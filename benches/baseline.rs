//! The yardstick for speed: the least that anyone would do with a tracker's log, done as fast as safe code goes. It cuts
//! lines, reads passkey, info hash, peer id, uploaded and downloaded of each announce, and sums the growth of the
//! counters per (passkey, info hash, peer id). Nothing is checked beyond that, nothing is kept of time, events or order,
//! so whatever tells more about a log is to be held against this.
//!
//! ```text
//! cargo bench --bench baseline -- FILE [THREADS]
//! ```

use foldhash::fast::RandomState;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, io, thread};

/// Bytes read at a time: small enough to be still in the cache when they are parsed.
const BLOCK: u64 = 256 << 10;
/// Read beyond a block, for the line that ends there. A line that is longer, or has no end, is counted as none.
const BEYOND: u64 = 8 << 10;
/// Pages are read to where pages begin: some processors copy them four times as slowly to just behind.
const PAGE: usize = 4 << 10;
/// Announces looked up together, so that the waits for memory overlap.
const BATCH: usize = 64;
/// One place in so many is taken at most.
const SPARSE: usize = 4;

fn main() -> io::Result<()> {
    // `cargo bench` adds an option of its own.
    let mut args = env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let Some(path) = args.next() else {
        eprintln!("usage: baseline FILE [THREADS]");
        return Ok(());
    };
    let threads = args.next().and_then(|n| n.parse().ok()).unwrap_or(1).max(1);
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let next_block = AtomicU64::new(0);
    let seed = RandomState::default();
    let sums = thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(|| read(&file, bytes, &next_block, &seed))).collect();
        let mut sums = read(&file, bytes, &next_block, &seed)?;
        for helper in helpers {
            sums.merge(helper.join().expect("no thread panics")?);
        }
        io::Result::Ok(sums)
    })?;
    let announces = sums.announces;
    let (sessions, up, down) = sums.totals();
    println!("{announces} announces, {sessions} sessions, {up} uploaded, {down} downloaded");
    Ok(())
}

/// Reads blocks until there are none left. A line belongs to the block in which the one before ends.
fn read(file: &File, bytes: u64, next_block: &AtomicU64, seed: &RandomState) -> io::Result<Sums> {
    let mut sums = Sums::new();
    let mut buffer = vec![0; PAGE + (BLOCK + BEYOND) as usize];
    let aligned = buffer.as_ptr().align_offset(PAGE).min(PAGE);
    loop {
        let block = next_block.fetch_add(1, Ordering::Relaxed) * BLOCK;
        if block >= bytes {
            return Ok(sums);
        }
        let len = (BLOCK + BEYOND).min(bytes - block);
        let text = &mut buffer[aligned..][..len as usize];
        file.read_exact_at(text, block)?;
        let first = if block == 0 { 0 } else { memchr::memchr(b'\n', text).map_or(text.len(), |at| at + 1) };
        sums.add_lines(text, first, BLOCK as usize, seed);
    }
}

/// An announce, as it stands in its line.
#[derive(Clone, Copy)]
struct Announce<'a> {
    passkey: &'a [u8],
    info_hash: &'a [u8],
    peer_id: &'a [u8],
    uploaded: u64,
    downloaded: u64,
}

impl<'a> Announce<'a> {
    /// Reads `... "GET /PASSKEY/announce?... `.
    #[inline]
    fn read(line: &'a [u8]) -> Option<Announce<'a>> {
        let quote = memchr::memchr(b'"', line)?;
        let target = line[quote..].strip_prefix(b"\"GET /")?;
        let slash = match target.get(32) {
            Some(b'/') => 32,
            _ => memchr::memchr(b'/', target)?,
        };
        let (passkey, path) = target.split_at(slash);
        let query = path.strip_prefix(b"/announce?")?;
        let mut announce = Announce { passkey, info_hash: b"", peer_id: b"", uploaded: 0, downloaded: 0 };
        let mut missing = 4;
        let mut at = 0;
        while missing > 0 {
            missing -= 1;
            let end = match word(query, at)? {
                INFO_HASH => hash(query, at + b"info_hash=".len(), &mut announce.info_hash)?,
                PEER_ID => hash(query, at + b"peer_id=".len(), &mut announce.peer_id)?,
                UPLOADED => number(query, at + b"uploaded=".len(), &mut announce.uploaded)?,
                DOWNLOADED => number(query, at + b"downloaded=".len(), &mut announce.downloaded)?,
                _ => {
                    missing += 1;
                    value_end(query, at)?
                }
            };
            if missing > 0 && query.get(end) != Some(&b'&') {
                return None;
            }
            at = end + 1;
        }
        Some(announce)
    }

    /// Names the session as it is spelled here.
    #[inline]
    fn spelling(&self, seed: &RandomState) -> u64 {
        let mut hasher = seed.build_hasher();
        hasher.write(self.passkey);
        hasher.write(self.info_hash);
        hasher.write(self.peer_id);
        hasher.finish()
    }

    /// Names the session however it is spelled.
    fn session(&self, seed: &RandomState) -> Option<u64> {
        let info_hash = decode(self.info_hash);
        let peer_id = decode(self.peer_id);
        (info_hash.len() == 20).then(|| seed.hash_one((self.passkey, info_hash, peer_id)))
    }
}

// Parameters are told apart by their first eight letters.
const INFO_HASH: u64 = u64::from_le_bytes(*b"info_has");
const PEER_ID: u64 = u64::from_le_bytes(*b"peer_id=");
const UPLOADED: u64 = u64::from_le_bytes(*b"uploaded");
const DOWNLOADED: u64 = u64::from_le_bytes(*b"download");

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

#[inline]
fn word(text: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(text.get(at..at + 8)?.try_into().ok()?))
}

/// The first `&` or space from `at` on. Eight bytes at a time: most values are too short for anything wider to pay.
#[inline]
fn value_end(query: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let word = word(query, at)?;
        let (ampersands, spaces) = (word ^ (ONES * u64::from(b'&')), word ^ (ONES * u64::from(b' ')));
        let found = ((ampersands.wrapping_sub(ONES) & !ampersands) | (spaces.wrapping_sub(ONES) & !spaces)) & HIGHS;
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
}

/// Reads 20 bytes, some of them escaped, at `at`, and says where they end.
#[inline]
fn hash<'a>(query: &'a [u8], at: usize, into: &mut &'a [u8]) -> Option<usize> {
    let end = value_end(query, at + 20)?;
    *into = &query[at..end];
    Some(end)
}

/// Reads a number at `at`, and says where it ends. It takes two words whatever their length: a branch on the length would
/// be guessed wrong too often.
#[inline]
fn number(query: &[u8], at: usize, into: &mut u64) -> Option<usize> {
    const TENS: [u64; 9] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
    let (high, first) = digits(word(query, at)?);
    let (low, second) = digits(word(query, at + first)?);
    let mut number = high * TENS[second] + low;
    let mut end = at + first + second;
    if second == 8 {
        while let Some(digit @ b'0'..=b'9') = query.get(end) {
            number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
            end += 1;
        }
    }
    *into = number;
    (first > 0).then_some(end)
}

/// The digits that a word begins with, as a number, and how many they are.
#[inline]
fn digits(word: u64) -> (u64, usize) {
    let values = word ^ (ONES * u64::from(b'0'));
    // A byte above 9 has its high bit set afterwards, or had it before.
    let others = (values.wrapping_add(ONES * 0x76) | values) & HIGHS;
    let count = others.trailing_zeros() as usize / 8;
    if count == 0 {
        return (0, 0);
    }
    let values = values << (64 - 8 * count);
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    let eight = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff;
    (eight, count)
}

/// Undoes percent-escapes.
fn decode(text: &[u8]) -> Vec<u8> {
    let hex = |digit: Option<&u8>| digit.and_then(|digit| char::from(*digit).to_digit(16)).unwrap_or(0) as u8;
    let mut bytes = Vec::with_capacity(20);
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(if *byte == b'%' { (hex(rest.next()) << 4) | hex(rest.next()) } else { *byte });
    }
    bytes
}

/// What is known of a session in one spelling.
#[derive(Clone, Copy)]
struct Row {
    spelling: u64,
    session: u64,
    low: [u64; 2],
    high: [u64; 2],
}

impl Row {
    #[inline]
    fn add(&mut self, low: [u64; 2], high: [u64; 2]) {
        self.low = [self.low[0].min(low[0]), self.low[1].min(low[1])];
        self.high = [self.high[0].max(high[0]), self.high[1].max(high[1])];
    }
}

/// The sums so far. Two spellings with the same 64 bits of hash would be taken for one; the seed is another in each run.
struct Sums {
    /// An open table: in which row a spelling is, counted from one, or zero.
    places: Vec<u32>,
    rows: Vec<Row>,
    announces: u64,
}

impl Sums {
    fn new() -> Sums {
        Sums { places: vec![0; 1 << 12], rows: Vec::new(), announces: 0 }
    }

    /// Adds the announces of all lines that begin from `at` to `last`.
    fn add_lines(&mut self, text: &[u8], mut at: usize, last: usize, seed: &RandomState) {
        let nothing = Announce { passkey: b"", info_hash: b"", peer_id: b"", uploaded: 0, downloaded: 0 };
        let mut batch = [(0, nothing); BATCH];
        let mut held = 0;
        while at <= last {
            let Some(len) = memchr::memchr(b'\n', &text[at..]) else { break };
            if let Some(announce) = Announce::read(&text[at..at + len]) {
                batch[held] = (announce.spelling(seed), announce);
                held += 1;
                if held == BATCH {
                    self.add(&batch, seed);
                    held = 0;
                }
            }
            at += len + 1;
        }
        self.add(&batch[..held], seed);
    }

    fn add(&mut self, batch: &[(u64, Announce<'_>)], seed: &RandomState) {
        if (self.rows.len() + BATCH) * SPARSE > self.places.len() {
            self.grow();
        }
        // The table and the rows are larger than the near caches: ask for all first, so that the waits overlap.
        let mask = self.places.len() - 1;
        let mut asked = 0;
        for (spelling, _) in batch {
            let row = self.places[*spelling as usize & mask] as usize;
            asked ^= self.rows.get(row.wrapping_sub(1)).map_or(0, |row| row.spelling);
        }
        std::hint::black_box(asked);
        for (spelling, announce) in batch {
            let now = [announce.uploaded, announce.downloaded];
            let at = self.find(*spelling);
            match self.places[at] {
                0 => {
                    let Some(session) = announce.session(seed) else { continue };
                    self.rows.push(Row { spelling: *spelling, session, low: now, high: now });
                    self.places[at] = self.rows.len() as u32;
                }
                row => self.rows[row as usize - 1].add(now, now),
            }
            self.announces += 1;
        }
    }

    /// The place of a spelling, or the free one that it may have.
    #[inline]
    fn find(&self, spelling: u64) -> usize {
        let mask = self.places.len() - 1;
        let mut at = spelling as usize & mask;
        while self.places[at] != 0 && self.rows[self.places[at] as usize - 1].spelling != spelling {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        self.places = vec![0; self.places.len() * 2];
        for row in 0..self.rows.len() {
            let at = self.find(self.rows[row].spelling);
            self.places[at] = row as u32 + 1;
        }
    }

    /// Adds what another thread has summed.
    fn merge(&mut self, other: Sums) {
        self.announces += other.announces;
        for row in other.rows {
            if (self.rows.len() + 1) * SPARSE > self.places.len() {
                self.grow();
            }
            let at = self.find(row.spelling);
            match self.places[at] {
                0 => {
                    self.rows.push(row);
                    self.places[at] = self.rows.len() as u32;
                }
                mine => self.rows[mine as usize - 1].add(row.low, row.high),
            }
        }
    }

    /// How many sessions, and what they uploaded and downloaded: a session may have several spellings.
    fn totals(mut self) -> (usize, u64, u64) {
        self.rows.sort_unstable_by_key(|row| row.session);
        self.rows.dedup_by(|next, kept| {
            let same = next.session == kept.session;
            if same {
                kept.add(next.low, next.high);
            }
            same
        });
        let sum = |which: usize| self.rows.iter().map(|row| row.high[which] - row.low[which]).sum();
        (self.rows.len(), sum(0), sum(1))
    }
}
