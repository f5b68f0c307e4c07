//! `formats`: the formats of logs.

use super::setup::{output, style};
use crate::cli::Shared;
use std::io::{self, Write};
use std::process::ExitCode;
use swarmtrail::access_log::FORMATS;
use swarmtrail::report::{FormatRow, Output, print_formats, print_rows};

/// Lists them.
pub fn run(shared: &Shared) -> anyhow::Result<ExitCode> {
    let style = style(shared, false);
    let mut out = io::stdout().lock();
    match output(shared) {
        Output::Table => print_formats(&mut out, &style, FORMATS)?,
        output => print_rows(&mut out, output, style, FORMATS.iter().map(|format| FormatRow(*format)))?,
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
