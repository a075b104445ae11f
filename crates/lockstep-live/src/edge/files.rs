//! Files: their content is told apart by a digest, and read only when something says that it may be another one.

use lockstep_core::merge::Side;
use lockstep_core::record::Fields;
use lockstep_directus::{Bytes, Error, ErrorKind, Request, Safety, path_segment};
use serde_json::Value;
use sha1::{Digest, Sha1};

use super::plan::{Item, Write};
use super::rows::STAMPS;
use super::write::{Results, told};
use super::{Edge, is_down};
use crate::error::LiveError;
use crate::shape::{CONTENT, Shape};

impl Edge {
    /// Adds the digests of contents to files.
    pub(super) async fn digest(&self, shape: &Shape, items: &mut [Item]) -> Result<(), LiveError> {
        debug_assert!(shape.is_files());
        for item in items {
            for (place, side) in [Side::Source, Side::Target].into_iter().enumerate() {
                let Some(row) = &mut item.rows[place] else { continue };
                let stamp = stamp(row);
                let known = item.pair.as_ref().filter(|pair| pair.stamps[place].as_ref() == Some(&stamp));
                let content = match known.and_then(|pair| pair.common.get(CONTENT)) {
                    Some(content) => content.clone(),
                    None => {
                        let key = item.keys[place].clone().unwrap_or_default();
                        Value::from(hex(&self.asset(side, &key).await?))
                    }
                };
                if let Some(row) = &mut item.rows[place] {
                    row.insert(CONTENT.to_owned(), content);
                }
                item.stamps[place] = Some(stamp);
            }
        }
        Ok(())
    }

    async fn asset(&self, side: Side, key: &str) -> Result<Bytes, LiveError> {
        let peer = self.peer(side);
        let request = Request::get(format!("/assets/{}", path_segment(key))).query("download", "");
        match peer.client.send(&request).await {
            Ok(answer) => Ok(answer.body),
            // A file whose content is lost on disk has none.
            Err(error)
                if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::Server) =>
            {
                Ok(Bytes::new())
            }
            Err(error) => Err(peer.failed(error)),
        }
    }

    /// Uploads files that a side does not have.
    pub(super) async fn upload(
        &self,
        side: Side,
        items: &[Item],
        creations: &[&Write],
    ) -> Result<Results<String>, LiveError> {
        let mut results = Vec::new();
        for write in creations {
            let key = items[write.item].key(side.other()).cloned().unwrap_or_default();
            let request = self.form(Request::post("/files"), side.other(), &key, &write.body, true).await?;
            results.push((write.item, self.send(side, &request).await?.map(|()| key)));
        }
        Ok(results)
    }

    /// Gives files another content.
    pub(super) async fn replace(
        &self,
        side: Side,
        items: &[Item],
        updates: &[&Write],
    ) -> Result<Results<()>, LiveError> {
        let mut results = Vec::new();
        for write in updates {
            let key = items[write.item].key(side).cloned().unwrap_or_default();
            let request = Request::patch(format!("/files/{}", path_segment(&key)));
            let request = self.form(request, side.other(), &key, &write.body, false).await?;
            results.push((write.item, self.send(side, &request).await?));
        }
        Ok(results)
    }

    async fn form(
        &self,
        request: Request,
        holder: Side,
        key: &str,
        fields: &Fields,
        new: bool,
    ) -> Result<Request, LiveError> {
        let content = self.asset(holder, key).await?;
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let mut parts: Vec<(String, String)> = Vec::new();
        if new {
            parts.push(("id".to_owned(), key.to_owned()));
        }
        for (name, value) in fields.iter().filter(|(name, value)| *name != CONTENT && !value.is_null()) {
            let said = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            parts.push((name.clone(), said));
        }
        let name = text("filename_download").unwrap_or(key).to_owned();
        let kind = text("type").unwrap_or("application/octet-stream").to_owned();
        // The id is chosen by us: whoever sends it twice is refused, and nothing is doubled.
        Ok(request.form(parts, &name, &kind, content).safety(Safety::Idempotent))
    }

    async fn send(&self, side: Side, request: &Request) -> Result<Result<(), String>, LiveError> {
        let peer = self.peer(side);
        match self.timed(peer.client.send(request)).await? {
            Ok(_) => Ok(Ok(())),
            Err(error) if is_down(error.kind()) => Err(peer.failed(error)),
            Err(error) => Ok(refused(&error)),
        }
    }
}

/// A file that is there already is what was wanted: the answer to its upload was lost.
fn refused(error: &Error) -> Result<(), String> {
    if error.code() == Some("RECORD_NOT_UNIQUE") { Ok(()) } else { Err(told(error)) }
}

/// What tells a content from a later one, taken out of a row.
pub(super) fn stamp(row: &mut Fields) -> String {
    let parts: Vec<String> =
        STAMPS.iter().map(|name| row.shift_remove(*name).unwrap_or_default().to_string()).collect();
    parts.join(" ")
}

fn hex(content: &[u8]) -> String {
    Sha1::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}
