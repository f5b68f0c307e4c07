//! What the tests share: running the binary, and lines to run it on.

pub mod browser;
pub mod known;

use std::io::Write;
use std::process::{Command, Stdio};

/// What a run gave.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the binary on named files.
pub fn swarmtrail(args: &[&str]) -> Run {
    swarmtrail_on(b"", args)
}

/// Runs the binary on what is piped into it.
pub fn swarmtrail_on(input: &[u8], args: &[&str]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_swarmtrail"))
        .args(args)
        .env_remove("COLUMNS")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    // From a thread of its own: the binary may print before it has read all. It may also refuse to read any.
    let feeder = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("the binary ends");
    feeder.join().expect("the feeder ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the output is UTF-8");
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A JSON document.
pub fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON: {error}: {text}"))
}

/// A line in the combined log format. `at` is in seconds after an hour of the test's own.
pub fn announce(passkey: &str, at: u32, event: &str, uploaded: u64, downloaded: u64, left: u64) -> String {
    let event = if event.is_empty() { String::new() } else { format!("&event={event}") };
    let (h, m, s) = (at / 3600, at / 60 % 60, at % 60);
    format!(
        "203.0.113.1 - - [22/Nov/2026:{h:02}:{m:02}:{s:02} +0000] \"GET /{passkey}/announce?info_hash=aaaaaaaaaaaaaaaaaaaa\
         &peer_id=-XX0000-bbbbbbbbbbbb&port=1&uploaded={uploaded}&downloaded={downloaded}&left={left}{event} HTTP/1.1\" 200 9 \"-\" \"-\"\n"
    )
}

/// A line in the combined log format with a query of one's own. `at` is in seconds after an hour of the test's own.
pub fn written(passkey: &str, at: u32, query: &str, agent: &str) -> String {
    let (h, m, s) = (at / 3600, at / 60 % 60, at % 60);
    format!(
        "203.0.113.1 - - [22/Nov/2026:{h:02}:{m:02}:{s:02} +0000] \"GET /{passkey}/announce?{query} HTTP/1.1\" 200 9 \"-\" \"{agent}\"\n"
    )
}
