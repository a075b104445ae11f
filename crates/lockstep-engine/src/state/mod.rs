//! Where the mappings of an instance are kept: in its mapping extension, in a table of our own in the instance, or
//! in a file beside the dump.
//!
//! A store is read whole before a run, and given the whole of what is known after it; each kind finds out by itself
//! what to write. A pull and a diff never write one.

mod chunk;
mod extension;
mod file;
mod table;

use std::path::PathBuf;

use futures::future::try_join;
use lockstep_core::collection::names;
use lockstep_core::identity::Mappings;
use lockstep_directus::Client;

use crate::error::EngineError;
use crate::instance::Instance;
use crate::options::StateChoice;

pub(crate) use extension::ExtensionStore;
pub(crate) use file::FileStore;
pub(crate) use table::TableStore;

/// The store of one instance.
#[derive(Debug)]
pub(crate) struct Store {
    kind: Kind,
    /// What the store holds.
    pub(crate) mappings: Mappings,
}

#[derive(Debug)]
enum Kind {
    Extension(ExtensionStore),
    Table(TableStore),
    File(FileStore),
}

impl Store {
    /// Opens the store of an instance and reads it. Creates nothing.
    ///
    /// # Errors
    /// When the chosen one is not there or cannot be read.
    pub(crate) async fn open(
        choice: StateChoice,
        file: PathBuf,
        instance: &Instance,
    ) -> Result<Self, EngineError> {
        Self::open_tables(choice, file, instance, &names()).await
    }

    /// Opens the store of an instance and reads at least these mapping tables. Creates nothing.
    ///
    /// # Errors
    /// When the chosen one is not there or cannot be read.
    pub(crate) async fn open_tables(
        choice: StateChoice,
        file: PathBuf,
        instance: &Instance,
        tables: &[&str],
    ) -> Result<Self, EngineError> {
        let client = &instance.client;
        let table_fits = instance.version.hides_untracked_tables();
        match choice {
            StateChoice::File => Self::file(file, client),
            StateChoice::Extension => match ExtensionStore::find(client).await? {
                Some(extension) => Self::extension(extension, tables).await,
                None => Err(EngineError::NoExtension),
            },
            StateChoice::Table if table_fits => Self::table(client).await,
            StateChoice::Table => Err(EngineError::NoTable(instance.version)),
            StateChoice::Auto if table_fits => {
                let (extension, table) = try_join(ExtensionStore::find(client), Self::table(client)).await?;
                match extension {
                    Some(extension) => Self::extension(extension, tables).await,
                    None => Ok(table),
                }
            }
            StateChoice::Auto => match ExtensionStore::find(client).await? {
                Some(extension) => Self::extension(extension, tables).await,
                None => Self::file(file, client),
            },
        }
    }

    async fn extension(extension: ExtensionStore, tables: &[&str]) -> Result<Self, EngineError> {
        let mappings = extension.read(tables.iter().copied()).await?;
        Ok(Self { mappings, kind: Kind::Extension(extension) })
    }

    async fn table(client: &Client) -> Result<Self, EngineError> {
        let (table, mappings) = TableStore::read(client.clone()).await?;
        Ok(Self { kind: Kind::Table(table), mappings })
    }

    fn file(path: PathBuf, client: &Client) -> Result<Self, EngineError> {
        let (file, mappings) = FileStore::read(path, client.url())?;
        Ok(Self { kind: Kind::File(file), mappings })
    }

    /// `extension`, `table` or `file`.
    #[must_use]
    pub(crate) fn name(&self) -> &'static str {
        match &self.kind {
            Kind::Extension(_) => "extension",
            Kind::Table(_) => "table",
            Kind::File(_) => "file",
        }
    }

    /// Refuses a file that was made for another project at the same URL.
    ///
    /// # Errors
    /// When the project is another one.
    pub(crate) fn check_project(&mut self, project_id: Option<&str>) -> Result<(), EngineError> {
        match &mut self.kind {
            Kind::File(file) => file.check_project(project_id),
            Kind::Extension(_) | Kind::Table(_) => Ok(()),
        }
    }

    /// Makes the store hold `after`.
    ///
    /// # Errors
    /// When it cannot be written; part of it may be.
    pub(crate) async fn save(&mut self, after: Mappings) -> Result<(), EngineError> {
        if after == self.mappings {
            return Ok(());
        }
        match &mut self.kind {
            Kind::Extension(extension) => extension.write(&self.mappings, &after).await?,
            Kind::Table(table) => table.write(&after).await?,
            Kind::File(file) => file.write(&after)?,
        }
        self.mappings = after;
        Ok(())
    }
}
