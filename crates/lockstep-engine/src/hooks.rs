//! Where a user's own functions take part: what a pull asks, what it writes, and what a dump says.
//!
//! Who implements [`Hooks`] decides what the functions are written in. Without hooks nothing of this is done.

use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use lockstep_core::record::{Fields, SyncId};
use lockstep_core::schema::Snapshot;
use lockstep_directus::Client;
use serde_json::Value;

use crate::error::EngineError;

/// The subject of the hooks of the schema, beside those of the collections.
pub const SNAPSHOT: &str = "snapshot";

/// When a hook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// Before a pull reads a collection.
    Query,
    /// After it read one: records with the ids of the instance.
    Dump,
    /// Before it writes a file: records, or the snapshot, as they will stand there.
    Save,
    /// After a file was read.
    Load,
}

impl Moment {
    /// As in configuration files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "onQuery",
            Self::Dump => "onDump",
            Self::Save => "onSave",
            Self::Load => "onLoad",
        }
    }
}

/// What a hook gives.
pub type Hooked<'a> = Pin<Box<dyn Future<Output = Result<Value, HookError>> + 'a>>;

/// A user's own functions.
pub trait Hooks: Send + Sync {
    /// Is there a hook for this collection (or [`SNAPSHOT`]) at this moment?
    fn has(&self, subject: &str, moment: Moment) -> bool;

    /// Calls it with a value: a query (an object), records (an array of objects) or a snapshot (an object), and gives what
    /// it makes of it, of the same kind.
    fn call<'a>(&'a self, subject: &'a str, moment: Moment, value: Value, client: &'a Client) -> Hooked<'a>;
}

/// A hook failed, or gave what cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct HookError {
    message: String,
    hint: Option<String>,
    #[source]
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl HookError {
    /// In a sentence that names the hook.
    #[must_use]
    pub fn new(message: String) -> Self {
        Self { message, hint: None, cause: None }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With what was behind it.
    #[must_use]
    pub fn caused_by(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// The hooks of a run, if there are any.
#[derive(Clone, Default)]
pub struct HookSet(Option<Arc<dyn Hooks>>);

impl fmt::Debug for HookSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "HookSet(some)" } else { "HookSet(none)" })
    }
}

impl From<Arc<dyn Hooks>> for HookSet {
    fn from(hooks: Arc<dyn Hooks>) -> Self {
        Self(Some(hooks))
    }
}

impl HookSet {
    /// The query of a collection, if a hook changes it.
    pub(crate) async fn query(
        &self,
        collection: &str,
        client: &Client,
    ) -> Result<Option<Fields>, EngineError> {
        let Some(hooks) = self.of(collection, Moment::Query) else { return Ok(None) };
        let asked = serde_json::json!({"limit": -1});
        match hooks.call(collection, Moment::Query, asked.clone(), client).await? {
            given if given == asked => Ok(None),
            Value::Object(query) => Ok(Some(query)),
            _ => Err(unusable(collection, Moment::Query, "the query, which is an object").into()),
        }
    }

    /// Records after a hook, each with its SyncID; `records` is only asked for if there is one.
    pub(crate) async fn records(
        &self,
        collection: &str,
        moment: Moment,
        client: &Client,
        records: impl FnOnce() -> Vec<Fields>,
    ) -> Result<Option<Vec<(SyncId, Fields)>>, EngineError> {
        let Some(hooks) = self.of(collection, moment) else { return Ok(None) };
        let given = Value::Array(records().into_iter().map(Value::Object).collect());
        match hooks.call(collection, moment, given, client).await? {
            Value::Array(items) => Ok(Some(checked(collection, moment, items)?)),
            _ => Err(unusable(collection, moment, "the array of records").into()),
        }
    }

    /// A snapshot after a hook.
    pub(crate) async fn snapshot(
        &self,
        moment: Moment,
        snapshot: Snapshot,
        client: &Client,
    ) -> Result<Snapshot, EngineError> {
        let Some(hooks) = self.of(SNAPSHOT, moment) else { return Ok(snapshot) };
        let given = hooks.call(SNAPSHOT, moment, snapshot.to_value(), client).await?;
        let no_snapshot = |error| {
            HookError::new(format!("hooks.{SNAPSHOT}.{} returned no snapshot", moment.name()))
                .caused_by(error)
        };
        Ok(Snapshot::from_value(given).map_err(no_snapshot)?)
    }

    fn of(&self, subject: &str, moment: Moment) -> Option<&Arc<dyn Hooks>> {
        self.0.as_ref().filter(|hooks| hooks.has(subject, moment))
    }
}

fn unusable(subject: &str, moment: Moment, expected: &str) -> HookError {
    HookError::new(format!("hooks.{subject}.{} has to return {expected}", moment.name()))
}

/// Each record has a SyncID, and no two have the same.
fn checked(subject: &str, moment: Moment, items: Vec<Value>) -> Result<Vec<(SyncId, Fields)>, HookError> {
    let hook = format!("hooks.{subject}.{}", moment.name());
    let (mut records, mut seen) = (Vec::with_capacity(items.len()), HashSet::new());
    for (index, item) in items.into_iter().enumerate() {
        let Value::Object(mut fields) = item else {
            let found = if item.is_null() { "nothing" } else { "no object" };
            let error = HookError::new(format!("{hook} returned an array whose item {index} is {found}"));
            return Err(error.hint("each item has to be a record: does a function given to map return it?"));
        };
        fields.shift_remove("id");
        let Some(Value::String(sync_id)) = fields.shift_remove("_syncId").filter(|id| id != "") else {
            let error = HookError::new(format!("{hook} returned an array whose item {index} has no _syncId"));
            return Err(error.hint("keep the _syncId of each record, and give a new one a text of its own"));
        };
        if !seen.insert(sync_id.clone()) {
            return Err(HookError::new(format!("{hook} returned two records with the _syncId {sync_id:?}")));
        }
        records.push((SyncId::from(sync_id), fields));
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_hook_returns_is_checked() {
        for (items, told) in [
            (json!([null]), "hooks.flows.onDump returned an array whose item 0 is nothing"),
            (json!([{"_syncId": "a"}, 1]), "hooks.flows.onDump returned an array whose item 1 is no object"),
            (json!([{"name": "a"}]), "hooks.flows.onDump returned an array whose item 0 has no _syncId"),
            (json!([{"_syncId": 1}]), "hooks.flows.onDump returned an array whose item 0 has no _syncId"),
            (
                json!([{"_syncId": "a"}, {"_syncId": "a"}]),
                "hooks.flows.onDump returned two records with the _syncId \"a\"",
            ),
        ] {
            let Value::Array(items) = items else { panic!("an array") };
            assert_eq!(checked("flows", Moment::Dump, items).unwrap_err().to_string(), told);
        }
        let records = checked("flows", Moment::Dump, vec![json!({"id": 1, "n": 2, "_syncId": "a"})]).unwrap();
        assert_eq!(records, [(SyncId::from("a"), Fields::from_iter([("n".to_owned(), json!(2))]))]);
    }
}
