//! Which part of an answer is compared: paths to take or to leave, rows to take, lists whose order does not matter.
//!
//! A path is keys and indexes with dots between them, `*` for all of a list or of an object; `$` is the whole answer.

use serde_json::{Map, Value};

use crate::case::Step;

/// What the step wants compared of the body of its answer.
pub(crate) fn shaped(step: &Step, mut body: Value) -> Value {
    if let Some((field, wanted)) = step.option("where").and_then(|clause| clause.split_once('=')) {
        let wanted: Vec<&str> = wanted.split(',').map(str::trim).collect();
        keep_rows(&mut body, field.trim(), &wanted);
    }
    let picked: Vec<Vec<&str>> = step.list("pick").map(split).collect();
    if !picked.is_empty() {
        body = pick(&body, &picked);
    }
    for path in step.list("except") {
        remove(&mut body, &split(path));
    }
    body
}

/// What is at a path.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    split(path).iter().try_fold(value, |value, part| match value {
        Value::Array(list) => list.get(part.parse::<usize>().ok()?),
        _ => value.get(*part),
    })
}

/// Sorts the lists at the paths by `key`.
pub(crate) fn sort_lists(value: &mut Value, paths: &[&str], key: &dyn Fn(&Value) -> String) {
    for path in paths {
        for_each(value, &split(path), &mut |found| {
            if let Value::Array(list) = found {
                list.sort_by_cached_key(key);
            }
        });
    }
}

fn split(path: &str) -> Vec<&str> {
    if path == "$" { Vec::new() } else { path.split('.').collect() }
}

fn keep_rows(body: &mut Value, field: &str, wanted: &[&str]) {
    let rows = if body.is_array() { body.as_array_mut() } else { body["data"].as_array_mut() };
    if let Some(rows) = rows {
        rows.retain(|row| {
            let value = at(row, field).and_then(Value::as_str).unwrap_or_default();
            wanted.iter().any(|wanted| match wanted.strip_suffix('*') {
                Some(start) => value.starts_with(start),
                None => value == *wanted,
            })
        });
    }
}

fn pick(value: &Value, paths: &[Vec<&str>]) -> Value {
    if paths.iter().any(Vec::is_empty) {
        return value.clone();
    }
    let below = |key: &str| -> Vec<Vec<&str>> {
        paths.iter().filter(|path| path[0] == key || path[0] == "*").map(|path| path[1..].to_vec()).collect()
    };
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, _)| !below(key).is_empty());
            Value::Object(
                kept.map(|(key, value)| (key.clone(), pick(value, &below(key)))).collect::<Map<_, _>>(),
            )
        }
        Value::Array(list) => {
            let kept = list.iter().enumerate().map(|(n, value)| (value, below(&n.to_string())));
            kept.filter(|(_, paths)| !paths.is_empty()).map(|(value, paths)| pick(value, &paths)).collect()
        }
        // The path leads on where nothing is: what is there instead is worth seeing.
        scalar => scalar.clone(),
    }
}

fn remove(value: &mut Value, path: &[&str]) {
    let Some((last, parents)) = path.split_last() else { return };
    for_each(value, parents, &mut |parent| {
        if let Value::Object(map) = parent {
            map.shift_remove(*last);
        }
    });
}

fn for_each(value: &mut Value, path: &[&str], visit: &mut dyn FnMut(&mut Value)) {
    let Some((first, rest)) = path.split_first() else { return visit(value) };
    match value {
        Value::Object(map) if *first == "*" => {
            map.values_mut().for_each(|value| for_each(value, rest, visit));
        }
        Value::Array(list) if *first == "*" => {
            list.iter_mut().for_each(|value| for_each(value, rest, visit));
        }
        Value::Object(map) => {
            if let Some(value) = map.get_mut(*first) {
                for_each(value, rest, visit);
            }
        }
        Value::Array(list) => {
            if let Some(value) = first.parse::<usize>().ok().and_then(|n| list.get_mut(n)) {
                for_each(value, rest, visit);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(options: &str) -> Step {
        let text = format!("### x\nGET /x\n{options}\n");
        crate::case::Case::parse(&text).unwrap().steps.remove(0)
    }

    #[test]
    fn paths_choose_what_is_compared() {
        let body = json!({"data": [{"id": 1, "a": {"b": 2, "c": 3}}, {"id": 2, "a": null}], "meta": 1});
        let shape = |options: &str| shaped(&step(options), body.clone());
        assert_eq!(shape("pick: data.*.a.b"), json!({"data": [{"a": {"b": 2}}, {"a": null}]}));
        assert_eq!(shape("pick: data.1.id, meta"), json!({"data": [{"id": 2}], "meta": 1}));
        assert_eq!(shape("except: data.*.a, meta"), json!({"data": [{"id": 1}, {"id": 2}]}));
        assert_eq!(at(&body, "data.0.a.c"), Some(&json!(3)));
        assert_eq!(at(&body, "$"), Some(&body));
    }

    #[test]
    fn rows_are_kept_by_a_field() {
        let body = json!({"data": [{"c": "a"}, {"c": "b_1"}, {"c": "x"}]});
        assert_eq!(shaped(&step("where: c = a, b_*"), body), json!({"data": [{"c": "a"}, {"c": "b_1"}]}));
    }

    #[test]
    fn lists_can_be_sorted() {
        let mut body = json!({"data": [{"l": [2, 1]}]});
        sort_lists(&mut body, &["data.*.l"], &Value::to_string);
        assert_eq!(body, json!({"data": [{"l": [1, 2]}]}));
    }
}
