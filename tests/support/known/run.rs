//! What the sessions must be, told from what was done to the clients.

use super::truth::Action;
use super::{Client, Reported, Truth};
use std::collections::HashSet;

/// How a run came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// With a `stopped`.
    Stopped,
    /// Killed, and started again later: the same client begins another session of the torrent.
    KilledAndBack,
    /// Without a word: killed for good, left by a client that says nothing, or left while the network was cut.
    Silent,
}

/// A download that finished.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Finished {
    /// When it was seen.
    pub at: f64,
    /// Since when it may have been so: whoever looked was waiting for another client to leave before.
    pub since: f64,
}

/// A time in which a client had a torrent under way: what should be one session.
#[derive(Clone, Debug)]
pub struct Run {
    pub client: Client,
    /// The name of the running program.
    pub host: String,
    /// As in a report: the first 12 characters of the passkey.
    pub user: String,
    pub info_hash: String,
    pub size: u64,
    pub from: f64,
    pub until: f64,
    /// `None`: never ended within the log.
    pub ended: Option<Ended>,
    /// The network was cut when it ended.
    pub cut: bool,
    /// When the choice of files was changed last.
    chosen: Option<f64>,
    /// The wanted part of the torrent was complete.
    pub finished: Option<Finished>,
    /// Only some files were wanted.
    pub selective: bool,
    /// Bytes of the torrent on disk when it was added.
    pub on_disk: u64,
    /// The runs from one `added` to the next, or to a kill after which the client began anew, share a number: bytes
    /// go on from one to the next.
    pub life: usize,
    /// The client's counters when it was killed before this run and kept what it had.
    pub kept: Option<Reported>,
    /// The last counters that the client showed for this run, most often after its `stopped`.
    pub reported: Option<Reported>,
}

/// The sessions that must be found, in the order they began.
pub fn runs(truth: &Truth) -> Vec<Run> {
    let mut story = Story { truth, runs: Vec::new(), cut: HashSet::new() };
    for action in &truth.actions {
        story.tell(action);
    }
    story.runs
}

/// The actions, told one by one.
struct Story<'a> {
    truth: &'a Truth,
    runs: Vec<Run>,
    /// The hosts whose network is cut.
    cut: HashSet<&'a str>,
}

impl<'a> Story<'a> {
    fn tell(&mut self, action: &'a Action) {
        let habit = |habit: fn(Client) -> bool| action.client.is_some_and(habit);
        if let Some(reported) = &action.client_reported {
            self.note(action, reported);
        }
        match action.action.as_str() {
            "added" => self.begin(action, self.truth.on_disk(action)),
            "paused" | "stopped_d.stop" if habit(Client::pause_stops) => self.end(action, Ended::Stopped),
            "resumed" | "started_d.start" if habit(Client::pause_stops) => self.go_on(action),
            "torrent_removed" => self.end(action, Ended::Stopped),
            "quit_begin" if habit(Client::quit_stops) && !self.cut.contains(action.host.as_str()) => {
                self.end(action, Ended::Stopped);
            }
            "quit_begin" | "killed_SIGKILL" => self.end(action, Ended::Silent),
            "quit_took_too_long_sigkill" => {
                let quit = |run: &&mut Run| run.host == action.host && run.ended == Some(Ended::Stopped);
                for run in self.runs.iter_mut().filter(quit) {
                    (run.ended, run.until) = (Some(Ended::Silent), action.t);
                }
            }
            "restarted" if habit(Client::comes_back) => self.come_back(action),
            "file_priority" => {
                if let Some(run) = self.last(action) {
                    run.chosen = Some(action.t);
                }
            }
            "network_cut" => drop(self.cut.insert(&action.host)),
            "network_restored" => drop(self.cut.remove(action.host.as_str())),
            "finished_download" => {
                let finished = self.truth.finished(action.t);
                if let Some(run) = self.last(action) {
                    run.finished.get_or_insert(finished);
                }
            }
            _ => {}
        }
    }

    /// The last run of the torrent that the action is about.
    fn last(&mut self, action: &Action) -> Option<&mut Run> {
        let about = |run: &&mut Run| run.host == action.host && Some(&run.info_hash) == action.info_hash.as_ref();
        self.runs.iter_mut().rev().find(about)
    }

    fn note(&mut self, action: &Action, reported: &Reported) {
        // aria2 shows nothing uploaded while it is paused, and a client that forgot its torrents shows nothing at all.
        let blind = action.client == Some(Client::Aria2) && reported.state.as_deref() == Some("paused");
        if let Some(run) = self.last(action)
            && run.ended != Some(Ended::Silent)
            && !blind
        {
            run.reported = Some(reported.clone());
            // qBittorrent stopped the torrent with an error when it was given another choice of files.
            if reported.state.as_deref() == Some("error") && run.ended.is_none() {
                (run.ended, run.until) = (Some(Ended::Stopped), run.chosen.unwrap_or(action.t));
            }
        }
    }

    fn begin(&mut self, action: &Action, on_disk: u64) {
        let info_hash = action.info_hash.clone().expect("an added torrent has an info hash");
        let selected = |a: &Action| a.action == "selection_done" && a.info_hash.as_ref() == Some(&info_hash);
        self.runs.push(Run {
            client: action.client.expect("only clients are given torrents"),
            host: action.host.clone(),
            user: action.passkey.as_ref().expect("a client has a passkey")[..12].to_owned(),
            size: action.size.expect("an added torrent has a size"),
            from: action.t,
            until: f64::INFINITY,
            ended: None,
            cut: false,
            chosen: None,
            finished: None,
            selective: self.truth.actions.iter().any(selected),
            on_disk,
            life: self.runs.len(),
            kept: None,
            reported: None,
            info_hash,
        });
    }

    /// Another run of the life that the last run belongs to.
    fn go_on(&mut self, action: &Action) {
        let last = self.last(action).expect("only what was added can go on").clone();
        self.runs.push(Run {
            from: action.t,
            until: f64::INFINITY,
            ended: None,
            finished: None,
            reported: None,
            ..last
        });
    }

    /// Ends what is under way: of the torrent that the action is about, or of all the torrents of the host.
    fn end(&mut self, action: &Action, ended: Ended) {
        let cut = self.cut.contains(action.host.as_str());
        let about = |run: &Run| action.info_hash.as_ref().is_none_or(|info_hash| *info_hash == run.info_hash);
        for run in &mut self.runs {
            if run.host == action.host && run.ended.is_none() && about(run) {
                (run.ended, run.until, run.cut) = (Some(ended), action.t, cut);
            }
        }
    }

    /// Started again after a kill: every torrent of the host goes on.
    fn come_back(&mut self, action: &Action) {
        for i in 0..self.runs.len() {
            if self.runs[i].host == action.host && self.runs[i].ended == Some(Ended::Silent) {
                self.runs[i].ended = Some(Ended::KilledAndBack);
                let killed = self.runs[i].clone();
                self.runs.push(Run {
                    from: action.t,
                    until: f64::INFINITY,
                    ended: None,
                    life: self.runs.len(),
                    kept: killed.reported.clone().filter(|_| killed.client.keeps_progress()),
                    reported: None,
                    ..killed
                });
            }
        }
    }
}
