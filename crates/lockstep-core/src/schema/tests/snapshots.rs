use serde_json::json;

use super::{fixture, fixture_snapshot, snapshot_of};
use crate::schema::{OWN_TABLES, Snapshot, SnapshotError};

#[test]
fn a_snapshot_is_written_as_it_was_read() {
    for name in ["v11-current", "v12-current"] {
        let value = fixture(name);
        let written = Snapshot::from_value(value.clone()).unwrap().to_value();
        assert_eq!(
            serde_json::to_string(&written).unwrap(),
            serde_json::to_string(&value).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn the_wrapper_of_the_api_is_accepted() {
    let wrapped = Snapshot::from_value(json!({"data": fixture("v11-current")})).unwrap();
    assert_eq!(wrapped, fixture_snapshot("v11-current"));
}

#[test]
fn facts_are_at_hand() {
    let snapshot = fixture_snapshot("v11-current");
    assert_eq!(snapshot.format_version(), Some(1));
    assert_eq!(snapshot.directus_version(), "11.17.4");
    assert_eq!(snapshot.vendor(), Some("sqlite"));
    assert_eq!(snapshot.collection_names().next(), Some("bench_000"));
    assert!(snapshot.collection("bench_001").is_some() && snapshot.collection("nothing").is_none());
    assert!(snapshot.field("bench_001", "parent_ref").is_some());
    assert!(snapshot.relation("bench_001", "parent_ref").is_some());
    assert!(snapshot.fields_of("bench_001").count() > 10);
    assert_eq!(snapshot.system_fields().unwrap().len(), 3);
}

#[test]
fn errors_tell_place_expectation_and_finding() {
    let cases = [
        (
            json!([]),
            "snapshot: expected a schema snapshot (an object with collections, fields and relations), found an array",
        ),
        (json!({"directus": "11.0.0"}), "collections: expected an array, found nothing"),
        (json!({"directus": "11.0.0", "collections": null}), "collections: expected an array, found null"),
        (
            json!({"collections": [], "fields": [], "relations": []}),
            "directus: expected a name, found nothing",
        ),
        (
            json!({"directus": "latest", "collections": [], "fields": [], "relations": []}),
            "directus: expected a version such as 11.17.4, found \"latest\"",
        ),
        (
            json!({"directus": "11.0.0", "collections": [7], "fields": [], "relations": []}),
            "collections[0]: expected an object, found the number 7",
        ),
        (
            json!({"directus": "11.0.0", "collections": [], "fields": [{"collection": "a"}], "relations": []}),
            "fields[0].field: expected a name, found nothing",
        ),
        (
            json!({"directus": "11.0.0", "collections": [{"collection": ""}], "fields": [], "relations": []}),
            "collections[0].collection: expected a name, found an empty string",
        ),
    ];
    for (value, message) in cases {
        assert_eq!(Snapshot::from_value(value).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_name_that_occurs_twice_is_refused() {
    let twice = json!({"directus": "11.0.0", "fields": [], "relations": [],
        "collections": [{"collection": "a"}, {"collection": "b"}, {"collection": "a"}]});
    let error = Snapshot::from_value(twice).unwrap_err();
    assert_eq!(
        error,
        SnapshotError::Duplicate { list: "collections", name: "a".into(), first: 0, second: 2 }
    );
}

#[test]
fn own_tables_leave_with_all_that_is_theirs() {
    let mut value = snapshot_of(&["posts", "directus_sync_id_map", "lockstep_state"]).to_value();
    value["relations"] =
        json!([{"collection": "posts", "field": "map", "related_collection": "lockstep_state"}]);
    value["systemFields"] = json!([{"collection": "lockstep_state", "field": "x"}, {"collection": "directus_activity", "field": "y"}]);
    let without = Snapshot::from_value(value).unwrap().without_collections(&OWN_TABLES);
    assert_eq!(without.collection_names().collect::<Vec<_>>(), ["posts"]);
    assert_eq!(
        (without.fields().len(), without.relations().len(), without.system_fields().unwrap().len()),
        (1, 0, 1)
    );
}

#[test]
fn a_table_without_metadata_is_untracked() {
    let mut value = snapshot_of(&["tracked", "legacy"]).to_value();
    value["collections"][1]["meta"] = json!(null);
    let snapshot = Snapshot::from_value(value).unwrap();
    assert!(snapshot.is_untracked("legacy"));
    assert!(!snapshot.is_untracked("tracked") && !snapshot.is_untracked("absent"));
}
