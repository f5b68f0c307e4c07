//! The sources, one after the other, as blocks to be parsed.

use super::parse::Job;
use super::{Options, SourceRead};
use crate::access_log::LineReader;
use crate::source::{Block, Blocks, Source, SourceError};
use crate::time::Time;
use std::io::Read;
use std::sync::atomic::Ordering;

/// Hands out one block after the other.
pub struct Intake<'a> {
    waiting: std::iter::Enumerate<std::slice::Iter<'a, Source>>,
    options: &'a Options,
    open: Option<Open>,
    /// The sources that could be opened; their lines are counted elsewhere.
    pub sources: Vec<SourceRead>,
    /// What could not be read.
    pub errors: Vec<SourceError>,
}

struct Open {
    blocks: Blocks<Box<dyn Read + Send>>,
    lines: Option<LineReader>,
    /// When it was changed last.
    modified: Option<Time>,
}

impl<'a> Intake<'a> {
    /// The sources, in the order given.
    pub fn new(sources: &'a [Source], options: &'a Options) -> Self {
        Intake { waiting: sources.iter().enumerate(), options, open: None, sources: Vec::new(), errors: Vec::new() }
    }

    /// The next block, in `buffer`; `None` when all is read.
    pub fn next(&mut self, mut buffer: Vec<u8>) -> Option<Job> {
        loop {
            let Some(open) = &mut self.open else {
                self.open_next()?;
                continue;
            };
            let mut block = Block { bytes: std::mem::take(&mut buffer), ..Block::default() };
            let read = self.sources.last_mut()?;
            match open.blocks.next(&mut block) {
                Ok(true) => {}
                Ok(false) => {
                    self.open = None;
                    buffer = block.bytes;
                    continue;
                }
                Err(error) => {
                    self.errors.push(SourceError::Read { name: read.name.clone(), after: read.bytes, error });
                    self.open = None;
                    continue;
                }
            }
            if open.lines.is_none() {
                open.lines = match self.options.format {
                    Some(format) => Some(LineReader::of(format, &block.bytes, open.modified)),
                    None => LineReader::detect(&block.bytes, open.modified),
                };
                read.format = open.lines.map(|l| l.format());
            }
            let reader = open.lines;
            if let Some(lines) = &mut open.lines {
                if let Some(end) = lines.cut(&block.bytes) {
                    open.blocks.give_back(&mut block, end);
                }
                lines.pass(&block.bytes);
            }
            read.bytes += block.read;
            self.options.bytes_read.fetch_add(block.read, Ordering::Relaxed);
            return Some(Job { block, source: read.given, reader });
        }
    }

    fn open_next(&mut self) -> Option<()> {
        let (given, source) = self.waiting.next()?;
        match source.open() {
            Ok(reader) => {
                let format = self.options.format.map(|f| f.name());
                self.sources.push(SourceRead { given, name: source.name(), format, bytes: 0, lines: 0 });
                let blocks = match self.options.block {
                    Some(size) => Blocks::of_size(reader, size),
                    None => Blocks::new(reader),
                };
                self.open = Some(Open { blocks, lines: None, modified: source.modified() });
            }
            Err(error) => self.errors.push(error),
        }
        Some(())
    }
}
