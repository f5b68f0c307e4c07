//! Where a log lies and how it is stored changes nothing of what it says.

use crate::support::{Run, announce, json, swarmtrail, swarmtrail_on};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A day of real clients, and one with refused announces and many that were sent twice.
const LOGS: [&str; 4] = ["g_mixed_swarm", "k_ipv6", "i_tracker_down", "d_crash_restart"];

fn real(name: &str) -> Vec<u8> {
    std::fs::read(format!("testdata/corpus/{name}/access.log")).expect("a log of the corpus")
}

/// A folder with files in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder for the test"))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("in the folder")).expect("made");
        std::fs::write(&path, bytes).expect("written");
        path.to_str().expect("a name").into()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn name(&self) -> &str {
        self.0.path().to_str().expect("a name")
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    to.write_all(bytes).and_then(|()| to.finish()).expect("memory")
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut to = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    to.write_all(bytes).and_then(|()| to.finish()).expect("memory")
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut to = liblzma::write::XzEncoder::new(Vec::new(), 1);
    to.write_all(bytes).and_then(|()| to.finish()).expect("memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).expect("memory")
}

/// As PowerShell's `>` writes it.
fn utf16(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes).replace('\n', "\r\n");
    b"\xff\xfe".iter().copied().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|b| *b == b'\n').collect()
}

/// In two pieces, cut in the middle of a line, as members, frames and streams may be.
fn in_two(bytes: &[u8], pack: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    [pack(head), pack(tail)].concat()
}

fn report(args: &[&str]) -> (Run, Value) {
    let run = swarmtrail(&[&["report", "-o", "json"], args].concat());
    let report = json(&run.stdout);
    (run, report)
}

/// A report but for what may differ: the sources, and where lines stand.
fn told(mut report: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for place in ["sources", "rejected_examples", "evidence", "first_line", "last_line"] {
                    fields.remove(place);
                }
                // Which of two lines of one second came first, two front ends cannot say.
                if let Some(Value::Array(addresses)) = fields.get_mut("addresses") {
                    addresses.sort_by_key(Value::to_string);
                }
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut report);
    report
}

#[test]
fn however_it_is_stored_it_says_the_same() {
    for log in LOGS {
        let (bytes, folder) = (real(log), Folder::new());
        let (_, plain) = report(&[&folder.put("plain", &bytes)]);
        let plain = told(plain);
        for (name, stored, compression) in [
            ("whole.gz", gzip(&bytes), "gzip"),
            // Names say nothing.
            ("members.log", in_two(&bytes, gzip), "gzip"),
            ("frames.gz", in_two(&bytes, zstd), "zstd"),
            ("streams", in_two(&bytes, bzip2), "bzip2"),
            ("whole.txt", in_two(&bytes, xz), "xz"),
            ("windows.txt", utf16(&bytes), ""),
            ("windows.txt.gz", gzip(&utf16(&bytes)), "gzip"),
            ("marked", [b"\xef\xbb\xbf", bytes.as_slice()].concat(), ""),
        ] {
            let (run, read) = report(&[&folder.put(name, &stored)]);
            assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{log} {name}");
            assert_eq!(read["input"]["sources"][0]["compression"].as_str().unwrap_or_default(), compression, "{name}");
            assert_eq!(told(read), plain, "{log} {name}");
            let piped = swarmtrail_on(&stored, &["report", "-o", "json"]);
            assert_eq!(told(json(&piped.stdout)), plain, "{log} {name} from standard input");
        }
    }
}

#[test]
fn rotated_parts_and_front_ends_in_any_order_are_one_log() {
    for log in LOGS {
        let (bytes, folder) = (real(log), Folder::new());
        let (_, plain) = report(&[&folder.put("plain", &bytes)]);
        let all = lines(&bytes);
        let third = all.len() / 3;
        let oldest = folder.put("rotated/access.log.2.gz", &gzip(&all[..third].concat()));
        let middle = folder.put("rotated/access.log.1", &all[third..2 * third].concat());
        let newest = folder.put("rotated/access.log", &all[2 * third..].concat());
        folder.put("rotated/.hidden", &bytes);
        let shares = |odd: usize| all.iter().skip(odd).step_by(2).copied().collect::<Vec<_>>().concat();
        let front = [folder.put("front/a", &shares(0)), folder.put("front/b.zst", &zstd(&shares(1)))];
        let pattern = format!("{}/rot*/access.log*", folder.name());
        let whole_folder = format!("{}/rotated", folder.name());
        for args in [
            &[newest.as_str(), &middle, &oldest][..],
            &[&middle, &oldest, &newest],
            &[&whole_folder],
            &[&pattern],
            &[&front[0], &front[1]],
            &[&front[1], &front[0]],
        ] {
            for threads in ["1", "3"] {
                let (run, read) = report(&[args, &["--threads", threads]].concat());
                assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{log} {args:?}");
                assert_eq!(told(read), told(plain.clone()), "{log} {args:?}");
            }
        }
    }
}

#[test]
fn what_is_there_twice_counts_once() {
    for log in LOGS {
        let (bytes, folder) = (real(log), Folder::new());
        let live = folder.put("access.log", &bytes);
        let (_, plain) = report(&[&live]);
        let all = lines(&bytes);
        let packed = folder.put("copy.gz", &gzip(&bytes));
        // A copy from before the last lines were written, the last of them in the middle.
        let cut = all[..all.len() - 9].concat();
        let earlier = folder.put("earlier", &cut[..cut.len() - 30]);
        let later = folder.put("later", &all[all.len() / 4..].concat());
        let link = folder.path("link");
        std::os::unix::fs::symlink(&live, &link).expect("linked");
        let link = link.to_str().expect("a name");
        for (args, of) in [([live.as_str(), link], 1), ([link, &live], 1), ([&packed, &live], 1), ([&live, &packed], 1)]
        {
            let (run, read) = report(&args);
            assert_eq!(run.code, Some(0), "{log} {args:?}: {}", run.stderr);
            assert!(run.stderr.contains("the same as"), "{}", run.stderr);
            assert_eq!(read["input"]["sources"][of]["same_as"], args[0], "{log} {args:?}");
            assert_eq!(told(read), told(plain.clone()), "{log} {args:?}");
            assert_eq!(report(&[&args[..], &["--quiet"]].concat()).0.stderr, "");
        }
        for args in [[live.as_str(), &later], [&later, &live], [&live, &earlier]] {
            let (run, read) = report(&args);
            assert!(run.stderr.contains("the same as"), "{log} {args:?}: {}", run.stderr);
            assert_eq!(told(read), told(plain.clone()), "{log} {args:?}");
        }
        // Where the copy ends in a torn line, that is one more line.
        let (run, read) = report(&[&earlier, &live]);
        assert!(run.stderr.contains("lines are also in"), "{}", run.stderr);
        assert_eq!(read["input"]["lines"], all.len() + 1, "{log}");
        assert_eq!(read["input"]["announces"], plain["input"]["announces"], "{log}");
        assert_eq!(told(read)["sessions"], told(plain.clone())["sessions"], "{log}");
        // What was moved away while it was still being written, and what was written since.
        let rotated = folder.put("rotated", &all[..all.len() * 3 / 4].concat());
        let (_, read) = report(&[&later, &rotated]);
        assert_eq!(told(read), told(plain.clone()), "{log}");
    }
}

#[test]
fn the_same_line_twice_in_one_log_is_two_lines() {
    let line = announce("k", 5, "started", 0, 0, 7);
    let folder = Folder::new();
    let (_, read) = report(&[&folder.put("a", line.repeat(40).as_bytes())]);
    assert_eq!((&read["input"]["lines"], &read["input"]["duplicates"]), (&40.into(), &39.into()));
}

#[test]
fn damaged_archives_are_used_as_far_as_they_go() {
    let folder = Folder::new();
    let scattered = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let line = |n: u64| announce(&format!("{:016x}{:016x}", scattered(n), scattered(n + 7)), n as u32, "", n, n, 7);
    let bytes = (0..5000).map(line).collect::<String>().into_bytes();
    for (name, stored) in
        [("cut.gz", gzip(&bytes)), ("cut.zst", zstd(&bytes)), ("cut.xz", xz(&bytes)), ("cut.bz2", bzip2(&bytes))]
    {
        let half = folder.put(name, &stored[..stored.len() * 9 / 10]);
        let (run, read) = report(&[&half]);
        assert_eq!(run.code, Some(2), "{name}: {}", run.stderr);
        assert!(
            run.stderr.contains(&format!("{name}: the ")) && run.stderr.contains("ends in the middle"),
            "{}",
            run.stderr
        );
        assert_eq!(run.stderr.lines().count(), 1, "said once: {}", run.stderr);
        let read = read["input"]["announces"].as_u64();
        assert!((2000..5000).contains(&read.unwrap_or_default()), "{name}: {read:?}");
    }
    let mut damaged = gzip(&bytes);
    let at = damaged.len() / 2;
    damaged[at..at + 100].fill(0x55);
    let (run, read) = report(&[&folder.put("damaged", &damaged)]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("the gzip data is damaged"), "{}", run.stderr);
    assert!(read["input"]["lines"].as_u64() > Some(0));
}

#[test]
fn nuls_before_a_line_do_not_hide_it() {
    let (before, after) = (announce("k", 1, "started", 0, 0, 100), announce("k", 9, "", 50, 40, 60));
    for nuls in [1, 4096, 70_000, 300_000, 2_000_000] {
        let log = [before.as_bytes(), &vec![0; nuls], after.as_bytes()].concat();
        let run = swarmtrail_on(&log, &["report", "-o", "json"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(run.stderr.contains("NULs in front") && run.stderr.contains("-:2 is the first"), "{}", run.stderr);
        let read = json(&run.stdout);
        assert_eq!((&read["input"]["lines"], &read["input"]["announces"]), (&2.into(), &2.into()), "{nuls}");
    }
}

#[test]
fn folders_are_searched_and_what_cannot_be_read_is_named() {
    let folder = Folder::new();
    folder.put("logs/deep/er/a.log", announce("k", 1, "started", 0, 0, 7).as_bytes());
    folder.put("logs/.git/b.log", announce("h", 1, "started", 0, 0, 7).as_bytes());
    folder.put("logs/empty.log", b"");
    std::os::unix::fs::symlink(folder.path("logs"), folder.path("logs/deep/round")).expect("linked");
    std::os::unix::fs::symlink(folder.path("nowhere"), folder.path("logs/gone")).expect("linked");
    let made = std::process::Command::new("mkfifo").arg(folder.path("logs/pipe")).status().expect("mkfifo runs");
    assert!(made.success());
    let (run, read) = report(&[folder.path("logs").to_str().expect("a name")]);
    assert_eq!(run.code, Some(2));
    assert_eq!(run.stderr, format!("swarmtrail: {}: no such file\n", folder.path("logs/gone").display()));
    let names = |read: &Value| -> Vec<String> {
        let sources = read["input"]["sources"].as_array().expect("an array");
        let name = |source: &Value| {
            Path::new(source["name"].as_str().expect("a name")).file_name().map(|name| name.to_owned())
        };
        sources.iter().filter_map(name).map(|name| name.to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names(&read), ["a.log", "empty.log"]);
    assert_eq!(read["input"]["announces"], 1);
    std::fs::create_dir(folder.path("none")).expect("made");
    let run = swarmtrail(&["report", folder.path("none").to_str().expect("a name")]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("no log in this folder"), "{}", run.stderr);
}

#[test]
fn a_pipe_among_files_is_put_in_its_place() {
    let (bytes, folder) = (real("g_mixed_swarm"), Folder::new());
    let (_, plain) = report(&[&folder.put("plain", &bytes)]);
    let all = lines(&bytes);
    let (older, newer) = all.split_at(all.len() / 2);
    let newer = folder.put("newer", &newer.concat());
    let run = swarmtrail_on(&gzip(&older.concat()), &["report", "-o", "json", &newer, "-"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert_eq!(told(json(&run.stdout)), told(plain));
}

#[test]
fn a_dossier_cites_lines_of_compressed_logs() {
    let (bytes, folder) = (real("d_crash_restart"), Folder::new());
    let [plain, packed] = [folder.put("plain", &bytes), folder.put("packed", &gzip(&bytes))].map(|path| {
        let run = swarmtrail(&["case", "32120340276b", &path]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run.stdout.replace(&path, "LOG")
    });
    assert!(plain.contains("GET /"), "{plain}");
    assert_eq!(packed, plain);
}
