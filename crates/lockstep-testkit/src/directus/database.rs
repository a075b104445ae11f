//! The database of one instance: where it is, how the server is told, how it is copied.

use std::fs;
use std::path::{Path, PathBuf};

use super::Db;
use super::engine::{self, Cluster, Engine, MariaDb, Postgres};
use crate::Error;
use crate::port::unused;
use crate::process::Lifetime;

/// The database of one instance.
#[derive(Debug, Clone)]
pub(super) enum Database {
    /// A SQLite file.
    Sqlite {
        /// The file.
        file: PathBuf,
    },
    /// A database server of its own.
    Server {
        /// What kind of server.
        engine: &'static dyn Engine,
        /// The server's data folder, named so that it belongs to one instance or template.
        data: PathBuf,
        /// The port on 127.0.0.1.
        port: u16,
    },
}

impl Database {
    /// The database of the instance or template that lives in `dir`; `data` is where a database server would keep it.
    pub(super) fn new(db: Db, dir: &Path, data: PathBuf) -> Result<Self, Error> {
        let engine: &'static dyn Engine = match db {
            Db::Sqlite => return Ok(Self::Sqlite { file: dir.join("data.db") }),
            Db::Postgres => &Postgres,
            Db::Mysql => &MariaDb,
        };
        Ok(Self::Server { engine, data, port: unused()? })
    }

    /// The variables that lead Directus to it.
    pub(super) fn env(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Sqlite { file } => {
                vec![("DB_CLIENT", "sqlite3".into()), ("DB_FILENAME", file.display().to_string())]
            }
            Self::Server { engine, port, .. } => vec![
                ("DB_CLIENT", engine.client().into()),
                ("DB_HOST", "127.0.0.1".into()),
                ("DB_PORT", port.to_string()),
                ("DB_DATABASE", engine::NAME.into()),
                ("DB_USER", engine::NAME.into()),
                ("DB_PASSWORD", engine::NAME.into()),
            ],
        }
    }

    /// Makes it new and empty, where it is not a file that Directus makes itself.
    pub(super) fn create(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite { .. } => Ok(()),
            Self::Server { engine, data, port } => engine::create_cluster(*engine, data, *port),
        }
    }

    /// Starts its server, if it has one.
    pub(super) fn start(&self, lifetime: Lifetime) -> Result<Option<Cluster>, Error> {
        match self {
            Self::Sqlite { .. } => Ok(None),
            Self::Server { engine, data, port } => Cluster::start(*engine, data, *port, lifetime).map(Some),
        }
    }

    /// Makes this a copy of another database that no server has open.
    pub(super) fn copy_from(&self, origin: &Self) -> Result<(), Error> {
        match (self, origin) {
            (Self::Sqlite { file }, Self::Sqlite { file: origin }) => {
                fs::copy(origin, file).map(drop).map_err(Error::io("copy", origin))
            }
            (Self::Server { data, .. }, Self::Server { data: origin, .. }) => {
                engine::copy_cluster(origin, data)
            }
            // An instance and its template are made from the same `Db`.
            _ => unreachable!("a database is only copied to one of its own kind"),
        }
    }

    /// Whether it is there: what a server keeps lies in a folder of its own, and may be gone where the rest is not.
    pub(super) fn exists(&self) -> bool {
        match self {
            Self::Sqlite { file } => file.exists(),
            Self::Server { data, .. } => data.exists(),
        }
    }

    /// Deletes it.
    pub(super) fn remove(&self) -> Result<(), Error> {
        match self {
            _ if !self.exists() => Ok(()),
            Self::Sqlite { file } => fs::remove_file(file).map_err(Error::io("remove", file)),
            Self::Server { data, .. } => fs::remove_dir_all(data).map_err(Error::io("remove", data)),
        }
    }
}
