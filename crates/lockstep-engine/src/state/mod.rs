//! Where the mappings of an instance are kept: in its mapping extension, in a table of our own in the instance, or
//! in a file beside the dump.
//!
//! A store is read whole before a run, and given the whole of what is known after it; each kind finds out by itself
//! what to write. A pull and a diff never write one.

mod chunk;
mod extension;
mod file;
mod table;

use std::collections::BTreeSet;
use std::path::PathBuf;

use lockstep_core::collection::{COLLECTIONS, Collection};
use lockstep_core::identity::Mappings;
use lockstep_directus::Client;

use crate::compare::project_id;
use crate::error::EngineError;
use crate::instance::Instance;
use crate::options::StateChoice;

pub(crate) use extension::ExtensionStore;
pub(crate) use file::FileStore;
pub(crate) use table::TableStore;

/// Which tables are read of the extension of directus-sync, which has to be asked for each by name. All other stores are
/// always read whole.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tables<'a> {
    /// Those of the synchronized collections.
    Records,
    /// These, and one more.
    And(&'a str),
    /// Those of all collections that the instance has.
    All,
    /// These at least.
    Only(&'a [&'a str]),
}

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
        Self::open_with(Tables::Records, choice, file, instance).await
    }

    /// The same with more tables than those of the synchronized collections.
    ///
    /// # Errors
    /// When the chosen one is not there or cannot be read.
    pub(crate) async fn open_with(
        tables: Tables<'_>,
        choice: StateChoice,
        file: PathBuf,
        instance: &Instance,
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
            StateChoice::Auto => match ExtensionStore::find(client).await? {
                Some(extension) => Self::extension(extension, tables).await,
                None if table_fits => Self::table(client).await,
                None => Self::file(file, client),
            },
        }
    }

    async fn extension(extension: ExtensionStore, tables: Tables<'_>) -> Result<Self, EngineError> {
        let mut names: BTreeSet<String> = match tables {
            Tables::Only(tables) => tables.iter().map(|name| (*name).to_owned()).collect(),
            _ => COLLECTIONS.iter().map(|known| known.name.to_owned()).collect(),
        };
        match tables {
            Tables::And(name) => drop(names.insert(name.to_owned())),
            Tables::All if !extension.tells_all() => names.extend(extension.table_names().await?),
            Tables::Records | Tables::All | Tables::Only(_) => {}
        }
        let mappings = extension.read(names.iter().map(String::as_str)).await?;
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

    /// True if many mappings are written at the cost of few.
    #[must_use]
    pub(crate) fn takes_many(&self) -> bool {
        match &self.kind {
            Kind::Extension(extension) => extension.tells_all(),
            Kind::Table(_) | Kind::File(_) => true,
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

    /// The same, and asks the instance which project it is where that matters.
    ///
    /// # Errors
    /// When the project is another one, or cannot be read.
    pub(crate) async fn check_project_of(&mut self, instance: &Instance) -> Result<(), EngineError> {
        if matches!(self.kind, Kind::File(_)) {
            let settings: Vec<_> = Collection::named("settings").into_iter().collect();
            self.check_project(project_id(&instance.read(&settings).await?.rows))?;
        }
        Ok(())
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

    /// Forgets all that was read of it.
    ///
    /// # Errors
    /// When it cannot be written; part of it may be.
    pub(crate) async fn clear(&mut self) -> Result<(), EngineError> {
        match &mut self.kind {
            Kind::File(file) => file.remove(),
            Kind::Extension(_) | Kind::Table(_) => self.save(Mappings::default()).await,
        }
    }
}
