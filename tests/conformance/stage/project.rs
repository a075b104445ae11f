//! A small project with one of everything that is easy to get wrong: parents, chained operations that point both ways,
//! a flow that calls another by id and one that calls by template, ids inside texts, policies of several roles and of
//! the public, presets with and without a role, a field of one's own on a system collection.

use lockstep_testkit::directus::Directus;
use serde_json::{Value, json};

use super::{admin_role, major, rows};

/// Ids that the project chooses: the same on every instance that keeps ids.
pub(crate) mod id {
    pub(crate) const MEDIA: &str = "f0000000-0000-4000-8000-000000000001";
    pub(crate) const IMAGES: &str = "f0000000-0000-4000-8000-000000000002";
    pub(crate) const RAW: &str = "f0000000-0000-4000-8000-000000000003";
    pub(crate) const ARCHIVE: &str = "f0000000-0000-4000-8000-000000000004";
    pub(crate) const OLD_IMAGES: &str = "f0000000-0000-4000-8000-000000000005";
    pub(crate) const HELLO_EN: &str = "70000000-0000-4000-8000-000000000001";
    pub(crate) const HELLO_FR: &str = "70000000-0000-4000-8000-000000000002";
    pub(crate) const BYE_EN: &str = "70000000-0000-4000-8000-000000000003";
    pub(crate) const EDITOR: &str = "a0000000-0000-4000-8000-000000000001";
    pub(crate) const CHIEF: &str = "a0000000-0000-4000-8000-000000000002";
    pub(crate) const EDITING: &str = "b0000000-0000-4000-8000-000000000001";
    pub(crate) const GUESTS: &str = "b0000000-0000-4000-8000-000000000002";
    pub(crate) const LOOSE: &str = "b0000000-0000-4000-8000-000000000003";
    pub(crate) const PUBLISH: &str = "c0000000-0000-4000-8000-000000000001";
    pub(crate) const NOTIFY: &str = "c0000000-0000-4000-8000-000000000002";
    pub(crate) const DRAFT: &str = "c0000000-0000-4000-8000-000000000003";
    pub(crate) const CHECK: &str = "d0000000-0000-4000-8000-000000000001";
    pub(crate) const CALL: &str = "d0000000-0000-4000-8000-000000000002";
    pub(crate) const CALL_BY_TEMPLATE: &str = "d0000000-0000-4000-8000-000000000003";
    pub(crate) const LOG: &str = "d0000000-0000-4000-8000-000000000004";
    pub(crate) const SALES: &str = "e0000000-0000-4000-8000-000000000001";
    pub(crate) const EMPTY: &str = "e0000000-0000-4000-8000-000000000002";
    pub(crate) const CHART: &str = "90000000-0000-4000-8000-000000000001";
    pub(crate) const LABEL: &str = "90000000-0000-4000-8000-000000000002";
}

/// Makes the project on a fresh instance.
pub(crate) async fn fill(directus: &Directus) {
    schema(directus).await;
    files(directus).await;
    access(directus).await;
    flows(directus).await;
    boards(directus).await;
    presets(directus).await;
    settings(directus).await;
}

pub(crate) async fn post(directus: &Directus, path: &str, body: Value) -> Value {
    directus.post(path, &body).await.unwrap()
}

pub(crate) async fn patch(directus: &Directus, path: &str, body: Value) -> Value {
    directus.patch(path, &body).await.unwrap()
}

pub(crate) fn field(name: &str, kind: &str, schema: Value) -> Value {
    let special = match kind {
        "json" => json!(["cast-json"]),
        "boolean" => json!(["cast-boolean"]),
        _ => Value::Null,
    };
    json!({"field": name, "type": kind, "schema": schema,
        "meta": {"interface": "input", "note": format!("a {kind}"), "special": special}})
}

/// A collection with a number as its key, and these fields.
pub(crate) fn collection(name: &str, mut fields: Vec<Value>) -> Value {
    fields.insert(
        0,
        json!({"field": "id", "type": "integer", "meta": {"hidden": true},
            "schema": {"is_primary_key": true, "has_auto_increment": true}}),
    );
    json!({"collection": name, "meta": {"icon": "box"}, "schema": {}, "fields": fields})
}

/// The schema alone.
pub(crate) async fn schema(directus: &Directus) {
    let group = json!({"collection": "content", "meta": {"icon": "folder"}, "schema": null});
    let name = field("name", "string", json!({"is_unique": true}));
    let articles =
        json!({"field": "articles", "type": "alias", "meta": {"special": ["o2m"], "interface": "list-o2m"}});
    let mut authors = collection("authors", vec![name, articles]);
    let mut writing = collection(
        "articles",
        vec![
            field("title", "string", json!({"is_nullable": false})),
            field("body", "text", json!({})),
            field("published", "boolean", json!({"default_value": false})),
            field("score", "float", json!({})),
            field("tags", "json", json!({})),
            field("due", "dateTime", json!({})),
            json!({"field": "author", "type": "integer", "schema": {}, "meta": {"special": ["m2o"],
                "interface": "select-dropdown-m2o"}}),
        ],
    );
    for table in [&mut authors, &mut writing] {
        table["meta"]["group"] = json!("content");
    }
    post(directus, "/collections", json!([group, authors, writing])).await;
    let relation = json!({"collection": "articles", "field": "author", "related_collection": "authors",
        "meta": {"one_field": "articles"}, "schema": {"on_delete": "SET NULL"}});
    post(directus, "/relations", relation).await;
    // Records of this collection cannot be compared whole before the schema is there.
    post(directus, "/fields/directus_roles", field("rank", "integer", json!({}))).await;
}

async fn files(directus: &Directus) {
    let folder = |id, name, parent: Option<&str>| json!({"id": id, "name": name, "parent": parent});
    for folder in [
        folder(id::MEDIA, "Media", None),
        folder(id::IMAGES, "Images", Some(id::MEDIA)),
        folder(id::RAW, "Raw", Some(id::IMAGES)),
        folder(id::ARCHIVE, "Archive", None),
        folder(id::OLD_IMAGES, "Images", Some(id::ARCHIVE)),
    ] {
        post(directus, "/folders", folder).await;
    }
    let text = |id, language, key, value| json!({"id": id, "language": language, "key": key, "value": value});
    let texts = json!([
        text(id::HELLO_EN, "en-US", "hello", "Hello"),
        text(id::HELLO_FR, "fr-FR", "hello", "Bonjour, \"vous\"\n"),
        text(id::BYE_EN, "en-US", "bye", "Bye"),
    ]);
    post(directus, "/translations", texts).await;
}

async fn access(directus: &Directus) {
    let editor =
        json!({"id": id::EDITOR, "name": "Editor", "icon": "edit", "description": "Writes", "rank": 2});
    let mut chief = json!({"id": id::CHIEF, "name": "Chief", "icon": "star", "rank": 1});
    let rule = |collection: &str, action: &str| json!({"collection": collection, "action": action, "fields": ["*"], "permissions": {}, "validation": {}});
    let with = |mut rule: Value, field: &str, value: Value| {
        rule[field] = value;
        rule
    };
    if major(directus.version()) == 10 {
        let editor = with(editor, "app_access", json!(true));
        post(directus, "/roles", json!([editor, with(chief, "admin_access", json!(true))])).await;
        let own = json!({"_and": [{"author": {"_eq": "$CURRENT_USER"}}, {"title": {"_neq": id::EDITOR}}]});
        let permissions = json!([
            with(rule("articles", "read"), "role", Value::Null),
            with(rule("articles", "read"), "role", json!(id::EDITOR)),
            with(with(rule("articles", "update"), "role", json!(id::EDITOR)), "permissions", own),
        ]);
        post(directus, "/permissions", permissions).await;
        return;
    }
    chief["parent"] = json!(id::EDITOR);
    post(directus, "/roles", json!([editor, chief])).await;
    let policy = |id, name, roles: Value| {
        json!({"id": id, "name": name, "icon": "policy", "app_access": true,
            "roles": {"create": roles, "update": [], "delete": []}})
    };
    let attached = |role: Value, sort: u32| json!({"role": role, "sort": sort});
    let editing = json!([attached(json!(id::EDITOR), 1), attached(json!(id::CHIEF), 2)]);
    post(directus, "/policies", policy(id::EDITING, "Editing", editing)).await;
    post(directus, "/policies", policy(id::GUESTS, "Guests", json!([attached(Value::Null, 7)]))).await;
    post(directus, "/policies", policy(id::LOOSE, "Loose", json!([]))).await;
    // A record that every instance has of its own is attached to one of the project.
    let admin = admin_policy(directus).await;
    let to_chief = json!({"roles": {"create": [attached(json!(id::CHIEF), 3)], "update": [], "delete": []}});
    patch(directus, &format!("/policies/{admin}"), to_chief).await;
    let public = public_policy(directus).await;
    let mut permissions = vec![
        with(rule("articles", "read"), "policy", json!(public)),
        with(rule("articles", "read"), "policy", json!(id::EDITING)),
        with(rule("articles", "create"), "policy", json!(id::EDITING)),
        with(rule("authors", "read"), "policy", json!(id::GUESTS)),
    ];
    // A Directus 12 without a licence takes no custom rules.
    if major(directus.version()) == 11 {
        let role = json!({"_and": [{"author": {"_nnull": true}}, {"title": {"_neq": id::EDITOR}}]});
        let update = with(rule("articles", "update"), "policy", json!(id::EDITING));
        permissions.push(with(update, "permissions", role));
        permissions.push(with(
            with(rule("articles", "share"), "policy", json!(id::LOOSE)),
            "fields",
            Value::Null,
        ));
    }
    post(directus, "/permissions", json!(permissions)).await;
}

/// The policy that makes the administrator one.
pub(crate) async fn admin_policy(directus: &Directus) -> String {
    let role = admin_role(directus).await;
    let policies = rows(directus, "policies").await;
    let access = rows(directus, "access").await;
    let admin = policies.iter().find(|policy| {
        policy["admin_access"] == true
            && access.iter().any(|row| row["policy"] == policy["id"] && row["role"] == role.as_str())
    });
    admin.unwrap()["id"].as_str().unwrap().to_owned()
}

/// The policy that everybody has.
pub(crate) async fn public_policy(directus: &Directus) -> String {
    let access = rows(directus, "access").await;
    let public = access.iter().filter(|row| row["role"].is_null() && row["user"].is_null());
    public.min_by_key(|row| row["sort"].as_i64()).unwrap()["policy"].as_str().unwrap().to_owned()
}

async fn flows(directus: &Directus) {
    let flow = |id, name, status, trigger, options: Value| {
        json!({"id": id, "name": name, "icon": "bolt", "status": status, "trigger": trigger,
            "accountability": "all", "options": options})
    };
    let flows = json!([
        flow(id::PUBLISH, "Publish", "active", "webhook", json!({"method": "GET", "async": true})),
        flow(id::NOTIFY, "Notify", "active", "operation", json!({"return": "$last"})),
        flow(id::DRAFT, "Draft", "inactive", "manual", Value::Null),
    ]);
    post(directus, "/flows", flows).await;
    let operation = |id, flow, key, kind, options: Value, x| {
        json!({"id": id, "flow": flow, "key": key, "name": format!("The {key}"), "type": kind,
            "options": options, "position_x": x, "position_y": 1})
    };
    let hook = format!("see /flows/trigger/{}?from={}.", id::PUBLISH, id::CHECK);
    let operations = json!([
        operation(
            id::CALL,
            id::PUBLISH,
            "call",
            "trigger",
            json!({"flow": id::NOTIFY, "payload": {"a": 1}}),
            20
        ),
        operation(
            id::CALL_BY_TEMPLATE,
            id::PUBLISH,
            "fallback",
            "trigger",
            json!({"flow": "{{$trigger.flow}}"}),
            40
        ),
        operation(id::CHECK, id::PUBLISH, "start", "condition", json!({"filter": {"a": {"_eq": 1}}}), 2),
        operation(
            id::LOG,
            id::NOTIFY,
            "start",
            "log",
            json!({"message": hook, "nested": [{"id": id::CALL}]}),
            2
        ),
    ]);
    post(directus, "/operations", operations).await;
    let links = json!({"resolve": id::CALL, "reject": id::CALL_BY_TEMPLATE});
    patch(directus, &format!("/operations/{}", id::CHECK), links).await;
    patch(directus, &format!("/flows/{}", id::PUBLISH), json!({"operation": id::CHECK})).await;
    patch(directus, &format!("/flows/{}", id::NOTIFY), json!({"operation": id::LOG})).await;
}

async fn boards(directus: &Directus) {
    let boards = json!([
        {"id": id::SALES, "name": "Sales", "icon": "dashboard", "color": "#ff0000", "note": "ours"},
        {"id": id::EMPTY, "name": "Empty", "icon": "dashboard"},
    ]);
    post(directus, "/dashboards", boards).await;
    let panel = |id, name: Value, kind, x, options: Value| {
        json!({"id": id, "dashboard": id::SALES, "name": name, "type": kind, "show_header": true, "icon": "list",
            "position_x": x, "position_y": 1, "width": 10, "height": 6, "options": options})
    };
    let panels = json!([
        panel(
            id::CHART,
            json!("Chart"),
            "time-series",
            1,
            json!({"collection": "articles", "range": "auto"})
        ),
        panel(id::LABEL, Value::Null, "label", 12, json!({"text": "Ünïcode – ✓", "font": {"size": 1.5}})),
    ]);
    post(directus, "/panels", panels).await;
}

async fn presets(directus: &Directus) {
    let me = directus.get("/users/me?fields=id").await.unwrap();
    let preset = |role: Value, user: Value, bookmark: Value, page: u32| {
        json!({"collection": "articles", "role": role, "user": user, "bookmark": bookmark, "layout": "tabular",
            "layout_query": {"tabular": {"page": page}}, "search": null})
    };
    let presets = json!([
        preset(Value::Null, Value::Null, Value::Null, 1),
        preset(json!(id::EDITOR), Value::Null, Value::Null, 2),
        preset(json!(id::EDITOR), Value::Null, json!("Mine"), 3),
        preset(Value::Null, me["id"].clone(), json!("Private"), 4),
    ]);
    post(directus, "/presets", presets).await;
}

async fn settings(directus: &Directus) {
    let settings = json!({"project_name": "Newsroom", "project_color": "#123456", "custom_css": "a {\n  b: c;\n}\n",
        "storage_default_folder": id::RAW, "public_registration_role": id::EDITOR,
        "default_language": "fr-FR", "module_bar": [{"type": "module", "id": "content", "enabled": true}]});
    patch(directus, "/settings", settings).await;
}
