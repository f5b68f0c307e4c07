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
    /// later (libtorrent keeps 300 s, rtorrent 600 s): so it is where the shortest tenth of the time spent in silences
    /// ends, moved to the commonest silence nearby.
    pub fn interval(&self) -> (u32, IntervalFrom) {
        let weight = |secs: usize| secs as u64 * u64::from(self.count[secs]);
        let total: u64 = (0..self.count.len()).map(weight).sum();
        let mut sum = 0;
        let tenth = (0..self.count.len()).find(|&secs| {
            sum += weight(secs);
            sum > 0 && sum * 10 >= total
        });
        let Some(tenth) = tenth.filter(|_| total > 0) else {
            return (Self::USUAL, IntervalFrom::Default);
        };
        let near = tenth - tenth / 10..=(tenth + tenth / 10).max(tenth + 1).min(Self::LONGEST);
        let enough = near.clone().map(|secs| u64::from(self.count[secs])).sum::<u64>() >= Self::ENOUGH;
        let mode = near.rev().max_by_key(|&secs| self.count[secs]).unwrap_or(tenth);
        if enough && mode > 0 { (mode as u32, IntervalFrom::Inferred) } else { (Self::USUAL, IntervalFrom::Default) }
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
        assert_eq!(inferred(&[(1800, 3)]), (1800, IntervalFrom::Default));
        assert_eq!(inferred(&[(0, 100)]).1, IntervalFrom::Default);
    }
}
