//! Bytes that cannot have been received: what was claimed as uploaded in a swarm, held against what anybody there can
//! have received at the time (a closed swarm conserves bytes).

mod attribution;
mod flow;
mod swarm;
mod trace;

pub use trace::Trace;

use crate::replay::Story;
use crate::share::shared;
use attribution::{Share, attribute};
use flow::{Window, unserved};
use std::collections::HashMap;
use swarm::{Member, Source, Windows};
use trace::GRANULE;

/// What bytes say about a user. All in bytes.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
pub struct UserBytes {
    /// Credited upload, as far as it could be held against the swarms.
    pub claimed: u64,
    /// Bytes that nobody else can have received, even if nobody else sent anything: certain, as far as the swarms are
    /// closed and the log is whole.
    pub certain: u64,
    /// The most of that in one swarm.
    pub worst: u64,
    /// In so many swarms.
    pub swarms: u32,
    /// What cannot have been received beside what trusted users sent.
    pub beside_others: u64,
    /// In so many swarms.
    pub beside_swarms: u32,
    /// The torrent with the most of it, by number.
    pub torrent: Option<u32>,
    /// The least and the most that is likely to be faked.
    pub estimate: (u64, u64),
}

/// What bytes say about a swarm. In bytes.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct SwarmBytes {
    /// Upload that nobody can have received.
    pub unexplained: u64,
}

/// The whole balance.
#[derive(Default, Debug)]
pub struct Balance {
    /// By user.
    pub users: Vec<UserBytes>,
    /// By torrent.
    pub swarms: Vec<SwarmBytes>,
}

/// Less than this, in a swarm, is noise: stale counters, rounding, a peer whose lines were all lost. In bytes.
const NOISE: u64 = 64 << 20;
/// Users who claim less in a swarm are not looked at there.
const LEAST: u64 = 16 << 20;

/// One swarm, looked at.
struct Looked {
    torrent: u32,
    /// What all together sent beyond what can have been received, in granules.
    excess: u64,
    /// What each user claims to have sent, and of it what nobody can have received, in granules.
    users: Vec<(u32, u64, u64)>,
    /// What users may have received in secret, in granules.
    hidden: Vec<(u32, u64)>,
}

/// Holds all uploads against all downloads. `traces` are those of the sessions, by their places in the
/// story.
pub fn balance(story: &Story, traces: &[Option<&Trace>], threads: usize) -> Balance {
    let mut keys: Vec<Key> = story.sessions.iter().enumerate().map(|(at, s)| (s.torrent, s.user, at as u32)).collect();
    keys.sort_unstable();
    let swarms: Vec<&[Key]> = keys.chunk_by(|a, b| a.0 == b.0).collect();
    let users = story.users.len();
    let mut book = Book { story, traces, swarms, secret: vec![false; users], threads };
    let everywhere: Vec<usize> = (0..book.swarms.len()).collect();
    let mut looked = book.look(&everywhere);
    // Who explains an excess best by leeching in secret is taken for one who does; the swarms are looked at again.
    for _ in 0..ROUNDS {
        let parts = parts(&looked, users, &book.secret);
        let newly: Vec<bool> =
            (0..users).map(|user| !book.secret[user] && parts.hides[user] * GRANULE as f64 > NOISE as f64).collect();
        let touched = |at: &usize| book.swarms[*at].iter().any(|key| newly[key.1 as usize]);
        let again: Vec<usize> = everywhere.iter().copied().filter(touched).collect();
        if again.is_empty() {
            break;
        }
        book.secret.iter_mut().zip(&newly).for_each(|(known, new)| *known |= new);
        for (at, swarm) in again.iter().zip(book.look(&again)) {
            looked[*at] = swarm;
        }
    }
    book.conclude(&looked)
}

/// Rounds in which suspects are found.
const ROUNDS: usize = 3;
const GIB: u64 = 1 << 30;

/// Torrent, user, place of the session in the story.
type Key = (u32, u32, u32);

/// What explains the excesses best.
struct Parts {
    /// By user: which part of the claims is faked.
    fakes: Vec<f64>,
    /// By user: how many granules are received in secret.
    hides: Vec<f64>,
}

/// Explains the excesses by faked upload and by leeching in secret. `secret`: users of whom that is known, and counted in
/// the excesses already.
fn parts(looked: &[Looked], users: usize, secret: &[bool]) -> Parts {
    // A user's upload comes first, then what he may hide.
    let mut all = vec![0.0; 2 * users];
    let (mut shares, mut excess) = (Vec::new(), Vec::new());
    for swarm in looked {
        let beyond = swarm.excess > swarm.noise();
        let up = swarm.users.iter().map(|&(user, up, _)| (user, up));
        let hidden = swarm.hidden.iter().filter(|(user, _)| !secret[*user as usize]);
        for (column, amount) in up.chain(hidden.map(|&(user, hidden)| (user + users as u32, hidden))) {
            all[column as usize] += amount as f64;
            if beyond {
                shares.push(Share { swarm: excess.len() as u32, user: column, up: amount as f64 });
            }
        }
        if beyond {
            excess.push(swarm.excess as f64);
        }
    }
    let mut fakes = attribute(&shares, &excess, &all);
    let hides = fakes.split_off(users);
    Parts { fakes, hides: hides.iter().zip(&all[users..]).map(|(part, all)| part * all).collect() }
}

/// What single users claim, and what of it is certainly too much, over all swarms.
fn sums(looked: &[Looked], users: usize) -> Vec<UserBytes> {
    let mut sums = vec![UserBytes::default(); users];
    for swarm in looked {
        for &(user, up, certain) in &swarm.users {
            let sum = &mut sums[user as usize];
            sum.claimed = sum.claimed.saturating_add(in_bytes(up));
            let certain = in_bytes(certain);
            if certain >= NOISE {
                sum.certain = sum.certain.saturating_add(certain);
                sum.swarms += 1;
                if certain > sum.worst {
                    (sum.worst, sum.torrent) = (certain, Some(swarm.torrent));
                }
            }
        }
    }
    sums
}

impl Looked {
    /// An excess up to this is none.
    fn noise(&self) -> u64 {
        let claimed = self.users.iter().fold(0u64, |sum, user| sum.saturating_add(user.1));
        (NOISE / GRANULE).max(claimed / 100)
    }
}

/// All swarms, and who is trusted.
struct Book<'a> {
    story: &'a Story,
    traces: &'a [Option<&'a Trace>],
    swarms: Vec<&'a [Key]>,
    /// Users who are believed to leech in secret.
    secret: Vec<bool>,
    threads: usize,
}

impl Book<'_> {
    /// Looks at swarms, by place.
    fn look(&self, places: &[usize]) -> Vec<Looked> {
        shared(places.len(), self.threads, |range| places[range].iter().map(|&at| self.look_at(at)).collect())
    }

    fn windows(&self, at: usize) -> Windows {
        let keys = self.swarms[at];
        let members: Vec<Member<'_>> =
            keys.chunk_by(|a, b| a.1 == b.1).map(|sessions| Member { user: sessions[0].1, sessions }).collect();
        let size = keys.iter().map(|key| self.story.sessions[key.2 as usize].state.largest_left).max();
        let source = Source { story: self.story, traces: self.traces, secret: &self.secret };
        source.windows(&members, size.filter(|size| *size > 0))
    }

    fn look_at(&self, at: usize) -> Looked {
        let windows = self.windows(at);
        let receivers: Vec<&Window> = windows.receivers.iter().collect();
        let mut senders: Vec<&Window> = windows.senders.iter().collect();
        let excess = unserved(&senders, &receivers);
        let room = Room::new(&windows.receivers);
        senders.sort_by_key(|window| window.user);
        let users = senders.chunk_by(|a, b| a.user == b.user).map(|own| {
            let user = own[0].user;
            let up = own.iter().fold(0u64, |sum, window| sum.saturating_add(window.bytes));
            let doubled = windows.doubled.contains(&user);
            let worth_it = in_bytes(up) >= LEAST && in_bytes(room.lacks(own, doubled)) >= NOISE;
            let certain = if worth_it { alone(own, &receivers, doubled) } else { 0 };
            (user, up, certain)
        });
        let users = users.collect();
        Looked { torrent: self.swarms[at][0].0, excess, users, hidden: windows.hidden }
    }

    /// What of the claims of some users in a swarm no receiver can have received.
    fn excess_of(&self, windows: &Windows, wanted: impl Fn(u32) -> bool) -> u64 {
        let senders: Vec<&Window> = windows.senders.iter().filter(|window| wanted(window.user)).collect();
        let receivers: Vec<&Window> = windows.receivers.iter().collect();
        unserved(&senders, &receivers)
    }

    /// Puts everything together.
    fn conclude(&self, looked: &[Looked]) -> Balance {
        let users = self.story.users.len();
        let mut sums = sums(looked, users);
        let parts = parts(looked, users, &self.secret).fakes;
        let mut suspects: Vec<bool> = (0..users)
            .map(|user| {
                let part = parts[user] * sums[user].claimed as f64;
                sums[user].certain > GIB && sums[user].certain > sums[user].claimed / 10
                    || parts[user] > 0.05 && part > (GIB / 4) as f64
            })
            .collect();
        let beyond: Vec<usize> = (0..looked.len()).filter(|&at| looked[at].excess > looked[at].noise()).collect();
        let windows: Vec<Windows> =
            shared(beyond.len(), self.threads, |range| beyond[range].iter().map(|&at| self.windows(at)).collect());
        // The others together must not leave an excess either; else the one who claims most of it is not trusted.
        for (&at, windows) in beyond.iter().zip(&windows) {
            let swarm = &looked[at];
            while self.excess_of(windows, |user| !suspects[user as usize]) > swarm.noise() {
                let blame = |user: &(u32, u64, u64)| (parts[user.0 as usize] + 1e-6) * user.1 as f64;
                let trusted = swarm.users.iter().filter(|user| !suspects[user.0 as usize]);
                let Some(most) = trusted.max_by(|a, b| blame(a).total_cmp(&blame(b))) else { break };
                suspects[most.0 as usize] = true;
            }
        }
        let found = shared(beyond.len(), self.threads, |range| {
            let mut found = Vec::new();
            for (&at, windows) in beyond[range.clone()].iter().zip(&windows[range]) {
                let trusted = self.excess_of(windows, |user| !suspects[user as usize]);
                for &(user, ..) in looked[at].users.iter().filter(|user| suspects[user.0 as usize]) {
                    let with = self.excess_of(windows, |other| other == user || !suspects[other as usize]);
                    found.push((at, user, with.saturating_sub(trusted)));
                }
            }
            found
        });
        for (at, user, bytes) in found {
            let sum = &mut sums[user as usize];
            let bytes = in_bytes(bytes);
            if bytes >= NOISE {
                sum.beside_others = sum.beside_others.saturating_add(bytes);
                sum.beside_swarms += 1;
                sum.torrent = sum.torrent.or(Some(looked[at].torrent));
            }
        }
        for (sum, part) in sums.iter_mut().zip(&parts) {
            let part = (part * sum.claimed as f64) as u64;
            let high = sum.beside_others.max(sum.certain).max(if sum.beside_others > 0 { part } else { 0 });
            sum.estimate = (sum.certain.min(sum.beside_others).max(sum.certain), high.min(sum.claimed));
        }
        let mut swarms = vec![SwarmBytes::default(); self.story.torrents.len()];
        for swarm in looked {
            let unexplained = if swarm.excess > swarm.noise() { in_bytes(swarm.excess) } else { 0 };
            swarms[swarm.torrent as usize] = SwarmBytes { unexplained };
        }
        Balance { users: sums, swarms }
    }
}

fn in_bytes(granules: u64) -> u64 {
    granules.saturating_mul(GRANULE)
}

/// What of one user's claims in a swarm nobody can have received, even if nobody else sent anything. A user with several
/// clients there may have sent from one to the other.
fn alone(own: &[&Window], receivers: &[&Window], doubled: bool) -> u64 {
    let (from, to) = (own.iter().map(|w| w.from).min(), own.iter().map(|w| w.to).max());
    let near = |window: &&&Window| Some(window.from) <= to && Some(window.to) >= from;
    if !doubled {
        let others: Vec<&Window> = receivers.iter().filter(near).copied().filter(|w| w.user != own[0].user).collect();
        return unserved(own, &others);
    }
    let receivers: Vec<Window> =
        receivers.iter().filter(near).map(|window| Window { user: u32::MAX, ..**window }).collect();
    unserved(own, &receivers.iter().collect::<Vec<_>>())
}

/// What there was to receive in a swarm, by when it ended: tells quickly that somebody's claims fit easily.
struct Room {
    /// Ends, and how much ended up to and with each.
    all: Vec<(i64, u64)>,
    /// The same of each user.
    own: HashMap<u32, Vec<(i64, u64)>, foldhash::fast::RandomState>,
}

impl Room {
    fn new(receivers: &[Window]) -> Room {
        let mut own: HashMap<u32, Vec<(i64, u64)>, _> = HashMap::default();
        let mut all: Vec<(i64, u64)> = receivers.iter().map(|window| (window.to, window.bytes)).collect();
        for window in receivers {
            own.entry(window.user).or_default().push((window.to, window.bytes));
        }
        add_up(&mut all);
        own.values_mut().for_each(add_up);
        Room { all, own }
    }

    /// No more than so much of a user's claims can be without a receiver: each of his windows is served by what ends in it
    /// alone.
    fn lacks(&self, own: &[&Window], doubled: bool) -> u64 {
        let mine = self.own.get(&own[0].user).filter(|_| !doubled);
        let (mut lacks, mut before) = (0u64, i64::MIN);
        for window in own {
            let (from, to) = (window.from.max(before), window.to);
            if to >= from {
                let mine = mine.map_or(0, |mine| ended(mine, from, to));
                let others = ended(&self.all, from, to).saturating_sub(mine);
                lacks = lacks.saturating_add(window.bytes.saturating_sub(others));
                before = to + 1;
            } else {
                lacks = lacks.saturating_add(window.bytes);
            }
        }
        lacks
    }
}

fn add_up(ends: &mut Vec<(i64, u64)>) {
    ends.sort_unstable();
    let mut sum = 0u64;
    for end in ends {
        sum = sum.saturating_add(end.1);
        end.1 = sum;
    }
}

/// How much ended from `from` to `to`.
fn ended(ends: &[(i64, u64)], from: i64, to: i64) -> u64 {
    let up_to = |at: usize| at.checked_sub(1).map_or(0, |last| ends[last].1);
    up_to(ends.partition_point(|end| end.0 <= to)) - up_to(ends.partition_point(|end| end.0 < from))
}
