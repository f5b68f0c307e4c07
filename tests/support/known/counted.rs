//! What a client's own counters say of a run.

use super::{Client, Ended, Reported, Run};

/// What a client's own counters grew by over a run, and by how much a session may differ from that, below and above.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    pub grown: i64,
    pub below: i64,
    pub above: i64,
}

impl Run {
    /// What was sent, if the client shows it. The announces of a whole run say the same to the byte, except that
    /// - qBittorrent (32 KiB) and aria2 (144 KiB) go on sending between the last look at them and their `stopped`,
    /// - WebTorrent's `stopped` says 0, so what it sent after its last announce is lost (450 KiB),
    /// - and so it is after a silent end: less than 1 MiB for Transmission, which announces every 20 s, and anything where
    ///   the program was killed or cut off, as libtorrent and rtorrent announce every 5 or 10 minutes only;
    /// - aria2 and rtorrent, killed and started again, show more by what they had saved.
    pub fn sent(&self, before: Option<&Run>) -> Option<Counted> {
        let now = self.reported.as_ref()?;
        let shown = |reported: &Reported| match self.client {
            client if client.of_libtorrent() => reported.session_uploaded,
            _ => reported.uploaded,
        };
        let base = before.filter(|_| !self.client.of_libtorrent()).and_then(|run| shown(run.reported.as_ref()?));
        let grown = shown(now)? as i64 - base.unwrap_or(0) as i64;
        let saved = match self.client {
            Client::Aria2 | Client::RTorrent => self.kept.as_ref().and_then(shown).unwrap_or(0) as i64,
            _ => 0,
        };
        let above = match self.client {
            Client::QBittorrent => 32 << 10,
            Client::Aria2 => 144 << 10,
            _ => 0,
        };
        Some(Counted { grown, below: self.lost(grown, 450 << 10) + saved, above })
    }

    /// What was received, if the client shows it. Most announces count verified pieces, and so does one of the numbers that
    /// the client shows: then they are the same to the byte, but for lost tails as in [`sent`](Run::sent) and
    /// - qBittorrent and Deluge, which announce without what came twice, and show it included (490 KiB at most),
    /// - aria2 and ctorrent, which announce it included, and show it without (17 % of the torrent at most).
    pub fn received(&self, before: Option<&Run>) -> Option<Counted> {
        let now = self.reported.as_ref()?;
        if self.client.of_libtorrent() {
            let grown = now.session_downloaded? as i64 - now.redundant.unwrap_or(0) as i64;
            let twice = if now.redundant.is_none() { 490 << 10 } else { 0 };
            return Some(Counted { grown, below: self.lost(grown, 0) + twice, above: 0 });
        }
        let base = before.and_then(|run| self.in_hand(run.reported.as_ref()?)).unwrap_or(self.on_disk);
        let grown = self.in_hand(now)? as i64 - base as i64;
        let saved = self.kept.as_ref().and_then(|kept| self.in_hand(kept)).unwrap_or(0) as i64;
        // Nothing is left to receive after the end of a download.
        let tail = if self.finished.is_some() { 0 } else { self.lost(grown, 176 << 10) };
        Some(Counted { grown, below: tail + saved, above: self.twice() })
    }

    /// What the runs of a life must have received together, if the torrent was complete in the end: what was not there at
    /// the beginning, to the byte, and for aria2 and ctorrent also what came twice.
    pub fn missing(&self) -> Counted {
        let grown = (self.size - self.on_disk) as i64;
        let saved = self.kept.as_ref().and_then(|kept| self.in_hand(kept)).unwrap_or(0) as i64;
        Counted { grown, below: saved, above: self.twice() }
    }

    /// Bytes of the torrent in hand, by the client's own numbers.
    fn in_hand(&self, reported: &Reported) -> Option<u64> {
        match self.client {
            Client::Transmission => reported.have,
            Client::RTorrent => reported.completed,
            // aria2's is 0 when it has all that is wanted.
            _ if self.selective => None,
            _ => Some(self.size - reported.left?),
        }
    }

    fn twice(&self) -> i64 {
        if self.client.counts_repeats() { self.size as i64 * 17 / 100 } else { 0 }
    }

    /// What no announce tells any more, at most.
    fn lost(&self, grown: i64, webtorrent: i64) -> i64 {
        match self.ended {
            Some(Ended::Stopped) if self.client == Client::WebTorrent => webtorrent,
            Some(Ended::Stopped) => 0,
            Some(Ended::Silent) if self.client == Client::Transmission && !self.cut => grown.min(1 << 20),
            _ => grown,
        }
    }
}
