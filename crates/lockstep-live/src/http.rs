//! Health, readiness, metrics and the status page, on a loopback port. It shows no token: the status has none.

use std::net::SocketAddr;

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;

use crate::error::LiveError;
use crate::status::{Journals, Status};

/// The page is one file that loads nothing.
const PAGE: &str = include_str!("page.html");

/// Takes the port.
///
/// # Errors
/// When it is taken.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, LiveError> {
    TcpListener::bind(address).await.map_err(|source| LiveError::Listen { address, source })
}

/// Serves for ever.
pub(crate) async fn serve(listener: TcpListener, journals: Journals) -> Result<(), LiveError> {
    let app = Router::new()
        .route("/", get(page))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .route("/retry", post(retry))
        .layer(from_fn(from_here))
        .with_state(journals);
    let address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
    axum::serve(listener, app).await.map_err(|source| LiveError::Listen { address, source })
}

/// A page of elsewhere must not speak to us through somebody's browser: neither by a name of its own that leads here, nor
/// by a form.
async fn from_here(request: Request, next: Next) -> Response {
    if !is_from_here(request.headers()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

fn is_from_here(headers: &HeaderMap) -> bool {
    let host = |name: &header::HeaderName, prefix: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).map(|value| {
            let host = value.strip_prefix(prefix).unwrap_or(value);
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            ["127.0.0.1", "localhost", "[::1]"].contains(&name)
        })
    };
    host(&header::HOST, "") == Some(true) && host(&header::ORIGIN, "http://") != Some(false)
}

async fn page() -> impl IntoResponse {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
                  img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)], PAGE)
}

fn failed(error: &impl std::error::Error) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

fn read(journals: &Journals) -> Result<Status, (StatusCode, String)> {
    let mut all = Status::default();
    for journal in journals.all() {
        all.join(Status::read(&journal).map_err(|error| failed(&error))?);
    }
    Ok(all)
}

async fn health(State(journals): State<Journals>) -> Result<Response, (StatusCode, String)> {
    let status = read(&journals)?;
    let troubles = status.routes.iter().filter(|(_, route)| route.state.state != "running");
    let mut troubles: Vec<_> = troubles
        .map(|(name, route)| json!({"route": name, "state": route.state.state, "error": route.state.error}))
        .collect();
    if journals.is_away() {
        troubles.push(json!({"error": "NATS does not answer: no route can be carried"}));
    }
    let (code, said) = match troubles.is_empty() {
        true => (StatusCode::OK, "ok"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "error"),
    };
    Ok((code, Json(json!({"status": said, "troubles": troubles}))).into_response())
}

async fn ready(State(journals): State<Journals>) -> Result<Response, (StatusCode, String)> {
    let ready = read(&journals)?.is_ready() && !journals.is_away();
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((code, Json(json!({"ready": ready}))).into_response())
}

async fn metrics(State(journals): State<Journals>) -> Result<Response, (StatusCode, String)> {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((kind, read(&journals)?.metrics()).into_response())
}

async fn status(State(journals): State<Journals>) -> Result<Response, (StatusCode, String)> {
    let (mut letters, mut conflicts) = (Vec::new(), Vec::new());
    for journal in journals.all() {
        letters.extend(journal.dead_letters().map_err(|error| failed(&error))?);
        conflicts.extend(journal.conflicts(false, 50).map_err(|error| failed(&error))?);
    }
    Ok(Json(json!({"status": read(&journals)?, "dead_letters": letters, "conflicts": conflicts}))
        .into_response())
}

#[derive(Deserialize)]
struct Retry {
    edge: Option<String>,
    collection: Option<String>,
    key: Option<String>,
}

async fn retry(
    State(journals): State<Journals>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, (StatusCode, String)> {
    // A form of another page cannot send this type without asking first.
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !is_json {
        return Ok(StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response());
    }
    let wish: Retry =
        serde_json::from_str(&body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    let mut count = 0;
    for journal in journals.all() {
        let (edge, collection) = (wish.edge.as_deref(), wish.collection.as_deref());
        count += journal.retry(edge, collection, wish.key.as_deref()).map_err(|error| failed(&error))?;
    }
    Ok(Json(json!({"retried": count})).into_response())
}
