//! Where the files are that records are uploaded with.

use std::fs;

use lockstep_directus::{Client, Error as DirectusError, Request};

/// A source of files, by the names that records have for them.
#[derive(Clone, Debug, Default)]
pub(crate) enum Assets {
    /// Paths on disk.
    #[default]
    Disk,
    /// Ids of files of another instance.
    Of(Client),
}

impl Assets {
    /// What is in a file.
    pub(crate) async fn read(&self, name: &str) -> Result<Vec<u8>, DirectusError> {
        match self {
            Self::Disk => fs::read(name).map_err(|error| DirectusError::of_file(name, &error)),
            Self::Of(client) => asset(client, name).await,
        }
    }
}

/// What is in a file of an instance.
pub(crate) async fn asset(client: &Client, id: &str) -> Result<Vec<u8>, DirectusError> {
    Ok(client.send(&Request::get(format!("/assets/{id}"))).await?.body.to_vec())
}
