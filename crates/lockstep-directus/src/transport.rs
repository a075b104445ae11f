//! One HTTP exchange: a prepared request out, a complete answer back, or how it failed.

use crate::error::{Cause, Error, ErrorKind};
use crate::retry::{Ending, retry_after};
use crate::{Body, Decorated, Exchanged, NotExchanged, Request, Safety, refusal};
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use std::error::Error as StdError;
use std::time::{Duration, SystemTime};
use tokio::time::timeout;
use url::Url;

/// Node closes idle connections after 5 s; ours go first, so that no request meets a closing one.
const IDLE: Duration = Duration::from_secs(3);
const CONNECT: Duration = Duration::from_secs(15);

/// Makes the one cryptography that is built in the one that is used.
pub(crate) fn install_provider() {
    // An error says that it was installed before.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Makes the HTTP client. It follows no redirects (a redirected POST would become a GET) and repeats nothing by itself
/// but what certainly never left: hyper re-sends on a fresh connection only a request that it was handed back unsent.
pub(crate) fn http_client(base: &Url) -> Result<reqwest::Client, Error> {
    // An error means that a provider was chosen already, which is as good.
    install_provider();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("lockstep/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE);
    if base.scheme() == "http" {
        builder = builder.tls_backend_preconfigured(no_tls());
    }
    builder.build().map_err(|error| {
        Error::new(ErrorKind::Io, "the HTTP client could not be set up".to_owned())
            .caused_by(innermost(&error))
    })
}

/// For plain HTTP: saves loading the machine's certificates.
fn no_tls() -> rustls::ClientConfig {
    rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

/// A request as bytes, made once and sent as often as needed.
#[derive(Debug)]
pub(crate) struct Prepared {
    url: Url,
    method: reqwest::Method,
    json: Option<Bytes>,
}

impl Prepared {
    pub(crate) fn new(base: &str, request: &Request) -> Result<Self, Error> {
        let unsendable = |what: &str| {
            Error::new(ErrorKind::Io, format!("{} {}: {what} cannot be sent", request.method, request.path))
        };
        let json = match &request.body {
            Body::Json(value) => Some(serde_json::to_vec(value).map_err(|_| unsendable("the body"))?.into()),
            Body::RawJson(bytes) => Some(bytes.clone()),
            Body::None | Body::File { .. } => None,
        };
        Ok(Self {
            url: Url::parse(&format!("{base}{}", request.target())).map_err(|_| unsendable("the path"))?,
            method: reqwest::Method::from_bytes(request.method.as_str().as_bytes())
                .map_err(|_| unsendable("the method"))?,
            json,
        })
    }

    pub(crate) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The body, if it is JSON.
    pub(crate) fn json(&self) -> Option<&Bytes> {
        self.json.as_ref()
    }

    /// Sends this JSON instead; a body of another kind stays.
    pub(crate) fn replace_json(&mut self, json: Option<&Bytes>) {
        if self.json.is_some() {
            self.json = json.cloned();
        }
    }

    /// The body in one piece, and what it is.
    pub(crate) async fn described(&self, request: &Request) -> Result<Option<(String, Bytes)>, Error> {
        if let Some(json) = &self.json {
            return Ok(Some(("application/json".to_owned(), json.clone())));
        }
        let Body::File { fields, name, content_type, bytes } = &request.body else { return Ok(None) };
        let form = form(fields, name, content_type, bytes)
            .map_err(|failure| failure.into_error(request, "", Duration::ZERO))?;
        let content_type = format!("multipart/form-data; boundary={}", form.boundary());
        let parts: Vec<Bytes> = form
            .into_stream()
            .try_collect()
            .await
            .map_err(|error| Failure::of(&error, None).into_error(request, "", Duration::ZERO))?;
        Ok(Some((content_type, parts.concat().into())))
    }

    pub(crate) fn size(&self, request: &Request) -> u64 {
        let size = match (&self.json, &request.body) {
            (Some(json), _) => json.len(),
            (None, Body::File { bytes, .. }) => bytes.len(),
            _ => 0,
        };
        size as u64
    }
}

/// A complete answer of any status.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    pub(crate) location: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) date: Option<SystemTime>,
}

impl Received {
    pub(crate) fn ending(&self) -> Ending {
        Ending::Answered { status: self.status, limiter: refusal::from_limiter(self.status, &self.body) }
    }
}

/// An exchange without a complete answer.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) ending: Ending,
    kind: ErrorKind,
    status: Option<u16>,
    cause: Option<Cause>,
}

/// Sends a request once. `patience` bounds each wait for something to come, not the whole.
pub(crate) async fn exchange(
    http: &reqwest::Client,
    headers: HeaderMap,
    request: &Request,
    prepared: &Prepared,
    patience: Duration,
) -> Result<Received, Failure> {
    let mut builder = http.request(prepared.method.clone(), prepared.url.clone()).headers(headers);
    if let Some(json) = &prepared.json {
        builder = builder.header(CONTENT_TYPE, "application/json").body(json.clone());
    } else if let Body::File { fields, name, content_type, bytes } = &request.body {
        builder = builder.multipart(form(fields, name, content_type, bytes)?);
    }
    let response = timeout(patience, builder.send()).await.map_err(|_| Failure::timed_out(None))?;
    receive(response.map_err(|error| Failure::of(&error, None))?, patience).await
}

async fn receive(mut response: reqwest::Response, patience: Duration) -> Result<Received, Failure> {
    let status = response.status().as_u16();
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let retry_after = header(RETRY_AFTER).and_then(|value| retry_after(value, SystemTime::now()));
    let date = header(DATE).and_then(|value| httpdate::parse_http_date(value).ok());
    let location = header(LOCATION).map(str::to_owned);
    let mut body = BytesMut::new();
    while let Some(chunk) = timeout(patience, response.chunk())
        .await
        .map_err(|_| Failure::timed_out(Some(status)))?
        .map_err(|error| Failure::of(&error, Some(status)))?
    {
        body.extend_from_slice(&chunk);
    }
    Ok(Received { status, body: body.freeze(), location, retry_after, date })
}

/// Waits for who sends in the client's stead; `patience` bounds the whole.
pub(crate) async fn relayed(
    exchange: Decorated<Result<Exchanged, NotExchanged>>,
    patience: Duration,
) -> Result<Received, Failure> {
    let exchanged = timeout(patience, exchange).await.map_err(|_| Failure::timed_out(None))?;
    let Exchanged { status, headers, body } = exchanged.map_err(Failure::not_exchanged)?;
    let header = |wanted: HeaderName| {
        let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted.as_str()));
        found.map(|(_, value)| value.as_str())
    };
    Ok(Received {
        status,
        body,
        location: header(LOCATION).map(str::to_owned),
        retry_after: header(RETRY_AFTER).and_then(|value| retry_after(value, SystemTime::now())),
        date: header(DATE).and_then(|value| httpdate::parse_http_date(value).ok()),
    })
}

fn form(
    fields: &[(String, String)],
    name: &str,
    content_type: &str,
    bytes: &Bytes,
) -> Result<reqwest::multipart::Form, Failure> {
    let length = bytes.len() as u64;
    let part = reqwest::multipart::Part::stream_with_length(bytes.clone(), length)
        .file_name(name.to_owned())
        .mime_str(content_type)
        .map_err(|error| Failure::of(&error, None))?;
    let form = fields
        .iter()
        .fold(reqwest::multipart::Form::new(), |form, (name, value)| form.text(name.clone(), value.clone()));
    Ok(form.part("file", part))
}

impl Failure {
    fn timed_out(status: Option<u16>) -> Self {
        Self { ending: Ending::TimedOut, kind: ErrorKind::Timeout, status, cause: None }
    }

    fn of(error: &reqwest::Error, status: Option<u16>) -> Self {
        let (ending, kind) = if error.is_builder() {
            (Ending::NotSendable, ErrorKind::Io)
        } else if !error.is_connect() {
            (Ending::Broken, ErrorKind::Lost)
        } else if is_tls(error) {
            (Ending::NotSendable, ErrorKind::Tls)
        } else {
            (Ending::NotConnected, ErrorKind::Connect)
        };
        Self { ending, kind, status, cause: Some(innermost(error)) }
    }

    fn not_exchanged(error: NotExchanged) -> Self {
        let (ending, kind, told) = match error {
            NotExchanged::NotConnected(told) => (Ending::NotConnected, ErrorKind::Connect, told),
            NotExchanged::Lost(told) => (Ending::Broken, ErrorKind::Lost, told),
            NotExchanged::Failed(told) => (Ending::Failed, ErrorKind::Io, told),
        };
        Self { ending, kind, status: None, cause: Some(Cause(told)) }
    }

    /// The reason in a few words, for observers.
    pub(crate) fn reason(&self) -> String {
        match &self.cause {
            Some(Cause(reason)) => reason.clone(),
            None => "no answer in time".to_owned(),
        }
    }

    /// The failure as the error of a request to the instance at `base`.
    pub(crate) fn into_error(self, request: &Request, base: &str, patience: Duration) -> Error {
        let reason = match self.kind {
            ErrorKind::Connect => format!("cannot connect to {base}"),
            ErrorKind::Tls => format!("cannot make a secure connection to {base}"),
            ErrorKind::Timeout => format!("no answer within {} s", patience.as_secs_f64()),
            ErrorKind::Lost => "the connection broke before the answer was complete".to_owned(),
            _ => "the request could not be sent".to_owned(),
        };
        let kind = if self.ending.may_have_been_applied() && request.safety == Safety::Create {
            ErrorKind::Lost
        } else {
            self.kind
        };
        // Whatever is asked of a server that cannot be reached, it is the server that matters.
        let sentence = match self.kind {
            ErrorKind::Connect | ErrorKind::Tls => reason,
            _ => format!("{} {}: {reason}", request.method, request.path),
        };
        let mut error = Error::new(kind, sentence);
        if let Some(status) = self.status {
            error = error.with_status(status);
        }
        match self.cause {
            Some(cause) => error.caused_by(cause),
            None => error,
        }
    }
}

/// The error at the bottom of a chain: what really happened, without the layers that say that something did.
fn innermost(error: &(dyn StdError + 'static)) -> Cause {
    let mut last = error;
    while let Some(next) = below(last) {
        last = next;
    }
    let text = last.downcast_ref::<reqwest::Error>().map(|_| "the request is malformed".to_owned());
    Cause(text.unwrap_or_else(|| last.to_string()))
}

/// The cause of an error; an `io::Error` hides the error that it wraps from `source`.
fn below<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    wrapped.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| error.source())
}

fn is_tls(error: &reqwest::Error) -> bool {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return true;
        }
        next = below(error);
    }
    false
}
