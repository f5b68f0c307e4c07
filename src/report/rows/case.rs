//! One user's dossier.

use super::{AnomalyRow, Place, SessionRow, UserRow, hex};
use crate::account::Totals;
use crate::announce::InfoHash;
use crate::audit::Finding;
use crate::report::View;
use crate::session::LineRef;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Everything about one user.
#[derive(Serialize)]
pub struct CaseRow<'a> {
    /// Totals, verdict and timeline.
    #[serde(flatten)]
    pub user: UserRow<'a>,
    /// The verdict in a line.
    pub why: String,
    /// What does not add up.
    pub findings: Vec<CaseFinding<'a>>,
    /// The swarms that the user was in, the most uploaded first.
    pub swarms: Vec<CaseSwarm>,
    /// The user's sessions.
    pub sessions: Vec<SessionRow<'a>>,
}

/// A finding with everything that a dispute needs.
#[derive(Serialize)]
pub struct CaseFinding<'a> {
    /// The finding.
    #[serde(flatten)]
    pub anomaly: AnomalyRow<'a>,
    /// How it is computed.
    pub formula: &'static str,
    /// From where on it is a finding.
    pub threshold: &'static str,
    /// What harmless thing looks the same.
    pub look_alikes: &'static str,
    /// The lines that it cites.
    pub lines: Vec<CaseLine<'a>>,
}

/// A raw line.
#[derive(Serialize)]
pub struct CaseLine<'a> {
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place<'a>,
    /// As it stands there; `None` if it cannot be read a second time.
    pub text: Option<String>,
}

/// A swarm that the user was in.
#[derive(Serialize)]
pub struct CaseSwarm {
    /// Which torrent.
    #[serde(serialize_with = "hex")]
    pub info_hash: InfoHash,
    /// Bytes that the user uploaded and downloaded there.
    pub uploaded: u128,
    /// Bytes that the user downloaded there.
    pub downloaded: u128,
    /// Bytes that all uploaded there.
    pub uploaded_by_all: u128,
    /// Bytes that all downloaded there.
    pub downloaded_by_all: u128,
    /// Upload that nobody can have received there, whoever claims it.
    pub unexplained_upload: u64,
}

impl<'a> CaseRow<'a> {
    pub(in crate::report) fn new(view: &'a View<'_>, number: usize, lines: &HashMap<LineRef, String>) -> Self {
        let finding = |finding: &Finding| {
            let check = finding.check();
            let line = |line: &LineRef| CaseLine { place: view.place(*line), text: lines.get(line).cloned() };
            CaseFinding {
                anomaly: AnomalyRow::new(view, finding),
                formula: check.formula,
                threshold: check.threshold,
                look_alikes: check.look_alikes,
                lines: finding.evidence.iter().map(line).collect(),
            }
        };
        let mut sums: BTreeMap<u32, Totals> = BTreeMap::new();
        // Of all, whoever was asked for.
        let mut whole = vec![Totals::default(); view.story.torrents.len()];
        for (index, session) in view.story.sessions.iter().enumerate() {
            let credit = view.credit(index);
            whole[session.torrent as usize].add(credit);
            if session.user as usize == number {
                sums.entry(session.torrent).or_default().add(credit);
            }
        }
        let swarm = |(torrent, Totals { uploaded, downloaded }): (u32, Totals)| CaseSwarm {
            info_hash: view.story.torrents[torrent as usize],
            uploaded,
            downloaded,
            uploaded_by_all: whole[torrent as usize].uploaded,
            downloaded_by_all: whole[torrent as usize].downloaded,
            unexplained_upload: view.audit.swarms[torrent as usize].unexplained,
        };
        let mut swarms: Vec<CaseSwarm> = sums.into_iter().map(swarm).collect();
        swarms.sort_by_key(|swarm| {
            std::cmp::Reverse((swarm.unexplained_upload.min(swarm.uploaded as u64), swarm.uploaded))
        });
        CaseRow {
            user: UserRow::new(view, number),
            why: view.audit.judgements[number].why(),
            findings: view.findings_asked_for().map(finding).collect(),
            swarms,
            sessions: view.sessions().collect(),
        }
    }
}
