//! `replay`: one row per announce, in the order applied.

use super::out::Out;
use super::progress::Progress;
use super::setup::{Setup, output, style};
use crate::cli::Shared;
use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use swarmtrail::account::Keep;
use swarmtrail::announce::Event;
use swarmtrail::reading::read_all;
use swarmtrail::replay::{Listener, Order, Silences, Step, timeout_of};
use swarmtrail::report::{Filter, Printer, ReplayRow};
use swarmtrail::session::{Status, Transition};
use swarmtrail::time::Time;

/// Where rows go. They come while the log is still being read, so progress makes way for the first of them wherever both
/// may end up on the same terminal.
struct Page<'a>(Out, Option<&'a Progress>);

impl Write for Page<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(progress) = self.1.take() {
            progress.end();
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Prints every announce as it is applied.
struct Narrator<'a> {
    printer: Printer<BufWriter<Page<'a>>, ReplayRow>,
    filter: &'a Filter,
    /// The sources' names, in the order given.
    names: Vec<String>,
    /// Each user's sessions as last heard of.
    listed: HashMap<u32, HashMap<u32, (Status, Option<Time>)>>,
    silences: Silences,
    rows: u64,
    timeout: u32,
    given: bool,
    result: io::Result<()>,
}

impl Narrator<'_> {
    /// What the profile lists after a step: entries silent for longer than the timeout are gone.
    fn profile(&mut self, step: &Step<'_>) -> (u32, u32) {
        let entries = self.listed.entry(step.session.user).or_default();
        entries.insert(step.session.number, (step.session.state.phase.into(), step.session.last_at));
        let timeout = i64::from(self.timeout) * 1000;
        let silent = |last: Option<Time>| last.zip(step.said.at).is_some_and(|(last, now)| now.since(last) > timeout);
        entries.retain(|_, (status, last)| *status != Status::Removed && !silent(*last));
        let count = |wanted| entries.values().filter(|(status, _)| *status == wanted).count() as u32;
        (count(Status::Leeching), count(Status::Seeding))
    }

    /// The interval is inferred while the log is read; asking for it is slow, so it is done ever more rarely.
    fn note_silence(&mut self, step: &Step<'_>) {
        if let Some(secs) = step.silence
            && step.transition == Transition::Went
            && step.said.event == Event::None
        {
            self.silences.note(secs);
        }
        self.rows += 1;
        if !self.given && self.rows.is_power_of_two() {
            self.timeout = timeout_of(self.silences.interval().0);
        }
    }
}

impl Listener for Narrator<'_> {
    type Kept = ();

    fn applied(&mut self, step: &Step<'_>, _: &mut ()) {
        self.note_silence(step);
        let listed = self.profile(step);
        let wanted = self.filter.wants_user(step.user)
            && self.filter.wants_torrent(&step.info_hash.to_string())
            && self.filter.since.is_none_or(|since| step.said.at.is_none_or(|at| at >= since));
        if wanted && self.result.is_ok() {
            let millis = step.said.at.is_some_and(|at| at.millis() % 1000 != 0);
            self.result = self.printer.row(ReplayRow::new(
                step,
                self.names.get(step.line.source()).cloned().unwrap_or_default(),
                self.filter.name(step.user),
                listed,
                millis,
            ));
        }
    }

    fn done(&self) -> bool {
        self.result.is_err()
    }
}

/// Runs it.
pub fn run(files: &[PathBuf], shared: Shared) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(files, shared)?;
    let given = setup.given.timeout.or(setup.given.interval.map(timeout_of));
    let progress = setup.progress();
    // What goes through a pipe may be shown by whoever reads it.
    let to_file = std::fs::metadata("/dev/stdout").is_ok_and(|data| data.is_file());
    let page = || Page(Out::new(&setup.shared), (!to_file).then_some(&progress));
    let narrator = || Narrator {
        printer: Printer::new(BufWriter::new(page()), output(&setup.shared), style(&setup.shared, false)),
        filter: &setup.filter,
        names: setup.sources.iter().map(|source| source.name()).collect(),
        listed: HashMap::new(),
        silences: Silences::default(),
        rows: 0,
        timeout: given.unwrap_or_else(|| timeout_of(Silences::default().interval().0)),
        given: given.is_some(),
        result: Ok(()),
    };
    let (input, parts) = read_all(&setup.sources, &setup.options(Keep::Shape, 1, Order::WholeLog), narrator);
    progress.end();
    let incomplete = setup.complain(&input);
    for (_, narrator) in parts {
        narrator.result?;
        if !input.sources.is_empty() {
            narrator.printer.finish()?;
        }
    }
    Ok(ExitCode::from(if incomplete { 2 } else { 0 }))
}
