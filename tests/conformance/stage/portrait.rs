//! What an instance holds, with names in place of ids: two instances that were made apart from each other can be
//! compared by it, whatever ids their records have. It knows nothing of how Lockstep tells records apart.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lockstep_testkit::directus::Directus;
use serde_json::{Value, json};

use super::{admin_role, array, major, rows};

/// Records as texts with names in place of ids, by collection; those that are alike stand as often as they are.
pub(crate) type Portrait = BTreeMap<&'static str, Vec<String>>;

/// What belongs to the instance and not to the project, by collection.
const OWN: [(&str, &[&str]); 11] = [
    ("settings", &["project_id", "project_url", "mcp_prompts_collection"]),
    ("folders", &[]),
    ("translations", &[]),
    ("flows", &["date_created", "user_created", "operations"]),
    ("operations", &["date_created", "user_created"]),
    ("roles", &["users", "children", "policies"]),
    ("policies", &["users", "permissions", "roles"]),
    ("permissions", &[]),
    ("dashboards", &["date_created", "user_created", "panels"]),
    ("panels", &["date_created", "user_created"]),
    ("presets", &["user"]),
];

/// Both instances hold the same project: schema, records, attachments of policies.
///
/// # Panics
/// If not, with what only one of them has.
pub(crate) async fn assert_alike(one: &Directus, other: &Directus) {
    assert_same(&of(one).await, &of(other).await, "records");
    assert_same(&schema(one).await, &schema(other).await, "schema");
}

/// What an instance holds.
pub(crate) async fn of(directus: &Directus) -> Portrait {
    let mut all: BTreeMap<&'static str, Vec<Value>> = BTreeMap::new();
    for (collection, _) in OWN.into_iter().filter(|(name, _)| exists(directus, name)) {
        let rows = match collection {
            "settings" => vec![directus.get("/settings").await.unwrap()],
            _ => rows(directus, collection).await,
        };
        all.insert(collection, rows);
    }
    if exists(directus, "policies") {
        all.insert("access", rows(directus, "access").await);
    }
    let names = names(&all, &admin_role(directus).await);
    all.iter().map(|(collection, rows)| (*collection, describe(collection, rows, &names))).collect()
}

/// The schema of an instance, each part as a text.
pub(crate) async fn schema(directus: &Directus) -> Portrait {
    let snapshot = directus.get("/schema/snapshot").await.unwrap();
    let parts = ["collections", "fields", "relations"].map(|part| {
        let items = array(snapshot[part].clone());
        let mut items: Vec<_> =
            items.iter().filter(|item| !is_of_a_tool(item)).map(|item| sorted(item).to_string()).collect();
        items.sort_unstable();
        (part, items)
    });
    parts.into()
}

fn is_of_a_tool(item: &Value) -> bool {
    ["lockstep_state", "directus_sync_id_map"].iter().any(|table| item["collection"] == *table)
}

fn exists(directus: &Directus, collection: &str) -> bool {
    collection != "policies" || major(directus.version()) >= 11
}

/// Both portraits are the same.
///
/// # Panics
/// If not, with what only one of them has.
#[track_caller]
pub(crate) fn assert_same(one: &Portrait, other: &Portrait, what: &str) {
    let list = |portrait: &Portrait| -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (collection, items) in portrait {
            for item in items {
                *counts.entry(format!("{collection}: {item}")).or_default() += 1;
            }
        }
        counts
    };
    let (one, other) = (list(one), list(other));
    let keys: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let differing: Vec<_> = keys
        .into_iter()
        .filter(|key| one.get(*key) != other.get(*key))
        .map(|key| {
            let count = |counts: &BTreeMap<String, usize>| counts.get(key).copied().unwrap_or_default();
            format!("  {}x on the one, {}x on the other: {key}", count(&one), count(&other))
        })
        .collect();
    assert!(differing.is_empty(), "the {what} differ:\n{}", differing.join("\n"));
}

/// A name for every id.
fn names(all: &BTreeMap<&'static str, Vec<Value>>, admin_role: &str) -> HashMap<String, String> {
    let mut names = HashMap::from([(admin_role.to_owned(), "<role of the administrator>".to_owned())]);
    // A name can contain the name of a record of a collection before it, or of its own (a parent).
    let order = [
        ("folders", &["parent", "name"][..]),
        ("roles", &["name"]),
        ("policies", &["name"]),
        ("flows", &["name"]),
        ("operations", &["flow", "key"]),
        ("dashboards", &["name"]),
        ("panels", &["dashboard", "type", "name", "position_x"]),
        ("translations", &["language", "key"]),
    ];
    for (collection, parts) in order {
        let mut open: Vec<&Value> = all.get(collection).into_iter().flatten().collect();
        while !open.is_empty() {
            let before = open.len();
            open.retain(|row| match name(row, parts, &names) {
                Some(name) => {
                    let name = format!("<{collection} {name}>");
                    names.entry(row["id"].as_str().unwrap().to_owned()).or_insert(name);
                    false
                }
                None => true,
            });
            assert!(open.len() < before, "{collection} have parents in a circle or none: {open:#?}");
        }
    }
    names
}

/// The name of a row, once what it refers to has one.
fn name(row: &Value, parts: &[&str], names: &HashMap<String, String>) -> Option<String> {
    let part = |field: &&str| {
        let refers = ["parent", "flow", "dashboard"].contains(field);
        match row[*field].as_str() {
            Some(id) if refers => names.get(id).cloned(),
            _ => Some(row[*field].to_string()),
        }
    };
    Some(parts.iter().map(part).collect::<Option<Vec<_>>>()?.join(" / "))
}

fn describe(collection: &str, rows: &[Value], names: &HashMap<String, String>) -> Vec<String> {
    let own = OWN.into_iter().find(|(name, _)| *name == collection).map_or(&[][..], |(_, own)| own);
    let mut texts: Vec<_> = rows
        .iter()
        .filter(|row| row.get("user").is_none_or(Value::is_null))
        .map(|row| {
            let mut row = row.clone();
            let fields = row.as_object_mut().unwrap();
            // The numbers of permissions and presets, and the ids of attachments, mean nothing.
            if fields["id"].is_number() || collection == "access" {
                fields.remove("id");
            }
            fields.retain(|field, _| !own.contains(&field.as_str()));
            names
                .iter()
                .fold(sorted(&row).to_string(), |text, (id, name)| text.replace(id, &name.replace('"', "'")))
        })
        .collect();
    texts.sort_unstable();
    texts
}

/// The same with the keys of objects in alphabetical order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields.iter().map(|(key, value)| (key, sorted(value))).collect();
            json!(fields)
        }
        other => other.clone(),
    }
}
