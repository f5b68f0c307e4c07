//! Who is held to account: users, and their clients that are not what they say apart from the others they run. What a faking
//! program claims is then weighed by itself, and what its user really uploads with another one still counts for the swarm.

use crate::replay::Story;

/// All of them, by number: first the users, then the clients held apart.
#[derive(Debug)]
pub struct Actors {
    /// Whose each session is.
    of_session: Vec<u32>,
    /// The user of each.
    users: Vec<u32>,
}

impl Actors {
    /// Of a story's users. `disguised` are the sessions, by their places, of clients that are not what they say.
    pub fn new(story: &Story, disguised: &[bool]) -> Actors {
        let mut runs = vec![[false; 2]; story.users.len()];
        for (session, disguised) in story.sessions.briefs().iter().zip(disguised) {
            runs[session.user as usize][usize::from(*disguised)] = true;
        }
        let mut users: Vec<u32> = (0..story.users.len() as u32).collect();
        let mut apart = vec![None; users.len()];
        let mut of = |user: u32, disguised: bool| match runs[user as usize] {
            [true, true] if disguised => *apart[user as usize].get_or_insert_with(|| {
                users.push(user);
                users.len() as u32 - 1
            }),
            _ => user,
        };
        let sessions = story.sessions.briefs().iter().zip(disguised);
        let of_session = sessions.map(|(session, disguised)| of(session.user, *disguised)).collect();
        Actors { of_session, users }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Whose a session is, by its place.
    pub fn of(&self, session: u32) -> u32 {
        self.of_session[session as usize]
    }

    /// The user of one.
    pub fn user(&self, actor: u32) -> u32 {
        self.users[actor as usize]
    }
}
