//! What can be wrong with a dump, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use lockstep_core::schema::LayoutError;

/// A dump cannot be read or written.
///
/// The message tells the file and the fault; the cause, where there is one, is the error's source;
/// [`DumpError::hint`] tells what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// There is no dump.
    #[error("there is no dump at {}", path.display())]
    Missing {
        /// The dump path.
        path: PathBuf,
    },
    /// The dump has no directory of collections.
    #[error("the dump has no collections: {} is missing", path.display())]
    CollectionsMissing {
        /// The collections path.
        path: PathBuf,
    },
    /// A file or directory cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file is not JSON.
    #[error("{}:{line}:{column}: not valid JSON: {reason}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong there.
        reason: String,
        /// Whether the file has the marks of an unresolved merge.
        unmerged: bool,
    },
    /// A file of a collection is no array of objects.
    #[error("{}: expected an array of records, found {found}", path.display())]
    NoRecords {
        /// The file.
        path: PathBuf,
        /// What was there, in a few words.
        found: String,
    },
    /// An element of a collection's array is no object.
    #[error("{}: record {} is not an object", path.display(), .index + 1)]
    NoRecord {
        /// The file.
        path: PathBuf,
        /// Position in the file, from 0.
        index: usize,
    },
    /// A record has no `_syncId`, so nothing tells which record of an instance it is.
    #[error("{}: record {} has no `_syncId` (a non-empty string is needed)", path.display(), .index + 1)]
    NoSyncId {
        /// The file.
        path: PathBuf,
        /// Position in the file, from 0.
        index: usize,
    },
    /// Two records have the same `_syncId`.
    #[error("{}: records {} and {} have the same `_syncId` {sync_id}", path.display(), .first + 1, .second + 1)]
    DuplicateSyncId {
        /// The file.
        path: PathBuf,
        /// The id.
        sync_id: String,
        /// Position of the first, from 0.
        first: usize,
        /// Position of the second, from 0.
        second: usize,
    },
    /// The files of the snapshot do not make one.
    #[error("the snapshot in {} cannot be read", path.display())]
    Snapshot {
        /// The snapshot path.
        path: PathBuf,
        /// What is wrong, with the file inside the snapshot path.
        #[source]
        source: LayoutError,
    },
    /// A name that has no file in a dump was to be written.
    #[error("{name} has no file in a dump")]
    UnknownName {
        /// The name of a collection or specification.
        name: String,
    },
    /// Records and snapshot would be in the same directory.
    #[error("records and snapshot would both be in {}", path.display())]
    Overlap {
        /// The collections path.
        path: PathBuf,
    },
    /// A directory of the snapshot is a symbolic link: writing would leave the dump.
    #[error("{} is a symbolic link, and nothing is written through it", path.display())]
    LinkedDirectory {
        /// The link.
        path: PathBuf,
    },
    /// The dump cannot be written. What was there before is there still.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The dump cannot be written, and putting back what was there before failed as well.
    #[error("cannot write {}, and the dump is left half written", path.display())]
    HalfWritten {
        /// The file that could not be written.
        path: PathBuf,
        /// The files that could not be put back.
        lost: Vec<PathBuf>,
        /// What the system said at first.
        #[source]
        source: io::Error,
    },
}

impl DumpError {
    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing { .. } => Some("run `lockstep pull` first, or check --dump-path"),
            Self::CollectionsMissing { .. } => Some(
                "run `lockstep pull` first, check --collections-path, or leave records out with --no-collections",
            ),
            Self::Json { unmerged: true, .. } => Some("resolve the merge conflict in this file"),
            Self::Json { .. } => Some("correct the file, or run `lockstep pull` to write it anew"),
            Self::NoRecords { .. } | Self::NoRecord { .. } => {
                Some("a collection's file is a JSON array with one object per record")
            }
            Self::NoSyncId { .. } => Some("give the record a `_syncId`, for instance a new UUID"),
            Self::DuplicateSyncId { .. } => {
                Some("remove one of the two records, or give it a `_syncId` of its own")
            }
            Self::Snapshot { source, .. } => Some(layout_hint(source)),
            Self::Overlap { .. } => Some("choose another --collections-path or --snapshot-path"),
            Self::LinkedDirectory { .. } => Some("replace the link by a directory"),
            Self::HalfWritten { .. } => Some("restore the dump from version control"),
            Self::Read { .. } | Self::Write { .. } | Self::UnknownName { .. } => None,
        }
    }
}

fn layout_hint(error: &LayoutError) -> &'static str {
    match error {
        LayoutError::MissingInfo => "run `lockstep pull` first, or check --snapshot-path",
        LayoutError::BothLayouts { .. } => "remove snapshot.json, or all but snapshot.json",
        LayoutError::File { .. } => "correct the file, or run `lockstep pull` to write it anew",
        LayoutError::Duplicate { .. } => "remove one of the two files",
    }
}

/// Something in a dump that is probably not meant so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DumpWarning {
    /// A file in the directory of collections that no collection has, and so is not read.
    UnknownCollectionFile {
        /// The file.
        path: PathBuf,
        /// The collection that was probably meant.
        nearest: Option<&'static str>,
    },
}

impl fmt::Display for DumpWarning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::UnknownCollectionFile { path, nearest } = self;
        write!(formatter, "{} is not a collection and is not read", path.display())?;
        nearest.map_or(Ok(()), |nearest| write!(formatter, "; was {nearest}.json meant?"))
    }
}
