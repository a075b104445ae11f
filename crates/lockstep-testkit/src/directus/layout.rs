//! The folder that a server runs in.
//!
//! `package.json` (without one of its own no extension loads), `.env`, `extensions/`, `uploads/`, `directus.log`, and the
//! SQLite file if that is the database.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::database::Database;
use super::{ADMIN_EMAIL, ADMIN_PASSWORD, ADMIN_TOKEN, Setup, dotenv};
use crate::Error;
use crate::cache::Cache;

/// Where an instance lives, and how it is set up.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) dir: PathBuf,
    pub(super) port: u16,
    pub(super) database: Database,
    pub(super) setup: Setup,
}

impl Layout {
    /// What the server prints.
    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("directus.log")
    }

    /// Where the server answers.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes the folder, apart from the database.
    pub(super) fn create(&self, cache: &Cache) -> Result<(), Error> {
        for folder in ["extensions", "uploads"] {
            let folder = self.dir.join(folder);
            fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        }
        self.write("package.json", r#"{ "name": "lockstep-instance", "private": true }"#)?;
        self.write_env()?;
        if self.setup.is_sandbox() { Ok(()) } else { self.setup.extension.add(cache, &self.dir) }
    }

    /// Writes the `.env` file, which is all that the server knows of its configuration.
    pub(super) fn write_env(&self) -> Result<(), Error> {
        self.write(".env", &dotenv::render(&self.env()))
    }

    fn write(&self, name: &str, content: &str) -> Result<(), Error> {
        let file = self.dir.join(name);
        fs::write(&file, content).map_err(Error::io("write", &file))
    }

    fn env(&self) -> BTreeMap<String, String> {
        let own = [("PORT", self.port.to_string()), ("PUBLIC_URL", self.url())];
        let pairs = own.into_iter().chain(self.database.env()).chain(fixed_env());
        let mut env: BTreeMap<_, _> = pairs.map(|(name, value)| (name.to_owned(), value)).collect();
        env.extend(self.setup.env.clone());
        env
    }
}

/// What is the same everywhere: known secrets, nothing that calls out, no limits unless a test sets them.
fn fixed_env() -> impl Iterator<Item = (&'static str, String)> {
    [
        ("HOST", "127.0.0.1"),
        ("KEY", "lockstep-key-0123456789abcdef0123456789abcdef"),
        ("SECRET", "lockstep-secret-0123456789abcdef0123456789abcdef"),
        ("ADMIN_EMAIL", ADMIN_EMAIL),
        ("ADMIN_PASSWORD", ADMIN_PASSWORD),
        ("ADMIN_TOKEN", ADMIN_TOKEN),
        ("EXTENSIONS_PATH", "./extensions"),
        ("STORAGE_LOCAL_ROOT", "./uploads"),
        ("WEBSOCKETS_ENABLED", "true"),
        ("TELEMETRY", "false"),
        ("EMAIL_VERIFY_SETUP", "false"),
        ("CACHE_ENABLED", "false"),
        ("RATE_LIMITER_ENABLED", "false"),
        ("PRESSURE_LIMITER_ENABLED", "false"),
        ("LOG_LEVEL", "warn"),
        ("LOG_STYLE", "raw"),
    ]
    .into_iter()
    .map(|(name, value)| (name, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_env_of_a_setup_wins_over_the_usual_one() {
        let mut setup = Setup::new("11.17.4");
        setup.env.insert("LOG_LEVEL".into(), "debug".into());
        setup.env.insert("QUERY_LIMIT_MAX".into(), "50".into());
        let database = Database::Sqlite { file: "/i/data.db".into() };
        let env = Layout { dir: "/i".into(), port: 8055, database, setup }.env();
        assert_eq!(env["LOG_LEVEL"], "debug");
        assert_eq!(env["QUERY_LIMIT_MAX"], "50");
        assert_eq!(env["PUBLIC_URL"], "http://127.0.0.1:8055");
        assert_eq!(env["DB_FILENAME"], "/i/data.db");
        assert_eq!(env["HOST"], "127.0.0.1");
    }

    #[test]
    fn the_folder_has_what_a_server_needs() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().join("cache"));
        let (dir, database) = (dir.path().join("instance"), Database::Sqlite { file: "data.db".into() });
        let layout = Layout { dir: dir.clone(), port: 8055, database, setup: Setup::new("11.17.4") };
        layout.create(&cache).unwrap();
        assert!(dir.join("package.json").is_file() && dir.join("extensions").is_dir());
        assert!(fs::read_to_string(dir.join(".env")).unwrap().contains("\nPORT=8055\n"));
    }
}
