//! The commands: each wires the library together, and holds no rules of its own.

mod case;
mod credit;
mod detect;
mod explain;
mod formats;
mod generated;
mod heap;
mod out;
mod progress;
mod replay;
mod setup;

use crate::cli::{Cli, Command, Files, Output as Asked};
use anyhow::bail;
use setup::{Told, resolve};
use std::process::ExitCode;
use swarmtrail::account::Keep;
use swarmtrail::report::{
    Output, cited_on_page, print_charts, print_report, print_report_page, print_rows, print_timelines,
};

/// Runs what the command line asks for.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let shared = cli.shared;
    let command = cli.command.unwrap_or(Command::Report(Files { files: cli.files }));
    let html = matches!(shared.output, Asked::Html);
    if html && !matches!(command, Command::Report(_) | Command::Case(_)) {
        bail!("only report and case are pages; for others there are table, json, ndjson and csv");
    }
    match command {
        Command::Formats => formats::run(&shared),
        Command::Detect(args) => detect::run(&args.files, shared),
        Command::Explain { check } => explain::run(check, &shared),
        Command::Completions { shell } => generated::completions(shell),
        Command::Man { command } => generated::man(command.as_deref()),
        Command::Replay(args) => replay::run(&args.files, shared),
        Command::Report(args) => {
            let told = Told::read(&args.files, shared, Keep::Shape)?;
            if html {
                let view = told.view();
                let lines = told.raw(cited_on_page(&view));
                return told.print(|out, _, _| print_report_page(out, &view, told.curves(), &lines));
            }
            told.print(|out, output, style| print_report(out, output, &style, &told.view()))
        }
        Command::Users(args) => {
            let told = Told::read(&args.files, shared, Keep::Shape)?;
            told.print_rows(told.view().users())
        }
        Command::Sessions(args) => {
            let told = Told::read(&args.files, shared, Keep::Shape)?;
            told.print_rows(told.view().sessions())
        }
        Command::Audit(args) => {
            let told = Told::read(&args.files, shared, Keep::Shape)?;
            told.print_rows(told.view().audited())
        }
        Command::Clients(args) => {
            let told = Told::read(&args.files, shared, Keep::Shape)?;
            told.print_rows(told.view().clients())
        }
        Command::Case(args) => case::run(args, shared),
        Command::Credit(args) => credit::run(&args, shared),
        Command::Anomalies(args) => {
            let told = Told::read(&args.files, shared, Keep::Shape)?;
            told.print_rows(told.view().anomalies())
        }
        Command::Profile(args) => {
            let at = args.at.map(|at| resolve(at, &shared)).transpose()?;
            let told = Told::read(&args.files.files, shared, Keep::Shape)?;
            told.print_rows(told.view().profile(at))
        }
        Command::Timeline(args) => {
            let keep = match args.step {
                Some(step) => Keep::Step(step),
                None if args.full => Keep::All,
                None => Keep::Shape,
            };
            let told = Told::read(&args.files.files, shared, keep)?;
            told.print(|out, output, style| match output {
                // A terminal shows the shape; who asks for points gets points.
                Output::Table if keep == Keep::Shape && style.width.is_some() => {
                    print_charts(out, &style, told.view().users())
                }
                Output::Table => print_timelines(out, &style, told.view().users()),
                _ => {
                    let view = told.view();
                    let users: Vec<_> = view.users().collect();
                    print_rows(out, output, style, users.iter().flat_map(|user| user.points()))
                }
            })
        }
    }
}
