//! `credit`: what trackers would have credited.

use super::setup::Told;
use crate::cli::{Credit, Shared};
use std::process::ExitCode;
use swarmtrail::account::Keep;
use swarmtrail::report::print_credit;
use swarmtrail::session::credit::POLICIES;

/// Prints what one policy credits, or all of them.
pub fn run(args: &Credit, shared: Shared) -> anyhow::Result<ExitCode> {
    let told = match args.compare {
        true => Told::read_comparing(&args.files.files, shared, POLICIES)?,
        false => Told::read(&args.files.files, shared, Keep::Shape)?,
    };
    told.print(|out, output, style| print_credit(out, output, &style, &told.view(), told.credits()))
}
