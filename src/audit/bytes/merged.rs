//! A swarm's senders, taken together where no receiver can tell them apart: each suspect is tried in a sweep of his swarms, and
//! most windows there are of seeds that announce all day long.

use super::flow::{Side, Window, by_end};
use super::swarm::{Unsorted, Windows};
use crate::packed::{Packer, Packs, Unpacker};
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// A swarm's windows, those of the senders merged if they touch the same windows of receivers.
pub struct Merged {
    /// What is sent in them is what some of the users sent.
    pub windows: Windows,
    /// By place, what those sent in a merged window if that is as much as a window holds, or more. In granules.
    beyond: Beyond,
}

type Beyond = HashMap<u32, u64, RandomState>;

/// What is sent by some users, by the places of the merged windows, in granules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sums {
    /// As much of each as a window holds.
    amounts: Vec<u32>,
    /// All of those that are more, or as much.
    beyond: Beyond,
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
    /// Of a swarm's windows; what is sent in them is what some users sent.
    pub fn new(windows: Unsorted, by: impl Fn(u32) -> bool) -> Merged {
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
            let who = if touches_own { senders.users[by] } else { Window::NOBODY };
            all.ending.push((u64::from(who) << 32 | receivers.ended(part.from) as u64, at as u32));
        }
        all.merge();
        let Merging { mut merged, parts, .. } = all;
        let mut sums = Sums::none(merged.len());
        for part in parts.iter().filter(|part| by(senders.users[part.by as usize])) {
            sums.add(&[Sent { place: part.from, bytes: part.bytes }]);
        }
        drop(parts);
        merged.iter_mut().zip(sums.amounts).for_each(|(window, amount)| window.bytes = amount);
        merged.shrink_to_fit();
        // Those that end together are in the order of users and beginnings.
        Merged { windows: Windows { senders: Side::in_order(merged), receivers }, beyond: sums.beyond }
    }

    /// What those users sent.
    pub fn sums(&self) -> Sums {
        Sums { amounts: self.windows.senders.amounts(|_| true), beyond: self.beyond.clone() }
    }

    /// What a user sent whose windows these are, which are among those that were merged; by the places of the merged ones.
    pub fn sent(&self, own: Unsorted) -> Vec<Sent> {
        let Unsorted { senders, mut receivers } = own;
        receivers.retain(|window| !window.can_be_from(window.user()));
        let merged = self.windows.senders.windows();
        let sent = |window: &Window| {
            let begun = receivers.iter().filter(|receiver| receiver.from <= window.to);
            let touches_own = begun.map(|receiver| receiver.to).max().is_some_and(|to| to >= window.from);
            let who = if touches_own { window.user() } else { Window::NOBODY };
            // Those that were merged at a time end together, with the last of them.
            let end = merged.get(self.windows.senders.ended(window.to)).map_or(window.to, |merged| merged.to);
            let behind =
                merged.partition_point(|merged| (merged.to, merged.user(), merged.from) <= (end, who, window.from));
            Sent { place: behind.saturating_sub(1) as u32, bytes: window.bytes }
        };
        let mut sent: Vec<Sent> = senders.iter().map(sent).collect();
        sent.sort_by_key(|sent| sent.place);
        sent
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
        to.number(self.beyond.len());
        for (place, sum) in &self.beyond {
            to.number(*place);
            to.number(*sum);
        }
    }

    fn unpack(from: &mut Unpacker<'_>) -> Merged {
        let windows = Windows { senders: Side::unpack(from), receivers: Side::unpack(from) };
        let beyond = (0..from.number()).map(|_: usize| (from.number(), from.number())).collect();
        Merged { windows, beyond }
    }
}

impl Sums {
    /// Nothing, in so many windows.
    fn none(windows: usize) -> Sums {
        Sums { amounts: vec![0; windows], beyond: HashMap::default() }
    }

    /// As much of each as a window holds.
    pub fn amounts(&self) -> &[u32] {
        &self.amounts
    }

    fn at(&self, place: u32) -> u64 {
        let amount = self.amounts[place as usize];
        let beyond = || self.beyond.get(&place).copied();
        (amount == u32::MAX).then(beyond).flatten().unwrap_or(amount.into())
    }

    fn set(&mut self, place: u32, sum: u64) {
        let amount = &mut self.amounts[place as usize];
        let before = std::mem::replace(amount, held(sum));
        if *amount == u32::MAX {
            self.beyond.insert(place, sum);
        } else if before == u32::MAX {
            self.beyond.remove(&place);
        }
    }

    /// Adds what a user sent.
    pub fn add(&mut self, own: &[Sent]) {
        own.iter().for_each(|sent| self.set(sent.place, self.at(sent.place) + u64::from(sent.bytes)));
    }

    /// Takes what a user sent off what it was added to.
    pub fn take_off(&mut self, own: &[Sent]) {
        own.iter().for_each(|sent| self.set(sent.place, self.at(sent.place).saturating_sub(sent.bytes.into())));
    }

    /// The amounts without what one of the users sent.
    pub fn without(&self, own: &[Sent]) -> Vec<u32> {
        let mut amounts = self.amounts.clone();
        for of_place in own.chunk_by(|a, b| a.place == b.place) {
            let (place, bytes) = (of_place[0].place, of_place.iter().map(|sent| u64::from(sent.bytes)).sum::<u64>());
            amounts[place as usize] = held(self.at(place).saturating_sub(bytes));
        }
        amounts
    }

    /// The amounts with what another user sent.
    pub fn with(&self, own: &[Sent]) -> Vec<u32> {
        let mut amounts = self.amounts.clone();
        for sent in own {
            let amount = &mut amounts[sent.place as usize];
            *amount = amount.saturating_add(sent.bytes);
        }
        amounts
    }
}

/// As much as a window holds.
fn held(granules: u64) -> u32 {
    u32::try_from(granules).unwrap_or(u32::MAX)
}

/// Who sent in which window.
struct Senders {
    /// The users in the order in which they first come.
    users: Vec<u32>,
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
                users.push(window.user());
                users.len() as u32 - 1
            });
            Part { from: window.from, to: window.to, bytes: window.bytes, by }
        };
        let parts = windows.into_iter().map(part).collect();
        (Senders { users, numbers }, parts)
    }

    /// The number of a user who sent.
    fn number(&self, user: u32) -> Option<usize> {
        self.numbers.get(&user).map(|number| *number as usize)
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

    /// The same, packed and unpacked.
    fn again(merged: &Merged) -> Merged {
        let mut packed = Vec::new();
        merged.pack(&mut Packer(&mut packed));
        let mut from = Unpacker(&packed);
        let merged = Merged::unpack(&mut from);
        assert!(from.0.is_empty());
        merged
    }

    fn excess(senders: &[Window], receivers: &[Window], by: impl Fn(u32) -> bool) -> u64 {
        let all = |user: Option<u32>| {
            let own = |windows: &[Window]| -> Vec<Window> {
                windows.iter().copied().filter(|window| user.is_none_or(|user| window.user() == user)).collect()
            };
            Unsorted { senders: own(senders), receivers: own(receivers) }
        };
        let merged = again(&Merged::new(all(None), |_| true));
        let mut sums = merged.sums();
        // Users can be taken off one by one, and added again.
        let mut users: Vec<u32> = senders.iter().map(Window::user).collect();
        users.sort_unstable();
        users.dedup();
        for user in &users {
            let (own, together) = (merged.sent(all(Some(*user))), sums.clone());
            let others = sums.without(&own);
            sums.take_off(&own);
            assert_eq!(others, sums.amounts());
            assert_eq!(sums.with(&own), together.amounts());
            let others = sums.clone();
            sums.add(&own);
            assert_eq!(sums, together);
            sums = others;
        }
        assert_eq!(sums.amounts().iter().max().unwrap_or(&0), &0);
        users.into_iter().filter(|user| by(*user)).for_each(|user| sums.add(&merged.sent(all(Some(user)))));
        let received = merged.windows.received(Secret::None);
        merged.windows.excess(&mut Sweep::default(), sums.amounts(), &received)
    }

    proptest! {
        #[test]
        fn merged_senders_are_served_as_each_by_himself(senders in windows(0..3), receivers in windows(0..4)) {
            prop_assert_eq!(excess(&senders, &receivers, |_| true), by_matching(&senders, &receivers));
            let some: Vec<Window> = senders.iter().copied().filter(|window| window.user() != 1).collect();
            prop_assert_eq!(excess(&senders, &receivers, |user| user != 1), by_matching(&some, &receivers));
        }
    }

    #[test]
    fn sums_may_be_more_than_a_window_holds() {
        let sender = |user: u32, from: u32| Window::new(user, from, from + 9, u32::MAX);
        let senders = vec![sender(1, 0), sender(2, 0), sender(3, 50)];
        let merged = again(&Merged::new(Unsorted { senders, receivers: vec![Window::new(4, 40, 60, 9)] }, |_| true));
        let most = |place: u32| Sent { place, bytes: u32::MAX };
        let mut sums = merged.sums();
        assert_eq!((sums.amounts(), sums.without(&[most(0)])), (&[u32::MAX; 2][..], vec![u32::MAX; 2]));
        assert_eq!(sums.without(&[most(0), most(0)]), [0, u32::MAX]);
        sums.take_off(&[most(0), most(0), most(1)]);
        assert_eq!(sums, Sums::none(2));
        sums.add(&[most(0), most(1), most(0)]);
        assert_eq!(sums, merged.sums());
    }
}
