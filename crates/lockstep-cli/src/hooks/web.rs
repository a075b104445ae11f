//! What scripts fetch.

use std::sync::Arc;

use lockstep_directus::web;
use lockstep_script::{Fetch, FetchError, Future, WebAnswer, WebRequest};

/// Sends what scripts fetch.
#[derive(Default)]
pub(crate) struct Web(Arc<web::Web>);

impl Fetch for Web {
    fn fetch(&self, asked: WebRequest) -> Future<Result<WebAnswer, FetchError>> {
        let web = self.0.clone();
        Box::pin(async move {
            let WebRequest { url, method, headers, body } = asked;
            let sent = web.send(&method, &url, &headers, body).await;
            let answer = sent.map_err(|error| FetchError { message: error.message, sent: error.sent })?;
            let body = answer.body.to_vec();
            Ok(WebAnswer { url, status: answer.status, headers: answer.headers, body })
        })
    }
}
