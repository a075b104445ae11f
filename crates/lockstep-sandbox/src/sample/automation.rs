//! Flows and their operations: what happens by itself.
//!
//! Chains with both outcomes, an operation that starts another flow by its id, one whose id is only known when it runs, a
//! webhook, a schedule, and a flow that is switched off.

use serde_json::{Value, json};

use super::Step;
use super::access::role;
use super::id;

/// An operation: what it is, and what follows when it goes well and when it does not.
struct Operation {
    flow: &'static str,
    key: &'static str,
    name: &'static str,
    kind: &'static str,
    place: (u32, u32),
    resolve: Option<&'static str>,
    reject: Option<&'static str>,
    options: Value,
}

fn flow_id(name: &str) -> Value {
    json!(id(&format!("sample/flow/{name}")))
}

fn operation_id(flow: &str, key: &str) -> Value {
    json!(id(&format!("sample/flow/{flow}/{key}")))
}

/// Flows name their first operation before it is there, which the server takes.
pub(super) fn steps() -> Vec<Step> {
    let operations = [newsroom_operations(), shop_operations()].concat();
    vec![Step::Batch("/flows", flows()), Step::Batch("/operations", operations)]
}

fn flows() -> Vec<Value> {
    let event =
        json!({ "type": "action", "scope": ["items.create", "items.update"], "collections": ["articles"] });
    let manual = json!({
        "collections": ["articles", "products"], "location": "both", "requireConfirmation": true,
        "confirmationDescription": "Really put {{$trigger.keys}} away? Ça va disparaître.",
        "fields": [{ "field": "reason", "type": "text", "name": "Why?", "meta": { "interface": "input-multiline" } }],
    });
    vec![
        flow("announce", "Announce a new article", "campaign", "event", event, "ready"),
        flow(
            "tell",
            "Tell the newsroom",
            "notifications",
            "operation",
            json!({ "return": "$last" }),
            "compose",
        ),
        flow(
            "order",
            "Bestellung vom Webshop",
            "webhook",
            "webhook",
            json!({ "method": "POST", "async": false, "return": "$last" }),
            "check",
        ),
        flow(
            "stock",
            "Nightly stock report",
            "nightlight",
            "schedule",
            json!({ "cron": "0 3 * * *" }),
            "shelves",
        ),
        switched_off(flow("archive", "Ins Archiv 🗄️", "archive", "manual", manual, "put_away")),
    ]
}

fn flow(key: &str, name: &str, icon: &str, trigger: &str, options: Value, first: &str) -> Value {
    json!({
        "id": flow_id(key), "name": name, "icon": icon, "color": "#2E5FA3", "description": null, "status": "active",
        "trigger": trigger, "accountability": "all", "options": options, "operation": operation_id(key, first),
    })
}

fn switched_off(mut flow: Value) -> Value {
    flow["status"] = json!("inactive");
    flow
}

/// What an operation leads to comes before it, as the server wants it.
fn newsroom_operations() -> Vec<Value> {
    let ready = json!({ "filter": { "$trigger": { "payload": { "status": { "_eq": "published" } } } } });
    let author = json!({ "collection": "articles", "key": ["{{$trigger.key}}"], "query": { "fields": ["slug", "author.name"] } });
    let tell = json!({ "flow": flow_id("tell"), "payload": { "text": "{{author.slug}} by {{author.author.name}}" } });
    let compose = "module.exports = async function (data) {\n\treturn { subject: `À la une : ${data.$trigger.text}` };\n};";
    let archive = json!({ "collection": "articles", "key": "{{$trigger.body.keys}}", "payload": { "status": "archived" } });
    let announced = |key, name, kind, place, resolve, reject, options| {
        Operation { flow: "announce", key, name, kind, place, resolve, reject, options }.record()
    };
    let told = |key, name, kind, place, resolve, options| {
        Operation { flow: "tell", key, name, kind, place, resolve, reject: None, options }.record()
    };
    let put_away = Operation {
        flow: "archive",
        key: "put_away",
        name: "Put away",
        kind: "item-update",
        place: (19, 1),
        resolve: None,
        reject: None,
        options: archive,
    };
    vec![
        announced(
            "not_yet",
            "Not yet",
            "log",
            (37, 19),
            None,
            None,
            json!({ "message": "{{$trigger.key}} is not published" }),
        ),
        announced(
            "nobody",
            "Nobody wrote it",
            "log",
            (55, 19),
            None,
            None,
            json!({ "message": "kein Autor" }),
        ),
        announced("tell", "Tell the newsroom", "trigger", (55, 1), None, None, tell),
        announced("author", "Who wrote it?", "item-read", (37, 1), Some("tell"), Some("nobody"), author),
        announced("ready", "Is it published?", "condition", (19, 1), Some("author"), Some("not_yet"), ready),
        told(
            "send",
            "Notify",
            "notification",
            (37, 1),
            None,
            json!({ "recipient": "{{$trigger.recipient}}", "subject": "{{compose.subject}}", "permissions": role("chief") }),
        ),
        told("compose", "Compose", "exec", (19, 1), Some("send"), json!({ "code": compose })),
        put_away.record(),
    ]
}

fn shop_operations() -> Vec<Value> {
    let check = json!({ "filter": { "$trigger": { "body": { "quantity": { "_gt": 0 } } } } });
    let reserve = json!({ "collection": "products", "key": "{{$trigger.body.sku}}", "payload": { "stock": "{{$trigger.body.left}}" } });
    let report = json!({ "method": "POST", "url": "https://hooks.example.com/stock", "headers": [{ "header": "X-Shop", "value": "meridian" }], "body": "{{shelves}}" });
    let shelves =
        json!({ "collection": "products", "query": { "filter": { "stock": { "_lt": 5 } }, "limit": -1 } });
    let ordered = |key, name, kind, place, resolve, reject, options| {
        Operation { flow: "order", key, name, kind, place, resolve, reject, options }.record()
    };
    let counted = |key, name, kind, place, resolve, options| {
        Operation { flow: "stock", key, name, kind, place, resolve, reject: None, options }.record()
    };
    vec![
        ordered(
            "go_on",
            "What the caller wants next",
            "trigger",
            (55, 1),
            None,
            None,
            json!({ "flow": "{{$trigger.body.next}}", "payload": "{{$last}}" }),
        ),
        ordered("reserve", "Reserve", "item-update", (37, 1), Some("go_on"), None, reserve),
        ordered(
            "refuse",
            "Refuse",
            "transform",
            (37, 19),
            None,
            None,
            json!({ "json": { "error": "Nichts bestellt" } }),
        ),
        ordered("check", "Anything ordered?", "condition", (19, 1), Some("reserve"), Some("refuse"), check),
        counted("report", "Report", "request", (37, 1), None, report),
        counted("shelves", "Look at the shelves", "item-read", (19, 1), Some("report"), shelves),
    ]
}

impl Operation {
    fn record(self) -> Value {
        let of_flow = |key| operation_id(self.flow, key);
        json!({
            "id": operation_id(self.flow, self.key), "flow": flow_id(self.flow), "key": self.key, "name": self.name,
            "type": self.kind, "position_x": self.place.0, "position_y": self.place.1,
            "resolve": self.resolve.map(of_flow), "reject": self.reject.map(of_flow), "options": self.options,
        })
    }
}
