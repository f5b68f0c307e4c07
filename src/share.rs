//! Work on many items, shared among threads.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Fewer items than this are not worth a thread.
const LEAST: usize = 8;
/// The items are cut into so many shares for each thread: some take longer than others.
const SHARES: usize = 16;

/// Cuts `0..len` into ranges, works on them on so many threads, and puts what comes out in their order.
pub fn shared<T: Send>(len: usize, threads: usize, work: impl Fn(Range<usize>) -> Vec<T> + Sync) -> Vec<T> {
    let threads = threads.min(len / LEAST).max(1);
    if threads == 1 {
        return work(0..len);
    }
    let shares = (threads * SHARES).min(len);
    let all = each(shares, threads, |share| work(len * share / shares..len * (share + 1) / shares));
    // No more room than that: there may be as many as sessions.
    let mut done = Vec::with_capacity(all.iter().map(Vec::len).sum());
    all.into_iter().for_each(|share| done.extend(share));
    done
}

/// Works on `0..len`, one by one, on so many threads, and puts what comes out in that order.
pub fn each<T: Send>(len: usize, threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    on_threads(threads.min(len), || {
        let numbers =
            std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed)).take_while(|number| *number < len);
        numbers.map(|number| (number, work(number))).collect()
    })
}

/// Has so many threads work, each until there is nothing left to do, and puts what they bring in the order of its numbers.
pub fn on_threads<T: Send>(threads: usize, work: impl Fn() -> Vec<(usize, T)> + Sync) -> Vec<T> {
    let mut all = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(&work)).collect();
        let mut all = work();
        for other in others {
            // A panic goes on where the result is asked for.
            all.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    });
    all.sort_unstable_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, done)| done).collect()
}

/// Does two things, side by side if there are threads for both.
pub fn both<A: Send, B>(threads: usize, one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    if threads < 2 {
        return (one(), other());
    }
    thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        (one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), other)
    })
}
