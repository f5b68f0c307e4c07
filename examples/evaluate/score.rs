//! What the audit says, against what is true.

use crate::label::Label;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Stdio};

/// The part of the report that is judged. What is not there is unknown.
#[derive(Deserialize, Default)]
struct Report {
    #[serde(default)]
    users: Vec<Verdict>,
    #[serde(default)]
    anomalies: Vec<Anomaly>,
}

#[derive(Deserialize, Default, Clone)]
struct Verdict {
    user: String,
    #[serde(default)]
    verdict: Option<String>,
    #[serde(default)]
    unexplained_upload: Option<u64>,
    #[serde(default)]
    faked_upload_estimate: Option<(u64, u64)>,
    #[serde(default)]
    reasons: Option<Vec<serde_json::Value>>,
}

#[derive(Deserialize)]
struct Anomaly {
    check: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    user: Option<String>,
}

/// Checks of what a client writes: one of them, if it is more than a hint, says that the client is not what it says, also
/// where the verdict is a worse one.
const CLIENT_CHECKS: [&str; 5] =
    ["client-form", "client-name", "peer-id-checksum", "shared-peer-id", "started-every-time"];

/// The verdict that it makes by itself.
const MISMATCH: &str = "client-mismatch";

/// A user: what is true, and what was said.
pub struct Case {
    pub seed: u64,
    pub label: Label,
    pub verdict: String,
    pub claim: u64,
    pub estimate: Option<(u64, u64)>,
    /// Names of the checks that found something.
    pub checks: BTreeSet<String>,
    /// The same with how much it matters, of what is more than daily life.
    pub findings: BTreeSet<String>,
}

/// Lets the binary read a log, and matches what it says with the labels.
pub fn audit(swarmtrail: &Path, log: &Path, seed: u64, labels: &[Label]) -> Result<Vec<Case>, String> {
    let mut child = Command::new(swarmtrail)
        .arg("report")
        .arg(log)
        .args(["--output", "json", "--show-passkeys", "--quiet"])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", swarmtrail.display()))?;
    let out = child.stdout.take().ok_or("no output")?;
    let report = serde_json::from_reader(BufReader::with_capacity(1 << 20, out));
    let status = child.wait().map_err(|error| error.to_string())?;
    let report: Report = report.map_err(|error| format!("{}: {error} ({status})", swarmtrail.display()))?;
    Ok(cases(report, seed, labels))
}

fn cases(report: Report, seed: u64, labels: &[Label]) -> Vec<Case> {
    let mut checks: HashMap<String, BTreeSet<String>> = HashMap::new();
    let mut findings: HashMap<String, BTreeSet<String>> = HashMap::new();
    for anomaly in report.anomalies {
        if let Some(user) = anomaly.user {
            let severity = anomaly.severity.as_str();
            if severity != "info" {
                findings.entry(user.clone()).or_default().insert(format!("{severity} {}", anomaly.check));
            }
            let checks = checks.entry(user).or_default();
            if CLIENT_CHECKS.contains(&anomaly.check.as_str()) && !matches!(severity, "info" | "low") {
                checks.insert(MISMATCH.to_owned());
            }
            checks.insert(anomaly.check);
        }
    }
    let said: HashMap<String, Verdict> = report.users.into_iter().map(|user| (user.user.clone(), user)).collect();
    let case = |label: &Label| {
        let said = said.get(&label.user).cloned().unwrap_or_default();
        let mut checks = checks.remove(&label.user).unwrap_or_default();
        // A reason is the name of a check, or an object with it.
        let reasons = said.reasons.unwrap_or_default();
        let name = |reason: &serde_json::Value| reason.as_str().or(reason["check"].as_str()).map(str::to_owned);
        checks.extend(reasons.iter().filter_map(name));
        Case {
            seed,
            label: label.clone(),
            verdict: said.verdict.unwrap_or_else(|| "unknown".to_owned()),
            claim: said.unexplained_upload.unwrap_or(0),
            estimate: said.faked_upload_estimate,
            checks,
            findings: findings.remove(&label.user).unwrap_or_default(),
        }
    };
    labels.iter().map(case).collect()
}

impl Case {
    /// Said to have uploaded less than told.
    fn named(&self) -> bool {
        matches!(self.verdict.as_str(), "unexplained" | "likely-faked")
    }

    /// What is wrong with it, if anything is.
    pub fn mistake(&self) -> Option<&'static str> {
        match () {
            () if self.named() && self.honest() => Some("named"),
            () if self.claim > self.label.faked => Some("claim"),
            () if self.mismatched() && !self.label.spoofed => Some("mismatch"),
            () if !self.named() && self.label.faked > GIB => Some("missed"),
            () => None,
        }
    }

    fn mismatched(&self) -> bool {
        self.verdict == MISMATCH || self.checks.contains(MISMATCH)
    }

    fn honest(&self) -> bool {
        self.label.way == "honest"
    }

    fn ghost(&self) -> bool {
        self.label.oddities.iter().any(|odd| odd == "ghost")
    }
}

/// So many of so many.
#[derive(Serialize, Default, Clone, Copy)]
pub struct Share {
    pub hits: usize,
    pub of: usize,
}

impl Share {
    fn add(&mut self, hit: bool) {
        self.of += 1;
        self.hits += usize::from(hit);
    }

    fn of<'a>(cases: impl Iterator<Item = &'a Case>, hit: impl Fn(&Case) -> bool) -> Share {
        let mut share = Share::default();
        cases.for_each(|case| share.add(hit(case)));
        share
    }

    /// The rate that would show so few hits only once in twenty times (Clopper and Pearson, one-sided).
    fn upper(self) -> f64 {
        if self.hits >= self.of {
            return 1.0;
        }
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let rate = (low + high) / 2.0;
            if at_most(self.hits, self.of, rate) > 0.05 { low = rate } else { high = rate }
        }
        high
    }
}

/// The chance of at most `hits` of `of` at that rate.
fn at_most(hits: usize, of: usize, rate: f64) -> f64 {
    let mut log_term = of as f64 * (1.0 - rate).ln();
    let mut sum = log_term.exp();
    for k in 1..=hits {
        log_term += ((of - k + 1) as f64 / k as f64).ln() + (rate / (1.0 - rate)).ln();
        sum += log_term.exp();
    }
    sum
}

/// Bytes of a GiB.
pub const GIB: u64 = 1 << 30;
/// Classes of faked bytes: up to so many.
pub const CLASSES: [(u64, &str); 5] =
    [(GIB, "<1"), (3 * GIB, "1-3"), (10 * GIB, "3-10"), (50 * GIB, "10-50"), (u64::MAX, ">50")];

/// How a way of faking fared.
#[derive(Serialize)]
pub struct WayScore {
    pub way: String,
    pub named: Share,
    /// By bytes faked.
    pub classes: [Share; 5],
    pub faked: u64,
    /// Of the bytes faked so many are claimed of users who are named.
    pub covered: u64,
    pub mismatched: Share,
}

/// The result for one damage.
#[derive(Serialize)]
pub struct Summary {
    pub damage: String,
    pub users: usize,
    pub verdicts: BTreeMap<String, usize>,
    /// Ways that make up uploads.
    pub ways: Vec<WayScore>,
    /// Of honest users, of those who leech in secret, and of those whose conduct alone is bad, so many are named.
    pub false_honest: Share,
    pub false_honest_upper: f64,
    pub false_per_1000_user_weeks: f64,
    pub false_ghosts: Share,
    pub false_conduct: BTreeMap<String, Share>,
    pub false_by_oddity: BTreeMap<String, Share>,
    /// Of the named with faked bytes, the claim is no more than the truth.
    pub claims_true: Share,
    /// Honest users of whom bytes are claimed, whatever the verdict.
    pub claims_on_honest: Share,
    pub worst_excess: u64,
    pub faked: u64,
    pub covered: u64,
    /// The truth is within the estimate.
    pub estimates_true: Share,
    pub mismatch_recall: Share,
    pub mismatch_by_tool: BTreeMap<String, Share>,
    pub mismatch_false: Share,
    pub mismatch_false_upper: f64,
    /// For each way of conduct, the checks that know it best: how often they do, and how often for honest users.
    pub conduct: BTreeMap<String, Vec<(String, Share, Share)>>,
    /// How much likelier findings are of users who fake more than a GiB, at least: natural logarithms.
    pub likelihoods: BTreeMap<String, f64>,
}

/// Ways that make up no uploads: all that is asked is whether some check knows them.
const CONDUCT: [&str; 6] = ["hidden-download", "client-spoof", "shared-passkey", "flood", "hit-and-run", "partner"];

/// Scores all cases of one damage, from logs of so many days.
pub fn summarize(damage: &str, days: u32, cases: &[Case]) -> Summary {
    let honest = || cases.iter().filter(|case| case.honest() && !case.ghost());
    let fakers = || cases.iter().filter(|case| case.label.faked > 0);
    let covered = |case: &Case| if case.named() { case.claim.min(case.label.faked) } else { 0 };
    let by = |name: fn(&Case) -> Vec<&String>, of: &dyn Fn(&Case) -> bool, hit: fn(&Case) -> bool| {
        let mut shares: BTreeMap<String, Share> = BTreeMap::new();
        for case in cases.iter().filter(|case| of(case)) {
            for name in name(case) {
                shares.entry(name.clone()).or_default().add(hit(case));
            }
        }
        shares
    };
    let mut verdicts = BTreeMap::new();
    for case in cases {
        *verdicts.entry(case.verdict.clone()).or_default() += 1;
    }
    let ways: BTreeSet<&String> = fakers().map(|case| &case.label.way).collect();
    let way_score = |way: &String| {
        let of_way = || fakers().filter(|case| case.label.way == *way);
        let mut classes = [Share::default(); 5];
        for case in of_way() {
            let class = CLASSES.iter().position(|(most, _)| case.label.faked < *most).unwrap_or(4);
            classes[class].add(case.named());
        }
        WayScore {
            way: way.clone(),
            named: Share::of(of_way(), Case::named),
            classes,
            faked: of_way().map(|case| case.label.faked).sum(),
            covered: of_way().map(covered).sum(),
            mismatched: Share::of(of_way(), Case::mismatched),
        }
    };
    let false_honest = Share::of(honest(), Case::named);
    let mismatch_false = Share::of(cases.iter().filter(|case| !case.label.spoofed), Case::mismatched);
    let named = || fakers().filter(|case| case.named());
    Summary {
        damage: damage.to_owned(),
        users: cases.len(),
        verdicts,
        ways: ways.into_iter().map(way_score).collect(),
        false_honest,
        false_honest_upper: false_honest.upper(),
        false_per_1000_user_weeks: 1000.0 * ratio(false_honest) * 7.0 / f64::from(days),
        false_ghosts: Share::of(cases.iter().filter(|case| case.honest() && case.ghost()), Case::named),
        false_conduct: by(
            |case| vec![&case.label.way],
            &|case| CONDUCT.contains(&case.label.way.as_str()),
            Case::named,
        ),
        false_by_oddity: by(|case| case.label.oddities.iter().collect(), &Case::honest, Case::named),
        claims_true: Share::of(named(), |case| case.claim <= case.label.faked),
        claims_on_honest: Share::of(honest(), |case| case.claim > 0),
        worst_excess: cases.iter().map(|case| case.claim.saturating_sub(case.label.faked)).max().unwrap_or(0),
        faked: fakers().map(|case| case.label.faked).sum(),
        covered: fakers().map(covered).sum(),
        estimates_true: Share::of(fakers().filter(|case| case.estimate.is_some()), |case| {
            case.estimate.is_some_and(|(low, high)| low <= case.label.faked && case.label.faked <= high)
        }),
        mismatch_recall: Share::of(cases.iter().filter(|case| case.label.spoofed), Case::mismatched),
        mismatch_by_tool: by(|case| vec![&case.label.tool], &|case| case.label.spoofed, Case::mismatched),
        mismatch_false,
        mismatch_false_upper: mismatch_false.upper(),
        conduct: CONDUCT.iter().map(|way| ((*way).to_owned(), best_checks(way, cases))).collect(),
        likelihoods: likelihoods(cases),
    }
}

/// Of each finding that several who fake have: the logarithm of how much oftener they have it than the honest do at most.
fn likelihoods(cases: &[Case]) -> BTreeMap<String, f64> {
    let names: BTreeSet<&String> = cases.iter().flat_map(|case| &case.findings).collect();
    let likelihood = |name: &String| {
        let hit = |case: &Case| case.findings.contains(name);
        let fakers = Share::of(cases.iter().filter(|case| case.label.faked > GIB), hit);
        let honest = Share::of(cases.iter().filter(|case| case.honest()), hit);
        (fakers.hits > 3).then(|| (name.clone(), (ratio(fakers) / honest.upper()).ln()))
    };
    names.into_iter().filter_map(likelihood).collect()
}

/// The three checks that tell a way of conduct best from honest users.
fn best_checks(way: &str, cases: &[Case]) -> Vec<(String, Share, Share)> {
    let names: BTreeSet<&String> = cases.iter().flat_map(|case| &case.checks).collect();
    let mut found: Vec<(String, Share, Share)> = names
        .into_iter()
        .map(|name| {
            let hit = |case: &Case| case.checks.contains(name);
            let known = Share::of(cases.iter().filter(|case| case.label.way == way), hit);
            (name.clone(), known, Share::of(cases.iter().filter(|case| case.honest()), hit))
        })
        .filter(|(_, known, _)| known.hits > 0)
        .collect();
    let worth = |(_, known, wrong): &(String, Share, Share)| ratio(*known) - 5.0 * ratio(*wrong);
    found.sort_by(|a, b| worth(b).total_cmp(&worth(a)));
    found.truncate(3);
    found
}

fn ratio(share: Share) -> f64 {
    share.hits as f64 / share.of.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(user: &str, way: &str, faked: u64, spoofed: bool) -> Label {
        Label {
            user: user.to_owned(),
            way: way.to_owned(),
            tool: "tool".to_owned(),
            faked,
            real: 0,
            spoofed,
            oddities: vec!["crash".to_owned()],
            lines: 1,
        }
    }

    #[test]
    fn verdicts_are_scored_and_missing_fields_are_unknown() {
        let report = r#"{ "schema": "x", "users": [
            { "user": "a", "verdict": "likely-faked", "unexplained_upload": 2147483648,
              "faked_upload_estimate": [2147483648, 5368709120], "reasons": ["residue", {"check": "client-mismatch"}] },
            { "user": "b", "verdict": "clear", "unexplained_upload": 0, "timeline": [1, 2] },
            { "user": "c", "verdict": "unexplained", "unexplained_upload": 7 },
            { "user": "d", "uploaded": 5 } ],
            "anomalies": [ { "check": "early-announce", "user": "d" }, { "check": "many", "user": null } ] }"#;
        let labels = [
            label("a", "constant", 4 << 30, true),
            label("b", "jumps", 1 << 20, false),
            label("c", "honest", 0, false),
            label("d", "flood", 0, false),
            label("e", "honest", 0, false),
        ];
        let cases = cases(serde_json::from_str(report).unwrap(), 1, &labels);
        let summary = summarize("none", 7, &cases);
        assert_eq!(summary.verdicts["unknown"], 2);
        let named: Vec<_> = summary.ways.iter().map(|way| (way.way.as_str(), way.named.hits, way.covered)).collect();
        assert_eq!(named, [("constant", 1, 2 << 30), ("jumps", 0, 0)]);
        assert_eq!(summary.ways[0].classes[2].hits, 1);
        assert_eq!((summary.false_honest.hits, summary.false_honest.of), (1, 2));
        assert_eq!((summary.claims_true.hits, summary.claims_true.of), (1, 1));
        assert_eq!(summary.worst_excess, 7);
        assert_eq!((summary.estimates_true.hits, summary.estimates_true.of), (1, 1));
        assert_eq!((summary.mismatch_recall.hits, summary.mismatch_false.hits), (1, 0));
        assert_eq!(summary.conduct["flood"][0].0, "early-announce");
    }

    #[test]
    fn the_upper_bound_is_clopper_and_pearsons() {
        let bound = |hits, of| Share { hits, of }.upper();
        assert!((bound(0, 100) - (1.0 - 0.05_f64.powf(0.01))).abs() < 1e-9);
        // From tables: 3 of 50.
        assert!((bound(3, 50) - 0.1484).abs() < 1e-3);
        assert!(bound(5, 5) >= 1.0);
    }
}
