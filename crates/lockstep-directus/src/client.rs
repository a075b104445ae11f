//! The client: sends requests, again where that is safe, with no more at once than the server bears.

use crate::auth::{Bearer, granted, request_login};
use crate::error::{Error, ErrorKind};
use crate::limiter::{Limiter, Place};
use crate::transport::{Failure, Prepared, Received, exchange, http_client, relayed};
use crate::{
    Answer, Auth, Decorator, Outgoing, Request, RequestEvent, RetryPolicy, Safety, base_url, refusal,
};
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Sees every HTTP request after it was sent.
pub type Observer = Arc<dyn Fn(&RequestEvent) + Send + Sync>;

/// How a client behaves; the default suits an ordinary instance.
#[derive(Clone)]
pub struct ClientOptions {
    /// Sees every HTTP request.
    pub observer: Option<Observer>,
    /// What the login is and where it comes from (`the token of DIRECTUS_TOKEN in .env`), for who reads that the instance
    /// does not take it.
    pub login: Option<String>,
    /// Headers to send with every request; they may hold secrets.
    pub headers: Vec<(String, String)>,
    /// Changes requests and answers.
    pub decorator: Option<Arc<dyn Decorator>>,
    /// How often requests are repeated, and after how long.
    pub retry: RetryPolicy,
    /// How many requests are under way at once at most.
    pub max_concurrency: usize,
    /// How long a read waits for something to come.
    pub read_timeout: Duration,
    /// How long a write waits, and a request that takes minutes by nature.
    pub write_timeout: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            observer: None,
            login: None,
            headers: Vec::new(),
            decorator: None,
            retry: RetryPolicy::default(),
            max_concurrency: 8,
            read_timeout: Duration::from_secs(120),
            write_timeout: Duration::from_secs(600),
        }
    }
}

/// A client of one Directus instance. Clones are cheap and share the login, the connections and the limits.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    base: String,
    login: Option<String>,
    http: reqwest::Client,
    headers: HeaderMap,
    decorator: Option<Arc<dyn Decorator>>,
    session: Session,
    limiter: Limiter,
    observer: Option<Observer>,
    retry: RetryPolicy,
    read_timeout: Duration,
    write_timeout: Duration,
    sent: AtomicU64,
}

enum Session {
    Nobody,
    Static(Bearer),
    /// Whoever logs in holds the lock, so that all others wait for the one login.
    Login {
        email: String,
        password: SecretString,
        current: Mutex<Option<Bearer>>,
    },
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.0.base).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the instance at `url`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`], [`ErrorKind::InvalidOptions`] for a token or header that cannot be sent,
    /// [`ErrorKind::Io`] if the machine's certificates cannot be loaded.
    pub fn new(url: &str, auth: Auth, options: ClientOptions) -> Result<Self, Error> {
        let url = base_url::normalize(url)?;
        let session = match auth {
            Auth::None => Session::Nobody,
            Auth::Token(token) => Session::Static(Bearer::of(&token)?),
            Auth::Password { email, password } => {
                Session::Login { email, password, current: Mutex::new(None) }
            }
        };
        Ok(Self(Arc::new(Inner {
            base: base_url::as_text(&url),
            login: options.login,
            http: http_client(&url)?,
            headers: headers(&options.headers)?,
            decorator: options.decorator,
            session,
            limiter: Limiter::new(options.max_concurrency),
            observer: options.observer,
            retry: options.retry,
            read_timeout: options.read_timeout,
            write_timeout: options.write_timeout,
            sent: AtomicU64::new(0),
        })))
    }

    /// The instance's URL, normalized: scheme, host, port and path prefix, no slash at the end.
    pub fn url(&self) -> &str {
        &self.0.base
    }

    /// How many HTTP requests were sent so far, retries and logins included.
    pub fn requests_sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// The token that requests are sent with now, for connections that are not requests. Handle it as the secret that it
    /// is.
    ///
    /// # Errors
    /// Those of a login.
    pub(crate) async fn token(&self) -> Result<Option<SecretString>, Error> {
        let mut place = self.0.limiter.enter().await;
        let bearer = self.0.bearer(None, &mut place).await?;
        let text =
            bearer.and_then(|bearer| Some(bearer.header.to_str().ok()?.strip_prefix("Bearer ")?.to_owned()));
        Ok(text.map(SecretString::from))
    }

    /// Logs in where that is still to be done, so that many requests that begin at once do not each try; with a token nothing
    /// is sent.
    ///
    /// # Errors
    /// Those of a login.
    pub async fn sign_in(&self) -> Result<(), Error> {
        let mut place = self.0.limiter.enter().await;
        self.0.bearer(None, &mut place).await.map(drop)
    }

    /// Sends a request, again where that is safe and may help, and gives the answer if it is a good one (2xx).
    ///
    /// # Errors
    /// What the last attempt met. For a [`Safety::Create`] whose answer was lost: [`ErrorKind::Lost`], after one
    /// attempt.
    pub async fn send(&self, request: &Request) -> Result<Answer, Error> {
        let mut place = self.0.limiter.enter().await;
        let used = self.0.bearer(None, &mut place).await?;
        match self.0.attempts(request, used.as_ref(), &mut place).await {
            Err(error) if error.kind() == ErrorKind::TokenExpired && self.0.can_log_in() => {
                let renewed = self.0.bearer(used.as_ref(), &mut place).await?;
                self.0.attempts(request, renewed.as_ref(), &mut place).await
            }
            result => result,
        }
    }
}

impl Inner {
    fn can_log_in(&self) -> bool {
        matches!(self.session, Session::Login { .. })
    }

    /// The bearer header to send, if any, of a new login if there is none yet, it is stale, or it is the expired one.
    async fn bearer(&self, expired: Option<&Bearer>, place: &mut Place<'_>) -> Result<Option<Bearer>, Error> {
        let (email, password, current) = match &self.session {
            Session::Nobody => return Ok(None),
            Session::Static(bearer) => return Ok(Some(bearer.clone())),
            Session::Login { email, password, current } => (email, password, current),
        };
        let mut current = current.lock().await;
        let now = Instant::now();
        let usable = |bearer: &&Bearer| {
            bearer.is_fresh(now) && expired.is_none_or(|expired| expired.header != bearer.header)
        };
        if let Some(bearer) = current.as_ref().filter(usable) {
            return Ok(Some(bearer.clone()));
        }
        let login = request_login(email, password);
        let answer = Box::pin(self.attempts(&login, None, place)).await?;
        let bearer = granted(&answer, Instant::now())?;
        *current = Some(bearer.clone());
        Ok(Some(bearer))
    }

    /// Sends a request until there is an answer to give to the caller.
    async fn attempts(
        &self,
        request: &Request,
        bearer: Option<&Bearer>,
        place: &mut Place<'_>,
    ) -> Result<Answer, Error> {
        let mut prepared = Prepared::new(&self.base, request)?;
        let headers = self.headers(request, bearer)?;
        let (headers, outgoing) = Box::pin(self.decorated(headers, request, &mut prepared)).await?;
        let mut applied = false;
        for attempt in 1.. {
            let result = self.once(request, &prepared, &headers, outgoing.as_ref(), attempt).await;
            let (ending, asked) = match &result {
                Ok(received) => (received.ending(), received.retry_after),
                Err(failure) => (failure.ending, None),
            };
            applied |= ending.may_have_been_applied() && request.safety != Safety::Read;
            if ending.is_throttling() {
                place.throttled();
            }
            if attempt >= self.retry.attempts || !ending.may_repeat(request.safety, request.patient) {
                let concluded = self.conclude(request, result, place);
                let answer = concluded.map_err(|error| error.applied_maybe(applied))?;
                return Box::pin(self.read(request, answer, outgoing)).await;
            }
            tokio::time::sleep(self.retry.delay(attempt, asked, fastrand::f64())).await;
        }
        Err(Error::new(ErrorKind::Io, "the request was never sent".to_owned()))
    }

    /// The headers of a request; those of its body aside.
    fn headers(&self, request: &Request, bearer: Option<&Bearer>) -> Result<HeaderMap, Error> {
        let mut all = self.headers.clone();
        if let Some(bearer) = bearer {
            all.insert(AUTHORIZATION, bearer.header.clone());
        }
        for (name, value) in headers(&request.headers)? {
            name.map(|name| all.insert(name, value));
        }
        Ok(all)
    }

    /// The headers as the decorator wants them, and the request as it is to know it.
    async fn decorated(
        &self,
        all: HeaderMap,
        request: &Request,
        prepared: &mut Prepared,
    ) -> Result<(HeaderMap, Option<Outgoing>), Error> {
        let Some(decorator) = &self.decorator else { return Ok((all, None)) };
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let outgoing = Outgoing {
            method: request.method,
            url: prepared.url().to_owned(),
            headers: all.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: prepared.json().cloned(),
        };
        let told = |told| Error::new(ErrorKind::Io, told);
        let mut outgoing = decorator.request(outgoing).await.map_err(told)?;
        prepared.replace_json(outgoing.body.as_ref());
        let mut all = headers(&outgoing.headers)?;
        // What describes the body is said by who sends it.
        all.remove(CONTENT_TYPE);
        all.remove(CONTENT_LENGTH);
        if decorator.exchanges() {
            let described = prepared.described(request).await?;
            let is_of_body = |name: &str| ["content-type", "content-length"].contains(&name);
            outgoing.headers.retain(|(name, _)| !is_of_body(&name.to_ascii_lowercase()));
            if let Some((content_type, body)) = described {
                outgoing.headers.push((CONTENT_TYPE.to_string(), content_type));
                outgoing.body = Some(body);
            }
        }
        Ok((all, Some(outgoing)))
    }

    /// A good answer as the decorator reads it.
    async fn read(
        &self,
        request: &Request,
        mut answer: Answer,
        outgoing: Option<Outgoing>,
    ) -> Result<Answer, Error> {
        let Some((decorator, outgoing)) = self.decorator.as_ref().zip(outgoing) else { return Ok(answer) };
        if request.path.starts_with("/auth/") {
            return Ok(answer);
        }
        let wrote = request.safety != Safety::Read;
        let read = decorator.answer(outgoing, std::mem::take(&mut answer.body)).await;
        answer.body = read.map_err(|told| Error::new(ErrorKind::Io, told).applied_maybe(wrote))?;
        Ok(answer)
    }

    fn conclude(
        &self,
        request: &Request,
        result: Result<Received, Failure>,
        place: &mut Place<'_>,
    ) -> Result<Answer, Error> {
        match result {
            Ok(Received { status: status @ 200..=299, body, date, .. }) => {
                place.good();
                Ok(Answer::new(request, status, body).at(date))
            }
            Ok(received) => {
                let refused =
                    refusal::refused(request, received.status, received.location.as_deref(), &received.body);
                Err(match &self.login {
                    Some(login) if refused.kind().is_of_login() => {
                        refused.behind(format!("{} does not take {login}", self.base))
                    }
                    _ => refused,
                })
            }
            Err(failure) => Err(failure.into_error(request, &self.base, self.patience(request))),
        }
    }

    async fn once(
        &self,
        request: &Request,
        prepared: &Prepared,
        headers: &HeaderMap,
        outgoing: Option<&Outgoing>,
        attempt: u32,
    ) -> Result<Received, Failure> {
        let start = Instant::now();
        self.sent.fetch_add(1, Ordering::Relaxed);
        let patience = self.patience(request);
        let by_decorator = self.decorator.as_ref().filter(|decorator| decorator.exchanges()).zip(outgoing);
        let result = match by_decorator {
            Some((decorator, outgoing)) => {
                Box::pin(relayed(decorator.exchange(outgoing.clone()), patience)).await
            }
            None => Box::pin(exchange(&self.http, headers.clone(), request, prepared, patience)).await,
        };
        self.observe(request, prepared, attempt, start.elapsed(), &result);
        result
    }

    fn patience(&self, request: &Request) -> Duration {
        let long = request.patient || request.safety != Safety::Read;
        if long { self.write_timeout } else { self.read_timeout }
    }

    fn observe(
        &self,
        request: &Request,
        prepared: &Prepared,
        attempt: u32,
        elapsed: Duration,
        result: &Result<Received, Failure>,
    ) {
        let Some(observer) = &self.observer else { return };
        let received = result.as_ref().ok();
        observer(&RequestEvent {
            method: request.method,
            path: request.redacted_target(),
            status: received.map(|received| received.status),
            elapsed,
            attempt,
            bytes_sent: prepared.size(request),
            bytes_received: received.map_or(0, |received| received.body.len() as u64),
            error: result.as_ref().err().map(Failure::reason),
        });
    }
}

fn headers(given: &[(String, String)]) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let invalid = || {
            Error::new(
                ErrorKind::InvalidOptions,
                format!("the header {name:?} cannot be sent: invalid name or value"),
            )
        };
        let mut value = HeaderValue::from_str(value).map_err(|_| invalid())?;
        value.set_sensitive(true);
        headers.append(HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?, value);
    }
    Ok(headers)
}
