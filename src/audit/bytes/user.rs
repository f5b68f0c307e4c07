//! What bytes say about a user.

use super::NOISE;

/// What bytes say about a user. All in bytes.
#[derive(Clone, Default, Debug, PartialEq)]
pub struct UserBytes {
    /// Credited upload, as far as it could be held against the swarms.
    pub claimed: u64,
    /// Of that, what the rest is about: all, or what a client claims that is not what it says, unless there is more against
    /// what the user uploads otherwise.
    pub weighed: u64,
    /// `None` of most users: nothing.
    against: Option<Box<Against>>,
}

/// What speaks against what a user claims. All in bytes.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
pub struct Against {
    /// What nobody else can have received, even if nobody else had sent anything, and everybody who may have received in
    /// secret had: certain, as far as the swarms are closed and the log is whole.
    pub certain: Excess,
    /// What was sent while nobody else can have received anything at all, 64 MiB or more between two announces.
    pub unattended: Excess,
    /// How often that was.
    pub unattended_times: u32,
    /// What cannot have been received beside what trusted users sent.
    pub beside: Excess,
    /// The same if everybody who may have received in secret did.
    pub proved: Excess,
    /// Of those beside trusted users, what is too much even if he sends to receivers in secret as others do.
    pub too_much: u64,
    /// Between which bytes that is, 95 of 100 times, if other swarms of his are drawn.
    pub range: (u64, u64),
    /// How much likelier it is of who fakes that his swarms look so: a natural logarithm; 0 if he is not suspected.
    pub odds: f64,
    /// The same, if other swarms of his are drawn: it is less one time in twenty.
    pub least_odds: f64,
}

impl UserBytes {
    /// What speaks against it.
    pub fn against(&self) -> Against {
        self.against.as_deref().copied().unwrap_or_default()
    }

    /// What speaks against it, to be written in.
    pub(super) fn against_mut(&mut self) -> &mut Against {
        self.against.get_or_insert_default()
    }

    /// How much speaks against it.
    pub(super) fn weight(&self) -> u64 {
        let against = self.against();
        against.certain.unless_unseen().max(if against.odds > 0.0 { against.too_much } else { 0 })
    }
}

/// Bytes beyond what can have been received, over swarms.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Excess {
    /// All of them.
    pub bytes: u64,
    /// In so many swarms.
    pub swarms: u32,
    /// The torrent with the most of them, by number.
    pub torrent: Option<u32>,
    /// The most in one swarm.
    worst: u64,
    /// The most that two leeches which no line shows would explain: a whole torrent each.
    unseen: [u64; 2],
}

impl Excess {
    /// Adds what a swarm has. `size` is the torrent's in bytes, 0 if unknown.
    pub(super) fn add(&mut self, torrent: u32, bytes: u64, size: u64) {
        if bytes < NOISE {
            return;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.swarms += 1;
        if bytes > self.worst {
            (self.worst, self.torrent) = (bytes, Some(torrent));
        }
        // Both may have been in the same swarm.
        let mut left = bytes;
        for _ in 0..2 {
            let whole = if size == 0 { left } else { left.min(size.saturating_add(size / 10)) };
            left -= whole;
            match self.unseen {
                [most, _] if whole > most => self.unseen = [whole, most],
                [most, second] => self.unseen = [most, second.max(whole)],
            }
        }
    }

    /// What is left of them without the swarm that has the most.
    pub fn unless_worst(&self) -> u64 {
        self.bytes - self.worst
    }

    /// What is left of them if twice somebody whom no line shows had received a whole torrent, where that explains the most:
    /// both times in one swarm, too.
    pub fn unless_unseen(&self) -> u64 {
        self.bytes.saturating_sub(self.unseen[0].saturating_add(self.unseen[1]))
    }
}
