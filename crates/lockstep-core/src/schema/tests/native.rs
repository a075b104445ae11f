use proptest::prelude::*;
use serde_json::{Value, json};

use super::{fixture, fixture_snapshot, snapshot_of};
use crate::schema::{Mode, Snapshot, diff};

fn native(current: &Snapshot, desired: &Snapshot) -> Value {
    diff(current, desired, Mode::Mirror).unwrap().map_or(Value::Null, |diff| diff.to_value())
}

/// A snapshot of one collection `posts` with one field `title` like this.
pub(super) fn with_field(directus: &str, field: Value) -> Snapshot {
    let mut whole = json!({"collection": "posts", "field": "title", "type": "string"});
    whole.as_object_mut().unwrap().extend(field.as_object().unwrap().clone());
    Snapshot::from_value(json!({
        "version": 1, "directus": directus, "vendor": "sqlite",
        "collections": [{"collection": "posts", "meta": {}, "schema": {"name": "posts"}}],
        "fields": [whole], "relations": [],
    }))
    .unwrap()
}

fn field_diff(current: &Snapshot, desired: &Snapshot) -> Value {
    native(current, desired).pointer("/diff/fields/0/diff").cloned().unwrap_or_default()
}

#[test]
fn the_diff_is_that_of_the_server_to_the_byte() {
    for version in ["v11", "v12"] {
        let (current, desired) = (
            fixture_snapshot(&format!("{version}-current")),
            fixture_snapshot(&format!("{version}-desired")),
        );
        let expected = fixture(&format!("{version}-diff"));
        let found = diff(&current, &desired, Mode::Mirror).unwrap().unwrap();
        assert_eq!(
            serde_json::to_string_pretty(&found.to_json()).unwrap(),
            serde_json::to_string_pretty(&expected).unwrap(),
            "{version}"
        );
    }
}

#[test]
fn the_hash_is_that_of_the_server() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/schema-hash");
    let read = |name: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(format!("{directory}/{name}")).unwrap()).unwrap()
    };
    let hashes = read("HASHES.json");
    assert_eq!(hashes.as_object().unwrap().len(), 4);
    for (name, hash) in hashes.as_object().unwrap() {
        assert_eq!(Snapshot::from_value(read(name)).unwrap().hash(), hash.as_str().unwrap(), "{name}");
    }
}

/// The expected hashes are object-hash's own (3.0.0, on Node 22).
#[test]
fn the_hash_knows_javascript() {
    let cases = [
        (r#"{"\uffff": 1, "😀": 2, "z": 3}"#, "4f6e7c5d409baa6e27c2fc8b8ae2f82ae87c2c52"),
        (
            r#"{"z": 1.5e300, "a": 0.1, "b": 1e21, "c": 1e-7, "d": 123456789012345680000}"#,
            "efac9a1dfe65aaf81daf9fda0895d10565711166",
        ),
        (r#"{"constructor": "own"}"#, "c50e3c45ea12b5ea61249d5476c55a777ffc8588"),
        (r#"{"prototype": "x"}"#, "80066ae21859223fdf9716e8648ad4d4e63c03a9"),
        (r#"{"10": 1, "9": 2, "a": 3}"#, "ca158b0ceeb578818856ce828273c07e281d4507"),
        (r#"{"a": -0.0}"#, "d13557eb81caecc6f9c05720a5db01a4284aa0e1"),
    ];
    for (meta, hash) in cases {
        let text = format!(
            r#"{{"version": 1, "directus": "11.17.4", "vendor": "sqlite", "fields": [], "relations": [],
                "collections": [{{"collection": "é😀", "meta": {meta}}}]}}"#
        );
        let snapshot = Snapshot::from_value(crate::json::Keys::default().parse(&text).unwrap()).unwrap();
        assert_eq!(snapshot.hash(), hash, "{meta}");
    }
}

/// Parts of a long list are put into form beside each other; the hash is that of one after the other.
#[test]
fn the_hash_of_a_long_list_is_made_of_its_parts_in_order() {
    let names: Vec<String> = (0..3000).map(|number| format!("c{number}")).collect();
    let collections: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(snapshot_of(&collections).hash(), "cc68712ac6d67da387d979946ac479d13f7af338");
}

#[test]
fn equal_schemas_have_no_diff() {
    let snapshot = fixture_snapshot("v12-current");
    assert_eq!(native(&snapshot, &snapshot), Value::Null);
    let json = snapshot.to_value();
    assert_eq!(native(&Snapshot::from_value(json).unwrap(), &snapshot), Value::Null);
}

#[test]
fn a_diff_leads_to_what_is_desired() {
    for version in ["v11", "v12"] {
        for (from, to) in [("current", "desired"), ("desired", "current")] {
            let current = fixture_snapshot(&format!("{version}-{from}"));
            let desired = fixture_snapshot(&format!("{version}-{to}"));
            let found = diff(&current, &desired, Mode::Mirror).unwrap().unwrap();
            let reached = found.applied_to(&current).unwrap();
            assert_eq!(native(&reached, &desired), Value::Null, "{version} {from} -> {to}");
        }
    }
}

#[test]
fn merging_deletes_nothing_whole() {
    let (current, desired) = (snapshot_of(&["a", "b"]), snapshot_of(&["b", "c"]));
    let merged = diff(&current, &desired, Mode::Merge).unwrap().unwrap().to_value();
    let collections = merged.pointer("/diff/collections").unwrap().as_array().unwrap();
    assert_eq!(collections.len(), 1);
    assert_eq!(collections[0]["collection"], "c");
}

#[test]
fn a_partial_snapshot_says_nothing_about_others() {
    let current = snapshot_of(&["a", "b"]);
    let mut partial = snapshot_of(&["b", "c"]).to_value();
    partial["version"] = json!(2);
    let found = native(&current, &Snapshot::from_value(partial).unwrap());
    let collections = found.pointer("/diff/collections").unwrap().as_array().unwrap();
    assert_eq!(collections.iter().map(|entry| &entry["collection"]).collect::<Vec<_>>(), ["c"]);
}

#[test]
fn an_alias_is_another_field_from_11_on() {
    let field = |directus| with_field(directus, json!({"type": "string", "schema": {"name": "title"}}));
    let alias = |directus| with_field(directus, json!({"type": "alias"}));
    let kinds = |directus| -> Vec<Value> {
        let found = native(&field(directus), &alias(directus));
        let entries = found.pointer("/diff/fields").unwrap().as_array().unwrap().clone();
        entries
            .iter()
            .flat_map(|entry| entry["diff"].as_array().unwrap())
            .map(|it| it["kind"].clone())
            .collect()
    };
    assert_eq!(kinds("10.13.1"), ["E", "D"]);
    assert_eq!(kinds("11.17.4"), ["D", "N"]);
}

#[test]
fn metadata_with_new_keys_is_replaced_from_12_on() {
    let field = |directus, meta: Value| with_field(directus, json!({"meta": meta}));
    let (before, after) = (json!({"a": {"x": 1}, "b": 1}), json!({"a": {"x": 1, "y": 2}, "b": 2}));
    assert_eq!(
        field_diff(&field("11.17.4", before.clone()), &field("11.17.4", after.clone())),
        json!([{"kind": "N", "path": ["meta", "a", "y"], "rhs": 2}, {"kind": "E", "path": ["meta", "b"], "lhs": 1, "rhs": 2}])
    );
    assert_eq!(
        field_diff(&field("12.4.0", before.clone()), &field("12.4.0", after.clone())),
        json!([{"kind": "E", "path": ["meta"], "lhs": before, "rhs": after}])
    );
}

#[test]
fn indexes_count_where_the_version_knows_them() {
    let field = |directus, indexed: bool| {
        with_field(directus, json!({"schema": {"name": "title", "is_indexed": indexed}}))
    };
    assert_eq!(field_diff(&field("10.13.1", false), &field("10.13.1", true)), Value::Null);
    assert_ne!(field_diff(&field("11.17.4", false), &field("11.17.4", true)), Value::Null);
}

#[test]
fn an_auto_incremented_key_is_not_compared() {
    let key = |kind: &str| json!({"schema": {"name": "title", "is_primary_key": true, "has_auto_increment": true, "data_type": kind}});
    let (current, desired) = (with_field("11.17.4", key("integer")), with_field("11.17.4", key("int")));
    assert_eq!(native(&current, &desired), Value::Null);
}

#[test]
fn arrays_are_told_from_their_end() {
    let field = |special: Value| with_field("11.17.4", json!({"meta": {"special": special}}));
    assert_eq!(
        field_diff(&field(json!(["a"])), &field(json!(["b", "c", "d"]))),
        json!([
            {"kind": "A", "path": ["meta", "special"], "index": 2, "item": {"kind": "N", "rhs": "d"}},
            {"kind": "A", "path": ["meta", "special"], "index": 1, "item": {"kind": "N", "rhs": "c"}},
            {"kind": "E", "path": ["meta", "special", 0], "lhs": "a", "rhs": "b"},
        ])
    );
}

pub(super) fn meta() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..9).prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from),
    ];
    let nested = leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-d1-3]{1,2}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    });
    prop::collection::vec(("[a-d]", nested), 0..4)
        .prop_map(|pairs| Value::Object(pairs.into_iter().collect()))
}

proptest! {
    /// On Directus 10 and 11 value by value, on 12 with whole metadata: the desired state is reached.
    #[test]
    fn a_diff_of_any_metadata_leads_to_it(before in meta(), after in meta(), directus in prop::sample::select(vec!["10.13.1", "11.17.4", "12.4.0"])) {
        let current = with_field(directus, json!({"meta": before}));
        let desired = with_field(directus, json!({"meta": after}));
        match diff(&current, &desired, Mode::Mirror).unwrap() {
            None => prop_assert_eq!(before, after),
            Some(found) => {
                let reached = found.applied_to(&current).unwrap();
                prop_assert_eq!(native(&reached, &desired), Value::Null);
            }
        }
    }
}
