//! Files whose bytes are the text itself: where a block lies in one can be told before it is read, so that threads read side by side.

use super::block::{cut, fill};
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// So many bytes are looked at first to find out where a block ends: most often the last line begins in there.
const END: u64 = 4 << 10;

/// A file that is neither compressed nor encoded.
#[derive(Debug)]
pub struct Plain {
    file: File,
    /// What is behind that came after it was opened.
    len: u64,
    /// Grows by the bytes read.
    read: Arc<AtomicU64>,
}

/// Whole lines of such a file, not read yet.
#[derive(Debug)]
pub struct Part {
    plain: Arc<Plain>,
    /// Where it begins.
    at: u64,
    /// How many bytes it has, at least one.
    pub len: usize,
}

/// Reading stopped within a part.
#[derive(Debug)]
pub struct Stopped {
    /// So far the file was read, in bytes.
    pub after: u64,
    /// Why; `None` if the file ends there now.
    pub error: Option<io::Error>,
}

impl Plain {
    /// The first `len` bytes of a file; `None` if the system refuses to hand it out twice, or cannot read at a place: then it is read
    /// from beginning to end. `read` grows by the bytes read.
    pub fn new(file: &File, len: u64, read: Arc<AtomicU64>) -> Option<Plain> {
        let file = cfg!(unix).then(|| file.try_clone().ok())??;
        Some(Plain { file, len, read })
    }

    /// The block that begins at `from`, of about `size` bytes; `None` at the end, or if only reading on tells where it ends:
    /// a line is longer, or the file cannot be read.
    pub fn part(plain: &Arc<Plain>, from: u64, size: usize) -> Option<Part> {
        let rest = plain.len.checked_sub(from).filter(|rest| *rest > 0)?;
        let len = if rest <= size as u64 { Some(rest as usize) } else { plain.end(from, size as u64) };
        len.map(|len| Part { plain: plain.clone(), at: from, len })
    }

    /// How long a block is that begins at `from`, if it has `size` bytes at most.
    fn end(&self, from: u64, size: u64) -> Option<usize> {
        let mut bytes = Vec::new();
        let mut looked_at = END.min(size);
        loop {
            bytes.resize(looked_at as usize, 0);
            let before = size - looked_at;
            if read_at(&self.file, &mut bytes, from + before).ok()? < bytes.len() {
                return None;
            }
            match cut(&bytes, before == 0) {
                Some(end) => return Some(before as usize + end),
                None if before == 0 => return None,
                None => looked_at = size,
            }
        }
    }

    /// The rest of it, from there on.
    pub fn rest(plain: &Arc<Plain>, at: u64) -> Rest {
        Rest { plain: plain.clone(), at }
    }
}

impl Part {
    /// Reads it into `bytes`, in place of what is there.
    pub fn read(&self, bytes: &mut Vec<u8>) -> Option<Stopped> {
        // What lies there is written over, not cleared before.
        bytes.resize(self.len, 0);
        let (got, error) = fill(&mut Plain::rest(&self.plain, self.at), bytes);
        bytes.truncate(got);
        (got < self.len).then_some(Stopped { after: self.at + got as u64, error })
    }
}

/// What is left of a file.
pub struct Rest {
    plain: Arc<Plain>,
    at: u64,
}

impl Read for Rest {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.plain.len.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let room = buf.len().min(left);
        let got = read_at(&self.plain.file, &mut buf[..room], self.at)?;
        self.plain.read.fetch_add(got as u64, Ordering::Relaxed);
        self.at += got as u64;
        Ok(got)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buf: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buf, at)
}

/// [`Plain::new`] gives none out there.
#[cfg(not(unix))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn plain(bytes: &[u8]) -> Arc<Plain> {
        let mut file = tempfile::tempfile().expect("a file for the test");
        file.write_all(bytes).expect("written");
        Arc::new(Plain::new(&file, bytes.len() as u64, Arc::default()).expect("a second handle"))
    }

    #[test]
    fn parts_are_all_of_a_file_and_tear_no_wrapped_announce() {
        let wrapped = b"GET /k/announce?a=1&\nb=2&\nc=3\n".as_slice();
        let bytes = [wrapped.repeat(9_000), [b"GET ", vec![b'x'; 9_000].as_slice(), b"\n"].concat()].concat();
        for size in [10_000, 77_777, 1 << 20] {
            let plain = plain(&bytes);
            let (mut all, mut part) = (Vec::new(), Vec::new());
            while let Some(next) = Plain::part(&plain, all.len() as u64, size) {
                assert!(next.read(&mut part).is_none() && part.starts_with(b"GET ") && part.len() <= size);
                all.extend_from_slice(&part);
            }
            assert!(all == bytes, "{} bytes in parts of {size}", all.len());
            assert_eq!(plain.read.load(Ordering::Relaxed), bytes.len() as u64);
        }
    }

    #[test]
    fn a_line_that_is_longer_than_a_part_is_read_in_its_turn() {
        let plain = plain(&[b"GET /\n".as_slice(), &[b'x'; 20_000], b" \nGET /\n"].concat());
        assert_eq!(Plain::part(&plain, 0, 10_000).map(|part| part.len), Some(6));
        assert!(Plain::part(&plain, 6, 10_000).is_none());
        assert_eq!(Plain::part(&plain, 20_008, 10_000).map(|part| part.len), Some(6));
        assert!(Plain::part(&plain, 20_014, 10_000).is_none(), "that is the end");
    }
}
