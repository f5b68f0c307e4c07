//! swarmtrail: reads the access log of a BitTorrent tracker and tells what really happened.

mod cli;
mod commands;

use clap::Parser;
use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    match commands::run(cli::Cli::parse()) {
        Ok(code) => code,
        // Whoever read our output has seen enough.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("swarmtrail: {error:#}");
            ExitCode::from(2)
        }
    }
}
