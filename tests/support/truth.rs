//! What is known of a scenario of `testdata/corpus` without asking swarmtrail: what was done to each client (`truth.jsonl`)
//! and what the tracker counted (`tracker.jsonl`).
//!
//! [`Truth::runs`] turns the one into the sessions that must be found: a [`Run`] is a time in which a client had a torrent
//! under way, from the moment it was added, resumed or started again until it was paused, removed, left or killed.
//! What a client says to the tracker at these moments is a habit of the client ([`Client`]), seen in the logs themselves.

use serde::Deserialize;
use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// The clients of the corpus. The two versions of libtorrent have the same habits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Client {
    Transmission,
    QBittorrent,
    Deluge,
    #[serde(rename = "lt", alias = "lt211")]
    Libtorrent,
    RTorrent,
    Aria2,
    CTorrent,
    WebTorrent,
}

impl Client {
    /// A pause sends `stopped`, and the resume `started`. WebTorrent's does not even stop the transfer; ctorrent has none.
    fn pause_stops(self) -> bool {
        !matches!(self, Client::WebTorrent | Client::CTorrent)
    }

    /// A clean exit sends `stopped`; Transmission 3.00 never does.
    fn quit_stops(self) -> bool {
        self != Client::Transmission
    }

    /// Announces again when started after SIGKILL. Deluge had not saved its list of torrents.
    fn comes_back(self) -> bool {
        self != Client::Deluge
    }

    /// Goes on after SIGKILL with what it had on disk; Transmission and qBittorrent had not noted it, and began anew.
    fn keeps_progress(self) -> bool {
        !matches!(self, Client::Transmission | Client::QBittorrent)
    }

    /// Shows counters of the session (`session_uploaded`) beside those of the torrent's life.
    pub fn of_libtorrent(self) -> bool {
        matches!(self, Client::QBittorrent | Client::Deluge | Client::Libtorrent)
    }

    /// `downloaded` in its announces counts what came twice as well.
    pub fn counts_repeats(self) -> bool {
        matches!(self, Client::Aria2 | Client::CTorrent)
    }

    /// How long after the last byte `completed` may come, in seconds: aria2 and ctorrent wait for the next announce that
    /// is due (the trackers' interval here is 20 s, and less is left of it).
    pub fn completes_within(self) -> f64 {
        match self {
            Client::Aria2 => 22.0,
            Client::CTorrent => 12.0,
            _ => 2.0,
        }
    }

    /// How long after being told to go `stopped` may come, in seconds.
    pub fn stops_within(self) -> f64 {
        match self {
            Client::CTorrent => 40.0,
            Client::Aria2 => 5.0,
            _ => 3.0,
        }
    }

    /// How its name begins in a report.
    pub fn name(self) -> &'static str {
        match self {
            Client::Transmission => "Transmission",
            Client::QBittorrent => "qBittorrent",
            Client::Deluge => "Deluge",
            Client::Libtorrent => "libtorrent",
            Client::RTorrent => "rTorrent",
            Client::Aria2 => "aria2",
            Client::CTorrent => "CTorrent",
            Client::WebTorrent => "WebTorrent",
        }
    }
}

/// A line of `truth.jsonl`.
#[derive(Clone, Debug, Deserialize)]
struct Action {
    t: f64,
    action: String,
    #[serde(default)]
    host: String,
    client: Option<Client>,
    passkey: Option<String>,
    info_hash: Option<String>,
    size: Option<u64>,
    have: Option<String>,
    how: Option<String>,
    client_reported: Option<Reported>,
    /// A number where the tracker was told one.
    interval: Option<serde_json::Value>,
}

/// A client's own counters. Lifetime totals of the torrent, except where the name says otherwise; which of them a client
/// has differs.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Reported {
    pub uploaded: Option<u64>,
    pub session_uploaded: Option<u64>,
    pub session_downloaded: Option<u64>,
    /// libtorrent: of `session_downloaded`, what was thrown away as it was there already.
    pub redundant: Option<u64>,
    /// Transmission: bytes of verified pieces.
    pub have: Option<u64>,
    /// rtorrent: bytes of verified pieces.
    pub completed: Option<u64>,
    pub left: Option<u64>,
    state: Option<String>,
}

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

/// A line of `tracker.jsonl`: an announce that the tracker took.
#[derive(Clone, Debug, Deserialize)]
pub struct Row {
    pub t: f64,
    pub ev: String,
    #[serde(default)]
    pub addr: String,
    #[serde(default, rename = "ih")]
    pub info_hash: String,
    /// In hex.
    #[serde(default)]
    pub peer_id: String,
    #[serde(default, deserialize_with = "number")]
    pub uploaded: u64,
    #[serde(default, deserialize_with = "number")]
    pub downloaded: u64,
    #[serde(default, deserialize_with = "number")]
    pub left: u64,
}

fn number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

impl Row {
    /// The address without the port.
    pub fn host(&self) -> &str {
        let host = self.addr.rsplit_once(':').map_or(self.addr.as_str(), |(host, _)| host);
        host.trim_matches(['[', ']'])
    }

    /// Everything the announce said.
    pub fn said(&self) -> (&str, &str, &str, u64, u64, u64) {
        (&self.info_hash, &self.peer_id, &self.ev, self.uploaded, self.downloaded, self.left)
    }
}

/// What is known of a scenario.
pub struct Truth {
    actions: Vec<Action>,
    /// What the tracker took; `None` where it keeps no record.
    pub taken: Option<Vec<Row>>,
    /// What the tracker refused as nonsense.
    pub warnings: usize,
}

impl Truth {
    /// Reads the files of a scenario.
    pub fn read(folder: &Path) -> Truth {
        let actions = lines(&folder.join("truth.jsonl")).expect("every scenario has its truth.jsonl");
        let rows = lines::<Row>(&folder.join("tracker.jsonl"));
        let warnings = rows.iter().flatten().filter(|row| row.ev == "warning").count();
        let taken = rows.map(|rows| rows.into_iter().filter(|row| row.ev != "warning").collect());
        Truth { actions, taken, warnings }
    }

    /// How often something was done.
    pub fn count(&self, action: &str) -> usize {
        self.actions.iter().filter(|a| a.action == action).count()
    }

    /// The announce interval that the tracker was told to send.
    pub fn interval(&self) -> Option<u64> {
        let up = self.actions.iter().find(|a| a.action == "tracker_up")?;
        up.interval.as_ref()?.as_u64()
    }

    /// The size of a torrent, and whether some client began it with nothing (and so said its size).
    pub fn size(&self, info_hash: &str) -> Option<(u64, bool)> {
        let mut added = self.actions.iter().filter(|a| a.action == "added" && a.info_hash.as_deref() == Some(info_hash));
        let size = added.clone().next()?.size?;
        Some((size, added.any(|a| a.have.as_deref() == Some("nothing") && self.on_disk(a) == 0)))
    }

    fn on_disk(&self, added: &Action) -> u64 {
        let size = added.size.expect("an added torrent has a size");
        if added.have.as_deref() == Some("all") {
            return size;
        }
        let there = self.actions.iter().find(|a| {
            a.action == "data_already_present" && a.host == added.host && a.info_hash == added.info_hash
        });
        match there.and_then(|a| a.how.as_deref()) {
            None => 0,
            Some("complete") => size,
            Some("2 MiB of it missing") => size - (2 << 20),
            Some(how) => panic!("unknown state of the data on disk: {how}"),
        }
    }

    /// Since when a download may have been finished that was seen to be so at `at`. Downloads are looked at every second
    /// or two, but not while a client is being waited for that takes its time to leave.
    fn finished(&self, at: f64) -> Finished {
        let waited = self.actions.iter().filter(|a| a.action == "quit_done" && (0.0..2.5).contains(&(at - a.t)));
        let begun = |done: &Action| {
            let begun = self.actions.iter().rfind(|a| a.action == "quit_begin" && a.host == done.host && a.t <= done.t);
            begun.map_or(done.t, |a| a.t)
        };
        Finished { at, since: waited.map(begun).fold(at, f64::min) }
    }

    /// The sessions that must be found, in the order they began.
    pub fn runs(&self) -> Vec<Run> {
        let mut story = Story { truth: self, runs: Vec::new(), cut: HashSet::new() };
        for action in &self.actions {
            story.tell(action);
        }
        story.runs
    }
}

fn lines<T: serde::de::DeserializeOwned>(path: &Path) -> Option<Vec<T>> {
    let text = fs::read_to_string(path).ok()?;
    let parse = |(i, line)| {
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{}:{}: {e}", path.display(), i + 1))
    };
    Some(text.lines().enumerate().map(parse).collect())
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
