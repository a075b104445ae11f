//! Subscriptions by WebSocket: what changes, as it changes. Messages get lost and may come before their row can be seen,
//! so that they are a reason to look, never what is known.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::error::{Cause, Error, ErrorKind};
use crate::{Client, transport};

/// So long the server may take to let somebody in.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The server asks every 30 seconds whether we are there; after so long without a word it is gone.
const SILENCE: Duration = Duration::from_secs(90);

/// An open subscription.
#[derive(Debug)]
pub struct Subscription {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// Items that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Their collection.
    pub collection: String,
    /// Their keys, as text.
    pub keys: Vec<String>,
}

impl Client {
    /// Subscribes to collections, each given with the field of its key.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] where the instance has no WebSocket or the connection fails,
    /// [`ErrorKind::InvalidCredentials`] if the token is not taken.
    pub async fn subscribe(&self, collections: &[(String, String)]) -> Result<Subscription, Error> {
        transport::install_provider();
        let url = format!("ws{}/websocket", self.url().strip_prefix("http").unwrap_or_default());
        let connected =
            timeout(HANDSHAKE, connect_async(url)).await.map_err(|_| lost("no answer in time"))?;
        let (socket, _) = connected
            .map_err(|error| lost("the connection was refused").caused_by(Cause(error.to_string())))?;
        let mut subscription = Subscription { socket };
        if let Some(token) = self.token().await? {
            let auth = json!({"type": "auth", "access_token": token.expose_secret()});
            subscription.say(&auth).await?;
            let answer = subscription.heard(HANDSHAKE).await?;
            if answer.pointer("/status").and_then(Value::as_str) != Some("ok") {
                return Err(Error::new(
                    ErrorKind::InvalidCredentials,
                    "the WebSocket of the instance does not take the token".to_owned(),
                ));
            }
        }
        for (collection, key) in collections {
            let query = json!({"fields": [key], "limit": 1});
            let wish = json!({"type": "subscribe", "collection": collection, "uid": format!("{collection}/{key}"), "query": query});
            subscription.say(&wish).await?;
        }
        Ok(subscription)
    }
}

impl Subscription {
    /// Waits for the next change.
    ///
    /// # Errors
    /// When the connection ends, or the server refuses a subscription.
    pub async fn next(&mut self) -> Result<Changed, Error> {
        loop {
            let message = self.heard(SILENCE).await?;
            match message.get("type").and_then(Value::as_str) {
                Some("ping") => self.say(&json!({"type": "pong"})).await?,
                Some("subscription") => {
                    if let Some(changed) = changed(&message)? {
                        return Ok(changed);
                    }
                }
                _ => {}
            }
        }
    }

    async fn say(&mut self, message: &Value) -> Result<(), Error> {
        let said = self.socket.send(Message::text(message.to_string())).await;
        said.map_err(|error| lost("the connection ended").caused_by(Cause(error.to_string())))
    }

    async fn heard(&mut self, patience: Duration) -> Result<Value, Error> {
        loop {
            let next =
                timeout(patience, self.socket.next()).await.map_err(|_| lost("the server is silent"))?;
            match next {
                Some(Ok(Message::Text(text))) => {
                    if let Ok(message) = serde_json::from_str(text.as_str()) {
                        return Ok(message);
                    }
                }
                Some(Ok(Message::Close(_))) | None => return Err(lost("the server closed the connection")),
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    return Err(lost("the connection ended").caused_by(Cause(error.to_string())));
                }
            }
        }
    }
}

/// What a message of a subscription says; none for the first one, which only tells what is there.
fn changed(message: &Value) -> Result<Option<Changed>, Error> {
    if let Some(error) = message.get("error") {
        let why = error.get("message").and_then(Value::as_str).unwrap_or("no reason given");
        return Err(lost(&format!("a subscription is refused: {why}")));
    }
    let event = message.get("event").and_then(Value::as_str).unwrap_or_default();
    if !["create", "update", "delete"].contains(&event) {
        return Ok(None);
    }
    let uid = message.get("uid").and_then(Value::as_str).unwrap_or_default();
    let Some((collection, key)) = uid.rsplit_once('/') else { return Ok(None) };
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let data = message.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let keys = data.iter().filter_map(|item| text(item.get(key).unwrap_or(item))).collect();
    Ok(Some(Changed { collection: collection.to_owned(), keys }))
}

fn lost(why: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the WebSocket of the instance: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_items_that_changed() {
        let posts = |keys: &[&str]| {
            let keys = keys.iter().map(|key| (*key).to_owned()).collect();
            Some(Changed { collection: "posts".to_owned(), keys })
        };
        for (message, expected) in [
            (json!({"event": "init", "uid": "posts/id", "data": [{"id": 1}]}), None),
            (json!({"event": "create", "uid": "posts/id", "data": [{"id": 1, "title": "x"}]}), posts(&["1"])),
            (
                json!({"event": "update", "uid": "posts/id", "data": [{"id": "a"}, {"id": "b"}]}),
                posts(&["a", "b"]),
            ),
            (json!({"event": "delete", "uid": "posts/id", "data": ["7", 8]}), posts(&["7", "8"])),
            (json!({"event": "update", "data": []}), None),
        ] {
            assert_eq!(changed(&message).unwrap(), expected, "{message}");
        }
        let refused =
            json!({"type": "subscription", "status": "error", "error": {"message": "No such collection"}});
        assert!(changed(&refused).unwrap_err().to_string().contains("No such collection"));
    }
}
