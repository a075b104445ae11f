//! A very large schema, compared and hashed offline; beside it what a server takes for its own comparison of the same.

use std::error::Error;
use std::fs;
use std::time::Instant;

use lockstep_testkit::directus::Directus;
use lockstep_testkit::npm::Package;
use serde_json::{Value, json};

use super::measure::{Run, median_alone, middle};
use super::report::{Goal, Row, Table};
use super::{Bench, note};
use crate::install::install;

const VERSION: &str = "11.17.4";
const COLLECTIONS: usize = 500;
const FIELDS: usize = 40;
const TIMES: usize = 9;
/// The server is asked less often: it takes long, and applying the schema to it takes minutes.
const TIMES_OF_SERVER: usize = 3;

/// The table of the large schema.
///
/// # Errors
/// When a tool or a server fails.
pub(super) async fn measure(bench: &Bench) -> Result<Table, Box<dyn Error>> {
    let folder = bench.folder.path().join("schema");
    fs::create_dir_all(&folder)?;
    let (current, desired) = (snapshot(false), snapshot(true));
    for (name, snapshot) in [("current.json", &current), ("desired.json", &desired)] {
        fs::write(folder.join(name), serde_json::to_vec(snapshot)?)?;
    }
    note(&format!("a schema of {COLLECTIONS} collections with {FIELDS} fields each, offline"));
    let lockstep = &bench.lockstep;
    let compared =
        lockstep.plain(&["schema", "diff", "current.json", "desired.json", "--format", "directus"], &folder);
    let hashed = lockstep.plain(&["schema", "hash", "current.json"], &folder);
    let (ours, hash) = (median_alone(&compared, TIMES)?, median_alone(&hashed, TIMES)?);
    let peer = if bench.with_peer { Some(peer(bench, &folder, &desired).await?) } else { None };
    let goal = Goal { seconds: Some(0.2), megabytes: Some(200.0), ..Goal::default() };
    let rows = vec![
        Row { what: "diff and hash", ours, peer, goal },
        Row { what: "hash alone", ours: hash, peer: None, goal: Goal::default() },
    ];
    let title = format!(
        "A schema of {COLLECTIONS} collections with {FIELDS} fields each: offline, and Directus {VERSION} itself"
    );
    Ok(Table { title, peer: "POST /schema/diff", rows })
}

/// What a server takes that has the schema, without the way there.
async fn peer(bench: &Bench, folder: &std::path::Path, desired: &Value) -> Result<Run, Box<dyn Error>> {
    install(&bench.cache, &[Package::directus(VERSION)])?;
    // The body is larger than the server takes as JSON by default.
    let server = Directus::builder(VERSION).env("MAX_PAYLOAD_SIZE", "100mb").start().await?;
    note("the schema on a server (takes minutes)");
    let (url, token) = (server.url(), server.token());
    let apply = [
        "schema",
        "apply",
        "current.json",
        "--yes",
        "--quiet",
        "--directus-url",
        &url,
        "--directus-token",
        token,
    ];
    let program = bench.lockstep.plain(&apply, folder);
    tokio::task::spawn_blocking(move || program.time().map_err(|error| error.to_string())).await??;
    note("the server's own comparison");
    let mut runs = Vec::new();
    for _ in 0..TIMES_OF_SERVER {
        let before = Instant::now();
        server.post("/schema/diff?force=true", desired).await?;
        runs.push(Run { seconds: before.elapsed().as_secs_f64(), requests: 1, megabytes: 0.0 });
    }
    middle(&runs).ok_or_else(|| "nothing was run".into())
}

/// What a server would send; the other one differs in one field of a hundred.
fn snapshot(changed: bool) -> Value {
    let kinds = [
        ("string", "varchar", json!(255)),
        ("text", "text", Value::Null),
        ("integer", "integer", Value::Null),
        ("boolean", "boolean", Value::Null),
        ("json", "json", Value::Null),
        ("dateTime", "datetime", Value::Null),
        ("float", "float", Value::Null),
        ("bigInteger", "bigint", Value::Null),
    ];
    let (mut collections, mut fields) = (Vec::new(), Vec::new());
    for number in 0..COLLECTIONS {
        let name = format!("table_{number:03}");
        collections.push(json!({
            "collection": name,
            "meta": {
                "accountability": "all", "archive_app_filter": true, "archive_field": null, "archive_value": null,
                "collapse": "open", "collection": name, "color": null, "display_template": null, "group": null,
                "hidden": false, "icon": "box", "item_duplication_fields": null, "note": null, "preview_url": null,
                "singleton": false, "sort": number, "sort_field": null, "translations": null, "unarchive_value": null,
                "versioning": false,
            },
            "schema": {"name": name},
        }));
        for place in 0..FIELDS {
            let key = place == 0;
            let field = if key { "id".to_owned() } else { format!("field_{place:02}") };
            let (kind, column, length) =
                if key { ("integer", "integer", Value::Null) } else { kinds[place % kinds.len()].clone() };
            let differs = changed && (number * FIELDS + place) % 100 == 7;
            let special = if kind == "json" {
                json!(["cast-json"])
            } else if kind == "boolean" {
                json!(["cast-boolean"])
            } else {
                Value::Null
            };
            fields.push(json!({
                "collection": name, "field": field, "type": kind,
                "meta": {
                    "collection": name, "conditions": null, "display": null, "display_options": null, "field": field,
                    "group": null, "hidden": key, "interface": "input", "note": if differs { "changed" } else { "as it was" },
                    "options": null, "readonly": false, "required": false, "searchable": true, "sort": place + 1,
                    "special": special, "translations": null, "validation": null, "validation_message": null,
                    "width": "full",
                },
                "schema": {
                    "name": field, "table": name, "data_type": column, "default_value": null, "max_length": length,
                    "numeric_precision": null, "numeric_scale": null, "is_nullable": !key, "is_unique": false,
                    "is_indexed": false, "is_primary_key": key, "is_generated": false, "generation_expression": null,
                    "has_auto_increment": key, "foreign_key_table": null, "foreign_key_column": null,
                },
            }));
        }
    }
    json!({
        "version": 1, "directus": VERSION, "vendor": "sqlite", "collections": collections, "fields": fields,
        "relations": [],
    })
}
