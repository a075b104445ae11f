//! A sandbox with content, behind a proxy that can make trouble.

use lockstep_sandbox::{Options, Sandbox};
use lockstep_testkit::directus::Http;
use lockstep_testkit::project;
use lockstep_testkit::proxy::Proxy;
use serde_json::{Value, json};

pub(crate) struct Instance {
    pub(crate) sandbox: Sandbox,
    /// What users do there, past the proxy.
    pub(crate) http: Http,
    pub(crate) proxy: Proxy,
}

impl Instance {
    pub(crate) async fn new() -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let http = Http::new(&sandbox.url()).unwrap().with_token(Some(sandbox.token()));
        project::content(&http).await.unwrap();
        let proxy = Proxy::start(&sandbox.url()).await.unwrap();
        Self { sandbox, http, proxy }
    }

    /// As a peer of live replication.
    pub(crate) fn peer(&self) -> Value {
        json!({"url": self.proxy.url(), "token": self.sandbox.token()})
    }
}
