//! Progress is for people at a terminal who wait: nobody else sees any of it, and nothing of it stays.

use crate::support::{json, swarmtrail};
use std::process::{Command, Stdio};

const LOG: &str = "testdata/corpus/d_crash_restart/access.log";

/// A log that comes so slowly that progress is due.
const SLOWLY: &str = r#"(head -n 50 "$LOG"; sleep 1; tail -n +51 "$LOG")"#;

fn shell(script: &str, command: &mut Command) -> (String, String) {
    let output = command
        .arg(script)
        .envs([("LOG", LOG), ("SWARMTRAIL", env!("CARGO_BIN_EXE_swarmtrail")), ("TERM", "xterm"), ("NO_COLOR", "1")])
        .env_remove("COLUMNS")
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (text(output.stdout), text(output.stderr))
}

/// What a terminal is sent while a script runs in it; `None` where no terminal can be had.
fn on_a_terminal(script: &str) -> Option<String> {
    let version = Command::new("script").arg("--version").stderr(Stdio::null()).output().ok()?;
    if !String::from_utf8_lossy(&version.stdout).contains("util-linux") {
        return None;
    }
    // Its transcript is for nobody; it repeats everything on its own output.
    Some(shell(script, Command::new("script").args(["-q", "-e", "/dev/null", "-c"])).0)
}

/// What was drawn before the output, and whether it was wiped away.
fn drawn<'a>(sent: &'a str, output: &str) -> (&'a str, bool) {
    let before = sent.strip_suffix(output).unwrap_or_else(|| panic!("{output:?} does not end {sent:?}"));
    (before, before.is_empty() || before.ends_with("\r\x1b[2K"))
}

#[test]
fn a_pipe_gets_no_progress() {
    let script = format!(r#"{SLOWLY} | "$SWARMTRAIL" report -o json"#);
    let (stdout, stderr) = shell(&script, Command::new("sh").arg("-c"));
    assert_eq!(json(&stdout)["input"]["lines"], 114);
    assert_eq!(stderr, "");
}

#[test]
fn a_terminal_gets_progress_that_leaves_no_trace() {
    for command in ["report", "replay", "users -o csv"] {
        let Some(quiet) = on_a_terminal(&format!(r#"cat "$LOG" | "$SWARMTRAIL" {command} --quiet"#)) else {
            return eprintln!("skipped: no script(1) of util-linux");
        };
        assert!(quiet.len() > 200 && !quiet.contains("\x1b[2K"), "{quiet:?}");
        let waited = on_a_terminal(&format!(r#"{SLOWLY} | "$SWARMTRAIL" {command}"#)).expect("as before");
        let (drawn, wiped) = drawn(&waited, &quiet);
        assert!(drawn.contains(" read, ") && wiped, "{drawn:?}");
    }
}

#[test]
fn an_error_wipes_progress_away_too() {
    let script = format!(r#"{SLOWLY} | "$SWARMTRAIL" users -o csv - missing.log > /dev/null"#);
    let Some(sent) = on_a_terminal(&script) else { return };
    let (drawn, wiped) = drawn(&sent, "swarmtrail: missing.log: no such file\r\n");
    assert!(drawn.contains(" read, ") && wiped, "{drawn:?}");
}

#[test]
fn short_work_draws_nothing() {
    let run = || on_a_terminal(r#""$SWARMTRAIL" users -o csv "$LOG" > /dev/null"#);
    // A machine that is busy elsewhere may make even this take long.
    assert!((0..3).any(|_| run().is_none_or(|sent| sent.is_empty())));
}

#[test]
fn every_command_can_be_quiet() {
    for command in ["report", "replay", "users", "timeline", "sessions", "profile", "anomalies"] {
        for quiet in ["-q", "--quiet"] {
            let run = swarmtrail(&[command, quiet, LOG]);
            assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{command} {quiet}");
            assert_eq!(run.stdout, swarmtrail(&[command, LOG]).stdout);
        }
    }
    assert_eq!(swarmtrail(&["explain", "--quiet"]).code, Some(0));
    assert_eq!(swarmtrail(&["--quiet", LOG]).code, Some(0));
}
