//! What the licence of a Directus 12 allows, asked before the first write.
//!
//! The server enforces it record by record, in the middle of a push; a push that cannot end is refused before it
//! begins. Without a licence ("Core") 12.4.0 allows 25 collections and 5 active flows, and no custom permission rules.

use lockstep_core::reconcile::Action;
use lockstep_core::schema::{ChangeKind, SchemaItem};
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
    if instance.version.major < 12 {
        return Ok(());
    }
    let Some(licence) = server::license(&instance.client).await? else { return Ok(()) };
    let excess = excess(&licence, compared);
    if excess.is_empty() { Ok(()) } else { Err(EngineError::Licence(excess.join("; "))) }
}

fn excess(licence: &Value, compared: &Compared) -> Vec<String> {
    let mut excess = Vec::new();
    let limit = |name: &str| licence.pointer(&format!("/entitlements/{name}/limit")).and_then(Value::as_i64);
    if let (Some(limit), Some(used)) =
        (limit("collections"), licence.pointer("/usage/collections").and_then(Value::as_i64))
    {
        let (added, removed) = collections(compared);
        let after = used + added - removed;
        if added > 0 && after > limit {
            excess.push(format!("{after} collections, {limit} allowed"));
        }
    }
    if let Some(limit) = limit("flows") {
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

/// Collections with a table that the push creates, and that it drops.
fn collections(compared: &Compared) -> (i64, i64) {
    let changes = compared.differences.schema.iter().flat_map(|schema| &schema.changes);
    let (mut added, mut removed) = (0, 0);
    for change in changes.filter(|change| change.what == SchemaItem::Collection) {
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
        let row = rows.find(|row| Some(&row.id) == change.id.as_ref());
        let was = row.is_some_and(|row| is_active(row.fields.get("status")));
        let will = match change.action {
            Action::Create => is_active(change.write.get("status")),
            Action::Update if change.write.contains_key("status") => is_active(change.write.get("status")),
            Action::Update => was,
            Action::Delete | Action::Merge => false,
        };
        after += i64::from(will) - i64::from(was);
    }
    (after, after > before)
}

/// Permissions to be written that are more than "all fields of all items" or nothing.
fn custom_rules(compared: &Compared) -> Vec<String> {
    let is_custom = |value: Option<&Value>| match value {
        Some(Value::Object(rule)) => !rule.is_empty(),
        Some(Value::Array(rules)) => !rules.is_empty(),
        _ => false,
    };
    let writes = compared.changes.iter().filter(|(collection, change)| {
        collection.name == "permissions" && matches!(change.action, Action::Create | Action::Update)
    });
    writes
        .filter(|(_, change)| {
            ["permissions", "validation", "presets"].iter().any(|name| is_custom(change.write.get(*name)))
        })
        .map(|(_, change)| change.label.clone())
        .collect()
}
