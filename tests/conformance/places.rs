//! Records that take each other's place: what only one may have is given up before another gets it, and nothing is under
//! itself in between.

use serde_json::{Value, json};

use crate::changes::Pair;
use crate::stage::project::{id, post};
use crate::stage::{on_every_version, row};

async fn records_take_each_others_place(version: &str) {
    let pair = Pair::in_step(version).await;
    parents_change_places(&pair).await;
    operations_change_places(&pair).await;
    a_referenced_operation_goes(&pair).await;
    a_translation_gets_another_key_and_language_at_once(&pair).await;
    two_translations_exchange_their_keys(&pair).await;
}

async fn parents_change_places(pair: &Pair) {
    // Media / Images / Raw becomes Raw / Images / Media.
    for (child, parent) in [(id::RAW, None), (id::IMAGES, Some(id::RAW)), (id::MEDIA, Some(id::IMAGES))] {
        pair.set("folders", child, json!({"parent": parent})).await;
    }
    if pair.has_policies() {
        pair.set("roles", id::CHIEF, json!({"parent": null})).await;
        pair.set("roles", id::EDITOR, json!({"parent": id::CHIEF})).await;
    }
    pair.follows().await;
    assert_eq!(row(&pair.b, "folders", id::MEDIA).await.unwrap()["parent"], id::IMAGES);
    // A whole new tree, children listed before their parents.
    for (n, parent) in [(9, Value::Null), (8, json!(9)), (7, json!(8))] {
        let id = |n: &Value| n.as_u64().map(|n| format!("0000000{n}-0000-4000-8000-000000000000"));
        post(
            &pair.a,
            "/folders",
            json!({"id": id(&json!(n)), "name": format!("F{n}"), "parent": id(&parent)}),
        )
        .await;
    }
    pair.follows().await;
}

async fn operations_change_places(pair: &Pair) {
    // What resolved now rejects; both references are unique, so they cannot just be exchanged.
    pair.set("operations", id::CHECK, json!({"resolve": null, "reject": null})).await;
    pair.set("operations", id::CHECK, json!({"resolve": id::CALL_BY_TEMPLATE, "reject": id::CALL})).await;
    pair.follows().await;
    // The operation that is pointed to gets another predecessor, and the flow another start.
    pair.set("operations", id::CHECK, json!({"resolve": null, "reject": null})).await;
    pair.set("operations", id::CALL_BY_TEMPLATE, json!({"resolve": id::CALL, "reject": id::CHECK})).await;
    pair.set("flows", id::PUBLISH, json!({"operation": id::CALL_BY_TEMPLATE})).await;
    pair.follows().await;
    // One is pointed to by a new one in its place, and the one that pointed there goes.
    pair.set("operations", id::CALL_BY_TEMPLATE, json!({"resolve": null, "reject": null})).await;
    pair.delete("operations", &[id::CHECK]).await;
    let new = json!({"flow": id::PUBLISH, "key": "new", "type": "log", "name": "New", "position_x": 1, "position_y": 1,
        "resolve": id::CALL, "options": {"message": "{{$last}}"}});
    let new = post(&pair.a, "/operations", new).await;
    pair.set("operations", id::CALL_BY_TEMPLATE, json!({"reject": new["id"]})).await;
    pair.follows().await;
    // An operation moves to another flow, where it is pointed to.
    pair.set("operations", new["id"].as_str().unwrap(), json!({"resolve": null})).await;
    pair.set("operations", id::CALL, json!({"flow": id::NOTIFY, "key": "moved"})).await;
    pair.set("operations", id::LOG, json!({"resolve": id::CALL})).await;
    pair.follows().await;
    // Its name is taken by another.
    pair.set("operations", id::LOG, json!({"key": "renamed"})).await;
    pair.set("operations", id::CALL, json!({"key": "start"})).await;
    pair.follows().await;
}

async fn a_referenced_operation_goes(pair: &Pair) {
    pair.set("operations", id::LOG, json!({"resolve": null})).await;
    pair.delete("operations", &[id::CALL]).await;
    pair.follows().await;
    assert_eq!(row(&pair.b, "operations", id::LOG).await.unwrap()["resolve"], Value::Null);
    pair.set("flows", id::NOTIFY, json!({"operation": null})).await;
    pair.delete("operations", &[id::LOG]).await;
    pair.follows().await;
}

async fn a_translation_gets_another_key_and_language_at_once(pair: &Pair) {
    pair.set("translations", id::BYE_EN, json!({"key": "leave"})).await;
    pair.set("translations", id::BYE_EN, json!({"language": "de-DE"})).await;
    pair.set("translations", id::BYE_EN, json!({"value": "Tschüs"})).await;
    pair.follows().await;
    assert_eq!(row(&pair.b, "translations", id::BYE_EN).await.unwrap()["language"], "de-DE");
    // One takes the place that another left, which takes the place of a third that went.
    pair.delete("translations", &[id::HELLO_FR]).await;
    pair.set("translations", id::HELLO_EN, json!({"language": "fr-FR"})).await;
    let again = json!({"language": "en-US", "key": "hello", "value": "Hello again"});
    post(&pair.a, "/translations", again).await;
    pair.follows().await;
}

async fn two_translations_exchange_their_keys(pair: &Pair) {
    pair.set("translations", id::BYE_EN, json!({"language": "fr-FR"})).await;
    pair.follows().await;
    pair.set("translations", id::HELLO_EN, json!({"key": "between"})).await;
    pair.set("translations", id::BYE_EN, json!({"key": "hello"})).await;
    pair.set("translations", id::HELLO_EN, json!({"key": "leave"})).await;
    pair.follows().await;
    assert_eq!(row(&pair.b, "translations", id::HELLO_EN).await.unwrap()["key"], "leave");
}

on_every_version!(records_take_each_others_place);
