//! Where output goes: to standard output, or through a pager if one is asked for and a terminal would show it.

use crate::cli::Shared;
use std::io::{self, IsTerminal, Stdout, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Where output goes. The pager takes the screen with the first byte, and is waited for in the end.
pub enum Out {
    /// Standard output.
    Plain(Stdout),
    /// A pager; not yet begun, or with what it reads from.
    Paged(Option<(Child, Option<ChildStdin>)>),
}

impl Out {
    /// As it is asked for.
    pub fn new(shared: &Shared) -> Out {
        if shared.pager && io::stdout().is_terminal() { Out::Paged(None) } else { Out::Plain(io::stdout()) }
    }
}

/// Runs the pager of the environment, as others do: through a shell, since it may have options.
fn begin() -> io::Result<(Child, Option<ChildStdin>)> {
    let pager = std::env::var("PAGER").ok().filter(|pager| !pager.trim().is_empty());
    let mut command = Command::new("sh");
    command.arg("-c").arg(pager.unwrap_or_else(|| "less".into())).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        // Colours as colours, no wrapping of tables, and no screen of its own for little.
        command.env("LESS", "-FRSX");
    }
    let mut child = command.spawn()?;
    let input = child.stdin.take();
    Ok((child, input))
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Out::Plain(stdout) => stdout.write(bytes),
            Out::Paged(pager) => {
                if pager.is_none() {
                    *pager = Some(begin()?);
                }
                let input = pager.as_mut().and_then(|(_, input)| input.as_mut());
                input.map_or(Err(io::ErrorKind::BrokenPipe.into()), |input| input.write(bytes))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Out::Plain(stdout) => stdout.flush(),
            Out::Paged(Some((_, Some(input)))) => input.flush(),
            Out::Paged(_) => Ok(()),
        }
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        if let Out::Paged(Some((child, input))) = self {
            // The pager sees the end when nobody can write any more.
            drop(input.take());
            let _ = child.wait();
        }
    }
}
