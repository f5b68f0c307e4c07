//! What a sweep leaves over though it could be received: nobody receives from himself, so whom others should have left to him
//! may be taken. Then bytes move to other receivers until no more can be served: along augmenting paths, as in any maximum flow.

use super::flow::{Move, Side};

/// No move.
const NONE: u32 = u32::MAX;
/// So many steps are taken for each window and each move, all in all: in a swarm of thousands who come and go all the time
/// rather something is left over than that it takes minutes.
const PATIENCE: usize = 64;

/// Room to look for other ways in, used again and again.
#[derive(Default)]
pub struct Reroute {
    /// Receivers that were not come to yet.
    unseen: Unseen,
    /// By receiver: the last move to him.
    last: Vec<u32>,
    /// By move: the one to the same receiver before it.
    before: Vec<u32>,
    /// By receiver: from which sender he was come to.
    from: Vec<u32>,
    /// By sender: whether he was come to, and by which of his moves; none where the search began.
    seen: Vec<bool>,
    by: Vec<u32>,
    /// Senders in the order in which they were come to, and receivers.
    senders: Vec<u32>,
    receivers: Vec<u32>,
}

impl Reroute {
    /// Serves what can be served, by moving in other ways what `moves` tells of. `unsent` is what is left of the senders, and
    /// `room` what is left of the receivers, both by their places.
    pub fn run(
        &mut self,
        (senders, unsent): (&Side, &mut [u32]),
        (receivers, room): (&Side, &mut [u32]),
        moves: &mut Vec<Move>,
    ) {
        let (from, to) = (senders.windows().len(), receivers.windows().len());
        self.unseen.fill(receivers);
        self.seen.clear();
        self.seen.resize(from, false);
        self.by.resize(from, NONE);
        self.from.resize(to, 0);
        self.last.clear();
        self.last.resize(to, NONE);
        self.before.clear();
        for (at, moved) in (0u32..).zip(moves.iter()) {
            self.before.push(std::mem::replace(&mut self.last[moved.to as usize], at));
        }
        let mut patience = PATIENCE * (from + to + moves.len());
        for sender in 0..from as u32 {
            // Who was come to in vain before can be reached, but not served.
            while unsent[sender as usize] > 0 && !self.seen[sender as usize] {
                let Some(free) = self.search(sender, senders, (receivers, room), moves, &mut patience) else { break };
                self.serve(sender, free, unsent, (receivers, room), moves);
            }
            if patience == 0 {
                return;
            }
        }
    }

    /// The nearest receiver with some room; `None` if there is none, and those who were come to need not be tried again.
    fn search(
        &mut self,
        sender: u32,
        senders: &Side,
        (receivers, room): (&Side, &[u32]),
        moves: &[Move],
        patience: &mut usize,
    ) -> Option<u32> {
        self.senders.clear();
        self.receivers.clear();
        self.senders.push(sender);
        (self.seen[sender as usize], self.by[sender as usize]) = (true, NONE);
        let mut next = 0;
        while let Some(&sender) = self.senders.get(next) {
            next += 1;
            let window = &senders.windows()[sender as usize];
            let mut at = receivers.ended(window.from);
            while let Some(place) = self.unseen.next(at, window.to).filter(|_| *patience > 0) {
                at = place + 1;
                *patience -= 1;
                if !receivers.windows()[place].can_be_from(window.user()) {
                    continue;
                }
                self.unseen.set(place, u32::MAX);
                self.receivers.push(place as u32);
                self.from[place] = sender;
                if room[place] > 0 {
                    return Some(place as u32);
                }
                let mut moved = self.last[place];
                while let Some(other) = moves.get(moved as usize) {
                    if other.bytes > 0 && !self.seen[other.from as usize] {
                        (self.seen[other.from as usize], self.by[other.from as usize]) = (true, moved);
                        self.senders.push(other.from);
                    }
                    moved = self.before[moved as usize];
                }
            }
        }
        None
    }

    /// Moves as much as can be from where a search began to the receiver whom it found.
    fn serve(
        &mut self,
        sender: u32,
        free: u32,
        unsent: &mut [u32],
        (receivers, room): (&Side, &mut [u32]),
        moves: &mut Vec<Move>,
    ) {
        let mut bytes = unsent[sender as usize].min(room[free as usize]);
        let mut from = self.from[free as usize];
        while let Some(moved) = moves.get(self.by[from as usize] as usize) {
            bytes = bytes.min(moved.bytes);
            from = self.from[moved.to as usize];
        }
        unsent[sender as usize] -= bytes;
        room[free as usize] -= bytes;
        let mut to = free;
        loop {
            let from = self.from[to as usize];
            self.before.push(std::mem::replace(&mut self.last[to as usize], moves.len() as u32));
            moves.push(Move { from, to, bytes });
            let Some(moved) = moves.get_mut(self.by[from as usize] as usize) else { break };
            moved.bytes -= bytes;
            to = moved.to;
        }
        // There are other ways now.
        for sender in self.senders.drain(..) {
            self.seen[sender as usize] = false;
        }
        for receiver in self.receivers.drain(..) {
            self.unseen.set(receiver as usize, receivers.windows()[receiver as usize].from);
        }
    }
}

/// Windows of receivers, by their places: the next one after any that begins in time is found at once.
#[derive(Default)]
struct Unseen {
    /// A tree: each the earliest beginning of the two below; the lowest ones are the windows', or no time if they were seen.
    earliest: Vec<u32>,
}

impl Unseen {
    /// How many windows there is room for: a power of two.
    fn room(&self) -> usize {
        self.earliest.len() / 2
    }

    fn fill(&mut self, receivers: &Side) {
        let windows = receivers.windows();
        let room = windows.len().next_power_of_two();
        self.earliest.clear();
        self.earliest.resize(room, u32::MAX);
        self.earliest.extend(windows.iter().map(|window| window.from));
        self.earliest.resize(2 * room, u32::MAX);
        for at in (1..room).rev() {
            self.earliest[at] = self.earliest[2 * at].min(self.earliest[2 * at + 1]);
        }
    }

    fn set(&mut self, place: usize, from: u32) {
        let mut at = self.room() + place;
        self.earliest[at] = from;
        while at > 1 {
            at /= 2;
            self.earliest[at] = self.earliest[2 * at].min(self.earliest[2 * at + 1]);
        }
    }

    /// The first one from a place on that begins by some time.
    fn next(&self, place: usize, time: u32) -> Option<usize> {
        let time = time.min(u32::MAX - 1);
        let mut at = self.room() + place;
        if place >= self.room() {
            return None;
        }
        // Up and to the right, until one is below; then down to it.
        while self.earliest[at] > time {
            while at % 2 == 1 {
                at /= 2;
            }
            if at == 0 {
                return None;
            }
            at += 1;
        }
        while at < self.room() {
            at *= 2;
            at += usize::from(self.earliest[at] > time);
        }
        Some(at - self.room())
    }
}
