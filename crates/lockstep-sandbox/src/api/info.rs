//! `/server`: whether it is well, and what it is.

use axum::http::header;
use rusqlite::OptionalExtension as _;
use serde_json::{Value, json};

use super::call::Call;
use super::reply::Reply;
use crate::VERSION;
use crate::error::Answer;
use crate::query::{self, Query};
use crate::specs;

/// Answers below `/server`.
pub(crate) fn answer(call: &Call<'_>, rest: &[&str]) -> Answer<Reply> {
    match (call.request.method.as_str(), rest) {
        ("GET", ["health"]) => Ok(health(call)),
        ("GET", ["info"]) => info(call),
        ("GET", ["specs", "oas"]) => {
            let host = call.request.client.host.clone().unwrap_or_else(|| call.instance.address.to_string());
            let document = call.read(|session| specs::openapi::document(session, &host))?;
            Ok(Reply::json(&document))
        }
        ("GET", ["specs", "graphql"]) => graphql(call, "items"),
        ("GET", ["specs", "graphql", scope @ ("items" | "system")]) => graphql(call, scope),
        ("GET", ["specs", "graphql", _]) => Err(crate::ApiError::no_route(&call.below(1))),
        _ => call.no_route(),
    }
}

fn health(call: &Call<'_>) -> Reply {
    let url = format!("http://{}", call.instance.address);
    let mut health = json!({"status": "ok"});
    if call.who.admin {
        let used = json!([{"status": "ok", "componentType": "datastore", "observedValue": 1}]);
        let time = json!([{
            "status": "ok", "componentType": "datastore", "observedUnit": "ms", "observedValue": 0, "threshold": 150
        }]);
        health = json!({
            "status": "ok",
            "releaseId": VERSION,
            "serviceId": url,
            "checks": {
                "sqlite3:responseTime": time, "sqlite3:connectionsAvailable": used, "sqlite3:connectionsUsed": used,
            },
        });
    }
    let mut reply = Reply::json(&health);
    reply.headers = vec![(header::CONTENT_TYPE, "application/health+json; charset=utf-8".into())];
    reply
}

const PROJECT: [&str; 16] = [
    "project_name",
    "project_descriptor",
    "project_logo",
    "project_color",
    "default_appearance",
    "default_theme_light",
    "default_theme_dark",
    "theme_light_overrides",
    "theme_dark_overrides",
    "default_language",
    "public_foreground",
    "public_favicon",
    "public_note",
    "custom_css",
    "public_registration",
    "public_registration_verify_email",
];

fn info(call: &Call<'_>) -> Answer<Reply> {
    let fields = PROJECT.iter().copied().chain(["public_background.id", "public_background.type"]);
    let query = Query { fields: fields.map(Into::into).collect(), ..Query::default() };
    let instance = crate::access::Who::instance();
    let project = call
        .instance
        .db
        .read(&instance, |session| query::read_singleton(session, "directus_settings", &query))?;
    let mut info = json!({"project": project, "setupCompleted": true});
    if call.who.user.is_some() {
        let more = json!({
            "mcp_enabled": false,
            "ai_enabled": false,
            "files": {"mimeTypeAllowList": ["*/*"]},
            "rateLimit": false,
            "rateLimitGlobal": false,
            "extensions": {"limit": null},
            "queryLimit": {"default": 100, "max": -1},
            "websocket": {
                "rest": {"authentication": "handshake", "path": "/websocket"},
                "graphql": false,
                "heartbeat": 30,
                "collaborativeEditing": false,
                "logs": false,
            },
            "version": VERSION,
        });
        if let (Value::Object(info), Value::Object(more)) = (&mut info, more) {
            info.extend(more);
        }
    }
    Ok(Reply::data(info))
}

fn graphql(call: &Call<'_>, scope: &str) -> Answer<Reply> {
    let (text, name) = call.read(|session| {
        let sql = "select project_name from directus_settings limit 1";
        let name: Option<String> = session.db.query_row(sql, [], |row| row.get(0)).optional()?;
        Ok((specs::graphql::sdl(session, scope == "system")?, name.unwrap_or_else(|| "Directus".into())))
    })?;
    let day = &crate::clock::now()[..10];
    let name = name.replace(['"', '\\'], "");
    let file = format!("attachment; filename=\"{name}_{day}.graphql\"");
    Ok(Reply::bytes("application/octet-stream; charset=utf-8", text).with(header::CONTENT_DISPOSITION, file))
}
