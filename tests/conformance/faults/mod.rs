//! What goes wrong between Lockstep and a real server: answers that get lost, refusals, deaths, interruptions.
//!
//! Whatever happens to a push, it either completes by itself or ends with 4 and says what it did; the next push
//! completes; and in the end the server holds every record once, which is asked of its REST API.

mod answers;
mod death;
mod interrupt;
mod reads;

use std::fmt;

use lockstep_testkit::cli::{Cli, Ran};
use lockstep_testkit::directus::Directus;
use lockstep_testkit::proxy::{Proxy, Seen};
use serde_json::{Value, json};

use crate::stage::portrait::{self, Portrait};
use crate::stage::{major, project, pull, rows};

/// An instance behind a proxy, what it is to hold, and a dump of that.
pub(crate) struct Target {
    pub(crate) directus: Directus,
    pub(crate) proxy: Proxy,
    pub(crate) cli: Cli,
    records: Portrait,
    schema: Portrait,
}

impl Target {
    /// An instance in step with the dump, which it is known to be.
    pub(crate) async fn in_step(version: &str) -> Self {
        let directus = Directus::builder(version).start().await.unwrap();
        project::fill(&directus).await;
        let (cli, proxy) = (Cli::new(), Proxy::start(&directus.url()).await.unwrap());
        pull(&cli, &directus).await;
        let (records, schema) = (portrait::of(&directus).await, portrait::schema(&directus).await);
        let target = Self { directus, proxy, cli, records, schema };
        assert_eq!(target.push().await.exits(0).json()["converged"], true);
        target.proxy.clear();
        target
    }

    /// Pushes through the proxy.
    pub(crate) async fn push(&self) -> Ran {
        self.push_with(&[]).await
    }

    pub(crate) async fn push_with(&self, more: &[&str]) -> Ran {
        let arguments: Vec<&str> = ["push", "--json"].iter().chain(more).copied().collect();
        self.cli.run(&arguments, &self.proxy).await
    }

    /// Takes records away behind Lockstep's back.
    pub(crate) async fn lose(&self, collection: &str) {
        let of_project = |row: &Value| match collection {
            "permissions" => row["id"].is_number(),
            "presets" => row["user"].is_null(),
            _ => row["id"].as_str().is_some_and(|id| id.contains("0000000-0000-4000-8000-")),
        };
        let rows = rows(&self.directus, collection).await;
        let ids: Vec<_> = rows.iter().filter(|row| of_project(row)).map(|row| row["id"].clone()).collect();
        if !ids.is_empty() {
            self.directus.delete(&format!("/{collection}"), Some(&json!(ids))).await.unwrap();
        }
    }

    /// Takes all records of the project away, and with them what was recorded of it.
    pub(crate) async fn lose_everything(&self) {
        for collection in
            ["presets", "permissions", "dashboards", "flows", "translations", "policies", "roles", "folders"]
        {
            if collection != "policies" || major(self.directus.version()) > 10 {
                self.lose(collection).await;
            }
        }
        for collection in ["articles", "authors", "content"] {
            self.directus.delete(&format!("/collections/{collection}"), None).await.unwrap();
        }
        self.forget().await;
        self.proxy.clear();
    }

    /// Takes away what was recorded.
    pub(crate) async fn forget(&self) {
        let table = "/collections/lockstep_state";
        if self.directus.get("/items/lockstep_state").await.is_ok() {
            self.directus.delete(table, None).await.unwrap();
        }
        if self.cli.files().files().contains_key("lockstep-state.json") {
            self.cli.files().remove("lockstep-state.json");
        }
    }

    /// The run was honest, the next completes what it left, and nothing is there twice.
    pub(crate) async fn recovers(&self, ran: Ran, what: &dyn fmt::Display, more: &[&str]) {
        self.is_honest(&ran, what);
        self.proxy.revive().await.unwrap();
        self.proxy.clear();
        let next = self.push_with(more).await;
        assert!(
            next.code == 0 && next.json()["converged"] == true,
            "{what}: the next push\n{next}\nafter {ran}"
        );
        self.is_whole(&ran, what).await;
        self.proxy.clear();
        let third = self.push_with(more).await;
        assert!(
            third.code == 0 && self.writes().is_empty(),
            "{what}: the third push\n{third}\n{:#?}",
            self.writes()
        );
        self.proxy.clear();
    }

    /// Every record is there once.
    pub(crate) async fn is_whole(&self, ran: &Ran, what: &dyn fmt::Display) {
        let of = |part| format!("{part} ({what}, which ended with {})", ran.code);
        portrait::assert_same(&self.records, &portrait::of(&self.directus).await, &of("records"));
        portrait::assert_same(&self.schema, &portrait::schema(&self.directus).await, &of("schema"));
    }

    /// It completed, or says what it did; 1 means that nothing was written.
    fn is_honest(&self, ran: &Ran, what: &dyn fmt::Display) {
        let report = ran.json();
        match ran.code {
            0 => assert_eq!(report["converged"], true, "{what}\n{ran}"),
            1 => assert!(
                self.writes().iter().all(|seen| !seen.may_have_worked()),
                "{what}\n{ran}\n{:#?}",
                self.writes()
            ),
            4 | 130 => {
                assert!(report["error"]["applied"]["collections"].is_object(), "{what}\n{ran}");
                assert!(ran.stderr.contains("applied"), "{what}\n{ran}");
            }
            other => panic!("{what}: exit code {other}\n{ran}"),
        }
        assert!(!ran.stderr.contains("panicked"), "{what}\n{ran}");
    }

    /// The requests that change something, of all that the proxy saw.
    pub(crate) fn writes(&self) -> Vec<Seen> {
        let all = self.proxy.requests();
        all.into_iter().filter(|seen| is_write(&seen.method, &seen.path)).collect()
    }
}

/// Clearing caches, logging in and comparing schemas change nothing.
pub(crate) fn is_write(method: &str, path: &str) -> bool {
    let harmless =
        ["/utils/cache/clear", "/auth/", "/schema/diff"].iter().any(|start| path.starts_with(start));
    matches!(method, "POST" | "PATCH" | "PUT" | "DELETE") && !harmless
}

trait Worked {
    /// True unless it is certain that the server did nothing.
    fn may_have_worked(&self) -> bool;
}

impl Worked for Seen {
    fn may_have_worked(&self) -> bool {
        use lockstep_testkit::proxy::Fault;
        let unseen = matches!(self.fault, Some(Fault::DropBefore | Fault::Kill | Fault::Respond { .. }));
        !unseen && self.status.is_none_or(|status| status < 400)
    }
}
