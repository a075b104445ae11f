//! One of the two servers of a schedule.

use lockstep_testkit::directus::{Directus, Template};
use lockstep_testkit::project;
use lockstep_testkit::proxy::Proxy;
use serde_json::{Value, json};

use crate::stage::array;

/// A server, and the way that the daemon has to it.
pub(super) struct Side {
    pub(super) directus: Directus,
    pub(super) proxy: Proxy,
}

impl Side {
    pub(super) async fn new(version: &str, template: Template) -> Self {
        let directus = Directus::builder(version).template(template).start().await.unwrap();
        project::content(directus.http()).await.unwrap();
        for (collection, field) in [("authors", "note"), ("posts", "body")] {
            let field = json!({"field": field, "type": "string", "schema": {}, "meta": {}});
            directus.post(&format!("/fields/{collection}"), &field).await.unwrap();
        }
        let proxy = Proxy::start(&directus.url()).await.unwrap();
        Self { directus, proxy }
    }

    /// All rows, as the administrator sees them.
    pub(super) async fn rows(&self, collection: &str) -> Vec<Value> {
        array(self.directus.get(&format!("/items/{collection}?limit=-1")).await.unwrap())
    }

    /// Sends a write of a user; says what was answered if it was done.
    pub(super) async fn done(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Value> {
        let answer = self.directus.request(method, path, body).await.unwrap();
        (answer.status < 300).then(|| answer.data())
    }

    /// How often the daemon has asked what changed.
    pub(super) fn polls(&self) -> usize {
        let asks = |path: &str| path.starts_with("/activity") && !path.contains("create");
        self.proxy.requests().iter().filter(|seen| asks(&seen.path) && seen.status == Some(200)).count()
    }

    /// The number of the newest activity.
    pub(super) async fn newest(&self) -> Value {
        let newest = self.directus.get("/activity?fields=id&sort=-id&limit=1").await.unwrap();
        newest[0]["id"].clone()
    }
}
