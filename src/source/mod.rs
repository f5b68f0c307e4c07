//! Bytes: where a log lies, how it is stored, and its cutting into blocks of whole lines.

mod ahead;
mod block;
mod decode;
mod expand;
mod lines;
mod plain;

pub use block::{Block, Blocks, LONGEST_LINE, without_nuls};
pub use decode::{Opened, Reader};
pub use expand::expand;
pub use lines::lines_of;
pub use plain::{Part, Plain, Stopped};

use crate::time::Time;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
    /// It is a folder without a file in it.
    #[error("{0}: no log in this folder (hidden files are not looked at)")]
    NoFile(String),
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
    /// Compressed data is cut off; what came before was used.
    #[error("{name}: the {compression} data ends in the middle; the {after} bytes of log before were read")]
    Cut {
        /// The source's name.
        name: String,
        /// How it is compressed.
        compression: &'static str,
        /// Bytes of text before the end.
        after: u64,
    },
    /// Compressed data is damaged; what came before was used.
    #[error("{name}: the {compression} data is damaged; the {after} bytes of log before were read ({error})")]
    Damaged {
        /// The source's name.
        name: String,
        /// How it is compressed.
        compression: &'static str,
        /// Bytes of text before the damage.
        after: u64,
        /// What the decompressor said.
        error: io::Error,
    },
}

impl SourceError {
    /// Why reading stopped after so many bytes of text.
    pub fn stopped(name: String, compression: Option<&'static str>, after: u64, error: io::Error) -> SourceError {
        match compression {
            // What the operating system says has nothing to do with the data.
            Some(compression) if error.raw_os_error().is_none() => match error.kind() {
                io::ErrorKind::UnexpectedEof => SourceError::Cut { name, compression, after },
                _ => SourceError::Damaged { name, compression, after, error },
            },
            _ => SourceError::Read { name, after, error },
        }
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

impl Source {
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

    /// What tells it from all other sources, however it is named; `None` for what cannot be found.
    pub fn identity(&self) -> Option<Identity> {
        match self {
            Source::Stdin => identity(Path::new("/dev/stdin")),
            Source::File(path) => identity(path),
        }
    }

    /// Whether it can be opened again and gives the same: not so a pipe.
    pub fn is_lasting(&self) -> bool {
        matches!(self, Source::File(path) if std::fs::metadata(path).is_ok_and(|data| data.is_file()))
    }

    /// Opens it for reading. Of a file that grows, only what is there now is read. `stored` grows by the bytes read as they
    /// are stored, for whoever wants to watch.
    ///
    /// # Errors
    /// [`SourceError::Open`].
    pub fn open(&self, stored: &Arc<AtomicU64>) -> Result<Opened, SourceError> {
        let open = |error| SourceError::Open { name: self.name(), error };
        let mut plain = None;
        let raw: Reader = match self {
            Source::Stdin => {
                widen_pipe();
                Box::new(io::stdin())
            }
            Source::File(path) => {
                let file = File::open(path).map_err(open)?;
                let data = file.metadata().map_err(open)?;
                match data.len() {
                    // What a kernel makes up while it is read has no length.
                    1.. if data.is_file() => {
                        plain = Plain::new(&file, data.len(), stored.clone());
                        Box::new(file.take(data.len()))
                    }
                    _ => Box::new(file),
                }
            }
        };
        let mut opened = decode::decode(Box::new(Counted(raw, stored.clone()))).map_err(open)?;
        opened.plain = plain.filter(|_| opened.compression.is_none() && opened.encoding.is_none()).map(Arc::new);
        Ok(opened)
    }
}

/// Lets more wait in the pipe that standard input is, if it is one: whoever writes and whoever reads then wait less for each
/// other. Two blocks: twice as much is slower again, since it leaves the cache before it is read. It goes without, too.
fn widen_pipe() {
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(io::stdin(), 512 << 10);
}

/// What tells a file from all others.
#[cfg(unix)]
pub type Identity = (u64, u64);

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|data| (data.dev(), data.ino()))
}

/// What tells a file from all others.
#[cfg(not(unix))]
pub type Identity = PathBuf;

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    std::fs::canonicalize(path).ok()
}

/// Counts what is read.
struct Counted(Reader, Arc<AtomicU64>);

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.0.read(buf)?;
        self.1.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}
