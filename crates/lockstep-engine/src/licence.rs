//! What the licence of a Directus 12 allows, asked before the first write.
//!
//! The server enforces it record by record, in the middle of a push; a push that cannot end is refused before it
//! begins. Without a licence ("Core") 12.4.0 allows 25 collections and 5 active flows, and no custom permission rules.

use lockstep_core::checkup::Check;
use lockstep_core::reconcile::Action;
use lockstep_core::record::Fields;
use lockstep_core::report::SchemaReport;
use lockstep_core::schema::{ChangeKind, SchemaChange, SchemaItem};
use lockstep_directus::server;
use serde_json::Value;

use crate::compare::Compared;
use crate::error::EngineError;
use crate::instance::Instance;

/// Refuses changes that the licence of the instance does not allow.
///
/// # Errors
/// [`EngineError::Licence`] with everything that is too much.
pub(crate) async fn check(instance: &Instance, compared: &Compared) -> Result<(), EngineError> {
    let Some(licence) = read(instance).await? else { return Ok(()) };
    let schema = compared.differences.schema.as_deref();
    let mut excess: Vec<String> =
        schema.and_then(|schema| excess_of_collections(&licence, schema)).into_iter().collect();
    excess.extend(excess_of_records(&licence, compared));
    if excess.is_empty() { Ok(()) } else { Err(EngineError::Licence(excess.join("; "))) }
}

/// [`check`] of a schema alone.
///
/// # Errors
/// As [`check`].
pub(crate) async fn check_schema(instance: &Instance, schema: &SchemaReport) -> Result<(), EngineError> {
    if schema.changes.is_empty() {
        return Ok(());
    }
    let Some(licence) = read(instance).await? else { return Ok(()) };
    excess_of_collections(&licence, schema).map_or(Ok(()), |excess| Err(EngineError::Licence(excess)))
}

/// The licence; none where there is no such thing.
async fn read(instance: &Instance) -> Result<Option<Value>, EngineError> {
    if instance.version.major < 12 {
        return Ok(None);
    }
    Ok(server::license(&instance.client).await?)
}

/// What a doctor says of it.
///
/// # Errors
/// When it cannot be asked.
pub(crate) async fn told(instance: &Instance) -> Result<Check, EngineError> {
    Ok(read(instance).await?.map_or_else(
        || Check::good("licence", "this version has none"),
        |licence| {
            let used = |name: &str| licence.pointer(&format!("/usage/{name}")).and_then(Value::as_i64);
            let of = |name: &str| match (used(name), limit(&licence, name)) {
                (Some(used), Some(limit)) => Some(format!("{used} of {limit} {name}")),
                (_, limit) => limit.map(|limit| format!("at most {limit} {name}")),
            };
            let limits: Vec<String> = ["collections", "flows", "users"].into_iter().filter_map(of).collect();
            match limits.is_empty() {
                true => Check::good("licence", "it sets no limits"),
                false => {
                    Check::good("licence", format!("{}; a push is checked against it", limits.join(", ")))
                }
            }
        },
    ))
}

fn limit(licence: &Value, name: &str) -> Option<i64> {
    licence.pointer(&format!("/entitlements/{name}/limit")).and_then(Value::as_i64)
}

fn excess_of_collections(licence: &Value, schema: &SchemaReport) -> Option<String> {
    let limit = limit(licence, "collections")?;
    let used = licence.pointer("/usage/collections").and_then(Value::as_i64)?;
    let (added, removed) = collections(&schema.changes);
    let after = used + added - removed;
    (added > 0 && after > limit).then(|| format!("{after} collections, {limit} allowed"))
}

fn excess_of_records(licence: &Value, compared: &Compared) -> Vec<String> {
    let mut excess = Vec::new();
    if let Some(limit) = limit(licence, "flows") {
        let (after, more) = active_flows(compared);
        if more && after > limit {
            excess.push(format!("{after} active flows, {limit} allowed"));
        }
    }
    let custom =
        licence.pointer("/entitlements/custom_permission_rules_enabled/default").and_then(Value::as_bool);
    if custom == Some(false) {
        let rules = custom_rules(compared);
        if !rules.is_empty() {
            excess.push(format!(
                "{} custom permission rules ({}), none allowed",
                rules.len(),
                rules.join(", ")
            ));
        }
    }
    excess
}

/// Collections with a table that are created, and that are dropped.
fn collections(changes: &[SchemaChange]) -> (i64, i64) {
    let (mut added, mut removed) = (0, 0);
    for change in changes.iter().filter(|change| change.what == SchemaItem::Collection) {
        let edit = change.edits.first();
        let item = edit.and_then(|edit| edit.after.as_ref().or(edit.before.as_ref()));
        let has_table = item.and_then(|item| item.get("schema")).is_some_and(|schema| !schema.is_null());
        match change.kind {
            ChangeKind::Create if has_table => added += 1,
            ChangeKind::Delete if has_table => removed += 1,
            _ => {}
        }
    }
    (added, removed)
}

/// Active flows after the push, and whether it activates any.
fn active_flows(compared: &Compared) -> (i64, bool) {
    let is_active = |value: Option<&Value>| value.and_then(Value::as_str) == Some("active");
    let rows = compared.rows.get("flows").into_iter().flatten();
    let mut after = rows.filter(|row| is_active(row.fields.get("status"))).count().cast_signed() as i64;
    let before = after;
    for (_, change) in compared.changes.iter().filter(|(collection, _)| collection.name == "flows") {
        let mut rows = compared.rows.get("flows").into_iter().flatten();
        let row = rows.find(|row| Some(&row.id) == change.difference.id.as_ref());
        let was = row.is_some_and(|row| is_active(row.fields.get("status")));
        let will = match change.difference.action {
            Action::Create => is_active(change.write.get("status")),
            Action::Update if change.write.contains_key("status") => is_active(change.write.get("status")),
            Action::Update => was,
            Action::Delete | Action::Merge => false,
        };
        after += i64::from(will) - i64::from(was);
    }
    (after, after > before)
}

/// Rules that the server recommends for users of its app, and therefore allows although they are custom ones.
const RECOMMENDED: [(&str, &str); 8] = [
    ("directus_files", "update"),
    ("directus_files", "delete"),
    ("directus_flows", "read"),
    ("directus_folders", "delete"),
    ("directus_shares", "read"),
    ("directus_shares", "update"),
    ("directus_shares", "delete"),
    ("directus_users", "update"),
];

/// Permissions to be written that are more than "all fields of all items".
fn custom_rules(compared: &Compared) -> Vec<String> {
    let writes = compared.changes.iter().filter(|(collection, change)| {
        collection.name == "permissions"
            && matches!(change.difference.action, Action::Create | Action::Update)
    });
    writes
        .filter(|(_, change)| is_custom(&change.write))
        .map(|(_, change)| change.difference.label.clone())
        .collect()
}

/// What 12.4.0 takes for a custom rule. Whether one on a recommended pair is exactly the recommended one is for the
/// server to say.
pub(crate) fn is_custom(write: &Fields) -> bool {
    let all_fields = write
        .get("fields")
        .and_then(Value::as_array)
        .is_some_and(|fields| fields.contains(&Value::from("*")));
    let says_something = |name: &str| match write.get(name) {
        Some(Value::Object(rule)) => !rule.is_empty(),
        Some(Value::Array(rules)) => !rules.is_empty(),
        _ => false,
    };
    let text = |name: &str| write.get(name).and_then(Value::as_str).unwrap_or_default();
    let recommended = RECOMMENDED.contains(&(text("collection"), text("action")));
    let restricts = !all_fields || says_something("permissions");
    says_something("validation") || says_something("presets") || restricts && !recommended
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_is_custom_unless_it_covers_everything_or_is_recommended() {
        let custom = |write: Value| is_custom(write.as_object().unwrap());
        assert!(!custom(json!({"fields": ["*"], "permissions": {}, "validation": null, "presets": null})));
        assert!(custom(json!({"fields": ["title"]})));
        assert!(custom(json!({"fields": null})));
        assert!(custom(json!({"fields": ["*"], "permissions": {"id": {"_eq": 1}}})));
        assert!(custom(json!({"fields": ["*"], "presets": {"status": "draft"}})));
        let own = json!({"collection": "directus_users", "action": "update", "fields": ["email"],
            "permissions": {"id": {"_eq": "$CURRENT_USER"}}});
        assert!(!custom(own));
    }
}
