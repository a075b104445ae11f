use std::fs;

use super::{fixture, new_dump, put};
use lockstep_core::collection;

use crate::dump::{DumpError, DumpPaths, DumpWarning, read_collections, read_snapshot};

/// The error of reading roles from a file with this text, the directory cut from its message.
fn roles_error(text: &str) -> (String, Option<&'static str>) {
    let (_directory, paths) = new_dump();
    put(paths.collections.join("roles.json"), text);
    let error = read_collections(&paths, &["roles"]).unwrap_err();
    let collections = paths.collections.display().to_string();
    (error.to_string().replace(&collections, "").replace(std::path::MAIN_SEPARATOR, "/"), error.hint())
}

#[test]
fn a_dump_of_directus_sync_is_read() {
    let dump = read_collections(&fixture(), &collection::names()).unwrap();
    assert_eq!(dump.warnings, []);
    assert_eq!(dump.records.len(), 11);
    assert_eq!(dump.records["roles"].as_ref().map(Vec::len), Some(3));
    let snapshot = read_snapshot(&fixture()).unwrap().unwrap();
    assert_eq!(snapshot.directus_version(), "11.17.4");
    assert_eq!(snapshot.collection_names().count(), 4);
    assert_eq!((snapshot.relations().len(), snapshot.system_fields().unwrap().len()), (3, 3));
}

#[test]
fn relative_parts_are_inside_the_dump_and_absolute_ones_are_not() {
    let paths = DumpPaths::with_parts("dump", "records", "../elsewhere", "/specs");
    assert_eq!(paths.collections, DumpPaths::new("dump").root.join("records"));
    assert_eq!(paths.snapshot, paths.root.join("../elsewhere"));
    assert_eq!(paths.specs, std::path::Path::new("/specs"));
}

#[test]
fn no_file_is_not_an_empty_list() {
    let (_directory, paths) = new_dump();
    put(paths.collections.join("flows.json"), "[]");
    let records = read_collections(&paths, &["flows", "roles"]).unwrap().records;
    assert_eq!(records["flows"], Some(vec![]));
    assert_eq!(records["roles"], None);
}

#[test]
fn no_dump_is_an_error_with_a_remedy() {
    let (_directory, paths) = new_dump();
    let missing = read_collections(&paths, &["roles"]).unwrap_err();
    assert!(matches!(missing, DumpError::Missing { .. }), "{missing}");
    assert_eq!(missing.hint(), Some("run `lockstep pull` first, or check --dump-path"));
    assert!(matches!(read_snapshot(&paths), Err(DumpError::Missing { .. })));

    fs::create_dir(&paths.root).unwrap();
    let missing = read_collections(&paths, &["roles"]).unwrap_err();
    assert!(matches!(missing, DumpError::CollectionsMissing { .. }), "{missing}");
    assert_eq!(read_snapshot(&paths).unwrap(), None);
}

#[test]
fn faults_in_records_tell_file_and_place() {
    let cases = [
        ("[\n  {\"a\": }\n]", "/roles.json:2:9: not valid JSON: expected value"),
        ("", "/roles.json:1:1: not valid JSON: the file is empty"),
        ("{}", "/roles.json: expected an array of records, found an object"),
        ("null", "/roles.json: expected an array of records, found null"),
        ("[{\"_syncId\": \"a\"}, 7]", "/roles.json: record 2 is not an object"),
        (
            "[{\"_syncId\": \"a\"}, {}]",
            "/roles.json: record 2 has no `_syncId` (a non-empty string is needed)",
        ),
        ("[{\"_syncId\": 7}]", "/roles.json: record 1 has no `_syncId` (a non-empty string is needed)"),
        ("[{\"_syncId\": \"\"}]", "/roles.json: record 1 has no `_syncId` (a non-empty string is needed)"),
        (
            "[{\"_syncId\": \"a\"}, {\"_syncId\": \"b\"}, {\"_syncId\": \"a\"}]",
            "/roles.json: records 1 and 3 have the same `_syncId` a",
        ),
    ];
    for (text, message) in cases {
        let (told, hint) = roles_error(text);
        assert_eq!(told, message);
        assert!(hint.is_some(), "{message}");
    }
}

#[test]
fn an_unresolved_merge_is_recognised() {
    let (_, hint) = roles_error("[\n<<<<<<< HEAD\n]");
    assert_eq!(hint, Some("resolve the merge conflict in this file"));
}

#[test]
fn a_link_to_nowhere_is_no_missing_file() {
    let (_directory, paths) = new_dump();
    fs::create_dir_all(&paths.collections).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", paths.collections.join("roles.json")).unwrap();
        assert!(matches!(read_collections(&paths, &["roles"]), Err(DumpError::Read { .. })));
    }
}

#[test]
fn a_file_of_no_collection_is_told_with_what_was_meant() {
    let (_directory, paths) = new_dump();
    for name in
        ["rolez.json", "directus_flows.json", "content.json", "README.md", ".hidden.json", "roles.json"]
    {
        put(paths.collections.join(name), "[]");
    }
    let warning = |name: &str, nearest| {
        let path = paths.collections.join(name);
        DumpWarning::UnknownCollectionFile { path, nearest }
    };
    let expected = [
        warning("content.json", None),
        warning("directus_flows.json", Some("flows")),
        warning("rolez.json", Some("roles")),
    ];
    let warnings = read_collections(&paths, &[]).unwrap().warnings;
    assert_eq!(warnings, expected);
    assert!(
        warnings[2]
            .to_string()
            .ends_with("rolez.json is not a collection and is not read; was roles.json meant?")
    );
}

#[test]
fn both_layouts_at_once_are_refused() {
    let (_directory, paths) = new_dump();
    put(paths.snapshot.join("info.json"), r#"{"directus": "11.0.0"}"#);
    put(
        paths.snapshot.join("snapshot.json"),
        r#"{"directus": "11.1.0", "collections": [], "fields": [], "relations": []}"#,
    );
    let error = read_snapshot(&paths).unwrap_err();
    assert_eq!(error.hint(), Some("remove snapshot.json, or all but snapshot.json"));
    fs::remove_file(paths.snapshot.join("info.json")).unwrap();
    assert_eq!(read_snapshot(&paths).unwrap().unwrap().directus_version(), "11.1.0");
}

#[test]
fn faults_in_the_snapshot_tell_the_file() {
    let (_directory, paths) = new_dump();
    put(paths.snapshot.join("info.json"), r#"{"directus": "11.0.0"}"#);
    put(paths.snapshot.join("fields/posts/title.json"), r#"{"collection": "posts"}"#);
    let error = read_snapshot(&paths).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap();
    assert_eq!(cause.to_string(), "fields/posts/title.json is no part of a snapshot");
    assert_eq!(cause.source().unwrap().to_string(), "field: expected a name, found nothing");
    assert!(error.hint().is_some());
}
