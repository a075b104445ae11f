//! One change of the structure: metadata at once, tables at the end, and a record of it where one is kept.

use rusqlite::params;
use serde_json::{Map, Value};

use super::draft::Draft;
use super::meta::{self, COLLECTIONS, FIELDS, Meta, RELATIONS};
use super::snapshot::is_system;
use crate::db::Session;
use crate::error::Answer;
use crate::system::SYSTEM;

/// A change that is under way.
pub(super) struct Change<'s, 'a> {
    pub(super) session: &'s mut Session<'a>,
    pub(super) draft: Draft<'a>,
    /// False for whole schemas, which leave no trace in the activity.
    records: bool,
}

impl<'s, 'a> Change<'s, 'a> {
    /// A change that is recorded.
    pub(super) fn recorded(session: &'s mut Session<'a>) -> Self {
        Self { draft: Draft::new(session.db), records: session.who.user.is_some(), session }
    }

    /// A change that leaves no trace.
    pub(super) fn unrecorded(session: &'s mut Session<'a>) -> Self {
        Self { draft: Draft::new(session.db), records: false, session }
    }

    /// Makes the tables, and reads the model anew.
    pub(super) fn finish(self) -> Answer<()> {
        self.draft.finish()?;
        self.session.reload()
    }

    /// True if there is a collection of this name, with or without a table.
    pub(super) fn has_collection(&mut self, name: &str) -> Answer<bool> {
        Ok(self.draft.table(name)?.is_some() || meta::collection(self.session.db, name)?.is_some())
    }

    /// True if there is a table of this name that is a collection.
    pub(super) fn has_table(&mut self, name: &str) -> Answer<bool> {
        Ok(!is_hidden(name) && self.draft.table(name)?.is_some_and(|table| table.key().is_some()))
    }

    /// True if the collection has this column.
    pub(super) fn has_column(&mut self, collection: &str, field: &str) -> Answer<bool> {
        Ok(self.draft.table(collection)?.is_some_and(|table| table.column(field).is_some()))
    }

    /// True if the collection has this field, with or without a column.
    pub(super) fn has_field(&mut self, collection: &str, field: &str) -> Answer<bool> {
        Ok(self.has_column(collection, field)?
            || is_system(collection, field)
            || meta::field(self.session.db, collection, field)?.is_some())
    }

    /// Adds a row of metadata, and gives its key.
    pub(super) fn insert(&mut self, table: &str, row: &Meta) -> Answer<Value> {
        let key = meta::insert(self.session.db, table, row)?;
        let mut told = row.clone();
        told.retain(|name, _| meta::columns(table).any(|column| column.name == name));
        if table == FIELDS {
            told.shift_remove("collection");
        }
        self.record("create", table, &key, &told)?;
        Ok(key)
    }

    /// Changes a row of metadata.
    pub(super) fn update(&mut self, table: &str, key: &Value, changes: &Meta) -> Answer<()> {
        meta::update(self.session.db, table, key, changes)?;
        self.record("update", table, key, changes)
    }

    /// Writes the activity, and the revision that belongs to it.
    pub(super) fn record(
        &mut self,
        action: &str,
        table: &str,
        key: &Value,
        payload: &Map<String, Value>,
    ) -> Answer<()> {
        // Relations leave no trace, whoever changes them.
        if !self.records || table == RELATIONS {
            return Ok(());
        }
        let (db, who) = (self.session.db, self.session.who);
        let item = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        db.prepare_cached(
            "insert into directus_activity (action, user, timestamp, ip, user_agent, collection, item, origin) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![action, who.user, crate::clock::now(), who.ip, who.agent, table, item, who.origin])?;
        if action == "delete" {
            return Ok(());
        }
        let activity = db.last_insert_rowid();
        let delta = Value::Object(payload.clone());
        let data = match action {
            "create" => delta.clone(),
            _ => self.row(table, key)?.map_or_else(|| delta.clone(), Value::Object),
        };
        db.prepare_cached(
            "insert into directus_revisions (activity, collection, item, data, delta) values (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![activity, table, item, data.to_string(), delta.to_string()])?;
        Ok(())
    }

    fn row(&self, table: &str, key: &Value) -> Answer<Option<Meta>> {
        let (column, text) = match key {
            Value::String(name) if table == COLLECTIONS => ("collection", name.clone()),
            key => ("id", key.to_string()),
        };
        let mut row = meta::rows(self.session.db, table, &format!("where {column} = ?1"), &[&text])?.pop();
        // References to other records of the kind are not in a revision.
        for reference in ["group", if table == FIELDS { "collection" } else { "group" }] {
            row.as_mut().and_then(|row| row.shift_remove(reference));
        }
        Ok(row)
    }
}

/// True for a table that is no collection, whatever is in it.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with("sqlite_")
        || name.starts_with("directus_") && !is_own(name)
        || name == crate::files::TABLE
}

/// True for a collection of Directus' own.
pub(super) fn is_own(name: &str) -> bool {
    SYSTEM.collections.iter().any(|it| it.name == name)
}
