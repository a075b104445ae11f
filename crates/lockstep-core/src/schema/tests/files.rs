use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::{fixture_snapshot, snapshot_of};
use crate::schema::{FileRole, Layout, LayoutError, RelPath, Snapshot, file_name, from_files, to_files};

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

fn paths(snapshot: &Snapshot) -> Vec<String> {
    to_files(snapshot, Layout::Split).into_iter().map(|(path, _)| path.as_str().to_owned()).collect()
}

/// The same snapshot in the order that files are merged in.
fn as_set(snapshot: &Snapshot) -> BTreeSet<String> {
    let lists = [snapshot.collections(), snapshot.fields(), snapshot.relations()];
    lists.into_iter().flatten().map(|entry| serde_json::to_string(entry).unwrap()).collect()
}

#[test]
fn split_and_merged_nothing_is_lost() {
    for name in ["v11-current", "v12-current"] {
        let snapshot = fixture_snapshot(name);
        let merged = from_files(to_files(&snapshot, Layout::Split)).unwrap();
        assert_eq!(merged.header(), snapshot.header());
        assert_eq!(as_set(&merged), as_set(&snapshot));
        assert_eq!(from_files(to_files(&merged, Layout::Split)).unwrap(), merged, "merging is stable");
    }
}

#[test]
fn the_single_file_keeps_everything_in_place() {
    let snapshot = fixture_snapshot("v11-current");
    let files = to_files(&snapshot, Layout::Single);
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].0.as_str(), "snapshot.json");
    assert_eq!(from_files(files).unwrap(), snapshot);
}

#[test]
fn each_thing_has_its_file() {
    let expected = ["info.json", "collections/Posts.json", "fields/Posts/id.json"];
    assert_eq!(paths(&snapshot_of(&["Posts"])), expected);
}

#[test]
fn names_that_differ_in_case_only_get_numbers_whatever_their_order() {
    let expected = |order: &[&str]| paths(&snapshot_of(order)).into_iter().collect::<BTreeSet<_>>();
    let files = expected(&["Posts", "posts", "posts_2"]);
    for file in ["collections/Posts.json", "collections/posts_2.json", "collections/posts_2_2.json"] {
        assert!(files.contains(file), "{file} in {files:?}");
    }
    assert!(files.contains("fields/posts_2/id.json"));
    assert_eq!(files, expected(&["posts_2", "posts", "Posts"]));
}

#[test]
fn names_that_are_no_file_names_are_encoded() {
    let cases = [
        ("posts", "posts"),
        ("Été 2.0", "Été 2.0"),
        ("a/b", "a%2Fb"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        (".hidden", "%2Ehidden"),
        ("..\\up", "%2E.%5Cup"),
        ("tab\there", "tab%09here"),
        ("c:drive", "c%3Adrive"),
        ("nul", "%6Eul"),
        ("CON.x", "%43ON.x"),
        ("end ", "end%20"),
        ("", "%00"),
    ];
    for (name, expected) in cases {
        assert_eq!(file_name::assign([name])[name], expected, "{name:?}");
    }
}

#[test]
fn long_names_are_cut_and_stay_apart() {
    let (one, other) = (format!("{}a", "é".repeat(200)), format!("{}b", "é".repeat(200)));
    let names = file_name::assign([one.as_str(), other.as_str()]);
    assert!(names.values().all(|name| name.len() <= 210));
    assert_ne!(names[one.as_str()], names[other.as_str()]);
}

#[test]
fn merging_orders_by_name_and_sort() {
    let entry = |field: &str, sort: Option<u32>| json!({"collection": "posts", "field": field, "meta": {"sort": sort}});
    let files = [
        (path("info.json"), json!({"directus": "11.0.0"})),
        (path("collections/z.json"), json!({"collection": "z"})),
        (path("collections/posts.json"), json!({"collection": "posts"})),
        (path("fields/posts/a.json"), entry("a", None)),
        (path("fields/posts/b.json"), entry("b", Some(10))),
        (path("fields/posts/c.json"), entry("c", Some(9))),
        (path("README.md"), json!("not a snapshot file")),
    ];
    let snapshot = from_files(files).unwrap();
    assert_eq!(snapshot.collection_names().collect::<Vec<_>>(), ["posts", "z"]);
    let fields: Vec<_> =
        snapshot.fields().iter().map(|field| field.get("field").unwrap().as_str().unwrap()).collect();
    assert_eq!(fields, ["c", "b", "a"]);
}

#[test]
fn faults_name_the_file() {
    let info = || (path("info.json"), json!({"directus": "11.0.0"}));
    let missing = from_files([(path("collections/a.json"), json!({"collection": "a"}))]);
    assert_eq!(missing, Err(LayoutError::MissingInfo));

    let both = from_files([info(), (path("snapshot.json"), snapshot_of(&["a"]).to_value())]);
    assert_eq!(both, Err(LayoutError::BothLayouts { other: path("info.json") }));

    let twice = [path("collections/a.json"), path("collections/b.json")];
    let entries = twice.clone().map(|path| (path, json!({"collection": "a"})));
    let [first, second] = twice;
    let duplicate = from_files(entries.into_iter().chain([info()]));
    assert_eq!(duplicate, Err(LayoutError::Duplicate { name: "a".into(), first, second }));

    let nameless = from_files([info(), (path("fields/a/b.json"), json!({"collection": "a"}))]).unwrap_err();
    assert_eq!(nameless.to_string(), "fields/a/b.json is no part of a snapshot");
    let LayoutError::File { source, .. } = nameless else { panic!("{nameless}") };
    assert_eq!(source.to_string(), "field: expected a name, found nothing");
}

#[test]
fn a_path_never_leaves_its_directory() {
    for text in ["", "/etc/passwd", "a//b", "../x", "a/../x", "a/./b", "a\\b", "a/"] {
        assert_eq!(RelPath::new(text), None, "{text:?}");
    }
    assert_eq!(path("fields/a/b.json").role(), Some(FileRole::Field));
    for text in
        ["fields/b.json", "fields/a/b/c.json", "collections/a.json.bak", "collections/.json", "notes.json"]
    {
        assert_eq!(path(text).role(), None, "{text}");
    }
}

proptest! {
    #[test]
    fn file_names_are_safe_and_distinct_without_case(names in prop::collection::btree_set(".{1,40}|[aA]{1,3}(_2)?|[./\\\\]{1,3}", 1..30)) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let assigned = file_name::assign(names.iter().copied());
        prop_assert_eq!(assigned.len(), names.len());
        let folded: BTreeSet<String> = assigned.values().map(|name| file_name::folded(name)).collect();
        prop_assert_eq!(folded.len(), names.len());
        for name in assigned.values() {
            prop_assert!(RelPath::new(name).is_some_and(|path| path.segments().count() == 1), "{name:?}");
            prop_assert!(!name.starts_with('.') && name.len() <= 220 && !name.chars().any(char::is_control), "{name:?}");
        }
    }

    #[test]
    fn any_names_survive_splitting(names in prop::collection::btree_set(".{1,12}", 1..12)) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let snapshot = snapshot_of(&names);
        prop_assert_eq!(from_files(to_files(&snapshot, Layout::Split)).unwrap(), snapshot);
    }
}
