//! Replacing files all at once: either the new ones are all there, or the old ones still are.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tempfile::{Builder, TempPath};

use super::error::DumpError;

/// A file that is to have other bytes than it has.
#[derive(Debug)]
pub(crate) struct Replacement {
    pub(crate) path: PathBuf,
    before: Option<Vec<u8>>,
    after: Vec<u8>,
}

impl Replacement {
    /// The replacement that gives `path` these bytes; none if it has them already.
    pub(crate) fn needed(path: &Path, after: Vec<u8>) -> Result<Option<Self>, DumpError> {
        let before = read(path).map_err(|source| write_error(path, source))?;
        let differs = before.as_ref() != Some(&after);
        Ok(differs.then(|| Self { path: path.to_owned(), before, after }))
    }
}

/// Puts all replacements in place, then removes the `stale` files and the directories below `base` that this empties.
///
/// # Errors
/// When the file system refuses. What was changed until then is put back, temporary files are removed.
pub(crate) fn replace(
    replacements: Vec<Replacement>,
    stale: &[PathBuf],
    base: &Path,
) -> Result<(), DumpError> {
    let mut undo = Undo::default();
    let done = stage(replacements, &mut undo).and_then(|staged| commit(staged, stale, &mut undo));
    match done {
        Ok(()) => {
            remove_emptied(stale, base);
            Ok(())
        }
        Err(Failure { path, source }) => {
            let lost = undo.roll_back();
            if lost.is_empty() {
                Err(write_error(&path, source))
            } else {
                Err(DumpError::HalfWritten { path, lost, source })
            }
        }
    }
}

/// Gives one file these bytes, or leaves it as it is.
///
/// # Errors
/// When the file system refuses.
pub fn write_file(path: &Path, bytes: Vec<u8>) -> Result<(), DumpError> {
    let replacement = Replacement::needed(path, bytes)?;
    replace(replacement.into_iter().collect(), &[], path.parent().unwrap_or(path))
}

/// Neither `directory` nor one between it and `base` is a symbolic link, so what is written there stays where it seems to.
pub(crate) fn check_unlinked(base: &Path, directory: &Path) -> Result<(), DumpError> {
    let below = |directory: &&Path| directory.starts_with(base) && *directory != base;
    match directory.ancestors().take_while(below).find(|directory| directory.is_symlink()) {
        Some(link) => Err(DumpError::LinkedDirectory { path: link.to_owned() }),
        None => Ok(()),
    }
}

/// A step that the file system refused.
struct Failure {
    path: PathBuf,
    source: io::Error,
}

/// A new file beside its place. Dropped, it is gone.
struct Staged {
    temporary: TempPath,
    replacement: Replacement,
}

/// How to get back to the old dump.
#[derive(Default)]
struct Undo {
    /// What each changed file held before; none if it was not there.
    before: Vec<(PathBuf, Option<Vec<u8>>)>,
    /// Directories that were made, outermost first.
    directories: Vec<PathBuf>,
}

/// Writes the new files on all processors: making a file costs more than what stands in it.
fn stage(replacements: Vec<Replacement>, undo: &mut Undo) -> Result<Vec<Staged>, Failure> {
    let parents: BTreeSet<&Path> = replacements.iter().filter_map(|it| it.path.parent()).collect();
    for parent in parents {
        make(parent, &mut undo.directories).map_err(|source| Failure { path: parent.to_owned(), source })?;
    }
    let beside = |replacement: Replacement| match write_beside(&replacement.path, &replacement.after) {
        Ok(temporary) => Ok(Staged { temporary, replacement }),
        Err(source) => Err(Failure { path: replacement.path, source }),
    };
    replacements.into_par_iter().map(beside).collect()
}

fn commit(staged: Vec<Staged>, stale: &[PathBuf], undo: &mut Undo) -> Result<(), Failure> {
    for Staged { temporary, replacement: Replacement { path, before, .. } } in staged {
        temporary.persist(&path).map_err(|error| Failure { path: path.clone(), source: error.error })?;
        undo.before.push((path, before));
    }
    for path in stale {
        let failed = |source| Failure { path: path.clone(), source };
        let before = read(path).map_err(failed)?;
        fs::remove_file(path).map_err(failed)?;
        undo.before.push((path.clone(), before));
    }
    Ok(())
}

impl Undo {
    /// Puts everything back, last change first; returns what could not be put back.
    fn roll_back(self) -> Vec<PathBuf> {
        let restore = |(path, before): (PathBuf, Option<Vec<u8>>)| {
            let restored = match before {
                Some(bytes) => {
                    write_beside(&path, &bytes).and_then(|file| file.persist(&path).map_err(Into::into))
                }
                None => fs::remove_file(&path),
            };
            restored.is_err().then_some(path)
        };
        let lost: Vec<PathBuf> = self.before.into_iter().rev().filter_map(restore).collect();
        for directory in self.directories.iter().rev() {
            let _ = fs::remove_dir(directory);
        }
        lost
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A temporary file in the directory of `path`, with the permissions that `path` has or a new file gets.
fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<TempPath> {
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    let create = |path: &Path| File::create_new(path);
    let mut file = Builder::new().prefix(".lockstep-").suffix(".tmp").make_in(directory, create)?;
    file.write_all(bytes)?;
    if let Ok(existing) = fs::metadata(path) {
        file.as_file().set_permissions(existing.permissions())?;
    }
    Ok(file.into_temp_path())
}

/// Makes a directory and those that it lies in, as far as they are missing.
fn make(directory: &Path, made: &mut Vec<PathBuf>) -> io::Result<()> {
    let missing: Vec<&Path> =
        directory.ancestors().take_while(|it| !it.as_os_str().is_empty() && !it.is_dir()).collect();
    for directory in missing.into_iter().rev() {
        fs::create_dir(directory)?;
        made.push(directory.to_owned());
    }
    Ok(())
}

/// A directory that holds anything else stays: removing it is refused.
fn remove_emptied(removed: &[PathBuf], base: &Path) {
    for file in removed {
        for directory in file.ancestors().skip(1).take_while(|it| it.starts_with(base) && *it != base) {
            if fs::remove_dir(directory).is_err() {
                break;
            }
        }
    }
}

fn write_error(path: &Path, source: io::Error) -> DumpError {
    DumpError::Write { path: path.to_owned(), source }
}
