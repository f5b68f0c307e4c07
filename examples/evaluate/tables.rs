//! The scores as tables of plain text.

use crate::score::{CLASSES, Case, GIB, Share, Summary};
use std::collections::BTreeMap;

/// Prints a summary for people.
pub fn print(summary: &Summary) {
    let gib = |bytes: u64| bytes as f64 / GIB as f64;
    let share = |share: Share| if share.of == 0 { "-".to_owned() } else { format!("{}/{}", share.hits, share.of) };
    println!("\n== damage: {} ==", summary.damage);
    let verdicts: Vec<String> = summary.verdicts.iter().map(|(verdict, count)| format!("{verdict} {count}")).collect();
    println!("{} users: {}", summary.users, verdicts.join(", "));
    println!("\nnamed (unexplained or likely-faked), by GiB really faked");
    let [a, b, c, d, e] = CLASSES.map(|(_, name)| name);
    println!(
        "{:<16} {:>9} {a:>8} {b:>8} {c:>8} {d:>8} {e:>8} {:>10} {:>8} {:>10}",
        "way", "all", "GiB", "claimed", "mismatch"
    );
    for way in &summary.ways {
        let [a, b, c, d, e] = way.classes.map(share);
        let claimed = 100.0 * way.covered as f64 / way.faked.max(1) as f64;
        println!(
            "{:<16} {:>9} {a:>8} {b:>8} {c:>8} {d:>8} {e:>8} {:>10.1} {claimed:>7.0}% {:>10}",
            way.way,
            share(way.named),
            gib(way.faked),
            share(way.mismatched)
        );
    }
    println!("\nfalse: honest users named     {}", share(summary.false_honest));
    println!("  at most, 95 % sure          {:.3} %", 100.0 * summary.false_honest_upper);
    println!("  in 1000 user-weeks          {:.2}", summary.false_per_1000_user_weeks);
    println!("  secret leechers named       {}", share(summary.false_ghosts));
    let list = |shares: &BTreeMap<String, Share>, all: bool| {
        let shown = shares.iter().filter(|(_, one)| all || one.hits > 0);
        let shown: Vec<String> = shown.map(|(name, one)| format!("{name} {}", share(*one))).collect();
        if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
    };
    println!("  honest, by oddity           {}", list(&summary.false_by_oddity, false));
    println!("  other misconduct named      {}", list(&summary.false_conduct, false));
    println!("\nclaims no larger than the truth {}", share(summary.claims_true));
    println!("  honest users with a claim     {}", share(summary.claims_on_honest));
    println!("  most that a claim is too high {:.2} GiB", gib(summary.worst_excess));
    println!("  of the bytes faked claimed    {:.1} %", 100.0 * summary.covered as f64 / summary.faked.max(1) as f64);
    println!("  truth within the estimate     {}", share(summary.estimates_true));
    println!("\nclient-mismatch: spoofed users  {}", share(summary.mismatch_recall));
    println!("  by tool                       {}", list(&summary.mismatch_by_tool, true));
    println!("  genuine users                 {}", share(summary.mismatch_false));
    println!("  at most, 95 % sure            {:.3} %", 100.0 * summary.mismatch_false_upper);
    println!("\nother misconduct: the checks that know it best (of the guilty; of the honest)");
    for (way, checks) in &summary.conduct {
        let checks = checks.iter().map(|(name, known, wrong)| format!("{name} {}; {}", share(*known), share(*wrong)));
        println!("  {way:<16} {}", checks.collect::<Vec<_>>().join("   "));
    }
    println!("\nfindings: how much likelier of who fakes more than a GiB, at least (natural logarithms)");
    for (name, likelihood) in &summary.likelihoods {
        println!("  {name:<33} {likelihood:.1}");
    }
}

/// Prints every user about whom the audit is wrong, the worst kinds first.
pub fn print_mistakes(cases: &[Case]) {
    println!(
        "\nmistakes: seed, passkey, way, tool; GiB really uploaded, faked, claimed, estimated; verdict; checks; oddities"
    );
    let gib = |bytes: u64| bytes as f64 / GIB as f64;
    for kind in ["named", "claim", "mismatch", "missed"] {
        for case in cases.iter().filter(|case| case.mistake() == Some(kind)) {
            let label = &case.label;
            let (low, high) = case.estimate.unwrap_or_default();
            println!(
                "{kind:<8} {} {} {} {}; {:.2} {:.2} {:.2} {:.2}-{:.2}; {}; {}; {}",
                case.seed,
                label.user,
                label.way,
                label.tool,
                gib(label.real),
                gib(label.faked),
                gib(case.claim),
                gib(low),
                gib(high),
                case.verdict,
                case.checks.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
                label.oddities.join(" ")
            );
        }
    }
}
