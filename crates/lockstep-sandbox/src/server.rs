//! An instance, started and stopped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::access::Who;
use crate::db::{Data, Database};
use crate::error::ApiError;
use crate::load::Copied;

/// A request that was answered.
#[derive(Debug, Clone)]
pub struct Answered {
    /// `GET` and the like.
    pub method: String,
    /// The path, without what was asked there: that may hold a token.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// How long it took.
    pub elapsed: Duration,
}

/// Is told of each request that was answered.
#[derive(Clone)]
pub struct RequestLog(Arc<dyn Fn(&Answered) + Send + Sync>);

impl RequestLog {
    /// Tells this.
    #[must_use]
    pub fn new(tell: impl Fn(&Answered) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(crate) fn tell(&self, answered: &Answered) {
        (self.0)(answered);
    }
}

impl std::fmt::Debug for RequestLog {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RequestLog")
    }
}

/// How an instance is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where its tables are.
    pub data: Data,
    /// The static token of its administrator; none keeps that of the database, or makes a random one.
    pub admin_token: Option<String>,
    /// The password of its administrator (`admin@example.com`); none means no login by password.
    pub admin_password: Option<String>,
    /// Bodies of JSON above this are refused, in bytes (the real one's default: 1 MiB).
    pub body_limit: usize,
    /// Which mapping endpoints are there.
    pub mappings: Mappings,
    /// Is told of each request.
    pub log: Option<RequestLog>,
}

/// Which extension's endpoints an instance has for mappings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mappings {
    /// None.
    Off,
    /// Those of directus-sync's extension.
    DirectusSync,
    /// The same, and the batch routes of Lockstep's own extension.
    Lockstep,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: Data::Memory,
            admin_token: None,
            admin_password: None,
            body_limit: 1024 * 1024,
            mappings: Mappings::Lockstep,
            log: None,
        }
    }
}

/// An instance could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The database cannot be used.
    #[error("cannot use the database: {}", .0.message)]
    Database(ApiError),
}

/// A running instance. Dropping it stops it at once; [`Sandbox::stop`] lets requests end first.
pub struct Sandbox {
    address: SocketAddr,
    token: String,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    instance: Arc<Instance>,
}

/// What all requests share.
pub(crate) struct Instance {
    pub(crate) db: Database,
    pub(crate) options: Options,
    pub(crate) address: SocketAddr,
    /// What logins gave out.
    pub(crate) tokens: crate::auth::Tokens,
}

impl Sandbox {
    /// Starts an instance; it answers when this returns.
    ///
    /// # Errors
    /// When the address or the database cannot be used.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let db = Database::open(&options.data).map_err(StartError::Database)?;
        let kept = || db.read(&Who::instance(), |session| crate::access::administrators_token(session));
        let token = match &options.admin_token {
            Some(token) => token.clone(),
            None => {
                let kept = kept().map_err(StartError::Database)?;
                kept.unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string())
            }
        };
        db.write(&Who::instance(), |session| {
            crate::access::secure(session, &token, options.admin_password.as_deref())
        })
        .map_err(StartError::Database)?;
        let listening = |source| StartError::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let (stop, stopped) = watch::channel(false);
        let instance = Arc::new(Instance { db, options, address, tokens: crate::auth::Tokens::default() });
        let serving = tokio::spawn(crate::api::serve(listener, Arc::clone(&instance), stopped));
        Ok(Self { address, token, stop, serving, instance })
    }

    /// Its address, `http://127.0.0.1:1234`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The static token of its administrator.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Takes over the rows of another instance, as they are, and its user as the administrator.
    ///
    /// # Errors
    /// When rows contradict each other.
    pub fn take_over(&self, copied: &Copied) -> Result<(), ApiError> {
        self.instance.db.alter(&Who::instance(), |session| crate::load::load(session, copied))
    }

    /// Lets the requests that are under way end, and stops.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // Only a panic can fail, and it has been reported.
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
