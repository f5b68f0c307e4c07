//! `completions` and `man`: what follows from the command line's own definition.

use crate::cli::Cli;
use anyhow::bail;
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;
use std::io::{self, Write};
use std::process::ExitCode;

/// Prints completions for a shell.
pub fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "swarmtrail", &mut script);
    io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the man page of the program, or of one of its commands.
pub fn man(name: Option<&str>) -> anyhow::Result<ExitCode> {
    let mut whole = Cli::command();
    whole.build();
    let Some(name) = name else {
        Man::new(whole).render(&mut io::stdout())?;
        return Ok(ExitCode::SUCCESS);
    };
    let Some(command) = whole.find_subcommand(name) else { bail!("there is no command {name:?}") };
    Man::new(command.clone()).render(&mut io::stdout())?;
    Ok(ExitCode::SUCCESS)
}
