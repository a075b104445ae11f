//! `/websocket`: subscriptions, and items by messages.

mod items;
mod message;
mod subscription;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use self::message::{kind, refused, told, uid};
use self::subscription::Subscriptions;
use crate::api::listener::Peer;
use crate::api::reply::Reply;
use crate::api::request::{Client, Request};
use crate::api::{App, identify};
use crate::db::Event;
use crate::error::{Answer, ApiError};

/// So long somebody may take to say who they are.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// So often it is asked whether somebody is still there.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// So long a message may take to be sent; who does not read is gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// A larger message is not read, in bytes.
const LARGEST: usize = 1024 * 1024;
/// Close codes: going away, and try again later.
const AWAY: u16 = 1001;
const LATER: u16 = 1013;

/// Takes a connection over.
pub(crate) async fn upgrade(
    State(app): State<App>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: HttpRequest,
) -> Response<Body> {
    let refusal = |error: &ApiError| Reply::refusal(error, false).into_response();
    let Ok(upgrade) = upgrade else { return refusal(&ApiError::no_route(request.uri().path())) };
    let status = |status: StatusCode| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        response
    };
    let Ok(permit) = Arc::clone(&app.sockets).try_acquire_owned() else {
        return status(StatusCode::FORBIDDEN);
    };
    let (parts, _) = request.into_parts();
    let client = match Request::head(&parts, peer.ip()) {
        Ok(request) => request.client,
        Err(error) => return refusal(&error),
    };
    let known =
        client.token.is_some() && parts.uri.query().is_some_and(|query| query.contains("access_token="));
    if known {
        let asked = client.clone();
        let who = app.work(move |instance| identify(instance, &asked)).await;
        if who.is_err() {
            return status(StatusCode::UNAUTHORIZED);
        }
    }
    let client = if known { client } else { Client { token: None, ..client } };
    let events = app.instance.db.subscribe();
    let connection =
        Connection { app, client, known, events, subscriptions: Subscriptions::default(), _permit: permit };
    upgrade
        .max_message_size(LARGEST)
        .max_frame_size(LARGEST)
        .on_upgrade(|socket| Box::pin(connection.run(socket)))
}

struct Connection {
    app: App,
    client: Client,
    /// True if they said who they are.
    known: bool,
    events: broadcast::Receiver<Arc<Event>>,
    subscriptions: Subscriptions,
    _permit: OwnedSemaphorePermit,
}

/// Why a connection ends.
enum End {
    Gone,
    Close(Option<CloseFrame>),
}

impl Connection {
    async fn run(mut self, mut socket: WebSocket) {
        let end = match self.served(&mut socket).await {
            Ok(never) => never,
            Err(end) => end,
        };
        if let End::Close(frame) = end {
            // They may be gone.
            let _ = timeout(PATIENCE, socket.send(Message::Close(frame))).await;
        }
    }

    async fn served(&mut self, socket: &mut WebSocket) -> Result<End, End> {
        if !self.known {
            self.shake_hands(socket).await?;
        }
        let mut stopped = self.app.stopped.clone();
        let mut beat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent = false;
        loop {
            tokio::select! {
                biased;
                () = told_to_stop(&mut stopped) => return Ok(close(AWAY, "The instance stops")),
                event = self.events.recv() => match event {
                    Ok(event) => self.tell(socket, event).await?,
                    Err(RecvError::Lagged(_)) => return Ok(close(LATER, "Too slow: events were lost")),
                    Err(RecvError::Closed) => return Ok(close(AWAY, "The instance stops")),
                },
                received = socket.recv() => {
                    silent = false;
                    match received {
                        Some(Ok(Message::Text(text))) => self.hear(socket, text.as_str()).await?,
                        Some(Ok(Message::Binary(bytes))) => {
                            self.hear(socket, &String::from_utf8_lossy(&bytes)).await?;
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(End::Gone),
                    }
                }
                _ = beat.tick() => {
                    if silent {
                        return Ok(End::Close(None));
                    }
                    silent = true;
                    send(socket, &told("ping", Value::Null, None)).await?;
                }
            }
        }
    }

    /// The first message says who they are.
    async fn shake_hands(&mut self, socket: &mut WebSocket) -> Result<(), End> {
        let first = timeout(HANDSHAKE, first(socket)).await.ok().flatten();
        let message = first.and_then(|text| serde_json::from_str::<Value>(&text).ok()).unwrap_or_default();
        if kind(&message) == Some("auth") && self.authenticated(&message).await {
            return send(socket, &told("auth", json!({"status": "ok"}), uid(&message))).await;
        }
        send(socket, &refused("auth", "AUTH_FAILED", "Authentication handshake failed.", None)).await?;
        Err(End::Close(None))
    }

    async fn authenticated(&mut self, message: &Value) -> bool {
        let Some(token) = message.get("access_token").and_then(Value::as_str).filter(|it| !it.is_empty())
        else {
            return false;
        };
        let client = Client { token: Some(token.into()), ..self.client.clone() };
        let asked = client.clone();
        let known = self.app.work(move |instance| identify(instance, &asked)).await.is_ok();
        if known {
            self.client = client;
        }
        known
    }

    async fn hear(&mut self, socket: &mut WebSocket, text: &str) -> Result<(), End> {
        let Ok(message) = serde_json::from_str::<Value>(text) else {
            let what = "Unable to parse the incoming message.";
            return send(socket, &refused("server", "INVALID_PAYLOAD", what, None)).await;
        };
        if let Some(what) = shapeless(&message) {
            return send(socket, &refused("server", "INVALID_PAYLOAD", &what, None)).await;
        }
        match kind(&message) {
            Some("auth") => {
                if self.authenticated(&message).await {
                    return send(socket, &told("auth", json!({"status": "ok"}), uid(&message))).await;
                }
                let answer = refused("auth", "AUTH_FAILED", "Authentication failed.", uid(&message));
                send(socket, &answer).await?;
                Err(End::Close(None))
            }
            Some("ping") => send(socket, &told("pong", Value::Null, uid(&message))).await,
            Some("subscribe") => self.subscribe(socket, message).await,
            Some("unsubscribe") => {
                self.subscriptions.remove(uid(&message));
                send(socket, &told("subscription", json!({"event": "unsubscribe"}), uid(&message))).await
            }
            Some("items") => {
                let client = self.client.clone();
                let done = self.app.work(move |instance| items::answer(instance, &client, &message)).await;
                match self.known(socket, done, "items").await? {
                    Some(Some(answer)) => send(socket, &answer).await,
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    async fn subscribe(&mut self, socket: &mut WebSocket, message: Value) -> Result<(), End> {
        if self.subscriptions.full() {
            let answer = refused("subscribe", "LIMIT_EXCEEDED", "Too many subscriptions.", uid(&message));
            return send(socket, &answer).await;
        }
        let client = self.client.clone();
        let done = self.app.work(move |instance| subscription::subscribe(instance, &client, &message)).await;
        match self.known(socket, done, "subscribe").await? {
            Some(Ok((subscription, answer))) => {
                self.subscriptions.add(subscription);
                send(socket, &answer).await
            }
            Some(Err(Some(answer))) => send(socket, &answer).await,
            Some(Err(None)) | None => Ok(()),
        }
    }

    async fn tell(&mut self, socket: &mut WebSocket, event: Arc<Event>) -> Result<(), End> {
        if !self.subscriptions.concern(&event) {
            return Ok(());
        }
        let (client, subscriptions) = (self.client.clone(), self.subscriptions.clone());
        let done = self.app.work(move |instance| subscriptions.messages(instance, &client, &event)).await;
        for message in self.known(socket, done, "subscribe").await?.unwrap_or_default() {
            send(socket, &message).await?;
        }
        Ok(())
    }

    /// The result of something that asks anew who they are: a token may have ended meanwhile.
    async fn known<T>(&self, socket: &mut WebSocket, done: Answer<T>, what: &str) -> Result<Option<T>, End> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(error) if error.status == 401 || error.code == "INVALID_TOKEN" => {
                send(socket, &refused("auth", error.code, &error.message, None)).await?;
                Err(End::Close(None))
            }
            Err(error) => {
                if let Some(answer) = message::failed(what, &error) {
                    send(socket, &answer).await?;
                }
                Ok(None)
            }
        }
    }
}

/// What is wrong with a message that has no type.
fn shapeless(message: &Value) -> Option<String> {
    let invalid = |expected: &str, received: &str, place: &str| {
        Some(format!("Validation error: Invalid input: expected {expected}, received {received}{place}"))
    };
    match message {
        Value::Object(map) if map.get("type").is_some_and(Value::is_string) => None,
        Value::Object(map) => invalid("string", message::called(map.get("type")), " at \"type\""),
        other => invalid("object", message::called(Some(other)), ""),
    }
}

async fn told_to_stop(stopped: &mut watch::Receiver<bool>) {
    // Whoever could tell being gone is the same.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn first(socket: &mut WebSocket) -> Option<String> {
    loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => return Some(text.as_str().to_owned()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            _ => return None,
        }
    }
}

async fn send(socket: &mut WebSocket, message: &Value) -> Result<(), End> {
    match timeout(PATIENCE, socket.send(Message::Text(message.to_string().into()))).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(End::Gone),
    }
}

fn close(code: u16, reason: &'static str) -> End {
    End::Close(Some(CloseFrame { code, reason: reason.into() }))
}
