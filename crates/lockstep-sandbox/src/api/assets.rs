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
    let size = bytes.len();
    let part = call.request.range.as_deref().map(|range| part(range, size)).transpose()?.flatten();
    let mut reply = match part {
        Some((first, last)) => Reply { status: 206, ..Reply::bytes(&kind, bytes[first..=last].to_vec()) }
            .with(header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}")),
        None => Reply::bytes(&kind, bytes),
    };
    reply = reply
        .with(header::CONTENT_DISPOSITION, disposition(how, &name))
        .with(header::ACCEPT_RANGES, "bytes")
        // What people upload is not to run with the rights of the instance's address.
        .with(header::CONTENT_SECURITY_POLICY, "default-src 'none'")
        .with(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with(header::CACHE_CONTROL, "private, max-age=0, must-revalidate")
        .with(header::LAST_MODIFIED, moment(&record["modified_on"]));
    Ok(reply)
}

/// The first and the last byte that are asked for; none if all are, since nothing of the kind is said.
fn part(range: &str, size: usize) -> Answer<Option<(usize, usize)>> {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Ok(None);
    };
    let number = |text: &str| text.trim().parse::<usize>().ok();
    let part = match (number(first), number(last)) {
        (Some(first), Some(last)) => Some((first, last.min(size.saturating_sub(1)))),
        (Some(first), None) => Some((first, size.saturating_sub(1))),
        (None, Some(count)) => Some((size.saturating_sub(count), size.saturating_sub(1))),
        (None, None) => None,
    };
    let part = part.filter(|(first, last)| first <= last && *first < size);
    part.map(Some).ok_or_else(|| {
        let message =
            format!("Range \"{range}\" is invalid or the file's size doesn't match the requested range.");
        ApiError::new(416, "RANGE_NOT_SATISFIABLE", message).saying("range", range)
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_within_the_file() {
        for (range, expected) in [
            ("bytes=0-4", Some((0, 4))),
            ("bytes=5-", Some((5, 12))),
            ("bytes=-3", Some((10, 12))),
            ("bytes=-99", Some((0, 12))),
            ("bytes=12-99", Some((12, 12))),
            ("lines=1-2", None),
        ] {
            assert_eq!(part(range, 13), Ok(expected), "{range}");
        }
        for range in ["bytes=13-", "bytes=100-200", "bytes=4-2", "bytes=-", "bytes=a-b"] {
            assert_eq!(part(range, 13).map_err(|error| error.status), Err(416), "{range}");
        }
        assert!(part("bytes=0-", 0).is_err());
    }
}
