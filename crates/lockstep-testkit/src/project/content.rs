//! Collections for content: keys of every kind, and references of every kind between them.

use lockstep_sandbox::sample::Step;
use serde_json::{Value, json};

/// The steps that make the collections, all empty: `authors` (counted keys; a mentor who is an author, a best post, a role),
/// `posts` (UUIDs; an author, a tag, a cover), `tags` (their codes are their keys), and the junctions `posts_blocks`
/// (many-to-any) and `posts_tags`.
pub(super) fn steps() -> Vec<Step> {
    vec![
        Step::Each("/collections", vec![authors(), posts(), tags(), posts_blocks(), posts_tags()]),
        Step::Each(
            "/relations",
            vec![
                relation("authors", "mentor", "authors"),
                relation("authors", "role", "directus_roles"),
                relation("posts", "author", "authors"),
                relation("posts", "favourite_of", "authors"),
                relation("posts", "tag", "tags"),
                relation("posts", "cover", "directus_files"),
                relation("authors", "best_post", "posts"),
                lists("posts_blocks", "posts_id", "posts", "blocks", "item", "CASCADE"),
                any("posts_blocks", "item", &["authors", "tags", "directus_files"], "posts_id"),
                lists("posts_tags", "posts_id", "posts", "tags", "tags_code", "SET NULL"),
                relation("posts_tags", "tags_code", "tags"),
            ],
        ),
    ]
}

fn authors() -> Value {
    let decimal = json!({"numeric_precision": 10, "numeric_scale": 2});
    collection(
        "authors",
        vec![
            counted_key(),
            field("name", "string"),
            field("mentor", "integer"),
            field("born", "date"),
            json!({"field": "score", "type": "decimal", "meta": {}, "schema": decimal}),
            field("role", "uuid"),
            field("best_post", "uuid"),
        ],
    )
}

fn posts() -> Value {
    let key = json!({"field": "id", "type": "uuid", "meta": {"special": ["uuid"]},
        "schema": {"is_primary_key": true, "length": 36, "has_auto_increment": false}});
    collection(
        "posts",
        vec![
            key,
            field("title", "string"),
            field("author", "integer"),
            field("favourite_of", "integer"),
            field("tag", "string"),
            field("published", "timestamp"),
            special("labels", "csv", "cast-csv"),
            special("extra", "json", "cast-json"),
            special("date_created", "timestamp", "date-created"),
            field("cover", "uuid"),
            json!({"field": "blocks", "type": "alias", "meta": {"special": ["m2a"]}, "schema": null}),
            json!({"field": "tags", "type": "alias", "meta": {"special": ["m2m"]}, "schema": null}),
        ],
    )
}

fn tags() -> Value {
    let key = json!({"field": "code", "type": "string", "meta": {},
        "schema": {"is_primary_key": true, "length": 60, "has_auto_increment": false}});
    collection("tags", vec![key, field("label", "string")])
}

fn posts_blocks() -> Value {
    let fields = [("posts_id", "uuid"), ("item", "string"), ("collection", "string"), ("sort", "integer")];
    let fields = fields.map(|(name, kind)| field(name, kind));
    collection("posts_blocks", std::iter::once(counted_key()).chain(fields).collect())
}

fn posts_tags() -> Value {
    collection("posts_tags", vec![counted_key(), field("posts_id", "uuid"), field("tags_code", "string")])
}

fn collection(name: &str, fields: Vec<Value>) -> Value {
    json!({"collection": name, "meta": {}, "schema": {}, "fields": fields})
}

fn counted_key() -> Value {
    json!({"field": "id", "type": "integer", "meta": {},
        "schema": {"is_primary_key": true, "has_auto_increment": true}})
}

fn field(name: &str, kind: &str) -> Value {
    json!({"field": name, "type": kind, "meta": {}, "schema": {}})
}

fn special(name: &str, kind: &str, special: &str) -> Value {
    json!({"field": name, "type": kind, "meta": {"special": [special]}, "schema": {}})
}

fn relation(collection: &str, field: &str, related: &str) -> Value {
    json!({"collection": collection, "field": field, "related_collection": related, "meta": {},
        "schema": {"on_delete": "SET NULL"}})
}

fn lists(collection: &str, field: &str, related: &str, one: &str, junction: &str, on_delete: &str) -> Value {
    json!({"collection": collection, "field": field, "related_collection": related,
        "meta": {"one_field": one, "junction_field": junction}, "schema": {"on_delete": on_delete}})
}

fn any(collection: &str, field: &str, allowed: &[&str], junction: &str) -> Value {
    json!({"collection": collection, "field": field, "related_collection": null, "schema": null,
        "meta": {"one_collection_field": "collection", "one_allowed_collections": allowed,
            "junction_field": junction}})
}
