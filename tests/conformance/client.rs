//! The endpoints as the client of Lockstep uses them: every version must read and behave as it expects.

use lockstep_directus::items::{Endpoint, Query};
use lockstep_directus::{
    Auth, Client, ClientOptions, ErrorKind, caches, collections, items, mappings, policies, schema, server,
    users,
};
use lockstep_testkit::directus::{ADMIN_EMAIL, ADMIN_PASSWORD, Directus, VERSIONS};
use serde_json::{Value, json};

fn client(directus: &Directus, auth: Auth) -> Client {
    Client::new(&directus.url(), auth, ClientOptions::default()).unwrap()
}

fn admin(directus: &Directus) -> Client {
    client(directus, Auth::Token(directus.token().to_owned().into()))
}

fn table(name: &str, meta: Value) -> Value {
    let id = json!({"field": "id", "type": "integer", "meta": {},
        "schema": {"is_primary_key": true, "has_auto_increment": true}});
    let title = json!({"field": "title", "type": "string", "meta": {}, "schema": {"is_unique": true}});
    json!({"collection": name, "schema": {}, "meta": meta, "fields": [id, title]})
}

async fn what_the_server_tells(directus: &Directus) {
    let client = admin(directus);
    let info = server::info(&client).await.unwrap();
    assert_eq!((info.query_limit_default, info.query_limit_max), (Some(100), None));
    let major: u32 = info.version.unwrap().split('.').next().unwrap().parse().unwrap();
    server::ping(&client).await.unwrap();
    assert_eq!(server::health(&client).await.unwrap()["status"], "ok");
    assert!(server::specs_graphql_items(&client).await.unwrap().contains("type "));
    assert!(server::specs_graphql_system(&client).await.unwrap().contains("directus_users"));
    assert!(server::specs_openapi(&client).await.unwrap()["openapi"].is_string());
    assert_eq!(server::license(&client).await.unwrap().is_some(), major >= 12);
    assert!(users::me(&client, &["id", "role.name"]).await.unwrap()["role"]["name"].is_string());
    match policies::my_globals(&client).await {
        Ok(globals) => assert_eq!(globals["admin_access"], true),
        Err(error) => assert_eq!((error.kind(), major), (ErrorKind::NotFound, 10)),
    }
    assert!(!mappings::detect(&client).await.unwrap());
    caches::clear(&client).await.unwrap();
}

async fn who_is_not_known(directus: &Directus) {
    let error = server::info(&client(directus, Auth::Token("wrong".to_owned().into()))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
    let login =
        |password: String| Auth::Password { email: ADMIN_EMAIL.to_owned(), password: password.into() };
    let error = server::info(&client(directus, login("wrong".to_owned()))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
    let client = client(directus, login(ADMIN_PASSWORD.to_owned()));
    assert!(server::info(&client).await.unwrap().version.is_some());
    assert_eq!(client.requests_sent(), 2);
}

async fn items_are_written_and_read(directus: &Directus) {
    let client = admin(directus);
    let name = "lockstep_items";
    if collections::exists(&client, name).await.unwrap() {
        collections::delete(&client, name).await.unwrap();
    }
    collections::create(&client, &table(name, json!({}))).await.unwrap();
    let endpoint = Endpoint::of(name);

    let rows: Vec<_> = (1..=120).map(|id| json!({"id": id, "title": format!("t{id}")})).collect();
    assert_eq!(items::create_many(&client, &endpoint, &rows, &["id"]).await.unwrap().len(), 120);
    let error = items::create_many(&client, &endpoint, &rows[..1], &["id"]).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Invalid, Some("RECORD_NOT_UNIQUE")));

    let short = Query::new().fields(["id"]).sort(["-id"]).limit(2).meta(["total_count", "filter_count"]);
    let keys: Vec<_> = (1..=1000).collect();
    let long = short.clone().filter(json!({"id": {"_in": keys}}));
    for query in [short, long] {
        let page = items::list(&client, &endpoint, &query).await.unwrap();
        assert_eq!(Value::from(page.data[0].clone()), json!({"id": 120}));
        assert_eq!((page.data.len(), page.total_count, page.filter_count), (2, Some(120), Some(120)));
    }

    let updated =
        items::update_many(&client, &endpoint, &[json!({"id": 1, "title": "a"})], &["id"]).await.unwrap();
    assert_eq!(updated, [json!({"id": 1})]);
    items::update_keys(&client, &endpoint, &[json!(2)], &json!({"title": null}), &["id"]).await.unwrap();
    items::delete_many(&client, &endpoint, &[json!(1), json!(2), json!(999)]).await.unwrap();
    let rest = items::list(&client, &endpoint, &Query::new().limit(-1)).await.unwrap();
    assert_eq!((rest.data.len(), rest.total_count), (118, None));

    let settings = Endpoint::of("directus_settings");
    items::update_singleton(&client, &settings, &json!({"project_name": "Test"}), &["id"]).await.unwrap();
    assert_eq!(items::singleton(&client, &settings).await.unwrap()["project_name"], "Test");
    let error = items::list(&client, &settings, &Query::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    collections::delete(&client, name).await.unwrap();
}

async fn a_schema_larger_than_the_payload_limit_is_compared_and_applied(directus: &Directus) {
    let client = admin(directus);
    let name = "lockstep_schema";
    if collections::exists(&client, name).await.unwrap() {
        collections::delete(&client, name).await.unwrap();
    }
    collections::create(&client, &table(name, json!({}))).await.unwrap();
    let mut snapshot = schema::snapshot(&client).await.unwrap();
    assert_eq!(schema::diff(&client, &snapshot, false).await.unwrap(), None);

    let mine = |collection: &&mut Value| collection["collection"] == name;
    let collection = snapshot["collections"].as_array_mut().unwrap().iter_mut().find(mine).unwrap();
    let note = "long ".repeat(300_000);
    collection["meta"]["note"] = json!(note);
    let diff = schema::diff(&client, &snapshot, false).await.unwrap().unwrap();
    assert!(serde_json::to_vec(&diff).unwrap().len() > 1_500_000);
    schema::apply(&client, &diff, false).await.unwrap();
    assert_eq!(schema::diff(&client, &snapshot, false).await.unwrap(), None);
    let error = schema::apply(&client, &json!({"hash": "x"}), false).await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_been_applied()), (ErrorKind::Invalid, false));
    collections::delete(&client, name).await.unwrap();
}

#[tokio::test]
async fn every_endpoint_behaves_as_the_client_expects() {
    for version in VERSIONS {
        let directus = Directus::builder(version).start().await.unwrap();
        what_the_server_tells(&directus).await;
        who_is_not_known(&directus).await;
        items_are_written_and_read(&directus).await;
        a_schema_larger_than_the_payload_limit_is_compared_and_applied(&directus).await;
    }
}
