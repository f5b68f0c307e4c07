//! Findings, and the checks that make them.

use super::{At, Cell, Column, Place, Row, aside, exact, optional, shown};
use crate::announce::InfoHash;
use crate::audit::{Check, Finding, Severity};
use crate::report::View;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// A finding.
#[derive(Serialize)]
pub struct AnomalyRow<'a> {
    check: &'static str,
    #[serde(serialize_with = "severity")]
    severity: Severity,
    user: String,
    user_name: Option<String>,
    info_hash: Option<Hash>,
    session: Option<u64>,
    from: At,
    to: At,
    bytes: Option<u64>,
    message: String,
    evidence: Vec<Place<'a>>,
}

struct Hash(InfoHash);

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        super::hex(&self.0, s)
    }
}

impl<'a> AnomalyRow<'a> {
    pub(in crate::report) fn new(view: &'a View<'_>, finding: &Finding) -> Self {
        let story = view.story;
        let session = finding.session.map(|n| story.sessions.brief(n as usize));
        AnomalyRow {
            check: finding.check().name,
            severity: finding.severity,
            user: view.name(&story.users[finding.user as usize]),
            user_name: view.user_name(finding.user as usize),
            info_hash: session.map(|s| Hash(story.torrents[s.torrent as usize])),
            session: finding.session.map(|n| u64::from(n) + 1),
            from: view.at(finding.from),
            to: view.at(finding.to),
            bytes: finding.bytes,
            message: finding.message(),
            evidence: finding.evidence.iter().map(|line| view.place(*line)).collect(),
        }
    }

    /// The check's name.
    pub fn check(&self) -> &'static str {
        self.check
    }

    /// The severity's name.
    pub fn severity(&self) -> &'static str {
        self.severity.name()
    }

    /// The finding in a sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The evidence in words: lines of one source behind its name.
    fn evidence_text(&self) -> String {
        let mut text = String::new();
        let mut source = "";
        for place in &self.evidence {
            if place.source == source {
                text += &format!(",{}", place.line);
            } else {
                let space = if text.is_empty() { "" } else { " " };
                text += &format!("{space}{place}");
                source = place.source;
            }
        }
        text
    }
}

impl Row for AnomalyRow<'_> {
    const TYPE: &'static str = "anomaly";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("severity", |r| Cell::Severity(r.severity)),
            shown("check", |r| Cell::Text(r.check.into())),
            shown("user", |r| Cell::Text(r.user.clone())),
            optional("user_name", |r| Cell::Text(r.user_name.clone().unwrap_or_default())),
            exact("info_hash", |r| Cell::Text(r.info_hash.as_ref().map(|h| h.0.to_string()).unwrap_or_default())),
            aside(shown("session", |r| Cell::Text(r.session.map(|id| id.to_string()).unwrap_or_default()))),
            aside(shown("from", |r| Cell::Time(r.from))),
            exact("to", |r| Cell::Time(r.to)),
            exact("bytes", |r| Cell::MaybeBytes(r.bytes)),
            shown("message", |r| Cell::Text(r.message.clone())),
            shown("evidence", |r| Cell::Text(r.evidence_text())),
        ]
    }
}

/// A check, for `explain`.
pub struct CheckRow(pub &'static Check);

impl Serialize for CheckRow {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let check = self.0;
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("check", check.name)?;
        map.serialize_entry("severity", check.severity.name())?;
        map.serialize_entry("summary", check.summary)?;
        map.serialize_entry("formula", check.formula)?;
        map.serialize_entry("threshold", check.threshold)?;
        map.serialize_entry("look_alikes", check.look_alikes)?;
        map.serialize_entry("source", check.source)?;
        map.end()
    }
}

impl Row for CheckRow {
    const TYPE: &'static str = "check";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("check", |r| Cell::Text(r.0.name.into())),
            shown("severity", |r| Cell::Severity(r.0.severity)),
            shown("summary", |r| Cell::Text(r.0.summary.into())),
            exact("formula", |r| Cell::Text(r.0.formula.into())),
            exact("threshold", |r| Cell::Text(r.0.threshold.into())),
            exact("look_alikes", |r| Cell::Text(r.0.look_alikes.into())),
            exact("source", |r| Cell::Text(r.0.source.into())),
        ]
    }
}

fn severity<S: Serializer>(severity: &Severity, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(severity.name())
}
