//! What an instance is to be: version, database, template, extension, environment.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Extension;

/// The versions that the conformance suite runs on: the last of each major version that Lockstep knows.
pub const VERSIONS: [&str; 3] = ["10.13.1", "11.17.4", "12.4.0"];

/// The embedded instance of the `lockstep` binary under test, in the place of a version.
pub const SANDBOX: &str = "11.17.4-sandbox";

/// The administrator of every instance.
pub const ADMIN_EMAIL: &str = "admin@example.com";

/// The administrator's password.
pub const ADMIN_PASSWORD: &str = "lockstep-password";

/// The administrator's static token.
pub const ADMIN_TOKEN: &str = "lockstep-admin-token";

/// Which of the two separately bootstrapped databases an instance is a copy of. Copies of the same one share their ids,
/// as instances in real life do not: a test of identity takes one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Template {
    /// The first one.
    A,
    /// The second one.
    B,
}

/// The database under an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Db {
    /// A file in the instance's folder.
    Sqlite,
    /// A private PostgreSQL cluster per instance.
    Postgres,
    /// A private MariaDB server per instance, which Directus takes for MySQL.
    Mysql,
}

/// What an instance is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// The Directus version, exactly.
    pub version: String,
    /// The database under it.
    pub db: Db,
    /// The fresh database that it starts with.
    pub template: Template,
    /// The mapping extension that is installed.
    #[serde(default)]
    pub extension: Extension,
    /// Environment variables that win over the usual ones.
    pub env: BTreeMap<String, String>,
}

impl Setup {
    /// True for the embedded instance, which needs neither Node nor an installation.
    pub(super) fn is_sandbox(&self) -> bool {
        self.version == SANDBOX
    }

    /// SQLite, template A, no extension, nothing special in the environment.
    pub fn new(version: &str) -> Self {
        let (db, template) = (Db::Sqlite, Template::A);
        Self { version: version.to_owned(), db, template, extension: Extension::None, env: BTreeMap::new() }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "a",
            Self::B => "b",
        })
    }
}

impl fmt::Display for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
        })
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extension = match self.extension {
            Extension::None => String::new(),
            Extension::DirectusSync => ", with the extension".to_owned(),
            Extension::Lockstep => ", with the extension of lockstep".to_owned(),
        };
        write!(f, "Directus {} ({}, template {}{extension})", self.version, self.db, self.template)
    }
}
