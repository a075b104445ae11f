//! `?export=`: the data as a file.

use axum::http::header;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize as _;
use serde_json::Value;

use super::reply::Reply;
use crate::error::{Answer, ApiError};

/// The data as a file to save.
pub(crate) fn download(data: &Value, format: &Value, name: &str) -> Answer<Reply> {
    let (kind, ending, text) = match format.as_str() {
        Some("json") => ("application/json", "json", tabbed(data)?),
        Some("yaml") => {
            let text = yaml_serde::to_string(data).map_err(|error| ApiError::internal(error.to_string()))?;
            ("text/yaml", "yaml", text)
        }
        _ => return Err(ApiError::query("\"export\" must be one of [json, yaml]")),
    };
    let now = Timestamp::now().to_zoned(TimeZone::UTC).strftime("%Y%m%d-%H%M%S").to_string();
    let file = format!("attachment; filename=\"{name} {now}.{ending}\"");
    Ok(Reply::bytes(&format!("{kind}; charset=utf-8"), text).with(header::CONTENT_DISPOSITION, file))
}

fn tabbed(data: &Value) -> Answer<String> {
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    data.serialize(&mut serializer).map_err(|error| ApiError::internal(error.to_string()))?;
    String::from_utf8(text).map_err(|error| ApiError::internal(error.to_string()))
}
