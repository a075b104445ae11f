//! `/files`: records of files, and what they hold.

use serde_json::{Map, Value};

use super::call::Call;
use super::items::Endpoint;
use super::reply::Reply;
use super::request::Part;
use crate::clock;
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::{files, write};

const COLLECTION: &str = "directus_files";

/// Answers below `/files`.
pub(crate) fn answer(call: &Call<'_>, rest: &[&str]) -> Answer<Reply> {
    let endpoint = Endpoint { collection: COLLECTION, singleton: false, fixed: false };
    match (call.request.method.as_str(), rest) {
        ("POST", []) if call.request.is_form() => upload(call, &endpoint),
        ("PATCH", [key]) if call.request.is_form() => replace(call, &endpoint, key),
        // One request reads another address for the client: an instance to try things on does not.
        ("POST", ["import"]) => Err(not_fetched(call)),
        // A record without content is made as any item, if it says what it would be.
        ("POST", []) if call.request.text("type").is_none_or(str::is_empty) => {
            Err(ApiError::payload("\"type\" is required"))
        }
        _ => {
            let keys: Vec<String> = rest.iter().map(|key| (*key).to_owned()).collect();
            let reply = endpoint.answer(call, &keys)?;
            if call.request.method == "DELETE" {
                call.write(|session| files::sweep(session))?;
            }
            Ok(reply)
        }
    }
}

fn not_fetched(call: &Call<'_>) -> ApiError {
    let Some(url) = call.request.text("url") else { return ApiError::payload("\"url\" is required") };
    let reason = format!("Couldn't fetch file from URL \"{url}\"");
    let message = format!("Service \"external-file\" is unavailable. {reason}.");
    ApiError::new(503, "SERVICE_UNAVAILABLE", message)
        .saying("service", "external-file")
        .saying("reason", reason)
}

/// One file of a form, with what the form says of it.
struct Upload<'a> {
    payload: Map<String, Value>,
    part: &'a Part,
}

/// The files of a form. What is said of a file stands before it.
fn uploads(parts: &[Part]) -> Answer<Vec<Upload<'_>>> {
    let (mut payload, mut uploads) = (Map::new(), Vec::new());
    for part in parts {
        if !part.is_file() {
            let text = String::from_utf8_lossy(&part.bytes).into_owned();
            let value = match text.trim() {
                "null" => Value::Null,
                "true" => true.into(),
                "false" => false.into(),
                _ => text.into(),
            };
            payload.insert(part.name.clone(), value);
            continue;
        }
        // A field for a file that nobody chose.
        if part.file.as_deref().is_none_or(str::is_empty) {
            continue;
        }
        uploads.push(Upload { payload: std::mem::take(&mut payload), part });
    }
    if uploads.is_empty() {
        Err(ApiError::payload("No files were included in the body"))
    } else {
        Ok(uploads)
    }
}

impl Upload<'_> {
    fn name(&self) -> &str {
        self.part.file.as_deref().unwrap_or_default()
    }

    fn kind(&self) -> String {
        self.part.kind.clone().unwrap_or_else(|| "application/octet-stream".into())
    }

    /// The record as it is written.
    fn record(&self, id: &str, created: bool) -> Map<String, Value> {
        let mut record = self.payload.clone();
        let kind = self.kind();
        let empty = |record: &Map<String, Value>, name: &str| {
            record.get(name).is_none_or(|value| value.is_null() || value.as_str() == Some(""))
        };
        if created {
            if empty(&record, "title") {
                record.insert("title".into(), files::title(self.name()).into());
            }
            if empty(&record, "storage") {
                record.insert("storage".into(), "local".into());
            }
        }
        if empty(&record, "filename_download") {
            record.insert("filename_download".into(), self.name().into());
        }
        record.insert("filename_disk".into(), format!("{id}{}", files::ending(self.name(), &kind)).into());
        record.extend(files::described(&self.part.bytes, &kind));
        record.insert("type".into(), kind.into());
        record.insert("uploaded_on".into(), clock::now().into());
        record
    }
}

fn upload(call: &Call<'_>, endpoint: &Endpoint<'_>) -> Answer<Reply> {
    let query = call.query()?;
    let uploads = uploads(&call.request.form)?;
    let keys = call.write(|session| {
        let mut keys = Vec::new();
        for upload in &uploads {
            let given = upload.payload.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
            let id = given.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
            let mut record = upload.record(&id, true);
            record.insert("id".into(), id.clone().into());
            keys.extend(write::create(session, COLLECTION, vec![record])?);
            files::store(session.db, &id, &upload.part.bytes)?;
        }
        Ok(keys)
    })?;
    match keys.as_slice() {
        [key] => endpoint.one_again(call, key, &query),
        keys => endpoint.again(call, keys, &query),
    }
}

fn replace(call: &Call<'_>, endpoint: &Endpoint<'_>, key: &str) -> Answer<Reply> {
    let query = call.query()?;
    let uploads = uploads(&call.request.form)?;
    let id = Value::from(key);
    call.write(|session| {
        for upload in &uploads {
            let record = upload.record(key, false);
            exists(session, key)?;
            write::update(session, COLLECTION, std::slice::from_ref(&id), &record)?;
            files::store(session.db, key, &upload.part.bytes)?;
        }
        Ok(())
    })?;
    endpoint.one_again(call, &id, &query)
}

fn exists(session: &Session<'_>, id: &str) -> Answer<()> {
    let sql = "select exists (select 1 from directus_files where id = ?1)";
    if session.db.query_row(sql, [id], |row| row.get(0))? { Ok(()) } else { Err(ApiError::forbidden(None)) }
}
