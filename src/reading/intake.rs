//! The sources as blocks to be parsed, in the order of their times.
//!
//! One source is read as it stands. Of several, a look at the beginning of each tells which comes first. Where they cover
//! the same hours, their lines are merged in stretches of [`STRETCH`]: all that one source has of it, then all of the next.
//! The engine puts in order what is left. The stretches begin at the same moments whatever the blocks are, so that how
//! much is read at a time changes nothing. Lines that stand in two sources are read from the one that began first.

use super::parse::Job;
use super::stream::{Followed, Stream};
use super::{Options, SourceRead};
use crate::access_log::LineReader;
use crate::source::{Blocks, Opened, Source, SourceError, Stopped};
use crate::time::Time;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;

/// Lines of several sources are merged in stretches of so many milliseconds: far less than the engine puts in order.
const STRETCH: i64 = 30_000;

/// Hands out one block after the other.
pub struct Intake<'a> {
    sources: &'a [Source],
    options: &'a Options,
    /// Not open, in the order in which they will be.
    waiting: VecDeque<Waiting>,
    /// Open; the first one goes first where times are equal.
    open: Vec<Stream>,
    /// Which open source hands out lines.
    turn: Option<Turn>,
    /// The sources that could be opened, in the order given; their lines are counted elsewhere.
    pub read: Vec<SourceRead>,
    /// What could not be read.
    pub errors: Vec<SourceError>,
}

/// One source hands out lines, block by block.
#[derive(Clone, Copy)]
struct Turn {
    /// Which, by its place in the order given.
    given: usize,
    /// The stretch of time that its next line is in; `None` without times.
    now: Option<i64>,
    /// Up to the first line that is as late; `None` up to its end.
    limit: Option<Time>,
}

/// A source that is not read yet.
struct Waiting {
    given: usize,
    /// When it begins; `None` for a log without times, or if it is the only one.
    first_at: Option<Time>,
    /// Open, if it cannot be opened a second time.
    stream: Option<Stream>,
}

impl<'a> Intake<'a> {
    /// The sources. Of several, the beginning of each is read.
    pub fn new(sources: &'a [Source], options: &'a Options) -> Self {
        let mut intake = Intake {
            sources,
            options,
            waiting: VecDeque::new(),
            open: Vec::new(),
            turn: None,
            read: Vec::new(),
            errors: Vec::new(),
        };
        let mut known = HashMap::new();
        let mut found = Vec::new();
        for (given, source) in sources.iter().enumerate() {
            let own = source.identity();
            let same_as = own.and_then(|own| known.get(&own).copied());
            let opened = intake.look_at(given, same_as);
            if opened.is_some() {
                known.extend(own.map(|own| (own, given)));
            }
            found.extend(opened);
        }
        // Logs without times keep their place at the beginning, or come last.
        let leading = found.iter().take_while(|source| source.first_at.is_none()).count();
        found[leading..].sort_by_key(|source| (source.first_at.is_none(), source.first_at));
        intake.waiting = found.into();
        intake
    }

    /// Finds out when a source begins; `None` if there is nothing to read of it.
    fn look_at(&mut self, given: usize, same_as: Option<usize>) -> Option<Waiting> {
        let source = &self.sources[given];
        let mut read = SourceRead { given, name: source.name(), same_as, ..SourceRead::default() };
        if same_as.is_some() {
            self.read.push(read);
            return None;
        }
        let alone = self.sources.len() == 1;
        let again = !alone && source.is_lasting();
        let watched = if again { &Arc::default() } else { &self.options.bytes_read };
        let opened = source.open(watched).map_err(|error| self.errors.push(error)).ok()?;
        (read.compression, read.encoding) = (opened.compression, opened.encoding);
        read.format = self.options.format.map(|f| f.name());
        self.read.push(read);
        let mut stream = self.stream(given, opened);
        if alone {
            return Some(Waiting { given, first_at: None, stream: Some(stream) });
        }
        let filled = stream.fill();
        let first_at = stream.first_at();
        if again {
            // What fails now will fail again.
            return Some(Waiting { given, first_at, stream: None });
        }
        match filled {
            Ok(read) => self.note_read(given, read.unwrap_or_default(), stream.lines),
            Err(error) => self.fail(given, error),
        }
        Some(Waiting { given, first_at, stream: Some(stream) })
    }

    fn stream(&self, given: usize, opened: Opened) -> Stream {
        let blocks = match self.options.block {
            Some(size) => Blocks::of_size(opened.reader, size),
            None => Blocks::new(opened.reader),
        };
        Stream::new(given, blocks, opened.plain, self.options.format, self.sources[given].modified())
    }

    /// The next block, in `buffer`; `None` when all is read.
    pub fn next(&mut self, buffer: Vec<u8>) -> Option<Job> {
        loop {
            let Some(Turn { given, now, limit }) = self.turn else {
                self.turn = Some(self.choose()?);
                continue;
            };
            let place = self.open.iter().position(|stream| stream.given == given)?;
            // The last source: nobody looks at its lines before they are parsed, and where it stops, all is read.
            if limit.is_none()
                && self.waiting.is_empty()
                && self.open.len() == 1
                && let Some((part, passed)) = self.open[place].next_part()
            {
                let reader = self.open[place].lines;
                self.note_read(given, part.len as u64, reader);
                self.source_read(given)?.passed += passed;
                return Some(Job { bytes: buffer, unread: Some(part), source: given, reader, passed });
            }
            if !self.fill(place) {
                self.close(place);
                continue;
            }
            let stream = &mut self.open[place];
            let all = stream.rest().len();
            let mut len = limit.map_or(all, |limit| stream.before(limit));
            if len < all {
                self.turn = None;
            }
            if self.open.len() > 1 && len > 0 {
                len = self.leave_out_copies(place, now, len);
            }
            if len > 0 {
                return self.hand_out(given, len, buffer);
            }
        }
    }

    /// The next `len` bytes of a source, as a block.
    fn hand_out(&mut self, given: usize, len: usize, buffer: Vec<u8>) -> Option<Job> {
        let stream = self.open.iter_mut().find(|stream| stream.given == given)?;
        let reader = stream.lines;
        let (bytes, passed) = stream.take(len, buffer);
        self.source_read(given)?.passed += passed;
        Some(Job { bytes, unread: None, source: given, reader, passed })
    }

    /// Opens what has come to its turn, and says which source goes on.
    fn choose(&mut self) -> Option<Turn> {
        loop {
            let heads = self.heads();
            let now = heads.iter().flatten().copied().min();
            let next_at = self.waiting.front().and_then(|next| next.first_at);
            let due = next_at.zip(now).is_some_and(|(next, now)| stretch(next) <= stretch(now));
            if self.open.is_empty() || due {
                self.open_next()?;
                continue;
            }
            let Some(now) = now.map(stretch) else {
                // Without times there is one at a time.
                return self.open.first().map(|stream| Turn { given: stream.given, now: None, limit: None });
            };
            let place = heads.iter().position(|head| head.is_some_and(|head| stretch(head) == now))?;
            let others = heads.iter().enumerate().filter(|(other, _)| *other != place).filter_map(|(_, head)| *head);
            let next = others.chain(next_at).min().map(stretch);
            let limit = next.map(|next| Time::from_millis(next.max(now + 1) * STRETCH));
            let stream = &mut self.open[place];
            stream.begin_turn();
            return Some(Turn { given: stream.given, now: Some(now), limit });
        }
    }

    /// The times of the next lines; `None` for a source whose lines another one hands out.
    fn heads(&mut self) -> Vec<Option<Time>> {
        self.open.iter_mut().map(|stream| if stream.copy_of().is_none() { stream.next_at() } else { None }).collect()
    }

    /// Lets the other sources pass over what they have in common with the next `len` bytes of one. Returns how much of these
    /// may be handed out before the others must be looked at again.
    fn leave_out_copies(&mut self, place: usize, now: Option<i64>, len: usize) -> usize {
        let given = self.open[place].given;
        let text = self.open[place].rest()[..len].to_vec();
        let mut end = len;
        // Which sources go along, and from where on.
        let mut along: Vec<(usize, usize)> = Vec::new();
        for other in 0..self.open.len() {
            let stream = &mut self.open[other];
            let from = match stream.copy_of() {
                _ if other == place => continue,
                Some(of) if of == given => 0,
                Some(_) => continue,
                None if stream.next_at().map(stretch) != now => continue,
                None => match stream.may_follow(given, &text[..end]) {
                    Some(from) => from,
                    None => continue,
                },
            };
            let (source, followed, lines) = (stream.given, stream.follow(&text[from..end]), stream.lines);
            match followed {
                Ok((followed, read)) => {
                    self.note_read(source, read, lines);
                    match followed {
                        Followed::All => along.push((other, from)),
                        Followed::Over => {}
                        Followed::Part(same) => {
                            let differ = from + same;
                            along.retain(|&(earlier, from)| {
                                self.open[earlier].unpass(&text[differ.max(from)..end]);
                                if from >= differ {
                                    self.open[earlier].settle(false);
                                }
                                from < differ
                            });
                            end = differ;
                            self.turn = None;
                        }
                    }
                }
                Err(error) => self.fail(source, error),
            }
        }
        let (over, open) = std::mem::take(&mut self.open).into_iter().partition(Stream::is_over);
        self.open = open;
        over.iter().for_each(|stream: &Stream| self.note_repeated(stream));
        end
    }

    /// Sees to it that an open source has something to hand out; `false` if there is nothing more.
    fn fill(&mut self, place: usize) -> bool {
        let stream = &mut self.open[place];
        let (given, filled) = (stream.given, stream.fill());
        let lines = stream.lines;
        match filled {
            Ok(Some(read)) => self.note_read(given, read, lines),
            Ok(None) => return false,
            Err(error) => {
                self.fail(given, error);
                return false;
            }
        }
        true
    }

    fn open_next(&mut self) -> Option<()> {
        let next = self.waiting.pop_front()?;
        let stream = match next.stream {
            Some(stream) => stream,
            None => match self.sources[next.given].open(&self.options.bytes_read) {
                Ok(opened) => self.stream(next.given, opened),
                Err(error) => {
                    self.errors.push(error);
                    return Some(());
                }
            },
        };
        self.open.push(stream);
        let place = self.open.len() - 1;
        if self.fill(place) {
            self.open[place].first_at();
        } else {
            self.close(place);
        }
        Some(())
    }

    /// Lets go of a source that has ended.
    fn close(&mut self, place: usize) {
        self.turn = None;
        let ended = self.open.remove(place);
        self.note_repeated(&ended);
        for stream in &mut self.open {
            if stream.copy_of() == Some(ended.given) {
                stream.outlive();
            }
        }
    }

    fn note_read(&mut self, given: usize, bytes: u64, lines: Option<LineReader>) {
        if let Some(read) = self.source_read(given) {
            read.bytes += bytes;
            read.format = lines.map(|l| l.format());
        }
    }

    fn note_repeated(&mut self, ended: &Stream) {
        if let Some(read) = self.source_read(ended.given) {
            read.repeated = read.passed + ended.passed;
            read.repeats = ended.repeats;
        }
    }

    /// Of a source no more than this could be read.
    pub fn stop(&mut self, given: usize, stopped: Stopped) {
        let Some(read) = self.source_read(given) else { return };
        read.bytes = stopped.after;
        if let Some(error) = stopped.error {
            self.fail(given, error);
        }
    }

    fn fail(&mut self, given: usize, error: io::Error) {
        let Some(read) = self.source_read(given) else { return };
        let error = SourceError::stopped(read.name.clone(), read.compression, read.bytes, error);
        self.errors.push(error);
    }

    fn source_read(&mut self, given: usize) -> Option<&mut SourceRead> {
        let at = self.read.binary_search_by_key(&given, |read| read.given).ok()?;
        self.read.get_mut(at)
    }
}

fn stretch(at: Time) -> i64 {
    at.millis().div_euclid(STRETCH)
}
