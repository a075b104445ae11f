//! What the cases are asked of.

use lockstep_sandbox::{Options, Sandbox};
use lockstep_testkit::Error;
use lockstep_testkit::directus::{ADMIN_PASSWORD, ADMIN_TOKEN, Directus};

/// The version that the answers in the case files are of.
const VERSION: &str = "11.17.4";

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The real one: what it answers is what the files say.
    Real,
    /// The embedded one, which has to answer the same.
    Sandbox,
}

/// A running server that holds nothing yet.
pub(crate) struct Target {
    url: String,
    token: String,
    server: Server,
}

enum Server {
    Real(Box<Directus>),
    Sandbox(Box<Sandbox>),
}

impl Kind {
    /// Starts one.
    pub(crate) async fn start(self) -> Result<Target, Error> {
        match self {
            Self::Real => {
                let directus = Directus::builder(VERSION).env("TZ", "UTC").start().await?;
                let (url, token) = (directus.url(), ADMIN_TOKEN.to_owned());
                Ok(Target { url, token, server: Server::Real(Box::new(directus)) })
            }
            Self::Sandbox => {
                let options = Options {
                    admin_token: Some(ADMIN_TOKEN.into()),
                    admin_password: Some(ADMIN_PASSWORD.into()),
                    ..Options::default()
                };
                let sandbox = Sandbox::start(options).await.unwrap();
                let (url, token) = (sandbox.url(), sandbox.token().to_owned());
                Ok(Target { url, token, server: Server::Sandbox(Box::new(sandbox)) })
            }
        }
    }

    /// Whether starting one takes so long that files share it.
    pub(crate) fn is_slow_to_start(self) -> bool {
        self == Self::Real
    }
}

impl Target {
    /// The base URL, without a slash at its end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The administrator's token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// True for the one that may answer otherwise where a step says why (`differs`).
    pub(crate) fn is_sandbox(&self) -> bool {
        matches!(self.server, Server::Sandbox(_))
    }

    /// Ends it.
    pub(crate) async fn stop(self) {
        match self.server {
            // Ended by being dropped, which waits.
            Server::Real(directus) => drop(tokio::task::spawn_blocking(|| drop(directus)).await),
            Server::Sandbox(sandbox) => sandbox.stop().await,
        }
    }
}
