//! What destroys much is not done on an ordinary yes: exit code 3, and nothing was written.

use lockstep_testkit::directus::Directus;
use serde_json::{Value, json};

use crate::changes::Pair;
use crate::stage::portrait::{Portrait, assert_alike, of, schema};
use crate::stage::project::{id, patch, post};
use crate::stage::{on_every_version, pull, push, push_is_empty, row, rows};

/// The push is refused whatever else is allowed, and the instance holds afterwards what it held before.
async fn refused(pair: &Pair) -> Value {
    let before = everything(&pair.b).await;
    let mut report = Value::Null;
    for more in [&[][..], &["--yes"], &["--force"], &["--yes", "--force", "--prune"]] {
        let arguments: Vec<&str> = ["push", "--json"].iter().chain(more).copied().collect();
        report = pair.cli.run(&arguments, &pair.b).await.exits(3).json();
        assert_eq!(everything(&pair.b).await, before, "nothing was written: {more:?}");
    }
    drop(pair.cli.run(&["push"], &pair.b).await.exits(3).says("--allow-destructive"));
    report["error"]["differences"].take()
}

async fn everything(directus: &Directus) -> (Portrait, Portrait) {
    (of(directus).await, schema(directus).await)
}

async fn what_destroys_much_needs_consent(version: &str) {
    let pair = Pair::in_step(version).await;
    more_than_a_fifth_and_more_than_ten(&pair).await;
    an_emptied_file_is_no_order_to_delete_everything(&pair).await;
    what_would_go_along_though_nobody_tracked_it(&pair).await;
    what_the_schema_would_lose(&pair).await;
}

async fn more_than_a_fifth_and_more_than_ten(pair: &Pair) {
    let text = |n: usize| json!({"language": "en-US", "key": format!("key {n}"), "value": "x"});
    let texts: Vec<_> = (0..50).map(text).collect();
    let made = post(&pair.a, "/translations", json!(texts)).await;
    let ids: Vec<Value> = made.as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
    pair.follows().await;
    // Ten of 53 are less than that.
    pair.a.delete("/translations", Some(&json!(ids[..10]))).await.unwrap();
    pair.follows().await;

    pair.a.delete("/translations", Some(&json!(ids[10..21]))).await.unwrap();
    pull(&pair.cli, &pair.a).await;
    let differences = refused(pair).await;
    let danger =
        json!([{"reason": "mass_deletion", "collection": "translations", "deleted": 11, "rows": 43}]);
    assert_eq!(differences["dangers"], danger);
    push(&pair.cli, &pair.b, &["--allow-destructive"]).await;
    assert_alike(&pair.a, &pair.b).await;
    push_is_empty(&pair.cli, &pair.b, &[]).await;
}

async fn an_emptied_file_is_no_order_to_delete_everything(pair: &Pair) {
    let before = rows(&pair.b, "translations").await.len();
    pair.cli.files().write("translations", &[]);
    refused(pair).await;
    // A file that is not there says nothing at all.
    pair.cli.files().remove("collections/translations.json");
    push(&pair.cli, &pair.b, &[]).await;
    assert_eq!(rows(&pair.b, "translations").await.len(), before);
}

async fn what_the_schema_would_lose(pair: &Pair) {
    post(&pair.b, "/items/articles", json!({"title": "Written here", "score": 1.5})).await;
    pair.a.delete("/fields/articles/score", None).await.unwrap();
    patch(&pair.a, &format!("/roles/{}", id::EDITOR), json!({"description": "changed too"})).await;
    pull(&pair.cli, &pair.a).await;
    refused(pair).await;
    let item = pair.b.get("/items/articles?fields=title,score").await.unwrap();
    assert_eq!(item, json!([{"title": "Written here", "score": 1.5}]));
    push(&pair.cli, &pair.b, &["--allow-destructive"]).await;
    assert_alike(&pair.a, &pair.b).await;

    pair.a.delete("/collections/articles", None).await.unwrap();
    pull(&pair.cli, &pair.a).await;
    refused(pair).await;
    // Directus 10 would say yes and do nothing: the collection is in a group that stays.
    push(&pair.cli, &pair.b, &["--allow-destructive"]).await;
    assert_alike(&pair.a, &pair.b).await;
    push_is_empty(&pair.cli, &pair.b, &[]).await;
}

async fn what_would_go_along_though_nobody_tracked_it(pair: &Pair) {
    let theirs = json!({"flow": id::PUBLISH, "key": "theirs", "name": "T", "type": "log", "position_x": 1,
        "position_y": 5});
    let theirs = post(&pair.b, "/operations", theirs).await["id"].as_str().unwrap().to_owned();
    pair.a.delete(&format!("/flows/{}", id::PUBLISH), None).await.unwrap();
    pull(&pair.cli, &pair.a).await;
    let before = everything(&pair.b).await;
    let ran = pair.cli.run(&["push", "--json"], &pair.b).await.exits(3).json();
    assert_eq!(ran["error"]["differences"]["dangers"][0]["reason"], "takes_along", "{ran:#}");
    assert_eq!(everything(&pair.b).await, before);
    assert!(row(&pair.b, "operations", &theirs).await.is_some());
    push(&pair.cli, &pair.b, &["--allow-destructive"]).await;
    assert_alike(&pair.a, &pair.b).await;
}

on_every_version!(what_destroys_much_needs_consent);
