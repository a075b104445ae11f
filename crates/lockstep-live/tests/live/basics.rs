//! What flows, and how.

use std::time::Duration;

use lockstep_core::merge::{Clash, Side};
use lockstep_directus::Request;
use lockstep_live::journal::{Journal, Mark};
use lockstep_live::status::Status;
use lockstep_live::{Initial, LiveError};
use lockstep_testkit::proxy::{Fault, Gate, Rule};
use serde_json::{Value, json};

use crate::stage::{Daemon, Stage, create, delete, rows, until, update};

const ALL: [&str; 4] = ["authors", "tags", "posts", "posts_tags"];

fn route(more: Value) -> Value {
    let mut route =
        json!({"from": "a", "to": "b", "mode": "both", "collections": ["posts", "authors", "tags"]});
    for (name, value) in more.as_object().unwrap() {
        route[name] = value.clone();
    }
    json!([route])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_and_what_comes_flows_both_ways() {
    let stage = Stage::new(2).await;
    let (a, b) = (&stage.instances[0].client, &stage.instances[1].client);
    // Counted keys that are others on the other side.
    for number in 0..3 {
        create(b, "authors", json!({"name": format!("gone {number}")})).await;
    }
    for row in rows(b, "authors").await {
        delete(b, "authors", &row["id"]).await;
    }
    let ann = create(a, "authors", json!({"name": "Ann"})).await;
    let root = create(a, "posts", json!({"title": "Root", "author": ann})).await;
    let child = create(a, "posts", json!({"title": "Child", "parent": root, "author": ann})).await;
    update(a, "posts", &root, json!({"parent": child})).await;
    let tag = create(a, "tags", json!({"name": "red"})).await;
    create(a, "posts_tags", json!({"posts_id": root, "tags_id": tag})).await;
    let daemon = stage.run(stage.config(route(json!({})), |_| {})).await;
    stage.alike(&ALL, true).await;
    let there = rows(b, "authors").await.remove(0);
    assert_ne!(there["id"], ann);
    assert!(rows(b, "posts").await.iter().all(|post| post["author"] == there["id"]));
    let joined = rows(b, "posts_tags").await;
    assert_eq!((joined.len(), &joined[0]["posts_id"]), (1, &root));

    let bob = create(b, "authors", json!({"name": "Bob"})).await;
    let post = create(b, "posts", json!({"title": "From b", "author": bob, "parent": root})).await;
    update(a, "posts", &child, json!({"title": "Changed"})).await;
    stage.alike(&ALL, true).await;
    delete(a, "posts", &post).await;
    until("the post is gone", || async { rows(b, "posts").await.len() == 2 }).await;
    stage.alike(&ALL, true).await;
    daemon.stop().await;
    let status = Status::read(&Journal::visit(&stage.journal()).unwrap()).unwrap();
    assert_eq!(status.routes["a>b"].counts.get("failed"), None, "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn different_fields_are_merged_and_the_same_goes_by_the_policy() {
    let stage = Stage::new(2).await;
    let (a, b) = (&stage.instances[0].client, &stage.instances[1].client);
    let post = create(a, "posts", json!({"title": "one", "body": "one", "status": "one"})).await;
    let config = || stage.config(route(json!({"conflict": "target"})), |_| {});
    let daemon = stage.run(config()).await;
    stage.alike(&ALL, true).await;
    daemon.stop().await;
    update(a, "posts", &post, json!({"title": "of a", "status": "of a"})).await;
    update(b, "posts", &post, json!({"body": "of b", "status": "of b"})).await;
    let daemon = stage.run(config()).await;
    stage.alike(&ALL, true).await;
    let row = rows(a, "posts").await.remove(0);
    assert_eq!(
        (&row["title"], &row["body"], &row["status"]),
        (&json!("of a"), &json!("of b"), &json!("of b"))
    );
    daemon.stop().await;
    let conflicts = Journal::visit(&stage.journal()).unwrap().conflicts(false, 10).unwrap();
    assert_eq!(conflicts.len(), 1);
    assert_eq!((&conflicts[0].decision.source, conflicts[0].open), (&json!("of a"), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_way_never_writes_back() {
    let stage = Stage::new(2).await;
    let (a, b) = (&stage.instances[0].client, &stage.instances[1].client);
    let post = create(a, "posts", json!({"title": "one", "body": "one"})).await;
    let filtered = create(a, "posts", json!({"title": "hidden", "status": "draft"})).await;
    let own = create(b, "posts", json!({"title": "own"})).await;
    let collections = json!([{"collection": "posts", "fields": ["title", "status"], "filter": {"_or": [{"status": {"_neq": "draft"}}, {"status": {"_null": true}}]}}]);
    let routes = route(json!({"mode": "one", "collections": collections}));
    let daemon = stage.run(stage.config(routes, |_| {})).await;
    until("it came", || async { rows(b, "posts").await.len() == 2 }).await;
    update(b, "posts", &own, json!({"title": "still own"})).await;
    update(a, "posts", &post, json!({"title": "two", "body": "two"})).await;
    until("it changed", || async { rows(b, "posts").await.iter().any(|row| row["title"] == "two") }).await;
    update(a, "posts", &filtered, json!({"status": "live"})).await;
    until("it is shown", || async { rows(b, "posts").await.len() == 3 }).await;
    daemon.stop().await;
    assert_eq!(rows(a, "posts").await.len(), 2);
    let there = rows(b, "posts").await;
    let came = there.iter().find(|row| row["id"] == post).unwrap();
    assert_eq!((&came["title"], &came["body"]), (&json!("two"), &Value::Null));
    assert!(there.iter().any(|row| row["title"] == "still own"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_along_with_their_content() {
    let stage = Stage::new(2).await;
    let (a, b) = (&stage.instances[0].client, &stage.instances[1].client);
    let form = |name: &str, text: &str| {
        Request::post("/files").form(
            vec![("title".into(), name.into())],
            "cover.txt",
            "text/plain",
            text.to_owned(),
        )
    };
    let file = a.send(&form("Cover", "first")).await.unwrap().data().unwrap()["id"].clone();
    a.send(&form("Not referred to", "x")).await.unwrap();
    create(a, "posts", json!({"title": "With", "cover": file})).await;
    let daemon = stage.run(stage.config(route(json!({"files": true})), |_| {})).await;
    stage.alike(&ALL, true).await;
    let asset = format!("/assets/{}", file.as_str().unwrap());
    assert_eq!(b.send(&Request::get(asset.clone())).await.unwrap().body, "first");
    assert_eq!(rows(b, "directus_files").await.len(), 1);
    let again = Request::patch(format!("/files/{}", file.as_str().unwrap())).form(
        vec![("title".into(), "Other".into())],
        "cover.txt",
        "text/plain",
        "second".to_owned(),
    );
    b.send(&again).await.unwrap();
    until("the content came back", || async {
        a.send(&Request::get(asset.clone())).await.unwrap().body == "second"
    })
    .await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_record_holds_up_nothing_and_can_be_brought_back() {
    let stage = Stage::new(2).await;
    let (a, b) = (&stage.instances[0].client, &stage.instances[1].client);
    let daemon =
        stage.run(stage.config(route(json!({"mode": "one"})), |config| config["attempts"] = json!(2))).await;
    stage.ready().await;
    // The name is taken on the other side, which replication does not know of.
    let taken = create(b, "tags", json!({"name": "red"})).await;
    create(a, "tags", json!({"name": "red"})).await;
    create(a, "tags", json!({"name": "blue"})).await;
    let visit = || Journal::visit(&stage.journal()).unwrap();
    until("the other came", || async { rows(b, "tags").await.len() == 2 }).await;
    until("it is dead", || async { visit().dead_letters().unwrap().len() == 1 }).await;
    let letter = visit().dead_letters().unwrap().remove(0);
    assert!(letter.error.contains("unique") && letter.collection == "tags", "{letter:?}");
    update(b, "tags", &taken, json!({"name": "free again"})).await;
    assert_eq!(visit().retry(None, Some("tags"), None).unwrap(), 1);
    until("it came", || async { rows(b, "tags").await.len() == 3 }).await;
    daemon.stop().await;
    assert_eq!(visit().dead_letters().unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_deletions_at_once_halt_the_route() {
    let stage = Stage::new(2).await;
    let (a, b) = (&stage.instances[0].client, &stage.instances[1].client);
    for number in 0..20 {
        create(a, "authors", json!({"name": format!("Author {number}")})).await;
    }
    let config = || stage.config(route(json!({})), |_| {});
    let daemon = stage.run(config()).await;
    stage.alike(&ALL, true).await;
    daemon.stop().await;
    for row in rows(a, "authors").await.iter().take(15) {
        delete(a, "authors", &row["id"]).await;
    }
    let daemon = stage.run(config()).await;
    let visit = || Journal::visit(&stage.journal()).unwrap();
    until("it is halted", || async { visit().halted("a>b").unwrap().is_some() }).await;
    assert!(visit().halted("a>b").unwrap().unwrap().contains("15 of 20 records of authors"));
    assert_eq!(rows(b, "authors").await.len(), 20);
    visit().order("a>b", true).unwrap();
    until("they are gone", || async { rows(b, "authors").await.len() == 5 }).await;
    stage.alike(&ALL, true).await;
    // Consent was for those, not for what comes later.
    until("it is used up", || async { !visit().is_consented("a>b").unwrap() }).await;
    daemon.stop().await;
    for row in rows(a, "authors").await {
        delete(a, "authors", &row["id"]).await;
    }
    let daemon = stage.run(config()).await;
    until("it is halted again", || async { visit().halted("a>b").unwrap().is_some() }).await;
    assert_eq!(rows(b, "authors").await.len(), 5);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_edited_after_it_was_decided_that_it_goes_stays() {
    let stage = Stage::new(2).await;
    let (a, b) = (&stage.instances[0].client, &stage.instances[1].client);
    let post = create(a, "posts", json!({"title": "one"})).await;
    let mut authors = Vec::new();
    for name in ["Ann", "Bob", "Cid"] {
        authors.push(create(a, "authors", json!({"name": name})).await);
    }
    let config = || stage.config(route(json!({})), |_| {});
    let daemon = stage.run(config()).await;
    stage.alike(&ALL, true).await;
    daemon.stop().await;
    delete(a, "authors", &authors[0]).await;
    update(a, "posts", &post, json!({"title": "two"})).await;
    // Between the decision about the author and its deletion lies the writing of the post.
    let gate = Gate::default();
    let wait = Fault::Wait(gate.clone());
    stage.instances[1].proxy.fault(Rule::new(wait).method("PATCH").path("/items/posts").nth(1));
    let daemon = stage.run(config()).await;
    let sent = || stage.instances[1].proxy.requests().iter().any(|request| request.method == "PATCH");
    until("the post is on its way", || async { sent() }).await;
    let there = rows(b, "authors").await.into_iter().find(|row| row["name"] == "Ann").unwrap();
    update(b, "authors", &there["id"], json!({"note": "is needed"})).await;
    gate.open();
    until("she is back", || async { rows(a, "authors").await.iter().any(|row| row["note"] == "is needed") })
        .await;
    stage.alike(&ALL, true).await;
    let conflicts = Journal::visit(&stage.journal()).unwrap().conflicts(false, 10).unwrap();
    assert!(conflicts.iter().any(|conflict| conflict.decision.clash == Clash::EditedAndDeleted));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_is_overwritten_is_recorded() {
    let stage = Stage::new(2).await;
    let (a, b) = (&stage.instances[0].client, &stage.instances[1].client);
    let post = create(a, "posts", json!({"title": "one"})).await;
    let daemon = stage.run(stage.config(route(json!({})), |_| {})).await;
    stage.alike(&ALL, true).await;
    // Ours waits on its way, and somebody is quicker.
    let slow = Fault::Delay(Duration::from_secs(1));
    stage.instances[1].proxy.fault(Rule::new(slow).method("PATCH").path("/items/posts").nth(1));
    update(a, "posts", &post, json!({"title": "of a"})).await;
    let sent = || stage.instances[1].proxy.requests().iter().any(|request| request.method == "PATCH");
    until("ours is on its way", || async { sent() }).await;
    update(b, "posts", &post, json!({"title": "of b"})).await;
    let conflicts = || Journal::visit(&stage.journal()).unwrap().conflicts(false, 10).unwrap();
    until("it is recorded", || async { !conflicts().is_empty() }).await;
    stage.alike(&ALL, true).await;
    let decision = conflicts().remove(0).decision;
    assert_eq!((decision.clash, &decision.target), (Clash::Overwritten, &json!("of b")));
    assert_eq!(rows(b, "posts").await[0]["title"], "of a");
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_is_seen_twice_is_one() {
    let stage = Stage::new(2).await;
    let (a, b) = (&stage.instances[0].client, &stage.instances[1].client);
    let gone = create(a, "authors", json!({"name": "Gone"})).await;
    create(a, "authors", json!({"name": "Stays"})).await;
    let config = || stage.config(route(json!({})), |config| config["batch"] = json!(1));
    let daemon = stage.run(config()).await;
    stage.alike(&ALL, true).await;
    daemon.stop().await;
    delete(a, "authors", &gone).await;
    let there = rows(b, "authors").await.into_iter().find(|row| row["name"] == "Gone").unwrap();
    let mark = |side, key: &Value| Mark {
        edge: "a>b".to_owned(),
        collection: "authors".to_owned(),
        side,
        key: key.to_string(),
    };
    // Two looks at one record: all of two records would halt the route.
    let marks = [mark(Side::Source, &gone), mark(Side::Target, &there["id"])];
    Journal::visit(&stage.journal()).unwrap().mark(&marks, None).unwrap();
    let daemon = stage.run(config()).await;
    until("it is gone", || async { rows(b, "authors").await.len() == 1 }).await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_away_holds_up_nobody_and_catches_up() {
    let stage = Stage::new(3).await;
    let routes =
        json!([{"from": "a", "to": ["b", "c"], "mode": "both", "collections": ["posts", "authors"]}]);
    stage.instances[2].proxy.kill().await;
    let daemon = stage.run(stage.config(routes, |_| {})).await;
    let (a, b, c) = (&stage.instances[0].client, &stage.instances[1].client, &stage.instances[2].client);
    let ann = create(b, "authors", json!({"name": "Ann"})).await;
    create(b, "posts", json!({"title": "From b", "author": ann})).await;
    until("it came to a", || async { rows(a, "posts").await.len() == 1 }).await;
    assert_eq!(rows(c, "posts").await.len(), 0);
    stage.instances[2].proxy.revive().await.unwrap();
    stage.alike(&["authors", "posts"], true).await;
    assert_eq!(rows(c, "posts").await[0]["title"], "From b");
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counted_keys_of_both_sides_pair_by_content_or_are_refused() {
    let stage = Stage::new(2).await;
    let (a, b) = (&stage.instances[0].client, &stage.instances[1].client);
    for name in ["x", "y", "z"] {
        create(a, "authors", json!({"name": name})).await;
    }
    for name in ["z", "y"] {
        create(b, "authors", json!({"name": name})).await;
    }
    create(b, "authors", json!({"name": "other"})).await;
    let routes = || route(json!({"collections": ["authors"]}));
    let daemon = stage.run(stage.config(routes(), |_| {})).await;
    let mut daemon = daemon;
    let refused = (&mut daemon.task).await.unwrap().unwrap_err();
    assert!(refused.to_string().contains("--initial source"), "{refused}");
    drop(daemon);
    assert_eq!((rows(a, "authors").await.len(), rows(b, "authors").await.len()), (3, 3));
    let daemon = Daemon::start(stage.config(routes(), |_| {}), Initial::Source).await.unwrap();
    stage.alike(&["authors"], true).await;
    let names: Vec<Value> = rows(a, "authors").await.into_iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, ["x", "y", "z", "other"]);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_told_at_once() {
    let stage = Stage::new(2).await;
    let b = &stage.instances[1].client;
    b.send(&Request::delete("/fields/posts/body")).await.unwrap();
    b.send(&Request::delete("/fields/tags/name")).await.unwrap();
    let field = json!({"field": "name", "type": "integer", "schema": {}, "meta": {}});
    b.send(&Request::post("/fields/tags").json(field)).await.unwrap();
    let collections =
        json!(["posts", "tags", "autors", {"collection": "authors", "fields": ["nam"]}, "directus_users"]);
    let config = stage.config(route(json!({"collections": collections})), |_| {});
    let Err(LiveError::Refused(problems)) = Daemon::start(config, Initial::Refuse).await.map(|_| ()) else {
        panic!("it was not refused")
    };
    for part in [
        "posts: a has the field \"body\", and b has not",
        "tags.name is string on a and integer on b",
        "no collection autors; did you mean \"authors\"?",
        "did you mean \"name\"",
        "directus_users is no content",
    ] {
        assert!(problems.iter().any(|problem| problem.contains(part)), "{part}: {problems:#?}");
    }
    let config = stage.config(route(json!({})), |config| config["peers"]["b"]["token"] = json!("wrong"));
    let Err(refused) = Daemon::start(config, Initial::Refuse).await.map(|_| ()) else {
        panic!("it was not refused")
    };
    assert!(refused.to_string().contains("peer b") && !refused.to_string().contains("wrong"), "{refused}");
}
