use std::fs;
use std::path::{Path, PathBuf};

use lockstep_core::schema::{Layout, Snapshot};
use serde_json::json;

use super::{fixture, names, new_dump, put, record, tree};
use lockstep_core::collection;

use crate::dump::replace::{Replacement, replace};
use crate::dump::{DumpContents, DumpError, DumpPaths, WriteReport, read_collections, read_snapshot, write};

/// All of the fixture, as read.
fn fixture_contents(layout: Layout) -> DumpContents {
    let records = read_collections(&fixture(), &collection::names()).unwrap().records;
    let collections = records.into_iter().map(|(name, records)| (name, records.unwrap())).collect();
    DumpContents {
        collections,
        snapshot: Some((read_snapshot(&fixture()).unwrap().unwrap(), layout)),
        specs: None,
    }
}

fn snapshot_of(collections: &[&str]) -> DumpContents {
    let entry = |name| json!({"collection": name});
    let field = |name| json!({"collection": name, "field": "id"});
    let snapshot = Snapshot::from_value(json!({
        "version": 1, "directus": "11.17.4", "vendor": "sqlite",
        "collections": collections.iter().map(entry).collect::<Vec<_>>(),
        "fields": collections.iter().map(field).collect::<Vec<_>>(),
        "relations": [],
    }));
    DumpContents { snapshot: Some((snapshot.unwrap(), Layout::Split)), ..DumpContents::default() }
}

fn roles(names: &[&str]) -> DumpContents {
    let role = |name: &&str| record(json!({"name": name, "_syncId": name}));
    DumpContents {
        collections: vec![("roles".into(), names.iter().map(role).collect())],
        ..DumpContents::default()
    }
}

fn local(root: &Path, files: &[PathBuf]) -> Vec<String> {
    files.iter().map(|path| path.strip_prefix(root).unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_dump_of_directus_sync_is_written_byte_for_byte() {
    let (_directory, paths) = new_dump();
    let report = write(&paths, &fixture_contents(Layout::Split), false).unwrap();
    let (written, expected) = (tree(&paths.root), tree(&fixture().root));
    assert_eq!(report.written.len(), expected.len());
    for (path, bytes) in &expected {
        assert!(written.get(path) == Some(bytes), "{} differs", path.display());
    }
    assert_eq!(written.len(), expected.len(), "and nothing else");
}

#[test]
fn a_second_write_changes_nothing() {
    let (_directory, paths) = new_dump();
    let contents = fixture_contents(Layout::Split);
    let first = write(&paths, &contents, true).unwrap();
    let second = write(&paths, &contents, true).unwrap();
    assert_eq!(second, WriteReport { written: vec![], unchanged: first.written, removed: vec![] });
}

#[test]
fn changing_the_layout_removes_the_other() {
    let (_directory, paths) = new_dump();
    write(&paths, &fixture_contents(Layout::Split), false).unwrap();
    put(paths.snapshot.join("README.md"), "mine");
    put(paths.snapshot.join("fields/bench_000/notes.txt"), "mine");
    let single = write(&paths, &fixture_contents(Layout::Single), false).unwrap();
    assert_eq!(local(&paths.snapshot, &single.written), ["snapshot.json"]);
    assert_eq!(names(&paths.snapshot), "README.md fields/bench_000/notes.txt snapshot.json");
    assert!(!paths.snapshot.join("relations").exists(), "emptied directories go");
    assert_eq!(read_snapshot(&paths).unwrap().unwrap().collection_names().count(), 4);

    let split = write(&paths, &fixture_contents(Layout::Split), false).unwrap();
    assert_eq!(local(&paths.snapshot, &split.removed), ["snapshot.json"]);
}

#[test]
fn only_what_is_stale_and_own_is_removed() {
    let (_directory, paths) = new_dump();
    write(&paths, &snapshot_of(&["posts", "tags"]), false).unwrap();
    put(paths.collections.join("flows.json"), "[]");
    put(paths.collections.join("rolez.json"), "[]");
    let report = write(
        &paths,
        &DumpContents { collections: roles(&["a"]).collections, ..snapshot_of(&["tags"]) },
        false,
    );
    let report = report.unwrap();
    assert_eq!(local(&paths.root, &report.written), ["collections/roles.json"]);
    assert_eq!(
        local(&paths.root, &report.removed),
        ["snapshot/collections/posts.json", "snapshot/fields/posts/id.json"]
    );
    let kept = "collections/flows.json collections/roles.json collections/rolez.json \
                snapshot/collections/tags.json snapshot/fields/tags/id.json snapshot/info.json";
    assert_eq!(names(&paths.root), kept);
}

#[test]
fn parts_that_are_not_given_stay() {
    let (_directory, paths) = new_dump();
    let specs = |names: &[&str]| DumpContents {
        specs: Some(names.iter().map(|&name| (name.to_owned(), b"spec".to_vec())).collect()),
        ..DumpContents::default()
    };
    write(&paths, &specs(&["item.graphql", "openapi.json"]), false).unwrap();
    put(paths.specs.join("own.graphql"), "mine");
    write(&paths, &roles(&["a"]), false).unwrap();
    let report = write(&paths, &specs(&["item.graphql"]), false).unwrap();
    assert_eq!(local(&paths.specs, &report.removed), ["openapi.json"]);
    assert_eq!(names(&paths.root), "collections/roles.json specs/item.graphql specs/own.graphql");
}

#[test]
fn names_without_a_file_are_refused_before_anything_is_written() {
    let (_directory, paths) = new_dump();
    let contents = DumpContents { collections: vec![("../evil".into(), vec![])], ..snapshot_of(&["posts"]) };
    let error = write(&paths, &contents, false).unwrap_err();
    assert!(matches!(error, DumpError::UnknownName { .. }), "{error}");
    assert!(!paths.root.exists());
}

#[test]
fn records_and_snapshot_do_not_share_a_directory() {
    let (directory, _) = new_dump();
    let paths = DumpPaths::with_parts(directory.path(), "collections", ".", "specs");
    let error = write(&paths, &snapshot_of(&["posts"]), false).unwrap_err();
    assert!(matches!(error, DumpError::Overlap { .. }), "{error}");
}

#[test]
fn a_refused_directory_leaves_the_old_dump_whole() {
    let (_directory, paths) = new_dump();
    write(&paths, &DumpContents { collections: roles(&["a"]).collections, ..snapshot_of(&["posts"]) }, false)
        .unwrap();
    put(paths.snapshot.join("fields/tags"), "a file where a directory is needed");
    let before = tree(&paths.root);
    let contents = DumpContents { collections: roles(&["b"]).collections, ..snapshot_of(&["alpha", "tags"]) };
    let error = write(&paths, &contents, false).unwrap_err();
    assert!(matches!(error, DumpError::Write { .. }), "{error}");
    assert_eq!(tree(&paths.root), before, "no temporary file, no half of the new dump");
    assert!(!paths.snapshot.join("fields/alpha").exists());
}

#[test]
fn a_refusal_on_the_way_puts_everything_back() {
    let (directory, _) = new_dump();
    let at = |name: &str| directory.path().join(name);
    put(at("changed"), "old");
    put(at("stale"), "old");
    let needed = |name: &str| Replacement::needed(&at(name), b"new".to_vec()).unwrap().unwrap();
    let replacements = vec![needed("changed"), needed("new/file"), needed("taken")];
    put(at("taken/by-a-directory"), "old");
    let before = tree(directory.path());
    let error = replace(replacements, &[at("stale")], directory.path()).unwrap_err();
    assert!(matches!(&error, DumpError::Write { path, .. } if *path == at("taken")), "{error}");
    assert_eq!(tree(directory.path()), before);
    assert!(!at("new").exists());

    let error = replace(vec![needed("changed")], &[at("stale"), at("taken")], directory.path()).unwrap_err();
    assert!(matches!(&error, DumpError::Write { path, .. } if *path == at("taken")), "{error}");
    assert_eq!(tree(directory.path()), before, "a removed file comes back");
}

#[cfg(unix)]
#[test]
fn links_are_replaced_and_not_followed() {
    use std::os::unix::fs::symlink;
    let (directory, paths) = new_dump();
    let outside = directory.path().join("outside");
    put(outside.join("roles.json"), "precious");
    put(outside.join("id.json"), "precious");
    fs::create_dir_all(&paths.collections).unwrap();
    symlink(outside.join("roles.json"), paths.collections.join("roles.json")).unwrap();
    write(&paths, &roles(&["a"]), false).unwrap();
    assert!(!paths.collections.join("roles.json").is_symlink());

    fs::create_dir_all(paths.snapshot.join("fields")).unwrap();
    symlink(&outside, paths.snapshot.join("fields/posts")).unwrap();
    let error = write(&paths, &snapshot_of(&["posts"]), false).unwrap_err();
    assert!(matches!(error, DumpError::LinkedDirectory { .. }), "{error}");
    write(&paths, &snapshot_of(&["tags"]), false).unwrap();
    assert_eq!(names(&outside), "id.json roles.json");
    assert_eq!(fs::read(outside.join("roles.json")).unwrap(), b"precious");
}

#[cfg(unix)]
#[test]
fn permissions_are_those_of_the_file_before_or_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_directory, paths) = new_dump();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = paths.collections.join("roles.json");
    write(&paths, &roles(&["a"]), false).unwrap();
    put(paths.root.join("usual"), "");
    assert_eq!(mode(&file), mode(&paths.root.join("usual")));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    write(&paths, &roles(&["b"]), false).unwrap();
    assert_eq!(mode(&file), 0o640);
}

#[test]
fn names_that_differ_in_case_only_live_side_by_side() {
    let (_directory, paths) = new_dump();
    write(&paths, &snapshot_of(&["Posts"]), false).unwrap();
    let report = write(&paths, &snapshot_of(&["Posts", "posts"]), false).unwrap();
    assert_eq!(report.removed, Vec::<PathBuf>::new());
    write(&paths, &snapshot_of(&["posts"]), false).unwrap();
    let snapshot = read_snapshot(&paths).unwrap().unwrap();
    assert_eq!(snapshot.collection_names().collect::<Vec<_>>(), ["posts"]);
    assert_eq!(snapshot.fields().len(), 1);
}
