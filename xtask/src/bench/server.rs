//! Instances that count their requests.

use std::error::Error;
use std::time::Duration;

use lockstep_testkit::directus::{Db, Directus, Template};
use serde_json::Value;

/// An instance whose log has a line per request, written when it is answered.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) directus: Directus,
}

/// What a line about a request contains, and no other line.
const REQUEST: &str = "\"responseTime\":";

#[derive(Debug, thiserror::Error)]
#[error("the log of Directus {0} does not show requests, so that they cannot be counted")]
struct NothingCounted(String);

impl Server {
    /// Starts a fresh one on SQLite.
    ///
    /// # Errors
    /// When there is none to be had, or when its log does not tell.
    pub(super) async fn start(
        version: &str,
        template: Template,
        extension: bool,
    ) -> Result<Self, Box<dyn Error>> {
        Self::start_on(Db::Sqlite, version, template, extension).await
    }

    /// The same on any database.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub(super) async fn start_on(
        db: Db,
        version: &str,
        template: Template,
        extension: bool,
    ) -> Result<Self, Box<dyn Error>> {
        let builder = Directus::builder(version).db(db).template(template).extension(extension);
        let directus = Box::pin(builder.env("LOG_LEVEL", "info").start()).await?;
        let server = Self { directus };
        // The wait for readiness has asked at least once.
        let counts = server.requests_settled().await > 0;
        counts.then_some(server).ok_or_else(|| NothingCounted(version.to_owned()).into())
    }

    /// Requests answered since the start.
    pub(super) fn requests(&self) -> usize {
        self.directus.log().matches(REQUEST).count()
    }

    /// The same, once no more are being written down.
    pub(super) async fn requests_settled(&self) -> usize {
        let mut count = self.requests();
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = self.requests();
            if now == count {
                return count;
            }
            count = now;
        }
    }

    /// How many records the mapping extension knows, in all tables.
    ///
    /// # Errors
    /// When it does not answer.
    pub(super) async fn mappings(&self) -> Result<usize, Box<dyn Error>> {
        let tables = [
            "dashboards",
            "flows",
            "folders",
            "operations",
            "panels",
            "permissions",
            "policies",
            "presets",
            "roles",
            "settings",
            "translations",
        ];
        let mut count = 0;
        for table in tables {
            let rows = self.directus.get(&format!("/directus-extension-sync/table/{table}")).await?;
            count += rows.as_array().map_or(0, Vec::len);
        }
        Ok(count)
    }

    /// How many rows a collection has.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) async fn rows(&self, collection: &str) -> Result<usize, Box<dyn Error>> {
        let rows = self.directus.get(&format!("/{collection}?limit=-1&fields=id")).await?;
        // The server adds permissions of its own, which have no id.
        let own = |row: &&Value| !row["id"].is_null();
        Ok(rows.as_array().map_or(0, |rows| rows.iter().filter(own).count()))
    }
}
