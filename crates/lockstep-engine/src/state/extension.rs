//! The mapping table of an extension: a row for each mapping. That of directus-sync takes one request for each change
//! and each table; our own takes many changes in one, and gives all tables at once.

use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use lockstep_core::identity::Mappings;
use lockstep_core::record::{LocalId, SyncId};
use lockstep_directus::mappings::{self, BATCH, Mapping, MappingRow};
use lockstep_directus::{Client, ErrorKind, collections};

use crate::error::EngineError;

/// How many rows are written at the same time.
const AT_ONCE: usize = 8;
/// How many mappings are written in one request: 300 KB, far below the server's 1 MB.
const IN_ONE: usize = 2_000;

/// The extension of one instance.
#[derive(Debug)]
pub(crate) struct ExtensionStore {
    client: Client,
    /// Whether it has the batch routes.
    batches: bool,
}

impl ExtensionStore {
    /// The extension, if there is one.
    pub(crate) async fn find(client: &Client) -> Result<Option<Self>, EngineError> {
        if !mappings::detect(client).await? {
            return Ok(None);
        }
        let info = mappings::info(client).await?;
        let batches = info.is_some_and(|info| info.batch == Some(BATCH));
        Ok(Some(Self { client: client.clone(), batches }))
    }

    /// True if it tells of all its tables, whatever they are called.
    pub(crate) fn tells_all(&self) -> bool {
        self.batches
    }

    /// The names that tables of mappings can have: directus-sync calls those of seeds after the collection, `items::posts`
    /// for `posts` and `users` for `directus_users`.
    pub(crate) async fn table_names(&self) -> Result<Vec<String>, EngineError> {
        let names = collections::names(&self.client).await?.into_iter();
        Ok(names
            .map(|name| match name.strip_prefix("directus_") {
                Some(system) => system.to_owned(),
                None => format!("items::{name}"),
            })
            .collect())
    }

    /// What it holds in these tables; our own tells of all tables.
    pub(crate) async fn read(&self, tables: impl Iterator<Item = &str>) -> Result<Mappings, EngineError> {
        let mut found = Mappings::default();
        if self.batches {
            for (name, rows) in mappings::tables(&self.client).await? {
                found.extend(&name, pairs(rows));
            }
            return Ok(found);
        }
        let read = tables.map(|name| async move {
            Ok::<_, EngineError>((name, mappings::table(&self.client, name).await?))
        });
        for (name, rows) in try_join_all(read).await? {
            found.extend(name, pairs(rows));
        }
        Ok(found)
    }

    /// Makes the tables that differ hold `after`.
    pub(crate) async fn write(&self, before: &Mappings, after: &Mappings) -> Result<(), EngineError> {
        let gone = missing(before, after);
        let new = missing(after, before);
        if self.batches { self.write_batches(gone, new).await } else { self.write_each(gone, new).await }
    }

    /// Deletions come first, and a creation takes the place of what is in its way; a lost answer is asked for again.
    async fn write_batches(&self, gone: Vec<Mapping<'_>>, new: Vec<Mapping<'_>>) -> Result<(), EngineError> {
        let gone: Vec<_> = gone.into_iter().map(Change::Delete).collect();
        let all: Vec<_> = gone.into_iter().chain(new.into_iter().map(Change::Create)).collect();
        let mut open: Vec<_> = all.chunks(IN_ONE).rev().collect();
        while let Some(part) = open.pop() {
            let gone: Vec<_> = part.iter().filter_map(Change::deleted).collect();
            let new: Vec<_> = part.iter().filter_map(Change::created).collect();
            match mappings::change(&self.client, &gone, &new).await {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::TooLarge && part.len() > 1 => {
                    let (first, second) = part.split_at(part.len() / 2);
                    open.extend([second, first]);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Deletes first, because SyncID and local id are both unique in a table.
    async fn write_each(&self, gone: Vec<Mapping<'_>>, new: Vec<Mapping<'_>>) -> Result<(), EngineError> {
        let deletions = gone.into_iter().map(|mapping| self.delete(mapping));
        stream::iter(deletions).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        let insertions = new.into_iter().map(|mapping| self.insert(mapping));
        stream::iter(insertions).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        Ok(())
    }

    async fn delete(&self, Mapping { table, sync_id, .. }: Mapping<'_>) -> Result<(), EngineError> {
        Ok(mappings::delete_by_sync_id(&self.client, table, sync_id).await?)
    }

    /// Inserts a mapping; a lost answer, or a mapping that is there already, is settled by replacing it.
    async fn insert(&self, mapping: Mapping<'_>) -> Result<(), EngineError> {
        let Mapping { table, sync_id, local_id } = mapping;
        match mappings::insert(&self.client, table, sync_id, local_id).await {
            Ok(()) => Ok(()),
            Err(error) if error.may_have_been_applied() || error.status() == Some(409) => {
                self.delete(mapping).await?;
                Ok(mappings::insert(&self.client, table, sync_id, local_id).await?)
            }
            Err(error) => Err(error.into()),
        }
    }
}

#[derive(Clone, Copy)]
enum Change<'a> {
    Delete(Mapping<'a>),
    Create(Mapping<'a>),
}

impl<'a> Change<'a> {
    fn deleted(&self) -> Option<Mapping<'a>> {
        if let Self::Delete(mapping) = self { Some(*mapping) } else { None }
    }

    fn created(&self) -> Option<Mapping<'a>> {
        if let Self::Create(mapping) = self { Some(*mapping) } else { None }
    }
}

fn pairs(rows: Vec<MappingRow>) -> impl Iterator<Item = (SyncId, LocalId)> {
    rows.into_iter().map(|row| (SyncId::from(row.sync_id), LocalId::from(row.local_id)))
}

/// What `one` holds that `other` does not.
fn missing<'a>(one: &'a Mappings, other: &Mappings) -> Vec<Mapping<'a>> {
    let mut missing = Vec::new();
    for table in one.collections() {
        let of_table = one.of(table).filter(|(s, l)| other.local(table, s.as_str()) != Some(*l));
        missing.extend(of_table.map(|(sync_id, local_id)| Mapping {
            table,
            sync_id: sync_id.as_str(),
            local_id: local_id.as_str(),
        }));
    }
    missing
}
