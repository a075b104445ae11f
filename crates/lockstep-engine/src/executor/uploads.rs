//! Records that come with a file: one request for each, the fields as a form before the file.

use std::path::Path;

use lockstep_core::plan::{Batch, Item, Verb};
use lockstep_core::record::Fields;
use lockstep_directus::items::Endpoint;
use lockstep_directus::{Error as DirectusError, ErrorKind, Request};
use serde_json::Value;

use super::{ATTEMPTS, Executor, GRACE};
use crate::seed::media_type;

impl Executor<'_> {
    /// Sends a file, or another one in place of one that is there. The id is chosen, so a file whose answer is lost is
    /// looked for before it is sent again.
    pub(super) async fn upload(
        &self,
        batch: &Batch,
        item: &Item,
        file: &str,
        endpoint: &Endpoint,
    ) -> Result<(), DirectusError> {
        let bytes = self.assets.read(file).await?;
        let mut fields: Fields = serde_json::from_str(&item.body).unwrap_or_default();
        let request = match (batch.verb, &item.id) {
            (Verb::Update, Some(id)) => {
                // As a form nothing can be set to null.
                fields.shift_remove(batch.collection.key_field);
                let place = format!("{}/{id}", endpoint.path());
                if !fields.is_empty() {
                    let fields = Value::Object(fields.clone());
                    self.instance
                        .client
                        .send(&Request::patch(&place).query("fields", "id").json(fields))
                        .await?;
                }
                form(Request::patch(place), Fields::new(), file, &fields, bytes)
            }
            _ => form(Request::post(endpoint.path()), fields.clone(), file, &fields, bytes),
        };
        for attempt in 1.. {
            let sent = self.instance.client.send(&request).await;
            let error = match sent {
                Ok(answer) => return self.correct(batch, item, &fields, &answer.data()?, endpoint).await,
                Err(error) => error,
            };
            let repeated = attempt > 1 && error.code() == Some("RECORD_NOT_UNIQUE");
            if attempt >= ATTEMPTS || !(error.may_have_been_applied() || repeated) {
                return Err(error);
            }
            tokio::time::sleep(GRACE * attempt).await;
            let items = std::slice::from_ref(item);
            let Ok(there) = self.existing(batch.collection, items, endpoint).await else { return Err(error) };
            match (batch.verb, there.is_empty()) {
                (Verb::Create, false) => return Ok(()),
                (Verb::Create, true) if error.kind() == ErrorKind::Server => {
                    return Err(error.known_not_applied());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Directus 12 lets the user who uploads be the one who uploaded, whatever it is told: what the answer has otherwise is
    /// said once more.
    async fn correct(
        &self,
        batch: &Batch,
        item: &Item,
        sent: &Fields,
        there: &Value,
        endpoint: &Endpoint,
    ) -> Result<(), DirectusError> {
        let collection = batch.collection;
        let differs = |name: &str, value: &Value| {
            there.get(name).is_some_and(|there| !collection.same(name, value, there))
        };
        let mut fields = sent.clone();
        fields.retain(|name, value| name != collection.key_field && differs(name, value));
        let (false, Some(id)) = (fields.is_empty(), &item.id) else { return Ok(()) };
        let request = Request::patch(format!("{}/{id}", endpoint.path())).query("fields", "id");
        self.instance.client.send(&request.json(Value::Object(fields))).await.map(drop)
    }
}

/// The request with a file, and these fields before it.
fn form(request: Request, sent: Fields, file: &str, fields: &Fields, bytes: Vec<u8>) -> Request {
    let path = Path::new(file);
    let own = || path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let given = fields.get("filename_download").and_then(Value::as_str).map(str::to_owned);
    let name = given.unwrap_or_else(own);
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or_else(|| media_type(path));
    let texts = sent.into_iter().filter_map(|(name, value)| match value {
        Value::Null => None,
        Value::String(text) => Some((name, text)),
        other => Some((name, other.to_string())),
    });
    request.query("fields", "*").form(texts.collect(), &name, kind, bytes)
}
