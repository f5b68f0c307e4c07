//! Reads sources on every core and feeds the engines: sources are merged by time, blocks are cut in order, parsed side by side, and applied by the one
//! engine that owns their users. So the result does not depend on how many cores there are.

mod crew;
mod intake;
mod look;
mod parse;
mod stream;
mod tally;

pub use look::{Apart, Look, look_at};
pub use tally::{Example, Tally};

use crate::access_log::Format;
use crate::replay::{Listener, Part, Replay, Rules};
use crate::source::{Source, SourceError};
use crew::{Counted, Crew};
use intake::Intake;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// How to read.
#[derive(Clone, Default)]
pub struct Options {
    /// The format of every source; `None` to detect it for each.
    pub format: Option<&'static dyn Format>,
    /// Threads to use, at least 1.
    pub threads: usize,
    /// Bytes read at a time, about; `None` for what is fastest. It changes nothing else.
    pub block: Option<usize>,
    /// What the engine does.
    pub rules: Rules,
    /// Grows by the bytes that are read, as they are stored, for whoever wants to watch.
    pub bytes_read: Arc<AtomicU64>,
}

/// What was read of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceRead {
    /// Its place in the order given, from 0: others may not have been readable.
    pub given: usize,
    /// Its name.
    pub name: String,
    /// The format given or detected; `None` if no line of it fits any.
    pub format: Option<&'static str>,
    /// How it is compressed; `None` if it is not.
    pub compression: Option<&'static str>,
    /// How its text is encoded, if not as text usually is.
    pub encoding: Option<&'static str>,
    /// Its size, not compressed, as far as it was read.
    pub bytes: u64,
    /// Its physical lines, but those repeated.
    pub lines: u64,
    /// Lines that stand in another source as well, and were read there.
    pub repeated: u64,
    /// In which source those stand, by its place in the order given.
    pub repeats: Option<usize>,
    /// Of which source before this is all the same, by its place in the order given; it is read there.
    pub same_as: Option<usize>,
    /// Repeated lines with others behind them.
    passed: u64,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Input {
    /// The sources that could be opened, in the order given.
    pub sources: Vec<SourceRead>,
    /// What became of their lines.
    pub tally: Tally,
    /// What could not be read.
    pub errors: Vec<SourceError>,
}

/// What one engine gives out, and who listened to it.
pub type Applied<L> = (Part, L);

/// Reads all sources, in the order of their times, through as many engines as there are threads.
pub fn read_all<L: Listener<Kept: Send> + Send>(
    sources: &[Source],
    options: &Options,
    listener: impl Fn() -> L + Sync,
) -> (Input, Vec<Applied<L>>) {
    let threads = options.threads.max(1);
    let crew = Crew::new(Intake::new(sources, options), threads);
    let work = |number: usize| {
        let mut engine = Replay::new(options.rules.clone(), listener());
        let counted = crew.work(&mut engine, number);
        (counted, engine.finish())
    };
    let (Counted { tally, lines, .. }, parts) = std::thread::scope(|scope| {
        let work = &work;
        let others: Vec<_> = (1..threads).map(|number| scope.spawn(move || work(number))).collect();
        // Every thread sees all lines; one of them is asked.
        let (mut counted, part) = work(0);
        counted.tally.reject_late(&counted.late);
        let mut parts = vec![part];
        for other in others {
            // A panic goes on where the result is asked for.
            let (other, part) = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            counted.tally.reject_late(&other.late);
            parts.push(part);
        }
        (counted, parts)
    });
    let mut intake = crew.intake();
    for source in &mut intake.read {
        source.lines = lines.get(source.given).copied().unwrap_or_default() - source.passed;
        if source.lines == 0 && source.repeated > 0 {
            source.same_as = source.repeats;
        }
    }
    let input = Input { sources: intake.read, tally, errors: intake.errors };
    (input, parts)
}

impl Input {
    /// The source at a place in the order given; `None` if it could not be read.
    pub fn source(&self, given: usize) -> Option<&SourceRead> {
        self.sources.binary_search_by_key(&given, |source| source.given).ok().map(|at| &self.sources[at])
    }
}
