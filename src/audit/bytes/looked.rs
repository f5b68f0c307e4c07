//! What one swarm looks like: who claims what, and what of it nobody there can have received.

use super::flow::{Side, Sweep, Window};
use super::swarm::{Secret, Windows};
use super::{GRANULE, NOISE, in_bytes};
use crate::order::by_number;

/// If so many, and half of those who uploaded in a swarm, did so there, then it is receivers of that swarm who are missing: its
/// torrent is somewhere else, too.
const OPEN_SWARM: usize = 3;

/// What one user claims to have sent in a swarm. In granules.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    pub user: u32,
    pub up: u64,
}

/// One swarm, looked at. In granules, but for the size.
#[derive(Default)]
pub struct Looked {
    pub torrent: u32,
    /// The torrent's size in bytes; 0 if unknown.
    pub size: u64,
    /// Its windows.
    pub windows: usize,
    /// What those who are not known to fake sent beyond what can have been received: first, what all sent.
    pub excess: u64,
    /// The same if everybody who may have received in secret did.
    pub proved: u64,
    /// All claims together.
    pub claimed: u64,
    /// By user.
    pub claims: Vec<Claim>,
    /// What nobody can have received of the claims, whatever was received in secret, where that is [`NOISE`] or more. By user.
    pub certain: Vec<(u32, u64)>,
    /// Of a few users, the windows with [`NOISE`] or more in which nobody can have received anything: how many, and all that was
    /// sent in them. By user.
    pub unattended: Vec<(u32, u32, u64)>,
}

impl Looked {
    /// Whether receivers are missing from the swarm.
    pub fn is_open(&self) -> bool {
        let uploads = self.claims.iter().filter(|claim| in_bytes(claim.up) >= NOISE).count();
        let in_vain = self.certain.len();
        in_vain >= OPEN_SWARM && in_vain * 2 >= uploads
    }

    /// Holds nobody to account for it.
    pub fn leave_out(&mut self) {
        *self = Looked { torrent: self.torrent, ..Looked::default() };
    }

    /// An excess up to this is none.
    pub fn noise(&self) -> u64 {
        (NOISE / GRANULE).max(self.claimed / 100)
    }

    /// What of the upload of those who are not known to fake cannot have been received. Returns what is left of the senders'
    /// windows, in their order, if everybody who may have received in secret did; 0 of each if all of it is noise.
    pub fn weigh(&mut self, windows: &Windows, sweep: &mut Sweep, fakers: &[bool]) -> Vec<u32> {
        let sent = windows.sent(|user| !fakers[user as usize]);
        self.excess = windows.excess(sweep, &sent, &windows.received(Secret::None));
        // With more who receive there is no more of an excess.
        if in_bytes(self.excess) < NOISE {
            return vec![0; sent.len()];
        }
        self.proved = windows.excess(sweep, &sent, &windows.received(Secret::But(fakers)));
        sweep.unsent().to_vec()
    }

    /// Finds what nobody can have received of each user's claims, but for noise. `left` is what is left of the senders' windows.
    pub fn find_certain(&mut self, windows: &Windows, left: &[u32], sweep: &mut Sweep, fakers: &[bool]) {
        let received = windows.received(Secret::But(fakers));
        let senders = || windows.senders.windows().iter();
        let mut unserved = vec![0u64; self.claims.len()];
        for (window, left) in senders().zip(left).filter(|(_, left)| **left > 0) {
            if let Ok(place) = self.claims.binary_search_by_key(&window.user(), |claim| claim.user) {
                unserved[place] += u64::from(*left);
            }
        }
        // What all who are not known to fake could be served together, each could be alone.
        let tells = |(claim, left): &(&Claim, u64)| {
            in_bytes(claim.up) >= NOISE && (fakers[claim.user as usize] || in_bytes(*left) >= NOISE)
        };
        let telling = self.claims.iter().zip(unserved).filter(tells);
        let users: Vec<u32> = telling.map(|(claim, _)| claim.user).collect();
        if users.is_empty() {
            return;
        }
        let mut senders: Vec<Window> =
            senders().copied().filter(|window| users.binary_search(&window.user()).is_ok()).collect();
        by_number(&mut senders, Window::user);
        for own in senders.chunk_by(|a, b| a.user() == b.user()) {
            let (user, own) = (own[0].user(), Side::new(own.to_vec()));
            let certain = sweep.unserved_alone(&own, (&windows.receivers, &received));
            if in_bytes(certain) >= NOISE {
                self.certain.push((user, certain));
                let large = own.windows().iter().filter(|window| in_bytes(window.bytes.into()) >= NOISE);
                let alone = large.filter(|window| !windows.receivers.any_for(window, &received));
                let (count, up) = alone.fold((0, 0), |(n, up), window| (n + 1, up + u64::from(window.bytes)));
                self.unattended.extend((count > 0).then_some((user, count, up)));
            }
        }
    }
}
