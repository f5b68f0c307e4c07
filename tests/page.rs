//! The page in a browser: everything that a moderator does with it, and everything that a log must not do to it.

use crate::support::browser::{Browser, browser};
use crate::support::{announce, swarmtrail};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A name like that of a passkey: 32 hexadecimal digits.
fn passkey(number: u32) -> String {
    format!("{:032x}", u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

/// A swarm of honest leeches and one who seeds to them; and a small one, where somebody claims what nobody can have received.
fn a_log(leeches: u32) -> String {
    let mut lines: Vec<(u32, String)> = Vec::new();
    let mut say = |(user, torrent): (u32, char), at: u32, up: u64, down: u64, left: u64| {
        let event = if at < 1800 { "started" } else { "" };
        let line = announce(&passkey(user), at, event, up, down, left);
        lines.push((at, line.replace(&"a".repeat(20), &torrent.to_string().repeat(20))));
    };
    for n in 0..=10 {
        let at = n as u32 * 1800;
        say((0, 'a'), at, n * u64::from(leeches) * SIZE / 10, 0, 0);
        say((0, 'b'), at, n * 3 * SIZE / 10, 0, 0);
        say((1, 'b'), at + 7, n * claimed(leeches) / 10, 0, 0);
        for user in 2..leeches + 2 {
            let (at, down) = (at + 10 + user % 900, n * SIZE / 10);
            say((user, 'a'), at, down * u64::from(user % 7) / 100, down, SIZE - down);
            if user < 5 {
                say((user, 'b'), at, 0, down, SIZE - down);
            }
        }
    }
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

/// Of each torrent, in bytes.
const SIZE: u64 = 700 << 20;

/// What user 1 claims.
fn claimed(leeches: u32) -> u64 {
    u64::from(leeches) * SIZE / 4
}

struct Page {
    folder: tempfile::TempDir,
    file: PathBuf,
}

/// The page that a command makes of a log.
fn page(name: &str, log: &[u8], args: &[&str]) -> Page {
    let folder = tempfile::tempdir().expect("a folder");
    let (log_file, file) = (folder.path().join(name), folder.path().join("page.html"));
    std::fs::write(&log_file, log).expect("a log");
    let run = swarmtrail(&[args, &["-o", "html", log_file.to_str().expect("UTF-8")]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    std::fs::write(&file, run.stdout).expect("a page");
    Page { folder, file }
}

/// Nothing went wrong, nothing was refused, and nothing but the page itself was asked for.
fn is_quiet(browser: &mut Browser, file: &Path) {
    browser.eval("new Promise((done) => setTimeout(done, 100))");
    assert_eq!(browser.complaints, Vec::<String>::new());
    let name = file.file_name().expect("a name").to_str().expect("UTF-8").to_string();
    let strange = |url: &&String| !(url.starts_with("file://") && url.contains(&name)) && *url != "data:,";
    assert_eq!(browser.requests.iter().filter(strange).collect::<Vec<_>>(), Vec::<&String>::new());
}

fn names(browser: &mut Browser) -> Vec<String> {
    let names = browser.eval("[...document.querySelectorAll('#user-table tbody th')].map((cell) => cell.innerText)");
    names.as_array().expect("names").iter().map(|name| name.as_str().expect("a name").to_string()).collect()
}

#[test]
fn a_moderator_finds_opens_and_zooms() {
    let Some(mut browser) = browser() else { return };
    let page = page("access.log", a_log(300).as_bytes(), &["report"]);
    browser.open(&page.file, "");

    // The overview names the one who claims what cannot be.
    let overview = browser.text("#overview");
    assert!(overview.contains(&passkey(1)[..12]) && overview.contains("302"), "{overview}");
    assert!(!std::fs::read_to_string(&page.file).expect("a page").contains(&passkey(1)), "passkeys are cut short");

    // Users: worst first, then sorted, searched and filtered; fifty at a time.
    assert_eq!(names(&mut browser)[0], passkey(1)[..12]);
    assert_eq!(names(&mut browser).len(), 50);
    assert_eq!(browser.text("#users .tools output"), "1–50 of 302");
    browser.click("#user-table thead th:nth-child(5) button");
    assert_eq!(names(&mut browser)[..2], [&passkey(0)[..12], &passkey(1)[..12]], "the most uploaded first");
    assert_eq!(browser.eval("document.querySelector('#user-table [aria-sort]').innerText"), "uploaded");
    browser.click("#user-table thead th:nth-child(5) button");
    assert!(!names(&mut browser).contains(&passkey(1)[..12].to_string()), "the least uploaded first");
    browser.click("#users .tools button[aria-label='Further users']");
    assert_eq!(browser.text("#users .tools output"), "51–100 of 302");
    browser.eval("document.querySelector('#users input').focus()");
    browser.write(&passkey(77)[..9]);
    assert_eq!(names(&mut browser), [&passkey(77)[..12]]);
    browser.eval("document.querySelector('#users input').select()");
    browser.write(" ");
    browser.click("#users [data-verdict='unexplained']");
    assert_eq!(names(&mut browser), [&passkey(1)[..12]]);
    browser.click("#users [data-verdict='unexplained']");

    // A user opens, by a click and by its address; what was found is there with its lines, and what it means.
    let article = format!("#user-{}", &passkey(1)[..12]);
    browser.click(&format!("#overview a[href='{article}']"));
    assert!(browser.sees(&article));
    assert_eq!(browser.eval("location.hash"), article.as_str());
    let said = browser.text(&article);
    assert!(said.contains("unreceived-upload") && said.contains("received by nobody"), "{said}");
    browser.click(&format!("{article} .explain summary"));
    assert!(browser.text(&format!("{article} .explain")).contains("maximum flow"));
    browser.click(&format!("{article} .evidence summary"));
    assert!(browser.text(&format!("{article} .evidence")).contains("GET /"));

    // Exact values where one points; a drag zooms, charts and sessions alike; log scale.
    let frame = format!("{article}-bytes .plot rect");
    browser.point(&frame, 0.999);
    let tip = browser.text(&format!("{article}-bytes .tip"));
    assert!(tip.contains("2026-11-22 05:00:07") && tip.contains("55,050,240,000 B"), "{tip}");
    let axis = |browser: &mut Browser| {
        (
            browser.text(&format!("{article}-bytes .plot")),
            browser.eval(&format!("document.querySelector('{article} .track').getAttribute('viewBox')")),
        )
    };
    let whole = axis(&mut browser);
    browser.drag(&frame, 0.25, 0.5);
    let zoomed = axis(&mut browser);
    assert!(whole.0 != zoomed.0 && whole.1 != zoomed.1, "{whole:?} {zoomed:?}");
    let shown = browser.text(&format!("{article} .linked output"));
    assert!(shown.starts_with("2026-11-22 01:1") && shown.contains("02:3"), "{shown}");
    browser.click(&format!("{article} .log"));
    assert_ne!(axis(&mut browser).0, zoomed.0, "a log scale has other marks");
    browser.click(&format!("{article} .log"));
    browser.click(&format!("{article} [aria-label='Show the whole time']"));
    assert_eq!(axis(&mut browser), whole);
    // The same without a mouse.
    browser.eval(&format!("document.querySelector('{article}-bytes .frame').focus()"));
    browser.key("+");
    assert_ne!(axis(&mut browser), whole);
    browser.key("0");
    browser.key("ArrowRight");
    assert!(browser.sees(&format!("{article}-bytes .tip")));

    // On to the next in the table, back with Escape, and to a swarm.
    browser.eval("document.activeElement.blur()");
    browser.key("ArrowRight");
    assert!(!browser.sees(&article) && browser.sees("article:target"));
    browser.key("Escape");
    assert!(!browser.sees("article:target"));
    browser.click("#swarm-table a");
    let swarm = browser.text("article:target");
    assert!(swarm.contains("received by nobody") && swarm.contains("cannot exist"), "{swarm}");
    browser.click("article:target .close");
    is_quiet(&mut browser, &page.file);

    // One who has no room of his own on the page: totals, curves, and where the rest is.
    let last = browser.eval(
        "JSON.parse(document.getElementById('data').textContent).tables.users.rows.map((row) => row[0]).findLast((id) => !document.getElementById(id)) ?? null",
    );
    if let Some(last) = last.as_str() {
        browser.open(&page.file, &format!("#{last}"));
        assert!(browser.text("article:target").contains("swarmtrail case"));
        assert!(browser.sees("article:target .lines path"));
        is_quiet(&mut browser, &page.file);
    }
}

#[test]
fn light_and_dark_narrow_and_without_scripts() {
    let Some(mut browser) = browser() else { return };
    let page = page("access.log", a_log(40).as_bytes(), &["report"]);
    let paper = "getComputedStyle(document.body).backgroundColor";
    browser.prefers("dark");
    browser.open(&page.file, "");
    let dark = browser.eval(paper);
    browser.prefers("light");
    let light = browser.eval(paper);
    assert_ne!(dark, light);
    browser.click("#theme");
    assert_eq!(browser.eval(paper), dark);
    browser.click("#theme");
    assert_eq!(browser.eval(paper), light);
    // On a phone nothing is wider than the screen.
    browser.window(360, 740);
    for place in ["", &format!("#user-{}", &passkey(1)[..12]), "#swarms"] {
        browser.open(&page.file, place);
        assert!(browser.eval("document.documentElement.scrollWidth").as_u64() <= Some(360), "{place}");
    }
    browser.window(1280, 900);
    // Without scripts: tables, charts, and articles by their addresses.
    browser.call("Emulation.setScriptExecutionDisabled", serde_json::json!({ "value": true }));
    browser.open(&page.file, &format!("#user-{}", &passkey(1)[..12]));
    assert!(!browser.sees(".tools"));
    assert!(browser.sees("article:target .lines path") && browser.sees("article:target .track rect"));
    assert!(browser.text("article:target").contains("unreceived-upload"));
    assert_eq!(names(&mut browser).len(), 42);
    browser.call("Emulation.setScriptExecutionDisabled", serde_json::json!({ "value": false }));
    is_quiet(&mut browser, &page.file);
}

#[test]
fn a_case_is_a_page_of_its_own() {
    let Some(mut browser) = browser() else { return };
    let page = page("access.log", a_log(40).as_bytes(), &["case", &passkey(1)[..8]]);
    browser.open(&page.file, "");
    let said = browser.text("article");
    assert!(said.contains("unreceived-upload") && said.contains("GET /"), "{said}");
    assert!(browser.sees("article .lines path") && browser.sees("article .log"));
    browser.click("article a[href^='#swarm-']");
    assert!(browser.sees("article:target h2"));
    is_quiet(&mut browser, &page.file);
}

/// Text that is too faint for WCAG AA, controls without a name, and charts without words.
const HARD_TO_USE: &str = "(() => {
    const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
    const light = (color) => { const [r, g, b] = numbers(color).map((n) => { n /= 255; return n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const paper = (part) => { for (; part; part = part.parentElement) { const color = getComputedStyle(part).backgroundColor; if ((numbers(color)[3] ?? 1) > 0.5) return color; } return 'rgb(255, 255, 255)'; };
    const found = [];
    for (const part of document.querySelectorAll('body *')) {
        if (!part.checkVisibility() || part.disabled || part.closest('script, .off, .skip')) continue;
        const style = getComputedStyle(part);
        if ([...part.childNodes].some((child) => child.nodeType === 3 && child.data.trim())) {
            const ink = part instanceof SVGElement ? style.fill : style.color;
            const [a, b] = [light(ink), light(paper(part))].sort((a, b) => b - a);
            if ((a + 0.05) / (b + 0.05) < 4.5) found.push(`faint: ${part.outerHTML.slice(0, 80)}`);
        }
        if (part.matches('button, a, input, summary') && !(part.getAttribute('aria-label') ?? part.textContent).trim()) found.push(`no name: ${part.outerHTML}`);
        if (part.matches('svg[role=img]') && !part.getAttribute('aria-label')) found.push(`no words: ${part.outerHTML.slice(0, 80)}`);
    }
    return found;
})()";

#[test]
fn everybody_can_read_it_in_both_schemes() {
    let Some(mut browser) = browser() else { return };
    let page = page("access.log", a_log(40).as_bytes(), &["report"]);
    for scheme in ["light", "dark"] {
        browser.prefers(scheme);
        for place in ["", &format!("#user-{}", &passkey(1)[..12]), "#swarm-6262626262626262"] {
            browser.open(&page.file, place);
            assert_eq!(browser.eval(HARD_TO_USE), serde_json::json!([]), "{scheme} {place}");
        }
    }
}

#[test]
fn a_log_without_times_has_a_page_and_threads_change_nothing() {
    let report =
        |threads: &str| swarmtrail(&["report", "-o", "html", "--threads", threads, "testdata/anatomy.txt"]).stdout;
    assert_eq!(report("1"), report("4"));
    let real = |threads| {
        swarmtrail(&["report", "-o", "html", "--threads", threads, "testdata/corpus/g_mixed_swarm/access.log"])
    };
    assert_eq!(real("1").stdout, real("3").stdout);
    let Some(mut browser) = browser() else { return };
    let anatomy = std::fs::read("testdata/anatomy.txt").expect("testdata is there");
    let page = page("anatomy.txt", &anatomy, &["report"]);
    browser.open(&page.file, "#user-3bfa64edd509");
    assert!(browser.text("article:target").contains("3bfa64edd509") && browser.sees("article:target .lines path"));
    is_quiet(&mut browser, &page.file);
}

/// Everything that may go wrong with text from a log, in every place of a line that an attacker fills.
const ATTACKS: [&str; 8] = [
    "<script>window.hacked=1</script>",
    "\"><img src=x onerror=window.hacked=1>",
    "'\\\"--></script></style><svg onload=window.hacked=1>",
    "</title><iframe src=javascript:parent.hacked=1>",
    "{{7*7}}${window.hacked=1}`",
    "\u{202e}\u{2066}evil\u{202c}\u{200f}",
    "\u{1}\u{8}\u{1b}[31m\u{7f}\u{85}\u{feff}",
    "=cmd|'/c calc'!A1",
];

fn a_hostile_log() -> Vec<u8> {
    let mut log = String::new();
    for (at, attack) in ATTACKS.iter().enumerate() {
        let escaped: String = attack.bytes().map(|b| format!("%{b:02x}")).collect();
        let raw = attack.replace([' ', '"'], "+");
        // Each user has a client of his own.
        let peer_ids = ["qB4520", "TR3000"].map(|client| format!("-{client}-abcdefghij{at:02}"));
        for n in 0..6u32 {
            let (minute, up) = (n * 7 + at as u32, u64::from(n) * (9 << 30));
            for (address, path, peer, agent) in [
                ("203.0.113.9", "announce", &escaped[..60.min(escaped.len() / 3 * 3)], *attack),
                ("203.0.113.10", raw.as_str(), peer_ids[0].as_str(), "qBittorrent/4.5.2"),
                (raw.as_str(), "announce", peer_ids[1].as_str(), attack),
            ] {
                let user = format!("{:032x}", 0xabc0 + at);
                let key = format!("passkey={user}&key={escaped}&x={raw}");
                let event = ["", "&event=started"][usize::from(n == 0)];
                let agent = agent.replace('"', "\\\"");
                writeln!(
                    log,
                    "{address} - {raw} [22/Nov/2026:01:{minute:02}:00 +0000] \"GET /{path}?info_hash=%3Cscript%3Ealert%281%29aaaa&peer_id={peer}\
                     &port=1&uploaded={up}&downloaded=0&left=0&{key}{event} HTTP/1.1\" 200 9 \"{agent}\" \"{agent}\""
                )
                .expect("memory");
            }
        }
    }
    let mut log = log.into_bytes();
    log.extend_from_slice(b"\xff\xfe<script>window.hacked=1</script>\n");
    log
}

#[test]
fn a_hostile_log_runs_nothing() {
    let log = a_hostile_log();
    let name = "<img src=x onerror=window.hacked=1>\"'&\u{202e}.log";
    let case = format!("{:032x}", 0xabc0);
    // Members choose their names, and those of the torrents that they upload.
    let folder = tempfile::TempDir::new().expect("a folder");
    let table = |file: &str, rows: Vec<serde_json::Value>| {
        let path = folder.path().join(file);
        std::fs::write(&path, serde_json::Value::from(rows).to_string()).expect("written");
        path.to_str().expect("UTF-8").to_string()
    };
    let member = |(at, attack)| serde_json::json!({"passkey": format!("{:032x}", 0xabc0 + at), "name": attack});
    let users = table("users.json", (0..).zip(ATTACKS).map(member).collect());
    let hash = "3c7363726970743e616c6572742831296161616161"[..40].to_string();
    let torrents = table("torrents.json", vec![serde_json::json!({"info_hash": hash, "name": ATTACKS.concat()})]);
    let named = ["report", "--users", &users, "--torrents", &torrents];
    for args in [&["report"][..], &named, &["report", "--show-passkeys"], &["case", &case]] {
        let page = page(name, &log, args);
        let text = std::fs::read_to_string(&page.file).expect("a page");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c)));
        assert_eq!(text.contains("{{7*7}}$"), args == named, "the name is there, and no more than text");
        let Some(mut browser) = browser() else { return };
        browser.open(&page.file, "");
        let visit = "(async () => {
            const ids = JSON.parse(document.getElementById('data').textContent).tables;
            for (const table of Object.values(ids)) for (const [id] of table.rows) {
                location.hash = id;
                await new Promise((done) => setTimeout(done, 20));
                document.querySelectorAll('article:target details').forEach((part) => { part.open = true; });
            }
            location.hash = '';
            await new Promise((done) => setTimeout(done, 50));
            return [typeof window.hacked, document.scripts.length, document.querySelectorAll('img, iframe, object, [onload], [onerror]').length, document.querySelectorAll('article').length > 0];
        })()";
        assert_eq!(browser.eval(visit), serde_json::json!(["undefined", 2, 0, true]));
        is_quiet(&mut browser, &page.file);
        // Even if something had come in, the policy would not let it run or send anything.
        let broken = "(async () => {
            const script = document.createElement('script');
            script.textContent = 'window.hacked = 1';
            document.body.append(script);
            document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked=1\"><p style=\"color:red\">');
            const sent = await fetch('https://example.org/').then(() => true, () => false);
            return [typeof window.hacked, sent];
        })()";
        assert_eq!(browser.eval(broken), serde_json::json!(["undefined", false]));
        assert!(!browser.requests.iter().any(|url| url.starts_with("http")), "{:?}", browser.requests);
        assert!(!browser.complaints.is_empty(), "the policy says what it refused");
        drop(page.folder);
    }
}

#[test]
fn a_page_of_very_many_users_stays_small_and_quick() {
    let mut log = Vec::new();
    for user in 0..11_000u32 {
        for n in 0..4u32 {
            let (at, moved) = (n * 1800 + user % 1800, u64::from(n * user) * 1000);
            log.push((
                at,
                announce(&passkey(user), at, ["", "started"][usize::from(n == 0)], moved, moved / 2, 1 << 30),
            ));
        }
    }
    log.sort();
    let log: String = log.into_iter().map(|(_, line)| line).collect();
    let page = page("access.log", log.as_bytes(), &["report"]);
    let text = std::fs::read_to_string(&page.file).expect("a page");
    assert!(text.len() < 8_000_000, "{} bytes", text.len());
    assert!(text.contains("of 11000 users are here with everything") && text.contains("Only 10000 are in the table"));
    let Some(mut browser) = browser() else { return };
    browser.open(&page.file, "");
    // Nothing moves under the reader's eyes while the page comes up.
    let shift = "new Promise((done) => {
        let sum = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((entry) => { sum += entry.value; })).observe({ type: 'layout-shift', buffered: true });
        setTimeout(() => done(sum), 100);
    })";
    let shift = browser.eval(shift);
    assert!(shift.as_f64() < Some(0.1), "{shift}");
    // Far less than this on a machine that does nothing else.
    let slowest = browser.eval(
        "(() => { const times = [];
          for (const button of document.querySelectorAll('#user-table thead button')) {
              const before = performance.now();
              button.click();
              document.body.offsetHeight;
              times.push(performance.now() - before);
          }
          return Math.max(...times); })()",
    );
    assert!(slowest.as_f64() < Some(1500.0), "{slowest} ms");
    is_quiet(&mut browser, &page.file);
}

/// With `SWARMTRAIL_PICTURES` this puts pictures in that folder, such as those in the README, and looks at a page that
/// `SWARMTRAIL_WEEK` names as well: that of a week of a simulated tracker.
#[test]
fn a_real_log_fits_wide_and_narrow_screens() {
    let Some(mut browser) = browser() else { return };
    let [week, folder] = ["SWARMTRAIL_WEEK", "SWARMTRAIL_PICTURES"].map(std::env::var_os);
    let real =
        page("access.log", &std::fs::read("testdata/corpus/d_crash_restart/access.log").expect("a log"), &["report"]);
    let week = week.as_ref().map(|week| ("week", Path::new(week)));
    for (name, file) in week.into_iter().chain([("real", &*real.file)]) {
        for (scheme, width, height) in [("light", 1100, 950), ("dark", 1100, 950), ("light", 390, 844)] {
            browser.prefers(scheme);
            browser.window(width, height);
            browser.open(file, "");
            let first = |browser: &mut Browser, table: &str| {
                let to = browser.eval(&format!("document.querySelector('#{table}-table tbody a').hash"));
                to.as_str().expect("a place").to_string()
            };
            let (user, swarm) = (first(&mut browser, "user"), first(&mut browser, "swarm"));
            for (what, place) in [("overview", ""), ("users", "#users"), ("user", &user), ("swarm", &swarm)] {
                browser.open(file, place);
                if what == "user" {
                    browser.point("article:target figure .plot rect", 0.6);
                }
                let wide = browser.eval("document.documentElement.scrollWidth");
                assert!(wide.as_u64() <= Some(width.into()), "{name} {what}: {wide} of {width}");
                assert_eq!(browser.eval(HARD_TO_USE), serde_json::json!([]), "{name} {what} {scheme} {width}");
                if let Some(folder) = &folder {
                    let picture = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, browser.picture());
                    let file = Path::new(folder).join(format!("{name}-{what}-{scheme}-{width}.png"));
                    std::fs::write(file, picture.expect("base64")).expect("a picture");
                }
            }
            is_quiet(&mut browser, file);
        }
    }
}
