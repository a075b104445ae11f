//! The database: one connection, one request at a time, all or nothing.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;
use tokio::sync::broadcast;

use crate::access::Who;
use crate::error::{Answer, ApiError};
use crate::schema::Schema;

/// Where the tables are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Data {
    /// In memory: gone when the instance stops.
    #[default]
    Memory,
    /// In a file of SQLite.
    File(PathBuf),
}

/// What a request changed, told to the subscribers of a collection when it is done.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) collection: String,
    pub(crate) action: Action,
    /// Keys of the items, in the order of the request.
    pub(crate) keys: Vec<Value>,
}

/// What was done to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Update,
    Delete,
}

impl Action {
    /// As the API names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// The database of an instance.
pub(crate) struct Database {
    inner: Mutex<Inner>,
    events: broadcast::Sender<Arc<Event>>,
}

/// A request that takes the database longer than this is ended, in milliseconds: it would keep all others waiting.
const LONGEST: u64 = 20_000;

/// So many steps of SQLite lie between two looks at the clock.
const STEPS: i32 = 10_000;

fn elapsed(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

struct Inner {
    connection: Connection,
    /// When the request that is under way has to end, in milliseconds since `begun`.
    deadline: Arc<AtomicU64>,
    begun: Instant,
    schema: Arc<Schema>,
}

/// One request at the database: whose it is, the model that it goes by, and what it changed so far.
pub(crate) struct Session<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) schema: Arc<Schema>,
    pub(crate) who: &'a Who,
    pub(crate) events: Vec<Event>,
    /// Revisions of nested items that have no parent yet.
    pub(crate) revisions: Vec<i64>,
    /// How many values of an answer are copies of others.
    pub(crate) copies: Cell<u64>,
}

impl Session<'_> {
    /// Does something as the instance itself, to which nothing is forbidden.
    pub(crate) fn elevated<T>(&self, work: impl FnOnce(&mut Session<'_>) -> Answer<T>) -> Answer<T> {
        static INSTANCE: LazyLock<Who> = LazyLock::new(Who::instance);
        let schema = Arc::clone(&self.schema);
        work(&mut Session {
            db: self.db,
            schema,
            who: &INSTANCE,
            events: Vec::new(),
            revisions: Vec::new(),
            copies: Cell::default(),
        })
    }

    /// Reads the model again, after tables changed.
    pub(crate) fn reload(&mut self) -> Answer<()> {
        self.schema = Arc::new(Schema::read(self.db)?);
        Ok(())
    }
}

impl Database {
    /// Opens the database, and makes Directus' own tables where they are not there.
    pub(crate) fn open(data: &Data) -> Answer<Self> {
        let connection = match data {
            Data::Memory => Connection::open_in_memory()?,
            Data::File(path) => Connection::open(path)?,
        };
        if let Data::File(_) = data {
            // One instance at a time: two would not know of each other's model.
            connection.busy_timeout(Duration::from_millis(500))?;
            connection.execute_batch("pragma locking_mode = exclusive;")?;
        }
        connection.execute_batch(
            "pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on;",
        )?;
        connection.set_prepared_statement_cache_capacity(256);
        let deadline = Arc::new(AtomicU64::new(u64::MAX));
        let (begun, watched) = (Instant::now(), Arc::clone(&deadline));
        let late = move || elapsed(begun) > watched.load(Ordering::Relaxed);
        connection.progress_handler(STEPS, Some(late));
        crate::query::functions::register(&connection)?;
        crate::system::bootstrap::prepare(&connection)?;
        let schema = Arc::new(Schema::read(&connection)?);
        let (events, _) = broadcast::channel(4096);
        Ok(Self { inner: Mutex::new(Inner { connection, deadline, begun, schema }), events })
    }

    /// What changes from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.subscribe()
    }

    /// Reads.
    pub(crate) fn read<T>(&self, who: &Who, work: impl FnOnce(&mut Session<'_>) -> Answer<T>) -> Answer<T> {
        let inner = self.lock()?;
        work(&mut session(&inner, who))
    }

    /// Writes: all that `work` does stays, or none of it.
    pub(crate) fn write<T>(&self, who: &Who, work: impl FnOnce(&mut Session<'_>) -> Answer<T>) -> Answer<T> {
        self.transaction(who, false, work)
    }

    /// Changes tables. Foreign keys are off meanwhile, since SQLite makes a changed table anew.
    pub(crate) fn alter<T>(&self, who: &Who, work: impl FnOnce(&mut Session<'_>) -> Answer<T>) -> Answer<T> {
        self.transaction(who, true, work)
    }

    fn lock(&self) -> Answer<MutexGuard<'_, Inner>> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        // A request that panicked left its transaction open.
        if !inner.connection.is_autocommit() {
            inner.connection.execute_batch("rollback; pragma foreign_keys = on")?;
        }
        inner.deadline.store(elapsed(inner.begun) + LONGEST, Ordering::Relaxed);
        Ok(inner)
    }

    fn transaction<T>(
        &self,
        who: &Who,
        alters: bool,
        work: impl FnOnce(&mut Session<'_>) -> Answer<T>,
    ) -> Answer<T> {
        let mut inner = self.lock()?;
        inner.connection.execute_batch(if alters {
            "pragma foreign_keys = off; begin"
        } else {
            "pragma foreign_keys = on; begin"
        })?;
        let mut session = session(&inner, who);
        let done = work(&mut session);
        let (events, schema) = (session.events, session.schema);
        let done =
            done.and_then(|done| inner.connection.execute_batch("commit").map_err(deferred).map(|()| done));
        if done.is_err() && !inner.connection.is_autocommit() {
            inner.connection.execute_batch("rollback")?;
        }
        if alters {
            inner.connection.execute_batch("pragma foreign_keys = on")?;
        }
        if done.is_ok() {
            inner.schema = schema;
            for event in events {
                // Nobody may be listening.
                let _ = self.events.send(Arc::new(event));
            }
        }
        done
    }
}

fn session<'a>(inner: &'a Inner, who: &'a Who) -> Session<'a> {
    Session {
        db: &inner.connection,
        schema: Arc::clone(&inner.schema),
        who,
        events: Vec::new(),
        revisions: Vec::new(),
        copies: Cell::default(),
    }
}

fn deferred(error: rusqlite::Error) -> ApiError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => ApiError::foreign_key(None, None, None),
        _ => error.into(),
    }
}
