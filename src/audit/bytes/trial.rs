//! Who can be trusted, and what the others claim beside them.

use super::bootstrap::{self, Draws};
use super::flow::Sweep;
use super::kept::Kept;
use super::looked::{Claim, Looked};
use super::merged::Merged;
use super::odds::{self, Cell, Usual};
use super::room::{Room, Tried};
use super::swarm::Secret;
use super::swept::swept;
use super::{Book, Excess, NOISE, in_bytes};
use crate::share::shared;

/// So many windows are swept to find who can be trusted: some seconds. If there are more suspects than that allows for, only
/// what is certain of each user alone is said.
const SWEEPS: usize = 300_000_000;
/// Where more than so many tenths of all users are suspects, too few are left to be trusted.
const MANY: usize = 3;
/// So few are tried in any case.
const FEW: usize = 100;
/// How often suspects are tried, and those who fit in are trusted.
const ROUNDS: usize = 5;
/// Of those, a third at once, but so many at least.
const AT_ONCE: usize = 8;
/// From these odds down, somebody may be trusted.
const INNOCENT: f64 = -1.0;
/// From these odds on, somebody is not looked at again before the end: the more are trusted, the less room is left for others.
const SETTLED: f64 = 8.0;
/// So much of the odds is it worth if all that somebody claims explains an excess.
const GUILT: f64 = 5.0;
/// Of the trusted in a swarm with an excess, so many are looked at to learn what is usual.
const SAMPLES: usize = 3;

/// The swarms in which somebody is suspected, or something is left to explain.
pub struct Trial<'a> {
    book: &'a Book<'a>,
    looked: &'a [Looked],
    /// Those with windows to try anybody by, by their places.
    places: Vec<usize>,
    /// The windows of each of them, once they are made.
    kept: Vec<Kept>,
    /// What was seen in each of them.
    seen: Vec<Seen>,
    /// By user: who brings an excess wherever he goes, and was not trusted again.
    fakers: Vec<bool>,
    /// By user: who was suspected at first.
    first: Vec<bool>,
    /// By user.
    suspects: Vec<bool>,
    /// By user: suspects whose odds leave no doubt about what they will be.
    settled: Vec<bool>,
}

/// What a swarm looks like with those who are trusted now.
#[derive(Default)]
struct Seen {
    /// What each suspect claims beside the trusted, by user.
    cells: Vec<(u32, Cell)>,
    /// Some of the trusted, each beside the others; each stands for so many.
    trusted: Vec<(Cell, f64)>,
    /// The same are trusted since.
    holds: bool,
    /// It holds for those who are settled, too.
    holds_for_all: bool,
}

/// What is held against one user.
pub struct Evidence {
    /// Summed up over his swarms, see [`odds::Table::odds`].
    pub odds: f64,
    /// What of his claims finds no receiver beside those who are trusted.
    pub beside: Excess,
    /// The same if everybody who may have received in secret did.
    pub proved: Excess,
    /// What the odds and the excess are if other swarms of his are drawn.
    pub draws: Draws,
    /// Which part of what they really send users send to receivers in secret.
    pub lost: f64,
}

impl<'a> Trial<'a> {
    /// A trial of some users; `None` if there are too many of them to tell.
    pub fn new(book: &'a Book<'a>, looked: &'a [Looked], suspects: Vec<bool>) -> Option<Self> {
        if suspects.iter().filter(|suspect| **suspect).count() > FEW.max(suspects.len() / 10 * MANY) {
            return None;
        }
        let is_suspect = |claim: &&Claim| suspects[claim.user as usize] && claim.up >= odds::LEAST;
        let concerned = |swarm: &Looked| {
            swarm.windows > 0 && (swarm.excess > swarm.noise() || swarm.claims.iter().any(|claim| is_suspect(&claim)))
        };
        // Each suspect costs a sweep of every swarm that he is in.
        let sweeps = |swarm: &Looked| swarm.windows * swarm.claims.iter().filter(is_suspect).count();
        if looked.iter().filter(|swarm| concerned(swarm)).map(sweeps).sum::<usize>() > SWEEPS {
            return None;
        }
        let places: Vec<usize> = (0..looked.len()).filter(|&at| concerned(&looked[at])).collect();
        let (seen, settled) = (places.iter().map(|_| Seen::default()).collect(), vec![false; suspects.len()]);
        let kept = Kept::room(places.iter().map(|&at| looked[at].windows));
        let (fakers, first) = (book.fakers.clone(), suspects.clone());
        Some(Trial { book, looked, places, kept, seen, fakers, first, suspects, settled })
    }

    /// Works with the windows of a swarm.
    fn on_windows<T>(&self, at: usize, work: impl FnOnce(Tried<'_>) -> T) -> T {
        let (book, place, first) = (self.book, self.places[at], &self.first);
        let make = || Merged::new(book.windows(place), |user| !first[user as usize]);
        self.kept[at].with(make, |merged| {
            let mut tried = Tried::new(book, place, merged);
            tried.trust_others(first, &self.suspects);
            work(tried)
        })
    }

    /// Works on some of the places.
    fn swept<T: Send>(&self, places: &[usize], work: impl Fn(usize, &mut Sweep) -> T + Sync) -> Vec<T> {
        let windows: Vec<usize> = places.iter().map(|&at| self.looked[self.places[at]].windows).collect();
        swept(&windows, self.book.threads, |at, sweep| work(places[at], sweep))
    }

    fn secret(&self) -> Secret<'_> {
        Secret::But(&self.fakers)
    }

    fn trusts(&self, user: u32) -> bool {
        !self.suspects[user as usize]
    }

    /// The trusted together must not leave an excess that not even secret receivers explain; else the one who is blamed for most
    /// of it is not trusted.
    pub fn suspect_more(&mut self, parts: &[f64]) {
        let all: Vec<usize> = (0..self.places.len()).collect();
        let found = self.swept(&all, |at, sweep| {
            let swarm = &self.looked[self.places[at]];
            // With the same receivers the trusted have no more of an excess than all who are not known to fake.
            if swarm.proved <= swarm.noise() {
                return Vec::new();
            }
            self.on_windows(at, |mut tried| {
                let windows = &tried.merged.windows;
                let received = windows.received(self.secret());
                let mut found: Vec<u32> = Vec::new();
                loop {
                    if windows.excess(sweep, tried.trusted.amounts(), &received) <= swarm.noise() {
                        return found;
                    }
                    let blame = |claim: &Claim| (parts[claim.user as usize] + 1e-6) * claim.up as f64;
                    let left =
                        swarm.claims.iter().filter(|claim| self.trusts(claim.user) && !found.contains(&claim.user));
                    let Some(most) = left.max_by(|a, b| blame(a).total_cmp(&blame(b))) else { return found };
                    tried.distrust(most.user);
                    found.push(most.user);
                }
            })
        });
        found.into_iter().flatten().for_each(|user| self.suspects[user as usize] = true);
    }

    /// Too many are suspected by now: whoever looks like those who are trusted is trusted again. The more are trusted, the less
    /// room is left for the others: so those whose `guilt` is least come first.
    pub fn trust_again(&mut self, guilt: impl Fn(u32) -> f64) {
        for _ in 0..ROUNDS {
            self.see(false);
            let (table, cells) = (self.usual().table(), self.cells());
            let mut fit: Vec<(f64, u32)> = Vec::new();
            for of_user in cells.chunk_by(|a, b| a.0 == b.0) {
                let (user, odds) = (of_user[0].0, of_user.iter().map(|(_, _, cell)| table.odds(cell)).sum::<f64>());
                let settled = &mut self.settled[user as usize];
                *settled |= odds >= SETTLED;
                if odds < INNOCENT && !*settled {
                    fit.push((odds + GUILT * guilt(user), user));
                }
            }
            if fit.is_empty() {
                break;
            }
            fit.sort_by(|a, b| a.0.total_cmp(&b.0));
            fit.truncate((fit.len() / 3).max(AT_ONCE));
            for (_, user) in &fit {
                (self.suspects[*user as usize], self.fakers[*user as usize]) = (false, false);
            }
            let mut newly: Vec<u32> = fit.into_iter().map(|(_, user)| user).collect();
            newly.sort_unstable();
            for (seen, &place) in self.seen.iter_mut().zip(&self.places) {
                if self.looked[place].claims.iter().any(|claim| newly.binary_search(&claim.user).is_ok()) {
                    (seen.holds, seen.holds_for_all) = (false, false);
                }
            }
        }
        self.see(true);
    }

    /// What is held against those who are still suspected.
    pub fn evidence(&self) -> Vec<(u32, Evidence)> {
        let usual = self.usual();
        let table = usual.table();
        let evidence = |of_user: &[(u32, usize, Cell)]| {
            let (mut beside, mut proved) = (Excess::default(), Excess::default());
            for (_, place, cell) in of_user {
                let swarm = &self.looked[*place];
                beside.add(swarm.torrent, in_bytes(cell.excess), swarm.size);
                // Where the trusted alone have as much of an excess, it may be theirs.
                if cell.before < cell.up {
                    proved.add(swarm.torrent, in_bytes(cell.proved), swarm.size);
                }
            }
            let swarm = |(_, _, cell): &(u32, usize, Cell)| bootstrap::Swarm {
                odds: table.odds(cell),
                up: cell.up as f64,
                excess: if in_bytes(cell.excess) < NOISE { 0.0 } else { cell.excess as f64 },
            };
            let swarms: Vec<bootstrap::Swarm> = of_user.iter().map(swarm).collect();
            let odds = swarms.iter().map(|swarm| swarm.odds).sum();
            (of_user[0].0, Evidence { odds, beside, proved, draws: Draws::new(&swarms), lost: usual.lost() })
        };
        let cells = self.cells();
        let of_users: Vec<_> = cells.chunk_by(|a, b| a.0 == b.0).collect();
        shared(of_users.len(), self.book.threads, |range| of_users[range].iter().map(|own| evidence(own)).collect())
    }

    /// Looks at the swarms of which what was seen does not hold any more; at those who are settled only if `all`.
    fn see(&mut self, all: bool) {
        let holds = |seen: &Seen| if all { seen.holds_for_all } else { seen.holds };
        let stale: Vec<usize> = (0..self.places.len()).filter(|&at| !holds(&self.seen[at])).collect();
        let seen = self.swept(&stale, |at, sweep| self.on_windows(at, |tried| self.see_one(at, tried, all, sweep)));
        stale.into_iter().zip(seen).for_each(|(at, seen)| self.seen[at] = seen);
    }

    fn see_one(&self, at: usize, tried: Tried<'_>, all: bool, sweep: &mut Sweep) -> Seen {
        let (swarm, before) = (&self.looked[self.places[at]], &self.seen[at]);
        let (trusted, suspects): (Vec<&Claim>, Vec<&Claim>) =
            swarm.claims.iter().filter(|claim| claim.up >= odds::LEAST).partition(|claim| self.trusts(claim.user));
        // What was seen of a suspect before, if that is not looked at now.
        let known = |user: u32| {
            let kept = if self.settled[user as usize] { !all } else { before.holds };
            let place = before.cells.binary_search_by_key(&user, |cell| cell.0).ok().filter(|_| kept)?;
            Some(before.cells[place].1)
        };
        let room = Room::new(tried, self.secret(), sweep);
        let mut skipped = false;
        let mut beside = |claim: &Claim| {
            let known = known(claim.user);
            skipped |= known.is_some() && !before.holds;
            (claim.user, known.unwrap_or_else(|| room.beside(swarm, claim, sweep)))
        };
        let cells = suspects.iter().map(|claim| beside(claim)).collect();
        let few = if room.excess() == 0 { trusted.len() } else { trusted.len().min(SAMPLES) };
        let chosen = (0..few).map(|n| trusted[n * trusted.len() / few]);
        let weight = trusted.len() as f64 / few as f64;
        let trusted = if before.holds {
            before.trusted.clone()
        } else {
            chosen.map(|claim| (room.among(swarm, claim, sweep), weight)).collect()
        };
        Seen { cells, trusted, holds: true, holds_for_all: !skipped }
    }

    /// The swarms that are not concerned, with their places.
    fn quiet(&self) -> impl Iterator<Item = (usize, &Looked)> {
        let mut concerned = self.places.iter().peekable();
        self.looked.iter().enumerate().filter(move |(place, _)| concerned.next_if(|at| *at == place).is_none())
    }

    /// What each suspect claims beside the trusted: by user, the places of the swarms, and the cells.
    fn cells(&self) -> Vec<(u32, usize, Cell)> {
        let seen = self.places.iter().zip(&self.seen);
        let seen = seen.flat_map(|(&place, seen)| seen.cells.iter().map(move |cell| (place, cell)));
        let mut cells: Vec<_> = seen.map(|(place, (user, cell))| (*user, place, *cell)).collect();
        for (place, swarm) in self.quiet() {
            let suspects = swarm.claims.iter().filter(|claim| !self.trusts(claim.user) && claim.up >= odds::LEAST);
            cells.extend(suspects.map(|claim| (claim.user, place, Cell::quiet(claim.up, swarm.claimed))));
        }
        cells.sort_by_key(|(user, place, _)| (*user, *place));
        cells
    }

    /// What is usual among those who are trusted.
    fn usual(&self) -> Usual {
        let mut usual = Usual::default();
        self.seen.iter().flat_map(|seen| &seen.trusted).for_each(|(cell, weight)| usual.add(cell, *weight));
        for (_, swarm) in self.quiet() {
            let trusted = swarm.claims.iter().filter(|claim| self.trusts(claim.user) && claim.up >= odds::LEAST);
            trusted.for_each(|claim| usual.add(&Cell::quiet(claim.up, swarm.claimed), 1.0));
        }
        usual
    }
}
