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
            ("text/yaml", "yaml", super::yaml::indented(&text))
        }
        Some("csv") => ("text/csv", "csv", csv(data)),
        Some("csv_utf8") => ("text/csv", "csv", format!("\u{feff}{}", csv(data))),
        Some("xml") => {
            return Err(ApiError::query(
                "The sandbox does not export XML; \"export\" can be csv, json or yaml",
            ));
        }
        _ => return Err(ApiError::query("\"export\" must be one of [csv, csv_utf8, json, xml, yaml]")),
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

/// A table; what is nested stands in it as JSON.
fn csv(data: &Value) -> String {
    let one = [data.clone()];
    let rows = data.as_array().map_or(&one[..], Vec::as_slice);
    let mut names: Vec<&str> = Vec::new();
    for row in rows.iter().filter_map(Value::as_object) {
        for name in row.keys() {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let cell = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => quoted(text),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
        Some(value) => quoted(&value.to_string()),
    };
    let mut lines = vec![names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(",")];
    lines.extend(
        rows.iter().map(|row| names.iter().map(|name| cell(row.get(name))).collect::<Vec<_>>().join(",")),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_of_text() {
        let data = json!([{"id": 1, "a": "x\"y"}, {"id": null, "b": [1]}]);
        assert_eq!(csv(&data), "\"id\",\"a\",\"b\"\n1,\"x\"\"y\",\n,,\"[1]\"");
    }
}
