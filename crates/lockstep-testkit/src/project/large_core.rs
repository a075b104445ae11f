//! Many records that an unlicensed Directus 12 takes: what Lockstep is measured on beside `d6s`.

use serde_json::{Value, json};

use lockstep_sandbox::sample::{Step, id, serial_key};

const COLLECTIONS: usize = 20;
const POLICIES: usize = 30;
const DASHBOARDS: usize = 40;
const PANELS: usize = 8;

/// The steps that fill an instance.
pub(super) fn steps() -> Vec<Step> {
    vec![
        Step::Batch("/collections", (0..COLLECTIONS).map(collection).collect()),
        Step::Batch("/roles", (0..30).map(|n| named("role", "Role", n)).collect()),
        Step::Batch("/policies", (0..POLICIES).map(policy).collect()),
        Step::Batch("/permissions", (0..POLICIES).flat_map(permissions).collect()),
        Step::Batch("/folders", (0..150).map(|n| named("folder", "Folder", n)).collect()),
        Step::Batch("/dashboards", (0..DASHBOARDS).map(|n| named("dashboard", "Dashboard", n)).collect()),
        Step::Batch("/panels", (0..DASHBOARDS).flat_map(panels).collect()),
        Step::Batch("/translations", (0..600).map(translation).collect()),
    ]
}

fn named(kind: &str, name: &str, n: usize) -> Value {
    json!({ "id": id(&format!("core/{kind}/{n}")), "name": format!("{name} {n}") })
}

fn collection_name(n: usize) -> String {
    format!("core_{n:02}")
}

fn collection(n: usize) -> Value {
    let field = |n| json!({ "field": format!("f{n}"), "type": "string", "meta": { "interface": "input" }, "schema": {} });
    let fields: Vec<_> = std::iter::once(serial_key()).chain((0..12).map(field)).collect();
    json!({ "collection": collection_name(n), "meta": {}, "schema": {}, "fields": fields })
}

fn policy(n: usize) -> Value {
    json!({ "id": id(&format!("core/policy/{n}")), "name": format!("Policy {n}"), "app_access": false })
}

fn permissions(policy: usize) -> impl Iterator<Item = Value> {
    let grant = move |collection, action| {
        json!({
            "policy": id(&format!("core/policy/{policy}")), "collection": collection_name(collection),
            "action": action, "fields": ["*"], "permissions": null, "validation": null,
        })
    };
    (0..COLLECTIONS).flat_map(move |collection| {
        ["create", "read", "update", "delete"].map(|action| grant(collection, action))
    })
}

fn panels(dashboard: usize) -> impl Iterator<Item = Value> {
    (0..PANELS).map(move |n| {
        json!({
            "id": id(&format!("core/dashboard/{dashboard}/{n}")), "name": format!("Panel {n}"), "type": "label",
            "dashboard": id(&format!("core/dashboard/{dashboard}")), "position_x": 1, "position_y": 1, "width": 5,
            "height": 5, "options": { "text": "x" },
        })
    })
}

fn translation(n: usize) -> Value {
    let language = ["en-US", "fr-FR", "nl-NL"][n % 3];
    json!({
        "id": id(&format!("core/translation/{n}")), "language": language, "key": format!("key_{}", n / 3),
        "value": "value",
    })
}
