//! A Directus that is played: the proxy of the test kit answers everything, and there is nothing behind it.

use lockstep_testkit::proxy::{Fault, Proxy, Rule, Seen};
use serde_json::{Value, json};

use crate::schema;

/// A server that answers as it was told to, and else as an empty Directus.
pub(crate) struct Fake {
    proxy: Proxy,
}

impl Fake {
    /// Where nothing was told.
    pub(crate) async fn empty() -> Self {
        Self::with(&[]).await
    }

    /// With answers to requests whose path begins with a text: status and body.
    pub(crate) async fn answering(answers: &[(&str, u16, &str)]) -> Self {
        let proxy = Proxy::start("http://127.0.0.1:9").await.unwrap();
        for (path, status, body) in answers {
            proxy.fault(Rule::new(Fault::respond(*status, body)).path(path));
        }
        let data = |value: Value| json!({"data": value}).to_string();
        for (path, body) in [
            ("/server/info", data(json!({"version": "11.17.4"}))),
            ("/users/me", data(json!({"id": "u", "email": "admin@example.com", "role": {"id": "r"}}))),
            ("/policies/me/globals", data(json!({"admin_access": true}))),
            ("/settings", data(json!({"id": 1, "project_name": "Here"}))),
            ("/schema/snapshot", schema::answer(&schema::empty())),
            ("/schema/diff", data(Value::Null)),
            ("/utils/cache/clear", String::new()),
            ("/fields/articles", data(json!([{"field": "title"}, {"field": "due"}]))),
        ] {
            proxy.fault(Rule::new(Fault::respond(200, &body)).path(path));
        }
        let forbidden = r#"{"errors":[{"message":"You don't have permission to access this.","extensions":{"code":"FORBIDDEN"}}]}"#;
        let unknown =
            r#"{"errors":[{"message":"Route doesn't exist.","extensions":{"code":"ROUTE_NOT_FOUND"}}]}"#;
        proxy.fault(Rule::new(Fault::respond(403, forbidden)).method("GET").path("/items/lockstep_state"));
        proxy.fault(Rule::new(Fault::respond(404, unknown)).path("/directus-extension-sync"));
        proxy.fault(Rule::new(Fault::respond(200, &rows(&[]))));
        Self { proxy }
    }

    /// Another in front of one: some answers always, one only to the first request of its path.
    pub(crate) async fn before(
        behind: &Self,
        always: &[(&str, u16, &str)],
        (path, status, body): (&str, u16, &str),
    ) -> Self {
        let proxy = Proxy::start(&behind.url()).await.unwrap();
        for (path, status, body) in always {
            proxy.fault(Rule::new(Fault::respond(*status, body)).path(path));
        }
        proxy.fault(Rule::new(Fault::respond(status, body)).path(path).first(1));
        Self { proxy }
    }

    /// With rows of collections.
    pub(crate) async fn with(collections: &[(&str, Vec<Value>)]) -> Self {
        let answers: Vec<_> = collections.iter().map(|(name, all)| (format!("/{name}"), rows(all))).collect();
        let answers: Vec<_> =
            answers.iter().map(|(path, body)| (path.as_str(), 200, body.as_str())).collect();
        Self::answering(&answers).await
    }

    pub(crate) fn url(&self) -> String {
        self.proxy.url()
    }

    /// What was asked that would change something.
    pub(crate) fn writes(&self) -> Vec<Seen> {
        let harmless = ["/utils/cache/clear", "/auth/", "/schema/diff"];
        let mut all = self.proxy.requests();
        all.retain(|seen| !matches!(seen.method.as_str(), "GET" | "SEARCH"));
        all.retain(|seen| !harmless.iter().any(|path| seen.path.starts_with(path)));
        all
    }

    /// How often the server was asked for its own comparison of schemas.
    pub(crate) fn comparisons(&self) -> usize {
        self.proxy.requests().iter().filter(|seen| seen.path.starts_with("/schema/diff")).count()
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.proxy.requests()
    }
}

/// The answer to a listing.
pub(crate) fn rows(rows: &[Value]) -> String {
    json!({"data": rows, "meta": {"total_count": rows.len(), "filter_count": rows.len()}}).to_string()
}
