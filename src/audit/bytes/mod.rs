//! Bytes that cannot have been received: what was claimed as uploaded in a swarm, held against what anybody there can
//! have received at the time (a closed swarm conserves bytes).

mod attribution;
mod flow;
mod swarm;
mod trace;
mod trial;

pub use trace::{Place, Trace, Traces};

use crate::replay::Story;
use crate::share::shared;
use attribution::{Share, attribute};
use flow::{Window, unserved};
use std::collections::HashMap;
use swarm::{Key, Sources, Windows};
use trace::GRANULE;
use trial::Trial;

/// What bytes say about a user. All in bytes.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct UserBytes {
    /// Credited upload, as far as it could be held against the swarms.
    pub claimed: u64,
    /// What nobody else can have received, even if nobody else sent anything: certain, as far as the swarms are closed and
    /// the log is whole.
    pub certain: Excess,
    /// What cannot have been received beside what trusted users sent.
    pub beside: Excess,
}

impl UserBytes {
    /// The least and the most that is likely to be faked.
    pub fn estimate(&self) -> (u64, u64) {
        let (certain, beside) = (self.certain.bytes, self.beside.bytes);
        (certain.min(beside), certain.max(beside).min(self.claimed))
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
    /// The largest parts that one leech in secret would explain, the largest first.
    secretly: [u64; SECRETS.1],
}

impl Excess {
    /// Adds what a swarm has. `size` is the torrent's in bytes, 0 if unknown.
    fn add(&mut self, torrent: u32, bytes: u64, size: u64) {
        if bytes < NOISE {
            return;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.swarms += 1;
        if bytes > self.worst {
            (self.worst, self.torrent) = (bytes, Some(torrent));
        }
        // Several may have leeched in the same swarm.
        let mut rest = bytes;
        for _ in 0..SECRETS.1 {
            let leech = if size == 0 { rest } else { rest.min(size.saturating_add(size / 10)) };
            let place = self.secretly.partition_point(|more| *more >= leech);
            let Some(behind) = self.secretly.get_mut(place..).filter(|behind| !behind.is_empty()) else { break };
            behind.rotate_right(1);
            behind[0] = leech;
            rest -= leech;
        }
    }

    /// What is left of them if so many leeches had received a whole torrent in secret, where that explains the most.
    pub fn unless_secret(&self, leeches: usize) -> u64 {
        self.secretly.iter().take(leeches).fold(self.bytes, |rest, leech| rest.saturating_sub(*leech))
    }
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
    /// Receivers are missing from the log: of users nothing can be said.
    pub open: bool,
    /// So often may somebody have received a whole torrent in secret, from each user: twice at least, more often if the log
    /// shows that many do.
    pub secrets: usize,
}

/// If more than one part in so many of all upload has no receiver, then receivers are missing from the log (another tracker,
/// another front end), and nothing is said of users.
const OPEN: u64 = 3;
/// Less than this, in a swarm, is noise: stale counters, rounding, a peer whose lines were all lost. In bytes.
const NOISE: u64 = 64 << 20;
/// Users who claim less in a swarm are not looked at there.
const LEAST: u64 = 16 << 20;

/// One swarm, looked at.
struct Looked {
    torrent: u32,
    /// The torrent's size in bytes; 0 if unknown.
    size: u64,
    /// Its windows.
    windows: usize,
    /// What all sent beyond what can have been received, in granules.
    together: u64,
    /// The same without those who are known to fake.
    excess: u64,
    /// What each user claims to have sent, and of it what nobody can have received, in granules.
    users: Vec<(u32, u64, u64)>,
}

/// Holds all uploads against all downloads. `traces` are those of the sessions, by their places in the
/// story.
pub fn balance(story: &Story, traces: &[Option<Trace<'_>>], threads: usize) -> Balance {
    let mut keys: Vec<Key> = story.sessions.iter().enumerate().map(|(at, s)| (s.torrent, s.user, at as u32)).collect();
    keys.sort_unstable();
    let swarms: Vec<&[Key]> = keys.chunk_by(|a, b| a.0 == b.0).collect();
    let users = story.users.len();
    let sources = Sources::new(story, traces);
    let mut book = Book { story, sources, swarms, fakers: vec![false; users], threads };
    let mut looked = book.look();
    let unexplained = book.unexplained(&looked);
    let total = |of: fn(&Looked) -> u64| looked.iter().fold(0u64, |sum, swarm| sum.saturating_add(of(swarm)));
    let claimed = total(|swarm| swarm.users.iter().fold(0, |sum, user| sum.saturating_add(user.1)));
    if total(|swarm| swarm.excess) > claimed / OPEN {
        return Balance {
            users: vec![UserBytes::default(); users],
            swarms: unexplained,
            open: true,
            secrets: SECRETS.1,
        };
    }
    // Who brings an excess wherever he goes is left out, and the rest is looked at again: else fakers explain each other.
    for _ in 0..ROUNDS {
        let newly = book.obvious(&looked);
        if !newly.contains(&true) {
            break;
        }
        book.fakers.iter_mut().zip(&newly).for_each(|(known, new)| *known |= new);
        book.look_again(&mut looked, &newly);
    }
    let users = book.conclude(&looked);
    let secrets = secrets(&users);
    Balance { users, swarms: unexplained, open: false, secrets }
}

/// The fewest and the most leeches in secret that a user is given.
const SECRETS: (usize, usize) = (2, 6);

/// How many leeches in secret each user is given. Where few leech in secret, a fifth of those who upload much has some small
/// excess; where more do, more have.
fn secrets(users: &[UserBytes]) -> usize {
    let much = users.iter().filter(|user| user.claimed > 4 * GIB);
    let (mut all, mut some) = (0usize, 0usize);
    for user in much {
        all += 1;
        some += usize::from(user.certain.bytes > GIB / 4 && user.certain.bytes < user.claimed / 10);
    }
    let percent = 100 * some / all.max(1);
    (SECRETS.0 + percent.saturating_sub(22).div_ceil(5)).min(SECRETS.1)
}

/// Rounds in which suspects are found.
const ROUNDS: usize = 2;
/// From how many bytes on anything is said.
pub const GIB: u64 = 1 << 30;

/// What explains the excesses best.
struct Parts {
    /// By user: which part of the claims is faked.
    fakes: Vec<f64>,
    /// By user: how many granules of excess are his, and in how many swarms.
    blame: Vec<(f64, u32)>,
}

/// What single users claim, and what of it is certainly too much, over all swarms.
fn sums(looked: &[Looked], users: usize) -> Vec<UserBytes> {
    let mut sums = vec![UserBytes::default(); users];
    for swarm in looked {
        for &(user, up, certain) in &swarm.users {
            let sum = &mut sums[user as usize];
            sum.claimed = sum.claimed.saturating_add(in_bytes(up));
            sum.certain.add(swarm.torrent, in_bytes(certain), swarm.size);
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

    /// Finds what nobody can have received of each user's claims.
    fn find_certain(&mut self, Windows { mut senders, receivers }: Windows) {
        let room = Room::new(&receivers);
        senders.sort_by_key(|window| window.user);
        for own in senders.chunk_by(|a, b| a.user == b.user) {
            let Ok(place) = self.users.binary_search_by_key(&own[0].user, |user| user.0) else { continue };
            let (_, up, certain) = &mut self.users[place];
            if in_bytes(*up) >= LEAST && in_bytes(room.lacks(own)) >= NOISE {
                *certain = alone(own, &receivers);
            }
        }
    }
}

/// All swarms, and who is trusted.
struct Book<'a> {
    story: &'a Story,
    sources: Sources<'a>,
    swarms: Vec<&'a [Key]>,
    /// Users who bring an excess wherever they go.
    fakers: Vec<bool>,
    threads: usize,
}

impl Book<'_> {
    /// Explains the excesses of those who are not known to fake by faked upload.
    fn parts(&self, looked: &[Looked]) -> Parts {
        let users = self.story.users.len();
        let mut all = vec![0.0; users];
        let (mut shares, mut excess) = (Vec::new(), Vec::new());
        for swarm in looked {
            let beyond = swarm.excess > swarm.noise();
            for &(user, up, _) in swarm.users.iter().filter(|user| !self.fakers[user.0 as usize]) {
                all[user as usize] += up as f64;
                if beyond {
                    shares.push(Share { swarm: excess.len() as u32, user, up: up as f64 });
                }
            }
            if beyond {
                excess.push(swarm.excess as f64);
            }
        }
        let fakes = attribute(&shares, &excess, &all);
        let mut explained = vec![0.0; excess.len()];
        for share in &shares {
            explained[share.swarm as usize] += fakes[share.user as usize] * share.up;
        }
        let mut blame = vec![(0.0, 0); users];
        for share in &shares {
            let swarm = share.swarm as usize;
            let his = fakes[share.user as usize] * share.up * (excess[swarm] / explained[swarm]).min(1.0);
            let blame = &mut blame[share.user as usize];
            blame.0 += his;
            blame.1 += u32::from(his * GRANULE as f64 > NOISE as f64);
        }
        Parts { fakes, blame }
    }

    /// Users, not known yet, who explain an excess in so many swarms that nothing else does.
    fn obvious(&self, looked: &[Looked]) -> Vec<bool> {
        let parts = self.parts(looked);
        let sums = sums(looked, self.story.users.len());
        let obvious = |user: usize| {
            let (blame, swarms) = parts.blame[user];
            let bytes = blame * GRANULE as f64;
            let certain = sums[user].certain.bytes > GIB
                && sums[user].certain.bytes > sums[user].claimed / 20
                && sums[user].certain.swarms > 2;
            !self.fakers[user] && (certain || bytes > GIB as f64 && parts.fakes[user] > 0.08 && swarms > 2)
        };
        (0..self.story.users.len()).map(obvious).collect()
    }

    /// Looks at all swarms.
    fn look(&self) -> Vec<Looked> {
        shared(self.swarms.len(), self.threads, |range| range.map(|at| self.look_at(at)).collect())
    }

    /// Looks again at the swarms of some users who are known to fake by now.
    fn look_again(&self, looked: &mut [Looked], users: &[bool]) {
        // With fewer senders there is no more of an excess.
        let touched = |at: &usize| {
            in_bytes(looked[*at].excess) >= NOISE && self.swarms[*at].iter().any(|key| users[key.1 as usize])
        };
        let again: Vec<usize> = (0..self.swarms.len()).filter(touched).collect();
        let excesses = shared(again.len(), self.threads, |range| {
            let excess = |&at: &usize| self.windows(at).excess(|user| !self.fakers[user as usize]);
            again[range].iter().map(excess).collect()
        });
        for (at, excess) in again.iter().zip(excesses) {
            looked[*at].excess = excess;
        }
    }

    /// A torrent's size in bytes: the most that two users said they missed. One alone may miss a part of it only. 0 if there
    /// are no two.
    fn size(&self, at: usize) -> u64 {
        let most = |own: &[Key]| own.iter().map(|key| self.story.sessions[key.2 as usize].state.largest_left).max();
        let mut missed: Vec<u64> = self.swarms[at].chunk_by(|a, b| a.1 == b.1).filter_map(most).collect();
        missed.sort_unstable();
        missed.windows(2).rev().find(|pair| pair[0] == pair[1]).map_or(0, |pair| pair[0])
    }

    fn windows(&self, at: usize) -> Windows {
        Windows::of(self.swarms[at], &self.sources)
    }

    fn look_at(&self, at: usize) -> Looked {
        let (torrent, size) = (self.swarms[at][0].0, self.size(at));
        let users: Vec<(u32, u64, u64)> =
            self.swarms[at].chunk_by(|a, b| a.1 == b.1).map(|own| (own[0].1, self.claims(own), 0)).collect();
        let claimed = users.iter().fold(0u64, |sum, user| sum.saturating_add(user.1));
        if in_bytes(claimed) < NOISE {
            // Whatever was not received there is noise.
            return Looked { torrent, size, windows: 0, together: 0, excess: 0, users };
        }
        let windows = self.windows(at);
        let excess = windows.excess(|_| true);
        let count = windows.senders.len() + windows.receivers.len();
        let mut looked = Looked { torrent, size, windows: count, together: excess, excess, users };
        // Nobody alone can have more of an excess than all have together.
        if in_bytes(excess) >= NOISE {
            looked.find_certain(windows);
        }
        looked
    }

    /// What a user claims in a swarm, in granules.
    fn claims(&self, sessions: &[Key]) -> u64 {
        let claim = |key: &Key| self.story.sessions[key.2 as usize].state.credit().up / GRANULE;
        sessions.iter().map(claim).fold(0, u64::saturating_add)
    }

    /// What no swarm can have received, by torrent.
    fn unexplained(&self, looked: &[Looked]) -> Vec<SwarmBytes> {
        let mut swarms = vec![SwarmBytes::default(); self.story.torrents.len()];
        for swarm in looked.iter().filter(|swarm| swarm.excess > swarm.noise()) {
            swarms[swarm.torrent as usize].unexplained = in_bytes(swarm.excess);
        }
        swarms
    }

    /// Says of every user what cannot have been received.
    fn conclude(&self, looked: &[Looked]) -> Vec<UserBytes> {
        let users = self.story.users.len();
        let mut sums = sums(looked, users);
        let parts = self.parts(looked).fakes;
        let suspects = (0..users)
            .map(|user| {
                let (sum, part) = (&sums[user], parts[user] * sums[user].claimed as f64);
                let certain = sum.certain.bytes > GIB && sum.certain.bytes > sum.claimed / 10;
                self.fakers[user] || certain || parts[user] > 0.05 && part > (GIB / 4) as f64
            })
            .collect();
        if let Some(mut trial) = Trial::new(self, looked, suspects) {
            trial.suspect_more(&parts);
            trial.trust_again(&parts, &sums);
            for (torrent, user, bytes, size) in trial.beside() {
                sums[user as usize].beside.add(torrent, bytes, size);
            }
        }
        sums
    }
}

fn in_bytes(granules: u64) -> u64 {
    granules.saturating_mul(GRANULE)
}

/// What of one user's claims in a swarm nobody can have received, even if nobody else sent anything.
fn alone(own: &[Window], receivers: &[Window]) -> u64 {
    let (from, to) = (own.iter().map(|w| w.from).min(), own.iter().map(|w| w.to).max());
    let near = |window: &Window| Some(window.from) <= to && Some(window.to) >= from && window.user != own[0].user;
    let others: Vec<Window> = receivers.iter().copied().filter(near).collect();
    unserved(own, &others, |_| true)
}

/// What there was to receive in a swarm, by when it ended: tells quickly that somebody's claims fit easily.
struct Room {
    /// Ends, and how much ended up to and with each.
    all: Vec<(u32, u64)>,
    /// The same of each user.
    own: HashMap<u32, Vec<(u32, u64)>, foldhash::fast::RandomState>,
}

impl Room {
    fn new(receivers: &[Window]) -> Room {
        let mut own: HashMap<u32, Vec<(u32, u64)>, _> = HashMap::default();
        let mut all: Vec<(u32, u64)> = receivers.iter().map(|window| (window.to, u64::from(window.bytes))).collect();
        for window in receivers {
            own.entry(window.user).or_default().push((window.to, u64::from(window.bytes)));
        }
        add_up(&mut all);
        own.values_mut().for_each(add_up);
        Room { all, own }
    }

    /// No more than so much of a user's claims can be without a receiver: each of his windows is served by what ends in it
    /// alone.
    fn lacks(&self, own: &[Window]) -> u64 {
        let mine = self.own.get(&own[0].user);
        let (mut lacks, mut next) = (0u64, 0);
        for window in own {
            let (from, to) = (window.from.max(next), window.to);
            if to >= from {
                let mine = mine.map_or(0, |mine| ended(mine, from, to));
                let others = ended(&self.all, from, to).saturating_sub(mine);
                lacks = lacks.saturating_add(u64::from(window.bytes).saturating_sub(others));
                next = to.saturating_add(1);
            } else {
                lacks = lacks.saturating_add(u64::from(window.bytes));
            }
        }
        lacks
    }
}

fn add_up(ends: &mut Vec<(u32, u64)>) {
    ends.sort_unstable();
    let mut sum = 0u64;
    for end in ends {
        sum = sum.saturating_add(end.1);
        end.1 = sum;
    }
}

/// How much ended from `from` to `to`.
fn ended(ends: &[(u32, u64)], from: u32, to: u32) -> u64 {
    let up_to = |at: usize| at.checked_sub(1).map_or(0, |last| ends[last].1);
    up_to(ends.partition_point(|end| end.0 <= to)) - up_to(ends.partition_point(|end| end.0 < from))
}
