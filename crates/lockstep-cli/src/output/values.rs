//! Old and new values side by side, long ones as a diff by lines.

use std::fmt::Write as _;

use lockstep_engine::dump::Sorted;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::printable::{line, printable};
use super::style::{ADD, DIM, REMOVE};

/// The longest value that stands on one line.
const SHORT: usize = 60;
/// How many unchanged lines stand around a changed one.
const CONTEXT: usize = 1;

/// One changed field, indented. `names` are what people call the records that the values refer to.
pub(super) fn edit(
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    names: (Option<&str>, Option<&str>),
    indent: usize,
) -> String {
    if before == after {
        let label = line(path);
        return format!(
            "{:indent$}{label}  {DIM}names records by ids that they do not have here{DIM:#}\n",
            ""
        );
    }
    let (old, new) = (short(before, names.0), short(after, names.1));
    let label = if path.is_empty() { "value".to_owned() } else { line(path) };
    if let (Some(old), Some(new)) = (old, new) {
        return format!("{:indent$}{label}  {REMOVE}{old}{REMOVE:#} -> {ADD}{new}{ADD:#}\n", "");
    }
    let (old, new) = (long(before), long(after));
    let mut text = format!("{:indent$}{label}\n", "");
    let diff = TextDiff::from_lines(&old, &new);
    let groups = diff.grouped_ops(CONTEXT);
    for (place, group) in groups.iter().enumerate() {
        if place > 0 {
            let _ = writeln!(text, "{:indent$}  {DIM}...{DIM:#}", "");
        }
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let line = change.value().trim_end_matches('\n');
            let _ = match change.tag() {
                ChangeTag::Delete => writeln!(text, "{:indent$}  {REMOVE}- {line}{REMOVE:#}", ""),
                ChangeTag::Insert => writeln!(text, "{:indent$}  {ADD}+ {line}{ADD:#}", ""),
                ChangeTag::Equal => writeln!(text, "{:indent$}    {DIM}{line}{DIM:#}", ""),
            };
        }
    }
    text
}

/// A value on one line; none if it is too long for that.
fn short(value: Option<&Value>, name: Option<&str>) -> Option<String> {
    let text = match value {
        None => "nothing".to_owned(),
        Some(Value::Array(items)) if items.iter().any(|item| item.is_array() || item.is_object()) => {
            return None;
        }
        Some(Value::Object(fields)) if !fields.is_empty() => return None,
        Some(value) => printable(&value.to_string()),
    };
    let text = match name {
        Some(name) => format!("{} ({})", line(name), text.trim_matches('"')),
        None => text,
    };
    let fits = text.chars().count() <= SHORT || name.is_some();
    (fits && !matches!(value, Some(Value::String(text)) if text.contains('\n'))).then_some(text)
}

fn long(value: Option<&Value>) -> String {
    let text = match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        // The order of keys means nothing, and is no difference to be seen.
        Some(value) => serde_json::to_string_pretty(&Sorted(value)).unwrap_or_default(),
    };
    printable(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plain(before: &Value, after: &Value) -> String {
        let text = edit("field", Some(before), Some(after), (None, None), 2);
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn short_values_stand_on_one_line() {
        assert_eq!(plain(&json!("active"), &json!("inactive")), "  field  \"active\" -> \"inactive\"\n");
        assert_eq!(plain(&json!(null), &json!(["a", "b"])), "  field  null -> [\"a\",\"b\"]\n");
        assert_eq!(plain(&json!({}), &json!(1)), "  field  {} -> 1\n");
    }

    #[test]
    fn json_is_a_diff_by_lines() {
        let text = plain(
            &json!({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}),
            &json!({"a": 1, "b": 2, "c": 3, "d": 4, "e": 6}),
        );
        assert_eq!(text, "  field\n        \"d\": 4,\n    -   \"e\": 5\n    +   \"e\": 6\n      }\n");
    }

    #[test]
    fn the_order_of_keys_is_not_shown() {
        let text =
            plain(&json!({"b": [{"d": 1, "c": 2}], "a": 0}), &json!({"a": 1, "b": [{"c": 2, "d": 1}]}));
        assert_eq!(text, "  field\n      {\n    -   \"a\": 0,\n    +   \"a\": 1,\n        \"b\": [\n");
    }

    #[test]
    fn references_are_named() {
        let text = edit("role", Some(&json!("1")), Some(&json!("2")), (Some("Editor"), Some("Author")), 0);
        assert_eq!(anstream::adapter::strip_str(&text).to_string(), "role  Editor (1) -> Author (2)\n");
    }

    #[test]
    fn what_differs_in_ids_alone_is_not_shown_as_nothing() {
        let rule = json!({"role": {"_eq": "668c147a"}});
        assert_eq!(plain(&rule, &rule), "  field  names records by ids that they do not have here\n");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert!(!plain(&json!("a"), &json!("line\n\u{1b}[2Jgone")).contains('\u{1b}'));
    }
}
