//! `detect`: what a log is taken for.

use super::setup::{Setup, output, style};
use crate::cli::Shared;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use swarmtrail::reading::look_at;
use swarmtrail::report::{DetectRow, Output, print_detected, print_rows};

/// Looks at the beginning of each source.
pub fn run(files: &[PathBuf], shared: Shared) -> anyhow::Result<ExitCode> {
    let setup = Setup::new(files, shared)?;
    let mut rows = Vec::new();
    let mut incomplete = false;
    for source in &setup.sources {
        match look_at(source, setup.shared.given_format()) {
            Ok(look) => rows.push(DetectRow::new(look, &setup.filter)),
            Err(error) => {
                eprintln!("swarmtrail: {error}");
                incomplete = true;
            }
        }
    }
    let style = style(&setup.shared, true);
    let mut out = io::stdout().lock();
    match output(&setup.shared) {
        Output::Table => print_detected(&mut out, &style, &rows)?,
        output => print_rows(&mut out, output, style, rows.into_iter())?,
    }
    out.flush()?;
    Ok(ExitCode::from(if incomplete { 2 } else { 0 }))
}
