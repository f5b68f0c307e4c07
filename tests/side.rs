//! Tables of users and torrents beside a log.

use crate::support::{json, swarmtrail};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const REAL: &str = "testdata/corpus/d_crash_restart/access.log";
const TORRENT: &str = "e90d8ec60ef6adf765af80edf0d0d01ce05b8a3c";

/// Whole passkeys of two users of the log.
fn passkeys() -> [String; 2] {
    ["6ec0", "9200"].map(|user| {
        let users = json(&swarmtrail(&["users", "-o", "json", "--show-passkeys", "--user", user, REAL]).stdout);
        users[0]["user"].as_str().expect("a name").to_string()
    })
}

fn table(name: &str, text: &str) -> (TempDir, String) {
    let folder = TempDir::new().expect("a folder");
    let path: PathBuf = folder.path().join(name);
    fs::write(&path, text).expect("written");
    let path = path.to_str().expect("UTF-8").to_string();
    (folder, path)
}

fn row<'a>(rows: &'a Value, field: &str, value: &str) -> &'a Value {
    let found = rows.as_array().expect("rows").iter().find(|row| row[field] == value);
    found.unwrap_or_else(|| panic!("no {field} {value}"))
}

#[test]
fn names_appear_beside_users_and_torrents() {
    let [bob, carol] = passkeys();
    let users = format!(
        "\u{feff}ID;User Name;Torrent-Pass;Join_Date;Class;Line Speed\n1;\"Bob; the first\";{bob};2020-05-01;Elite;100 Mbit/s\n2;carol;{carol};1588291200;;\n"
    );
    let torrents = format!(
        "info_hash,name,size,piece_length,freeleech,upload_factor,private\n{},Debian,14 MiB,262144,50%,2,yes\n",
        TORRENT.to_uppercase()
    );
    let ((_a, users), (_b, torrents)) = (table("users.csv", &users), table("torrents.csv", &torrents));
    let tables = ["--users", &users, "--torrents", &torrents, REAL];
    let told = |args: &[&str]| {
        let run = swarmtrail(&[args, &tables].concat());
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{args:?}");
        run.stdout
    };
    let report = json(&told(&["report", "-o", "json"]));
    let user = row(&report["users"], "user", "6ec00940f471");
    let known = ["name", "class", "joined_at", "line_speed", "known"].map(|field| user[field].clone());
    let expected: [Value; 5] =
        ["Bob; the first".into(), "Elite".into(), "2020-05-01T00:00:00Z".into(), 12_500_000.into(), true.into()];
    assert_eq!(known, expected);
    let carol = row(&report["users"], "name", "carol");
    assert_eq!((&carol["class"], &carol["joined_at"]), (&Value::Null, &"2020-05-01T00:00:00Z".into()));
    // The other eight are listed by what the log has of them.
    let unknown = row(&report["users"], "user", "572ebd23e3a7");
    assert_eq!((&unknown["name"], &unknown["known"]), (&Value::Null, &false.into()));
    assert_eq!((&report["input"]["unknown_users"], &report["input"]["unknown_torrents"]), (&8.into(), &0.into()));
    let torrent = &report["torrents"][0];
    let known =
        ["name", "size", "piece_length", "private", "upload_factor", "download_factor"].map(|f| torrent[f].clone());
    let expected: [Value; 6] =
        ["Debian".into(), 14_680_064.into(), 262_144.into(), true.into(), 2.0.into(), 0.5.into()];
    assert_eq!(known, expected);
    // Without tables nothing is known, and nothing is said to be unknown.
    let bare = json(&swarmtrail(&["report", "-o", "json", REAL]).stdout);
    let user = row(&bare["users"], "user", "6ec00940f471");
    assert_eq!(
        (&user["name"], &user["known"], &bare["input"]["unknown_users"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );

    for command in ["users", "sessions", "profile", "audit", "credit"] {
        let page = told(&[command]);
        assert!(page.contains("NAME") && page.contains("carol"), "{command}: {page}");
        assert!(!swarmtrail(&[command, REAL]).stdout.contains("NAME"), "{command} has no empty column");
    }
    assert!(told(&["users", "-o", "csv"]).contains("6ec00940f471,Bob; the first,"));
    assert!(told(&["report"]).contains("8 users are not in the table of users\n"));

    // Twice the upload, half the download: 2 * 6613991, 18612224 / 2.
    let credit = json(&told(&["credit", "--user", "6ec0", "-o", "json"]));
    let of = |field: &str| credit["users"][0][field].as_u64();
    assert_eq!((of("uploaded"), of("downloaded")), (Some(6_613_991), Some(18_612_224)));
    assert_eq!((of("credited_uploaded"), of("credited_downloaded")), (Some(13_227_982), Some(9_306_112)));
    assert_eq!(credit["users"][0]["name"], "Bob; the first");
}

#[test]
fn json_tables_of_several_forms() {
    let [bob, carol] = passkeys();
    let first = format!("{{\"passkey\":\"{bob}\",\"username\":\"bob\",\"class\":null}}");
    let second = format!("{{\"passkey\":\"{carol}\",\"username\":\"carol\"}}");
    for text in [
        format!("[{first},\n {second}]"),
        format!("{first}\n{second}\n"),
        format!("{{\"total\": 2,\n\"users\": [\n{first},{second}\n]}}"),
    ] {
        let (_folder, path) = table("users", &text);
        let run = swarmtrail(&["users", "-o", "json", "--users", &path, REAL]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{text}");
        let users = json(&run.stdout);
        assert_eq!(row(&users, "name", "bob")["user"], "6ec00940f471");
        assert_eq!(row(&users, "name", "carol")["user"], "92001657fcf5");
    }
}

#[test]
fn wrong_rows_are_named_by_line_and_tell_no_passkey() {
    let [bob, carol] = passkeys();
    let text = format!(
        "passkey,name,line_speed\n{bob},bob,fast\n,nobody,\n{carol},\"ca\nrol\",\n{carol},again,\n{bob},bob,1 Gbit/s,more\n"
    );
    let (_a, users) = table("users.csv", &text);
    let text = format!("[\n{{\"info_hash\":\"{TORRENT}\",\"size\":14680064}},\n{{\"info_hash\":\"{bob}\"}},\n17\n]");
    let (_b, torrents) = table("torrents.json", &text);
    let run = swarmtrail(&["users", "-o", "json", "--users", &users, "--torrents", &torrents, REAL]);
    assert_eq!(run.code, Some(0), "the other rows count");
    let said: Vec<&str> = run.stderr.lines().map(|line| line.rsplit('/').next().unwrap_or(line)).collect();
    assert_eq!(
        said,
        [
            "users.csv:2: linespeed cannot be read; the row is left out",
            "users.csv:3: no passkey; the row is left out",
            "users.csv:6: a passkey that an earlier row has; the row is left out",
            "users.csv:7: 4 fields, but 3 columns; the row is left out",
            "torrents.json:3: the info hash is not 40 hexadecimal digits; the row is left out",
            "torrents.json:4: no JSON object; the row is left out",
        ]
    );
    assert!(!run.stderr.contains(&bob) && !run.stdout.contains(&carol), "passkeys stay secret");
    let users = json(&run.stdout);
    assert_eq!(row(&users, "user", "92001657fcf5")["name"], "ca\nrol");
}

#[test]
fn what_is_no_table_ends_with_status_2() {
    for (text, error) in [
        ("", "it is empty"),
        ("name,class\nbob,Elite\n", "no column is a passkey"),
        ("[{\"passkey\":\"x\"}", "EOF"),
        ("\u{0}\u{1}\u{2}", "no column is a passkey"),
    ] {
        let (_folder, path) = table("users", text);
        let run = swarmtrail(&["users", "--users", &path, REAL]);
        assert_eq!((run.code, run.stderr.contains(error), run.stdout.as_str()), (Some(2), true, ""), "{}", run.stderr);
    }
    let run = swarmtrail(&["users", "--torrents", "/nowhere/torrents.csv", REAL]);
    assert_eq!((run.code, run.stderr.contains("/nowhere/torrents.csv: ")), (Some(2), true), "{}", run.stderr);
}
