//! Subscriptions and items over a WebSocket.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(dead_code, reason = "shared between tests")]

mod support;

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use lockstep_sandbox::Sandbox;
use serde_json::{Value, json};
use support::{ask, instance, notes};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn open(sandbox: &Sandbox, query: &str) -> Result<Socket, Error> {
    let url = format!("{}/websocket{query}", sandbox.url().replace("http", "ws"));
    connect_async(url).await.map(|(socket, _)| socket)
}

async fn known(sandbox: &Sandbox) -> Socket {
    let mut socket = open(sandbox, "").await.unwrap();
    say(&mut socket, json!({"type": "auth", "access_token": sandbox.token()})).await;
    assert_eq!(hear(&mut socket).await, json!({"type": "auth", "status": "ok"}));
    socket
}

async fn say(socket: &mut Socket, message: Value) {
    socket.send(Message::Text(message.to_string().into())).await.unwrap();
}

/// The next message; null at the end of the connection.
async fn hear(socket: &mut Socket) -> Value {
    let next = tokio::time::timeout(Duration::from_secs(5), socket.next()).await.unwrap();
    match next {
        Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
        _ => Value::Null,
    }
}

#[tokio::test]
async fn who_says_not_who_they_are_is_sent_away() {
    let sandbox = instance().await;
    for first in
        [json!({"type": "ping"}), json!({"type": "auth", "access_token": "wrong"}), json!("nonsense")]
    {
        let mut socket = open(&sandbox, "").await.unwrap();
        say(&mut socket, first).await;
        assert_eq!(hear(&mut socket).await["error"]["code"], "AUTH_FAILED");
        assert_eq!(hear(&mut socket).await, Value::Null);
    }
    let Err(Error::Http(refused)) = open(&sandbox, "?access_token=wrong").await else { panic!("let in") };
    assert_eq!(refused.status().as_u16(), 401);
    let mut socket = open(&sandbox, &format!("?access_token={}", sandbox.token())).await.unwrap();
    say(&mut socket, json!({"type": "ping", "uid": 1})).await;
    assert_eq!(hear(&mut socket).await, json!({"type": "pong", "uid": 1}));
    sandbox.stop().await;
}

#[tokio::test]
async fn changes_are_told() {
    let sandbox = instance().await;
    notes(&sandbox).await;
    let mut socket = known(&sandbox).await;
    let query = json!({"fields": ["title"], "filter": {"title": {"_neq": "quiet"}}});
    say(&mut socket, json!({"type": "subscribe", "collection": "notes", "uid": "a", "query": query})).await;
    assert_eq!(
        hear(&mut socket).await,
        json!({"type": "subscription", "event": "init", "data": [], "uid": "a"})
    );
    ask(&sandbox, "POST /items/notes", json!([{"title": "one"}, {"title": "quiet"}, {"title": "two"}])).await;
    for title in ["one", "two"] {
        let told = json!({"type": "subscription", "event": "create", "data": [{"title": title}], "uid": "a"});
        assert_eq!(hear(&mut socket).await, told);
    }
    ask(&sandbox, "PATCH /items/notes", json!({"keys": [1, 2], "data": {"title": "same"}})).await;
    let told = json!({"type": "subscription", "event": "update", "data": [{"title": "same"}, {"title": "same"}], "uid": "a"});
    assert_eq!(hear(&mut socket).await, told);
    ask(&sandbox, "DELETE /items/notes", json!([1, 3])).await;
    assert_eq!(
        hear(&mut socket).await,
        json!({"type": "subscription", "event": "delete", "data": [1, 3], "uid": "a"})
    );
    say(&mut socket, json!({"type": "unsubscribe", "uid": "a"})).await;
    assert_eq!(hear(&mut socket).await["event"], "unsubscribe");
    ask(&sandbox, "POST /items/notes", json!({"title": "three"})).await;
    say(&mut socket, json!({"type": "ping"})).await;
    assert_eq!(hear(&mut socket).await["type"], "pong");
    sandbox.stop().await;
}

#[tokio::test]
async fn items_are_read_and_written() {
    let sandbox = instance().await;
    notes(&sandbox).await;
    let mut socket = known(&sandbox).await;
    for (message, data) in [
        (json!({"action": "create", "data": {"title": "a"}}), json!({"id": 1, "title": "a"})),
        (json!({"action": "update", "id": 1, "data": {"title": "b"}}), json!({"id": 1, "title": "b"})),
        (json!({"action": "read", "query": {"fields": ["title"]}}), json!([{"title": "b"}])),
        (json!({"action": "delete", "ids": [1]}), json!([1])),
        (json!({"action": "read"}), json!([])),
    ] {
        let mut message = message;
        message["type"] = "items".into();
        message["collection"] = "notes".into();
        message["uid"] = 7.into();
        say(&mut socket, message).await;
        assert_eq!(hear(&mut socket).await, json!({"type": "items", "data": data, "uid": 7}));
    }
    say(&mut socket, json!({"type": "items", "collection": "directus_users", "action": "read"})).await;
    assert_eq!(hear(&mut socket).await["error"]["code"], "INVALID_COLLECTION");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_stop_ends_connections() {
    let sandbox = instance().await;
    let mut socket = known(&sandbox).await;
    sandbox.stop().await;
    assert_eq!(hear(&mut socket).await, Value::Null);
}

#[tokio::test]
async fn a_token_that_ends_ends_its_connection() {
    let sandbox = instance().await;
    notes(&sandbox).await;
    let user = json!({"email": "a@example.com", "token": "their-token"});
    let id = ask(&sandbox, "POST /users", user).await.json()["data"]["id"].as_str().unwrap().to_owned();
    let mut socket = open(&sandbox, "?access_token=their-token").await.unwrap();
    say(&mut socket, json!({"type": "subscribe", "collection": "notes"})).await;
    assert_eq!(hear(&mut socket).await["error"]["code"], "FORBIDDEN");
    ask(&sandbox, &format!("PATCH /users/{id}"), json!({"status": "suspended"})).await;
    say(&mut socket, json!({"type": "subscribe", "collection": "notes"})).await;
    assert_eq!(hear(&mut socket).await["error"]["code"], "INVALID_CREDENTIALS");
    assert_eq!(hear(&mut socket).await, Value::Null);
    sandbox.stop().await;
}
