//! A swarm's senders, taken together where no receiver can tell them apart: each suspect is tried in a sweep of his swarms, and
//! most windows there are of seeds that announce all day long.

use super::flow::{Side, Window};
use super::swarm::Windows;
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
    pub fn new(windows: Windows) -> Merged {
        let Windows { senders, receivers } = windows;
        // A window touches who has not ended when it begins, and has begun when it ends.
        let (mut ended, mut before) = (vec![0u32; senders.windows().len()], 0);
        for &(from, place) in senders.starts() {
            before += receivers.windows()[before..].iter().take_while(|window| window.to < from).count();
            ended[place as usize] = before as u32;
        }
        let senders = senders.into_windows();
        let (mut begun, mut own) = (receivers.starts().iter().peekable(), Own::default());
        let mut all = Merging { merged: Vec::new(), places: ended, ending: Vec::new() };
        // They come in the order of their ends.
        for (at, &window) in (0u32..).zip(&senders) {
            while let Some((_, place)) = begun.next_if(|(from, _)| *from <= window.to) {
                own.begin(&receivers.windows()[*place as usize]);
                all.merge();
            }
            let who = if own.touches(&window) { window.user() } else { Window::NOBODY };
            all.ending.push((who, all.places[at as usize], at, window));
        }
        all.merge();
        let Merging { mut merged, places, .. } = all;
        let (users, sent) = sent_by(&senders, &places);
        drop((senders, places));
        // They are in the order of a side: so their places stay.
        merged.shrink_to_fit();
        Merged { users, sent, windows: Windows { senders: Side::new(merged), receivers } }
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

/// Adds what was sent to what was sent in the merged windows.
pub fn add(sum: &mut [u32], sent: &[Sent]) {
    for sent in sent {
        let sum = &mut sum[sent.place as usize];
        *sum = sum.saturating_add(sent.bytes);
    }
}

/// What users sent in some windows, of which each is part of the merged one at its place: see [`Merged`]. There may be millions:
/// they are counted, and put where they belong.
fn sent_by(windows: &[Window], places: &[u32]) -> (Vec<(u32, u32)>, Vec<Sent>) {
    let mut counts: HashMap<u32, u32, RandomState> = HashMap::default();
    windows.iter().for_each(|window| *counts.entry(window.user()).or_default() += 1);
    let mut users: Vec<(u32, u32)> = counts.iter().map(|(user, count)| (*user, *count)).collect();
    users.sort_unstable();
    let mut end = 0;
    for (user, count) in &mut users {
        counts.insert(*user, end);
        end += *count;
        *count = end;
    }
    let mut sent = vec![Sent { place: 0, bytes: 0 }; windows.len()];
    for (window, &place) in windows.iter().zip(places) {
        if let Some(next) = counts.get_mut(&window.user()) {
            sent[*next as usize] = Sent { place, bytes: window.bytes };
            *next += 1;
        }
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

/// Windows on their way to be merged.
struct Merging {
    merged: Vec<Window>,
    /// By window: the place of the merged one that it is part of. Before that is known, how many have ended before.
    places: Vec<u32>,
    /// Those that touch the same beginnings and are not merged yet: with the user if one of his own is touched, how many have ended
    /// before, and its place.
    ending: Vec<(u32, u32, u32, Window)>,
}

impl Merging {
    fn merge(&mut self) {
        self.ending.sort_unstable_by_key(|(who, ended, _, window)| (*who, *ended, window.user()));
        let to = self.ending.iter().map(|(.., window)| window.to).max().unwrap_or(0);
        for alike in self.ending.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let from = alike.iter().map(|(.., window)| window.from).min().unwrap_or(0);
            let place = self.merged.len() as u32;
            self.merged.push(Window::new(alike[0].0, from, to, 0));
            alike.iter().for_each(|(_, _, at, _)| self.places[*at as usize] = place);
        }
        self.ending.clear();
    }
}

/// When users receive who cannot have sent it themselves: by user, the last end of what has begun.
#[derive(Default)]
struct Own(HashMap<u32, u32, RandomState>);

impl Own {
    /// A window begins in which somebody receives.
    fn begin(&mut self, window: &Window) {
        if !window.can_be_from(window.user()) {
            let last = self.0.entry(window.user()).or_default();
            *last = window.to.max(*last);
        }
    }

    /// Whether a window that ends now touches one of its own user's.
    fn touches(&self, window: &Window) -> bool {
        self.0.get(&window.user()).is_some_and(|to| *to >= window.from)
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
        let (senders, receivers) = (Side::new(senders.to_vec()), Side::new(receivers.to_vec()));
        let merged = Merged::new(Windows { senders, receivers });
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
