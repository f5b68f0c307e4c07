//! How much of what was sent can have been received: a maximum flow between windows of time.
//!
//! Whoever sent in a window can have sent to whoever received in a window that touches it. The sweep goes through time; a
//! window that ends is served by the windows of the other side that are open then, those that end first before the
//! others. Who is still open will have at least the partners that a window which ends first has: so nothing is lost by
//! serving in that order, and what remains is what no assignment could have served.

/// A window in which a user sent or received. There are as many as announces: it is kept small.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Its first second, since whenever all windows count from.
    pub from: u32,
    /// Its last second.
    pub to: u32,
    /// Granules of bytes: up to 64 TiB, which is more than anybody moves between two announces.
    pub bytes: u32,
    /// The user's number and two marks.
    who: u32,
}

impl Window {
    /// Nobody says that anything was received then.
    const SECRET: u32 = 1 << 31;
    /// The user has several clients in the swarm: one may have sent to the other.
    const DOUBLED: u32 = 1 << 30;

    /// A window of a user in which so much moved.
    pub fn new(user: u32, from: u32, to: u32, bytes: u32) -> Window {
        Window { from, to, bytes, who: user & (Self::DOUBLED - 1) }
    }

    /// The user, by number.
    pub fn user(&self) -> u32 {
        self.who & (Self::DOUBLED - 1)
    }

    /// The same, received in secret.
    pub fn in_secret(self) -> Window {
        Window { who: self.who | Self::SECRET, ..self }
    }

    /// Whether nobody says that anything was received then.
    pub fn is_secret(&self) -> bool {
        self.who & Self::SECRET != 0
    }

    /// Notes that the user may have received it from himself.
    pub fn double(&mut self) {
        self.who |= Self::DOUBLED;
    }

    fn can_be_from(&self, user: u32) -> bool {
        self.who & Self::DOUBLED != 0 || self.user() != user
    }
}

/// Windows in the order of their beginnings, and in that of their ends.
#[derive(Default)]
pub struct Side {
    windows: Vec<Window>,
    /// Places of the windows, in the order of their ends.
    by_end: Vec<u32>,
    /// Where each window stands in that order.
    rank: Vec<u32>,
    /// How long the longest one is.
    longest: u32,
}

impl Side {
    /// Of some windows, in whatever order.
    pub fn new(mut windows: Vec<Window>) -> Side {
        windows.sort_unstable_by_key(|window| (u64::from(window.from) << 32 | u64::from(window.to), window.who));
        let mut ends: Vec<u64> =
            windows.iter().zip(0u32..).map(|(window, at)| u64::from(window.to) << 32 | u64::from(at)).collect();
        ends.sort_unstable();
        let by_end: Vec<u32> = ends.into_iter().map(|end| end as u32).collect();
        let mut rank = vec![0; windows.len()];
        for (place, &at) in (0u32..).zip(&by_end) {
            rank[at as usize] = place;
        }
        let longest = windows.iter().map(|window| window.to.saturating_sub(window.from)).max().unwrap_or(0);
        Side { windows, by_end, rank, longest }
    }

    /// The windows in the order of their beginnings.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    fn end(&self, place: usize) -> u32 {
        self.windows[self.by_end[place] as usize].to
    }
}

/// Some of the numbers below a limit; the next one after any is found at once.
#[derive(Default)]
struct Open {
    words: Vec<u64>,
    /// A bit for each word that is not 0.
    summary: Vec<u64>,
    count: usize,
}

impl Open {
    fn clear(&mut self, limit: usize) {
        let words = limit / 64 + 1;
        self.words.clear();
        self.words.resize(words, 0);
        self.summary.clear();
        self.summary.resize(words / 64 + 1, 0);
        self.count = 0;
    }

    fn add(&mut self, number: usize) {
        self.words[number / 64] |= 1 << (number % 64);
        self.summary[number / 4096] |= 1 << (number / 64 % 64);
        self.count += 1;
    }

    /// Takes a number out; `false` if it was not there.
    fn remove(&mut self, number: usize) -> bool {
        let word = &mut self.words[number / 64];
        let there = *word >> (number % 64) & 1 == 1;
        if there {
            *word &= !(1 << (number % 64));
            if *word == 0 {
                self.summary[number / 4096] &= !(1 << (number / 64 % 64));
            }
            self.count -= 1;
        }
        there
    }

    /// The first number from `from` on.
    fn next(&self, from: usize) -> Option<usize> {
        let word = self.words.get(from / 64)? >> (from % 64);
        if word != 0 {
            return Some(from + word.trailing_zeros() as usize);
        }
        let from = from / 64 + 1;
        let mut at = from / 64;
        let mut bits = self.summary.get(at)? >> (from % 64) << (from % 64);
        while bits == 0 {
            at += 1;
            bits = *self.summary.get(at)?;
        }
        let word = at * 64 + bits.trailing_zeros() as usize;
        Some(word * 64 + self.words[word].trailing_zeros() as usize)
    }
}

/// What a sweep keeps of one side.
#[derive(Default)]
struct Half {
    /// What is left of each window that has begun.
    rest: Vec<u32>,
    /// The windows that are open, by their places in the order of the ends.
    open: Open,
    /// The first window that counts: those before it had ended when the sweep began.
    first: usize,
    /// The next window to begin.
    next: usize,
    /// The next one to end, in the order of the ends.
    end: usize,
}

impl Half {
    /// Begins at some time.
    fn begin(&mut self, side: &Side, time: u32) {
        // What has not begun is not asked for.
        self.rest.resize(side.windows.len().max(self.rest.len()), 0);
        self.open.clear(side.windows.len());
        self.first = side.windows.partition_point(|window| window.from.saturating_add(side.longest) < time);
        self.next = self.first;
        self.end = side.by_end.partition_point(|at| side.windows[*at as usize].to < time);
    }

    /// Opens what has begun by then.
    fn open(&mut self, side: &Side, time: u32, wanted: &impl Fn(&Window) -> bool) {
        while let Some(window) = side.windows.get(self.next).filter(|window| window.from <= time) {
            let counts = window.bytes > 0 && wanted(window);
            self.rest[self.next] = if counts { window.bytes } else { 0 };
            let rank = side.rank[self.next] as usize;
            if counts && rank >= self.end {
                self.open.add(rank);
            }
            self.next += 1;
        }
    }

    /// Ends the window whose turn it is; `None` if nothing is left of it, or nobody wants it.
    fn close(&mut self, side: &Side) -> Option<usize> {
        let place = self.end;
        self.end += 1;
        self.open.remove(place).then(|| side.by_end[place] as usize)
    }
}

/// Bytes that may have moved, as one of many ways to serve all goes.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    /// The user who sent them.
    pub from: u32,
    /// The user who received them; `None` if nobody can have.
    pub to: Option<u32>,
    /// When a window of either ends.
    pub at: u32,
    /// In granules.
    pub bytes: u32,
}

/// Room to sweep in, used again and again.
#[derive(Default)]
pub struct Sweep {
    senders: Half,
    receivers: Half,
}

impl Sweep {
    /// What of the bytes of some senders no receiver can have received, in granules. Nobody receives from himself: with several
    /// users on both sides that makes the order of serving a good one, not the best; with only one sender it stays exact.
    pub fn unserved(
        &mut self,
        senders: &Side,
        receivers: &Side,
        sends: impl Fn(&Window) -> bool,
        receives: impl Fn(&Window) -> bool,
    ) -> u64 {
        self.serve(senders, receivers, sends, receives, |_| ())
    }

    /// As [`Sweep::unserved`]; and tells of all that moves, in the order of time.
    pub fn serve(
        &mut self,
        senders: &Side,
        receivers: &Side,
        sends: impl Fn(&Window) -> bool,
        receives: impl Fn(&Window) -> bool,
        mut moved: impl FnMut(Move),
    ) -> u64 {
        let (from, to) = (&mut self.senders, &mut self.receivers);
        let first = senders.windows.first().map_or(0, |window| window.from);
        from.begin(senders, 0);
        to.begin(receivers, first);
        let mut unserved = 0u64;
        while from.end < senders.windows.len() {
            let time = senders.end(from.end);
            let sender_ends = to.end >= receivers.windows.len() || time <= receivers.end(to.end);
            let time = if sender_ends { time } else { receivers.end(to.end) };
            // What begins when another ends still touches it.
            from.open(senders, time, &sends);
            to.open(receivers, time, &receives);
            if sender_ends {
                let Some(at) = from.close(senders) else { continue };
                let user = senders.windows[at].user();
                let can = |window: &Window| window.can_be_from(user);
                let mut to_whom =
                    |window: &Window, bytes| moved(Move { from: user, to: Some(window.user()), at: time, bytes });
                let rest = hand_over(from.rest[at], to, receivers, can, &mut to_whom);
                if rest > 0 {
                    moved(Move { from: user, to: None, at: time, bytes: rest });
                    unserved += u64::from(rest);
                }
            } else {
                let Some(at) = to.close(receivers) else { continue };
                if from.open.count > 0 {
                    let receiver = &receivers.windows[at];
                    let can = |window: &Window| receiver.can_be_from(window.user());
                    let mut from_whom = |window: &Window, bytes| {
                        moved(Move { from: window.user(), to: Some(receiver.user()), at: time, bytes })
                    };
                    to.rest[at] = hand_over(to.rest[at], from, senders, can, &mut from_whom);
                }
            }
        }
        unserved
    }

    /// After a sweep: what the receivers can still receive.
    pub fn left(&mut self, receivers: &Side, receives: impl Fn(&Window) -> bool) -> Side {
        let to = &mut self.receivers;
        to.open(receivers, u32::MAX, &receives);
        for (window, rest) in receivers.windows.iter().zip(&mut to.rest).take(to.first) {
            *rest = if receives(window) { window.bytes } else { 0 };
        }
        let rest = receivers.windows.iter().zip(&self.receivers.rest).filter(|(_, rest)| **rest > 0);
        Side::new(rest.map(|(window, rest)| Window { bytes: *rest, ..*window }).collect())
    }
}

/// Gives so many bytes to those of the other side that are open, the first to end first. Returns what is left.
fn hand_over(
    mut bytes: u32,
    half: &mut Half,
    side: &Side,
    can: impl Fn(&Window) -> bool,
    moved_with: &mut impl FnMut(&Window, u32),
) -> u32 {
    let mut from = half.end;
    while bytes > 0 {
        let Some(place) = half.open.next(from) else { break };
        from = place + 1;
        let at = side.by_end[place] as usize;
        if !can(&side.windows[at]) {
            continue;
        }
        let moved = bytes.min(half.rest[at]);
        bytes -= moved;
        half.rest[at] -= moved;
        moved_with(&side.windows[at], moved);
        if half.rest[at] == 0 {
            half.open.remove(place);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unserved(senders: &[Window], receivers: &[Window]) -> u64 {
        let (senders, receivers) = (Side::new(senders.to_vec()), Side::new(receivers.to_vec()));
        Sweep::default().unserved(&senders, &receivers, |_| true, |_| true)
    }

    /// The same by augmenting paths, one granule at a time.
    fn by_matching(senders: &[Window], receivers: &[Window]) -> u64 {
        let spread = |side: &[Window]| -> Vec<Window> {
            side.iter().flat_map(|w| (0..w.bytes).map(|_| Window { bytes: 1, ..*w })).collect()
        };
        let (left, right) = (spread(senders), spread(receivers));
        let mut partner = vec![None; right.len()];
        fn place(
            at: usize,
            left: &[Window],
            right: &[Window],
            partner: &mut [Option<usize>],
            seen: &mut [bool],
        ) -> bool {
            for to in 0..right.len() {
                let touch = left[at].from <= right[to].to && right[to].from <= left[at].to;
                if touch && right[to].can_be_from(left[at].user()) && !std::mem::replace(&mut seen[to], true) {
                    let free = partner[to].is_none_or(|other| place(other, left, right, partner, seen));
                    if free {
                        partner[to] = Some(at);
                        return true;
                    }
                }
            }
            false
        }
        let served = |at: &usize| place(*at, &left, &right, &mut partner, &mut vec![false; right.len()]);
        let count = (0..left.len()).filter(served).count();
        (left.len() - count) as u64
    }

    fn windows(user: std::ops::Range<u32>) -> impl Strategy<Value = Vec<Window>> {
        let window = (0u32..40, 0u32..12, 0u32..4, user, any::<bool>());
        prop::collection::vec(window, 0..9).prop_map(|all| {
            let window = |(from, len, bytes, user, doubled)| {
                let mut window = Window::new(user, from, from + len, bytes);
                if doubled {
                    window.double();
                }
                window
            };
            all.into_iter().map(window).collect()
        })
    }

    proptest! {
        #[test]
        fn the_sweep_is_a_maximum_flow(senders in windows(0..1), receivers in windows(1..4)) {
            prop_assert_eq!(unserved(&senders, &receivers), by_matching(&senders, &receivers));
        }

        #[test]
        fn with_several_senders_it_never_serves_more(senders in windows(0..3), receivers in windows(0..4)) {
            prop_assert!(unserved(&senders, &receivers) >= by_matching(&senders, &receivers));
        }

        #[test]
        fn what_is_left_is_what_was_not_served(senders in windows(0..3), receivers in windows(0..4)) {
            let sum = |windows: &[Window]| windows.iter().map(|window| u64::from(window.bytes)).sum::<u64>();
            let (from, to) = (Side::new(senders.clone()), Side::new(receivers.clone()));
            let mut sweep = Sweep::default();
            let unserved = sweep.unserved(&from, &to, |_| true, |_| true);
            let left = sweep.left(&to, |_| true);
            prop_assert_eq!(sum(&receivers) - sum(left.windows()), sum(&senders) - unserved);
        }
    }
}
