//! Where the parts of a dump are.

use std::path::{Path, PathBuf};

/// The directories of a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpPaths {
    /// The dump itself (`--dump-path`).
    pub root: PathBuf,
    /// Records (`--collections-path`).
    pub collections: PathBuf,
    /// The schema snapshot (`--snapshot-path`).
    pub snapshot: PathBuf,
    /// API specifications (`--specs-path`).
    pub specs: PathBuf,
}

impl DumpPaths {
    /// A dump at `root` with the parts at their usual places: `collections`, `snapshot`, `specs`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self::with_parts(root, "collections", "snapshot", "specs")
    }

    /// A dump at `root`; a relative part is inside the dump, an absolute one is where it says.
    #[must_use]
    pub fn with_parts(
        root: impl Into<PathBuf>,
        collections: impl AsRef<Path>,
        snapshot: impl AsRef<Path>,
        specs: impl AsRef<Path>,
    ) -> Self {
        let root = root.into();
        let [collections, snapshot, specs] =
            [collections.as_ref(), snapshot.as_ref(), specs.as_ref()].map(|part| root.join(part));
        Self { root, collections, snapshot, specs }
    }

    /// The file of a collection.
    pub(crate) fn collection_file(&self, name: &str) -> PathBuf {
        self.collections.join(format!("{name}.json"))
    }
}
