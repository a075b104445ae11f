//! JSON for people who compare: on one line what fits there, sorted by nothing but the server.

use serde_json::Value;

const WIDTH: usize = 110;

/// The text of a value, several lines long if it is wide.
pub(crate) fn pretty(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text
}

fn write(value: &Value, indent: usize, text: &mut String) {
    let line = one_line(value);
    let (open, close) = match value {
        Value::Array(list) if !list.is_empty() => ('[', ']'),
        Value::Object(map) if !map.is_empty() => ('{', '}'),
        _ => return text.push_str(&line),
    };
    let column = text.len() - text.rfind('\n').map_or(0, |at| at + 1);
    if column + line.chars().count() < WIDTH {
        return text.push_str(&line);
    }
    text.push(open);
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (format!("{}: ", quoted(key)), value)).collect(),
        Value::Array(list) => list.iter().map(|value| (String::new(), value)).collect(),
        _ => Vec::new(),
    };
    for (n, (key, child)) in children.iter().enumerate() {
        text.push_str(if n == 0 { "\n" } else { ",\n" });
        text.push_str(&" ".repeat(indent + 2));
        text.push_str(key);
        write(child, indent + 2, text);
    }
    text.push('\n');
    text.push_str(&" ".repeat(indent));
    text.push(close);
}

fn one_line(value: &Value) -> String {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let pairs = map.iter().map(|(key, value)| format!("{}: {}", quoted(key), one_line(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(one_line).collect::<Vec<_>>().join(", ")),
        _ => value.to_string(),
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fits_is_on_one_line() {
        assert_eq!(pretty(&json!({"a": [1, {"b": null}], "c": {}})), r#"{"a": [1, {"b": null}], "c": {}}"#);
        let wide = "x".repeat(100);
        let text = pretty(&json!({"a": [wide], "b": 1}));
        assert_eq!(text, format!("{{\n  \"a\": [\n    \"{wide}\"\n  ],\n  \"b\": 1\n}}"));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({"a": [wide], "b": 1}));
    }
}
