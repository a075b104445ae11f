//! What a schema change may cost, judged from what it says about tables and columns.

use serde_json::{Map, Value};

use super::change::{ChangeKind, Edit, Risk, SchemaChange, SchemaItem};
use super::snapshot::Snapshot;
use super::types;

type Verdict = (Risk, Option<String>);

const SAFE: Verdict = (Risk::Safe, None);

/// The risk of a change and, unless it is safe, the reason as one clause.
pub(crate) fn judge(change: &SchemaChange, current: Option<&Snapshot>) -> Verdict {
    match (change.what, change.kind) {
        (SchemaItem::Collection, ChangeKind::Delete) => collection_dropped(change),
        (SchemaItem::Field, ChangeKind::Delete) => field_dropped(change),
        (SchemaItem::Field, ChangeKind::Update) => field_altered(change, current),
        (SchemaItem::Relation, ChangeKind::Delete) => destructive("the relation is dropped".into()),
        (SchemaItem::Relation, ChangeKind::Update) => relation_altered(change),
        _ => SAFE,
    }
}

fn destructive(reason: String) -> Verdict {
    (Risk::Destructive, Some(reason))
}

/// A folder has no table, so nothing is stored in it.
fn collection_dropped(change: &SchemaChange) -> Verdict {
    if is_absent(whole(change).and_then(|item| item.get("schema"))) {
        return SAFE;
    }
    destructive("the table and all its records are dropped".into())
}

/// An alias has no column, so nothing is stored in it.
fn field_dropped(change: &SchemaChange) -> Verdict {
    if is_absent(whole(change).and_then(|item| item.get("schema"))) {
        return SAFE;
    }
    destructive("the column and all its values are dropped".into())
}

fn relation_altered(change: &SchemaChange) -> Verdict {
    if change.edit("schema").is_some_and(|edit| is_absent(edit.after.as_ref())) {
        return destructive("the foreign key is dropped".into());
    }
    let retargeted = ["related_collection", "schema.foreign_key_table", "schema.foreign_key_column"];
    if retargeted.iter().any(|path| change.edit(path).is_some_and(|edit| !is_absent(edit.before.as_ref()))) {
        return (Risk::Lossy, Some("it points elsewhere, where stored keys may not exist".into()));
    }
    SAFE
}

/// The highest risk among the reasons there are, with all reasons of that risk.
fn field_altered(change: &SchemaChange, current: Option<&Snapshot>) -> Verdict {
    let column = Column::of(change, current);
    if let Some(reason) = column.lost() {
        return destructive(reason.into());
    }
    let reasons: Vec<String> = [
        column.narrowed_type(),
        column.shortened(),
        column.less_precise(),
        column.constrained(),
        column.recomputed(),
    ]
    .into_iter()
    .flatten()
    .collect();
    if reasons.is_empty() { SAFE } else { (Risk::Lossy, Some(reasons.join("; "))) }
}

/// What a change says about a column, with what the target's snapshot adds.
struct Column<'a> {
    change: &'a SchemaChange,
    now: Option<&'a Map<String, Value>>,
}

impl<'a> Column<'a> {
    fn of(change: &'a SchemaChange, current: Option<&'a Snapshot>) -> Self {
        let field = change.field.as_deref().unwrap_or_default();
        let now = current.and_then(|current| current.field(&change.collection, field));
        Self { change, now: now.and_then(|field| field.get("schema")).and_then(Value::as_object) }
    }

    fn edit(&self, property: &str) -> Option<&Edit> {
        self.change.edit(&format!("schema.{property}"))
    }

    fn turns_on(&self, property: &str) -> bool {
        self.edit(property).is_some_and(|edit| edit.after == Some(Value::Bool(true)))
    }

    fn is_primary_key(&self) -> bool {
        self.now.and_then(|schema| schema.get("is_primary_key")) == Some(&Value::Bool(true))
    }

    fn lost(&self) -> Option<&'static str> {
        let retyped = self.change.edit("type").is_some() || self.edit("data_type").is_some();
        if self.change.edit("schema").is_some_and(|edit| is_absent(edit.after.as_ref())) {
            Some("the column and all its values are dropped")
        } else if self.edit("is_primary_key").is_some() {
            Some("the primary key is changed")
        } else if self.is_primary_key() && retyped {
            Some("the type of the primary key is changed")
        } else {
            None
        }
    }

    /// The database's type decides; Directus' own does where the database's stays as it is.
    fn narrowed_type(&self) -> Option<String> {
        let edit = self.edit("data_type").or_else(|| self.change.edit("type"))?;
        let name =
            |value: &Option<Value>| value.as_ref().and_then(Value::as_str).unwrap_or("unknown").to_owned();
        let (before, after) = (name(&edit.before), name(&edit.after));
        let fits = types::holds_all(&before, &after);
        (!fits).then(|| format!("{after} does not hold every value of {before}"))
    }

    /// No length means no limit, where the type stays as it is.
    fn shortened(&self) -> Option<String> {
        let edit = self.edit("max_length")?;
        let after = number(edit.after.as_ref()).filter(|&after| after >= 0)?;
        match number(edit.before.as_ref()).filter(|&before| before >= 0) {
            Some(before) if after < before => Some(format!("values longer than {after} are cut or refused")),
            None if self.edit("data_type").is_none() => {
                Some(format!("values longer than {after} are cut or refused"))
            }
            _ => None,
        }
    }

    /// Digits before the point are precision less scale: a scale that grows alone takes them away.
    fn less_precise(&self) -> Option<String> {
        let precision = self.difference("numeric_precision");
        let scale = self.difference("numeric_scale");
        if precision < 0 || scale > precision.max(0) {
            return Some("numbers with many digits no longer fit".into());
        }
        (scale < 0).then(|| "digits after the point are cut".into())
    }

    fn difference(&self, property: &str) -> i64 {
        let numbers =
            self.edit(property).map(|edit| (number(edit.before.as_ref()), number(edit.after.as_ref())));
        match numbers {
            Some((Some(before), Some(after))) => after - before,
            _ => 0,
        }
    }

    fn constrained(&self) -> Option<String> {
        let required = self.edit("is_nullable").is_some_and(|edit| edit.after == Some(Value::Bool(false)));
        match (required, self.turns_on("is_unique")) {
            (true, true) => Some("records without a value, and equal values, are refused".into()),
            (true, false) => Some("records without a value are refused".into()),
            (false, true) => Some("equal values are refused".into()),
            (false, false) => None,
        }
    }

    fn recomputed(&self) -> Option<String> {
        let generated = self.turns_on("is_generated") || self.edit("generation_expression").is_some();
        generated.then(|| "stored values are replaced by computed ones".into())
    }
}

fn whole(change: &SchemaChange) -> Option<&Value> {
    change.edit("").and_then(|edit| edit.before.as_ref())
}

fn is_absent(value: Option<&Value>) -> bool {
    value.is_none_or(Value::is_null)
}

fn number(value: Option<&Value>) -> Option<i64> {
    value.and_then(Value::as_i64)
}
