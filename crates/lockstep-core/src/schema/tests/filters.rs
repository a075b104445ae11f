use serde_json::{Value, json};

use super::{diff_of, snapshot_of};
use crate::schema::{LeftOut, LeftOutReason, OWN_TABLES, SchemaDiff, Snapshot};

fn told(left_out: &[LeftOut]) -> Vec<String> {
    let tell = |it: &LeftOut| {
        let name = it
            .field
            .as_ref()
            .map_or_else(|| it.collection.clone(), |field| format!("{}.{field}", it.collection));
        format!("{:?} {name} {:?}", it.kind, it.reason)
    };
    left_out.iter().map(tell).collect()
}

fn dropped(name: &str, meta: Value) -> Value {
    json!({"collection": name, "diff": [{"kind": "D", "lhs": {"collection": name, "meta": meta, "schema": {}}}]})
}

fn collections(entries: Value) -> SchemaDiff {
    diff_of(json!({"collections": entries, "fields": [], "relations": []}))
}

fn nested(diff: &SchemaDiff) -> Value {
    diff.to_value()["diff"]["fields"][0]["diff"].clone()
}

fn field_update(nested: Value) -> SchemaDiff {
    diff_of(json!({"collections": [], "relations": [],
        "fields": [{"collection": "posts", "field": "title", "diff": nested}]}))
}

#[test]
fn own_tables_are_left_out_whatever_happens_to_them() {
    let mut diff = diff_of(json!({
        "collections": [dropped("directus_sync_id_map", json!({})), dropped("posts", json!({}))],
        "fields": [{"collection": "lockstep_state", "field": "x", "diff": [{"kind": "N", "rhs": {}}]}],
        "relations": [{"collection": "a", "field": "b", "related_collection": "lockstep_state",
                       "diff": [{"kind": "N", "rhs": {}}]}],
    }));
    let left_out = diff.filter(&OWN_TABLES, None);
    assert_eq!(
        told(&left_out),
        ["Create a.b OwnTable", "Delete directus_sync_id_map OwnTable", "Create lockstep_state.x OwnTable"]
    );
    assert_eq!(diff.changes(None).len(), 1, "what is the user's stays");
}

#[test]
fn deletions_of_untracked_tables_are_left_out() {
    let mut value = snapshot_of(&["legacy", "posts"]).to_value();
    value["collections"][0]["meta"] = json!(null);
    let current = Snapshot::from_value(value).unwrap();
    let mut diff = diff_of(json!({
        "collections": [dropped("posts", json!({})), dropped("unknown", json!(null))],
        "fields": [
            {"collection": "legacy", "field": "id", "diff": [{"kind": "D", "lhs": {}}]},
            {"collection": "legacy", "field": "x", "diff": [{"kind": "E", "path": ["type"], "lhs": "a", "rhs": "b"}]},
        ],
        "relations": [],
    }));
    let left_out = diff.filter(&OWN_TABLES, Some(&current));
    assert_eq!(told(&left_out), ["Delete legacy.id Untracked", "Delete unknown Untracked"]);
    assert_eq!(diff.changes(None).len(), 2);
}

#[test]
fn an_emptied_diff_is_empty_and_keeps_its_lists() {
    let mut diff = collections(json!([dropped("lockstep_state", json!(null))]));
    assert!(!diff.is_empty());
    diff.filter(&OWN_TABLES, None);
    assert!(diff.is_empty());
    assert_eq!(diff.to_value()["diff"], json!({"collections": [], "fields": [], "relations": []}));
}

#[test]
fn an_update_is_made_to_begin_with_an_edit() {
    let mut diff = field_update(json!([
        {"kind": "D", "path": ["meta", "old"], "lhs": 1},
        {"kind": "N", "path": ["meta", "new"], "rhs": 1},
        {"kind": "E", "path": ["type"], "lhs": "a", "rhs": "b"},
        {"kind": "E", "path": ["meta", "note"], "lhs": "a", "rhs": "b"},
    ]));
    assert_eq!(diff.guard_first_kind(), []);
    let kinds: Vec<Value> =
        nested(&diff).as_array().unwrap().iter().map(|item| item["path"].clone()).collect();
    assert_eq!(
        kinds,
        [json!(["type"]), json!(["meta", "old"]), json!(["meta", "new"]), json!(["meta", "note"])]
    );
}

#[test]
fn an_update_that_would_drop_a_column_is_left_out() {
    let mut diff = field_update(json!([{"kind": "D", "path": ["meta"], "lhs": {}}]));
    let left_out = diff.guard_first_kind();
    assert_eq!(left_out[0].reason, LeftOutReason::WouldDrop);
    assert_eq!(left_out[0].paths, ["meta"]);
    assert!(diff.is_empty());

    let mut diff = field_update(json!([{"kind": "N", "path": ["meta", "searchable"], "rhs": true}]));
    assert_eq!(told(&diff.guard_first_kind()), ["Update posts.title WouldCreate"]);
}

#[test]
fn whole_items_are_sent_as_they_are() {
    let mut diff = collections(
        json!([dropped("posts", json!({})), {"collection": "a", "diff": [{"kind": "N", "rhs": {}}]}]),
    );
    let before = diff.clone();
    assert_eq!(diff.guard_first_kind(), []);
    assert_eq!(diff, before);
}

#[test]
fn one_type_under_two_names_is_no_change() {
    let edit =
        |path: Value, lhs: Value, rhs: Value| json!({"kind": "E", "path": path, "lhs": lhs, "rhs": rhs});
    let type_edit = || edit(json!(["schema", "data_type"]), json!("varchar"), json!("char"));

    let mut alone = field_update(json!([type_edit()]));
    assert_eq!(told(&alone.drop_equivalent_types()), ["Update posts.title EquivalentType"]);
    assert!(alone.is_empty());

    let note = edit(json!(["meta", "note"]), json!(null), json!("n"));
    let mut with_another = field_update(json!([type_edit(), note.clone()]));
    assert_eq!(with_another.drop_equivalent_types().len(), 1);
    assert_eq!(nested(&with_another), json!([note]));

    let whole = edit(
        json!(["schema"]),
        json!({"data_type": "varchar", "max_length": 36}),
        json!({"data_type": "char", "max_length": 36}),
    );
    let mut whole = field_update(json!([whole]));
    assert_eq!(whole.drop_equivalent_types().len(), 1);

    let other = edit(json!(["schema", "data_type"]), json!("varchar"), json!("integer"));
    let mut other = field_update(json!([other]));
    assert!(other.drop_equivalent_types().is_empty() && !other.is_empty());
}

#[test]
fn a_property_that_the_dump_does_not_have_stays() {
    let unsaid = json!({"kind": "D", "path": ["meta", "searchable"], "lhs": true});
    let index = json!({"kind": "D", "path": ["schema", "is_indexed"], "lhs": false});
    let option = json!({"kind": "D", "path": ["meta", "options", "min"], "lhs": 1});
    let title = json!({"kind": "E", "path": ["meta", "note"], "lhs": "a", "rhs": "b"});
    let mut alone = field_update(json!([unsaid, index]));
    let left_out = alone.drop_unsaid();
    assert_eq!(told(&left_out), ["Update posts.title Unsaid"]);
    assert_eq!(left_out[0].paths, ["meta.searchable", "schema.is_indexed"]);
    assert!(alone.is_empty());
    let mut with_others = field_update(json!([unsaid, option, title]));
    assert_eq!(with_others.drop_unsaid().len(), 1);
    assert_eq!(nested(&with_others), json!([option, title]));
}
