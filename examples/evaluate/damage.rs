//! What happens to logs before anybody reads them.

use crate::clients::chance::Chance;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

/// A way of spoiling a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Damage {
    None,
    /// So many percent of the lines are lost, at random.
    Loss(u64),
    /// Whole hours are lost, one in a day on average.
    Holes,
    /// A fifth of all peers lose their last lines.
    Tails,
    /// A fifth of all lines stand there twice.
    Doubled,
    /// Lines are up to two minutes before or behind their time.
    Reordered,
    /// A seventh of the time is lost at either end.
    Cut,
    /// Escapes are in lower case, as some front ends write them.
    LowerCased,
    /// No user agent was logged.
    NoAgent,
}

impl Damage {
    pub const ALL: [(Damage, &'static str); 11] = [
        (Damage::None, "none"),
        (Damage::Loss(5), "loss-5"),
        (Damage::Loss(15), "loss-15"),
        (Damage::Loss(30), "loss-30"),
        (Damage::Holes, "holes"),
        (Damage::Tails, "tails"),
        (Damage::Doubled, "doubled"),
        (Damage::Reordered, "reordered"),
        (Damage::Cut, "cut"),
        (Damage::LowerCased, "lower-cased"),
        (Damage::NoAgent, "no-agent"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(damage, _)| *damage == self).map_or("", |(_, name)| name)
    }

    /// Writes the log as it is after the damage.
    pub fn apply(self, log: &Path, to: &Path, seed: u64) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(to)?);
        let mut chance = Chance::of(seed, 4711, 0);
        let ends = if self == Damage::Tails { tails(log, &mut chance)? } else { HashMap::new() };
        let (first, last) = if self == Damage::Cut { span(log)? } else { (0, 0) };
        let mut seen: HashMap<u64, u32> = HashMap::new();
        let mut waiting = BinaryHeap::new();
        let mut number = 0;
        each_line(log, |line| {
            number += 1;
            match self {
                Damage::None => out.write_all(line),
                Damage::Loss(percent) if chance.below(100) < percent => Ok(()),
                Damage::Loss(_) => out.write_all(line),
                Damage::Holes if Chance::of(seed, 4712, time(line) / 3600).once_in(24) => Ok(()),
                Damage::Holes => out.write_all(line),
                Damage::Tails => {
                    let peer = identity(line);
                    let nth = seen.entry(peer).or_default();
                    *nth += 1;
                    if ends.get(&peer).is_some_and(|end| *nth > *end) { Ok(()) } else { out.write_all(line) }
                }
                Damage::Doubled => {
                    out.write_all(line)?;
                    if chance.once_in(5) { out.write_all(line) } else { Ok(()) }
                }
                Damage::Reordered => {
                    let now = time(line);
                    waiting.push(Reverse((now + chance.below(241), number, line.to_vec())));
                    while let Some(Reverse((due, ..))) = waiting.peek()
                        && *due < now
                    {
                        let Some(Reverse((_, _, line))) = waiting.pop() else { break };
                        out.write_all(&line)?;
                    }
                    Ok(())
                }
                Damage::Cut => {
                    let (time, edge) = (time(line), (last - first) / 7);
                    if first + edge <= time && time < last - edge { out.write_all(line) } else { Ok(()) }
                }
                Damage::LowerCased => out.write_all(&lower_cased(line)),
                Damage::NoAgent => {
                    let agent = line.windows(2).rposition(|two| two == b" \"").unwrap_or(line.len());
                    out.write_all(&line[..agent])?;
                    out.write_all(b" \"-\"\n")
                }
            }
        })?;
        while let Some(Reverse((_, _, line))) = waiting.pop() {
            out.write_all(&line)?;
        }
        out.flush()
    }
}

fn each_line(log: &Path, mut with: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut lines = BufReader::with_capacity(1 << 20, File::open(log)?);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        with(&line)?;
        line.clear();
    }
    Ok(())
}

/// For each peer that loses its tail, how many of its lines are left.
fn tails(log: &Path, chance: &mut Chance) -> io::Result<HashMap<u64, u32>> {
    let mut counts: HashMap<u64, u32> = HashMap::new();
    let mut order = Vec::new();
    each_line(log, |line| {
        let peer = identity(line);
        let count = counts.entry(peer).or_default();
        if *count == 0 {
            order.push(peer);
        }
        *count += 1;
        Ok(())
    })?;
    let mut ends = HashMap::new();
    for peer in order {
        if chance.once_in(5) {
            ends.insert(peer, counts[&peer].saturating_sub(chance.between((1, 5))));
        }
    }
    Ok(ends)
}

/// Times of the first and the last line.
fn span(log: &Path) -> io::Result<(u64, u64)> {
    let (mut first, mut last) = (u64::MAX, 0);
    each_line(log, |line| {
        (first, last) = (first.min(time(line)), last.max(time(line)));
        Ok(())
    })?;
    Ok((first, last))
}

/// The passkey and the peer id as they are written, mixed to a number.
fn identity(line: &[u8]) -> u64 {
    let from = memchr::memmem::find(line, b"peer_id=").unwrap_or(0);
    let peer = line[from..].split(|byte| matches!(byte, b'&' | b' ')).next().unwrap_or_default();
    let path = memchr::memmem::find(line, b"\"GET /").unwrap_or(0);
    let passkey = &line[path..(path + 38).min(line.len())];
    // FNV-1a.
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    passkey.iter().chain(peer).fold(0xcbf2_9ce4_8422_2325, mix)
}

/// Seconds since the beginning of the month before: all that is needed here.
fn time(line: &[u8]) -> u64 {
    let Some(at) = memchr::memchr(b'[', line) else { return 0 };
    let Some(text) = line.get(at + 1..at + 21) else { return 0 };
    let two = |at: usize| u64::from(text[at].wrapping_sub(b'0')) * 10 + u64::from(text[at + 1].wrapping_sub(b'0'));
    // The simulation begins in a November; what comes later does so by months of 31 days at most.
    let month = match &text[3..6] {
        b"Nov" => 0,
        b"Dec" => 30,
        b"Jan" => 61,
        b"Feb" => 92,
        _ => 120,
    };
    (month + two(0)) * 86_400 + two(12) * 3600 + two(15) * 60 + two(18)
}

fn lower_cased(line: &[u8]) -> Vec<u8> {
    let mut line = line.to_vec();
    for at in 0..line.len().saturating_sub(2) {
        if line[at] == b'%' {
            line[at + 1..at + 3].make_ascii_lowercase();
        }
    }
    line
}
