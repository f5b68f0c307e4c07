//! Cutting a stream of bytes into blocks of whole lines.

use std::io::{self, Read};

/// Bytes read at a time. Large enough that the cutting costs nothing, small enough to stay in cache.
const BLOCK: usize = 256 << 10;

/// A line longer than this is too long: no announce comes near it. Of one longer than a block, the rest is dropped unread,
/// but more than this is kept, so that it is too long wherever blocks begin.
pub const LONGEST_LINE: usize = 64 << 10;

/// A captured announce may be wrapped over several physical lines; so many are kept together.
const WRAPPED: usize = 16;

/// Whole lines from one source, in order.
#[derive(Default, Debug)]
pub struct Block {
    /// The lines, each with its line feed, but perhaps the source's last, and one of which only the beginning was kept.
    pub bytes: Vec<u8>,
    /// Bytes of the source that these lines stand for: more than `bytes` holds if the rest of a line was dropped.
    pub read: u64,
}

/// Cuts what it reads into [`Block`]s. Memory is bounded whatever comes.
pub struct Blocks<R> {
    reader: R,
    size: usize,
    /// Read, but not handed out yet: the beginning of the next block.
    carry: Vec<u8>,
    /// Inside a line of which the kept part has been handed out.
    skipping: bool,
    skipped: u64,
    done: bool,
    /// Why nothing more comes.
    failed: Option<io::Error>,
    begun: bool,
}

impl<R: Read> Blocks<R> {
    /// Blocks of what `reader` gives, as large as is fastest.
    pub fn new(reader: R) -> Self {
        Self::of_size(reader, BLOCK)
    }

    /// Blocks of about `size` bytes. The first one is as large as it always is, since formats are detected from it.
    pub fn of_size(reader: R, size: usize) -> Self {
        let size = size.max(1);
        Blocks { reader, size, carry: Vec::new(), skipping: false, skipped: 0, done: false, failed: None, begun: false }
    }

    /// Goes on with what `reader` gives instead of what comes next.
    pub fn go_on(&mut self, reader: R) {
        *self = Blocks { begun: true, ..Self::of_size(reader, self.size) };
    }

    /// About how many bytes a block has.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether the next block begins within a line, of which the rest is dropped.
    pub fn is_within_line(&self) -> bool {
        self.skipping
    }

    /// Fills `block` with the next lines; `false` at the end. The buffer in `block` is reused.
    ///
    /// # Errors
    /// Whatever the reader says; what was read before is handed out first.
    pub fn next(&mut self, block: &mut Block) -> io::Result<bool> {
        let bytes = &mut block.bytes;
        // What lies in the buffer is written over, not cleared before: that would take a good part of the time of reading.
        let mut held = self.carry.len();
        bytes.resize(held.max(bytes.len()), 0);
        bytes[..held].copy_from_slice(&self.carry);
        self.carry.clear();
        let size = if self.begun { self.size } else { BLOCK };
        loop {
            let end = if self.done { Some(held) } else { cut(&bytes[..held], true) };
            match end {
                Some(end) if self.done || held >= size => {
                    self.carry.extend_from_slice(&bytes[end..held]);
                    bytes.truncate(end);
                    // A byte order mark is no part of the first line.
                    if !std::mem::replace(&mut self.begun, true) && bytes.starts_with(b"\xef\xbb\xbf") {
                        bytes.drain(..3);
                    }
                    block.read = end as u64 + std::mem::take(&mut self.skipped);
                    return match self.failed.take() {
                        Some(error) if block.read == 0 => Err(error),
                        failed => {
                            self.failed = failed;
                            Ok(block.read > 0)
                        }
                    };
                }
                None if held >= BLOCK && bytes.starts_with(b"\0\0") => {
                    // What a crash left in front of a line, or has no end yet.
                    let nuls = held - without_nuls(&bytes[..held]).len();
                    bytes.drain(..nuls - 1);
                    self.skipped += nuls as u64 - 1;
                    held -= nuls - 1;
                }
                None if held >= BLOCK => {
                    // One byte too many, and another for what may look like a carriage return at the end.
                    bytes.truncate(LONGEST_LINE + 2);
                    self.begun = true;
                    block.read = held as u64;
                    self.skipping = true;
                    return Ok(true);
                }
                _ => {}
            }
            bytes.resize(bytes.len().max(held + size), 0);
            let (got, failed) = fill(&mut self.reader, &mut bytes[held..held + size]);
            // Something fails: hand out what is there, then say so.
            self.done = got == 0 || failed.is_some();
            self.failed = failed;
            held += got;
            if self.skipping {
                bytes.truncate(held);
                self.skip(bytes);
                held = bytes.len();
            }
        }
    }

    /// Takes back what stands in `block` from `end` on: the next block begins with it.
    pub fn give_back(&mut self, block: &mut Block, end: usize) {
        let back = block.bytes.split_off(end.min(block.bytes.len()));
        block.read = block.read.saturating_sub(back.len() as u64);
        self.carry.splice(..0, back);
    }

    /// Drops the rest of a line that is too long, up to and with its line feed.
    fn skip(&mut self, bytes: &mut Vec<u8>) {
        let end = memchr::memchr(b'\n', bytes).map(|at| at + 1);
        self.skipping = end.is_none();
        let end = end.unwrap_or(bytes.len());
        self.skipped += end as u64;
        bytes.drain(..end);
    }
}

/// A line without the NULs in front of it: where a machine went down, a file has a hole before what was written next.
pub fn without_nuls(line: &[u8]) -> &[u8] {
    let nuls = line.iter().take_while(|byte| **byte == 0).count();
    &line[nuls..]
}

/// Fills `room`, up to the source's end. Returns how many bytes came, and why no more did if something failed. In large
/// pieces: what `read_to_end` would ask for by itself is small at first.
pub fn fill(reader: &mut impl Read, room: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut got = 0;
    while got < room.len() {
        match reader.read(&mut room[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (got, Some(error)),
        }
    }
    (got, None)
}

/// Where to cut, so that neither a line nor a captured announce wrapped over several lines is torn: before
/// the last line that has a space in it, since the further lines of a wrapped announce have none.
/// `None` if there is no whole line yet, or these are not `all` the bytes of a block, and those before them matter.
pub fn cut(bytes: &[u8], all: bool) -> Option<usize> {
    let last = memchr::memrchr(b'\n', bytes)? + 1;
    let mut end = last;
    for _ in 0..WRAPPED {
        let start = memchr::memrchr(b'\n', &bytes[..end - 1]).map_or(0, |at| at + 1);
        if start == 0 {
            return all.then_some(last);
        }
        if memchr::memchr(b' ', &bytes[start..end]).is_some() {
            return Some(start);
        }
        end = start;
    }
    Some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out its bytes in pieces of an odd size.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(buf.len()).min(self.0.len());
            buf[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn blocks(bytes: &[u8], piece: usize, size: usize) -> (Vec<Vec<u8>>, u64) {
        let mut blocks = Blocks::of_size(Pieces(bytes, piece), size);
        let (mut out, mut read) = (Vec::new(), 0);
        let mut block = Block::default();
        while blocks.next(&mut block).unwrap() {
            read += block.read;
            if !block.bytes.is_empty() {
                out.push(block.bytes.clone());
            }
        }
        (out, read)
    }

    #[test]
    fn nothing_is_lost_and_wrapped_lines_stay_together() {
        let record = b"GET /k/announce?a=1&\nb=2&\nc=3\n".as_slice();
        let bytes = [record.repeat(60_000), b"no end".to_vec()].concat();
        for (piece, size) in [(1 << 30, BLOCK), (4096, BLOCK), (77_777, BLOCK), (1 << 30, 1 << 20), (77_777, 1000)] {
            let (blocks, read) = blocks(&bytes, piece, size);
            assert!(blocks.len() > 1);
            assert!(blocks.iter().skip(1).all(|block| block.len() <= size + 100), "larger than asked for");
            assert_eq!(read, bytes.len() as u64);
            assert_eq!(blocks.concat(), bytes);
            assert!(blocks.iter().all(|b| b.starts_with(b"GET ")), "a wrapped announce was torn");
        }
    }

    #[test]
    fn an_endless_line_is_cut_short() {
        let long = vec![b'x'; 5 << 20];
        let bytes = [b"first line\n", long.as_slice(), b"\nlast line\n"].concat();
        for size in [BLOCK, 1000, 1 << 20] {
            let (blocks, read) = blocks(&bytes, 1 << 30, size);
            assert_eq!(read, bytes.len() as u64);
            assert!(blocks.iter().any(|b| b.ends_with(b"last line\n")));
            assert_eq!(blocks.concat().len(), bytes.len() - long.len() - 1 + LONGEST_LINE + 2);
        }
    }
}
