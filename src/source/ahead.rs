//! Reading ahead: inflating on a thread of its own, while others parse what it gave before.

use super::decode::Reader;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

/// Bytes handed over at a time.
const PIECE: usize = 256 << 10;

/// Bytes asked of a decompressor at a time. Where its data is damaged, what it made of the last such step is lost.
const STEP: usize = 64 << 10;

/// Pieces that may wait to be read: memory is bounded, and a short delay on either side holds up nobody.
const WAITING: usize = 8;

/// A stream that a thread of its own reads ahead.
pub struct Ahead {
    pieces: Receiver<io::Result<Vec<u8>>>,
    used: Sender<Vec<u8>>,
    piece: Vec<u8>,
    given: usize,
    ended: bool,
}

impl Ahead {
    /// Begins to read.
    ///
    /// # Errors
    /// If there can be no more threads.
    pub fn new(from: Reader) -> io::Result<Ahead> {
        let (full, pieces) = sync_channel(WAITING);
        let (used, empty) = channel();
        // Dropping the receiver ends the thread: nobody waits for it.
        thread::Builder::new().spawn(move || read_on(from, &full, &empty))?;
        Ok(Ahead { pieces, used, piece: Vec::new(), given: 0, ended: false })
    }
}

/// Sends pieces until the end, which is an empty one, or the first failure.
fn read_on(mut from: Reader, full: &SyncSender<io::Result<Vec<u8>>>, empty: &Receiver<Vec<u8>>) {
    loop {
        let mut piece = empty.try_recv().unwrap_or_default();
        piece.resize(PIECE, 0);
        let (filled, error) = fill(&mut from, &mut piece);
        piece.truncate(filled);
        if (filled > 0 || error.is_none()) && full.send(Ok(piece)).is_err() {
            return;
        }
        if let Some(error) = error {
            let _ = full.send(Err(error));
            return;
        }
        if filled == 0 {
            return;
        }
    }
}

fn fill(from: &mut Reader, piece: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut filled = 0;
    while filled < piece.len() {
        let end = piece.len().min(filled + STEP);
        match from.read(&mut piece[filled..end]) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
}

impl Read for Ahead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.given == self.piece.len() && !self.ended {
            let _ = self.used.send(std::mem::take(&mut self.piece));
            self.given = 0;
            match self.pieces.recv() {
                Ok(Ok(piece)) => self.piece = piece,
                Ok(Err(error)) => {
                    self.ended = true;
                    return Err(error);
                }
                // An empty piece or an error comes last, unless the thread broke down.
                Err(_) => return Err(io::ErrorKind::BrokenPipe.into()),
            }
            self.ended = self.piece.is_empty();
        }
        let got = (&self.piece[self.given..]).read(buf)?;
        self.given += got;
        Ok(got)
    }
}
