//! What Lockstep never wrote belongs to somebody else: it stays, and the report names it. Only `--prune` deletes it.

use std::collections::BTreeSet;

use lockstep_testkit::directus::Directus;
use serde_json::{Value, json};

use crate::changes::Pair;
use crate::stage::portrait::{assert_alike, of};
use crate::stage::project::{admin_policy, id, patch, post, public_policy};
use crate::stage::{
    admin_role, major, on_11_and_12, on_every_version, pull, push, push_is_empty, row, rows, texts,
};

async fn what_others_made_is_theirs(version: &str) {
    let pair = Pair::in_step(version).await;
    duplicate_permissions_are_kept_from_here_and_merged_there(&pair).await;
    what_others_made_stays_until_it_is_pruned(&pair).await;
    what_is_out_of_scope_is_not_touched(&pair).await;
}

async fn what_policies_are_attached_to_is_theirs_too(version: &str) {
    let pair = Pair::in_step(version).await;
    who_was_given_a_policy_on_the_target_keeps_it(&pair).await;
    without_policy_roles_no_attachment_changes(&pair).await;
}

async fn what_others_made_stays_until_it_is_pruned(pair: &Pair) {
    let mine = make_untracked(&pair.b).await;
    let report = push(&pair.cli, &pair.b, &[]).await;
    for (collection, id) in &mine {
        let kept = report["collections"][*collection]["kept"].as_array().unwrap();
        assert!(kept.iter().any(|kept| kept["id"] == *id), "{collection} {id} is reported: {kept:#?}");
        assert!(row(&pair.b, collection, id).await.is_some(), "{collection} {id} is kept");
    }
    // A diff says what a prune would do, and does nothing.
    let diff = pair.cli.run(&["diff", "--prune", "--json", "--exit-code"], &pair.b).await.exits(2).json();
    assert_eq!(diff["collections"]["folders"]["delete"], 1, "{diff:#}");
    push(&pair.cli, &pair.b, &["--prune"]).await;
    assert_alike(&pair.a, &pair.b).await;
    push_is_empty(&pair.cli, &pair.b, &["--prune"]).await;
    assert!(row(&pair.b, "roles", &admin_role(&pair.b).await).await.is_some());
    if major(pair.b.version()) > 10 {
        assert!(row(&pair.b, "policies", &admin_policy(&pair.b).await).await.is_some());
        assert!(row(&pair.b, "policies", &public_policy(&pair.b).await).await.is_some());
    }
}

/// Records that no dump knows.
async fn make_untracked(b: &Directus) -> Vec<(&'static str, String)> {
    let mut made = Vec::new();
    let mut make = async |collection: &'static str, body: Value| {
        let id = post(b, &format!("/{collection}"), body).await["id"].as_str().unwrap().to_owned();
        made.push((collection, id.clone()));
        id
    };
    make("folders", json!({"name": "Theirs", "parent": id::RAW})).await;
    make("translations", json!({"language": "nl-NL", "key": "hello", "value": "Hallo"})).await;
    let flow = make("flows", json!({"name": "Theirs", "status": "inactive", "trigger": "webhook"})).await;
    let step =
        json!({"flow": flow, "key": "theirs", "name": "T", "type": "log", "position_x": 1, "position_y": 1});
    make("operations", step).await;
    make("roles", json!({"name": "Theirs"})).await;
    if major(b.version()) > 10 {
        make("policies", json!({"name": "Theirs"})).await;
    }
    let board = make("dashboards", json!({"name": "Theirs"})).await;
    let panel = json!({"dashboard": board, "type": "label", "position_x": 1, "position_y": 1, "width": 2, "height": 2});
    make("panels", panel).await;
    made
}

async fn what_is_out_of_scope_is_not_touched(pair: &Pair) {
    for (collection, id) in [("roles", id::EDITOR), ("flows", id::PUBLISH), ("folders", id::RAW)] {
        patch(&pair.a, &format!("/{collection}/{id}"), json!({"name": format!("Other {collection}")})).await;
    }
    let step = json!({"flow": id::PUBLISH, "key": "new", "name": "N", "type": "trigger", "position_x": 1,
        "position_y": 9, "options": {"flow": id::NOTIFY}});
    post(&pair.a, "/operations", step).await;
    post(&pair.b, "/roles", json!({"name": "Theirs"})).await;
    pull(&pair.cli, &pair.a).await;

    // References to collections that are left out are found all the same.
    push(&pair.cli, &pair.b, &["-o", "operations,presets"]).await;
    let names = async |collection: &str| texts(&rows(&pair.b, collection).await, "name");
    assert!(texts(&rows(&pair.b, "operations").await, "key").contains("new"));
    assert!(!names("flows").await.contains("Other flows"));
    push(&pair.cli, &pair.b, &["-x", "roles,folders", "--prune"]).await;
    assert!(names("flows").await.contains("Other flows"));
    assert!(!names("folders").await.contains("Other folders"));
    let roles = names("roles").await;
    assert!(roles.contains("Theirs") && roles.contains("Editor"), "{roles:?}");
    push(&pair.cli, &pair.b, &["--no-snapshot"]).await;
    assert!(
        names("roles").await.is_superset(&BTreeSet::from(["Other roles".to_owned(), "Theirs".to_owned()]))
    );
}

/// An attachment of a policy, by role and user.
async fn attachments(b: &Directus, policy: &str) -> BTreeSet<(Option<String>, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let access = rows(b, "access").await.into_iter().filter(|row| row["policy"] == policy);
    access.map(|row| (text(&row["role"]), text(&row["user"]))).collect()
}

async fn who_was_given_a_policy_on_the_target_keeps_it(pair: &Pair) {
    let b = &pair.b;
    let me = b.get("/users/me?fields=id").await.unwrap()["id"].as_str().unwrap().to_owned();
    let theirs = post(b, "/roles", json!({"name": "Theirs"})).await["id"].as_str().unwrap().to_owned();
    for policy in [id::EDITING, id::GUESTS] {
        post(b, "/access", json!({"policy": policy, "user": me, "sort": 1})).await;
        post(b, "/access", json!({"policy": policy, "role": theirs, "sort": 1})).await;
    }
    push_is_empty(&pair.cli, b, &[]).await;

    // The project detaches one role, attaches another, and changes the policies themselves.
    let (a, editing) = (&pair.a, format!("/policies/{}", id::EDITING));
    let access = rows(a, "access").await;
    let editor = access.iter().find(|row| row["policy"] == id::EDITING && row["role"] == id::EDITOR).unwrap();
    let roles = json!({"create": [], "update": [], "delete": [editor["id"]]});
    patch(a, &editing, json!({"roles": roles, "description": "changed"})).await;
    patch(a, &format!("/policies/{}", id::GUESTS), json!({"icon": "public"})).await;
    pull(&pair.cli, a).await;
    push(&pair.cli, b, &[]).await;
    let some = |id: &str| Some(id.to_owned());
    let expected = [(some(id::CHIEF), None), (some(&theirs), None), (None, some(&me))];
    assert_eq!(attachments(b, id::EDITING).await, BTreeSet::from(expected));
    let expected = [(None, None), (some(&theirs), None), (None, some(&me))];
    assert_eq!(attachments(b, id::GUESTS).await, BTreeSet::from(expected));
    assert_eq!(row(b, "policies", id::EDITING).await.unwrap()["description"], "changed");
    push_is_empty(&pair.cli, b, &[]).await;
}

async fn without_policy_roles_no_attachment_changes(pair: &Pair) {
    let before = attachments(&pair.b, id::EDITING).await;
    let everything = of(&pair.b).await;
    let access = rows(&pair.a, "access").await;
    let ids: Vec<_> =
        access.iter().filter(|row| row["policy"] == id::EDITING).map(|row| row["id"].clone()).collect();
    let roles = json!({"create": [], "update": [], "delete": ids});
    patch(&pair.a, &format!("/policies/{}", id::EDITING), json!({"roles": roles})).await;
    let option = "--no-sync-policy-roles";
    drop(pair.cli.run(&["pull", option], &pair.a).await.exits(0));
    let record = pair.cli.files().record("policies", "name", "Editing");
    assert!(record.get("roles").is_none(), "{record:#}");
    push_is_empty(&pair.cli, &pair.b, &[option]).await;
    assert_eq!(attachments(&pair.b, id::EDITING).await, before);
    assert_eq!(of(&pair.b).await, everything);
    // A dump that has them is pushed without them all the same.
    pull(&pair.cli, &pair.a).await;
    push_is_empty(&pair.cli, &pair.b, &[option]).await;
    push(&pair.cli, &pair.b, &[]).await;
    let mut rest = before;
    rest.remove(&(Some(id::CHIEF.to_owned()), None));
    assert_eq!(attachments(&pair.b, id::EDITING).await, rest, "only those of the project are detached");
}

async fn duplicate_permissions_are_kept_from_here_and_merged_there(pair: &Pair) {
    let holder = if major(pair.b.version()) == 10 { ("role", id::EDITOR) } else { ("policy", id::EDITING) };
    let rule = |collection: &str, action: &str| {
        let mut rule = json!({"collection": collection, "action": action, "fields": ["*"]});
        rule[holder.0] = json!(holder.1);
        rule
    };
    // On the target only: they say the same as one of the project, or something else.
    let mut other = rule("articles", "read");
    other["fields"] = if major(pair.b.version()) == 12 { json!(["*", "title"]) } else { json!(["title"]) };
    post(&pair.b, "/permissions", json!([rule("articles", "read"), other])).await;
    let report = push(&pair.cli, &pair.b, &[]).await;
    assert_eq!(report["collections"]["permissions"]["merge"], 2, "{report:#}");
    assert_alike(&pair.a, &pair.b).await;
    // On the source: both arrive, and stay.
    post(&pair.a, "/permissions", json!([rule("authors", "update"), rule("authors", "update")])).await;
    pair.follows().await;
    let twins = rows(&pair.b, "permissions").await;
    assert_eq!(
        twins.iter().filter(|row| row["collection"] == "authors" && row["action"] == "update").count(),
        2
    );
}

on_every_version!(what_others_made_is_theirs);
on_11_and_12!(what_policies_are_attached_to_is_theirs_too);
