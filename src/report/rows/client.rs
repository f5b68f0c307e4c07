//! Who runs what.

use super::{Cell, Column, Row, shown};
use crate::audit::in_words;
use crate::report::View;
use serde::Serialize;
use std::collections::HashSet;

/// A client program in a version, as peer ids name it.
#[derive(Serialize)]
pub struct ClientRow {
    pub(in crate::report) client: &'static str,
    pub(in crate::report) version: String,
    /// The table knows how it writes.
    pub(in crate::report) known: bool,
    pub(in crate::report) users: u64,
    pub(in crate::report) sessions: u64,
    /// Different ways in which its announces are written.
    pub(in crate::report) forms: u64,
    /// Users whose announces it does not write so.
    pub(in crate::report) disagreeing_users: u64,
    pub(in crate::report) disagreeing_sessions: u64,
    /// In what, the most frequent first.
    pub(in crate::report) disagreements: Vec<&'static str>,
}

impl ClientRow {
    /// A row for each client with sessions that are shown, the one with most users first.
    pub(in crate::report) fn all(view: &View<'_>) -> Vec<ClientRow> {
        let (story, clients) = (view.story, &view.audit.clients);
        let mut sessions: Vec<Vec<usize>> = vec![Vec::new(); clients.classes().len()];
        for at in view.shown_sessions() {
            sessions[clients.class_of(at)].push(at);
        }
        let row = |(class, sessions): (&crate::audit::Class, &Vec<usize>)| {
            let wrong = || sessions.iter().copied().filter(|at| clients.wrong(*at) != 0);
            let users = |of: &mut dyn Iterator<Item = usize>| -> u64 {
                of.map(|at| story.sessions.brief(at).user).collect::<HashSet<_>>().len() as u64
            };
            let mut counts: Vec<(u64, &'static str)> = Vec::new();
            for words in wrong().flat_map(|at| in_words(clients.wrong(at))) {
                match counts.iter_mut().find(|count| count.1 == words) {
                    Some(count) => count.0 += 1,
                    None => counts.push((1, words)),
                }
            }
            counts.sort_by(|a, b| b.cmp(a));
            ClientRow {
                client: class.client.name.unwrap_or("unknown"),
                version: class.client.version.clone(),
                known: class.is_known(),
                users: users(&mut sessions.iter().copied()),
                sessions: sessions.len() as u64,
                forms: sessions
                    .iter()
                    .map(|at| story.written(story.sessions.brief(*at).peer).form)
                    .collect::<HashSet<_>>()
                    .len() as u64,
                disagreeing_users: users(&mut wrong()),
                disagreeing_sessions: wrong().count() as u64,
                disagreements: counts.into_iter().map(|count| count.1).collect(),
            }
        };
        let mut rows: Vec<ClientRow> =
            clients.classes().iter().zip(&sessions).filter(|(_, sessions)| !sessions.is_empty()).map(row).collect();
        rows.sort_by(|a, b| {
            (b.users, b.sessions)
                .cmp(&(a.users, a.sessions))
                .then_with(|| (a.client, &a.version).cmp(&(b.client, &b.version)))
        });
        rows
    }
}

impl Row for ClientRow {
    const TYPE: &'static str = "client";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("client", |r| Cell::Text(r.client.into())),
            shown("version", |r| Cell::Text(r.version.clone())),
            shown("known", |r| Cell::Text(if r.known { "yes" } else { "no" }.into())),
            shown("users", |r| Cell::Count(r.users)),
            shown("sessions", |r| Cell::Count(r.sessions)),
            shown("forms", |r| Cell::Count(r.forms)),
            shown("disagreeing_users", |r| Cell::Count(r.disagreeing_users)),
            shown("disagreeing_sessions", |r| Cell::Count(r.disagreeing_sessions)),
            shown("disagreements", |r| Cell::Text(r.disagreements.join(", "))),
        ]
    }
}
