//! The announce interval, inferred from how long clients are silent.

/// Silences before plain announces, by whole seconds, weighted by their length: a client that announces sixty times as
/// often as the others counts no more than they do.
#[derive(Clone, Debug)]
pub struct Silences {
    count: Vec<u32>,
}

impl Default for Silences {
    fn default() -> Self {
        Silences { count: vec![0; Self::LONGEST + 1] }
    }
}

/// Where an interval comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IntervalFrom {
    /// The command line.
    Given,
    /// The log.
    Inferred,
    /// The log has too few silences, or no times: half an hour is assumed, as most trackers have it.
    Default,
}

impl IntervalFrom {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            IntervalFrom::Given => "given",
            IntervalFrom::Inferred => "inferred",
            IntervalFrom::Default => "default",
        }
    }
}

impl Silences {
    /// Longer silences say nothing about the interval.
    const LONGEST: usize = 4 * 3600;
    /// Fewer silences around the candidate prove nothing.
    const ENOUGH: u64 = 8;
    /// Most trackers': half an hour.
    const USUAL: u32 = 1800;

    /// Notes a silence, in seconds.
    #[inline]
    pub fn note(&mut self, secs: u32) {
        if let Some(count) = self.count.get_mut(secs as usize) {
            *count = count.saturating_add(1);
        }
    }

    /// Adds the silences noted elsewhere.
    pub fn merge(&mut self, other: &Silences) {
        for (mine, theirs) in self.count.iter_mut().zip(&other.count) {
            *mine = mine.saturating_add(*theirs);
        }
    }

    /// The interval in seconds. No client announces regularly before the tracker's interval is over, though many do so
    /// later (libtorrent keeps 300 s, rtorrent 600 s): so it is the shortest silence around which (10 % to either side) a
    /// sixth of all the time spent in silences lies. Forced announces make many silences, but little time.
    pub fn interval(&self) -> (u32, IntervalFrom) {
        let weight = |secs: usize| secs as u64 * u64::from(self.count[secs]);
        let total: u64 = (0..self.count.len()).map(weight).sum();
        let around = |secs: usize| secs - secs / 10..=(secs + secs / 10).max(secs + 1).min(Self::LONGEST);
        let heavy = |secs: &usize| {
            let near = || around(*secs);
            near().map(weight).sum::<u64>() * 6 >= total
                && near().map(|secs| u64::from(self.count[secs])).sum::<u64>() >= Self::ENOUGH
        };
        let candidates = (1..self.count.len()).filter(|&secs| self.count[secs] > 0);
        let found = if total > 0 { { candidates }.find(heavy) } else { None };
        let mode = found.and_then(|secs| around(secs).rev().max_by_key(|&secs| self.count[secs]));
        mode.map_or((Self::USUAL, IntervalFrom::Default), |secs| (secs as u32, IntervalFrom::Inferred))
    }
}

/// The peer timeout that follows from an interval, in seconds: two and a half intervals, so that one lost announce
/// delists nobody, and not less than a quarter of an hour, since rtorrent is silent for ten minutes whatever the tracker
/// asks for.
pub fn timeout_of(interval: u32) -> u32 {
    (interval.saturating_mul(5) / 2).max(900)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inferred(silences: &[(u32, usize)]) -> (u32, IntervalFrom) {
        let mut noted = Silences::default();
        for &(secs, times) in silences {
            (0..times).for_each(|_| noted.note(secs));
        }
        noted.interval()
    }

    #[test]
    fn the_trackers_interval_is_found_among_the_clients() {
        assert_eq!(inferred(&[(1800, 50), (1801, 20), (3600, 4), (13, 20)]), (1800, IntervalFrom::Inferred));
        assert_eq!(inferred(&[(20, 40), (30, 60), (300, 6)]), (20, IntervalFrom::Inferred));
        // One client floods: sixty times as many announces, but no more time.
        assert_eq!(inferred(&[(1800, 480), (30, 1440)]).0, 1800);
        // Somebody presses `force reannounce`.
        assert_eq!(inferred(&[(60, 13), (13, 5), (12, 4), (10, 3), (11, 3)]).0, 60);
        // A tracker that asks for anything between half an hour and an hour.
        let spread: Vec<(u32, usize)> = (1800..3600).map(|secs| (secs, 1)).collect();
        assert!((1800..2400).contains(&inferred(&spread).0));
        assert_eq!(inferred(&[(1800, 3)]), (1800, IntervalFrom::Default));
        assert_eq!(inferred(&[(0, 100)]).1, IntervalFrom::Default);
    }
}
