//! Announces are taken in: whose each is, by which peer, of which torrent, and from where it came.

use super::queue::{Held, limit, turn};
use super::record::Span;
use super::spellings::Known;
use super::{AHEAD, Batch, Key, Listener, Order, Record, Replay, User, Written};
use crate::account::Account;
use crate::announce::{InfoHash, PeerId, Reason, write_form};
use crate::session::{Counters, LineRef, Live, Opening, Session, Whose};
use percent_encoding::percent_decode;
use std::borrow::Cow;
use std::hash::BuildHasher;

impl<L: Listener> Replay<L> {
    /// Takes announces of a batch in. `reject` is told of those that cannot be used.
    pub(super) fn take_all_in(
        &mut self,
        records: &[Record],
        batch: &Batch<'_>,
        reject: &mut impl FnMut(u64, LineRef, Reason),
    ) {
        for at in 0..records.len() + 2 * AHEAD {
            let record = |steps: usize| records.get(at.checked_sub(steps * AHEAD)?);
            if let Some(record) = record(0) {
                self.spellings.fetch(&record.hashes);
            }
            if let Some(known) = record(1).and_then(|record| self.spellings.find(&record.hashes)) {
                self.addresses.fetch(known.address);
            }
            if let Some(record) = record(2)
                && let Err(reason) = self.take_in(record, batch)
                && !record.refused
            {
                reject(batch.lines_before + u64::from(record.line), batch.line(record), reason);
            }
        }
    }

    #[inline]
    fn take_in(&mut self, record: &Record, batch: &Batch<'_>) -> Result<(), Reason> {
        if record.at.is_some_and(|at| self.rules.until.is_some_and(|until| at > until)) {
            return record.decode(batch).map(|_| ());
        }
        // Whatever was spelled so before could be decoded.
        let (peer, address) = match self.spellings.find(&record.hashes) {
            Some(known) => {
                let same = self.addresses.name(known.address, record.hashes.addr);
                (known.peer, same.unwrap_or_else(|| self.moved(known, record, batch)))
            }
            None => self.peer(record, batch)?,
        };
        let newest = batch.newest_before(record.line).max(record.at);
        let held = || Held {
            at: record.at,
            turn: turn(record.at, newest),
            line: batch.line(record),
            counters: Counters { up: record.uploaded, down: record.downloaded },
            left: record.left,
            peer,
            address,
            event: record.event,
            refused: record.refused,
        };
        match self.rules.order {
            Order::EachPeer => self.collected.push(held()),
            Order::WholeLog => {
                self.lined_up.insert(held());
                self.apply_lined_up(limit(newest));
            }
        }
        Ok(())
    }

    /// The number of the address that an announce came from, which is another than that of the one before.
    #[cold]
    fn moved(&mut self, known: Known, record: &Record, batch: &Batch<'_>) -> u32 {
        let (at, address) = self.address(record, batch);
        self.spellings.move_to(known, at);
        address
    }

    /// The address that an announce came from, by its place among addresses, and its number.
    fn address(&mut self, record: &Record, batch: &Batch<'_>) -> (u32, u32) {
        self.addresses.find(record.hashes.addr, || self.names.number(record.addr.get(batch.text)))
    }

    fn user(&mut self, record: &Record, batch: &Batch<'_>) -> u32 {
        let (name, is_passkey) = batch.user(record);
        let users = &mut self.users;
        let entry = self.user_table.entry(
            record.hashes.user,
            |&(hash, n)| hash == record.hashes.user && users[n as usize].is(name, is_passkey),
            |&(hash, _)| hash,
        );
        match entry {
            hashbrown::hash_table::Entry::Occupied(known) => known.get().1,
            hashbrown::hash_table::Entry::Vacant(free) => {
                let number = users.len() as u32;
                free.insert((record.hashes.user, number));
                users.push(User { name: name.into(), is_passkey, account: Account::default(), engine: 0 });
                number
            }
        }
    }

    fn torrent(&mut self, info_hash: InfoHash) -> u32 {
        let torrents = &mut self.torrents;
        let entry = self.torrent_table.entry(
            self.seed.hash_one(info_hash),
            |&n| torrents[n as usize] == info_hash,
            |&n| self.seed.hash_one(torrents[n as usize]),
        );
        match entry {
            hashbrown::hash_table::Entry::Occupied(known) => *known.get(),
            hashbrown::hash_table::Entry::Vacant(free) => {
                let number = torrents.len() as u32;
                free.insert(number);
                torrents.push(info_hash);
                let prefix = self.rules.torrent.as_deref();
                self.wanted.push(prefix.is_none_or(|prefix| info_hash.to_string().starts_with(prefix)));
                number
            }
        }
    }

    /// The peer of a spelling that is new, another one for a known peer or a new peer; and the address.
    #[cold]
    fn peer(&mut self, record: &Record, batch: &Batch<'_>) -> Result<(u32, u32), Reason> {
        let text = |span: Span| span.get(batch.text);
        let (info_hash, peer_id) = record.decode(batch)?;
        let (address_at, address) = self.address(record, batch);
        let (user, torrent) = (self.user(record, batch), self.torrent(info_hash));
        let hash = |user: u32, torrent: u32, peer_id: &PeerId| self.seed.hash_one((user, torrent, peer_id));
        let identity = hash(user, torrent, &peer_id);
        let (peers, peer_ids) = (&self.peers, &self.peer_ids);
        let same = |&n: &u32| peers.whose(n) == (user, torrent) && peer_ids[n as usize] == peer_id;
        if let Some(&number) = self.identities.find(identity, same) {
            // More is expected of who is heard of: whoever was put aside is taken up now, not when this is applied.
            self.peers.slot(number, &mut self.listener);
            self.spellings.insert(&record.hashes, number, address_at, |peer| self.peers.is_expected(peer));
            return Ok((number, address));
        }
        let number = self.peers.len() as u32;
        // Only now is the line read whole: how a client writes is the same in all its lines.
        let (line, info_hash_at) = batch.whole_line(record);
        let escapes = write_form(line, info_hash_at, peer_id.bytes(), text(record.agent), &mut self.form);
        // Once for each peer: how fast it is does not matter.
        let key: Cow<'_, [u8]> = percent_decode(text(record.key)).into();
        let (form, key) = (self.names.number(&self.form), Key::of(&key, &mut self.names));
        self.written.push(Written::new(form, key, escapes));
        let whose = Whose { user, torrent, peer: number };
        let session = Session::open(whose, 0, 0, &Live::default(), batch.line(record), Opening::Unseen);
        self.peers.push(session);
        self.peer_ids.push(peer_id);
        self.spellings.insert(&record.hashes, number, address_at, |peer| self.peers.is_expected(peer));
        let (peers, peer_ids) = (&self.peers, &self.peer_ids);
        self.identities.insert_unique(identity, number, |&n| {
            let (user, torrent) = peers.whose(n);
            hash(user, torrent, &peer_ids[n as usize])
        });
        Ok((number, address))
    }
}
