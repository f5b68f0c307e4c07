//! The lines of one source, handed out piece by piece.

use crate::access_log::{self, Context, Format, LineReader};
use crate::source::{Block, Blocks, Part, Plain, Reader, without_nuls};
use crate::time::Time;
use std::io;
use std::sync::Arc;

/// Lines of two logs that agree for so many lines are one log's lines and a copy of them.
const COPIED: usize = 16;

/// Where one line is earlier than a moment by so many milliseconds, those close to it are taken to be earlier too.
const DISORDER: i64 = 15 * 60_000;

/// Close to it: so many bytes.
const PROBED: u64 = 64 << 10;

/// One source, open.
pub struct Stream {
    /// Its place in the order given.
    pub given: usize,
    /// How to read its next lines; `None` if no format fits so far.
    pub lines: Option<LineReader>,
    /// The format asked for; `None` to detect it.
    format: Option<&'static dyn Format>,
    /// When it was changed last.
    modified: Option<Time>,
    /// Lines passed over, since they repeat another source's, since a piece was taken.
    pub passed: u64,
    /// Of which source the next lines are a copy, if they are.
    copy: Option<Copy>,
    /// The file, if parts of it can be read by themselves.
    plain: Option<Arc<Plain>>,
    /// Parts were handed out after what was read.
    parted: bool,
    blocks: Blocks<Reader>,
    context: Context,
    block: Block,
    /// To be read into next; what lies in it is of no use.
    room: Vec<u8>,
    /// How much of the block is gone.
    at: usize,
    /// Bytes of the source read, up to the end of the block.
    read: u64,
    /// Bytes of the source before the block.
    gone: u64,
    /// The time of the line that was next when that was last asked for.
    head_at: Option<Time>,
    /// In this turn, the last stretch of [`PROBED`] bytes of which a line was looked at.
    examined: u64,
    /// Up to there no line is looked at.
    unprobed: u64,
    /// Nothing was taken or passed over yet.
    untouched: bool,
    /// Which source it was a copy of for some lines, if of any.
    pub repeats: Option<usize>,
    over: bool,
}

/// Lines that stand in another source as well.
struct Copy {
    of: usize,
    /// What agreed so far, while that may yet be chance.
    agreed: Vec<u8>,
    /// The line in which the other source ends for now, if it is not whole.
    torn: Vec<u8>,
}

/// How far a copy goes along.
#[derive(PartialEq, Eq, Debug)]
pub enum Followed {
    /// To the end of what it was shown.
    All,
    /// Up to there, then they differ, or it turned out that there was too little of it to be a copy.
    Part(usize),
    /// Up to its own end.
    Over,
}

impl Stream {
    /// A source of blocks in that format (`None` to detect it), changed last at `modified`; `plain` as in [`crate::source::Opened`].
    pub fn new(
        given: usize,
        blocks: Blocks<Reader>,
        plain: Option<Arc<Plain>>,
        format: Option<&'static dyn Format>,
        modified: Option<Time>,
    ) -> Stream {
        Stream {
            given,
            lines: None,
            format,
            modified,
            passed: 0,
            copy: None,
            plain,
            parted: false,
            blocks,
            context: Context::default(),
            block: Block::default(),
            room: Vec::new(),
            at: 0,
            read: 0,
            gone: 0,
            head_at: None,
            examined: 0,
            unprobed: 0,
            untouched: true,
            repeats: None,
            over: false,
        }
    }

    /// Sees to it that there is something to take. Returns how many bytes of the source were read for that, `None` at the end.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn fill(&mut self) -> io::Result<Option<u64>> {
        let mut read = 0;
        while self.at == self.block.bytes.len() {
            self.at = 0;
            if !self.room.is_empty() {
                self.block.bytes = std::mem::take(&mut self.room);
            }
            if let Some(plain) = &self.plain
                && std::mem::take(&mut self.parted)
            {
                self.blocks.go_on(Box::new(Plain::rest(plain, self.read)));
            }
            if !self.blocks.next(&mut self.block)? {
                return Ok(None);
            }
            if self.lines.is_none() {
                let (first, modified) = (&self.block.bytes, self.modified);
                self.lines = match self.format {
                    Some(format) => Some(LineReader::of(format, first, modified)),
                    None => LineReader::detect(first, modified),
                };
                self.context = self.lines.map(|lines| lines.context()).unwrap_or_default();
            }
            if let Some(end) = self.lines.and_then(|lines| lines.cut(&self.block.bytes)) {
                self.blocks.give_back(&mut self.block, end);
            }
            read += self.block.read;
            let bytes = &self.block.bytes;
            // Of a line without an end the rest comes with the next block, and is dropped there.
            let torn = self.block.read > bytes.len() as u64 && memchr::memchr(b'\n', bytes).is_none();
            self.gone = if torn { self.read } else { self.read + self.block.read - bytes.len() as u64 };
            self.read += self.block.read;
        }
        Ok(Some(read))
    }

    /// The next lines, to be read by whoever parses them, with how many were passed over; `None` if they have been read, or must be
    /// before it can be told which these are. It is as good as [`Stream::fill`] and [`Stream::take`] where nobody looks at them in between.
    pub fn next_part(&mut self) -> Option<(Part, u64)> {
        let is_free = self.lines.is_some_and(|lines| lines.is_free());
        if !is_free || self.at < self.block.bytes.len() || self.copy.is_some() || self.blocks.is_within_line() {
            return None;
        }
        let part = Plain::part(self.plain.as_ref()?, self.read, self.blocks.size())?;
        self.read += part.len as u64;
        (self.parted, self.untouched) = (true, false);
        Some((part, std::mem::take(&mut self.passed)))
    }

    /// Whether nothing is left of it: all the rest was passed over.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// What is there to take.
    pub fn rest(&self) -> &[u8] {
        &self.block.bytes[self.at..]
    }

    /// The first time in the first block; `None` if there is none.
    pub fn first_at(&mut self) -> Option<Time> {
        let (rest, lines) = (&self.block.bytes[self.at..], self.lines);
        self.head_at = access_log::lines(rest).find_map(|line| time_of(lines, line, &mut self.context));
        self.head_at
    }

    /// The time of the next line, or, where that has none, of the one that was next before.
    pub fn next_at(&mut self) -> Option<Time> {
        let next = access_log::lines(&self.block.bytes[self.at..]).next();
        let at = next.and_then(|line| time_of(self.lines, line, &mut self.context));
        self.head_at = at.or(self.head_at);
        self.head_at
    }

    /// From here on every line is looked at.
    pub fn begin_turn(&mut self) {
        self.examined = self.place(self.at) / PROBED;
        self.unprobed = 0;
    }

    /// How much may be taken before a line that is as late as `limit`. Where times are well before it, only one line of every
    /// [`PROBED`] bytes is looked at; these are the same lines however the blocks are cut.
    pub fn before(&mut self, limit: Time) -> usize {
        let len = self.block.bytes.len();
        let mut at = self.at;
        while at < len {
            let place = self.place(at);
            if let Some(far) = self.unprobed.checked_sub(place).filter(|far| *far > 0) {
                let behind = at.saturating_add(usize::try_from(far).unwrap_or(usize::MAX)).min(len) - 1;
                at = line_end(&self.block.bytes, behind);
                continue;
            }
            let end = line_end(&self.block.bytes, at);
            let time = time_of(self.lines, &self.block.bytes[at..end], &mut self.context);
            if time.is_some_and(|time| time >= limit) {
                break;
            }
            if self.examined != place / PROBED {
                self.examined = place / PROBED;
                if time.is_some_and(|time| time.plus(DISORDER) < limit) {
                    self.unprobed = (self.examined + 1) * PROBED;
                }
            }
            at = end;
        }
        at - self.at
    }

    /// How far into the source's lines a place in the block is.
    fn place(&self, at: usize) -> u64 {
        self.gone + at as u64
    }

    /// Takes so many bytes, into `buffer` if that is not all there is.
    pub fn take(&mut self, len: usize, mut buffer: Vec<u8>) -> (Vec<u8>, u64) {
        self.untouched = false;
        let passed = std::mem::take(&mut self.passed);
        if let Some(lines) = &mut self.lines {
            lines.pass(&self.block.bytes[self.at..self.at + len]);
        }
        if self.at == 0 && len == self.block.bytes.len() {
            self.room = buffer;
            return (std::mem::take(&mut self.block.bytes), passed);
        }
        buffer.clear();
        buffer.extend_from_slice(&self.rest()[..len]);
        self.at += len;
        (buffer, passed)
    }

    /// Of which source the next lines are a copy, by its place in the order given.
    pub fn copy_of(&self) -> Option<usize> {
        self.copy.as_ref().map(|copy| copy.of)
    }

    /// Whether `text` holds the next line as well: where. From there on this may be a copy of source `of`.
    pub fn may_follow(&mut self, of: usize, text: &[u8]) -> Option<usize> {
        let next = memchr::memchr(b'\n', self.rest()).map(|at| &self.rest()[..=at])?;
        let mut found = memchr::memmem::find_iter(text, next);
        let at = found.find(|&at| at == 0 || text[at - 1] == b'\n')?;
        self.copy = Some(Copy { of, agreed: Vec::new(), torn: Vec::new() });
        Some(at)
    }

    /// Passes over what is the same in `text`, the next lines of the source that this may be a copy of. Returns as well how
    /// many bytes were read for that.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn follow(&mut self, text: &[u8]) -> io::Result<(Followed, u64)> {
        let (mut same, mut read) = (0, 0);
        loop {
            match self.fill()? {
                Some(more) => read += more,
                None => {
                    self.settle(self.untouched);
                    self.over = self.rest().is_empty();
                    return Ok((if self.over { Followed::Over } else { Followed::Part(same) }, read));
                }
            }
            if same == text.len() {
                return Ok((Followed::All, read));
            }
            let (mine, other) = (self.rest(), &text[same..]);
            let both = mine.len().min(other.len());
            let agree = if mine[..both] == other[..both] {
                both
            } else {
                mine.iter().zip(other).take_while(|(a, b)| a == b).count()
            };
            let ended = agree == mine.len() || agree == other.len();
            let whole = if ended { agree } else { memchr::memrchr(b'\n', &mine[..agree]).map_or(0, |at| at + 1) };
            self.pass(&other[..whole]);
            same += whole;
            if !ended {
                self.settle(false);
                return Ok((Followed::Part(same), read));
            }
        }
    }

    /// Passes over what stands in the other source too.
    fn pass(&mut self, same: &[u8]) {
        self.at += same.len();
        self.passed += access_log::lines(same).count() as u64;
        let Some(copy) = &mut self.copy else { return };
        let torn = memchr::memrchr(b'\n', same).map_or(0, |at| at + 1);
        copy.torn = same[torn..].to_vec();
        if self.repeats.is_none() {
            copy.agreed.extend_from_slice(same);
            if access_log::lines(&copy.agreed).nth(COPIED - 1).is_some() {
                self.repeats = Some(copy.of);
                copy.agreed = Vec::new();
            }
        }
    }

    /// Gives back the end of what was passed over.
    pub fn unpass(&mut self, same: &[u8]) {
        self.gone = self.place(self.at).saturating_sub(same.len() as u64);
        self.block.bytes.splice(..self.at, same.iter().copied());
        self.at = 0;
        self.passed = self.passed.saturating_sub(access_log::lines(same).count() as u64);
        if let Some(copy) = &mut self.copy {
            copy.agreed.truncate(copy.agreed.len().saturating_sub(same.len()));
            copy.torn.clear();
        }
    }

    /// It is a copy no more. What agreed may have agreed by chance, and is given back then, unless it is the `whole` of it.
    pub fn settle(&mut self, whole: bool) {
        let Some(copy) = self.copy.take() else { return };
        if whole && !copy.agreed.is_empty() {
            self.repeats = Some(copy.of);
        } else {
            self.unpass(&copy.agreed);
        }
    }

    /// The source that this is a copy of has ended.
    pub fn outlive(&mut self) {
        if self.repeats.is_some() {
            // It ends in the middle of a line, which stands here whole.
            let torn = self.copy.as_mut().map(|copy| std::mem::take(&mut copy.torn)).unwrap_or_default();
            self.unpass(&torn);
        }
        self.settle(false);
    }
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    memchr::memchr(b'\n', &bytes[from..]).map_or(bytes.len(), |at| from + at + 1)
}

fn time_of(lines: Option<LineReader>, line: &[u8], context: &mut Context) -> Option<Time> {
    lines?.parse(without_nuls(line), context)?.time
}
