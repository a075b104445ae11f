//! The mapping table of the npm package directus-extension-sync: a row for each mapping, one request for each change.

use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use lockstep_core::identity::Mappings;
use lockstep_core::record::{LocalId, SyncId};
use lockstep_directus::{Client, mappings};

use crate::error::EngineError;

/// How many rows are written at the same time.
const AT_ONCE: usize = 8;

pub(super) async fn read(client: &Client) -> Result<Mappings, EngineError> {
    let read = super::tables()
        .map(|name| async move { Ok::<_, EngineError>((name, mappings::table(client, name).await?)) });
    let mut found = Mappings::default();
    for (name, rows) in try_join_all(read).await? {
        found.extend(
            name,
            rows.into_iter().map(|row| (SyncId::from(row.sync_id), LocalId::from(row.local_id))),
        );
    }
    Ok(found)
}

/// Deletes first, because SyncID and local id are both unique in a table.
pub(super) async fn write(client: &Client, before: &Mappings, after: &Mappings) -> Result<(), EngineError> {
    let mut gone: Vec<(&str, &SyncId)> = Vec::new();
    let mut new: Vec<(&str, &SyncId, &LocalId)> = Vec::new();
    for table in super::tables() {
        gone.extend(
            before
                .of(table)
                .filter(|(s, l)| after.local(table, s.as_str()) != Some(*l))
                .map(|(s, _)| (table, s)),
        );
        new.extend(
            after
                .of(table)
                .filter(|(s, l)| before.local(table, s.as_str()) != Some(*l))
                .map(|(s, l)| (table, s, l)),
        );
    }
    let deletions = gone.into_iter().map(|(table, sync_id)| async move {
        mappings::delete_by_sync_id(client, table, sync_id.as_str()).await.map_err(EngineError::from)
    });
    stream::iter(deletions).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    let insertions =
        new.into_iter().map(|(table, sync_id, local_id)| insert(client, table, sync_id, local_id));
    stream::iter(insertions).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    Ok(())
}

/// Inserts a mapping; a lost answer, or a mapping that is there already, is settled by replacing it.
async fn insert(
    client: &Client,
    table: &str,
    sync_id: &SyncId,
    local_id: &LocalId,
) -> Result<(), EngineError> {
    match mappings::insert(client, table, sync_id.as_str(), local_id.as_str()).await {
        Ok(()) => Ok(()),
        Err(error) if error.may_have_been_applied() || error.status() == Some(409) => {
            mappings::delete_by_sync_id(client, table, sync_id.as_str()).await?;
            Ok(mappings::insert(client, table, sync_id.as_str(), local_id.as_str()).await?)
        }
        Err(error) => Err(error.into()),
    }
}
