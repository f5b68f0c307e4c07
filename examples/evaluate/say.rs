//! Lines of the log: who says what to the tracker, and what the tracker makes of it.

use crate::clients::line::{Announce, Event, Stamps, close_line, open_line};
use crate::clients::programs::Families;
use crate::honest::{self, Odd};
use crate::world::{BEFORE, DAY, Listed, MINUTE, Setup, What, World};

/// The log as it is being written.
pub struct Log {
    /// Not yet written.
    pub lines: Vec<u8>,
    stamps: Stamps,
    begins: u32,
    ends: u32,
}

impl Log {
    pub fn new(setup: &Setup) -> Log {
        Log { lines: Vec::new(), stamps: Stamps::default(), begins: BEFORE, ends: BEFORE + setup.days * DAY }
    }
}

impl World {
    /// What the tracker answers now.
    fn status(&mut self) -> u16 {
        let now = self.now;
        let away = self.outages.iter().find(|&&(from, to, _)| from <= now && now < to).map(|&(_, _, status)| status);
        let failed = self.odd(honest::REFUSED);
        away.unwrap_or(if failed { 502 } else { 200 })
    }

    /// Announces; `false` if the tracker was away.
    pub fn say(&mut self, at: u32, event: Event) -> bool {
        let status = self.status();
        let repeated = self.odd(honest::REPEATED).then(|| 1 + self.chance.below(4) as u32);
        let told = self.tell(at, event);
        let peer = &mut self.peers[at as usize];
        let machine = &self.machines[peer.machine as usize];
        let user = &mut self.users[machine.user as usize];
        let torrent = &self.torrents[peer.torrent as usize];
        let count = torrent.seeds_told + torrent.leechers_told;
        let size = match (status, event) {
            (200, Event::Stopped) => 82,
            (200, _) => 82 + 6 * u64::from(count).min(50),
            _ => 157,
        };
        let v6 = machine.v6();
        let both = machine.client.families == Families::Both;
        let announce = Announce {
            client: machine.client,
            passkey: &user.passkey,
            v4: machine.v4,
            v6,
            port: machine.port,
            info_hash: &torrent.info_hash,
            peer_id: &peer.peer_id,
            key: peer.key,
            event: told.event,
            uploaded: told.uploaded,
            downloaded: told.downloaded,
            left: told.left,
            corrupt: told.corrupt,
        };
        if self.log.begins <= self.now && self.now < self.log.ends && !user.unseen {
            for later in [Some(0), repeated].into_iter().flatten() {
                let stamp = self.log.stamps.some(self.now + later, &mut self.chance);
                if v6.is_some() {
                    announce.write(&mut self.log.lines, v6, stamp, status, size);
                }
                if v6.is_none() || both {
                    announce.write(&mut self.log.lines, None, stamp, status, size);
                }
            }
            if repeated.is_some() {
                user.truth.note(Odd::Repeated);
            }
            user.truth.lines += 1;
            // What says goodbye with zeros says nothing of what it did.
            let forgets = event == Event::Stopped && machine.client.counts_disk;
            // A session counts from its `started`, even if that was refused.
            let counts = status == 200 || told.event == Event::Started && !peer.tally.is_open();
            if counts && !forgets {
                peer.tally.see(told.event == Event::Started, told.uploaded, told.real, &mut user.truth);
            }
            if both && v6.is_some() {
                user.truth.note(Odd::DualStack);
            }
            if status != 200 {
                user.truth.note(Odd::Refused);
            }
        }
        if status != 200 {
            return false;
        }
        peer.refused = 0;
        let listed = match event {
            Event::Stopped => Listed::No,
            _ if told.left == 0 => Listed::Seed,
            _ => Listed::Leech,
        };
        self.list(at, listed);
        let peer = &mut self.peers[at as usize];
        let torrent = &self.torrents[peer.torrent as usize];
        peer.saw = (torrent.seeds_told, torrent.leechers_told);
        true
    }

    /// Asks for the swarm's counts.
    pub fn scrape(&mut self, at: u32) {
        let status = self.status();
        let stamp = self.log.stamps.some(self.now, &mut self.chance);
        let peer = &self.peers[at as usize];
        let machine = &self.machines[peer.machine as usize];
        let user = &self.users[machine.user as usize];
        if self.log.begins <= self.now && self.now < self.log.ends && !user.unseen {
            open_line(&mut self.log.lines, &user.passkey, machine.v4, machine.v6(), stamp);
            self.log.lines.extend_from_slice(b"/scrape?info_hash=");
            machine.client.escape.write(&mut self.log.lines, &self.torrents[peer.torrent as usize].info_hash);
            close_line(&mut self.log.lines, machine.client, status, 137);
        }
    }

    /// Asks every minute while it takes part.
    pub fn scrape_on(&mut self, at: u32, run: u32) {
        let peer = &self.peers[at as usize];
        if peer.present && self.is_up(peer.machine, run) {
            self.scrape(at);
            self.at(self.now + MINUTE, What::Scrape(at, run));
        }
    }

    /// What the tracker now believes of a peer.
    pub fn list(&mut self, at: u32, listed: Listed) {
        let peer = &mut self.peers[at as usize];
        let torrent = &mut self.torrents[peer.torrent as usize];
        match std::mem::replace(&mut peer.listed, listed) {
            Listed::No => {}
            Listed::Leech => torrent.leechers_told -= 1,
            Listed::Seed => torrent.seeds_told -= 1,
        }
        match listed {
            Listed::No => {}
            Listed::Leech => torrent.leechers_told += 1,
            Listed::Seed => torrent.seeds_told += 1,
        }
    }
}
