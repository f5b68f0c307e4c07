//! `case`: everything about one user.

use super::setup::Told;
use crate::cli::{Case, Output, Shared};
use anyhow::bail;
use std::process::ExitCode;
use swarmtrail::account::Keep;
use swarmtrail::report::{print_case, print_case_page};

/// Prints the dossier of the user whose passkey or address begins so.
pub fn run(args: Case, shared: Shared) -> anyhow::Result<ExitCode> {
    let who = args.who;
    if matches!(shared.output, Output::Csv) {
        bail!("a case has no rows for CSV; there are table (Markdown), json, ndjson and html");
    }
    let html = matches!(shared.output, Output::Html);
    let told = Told::read(&args.files.files, Shared { user: Some(who.clone()), ..shared }, Keep::Shape)?;
    let view = told.view();
    let lines = told.raw(view.findings_asked_for().flat_map(|finding| finding.evidence.iter().copied()));
    match view.case(&lines) {
        Ok(_) if html => told.print(|out, _, _| print_case_page(out, &view, told.curves(), &lines)),
        Ok(case) => told.print(|out, output, _| print_case(out, output, &case)),
        Err(0) => bail!("no user begins with {who:?}"),
        Err(several) => bail!("{several} users begin with {who:?}; give more of the passkey"),
    }
}
