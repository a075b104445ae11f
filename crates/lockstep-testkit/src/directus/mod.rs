//! Real Directus servers for tests and for working by hand.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use lockstep_testkit::directus::{Directus, Template};
//! use serde_json::json;
//!
//! let source = Directus::builder("11.17.4").start().await?;
//! let target = Directus::builder("11.17.4").template(Template::B).env("QUERY_LIMIT_MAX", "50").start().await?;
//! source.post("/roles", &json!({ "name": "Editor" })).await?;
//! assert_ne!(source.get("/settings").await?["project_id"], target.get("/settings").await?["project_id"]);
//! # Ok(())
//! # }
//! ```
//!
//! Per version and database there are two [`Template`]s, bootstrapped apart from each other, so that nothing but what
//! every fresh instance shares is the same in both: no role, policy, user or project id. An instance is a copy of one,
//! which makes it ready in the time that the server takes to start.
//!
//! Every server listens on 127.0.0.1 only, sees none of the caller's environment but `PATH`, `HOME` and `LANG`, and ends
//! with the process that started it, except the [`named`] ones, which are there to stay until told to stop.

mod database;
mod dotenv;
mod engine;
mod extension;
mod http;
mod instance;
mod layout;
pub mod named;
mod server;
mod setup;
mod template;

pub use extension::Extension;
pub use http::{Answer, Http};
pub use instance::{Builder, Directus};
pub use setup::{ADMIN_EMAIL, ADMIN_PASSWORD, ADMIN_TOKEN, Db, SANDBOX, Setup, Template, VERSIONS};
