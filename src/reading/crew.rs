//! The threads: each reads, parses and applies, whichever is next.
//!
//! Blocks are numbered as they are read. Any thread parses any block; every thread applies its own engine's share of all
//! blocks, in their order. So nothing depends on who was faster, and nobody waits while there is something to do. Where that can be
//! told before, reading only finds out where a block lies, and who parses it reads it, while others read theirs.

use super::intake::Intake;
use super::parse::{Job, Parsed, parse};
use super::tally::Tally;
use crate::replay::{Listener, Replay};
use crate::source::Stopped;
use foldhash::fast::RandomState;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// So many blocks are held for each thread at most, read or parsed, and so many more. Seldom are there as many: they are for the
/// milliseconds in which another program has a core, such as the one that writes into the pipe. Where one always wanted a core, a
/// report took 0.86 times as long with 28 more as with 4.
const HELD: usize = 2;
const MORE: usize = 28;

/// What the threads share.
pub struct Crew<'a> {
    board: Mutex<Board>,
    changed: Condvar,
    intake: Mutex<Intake<'a>>,
    threads: usize,
    seed: RandomState,
}

/// Where the work stands.
struct Board {
    /// Read, but not parsed: the number of each block, and the block.
    waiting: VecDeque<(usize, Job)>,
    /// Parsed, but not applied by all; the first one's number is `applied`. `None` while it is being parsed.
    parsed: VecDeque<Option<Arc<Parsed>>>,
    /// Blocks that all engines have applied.
    applied: usize,
    /// How many blocks each engine has applied.
    by_engine: Vec<usize>,
    /// Somebody reads.
    reading: bool,
    /// All is read.
    read_all: bool,
    /// In which source reading stopped before its end, and where.
    stopped: Option<(usize, Stopped)>,
    /// Threads that wait for something to do.
    idle: usize,
    buffers: Vec<Vec<u8>>,
    spare: Vec<Parsed>,
}

/// What a thread counted.
#[derive(Default)]
pub struct Counted {
    /// What became of all lines, the same in every thread, but for what is in `late`.
    pub tally: Tally,
    /// How many lines each source has.
    pub lines: Vec<u64>,
    /// What this thread's engine could not use.
    pub late: Tally,
}

/// What a thread does next.
enum Task {
    Read(Vec<u8>),
    Parse(Box<(usize, Job, Parsed)>),
    Apply(Arc<Parsed>),
    Nothing,
}

impl<'a> Crew<'a> {
    /// A crew of so many threads.
    pub fn new(intake: Intake<'a>, threads: usize) -> Self {
        let board = Board {
            waiting: VecDeque::new(),
            parsed: VecDeque::new(),
            applied: 0,
            by_engine: vec![0; threads],
            reading: false,
            read_all: false,
            stopped: None,
            idle: 0,
            buffers: Vec::new(),
            spare: Vec::new(),
        };
        let (board, intake) = (Mutex::new(board), Mutex::new(intake));
        Crew { board, changed: Condvar::new(), intake, threads, seed: RandomState::default() }
    }

    /// Works until everything is applied.
    pub fn work<L: Listener>(&self, engine: &mut Replay<L>, number: usize) -> Counted {
        let Counted { mut tally, mut lines, mut late } = Counted::default();
        let mut board = self.lock();
        loop {
            let task = self.next_task(&mut board, number);
            if let Task::Nothing = task {
                if board.read_all && board.parsed.is_empty() {
                    self.tell(&board);
                    return Counted { tally, lines, late };
                }
                board.idle += 1;
                board = self.changed.wait(board).unwrap_or_else(PoisonError::into_inner);
                board.idle -= 1;
                continue;
            }
            drop(board);
            match task {
                Task::Read(buffer) => {
                    let job = self.intake.lock().unwrap_or_else(PoisonError::into_inner).next(buffer);
                    board = self.lock();
                    board.reading = false;
                    match job {
                        // What was read meanwhile may have been the last.
                        Some(job) if !board.read_all => board.take_in(job),
                        _ => board.read_all = true,
                    }
                    self.tell(&board);
                }
                Task::Parse(what) => {
                    let (block, mut job, parsed) = *what;
                    let stopped = job.unread.take().and_then(|part| part.read(&mut job.bytes));
                    let parsed = parse(job, parsed, self.threads, &self.seed);
                    board = self.lock();
                    board.put(block, parsed, stopped);
                    self.tell(&board);
                }
                Task::Apply(parsed) => {
                    if lines.len() <= parsed.source {
                        lines.resize(parsed.source + 1, 0);
                    }
                    let base = &mut lines[parsed.source];
                    *base += parsed.passed;
                    engine.feed(&parsed.batch(number, *base, &tally), &mut |nth, line, reason| {
                        late.reject(nth, line, reason)
                    });
                    tally.append(&parsed.tally, *base);
                    *base += parsed.tally.lines;
                    drop(parsed);
                    board = self.lock();
                    board.by_engine[number] += 1;
                    board.read_all |= engine.done();
                    if board.retire() {
                        self.tell(&board);
                    }
                }
                Task::Nothing => board = self.lock(),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those who wait that there may be something to do. It asks the system for that: so not for nobody.
    fn tell(&self, board: &Board) {
        if board.idle > 0 {
            self.changed.notify_all();
        }
    }

    /// What this engine's thread should do: apply first, so that little is held, then read before parse, so that each thread
    /// finds a block to parse when it needs one, and whoever writes into a pipe is not kept waiting.
    fn next_task(&self, board: &mut Board, engine: usize) -> Task {
        let place = board.by_engine[engine] - board.applied;
        if let Some(Some(parsed)) = board.parsed.get(place) {
            return Task::Apply(parsed.clone());
        }
        let room = board.waiting.len() < self.threads && board.parsed.len() < HELD * self.threads + MORE;
        if room && !board.reading && !board.read_all {
            board.reading = true;
            return Task::Read(board.buffers.pop().unwrap_or_default());
        }
        if let Some((block, job)) = board.waiting.pop_front() {
            return Task::Parse(Box::new((block, job, board.spare.pop().unwrap_or_default())));
        }
        Task::Nothing
    }

    /// What was read.
    pub fn intake(self) -> Intake<'a> {
        let mut intake = self.intake.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some((source, stopped)) = self.board.into_inner().unwrap_or_else(PoisonError::into_inner).stopped {
            intake.stop(source, stopped);
        }
        intake
    }
}

impl Board {
    fn take_in(&mut self, job: Job) {
        let block = self.applied + self.parsed.len();
        self.parsed.push_back(None);
        self.waiting.push_back((block, job));
    }

    /// Puts down what a block has become. What comes behind one within which reading stopped does not count.
    fn put(&mut self, block: usize, parsed: Parsed, stopped: Option<Stopped>) {
        let place = block - self.applied;
        let Some(room) = self.parsed.get_mut(place) else { return };
        let source = parsed.source;
        *room = Some(Arc::new(parsed));
        if let Some(stopped) = stopped {
            self.stopped = Some((source, stopped));
            self.read_all = true;
            self.waiting.retain(|(waiting, _)| *waiting < block);
            self.parsed.truncate(place + 1);
        }
    }

    /// Drops the blocks that all engines have applied; `true` if there were any.
    fn retire(&mut self) -> bool {
        let all = self.by_engine.iter().copied().min().unwrap_or_default();
        let any = self.applied < all;
        while self.applied < all {
            self.applied += 1;
            if let Some(parsed) = self.parsed.pop_front().flatten().and_then(Arc::into_inner) {
                let (bytes, parsed) = parsed.recycle();
                self.buffers.push(bytes);
                self.spare.push(parsed);
            }
        }
        any
    }
}
