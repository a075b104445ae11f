//! A proxy between the tool and a real Directus that makes things go wrong on purpose.
//!
//! It speaks as much HTTP/1.1 as it takes to see whole requests and answers (content-length and chunked bodies,
//! keep-alive towards the client, one connection per request towards the server), records every request, and plays
//! scripted [`Fault`]s on those that match a [`Rule`]. The most telling one is [`Fault::DropAfter`]: the server did
//! it, the client saw a failure. Only loopback, only plain HTTP, no upgrades (WebSocket).
//!
//! ```no_run
//! # async fn test() -> Result<(), Box<dyn std::error::Error>> {
//! use lockstep_testkit::proxy::{Fault, Proxy, Rule};
//!
//! let proxy = Proxy::start("http://127.0.0.1:8055").await?;
//! proxy.fault(Rule::new(Fault::DropAfter).method("POST").path("/roles").nth(1));
//! // … run the tool against proxy.url() …
//! let posts = proxy.requests().iter().filter(|request| request.method == "POST").count();
//! # Ok(()) }
//! ```

use std::net::SocketAddr;
use std::sync::Arc;

use thiserror::Error;
use tokio::net::TcpListener;

mod http;
mod rule;
mod script;
mod serve;
#[cfg(test)]
mod tests;

pub use rule::{Fault, Gate, Rule};
pub use script::Seen;

use script::Script;

/// Why a proxy could not be started or revived.
#[derive(Debug, Error)]
pub enum ProxyError {
    /// The upstream is not `http://` with a loopback host and a port.
    #[error("{0} is not of the form http://127.0.0.1:PORT (or localhost, or [::1])")]
    NotLoopback(String),
    /// The port could not be taken.
    #[error("the proxy cannot listen on {address}")]
    Listen {
        /// Where; port 0 is any free one.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// A running proxy. It stops, and closes its connections, when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    script: Arc<Script>,
}

impl Proxy {
    /// Starts a proxy on a free loopback port in front of `upstream`, e.g. `http://127.0.0.1:8055`.
    ///
    /// # Errors
    /// The upstream is not a loopback address, or there is no port to listen on.
    pub async fn start(upstream: &str) -> Result<Self, ProxyError> {
        let upstream = loopback(upstream).ok_or_else(|| ProxyError::NotLoopback(upstream.to_owned()))?;
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let unknown = |source| ProxyError::Listen { address: SocketAddr::from(([127, 0, 0, 1], 0)), source };
        let address = listener.local_addr().map_err(unknown)?;
        let script = Arc::new(Script::new(upstream));
        serve::spawn(listener, Arc::clone(&script));
        Ok(Self { address, script })
    }

    /// The address to give to the tool instead of the server's, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a rule. Of several that apply to a request the one that was added first counts.
    pub fn fault(&self, rule: Rule) {
        self.script.add(rule);
    }

    /// All requests since the start or the last [`Proxy::clear`], in the order in which they arrived.
    pub fn requests(&self) -> Vec<Seen> {
        self.script.requests()
    }

    /// Forgets all rules and all recorded requests. A dead server stays dead, see [`Proxy::revive`].
    pub fn clear(&self) {
        self.script.clear();
    }

    /// Lets the server die now: the port is closed, open connections are cut. Returns when the port is closed.
    pub async fn kill(&self) {
        self.script.kill().await;
    }

    /// Is the server alive, as far as clients can tell?
    pub fn is_alive(&self) -> bool {
        self.script.is_alive()
    }

    /// Brings a dead server back on the same port, with the same rules and their counts; nothing to do for a living one.
    ///
    /// # Errors
    /// Somebody else took the port meanwhile.
    pub async fn revive(&self) -> Result<(), ProxyError> {
        if !self.script.is_alive() {
            self.script.kill().await;
            let listener = listen(self.address).await?;
            self.script.revive();
            serve::spawn(listener, Arc::clone(&self.script));
        }
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.script.stop();
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ProxyError> {
    TcpListener::bind(address).await.map_err(|source| ProxyError::Listen { address, source })
}

/// `host:port` of a loopback URL.
fn loopback(url: &str) -> Option<String> {
    let authority = url.strip_prefix("http://")?.trim_end_matches('/');
    let (host, port) = authority.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    matches!(host, "127.0.0.1" | "localhost" | "[::1]").then(|| authority.to_owned())
}
