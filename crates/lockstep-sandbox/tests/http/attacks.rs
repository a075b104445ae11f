//! What somebody might try who means harm: each of these once worked.

use lockstep_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::support::{ask, instance, send};

const JSON: &str = "application/json";

/// A user who may read some fields of a collection, and nothing else.
async fn with_reader() -> Sandbox {
    let sandbox = instance().await;
    let field = |name: &str, kind: &str| json!({"field": name, "type": kind, "schema": {}, "meta": {}});
    let key = json!({"field": "id", "type": "integer", "schema": {"is_primary_key": true, "has_auto_increment": true}, "meta": {}});
    let fields =
        json!([key, field("name", "string"), field("secret_at", "dateTime"), field("place", "integer")]);
    let made =
        json!({"collection": "things", "meta": {"sort_field": "place"}, "schema": {}, "fields": fields});
    assert_eq!(ask(&sandbox, "POST /collections", made).await.status, 200);
    let items = json!([{"name": "a", "secret_at": "2020-01-02T03:04:05"}, {"name": "b"}]);
    assert_eq!(ask(&sandbox, "POST /items/things", items).await.status, 200);
    let rights = json!([
        {"collection": "things", "action": "read", "fields": ["id", "name"]},
        {"collection": "things", "action": "update", "fields": ["name"]},
    ]);
    let user = json!({"email": "reader@example.com", "token": "reader",
        "policies": [{"policy": {"name": "Reads", "permissions": rights}}]});
    assert_eq!(ask(&sandbox, "POST /users", user).await.status, 200);
    sandbox
}

async fn as_reader(sandbox: &Sandbox, request: &str, body: Value) -> u16 {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(sandbox, request, Some("reader"), JSON, body.as_bytes()).await.status
}

#[tokio::test]
async fn a_hash_that_would_cost_too_much_is_not_tried() {
    let sandbox = instance().await;
    for parameters in ["m=4294967295,t=1,p=1", "m=8,t=4294967295,p=1", "m=8,t=1,p=4096"] {
        let hash = format!(
            "$argon2id$v=19${parameters}$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        );
        let asked = json!({"string": "a", "hash": hash}).to_string();
        let answer = send(&sandbox, "POST /utils/hash/verify", None, JSON, asked.as_bytes()).await;
        assert_eq!(answer.json(), json!({"data": false}), "{parameters}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_type_is_no_place_for_sql() {
    let sandbox = instance().await;
    let evil = "geometry.point); create table pwned (id integer primary key); --";
    let fields = json!([
        {"field": "id", "type": "integer", "schema": {"is_primary_key": true, "has_auto_increment": true}},
        {"field": "g", "type": evil},
    ]);
    drop(
        ask(&sandbox, "POST /collections", json!({"collection": "inj", "schema": {}, "fields": fields}))
            .await,
    );
    assert_eq!(ask(&sandbox, "GET /items/pwned", Value::Null).await.status, 403);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_flag_of_a_policy_that_is_none_locks_nobody_out() {
    let sandbox = instance().await;
    let policies = ask(&sandbox, "GET /policies?fields=id", Value::Null).await.json()["data"].clone();
    for policy in policies.as_array().unwrap() {
        let change = format!("PATCH /policies/{}", policy["id"].as_str().unwrap());
        drop(ask(&sandbox, &change, json!({"enforce_tfa": "maybe", "app_access": "maybe"})).await);
    }
    assert_eq!(ask(&sandbox, "GET /users/me", Value::Null).await.status, 200);
    assert_eq!(send(&sandbox, "GET /items/none", None, JSON, b"").await.status, 403);
    sandbox.stop().await;
}

#[tokio::test]
async fn functions_tell_no_more_than_their_fields() {
    let sandbox = with_reader().await;
    for query in [
        "fields=id,year(secret_at)",
        "fields=id,x&alias[x]=year(secret_at)",
        "sort=year(secret_at)",
        "aggregate[count]=*&groupBy[]=year(secret_at)",
        "filter[year(secret_at)][_eq]=2020",
        "aggregate[max]=secret_at",
    ] {
        assert_eq!(
            as_reader(&sandbox, &format!("GET /items/things?{query}"), Value::Null).await,
            403,
            "{query}"
        );
    }
    // The order that nobody asked for is no reason to refuse.
    assert_eq!(as_reader(&sandbox, "GET /items/things", Value::Null).await, 200);
    sandbox.stop().await;
}

#[tokio::test]
async fn who_may_not_change_the_order_does_not_sort() {
    let sandbox = with_reader().await;
    assert_eq!(as_reader(&sandbox, "POST /utils/sort/things", json!({"item": 1, "to": 2})).await, 403);
    sandbox.stop().await;
}

#[tokio::test]
async fn encrypted_settings_are_not_guessed_by_a_filter() {
    let sandbox = instance().await;
    assert_eq!(ask(&sandbox, "PATCH /settings", json!({"ai_openai_api_key": "sk-secret"})).await.status, 200);
    let guess = "GET /settings?fields=id&filter[ai_openai_api_key][_starts_with]=sk";
    assert_eq!(ask(&sandbox, guess, Value::Null).await.code(), "INVALID_QUERY");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_key_that_was_given_once_is_not_given_again() {
    let sandbox = with_reader().await;
    assert_eq!(ask(&sandbox, "DELETE /items/things/2", Value::Null).await.status, 204);
    let change = json!({"type": "text", "schema": {"is_nullable": true}});
    assert_eq!(ask(&sandbox, "PATCH /fields/things/name", change).await.status, 200);
    let made = ask(&sandbox, "POST /items/things?fields=id", json!({"name": "c"})).await;
    assert_eq!(made.json(), json!({"data": {"id": 3}}));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_window_beyond_all_numbers_is_no_fault() {
    let sandbox = instance().await;
    let limit = i64::MAX;
    let far = format!("GET /roles?fields=users.id&deep[users][_limit]={limit}&deep[users][_offset]=1");
    assert_eq!(ask(&sandbox, &far, Value::Null).await.status, 200);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_filter_finds_nothing_by_items_that_may_not_be_seen() {
    let sandbox = instance().await;
    let field = |name: &str, kind: &str| json!({"field": name, "type": kind, "schema": {}, "meta": {}});
    let key = json!({"field": "id", "type": "integer", "schema": {"is_primary_key": true, "has_auto_increment": true}, "meta": {}});
    let list = json!({"field": "children", "type": "alias", "meta": {"special": ["o2m"]}});
    let parents = json!({"collection": "parents", "meta": {}, "schema": {}, "fields": [key, field("name", "string"), list]});
    let children = json!({"collection": "children", "meta": {}, "schema": {}, "fields": [key, field("title", "string"), field("parent", "integer")]});
    for made in [parents, children] {
        assert_eq!(ask(&sandbox, "POST /collections", made).await.status, 200);
    }
    let relation = json!({"collection": "children", "field": "parent", "related_collection": "parents", "meta": {"one_field": "children"}, "schema": {}});
    assert_eq!(ask(&sandbox, "POST /relations", relation).await.status, 200);
    let items = json!([{"name": "a", "children": [{"title": "open"}]}, {"name": "b", "children": [{"title": "hidden"}]}]);
    assert_eq!(ask(&sandbox, "POST /items/parents", items).await.status, 200);
    let rights = json!([
        {"collection": "parents", "action": "read", "fields": ["*"]},
        {"collection": "children", "action": "read", "fields": ["*"], "permissions": {"title": {"_eq": "open"}}},
    ]);
    let user = json!({"email": "reader@example.com", "token": "reader",
        "policies": [{"policy": {"name": "Reads", "permissions": rights}}]});
    assert_eq!(ask(&sandbox, "POST /users", user).await.status, 200);
    for (filter, found) in [
        ("filter[children][title][_eq]=open", json!([{"id": 1}])),
        ("filter[children][title][_eq]=hidden", json!([])),
        ("filter[children][_some][title][_starts_with]=h", json!([])),
        ("filter[children][_none][title][_eq]=hidden", json!([{"id": 1}, {"id": 2}])),
        ("filter[children][_null]=true", json!([{"id": 2}])),
    ] {
        let request = format!("GET /items/parents?fields=id&sort=id&{filter}");
        let answer = send(&sandbox, &request, Some("reader"), JSON, b"").await;
        assert_eq!(answer.json()["data"], found, "{filter}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn items_that_show_each_other_in_circles_do_not_fill_the_memory() {
    let sandbox = with_reader().await;
    let list = json!({"field": "kids", "type": "alias", "meta": {"special": ["o2m"]}});
    assert_eq!(ask(&sandbox, "POST /fields/things", list).await.status, 200);
    let relation = json!({"collection": "things", "field": "place", "related_collection": "things", "meta": {"one_field": "kids"}, "schema": {}});
    assert_eq!(ask(&sandbox, "POST /relations", relation).await.status, 200);
    let kids: Value = (0..40).map(|number| json!({"name": format!("kid {number}"), "place": 1})).collect();
    assert_eq!(ask(&sandbox, "POST /items/things?fields=id", kids).await.status, 200);
    let deep = "kids.place.kids.place.kids.place.kids.place.kids.name";
    let answer = ask(&sandbox, &format!("GET /items/things/1?fields={deep}"), Value::Null).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_QUERY"));
    sandbox.stop().await;
}
