//! Work on many swarms, shared among threads: the largest first, so that none is left over when all others are done.

use super::flow::Sweep;
use crate::share::on_threads;
use std::cmp::Reverse;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// So many windows are worked on at a time, or as many as one swarm has alone: each takes some 40 bytes.
const MOST: usize = 1 << 20;
/// What has fewer is always worked on.
const SMALL: usize = 1 << 15;

/// Works on swarms with about so many windows each, with room to sweep in, on so many threads. What comes out is in their order.
pub fn swept<T: Send>(windows: &[usize], threads: usize, work: impl Fn(usize, &mut Sweep) -> T + Sync) -> Vec<T> {
    let (queue, changed) = (Mutex::new(Queue::new(windows)), Condvar::new());
    on_threads(threads.min(windows.len()), || {
        let (mut done, mut sweep) = (Vec::new(), Sweep::default());
        loop {
            let free = changed.wait_while(lock(&queue), |queue| queue.must_wait(windows));
            let Some(at) = free.unwrap_or_else(PoisonError::into_inner).take(windows) else { return done };
            let _room = (windows[at] > SMALL).then(|| Room { queue: &queue, changed: &changed, windows: windows[at] });
            done.push((at, work(at, &mut sweep)));
        }
    })
}

/// Room that a large swarm takes until this is dropped, even by a panic: others wait for it.
struct Room<'a> {
    queue: &'a Mutex<Queue>,
    changed: &'a Condvar,
    windows: usize,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        lock(self.queue).taken -= self.windows;
        self.changed.notify_all();
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Swarms that nobody works on yet.
struct Queue {
    /// The largest first.
    large: Vec<usize>,
    /// The smallest first.
    small: Vec<usize>,
    /// Of large ones, so many windows may be worked on at a time...
    most: usize,
    /// ...and so many are now.
    taken: usize,
}

impl Queue {
    fn new(windows: &[usize]) -> Queue {
        let mut large: Vec<usize> = (0..windows.len()).collect();
        large.sort_by_key(|at| Reverse(windows[*at]));
        let mut small = large.split_off(large.partition_point(|at| windows[*at] > SMALL));
        small.reverse();
        let most = large.first().map_or(0, |largest| windows[*largest]).max(MOST);
        Queue { large, small, most, taken: 0 }
    }

    /// The largest for which there is room, by its place among the large ones.
    fn fitting(&self, windows: &[usize]) -> Option<usize> {
        self.large.iter().position(|at| self.taken + windows[*at] <= self.most)
    }

    /// Whether there is something left, but room for it only when another is done.
    fn must_wait(&self, windows: &[usize]) -> bool {
        !self.large.is_empty() && self.small.is_empty() && self.fitting(windows).is_none()
    }

    fn take(&mut self, windows: &[usize]) -> Option<usize> {
        let Some(fitting) = self.fitting(windows) else { return self.small.pop() };
        let at = self.large.remove(fitting);
        self.taken += windows[at];
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    proptest! {
        #[test]
        fn each_is_worked_on_once_and_not_too_many_at_a_time(
            windows in prop::collection::vec(prop_oneof![0..100usize, SMALL..MOST + 10, MOST / 3..MOST / 2], 0..40),
            threads in 1..5usize,
        ) {
            let most = windows.iter().copied().max().unwrap_or(0).max(MOST);
            let (taken, worked) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let done = swept(&windows, threads, |at, _| {
                let large = windows[at] > SMALL;
                let all = taken.fetch_add(if large { windows[at] } else { 0 }, Ordering::SeqCst) + windows[at];
                worked.fetch_add(1, Ordering::SeqCst);
                thread::yield_now();
                taken.fetch_sub(if large { windows[at] } else { 0 }, Ordering::SeqCst);
                (at, !large || all <= most)
            });
            prop_assert_eq!(done, (0..windows.len()).map(|at| (at, true)).collect::<Vec<_>>());
            prop_assert_eq!(worked.into_inner(), windows.len());
        }
    }
}
