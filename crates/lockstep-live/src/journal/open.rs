//! Opening and making the file.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{Journal, JournalError};

/// "LKSL" in the header of the file, so that no other database is taken for a journal.
const APPLICATION: i64 = 0x4c4b_534c;
const VERSION: i64 = 1;
/// So long a write waits for another process to finish its own.
const PATIENCE: Duration = Duration::from_secs(10);

const TABLES: &str = "
CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE mark (
    edge TEXT NOT NULL, collection TEXT NOT NULL, side INTEGER NOT NULL, key TEXT NOT NULL,
    seq INTEGER NOT NULL, since INTEGER NOT NULL, due INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0, error TEXT,
    PRIMARY KEY (edge, collection, side, key)
) WITHOUT ROWID;
CREATE INDEX mark_seq ON mark (seq);
CREATE INDEX mark_due ON mark (edge, collection, dead, seq);
CREATE TABLE pair (
    edge TEXT NOT NULL, collection TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
    common TEXT NOT NULL, source_stamp TEXT, target_stamp TEXT,
    PRIMARY KEY (edge, collection, source), UNIQUE (edge, collection, target)
) WITHOUT ROWID;
CREATE TABLE tombstone (
    edge TEXT NOT NULL, collection TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (edge, collection, source)
) WITHOUT ROWID;
CREATE TABLE intent (
    edge TEXT NOT NULL, collection TEXT NOT NULL, side INTEGER NOT NULL, key TEXT NOT NULL,
    fields TEXT NOT NULL, newest INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (edge, collection, side, key)
) WITHOUT ROWID;
CREATE TABLE writing (
    edge TEXT NOT NULL, collection TEXT NOT NULL, side INTEGER NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
    since INTEGER NOT NULL, at INTEGER NOT NULL, read TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (edge, collection, side, source)
) WITHOUT ROWID;
CREATE TABLE conflict (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, edge TEXT NOT NULL, collection TEXT NOT NULL,
    source TEXT NOT NULL, target TEXT NOT NULL, decision TEXT NOT NULL, open INTEGER NOT NULL,
    UNIQUE (edge, collection, source, target, decision)
);
CREATE TABLE tally (edge TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (edge, name)) WITHOUT ROWID;
";

impl Journal {
    /// Opens the journal of a daemon, and makes it if there is none. Nobody else may run with it meanwhile.
    ///
    /// # Errors
    /// When it is in use, cannot be written, or is none.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let failed = |source| JournalError::File { path: path.to_owned(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let lock = File::create(path.with_added_extension("lock")).map_err(failed)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => JournalError::InUse { path: path.to_owned() },
            TryLockError::Error(source) => failed(source),
        })?;
        let new = !path.exists();
        let connection = connect(path, OpenFlags::default())?;
        if new || is_empty(&connection, path)? {
            connection.execute_batch(&format!(
                "BEGIN; {TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"
            ))?;
        }
        check(&connection, path)?;
        Ok(Self {
            path: path.to_owned(),
            connection: Mutex::new(connection),
            ledger: None,
            _lock: Some(lock),
        })
    }

    /// Opens the journal of a daemon that may be running, to look into it or to give it orders.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn visit(path: &Path) -> Result<Self, JournalError> {
        if !path.exists() {
            return Err(JournalError::Missing { path: path.to_owned() });
        }
        let connection = connect(path, OpenFlags::default() & !OpenFlags::SQLITE_OPEN_CREATE)?;
        check(&connection, path)?;
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection), ledger: None, _lock: None })
    }

    /// Writes a copy of it as it is now.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub fn copy_to(&self, path: &Path) -> Result<(), JournalError> {
        self.copy_while(path, || ())
    }

    /// The same, and asks something before anybody can write again.
    pub(crate) fn copy_while<T>(&self, path: &Path, ask: impl FnOnce() -> T) -> Result<T, JournalError> {
        let connection = self.held();
        connection.execute("VACUUM INTO ?1", [path.to_string_lossy()])?;
        Ok(ask())
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, JournalError> {
    let foreign = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => JournalError::Foreign { path: path.to_owned() },
        Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly) => {
            let source = std::io::Error::other(error.to_string());
            JournalError::File { path: path.to_owned(), source }
        }
        _ => error.into(),
    };
    let connection = Connection::open_with_flags(path, flags).map_err(foreign)?;
    connection.busy_timeout(PATIENCE)?;
    // Every commit is on disk before the next request: a lost intent could become a duplicate.
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").map_err(foreign)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn number(connection: &Connection, what: &str, path: &Path) -> Result<i64, JournalError> {
    let foreign = |_| JournalError::Foreign { path: path.to_owned() };
    connection.query_row(what, [], |row| row.get(0)).map_err(foreign)
}

fn is_empty(connection: &Connection, path: &Path) -> Result<bool, JournalError> {
    Ok(number(connection, "SELECT COUNT(*) FROM sqlite_master", path)? == 0)
}

fn check(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    let application = number(connection, "PRAGMA application_id", path)?;
    let version = number(connection, "PRAGMA user_version", path)?;
    if (application, version) == (APPLICATION, VERSION) {
        return Ok(());
    }
    Err(JournalError::Foreign { path: path.to_owned() })
}
