//! One user's sessions together: totals and the ratio timeline.

use crate::session::Counters;
use crate::time::Time;

/// Total bytes of a user; wide enough that no log overflows it.
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
    /// What had come together by then.
    pub totals: Totals,
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
    points: Vec<Point>,
}

impl Account {
    /// A timeline grows to at most twice this before it is thinned to this.
    pub const POINTS: usize = 64;

    /// Adds a credit at a time.
    pub fn credit(&mut self, at: Option<Time>, credit: Counters, keep: Keep) {
        self.totals.add(credit);
        if credit == Counters::ZERO && !self.points.is_empty() {
            return;
        }
        let point = Point { at, totals: self.totals };
        match self.points.last_mut() {
            Some(last) if at.is_some() && same_slot(last.at, at, keep) => {
                // A grid keeps its step's beginning; without one, the moment itself.
                *last = point;
            }
            _ => self.points.push(point),
        }
        if keep == Keep::Shape && self.points.len() >= 2 * Self::POINTS {
            thin(&mut self.points, Self::POINTS);
        }
    }

    /// The timeline: the first and the last point are always there.
    pub fn timeline(&self) -> &[Point] {
        &self.points
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
    let height = |a: u128, b: u128| (b.saturating_sub(a)).max(1) as f64;
    let (up, down) =
        (height(first.totals.uploaded, last.totals.uploaded), height(first.totals.downloaded, last.totals.downloaded));
    let x = |index: usize, p: &Point| p.at.map_or(index as f64, |t| t.millis() as f64);
    let mut bends: Vec<(f64, usize)> = (1..points.len() - 1)
        .map(|i| {
            let (a, b, c) = (&points[i - 1], &points[i], &points[i + 1]);
            let (xa, xb, xc) = (x(i - 1, a), x(i, b), x(i + 1, c));
            let share = if xc > xa { (xb - xa) / (xc - xa) } else { 0.5 };
            let off = |f: fn(&Totals) -> u128, height: f64| {
                let (ya, yb, yc) = (f(&a.totals) as f64, f(&b.totals) as f64, f(&c.totals) as f64);
                ((ya + (yc - ya) * share - yb) / height).abs()
            };
            (off(|t| t.uploaded, up).max(off(|t| t.downloaded, down)), i)
        })
        .collect();
    bends.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut keep = vec![false; points.len()];
    keep[0] = true;
    keep[points.len() - 1] = true;
    for &(_, i) in bends.iter().take(to - 2) {
        keep[i] = true;
    }
    let mut index = 0;
    points.retain(|_| {
        index += 1;
        keep[index - 1]
    });
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
        let points = account.timeline();
        assert!(points.len() < 2 * Account::POINTS);
        assert_eq!(points[0].at, Some(Time::from_secs(0)));
        assert_eq!(points.last().map(|p| (p.at, p.totals)), Some((Some(Time::from_secs(9_999)), account.totals)));
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
        assert_eq!(account.timeline().len(), 10);
        assert_eq!(account.timeline()[0].totals.uploaded, 10);
    }
}
