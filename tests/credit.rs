//! What trackers would have credited: numbers worked by hand, and what all of them agree about.

use crate::support::{announce, json, swarmtrail, swarmtrail_on};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use swarmtrail::announce::Event;
use swarmtrail::session::credit::{Kept, POLICIES};
use swarmtrail::session::{Counters, Said};
use swarmtrail::time::Time;

const CRASHED: &str = "testdata/corpus/d_crash_restart/access.log";
const PAUSED: &str = "testdata/corpus/c_pause_resume/access.log";
const FORCED: &str = "testdata/corpus/h_forced_reannounce/access.log";
const DUAL_STACK: &str = "testdata/corpus/k_ipv6/access.log";

/// Up, down, the line at which the policy parts (0: it does not) and why.
type Worked = (u64, u64, u64, &'static str);

/// What each policy credits, by session.
fn compared(document: &Value) -> Vec<BTreeMap<String, Worked>> {
    let mut sessions: BTreeMap<u64, BTreeMap<String, Worked>> = BTreeMap::new();
    for row in document["sessions"].as_array().expect("sessions") {
        let number = |field: &Value| field.as_u64().unwrap_or_default();
        let why = row["parts_why"].as_str().unwrap_or_default().to_string().leak();
        let worked = (number(&row["uploaded"]), number(&row["downloaded"]), number(&row["parts_at"]["line"]), &*why);
        let policy = row["policy"].as_str().expect("a name").to_string();
        sessions.entry(number(&row["session"])).or_default().insert(policy, worked);
    }
    sessions.into_values().collect()
}

fn of_user(log: &str, user: &str) -> Vec<BTreeMap<String, Worked>> {
    compared(&json(&swarmtrail(&["credit", "--compare", "-o", "json", "--user", user, log]).stdout))
}

/// Lines of one client, as (second, event, uploaded, downloaded); `left` is what is missing of a million.
fn of_lines(lines: &[(u32, &str, u64, u64)]) -> BTreeMap<String, Worked> {
    let line = |&(at, event, up, down): &(u32, &str, u64, u64)| {
        announce("0123456789abcdef0123456789abcdef", at, event, up, down, 1_000_000 - down)
    };
    let log: String = lines.iter().map(line).collect();
    let run = swarmtrail_on(log.as_bytes(), &["credit", "--compare", "-o", "json", "--timeout", "7d"]);
    let mut sessions = compared(&json(&run.stdout));
    assert_eq!(sessions.len(), 1, "one session");
    sessions.remove(0)
}

#[track_caller]
fn expect(session: &BTreeMap<String, Worked>, worked: &[(&str, Worked)]) {
    for (policies, expected) in worked {
        for policy in policies.split(' ') {
            assert_eq!(session.get(policy), Some(expected), "{policy}");
        }
    }
}

#[test]
fn a_crash_and_a_new_peer_id() {
    // Transmission, port 33101. Line 2 at 06:47:42 `started` 0/0, then each 20 s
    //   10: 0/393216, 17: 901835/1441792, 23: 1383348/3014656, 27: 2186801/3932160, and it is killed.
    // Line 36 at 06:50:05 `started` 0/0 with another peer id, then each 20 s
    //   44: 459116/917504, 50: 1180584/1966080, ... 98 at 06:53:45: 4427190/13762560,
    //   102 at 06:54:00 `completed` 4427190/14680064, 104 at 06:54:20 the same once more.
    let sessions = of_user(CRASHED, "6ec0");
    let simple = "swarmtrail ocelot unit3d-announce tbdev xbt trackarr raw";
    expect(
        &sessions[0],
        &[
            (simple, (2_186_801, 3_932_160, 0, "")),
            ("torrentpier", (2_186_801, 3_932_160, 0, "")),
            // Plain announces within 27 minutes are refused, and the client did not live to say `stopped`.
            ("unit3d", (0, 0, 10, "too-early")),
            // Line 10 comes 20 s after line 2, just late enough. From line 17 on, line 2 is the last but one that was taken,
            // and less than 300 s ago.
            ("nexusphp", (0, 393_216, 17, "too-early")),
            ("xbtit", (0, 0, 10, "only-at-stopped")),
        ],
    );
    expect(
        &sessions[1],
        &[
            (simple, (4_427_190, 14_680_064, 0, "")),
            // The same port: 4427190 - 2186801 up, 14680064 - 3932160 down are above what line 27 had reached.
            ("torrentpier", (2_240_389, 10_747_904, 44, "below-peak")),
            // Refused until `completed`, which is always taken, and brings all of it.
            ("unit3d", (4_427_190, 14_680_064, 0, "")),
            // Line 44 is taken, then none until 06:55:05. `completed` comes 15 s after line 98 and is taken for a copy.
            ("nexusphp", (459_116, 917_504, 50, "too-early")),
            ("xbtit", (0, 0, 44, "only-at-stopped")),
        ],
    );
}

#[test]
fn zeros_at_stopped() {
    // WebTorrent. Line 9 `started` 0/0, plain ones up to 67; 76 `completed` 10373614/14680064; 81, 87 and 93 up to
    // 11794374/14680064; 95 `stopped` 0/0, as WebTorrent says it.
    let sessions = of_user(PAUSED, "9200");
    expect(
        &sessions[0],
        &[
            ("swarmtrail ocelot unit3d-announce tbdev xbt torrentpier trackarr raw", (11_794_374, 14_680_064, 0, "")),
            // What came after `completed` was too early, and `stopped` does not bring it.
            ("unit3d", (10_373_614, 14_680_064, 81, "too-early")),
            // The whole counters at `stopped` are nothing.
            ("xbtit", (0, 0, 16, "only-at-stopped")),
        ],
    );
}

#[test]
fn pauses_that_say_stopped() {
    // Transmission pauses with `stopped` at lines 27, 77 and 127, and has a new peer id each time.
    let worked = [(3_197_415, 3_276_800), (2_279_183, 5_373_952), (1_934_846, 6_029_312)];
    for (session, (up, down)) in of_user(PAUSED, "6ec0").iter().zip(worked) {
        expect(
            session,
            &[("swarmtrail ocelot unit3d unit3d-announce tbdev xbt torrentpier xbtit trackarr raw", (up, down, 0, ""))],
        );
    }
}

#[test]
fn a_session_that_did_not_say_started() {
    // WebTorrent's first line here (13, 0/0) has no `started`: TBDev refuses it and the whole session, which shows from the
    // first growth (line 18) on.
    let sessions = of_user(FORCED, "3285");
    let found = sessions.iter().find(|session| session["tbdev"].3 == "unknown-peer").expect("the session");
    expect(
        found,
        &[
            ("swarmtrail ocelot unit3d-announce xbt torrentpier trackarr", (12_747_301, 14_680_064, 0, "")),
            ("tbdev", (0, 0, 18, "unknown-peer")),
        ],
    );
}

#[test]
fn copies_over_two_address_families_count_once() {
    for session in of_user(DUAL_STACK, "") {
        let (up, down, ..) = session["swarmtrail"];
        expect(&session, &[("ocelot unit3d-announce tbdev xbt trackarr", (up, down, 0, ""))]);
    }
}

#[test]
fn started_in_mid_session() {
    // Transmission says `started` again when its port changes; the counters go on.
    let session =
        of_lines(&[(0, "started", 0, 0), (1800, "", 1000, 500), (3600, "started", 1500, 700), (5400, "", 2000, 1000)]);
    expect(
        &session,
        &[
            ("swarmtrail unit3d-announce tbdev nexusphp xbt torrentpier trackarr raw", (2000, 1000, 0, "")),
            // What lies between lines 2 and 3 is lost: 500 and 200.
            ("ocelot unit3d", (1500, 800, 3, "started")),
        ],
    );
}

#[test]
fn one_counter_falls() {
    let session =
        of_lines(&[(0, "started", 0, 0), (1800, "", 1000, 1000), (3600, "", 400, 1500), (5400, "", 900, 2000)]);
    expect(
        &session,
        &[
            // Above the highest so far: nothing up since line 2.
            ("swarmtrail torrentpier", (1000, 2000, 0, "")),
            // Line 3 is worth nothing at all, line 4 what lies above it: 500 and 500.
            ("ocelot unit3d-announce xbt", (1500, 1500, 3, "counter-fell")),
            // Line 3 is worth 500 down.
            ("unit3d tbdev nexusphp trackarr", (1500, 2000, 4, "growth")),
            // Line 3: 400 up once more.
            ("raw", (1900, 2000, 3, "whole-counter")),
        ],
    );
}

#[test]
fn silences_beyond_timeouts() {
    // Silent for 1800, 2500, 3000, 5000, 8000 and 1800 seconds; 1000 bytes each time.
    let times = [0, 1800, 4300, 7300, 12_300, 20_300, 22_100];
    let lines: Vec<_> =
        (0..).zip(times).map(|(n, at)| (at, if n == 0 { "started" } else { "" }, n * 1000, 0)).collect();
    expect(
        &of_lines(&lines),
        &[
            ("swarmtrail unit3d unit3d-announce trackarr raw", (6000, 0, 0, "")),
            ("ocelot", (5000, 0, 6, "forgotten")),
            ("nexusphp torrentpier", (4000, 0, 5, "forgotten")),
            ("xbt", (3000, 0, 4, "forgotten")),
            // Forgotten at line 3, and never taken again, since nothing says `started`.
            ("tbdev", (1000, 0, 3, "unknown-peer")),
            ("xbtit", (0, 0, 2, "only-at-stopped")),
        ],
    );
}

#[test]
fn what_nobody_can_have_sent() {
    let (gib, tib) = (1u64 << 30, 1u64 << 40);
    let session = of_lines(&[(0, "started", 0, 0), (1800, "", 3 * tib, 0), (1810, "", 3 * tib + 100 * gib, 0)]);
    expect(
        &session,
        &[
            ("swarmtrail ocelot xbt raw", (3 * tib + 100 * gib, 0, 0, "")),
            // 1 TiB an announce, and 10 s at 1 GiB a second.
            ("trackarr", (tib + 10 * gib, 0, 2, "capped")),
        ],
    );
}

#[test]
fn stopped_that_comes_twice() {
    let session = of_lines(&[(0, "started", 0, 0), (1800, "stopped", 1000, 0), (1860, "stopped", 1000, 0)]);
    expect(
        &session,
        &[
            ("swarmtrail ocelot unit3d unit3d-announce tbdev nexusphp xbt torrentpier trackarr", (1000, 0, 0, "")),
            ("xbtit", (2000, 0, 3, "whole-counter")),
        ],
    );
}

#[test]
fn a_policy_asked_for_credits_everywhere() {
    let told =
        |args: &[&str]| json(&swarmtrail(&[args, &["--credit", "torrentpier", "-o", "json", CRASHED]].concat()).stdout);
    let totals = |rows: &Value| -> Vec<(String, u64, u64)> {
        let number = |row: &Value, field: &str| row[field].as_u64().expect("bytes");
        let row = |row: &Value| {
            (row["user"].as_str().expect("a name").to_string(), number(row, "uploaded"), number(row, "downloaded"))
        };
        let mut totals: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for (user, up, down) in rows.as_array().expect("rows").iter().map(row) {
            let sum = totals.entry(user).or_default();
            *sum = (sum.0 + up, sum.1 + down);
        }
        totals.into_iter().map(|(user, (up, down))| (user, up, down)).collect()
    };
    let compared = json(&swarmtrail(&["credit", "--compare", "-o", "json", CRASHED]).stdout);
    let rows = compared["users"].as_array().expect("rows");
    let expected = Value::from_iter(rows.iter().filter(|row| row["policy"] == "torrentpier").cloned());
    let expected = totals(&expected);
    assert!(expected.contains(&("6ec00940f471".into(), 4_427_190, 14_680_064)), "{expected:?}");
    assert_eq!(totals(&told(&["users"])), expected);
    assert_eq!(totals(&told(&["sessions"])), expected);
    assert_eq!(totals(&told(&["credit"])["users"]), expected);
    let report = told(&["report"]);
    assert_eq!(
        (totals(&report["users"]), &report["settings"]["credit"]),
        (expected.clone(), &Value::from("torrentpier"))
    );
    let all: u64 = expected.iter().map(|user| user.1).sum();
    assert_eq!(report["torrents"][0]["uploaded"], all, "a torrent's sum is its users'");
    for user in report["users"].as_array().expect("users") {
        let end = user["timeline"].as_array().and_then(|points| points.last());
        assert_eq!(end.map(|point| &point["uploaded"]), Some(&user["uploaded"]), "a timeline ends with the sum");
    }
    // What came before is known, but not credited: line 27 is the last of the old peer id.
    let since = told(&["credit", "--since", "2026-11-22T06:49:30"]);
    assert!(totals(&since["users"]).contains(&("6ec00940f471".into(), 2_240_389, 10_747_904)), "{since}");
}

#[test]
fn threads_and_outputs_change_nothing() {
    let on = |threads: &str, output: &str| {
        swarmtrail(&["credit", "--compare", "--threads", threads, "-o", output, CRASHED]).stdout
    };
    for output in ["table", "json", "ndjson", "csv"] {
        assert_eq!(on("1", output), on("3", output), "{output}");
    }
    let csv = on("2", "csv");
    let line = csv.lines().find(|line| line.starts_with("user_credit,6ec00940f471,,torrentpier,"));
    assert_eq!(
        line,
        Some(
            "user_credit,6ec00940f471,,torrentpier,4427190,14680064,0.3015783854893276,4427190,14680064,0.3015783854893276,1"
        )
    );
    let unknown = swarmtrail(&["credit", "--credit", "piratebay", CRASHED]);
    assert_eq!((unknown.code, unknown.stderr.contains("torrentpier, xbtit")), (Some(2), true), "{}", unknown.stderr);
}

proptest! {
    /// Counters that only rise, from a `started` at 0 on, without a silence that any tracker would mind, and with `stopped`
    /// in the end: all trackers credit what the counters say.
    #[test]
    fn all_trackers_agree_about_what_is_as_it_should_be(
        steps in prop::collection::vec((1800..=2340i64, 0..1u64 << 40, 0..1u64 << 40), 1..20),
    ) {
        for policy in POLICIES {
            let (mut at, mut counters, mut left) = (1_000_000, Counters::ZERO, u64::MAX >> 1);
            let (mut kept, mut credited) = (Kept::default(), Counters::ZERO);
            for (n, &(gap, up, down)) in std::iter::once(&(0, 0, 0)).chain(&steps).enumerate() {
                at += gap;
                counters = counters.plus(Counters { up, down });
                left -= down;
                let event = match n {
                    0 => Event::Started,
                    _ if n == steps.len() => Event::Stopped,
                    _ => Event::None,
                };
                let said = Said { at: Some(Time::from_secs(at)), event, counters, left, same_address: true };
                let taken = policy.take(&kept, &said);
                kept = taken.kept;
                credited = credited.plus(taken.credit);
            }
            prop_assert_eq!(credited, counters, "{}", policy.name);
        }
    }

    /// Whatever is announced, no tracker credits more than the client's counters add up to, but one that counts a
    /// `stopped` as often as it comes.
    #[test]
    fn no_tracker_credits_more_than_was_claimed(
        said in prop::collection::vec((0..10_000i64, 0..5usize, any::<u32>(), any::<u32>(), 0..2u64), 1..30),
    ) {
        let events = [Event::None, Event::Started, Event::Completed, Event::Stopped, Event::Paused];
        for policy in POLICIES.iter().filter(|policy| policy.name != "xbtit") {
            let mut at = 1_000_000;
            let (mut kept, mut credited, mut claimed) = (Kept::default(), Counters::ZERO, Counters::ZERO);
            for &(gap, event, up, down, left) in &said {
                at += gap;
                let counters = Counters { up: up.into(), down: down.into() };
                let said = Said { at: Some(Time::from_secs(at)), event: events[event], counters, left, same_address: true };
                let taken = policy.take(&kept, &said);
                kept = taken.kept;
                (credited, claimed) = (credited.plus(taken.credit), claimed.plus(counters));
            }
            prop_assert!(!claimed.fell_below(credited), "{}", policy.name);
        }
    }
}
