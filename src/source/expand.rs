//! From arguments to sources: folders, and patterns that the shell left alone.

use super::{Identity, Source, SourceError, identity};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Finds the sources that arguments name, and what could not be looked into. `-` is standard input; a folder is all the files
/// in it and in its folders, in the order of their names, but hidden ones; an argument with `*`, `?` or `[` that is no file is
/// a pattern.
pub fn expand<P: AsRef<Path>>(args: &[P]) -> (Vec<Source>, Vec<SourceError>) {
    let mut search = Search::default();
    for arg in args {
        search.argument(arg.as_ref());
    }
    (search.sources, search.errors)
}

#[derive(Default)]
struct Search {
    sources: Vec<Source>,
    errors: Vec<SourceError>,
    /// Folders around the one looked into: a link back to one of them leads in a circle.
    around: Vec<Identity>,
}

impl Search {
    fn argument(&mut self, arg: &Path) {
        if arg.as_os_str() == "-" {
            return self.sources.push(Source::Stdin);
        }
        let pattern = arg.to_str().filter(|text| text.contains(['*', '?', '[']) && !arg.exists());
        let options = glob::MatchOptions { require_literal_leading_dot: true, ..Default::default() };
        let matches: Vec<PathBuf> = pattern
            .and_then(|pattern| glob::glob_with(pattern, options).ok())
            .map_or(Vec::new(), |paths| paths.filter_map(Result::ok).collect());
        if matches.is_empty() {
            self.path(arg);
        }
        matches.iter().for_each(|path| self.path(path));
    }

    /// A path that was asked for, whatever it is.
    fn path(&mut self, path: &Path) {
        if !path.is_dir() {
            return self.file(path);
        }
        let before = (self.sources.len(), self.errors.len());
        self.folder(path);
        if before == (self.sources.len(), self.errors.len()) {
            self.errors.push(SourceError::NoFile(Source::File(path.into()).name()));
        }
    }

    fn folder(&mut self, folder: &Path) {
        let Some(own) = identity(folder).filter(|own| !self.around.contains(own)) else { return };
        let mut paths = match fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect::<Vec<_>>(),
            Err(error) => {
                return self.errors.push(SourceError::Open { name: Source::File(folder.into()).name(), error });
            }
        };
        paths.retain(|path| !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")));
        paths.sort_unstable();
        self.around.push(own);
        for path in &paths {
            match fs::metadata(path) {
                Ok(data) if data.is_dir() => self.folder(path),
                // A pipe or a device in a folder is no log, and might never end.
                Ok(data) if !data.is_file() => {}
                _ => self.file(path),
            }
        }
        self.around.pop();
    }

    fn file(&mut self, path: &Path) {
        self.sources.push(Source::File(path.into()));
    }
}
