//! What moved when: announces and bytes over time, of the whole log and of each torrent, in bounded memory.

use crate::announce::InfoHash;
use crate::replay::{Listener, Step};
use crate::session::Transition;
use crate::time::Time;
use std::collections::HashMap;

/// What happened in a stretch of time.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Moment {
    /// Announces that the tracker took, without copies.
    pub announces: u64,
    /// Bytes credited as uploaded.
    pub up: u64,
    /// Bytes credited as downloaded.
    pub down: u64,
}

impl Moment {
    fn plus(self, other: Moment) -> Moment {
        Moment {
            announces: self.announces + other.announces,
            up: self.up.saturating_add(other.up),
            down: self.down.saturating_add(other.down),
        }
    }
}

/// Moments on a grid that grows coarser as the time it covers grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curve {
    /// Seconds from one to the next: a power of two, so that grids can be put on each other.
    width: i64,
    /// Which of the grid's stretches since the epoch the first is.
    first: i64,
    moments: Vec<Moment>,
    most: usize,
}

impl Curve {
    /// An empty curve of at most so many moments.
    pub fn new(most: usize) -> Curve {
        Curve { width: 1, first: 0, moments: Vec::new(), most: most.max(2) }
    }

    /// Seconds between the beginnings of two moments.
    pub fn width(&self) -> i64 {
        self.width
    }

    /// The moments in order, each with the second at which it begins. Those in which nothing happened are there as well.
    pub fn moments(&self) -> impl ExactSizeIterator<Item = (i64, Moment)> {
        self.moments.iter().enumerate().map(|(at, moment)| ((self.first + at as i64) * self.width, *moment))
    }

    fn add(&mut self, second: i64, moment: Moment) {
        if self.moments.is_empty() {
            self.first = second.div_euclid(self.width);
        }
        let mut place = second.div_euclid(self.width);
        let end = |curve: &Curve| curve.first + curve.moments.len() as i64;
        while place.max(end(self) - 1) - place.min(self.first) >= self.most as i64 {
            self.widen();
            place = second.div_euclid(self.width);
        }
        if place < self.first {
            let missing = (self.first - place) as usize;
            self.moments.splice(0..0, std::iter::repeat_n(Moment::default(), missing));
            self.first = place;
        }
        let at = (place - self.first) as usize;
        if at >= self.moments.len() {
            self.moments.resize(at + 1, Moment::default());
        }
        self.moments[at] = self.moments[at].plus(moment);
    }

    /// Twice the width, so half as many.
    fn widen(&mut self) {
        let first = self.first.div_euclid(2);
        let mut moments = vec![Moment::default(); self.moments.len() / 2 + 1];
        for (at, moment) in self.moments.iter().enumerate() {
            let to = ((self.first + at as i64).div_euclid(2) - first) as usize;
            moments[to] = moments[to].plus(*moment);
        }
        if moments.last() == Some(&Moment::default()) {
            moments.pop();
        }
        (self.width, self.first, self.moments) = (self.width * 2, first, moments);
    }

    fn merge(&mut self, other: &Curve) {
        while self.width < other.width {
            self.widen();
        }
        for (second, moment) in other.moments().filter(|(_, moment)| *moment != Moment::default()) {
            self.add(second, moment);
        }
    }
}

/// The whole log's curve, and that of each torrent.
#[derive(Clone, Debug)]
pub struct Curves {
    /// All torrents together.
    pub all: Curve,
    /// Each by itself; those of a log with very many torrents are not all there.
    pub torrents: HashMap<InfoHash, Curve>,
}

impl Curves {
    /// Puts together what several engines gave.
    pub fn of(pulses: impl IntoIterator<Item = Pulse>) -> Curves {
        let mut curves = Curves { all: Curve::new(Pulse::MOST), torrents: HashMap::new() };
        for pulse in pulses {
            curves.all.merge(&pulse.all);
            for (info_hash, curve) in pulse.torrents.into_iter().filter(|(_, curve)| !curve.moments.is_empty()) {
                curves.torrents.entry(info_hash).and_modify(|known| known.merge(&curve)).or_insert(curve);
            }
        }
        curves
    }
}

/// Listens to an engine, and keeps the pulse of the log.
#[derive(Clone, Debug)]
pub struct Pulse {
    all: Curve,
    /// By the torrent's number in the engine.
    torrents: Vec<(InfoHash, Curve)>,
}

impl Pulse {
    /// Moments kept of the whole log.
    const MOST: usize = 4096;
    /// Moments kept of a torrent.
    const OF_TORRENT: usize = 64;
    /// Torrents kept, of each engine: memory stays bounded, whatever a log is made of.
    const TORRENTS: usize = 32_768;
}

impl Default for Pulse {
    fn default() -> Self {
        Pulse { all: Curve::new(Pulse::MOST), torrents: Vec::new() }
    }
}

impl Listener for Pulse {
    type Kept = ();

    fn applied(&mut self, step: &Step<'_>, _: &mut ()) {
        let Some(second) = step.said.at.map(|at: Time| at.millis().div_euclid(1000)) else { return };
        if step.transition == Transition::Duplicate {
            return;
        }
        let moment = Moment { announces: 1, up: step.credit.up, down: step.credit.down };
        self.all.add(second, moment);
        let torrent = step.session.torrent as usize;
        if torrent >= self.torrents.len() && torrent < Pulse::TORRENTS {
            let empty = || (InfoHash([0; 20]), Curve::new(Pulse::OF_TORRENT));
            self.torrents.resize_with(torrent + 1, empty);
        }
        if let Some((info_hash, curve)) = self.torrents.get_mut(torrent) {
            *info_hash = *step.info_hash;
            curve.add(second, moment);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_is_lost_and_order_does_not_matter(
            seconds in proptest::collection::vec(-5_000_000i64..50_000_000, 1..200),
            cut in 0usize..200,
        ) {
            let curve = |seconds: &[i64]| {
                let mut curve = Curve::new(16);
                seconds.iter().for_each(|s| curve.add(*s, Moment { announces: 1, up: 3, down: 5 }));
                curve
            };
            let whole = curve(&seconds);
            prop_assert!(whole.moments().len() <= 16);
            let sum = whole.moments().fold(Moment::default(), |sum, (_, moment)| sum.plus(moment));
            let n = seconds.len() as u64;
            prop_assert_eq!(sum, Moment { announces: n, up: 3 * n, down: 5 * n });
            let (first, last) = (seconds.iter().min().unwrap(), seconds.iter().max().unwrap());
            let (begin, end) = (whole.moments().next().unwrap().0, whole.moments().last().unwrap().0);
            prop_assert!(begin <= *first && *first < begin + whole.width());
            prop_assert!(end <= *last && *last < end + whole.width());
            // However the lines were dealt out.
            let (one, other) = seconds.split_at(cut.min(seconds.len()));
            let mut dealt = Curve::new(16);
            dealt.merge(&curve(one));
            dealt.merge(&curve(other));
            prop_assert_eq!(dealt.moments().collect::<Vec<_>>(), whole.moments().collect::<Vec<_>>());
        }
    }
}
