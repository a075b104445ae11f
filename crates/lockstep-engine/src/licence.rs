//! What the licence of a Directus 12 allows, asked before the first write.
//!
//! The server enforces it record by record, in the middle of a push; a push that cannot end is refused before it
//! begins. Without a licence ("Core") 12.4.0 allows 25 collections and 5 active flows, and no custom permission rules but
//! those that it recommends itself.

use std::collections::BTreeMap;

use futures::future::join_all;
use lockstep_core::checkup::Check;
use lockstep_core::reconcile::{Action, Change};
use lockstep_core::record::Fields;
use lockstep_core::report::SchemaReport;
use lockstep_core::schema::{ChangeKind, SchemaChange, SchemaItem};
use lockstep_directus::{ErrorKind, Request, Safety, server};
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
    excess.extend(excess_of_flows(&licence, compared));
    excess.extend(excess_of_rules(instance, &licence, compared).await);
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

fn excess_of_flows(licence: &Value, compared: &Compared) -> Option<String> {
    let limit = limit(licence, "flows")?;
    let (after, more) = active_flows(compared);
    (more && after > limit).then(|| format!("{after} active flows, {limit} allowed"))
}

async fn excess_of_rules(instance: &Instance, licence: &Value, compared: &Compared) -> Option<String> {
    let custom = licence.pointer("/entitlements/custom_permission_rules_enabled/default");
    if custom.and_then(Value::as_bool) != Some(false) {
        return None;
    }
    let mut rules = written(compared, Judgement::Custom);
    let mut doubtful: BTreeMap<String, Vec<&Change>> = BTreeMap::new();
    for change in written(compared, Judgement::UpToTheServer) {
        doubtful.entry(rule(&change.write).to_string()).or_default().push(change);
    }
    let asked = doubtful.iter().map(async |(rule, changes)| refuses(instance, rule).await.then_some(changes));
    rules.extend(join_all(asked).await.into_iter().flatten().flatten());
    let labels: Vec<&str> = rules.iter().map(|change| change.difference.label.as_str()).collect();
    (!labels.is_empty())
        .then(|| format!("{} custom permission rules ({}), none allowed", labels.len(), labels.join(", ")))
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

/// What 12.4.0 takes a rule for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judgement {
    /// All fields of all items.
    Ordinary,
    /// One on a recommended pair of collection and action: whether it is exactly the recommended one, the server says.
    UpToTheServer,
    /// Anything else.
    Custom,
}

/// Permissions to be written that are this.
fn written(compared: &Compared, judgement: Judgement) -> Vec<&Change> {
    let writes = compared.changes.iter().filter(|(collection, change)| {
        collection.name == "permissions"
            && matches!(change.difference.action, Action::Create | Action::Update)
    });
    writes.map(|(_, change)| change).filter(|change| judge(&change.write) == judgement).collect()
}

/// True for a rule that cannot be written without a licence whatever the server recommends.
pub(crate) fn is_custom(write: &Fields) -> bool {
    judge(write) == Judgement::Custom
}

fn judge(write: &Fields) -> Judgement {
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
    match (says_something("validation") || says_something("presets"), restricts, recommended) {
        (false, false, _) => Judgement::Ordinary,
        (false, true, true) => Judgement::UpToTheServer,
        _ => Judgement::Custom,
    }
}

/// What the server judges a permission by.
fn rule(write: &Fields) -> Value {
    let parts = ["collection", "action", "fields", "permissions"];
    let said = parts.into_iter().filter_map(|part| Some((part.to_owned(), write.get(part)?.clone())));
    Value::Object(said.collect())
}

/// Asks the server whether it refuses a rule, by a change of no permission at all: it looks at the rule first. Where it cannot
/// be asked, the write tells.
async fn refuses(instance: &Instance, rule: &str) -> bool {
    let body = format!(r#"{{"keys":[],"data":{rule}}}"#);
    let question = Request::patch("/permissions").raw_json(body.into_bytes()).safety(Safety::Read);
    let answer = instance.client.send(&question).await;
    answer.is_err_and(|error| error.kind() == ErrorKind::ResourceRestricted)
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

    #[test]
    fn the_server_is_asked_about_what_it_recommends_only() {
        for (write, judgement) in [
            (
                json!({"collection": "directus_users", "action": "update", "fields": ["*"]}),
                Judgement::Ordinary,
            ),
            (
                json!({"collection": "directus_users", "action": "update", "fields": ["email"]}),
                Judgement::UpToTheServer,
            ),
            (
                json!({"collection": "directus_users", "action": "read", "fields": ["email"]}),
                Judgement::Custom,
            ),
            (
                json!({"collection": "directus_flows", "action": "read", "fields": ["*"], "presets": {"name": "x"}}),
                Judgement::Custom,
            ),
        ] {
            assert_eq!(judge(write.as_object().unwrap()), judgement, "{write}");
        }
        let write =
            json!({"policy": "p", "collection": "directus_flows", "action": "read", "fields": ["id"]});
        let asked = json!({"collection": "directus_flows", "action": "read", "fields": ["id"]});
        assert_eq!(rule(write.as_object().unwrap()), asked);
    }
}
