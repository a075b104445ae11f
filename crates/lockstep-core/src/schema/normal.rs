//! One order for a schema, whatever order it came in.

use super::native::{COLUMN, FOREIGN_KEY};
use super::shape::text;
use super::snapshot::Snapshot;
use crate::json::{Json, Object, compare_keys};

/// The order of an item's own keys.
const ITEM: [&str; 6] = ["collection", "field", "type", "related_collection", "meta", "schema"];

impl Snapshot {
    /// The same schema in one order: collections by name, fields by collection and position, relations by collection and
    /// field; an item's keys and a column's as the server has them, metadata by key. The hash of a server counts the order
    /// of lists, so it is another one afterwards.
    #[must_use]
    pub fn normalized(self) -> Self {
        let (header, mut collections, mut fields, mut relations) = self.into_parts();
        for list in [&mut collections, &mut fields, &mut relations] {
            list.sort_by(|left, right| position(left).cmp(&position(right)));
            for item in list.iter_mut() {
                *item = normal_item(std::mem::take(item));
            }
        }
        Self::of_sound_parts(header, collections, fields, relations)
    }
}

/// Collection, then `meta.sort` (without one: last), then field.
pub(crate) fn position(entry: &Object) -> (&str, i64, &str) {
    let sort = entry.get("meta").and_then(|meta| meta.get("sort")).and_then(Json::as_i64).unwrap_or(i64::MAX);
    let field = text(entry, "field");
    let sort = if field.is_some() { sort } else { 0 };
    (text(entry, "collection").unwrap_or_default(), sort, field.unwrap_or_default())
}

fn normal_item(item: Object) -> Object {
    let parts = item.into_iter().map(|(key, value)| {
        let value = match (key.as_str(), value) {
            ("schema", Json::Object(schema)) => {
                let known: Vec<&str> = COLUMN.iter().chain(&FOREIGN_KEY).copied().collect();
                Json::Object(in_order(schema, &known))
            }
            (_, value) => sorted(value),
        };
        (key, value)
    });
    in_order(parts.collect(), &ITEM)
}

/// Known keys first, in their order.
fn in_order(object: Object, known: &[&str]) -> Object {
    let mut pairs: Vec<_> = object.into_iter().collect();
    let place = |key: &str| known.iter().position(|known| *known == key).unwrap_or(known.len());
    pairs.sort_by(|(left, _), (right, _)| {
        (place(left.as_str()), left.as_str()).cmp(&(place(right.as_str()), right.as_str()))
    });
    Object::new(pairs)
}

fn sorted(value: Json) -> Json {
    match value {
        Json::Object(object) => {
            let mut pairs: Vec<_> = object.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            pairs.sort_by(|(left, _), (right, _)| compare_keys(left.as_str(), right.as_str()));
            Json::Object(Object::new(pairs))
        }
        Json::Array(items) => Json::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
