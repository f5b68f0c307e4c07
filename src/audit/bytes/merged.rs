//! A swarm's senders, taken together where no receiver can tell them apart: each suspect is tried in a sweep of his swarms, and
//! most windows there are of seeds that announce all day long.

use super::flow::{Side, Window, by_end};
use super::swarm::{Unsorted, Windows};
use crate::packed::{Packer, Packs, Unpacker};
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// A swarm's windows, those of the senders merged if they touch the same windows of receivers.
pub struct Merged {
    /// The users who sent, and where in `sent` what each sent ends.
    users: Vec<(u32, u32)>,
    /// What they sent, each user's in the order of the merged windows.
    sent: Vec<Sent>,
    /// The merged ones. How much is sent in them depends on by whom.
    pub windows: Windows,
}

/// What a user sent in a window.
#[derive(Clone, Copy)]
pub struct Sent {
    /// Place of the merged window.
    place: u32,
    /// In granules.
    bytes: u32,
}

impl Merged {
    /// Of a swarm's windows.
    pub fn new(windows: Unsorted) -> Merged {
        let Unsorted { mut senders, receivers } = windows;
        by_end(&mut senders);
        let receivers = Side::new(receivers);
        let (senders, parts) = Senders::of(senders);
        // When a user receives who cannot have sent it himself: the last end of what has begun.
        let mut receives: Vec<Option<u32>> = vec![None; senders.users.len()];
        let mut begun = receivers.starts().iter().peekable();
        let mut all = Merging { parts, merged: Vec::new(), ending: Vec::new() };
        // They come in the order of their ends.
        for at in 0..all.parts.len() {
            let part = all.parts[at];
            while let Some((_, place)) = begun.next_if(|(from, _)| *from <= part.to) {
                let receiver = &receivers.windows()[*place as usize];
                if !receiver.can_be_from(receiver.user())
                    && let Some(own) = senders.number(receiver.user())
                {
                    receives[own] = receives[own].max(Some(receiver.to));
                }
                all.merge();
            }
            // A window touches who has not ended when it begins, and has begun when it ends.
            let by = part.by as usize;
            let touches_own = receives[by].is_some_and(|to| to >= part.from);
            let who = if touches_own { senders.users[by].0 } else { Window::NOBODY };
            all.ending.push((u64::from(who) << 32 | receivers.ended(part.from) as u64, at as u32));
        }
        all.merge();
        let Merging { mut merged, parts, .. } = all;
        let (users, sent) = senders.sent(&parts);
        drop(parts);
        merged.shrink_to_fit();
        // Those that end together are in the order of users and beginnings.
        Merged { users, sent, windows: Windows { senders: Side::in_order(merged), receivers } }
    }

    /// What each user sent.
    fn by_user(&self) -> impl Iterator<Item = (u32, &[Sent])> {
        let mut begin = 0;
        self.users.iter().map(move |&(user, end)| {
            let own = begin..end as usize;
            begin = own.end;
            (user, &self.sent[own])
        })
    }

    /// What some users sent, by the places of the merged windows, in granules.
    pub fn sent(&self, by: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut sent = vec![0; self.windows.senders.windows().len()];
        self.by_user().filter(|(user, _)| by(*user)).for_each(|(_, own)| add(&mut sent, own));
        sent
    }

    /// What single users sent, those of them who are wanted; by user.
    pub fn of(&self, wanted: impl Fn(u32) -> bool) -> Vec<(u32, &[Sent])> {
        self.by_user().filter(|(user, _)| wanted(*user)).collect()
    }

    /// The windows of what one user sent.
    pub fn side(&self, user: u32, own: &[Sent]) -> Side {
        let window = |sent: &Sent| {
            let merged = &self.windows.senders.windows()[sent.place as usize];
            Window::new(user, merged.from, merged.to, sent.bytes)
        };
        Side::new(own.iter().map(window).collect())
    }
}

impl Packs for Merged {
    fn pack(&self, to: &mut Packer<'_>) {
        self.windows.senders.pack(to);
        self.windows.receivers.pack(to);
        to.number(self.sent.len());
        to.number(self.users.len());
        for (user, own) in self.by_user() {
            to.number(user);
            to.number(own.len());
            let mut before = 0;
            for sent in own {
                to.number(sent.place - before);
                to.number(sent.bytes);
                before = sent.place;
            }
        }
    }

    fn unpack(from: &mut Unpacker<'_>) -> Merged {
        let windows = Windows { senders: Side::unpack(from), receivers: Side::unpack(from) };
        let (mut sent, users) = (Vec::with_capacity(from.number()), from.number());
        let user = |_| {
            let (user, len) = (from.number(), from.number::<u32>());
            let mut before = 0;
            sent.extend((0..len).map(|_| {
                before += from.number::<u32>();
                Sent { place: before, bytes: from.number() }
            }));
            (user, sent.len() as u32)
        };
        Merged { users: (0..users).map(user).collect(), sent, windows }
    }
}

/// Adds what was sent to what was sent in the merged windows.
pub fn add(sum: &mut [u32], sent: &[Sent]) {
    for sent in sent {
        let sum = &mut sum[sent.place as usize];
        *sum = sum.saturating_add(sent.bytes);
    }
}

/// Who sent in which window.
struct Senders {
    /// The users in the order in which they first come, and how many windows each has.
    users: Vec<(u32, u32)>,
    /// By user, the place among those.
    numbers: HashMap<u32, u32, RandomState>,
}

/// A sender's window that becomes a part of a merged one. It takes as much room as the window, which is the one that it takes.
#[derive(Clone, Copy)]
struct Part {
    /// When it begins; once it is merged, the place of the merged one.
    from: u32,
    to: u32,
    bytes: u32,
    /// Who sent it, by the place among [`Senders`].
    by: u32,
}

const _: () = assert!(size_of::<Part>() == size_of::<Window>());

impl Senders {
    /// There may be millions of windows: this is the only time that their users are looked up.
    fn of(windows: Vec<Window>) -> (Senders, Vec<Part>) {
        let (mut users, mut numbers) = (Vec::new(), HashMap::<_, _, RandomState>::default());
        let part = |window: Window| {
            let by = *numbers.entry(window.user()).or_insert_with(|| {
                users.push((window.user(), 0));
                users.len() as u32 - 1
            });
            users[by as usize].1 += 1;
            Part { from: window.from, to: window.to, bytes: window.bytes, by }
        };
        let parts = windows.into_iter().map(part).collect();
        (Senders { users, numbers }, parts)
    }

    /// The number of a user who sent.
    fn number(&self, user: u32) -> Option<usize> {
        self.numbers.get(&user).map(|number| *number as usize)
    }

    /// What they sent in these windows, which are merged: see [`Merged`].
    fn sent(self, merged: &[Part]) -> (Vec<(u32, u32)>, Vec<Sent>) {
        let mut order: Vec<usize> = (0..self.users.len()).collect();
        order.sort_unstable_by_key(|number| self.users[*number].0);
        // By number, where what comes next goes.
        let (mut next, mut end) = (vec![0; order.len()], 0);
        let end_of = |number: usize| {
            let (user, count) = self.users[number];
            next[number] = end;
            end += count;
            (user, end)
        };
        let users: Vec<(u32, u32)> = order.into_iter().map(end_of).collect();
        let mut sent = vec![Sent { place: 0, bytes: 0 }; merged.len()];
        for part in merged {
            let next = &mut next[part.by as usize];
            sent[*next as usize] = Sent { place: part.from, bytes: part.bytes };
            *next += 1;
        }
        let mut begin = 0;
        for &(_, end) in &users {
            let own = &mut sent[begin..end as usize];
            if !own.is_sorted_by_key(|sent| sent.place) {
                own.sort_by_key(|sent| sent.place);
            }
            begin = end as usize;
        }
        (users, sent)
    }
}

/// Windows on their way to be merged.
struct Merging {
    parts: Vec<Part>,
    merged: Vec<Window>,
    /// Those that touch the same beginnings and are not merged yet: the user if one of his own is touched and how many have ended
    /// before, and the place.
    ending: Vec<(u64, u32)>,
}

impl Merging {
    fn merge(&mut self) {
        let Some(&(_, last)) = self.ending.last() else { return };
        let to = self.parts[last as usize].to;
        self.ending.sort_unstable_by_key(|(alike, _)| *alike);
        for alike in self.ending.chunk_by(|a, b| a.0 == b.0) {
            let from = alike.iter().map(|(_, at)| self.parts[*at as usize].from).min().unwrap_or(0);
            let place = self.merged.len() as u32;
            self.merged.push(Window::new((alike[0].0 >> 32) as u32, from, to, 0));
            alike.iter().for_each(|(_, at)| self.parts[*at as usize].from = place);
        }
        self.ending.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::flow::Sweep;
    use super::super::flow::tests::{by_matching, windows};
    use super::super::swarm::Secret;
    use super::*;
    use proptest::prelude::*;

    fn excess(senders: &[Window], receivers: &[Window], by: impl Fn(u32) -> bool) -> u64 {
        let merged = Merged::new(Unsorted { senders: senders.to_vec(), receivers: receivers.to_vec() });
        let mut packed = Vec::new();
        merged.pack(&mut Packer(&mut packed));
        let mut from = Unpacker(&packed);
        let merged = Merged::unpack(&mut from);
        assert!(from.0.is_empty());
        let received = merged.windows.received(Secret::None);
        merged.windows.excess(&mut Sweep::default(), &merged.sent(by), &received)
    }

    proptest! {
        #[test]
        fn merged_senders_are_served_as_each_by_himself(senders in windows(0..3), receivers in windows(0..4)) {
            prop_assert_eq!(excess(&senders, &receivers, |_| true), by_matching(&senders, &receivers));
            let some: Vec<Window> = senders.iter().copied().filter(|window| window.user() != 1).collect();
            prop_assert_eq!(excess(&senders, &receivers, |user| user != 1), by_matching(&some, &receivers));
        }
    }
}
