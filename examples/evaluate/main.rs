//! How well the audit does, on logs of which the truth is known.
//!
//! ```text
//! cargo build --release && cargo run --release --example evaluate -- --seed 1,2,3 --damage none,loss-15
//! ```
//!
//! A simulated tracker with honest users, all the odd things that happen to them, and some who cheat, each in one
//! known way; the log of it, whole and damaged; and what `swarmtrail report` makes of each, against the truth. The
//! simulation knows nothing of the audit's rules.

#[path = "../clients/mod.rs"]
// The generator uses the rest of it.
#[allow(dead_code)]
mod clients;
mod damage;
mod fake;
mod honest;
mod label;
mod life;
mod say;
mod score;
mod settle;
mod spoof;
mod swarm;
mod tables;
mod ways;
mod world;

use damage::Damage;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use world::{Setup, World};

const HELP: &str = "\
Simulates a tracker with cheating users, lets swarmtrail audit its log, and tells how well it did.

Usage: evaluate [OPTIONS]

  --users N          how many users the tracker has; default 2000
  --days N           how many days the log covers; default 7
  --seed N[,N...]    a log for each; default 1
  --oddities X       honest but odd things happen X times as often; default 1
  --ghosts X         of a thousand users so many leech without saying so; default 15
  --cheats X         of a thousand users so many cheat; default 70
  --unseen X         of a thousand users so many are in the swarms but not in the log; default 0
  --elsewhere X      those take up only so many of a thousand torrents, as if these were on another tracker, too
  --damage LIST      all, none, or some of: loss-5 loss-15 loss-30 holes tails doubled reordered cut lower-cased
                     no-agent; default none
  --swarmtrail PATH  the program to judge; default: the one built beside this
  --out DIR          keep the logs and their labels there
  --write-only       only write them
  --mistakes         list the users about whom the audit is wrong, too
  --json             print numbers for programs
";

struct Options {
    setup: Setup,
    seeds: Vec<u64>,
    damages: Vec<Damage>,
    swarmtrail: PathBuf,
    out: Option<PathBuf>,
    write_only: bool,
    mistakes: bool,
    json: bool,
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("evaluate: {wrong}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match evaluate(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("evaluate: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Options {
    /// Reads the command line; `None` if help was asked for.
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
        let beside = std::env::current_exe().map_err(|error| error.to_string())?;
        let beside = beside.parent().and_then(Path::parent).unwrap_or(Path::new("."));
        let mut options = Options {
            setup: Setup {
                users: 2000,
                days: 7,
                seed: 1,
                oddities: 100,
                ghosts: 15,
                cheats: 70,
                unseen: 0,
                elsewhere: 0,
            },
            seeds: vec![1],
            damages: vec![Damage::None],
            swarmtrail: beside.join(format!("swarmtrail{}", std::env::consts::EXE_SUFFIX)),
            out: None,
            write_only: false,
            mistakes: false,
            json: false,
        };
        while let Some(name) = args.next() {
            match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--write-only" => options.write_only = true,
                "--mistakes" => options.mistakes = true,
                "--json" => options.json = true,
                _ => {
                    let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
                    options.set(&name, &value).ok_or_else(|| format!("{name} {value}: there is no such thing"))?;
                }
            }
        }
        if options.write_only && options.out.is_none() {
            return Err("--write-only needs --out".to_owned());
        }
        Ok(Some(options))
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "--users" => self.setup.users = value.parse().ok().filter(|users| (10..=1_000_000).contains(users))?,
            "--days" => self.setup.days = value.parse().ok().filter(|days| (1..=60).contains(days))?,
            "--seed" => self.seeds = value.split(',').map(|seed| seed.parse().ok()).collect::<Option<_>>()?,
            "--oddities" => self.setup.oddities = hundredths(value)?,
            "--ghosts" => self.setup.ghosts = value.parse().ok().filter(|ghosts| *ghosts <= 1000)?,
            "--cheats" => self.setup.cheats = value.parse().ok().filter(|cheats| *cheats <= 500)?,
            "--unseen" => self.setup.unseen = value.parse().ok().filter(|unseen| *unseen <= 1000)?,
            "--elsewhere" => self.setup.elsewhere = value.parse().ok().filter(|elsewhere| *elsewhere <= 1000)?,
            "--damage" if value == "all" => self.damages = Damage::ALL.map(|(damage, _)| damage).to_vec(),
            "--damage" => {
                let named =
                    |name: &str| Damage::ALL.iter().find(|(_, known)| *known == name).map(|(damage, _)| *damage);
                self.damages = value.split(',').map(named).collect::<Option<_>>()?;
            }
            "--swarmtrail" => self.swarmtrail = value.into(),
            "--out" => self.out = Some(value.into()),
            _ => return None,
        }
        Some(())
    }
}

/// `4`, `0.5`.
fn hundredths(value: &str) -> Option<u64> {
    let value: f64 = value.parse().ok()?;
    (0.0..=100.0).contains(&value).then_some((value * 100.0).round() as u64)
}

fn evaluate(options: &Options) -> Result<(), String> {
    let temporary = tempfile::tempdir().map_err(|error| error.to_string())?;
    let directory = options.out.as_deref().unwrap_or(temporary.path());
    fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut cases: Vec<Vec<score::Case>> = options.damages.iter().map(|_| Vec::new()).collect();
    for &seed in &options.seeds {
        let log = directory.join(format!("seed-{seed}.log"));
        let begin = Instant::now();
        let labels = simulate(Setup { seed, ..options.setup }, &log).map_err(|error| error.to_string())?;
        eprintln!("seed {seed}: {} users simulated in {:.1} s", labels.len(), begin.elapsed().as_secs_f64());
        for (damage, cases) in options.damages.iter().zip(&mut cases) {
            let spoiled = directory.join(format!("seed-{seed}-{}.log", damage.name()));
            let read = if *damage == Damage::None { &log } else { &spoiled };
            if *damage != Damage::None {
                damage.apply(&log, &spoiled, seed).map_err(|error| error.to_string())?;
            }
            if !options.write_only {
                let begin = Instant::now();
                cases.extend(score::audit(&options.swarmtrail, read, seed, &labels)?);
                eprintln!("seed {seed}, {}: audited in {:.1} s", damage.name(), begin.elapsed().as_secs_f64());
            }
            if options.out.is_none() && *damage != Damage::None {
                fs::remove_file(&spoiled).map_err(|error| error.to_string())?;
            }
        }
        if options.out.is_none() {
            fs::remove_file(&log).map_err(|error| error.to_string())?;
        }
    }
    if options.write_only {
        return Ok(());
    }
    let judged = options.damages.iter().zip(&cases);
    let days = options.setup.days;
    let summaries: Vec<_> = judged.map(|(damage, cases)| score::summarize(damage.name(), days, cases)).collect();
    if options.json {
        serde_json::to_writer_pretty(io::stdout(), &summaries).map_err(|error| error.to_string())?;
        println!();
    } else {
        for (summary, cases) in summaries.iter().zip(&cases) {
            tables::print(summary);
            if options.mistakes {
                tables::print_mistakes(cases);
            }
        }
    }
    Ok(())
}

/// Writes a log, and beside it what is true of it.
fn simulate(setup: Setup, log: &Path) -> io::Result<Vec<label::Label>> {
    let mut world = World::new(setup);
    world.run(&mut BufWriter::with_capacity(1 << 20, File::create(log)?))?;
    let labels = world.labels();
    label::write(&labels, &mut BufWriter::new(File::create(log.with_extension("labels"))?))?;
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Setup =
        Setup { users: 150, days: 1, seed: 5, oddities: 400, ghosts: 50, cheats: 300, unseen: 0, elsewhere: 0 };

    fn log_of(setup: Setup) -> (Vec<u8>, Vec<label::Label>) {
        let (mut world, mut log) = (World::new(setup), Vec::new());
        // Running it checks that no byte comes from nowhere, and the labels that no honest user lies.
        world.run(&mut log).unwrap();
        (log, world.labels())
    }

    #[test]
    fn a_seed_gives_one_log() {
        let (log, labels) = log_of(SMALL);
        assert_eq!(log, log_of(SMALL).0);
        assert!(log_of(Setup { seed: 6, ..SMALL }).0 != log);
        assert!(labels.iter().any(|label| label.faked > 0));
        assert!(labels.iter().any(|label| label.way == "honest" && label.real > 0));
    }

    #[test]
    fn a_world_without_cheats_fakes_nothing() {
        let (_, labels) = log_of(Setup { cheats: 0, ..SMALL });
        assert!(labels.iter().all(|label| label.faked == 0 && !label.spoofed));
    }

    #[test]
    fn damage_spoils_what_it_says() {
        let directory = tempfile::tempdir().unwrap();
        let (log, spoiled) = (directory.path().join("log"), directory.path().join("spoiled"));
        let (text, _) = log_of(SMALL);
        fs::write(&log, &text).unwrap();
        let lines = |text: &[u8]| memchr::memchr_iter(b'\n', text).count();
        for (damage, name) in Damage::ALL {
            damage.apply(&log, &spoiled, 1).unwrap();
            let left = fs::read(&spoiled).unwrap();
            let share = 100 * lines(&left) / lines(&text);
            let expected = match damage {
                Damage::None | Damage::Reordered | Damage::LowerCased | Damage::NoAgent => 100..=100,
                Damage::Loss(percent) => 98 - percent as usize..=101 - percent as usize,
                Damage::Holes => 75..=100,
                Damage::Tails => 60..=99,
                Damage::Doubled => 118..=122,
                Damage::Cut => 65..=80,
            };
            assert!(expected.contains(&share), "{name}: {share} % of the lines");
            // A day may well have no hole.
            assert!(damage == Damage::Holes || (damage == Damage::None) == (left == text), "{name}");
        }
    }
}
