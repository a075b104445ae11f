//! A dump as a source: its records by collection, checked, secrets supplied.

use std::sync::Arc;

use lockstep_core::collection::Collection;
use lockstep_core::identity::DumpRecords;
use lockstep_core::record::Record;

use crate::aliases::Aliases;
use crate::dump::{self, DumpPaths};
use crate::error::EngineError;

/// Records of a dump, and what people ought to know about them.
#[derive(Debug, Default)]
pub(crate) struct Dumped {
    /// By collection; absent where the dump has no file.
    pub(crate) records: DumpRecords,
    /// What people ought to know.
    pub(crate) notices: Vec<String>,
}

/// Reads the records of these collections.
pub(crate) fn read(paths: &DumpPaths, collections: &[&'static Collection]) -> Result<Dumped, EngineError> {
    let names: Vec<&str> = collections.iter().map(|collection| collection.name).collect();
    let found = dump::read_collections(paths, &names)?;
    let mut dumped =
        Dumped { notices: found.warnings.iter().map(ToString::to_string).collect(), ..Dumped::default() };
    for (name, records) in found.records {
        if let (Some(collection), Some(records)) = (Collection::named(&name), records) {
            let records = records.into_iter().filter_map(|fields| Record::from_dump(fields).ok());
            dumped.records.insert(collection.name, records.collect());
        }
    }
    Ok(dumped)
}

impl Dumped {
    /// Takes out what is content and no configuration.
    pub(crate) fn remove_aliases(&mut self, aliases: &Aliases) {
        for (name, records) in &mut self.records {
            let Some(collection) = Collection::named(name) else { continue };
            for record in records.iter_mut().filter(|record| aliases.concern(collection, &record.fields)) {
                aliases.remove(collection, Arc::make_mut(&mut record.fields));
            }
        }
    }
}
