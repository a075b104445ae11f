//! The database of one instance: where it is, how the server is told, how it is copied.

use std::fs;
use std::path::{Path, PathBuf};

use super::Db;
use super::postgres;
use crate::Error;
use crate::port::unused;

/// The database of one instance.
#[derive(Debug, Clone)]
pub(super) enum Database {
    /// A SQLite file.
    Sqlite {
        /// The file.
        file: PathBuf,
    },
    /// A PostgreSQL cluster of its own.
    Postgres {
        /// The cluster's data folder, named so that it belongs to one instance or template.
        cluster: PathBuf,
        /// The port on 127.0.0.1.
        port: u16,
    },
}

impl Database {
    /// The database of the instance or template that lives in `dir`; `cluster` is where PostgreSQL would keep it.
    pub(super) fn new(db: Db, dir: &Path, cluster: PathBuf) -> Result<Self, Error> {
        Ok(match db {
            Db::Sqlite => Self::Sqlite { file: dir.join("data.db") },
            Db::Postgres => Self::Postgres { cluster, port: unused()? },
        })
    }

    /// The variables that lead Directus to it.
    pub(super) fn env(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Sqlite { file } => {
                vec![("DB_CLIENT", "sqlite3".into()), ("DB_FILENAME", file.display().to_string())]
            }
            Self::Postgres { port, .. } => vec![
                ("DB_CLIENT", "pg".into()),
                ("DB_HOST", "127.0.0.1".into()),
                ("DB_PORT", port.to_string()),
                ("DB_DATABASE", postgres::NAME.into()),
                ("DB_USER", postgres::NAME.into()),
                ("DB_PASSWORD", postgres::NAME.into()),
            ],
        }
    }

    /// Makes this a copy of another database that no server has open.
    pub(super) fn copy_from(&self, origin: &Self) -> Result<(), Error> {
        match (self, origin) {
            (Self::Sqlite { file }, Self::Sqlite { file: origin }) => {
                fs::copy(origin, file).map(drop).map_err(Error::io("copy", origin))
            }
            (Self::Postgres { cluster, .. }, Self::Postgres { cluster: origin, .. }) => {
                postgres::copy_cluster(origin, cluster)
            }
            // An instance and its template are made from the same `Db`.
            _ => unreachable!("a database is only copied to one of its own kind"),
        }
    }

    /// Deletes it.
    pub(super) fn remove(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite { file } if file.exists() => {
                fs::remove_file(file).map_err(Error::io("remove", file))
            }
            Self::Postgres { cluster, .. } if cluster.exists() => {
                fs::remove_dir_all(cluster).map_err(Error::io("remove", cluster))
            }
            _ => Ok(()),
        }
    }
}
