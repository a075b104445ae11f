//! HTTP.

mod assets;
pub(crate) mod batch;
mod body;
mod call;
mod described;
mod export;
mod files;
mod info;
mod items;
pub(crate) mod listener;
mod login;
mod mail;
mod mappings;
mod me;
mod model;
mod permissions;
mod query_string;
pub(crate) mod reply;
pub(crate) mod request;
mod route;
mod schema;
mod utils;
mod yaml;

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request as HttpRequest, State};
use axum::http::{Response, header};
use axum::routing::get;
use futures::FutureExt as _;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use self::call::Call;
use self::listener::{Bounded, Peer};
use self::reply::Reply;
use self::request::{Client, Request};
use crate::access::{self, Who};
use crate::error::{Answer, ApiError};
use crate::server::{Answered, Instance};

/// So many requests are carried out at a time; the others wait without a thread.
const WORKERS: usize = 2;
/// So many WebSockets may be open at a time.
const SOCKETS: usize = 256;
/// So long a request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(120);
/// So long requests may take to end when the instance stops.
const FAREWELL: Duration = Duration::from_secs(10);

/// What all connections share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) instance: Arc<Instance>,
    pub(crate) stopped: watch::Receiver<bool>,
    /// So many WebSockets more may be open.
    pub(crate) sockets: Arc<Semaphore>,
    workers: Arc<Semaphore>,
}

/// Serves until told to stop.
pub(crate) async fn serve(listener: TcpListener, instance: Arc<Instance>, stopped: watch::Receiver<bool>) {
    let (sockets, workers) = (Arc::new(Semaphore::new(SOCKETS)), Arc::new(Semaphore::new(WORKERS)));
    let app = App { instance, stopped: stopped.clone(), sockets, workers };
    let router = Router::new()
        .route("/websocket", get(crate::realtime::upgrade))
        .fallback(handle)
        .layer(DefaultBodyLimit::disable())
        .with_state(app);
    let service = router.into_make_service_with_connect_info::<Peer>();
    let told = |mut stopped: watch::Receiver<bool>| async move {
        // Whoever could tell being gone is the same.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let serving = axum::serve(Bounded::new(listener), service).with_graceful_shutdown(told(stopped.clone()));
    let late = async move {
        told(stopped).await;
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::select! {
        _ = serving.into_future() => {}
        () = late => {}
    }
}

async fn handle(
    State(app): State<App>,
    axum::extract::ConnectInfo(Peer(peer)): axum::extract::ConnectInfo<Peer>,
    request: HttpRequest,
) -> Response<Body> {
    let begun = Instant::now();
    let asked = app
        .instance
        .options
        .log
        .as_ref()
        .map(|log| (log.clone(), request.method().to_string(), request.uri().path().to_owned()));
    // A panic is answered, and ends nothing but its request.
    let reply = match AssertUnwindSafe(Box::pin(answer(&app, peer, request))).catch_unwind().await {
        Ok(reply) => reply,
        Err(_) => Reply::refusal(&ApiError::internal("An unexpected error occurred."), false),
    };
    if let Some((log, method, path)) = asked {
        log.tell(&Answered { method, path, status: reply.status, elapsed: begun.elapsed() });
    }
    reply.into_response()
}

async fn answer(app: &App, peer: SocketAddr, request: HttpRequest) -> Reply {
    let taken = tokio::time::timeout(PATIENCE, Box::pin(take(app, peer, request))).await;
    let late = || Err(ApiError::new(408, "REQUEST_TIMEOUT", "The request took too long to arrive."));
    let request = match taken.unwrap_or_else(|_| late()) {
        Ok(request) => request,
        Err(error) => return Reply::refusal(&error, false),
    };
    if request.method == "GET" && request.path.trim_end_matches('/') == "/server/ping" {
        return Reply::bytes("text/html; charset=utf-8", "pong");
    }
    let done = app
        .work(move |instance| {
            let who = identify(instance, &request.client)?;
            let call = Call { instance, who: &who, request: &request };
            Ok(route::answer(&call).unwrap_or_else(|error| Reply::refusal(&error, who.admin)))
        })
        .await;
    done.unwrap_or_else(|error| Reply::refusal(&error, false))
}

/// Takes a request apart, with its body.
async fn take(app: &App, peer: SocketAddr, request: HttpRequest) -> Answer<Request> {
    let (parts, body) = request.into_parts();
    let mut taken = Request::head(&parts, peer.ip())?;
    if taken.kind.as_deref() == Some("application/json") {
        let announced = parts.headers.get(header::CONTENT_LENGTH).and_then(|size| size.to_str().ok());
        taken.body = body::json(body, announced, app.instance.options.body_limit).await?;
    } else if taken.is_form() && takes_form(&taken) {
        // Nobody sends large files who may not.
        let client = taken.client.clone();
        let schema = taken.segments[0] == "schema";
        app.work(move |instance| {
            let who = identify(instance, &client)?;
            if schema { who.must_be_admin() } else { may_upload(instance, &who) }
        })
        .await?;
        taken.form = Box::pin(body::form(HttpRequest::from_parts(parts, body))).await?;
    }
    Ok(taken)
}

/// True where a form is understood.
fn takes_form(request: &Request) -> bool {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    matches!(
        (request.method.as_str(), segments.as_slice()),
        ("POST", ["files"] | ["schema", "diff" | "apply"]) | ("PATCH", ["files", _])
    )
}

fn may_upload(instance: &Instance, who: &Who) -> Answer<()> {
    let allowed = instance.db.read(who, |session| {
        let create = access::rule(session, "directus_files", "create")?;
        Ok(create.is_some() || access::rule(session, "directus_files", "update")?.is_some())
    })?;
    if allowed { Ok(()) } else { Err(ApiError::forbidden(None)) }
}

/// Whose a request is.
pub(crate) fn identify(instance: &Instance, client: &Client) -> Answer<Who> {
    let who = Who {
        ip: client.ip.clone(),
        agent: client.agent.clone(),
        origin: client.origin.clone(),
        ..Who::default()
    };
    if client.token.is_none() {
        return Ok(who);
    }
    instance.db.read(&Who::instance(), |session| {
        access::identify(session.db, &instance.tokens, client.token.as_deref(), who)
    })
}

impl App {
    /// Works at the database, on a thread of its own.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Instance) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let permit = Arc::clone(&self.workers).acquire_owned().await;
        let instance = Arc::clone(&self.instance);
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&instance)
        });
        done.await.unwrap_or_else(|_| Err(ApiError::internal("An unexpected error occurred.")))
    }
}
