//! The API specifications of an instance, without the tables of sync tools: these are no part of the project, and
//! would make the files of two instances in step differ.

use futures::future::try_join3;
use lockstep_core::schema::OWN_TABLES;
use lockstep_directus::server;
use serde_json::Value;

use crate::dump;
use crate::error::EngineError;
use crate::instance::Instance;

/// The specifications by file name; none if they are not wanted.
pub(crate) async fn read(
    instance: &Instance,
    wanted: bool,
) -> Result<Option<Vec<(String, Vec<u8>)>>, EngineError> {
    if !wanted {
        return Ok(None);
    }
    let client = &instance.client;
    let (items, system, mut openapi) = try_join3(
        server::specs_graphql_items(client),
        server::specs_graphql_system(client),
        server::specs_openapi(client),
    )
    .await?;
    // From 11 on the server puts a hash of the time here: two pulls would never give the same bytes.
    if let Some(version) = openapi.pointer_mut("/info/version") {
        *version = Value::from(instance.version.to_string());
    }
    without_tables_in_openapi(&mut openapi);
    Ok(Some(vec![
        ("item.graphql".to_owned(), without_tables(&items).into_bytes()),
        ("system.graphql".to_owned(), without_tables(&system).into_bytes()),
        ("openapi.json".to_owned(), dump::canonical(&openapi)),
    ]))
}

fn names_own_table(text: &str) -> bool {
    OWN_TABLES.iter().any(|table| text.contains(table))
}

/// A GraphQL schema without the types of these tables, and without the fields of other types that lead to them. The
/// server prints one definition per paragraph, and one field per line.
fn without_tables(sdl: &str) -> String {
    if !names_own_table(sdl) {
        return sdl.to_owned();
    }
    let paragraphs = sdl.split("\n\n").filter(|paragraph| {
        let head = paragraph.lines().find(|line| !line.starts_with("\"\"\""));
        !head.is_some_and(|head| head.ends_with('{') && names_own_table(head))
    });
    let kept: Vec<_> = paragraphs
        .map(|paragraph| {
            paragraph.split('\n').filter(|line| !names_own_table(line)).collect::<Vec<_>>().join("\n")
        })
        .collect();
    kept.join("\n\n")
}

fn without_tables_in_openapi(openapi: &mut Value) {
    // `ItemsLockstepState` is how the server calls the schema of `lockstep_state`.
    let schemas: Vec<String> =
        OWN_TABLES.iter().map(|table| format!("Items{}", pascal_case(table))).collect();
    if let Some(paths) = openapi.get_mut("paths").and_then(Value::as_object_mut) {
        paths.retain(|path, _| !OWN_TABLES.iter().any(|table| path.split('/').any(|part| part == *table)));
    }
    if let Some(tags) = openapi.get_mut("tags").and_then(Value::as_array_mut) {
        let is_own = |tag: &Value| {
            tag.get("x-collection").and_then(Value::as_str).is_some_and(|name| OWN_TABLES.contains(&name))
        };
        tags.retain(|tag| !is_own(tag));
    }
    if let Some(known) = openapi.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        known.retain(|name, _| !schemas.contains(name));
    }
}

fn pascal_case(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    };
    name.split('_').map(capital).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_graphql_schema_forgets_the_table() {
        let sdl = "type Query {\n  lockstep_state(limit: Int): [lockstep_state!]!\n  posts: [posts!]!\n}\n\n\
                   \"\"\"\"\"\"\ntype version_lockstep_state {\n  id: ID\n}\n\ninput posts_filter {\n  id: ID\n}\n\n\
                   input lockstep_state_filter {\n  id: ID\n  _and: [lockstep_state_filter]\n}";
        let kept = "type Query {\n  posts: [posts!]!\n}\n\ninput posts_filter {\n  id: ID\n}";
        assert_eq!(without_tables(sdl), kept);
        assert_eq!(without_tables(kept), kept);
    }

    #[test]
    fn an_openapi_document_forgets_the_table() {
        let mut openapi = json!({
            "paths": {"/items/lockstep_state": {}, "/items/lockstep_state/{id}": {}, "/items/posts": {}},
            "tags": [{"name": "ItemsLockstepState", "x-collection": "lockstep_state"}, {"name": "Roles"}],
            "components": {"schemas": {"ItemsLockstepState": {}, "ItemsPosts": {}}},
        });
        without_tables_in_openapi(&mut openapi);
        assert_eq!(
            openapi,
            json!({
                "paths": {"/items/posts": {}},
                "tags": [{"name": "Roles"}],
                "components": {"schemas": {"ItemsPosts": {}}},
            })
        );
    }
}
