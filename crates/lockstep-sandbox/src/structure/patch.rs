//! A list of differences carried out on a value, as the server does it.

use serde_json::{Map, Value};

/// What becomes of a value by these differences; none if it goes, or if a difference does not fit it.
pub(super) fn patched(mut value: Value, differences: &[Value]) -> Option<Value> {
    for difference in differences {
        let path: &[Value] = difference.get("path").and_then(Value::as_array).map_or(&[], Vec::as_slice);
        match kind(difference) {
            "N" | "E" => *place(&mut value, path)? = difference.get("rhs").cloned().unwrap_or_default(),
            "D" => {
                let (last, parents) = path.split_last()?;
                if let Value::Object(map) = place(&mut value, parents)? {
                    map.shift_remove(last.as_str()?);
                }
            }
            _ => array(place(&mut value, path)?, difference)?,
        }
    }
    Some(value)
}

/// `N`, `D`, `E` or `A`.
pub(super) fn kind(difference: &Value) -> &str {
    difference.get("kind").and_then(Value::as_str).unwrap_or_default()
}

fn array(value: &mut Value, difference: &Value) -> Option<()> {
    let items = value.as_array_mut()?;
    let index = usize::try_from(difference.get("index")?.as_u64()?).ok()?;
    let item = difference.get("item")?;
    match kind(item) {
        "D" if index < items.len() => {
            items.remove(index);
        }
        "D" => {}
        // New elements come from the last to the first, so none is far beyond the end.
        _ if index < 1 << 16 => {
            items.resize(items.len().max(index + 1), Value::Null);
            items[index] = item.get("rhs").cloned().unwrap_or_default();
        }
        _ => return None,
    }
    Some(())
}

/// The place of a path; what is missing on the way is made.
fn place<'a>(value: &'a mut Value, path: &[Value]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, step| match step {
        Value::String(key) => {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            Some(value.as_object_mut()?.entry(key.clone()).or_insert(Value::Null))
        }
        step => value.as_array_mut()?.get_mut(usize::try_from(step.as_u64()?).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_carried_out_in_order() {
        let value = json!({"a": 1, "m": {"x": [1, 2, 3], "y": 2}});
        let differences = json!([
            {"kind": "E", "path": ["a"], "lhs": 1, "rhs": 2},
            {"kind": "N", "path": ["m", "z"], "rhs": {"q": null}},
            {"kind": "D", "path": ["m", "y"], "lhs": 2},
            {"kind": "A", "path": ["m", "x"], "index": 2, "item": {"kind": "D", "lhs": 3}},
            {"kind": "E", "path": ["m", "x", 0], "lhs": 1, "rhs": "one"},
            {"kind": "A", "path": ["m", "x"], "index": 3, "item": {"kind": "N", "rhs": 4}}
        ]);
        let expected = json!({"a": 2, "m": {"x": ["one", 2, null, 4], "z": {"q": null}}});
        assert_eq!(patched(value, differences.as_array().unwrap()), Some(expected));
    }

    #[test]
    fn what_does_not_fit_is_none() {
        for difference in [
            json!({"kind": "E", "path": ["a", "b"], "rhs": 1}),
            json!({"kind": "E", "path": [0], "rhs": 1}),
            json!({"kind": "A", "path": ["a"], "index": 0, "item": {"kind": "N", "rhs": 1}}),
            json!({"kind": "D", "lhs": {}}),
        ] {
            assert_eq!(patched(json!({"a": 1}), std::slice::from_ref(&difference)), None, "{difference}");
        }
    }
}
