//! `/assets`: what files hold.

use axum::http::header;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::call::Call;
use super::reply::Reply;
use crate::error::{Answer, ApiError};
use crate::files;
use crate::query::{self, Query};

/// Answers below `/assets`.
pub(crate) fn answer(call: &Call<'_>, rest: &[&str]) -> Answer<Reply> {
    let ("GET", [key] | [key, _]) = (call.request.method.as_str(), rest) else { return call.no_route() };
    let id: String = key.chars().take(36).collect();
    let fields = ["id", "type", "filename_download", "modified_on"].map(Into::into).to_vec();
    let query = Query { fields, ..Query::default() };
    let (record, bytes) = call.read(|session| {
        if uuid::Uuid::try_parse(&id).is_err() {
            return Err(ApiError::forbidden(None));
        }
        let record = query::read_one(session, "directus_files", &id.as_str().into(), &query)?;
        Ok((record, files::load(session.db, &id)?))
    })?;
    let bytes = bytes.ok_or_else(|| ApiError::forbidden(None))?;
    let kind = record["type"].as_str().unwrap_or("application/octet-stream").to_owned();
    let name = rest.get(1).copied().or(record["filename_download"].as_str()).unwrap_or(&id).to_owned();
    let how = if call.request.has("download") { "attachment" } else { "inline" };
    Ok(Reply::bytes(&kind, bytes)
        .with(header::CONTENT_DISPOSITION, disposition(how, &name))
        .with(header::ACCEPT_RANGES, "bytes")
        // What people upload is not to run with the rights of the instance's address.
        .with(header::CONTENT_SECURITY_POLICY, "default-src 'none'")
        .with(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with(header::CACHE_CONTROL, "private, max-age=0, must-revalidate")
        .with(header::LAST_MODIFIED, moment(&record["modified_on"])))
}

/// A file's name in a header, whatever letters it has.
fn disposition(how: &str, name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '"' | '\\') || letter == ' ';
    if name.chars().all(plain) {
        return format!("{how}; filename=\"{name}\"");
    }
    let shown: String = name.chars().map(|letter| if plain(letter) { letter } else { '?' }).collect();
    format!("{how}; filename=\"{shown}\"; filename*=UTF-8''{}", utf8_percent_encode(name, NON_ALPHANUMERIC))
}

fn moment(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    // With or without a zone.
    let civil = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let zoned = text.parse::<jiff::Timestamp>().ok().map(|moment| moment.to_zoned(jiff::tz::TimeZone::UTC));
    let moment =
        zoned.or_else(civil).unwrap_or_else(|| jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC));
    moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
