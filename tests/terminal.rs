//! What people see at a terminal, and what pipes get instead.

use crate::support::swarmtrail;
use std::process::{Command, Stdio};

const LOG: &str = "testdata/corpus/d_crash_restart/access.log";

/// What a run prints with some variables set.
fn with(variables: &[(&str, &str)], args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_swarmtrail"))
        .args(args)
        .env_remove("NO_COLOR")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_report_fits_eighty_columns() {
    for scenario in ["d_crash_restart", "g_mixed_swarm", "k_ipv6"] {
        let log = format!("testdata/corpus/{scenario}/access.log");
        for command in ["report", "users", "sessions", "audit", "profile", "anomalies", "timeline"] {
            let printed = with(&[("COLUMNS", "80")], &[command, &log]);
            let widest = printed.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(80), "{command} {scenario}: {widest:?}\n{printed}");
        }
    }
}

#[test]
fn a_timeline_is_a_chart_where_it_is_looked_at_and_rows_where_it_is_not() {
    let args = ["timeline", "--user", "9200", LOG];
    let chart = with(&[("COLUMNS", "60")], &args);
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("real_timeline_chart", chart);
    });
    let rows = swarmtrail(&args).stdout;
    assert!(rows.contains("2026-11-22 06:48:19") && !rows.contains('┤'), "{rows}");
    let asked = with(&[("COLUMNS", "60")], &["timeline", "--user", "9200", "--step", "1m", LOG]);
    assert!(!asked.contains('┤'), "who asks for points gets points: {asked}");
}

#[test]
fn colours_only_say_what_words_say_too() {
    let colourful = with(&[("COLUMNS", "100"), ("CLICOLOR_FORCE", "1")], &["anomalies", LOG]);
    assert!(colourful.contains("\x1b["));
    for plain in [
        with(&[("COLUMNS", "100")], &["anomalies", LOG]),
        with(&[("COLUMNS", "100"), ("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], &["anomalies", LOG]),
    ] {
        assert!(!plain.contains('\x1b') && plain.contains("info"), "{plain}");
    }
}

#[test]
fn a_pager_is_used_where_it_is_asked_for_and_somebody_looks() {
    let paged = |shell: &str| {
        let version = Command::new("script").arg("--version").stderr(Stdio::null()).output().ok()?;
        if !String::from_utf8_lossy(&version.stdout).contains("util-linux") {
            return None;
        }
        let output = Command::new("script")
            .args(["-q", "-e", "/dev/null", "-c", shell])
            .envs([
                ("SWARMTRAIL", env!("CARGO_BIN_EXE_swarmtrail")),
                ("PAGER", "sed 's/^/paged: /'"),
                ("TERM", "xterm"),
            ])
            .stdin(Stdio::null())
            .output()
            .expect("script runs");
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    for command in ["users", "replay", "explain"] {
        let log = if command == "explain" { "" } else { LOG };
        let Some(seen) = paged(&format!(r#""$SWARMTRAIL" {command} --pager -q {log}"#)) else { return };
        assert!(seen.lines().count() > 5 && seen.lines().all(|line| line.starts_with("paged: ")), "{seen}");
        let seen = paged(&format!(r#""$SWARMTRAIL" {command} -q {log}"#)).expect("as before");
        assert!(!seen.contains("paged: "), "{seen}");
        let seen = paged(&format!(r#""$SWARMTRAIL" {command} --pager -q {log} | cat"#)).expect("as before");
        assert!(!seen.contains("paged: "), "{seen}");
    }
}

#[test]
fn completions_and_man_pages_come_from_the_command_line_itself() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = swarmtrail(&["completions", shell]);
        assert_eq!(script.code, Some(0));
        for word in ["timeline", "show-passkeys"] {
            assert!(script.stdout.contains(word), "{shell}: {word}");
        }
    }
    let man = swarmtrail(&["man"]).stdout;
    assert!(man.contains(".TH swarmtrail") && man.contains("swarmtrail\\-timeline"), "{man}");
    let man = swarmtrail(&["man", "timeline"]).stdout;
    assert!(man.contains("\\-\\-step") && man.contains("\\-\\-pager"), "{man}");
    let none = swarmtrail(&["man", "nonsense"]);
    assert_eq!((none.code, none.stderr.contains("no command")), (Some(2), true), "{}", none.stderr);
}

#[test]
fn only_report_and_case_are_pages() {
    for command in ["users", "timeline", "explain", "replay"] {
        let log: &[&str] = if command == "explain" { &[] } else { &[LOG] };
        let run = swarmtrail(&[&[command, "-o", "html"], log].concat());
        assert_eq!((run.code, run.stderr.contains("report and case")), (Some(2), true), "{command}: {}", run.stderr);
    }
}
