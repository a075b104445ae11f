//! The permissions that everybody has who may use the application. No table holds them; the API shows them among the
//! others, without an id.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

/// Their rows, as the API shows them.
pub(crate) static ROWS: LazyLock<Vec<Value>> = LazyLock::new(rows);

fn rows() -> Vec<Value> {
    let mine = |field: &str| json!({field: {"_eq": "$CURRENT_USER"}});
    let all = || json!({});
    let some = |field: &str| json!({field: {"_nnull": true}});
    let presets = json!({"_or": [
        {"user": {"_eq": "$CURRENT_USER"}},
        {"_and": [{"user": {"_null": true}}, {"role": {"_eq": "$CURRENT_ROLE"}}]},
        {"_and": [{"user": {"_null": true}}, {"role": {"_null": true}}]},
    ]});
    let user = [
        "id",
        "first_name",
        "last_name",
        "last_page",
        "email",
        "password",
        "location",
        "title",
        "description",
        "tags",
        "provider",
        "preferences_divider",
        "avatar",
        "language",
        "appearance",
        "theme_light",
        "theme_dark",
        "tfa_secret",
        "status",
        "role",
    ];
    vec![
        row("collections", "read", all(), None, &["*"]),
        row("fields", "read", all(), None, &["*"]),
        row("relations", "read", all(), None, &["*"]),
        row("translations", "read", all(), None, &["*"]),
        row("activity", "read", mine("user"), None, &["*"]),
        row("comments", "read", mine("user_created"), None, &["*"]),
        row("comments", "create", all(), Some(some("comment")), &["*"]),
        row("comments", "update", mine("user_created"), None, &["comment"]),
        row("comments", "delete", mine("user_created"), None, &["*"]),
        row("presets", "read", presets, None, &["*"]),
        row("presets", "create", all(), Some(mine("user")), &["*"]),
        row("presets", "update", mine("user"), Some(mine("user")), &["*"]),
        row("presets", "delete", mine("user"), None, &["*"]),
        row("roles", "read", json!({"id": {"_in": "$CURRENT_ROLES"}}), None, &["*"]),
        row("settings", "read", all(), None, &["*"]),
        row("translations", "read", all(), None, &["*"]),
        row("notifications", "read", mine("recipient"), None, &["*"]),
        row("notifications", "update", mine("recipient"), None, &["status"]),
        row("shares", "read", mine("user_created"), None, &["*"]),
        row("users", "read", mine("id"), None, &user),
    ]
}

fn row(collection: &str, action: &str, filter: Value, validation: Option<Value>, fields: &[&str]) -> Value {
    json!({
        "policy": null,
        "permissions": filter,
        "validation": validation,
        "presets": null,
        "fields": fields,
        "system": true,
        "collection": format!("directus_{collection}"),
        "action": action,
    })
}

/// The rows that a filter does not exclude. What a row does not have cannot exclude it.
pub(crate) fn shown(filter: Option<&Value>) -> Vec<Value> {
    ROWS.iter().filter(|row| filter.is_none_or(|filter| fits(row, filter))).cloned().collect()
}

fn fits(row: &Value, filter: &Value) -> bool {
    let Value::Object(filter) = filter else { return true };
    filter.iter().all(|(name, rule)| match (name.as_str(), rule) {
        ("_and", Value::Array(rules)) => rules.iter().all(|rule| fits(row, rule)),
        ("_or", Value::Array(rules)) => rules.is_empty() || rules.iter().any(|rule| fits(row, rule)),
        (name, Value::Object(rules)) => row.get(name).is_none_or(|value| compares(value, rules)),
        _ => true,
    })
}

fn compares(value: &Value, rules: &Map<String, Value>) -> bool {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let among = |list: &Value| match list {
        Value::Array(list) => list.iter().any(|it| text(it) == text(value)),
        other => text(other).split(',').any(|it| it == text(value)),
    };
    rules.iter().all(|(operator, other)| match operator.as_str() {
        "_eq" => text(value) == text(other),
        "_neq" => text(value) != text(other),
        "_in" => among(other),
        "_nin" => !among(other),
        "_null" => value.is_null() != (other == &json!(false) || other == &json!("false")),
        "_nnull" => value.is_null() == (other == &json!(false) || other == &json!("false")),
        "_contains" => text(value).contains(&text(other)),
        "_starts_with" => text(value).starts_with(&text(other)),
        // A relation of a row without one.
        _ if !operator.starts_with('_') => value.is_object(),
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_filtered_by_what_they_have() {
        let count = |filter: Value| shown(Some(&filter)).len();
        assert_eq!(shown(None).len(), 20);
        assert_eq!(count(json!({"id": {"_eq": 1}})), 20);
        assert_eq!(count(json!({"collection": {"_eq": "notes"}})), 0);
        assert_eq!(count(json!({"collection": {"_eq": "directus_users"}})), 1);
        assert_eq!(
            count(
                json!({"_and": [{"collection": {"_in": ["directus_users"]}}, {"action": {"_eq": "read"}}]})
            ),
            1
        );
        assert_eq!(count(json!({"_or": [{"action": {"_eq": "create"}}, {"action": {"_eq": "delete"}}]})), 4);
        assert_eq!(count(json!({"policy": {"_null": true}})), 20);
        assert_eq!(count(json!({"policy": {"_nnull": true}})), 0);
        assert_eq!(count(json!({"policy": {"name": {"_eq": "x"}}})), 0);
    }
}
