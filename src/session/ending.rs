//! How sessions ended, and what the profile listed when: known once the whole log has been read.

use super::record::{LineRef, Session};
use super::state::Phase;
use crate::announce::{PeerId, program_of, usual_silence};
use crate::time::Time;

/// What endings depend on.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The last time in the log; `None` in a log without times.
    pub log_end: Option<Time>,
    /// Seconds after which a silent peer is no longer listed.
    pub timeout: u32,
}

impl Clock {
    /// When a session is no longer listed if nothing more comes of it; `None` in a log without times.
    fn times_out(&self, session: &Session) -> Option<Time> {
        session.last_at.map(|last| last.plus(i64::from(self.timeout) * 1000))
    }
}

/// How a session ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum End {
    /// By `stopped`.
    Stopped,
    /// `completed` was its last line, and removes it.
    Completed,
    /// Silent for longer than the timeout before the log ended.
    TimedOut,
    /// The same client began another session of that torrent, and this one stayed silent.
    Replaced,
    /// Nothing is known to be wrong.
    Open,
}

impl End {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            End::Stopped => "stopped",
            End::Completed => "completed",
            End::TimedOut => "timed-out",
            End::Replaced => "replaced",
            End::Open => "open",
        }
    }
}

/// The end of one session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ending {
    /// How.
    pub end: End,
    /// When it is known to have been over: the `stopped` or `completed`, the timeout, or the beginning of the session
    /// that replaced it. `None` if it is open or the log has no times.
    pub at: Option<Time>,
    /// When it left the listing for good; `None` if it is listed when the log ends, or the log has no times.
    pub delisted: Option<Time>,
    /// The first line of the session that replaced it.
    pub successor: Option<LineRef>,
}

impl Ending {
    /// That of a session, which `next` replaced.
    pub fn of(session: &Session, next: Option<&Session>, clock: &Clock) -> Ending {
        let by_event = |end: End| {
            let since = session.last_phase().0;
            Ending { end, at: since, delisted: since, successor: None }
        };
        let over = clock.times_out(session).filter(|limit| clock.log_end.is_some_and(|end| end > *limit));
        match (session.state.phase, next) {
            (Phase::Stopped, _) => by_event(End::Stopped),
            (Phase::Completed, _) => by_event(End::Completed),
            (_, Some(next)) => {
                let taken_over = next.peer == session.peer;
                let delisted = if taken_over { next.first_at } else { over };
                Ending { end: End::Replaced, at: next.first_at, delisted, successor: Some(next.first_line) }
            }
            (_, None) if over.is_some() => Ending { end: End::TimedOut, at: over, delisted: over, successor: None },
            (_, None) => Ending { end: End::Open, at: None, delisted: None, successor: None },
        }
    }
}

/// What a profile shows for a session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Status {
    /// Currently leeching.
    Leeching,
    /// Currently seeding.
    Seeding,
    /// Not listed.
    Removed,
}

impl Status {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Status::Leeching => "leeching",
            Status::Seeding => "seeding",
            Status::Removed => "removed",
        }
    }
}

impl From<Phase> for Status {
    fn from(phase: Phase) -> Status {
        match phase {
            Phase::Leeching | Phase::PartialSeed => Status::Leeching,
            Phase::Seeding => Status::Seeding,
            Phase::Completed | Phase::Stopped => Status::Removed,
        }
    }
}

/// A stretch of a session's listing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Since when; `None` in a log without times.
    pub from: Option<Time>,
    /// Until when; `None` if it lasts, or the log has no times.
    pub to: Option<Time>,
    /// What the profile showed.
    pub status: Status,
}

/// Whether a session of which that is the last phase was listed when it was last heard of. No other is listed after that, and no
/// other can have been replaced: the tracker was told of its end.
pub fn ends_listed(phase: Phase) -> bool {
    Status::from(phase) != Status::Removed
}

/// Which sessions of one user and one torrent, which come in the order of their beginnings, were replaced by which others: by their
/// places. `key` tells a session's `key` parameter from others, if it has one.
pub fn replaced<'a, K: PartialEq>(
    sessions: &[Session],
    peer_id: impl Fn(&Session) -> &'a PeerId,
    key: impl Fn(&Session) -> Option<K>,
    clock: &Clock,
) -> Vec<(usize, usize)> {
    let programs: Vec<Option<&str>> = sessions.iter().map(|s| program_of(peer_id(s).bytes())).collect();
    let same_client = |at: usize, other: usize| {
        let (a, b) = (&sessions[at], &sessions[other]);
        a.peer == b.peer
            || key(a).is_some() && key(a) == key(b)
            || programs[at].is_some() && programs[at] == programs[other] && share_address(a, b)
    };
    let successor = |at: usize| {
        let session = &sessions[at];
        if !ends_listed(session.state.phase) {
            return None;
        }
        let (last, limit) = (session.last_at, clock.times_out(session));
        // Later ones only: they come in the order of their beginnings.
        let in_time = |next: &Session| match (next.first_at, last, limit) {
            (Some(begins), Some(last), Some(limit)) => begins >= last && begins <= limit,
            _ => next.first_line > session.last_line,
        };
        (at + 1..sessions.len())
            .take_while(|&other| limit.is_none() || sessions[other].first_at <= limit)
            .find(|&other| in_time(&sessions[other]) && same_client(at, other))
    };
    (0..sessions.len()).filter_map(|at| Some((at, successor(at)?))).collect()
}

fn share_address(a: &Session, b: &Session) -> bool {
    a.addresses().any(|x| b.addresses().any(|y| x.address == y.address))
}

/// What the profile listed for a session, stretch by stretch; the last one lasts.
pub fn listing(session: &Session, ending: &Ending, clock: &Clock) -> Vec<Listed> {
    let mut out: Vec<Listed> = Vec::with_capacity(4);
    let mut push = |from: Option<Time>, status: Status| {
        if let Some(last) = out.last_mut() {
            if last.status == status {
                return;
            }
            last.to = from;
        }
        out.push(Listed { from, to: None, status });
    };
    let timeout = i64::from(clock.timeout) * 1000;
    let mut gaps = session.gaps().filter(|gap| gap.length() > timeout).peekable();
    let mut status = Status::Removed;
    for (from, phase) in session.phases() {
        while let Some(gap) = gaps.next_if(|gap| from.is_some_and(|from| gap.to <= from)) {
            push(Some(gap.from.plus(timeout)), Status::Removed);
            push(Some(gap.to), status);
        }
        status = phase.into();
        push(from, status);
    }
    for gap in gaps {
        push(Some(gap.from.plus(timeout)), Status::Removed);
        push(Some(gap.to), status);
    }
    if ending.delisted.is_some() {
        push(ending.delisted, Status::Removed);
    }
    out
}

/// Whether a listed session is a ghost: listed only because no `stopped` came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Ghost {
    /// The client was there, or within its usual silence.
    No,
    /// Silent for longer than usual, but the log does not tell whether it came back.
    Unknown,
    /// The client was gone: it stopped in vain, began anew elsewhere, or never came back.
    Yes,
}

impl Ghost {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Ghost::No => "no",
            Ghost::Unknown => "unknown",
            Ghost::Yes => "yes",
        }
    }
}

/// Whether a session listed at `at` is a ghost then. `interval` is in seconds.
pub fn ghost(session: &Session, peer_id: &PeerId, ending: &Ending, interval: u32, at: Option<Time>) -> Ghost {
    let Some((at, last)) = at.zip(session.last_at) else {
        return Ghost::Unknown;
    };
    if last >= at {
        return Ghost::No;
    }
    let stopped_in_vain = session.refused_stop().is_some_and(|r| r.at.is_none_or(|refused| refused <= at));
    let began_anew = ending.end == End::Replaced && ending.at.is_some_and(|anew| anew <= at);
    if stopped_in_vain || began_anew {
        return Ghost::Yes;
    }
    let floor = usual_silence(peer_id.bytes());
    let usual = i64::from(interval.saturating_mul(2).max(floor + floor / 4)) * 1000;
    match (at.since(last) > usual, ending.end) {
        (true, End::TimedOut) => Ghost::Yes,
        (false, End::Open) => Ghost::No,
        _ => Ghost::Unknown,
    }
}

/// What is listed at a point in time, and since when. In a log without times: at its end.
pub fn status_at(listing: &[Listed], at: Option<Time>) -> Option<Listed> {
    let Some(at) = at else {
        return listing.last().copied();
    };
    listing.iter().rev().find(|l| l.from.is_none_or(|from| from <= at)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_that_of_the_last_stretch_begun() {
        let t = |s| Some(Time::from_secs(s));
        let list = [
            Listed { from: t(10), to: t(20), status: Status::Leeching },
            Listed { from: t(20), to: None, status: Status::Seeding },
        ];
        assert_eq!(status_at(&list, t(9)), None);
        assert_eq!(status_at(&list, t(19)).map(|l| l.status), Some(Status::Leeching));
        assert_eq!(status_at(&list, t(20)).map(|l| l.status), Some(Status::Seeding));
    }
}
