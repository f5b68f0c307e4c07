//! Bytes that cannot have been received: what was claimed as uploaded in a swarm, held against what anybody there can
//! have received at the time (a closed swarm conserves bytes).
//!
//! Whoever is held to account is called a user in here: most are, some are only one of a user's clients ([`Actors`]).

mod actors;
mod attribution;
mod bootstrap;
mod course;
mod flow;
mod kept;
mod looked;
mod merged;
mod odds;
mod reroute;
mod room;
mod swarm;
mod swept;
mod trace;
mod trial;
mod user;

pub use course::Course;
pub use trace::{AllTraces, BEFORE, GRANULE, Place, Stretch, Trace, Traces};
pub use user::{Excess, UserBytes};

use crate::order::by_two;
use crate::replay::Story;
use crate::share::both;
use actors::Actors;
use attribution::{Share, attribute};
use flow::Sweep;
use looked::{Claim, Looked};
use std::collections::HashMap;
use swarm::{Key, Sources, Unsorted};
use swept::swept;
use trial::Trial;

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
    /// How uploads may have found their receivers, by torrent, of as many swarms as was asked for.
    pub courses: HashMap<u32, Course>,
    /// Receivers are missing from the log: of users nothing can be said.
    pub open: bool,
}

/// If more than one part in so many of all upload has no receiver, then receivers are missing from the log (another tracker,
/// another front end), and nothing is said of users...
const OPEN: u64 = 3;
/// ...nor if of those who upload a GiB or more one in so many, and this many beside, sent something that nobody can have received.
const OPEN_USERS: usize = 4;
const OPEN_FEW: usize = 5;
/// Less than this, in a swarm, is noise: stale counters, rounding, a peer whose lines were all lost. In bytes.
const NOISE: u64 = 64 << 20;
/// Rounds in which those are found who bring an excess wherever they go.
const ROUNDS: usize = 2;
/// Of what is too much beside the trusted, so much is called unexplained: who is trusted is an estimate.
const SURE: f64 = 0.9;
/// In so many of a thousand draws the odds may be less than what is said...
const UNLIKELY: usize = 50;
/// ...and between these lies the range of what is too much.
const RANGE: [usize; 2] = [25, 975];
/// From how many bytes on anything is said.
pub const GIB: u64 = 1 << 30;

/// Of whom something else than bytes says that they may fake.
#[derive(Debug)]
pub struct Doubts {
    /// By user: the counters look made up.
    pub users: Vec<bool>,
    /// By session, by its place: the client is not what it says, or begins anew with most announces.
    pub sessions: Vec<bool>,
}

/// Holds all uploads against all downloads. `traces` are those of the sessions, by their places in the story; `sizes` those of
/// the torrents. Of so many swarms as `courses` says it is shown how uploads may have found receivers. `meanwhile` is done once few
/// swarms are left to look at, and with them not enough to do for all threads.
pub fn balance<T: Send>(
    story: &Story,
    traces: &AllTraces,
    sizes: &[Option<u64>],
    doubts: &Doubts,
    courses: usize,
    threads: usize,
    meanwhile: impl FnOnce() -> T + Send,
) -> (Balance, T) {
    let actors = Actors::new(story, &doubts.sessions);
    let keys = || {
        let mut keys: Vec<(u32, Key)> =
            story.sessions.briefs().iter().zip(0u32..).map(|(s, at)| (s.torrent, (actors.of(at), at))).collect();
        by_two(&mut keys, |(torrent, key)| (*torrent, key.0));
        let lens = keys.chunk_by(|a, b| a.0 == b.0).map(<[_]>::len).collect();
        let keys = keys.iter().map(|(_, key)| *key).collect();
        (keys, lens)
    };
    let ((keys, lens), sources): ((Vec<Key>, Vec<usize>), _) =
        both(threads, keys, || Sources::new(story, traces, &actors, threads));
    let mut rest = &keys[..];
    let swarms = lens.into_iter().map(|len| rest.split_off(..len).unwrap_or_default()).collect();
    let (users, count) = (story.users.len(), actors.len());
    let (fakers, blamed) = (vec![false; count], vec![0.0; count]);
    let mut book = Book { story, sources, sizes, swarms, fakers, blamed, threads };
    let mut looked = book.look();
    let unexplained = book.unexplained(&looked);
    let courses = book.courses(&unexplained, courses);
    looked.iter_mut().filter(|swarm| swarm.is_open()).for_each(Looked::leave_out);
    let mut claims = sums(&looked, count);
    if is_open(&looked, &claims) {
        let balance = Balance { users: vec![UserBytes::default(); users], swarms: unexplained, courses, open: true };
        return (balance, meanwhile());
    }
    // Who brings an excess wherever he goes is left out, and the rest is looked at again: else fakers explain each other.
    for _ in 0..ROUNDS {
        let newly = book.obvious(&looked, &claims);
        if !newly.contains(&true) {
            break;
        }
        book.fakers.iter_mut().zip(&newly).for_each(|(known, new)| *known |= new);
        book.look_again(&mut looked, &newly);
        claims = sums(&looked, count);
    }
    let (done, users) = both(threads, meanwhile, || book.conclude(&looked, claims, doubts));
    (Balance { users, swarms: unexplained, courses, open: false }, done)
}

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
        for claim in &swarm.claims {
            let sum = &mut sums[claim.user as usize];
            sum.claimed = sum.claimed.saturating_add(in_bytes(claim.up));
            sum.weighed = sum.claimed;
        }
        for &(user, certain) in &swarm.certain {
            sums[user as usize].against_mut().certain.add(swarm.torrent, in_bytes(certain), swarm.size);
        }
        for &(user, count, up) in &swarm.unattended {
            let against = sums[user as usize].against_mut();
            against.unattended.add(swarm.torrent, in_bytes(up), swarm.size);
            against.unattended_times = against.unattended_times.saturating_add(count);
        }
    }
    sums
}

/// Whether receivers are missing from the log.
fn is_open(looked: &[Looked], sums: &[UserBytes]) -> bool {
    let total = |of: fn(&Looked) -> u64| looked.iter().fold(0u64, |sum, swarm| sum.saturating_add(of(swarm)));
    let uploads = || sums.iter().filter(|sum| sum.claimed >= GIB);
    let in_vain = uploads().filter(|sum| sum.against().certain.bytes > 0).count();
    total(|swarm| swarm.excess) > total(|swarm| swarm.claimed) / OPEN
        || in_vain > OPEN_FEW + uploads().count() / OPEN_USERS
}

/// All swarms, and who is trusted.
struct Book<'a> {
    story: &'a Story,
    sources: Sources<'a>,
    /// By torrent.
    sizes: &'a [Option<u64>],
    swarms: Vec<&'a [Key]>,
    /// Users who bring an excess wherever they go.
    fakers: Vec<bool>,
    /// By user: which part of his claims explained the excesses best when that was found.
    blamed: Vec<f64>,
    threads: usize,
}

impl Book<'_> {
    /// Explains by faked upload what those who are not known to fake have of an excess.
    fn parts(&self, looked: &[Looked], excess_of: fn(&Looked) -> u64) -> Parts {
        let users = self.sources.actors.len();
        let mut all = vec![0.0; users];
        let (mut shares, mut excess) = (Vec::new(), Vec::new());
        for swarm in looked {
            let beyond = excess_of(swarm) > swarm.noise();
            for claim in swarm.claims.iter().filter(|claim| !self.fakers[claim.user as usize]) {
                all[claim.user as usize] += claim.up as f64;
                if beyond {
                    shares.push(Share { swarm: excess.len() as u32, user: claim.user, up: claim.up as f64 });
                }
            }
            if beyond {
                excess.push(excess_of(swarm) as f64);
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
    fn obvious(&mut self, looked: &[Looked], sums: &[UserBytes]) -> Vec<bool> {
        let parts = self.parts(looked, |swarm| swarm.proved);
        let obvious = |user: usize| {
            let (blame, swarms) = parts.blame[user];
            let bytes = blame * GRANULE as f64;
            let certain = sums[user].against().certain;
            let certain = certain.bytes > GIB && certain.bytes > sums[user].claimed / 20 && certain.swarms > 2;
            !self.fakers[user] && (certain || bytes > GIB as f64 && parts.fakes[user] > 0.08 && swarms > 2)
        };
        let obvious: Vec<bool> = (0..self.sources.actors.len()).map(obvious).collect();
        for (user, _) in obvious.iter().enumerate().filter(|(_, obvious)| **obvious) {
            self.blamed[user] = parts.fakes[user];
        }
        obvious
    }

    /// Looks at all swarms.
    fn look(&self) -> Vec<Looked> {
        self.swept(&(0..self.swarms.len()).collect::<Vec<_>>(), |at, sweep| self.look_at(at, sweep))
    }

    /// Looks again at the swarms of some users who are known to fake by now.
    fn look_again(&self, looked: &mut [Looked], newly: &[bool]) {
        let touched = |at: &usize| {
            in_bytes(looked[*at].excess) >= NOISE && self.swarms[*at].iter().any(|key| newly[key.0 as usize])
        };
        let again: Vec<usize> = (0..self.swarms.len()).filter(touched).collect();
        let new = self.swept(&again, |at, sweep| self.look_at(at, sweep));
        for (at, new) in again.into_iter().zip(new) {
            looked[at] = new;
        }
    }

    fn torrent(&self, at: usize) -> u32 {
        self.story.sessions.brief(self.swarms[at][0].1 as usize).torrent
    }

    /// A swarm's torrent's size in bytes; 0 if unknown.
    fn size(&self, at: usize) -> u64 {
        self.sizes[self.torrent(at) as usize].unwrap_or(0)
    }

    fn windows(&self, at: usize) -> Unsorted {
        self.sources.windows(self.swarms[at], self.size(at))
    }

    /// Works on some swarms. In each are about as many windows as announces.
    fn swept<T: Send>(&self, places: &[usize], work: impl Fn(usize, &mut Sweep) -> T + Sync) -> Vec<T> {
        let announces = |key: &Key| self.story.sessions.brief(key.1 as usize).announces as usize;
        let windows: Vec<usize> = places.iter().map(|&at| self.swarms[at].iter().map(announces).sum()).collect();
        swept(&windows, self.threads, |at, sweep| work(places[at], sweep))
    }

    fn look_at(&self, at: usize, sweep: &mut Sweep) -> Looked {
        let claim = |own: &[Key]| Claim { user: own[0].0, up: self.claimed(own) };
        let users = || self.swarms[at].chunk_by(|a, b| a.0 == b.0);
        // No more room than that: all of them together are nearly as many as sessions.
        let mut claims = Vec::with_capacity(users().count());
        claims.extend(users().map(claim));
        let claimed = claims.iter().fold(0u64, |sum, claim| sum.saturating_add(claim.up));
        let (torrent, size) = (self.torrent(at), self.size(at));
        let mut looked = Looked { torrent, size, claimed, claims, ..Looked::default() };
        if in_bytes(looked.claimed) < NOISE {
            // Whatever was not received there is noise.
            return looked;
        }
        let windows = self.windows(at).sort();
        looked.windows = windows.senders.windows().len() + windows.receivers.windows().len();
        let left = looked.weigh(&windows, sweep, &self.fakers);
        // Nobody alone can have more of an excess than all have together.
        if in_bytes(looked.proved) >= NOISE || self.swarms[at].iter().any(|key| self.fakers[key.0 as usize]) {
            looked.find_certain(&windows, &left, sweep, &self.fakers);
        }
        looked
    }

    /// What a user claims in a swarm, in granules.
    fn claimed(&self, sessions: &[Key]) -> u64 {
        let claim = |key: &Key| self.story.sessions.brief(key.1 as usize).credit.up / GRANULE;
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

    /// How uploads may have found their receivers, of so many swarms: those with the most that nobody received, then with the
    /// most uploaded.
    fn courses(&self, swarms: &[SwarmBytes], many: usize) -> HashMap<u32, Course> {
        if many == 0 {
            return HashMap::new();
        }
        let mut chosen: Vec<usize> = (0..self.swarms.len()).collect();
        chosen.sort_by_cached_key(|&at| {
            let uploaded = self.swarms[at].iter().map(|key| self.story.sessions.brief(key.1 as usize).credit.up);
            let unexplained = swarms[self.torrent(at) as usize].unexplained;
            std::cmp::Reverse((unexplained, uploaded.fold(0, u64::saturating_add)))
        });
        chosen.truncate(many);
        let course = |at: usize, sweep: &mut Sweep| {
            (self.torrent(at), Course::new(&self.windows(at).sort(), &self.sources, sweep))
        };
        self.swept(&chosen, course).into_iter().collect()
    }

    /// Says of every user what cannot have been received. `sums` are [`sums`] of what was looked at.
    fn conclude(&self, looked: &[Looked], mut sums: Vec<UserBytes>, doubts: &Doubts) -> Vec<UserBytes> {
        let actors = self.sources.actors;
        let parts = self.parts(looked, |swarm| swarm.excess).fakes;
        let mut doubtful: Vec<bool> = (0..sums.len() as u32).map(|at| doubts.users[actors.user(at) as usize]).collect();
        for (at, disguised) in (0u32..).zip(&doubts.sessions) {
            doubtful[actors.of(at) as usize] |= disguised;
        }
        let suspects = (0..sums.len())
            .map(|user| {
                let (sum, part) = (&sums[user], parts[user] * sums[user].claimed as f64);
                let certain = sum.against().certain.bytes;
                let certain = certain > GIB && certain > sum.claimed / 10;
                let doubts = doubtful[user] && sum.claimed > GIB / 2;
                self.fakers[user] || certain || doubts || parts[user] > 0.05 && part > (GIB / 4) as f64
            })
            .collect();
        if let Some(mut trial) = Trial::new(self, looked, suspects) {
            trial.suspect_more(&parts);
            trial.trust_again(|user| {
                let (user, sum) = (user as usize, &sums[user as usize]);
                parts[user].max(self.blamed[user]) + sum.against().certain.bytes as f64 / (sum.claimed as f64 + 1.0)
            });
            for (user, evidence) in trial.evidence() {
                let sum = &mut sums[user as usize];
                // What is really sent goes to receivers in secret as usual, and that is no fake.
                let claimed = sum.claimed as f64;
                let too_much = |excess: f64| {
                    let usual = (claimed - excess).max(0.0) * evidence.lost / (1.0 - evidence.lost).max(0.1);
                    (excess - usual).max(0.0)
                };
                let [low, high] = RANGE.map(|thousandths| too_much(claimed * evidence.draws.part(thousandths)) as u64);
                let against = sum.against_mut();
                (against.odds, against.beside, against.proved) = (evidence.odds, evidence.beside, evidence.proved);
                against.least_odds = evidence.draws.odds(UNLIKELY);
                against.too_much = (too_much(evidence.beside.bytes as f64) * SURE) as u64;
                against.range = (low, high);
            }
        }
        // A client held apart stands for its user, unless there is more against the others.
        let apart = sums.split_off(self.story.users.len());
        for (actor, apart) in (sums.len() as u32..).zip(apart) {
            let sum = &mut sums[actors.user(actor) as usize];
            let claimed = sum.claimed.saturating_add(apart.claimed);
            if apart.claimed > 0 && apart.weight() >= sum.weight() {
                *sum = apart;
            }
            sum.claimed = claimed;
        }
        sums
    }
}

fn in_bytes(granules: u64) -> u64 {
    granules.saturating_mul(GRANULE)
}
