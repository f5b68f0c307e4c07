//! Work on many items, shared among threads.

use std::ops::Range;
use std::thread;

/// Fewer items than this are not worth a thread.
const LEAST: usize = 64;

/// Cuts `0..len` into a range for each thread, works on all of them at once, and puts what comes out in their order.
pub fn shared<T: Send>(len: usize, threads: usize, work: impl Fn(Range<usize>) -> Vec<T> + Sync) -> Vec<T> {
    let shares = threads.min(len / LEAST).max(1);
    let share = |n: usize| len * n / shares..len * (n + 1) / shares;
    thread::scope(|scope| {
        let work = &work;
        let others: Vec<_> = (1..shares).map(|n| scope.spawn(move || work(share(n)))).collect();
        let mut all = work(share(0));
        for other in others {
            // A panic goes on where the result is asked for.
            all.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    })
}
