//! Input that strangers write: every one of these is a counted line or a clear message, never a panic, never a wrong sum.

use crate::support::{announce, json, swarmtrail, swarmtrail_on};
use std::process::{Command, Stdio};

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_used() {
    let dir = tempfile::tempdir().expect("a folder for the test");
    let good = dir.path().join("good.log");
    std::fs::write(&good, announce("k", 1, "started", 0, 0, 7)).expect("written");
    let missing = dir.path().join("missing.log");
    let run = swarmtrail(&[
        "report",
        "-o",
        "json",
        missing.to_str().unwrap(),
        dir.path().to_str().unwrap(),
        good.to_str().unwrap(),
    ]);
    assert_eq!(run.code, Some(2), "a source could not be read");
    assert!(run.stderr.contains("missing.log: no such file"), "{}", run.stderr);
    assert!(run.stderr.contains("good.log: the same as"), "a folder is searched: {}", run.stderr);
    assert_eq!(json(&run.stdout)["input"]["announces"], 1, "errors on one file never stop the others");

    let run = swarmtrail(&["report", missing.to_str().unwrap()]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "nothing was read: no report");
}

#[test]
fn wrong_usage_exits_with_2() {
    for args in [
        &["report", "--interval", "soon"][..],
        &["report", "--since", "lately"],
        &["report", "--format", "papyrus"],
        &["report", "--torrent", "xyz"],
        &["explain", "nothing-such"],
        &["report", "--no-such-option"],
        &["report", "--threads", "0"],
    ] {
        let run = swarmtrail_on(b"", args);
        assert_eq!(run.code, Some(2), "{args:?}");
        assert!(!run.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn nothing_in_nothing_out() {
    for input in [&b""[..], b"\n", b"\n\n\n"] {
        let run = swarmtrail_on(input, &["report", "-o", "json"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let report = json(&run.stdout);
        assert_eq!(report["input"]["lines"], input.len());
        assert_eq!(report["users"], serde_json::json!([]));
    }
}

#[test]
fn odd_lines_are_counted_by_reason() {
    let line = |change: &dyn Fn(String) -> String| change(announce("k", 5, "", 10, 20, 30));
    let replaced = |from: &'static str, to: &'static str| line(&move |l: String| l.replace(from, to));
    let cases: Vec<(Vec<u8>, &str, &str)> = vec![
        (replaced("uploaded=10", "uploaded=18446744073709551616").into(), "rejected", "unreadable uploaded"),
        (replaced("downloaded=20", "downloaded=-1").into(), "rejected", "unreadable downloaded"),
        (replaced("left=30", "left=nan").into(), "rejected", "unreadable left"),
        (replaced("left=30", "l=30").into(), "rejected", "missing left"),
        (replaced("peer_id=", "p=").into(), "rejected", "missing peer_id"),
        (replaced("info_hash=a", "info_hash=%zz").into(), "rejected", "info_hash is not 20 bytes"),
        (replaced("info_hash=", "info_hash=%").into(), "rejected", "info_hash is not 20 bytes"),
        (replaced("info_hash=a", "info_hash=aa").into(), "rejected", "info_hash is not 20 bytes"),
        (replaced("&port=1", "&port=-9999999").into(), "announces", ""),
        (replaced("&port=1", "").into(), "announces", ""),
        (replaced("GET ", "POST ").into(), "other", ""),
        (replaced("/announce?", "/scrape?").into(), "scrapes", ""),
        (replaced("\" 200 ", "\" 404 ").into(), "undelivered", ""),
        (replaced("uploaded=10", "\" 503 ").into(), "rejected", "garbled line"),
        (announce("k", 5, "", 10, 20, 30)[..90].into(), "rejected", "garbled line"),
        (b"\x00\x01\x02\xff\xfe\x1b[31m\x00".to_vec(), "other", ""),
        (vec![0; 4096], "other", ""),
        ([b"GET /k/announce?info_hash=".to_vec(), vec![b'a'; 10 << 20]].concat(), "rejected", "line too long"),
        (vec![b'x'; 10 << 20], "other", ""),
    ];
    for (odd, fate, reason) in cases {
        // Between two good lines, with and without carriage returns, and at the end without a line feed.
        let (before, after) = (announce("k", 1, "started", 0, 0, 100), announce("k", 9, "", 50, 40, 60));
        for feed in ["\n", "\r\n"] {
            let shown = String::from_utf8_lossy(&odd[..odd.len().min(400)]).into_owned();
            let body = |order: [&[u8]; 3]| {
                let mut all = Vec::new();
                for line in order {
                    all.extend_from_slice(line.trim_ascii_end());
                    all.extend_from_slice(feed.as_bytes());
                }
                all.truncate(all.len() - feed.len());
                all
            };
            for input in
                [body([before.as_bytes(), &odd, after.as_bytes()]), body([before.as_bytes(), after.as_bytes(), &odd])]
            {
                let run = swarmtrail_on(&input, &["report", "-o", "json"]);
                assert_eq!(run.code, Some(0), "{shown}: {}", run.stderr);
                let report = json(&run.stdout);
                let read = &report["input"];
                assert_eq!(read["lines"], 3, "{shown}");
                let expected = if fate == "announces" { 3 } else { 1 };
                assert_eq!(read[fate], expected, "{shown}: {read}");
                if !reason.is_empty() {
                    assert_eq!(read["rejected_by_reason"][reason], 1, "{shown}: {read}");
                    assert_eq!(read["rejected_examples"][0]["reason"], reason);
                }
                assert_eq!(report["users"][0]["uploaded"], 50, "{shown}: the sum must not change");
            }
        }
    }
}

/// How a log is read in blocks must not decide what becomes of a line.
#[test]
fn a_line_is_too_long_wherever_it_stands() {
    let long = |len: usize| {
        let line = announce("k", 5, "", 10, 20, 30);
        line.replace("&port", &format!("&{}&port", "x".repeat(len - line.len())))
    };
    let before = announce("k", 1, "started", 0, 0, 100);
    for (len, too_long) in [(60_000, false), (70_000, true), (300_000, true), (600_000, true)] {
        for lines in [1, 300, 700, 1000, 1300] {
            let log = [before.repeat(lines), long(len), announce("k", 90, "", 50, 40, 60)].concat();
            let report = json(&swarmtrail_on(log.as_bytes(), &["report", "-o", "json"]).stdout);
            let read = &report["input"];
            assert_eq!(read["rejected"], u8::from(too_long), "{len} bytes behind {lines} lines: {read}");
            assert_eq!(read["rejected_by_reason"]["line too long"] == 1, too_long);
            assert_eq!((&read["lines"], &read["announces"]), (&(lines + 2).into(), &(3 - u8::from(too_long)).into()));
        }
    }
}

#[test]
fn sums_beyond_64_bits_are_right() {
    let big = u64::MAX;
    let log: String = (0..3)
        .flat_map(|n| {
            [announce(&format!("k{n}"), 1, "started", 0, 0, 1), announce(&format!("k{n}"), 60, "", big, 0, 1)]
        })
        .map(|line| {
            line.replace("/k0/", "/kkkkkkkkk1/").replace("/k1/", "/kkkkkkkkk1/").replace("/k2/", "/kkkkkkkkk1/")
        })
        .enumerate()
        .map(|(n, line)| line.replace("-XX", &format!("-X{}", n / 2)))
        .collect();
    let report = swarmtrail_on(log.as_bytes(), &["report", "-o", "json"]).stdout;
    assert!(report.contains("\"uploaded\":55340232221128654845"), "three times 2^64-1: {report}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let log: String = (0..20_000).map(|n| announce(&format!("key{n:08}"), n / 100, "started", 0, 0, 1)).collect();
    let dir = tempfile::tempdir().expect("a folder for the test");
    let path = dir.path().join("a.log");
    std::fs::write(&path, log).expect("written");
    for command in ["replay", "sessions", "users", "report -o json"] {
        let pipe = format!("{} {command} {} | head -n 1", env!("CARGO_BIN_EXE_swarmtrail"), path.display());
        let run = Command::new("bash")
            .args(["-c", &format!("{pipe}; exit ${{PIPESTATUS[0]}}")])
            .stderr(Stdio::piped())
            .output()
            .expect("bash runs");
        assert_eq!(run.status.code(), Some(0), "{command}");
        assert_eq!(String::from_utf8_lossy(&run.stderr), "", "{command}");
    }
}

#[test]
fn nothing_from_a_log_reaches_a_terminal_raw() {
    let evil = "\x1b]0;owned\x07\u{202e}";
    let log = [
        announce("k", 1, "started", 0, 0, 7).replace("-XX0000-", &format!("{evil}%1b")),
        announce("k", 2, "", 0, 0, 7).replace("203.0.113.1", evil),
        format!("GET /announce?passkey={evil}&info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id={evil}&key={evil}&uploaded=0&downloaded=0&left=1\n"),
    ]
    .concat();
    for command in ["report", "replay", "users", "sessions", "profile", "timeline", "anomalies"] {
        for output in ["table", "json", "ndjson", "csv"] {
            let run = swarmtrail_on(log.as_bytes(), &[command, "-o", output, "--show-passkeys", "--color", "never"]);
            let odd = run.stdout.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
            assert_eq!(odd, None, "{command} -o {output}: {}", run.stdout.escape_debug());
        }
    }
}

#[test]
fn passkeys_are_masked_unless_asked_for() {
    let key = "572ebd23e3a7486c3fcf402d08fa2434";
    let log = [announce(key, 1, "started", 0, 0, 7), announce(key, 5, "", 1, 1, 6)].concat();
    for command in ["report", "replay", "users", "sessions", "profile", "timeline", "anomalies"] {
        for output in ["table", "json", "ndjson", "csv"] {
            let masked = swarmtrail_on(log.as_bytes(), &[command, "-o", output]);
            assert!(
                !masked.stdout.contains(&key[..13]) && !masked.stderr.contains(&key[..13]),
                "{command} -o {output}"
            );
        }
    }
    assert!(swarmtrail_on(log.as_bytes(), &["users", "--show-passkeys"]).stdout.contains(key));
}

#[test]
fn a_wrapped_capture_may_end_anywhere() {
    let capture = std::fs::read("testdata/anatomy.txt").expect("it is there");
    for end in (0..=capture.len()).rev().take(2_000).step_by(7) {
        let log = &capture[..end];
        let run = swarmtrail_on(log, &["report", "-o", "json"]);
        let input = &json(&run.stdout)["input"];
        let fates = ["announces", "duplicates", "undelivered", "scrapes", "other", "rejected", "continuations"];
        let sum: u64 = fates.iter().map(|fate| input[fate].as_u64().expect("a count")).sum();
        let lines = log.split_inclusive(|b| *b == b'\n').count() as u64;
        assert_eq!((input["lines"].as_u64(), sum), (Some(lines), lines), "cut after {end} bytes: {input}");
    }
}
