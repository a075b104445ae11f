use serde_json::{Value, json};

use super::*;

fn merged(files: &[(&str, Value)]) -> Result<Seeds, SeedError> {
    let mut all = Vec::new();
    for (file, value) in files {
        all.extend(parse(file, value.clone())?);
    }
    Seeds::merge(all)
}

#[test]
fn an_object_or_an_array_of_them() {
    let seed = json!({"collection": "posts", "data": [{"_sync_id": "a", "title": "A"}]});
    let one = merged(&[("posts.json", seed.clone())]).unwrap();
    assert_eq!(one.seeds[0].records[0].place, "posts.json: data[0]");
    assert_eq!(one.seeds[0].meta, Meta::default());
    let many = merged(&[("all.json", json!([seed, {"collection": "tags", "data": []}]))]).unwrap();
    assert_eq!(many.seeds[0].records[0].place, "all.json[0]: data[0]");
    assert_eq!(many.seeds.len(), 2);
}

#[test]
fn seeds_of_one_collection_are_merged() {
    let seeds = merged(&[
        ("a.json", json!({"collection": "late", "data": []})),
        ("b.json", json!({"collection": "posts", "meta": {"insert_order": 5, "delete": false, "ignore_on_update": ["x"]}, "data": [{"_sync_id": "1"}]})),
        ("c.json", json!({"collection": "tags", "meta": {"insert_order": 5}, "data": []})),
        ("d.json", json!({"collection": "posts", "meta": {"insert_order": 2.5, "preserve_ids": true, "update": false, "ignore_on_update": ["y"]}, "data": [{"_sync_id": "2"}]})),
    ])
    .unwrap();
    let names: Vec<_> = seeds.seeds.iter().map(|seed| seed.collection.as_str()).collect();
    assert_eq!(names, ["posts", "tags", "late"]);
    assert_eq!(seeds.ranks(), [0, 1, 2]);
    let posts = &seeds.seeds[0];
    assert_eq!(
        posts.meta,
        Meta {
            insert_order: Some(2.5),
            create: true,
            update: false,
            delete: false,
            preserve_ids: true,
            ignore_on_update: vec!["y".into(), "x".into()],
        }
    );
    let ids: Vec<_> = posts.records.iter().map(|record| record.record.sync_id.as_str()).collect();
    assert_eq!(ids, ["2", "1"]);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (seed, message) in [
        (json!(7), "f.json must be a seed: {collection, meta, data}, but is a number"),
        (json!([[]]), "f.json[0] must be a seed: {collection, meta, data}, but is an array"),
        (json!({"data": []}), "f.json: collection must be a name, but is missing or null"),
        (json!({"collection": "c"}), "f.json: data must be an array of records, but is missing or null"),
        (
            json!({"collection": "c", "data": {}}),
            "f.json: data must be an array of records, but is an object",
        ),
        (json!({"collection": "c", "data": ["x"]}), "f.json: data[0] must be a record, but is a text"),
        (
            json!({"collection": "c", "data": [{}]}),
            "f.json: data[0]: _sync_id must be a text, but is missing or null",
        ),
        (
            json!({"collection": "c", "data": [{"_sync_id": 5}]}),
            "f.json: data[0]: _sync_id must be a text, but is a number",
        ),
        (
            json!({"collection": "c", "meta": {"create": "no"}, "data": []}),
            "f.json: meta.create must be true or false, but is a text",
        ),
        (
            json!({"collection": "c", "meta": {"ignore_on_update": [1]}, "data": []}),
            "f.json: meta.ignore_on_update must be names of fields, but is a number",
        ),
        (
            json!({"collection": "c", "data": [{"_sync_id": "a"}, {"_sync_id": "a"}]}),
            "f.json: data[1]: _sync_id a is already that of f.json: data[0]",
        ),
    ] {
        assert_eq!(merged(&[("f.json", seed)]).unwrap_err().to_string(), message);
    }
}
