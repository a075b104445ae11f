//! `lockstep schema` on real servers.

use lockstep_testkit::cli::Cli;
use lockstep_testkit::directus::{Directus, Template};
use serde_json::{Value, json};

use super::{parsed, snapshot};
use crate::stage::{on_every_version, project};

/// An instance with the project's schema, and a fresh one from another database.
async fn pair(version: &str) -> (Cli, Directus, Directus) {
    let a = Directus::builder(version).start();
    let b = Directus::builder(version).template(Template::B).start();
    let (a, b) = tokio::try_join!(a, b).unwrap();
    project::schema(&a).await;
    (Cli::new(), a, b)
}

fn write(cli: &Cli, name: &str, value: &Value) -> String {
    let path = cli.dir().join(name);
    std::fs::write(&path, serde_json::to_vec(value).unwrap()).unwrap();
    path.to_str().unwrap().to_owned()
}

async fn a_schema_goes_from_one_instance_to_another(version: &str) {
    let (cli, a, b) = pair(version).await;
    for name in ["s.json", "s.yaml"] {
        cli.run(&["schema", "snapshot", "-O", name], &a).await.exits(0);
    }
    let differing = ["schema", "diff", "instance", "s.yaml", "--exit-code"];
    cli.run(&differing, &b).await.exits(2).says("+ collection articles");
    // The server agrees about hash and changes.
    let theirs = b.post("/schema/diff?force=true", &snapshot(&a).await).await.unwrap();
    let ours =
        cli.run(&["schema", "diff", "instance", "s.json", "--format", "directus"], &b).await.exits(0).json();
    assert_eq!(ours, theirs);
    let hash = cli.run(&["schema", "hash"], &b).await.exits(0);
    assert_eq!(hash.stdout.trim(), theirs["hash"].as_str().unwrap());

    // Without consent nothing happens; then everything does, and a second time nothing.
    cli.run(&["schema", "apply", "s.yaml", "--yes", "--json"], &b).await.exits(0);
    cli.run(&["schema", "diff", "instance", "s.json", "--exit-code"], &b)
        .await
        .exits(0)
        .says("No differences");
    let again = cli.run(&["schema", "apply", "s.json", "--yes"], &b).await.exits(0).says("Nothing to apply");
    assert!(!again.stdout.contains("Applied"));
    assert_eq!(normal(&snapshot(&a).await), normal(&snapshot(&b).await));

    what_would_be_lost_is_counted_and_refused(&cli, &a, &b).await;
    a_diff_is_applied_once(&cli, &a, &b).await;
    what_is_out_of_scope_stays(&cli, &a, &b).await;
}

/// The order of fields is that of their making.
fn normal(snapshot: &Value) -> Value {
    parsed(snapshot).normalized().to_value()
}

async fn what_would_be_lost_is_counted_and_refused(cli: &Cli, a: &Directus, b: &Directus) {
    let extra = json!({"field": "extra", "type": "string", "meta": {}, "schema": {}});
    b.post("/fields/articles", &extra).await.unwrap();
    for title in ["one", "two"] {
        b.post("/items/articles", &json!({"title": title, "extra": title})).await.unwrap();
    }
    b.post("/items/articles", &json!({"title": "three"})).await.unwrap();
    let before = snapshot(b).await;
    let plan =
        cli.run(&["schema", "diff", "instance", "s.json", "--format", "json"], b).await.exits(0).json();
    let change = &plan["changes"][0];
    assert_eq!(
        (&change["code"], &change["risk"], &change["loses"]),
        (&json!("field-dropped"), &json!("destructive"), &json!(2)),
        "{plan:#}"
    );
    cli.run(&["schema", "apply", "s.json", "--yes"], b).await.exits(3).says("2 values");
    assert_eq!(snapshot(b).await, before, "nothing was written");
    // Merging leaves it.
    cli.run(&["schema", "apply", "s.json", "--yes", "--schema-mode", "merge"], b).await.exits(0);
    assert_eq!(snapshot(b).await, before);
    cli.run(&["schema", "apply", "s.json", "--yes", "--allow-destructive"], b).await.exits(0);
    assert_eq!(normal(&snapshot(a).await), normal(&snapshot(b).await));
}

async fn a_diff_is_applied_once(cli: &Cli, a: &Directus, b: &Directus) {
    a.patch("/collections/articles", &json!({"meta": {"note": "changed"}})).await.unwrap();
    let diff = b.post("/schema/diff?force=true", &snapshot(a).await).await.unwrap();
    let file = write(cli, "d.json", &diff);
    cli.run(&["schema", "apply", &file, "--yes"], b).await.exits(0).says("Applied");
    assert_eq!(b.get("/collections/articles").await.unwrap()["meta"]["note"], "changed");
    cli.run(&["schema", "apply", &file, "--yes"], b).await.exits(3).says("computed for the schema");
}

async fn what_is_out_of_scope_stays(cli: &Cli, a: &Directus, b: &Directus) {
    for name in ["blog_one", "blog_two", "other"] {
        let id = json!({"field": "id", "type": "integer", "meta": {},
            "schema": {"is_primary_key": true, "has_auto_increment": true}});
        a.post("/collections", &json!({"collection": name, "schema": {}, "meta": {}, "fields": [id]}))
            .await
            .unwrap();
    }
    a.patch("/collections/articles", &json!({"meta": {"note": "not to be seen"}})).await.unwrap();
    cli.run(&["schema", "snapshot", "-O", "s.json"], a).await.exits(0);
    let scope =
        ["schema", "apply", "s.json", "--yes", "--schema-only", "blog_*", "--schema-exclude", "*_two"];
    cli.run(&scope, b).await.exits(0).says("blog_one");
    let names: Vec<String> = snapshot(b).await["collections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["collection"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.contains(&"blog_one".to_owned()), "{names:?}");
    assert!(!names.contains(&"blog_two".to_owned()) && !names.contains(&"other".to_owned()), "{names:?}");
    assert_eq!(b.get("/collections/articles").await.unwrap()["meta"]["note"], "changed");
    // A partial snapshot says nothing about the rest.
    cli.run(&["schema", "snapshot", "-O", "part.json", "--schema-only", "blog_two"], a).await.exits(0);
    cli.run(&["schema", "apply", "part.json", "--yes"], b).await.exits(0).says("blog_two");
    assert_eq!(b.get("/collections/articles").await.unwrap()["meta"]["note"], "changed");
}

async fn what_directus_would_take_for_a_deletion_is_an_update(version: &str) {
    let (cli, a, b) = pair(version).await;
    a.patch(
        "/fields/articles/title",
        &json!({"meta": {"options": {"min": 1, "nested": {"deep": [1, 2, 3]}}}}),
    )
    .await
    .unwrap();
    a.patch("/collections/articles", &json!({"meta": {"preview_url": "https://example.com"}})).await.unwrap();
    cli.run(&["schema", "snapshot", "-O", "s.json"], &a).await.exits(0);
    cli.run(&["schema", "apply", "s.json", "--yes"], &b).await.exits(0);
    b.post("/items/articles", &json!({"title": "kept"})).await.unwrap();
    // A nested key that goes comes first in the server's own diff, and would drop the column on Directus 10.
    a.patch("/fields/articles/title", &json!({"meta": {"options": {"nested": {"deep": [3]}, "max": 2}}}))
        .await
        .unwrap();
    cli.run(&["schema", "snapshot", "-O", "s.json"], &a).await.exits(0);
    cli.run(&["schema", "apply", "s.json", "--yes"], &b).await.exits(0);
    assert_eq!(normal(&snapshot(&a).await), normal(&snapshot(&b).await));
    let rows = b.get("/items/articles").await.unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(rows[0]["title"], "kept");
}

fn table(name: &str, meta: Value) -> Value {
    let id = json!({"field": "id", "type": "integer", "meta": {"hidden": true},
        "schema": {"is_primary_key": true, "has_auto_increment": true}});
    let title = json!({"field": "title", "type": "string", "meta": {"note": "t"}, "schema": {}});
    json!({"collection": name, "schema": {}, "meta": meta, "fields": [id, title]})
}

/// A table that Directus does not track is in no snapshot of 11.10 and later, and cannot be created.
async fn a_table_that_is_there_is_tracked(version: &str) {
    let (cli, a, b) = pair(version).await;
    cli.run(&["schema", "snapshot", "-O", "s.json"], &a).await.exits(0);
    cli.run(&["schema", "apply", "s.json", "--yes"], &b).await.exits(0);
    a.post("/collections", &table("legacy", json!({"note": "old"}))).await.unwrap();
    b.post("/collections", &table("legacy", json!({}))).await.unwrap();
    b.post("/items/legacy", &json!({"title": "kept"})).await.unwrap();
    // Directus forgets the metadata, and keeps the table.
    let mut untracked = table("other", Value::Null);
    untracked["fields"].as_array_mut().unwrap().iter_mut().for_each(|field| {
        field.as_object_mut().unwrap().shift_remove("meta");
    });
    b.post("/collections", &untracked).await.unwrap();
    a.post("/collections", &table("other", json!({"note": "tracked now"}))).await.unwrap();
    cli.run(&["schema", "snapshot", "-O", "s.json"], &a).await.exits(0);
    cli.run(&["schema", "apply", "s.json", "--yes"], &b).await.exits(0).says("In step");
    assert_eq!(normal(&snapshot(&a).await), normal(&snapshot(&b).await));
    assert_eq!(b.get("/collections/other").await.unwrap()["meta"]["note"], "tracked now");
    assert_eq!(b.get("/items/legacy").await.unwrap()[0]["title"], "kept");
}

/// Directus 10 takes the deletion of a collection inside a group that stays for granted, and does nothing.
async fn a_collection_goes_from_a_group_that_stays(version: &str) {
    let (cli, a, b) = pair(version).await;
    a.post("/collections", &json!({"collection": "folder", "schema": null, "meta": {}})).await.unwrap();
    for name in ["stays", "goes"] {
        a.post("/collections", &table(name, json!({"group": "folder"}))).await.unwrap();
    }
    cli.run(&["schema", "snapshot", "-O", "s.json"], &a).await.exits(0);
    cli.run(&["schema", "apply", "s.json", "--yes"], &b).await.exits(0);
    a.delete("/collections/goes", None).await.unwrap();
    cli.run(&["schema", "snapshot", "-O", "s.json"], &a).await.exits(0);
    cli.run(&["schema", "apply", "s.json", "--yes", "--allow-destructive"], &b)
        .await
        .exits(0)
        .says("In step");
    assert_eq!(normal(&snapshot(&a).await), normal(&snapshot(&b).await));
}

/// Relations that leave the scope are told, and one to something that does not exist is refused before anything is sent.
async fn a_relation_that_leaves_the_scope_is_told(version: &str) {
    let (cli, a, b) = pair(version).await;
    cli.run(&["schema", "snapshot", "-O", "s.json"], &a).await.exits(0);
    let before = snapshot(&b).await;
    let articles = ["schema", "apply", "s.json", "--yes", "--schema-only", "articles"];
    cli.run(&articles, &b).await.exits(3).says("does not exist");
    assert_eq!(snapshot(&b).await, before);
    let others = ["schema", "apply", "s.json", "--yes", "--schema-exclude", "articles*"];
    cli.run(&others, &b).await.exits(0);
    cli.run(&articles, &b).await.exits(0).says("out of scope");
}

/// Some versions answer 500 when an index that has a name of its own is to go.
async fn an_index_of_a_name_of_its_own_keeps_nothing_else_from_coming(version: &str) {
    let (cli, a, mut b) = pair(version).await;
    cli.run(&["schema", "snapshot", "-O", "s.json"], &a).await.exits(0);
    cli.run(&["schema", "apply", "s.json", "--yes"], &b).await.exits(0);
    b.stop();
    let database = rusqlite::Connection::open(b.database_file().unwrap()).unwrap();
    database.execute("create index my_own on articles (title)", []).unwrap();
    drop(database);
    b.restart().await.unwrap();
    a.patch("/collections/articles", &json!({"meta": {"note": "changed"}})).await.unwrap();
    cli.run(&["schema", "snapshot", "-O", "s.json"], &a).await.exits(0);
    let indexed = async |directus: &Directus| {
        let snapshot = snapshot(directus).await;
        parsed(&snapshot)
            .field("articles", "title")
            .unwrap()
            .get("schema")
            .unwrap()
            .get("is_indexed")
            .cloned()
    };
    assert_eq!(indexed(&b).await, Some(true.into()));
    let first = cli.run(&["schema", "apply", "s.json", "--yes", "--json"], &b).await;
    let report = first.clone().exits(2).json();
    let left = report["residue"]["schema"]["changes"].as_array().unwrap();
    assert_eq!((left.len(), &left[0]["edits"][0]["path"]), (1, &json!("schema.is_indexed")), "{first}");
    assert_eq!(b.get("/collections/articles").await.unwrap()["meta"]["note"], "changed");
    // When nothing else is left, it keeps no record from being pushed either.
    a.post("/flows", &json!({"name": "Later", "status": "inactive"})).await.unwrap();
    crate::stage::pull(&cli, &a).await;
    let push = cli.run(&["push", "--json", "-o", "flows"], &b).await.exits(2).json();
    assert_eq!(push["applied"]["collections"]["flows"]["created"], 1, "{push:#}");
    assert_eq!(indexed(&b).await, Some(true.into()));
}

crate::stage::on_11_and_12!(an_index_of_a_name_of_its_own_keeps_nothing_else_from_coming);

on_every_version!(
    a_collection_goes_from_a_group_that_stays,
    a_relation_that_leaves_the_scope_is_told,
    a_table_that_is_there_is_tracked,
    a_schema_goes_from_one_instance_to_another,
    what_directus_would_take_for_a_deletion_is_an_update,
);
