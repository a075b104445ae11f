//! Names of collections and fields in a dump that mean nothing.

use lockstep_core::collection::{COLLECTIONS, Collection};
use lockstep_core::names::{self, StrayName};

use crate::dump;
use crate::dumped;
use crate::error::EngineError;
use crate::options::Options;

/// What the records of a dump say of collections and fields that its schema does not have. Nothing where the schema does not
/// take part.
///
/// # Errors
/// When the dump cannot be read.
pub fn stray_names(options: &Options) -> Result<Vec<StrayName>, EngineError> {
    if !options.schema || options.scope.is_empty() {
        return Ok(Vec::new());
    }
    let Some(snapshot) = dump::read_snapshot(&options.paths)? else { return Ok(Vec::new()) };
    let collections: Vec<&'static Collection> =
        COLLECTIONS.iter().filter(|collection| options.scope.contains(collection.name)).collect();
    let dumped = dumped::read(&options.paths, &collections)?;
    Ok(names::stray_names(&snapshot, &dumped.records))
}
