//! How far reading has come, on standard error.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Nobody needs to be told of what takes no longer.
const SOON: Duration = Duration::from_millis(500);

/// Between one drawing and the next.
const TICK: Duration = Duration::from_millis(100);

/// A line that shows progress, until it is told to end or dropped. By default there is none.
#[derive(Default)]
pub struct Progress {
    /// Hanging up ends the thread.
    drawing: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

impl Progress {
    /// Shows `done` of `total` bytes; without a total only those done. A thread of its own looks at them now and then, so
    /// that reading takes no longer for it.
    pub fn begin(done: Arc<AtomicU64>, total: Option<u64>) -> Progress {
        let (sender, end) = channel();
        // Without a thread to spare there is work to do all the same.
        let drawing = thread::Builder::new().spawn(move || draw(&done, total, &end)).ok();
        Progress { drawing: Mutex::new(drawing.map(|thread| (sender, thread))) }
    }

    /// Wipes it away, so that others can print.
    pub fn end(&self) {
        let drawing = self.drawing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((sender, thread)) = drawing {
            drop(sender);
            let _ = thread.join();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

fn draw(done: &AtomicU64, total: Option<u64>, end: &Receiver<()>) {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(10)).with_style(style(total));
    let mut wait = SOON;
    while end.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        bar.set_position(done.load(Ordering::Relaxed));
        wait = TICK;
    }
    bar.finish_and_clear();
}

fn style(total: Option<u64>) -> ProgressStyle {
    let template = match total {
        Some(_) => "{bytes} of {total_bytes} [{wide_bar}] {bytes_per_sec}, {eta} left",
        None => "{bytes} read, {bytes_per_sec}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}
