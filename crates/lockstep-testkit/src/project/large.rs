//! Many records of every kind: what Lockstep is measured on beside directus-sync.

use serde_json::{Value, json};

use lockstep_sandbox::sample::{Step, id, serial_key};

const OPERATIONS: usize = 5;
const PANELS: usize = 8;

/// How many there are of what, by the scale.
#[derive(Debug, Clone, Copy)]
struct Counts {
    collections: usize,
    folders: usize,
    roles: usize,
    policies: usize,
    /// Collections that a policy says something about.
    granted: usize,
    flows: usize,
    dashboards: usize,
    presets: usize,
    translations: usize,
}

impl Counts {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "small"
    )]
    fn at(scale: f64) -> Self {
        let count = |full: usize| ((full as f64 * scale) as usize).max(1);
        Self {
            collections: count(60),
            folders: count(150),
            roles: count(30),
            policies: count(30),
            granted: count(20),
            flows: count(200),
            dashboards: count(40),
            presets: count(200),
            translations: count(600),
        }
    }
}

/// The steps that fill an instance.
pub(super) fn steps(scale: f64) -> Vec<Step> {
    let counts = Counts::at(scale);
    vec![
        Step::Batch("/collections", (0..counts.collections).map(collection).collect()),
        Step::Each("/relations", (1..counts.collections).map(relation).collect()),
        Step::Batch("/folders", (0..counts.folders).map(folder).collect()),
        Step::Batch("/roles", (0..counts.roles).map(role).collect()),
        Step::Batch("/policies", (0..counts.policies).map(|n| policy(n, counts.roles)).collect()),
        Step::Batch("/permissions", permissions(counts)),
        Step::Batch("/flows", (0..counts.flows).map(flow).collect()),
        Step::Batch("/operations", (0..counts.flows).flat_map(operations).collect()),
        Step::Batch("/dashboards", (0..counts.dashboards).map(dashboard).collect()),
        Step::Batch("/panels", (0..counts.dashboards).flat_map(panels).collect()),
        Step::Batch("/presets", (0..counts.presets).map(|n| preset(n, counts)).collect()),
        Step::Batch("/translations", (0..counts.translations).map(translation).collect()),
    ]
}

fn collection_name(n: usize) -> String {
    format!("bench_{n:03}")
}

fn collection(n: usize) -> Value {
    let kinds = [
        "string",
        "text",
        "integer",
        "boolean",
        "json",
        "dateTime",
        "float",
        "uuid",
        "date",
        "csv",
        "bigInteger",
        "time",
    ];
    let mut fields = vec![serial_key()];
    fields.extend(kinds.iter().enumerate().map(|(place, kind)| field(place, kind)));
    if n > 0 {
        let meta = json!({ "interface": "select-dropdown-m2o", "special": ["m2o"] });
        fields.push(json!({ "field": "parent_ref", "type": "integer", "meta": meta, "schema": {} }));
    }
    let meta = json!({ "icon": "box", "note": format!("bench collection {n}") });
    json!({ "collection": collection_name(n), "meta": meta, "schema": {}, "fields": fields })
}

fn field(place: usize, kind: &str) -> Value {
    let special = match kind {
        "json" => json!(["cast-json"]),
        "boolean" => json!(["cast-boolean"]),
        "csv" => json!(["cast-csv"]),
        _ => Value::Null,
    };
    let note = format!("note {place}");
    json!({
        "field": format!("f{place}_{}", kind.to_lowercase()), "type": kind, "schema": { "is_nullable": true },
        "meta": { "interface": "input", "note": note, "width": "half", "sort": place + 2, "special": special },
    })
}

/// Each collection has the one before it as its parent.
fn relation(n: usize) -> Value {
    json!({
        "collection": collection_name(n), "field": "parent_ref", "related_collection": collection_name(n - 1),
        "schema": { "on_delete": "SET NULL" }, "meta": { "sort_field": null },
    })
}

fn folder(n: usize) -> Value {
    let parent = (n > 2).then(|| id(&format!("large/folder/{}", n / 3)));
    json!({ "id": id(&format!("large/folder/{n}")), "name": format!("Folder {n}"), "parent": parent })
}

fn role(n: usize) -> Value {
    let (id, name, text) = (id(&format!("large/role/{n}")), format!("Role {n}"), format!("role number {n}"));
    json!({ "id": id, "name": name, "icon": "badge", "description": text })
}

fn policy(n: usize, roles: usize) -> Value {
    let role = id(&format!("large/role/{}", n % roles));
    let attachments = json!({ "create": [{ "role": { "id": role } }], "update": [], "delete": [] });
    json!({
        "id": id(&format!("large/policy/{n}")), "name": format!("Policy {n}"), "icon": "policy", "app_access": true,
        "roles": attachments,
    })
}

fn permissions(counts: Counts) -> Vec<Value> {
    let grant = |policy, granted: usize, action| {
        json!({
            "policy": id(&format!("large/policy/{policy}")), "action": action, "fields": ["*"], "validation": {},
            "collection": collection_name(granted % counts.collections),
            "permissions": { "_and": [{ "id": { "_gt": granted } }] },
        })
    };
    let of_policy = |policy| {
        (0..counts.granted).flat_map(move |granted| {
            ["create", "read", "update", "delete"].map(move |action| grant(policy, granted, action))
        })
    };
    (0..counts.policies).flat_map(of_policy).collect()
}

fn flow(n: usize) -> Value {
    json!({
        "id": id(&format!("large/flow/{n}")), "name": format!("Flow {n}"), "icon": "bolt", "status": "active",
        "trigger": "webhook", "accountability": "all", "options": { "method": "GET" },
        "operation": id(&format!("large/flow/{n}/0")),
    })
}

/// A chain; what an operation leads to comes before it, as the server wants it.
fn operations(flow: usize) -> impl Iterator<Item = Value> {
    (0..OPERATIONS).rev().map(move |n| {
        let next = (n + 1 < OPERATIONS).then(|| id(&format!("large/flow/{flow}/{}", n + 1)));
        json!({
            "id": id(&format!("large/flow/{flow}/{n}")), "flow": id(&format!("large/flow/{flow}")),
            "name": format!("Op {n}"), "key": format!("op_{n}"), "type": "log", "position_x": 19 + n * 20,
            "position_y": 1, "options": { "message": format!("hello {n}") }, "resolve": next, "reject": null,
        })
    })
}

fn dashboard(n: usize) -> Value {
    let (id, name) = (id(&format!("large/dashboard/{n}")), format!("Dash {n}"));
    json!({ "id": id, "name": name, "icon": "space_dashboard" })
}

fn panels(dashboard: usize) -> impl Iterator<Item = Value> {
    (0..PANELS).map(move |n| {
        json!({
            "id": id(&format!("large/dashboard/{dashboard}/{n}")), "name": format!("Panel {n}"), "icon": "list",
            "dashboard": id(&format!("large/dashboard/{dashboard}")), "show_header": true, "type": "label",
            "position_x": n * 10 + 1, "position_y": 1, "width": 10, "height": 6,
            "options": { "text": format!("p {n}") },
        })
    })
}

fn preset(n: usize, counts: Counts) -> Value {
    json!({
        "role": id(&format!("large/role/{}", n % counts.roles)), "bookmark": format!("bm {n}"), "layout": "tabular",
        "collection": collection_name(n % counts.collections), "layout_query": { "tabular": { "page": 1 } },
    })
}

fn translation(n: usize) -> Value {
    let language = ["en-US", "fr-FR", "nl-NL"][n % 3];
    json!({
        "id": id(&format!("large/translation/{n}")), "language": language, "key": format!("key_{}", n / 3),
        "value": format!("value {n}"),
    })
}
