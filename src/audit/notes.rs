//! What stands out in single announces, kept until the whole log has been read.

use super::bytes::{AllTraces, Place, Traces};
use super::cumulative::Falls;
use super::generator::{Increments, Recent};
use super::scaled::Multiples;
use crate::packed::{Packer, Packs, Unpacker};
use crate::replay::Step;
use crate::session::{Brief, Last, LineRef, Session};
use crate::time::Time;
use prefetch_index::prefetch_index;
use std::collections::HashMap;

/// Something seen in a session, once or more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mark {
    /// How often.
    pub count: u32,
    /// The first time.
    pub from: Option<Time>,
    /// The last time.
    pub to: Option<Time>,
    /// The most bytes that it was about.
    pub bytes: u64,
    /// Another number: which one, the check knows.
    pub amount: u64,
    /// The first lines that show it, at most [`Mark::LINES`].
    pub lines: Vec<LineRef>,
}

impl Mark {
    /// Lines kept as evidence.
    pub const LINES: usize = 6;

    /// Sees it at `step`, in its line and the one before.
    pub fn see(mark: &mut Option<Box<Mark>>, step: &Step<'_>, bytes: u64, amount: u64) {
        let at = step.said.at;
        let first = || Box::new(Mark { count: 0, from: at, to: at, bytes: 0, amount: 0, lines: Vec::new() });
        let mark = mark.get_or_insert_with(first);
        mark.count += 1;
        mark.to = at;
        if bytes >= mark.bytes {
            (mark.bytes, mark.amount) = (bytes, amount);
        }
        for line in [step.line_before, step.line] {
            if mark.lines.len() < Self::LINES && mark.lines.last() != Some(&line) {
                mark.lines.push(line);
            }
        }
    }
}

/// Consecutive announces of a leech without any progress.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stall {
    /// When it began.
    pub from: Option<Time>,
    /// The last announce of it.
    pub to: Option<Time>,
    /// Where it began.
    pub from_line: LineRef,
    /// Where it ended.
    pub to_line: LineRef,
    /// Announces without progress.
    pub count: u32,
}

/// What stands out in one session. Most stand still for a while, and that is all.
#[derive(Clone, Default, Debug)]
pub struct Notes {
    /// The present standstill, or the last one.
    pub stall: Option<Stall>,
    /// The longest one.
    pub longest_stall: Option<Stall>,
    marks: Option<Box<Marks>>,
}

impl Notes {
    /// What else there is; `None` if nothing is.
    pub fn marks(&self) -> Option<&Marks> {
        self.marks.as_deref()
    }
}

/// What else stands out in one session. Few have several: each lies on its own.
#[derive(Clone, Default, Debug)]
#[allow(missing_docs)] // One for each check, and named so.
pub struct Marks {
    pub after_stopped: Option<Box<Mark>>,
    pub started_again: Option<Box<Mark>>,
    pub completed_with_left: Option<Box<Mark>>,
    pub completed_without_download: Option<Box<Mark>>,
    pub completed_again: Option<Box<Mark>>,
    pub counters_fell: Option<Box<Mark>>,
    pub nonzero_start: Option<Box<Mark>>,
    pub left_rose: Option<Box<Mark>>,
    pub too_fast: Option<Box<Mark>>,
    pub uploaded_fell: Option<Box<Falls>>,
    pub stopped_fell: Option<Box<Mark>>,
    pub spiked: Option<Box<Mark>>,
    /// How far below the highest `uploaded` the last one is, once the session is over. In bytes.
    pub ended_below: u64,
}

/// Listens to an engine, and keeps notes of the sessions that give reason to.
#[derive(Default, Debug)]
pub struct Watch {
    /// Boxed: a table has room for twice as many.
    notes: HashMap<u32, Box<Notes>, foldhash::fast::RandomState>,
    traces: Traces,
    /// By number.
    kinds: Vec<Kind>,
    /// Their numbers, by user and by the beginning of the peer id.
    kind_numbers: HashMap<(u32, [u8; 8]), u32, foldhash::fast::RandomState>,
}

/// What is kept of a user's clients of a kind, in one line of the cache.
#[derive(Clone, Copy, Default, Debug)]
#[repr(align(64))]
struct Kind {
    multiples: Multiples,
    recent: Recent,
}

/// Who listened to a session of the story.
pub fn watch_of<'a>(watches: &'a [Watch], session: &Brief) -> Option<&'a Watch> {
    watches.get(usize::from(session.engine))
}

/// What else stands out in a session of the story.
pub fn marks_of<'a>(watches: &'a [Watch], session: &Brief) -> Option<&'a Marks> {
    notes_of(watches, session)?.marks()
}

/// The notes on a session of the story.
pub fn notes_of<'a>(watches: &'a [Watch], session: &Brief) -> Option<&'a Notes> {
    watch_of(watches, session)?.of(session.number)
}

/// What is counted of every session.
#[derive(Clone, Copy, Default, Debug)]
pub struct Counted {
    /// Where its trace lies.
    pub(super) trace: Place,
    /// What its uploads have in common.
    pub(super) increments: Increments,
    /// Which of its user's kinds of clients it is of, from 1; 0 if it uploaded nothing.
    kind: u32,
}

impl Counted {
    /// What was counted of a session, by its place; where its trace lay does not matter any more.
    pub(super) fn of(all: &AllTraces, place: usize) -> Counted {
        Counted::unpack(all.beside(place), Place::default())
    }

    /// Of that, which of its user's kinds of clients it is of, by number; `None` if it uploaded nothing.
    pub(super) fn kind_in(all: &AllTraces, place: usize) -> Option<u32> {
        Unpacker(all.beside(place)).number::<u32>().checked_sub(1)
    }

    /// Packs it, but for the trace.
    fn pack(&self, to: &mut Packer<'_>) {
        if self.kind > 0 {
            to.number(self.kind);
            self.increments.pack(to);
        }
    }

    /// Puts it together again.
    fn unpack(packed: &[u8], trace: Place) -> Counted {
        let mut from = Unpacker(packed);
        Counted { trace, kind: from.number(), increments: Packs::unpack(&mut from) }
    }
}

impl Watch {
    /// The notes on a session, by its number in the engine.
    pub fn of(&self, session: u32) -> Option<&Notes> {
        self.notes.get(&session).map(|notes| &**notes)
    }

    /// Drops what is there to listen: nothing more will be heard.
    pub fn close(&mut self) {
        (self.traces, self.kind_numbers) = Default::default();
    }

    /// Drops what is kept of clients of a kind.
    pub(super) fn drop_kinds(&mut self) {
        self.kinds = Vec::new();
    }

    /// By what the uploads of the user's clients of a kind may be multiplied.
    pub(super) fn multiples_of(&self, kind: u32) -> Option<&Multiples> {
        Some(&self.kinds.get(kind as usize)?.multiples)
    }

    /// Has the cache fetch the end of a session's trace, and its kind of client.
    #[inline]
    pub(super) fn fetch_behind(&self, session: &Counted) {
        self.traces.fetch(&session.trace);
        prefetch_index(&self.kinds, (session.kind as usize).saturating_sub(1));
    }

    /// Notes what a step moved.
    #[inline]
    pub(super) fn count(&mut self, step: &Step<'_>, counted: &mut Counted) {
        self.traces.note(&mut counted.trace, step);
        if step.credit.up > 0 {
            let since = step.said.at.zip(step.before.and_then(|before| before.last.at));
            let secs = since.map(|(at, last)| at.since(last).max(0) as u64 / 1000);
            if counted.kind == 0 {
                let prefix = step.peer_id.bytes().first_chunk().copied().unwrap_or_default();
                let kinds = &mut self.kinds;
                counted.kind = *self.kind_numbers.entry((step.session.user, prefix)).or_insert_with(|| {
                    kinds.push(Kind::default());
                    kinds.len() as u32
                });
            }
            if let Some(kind) = self.kinds.get_mut(counted.kind as usize - 1) {
                let Kind { multiples, recent } = kind;
                let (up, now) = (step.credit.up, step.said.counters.up);
                counted.increments.note(up, secs, recent);
                multiples.note(now.saturating_sub(up), now, secs, recent);
                recent.keep(up);
            }
        }
    }

    /// Writes down what was counted of a session.
    pub(super) fn write_down(&mut self, counted: &mut Counted, to: &mut Vec<u8>) {
        let own = *counted;
        self.traces.put_aside(&mut counted.trace, to, |to| own.pack(to));
    }

    /// What was written down of one.
    pub(super) fn read_again(&mut self, kept: &[u8]) -> Counted {
        let (trace, packed) = self.traces.take_up(kept);
        Counted::unpack(packed, trace)
    }

    /// Notes where the counters of a session ended.
    pub(super) fn end(&mut self, session: &Session, last: &Last) {
        if let Some(marks) = self.notes.get_mut(&session.number).and_then(|notes| notes.marks.as_mut()) {
            marks.ended_below = session.state.peak.up.saturating_sub(last.counters.up);
        }
    }

    /// The notes on the session of a step, to write in.
    pub(super) fn at(&mut self, step: &Step<'_>) -> &mut Notes {
        self.notes.entry(step.session.number).or_default()
    }

    /// What else stands out in the session of a step, to write in.
    pub(super) fn marks_at(&mut self, step: &Step<'_>) -> &mut Marks {
        self.at(step).marks.get_or_insert_default()
    }
}
