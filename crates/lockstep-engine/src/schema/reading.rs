//! A schema that is read while other things are asked: it takes the server longest.

use std::panic::resume_unwind;

use lockstep_core::schema::Snapshot;
use lockstep_directus::Client;
use tokio::task::JoinHandle;

use super::read;
use crate::error::EngineError;

/// The reading of an instance's schema, under way. Dropped, it is given up.
#[derive(Debug)]
pub(crate) struct Reading {
    client: Client,
    task: JoinHandle<Result<Snapshot, EngineError>>,
}

impl Reading {
    /// Begins it.
    pub(crate) fn begin(client: &Client) -> Self {
        let reader = client.clone();
        Self { client: client.clone(), task: tokio::spawn(async move { read(&reader).await }) }
    }

    /// What it came to.
    ///
    /// # Errors
    /// When the schema cannot be read, or is none.
    pub(crate) async fn end(mut self) -> Result<Snapshot, EngineError> {
        match (&mut self.task).await {
            Ok(read) => read,
            Err(ended) if ended.is_panic() => resume_unwind(ended.into_panic()),
            // It was ended from outside: what it was to find is found here.
            Err(_) => read(&self.client).await,
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.task.abort();
    }
}
