//! Tables that are to change, gathered until all is known of them, so that each is made anew once.

use indexmap::IndexMap;
use rusqlite::Connection;

use super::refused;
use crate::error::Answer;
use crate::schema::table::{self, Table};

/// The tables as they will be.
pub(super) struct Draft<'a> {
    db: &'a Connection,
    tables: IndexMap<String, Planned>,
}

struct Planned {
    old: Option<Table>,
    new: Option<Table>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(db: &'a Connection) -> Self {
        Self { db, tables: IndexMap::new() }
    }

    fn planned(&mut self, name: &str) -> Answer<&mut Planned> {
        if !self.tables.contains_key(name) {
            let old = Table::read(self.db, name)?;
            self.tables.insert(name.into(), Planned { new: old.clone(), old });
        }
        // It was put in just now, if it had not been there.
        Ok(self.tables.entry(name.into()).or_insert(Planned { old: None, new: None }))
    }

    /// The table as it will be; none if there will be none.
    pub(super) fn table(&mut self, name: &str) -> Answer<Option<&Table>> {
        Ok(self.planned(name)?.new.as_ref())
    }

    /// The table as it will be, to be changed.
    pub(super) fn table_mut(&mut self, name: &str) -> Answer<Option<&mut Table>> {
        Ok(self.planned(name)?.new.as_mut())
    }

    /// Puts a table into the draft.
    pub(super) fn create(&mut self, table: Table) -> Answer<()> {
        let name = table.name.clone();
        self.planned(&name)?.new = Some(table);
        Ok(())
    }

    /// Takes a table out of the draft.
    pub(super) fn remove(&mut self, name: &str) -> Answer<()> {
        self.planned(name)?.new = None;
        Ok(())
    }

    /// Makes the tables as the draft has them.
    ///
    /// # Errors
    /// When what is stored contradicts it, or it is impossible: then the transaction has to be given up.
    pub(super) fn finish(self) -> Answer<()> {
        for (name, planned) in &self.tables {
            match (&planned.old, &planned.new) {
                (Some(_), None) => table::remove(self.db, name)?,
                (Some(old), Some(new)) if old != new => {
                    new.replace(self.db, old).map_err(|error| refused(old, error))?;
                }
                _ => {}
            }
        }
        // What was dropped may have had a name that differs in case only.
        for planned in self.tables.values() {
            if let (None, Some(new)) = (&planned.old, &planned.new) {
                new.create(self.db)?;
            }
        }
        Ok(())
    }
}
