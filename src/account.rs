//! One user's sessions together: totals and the ratio timeline.

use crate::session::Counters;
use crate::time::Time;

/// Total bytes; wide enough that no log overflows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Bytes uploaded.
    pub uploaded: u128,
    /// Bytes downloaded.
    pub downloaded: u128,
}

impl Totals {
    /// Adds a credit.
    pub fn add(&mut self, credit: Counters) {
        self.uploaded += u128::from(credit.up);
        self.downloaded += u128::from(credit.down);
    }

    /// Uploaded over downloaded; `None` if nothing was downloaded.
    pub fn ratio(&self) -> Option<f64> {
        (self.downloaded > 0).then(|| self.uploaded as f64 / self.downloaded as f64)
    }
}

/// A user's totals at one time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Point {
    /// When; `None` in a log without times.
    pub at: Option<Time>,
    /// Bytes uploaded by then; as many as 64 bits hold.
    pub uploaded: u64,
    /// Bytes downloaded by then.
    pub downloaded: u64,
}

impl Point {
    fn new(at: Option<Time>, totals: Totals) -> Point {
        let fit = |bytes: u128| u64::try_from(bytes).unwrap_or(u64::MAX);
        Point { at, uploaded: fit(totals.uploaded), downloaded: fit(totals.downloaded) }
    }

    /// Uploaded over downloaded; `None` if nothing was downloaded.
    pub fn ratio(&self) -> Option<f64> {
        (self.downloaded > 0).then(|| self.uploaded as f64 / self.downloaded as f64)
    }
}

/// How a timeline is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Keep {
    /// At most [`Account::POINTS`] points, thinned so that the shape stays.
    #[default]
    Shape,
    /// The last point of each stretch of so many seconds.
    Step(u32),
    /// Every point at which something changed.
    All,
}

/// One user's account.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// What has come together.
    pub totals: Totals,
    /// The time of the last point, whose totals are the present ones.
    last_at: Option<Time>,
    begun: bool,
    /// The points before the last.
    points: Vec<Point>,
}

impl Account {
    /// A timeline grows to at most twice this before it is thinned to this.
    pub const POINTS: usize = 64;

    /// Adds a credit at a time.
    #[inline]
    pub fn credit(&mut self, at: Option<Time>, credit: Counters, keep: Keep) {
        if self.begun && credit == Counters::ZERO {
            return;
        }
        let same_place = at.is_some() && same_slot(self.last_at, at, keep);
        if self.begun && !same_place {
            self.points.push(Point::new(self.last_at, self.totals));
            if keep == Keep::Shape && self.points.len() >= 2 * Self::POINTS {
                thin(&mut self.points, Self::POINTS);
            }
        }
        self.begun = true;
        self.last_at = at;
        self.totals.add(credit);
    }

    /// Reads a little of it, so that it is in the cache when it is needed.
    #[inline]
    pub fn touch(&self) -> u64 {
        self.totals.downloaded as u64 ^ self.points.len() as u64
    }

    /// The timeline: the first and the last point are always there.
    pub fn timeline(&self) -> impl DoubleEndedIterator<Item = Point> {
        let last = self.begun.then(|| Point::new(self.last_at, self.totals));
        self.points.iter().copied().chain(last)
    }
}

fn same_slot(a: Option<Time>, b: Option<Time>, keep: Keep) -> bool {
    match keep {
        Keep::Step(secs) => {
            let slot = |t: Option<Time>| t.map(|t| t.millis().div_euclid(i64::from(secs.max(1)) * 1000));
            slot(a) == slot(b)
        }
        Keep::Shape | Keep::All => a == b,
    }
}

/// Keeps `to` points: the first, the last, and those that are farthest from the straight line between their neighbours,
/// measured against the whole height of each curve.
fn thin(points: &mut Vec<Point>, to: usize) {
    let Some((first, last)) = points.first().zip(points.last()) else { return };
    let per_height = |a: u64, b: u64| 1.0 / (b.saturating_sub(a).max(1) as f64);
    let up = per_height(first.uploaded, last.uploaded);
    let down = per_height(first.downloaded, last.downloaded);
    let x = |at: usize| points[at].at.map_or(at as f64, |t| t.millis() as f64);
    let bend = |at: usize| {
        let (a, b, c) = (&points[at - 1], &points[at], &points[at + 1]);
        let width = x(at + 1) - x(at - 1);
        let share = if width > 0.0 { (x(at) - x(at - 1)) / width } else { 0.5 };
        let off = |a: u64, b: u64, c: u64, scale: f64| (((c - a) as f64 * share - (b - a) as f64) * scale).abs();
        off(a.uploaded, b.uploaded, c.uploaded, up).max(off(a.downloaded, b.downloaded, c.downloaded, down))
    };
    let mut bends: Vec<(f64, usize)> = (1..points.len() - 1).map(|at| (bend(at), at)).collect();
    let farthest_first = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    bends.select_nth_unstable_by(to - 2, farthest_first);
    let mut keep = vec![false; points.len()];
    keep[0] = true;
    keep[points.len() - 1] = true;
    bends[..to - 2].iter().for_each(|&(_, at)| keep[at] = true);
    let mut kept = keep.iter();
    points.retain(|_| kept.next().is_some_and(|keep| *keep));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thinned_timeline_keeps_ends_and_shape() {
        let mut account = Account::default();
        // Slow, then a jump at one moment, then slow again.
        for i in 0..10_000u64 {
            let up = if i == 7_000 { 50_000_000 } else { 1_000 };
            account.credit(Some(Time::from_secs(i as i64)), Counters { up, down: 10 }, Keep::Shape);
        }
        let points: Vec<Point> = account.timeline().collect();
        assert!(points.len() <= 2 * Account::POINTS);
        assert_eq!(points[0].at, Some(Time::from_secs(0)));
        assert_eq!(points.last(), Some(&Point::new(Some(Time::from_secs(9_999)), account.totals)));
        let before = points.iter().rfind(|p| p.at < Some(Time::from_secs(7_000))).unwrap();
        let after = points.iter().find(|p| p.at >= Some(Time::from_secs(7_000))).unwrap();
        let secs = |p: &Point| p.at.unwrap().millis() / 1000;
        assert!(
            secs(after) - secs(before) < 1_000,
            "the jump is still where it was: {} to {}",
            secs(before),
            secs(after)
        );
    }

    #[test]
    fn a_grid_keeps_one_point_a_step() {
        let mut account = Account::default();
        for i in 0..100 {
            account.credit(Some(Time::from_secs(i)), Counters { up: 1, down: 0 }, Keep::Step(10));
        }
        assert_eq!(account.timeline().count(), 10);
        assert_eq!(account.timeline().next().map(|p| p.uploaded), Some(10));
    }
}
