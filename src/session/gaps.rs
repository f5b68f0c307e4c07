//! Silences that were longer than a session's usual ones.

use super::record::LineRef;
use crate::packed::{Packer, Packs, Unpacker};
use crate::time::Time;
use prefetch_index::prefetch_index;

/// A silence that was longer than this session's usual ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// The last line before.
    pub from: Time,
    /// The first line after.
    pub to: Time,
    /// Where the last line before stands.
    pub from_line: LineRef,
    /// Where the first line after stands.
    pub to_line: LineRef,
    /// Leeching on both sides, and nothing moved between them.
    pub idle: bool,
}

impl Gap {
    /// Milliseconds.
    pub fn length(&self) -> i64 {
        self.to.since(self.from)
    }
}

/// What times and lines are counted from: the session's beginning.
pub type Origin = (Option<Time>, LineRef);

/// The gaps of a session, in order. They lie packed: who switches off at night has one for every night.
///
/// A record is a byte with [`IDLE`], [`WHOLE`] and how long the record is, then how long the gap is, when it begins, and the lines.
#[derive(Clone, Default, Debug)]
pub struct Gaps {
    records: Vec<u8>,
    /// How many they are: that is asked for each new one.
    count: u8,
}

/// A bit for gaps that are idle.
const IDLE: u8 = 1;
/// A bit for gaps from a whole second to another, as most logs tell no others: those take less.
const WHOLE: u8 = 2;
/// Most records take fewer bytes, even while they are written.
const USUAL: usize = 24;
/// So many bits are before the record's length.
const FLAGS: u32 = 2;
/// What a record's times are counted in, in milliseconds.
fn unit(record: &[u8]) -> i64 {
    if record[0] & WHOLE != 0 { 1000 } else { 1 }
}

/// How long the gap of a record is, in milliseconds.
fn length(record: &[u8]) -> i64 {
    Unpacker(&record[1..]).signed().wrapping_mul(unit(record))
}

impl Packs for Gaps {
    fn pack(&self, to: &mut Packer<'_>) {
        to.number(self.count);
        to.bytes(&self.records);
    }

    fn unpack(from: &mut Unpacker<'_>) -> Gaps {
        Gaps { count: from.number(), records: from.bytes().to_vec() }
    }
}

impl Gaps {
    /// How many there are; no more than 255 may be kept.
    pub fn len(&self) -> usize {
        self.count.into()
    }

    /// Has the cache fetch their end.
    #[inline]
    pub fn fetch_end(&self) {
        prefetch_index(&self.records, self.records.len());
    }

    /// Adds one.
    pub fn push(&mut self, gap: &Gap, origin: Origin) {
        let (from, first_at) = (gap.from.millis(), origin.0.map_or(0, Time::millis));
        let (length, from) = (gap.to.millis().wrapping_sub(from), from.wrapping_sub(first_at));
        let whole = length % 1000 == 0 && from % 1000 == 0;
        let unit = if whole { 1000 } else { 1 };
        let lines = [gap.from_line.after(origin.1), gap.to_line.after(gap.from_line)];
        if self.records.capacity() - self.records.len() < USUAL {
            // Most that have any have one.
            self.records.reserve_exact(USUAL + self.records.len() / 4);
        }
        let begin = self.records.len();
        self.records.push(0);
        let mut to = Packer(&mut self.records);
        [length / unit, from / unit, lines[0], lines[1]].into_iter().for_each(|number| to.signed(number));
        let len = (self.records.len() - begin) as u8;
        self.records[begin] = len << FLAGS | if gap.idle { IDLE } else { 0 } | if whole { WHOLE } else { 0 };
        self.count += 1;
    }

    fn records(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.records.as_slice();
        std::iter::from_fn(move || {
            let (record, others) = rest.split_at_checked(usize::from(rest.first()? >> FLAGS))?;
            rest = others;
            Some(record)
        })
    }

    /// How long they are, in milliseconds.
    pub fn lengths(&self) -> impl Iterator<Item = i64> {
        self.records().map(length)
    }

    /// All of them.
    pub fn iter(&self, origin: Origin) -> impl Iterator<Item = Gap> {
        self.records().map(move |record| {
            let (unit, mut rest) = (unit(record), Unpacker(&record[1..]));
            let length = rest.signed().wrapping_mul(unit);
            let from = rest.signed().wrapping_mul(unit).wrapping_add(origin.0.map_or(0, Time::millis));
            let from_line = origin.1.plus(rest.signed());
            Gap {
                from: Time::from_millis(from),
                to: Time::from_millis(from.wrapping_add(length)),
                from_line,
                to_line: from_line.plus(rest.signed()),
                idle: record[0] & IDLE != 0,
            }
        })
    }

    /// Keeps those of which the length in milliseconds is to be kept.
    pub fn retain(&mut self, keep: impl Fn(i64) -> bool) {
        let (mut begin, mut kept) = (0, 0);
        self.count = 0;
        while let Some(len) = self.records.get(begin).map(|first| usize::from(first >> FLAGS)) {
            let record = begin..begin + len;
            begin = record.end;
            if keep(length(&self.records[record.clone()])) {
                self.records.copy_within(record, kept);
                kept += len;
                self.count += 1;
            }
        }
        self.records.truncate(kept);
        // Who has any more will have others.
        if kept == 0 {
            self.records = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn gaps_come_back_as_they_were(
            all in prop::collection::vec(any::<(i64, i64, u16, u64, u64, bool)>(), 0..40),
            seconds: bool,
            first: Option<i64>,
        ) {
            let time = |ms: i64| if seconds { Time::from_secs(ms % (1 << 50)) } else { Time::from_millis(ms) };
            let line = |line: u64| LineRef::new(3, line);
            let gap = |(from, to, source, from_line, to_line, idle): (i64, i64, u16, u64, u64, bool)| Gap {
                from: time(from),
                to: time(to),
                from_line: LineRef::new(source.into(), from_line),
                to_line: line(to_line),
                idle,
            };
            let all: Vec<Gap> = all.into_iter().map(gap).collect();
            let origin = (first.map(time), line(7));
            let mut gaps = Gaps::default();
            all.iter().for_each(|gap| gaps.push(gap, origin));
            prop_assert_eq!(gaps.len(), all.len());
            prop_assert!(gaps.iter(origin).eq(all.iter().copied()));
            let length = |gap: &Gap| gap.to.millis().wrapping_sub(gap.from.millis());
            prop_assert!(gaps.lengths().eq(all.iter().map(length)));
            gaps.retain(|length| length > 0);
            prop_assert!(gaps.iter(origin).eq(all.into_iter().filter(|gap| length(gap) > 0)));
            prop_assert_eq!(gaps.len(), gaps.lengths().count());
        }
    }
}
