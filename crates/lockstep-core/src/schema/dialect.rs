//! What the versions of Directus disagree about when they compare schemas.

use crate::version::Version;

/// How a version of Directus makes and compares snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Snapshots tell which columns have an index (from 11.1.2).
    pub indexes: bool,
    /// Collections inside a group that stays can be deleted (from 11.1.2); before, nothing happens to them.
    pub deletes_in_groups: bool,
    /// A field that becomes an alias, or ceases to be one, is dropped and made anew (from 11.3). Before, no such change
    /// could be applied.
    pub alias_is_another_field: bool,
    /// Snapshots leave out what Directus does not track (from 11.10).
    pub hides_untracked: bool,
    /// Snapshots list the indexed fields of system collections (from 11.13).
    pub system_fields: bool,
    /// Where keys come or go, `meta` is replaced whole (from 12.4).
    pub replaces_meta: bool,
}

impl Dialect {
    /// That of a version.
    #[must_use]
    pub fn of(version: Version) -> Self {
        let from = |major, minor, patch| version >= Version { major, minor, patch };
        Self {
            indexes: from(11, 1, 2),
            deletes_in_groups: from(11, 1, 2),
            alias_is_another_field: from(11, 3, 0),
            hides_untracked: from(11, 10, 0),
            system_fields: from(11, 13, 0),
            replaces_meta: from(12, 4, 0),
        }
    }
}
