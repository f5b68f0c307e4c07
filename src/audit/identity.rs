//! Who is who.

use super::{Check, Clients, Conclude, Finding, Severity, by_user};
use crate::replay::Story;
use crate::session::{LineRef, Session};
use crate::share::shared;
use crate::time::Time;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// So many households within a day are nothing.
const USUAL: usize = 4;
const DAY: i64 = 86_400_000;

/// An address as a household: IPv6 by its /64, since one machine has many.
fn household(address: &[u8]) -> Vec<u8> {
    let parsed = std::str::from_utf8(address).ok().and_then(|text| text.parse::<IpAddr>().ok());
    match parsed {
        Some(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => v6.octets()[..8].to_vec(),
        Some(IpAddr::V6(v6)) => v6.octets()[12..].to_vec(),
        Some(IpAddr::V4(v4)) => v4.octets().to_vec(),
        None => address.to_vec(),
    }
}

pub static MANY_ADDRESSES: Check = Check {
    name: "many-addresses",
    severity: Severity::Low,
    summary: "one user from many addresses within a day",
    formula: "distinct addresses (IPv6 by /64) first seen in the user's sessions within 24 hours",
    threshold: "more than 4; never without passkeys, when the address is the user",
    look_alikes: "mobile networks, VPNs that hop, a seedbox beside the home line, dual stack",
    source: "trackers that flag more than 3 addresses a day, with more room",
    group: None,
    conclude: Conclude::User(|case| {
        if !case.user().is_passkey {
            return None;
        }
        // Most users have a few, and nothing needs to be looked into.
        let mut numbers: Vec<u32> =
            case.places.iter().flat_map(|at| case.story.sessions.addresses(*at as usize)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.len() <= USUAL {
            return None;
        }
        let sessions = case.sessions(|_| true);
        let mut seen: Vec<(Time, LineRef, Vec<u8>)> = (sessions.iter().flat_map(Session::addresses))
            .filter_map(|seen| Some((seen.at?, seen.line, household(case.story.names.name(seen.address)))))
            .collect();
        if seen.len() <= USUAL {
            return None;
        }
        seen.sort();
        // A window of a day slides over the sightings; how often each household is in it.
        let mut inside: HashMap<&[u8], usize> = HashMap::new();
        let (mut most, mut best, mut from) = (USUAL, None, 0);
        for (to, (at, _, home)) in seen.iter().enumerate() {
            *inside.entry(home).or_default() += 1;
            while at.since(seen[from].0) > DAY {
                if let Some(count) = inside.get_mut(seen[from].2.as_slice()) {
                    *count -= 1;
                    if *count == 0 {
                        inside.remove(seen[from].2.as_slice());
                    }
                }
                from += 1;
            }
            if inside.len() > most {
                (most, best) = (inside.len(), Some((from, to)));
            }
        }
        let (from, to) = best?;
        let to_time = seen[to].0;
        let mut window: Vec<_> = seen[from..=to].iter().collect();
        window.sort_by(|a, b| (&a.2, a.0, a.1).cmp(&(&b.2, b.0, b.1)));
        window.dedup_by(|a, b| a.2 == b.2);
        window.sort();
        Some(Finding {
            check: 0,
            severity: Severity::Low,
            user: case.user,
            session: None,
            from: window.first().map(|first| first.0),
            to: Some(to_time),
            bytes: None,
            count: window.len() as u64,
            amount: 0,
            evidence: window.iter().take(12).map(|seen| seen.1).collect(),
        })
    }),
    message: |f| format!("came from {} addresses within a day", f.count),
};

/// Programs at work in as many households at the same time.
#[derive(Clone, Default, Debug)]
pub struct Crowd {
    /// When they were the most.
    at: Option<Time>,
    /// A session of each.
    places: Vec<u32>,
}

/// So many are enough to know; and to look for: fewer machines belong to one person.
const MANY: usize = 8;
const SEVERAL: usize = 3;
/// Of what is at work in one moment, no more is looked at.
const LOOK: usize = 256;
/// What more than so many of a hundred users have is usual.
const FEW: usize = 2;

/// What every user has at work at once.
#[derive(Debug)]
pub struct Crowds {
    /// By user.
    by_user: Vec<Crowd>,
    /// So many are more than is usual in this log.
    unusual: usize,
}

/// Sees what every user has at work at once.
pub fn crowds(story: &Story, clients: &Clients, threads: usize) -> Crowds {
    let by_user = by_user(story);
    let user = |at: &u32| story.sessions.brief(*at as usize).user;
    let users: Vec<&[u32]> = by_user.chunk_by(|a, b| user(a) == user(b)).collect();
    let found = shared(users.len(), threads, |range| {
        users[range].iter().map(|places| (user(&places[0]), crowd(story, clients, places))).collect()
    });
    let mut by_user = vec![Crowd::default(); story.users.len()];
    found.into_iter().for_each(|(user, crowd)| by_user[user as usize] = crowd);
    let few = (by_user.len() * FEW / 100).max(1);
    let have = |count: usize| by_user.iter().filter(|crowd| crowd.places.len() >= count).count();
    let unusual = (SEVERAL..=MANY).find(|count| have(*count) <= few).unwrap_or(MANY + 1);
    Crowds { by_user, unusual }
}

/// The most that one user has at work at once. Addresses between which a session moves are one household: a roaming phone, a
/// dual stack.
fn crowd(story: &Story, clients: &Clients, places: &[u32]) -> Crowd {
    let session = |at: u32| story.sessions.get(at as usize);
    let several =
        |count: &dyn Fn(u32) -> usize| places.iter().map(|at| count(*at)).collect::<BTreeSet<_>>().len() >= SEVERAL;
    let first_address = |at: u32| story.sessions.addresses(at as usize).next().map_or(0, |address| address as usize);
    // Most users have one machine or two, and nothing needs to be looked into.
    if !several(&|at| clients.class_of(at as usize)) || !several(&first_address) {
        return Crowd::default();
    }
    let mut homes = Homes::of(story, story.sessions.at(places));
    let mut moments: Vec<(Time, bool, u32)> = Vec::new();
    for &at in places {
        let Session { first_at, last_at, .. } = session(at);
        if let Some((first, last)) = first_at.zip(last_at).filter(|(first, last)| first < last) {
            moments.extend([(first, true, at), (last, false, at)]);
        }
    }
    moments.sort_unstable();
    // What is at work, by program and household: how many sessions, and one of them.
    let mut active: BTreeMap<(usize, usize), (u32, u32)> = BTreeMap::new();
    let mut most = Crowd::default();
    for (time, begins, at) in moments {
        let who = (clients.class_of(at as usize), homes.home(&session(at)));
        if !begins {
            if let Some(count) = active.get_mut(&who) {
                count.0 -= 1;
                if count.0 == 0 {
                    active.remove(&who);
                }
            }
            continue;
        }
        let count = &mut active.entry(who).or_insert((0, at)).0;
        *count += 1;
        if *count == 1 && active.len() > most.places.len() && most.places.len() < MANY {
            // No two of them share a program or a household.
            let mut taken = (BTreeSet::new(), BTreeSet::new());
            let apart = |((program, home), (_, at)): (&(usize, usize), &(u32, u32))| {
                let free = !taken.0.contains(program) && !taken.1.contains(home);
                (free && taken.0.insert(*program) && taken.1.insert(*home)).then_some(*at)
            };
            let places: Vec<u32> = active.iter().take(LOOK).filter_map(apart).collect();
            if places.len() > most.places.len() {
                most = Crowd { at: Some(time), places };
            }
        }
    }
    most
}

/// The households of one user: which addresses belong together.
struct Homes {
    /// Places of addresses, by number.
    place: HashMap<u32, usize>,
    /// By place: another of the same household, or itself.
    parent: Vec<usize>,
}

impl Homes {
    fn of(story: &Story, sessions: impl Iterator<Item = Session>) -> Homes {
        let mut homes = Homes { place: HashMap::new(), parent: Vec::new() };
        let mut households: HashMap<Vec<u8>, usize> = HashMap::new();
        for session in sessions {
            let mut before = None;
            for seen in session.addresses() {
                let home = homes.place.get(&seen.address).copied().unwrap_or_else(|| {
                    let new = homes.parent.len();
                    let home = *households.entry(household(story.names.name(seen.address))).or_insert(new);
                    if home == new {
                        homes.parent.push(new);
                    }
                    homes.place.insert(seen.address, home);
                    home
                });
                let (a, b) = (homes.root(home), homes.root(before.unwrap_or(home)));
                homes.parent[a] = b;
                before = Some(home);
            }
        }
        homes
    }

    fn root(&mut self, mut place: usize) -> usize {
        while self.parent[place] != place {
            // Half as far the next time.
            self.parent[place] = self.parent[self.parent[place]];
            place = self.parent[place];
        }
        place
    }

    fn home(&mut self, session: &Session) -> usize {
        let address = session.addresses().next().map(|seen| seen.address);
        let place = address.and_then(|address| self.place.get(&address).copied());
        place.map_or(0, |place| self.root(place))
    }
}

pub static SHARED_PASSKEY: Check = Check {
    name: "shared-passkey",
    severity: Severity::Low,
    summary: "one passkey at work in several households at once, each with a client of its own",
    formula: "sessions under way at one moment of which no two have the client program and version in common, nor the household (addresses by /64, and those that one session moved between, are one)",
    threshold: "info from three, low from four on; not if more than two in a hundred users of this log (and more than one) have as many",
    look_alikes: "somebody with a seedbox, a home and a phone; a family; a VPN that gives each program another exit",
    source: "trackers' location caps (UNIT3D 3 peers a torrent); the passkey is a credential",
    group: None,
    conclude: Conclude::User(|case| {
        let Crowds { by_user, unusual } = &case.known.crowds;
        let crowd = &by_user[case.user as usize];
        let count = crowd.places.len();
        let sessions: Vec<Session> = case.story.sessions.at(&crowd.places).collect();
        let severity = if count > SEVERAL { Severity::Low } else { Severity::Info };
        let found = count >= *unusual && case.user().is_passkey;
        let mut finding = found.then(|| case.finding(severity, &sessions))?;
        (finding.from, finding.to) = (crowd.at, crowd.at);
        finding.evidence = sessions.iter().map(|session| session.first_line).collect();
        finding.evidence.sort_unstable();
        Some(finding)
    }),
    message: |f| format!("{} clients in as many households were at work at once", f.count),
};
