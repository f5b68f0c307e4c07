//! Writes the access log of a tracker that never was: as much of it as one asks for, always the same for the same
//! options, and believable. It is the load for measuring, so it must be faster than what is measured.
//!
//! ```text
//! cargo run --release --example generate -- --bytes 1G --users 7500 --seed 1 > big.log
//! ```
//!
//! A user runs one program with some torrents in it. Each torrent of a user, and each program, is a small state
//! machine that sleeps in a queue by the second; what wakes says its line and goes back to sleep. So memory depends on
//! how much is alive, not on how long the log gets. Bytes move through a pool in each swarm: what leechers say they
//! downloaded is what others may say they uploaded. Everything is whole numbers, so every machine writes the same bytes.

use clients::chance::{Chance, pick};
use clients::line::{Announce, BLOCK, Event, LOWER, Stamps, close_line, open_line, write_v4};
use clients::programs::{CLIENTS, Client, Families, HALF_AN_HOUR, Scope};
use std::io::{self, Write};
use std::process::ExitCode;

// The evaluation uses the rest of it.
#[allow(dead_code)]
mod clients;

const HELP: &str = "\
Writes the nginx access log (combined) of a simulated BitTorrent tracker to standard output.

Usage: generate [--bytes SIZE] [--users N] [--days N] [--seed N]

  --bytes SIZE  stop after the line that reaches this size: 500K, 100M, 1G (powers of 1000); default 100M
  --users N     how many users the tracker has; default 7500
  --days N      how many days the log covers, about: users then run as many torrents as that takes.
                By default they run three each, and the log goes on for as long as that takes
  --seed N      another number, another log; default 1
";

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("generate: {wrong}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let mut tracker = Tracker::new(&options);
    let mut out = io::stdout().lock();
    match tracker.write(options.bytes, &mut out) {
        // Whoever was reading has enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: {error}");
            ExitCode::FAILURE
        }
        Ok(()) => ExitCode::SUCCESS,
    }
}

// ---------------------------------------------------------------------------------------------------- options

pub(crate) struct Options {
    pub(crate) bytes: u64,
    users: u32,
    seed: u64,
    /// Torrents that a user runs, in 1024ths.
    torrents_each: u64,
}

impl Options {
    /// Torrents in a user's program if nothing else is asked for.
    const USUALLY: u64 = 3;
    /// What one torrent of one user makes the tracker log in a day, measured.
    const BYTES_A_DAY: u64 = 18_500;
    /// A log of more days than this is nobody's.
    const MOST_DAYS: u64 = 3650;
    /// More state machines than this take gigabytes of memory.
    const MOST_PEERS: u64 = 1 << 24;

    /// Reads the command line; `None` if help was asked for.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
        let (mut bytes, mut users, mut days, mut seed) = (100_000_000, 7500, None, 1);
        while let Some(name) = args.next() {
            if name == "--help" || name == "-h" {
                return Ok(None);
            }
            let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
            let number = size(&value).ok_or_else(|| format!("{name} {value}: not a number"))?;
            match name.as_str() {
                "--bytes" => bytes = number,
                "--users" => users = number,
                "--days" => days = Some(number),
                "--seed" => seed = number,
                _ => return Err(format!("there is no {name}")),
            }
        }
        if users == 0 || users > Self::MOST_PEERS / 4 {
            return Err(format!("--users {users}: from 1 to {}", Self::MOST_PEERS / 4));
        }
        if days.is_some_and(|days| days > Self::MOST_DAYS) {
            return Err(format!("at most {} days", Self::MOST_DAYS));
        }
        let naturally = bytes / (users * Self::USUALLY * Self::BYTES_A_DAY);
        let torrents_each = match days {
            None if naturally <= Self::MOST_DAYS => Self::USUALLY * 1024,
            None => (bytes / users).saturating_mul(1024) / (Self::BYTES_A_DAY * Self::MOST_DAYS),
            Some(days) => (bytes / users).saturating_mul(1024) / (Self::BYTES_A_DAY * days.max(1)),
        };
        if torrents_each.saturating_mul(users) / 1024 > Self::MOST_PEERS {
            return Err(format!("{bytes} bytes in so few days would take too many torrents"));
        }
        Ok(Some(Options { bytes, users: users as u32, seed, torrents_each }))
    }
}

/// `1500`, `500K`, `100M`, `5G`.
fn size(text: &str) -> Option<u64> {
    let (digits, unit) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (&text[..at], 1000),
        (at, 'm' | 'M') => (&text[..at], 1_000_000),
        (at, 'g' | 'G') => (&text[..at], 1_000_000_000),
        (at, 't' | 'T') => (&text[..at], 1_000_000_000_000),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

// ------------------------------------------------------------------------------------------------- the people

/// How a computer is used.
struct Habit {
    /// Of a thousand users so many are like that.
    share: u32,
    /// Torrents in the program, against the average, in sixteenths.
    torrents: u64,
    /// Seconds the program runs at a stretch.
    up: (u32, u32),
    /// Seconds until it is started again.
    down: (u32, u32),
}

const HOUR: u32 = 3600;
const DAY: u32 = 24 * HOUR;

static HABITS: [Habit; 3] = [
    // Somebody's desktop: on for an evening or a day.
    Habit { share: 450, torrents: 11, up: (2 * HOUR, 14 * HOUR), down: (6 * HOUR, 16 * HOUR) },
    // A small server at home: always on, restarted now and then.
    Habit { share: 430, torrents: 16, up: (10 * HOUR, 5 * DAY), down: (30, 900) },
    // A rented seedbox.
    Habit { share: 120, torrents: 36, up: (2 * DAY, 20 * DAY), down: (30, 120) },
];

/// A user and the program that he runs.
struct User {
    passkey: [u8; 32],
    client: &'static Client,
    habit: &'static Habit,
    v4: [u8; 4],
    /// The last six groups of an address in 2001:db8::/32, of which all but three are zero.
    v6: Option<[u16; 3]>,
    /// Gets a new address now and then.
    roams: bool,
    port: u16,
    /// Bytes a second that the line carries, up and down.
    line: u64,
    /// How often the program was started; a peer with another number belongs to a run that is over.
    run: u32,
    running: bool,
    first_peer: u32,
    peers: u32,
    due: u32,
}

struct Torrent {
    info_hash: [u8; 20],
    size: u64,
    piece: u64,
    /// Downloaded by some, not yet said to be uploaded by anyone: in this half hour, and in the one before. What is
    /// older nobody can have sent since he last announced.
    owed: [u64; 2],
    /// Which half hour that is.
    half_hour: u32,
    /// All that was ever downloaded.
    received: u64,
    /// Peers alive.
    peers: u64,
}

/// What a peer does when it wakes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Sets out: with a new torrent, or again with the one it has.
    Begin,
    /// Says so again, as the tracker was away.
    BeginAgain,
    Scrape,
    Announce,
    Complete,
    Pause,
    /// Gives the torrent up, to take another one later.
    Remove,
    /// The program ends.
    Quit,
}

/// One torrent in one user's program.
struct Peer {
    user: u32,
    torrent: u32,
    due: u32,
    /// When its counters were last brought up to date.
    at: u32,
    /// Of which run of the program its identity is.
    run: u32,
    step: Step,
    /// In the swarm.
    alive: bool,
    /// Wants another torrent.
    restless: bool,
    peer_id: [u8; 20],
    key: u32,
    uploaded: u64,
    downloaded: u64,
    /// Bytes on disk.
    have: u64,
    /// Bytes of files that it does not want.
    unwanted: u64,
    /// Bytes a second, until the next announce.
    rate: u64,
    /// What the swarm had received when it last announced.
    seen: u64,
}

impl Torrent {
    /// Somebody received so much.
    fn receive(&mut self, now: u32, bytes: u64) {
        self.turn(now);
        self.owed[0] += bytes;
        self.received += bytes;
    }

    fn turn(&mut self, now: u32) {
        let half_hour = now / 1800;
        match half_hour - self.half_hour {
            0 => {}
            1 => self.owed = [0, self.owed[0]],
            _ => self.owed = [0; 2],
        }
        self.half_hour = half_hour;
    }

    /// Takes off what somebody sent, the oldest first.
    fn send(&mut self, bytes: u64) {
        let old = bytes.min(self.owed[1]);
        self.owed = [self.owed[0] - (bytes - old), self.owed[1] - old];
    }
}

/// Not waiting for anything.
const NEVER: u32 = u32::MAX;

// -------------------------------------------------------------------------------------------------- the queue

/// Who wakes when: a bucket for each of the next seconds. What is further off goes to the last one and moves on there.
struct Queue {
    ring: Vec<Vec<(u32, u32)>>,
}

impl Queue {
    const SPAN: u32 = 4096;

    fn new() -> Queue {
        Queue { ring: (0..Self::SPAN).map(|_| Vec::new()).collect() }
    }

    fn push(&mut self, now: u32, who: u32, due: u32) {
        let second = due.min(now + Self::SPAN - 1);
        self.ring[(second % Self::SPAN) as usize].push((who, due));
    }

    /// Exchanges the bucket of `now` with `bucket`, so that both keep their memory.
    fn swap(&mut self, now: u32, bucket: &mut Vec<(u32, u32)>) {
        std::mem::swap(&mut self.ring[(now % Self::SPAN) as usize], bucket);
    }
}

// ------------------------------------------------------------------------------------------------ the tracker

pub(crate) struct Tracker {
    seed: u64,
    chance: Chance,
    /// Seconds since the log began.
    now: u32,
    stamps: Stamps,
    /// Until when the tracker is away, and the status that its web server says then.
    outage: (u32, Status),
    users: Vec<User>,
    peers: Vec<Peer>,
    torrents: Vec<Torrent>,
    queue: Queue,
    /// Lines not yet written.
    lines: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Status(u16);

const OK: Status = Status(200);

/// Up to so many seconds after the tracker's interval a client announces.
const JITTER: u64 = 15;
/// Lines are written in chunks of this size.
const CHUNK: usize = 1 << 20;
/// No line is longer.
const LINE: usize = 4096;

// Once in so many announces...
const REMOVED: u64 = 150;
const PAUSED: u64 = 300;
const PARTIAL: u64 = 60;
const FAILED: u64 = 6000;
const SCRAPED_AGAIN: u64 = 12;
/// A line is followed by one that has nothing to do with the tracker, once in so many.
const NOISE: u64 = 400;
/// Seconds between two outages of the tracker, on average.
const OUTAGE: u64 = 15 * HOUR as u64;

impl Tracker {
    pub(crate) fn new(options: &Options) -> Tracker {
        let mut tracker = Tracker {
            seed: options.seed,
            chance: Chance::of(options.seed, 0, 0),
            now: 0,
            stamps: Stamps::default(),
            outage: (0, Status(502)),
            users: Vec::new(),
            peers: Vec::new(),
            torrents: Vec::new(),
            queue: Queue::new(),
            lines: Vec::with_capacity(CHUNK + 4 * LINE),
        };
        for number in 0..options.users {
            tracker.register(number, options.torrents_each);
        }
        if tracker.peers.is_empty() {
            // However little is asked for, something must happen.
            tracker.users[0].peers = 1;
            tracker.peers.push(idle_peer(0));
        }
        let torrents = (tracker.peers.len() as u64 / 6).max(64);
        tracker.torrents = (0..torrents).map(|number| publish(options.seed, number)).collect();
        for user in 0..tracker.users.len() {
            tracker.settle(user);
        }
        tracker
    }

    /// Adds a user, with as many torrents as suits the habit.
    fn register(&mut self, number: u32, torrents_each: u64) {
        let mut chance = Chance::of(self.seed, 1, u64::from(number));
        let habit = pick(&HABITS, chance.below(1000) as u32, |habit| habit.share);
        let client = pick(&CLIENTS, chance.below(1000) as u32, |client| client.share);
        // Some run a few, some many; the average is what it should be, fractions by chance.
        let skew = [2, 4, 8, 8, 14, 32, 60][chance.below(7) as usize];
        let sixteenths = torrents_each * habit.torrents * skew / (18 * 16);
        let peers = (sixteenths + chance.below(1024)) / 1024;
        let mut passkey = [0; 32];
        chance.letters(&mut passkey, LOWER);
        let user = User {
            passkey,
            client,
            habit,
            v4: [10, chance.next() as u8, chance.next() as u8, chance.below(254) as u8 + 1],
            v6: chance.once_in(4).then(|| [chance.next() as u16, chance.next() as u16, chance.next() as u16 | 1]),
            roams: chance.once_in(3),
            port: chance.between((1024, 65_535)) as u16,
            line: chance.any_scale(7) * 100_000,
            run: 1,
            running: false,
            first_peer: self.peers.len() as u32,
            peers: peers as u32,
            due: NEVER,
        };
        self.users.push(user);
        self.peers.extend((0..peers).map(|_| idle_peer(number)));
    }

    /// Puts a user somewhere in the midst of things: the log does not begin with the tracker.
    fn settle(&mut self, user: usize) {
        let User { habit, first_peer, peers, client, .. } = self.users[user];
        let (up, down) = (u64::from(habit.up.0 + habit.up.1) / 2, u64::from(habit.down.0 + habit.down.1) / 2);
        let running = self.chance.below(up + down) < up;
        self.users[user].running = running;
        let rest = if running { up } else { down };
        let due = 1 + self.chance.below(rest) as u32;
        self.wake_user_at(user, due);
        if !running {
            return;
        }
        for at in first_peer..first_peer + peers {
            self.set_out(at as usize);
            let peer = &mut self.peers[at as usize];
            let torrent = &self.torrents[peer.torrent as usize];
            let wanted = torrent.size - peer.unwanted;
            peer.have = if self.chance.once_in(20) { self.chance.below(wanted) } else { wanted };
            peer.downloaded = if self.chance.once_in(2) { peer.have } else { 0 };
            peer.uploaded = self.chance.below(torrent.size * 2);
            peer.step = Step::Announce;
            let due = 1 + self.chance.below(u64::from(client.interval)) as u32;
            self.wake_peer_at(at as usize, due);
        }
    }

    /// Writes the log until it has `bytes` bytes.
    pub(crate) fn write(&mut self, bytes: u64, out: &mut impl Write) -> io::Result<()> {
        let mut written = 0;
        let mut bucket = Vec::new();
        loop {
            self.begin_second();
            self.queue.swap(self.now, &mut bucket);
            for (who, due) in bucket.drain(..) {
                if self.due(who) != due {
                    // Somebody changed his mind since.
                    continue;
                }
                if due > self.now {
                    self.queue.push(self.now, who, due);
                    continue;
                }
                self.wake(who);
                if self.lines.len() >= CHUNK || written + self.lines.len() as u64 >= bytes {
                    out.write_all(&self.lines)?;
                    written += self.lines.len() as u64;
                    self.lines.clear();
                    if written >= bytes {
                        return out.flush();
                    }
                }
            }
            self.now += 1;
        }
    }

    fn begin_second(&mut self) {
        if self.chance.once_in(OUTAGE) {
            let status = Status(if self.chance.once_in(2) { 503 } else { 502 });
            self.outage = (self.now + self.chance.between((20, 240)), status);
        }
    }

    fn due(&self, who: u32) -> u32 {
        let who = who as usize;
        if who < self.peers.len() { self.peers[who].due } else { self.users[who - self.peers.len()].due }
    }

    fn wake_peer_at(&mut self, peer: usize, due: u32) {
        self.peers[peer].due = due;
        self.queue.push(self.now, peer as u32, due);
    }

    fn wake_user_at(&mut self, user: usize, due: u32) {
        self.users[user].due = due;
        self.queue.push(self.now, (self.peers.len() + user) as u32, due);
    }

    fn wake(&mut self, who: u32) {
        let who = who as usize;
        match who.checked_sub(self.peers.len()) {
            Some(user) if self.users[user].running => self.exit(user),
            Some(user) => self.boot(user),
            None => self.go(who),
        }
    }

    // ------------------------------------------------------------------------------------------ programs

    /// The program is started, perhaps at another address, and sets out with all its torrents.
    fn boot(&mut self, user: usize) {
        let chance = &mut self.chance;
        let program = &mut self.users[user];
        program.running = true;
        program.run += 1;
        if program.roams && chance.once_in(4) {
            program.v4[1..].copy_from_slice(&[chance.next() as u8, chance.next() as u8, chance.below(254) as u8 + 1]);
        }
        let due = self.now + chance.between(program.habit.up);
        let peers = program.first_peer..program.first_peer + program.peers;
        let spread = 5 + u64::from(program.peers) / 4;
        self.wake_user_at(user, due);
        for peer in peers {
            self.peers[peer as usize].step = Step::Begin;
            let due = self.now + 1 + self.chance.below(spread) as u32;
            self.wake_peer_at(peer as usize, due);
        }
    }

    /// The program ends, or is killed. Some say goodbye.
    fn exit(&mut self, user: usize) {
        let crash = self.chance.once_in(8);
        let program = &mut self.users[user];
        program.running = false;
        let says_so = program.client.stops_at_exit && !crash;
        let due = self.now + self.chance.between(program.habit.down);
        let peers = program.first_peer..program.first_peer + program.peers;
        self.wake_user_at(user, due);
        for peer in peers.map(|peer| peer as usize) {
            if says_so && self.peers[peer].alive {
                self.peers[peer].step = Step::Quit;
                let due = self.now + 1 + self.chance.below(4) as u32;
                self.wake_peer_at(peer, due);
            } else {
                self.leave_swarm(peer);
                self.peers[peer].due = NEVER;
            }
        }
    }

    // ------------------------------------------------------------------------------------------- torrents

    /// A peer's turn has come.
    fn go(&mut self, peer: usize) {
        match self.peers[peer].step {
            Step::Begin => {
                self.set_out(peer);
                self.start(peer);
            }
            Step::BeginAgain => self.start(peer),
            Step::Scrape => {
                self.scrape(peer);
                self.plan(peer);
            }
            Step::Announce => {
                self.advance(peer);
                let event = self.plain_event(peer);
                if self.say(peer, event) {
                    self.plan(peer);
                } else {
                    self.retry(peer, Step::Announce);
                }
            }
            Step::Complete => {
                self.advance(peer);
                self.finish_download(peer);
                if self.say(peer, Event::Completed) {
                    self.plan(peer);
                } else {
                    self.retry(peer, Step::Complete);
                }
            }
            Step::Pause => self.stop(peer, (10 * 60, 6 * HOUR)),
            Step::Remove => {
                self.stop(peer, (60, 3 * HOUR));
                self.peers[peer].restless = true;
            }
            Step::Quit => {
                self.stop(peer, (1, 2));
                self.peers[peer].due = NEVER;
            }
        }
    }

    /// Chooses torrent and identity, and sets the counters to zero.
    fn set_out(&mut self, at: usize) {
        let fresh = self.peers[at].restless;
        if fresh {
            self.choose_torrent(at);
        }
        let chance = &mut self.chance;
        let peer = &mut self.peers[at];
        let user = &self.users[peer.user as usize];
        let (client, rerun) = (user.client, peer.run != user.run);
        let new_in = |scope| fresh || rerun && scope != Scope::Kept;
        // What belongs to a run comes out the same for each of its torrents.
        let mut of_run = Chance::of(self.seed, 2 + u64::from(peer.user), u64::from(user.run));
        if client.key.scope == Scope::Run {
            peer.key = of_run.next() as u32;
        } else if new_in(client.key.scope) {
            peer.key = chance.next() as u32;
        }
        if client.peer_id.scope == Scope::Run {
            peer.peer_id = client.peer_id.draw(&mut of_run);
        } else if new_in(client.peer_id.scope) || client.peer_id.fleeting {
            peer.peer_id = client.peer_id.draw(chance);
        }
        peer.run = user.run;
        peer.restless = false;
        peer.alive = true;
        peer.at = self.now;
        peer.rate = 0;
        peer.seen = self.torrents[peer.torrent as usize].received;
        peer.uploaded = 0;
        peer.downloaded = if client.counts_disk { peer.have } else { 0 };
        self.torrents[peer.torrent as usize].peers += 1;
    }

    /// Popular ones more often. Who is alone in a swarm has brought the torrent himself.
    fn choose_torrent(&mut self, at: usize) {
        let count = self.torrents.len() as u64;
        let mut tries = 0;
        let number = loop {
            let rank = self.chance.any_scale(64 - count.leading_zeros()) - 1;
            tries += 1;
            if rank < count && (tries > 20 || !self.runs(at, rank as u32)) {
                break rank;
            }
        };
        let torrent = &self.torrents[number as usize];
        let has_it = torrent.peers == 0 || self.chance.once_in(6);
        let part = !has_it && self.chance.once_in(PARTIAL);
        let peer = &mut self.peers[at];
        peer.torrent = number as u32;
        peer.have = if has_it { torrent.size } else { 0 };
        peer.unwanted = if part { torrent.size / 4 } else { 0 };
    }

    /// Whether the program has that torrent already, as far as a short look shows.
    fn runs(&self, at: usize, torrent: u32) -> bool {
        let user = &self.users[self.peers[at].user as usize];
        let peers = &self.peers[user.first_peer as usize..][..user.peers.min(256) as usize];
        peers.iter().any(|peer| !peer.restless && peer.torrent == torrent)
    }

    /// Says `started`.
    fn start(&mut self, at: usize) {
        let peer = &self.peers[at];
        let client = self.users[peer.user as usize].client;
        if client.counts_disk && peer.unwanted == 0 && self.missing(peer) == 0 {
            self.say(at, Event::Completed);
        }
        if !self.say(at, Event::Started) {
            self.retry(at, Step::BeginAgain);
        } else if client.scrapes {
            self.scrape_soon(at);
        } else {
            self.plan(at);
        }
    }

    fn scrape_soon(&mut self, peer: usize) {
        self.peers[peer].step = Step::Scrape;
        let due = self.now + 1 + self.chance.below(8) as u32;
        self.wake_peer_at(peer, due);
    }

    /// Says `stopped`, and sleeps for some time of that span.
    fn stop(&mut self, peer: usize, span: (u32, u32)) {
        self.advance(peer);
        self.say(peer, Event::Stopped);
        self.leave_swarm(peer);
        self.peers[peer].step = Step::Begin;
        let due = self.now + self.chance.between(span);
        self.wake_peer_at(peer, due);
    }

    fn leave_swarm(&mut self, peer: usize) {
        let peer = &mut self.peers[peer];
        if std::mem::take(&mut peer.alive) {
            self.torrents[peer.torrent as usize].peers -= 1;
        }
    }

    fn retry(&mut self, at: usize, step: Step) {
        let client = self.users[self.peers[at].user as usize].client;
        let wait = if client.retries { self.chance.between((15, 120)) } else { client.interval };
        self.peers[at].step = step;
        self.wake_peer_at(at, self.now + wait);
    }

    /// Decides what the peer does next and when: announce as the tracker asks, unless something comes before.
    fn plan(&mut self, at: usize) {
        let missing = self.missing(&self.peers[at]);
        let chance = &mut self.chance;
        let peer = &mut self.peers[at];
        let user = &self.users[peer.user as usize];
        let client = user.client;
        if peer.step == Step::Announce && client.scrapes && chance.once_in(SCRAPED_AGAIN) {
            return self.scrape_soon(at);
        }
        let wait = u64::from(client.interval) + chance.below(JITTER);
        let (mut step, mut due) = (Step::Announce, u64::from(peer.at) + wait);
        peer.rate = 0;
        if missing > 0 && self.torrents[peer.torrent as usize].peers > 1 && !chance.once_in(12) {
            peer.rate = user.line / 4 + chance.below(user.line);
            let secs = missing / peer.rate + 1;
            if secs < wait && client.completes && peer.unwanted == 0 {
                (step, due) = (Step::Complete, u64::from(peer.at) + secs);
            }
        }
        // Who announces more often is not more fickle.
        let often = u64::from(HALF_AN_HOUR / client.interval);
        let sooner = u64::from(peer.at) + 1 + chance.below(wait);
        if chance.once_in(REMOVED * often) {
            (step, due) = (Step::Remove, sooner);
        } else if client.pauses && chance.once_in(PAUSED * often) {
            (step, due) = (Step::Pause, sooner);
        }
        peer.step = step;
        self.wake_peer_at(at, (due as u32).max(self.now + 1));
    }

    /// Brings the counters up to date.
    fn advance(&mut self, at: usize) {
        let missing = self.missing(&self.peers[at]);
        let peer = &mut self.peers[at];
        let torrent = &mut self.torrents[peer.torrent as usize];
        let user = &self.users[peer.user as usize];
        let secs = u64::from(self.now - peer.at);
        peer.at = self.now;
        let came = peer.rate * secs;
        let came = if came < missing { came - came % BLOCK } else { missing };
        peer.have += came;
        peer.downloaded += came;
        // What others received since it last announced: twice the fair share at most, and no more than the line carries.
        torrent.turn(self.now);
        let owed = (torrent.owed[0] + torrent.owed[1]).min(torrent.received.saturating_sub(peer.seen));
        let share = owed * 2 / torrent.peers.max(1);
        let gave = self.chance.below(share + 1).min(user.line * secs).min(owed);
        torrent.send(gave);
        peer.uploaded += gave;
        torrent.receive(self.now, came);
        peer.seen = torrent.received;
    }

    fn finish_download(&mut self, at: usize) {
        let missing = self.missing(&self.peers[at]);
        let peer = &mut self.peers[at];
        peer.have += missing;
        peer.downloaded += missing;
        let torrent = &mut self.torrents[peer.torrent as usize];
        torrent.receive(self.now, missing);
        peer.seen = torrent.received;
    }

    /// Bytes that it wants and does not have.
    fn missing(&self, peer: &Peer) -> u64 {
        self.torrents[peer.torrent as usize].size - peer.unwanted - peer.have
    }

    fn plain_event(&self, at: usize) -> Event {
        let peer = &self.peers[at];
        let client = self.users[peer.user as usize].client;
        let content = peer.unwanted > 0 && self.missing(peer) == 0;
        if client.partial_seeds && content { Event::Paused } else { Event::None }
    }

    // ---------------------------------------------------------------------------------------------- lines

    /// What the tracker answers now.
    fn status(&mut self) -> Status {
        match self.outage {
            (until, status) if self.now < until => status,
            _ if self.chance.once_in(FAILED) => Status(502),
            _ => OK,
        }
    }

    /// Announces; `false` if the tracker was away.
    fn say(&mut self, at: usize, event: Event) -> bool {
        let status = self.status();
        let peer = &self.peers[at];
        let user = &self.users[peer.user as usize];
        let torrent = &self.torrents[peer.torrent as usize];
        let said = Announce {
            client: user.client,
            passkey: &user.passkey,
            v4: user.v4,
            v6: user.v6(),
            port: user.port,
            info_hash: &torrent.info_hash,
            peer_id: &peer.peer_id,
            key: peer.key,
            event,
            uploaded: peer.uploaded,
            downloaded: peer.downloaded,
            left: self.left(peer, event),
            corrupt: 0,
        };
        let size = if status == OK { answer_size(torrent, event) } else { 157 };
        let stamp = self.stamps.some(self.now, &mut self.chance);
        if let Some(v6) = user.v6() {
            said.write(&mut self.lines, Some(v6), stamp, status.0, size);
        }
        if user.v6().is_none() || user.client.families == Families::Both {
            said.write(&mut self.lines, None, stamp, status.0, size);
        }
        self.noise();
        status == OK
    }

    /// What the program says is missing.
    fn left(&self, peer: &Peer, event: Event) -> u64 {
        let client = self.users[peer.user as usize].client;
        let torrent = &self.torrents[peer.torrent as usize];
        let (size, have) = (torrent.size, peer.have);
        if event == Event::Started && client.starts_unchecked {
            size
        } else if client.whole_pieces && have < size - peer.unwanted {
            size - have / torrent.piece * torrent.piece
        } else {
            size - have
        }
    }

    fn scrape(&mut self, at: usize) {
        let status = self.status();
        let peer = &self.peers[at];
        let user = &self.users[peer.user as usize];
        let out = &mut self.lines;
        open_line(out, &user.passkey, user.v4, user.v6(), self.stamps.some(self.now, &mut self.chance));
        out.extend_from_slice(b"/scrape?info_hash=");
        user.client.escape.write(out, &self.torrents[peer.torrent as usize].info_hash);
        close_line(out, user.client, status.0, 137);
    }

    /// Now and then somebody asks a tracker for what it does not have.
    fn noise(&mut self) {
        if !self.chance.once_in(NOISE) {
            return;
        }
        let (request, rest) = SCANNERS[self.chance.below(SCANNERS.len() as u64) as usize];
        let v4 = [198, 18 + self.chance.below(2) as u8, self.chance.next() as u8, self.chance.next() as u8];
        let out = &mut self.lines;
        write_v4(out, v4);
        out.extend_from_slice(b" - - [");
        out.extend_from_slice(self.stamps.some(self.now, &mut self.chance));
        out.extend_from_slice(b"] \"");
        out.extend_from_slice(request.as_bytes());
        out.extend_from_slice(b"\" ");
        out.extend_from_slice(rest.as_bytes());
        out.push(b'\n');
    }
}

/// Requests that are no announces, or none that can be used, and what stands behind them.
static SCANNERS: [(&str, &str); 12] = [
    (
        "GET /favicon.ico HTTP/1.1",
        "404 153 \"-\" \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\"",
    ),
    ("GET /robots.txt HTTP/1.1", "404 153 \"-\" \"Mozilla/5.0 (compatible; indexer/2.1)\""),
    ("GET / HTTP/1.1", "404 153 \"-\" \"Mozilla/5.0 \\x22odd\\x22 agent\\x5Cx\""),
    ("GET /wp-login.php HTTP/1.1", "404 153 \"-\" \"Mozilla/5.0 (Windows NT 10.0; Win64; x64)\""),
    ("GET /.env HTTP/1.1", "404 153 \"-\" \"curl/7.88.1\""),
    ("POST /boaform/admin/formLogin HTTP/1.1", "404 153 \"http://192.0.2.1:80/admin/login.asp\" \"Mozilla/5.0\""),
    ("\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xFC\\x03\\x03\\xB7\\x8A", "400 157 \"-\" \"-\""),
    ("", "400 0 \"-\" \"-\""),
    ("CONNECT mail.example.net:25 HTTP/1.0", "400 157 \"-\" \"-\""),
    (
        "GET /announce HTTP/1.1",
        "200 57 \"-\" \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\"",
    ),
    (
        "GET /00000000000000000000000000000000/announce?info_hash=3d14177f09b1371f5deb422b74efbf1c5720cacd\
         &peer_id=-XX0100-000000000000&port=6881&uploaded=0&downloaded=0&left=0 HTTP/1.1",
        "200 71 \"-\" \"python-requests/2.28.1\"",
    ),
    ("HEAD /announce HTTP/1.1", "200 0 \"-\" \"monitor/1.0\""),
];

impl User {
    /// The address that its program announces from over IPv6, if it does.
    fn v6(&self) -> Option<[u16; 3]> {
        self.v6.filter(|_| self.client.families != Families::V4)
    }
}

// ----------------------------------------------------------------------------------------------------- the rest

/// A short text, and six bytes for each peer that the client is told of.
fn answer_size(torrent: &Torrent, event: Event) -> u64 {
    let told = if event == Event::Stopped { 0 } else { (torrent.peers.max(1) - 1).min(80) };
    82 + 6 * told
}

fn publish(seed: u64, number: u64) -> Torrent {
    let mut chance = Chance::of(seed, 3 << 32, number);
    let mut info_hash = [0; 20];
    chance.fill(&mut info_hash);
    // From 30 MB to 60 GB.
    let size = chance.any_scale(11) * 30_000_000 + chance.below(30_000_000);
    let piece = (size / 1500).next_power_of_two().clamp(1 << 18, 1 << 24);
    Torrent { info_hash, size, piece, owed: [0; 2], half_hour: 0, received: 0, peers: 0 }
}

fn idle_peer(user: u32) -> Peer {
    Peer {
        user,
        torrent: 0,
        due: NEVER,
        at: 0,
        run: 0,
        step: Step::Begin,
        alive: false,
        restless: true,
        peer_id: [0; 20],
        key: 0,
        uploaded: 0,
        downloaded: 0,
        have: 0,
        unwanted: 0,
        rate: 0,
        seen: 0,
    }
}
