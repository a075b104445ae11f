//! Whether the files of an instance are those of the seed: by size first, and where that is the same by what is in them.

use std::collections::BTreeMap;
use std::fs;

use lockstep_core::identity::InstanceRows;
use lockstep_core::identity::matching::Matching;
use lockstep_core::record::{LocalId, Row, SyncId};
use serde_json::Value;

use super::prepared::Prepared;
use crate::assets::{Assets, asset};
use crate::error::EngineError;
use crate::instance::Instance;

/// Records whose file is another one than the instance has, with what people are told of both.
pub(super) type ChangedFiles = BTreeMap<(&'static str, SyncId), (String, String)>;

/// Compares the files of records that exist.
pub(super) async fn changed(
    instance: &Instance,
    prepared: &Prepared,
    matching: &Matching,
    rows: &InstanceRows,
    assets: &Assets,
) -> Result<ChangedFiles, EngineError> {
    let mut changed = ChangedFiles::new();
    for collection in prepared.registry.iter().filter(|collection| collection.upload.is_some()) {
        let by_id: BTreeMap<&LocalId, &Row> =
            rows.get(collection.name).into_iter().flatten().map(|row| (&row.id, row)).collect();
        for record in prepared.records.get(collection.name).into_iter().flatten() {
            let Some((path, place)) = prepared.file(collection, record) else { continue };
            let id = matching.ids.local(collection.name, record.sync_id.as_str());
            let row = id.and_then(|id| by_id.get(id));
            let bytes = match assets {
                Assets::Disk => fs::read(path).map_err(|source| EngineError::SeedFile {
                    place: place.to_owned(),
                    path: path.into(),
                    source,
                })?,
                // Another instance is asked for a file only where there is one to compare it with.
                Assets::Of(_) if row.is_none() => continue,
                Assets::Of(client) => asset(client, path).await?,
            };
            let Some(row) = row else { continue };
            if let Some(told) = differs(instance, row, &bytes).await? {
                changed.insert((collection.name, record.sync_id.clone()), told);
            }
        }
    }
    Ok(changed)
}

async fn differs(
    instance: &Instance,
    row: &Row,
    wanted: &[u8],
) -> Result<Option<(String, String)>, EngineError> {
    let ours = wanted.len();
    let size = match row.fields.get("filesize") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(other) => other.as_u64(),
        None => None,
    };
    let told = |size: u64, what: &str| (format!("{size} bytes"), format!("{ours} {what}"));
    if let Some(size) = size.filter(|size| *size != ours as u64) {
        return Ok(Some(told(size, "bytes")));
    }
    let there = asset(&instance.client, row.id.as_str()).await?;
    Ok((there != wanted).then(|| told(there.len() as u64, "other bytes")))
}
