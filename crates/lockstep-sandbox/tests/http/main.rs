//! What the way in takes and refuses.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attacks;
#[path = "../support/mod.rs"]
mod support;

use lockstep_sandbox::{Mappings, Options, Sandbox};
use serde_json::{Value, json};
use support::{PASSWORD, ask, instance, notes, raw, send};

const JSON: &str = "application/json";

#[tokio::test]
async fn tokens_open_and_wrong_ones_do_not() {
    let sandbox = instance().await;
    let token = sandbox.token();
    assert_eq!(send(&sandbox, "GET /server/ping", None, JSON, b"").await.body, b"pong");
    assert_eq!(send(&sandbox, "GET /users/me", None, JSON, b"").await.status, 401);
    assert_eq!(send(&sandbox, "GET /roles", None, JSON, b"").await.status, 403);
    let longer = format!("{token}x");
    for wrong in ["nonsense", &token[1..], &longer, "'; drop table directus_users; --"] {
        let answer = send(&sandbox, "GET /users/me", Some(wrong), JSON, b"").await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "INVALID_CREDENTIALS"), "{wrong}");
    }
    let forged = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJkaXJlY3R1cyJ9.xyz";
    assert_eq!(send(&sandbox, "GET /users/me", Some(forged), JSON, b"").await.code(), "INVALID_TOKEN");
    let twice = send(&sandbox, &format!("GET /users/me?access_token={token}"), Some(token), JSON, b"").await;
    assert_eq!(twice.status, 400);
    let me =
        send(&sandbox, &format!("GET /users/me?fields=email&access_token={token}"), None, JSON, b"").await;
    assert_eq!(me.json(), json!({"data": {"email": "admin@example.com"}}));
    sandbox.stop().await;
}

#[tokio::test]
async fn logins_begin_and_end() {
    let sandbox = instance().await;
    let login = |email: &str, password: &str| {
        json!({"email": email, "password": password, "mode": "json"}).to_string().into_bytes()
    };
    for (email, password) in [("admin@example.com", "wrong"), ("nobody@example.com", PASSWORD)] {
        let answer = send(&sandbox, "POST /auth/login", None, JSON, &login(email, password)).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "INVALID_CREDENTIALS"));
    }
    let answer = send(&sandbox, "POST /auth/login", None, JSON, &login("Admin@Example.com", PASSWORD)).await;
    let data = answer.json()["data"].clone();
    assert_eq!(data["expires"], 900_000);
    let me = send(&sandbox, "GET /users/me?fields=email", data["access_token"].as_str(), JSON, b"").await;
    assert_eq!(me.status, 200);
    let old = json!({"refresh_token": data["refresh_token"], "mode": "json"}).to_string();
    let refreshed = send(&sandbox, "POST /auth/refresh", None, JSON, old.as_bytes()).await;
    let data = refreshed.json()["data"].clone();
    assert_eq!(send(&sandbox, "POST /auth/refresh", None, JSON, old.as_bytes()).await.status, 401);
    let new = json!({"refresh_token": data["refresh_token"]}).to_string();
    assert_eq!(send(&sandbox, "POST /auth/logout", None, JSON, new.as_bytes()).await.status, 204);
    assert_eq!(send(&sandbox, "POST /auth/refresh", None, JSON, new.as_bytes()).await.status, 401);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_session_is_a_cookie() {
    let sandbox = instance().await;
    let login = json!({"email": "admin@example.com", "password": PASSWORD, "mode": "session"}).to_string();
    let answer = send(&sandbox, "POST /auth/login", None, JSON, login.as_bytes()).await;
    assert_eq!(answer.json(), json!({"data": {"expires": 86_400_000}}));
    let with = async |request: &str, cookie: &str| {
        let cookie = format!("Cookie: directus_session_token={cookie}");
        raw(
            &sandbox,
            format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{cookie}\r\n\r\n").as_bytes(),
        )
        .await
    };
    let cookie = |answer: &support::Answer| {
        let (_, rest) = answer.head.split_once("set-cookie: directus_session_token=").unwrap();
        rest.split(';').next().unwrap().to_owned()
    };
    let first = cookie(&answer);
    let me = with("GET /users/me?fields=email", &first).await;
    assert_eq!(me.json(), json!({"data": {"email": "admin@example.com"}}));
    let second = cookie(&with("POST /auth/refresh", &first).await);
    assert_eq!(with("GET /users/me", &second).await.status, 200);
    assert_eq!(with("POST /auth/logout", &second).await.status, 204);
    assert_eq!(with("POST /auth/refresh", &second).await.status, 401);
    assert_eq!(with("GET /users/me", "nonsense").await.status, 401);
    sandbox.stop().await;
}

#[tokio::test]
async fn bodies_that_cannot_be_are_refused() {
    let sandbox = instance().await;
    notes(&sandbox).await;
    let token = Some(sandbox.token());
    for body in ["{", "5", "null", "\"x\"", "{a: 1}", "[1,]"] {
        let answer = send(&sandbox, "POST /items/notes", token, JSON, body.as_bytes()).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_PAYLOAD"), "{body}");
    }
    let large = json!({"title": "x".repeat(1_100_000)}).to_string();
    let answer = send(&sandbox, "POST /items/notes", token, JSON, large.as_bytes()).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_PAYLOAD"));
    assert!(answer.json()["errors"][0]["message"].as_str().unwrap().contains("request entity too large"));
    let answer = send(&sandbox, "POST /schema/diff", token, "text/plain", b"x").await;
    assert_eq!((answer.status, answer.code().as_str()), (415, "UNSUPPORTED_MEDIA_TYPE"));
    // Bytes that are no text, in names and in values.
    for path in
        ["/items/notes/%00", "/%ff%fe", "/items/%00", "/items/notes?filter[%00]=1", "/items/notes?[]=&&=&[["]
    {
        let answer = send(&sandbox, &format!("GET {path}"), token, JSON, b"").await;
        assert!(matches!(answer.status, 200 | 400 | 403 | 404), "{path}: {answer:?}");
    }
    let nonsense = raw(&sandbox, b"NONSENSE\r\n\r\n").await;
    assert_eq!(nonsense.status, 400);
    let all = ask(&sandbox, "GET /items/notes", Value::Null).await;
    assert_eq!(all.json(), json!({"data": []}));
    sandbox.stop().await;
}

#[tokio::test]
async fn files_are_kept_and_given_back() {
    let sandbox = instance().await;
    let token = Some(sandbox.token());
    let id = "11111111-2222-4333-8444-555555555555";
    let form = format!(
        "--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n{id}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"my_notes.txt\"\r\nContent-Type: text/plain\r\n\r\n\
         Hello\r\n--b--\r\n"
    );
    let kind = "multipart/form-data; boundary=b";
    let made =
        send(&sandbox, "POST /files?fields=id,title,filesize,type", token, kind, form.as_bytes()).await;
    assert_eq!(
        made.json(),
        json!({"data": {"id": id, "title": "My Notes", "filesize": 5, "type": "text/plain"}})
    );
    let asset = send(&sandbox, &format!("GET /assets/{id}?download"), token, JSON, b"").await;
    assert_eq!(asset.body, b"Hello");
    assert!(asset.head.contains("content-type: text/plain"));
    assert!(asset.head.contains("content-disposition: attachment; filename=\"my_notes.txt\""));
    let part = format!(
        "GET /assets/{id} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\nRange: bytes=1-2\r\n\r\n",
        sandbox.token()
    );
    let part = raw(&sandbox, part.as_bytes()).await;
    assert_eq!((part.status, part.body.as_slice()), (206, b"el".as_slice()));
    assert_eq!(send(&sandbox, &format!("GET /assets/{id}"), None, JSON, b"").await.status, 403);
    assert_eq!(send(&sandbox, "POST /files", None, kind, form.as_bytes()).await.status, 403);
    assert_eq!(send(&sandbox, "POST /files", token, kind, b"nonsense").await.status, 400);
    assert_eq!(ask(&sandbox, &format!("DELETE /files/{id}"), Value::Null).await.status, 204);
    assert_eq!(send(&sandbox, &format!("GET /assets/{id}"), token, JSON, b"").await.status, 403);
    sandbox.stop().await;
}

#[tokio::test]
async fn items_are_put_in_order_and_back_to_a_revision() {
    let sandbox = instance().await;
    notes(&sandbox).await;
    let refused = ask(&sandbox, "POST /utils/sort/notes", json!({"item": 1, "to": 1})).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "INVALID_PAYLOAD"));
    let field = json!({"field": "place", "type": "integer", "schema": {}, "meta": {}});
    assert_eq!(ask(&sandbox, "POST /fields/notes", field).await.status, 200);
    let sorted = json!({"meta": {"sort_field": "place"}});
    assert_eq!(ask(&sandbox, "PATCH /collections/notes", sorted).await.status, 200);
    let items = json!([{"title": "a"}, {"title": "b"}, {"title": "c"}, {"title": "d"}]);
    assert_eq!(ask(&sandbox, "POST /items/notes", items).await.status, 200);
    for (item, to, expected) in [(4, 2, [1, 3, 4, 2]), (1, 3, [4, 2, 3, 1])] {
        let moved = ask(&sandbox, "POST /utils/sort/notes", json!({"item": item, "to": to})).await;
        assert_eq!(moved.status, 200);
        let places = ask(&sandbox, "GET /items/notes?fields=place&sort=id", Value::Null).await.json();
        assert_eq!(places, json!({"data": expected.map(|place| json!({"place": place}))}));
    }
    let nowhere = ask(&sandbox, "POST /utils/sort/notes", json!({"item": 99, "to": 1})).await;
    assert_eq!(nowhere.status, 403);
    assert_eq!(ask(&sandbox, "PATCH /items/notes/1", json!({"title": "changed"})).await.status, 200);
    let first = "GET /revisions?filter[collection]=notes&filter[item]=1&sort=id&limit=1&fields=id";
    let first = ask(&sandbox, first, Value::Null).await.json()["data"][0]["id"].clone();
    assert_eq!(ask(&sandbox, &format!("POST /utils/revert/{first}"), Value::Null).await.status, 204);
    let title = ask(&sandbox, "GET /items/notes/1?fields=title", Value::Null).await.json();
    assert_eq!(title, json!({"data": {"title": "a"}}));
    sandbox.stop().await;
}

#[tokio::test]
async fn mappings_are_kept() {
    let sandbox = instance().await;
    let base = "/directus-extension-sync/table/roles";
    assert_eq!(ask(&sandbox, &format!("GET {base}"), Value::Null).await.json(), json!([]));
    let none = ask(&sandbox, &format!("GET {base}/sync_id/none"), Value::Null).await;
    assert_eq!((none.status, none.json()["message"].as_str()), (404, Some("No id map found")));
    let made = ask(&sandbox, &format!("POST {base}"), json!({"local_id": 5})).await;
    assert_eq!(made.status, 200);
    let sync = made.json()["sync_id"].as_str().unwrap().to_owned();
    let again = ask(&sandbox, &format!("POST {base}"), json!({"local_id": "5", "sync_id": "other"})).await;
    assert_eq!(again.status, 409);
    let found = ask(&sandbox, &format!("GET {base}/local_id/5"), Value::Null).await.json();
    assert_eq!((found["sync_id"].as_str(), found["local_id"].as_str()), (Some(sync.as_str()), Some("5")));
    for _ in 0..2 {
        assert_eq!(ask(&sandbox, &format!("DELETE {base}/sync_id/{sync}"), Value::Null).await.status, 204);
    }
    assert_eq!(ask(&sandbox, &format!("GET {base}"), Value::Null).await.json(), json!([]));
    let stranger = send(&sandbox, &format!("GET {base}"), None, JSON, b"").await;
    assert_eq!(stranger.status, 403);
    sandbox.stop().await;
}

#[tokio::test]
async fn mappings_are_changed_in_batches() {
    let sandbox = instance().await;
    let base = "/directus-extension-sync";
    assert_eq!(ask(&sandbox, &format!("GET {base}/info"), Value::Null).await.json()["batch"], 1);
    let change = async |body: Value| ask(&sandbox, &format!("PATCH {base}/mappings"), body).await;
    let of =
        |table: &str, sync: &str, local: &str| json!({"table": table, "sync_id": sync, "local_id": local});
    let three = json!({"create": [of("roles", "a", "1"), of("roles", "b", "2"), of("flows", "a", "1")]});
    assert_eq!(change(three.clone()).await.json(), json!({"deleted": 0, "created": 3}));
    assert_eq!(change(three).await.json(), json!({"deleted": 0, "created": 0}));
    // One that is not as given stays, and one that is in the way goes.
    let other = json!({"delete": [of("roles", "a", "9"), {"table": "flows", "sync_id": "a"}], "create": [of("roles", "c", "2")]});
    assert_eq!(change(other).await.json(), json!({"deleted": 2, "created": 1}));
    let tables = ask(&sandbox, &format!("GET {base}/tables"), Value::Null).await.json();
    let pair = |sync: &str, local: &str| json!({"sync_id": sync, "local_id": local});
    assert_eq!(tables, json!({"roles": [pair("a", "1"), pair("c", "2")]}));
    for wrong in [json!({"create": {}}), json!({"create": [{"table": "roles", "sync_id": "x"}]})] {
        assert_eq!(change(wrong).await.status, 400);
    }
    sandbox.stop().await;

    let options = Options { mappings: Mappings::DirectusSync, ..Options::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    assert_eq!(ask(&sandbox, &format!("GET {base}/info"), Value::Null).await.code(), "ROUTE_NOT_FOUND");
    assert_eq!(ask(&sandbox, &format!("GET {base}/table/roles"), Value::Null).await.json(), json!([]));
    sandbox.stop().await;
}

#[tokio::test]
async fn duplicate_permissions_are_found() {
    let sandbox = instance().await;
    let policy = ask(&sandbox, "POST /policies", json!({"name": "P"})).await.json()["data"]["id"].clone();
    let rule = json!({"policy": policy, "collection": "directus_files", "action": "read"});
    for _ in 0..3 {
        assert_eq!(ask(&sandbox, "POST /permissions", rule.clone()).await.status, 200);
    }
    let path = "DELETE /directus-extension-sync/helpers/permissions/duplicates";
    let deleted = ask(&sandbox, path, json!({"keep": "first"})).await.json();
    assert_eq!(deleted["deletedPermissions"][0]["ids"].as_array().map(Vec::len), Some(2));
    let none = ask(&sandbox, path, Value::Null).await.json();
    assert_eq!(none, json!({"deletedPermissions": []}));
    sandbox.stop().await;
}

#[tokio::test]
async fn descriptions_name_the_collections() {
    let sandbox = instance().await;
    notes(&sandbox).await;
    let document = ask(&sandbox, "GET /server/specs/oas", Value::Null).await.json();
    assert!(document["paths"]["/items/notes"]["get"].is_object());
    assert!(document["components"]["schemas"]["ItemsNotes"]["properties"]["title"].is_object());
    let sdl = ask(&sandbox, "GET /server/specs/graphql", Value::Null).await;
    assert!(String::from_utf8_lossy(&sdl.body).contains("type notes {"));
    let sdl = ask(&sandbox, "GET /server/specs/graphql/system", Value::Null).await;
    assert!(String::from_utf8_lossy(&sdl.body).contains("type directus_users {"));
    assert_eq!(ask(&sandbox, "GET /server/specs/graphql/other", Value::Null).await.status, 404);
    sandbox.stop().await;
}
