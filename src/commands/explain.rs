//! `explain`: what a check means.

use super::out::Out;
use super::setup::{output, style};
use crate::cli::Shared;
use std::io::Write;
use std::process::ExitCode;
use swarmtrail::audit::{CHECKS, check_named};
use swarmtrail::report::{CheckRow, Output, print_check, print_rows};

/// Explains one check in full, or lists them all.
pub fn run(check: Option<&'static str>, shared: &Shared) -> anyhow::Result<ExitCode> {
    let style = style(shared, false);
    let mut out = Out::new(shared);
    match (check.and_then(check_named), output(shared)) {
        (Some(check), Output::Table) => print_check(&mut out, &style, check)?,
        (Some(check), output) => print_rows(&mut out, output, style, std::iter::once(CheckRow(check)))?,
        (None, output) => print_rows(&mut out, output, style, CHECKS.iter().map(|check| CheckRow(check)))?,
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
