//! Dashboards and their panels.

use serde_json::{Value, json};

use super::Step;
use super::id;

pub(super) fn steps() -> Vec<Step> {
    let dashboards = vec![
        dashboard("newsroom", "Newsroom today", "newspaper", "What is waiting, and for whom"),
        dashboard("shop", "Umsatz & Versand", "payments", "Jeden Montag um neun"),
    ];
    vec![Step::Batch("/dashboards", dashboards), Step::Batch("/panels", panels())]
}

fn dashboard(key: &str, name: &str, icon: &str, note: &str) -> Value {
    json!({ "id": id(&format!("sample/dashboard/{key}")), "name": name, "icon": icon, "note": note, "color": "#1D7A8C" })
}

fn panels() -> Vec<Value> {
    let count = |collection: &str, filter: Value| json!({ "collection": collection, "field": "id", "function": "count", "filter": filter });
    let proofs = count("articles", json!({ "_and": [{ "status": { "_eq": "proof" } }] }));
    let latest = json!({ "collection": "articles", "limit": 5, "sortField": "published_on", "sortDirection": "desc", "displayTemplate": "{{slug}}" });
    let sales = json!({ "collection": "orders", "dateField": "date_created", "valueField": "total", "function": "sum", "precision": "day", "range": "2 weeks", "color": "#A36B2E" });
    vec![
        panel(
            "newsroom",
            "head",
            Value::Null,
            "label",
            (1, 1, 24, 4),
            json!({ "text": "# Heute in der Redaktion" }),
        ),
        panel("newsroom", "proofs", json!("À relire"), "metric", (1, 5, 12, 6), proofs),
        panel("newsroom", "latest", json!("Latest articles"), "list", (13, 5, 12, 12), latest),
        panel("shop", "sales", json!("Umsatz"), "time-series", (1, 1, 24, 12), sales),
        panel("shop", "orders", json!("Orders"), "metric", (25, 1, 12, 6), count("orders", Value::Null)),
    ]
}

fn panel(
    dashboard: &str,
    key: &str,
    name: Value,
    kind: &str,
    place: (u32, u32, u32, u32),
    options: Value,
) -> Value {
    let (x, y, width, height) = place;
    json!({
        "id": id(&format!("sample/dashboard/{dashboard}/{key}")), "dashboard": id(&format!("sample/dashboard/{dashboard}")),
        "name": name, "type": kind, "show_header": name.is_string(), "icon": "insights", "color": null, "note": null,
        "position_x": x, "position_y": y, "width": width, "height": height, "options": options,
    })
}
