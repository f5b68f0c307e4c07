//! Verdicts.

use super::{Cell, Column, Row, aside, exact, optional, shown};
use crate::audit::{Basis, Judgement};
use crate::report::View;
use serde::{Serialize, Serializer};

/// What a user's row says of the verdict.
#[derive(Serialize)]
pub struct JudgementCells {
    verdict: &'static str,
    unexplained_upload: u64,
    #[serde(serialize_with = "by_name")]
    unexplained_by: Option<Basis>,
    unexplained_range: Option<(u64, u64)>,
    faked_upload_estimate: [u64; 2],
    reasons: Vec<&'static str>,
    score: f64,
}

fn by_name<S: Serializer>(basis: &Option<Basis>, out: S) -> Result<S::Ok, S::Error> {
    basis.map(Basis::name).serialize(out)
}

impl JudgementCells {
    pub(in crate::report) fn new(view: &View<'_>, user: usize) -> Self {
        let judgement: &Judgement = &view.audit.judgements[user];
        JudgementCells {
            verdict: judgement.verdict.name(),
            unexplained_upload: judgement.unexplained,
            unexplained_by: judgement.basis,
            unexplained_range: judgement.range,
            faked_upload_estimate: [judgement.estimate.0, judgement.estimate.1],
            reasons: judgement.reasons.clone(),
            // As many digits as mean something.
            score: (judgement.score * 10.0).round() / 10.0,
        }
    }

    /// The verdict's name.
    pub fn verdict(&self) -> &'static str {
        self.verdict
    }

    /// Bytes that cannot exist.
    pub fn unexplained(&self) -> u64 {
        self.unexplained_upload
    }

    /// What those rest on, if there are any.
    pub fn basis(&self) -> Option<Basis> {
        self.unexplained_by
    }

    /// What those may be, if other swarms are drawn.
    pub fn range(&self) -> Option<(u64, u64)> {
        self.unexplained_range
    }

    /// The least and the most that is likely to be faked.
    pub fn estimate(&self) -> [u64; 2] {
        self.faked_upload_estimate
    }

    /// The score in print.
    pub fn score(&self) -> String {
        self.score.to_string()
    }
}

/// A user, audited.
#[derive(Serialize)]
pub struct AuditRow {
    user: String,
    name: Option<String>,
    #[serde(flatten)]
    judgement: JudgementCells,
    uploaded: u128,
    downloaded: u128,
    ratio: Option<f64>,
    why: String,
}

impl AuditRow {
    pub(in crate::report) fn new(view: &View<'_>, number: usize) -> Self {
        let user = &view.story.users[number];
        let totals = user.account.totals;
        AuditRow {
            user: view.name(user),
            name: view.user_name(number),
            judgement: JudgementCells::new(view, number),
            uploaded: totals.uploaded,
            downloaded: totals.downloaded,
            ratio: totals.ratio(),
            why: view.audit.judgements[number].why(),
        }
    }
}

impl Row for AuditRow {
    const TYPE: &'static str = "audit";

    fn columns() -> Vec<Column<Self>> {
        vec![
            shown("user", |r| Cell::Text(r.user.clone())),
            optional("name", |r| Cell::Text(r.name.clone().unwrap_or_default())),
            shown("verdict", |r| Cell::Text(r.judgement.verdict.into())),
            aside(shown("score", |r| Cell::Text(r.judgement.score()))),
            shown("unexplained_upload", |r| Cell::Bytes(r.judgement.unexplained_upload.into())),
            exact("faked_at_least", |r| Cell::Bytes(r.judgement.faked_upload_estimate[0].into())),
            exact("faked_at_most", |r| Cell::Bytes(r.judgement.faked_upload_estimate[1].into())),
            shown("uploaded", |r| Cell::Bytes(r.uploaded)),
            exact("downloaded", |r| Cell::Bytes(r.downloaded)),
            aside(shown("ratio", |r| Cell::Ratio(r.ratio))),
            exact("reasons", |r| Cell::Text(r.judgement.reasons.join(" "))),
            shown("why", |r| Cell::Text(r.why.clone())),
        ]
    }
}
