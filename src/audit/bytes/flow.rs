//! How much of what was sent can have been received: a maximum flow between windows of time.
//!
//! Whoever sent in a window can have sent to whoever received in a window that touches it. The sweep goes through time; a
//! window that ends is served by the windows of the other side that are open then, those that end first before the
//! others. Who is still open will have at least the partners that a window which ends first has: so nothing is lost by
//! serving in that order, and what remains is what no assignment could have served. But nobody receives from himself: where
//! that changed whom somebody serves, what is left over is looked at again ([`Reroute`]).

use super::reroute::Reroute;
use crate::order::by_number_then;
use crate::packed::{Packer, Packs, Unpacker};

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
    /// What is left for the number.
    const USER: u32 = Self::DOUBLED - 1;
    /// No user has this number.
    pub const NOBODY: u32 = Self::USER;

    /// A window of a user in which so much moved.
    pub fn new(user: u32, from: u32, to: u32, bytes: u32) -> Window {
        Window { from, to, bytes, who: user & Self::USER }
    }

    /// The user, by number.
    pub fn user(&self) -> u32 {
        self.who & Self::USER
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

    /// Whether it can have been received from some user.
    pub fn can_be_from(&self, user: u32) -> bool {
        self.who & Self::DOUBLED != 0 || self.user() != user
    }
}

/// Windows in the order of their ends. That is the order in which a sweep serves them, so what it needs next lies near.
pub struct Side {
    windows: Vec<Window>,
    /// When each begins, and its place; in that order.
    starts: Vec<(u32, u32)>,
    /// How long the longest one is.
    longest: u32,
}

/// Puts windows in the order of their ends, which is that of a [`Side`].
pub fn by_end(windows: &mut [Window]) {
    by_number_then(windows, |window| window.to, |window| (window.who, window.from));
}

impl Side {
    /// Of some windows, in whatever order.
    pub fn new(mut windows: Vec<Window>) -> Side {
        by_end(&mut windows);
        Side::in_order(windows)
    }

    /// Of windows that are in the order of [`by_end`].
    pub fn in_order(windows: Vec<Window>) -> Side {
        let mut starts: Vec<(u32, u32)> = windows.iter().zip(0..).map(|(window, at)| (window.from, at)).collect();
        by_number_then(&mut starts, |start| start.0, |start| start.1);
        let longest = windows.iter().map(|window| window.to.saturating_sub(window.from)).max().unwrap_or(0);
        Side { windows, starts, longest }
    }

    /// The windows in the order of their ends.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// When each begins, and its place; in that order.
    pub fn starts(&self) -> &[(u32, u32)] {
        &self.starts
    }

    /// How many have ended before some time.
    pub fn ended(&self, time: u32) -> usize {
        self.windows.partition_point(|window| window.to < time)
    }

    /// Whether some of so much in these windows can have come from a sender's window.
    pub fn any_for(&self, sender: &Window, amounts: &[u32]) -> bool {
        let from = self.ended(sender.from);
        let near = self.windows[from..].iter().zip(&amounts[from..]);
        near.take_while(|(window, _)| window.to.saturating_sub(self.longest) <= sender.to)
            .any(|(window, bytes)| *bytes > 0 && window.from <= sender.to && window.can_be_from(sender.user()))
    }

    /// What moved in each window that is wanted, and 0 for the others; in the same order.
    pub fn amounts(&self, wanted: impl Fn(&Window) -> bool) -> Vec<u32> {
        self.windows.iter().map(|window| u32::from(wanted(window)) * window.bytes).collect()
    }
}

impl Packs for Side {
    fn pack(&self, to: &mut Packer<'_>) {
        to.number(self.windows.len());
        let mut before = 0;
        for window in &self.windows {
            to.number(window.to - before);
            to.number(window.to.wrapping_sub(window.from));
            to.number(window.bytes);
            // Nobody is 0.
            to.number(window.who.rotate_left(2).wrapping_add(4));
            before = window.to;
        }
    }

    fn unpack(from: &mut Unpacker<'_>) -> Side {
        let len: usize = from.number();
        let mut windows = Vec::with_capacity(len);
        let mut before = 0;
        for _ in 0..len {
            let to = from.number::<u32>() + before;
            let begin = to.wrapping_sub(from.number());
            let bytes = from.number();
            let who = from.number::<u32>().wrapping_sub(4).rotate_right(2);
            windows.push(Window { from: begin, to, bytes, who });
            before = to;
        }
        Side::in_order(windows)
    }
}

/// Some of the numbers below a limit; the next one after any is found at once.
#[derive(Default)]
struct Open {
    words: Vec<u64>,
    /// A bit for each word that is not 0.
    summary: Vec<u64>,
}

impl Open {
    fn clear(&mut self, limit: usize) {
        let words = limit / 64 + 1;
        self.words.clear();
        self.words.resize(words, 0);
        self.summary.clear();
        self.summary.resize(words / 64 + 1, 0);
    }

    /// Adds the numbers that are wanted: without a branch, for that cannot be foretold.
    #[inline(always)]
    fn add(&mut self, numbers: impl Iterator<Item = usize>, wanted: impl Fn(usize) -> bool) {
        let (words, summary) = (&mut self.words[..], &mut self.summary[..]);
        for number in numbers {
            let wanted = u64::from(wanted(number));
            words[number / 64] |= wanted << (number % 64);
            summary[number / 4096] |= wanted << (number / 64 % 64);
        }
    }

    /// Takes a number out.
    #[inline]
    fn remove(&mut self, number: usize) {
        let word = &mut self.words[number / 64];
        *word &= !(1 << (number % 64));
        if *word == 0 {
            self.summary[number / 4096] &= !(1 << (number / 64 % 64));
        }
    }

    /// The first number from `from` on.
    #[inline]
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
    /// What is left of each window.
    rest: Vec<u32>,
    /// The places of the windows that are open, and perhaps some of such as have ended.
    open: Open,
    /// The next window to begin.
    next: usize,
    /// The next one to end.
    end: usize,
}

impl Half {
    /// Begins at some time.
    fn begin(&mut self, side: &Side, amounts: &[u32], time: u32) {
        self.rest.clear();
        self.rest.extend_from_slice(amounts);
        self.open.clear(side.windows.len());
        // What begins before has ended when the sweep begins.
        self.next = side.starts.partition_point(|(from, _)| from.saturating_add(side.longest) < time);
        self.end = side.ended(time);
    }

    /// Opens what has begun by then.
    #[inline(always)]
    fn open(&mut self, side: &Side, time: u32) {
        let starts = side.starts.get(self.next..).unwrap_or_default();
        let begun = starts.iter().take_while(|(from, _)| *from <= time).count();
        let (rest, end) = (&self.rest[..], self.end);
        let places = starts[..begun].iter().map(|(_, place)| *place as usize);
        self.open.add(places, |place| (rest[place] > 0) & (place >= end));
        self.next += begun;
    }
}

/// Granules that may have moved, as one of many ways to serve all goes.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    /// The place of the sender's window.
    pub from: u32,
    /// The place of the receiver's window.
    pub to: u32,
    /// So many; none if they moved in another way in the end.
    pub bytes: u32,
}

/// From so many senders' windows on, moves are noted only if they are needed.
const MANY: usize = 1 << 15;

/// Room to sweep in, used again and again.
#[derive(Default)]
pub struct Sweep {
    senders: Half,
    receivers: Half,
    /// Somebody was not served by himself.
    skipped: bool,
    moves: Vec<Move>,
    reroute: Reroute,
}

impl Sweep {
    /// What of the bytes of one user no receiver can have received if they received so many, in granules.
    pub fn unserved_alone(&mut self, own: &Side, receivers: (&Side, &[u32])) -> u64 {
        self.serve((own, &own.amounts(|_| true)), receivers, |_| ());
        self.all_unsent()
    }

    /// What of so many bytes of the senders no receiver can have received if they received so many, in granules.
    pub fn unserved(&mut self, senders: (&Side, &[u32]), receivers: (&Side, &[u32])) -> u64 {
        if senders.1.len() > MANY {
            // What moves takes room, and most often nobody asks for it.
            self.serve(senders, receivers, |_| ());
            if self.all_unsent() == 0 || !self.skipped {
                return self.all_unsent();
            }
        }
        self.assign(senders, receivers)
    }

    /// The same; [`Sweep::moves`] tells what may have moved.
    pub fn assign(&mut self, senders: (&Side, &[u32]), receivers: (&Side, &[u32])) -> u64 {
        let mut moves = std::mem::take(&mut self.moves);
        moves.clear();
        self.serve(senders, receivers, |moved| moves.push(moved));
        if self.all_unsent() > 0 && self.skipped {
            let (unsent, room) = (&mut self.senders.rest, &mut self.receivers.rest);
            self.reroute.run((senders.0, unsent), (receivers.0, room), &mut moves);
        }
        self.moves = moves;
        self.all_unsent()
    }

    fn all_unsent(&self) -> u64 {
        self.senders.rest.iter().map(|rest| u64::from(*rest)).sum()
    }

    /// Serves all in the order of time, and tells of all that moves.
    fn serve(
        &mut self,
        (senders, sent): (&Side, &[u32]),
        (receivers, received): (&Side, &[u32]),
        mut moved: impl FnMut(Move),
    ) {
        let (from, to) = (&mut self.senders, &mut self.receivers);
        let first = senders.starts.first().map_or(0, |(from, _)| *from);
        from.begin(senders, sent, 0);
        to.begin(receivers, received, first);
        self.skipped = false;
        for (at, sender) in senders.windows.iter().enumerate() {
            // What begins when another ends still touches it. Who is open on one side matters only when a window of the other one
            // ends of which something is left.
            while let Some(receiver) = receivers.windows.get(to.end).filter(|receiver| receiver.to < sender.to) {
                let at = to.end;
                to.end += 1;
                if to.rest[at] == 0 {
                    continue;
                }
                from.open(senders, receiver.to);
                // Whatever ended had begun.
                if from.next > from.end {
                    let can = |window: &Window| receiver.can_be_from(window.user());
                    let mut gets = |from, bytes| moved(Move { from, to: at as u32, bytes });
                    to.rest[at] = hand_over(to.rest[at], from, senders, can, &mut self.skipped, &mut gets);
                }
            }
            from.end = at + 1;
            if from.rest[at] > 0 {
                to.open(receivers, sender.to);
                let can = |window: &Window| window.can_be_from(sender.user());
                let mut gives = |to, bytes| moved(Move { from: at as u32, to, bytes });
                from.rest[at] = hand_over(from.rest[at], to, receivers, can, &mut self.skipped, &mut gives);
            }
        }
    }

    /// After [`Sweep::assign`]: what may have moved.
    pub fn moves(&self) -> impl Iterator<Item = &Move> {
        self.moves.iter().filter(|moved| moved.bytes > 0)
    }

    /// After a sweep: what is left of each of the senders' windows.
    pub fn unsent(&self) -> &[u32] {
        &self.senders.rest
    }

    /// After a sweep: what can still be received in each of the receivers' windows.
    pub fn left(&self) -> Vec<u32> {
        self.receivers.rest.clone()
    }
}

/// Gives so many bytes to those of the other side that are open, the first to end first. Returns what is left.
#[inline]
fn hand_over(
    mut bytes: u32,
    half: &mut Half,
    side: &Side,
    can: impl Fn(&Window) -> bool,
    skipped: &mut bool,
    moved_with: &mut impl FnMut(u32, u32),
) -> u32 {
    let (rest, mut from) = (&mut half.rest[..], half.end);
    while bytes > 0 {
        let Some(place) = half.open.next(from) else { break };
        from = place + 1;
        if !can(&side.windows[place]) {
            *skipped = true;
            continue;
        }
        let left = &mut rest[place];
        let moved = bytes.min(*left);
        bytes -= moved;
        *left -= moved;
        moved_with(place as u32, moved);
        if *left == 0 {
            half.open.remove(place);
        }
    }
    bytes
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unserved(senders: &[Window], receivers: &[Window]) -> u64 {
        let (senders, receivers) = (Side::new(senders.to_vec()), Side::new(receivers.to_vec()));
        let (sent, received) = (senders.amounts(|_| true), receivers.amounts(|_| true));
        Sweep::default().unserved((&senders, &sent), (&receivers, &received))
    }

    /// The same by augmenting paths, one granule at a time.
    pub fn by_matching(senders: &[Window], receivers: &[Window]) -> u64 {
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

    pub fn windows(user: std::ops::Range<u32>) -> impl Strategy<Value = Vec<Window>> {
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
        fn the_sweep_is_a_maximum_flow(senders in windows(0..3), receivers in windows(0..4)) {
            prop_assert_eq!(unserved(&senders, &receivers), by_matching(&senders, &receivers));
        }

        #[test]
        fn one_user_alone_is_served_at_once(own in windows(0..1), receivers in windows(0..3)) {
            let (from, to) = (Side::new(own.clone()), Side::new(receivers.clone()));
            let alone = Sweep::default().unserved_alone(&from, (&to, &to.amounts(|_| true)));
            prop_assert_eq!(alone, by_matching(&own, &receivers));
        }

        #[test]
        fn what_is_left_is_what_was_not_served(senders in windows(0..3), receivers in windows(0..4)) {
            let sum = |amounts: &[u32]| amounts.iter().map(|bytes| u64::from(*bytes)).sum::<u64>();
            let (from, to) = (Side::new(senders), Side::new(receivers));
            let mut sweep = Sweep::default();
            let (sent, received) = (from.amounts(|_| true), to.amounts(|_| true));
            let unserved = sweep.assign((&from, &sent), (&to, &received));
            let left = sweep.left();
            prop_assert_eq!(sum(&received) - sum(&left), sum(&sent) - unserved);
            prop_assert_eq!(sweep.moves().map(|moved| u64::from(moved.bytes)).sum::<u64>(), sum(&sent) - unserved);
        }
    }
}
