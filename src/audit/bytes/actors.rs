//! Who is held to account: users, and their clients that are not what they say apart from the others they run. What a faking
//! program claims is then weighed by itself, and what its user really uploads with another one still counts for the swarm.

use crate::replay::Story;
use std::collections::HashMap;

/// All of them, by number: first the users, then the clients held apart.
#[derive(Debug)]
pub struct Actors<'a> {
    story: &'a Story,
    /// By session, by its place.
    disguised: &'a [bool],
    /// By user, who stands for the clients that are held apart, if some are.
    apart: HashMap<u32, u32>,
    /// The user of each.
    users: Vec<u32>,
}

impl<'a> Actors<'a> {
    /// Of a story's users. `disguised` are the sessions, by their places, of clients that are not what they say.
    pub fn new(story: &'a Story, disguised: &'a [bool]) -> Actors<'a> {
        let sessions = || story.sessions.briefs().iter().zip(disguised);
        let mut runs = vec![[false; 2]; story.users.len()];
        sessions().for_each(|(session, disguised)| runs[session.user as usize][usize::from(*disguised)] = true);
        let (mut apart, mut users) = (HashMap::new(), (0..story.users.len() as u32).collect::<Vec<_>>());
        for (session, _) in sessions().filter(|(s, disguised)| **disguised && runs[s.user as usize] == [true; 2]) {
            apart.entry(session.user).or_insert_with(|| {
                users.push(session.user);
                users.len() as u32 - 1
            });
        }
        Actors { story, disguised, apart, users }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whose a session is, by its place.
    pub fn of(&self, session: u32) -> u32 {
        let user = self.story.sessions.brief(session as usize).user;
        let apart = self.disguised[session as usize].then(|| self.apart.get(&user)).flatten();
        apart.copied().unwrap_or(user)
    }

    /// The user of one.
    pub fn user(&self, actor: u32) -> u32 {
        self.users[actor as usize]
    }
}
