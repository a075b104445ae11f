//! Whatever changes on one instance changes on the other, and nothing else does.
//!
//! Each test keeps two instances in step through one round of changes after the other: something is done to the first,
//! it is pulled and pushed, and then both must hold the same, by what their REST APIs say.

use lockstep_testkit::cli::Cli;
use lockstep_testkit::directus::Directus;
use serde_json::{Value, json};

use crate::stage::portrait::assert_alike;
use crate::stage::project::{self, collection, field, id, patch, post, public_policy};
use crate::stage::{major, on_every_version, pull, push, push_is_empty, row, rows, the};

/// Two instances that are kept in step.
pub(crate) struct Pair {
    pub(crate) a: Directus,
    pub(crate) b: Directus,
    pub(crate) cli: Cli,
}

impl Pair {
    /// Two instances with the project on them, the second by a push.
    pub(crate) async fn in_step(version: &str) -> Self {
        let (a, b) = Directus::pair(version).await.unwrap();
        project::fill(&a).await;
        let pair = Self { a, b, cli: Cli::new() };
        pair.follows().await;
        pair
    }

    /// What was done to the first reaches the second.
    pub(crate) async fn follows(&self) {
        pull(&self.cli, &self.a).await;
        push(&self.cli, &self.b, &[]).await;
        assert_alike(&self.a, &self.b).await;
        push_is_empty(&self.cli, &self.b, &[]).await;
    }

    pub(crate) async fn set(&self, collection: &str, id: &str, fields: Value) {
        patch(&self.a, &format!("/{collection}/{id}"), fields).await;
    }

    pub(crate) async fn delete(&self, collection: &str, ids: &[&str]) {
        self.a.delete(&format!("/{collection}"), Some(&json!(ids))).await.unwrap();
    }

    pub(crate) fn has_policies(&self) -> bool {
        major(self.a.version()) > 10
    }
}

async fn every_change_follows(version: &str) {
    let pair = Pair::in_step(version).await;
    records_of_every_collection_come_change_and_go(&pair).await;
    rules_and_attachments_change(&pair).await;
    what_a_deletion_takes_along_is_no_error(&pair).await;
}

async fn records_of_every_collection_come_change_and_go(pair: &Pair) {
    let created = create_one_of_each(pair).await;
    pair.follows().await;
    change_one_of_each(pair, &created).await;
    pair.follows().await;
    for (collection, id) in created.iter().rev() {
        pair.delete(collection, &[id]).await;
    }
    delete_numbered(pair).await;
    pair.follows().await;
    for (collection, id) in &created {
        assert!(row(&pair.b, collection, id).await.is_none(), "{collection} {id}");
    }
}

/// Collection and id of each record that was made, what is referred to first.
async fn create_one_of_each(pair: &Pair) -> Vec<(&'static str, String)> {
    let a = &pair.a;
    post(a, "/collections", collection("notes", vec![field("text", "text", json!({}))])).await;
    let mut created = Vec::new();
    let mut make = async |name: &'static str, body: Value| {
        let id = post(a, &format!("/{name}"), body).await["id"].as_str().unwrap().to_owned();
        created.push((name, id.clone()));
        id
    };
    make("folders", json!({"name": "New", "parent": id::RAW})).await;
    make("translations", json!({"language": "de-DE", "key": "hello", "value": "Hallo"})).await;
    let flow = make("flows", json!({"name": "New", "status": "active", "trigger": "webhook"})).await;
    let step =
        json!({"flow": flow, "key": "only", "type": "log", "position_x": 1, "position_y": 1, "name": "Only"});
    let step = make("operations", step).await;
    patch(a, &format!("/flows/{flow}"), json!({"operation": step})).await;
    let role = make("roles", json!({"name": "New", "rank": 9})).await;
    let mut permission = json!({"collection": "notes", "action": "read", "fields": ["*"]});
    if pair.has_policies() {
        let attached = json!({"create": [{"role": role, "sort": 1}], "update": [], "delete": []});
        let policy = make("policies", json!({"name": "New", "roles": attached})).await;
        permission["policy"] = json!(policy);
    } else {
        permission["role"] = json!(role);
    }
    post(a, "/permissions", permission).await;
    let board = make("dashboards", json!({"name": "New", "icon": "dashboard"})).await;
    let panel = json!({"dashboard": board, "type": "label", "position_x": 1, "position_y": 1, "width": 2, "height": 2});
    make("panels", panel).await;
    post(a, "/presets", json!({"collection": "notes", "role": role, "bookmark": "New"})).await;
    created
}

async fn change_one_of_each(pair: &Pair, created: &[(&'static str, String)]) {
    let a = &pair.a;
    for (collection, id) in created {
        let change = match *collection {
            "translations" => json!({"value": "Guten Tag"}),
            "operations" => {
                json!({"options": {"message": "changed", "deep": [{"a": null}]}, "name": "Changed"})
            }
            "panels" => json!({"name": "Changed", "options": {"text": "changed"}, "position_x": 30}),
            "flows" => json!({"name": "Changed", "status": "inactive", "options": {"method": "POST"}}),
            _ => json!({"name": "Changed"}),
        };
        pair.set(collection, id, change).await;
    }
    let permission = the(&rows(a, "permissions").await, "collection", "notes")["id"].to_string();
    pair.set("permissions", &permission, json!({"action": "update", "fields": ["*"]})).await;
    let preset = the(&rows(a, "presets").await, "bookmark", "New")["id"].to_string();
    pair.set("presets", &preset, json!({"layout_query": {"tabular": {"page": 5}}, "role": null})).await;
    patch(
        a,
        "/settings",
        json!({"project_name": "Changed", "storage_default_folder": null, "module_bar": null}),
    )
    .await;
    patch(a, "/fields/notes/text", json!({"meta": {"note": "changed"}})).await;
    post(a, "/fields/notes", field("extra", "integer", json!({}))).await;
}

/// Of the collections whose ids are numbers.
async fn delete_numbered(pair: &Pair) {
    for collection in ["permissions", "presets"] {
        let notes = rows(&pair.a, collection).await.into_iter().filter(|row| row["collection"] == "notes");
        let ids: Vec<Value> = notes.map(|row| row["id"].clone()).collect();
        if !ids.is_empty() {
            pair.a.delete(&format!("/{collection}"), Some(&json!(ids))).await.unwrap();
        }
    }
}

async fn what_a_deletion_takes_along_is_no_error(pair: &Pair) {
    pair.delete("flows", &[id::PUBLISH]).await;
    pair.delete("dashboards", &[id::SALES]).await;
    if pair.has_policies() {
        pair.delete("policies", &[id::EDITING]).await;
    }
    pair.follows().await;
    for (collection, id) in [("operations", id::CHECK), ("operations", id::CALL), ("panels", id::CHART)] {
        assert!(row(&pair.b, collection, id).await.is_none(), "{collection} {id}");
    }
    // A role with presets, permissions or children; a folder whose child moves out.
    patch(&pair.a, "/settings", json!({"public_registration_role": null})).await;
    pair.set("folders", id::RAW, json!({"parent": id::MEDIA})).await;
    pair.delete("folders", &[id::IMAGES]).await;
    if pair.has_policies() {
        pair.set("roles", id::CHIEF, json!({"parent": null})).await;
    }
    pair.delete("roles", &[id::EDITOR]).await;
    pair.follows().await;
    assert_eq!(row(&pair.b, "folders", id::RAW).await.unwrap()["parent"], id::MEDIA);
}

async fn rules_and_attachments_change(pair: &Pair) {
    if !pair.has_policies() {
        pair.set("roles", id::EDITOR, json!({"app_access": false, "enforce_tfa": true})).await;
        let permissions = rows(&pair.a, "permissions").await;
        let permission = the(&permissions, "action", "update")["id"].to_string();
        pair.set("permissions", &permission, json!({"role": id::CHIEF, "fields": ["title", "body"]})).await;
        pair.follows().await;
        return;
    }
    let access = rows(&pair.a, "access").await;
    let of = |policy: &str, role: &str| {
        let found = access.iter().find(|row| row["policy"] == policy && row["role"] == role);
        found.unwrap()["id"].clone()
    };
    // Detached from one, moved for another, attached to a third.
    let (editor, chief) = (of(id::EDITING, id::EDITOR), of(id::EDITING, id::CHIEF));
    let roles = json!({"create": [], "update": [{"id": chief, "sort": 9}], "delete": [editor]});
    pair.set("policies", id::EDITING, json!({"roles": roles, "ip_access": ["127.0.0.1"]})).await;
    let roles = json!({"create": [{"role": id::EDITOR, "sort": 4}], "update": [], "delete": []});
    pair.set("policies", id::LOOSE, json!({"roles": roles, "description": "now in use"})).await;
    let permissions = rows(&pair.a, "permissions").await;
    let create = the(&permissions, "action", "create")["id"].to_string();
    pair.set("permissions", &create, json!({"policy": public_policy(&pair.a).await, "fields": ["*"]})).await;
    pair.follows().await;
}

on_every_version!(every_change_follows);
