//! Clients by how they write: those of real logs agree with themselves, and programs that only pretend to be them do not.

use crate::support::{json, swarmtrail, swarmtrail_on, written};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Three info hashes: with bytes that everybody escapes, with some that only a few do, and with letters.
const HASHES: [[u8; 20]; 3] =
    [*b"\xb8|\x84\xaf.~-_aaaaaaaaaaaa", *b"\x00\xff~.ZZabcdefghijklmn", *b"\x7f..~~!*()'01234567\xaa\xbb"];

/// How a program writes bytes.
fn escaped(bytes: &[u8], raw: &str, upper: bool) -> String {
    let one = |b: &u8| match *b {
        b if raw.as_bytes().contains(&b) => char::from(b).to_string(),
        b if upper => format!("%{b:02X}"),
        b => format!("%{b:02x}"),
    };
    bytes.iter().map(one).collect()
}

const ALNUM: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// A program: `{h}` and `{p}` in the query stand for info hash and peer id, `{e}` for an event.
struct Program {
    name: &'static str,
    query: &'static str,
    raw: &'static str,
    upper: bool,
    /// A peer id for each torrent, or only one.
    peer_ids: &'static [&'static [u8]],
    agent: &'static str,
    event: &'static str,
}

const LIBTORRENT: &str = "info_hash={h}&peer_id={p}&port=6881&uploaded=0&downloaded=0&left=0&corrupt=0&key=0A1B2C3D{e}&numwant=200&compact=1\
                          &no_peer_id=1&supportcrypto=1&redundant=0";
const TRANSMISSION: &str = "info_hash={h}&peer_id={p}&port=51413&uploaded=0&downloaded=0&left=0&numwant=80&key=1a2b3c4&compact=1\
                            &supportcrypto=1{e}";
const UTORRENT: &str = "info_hash={h}&peer_id={p}&port=6881&uploaded=0&downloaded=0&left=0&corrupt=0&key=0A1B2C3D{e}&numwant=200&compact=1\
                        &no_peer_id=1";
const QB: Program = Program {
    name: "qBittorrent",
    query: LIBTORRENT,
    raw: "-_!.~*()",
    upper: false,
    peer_ids: &[b"-qB4670-abc.~(!)*d-1", b"-qB4670-defghijklmno", b"-qB4670-xyzxyzxyzxyz"],
    agent: "qBittorrent/4.6.7",
    event: "&event=started",
};
const TR: Program = Program {
    name: "Transmission",
    query: TRANSMISSION,
    raw: "-_.~",
    upper: false,
    peer_ids: &[b"-TR3000-000000000000", b"-TR3000-10000000000z", b"-TR3000-z00000000001"],
    agent: "Transmission/3.00",
    event: "&event=started",
};
const UT: Program = Program {
    name: "uTorrent",
    query: UTORRENT,
    raw: "-.~",
    upper: false,
    peer_ids: &[b"-UT355S-\x10\xb4\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09"],
    agent: "uTorrent/355(111916176)(46096)",
    event: "&event=started",
};

/// Programs as they are.
const GENUINE: [Program; 5] = [
    QB,
    TR,
    UT,
    Program {
        name: "Transmission 4",
        query: "info_hash={h}&peer_id={p}&port=51413&uploaded=0&downloaded=0&left=0&numwant=80&key=0A1B2C3D&compact=1&supportcrypto=1{e}",
        upper: true,
        peer_ids: &[b"-TR4060-000000000000", b"-TR4060-10000000000z", b"-TR4060-z00000000001"],
        agent: "Transmission/4.0.6",
        ..TR
    },
    Program {
        name: "aria2",
        query: "info_hash={h}&peer_id={p}&uploaded=0&downloaded=0&left=0&compact=1&key=%0001%AA%BBabc&numwant=50&no_peer_id=1\
                &port=6881{e}&supportcrypto=1",
        raw: "-_.~",
        upper: true,
        peer_ids: &[b"A2-1-36-0-..\x0001\xaa\xbbabc"],
        agent: "aria2/1.36.0",
        event: "",
    },
];

/// Programs that pretend: what faking.md and their sources say they send.
const FAKERS: [Program; 17] = [
    Program {
        name: "JOAL as qBittorrent: one peer id, keys without their zeros",
        query: "info_hash={h}&peer_id={p}&port=49152&uploaded=0&downloaded=0&left=0&corrupt=0&key=A1B2C3D{e}&numwant=200\
                &compact=1&no_peer_id=1&supportcrypto=1&redundant=0",
        peer_ids: &[b"-qB4670-abcdefghijkl"],
        ..QB
    },
    Program { name: "JOAL as uTorrent: escapes dots and tildes", raw: "-_", ..UT },
    Program { name: "JOAL as Transmission: escapes dots and tildes", raw: "-_", ..TR },
    Program {
        name: "RatioMaster as uTorrent: escapes dashes, bytes 8 and 9 are no build, numwant stays",
        raw: "",
        peer_ids: &[b"-UT3320-w4\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09"],
        agent: "uTorrent/3320(30303)",
        event: "&event=stopped",
        ..UT
    },
    Program {
        name: "RatioMaster as Transmission 2.82: another version in the peer id, no checksum",
        peer_ids: &[b"-TR2500-abcdefghijkl", b"-TR2500-abcdefghijkm"],
        agent: "Transmission/2.82",
        ..TR
    },
    Program {
        name: "Freenitial as Transmission 4: lower case",
        query: "info_hash={h}&peer_id={p}&port=51413&uploaded=0&downloaded=0&left=0&numwant=80&key=0a1b2c3d&compact=1&supportcrypto=1{e}",
        peer_ids: &[b"-TR4060-000000000000", b"-TR4060-10000000000z", b"-TR4060-z00000000001"],
        agent: "Transmission/4.0.6",
        ..TR
    },
    Program {
        name: "Freenitial as uTorrent: letters for a build",
        peer_ids: &[b"-UT355S-abcdefghijkl", b"-UT355S-bcdefghijklm"],
        ..UT
    },
    Program {
        name: "ratiomaster-rs: keys in lower case, numwant stays",
        query: "info_hash={h}&peer_id={p}&port=6881&uploaded=0&downloaded=0&left=0&corrupt=0&key=0a1b2c3d{e}&numwant=200&compact=1\
                &no_peer_id=1",
        event: "&event=stopped",
        ..UT
    },
    Program {
        name: "rustatio: every byte escaped, an order of its own",
        query: "info_hash={h}&peer_id={p}&port=6881&uploaded=0&downloaded=0&left=0&compact=1{e}&numwant=50&key=0A1B2C3D&supportcrypto=1",
        raw: "",
        upper: true,
        ..QB
    },
    Program {
        name: "RatioUp: a decimal key, empty events, one & too many",
        query: "info_hash={h}&peer_id={p}&port=6881&uploaded=0&downloaded=0&left=0&corrupt=0&key=3735928559{e}&numwant=200&compact=1\
                &no_peer_id=1&supportcrypto=1&redundant=0&",
        peer_ids: &[b"-qB4670-abcdefghijkl"],
        event: "&event=",
        ..QB
    },
    Program {
        name: "GhostSeed: empty events, nothing of encryption",
        query: "info_hash={h}&peer_id={p}&port=6881&uploaded=0&downloaded=0&left=0&corrupt=0&key=0A1B2C3D{e}&numwant=200&compact=1\
                &no_peer_id=1",
        peer_ids: &[b"-qB4350-0123456789ab"],
        agent: "qBittorrent/4.3.5",
        event: "&event=",
        upper: true,
        ..QB
    },
    Program {
        name: "DFakeSeeder: switches off, a key of twelve, nobody wanted",
        query: "info_hash={h}&peer_id={p}&port=6881&uploaded=0&downloaded=0&left=0&compact=0&no_peer_id=0&key=abcdefghijkl&numwant=0{e}",
        ..QB
    },
    Program {
        name: "Ratio.py: not compact, no key",
        query: "info_hash={h}&peer_id={p}&port=6881&uploaded=0&downloaded=0&left=0&compact=0&numwant=100{e}",
        ..TR
    },
    Program {
        name: "JRatioBoost: no key, no numwant",
        query: "info_hash={h}&peer_id={p}&port=6881&uploaded=0&downloaded=0&left=0&compact=1{e}",
        agent: "Transmission/3.00 (bb6b5a062e) 1.0",
        ..TR
    },
    Program {
        name: "NewGreedy: the peer id last",
        query: "info_hash={h}&port=6881&uploaded=0&downloaded=0&left=0&corrupt=0&key=0A1B2C3D{e}&numwant=187&compact=1&no_peer_id=1\
                &supportcrypto=1&redundant=0&peer_id={p}",
        ..QB
    },
    Program { name: "Torratio: escapes in upper case, a raw slash", raw: "-_.~/", upper: true, ..QB },
    Program {
        name: "ghostseeder: port last",
        query: "info_hash={h}&peer_id={p}&uploaded=0&downloaded=0&left=0{e}&compact=1&port=6881",
        ..QB
    },
];

impl Program {
    /// Its announces of three torrents, by one user.
    fn lines(&self, user: &str, from: u32) -> String {
        let needless = self.name.starts_with("rustatio");
        let line = |(at, hash): (usize, &[u8; 20])| {
            let raw = if needless { String::new() } else { format!("{ALNUM}{}", self.raw) };
            let hash = escaped(hash, &raw, self.upper);
            let peer_id = escaped(self.peer_ids[at % self.peer_ids.len()], &format!("{ALNUM}{}", self.raw), self.upper);
            let query = self.query.replace("{h}", &hash).replace("{p}", &peer_id).replace("{e}", self.event);
            written(user, from + at as u32, &query, self.agent)
        };
        HASHES.iter().enumerate().map(line).collect()
    }
}

const CHECKS: [&str; 4] = ["client-form", "client-name", "peer-id-checksum", "shared-peer-id"];

/// What is found about clients, by user.
fn found(log: &str) -> Vec<(String, String, String)> {
    let run = swarmtrail_on(log.as_bytes(), &["anomalies", "-o", "json", "--show-passkeys"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = json(&run.stdout);
    let all = findings
        .as_array()
        .expect("a list")
        .iter()
        .map(|f| (text(&f["user"]), text(&f["check"]), text(&f["severity"])));
    all.filter(|(_, check, _)| CHECKS.contains(&check.as_str())).collect()
}

/// Genuine clients, one user each.
fn genuine() -> String {
    GENUINE.iter().enumerate().map(|(n, program)| program.lines(&format!("genuine{n:02}"), 10 * n as u32)).collect()
}

#[test]
fn genuine_clients_agree_with_themselves() {
    assert_eq!(found(&genuine()), []);
    // Each alone, too.
    for program in GENUINE {
        assert_eq!(found(&program.lines("genuine00", 0)), [], "{}", program.name);
    }
}

#[test]
fn whoever_pretends_is_found_out() {
    for (n, faker) in FAKERS.iter().enumerate() {
        let user = format!("faker{n:03}");
        let found = found(&(genuine() + &faker.lines(&user, 100)));
        assert!(found.iter().all(|(of, ..)| *of == user), "{}: others are blamed: {found:?}", faker.name);
        assert!(found.iter().any(|(.., severity)| severity == "medium"), "{}: {found:?}", faker.name);
    }
}

/// One slip in one session is a hint, not a verdict.
#[test]
fn one_slip_is_only_a_hint() {
    let slip = QB.lines("slipper00", 0).lines().next().map(|line| line.replace("key=0A", "key=A")).unwrap_or_default();
    let findings = found(&(genuine() + &slip + "\n"));
    assert_eq!(findings, [("slipper00".into(), "client-form".into(), "low".into())]);
}

/// What all users of a version do is how it writes, whatever the table says; and what few do is not.
#[test]
fn the_population_corrects_the_table() {
    let patched = |n: usize| QB.lines(&format!("patched{n:02}"), 0).replace("&key=0A1B2C3D", "&key=0a1b2c3d");
    let many: String = (0..6).map(patched).collect();
    assert_eq!(
        found(&(genuine().replace("qB4670", "qB4650").replace("qBittorrent/4.6.7", "qBittorrent/4.6.5") + &many)),
        []
    );
    let few: String = (0..4).map(patched).collect();
    assert_eq!(found(&(genuine() + &few)).iter().filter(|(.., severity)| severity == "medium").count(), 4);
}

/// A log in which all escapes were put into lower case tells nothing by their case.
#[test]
fn a_rewritten_log_accuses_nobody() {
    let mut log = genuine().into_bytes();
    for at in 0..log.len() - 2 {
        if log[at] == b'%' {
            log[at + 1..at + 3].make_ascii_lowercase();
        }
    }
    assert_eq!(found(&String::from_utf8(log).expect("it was text")), []);
}

/// Every client of the corpus writes as the table says, in every log.
#[test]
fn real_clients_agree_with_the_table() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/corpus");
    let mut known = 0;
    for scenario in fs::read_dir(corpus).expect("testdata/corpus is there") {
        let folder = scenario.expect("it can be listed").path();
        if !folder.is_dir() {
            continue;
        }
        for log in
            fs::read_dir(&folder).expect("a scenario can be listed").map(|file| file.expect("it is there").path())
        {
            if log.extension().is_none_or(|end| end != "log") {
                continue;
            }
            let run = swarmtrail(&["clients", "-o", "json", "--quiet", &log.to_string_lossy()]);
            for row in json(&run.stdout).as_array().expect("a list") {
                assert_eq!(row["disagreeing_sessions"], 0, "{}: {row}", log.display());
                assert_eq!(row["known"], true, "{}: {row}", log.display());
                known += 1;
            }
        }
    }
    assert!(known > 50, "{known} clients in the corpus");
}
