//! Who may work on a large swarm.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// So many windows are worked on at a time, unless one swarm alone has more: each takes some 40 bytes.
const MOST: usize = 1 << 20;
/// What has fewer need not wait.
const SMALL: usize = 1 << 15;

/// How many windows are worked on now.
#[derive(Default)]
pub struct Turns {
    taken: Mutex<usize>,
    changed: Condvar,
}

/// So many of them, until this is dropped.
struct Turn<'a> {
    turns: &'a Turns,
    windows: usize,
}

impl Turns {
    /// Works on a swarm with so many windows, as soon as there is room for it.
    pub fn take<T>(&self, windows: usize, work: impl FnOnce() -> T) -> T {
        let _turn = (windows > SMALL).then(|| self.wait(windows));
        work()
    }

    fn wait(&self, windows: usize) -> Turn<'_> {
        let no_room = |taken: &mut usize| *taken > 0 && *taken + windows > MOST;
        *self.changed.wait_while(self.lock(), no_room).unwrap_or_else(PoisonError::into_inner) += windows;
        Turn { turns: self, windows }
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.turns.lock() -= self.windows;
        self.turns.changed.notify_all();
    }
}
