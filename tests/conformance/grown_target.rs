//! A target that people have already set up by hand: what has the same name is the same record, and nothing is there
//! twice afterwards.

use lockstep_testkit::cli::Cli;
use lockstep_testkit::directus::Directus;
use serde_json::{Value, json};

use crate::stage::portrait::{assert_alike, of};
use crate::stage::project::{self, field, id, post};
use crate::stage::{major, on_every_version, pull, push, push_is_empty, row, rows, the};

async fn what_has_the_same_name_is_adopted(version: &str) {
    let (a, b) = Directus::pair(version).await.unwrap();
    project::fill(&a).await;
    let grown = grow(&b).await;
    let cli = Cli::new();
    pull(&cli, &a).await;
    let report = push(&cli, &b, &[]).await;
    assert_alike(&a, &b).await;
    for (collection, id, count) in &grown {
        assert_eq!(report["collections"][*collection]["adopted"], *count, "{collection}: {report:#}");
        assert!(
            rows(&b, collection).await.iter().any(|row| row["id"] == *id),
            "{collection} {id} is still there"
        );
    }
    push_is_empty(&cli, &b, &[]).await;
    // What was adopted is tracked: it goes with its record.
    a.delete(&format!("/dashboards/{}", id::SALES), None).await.unwrap();
    a.delete(&format!("/folders/{}", id::OLD_IMAGES), None).await.unwrap();
    a.patch(&format!("/translations/{}", id::HELLO_EN), &json!({"key": "good day"})).await.unwrap();
    pull(&cli, &a).await;
    push(&cli, &b, &[]).await;
    assert_alike(&a, &b).await;
}

/// Records with the names of the project's and ids of their own: collection, one id, how many of that collection.
async fn grow(b: &Directus) -> Vec<(&'static str, Value, usize)> {
    // The server asks for the field of roles that the project has.
    post(b, "/fields/directus_roles", field("rank", "integer", json!({}))).await;
    let id = async |path: &str, body: Value| post(b, path, body).await["id"].clone();
    let media = id("/folders", json!({"name": "Media"})).await;
    let images = id("/folders", json!({"name": "Images", "parent": media})).await;
    let role = id("/roles", json!({"name": "Editor", "description": "By hand"})).await;
    let flow = id("/flows", json!({"name": "Publish", "status": "inactive", "trigger": "webhook"})).await;
    let step = json!({"flow": flow, "key": "start", "name": "By hand", "type": "log", "position_x": 1, "position_y": 1});
    let step = id("/operations", step).await;
    let text = json!({"language": "en-US", "key": "hello", "value": "By hand"});
    let text = id("/translations", text).await;
    let board = id("/dashboards", json!({"name": "Sales", "icon": "bolt"})).await;
    let preset = json!({"collection": "articles", "role": role, "bookmark": "Mine", "layout": "cards"});
    let mut grown = vec![
        ("folders", images, 2),
        ("roles", role.clone(), 1),
        ("flows", flow, 1),
        ("operations", step, 1),
        ("translations", text, 1),
        ("dashboards", board, 1),
        ("presets", id("/presets", preset).await, 1),
    ];
    let mut permission = json!({"collection": "articles", "action": "read", "fields": ["*"]});
    if major(b.version()) > 10 {
        let policy = id("/policies", json!({"name": "Editing", "description": "By hand"})).await;
        permission["policy"] = policy.clone();
        grown.push(("policies", policy, 1));
    } else {
        permission["role"] = role;
    }
    grown.push(("permissions", id("/permissions", permission).await, 1));
    grown
}

async fn nobody_guesses_which_of_two_is_meant(version: &str) {
    let (a, b) = Directus::pair(version).await.unwrap();
    project::fill(&a).await;
    let first = post(&b, "/roles", json!({"name": "Editor"})).await["id"].clone();
    let second = post(&b, "/roles", json!({"name": "Editor"})).await["id"].clone();
    let (first, second) = (first.as_str().unwrap(), second.as_str().unwrap());
    let before = of(&b).await;
    let cli = Cli::new();
    pull(&cli, &a).await;

    for command in [&["push"][..], &["diff"]] {
        let ran = cli.run(command, &b).await.exits(1).says(first).says(second).says("Editor");
        drop(ran.says(&format!("lockstep state link roles {}", id::EDITOR)));
    }
    let problems = cli.run(&["push", "--json"], &b).await.exits(1).json()["error"]["problems"].take();
    assert_eq!(problems.as_array().map(Vec::len), Some(1), "{problems:#}");
    assert_eq!(of(&b).await, before, "nothing was written");
    assert!(b.get("/collections/articles").await.is_err(), "no schema was applied");

    drop(cli.run(&["state", "link", "roles", id::EDITOR, second], &b).await.exits(0));
    push(&cli, &b, &[]).await;
    let roles = rows(&b, "roles").await;
    assert_eq!(the(&roles, "description", "Writes")["id"], second);
    assert_eq!(
        row(&b, "roles", first).await.unwrap()["description"],
        Value::Null,
        "the other stays as it is"
    );
    push_is_empty(&cli, &b, &[]).await;
}

on_every_version!(what_has_the_same_name_is_adopted, nobody_guesses_which_of_two_is_meant);
