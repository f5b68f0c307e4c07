//! Bytes: where a log lies, and its cutting into blocks of whole lines.

mod block;
mod lines;

pub use block::{Block, Blocks, LONGEST_LINE};
pub use lines::lines_of;

use crate::time::Time;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where a log is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard input, named `-`.
    Stdin,
    /// A file.
    File(PathBuf),
}

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It is a folder.
    #[error("{0}: is a directory, not a log")]
    Directory(String),
    /// The operating system refused to open it.
    #[error("{name}: {}", reason(.error))]
    Open {
        /// The source's name.
        name: String,
        /// What the operating system said.
        error: io::Error,
    },
    /// Reading failed part-way; what came before it was used.
    #[error("{name}: reading stopped after {after} bytes: {}", reason(.error))]
    Read {
        /// The source's name.
        name: String,
        /// Bytes read before the failure.
        after: u64,
        /// What the operating system said.
        error: io::Error,
    },
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

impl Source {
    /// The source that a command-line argument names; `-` is standard input.
    pub fn from_arg(arg: &Path) -> Source {
        if arg.as_os_str() == "-" { Source::Stdin } else { Source::File(arg.to_path_buf()) }
    }

    /// The name shown to people. File names are as untrusted as log lines: whatever a terminal might
    /// act on is escaped.
    pub fn name(&self) -> String {
        match self {
            Source::Stdin => "-".into(),
            Source::File(path) => path
                .to_string_lossy()
                .chars()
                .flat_map(|c| {
                    let odd = c.is_control()
                        || ('\u{202a}'..='\u{202e}').contains(&c)
                        || ('\u{2066}'..='\u{2069}').contains(&c);
                    let escaped = odd.then(|| c.escape_unicode());
                    let plain = (!odd).then_some(c);
                    escaped.into_iter().flatten().chain(plain)
                })
                .collect(),
        }
    }

    /// How many bytes there are to read: none of what cannot be opened. `None` if only reading tells, as with a pipe.
    pub fn size(&self) -> Option<u64> {
        let (data, unknown) = match self {
            // A file that the shell opened is a file all the same.
            Source::Stdin => (std::fs::metadata("/dev/stdin"), None),
            Source::File(path) => (std::fs::metadata(path), Some(0)),
        };
        let Ok(data) = data else { return unknown };
        if data.is_dir() { Some(0) } else { data.is_file().then_some(data.len()) }
    }

    /// When it was changed last; `None` if that is not known, as with a pipe.
    pub fn modified(&self) -> Option<Time> {
        let Source::File(path) = self else { return None };
        std::fs::metadata(path).and_then(|data| data.modified()).ok().map(Time::from)
    }

    /// Opens it for reading.
    ///
    /// # Errors
    /// [`SourceError::Directory`] or [`SourceError::Open`].
    pub fn open(&self) -> Result<Box<dyn Read + Send>, SourceError> {
        match self {
            Source::Stdin => Ok(Box::new(io::stdin())),
            Source::File(path) => {
                let open = |error| SourceError::Open { name: self.name(), error };
                let file = File::open(path).map_err(open)?;
                if file.metadata().map_err(open)?.is_dir() {
                    return Err(SourceError::Directory(self.name()));
                }
                Ok(Box::new(file))
            }
        }
    }
}
