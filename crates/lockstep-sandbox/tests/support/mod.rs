//! An instance and the least of a client for it.

use lockstep_sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The password of the administrator.
pub(crate) const PASSWORD: &str = "a password";

/// A running instance.
pub(crate) async fn instance() -> Sandbox {
    let options = Options { admin_password: Some(PASSWORD.into()), ..Options::default() };
    Sandbox::start(options).await.unwrap()
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The code of the first error.
    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Sends what is given, and reads the answer.
pub(crate) async fn raw(sandbox: &Sandbox, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(sandbox.url().trim_start_matches("http://")).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: bytes[end + 4..].to_vec() }
}

/// A request with a body of this type.
pub(crate) async fn send(
    sandbox: &Sandbox,
    request: &str,
    token: Option<&str>,
    kind: &str,
    body: &[u8],
) -> Answer {
    let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let length = body.len();
    let head = format!(
        "{request} HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n{bearer}Content-Type: {kind}\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    raw(sandbox, &[head.as_bytes(), body].concat()).await
}

/// A request of the administrator.
pub(crate) async fn ask(sandbox: &Sandbox, request: &str, body: Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(sandbox, request, Some(sandbox.token()), "application/json", body.as_bytes()).await
}

/// A collection of notes.
pub(crate) async fn notes(sandbox: &Sandbox) {
    let made = ask(
        sandbox,
        "POST /collections",
        json!({"collection": "notes", "meta": {}, "schema": {}, "fields": [
            {"field": "id", "type": "integer", "schema": {"is_primary_key": true, "has_auto_increment": true}, "meta": {}},
            {"field": "title", "type": "string", "schema": {}, "meta": {}},
        ]}),
    )
    .await;
    assert_eq!(made.status, 200, "{made:?}");
}
