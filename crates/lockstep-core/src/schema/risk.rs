//! What a schema change may cost, judged from what it says about tables and columns.

use super::change::{ChangeKind, Edit, Risk, SchemaChange, SchemaItem};
use super::shape::is_absent;
use super::snapshot::Snapshot;
use super::types;
use crate::json::{Json, Object};

/// What is said of a change.
pub(crate) struct Verdict {
    pub(crate) code: &'static str,
    pub(crate) risk: Risk,
    pub(crate) reason: Option<String>,
    pub(crate) way_out: Option<&'static str>,
}

/// The codes of changes that are not safe: code, severity, and what to do instead.
pub const CODES: [(&str, Risk, &str); 15] = [
    ("collection-dropped", Risk::Destructive, "export its records first, or keep it: --schema-exclude"),
    ("field-dropped", Risk::Destructive, "copy its values elsewhere first, or keep it in the desired schema"),
    (
        "likely-rename",
        Risk::Destructive,
        "push with --schema-mode merge first, copy the values, then push again",
    ),
    ("column-dropped", Risk::Destructive, "keep the field as it is, and add the alias under another name"),
    (
        "primary-key-changed",
        Risk::Destructive,
        "make a new collection with the new key, and move the records",
    ),
    (
        "relation-dropped",
        Risk::Destructive,
        "keep the relation: its values stay, but nothing says any more what they refer to",
    ),
    ("foreign-key-dropped", Risk::Destructive, "keep the foreign key, unless values are to refer to nothing"),
    ("relation-retargeted", Risk::Lossy, "empty the field first, or map its values to the new collection"),
    (
        "type-narrowed",
        Risk::Lossy,
        "add a field of the new type, copy the values, drop the old one in a later push",
    ),
    ("length-shortened", Risk::Lossy, "shorten the values first, or keep the length"),
    ("precision-reduced", Risk::Lossy, "round the values first, or keep the precision"),
    ("not-null-added", Risk::Lossy, "fill the empty values first"),
    ("unique-added", Risk::Lossy, "remove the duplicates first"),
    ("column-recomputed", Risk::Lossy, "keep the stored values in another field"),
    ("folder-dropped", Risk::Safe, ""),
];

fn coded(code: &'static str, reason: impl Into<String>) -> Verdict {
    let (_, risk, way_out) =
        CODES.iter().copied().find(|(known, ..)| *known == code).unwrap_or((code, Risk::Safe, ""));
    let unsafe_ = risk != Risk::Safe;
    let way_out = Some(way_out).filter(|text| !text.is_empty());
    Verdict { code, risk, reason: unsafe_.then(|| reason.into()), way_out }
}

fn safe(code: &'static str) -> Verdict {
    Verdict { code, risk: Risk::Safe, reason: None, way_out: None }
}

/// What a change may cost, why, and what to do instead.
pub(crate) fn judge(change: &SchemaChange, current: Option<&Snapshot>) -> Verdict {
    match (change.what, change.kind) {
        (SchemaItem::Collection, ChangeKind::Create) => safe("collection-created"),
        (SchemaItem::Collection, ChangeKind::Update) => safe("collection-changed"),
        (SchemaItem::Collection, ChangeKind::Delete) => collection_dropped(change),
        (SchemaItem::Field, ChangeKind::Create) => safe("field-created"),
        (SchemaItem::Field, ChangeKind::Delete) => field_dropped(change, current),
        (SchemaItem::Field, ChangeKind::Update) => field_altered(change, current),
        (SchemaItem::Relation, ChangeKind::Create) => safe("relation-created"),
        (SchemaItem::Relation, ChangeKind::Delete) => coded("relation-dropped", "the relation is dropped"),
        (SchemaItem::Relation, ChangeKind::Update) => relation_altered(change),
        (SchemaItem::SystemField, _) => safe("index-changed"),
    }
}

/// Says of a dropped field and an added one of the same shape that they are most likely one that was renamed.
pub(crate) fn name_renames(changes: &mut [SchemaChange]) {
    let shape = |change: &SchemaChange| {
        let edit = change.edit("")?;
        let item = edit.before.as_ref().or(edit.after.as_ref())?;
        let column = item.get("schema")?.as_object()?;
        let column: Vec<_> = column.iter().filter(|(key, _)| key.as_str() != "name").collect();
        let interface = item.get("meta").and_then(|meta| meta.get("interface"));
        Some(
            serde_json::to_string(&(
                item.get("type"),
                column.into_iter().map(|(key, value)| (key.as_str(), value)).collect::<Vec<_>>(),
                interface,
            ))
            .unwrap_or_default(),
        )
    };
    let of_kind = |kind: ChangeKind| -> Vec<(usize, String, String, String)> {
        let fields = changes
            .iter()
            .enumerate()
            .filter(|(_, change)| change.what == SchemaItem::Field && change.kind == kind);
        fields
            .filter_map(|(place, change)| {
                Some((place, change.collection.clone(), change.field.clone()?, shape(change)?))
            })
            .collect()
    };
    let (dropped, mut added) = (of_kind(ChangeKind::Delete), of_kind(ChangeKind::Create));
    // A key under another name is no rename that could be done some other way.
    let dropped = dropped.into_iter().filter(|(place, ..)| changes[*place].code != "primary-key-changed");
    for (place, collection, field, shape) in dropped.collect::<Vec<_>>() {
        let Some(found) = added.iter().position(|(_, of, _, like)| *of == collection && *like == shape)
        else {
            continue;
        };
        let (_, _, new, _) = added.remove(found);
        let verdict = coded(
            "likely-rename",
            format!("{field} looks renamed to {new}, but its values would be dropped"),
        );
        let change = &mut changes[place];
        (change.code, change.reason, change.way_out) = (verdict.code, verdict.reason, verdict.way_out);
    }
}

/// A folder has no table, so nothing is stored in it.
fn collection_dropped(change: &SchemaChange) -> Verdict {
    if is_absent(whole(change).and_then(|item| item.get("schema"))) {
        return coded("folder-dropped", "");
    }
    coded("collection-dropped", "the table and all its records are dropped")
}

/// An alias has no column, so nothing is stored in it. Of a counted key a diff does not say that it has one.
fn field_dropped(change: &SchemaChange, current: Option<&Snapshot>) -> Verdict {
    let known = current.zip(change.field.as_deref());
    let known = known.and_then(|(current, field)| current.field(&change.collection, field)?.get("schema"));
    let column = whole(change).and_then(|item| item.get("schema")).filter(|schema| !schema.is_null());
    let column = column.or(known);
    if is_absent(column) {
        return safe("alias-dropped");
    }
    if column.and_then(|column| column.get("is_primary_key")) == Some(&Json::Bool(true)) {
        return coded("primary-key-changed", "the primary key is dropped");
    }
    coded("field-dropped", "the column and all its values are dropped")
}

fn relation_altered(change: &SchemaChange) -> Verdict {
    if change.edit("schema").is_some_and(|edit| is_absent(edit.after.as_ref())) {
        return coded("foreign-key-dropped", "the foreign key is dropped");
    }
    let retargeted = ["related_collection", "schema.foreign_key_table", "schema.foreign_key_column"];
    if retargeted.iter().any(|path| change.edit(path).is_some_and(|edit| !is_absent(edit.before.as_ref()))) {
        return coded("relation-retargeted", "it points elsewhere, where stored keys may not exist");
    }
    safe("relation-changed")
}

/// The highest risk among the reasons there are, with all reasons of that risk.
fn field_altered(change: &SchemaChange, current: Option<&Snapshot>) -> Verdict {
    let column = Column::of(change, current);
    if let Some((code, reason)) = column.lost() {
        return coded(code, reason);
    }
    let reasons: Vec<(&'static str, String)> = [
        ("type-narrowed", column.narrowed_type()),
        ("length-shortened", column.shortened()),
        ("precision-reduced", column.less_precise()),
        (column.constraint(), column.constrained()),
        ("column-recomputed", column.recomputed()),
    ]
    .into_iter()
    .filter_map(|(code, reason)| Some((code, reason?)))
    .collect();
    let Some((code, _)) = reasons.first() else { return safe("field-changed") };
    coded(code, reasons.iter().map(|(_, reason)| reason.as_str()).collect::<Vec<_>>().join("; "))
}

/// What a change says about a column, with what the target's snapshot adds.
struct Column<'a> {
    change: &'a SchemaChange,
    now: Option<&'a Object>,
}

impl<'a> Column<'a> {
    fn of(change: &'a SchemaChange, current: Option<&'a Snapshot>) -> Self {
        let field = change.field.as_deref().unwrap_or_default();
        let now = current.and_then(|current| current.field(&change.collection, field));
        Self { change, now: now.and_then(|field| field.get("schema")).and_then(Json::as_object) }
    }

    fn edit(&self, property: &str) -> Option<&Edit> {
        self.change.edit(&format!("schema.{property}"))
    }

    fn turns_on(&self, property: &str) -> bool {
        self.edit(property).is_some_and(|edit| edit.after == Some(Json::Bool(true)))
    }

    fn is_primary_key(&self) -> bool {
        self.now.and_then(|schema| schema.get("is_primary_key")) == Some(&Json::Bool(true))
    }

    fn lost(&self) -> Option<(&'static str, &'static str)> {
        let retyped = self.change.edit("type").is_some() || self.edit("data_type").is_some();
        if self.change.edit("schema").is_some_and(|edit| is_absent(edit.after.as_ref())) {
            Some(("column-dropped", "the column and all its values are dropped"))
        } else if self.edit("is_primary_key").is_some() {
            Some(("primary-key-changed", "the primary key is changed"))
        } else if self.is_primary_key() && retyped {
            Some(("primary-key-changed", "the type of the primary key is changed"))
        } else {
            None
        }
    }

    /// The database's type decides; Directus' own does where the database's stays as it is.
    fn narrowed_type(&self) -> Option<String> {
        let edit = self.edit("data_type").or_else(|| self.change.edit("type"))?;
        let name =
            |value: &Option<Json>| value.as_ref().and_then(Json::as_str).unwrap_or("unknown").to_owned();
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

    fn constraint(&self) -> &'static str {
        if self.requires() { "not-null-added" } else { "unique-added" }
    }

    fn requires(&self) -> bool {
        self.edit("is_nullable").is_some_and(|edit| edit.after == Some(Json::Bool(false)))
    }

    fn constrained(&self) -> Option<String> {
        match (self.requires(), self.turns_on("is_unique")) {
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

fn whole(change: &SchemaChange) -> Option<&Json> {
    change.edit("").and_then(|edit| edit.before.as_ref())
}

fn number(value: Option<&Json>) -> Option<i64> {
    value.and_then(Json::as_i64)
}
