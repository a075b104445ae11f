//! The DevTools protocol, as much as one page needs: commands with their answers, and events as they come.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::Error;

/// So long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a browser, about one page.
#[derive(Debug)]
pub(super) struct DevTools {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    last: u64,
    /// What happened, as far as answers were waited for since.
    pub(super) events: Vec<Value>,
}

impl DevTools {
    /// Connects to a browser and makes a page.
    pub(super) async fn connect(address: &str) -> Result<Self, Error> {
        let (socket, _) = connect_async(address).await.map_err(|error| failed("connecting", error))?;
        let mut tools = Self { socket, session: None, last: 0, events: Vec::new() };
        let target = tools.call("Target.createTarget", json!({"url": "about:blank"})).await?;
        let wish = json!({"targetId": target["targetId"], "flatten": true});
        let attached = tools.call("Target.attachToTarget", wish).await?;
        tools.session = attached["sessionId"].as_str().map(str::to_owned);
        Ok(tools)
    }

    /// Gives a command and waits for its answer.
    pub(super) async fn call(&mut self, method: &str, params: Value) -> Result<Value, Error> {
        self.last += 1;
        let mut command = json!({"id": self.last, "method": method, "params": params});
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let message = Message::text(command.to_string());
        self.socket.send(message).await.map_err(|error| failed(method, error))?;
        let answered = timeout(PATIENCE, self.answer(method)).await;
        let mut answer = answered.map_err(|_| failed(method, "no answer in time"))??;
        match answer.get("error") {
            Some(error) => Err(failed(method, error)),
            None => Ok(answer["result"].take()),
        }
    }

    async fn answer(&mut self, method: &str) -> Result<Value, Error> {
        while let Some(message) = self.socket.next().await {
            let message = message.map_err(|error| failed(method, error))?;
            let Ok(text) = message.to_text() else { continue };
            let Ok(said) = serde_json::from_str::<Value>(text) else { continue };
            if said["id"] == self.last {
                return Ok(said);
            }
            self.events.push(said);
        }
        Err(failed(method, "the browser has gone"))
    }
}

fn failed(command: &str, why: impl std::fmt::Display) -> Error {
    Error::Browser { command: command.to_owned(), why: why.to_string() }
}
