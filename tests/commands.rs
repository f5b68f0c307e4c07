//! Every command, on the anatomy capture and on one real log, as snapshots; and what single options do.

use crate::support::{announce, json, swarmtrail, swarmtrail_on, written};
use serde_json::Value;

const ANATOMY: &str = "testdata/anatomy.txt";
const REAL: &str = "testdata/corpus/d_crash_restart/access.log";

/// Tests run in the project's folder, so that sources have the same names everywhere.
fn snapshot(name: &str, args: &[&str]) {
    let run = swarmtrail(args);
    assert_eq!(run.code, Some(0), "{args:?}: {}", run.stderr);
    insta::with_settings!({ omit_expression => true, description => format!("swarmtrail {}", args.join(" ")), prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, run.stdout);
    });
}

#[test]
fn every_command_on_the_anatomy_capture() {
    for command in ["report", "replay", "users", "timeline", "sessions", "profile", "anomalies"] {
        snapshot(&format!("anatomy_{command}"), &[command, ANATOMY]);
    }
    snapshot("anatomy_report_json", &["report", "-o", "json", ANATOMY]);
    snapshot("anatomy_profile_seeds", &["profile", "--completed", "seeds", ANATOMY]);
    let piped = swarmtrail_on(&std::fs::read(ANATOMY).expect("testdata is there"), &["report", "-o", "json"]);
    let named = swarmtrail(&["report", "-o", "json", ANATOMY]);
    assert_eq!(piped.stdout.replace("\"-\"", "\"testdata/anatomy.txt\""), named.stdout, "a pipe tells the same");
}

#[test]
fn every_command_on_a_real_log() {
    for command in ["report", "users", "sessions", "clients", "anomalies", "audit"] {
        snapshot(&format!("real_{command}"), &[command, REAL]);
    }
    snapshot("real_replay", &["replay", "--user", "6ec0", REAL]);
    snapshot("real_timeline", &["timeline", "--user", "8557", REAL]);
    snapshot("real_credit_compare", &["credit", "--compare", "--user", "6ec0", REAL]);
    snapshot("real_timeline_step_csv", &["timeline", "--user", "6ec0", "--step", "2m", "-o", "csv", REAL]);
    // Deluge was killed at 06:49:01 and never came back; the others began anew, and their old entries are ghosts.
    snapshot("real_profile", &["profile", "--at", "2026-11-22T06:51:00", REAL]);
    snapshot("real_sessions_ndjson", &["sessions", "--user", "33f0", "-o", "ndjson", REAL]);
    snapshot("real_report_ndjson", &["report", "--user", "33f0", "-o", "ndjson", REAL]);
    snapshot("real_report_csv", &["report", "--user", "33f0", "-o", "csv", REAL]);
}

#[test]
fn explain_knows_every_check() {
    snapshot("explain", &["explain"]);
    snapshot("explain_pause_gap", &["explain", "pause-gap"]);
}

#[test]
fn a_case_is_for_one_user_and_shows_no_passkey() {
    snapshot("real_case", &["case", "8557", REAL]);
    let whole = json(&swarmtrail(&["users", "-o", "json", "--show-passkeys", "--user", "33f0", REAL]).stdout);
    let passkey = whole[0]["user"].as_str().expect("a name").to_string();
    for output in ["table", "json"] {
        let case = swarmtrail(&["case", "33f0", "-o", output, REAL]).stdout;
        assert!(case.contains(&passkey[..12]) && !case.contains(&passkey), "{case}");
    }
    for (args, error) in [
        (&["case", "zz", REAL][..], "no user"),
        (&["case", "", REAL], "users begin"),
        (&["case", "33f0", "-o", "csv", REAL], "CSV"),
    ] {
        let run = swarmtrail(args);
        assert_eq!((run.code, run.stderr.contains(error)), (Some(2), true), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn report_is_the_default_command() {
    assert_eq!(swarmtrail(&[REAL]).stdout, swarmtrail(&["report", REAL]).stdout);
    assert_eq!(swarmtrail(&["--user", "33f0", REAL]).stdout, swarmtrail(&["report", REAL, "--user", "33f0"]).stdout);
}

#[test]
fn fail_on_sets_the_exit_status() {
    assert_eq!(swarmtrail(&["anomalies", "--fail-on", "info", REAL]).code, Some(1));
    assert_eq!(swarmtrail(&["anomalies", "--fail-on", "low", REAL]).code, Some(0));
    assert_eq!(swarmtrail(&["report", "--fail-on", "info", ANATOMY]).code, Some(0));
}

#[test]
fn a_span_makes_no_ghosts_and_credits_only_itself() {
    let log = [
        announce("k", 0, "started", 0, 0, 100),
        announce("k", 1800, "", 10, 40, 60),
        announce("k", 3600, "", 30, 90, 10),
        announce("k", 5400, "stopped", 70, 100, 0),
    ]
    .concat();
    let report =
        |args: &[&str]| json(&swarmtrail_on(log.as_bytes(), &[&["report", "-o", "json"], args].concat()).stdout);
    let whole = report(&[]);
    assert_eq!((&whole["users"][0]["uploaded"], &whole["users"][0]["downloaded"]), (&70.into(), &100.into()));
    let late = report(&["--since", "2026-11-22T00:45"]);
    assert_eq!((&late["users"][0]["uploaded"], &late["users"][0]["downloaded"]), (&60.into(), &60.into()));
    assert_eq!(late["sessions"][0]["started_at"], "2026-11-22T00:00:00Z", "the session was known before");
    assert_eq!(late["anomalies"], serde_json::json!([]));
    let early = report(&["--until", "2026-11-22T00:45"]);
    assert_eq!((&early["users"][0]["uploaded"], &early["users"][0]["leeching"]), (&10.into(), &1.into()));
    assert_eq!(early["sessions"][0]["end"], "open");
}

#[test]
fn a_zone_is_for_people_alone() {
    let log = [announce("k", 0, "started", 0, 0, 100), announce("k", 3600, "", 10, 40, 60)].concat();
    let run = |args: &[&str]| swarmtrail_on(log.as_bytes(), args);
    let shown = run(&["report", "--tz", "Asia/Tokyo"]).stdout;
    assert!(shown.contains("2026-11-22 09:00:00 to 2026-11-22 10:00:00") && shown.contains("Asia/Tokyo"), "{shown}");
    assert!(run(&["report", "--tz", "-03:30"]).stdout.contains("2026-11-21 20:30:00 to"));
    for output in ["json", "ndjson", "csv"] {
        assert_eq!(run(&["report", "-o", output, "--tz", "Asia/Tokyo"]).stdout, run(&["report", "-o", output]).stdout);
    }
    let announces = |args: &[&str]| {
        let run = run(&[&["users", "-o", "json"], args].concat());
        assert_eq!(run.code, Some(0), "{args:?}: {}", run.stderr);
        json(&run.stdout)[0]["announces"].as_u64()
    };
    assert_eq!(
        announces(&["--until", "2026-11-22T09:30", "--tz", "Asia/Tokyo"]),
        Some(1),
        "a time is read as it is shown"
    );
    assert_eq!(announces(&["--until", "2026-11-22T09:30"]), Some(2));
    for moment in ["-1h30m", "yesterday", "today", "now", "+2d"] {
        assert_eq!(run(&["users", "--since", moment, "-o", "json"]).code, Some(0), "{moment}");
        assert_eq!(run(&["profile", "--at", moment]).code, Some(0), "{moment}");
    }
    assert_eq!(run(&["users", "--tz", "Mars/Olympus"]).code, Some(2));
}

#[test]
fn completed_is_read_both_ways() {
    let log = [
        announce("k", 0, "started", 0, 0, 100),
        announce("k", 100, "completed", 0, 100, 0),
        announce("k", 1900, "", 50, 100, 0),
        announce("k", 3700, "completed", 50, 100, 0),
    ]
    .concat();
    let listing = |mode: &str| {
        let report = json(&swarmtrail_on(log.as_bytes(), &["report", "-o", "json", "--completed", mode]).stdout);
        let session = &report["sessions"][0];
        let stretches = session["listing"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|l| l["status"].as_str().expect("a status").to_string());
        (stretches.collect::<Vec<_>>().join(" "), session["end"].clone(), session["completed_at"].clone())
    };
    let at = serde_json::json!("2026-11-22T00:01:40Z");
    assert_eq!(listing("removes"), ("leeching removed seeding removed".into(), "completed".into(), at.clone()));
    assert_eq!(listing("seeds"), ("leeching seeding".into(), "open".into(), at));
}

/// Where each anomaly shows in lines that a client could have sent, and that an honest neighbour of it shows none.
#[test]
fn every_anomaly_is_found_and_its_neighbour_is_not() {
    // A log that covers the hours before and after, so that nothing is at its edge.
    let frame = |lines: &[String]| {
        let edge = |at| announce("watcher00", at, "", 0, 0, 0);
        format!("{}{}{}", edge(0), lines.concat(), edge(86_000))
    };
    let h = 3600;
    let refused = |line: String| line.replace("\" 200 ", "\" 503 ");
    let regular = |from: u32, n: u32, left: u64| -> Vec<String> {
        (0..n)
            .map(|i| {
                announce(
                    "suspect00",
                    from + 1800 * i,
                    if i == 0 { "started" } else { "" },
                    0,
                    (i as u64) << 20,
                    left - ((i as u64) << 20),
                )
            })
            .collect()
    };
    let with = |mut lines: Vec<String>, more: Vec<String>| {
        lines.extend(more);
        lines
    };
    let big = 10 << 30;
    let cases: Cases = vec![
        (
            "missing-stopped",
            regular(4 * h, 4, big),
            with(regular(4 * h, 4, big), vec![announce("suspect00", 7 * h, "stopped", 0, 4 << 20, big - (4 << 20))]),
        ),
        (
            "undelivered-stopped",
            with(
                regular(4 * h, 4, big),
                vec![refused(announce("suspect00", 6 * h, "stopped", 0, 4 << 20, big - (4 << 20)))],
            ),
            with(
                regular(4 * h, 4, big),
                vec![
                    refused(announce("suspect00", 6 * h, "stopped", 0, 4 << 20, big - (4 << 20))),
                    announce("suspect00", 6 * h + 20, "stopped", 0, 4 << 20, big - (4 << 20)),
                ],
            ),
        ),
        (
            "missing-started",
            vec![announce("suspect00", 5 * h, "", 0, 5, 95)],
            vec![
                refused(announce("suspect00", 5 * h, "started", 0, 0, 100)),
                announce("suspect00", 5 * h + 20, "", 0, 5, 95),
            ],
        ),
        (
            "announce-after-stopped",
            vec![
                announce("suspect00", 5 * h, "started", 0, 0, 100),
                announce("suspect00", 6 * h, "stopped", 0, 5, 95),
                announce("suspect00", 6 * h + 900, "", 0, 6, 94),
            ],
            vec![
                announce("suspect00", 5 * h, "started", 0, 0, 100),
                announce("suspect00", 6 * h, "stopped", 0, 5, 95),
                announce("suspect00", 6 * h + 3, "", 0, 5, 95),
            ],
        ),
        (
            "duplicate-started",
            vec![announce("suspect00", 5 * h, "started", 0, 0, 100), announce("suspect00", 6 * h, "started", 7, 5, 95)],
            vec![
                announce("suspect00", 5 * h, "started", 0, 0, 100),
                announce("suspect00", 6 * h, "started", 7, 5, 95).replace("203.0.113.1 ", "203.0.113.2 "),
            ],
        ),
        (
            "completed-with-left",
            vec![
                announce("suspect00", 5 * h, "started", 0, 0, 100),
                announce("suspect00", 6 * h, "completed", 7, 5, 95),
            ],
            vec![
                announce("suspect00", 5 * h, "started", 0, 0, 100),
                announce("suspect00", 6 * h, "completed", 7, 100, 0),
            ],
        ),
        (
            "completed-without-download",
            vec![announce("suspect00", 5 * h, "started", 0, 0, 0), announce("suspect00", 6 * h, "completed", 0, 0, 0)],
            vec![
                announce("suspect00", 5 * h, "started", 0, 0, 100),
                announce("suspect00", 6 * h, "completed", 0, 100, 0),
            ],
        ),
        (
            "completed-repeated",
            vec![
                announce("suspect00", 5 * h, "started", 0, 0, 100),
                announce("suspect00", 6 * h, "completed", 0, 100, 0),
                announce("suspect00", 7 * h, "completed", 0, 100, 0),
            ],
            vec![
                announce("suspect00", 5 * h, "started", 0, 0, 100),
                announce("suspect00", 6 * h, "completed", 0, 100, 0),
                announce("suspect00", 7 * h, "", 0, 100, 50),
                announce("suspect00", 8 * h, "completed", 0, 150, 0),
            ],
        ),
        (
            "pause-gap",
            with(regular(4 * h, 4, big), vec![announce("suspect00", 9 * h, "", 0, 3 << 20, big - (3 << 20))]),
            with(regular(4 * h, 4, big), vec![announce("suspect00", 9 * h, "", 0, 4 << 20, big - (4 << 20))]),
        ),
        (
            "stalled",
            (0..5)
                .map(|i| {
                    announce("suspect00", 5 * h + 1800 * i, if i == 0 { "started" } else { "" }, u64::from(i), 0, 100)
                })
                .collect(),
            (0..5)
                .map(|i| {
                    announce(
                        "suspect00",
                        5 * h + 1800 * i,
                        if i == 0 { "started" } else { "paused" },
                        u64::from(i),
                        0,
                        100,
                    )
                })
                .collect(),
        ),
        (
            "early-announce",
            (0..8)
                .map(|i| announce("suspect00", 5 * h + 60 * i, if i == 0 { "started" } else { "" }, u64::from(i), 0, 0))
                .collect(),
            (0..8)
                .map(|i| {
                    announce("suspect00", 5 * h + 1500 * i, if i == 0 { "started" } else { "" }, u64::from(i), 0, 0)
                })
                .collect(),
        ),
        (
            "counter-reset",
            with(regular(4 * h, 4, big), vec![announce("suspect00", 6 * h, "", 0, 1 << 20, big - (1 << 20))]),
            with(
                regular(4 * h, 4, big),
                vec![announce("suspect00", 6 * h, "", 0, (3 << 20) - 70_000, big - (3 << 20))],
            ),
        ),
        (
            "nonzero-start",
            vec![announce("suspect00", 5 * h, "started", 1 << 40, 0, 0)],
            vec![announce("suspect00", 600, "started", 1 << 40, 0, 0)],
        ),
        (
            "left-increased",
            with(regular(4 * h, 4, big), vec![announce("suspect00", 6 * h, "", 0, 4 << 20, big + (1 << 30))]),
            vec![
                announce("suspect00", 5 * h, "started", 0, 0, 16_384),
                announce("suspect00", 5 * h + 60, "", 0, 0, 16_384),
                announce("suspect00", 6 * h, "", 0, 1 << 20, big),
            ],
        ),
        (
            "ledger-mismatch",
            with(regular(4 * h, 4, big), vec![announce("suspect00", 6 * h, "", 0, 4 << 20, 0)]),
            with(regular(4 * h, 4, big), vec![announce("suspect00", 6 * h, "completed", 0, big + (1 << 28), 0)]),
        ),
        (
            "overspeed",
            vec![
                announce("suspect00", 5 * h, "started", 0, 0, 0),
                announce("suspect00", 5 * h + 1800, "", 1 << 40, 0, 0),
            ],
            vec![
                announce("suspect00", 5 * h, "started", 0, 0, 0),
                announce("suspect00", 5 * h + 1800, "", 1 << 36, 0, 0),
            ],
        ),
        (
            "many-addresses",
            (0..6)
                .map(|i| {
                    announce("suspect00", 5 * h + 1800 * i, if i == 0 { "started" } else { "" }, 0, 0, 0)
                        .replace("203.0.113.1 ", &format!("198.51.{i}.7 "))
                })
                .collect(),
            (0..6)
                .map(|i| {
                    announce("suspect00", 5 * h + 1800 * i, if i == 0 { "started" } else { "" }, 0, 0, 0)
                        .replace("203.0.113.1 ", &format!("2001:db8::{i} "))
                })
                .collect(),
        ),
    ];
    let cases: Vec<_> = [cases, swarms_that_do_not_balance(), conduct(), generators()].concat();
    // Three torrents in a client, written as it writes.
    let client = |query: &str, peer_ids: [&str; 3], agent: &str| -> Vec<String> {
        let line = |(at, peer_id): (u32, &&str)| {
            let hash = char::from(b'a' + at as u8).to_string().repeat(20);
            let query = query.replace("HASH", &hash).replace("PEER", peer_id);
            written("suspect00", 5 * h + at, &query, agent)
        };
        (0..).zip(&peer_ids).map(line).collect()
    };
    let transmission = "info_hash=HASH&peer_id=PEER&port=1&uploaded=0&downloaded=0&left=0&numwant=80&key=1a2b3c4&compact=1&supportcrypto=1&event=started";
    let peer_ids = ["-TR3000-000000000000", "-TR3000-10000000000z", "-TR3000-z00000000001"];
    let genuine = || client(transmission, peer_ids, "Transmission/3.00");
    let key_first = transmission.replace("&key=1a2b3c4", "").replace("&port", "&key=1a2b3c4&port");
    let one_for_two = [peer_ids[0], peer_ids[0], peer_ids[1]];
    let started = |events: [&str; 8]| -> Vec<String> {
        (0..8u32)
            .map(|i| announce("suspect00", 5 * h + 1800 * i, events[i as usize], u64::from(i) << 20, 0, 0))
            .collect()
    };
    let cases = [
        cases,
        vec![
            ("client-form", client(&key_first, peer_ids, "Transmission/3.00"), genuine()),
            ("client-name", client(transmission, peer_ids, "aria2/1.36.0"), client(transmission, peer_ids, "-")),
            ("peer-id-checksum", client(transmission, ["-TR3000-000000000001"; 3], "Transmission/3.00"), genuine()),
            (
                "shared-peer-id",
                client(transmission, [peer_ids[0]; 3], "Transmission/3.00"),
                // A hybrid torrent has two hashes.
                client(transmission, one_for_two, "Transmission/3.00"),
            ),
            (
                "started-every-time",
                started(["started"; 8]),
                started(["started", "", "", "started", "", "", "started", ""]),
            ),
        ],
    ]
    .concat();
    let folder = tempfile::TempDir::new().expect("a folder");
    let users = folder.path().join("users.json");
    std::fs::write(&users, r#"[{"passkey": "suspect00", "line_speed": "14.8 Mbit/s"}]"#).expect("written");
    let users = users.to_str().expect("UTF-8").to_string();
    let found = |lines: &[String], user: &str| -> Vec<String> {
        let run = swarmtrail_on(
            frame(lines).as_bytes(),
            &[
                "anomalies",
                "-o",
                "json",
                "--interval",
                "30m",
                "--user",
                user,
                "--hnr-seedtime",
                "3h",
                "--hnr-grace",
                "1h",
                "--users",
                &users,
            ],
        );
        json(&run.stdout)
            .as_array()
            .expect("a list")
            .iter()
            .map(|a| a["check"].as_str().expect("a name").to_string())
            .collect()
    };
    let mut seen: Vec<&str> = Vec::new();
    for (check, guilty, harmless) in &cases {
        let found_guilty = found(guilty, "suspect00");
        assert!(found_guilty.iter().any(|name| name == check), "{check} is not among {found_guilty:?}");
        let found_harmless = found(harmless, "suspect00");
        assert!(!found_harmless.iter().any(|name| name == check), "{check} is found in what only looks like it");
        assert_eq!(found(guilty, "watcher00"), Vec::<String>::new(), "nobody else is blamed");
        seen.push(check);
    }
    for check in swarmtrail::audit::CHECKS {
        assert!(seen.contains(&check.name), "{} has no case here", check.name);
    }
}

/// A seed and a leech in a torrent of their own: what one sends the other receives, in half an hour.
fn transfer(torrent: u32, seed: &str, leech: &str, sent: u64, received: u64) -> Vec<String> {
    let (h, size) = (3600, 8 << 30);
    let lines = [
        announce(seed, 5 * h, "started", 0, 0, 0),
        announce(leech, 5 * h + 10, "started", 0, 0, size),
        announce(seed, 5 * h + 1800, "", sent, 0, 0),
        announce(leech, 5 * h + 1810, "", 0, received, size - received),
        announce(seed, 6 * h, "stopped", sent, 0, 0),
        announce(leech, 6 * h + 10, "stopped", 0, received, size - received),
    ];
    in_torrent(torrent, lines.into())
}

/// For the checks on bytes: a case, and what looks like it.
fn swarms_that_do_not_balance() -> Cases {
    let gib = 1u64 << 30;
    // What is honest must outweigh what is not, else the log is taken for one that lacks receivers.
    let honest = || (0..20).flat_map(|n| transfer(100 + n, "honest000", "leech0000", 4 * gib, 4 * gib));
    let alone = |received: u64| {
        let swarms = (0..5).flat_map(|n| transfer(n, "suspect00", "leech0000", 3 * gib, received));
        swarms.chain(honest()).collect()
    };
    let unheard_of = || {
        let one = |n| {
            let seed =
                transfer(n, "suspect00", "gone00000", 3 * gib, 0).into_iter().filter(|line| !line.contains("gone"));
            let says = |at, event| announce("leech0001", at, event, 0, 3 * gib, 0);
            seed.chain(in_torrent(n, vec![says(22_200, ""), says(25_200, "stopped")])).collect()
        };
        let slow = transfer(90, "honest000", "leech0001", 1 << 20, 1 << 20);
        (0..5).flat_map(|n| -> Vec<String> { one(n) }).chain(slow).chain(honest()).collect()
    };
    // The torrents are somewhere else, too: whoever seeds them sends to leeches that no line here shows.
    let elsewhere = || {
        let all = |n| {
            let of = |seed| transfer(n, seed, "leech0000", 2 * gib, gib / 2);
            ["suspect00", "honest001", "honest002"].map(of).concat()
        };
        (0..5).flat_map(all).chain(honest()).collect()
    };
    // Two seeds claim what one leech received.
    let beside = |received: u64| {
        let both = |n| {
            let mut lines = transfer(n, "honest000", "leech0000", 3 * gib, received);
            lines.extend(transfer(n, "suspect00", "leech0000", 3 * gib, received));
            lines
        };
        (0..5).flat_map(both).chain(honest()).collect()
    };
    // Long after the last leech went, or while one is there that receives next to nothing.
    let to_nobody = |hours: u32| {
        let leech = |hour: u32, event| announce("leech0000", 3600 * hour, event, 0, 1 << 20, 1 << 30);
        let seed = uploads("suspect00", (1..20).map(|n| if n > 12 { 200 << 20 } else { 0 }));
        let lines = [vec![leech(1, "started"), leech(hours, "stopped")], seed].concat();
        lines.into_iter().chain(honest()).collect::<Vec<_>>()
    };
    vec![
        ("no-recipient", to_nobody(2), to_nobody(11)),
        ("unreceived-upload", alone(gib / 2), alone(3 * gib)),
        // A leech that always misses the same may hide what it receives.
        ("unreceived-upload", alone(gib / 2), alone(0)),
        // Of the leech no line is left from before it had everything; otherwise it is slow.
        ("unreceived-upload", alone(gib / 2), unheard_of()),
        ("unreceived-upload", alone(gib / 2), elsewhere()),
        ("excess-over-others", beside(3 * gib), beside(6 * gib)),
    ]
}

type Cases = Vec<(&'static str, Vec<String>, Vec<String>)>;

/// How users behave: a case, and what looks like it.
fn conduct() -> Cases {
    let h = 3600;
    let gib = 1u64 << 30;
    let says = |at: u32, event: &str, up: u64, down: u64, left: u64| announce("suspect00", at, event, up, down, left);
    let plain =
        |first: u32, n: u32, step: u32| (0..n).map(move |i| says(first + step * i, "", u64::from(first + i), 0, 0));
    let downloads = || vec![says(5 * h, "started", 0, 0, gib), says(6 * h, "completed", 1 << 20, gib, 0)];
    let with = |lines: Vec<String>, more: Vec<String>| [lines, more].concat();
    // A client, and where it is.
    let runs = |at: u32, client: &str, place: u32| {
        let id = format!("-{client}-{place:012}");
        let lines = [says(at, "started", 0, 0, 0), says(at + 1800, "", 0, 0, 0)];
        lines.map(|line| {
            line.replace("-XX0000-bbbbbbbbbbbb", &id).replace("203.0.113.1 ", &format!("198.51.{place}.7 "))
        })
    };
    // One client with two passkeys.
    let in_two_names = |peer_id: &str| -> Vec<String> {
        let of = |user| [announce(user, 5 * h, "started", 0, 0, 0), announce(user, 6 * h, "", 0, 0, 0)];
        [of("suspect00"), of("honest000")]
            .concat()
            .iter()
            .map(|line| line.replace("-XX0000-bbbbbbbbbbbb", peer_id))
            .collect()
    };
    let clients = ["TR3000", "qB4520", "DE203s", "UT3550"];
    let sends = |bytes: u64| vec![says(5 * h, "started", 0, 0, 0), says(5 * h + 1800, "", bytes, 0, 0)];
    let lacks_all = |left: u64| {
        vec![
            announce("leech0000", 5 * h, "started", 0, 0, gib),
            announce("leech0000", 6 * h, "", 0, gib, 0),
            says(5 * h, "started", 0, 0, gib),
            says(6 * h, "", 20 << 20, 0, left),
            says(7 * h, "", 40 << 20, 0, gib),
        ]
    };
    // A leech in two torrents, hour by hour.
    let waits = |comes: u64| {
        let in_one = |torrent| {
            let lines = (1..10).map(|hour| {
                says(hour * h, if hour == 1 { "started" } else { "" }, 0, 0, gib - comes * u64::from(hour / 9))
            });
            in_torrent(torrent, lines.collect())
        };
        (0..2).flat_map(in_one).collect::<Vec<_>>()
    };
    vec![
        (
            "announce-flood",
            plain(5 * h, 20, 60).collect(),
            // Somebody presses a button a dozen times, on one day.
            plain(5 * h, 12, 20).chain(plain(6 * h, 14, 1800)).collect(),
        ),
        (
            "hit-and-run",
            with(downloads(), vec![says(6 * h + 600, "stopped", 1 << 20, gib, 0)]),
            with(downloads(), vec![says(6 * h + 600, "stopped", gib, gib, 0)]),
        ),
        (
            "hit-and-run",
            with(downloads(), vec![says(6 * h + 600, "stopped", 1 << 20, gib, 0)]),
            // The tail was not heard, and may have been long enough.
            with(downloads(), (1..5).map(|i| says(6 * h + 1800 * i, "", 1 << 20, gib, 0)).collect()),
        ),
        // Something came in the end.
        ("ghost-leech", waits(0), waits(1)),
        (
            "shared-passkey",
            (0..).zip(clients).flat_map(|(n, client)| runs(5 * h + n, client, n)).collect(),
            // Four programs in one place, and one of them in four.
            (0..)
                .zip(clients)
                .flat_map(|(n, client)| [runs(5 * h + n, client, 0), runs(5 * h + n, clients[0], n)].concat())
                .collect(),
        ),
        (
            "shared-passkey",
            (0..).zip(clients).flat_map(|(n, client)| runs(5 * h + n, client, n)).collect(),
            // One after the other.
            (0..).zip(clients).flat_map(|(n, client)| runs(5 * h + n * h, client, n)).collect(),
        ),
        ("peer-id-of-others", in_two_names("-XX0000-randomrandom"), in_two_names("-XX0000-000000000000")),
        // rTorrents copied with their machines.
        ("peer-id-of-others", in_two_names("-XX0000-randomrandom"), in_two_names("-lt0D80-randomrandom")),
        ("upload-without-possession", lacks_all(gib), lacks_all(gib - (1 << 20))),
        // The line carries 40 GB in six hours.
        ("faster-than-line", sends(48 * gib), sends(45 * gib)),
    ]
}

/// An upload of that sum of increments, announced every half hour.
fn uploads(user: &str, increments: impl Iterator<Item = u64>) -> Vec<String> {
    let sums = increments.scan(0, |sum, increment| {
        *sum += increment;
        Some(*sum)
    });
    let plain = (1..).zip(sums).map(|(n, sum)| announce(user, 3600 + 1800 * n, "", sum, 0, 0));
    std::iter::once(announce(user, 3600, "started", 0, 0, 0)).chain(plain).collect()
}

/// The same in another torrent.
fn in_torrent(torrent: u32, lines: Vec<String>) -> Vec<String> {
    let there = |line: String| line.replace("info_hash=aaaaaaaa", &format!("info_hash={torrent:08}"));
    lines.into_iter().map(there).collect()
}

/// Something that varies widely.
fn varied(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 42
}

/// Some 3 MiB every half hour; one announce says 2 GiB more, and the next, so many seconds later, knows nothing of it.
fn spiked(secs: u32, again: bool) -> Vec<String> {
    let one = |n: u32| {
        let up = u64::from(n) * (3 << 20) + if n == 9 || n == 13 && again { 2 << 30 } else { 0 };
        let late = if n > 9 { secs } else { 1800 };
        announce("suspect00", 1800 + 1800 * n + late, "", up, 0, 0)
    };
    let started = announce("suspect00", 3600, "started", 0, 0, 0);
    std::iter::once(started).chain((1..24).map(one)).collect()
}

/// Counters that only a generator makes: a case, and what looks like it.
fn generators() -> Cases {
    let joal = || uploads("suspect00", (1..40).map(|n| varied(n) * 5));
    // Three torrents, each at a rate of its own, which varies by so many thousandths.
    let at_rates = |rates: [u64; 3], thousandths: u64| {
        let increments =
            |rate: u64| (1..12).map(move |n| rate * (1000 - thousandths + varied(n) % (2 * thousandths)) * 2);
        let of = |(torrent, rate)| in_torrent(torrent, uploads("suspect00", increments(rate)));
        (0..).zip(rates).flat_map(of).collect::<Vec<_>>()
    };
    // The same, each torrent in a client of its own.
    let in_clients = |lines: Vec<String>| {
        let client =
            |(n, line): (usize, String)| line.replace("-XX0000-", ["-XX0000-", "-YY0000-", "-ZZ0000-"][n / 12]);
        lines.into_iter().enumerate().map(client).collect::<Vec<_>>()
    };
    // The same, one torrent after the other on different days.
    let in_turn = |lines: Vec<String>| {
        let day = |(n, line): (usize, String)| line.replace("[22/Nov", &format!("[{}/Nov", 22 + n / 12));
        lines.into_iter().enumerate().map(day).collect::<Vec<_>>()
    };
    // Three torrents, each in four sessions that are too short to say anything by themselves.
    let begun_anew = |thousandths: u64| {
        let session = |torrent: u64, n: u64| {
            let (begins, rate) = (3600 + 14_400 * n as u32, 40_000 * (torrent + 1));
            let sums = (1..5).scan(0, |sum, i| {
                *sum += rate * (1000 + varied(4 * n + i) % thousandths);
                Some((i as u32, *sum))
            });
            let started = announce("suspect00", begins, "started", 0, 0, 0);
            let plain = sums.map(|(i, sum)| announce("suspect00", begins + 1800 * i, "", sum, 0, 0));
            in_torrent(torrent as u32, std::iter::once(started).chain(plain).collect())
        };
        (0..3).flat_map(|torrent| (0..4).flat_map(move |n| session(torrent, n))).collect::<Vec<_>>()
    };
    // Announces every half hour, give or take some minutes.
    let every_half_hour = |says: fn(u64, u32) -> u64| {
        let mut at = 3600;
        let plain = (1..30).map(|n| {
            let secs = 1700 + varied(n) as u32 % 300;
            at += secs;
            announce("suspect00", at, "", says(n, secs), 0, 0)
        });
        let lines: Vec<String> = plain.collect();
        [vec![announce("suspect00", 3600, "started", 0, 0, 0)], lines].concat()
    };
    // Five torrents whose size two leeches tell; the suspect comes and goes in each.
    let whole = |secs: u32, more: u64| {
        let size = 3 << 30;
        let in_one = |torrent: u32| {
            let leech = |user, at| {
                [announce(user, at, "started", 0, 0, size), announce(user, at + 7200, "stopped", 0, size, 0)]
            };
            let leeches = [leech("leech0000", 3600), leech("leech0001", 3700)].concat();
            let came = announce("suspect00", 4000, "started", 0, 0, 0);
            let went = announce("suspect00", 4000 + secs, "stopped", size + more, 0, 0);
            in_torrent(torrent, [leeches, vec![came, went]].concat())
        };
        (0..5).flat_map(in_one).collect::<Vec<_>>()
    };
    // Sessions of 900 MiB, whose `stopped` says something else.
    let goodbyes = |stopped: u64| {
        let one = |n: u32| {
            let at = 3600 + 7200 * n;
            let says = |after, event, up| announce("suspect00", at + after, event, up, 0, 0);
            [says(0, "started", 0), says(1800, "", 900 << 20), says(2000, "stopped", stopped)]
        };
        (0..3).flat_map(one).collect::<Vec<_>>()
    };
    // Some 3 MiB every half hour, and gigabytes in some.
    let bursts = |of: fn(u64) -> bool| {
        let sent = move |n| (if of(n) { 2u64 << 30 } else { 3 << 20 }) + varied(n);
        uploads("suspect00", (1..24).map(sent))
    };
    // Gigabytes now and then, and little else.
    let seldom = |leaps: u64| {
        let sent = move |n| (if n % 2 == 1 && n < 2 * leaps { 2u64 << 30 } else { 3 << 20 }) + varied(n);
        uploads("suspect00", (1..8).map(sent))
    };
    // One torrent at a rate that varies by so much to either side, where those of others vary as they like.
    let level = |thousandths: u64| {
        let sent = move |n| 90_000 * (1000 - thousandths + varied(n) % (2 * thousandths));
        let other = |user: u64| {
            let sent = move |n| varied(100 * user + n) * 100;
            in_torrent(user as u32, uploads(&format!("other{user:04}"), (1..12).map(sent)))
        };
        uploads("suspect00", (1..12).map(sent)).into_iter().chain((0..24).flat_map(other)).collect::<Vec<_>>()
    };
    // Counts in three torrents, times a fraction.
    let times = |over: u64, under: u64, increment: fn(u64) -> u64| {
        let in_one = |torrent: u32| {
            let mut sum = 0;
            let increments = (0..40).map(move |n| {
                let before = sum * over / under;
                sum += increment(n + 40 * u64::from(torrent));
                sum * over / under - before
            });
            in_torrent(torrent, uploads("suspect00", increments))
        };
        (0..3).flat_map(in_one).collect::<Vec<_>>()
    };
    // One rate, another at every announce, shared out among eight swarms by their leeches and seeds.
    let shared_out = |weight: fn(u64, u64) -> u64| {
        let in_one = |torrent: u32| {
            let (leeches, seeds) = (1 + varied(torrent.into()) % 9, 1 + varied(u64::from(torrent) + 50) % 9);
            let other = |n: u64| {
                let at = |turn: u32| 3000 + 1800 * turn;
                let left = if n < leeches { 1 << 30 } else { 0 };
                (0..13).map(move |turn| announce(&format!("other{torrent:02}{n:02}"), at(turn), "", 0, 0, left))
            };
            let others = (0..leeches + seeds).flat_map(other);
            let sent = (1..12).map(|n| (40_000 + varied(n) % 60_000) * weight(leeches, seeds));
            in_torrent(torrent, uploads("suspect00", sent).into_iter().chain(others).collect())
        };
        (0..8).flat_map(in_one).collect::<Vec<_>>()
    };
    vec![
        ("joal-weights", shared_out(|l, s| 900 * l.pow(3) / (s + l).pow(2)), shared_out(|l, _| 300 * l)),
        ("joal-weights", shared_out(|l, s| 900 * l.pow(3) / (s + l).pow(2)), shared_out(|l, s| 300 * l / (s + 1))),
        ("scaled", times(3, 2, varied), times(1, 1, varied)),
        // Blocks are even, and of even values six fifths rule out none.
        ("scaled", times(6, 5, varied), times(1, 1, |n| varied(n) << 14)),
        // Twice a number of blocks may be whole pieces.
        ("scaled", times(2, 1, varied), times(2, 1, |n| varied(n) << 14)),
        // A capped line grows by an even quantum with each tick: that is no count times two.
        ("scaled", times(2, 1, varied), times(1, 1, |n| (3590 + varied(n) % 40) * 32_770)),
        // The same over and over is no more evidence than once.
        ("scaled", times(5, 4, varied), times(1, 1, |_| 3 << 20)),
        // A popular torrent takes longer than one interval.
        ("leap", bursts(|n| n % 9 == 5), bursts(|n| n % 9 > 5)),
        ("leap", seldom(3), seldom(2)),
        ("level-rate", level(120), level(400)),
        ("steady-rate", begun_anew(10), begun_anew(60)),
        // Speed times silence, the speed drawn anew each time; counters that go up and down for another reason.
        (
            "not-cumulative",
            every_half_hour(|n, secs| (50_000 + varied(n + 99) % 9_000) * u64::from(secs)),
            every_half_hour(|n, _| 90_000_000 + varied(n + 99)),
        ),
        ("whole-at-once", whole(9, 0), whole(9, 16384)),
        ("stopped-reverts", goodbyes(400 << 20), goodbyes(900 << 20)),
        // A client that began anew, with a `started` that was lost; two clients with one peer id.
        ("spike", spiked(1805, false), spiked(2400, false)),
        ("spike", spiked(1795, false), spiked(1800, true)),
        ("whole-at-once", whole(9, 0), whole(3000, 0)),
        // Nobody's leeches ask for as much all the time.
        ("steady-rate", at_rates([90_000, 20_000, 300_000], 10), at_rates([90_000, 20_000, 300_000], 60)),
        // Programs that have a limit each.
        ("steady-rate", at_rates([90_000, 20_000, 300_000], 10), in_clients(at_rates([90_000, 20_000, 300_000], 10))),
        // A full line with one torrent after the other.
        ("steady-rate", at_rates([90_000; 3], 10), in_turn(at_rates([90_000; 3], 10))),
        // A line capped at 65 kB a second, busy all the time, as Transmission's is in the corpus: half a second is a tick.
        ("residue", joal(), uploads("suspect00", (1..40).map(|n| (3590 + varied(n) % 40) * 32_500))),
        // The same, but some of it was not at full speed, and has a factor in common with the rest.
        (
            "residue",
            joal(),
            uploads(
                "suspect00",
                (1..60).map(|n| if n % 8 == 0 { varied(n) * 5 } else { (3590 + varied(n) % 40) * 32_500 }),
            ),
        ),
        // Blocks, which all clients request.
        ("residue", joal(), uploads("suspect00", (1..40).map(|n| varied(n) << 14))),
    ]
}

/// What a tracker asks of who downloads is the tracker's to say.
#[test]
fn hit_and_run_asks_what_it_is_told_to() {
    let hour = 3600;
    let log = [
        announce("suspect00", 0, "started", 0, 0, 1 << 30),
        announce("suspect00", hour, "completed", 1 << 28, 1 << 30, 0),
        announce("suspect00", 2 * hour, "stopped", 1 << 28, 1 << 30, 0),
        announce("watcher00", 20 * hour, "", 0, 0, 0),
    ]
    .concat();
    let found = |options: &[&str]| {
        let args = [&["anomalies", "-o", "csv", "--interval", "30m"], options].concat();
        swarmtrail_on(log.as_bytes(), &args).stdout.contains("hit-and-run")
    };
    assert!(!found(&[]), "three days have not gone by");
    assert!(found(&["--hnr-grace", "6h"]));
    assert!(!found(&["--hnr-grace", "6h", "--hnr-seedtime", "1h"]));
    assert!(!found(&["--hnr-grace", "6h", "--hnr-ratio", "0.25"]));
    assert_eq!(swarmtrail_on(b"", &["--hnr-ratio", "half", "-"]).code, Some(2));
}

/// A generator's arithmetic in one torrent proves nothing about bytes; with a client that is not what it says, it does.
#[test]
fn a_residue_alone_is_no_verdict() {
    let verdict = |lines: &[String]| {
        // Others whose bytes were received, so that the log is not taken for one that lacks receivers.
        let gib = 1 << 30;
        let honest = (0..4).flat_map(|n| transfer(n, "honest000", "leech0000", gib, gib));
        // One receives what the suspect says he sends.
        let receives = |line: &String| {
            let up: u64 = line.split(['=', '&']).nth(7)?.parse().ok()?;
            let (sent, received) = (format!("uploaded={up}&downloaded=0&left=0"), (1u64 << 40) - up);
            let line = line.replace(&sent, &format!("uploaded=0&downloaded={up}&left={received}"));
            Some(line.replace("suspect00", "leech0009"))
        };
        let leech = lines.iter().filter_map(receives).collect::<Vec<_>>();
        let log = lines.iter().cloned().chain(leech).chain(honest).collect::<String>();
        let users = json(&swarmtrail_on(log.as_bytes(), &["users", "-o", "json", "--user", "suspect00"]).stdout);
        let uploaded = users[0]["uploaded"].as_u64().unwrap_or(0);
        // All but a fifth is made up, whether it was counted in ticks of five seconds or multiplied by five.
        let at_least = users[0]["unexplained_upload"].as_u64().map(|bytes| bytes + 5 >= uploaded / 5 * 4);
        (users[0]["verdict"].clone(), users[0]["reasons"].clone(), users[0]["unexplained_by"].clone(), at_least)
    };
    let joal = uploads("suspect00", (1..40).map(|n| varied(n) * 5));
    assert_eq!(verdict(&joal), ("clear".into(), vec!["residue"].into(), Value::Null, Some(false)));
    // What no chance explains, in torrent after torrent, says that bytes were made up; not who did it.
    let everywhere: Vec<String> = (0..3).flat_map(|torrent| in_torrent(torrent, joal.clone())).collect();
    let unexplained = ("unexplained".into(), vec!["residue"].into(), "arithmetic".into(), Some(true));
    assert_eq!(verdict(&everywhere), unexplained);
    let again = |line: &String| line.replace("&left=0 ", "&left=0&event=started ");
    let restarting: Vec<String> = joal.iter().map(again).collect();
    let reasons = vec!["residue", "started-every-time"];
    assert_eq!(verdict(&restarting), ("likely-faked".into(), reasons.into(), "arithmetic".into(), Some(true)));
}

/// What a client takes back at once nobody sent, whoever made it: a mistake of the client's looks the same.
#[test]
fn a_spike_is_unexplained_and_no_lie() {
    let honest = (0..4).flat_map(|n| transfer(n, "honest000", "leech0000", 1 << 30, 1 << 30));
    let log: String = spiked(1800, false).into_iter().chain(honest).collect();
    let users = json(&swarmtrail_on(log.as_bytes(), &["users", "-o", "json", "--user", "suspect00"]).stdout);
    let fields = ["verdict", "unexplained_by", "unexplained_upload", "unexplained_range", "reasons"];
    let told = fields.map(|field| users[0][field].clone());
    // The highest counter less the last one.
    let bytes = (2u64 << 30) + 9 * (3 << 20) - 23 * (3 << 20);
    let expected = ["unexplained".into(), "arithmetic".into(), bytes.into(), Value::Null, vec!["spike"].into()];
    assert_eq!(told, expected);
}

/// Where many send to nobody, it is the log that lacks receivers.
#[test]
fn a_log_that_lacks_receivers_names_nobody() {
    let gib = 1u64 << 30;
    let verdict = |in_vain: u32| {
        let seed = |n: u32| {
            let received = if n < in_vain { gib } else { 3 * gib / 2 };
            transfer(n, &format!("honest{n:03}"), &format!("leech{n:04}"), 3 * gib / 2, received)
        };
        let suspect = (90..95).flat_map(|n| transfer(n, "suspect00", "leech0090", 3 * gib, gib / 2));
        let log: String = (0..40).flat_map(seed).chain(suspect).collect();
        let users = json(&swarmtrail_on(log.as_bytes(), &["audit", "-o", "json", "--user", "suspect00"]).stdout);
        (users[0]["verdict"].clone(), users[0]["unexplained_upload"].clone() == 0, users[0]["why"].to_string())
    };
    let (few, many) = (verdict(8), verdict(18));
    assert_eq!((few.0, few.1), ("unexplained".into(), false));
    assert_eq!((many.0, many.1), ("unknown".into(), true));
    assert!(many.2.contains("is missing from it"), "{}", many.2);
}

/// What finds no receiver in some swarms may have been chance there: how much it is if others are drawn is said with it.
#[test]
fn unexplained_upload_has_a_range() {
    let gib = 1u64 << 30;
    let honest = (20..40).flat_map(|n| transfer(n, "honest000", "leech0000", gib, gib));
    let both = |n: u64| {
        let received = if n < 5 { 3 * gib } else { 6 * gib };
        let of = |seed| transfer(n as u32, seed, "leech0000", 3 * gib, received);
        [of("honest000"), of("suspect00")].concat()
    };
    let log: String = (0..8).flat_map(both).chain(honest).collect();
    let users = json(&swarmtrail_on(log.as_bytes(), &["users", "-o", "json", "--user", "suspect00"]).stdout);
    let upload = |value: &Value| value.as_u64().expect("bytes");
    let (range, claim) = (&users[0]["unexplained_range"], upload(&users[0]["unexplained_upload"]));
    // Of eight swarms five have too much: some draws have two of them, some all.
    assert!(upload(&range[0]) < 10 * gib && claim >= 13 * gib && upload(&range[1]) > 18 * gib, "{range}, {claim}");
}

/// A part that some lost and fetched again is no torrent: of one that is larger, somebody unseen may have received all.
#[test]
fn what_a_recheck_lost_tells_no_size() {
    let part: u64 = 13 << 20;
    let verdict = |missing: u64| {
        let honest = (0..10).flat_map(|n| transfer(n, "honest000", "leech0000", 1 << 30, 1 << 30));
        let seed = in_torrent(7, uploads("suspect00", (1..21).map(|n| (140 << 20) + varied(n))));
        let fetches = |user| {
            [(4000, "started", 0, missing), (5800, "", 0, missing), (7600, "", 0, part), (9400, "", part, 0)]
                .map(|(at, event, down, left)| announce(user, at, event, 0, down, left))
        };
        let parts = in_torrent(7, [fetches("leech0100"), fetches("leech0101")].concat());
        let log: String = seed.into_iter().chain(parts).chain(honest).collect();
        let users = json(&swarmtrail_on(log.as_bytes(), &["users", "-o", "json", "--user", "suspect00"]).stdout);
        users[0]["verdict"].clone()
    };
    assert_eq!(verdict(0), "clear");
    assert_eq!(verdict(part), "unexplained");
}

/// Who runs two programs is told of the one with more evidence, whichever came first.
#[test]
fn of_two_residues_the_one_with_more_evidence_counts() {
    let of = |count: u64, form: &str| {
        let lines = in_torrent(count as u32, uploads("suspect00", (1..count).map(|n| varied(n + count) * 5)));
        lines.into_iter().map(|line| line.replace("&port=1&", form)).collect::<String>()
    };
    let found = |logs: [String; 2]| {
        let told = json(&swarmtrail_on(logs.concat().as_bytes(), &["anomalies", "-o", "json"]).stdout);
        let residue = told.as_array().into_iter().flatten().find(|finding| finding["check"] == "residue");
        residue.map(|finding| finding["message"].to_string())
    };
    let (few, many) = (|| of(38, "&port=1&"), || of(45, "&port=1&numwant=9&"));
    let expected = found([many(), String::new()]);
    assert!(expected.is_some() && found([few(), String::new()]).is_some());
    assert_eq!((found([few(), many()]), found([many(), few()])), (expected.clone(), expected));
}

/// The README's tables are the registries.
#[test]
fn the_readme_lists_every_check_format_and_policy() {
    let readme = std::fs::read_to_string("README.md").expect("it is there");
    for check in swarmtrail::audit::CHECKS {
        let row = format!("| `{}` | {} | {} |", check.name, check.severity.name(), check.summary);
        assert!(readme.contains(&row), "missing: {row}");
    }
    for format in swarmtrail::access_log::FORMATS {
        let row = format!("| `{}` | {} |", format.name(), format.summary());
        assert!(readme.contains(&row), "missing: {row}");
    }
    let help = swarmtrail(&["--help"]).stdout;
    for policy in swarmtrail::session::credit::POLICIES {
        assert!(readme.contains(&format!("| `{}` | ", policy.name)) && help.contains(policy.name), "{}", policy.name);
    }
}

/// An outage swallows a pause: the `started` of the resumed session is refused, and what comes after it is still its own.
#[test]
fn a_refused_start_begins_the_session_all_the_same() {
    let refused = |line: String| line.replace("\" 200 ", "\" 502 ");
    let log = [
        announce("k", 0, "started", 0, 0, 100),
        announce("k", 600, "stopped", 50, 40, 60),
        refused(announce("k", 1200, "started", 0, 0, 60)),
        announce("k", 1800, "completed", 7, 60, 0),
        announce("k", 2400, "stopped", 9, 60, 0),
        refused(announce("k", 3000, "started", 0, 0, 0)),
        announce("k", 3600, "stopped", 5, 0, 0),
    ]
    .concat();
    let report = json(&swarmtrail_on(log.as_bytes(), &["report", "-o", "json"]).stdout);
    assert_eq!((&report["users"][0]["uploaded"], &report["users"][0]["downloaded"]), (&64.into(), &100.into()));
    let sessions = report["sessions"].as_array().expect("a list");
    let told = |name: &str| sessions.iter().map(|s| s[name].clone()).collect::<Vec<_>>();
    assert_eq!(told("uploaded"), [50, 9, 5]);
    assert_eq!(told("completed_at"), [serde_json::Value::Null, "2026-11-22T00:30:00Z".into(), serde_json::Value::Null]);
    assert_eq!(report["input"]["undelivered"], 2);
}

#[test]
fn what_comes_minutes_too_late_counts_once() {
    let (h, gib) = (3600, 1u64 << 30);
    let says = |at: u32, event: &str, up: u64| announce("uploader00", at, event, up, 0, 0);
    let stopped = says(6 * h + 100, "stopped", 50 * gib);
    let log = [
        says(5 * h, "started", 0),
        says(6 * h, "", 50 * gib),
        stopped.clone(),
        says(6 * h + 150, "started", 0),
        announce("somebody00", 6 * h + 300, "started", 0, 0, 0),
        // The copy from another front end, or the other address family, of before the program began anew.
        stopped,
        says(7 * h, "", gib),
    ];
    let users = json(&swarmtrail_on(log.concat().as_bytes(), &["users", "-o", "json"]).stdout);
    let uploads: Vec<_> = users.as_array().expect("users").iter().map(|user| user["uploaded"].as_u64()).collect();
    assert!(uploads.contains(&Some(51 * gib)), "{uploads:?}");
}
