//! Records without what the server insists on: it would refuse them in the middle of a push.

use serde_json::Value;

use super::{Problem, Reconciler};
use crate::collection::Collection;
use crate::identity::specials::is_special;
use crate::record::{Record, Row};

impl Reconciler<'_> {
    /// What the server insists on and a record to be written does not have. A field that a record leaves out stays as the row
    /// has it; one whose variable is not set is told as that.
    pub(super) fn lacking(
        &self,
        collection: &'static Collection,
        record: &Record,
        row: Option<&Row>,
        label: &impl Fn() -> String,
    ) -> Vec<Problem> {
        let actions = self.comparison.mode.actions(collection);
        let is_written = match row {
            Some(_) => actions.update,
            None => actions.create && !is_special(record.sync_id.as_str()),
        };
        let required = collection.required.iter().filter(|_| is_written);
        let unset = &self.comparison.transformed.unset;
        let is_unset =
            |field: &str| unset.contains(&(collection.name, record.sync_id.clone(), field.to_owned()));
        let lacks = required.filter(|required| match record.fields.get(required.field()) {
            Some(value) => !required.takes(value),
            None => row.is_none() && !is_unset(required.field()),
        });
        lacks
            .map(|required| Problem::Lacking {
                place: self.comparison.mode.place(collection, &record.sync_id),
                sync_id: record.sync_id.clone(),
                label: label(),
                field: required.field(),
                needs: required.form(),
                found: record.fields.get(required.field()).map(form),
            })
            .collect()
    }
}

/// What a value is, in words.
fn form(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
