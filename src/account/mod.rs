//! One user's sessions together: totals and the ratio timeline.

mod history;

pub use history::Histories;

use crate::session::Counters;
use crate::time::Time;
use history::{Credit, History};
use prefetch_index::prefetch_index;
use std::{iter, slice};

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

/// One user's account. Credits come in the order of their times for each of the user's peers, but not across them. What was credited
/// when lies in [`Histories`], which are to be the same ones always.
#[derive(Clone, Debug)]
pub struct Account {
    /// What has come together.
    pub totals: Totals,
    /// The first time anything was heard of the user; [`NEVER`] before that.
    first_at: Option<Time>,
    /// What was credited when.
    history: History,
}

/// Later than anything.
const NEVER: Option<Time> = Some(Time::LAST);

impl Default for Account {
    fn default() -> Account {
        Account { totals: Totals::default(), first_at: NEVER, history: History::default() }
    }
}

impl Account {
    /// A timeline grows to at most twice this before it is thinned to this.
    pub const POINTS: usize = 64;

    /// Adds a credit at a time.
    #[inline]
    pub fn credit(&mut self, at: Option<Time>, credit: Counters, keep: Keep, all: &mut Histories) {
        self.first_at = self.first_at.min(at);
        if credit == Counters::ZERO {
            return;
        }
        self.totals.add(credit);
        match self.history.last().filter(|last| at.is_some() && same_place(last.0, at, keep)) {
            Some(last) => self.history.amend_last((last.0.max(at), last.1.plus(credit))),
            None => self.history.push((at, credit), all),
        }
        if keep == Keep::Shape && self.history.len() >= 2 * Self::POINTS {
            self.thin(all);
        }
    }

    #[cold]
    fn thin(&mut self, all: &mut Histories) {
        let mut credits = self.history.credits(all);
        thin(&mut credits, Self::POINTS);
        self.history.set(&credits, all);
    }

    /// Has the cache fetch it.
    #[inline]
    pub fn fetch(&self) {
        // Where it begins, and where it ends.
        prefetch_index(slice::from_ref(self), 0);
        prefetch_index(slice::from_ref(self), 1);
    }

    /// Has the cache fetch the end of its timeline.
    #[inline]
    pub fn fetch_end(&self, all: &Histories) {
        self.history.fetch_end(all);
    }

    /// The timeline: the first and the last point are always there.
    pub fn timeline(&self, keep: Keep, all: &Histories) -> impl DoubleEndedIterator<Item = Point> + use<> {
        let mut credits = self.history.credits(all);
        put_in_order(&mut credits, keep);
        self.points(credits, keep).into_iter()
    }

    /// The timeline's shape in about so many points, and not more than one above.
    pub fn outline(&self, most: usize, all: &Histories) -> Vec<Point> {
        let mut credits = self.history.credits(all);
        thin(&mut credits, most.max(2));
        self.points(credits, Keep::Shape)
    }

    fn points(&self, mut credits: Vec<Credit>, keep: Keep) -> Vec<Point> {
        let begins_there = |first: &Credit| first.0.is_some() && same_place(first.0, self.first_at, keep);
        let begins_before = self.first_at != NEVER && !credits.first().is_some_and(begins_there);
        if begins_before {
            credits.insert(0, (self.first_at, Counters::ZERO));
        }
        let mut sum = Counters::ZERO;
        let point = |(at, credit): Credit| {
            sum = sum.plus(credit);
            Point { at, uploaded: sum.up, downloaded: sum.down }
        };
        credits.into_iter().map(point).collect()
    }
}

fn same_place(a: Option<Time>, b: Option<Time>, keep: Keep) -> bool {
    match keep {
        Keep::Step(secs) => {
            let place = |t: Option<Time>| t.map(|t| t.millis().div_euclid(i64::from(secs.max(1)) * 1000));
            place(a) == place(b)
        }
        Keep::Shape | Keep::All => a == b,
    }
}

/// Sorts credits by time, and makes those of one place one.
fn put_in_order(credits: &mut Vec<Credit>, keep: Keep) {
    // No time is earlier than any.
    let when = |credit: &Credit| credit.0.map_or(i64::MIN, Time::millis);
    if credits.is_sorted_by_key(when) && !matches!(keep, Keep::Step(_)) {
        return;
    }
    if credits.len() <= 2 * Account::POINTS {
        // Few of them are far from their places, so that moving these is quicker than any sort.
        for at in 1..credits.len() {
            let credit = credits[at];
            let mut place = at;
            while place > 0 && when(&credits[place - 1]) > when(&credit) {
                credits[place] = credits[place - 1];
                place -= 1;
            }
            credits[place] = credit;
        }
    } else {
        credits.sort_by_key(when);
    }
    credits.dedup_by(|next, kept| {
        let same = next.0.is_some() && same_place(kept.0, next.0, keep);
        if same {
            *kept = (next.0, kept.1.plus(next.1));
        }
        same
    });
}

/// Keeps `to` credits: the first, the last, and those where the curves are farthest from the straight line between their
/// neighbours, measured against the whole height of each. What is left out goes to the next one that stays, so that the
/// sums there are right.
fn thin(credits: &mut Vec<Credit>, to: usize) {
    put_in_order(credits, Keep::Shape);
    if credits.len() <= to {
        return;
    }
    let whole = credits.iter().skip(1).fold(Counters::ZERO, |sum, credit| sum.plus(credit.1));
    let (up, down) = (1.0 / (whole.up.max(1) as f64), 1.0 / (whole.down.max(1) as f64));
    let place = |(at, credit): (usize, &Credit)| {
        let x = credit.0.map_or(at as f64, |t| t.millis() as f64);
        [x, credit.1.up as f64, credit.1.down as f64]
    };
    // How far the sum at a point is off the line from the one before to the one after.
    let bend = |[before, here, next]: [[f64; 3]; 3]| {
        let width = next[0] - before[0];
        let share = if width > 0.0 { (here[0] - before[0]) / width } else { 0.5 };
        let off = |of: usize, scale: f64| (((here[of] + next[of]) * share - here[of]) * scale).abs();
        off(1, up).max(off(2, down))
    };
    let mut places = credits.iter().enumerate().map(place);
    let (mut before, mut here) = (places.next().unwrap_or_default(), places.next().unwrap_or_default());
    let bends = places.map(|next| {
        let around = [before, here, next];
        (before, here) = (here, next);
        // Nothing is below 0, so what is farther has the larger bits.
        bend(around).to_bits()
    });
    let bends: Vec<u64> = bends.collect();
    let mut ranked = bends.clone();
    let between = to - 2;
    let limit = *ranked.select_nth_unstable(bends.len() - 1 - between).1;
    // Of those that are just at the limit, the first ones.
    let mut level = between - bends.iter().filter(|bend| **bend > limit).count();
    // The first and the last one have none.
    let mut bends = iter::once(None).chain(bends.into_iter().map(Some));
    let mut left_out = Counters::ZERO;
    credits.retain_mut(|credit| {
        let stays = bends.next().flatten().is_none_or(|bend| {
            let is_level = bend == limit && level > 0;
            level -= usize::from(is_level);
            bend > limit || is_level
        });
        let sum = left_out.plus(credit.1);
        if stays {
            credit.1 = sum;
        }
        left_out = if stays { Counters::ZERO } else { sum };
        stays
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thinned_timeline_keeps_ends_and_shape() {
        let (mut account, mut all) = (Account::default(), Histories::default());
        // Slow, then a jump at one moment, then slow again.
        for i in 0..10_000u64 {
            let up = if i == 7_000 { 50_000_000 } else { 1_000 };
            account.credit(Some(Time::from_secs(i as i64)), Counters { up, down: 10 }, Keep::Shape, &mut all);
        }
        let points: Vec<Point> = account.timeline(Keep::Shape, &all).collect();
        assert!(points.len() <= 2 * Account::POINTS);
        assert_eq!(points[0].at, Some(Time::from_secs(0)));
        let last = points[points.len() - 1];
        assert_eq!((last.at, u128::from(last.uploaded)), (Some(Time::from_secs(9_999)), account.totals.uploaded));
        for point in &points {
            let secs = point.at.unwrap().millis() / 1000;
            assert_eq!(point.downloaded as i64, (secs + 1) * 10, "the sums that stay are right");
        }
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
        let (mut account, mut all) = (Account::default(), Histories::default());
        for i in 0..100 {
            account.credit(Some(Time::from_secs(i)), Counters { up: 1, down: 0 }, Keep::Step(10), &mut all);
        }
        assert_eq!(account.timeline(Keep::Step(10), &all).count(), 10);
        assert_eq!(account.timeline(Keep::Step(10), &all).next().map(|p| p.uploaded), Some(10));
    }

    #[test]
    fn credits_of_several_peers_come_as_they_like() {
        let (mut straight, mut mixed, mut all) = (Account::default(), Account::default(), Histories::default());
        let credits: Vec<(i64, u64)> = (0..50).map(|n| (n * 7 % 50 + 1, n as u64)).collect();
        let mut sorted = credits.clone();
        sorted.sort();
        for (account, credits) in [(&mut straight, sorted), (&mut mixed, credits)] {
            for (at, up) in credits {
                account.credit(Some(Time::from_secs(at)), Counters { up, down: 1 }, Keep::Shape, &mut all);
            }
        }
        assert!(straight.timeline(Keep::Shape, &all).eq(mixed.timeline(Keep::Shape, &all)));
    }
}
