//! What is shown of each item to somebody who may see some fields of some items, and others of others.

use serde_json::{Map, Value};

use super::filter::Filters;
use super::selection::{Selection, Source};
use super::sql::Sql;
use crate::access::{self, Fields};
use crate::db::Session;
use crate::error::Answer;
use crate::schema::Collection;

/// The permissions of somebody, one by one; none where all of them show the same fields.
#[derive(Debug, Default)]
pub(super) struct Cases {
    /// The fields of each, and which of the conditions an item has to fit.
    shown: Vec<(Fields, Option<usize>)>,
    /// For the table as `t0`.
    pub(super) conditions: Vec<Sql>,
}

impl Cases {
    /// Those of the asker.
    pub(super) fn of(session: &Session<'_>, collection: &Collection) -> Answer<Self> {
        let mut cases = Self::default();
        let rule = access::rule(session, &collection.name, "read")?;
        let Some(rule) = rule.filter(|rule| !rule.is_uniform()) else { return Ok(cases) };
        for case in rule.cases {
            let place = match &case.filter {
                Some(filter) => {
                    let condition = Filters::trusted(session).condition(collection, "t0", filter)?;
                    cases.conditions.push(Sql::new("(").then(condition).word(")"));
                    Some(cases.conditions.len() - 1)
                }
                None => None,
            };
            cases.shown.push((case.fields, place));
        }
        Ok(cases)
    }

    /// Takes out of each item what no permission shows of it; `fits` has, for each item, which conditions it fits.
    pub(super) fn hide(&self, selection: &Selection, items: &mut [Map<String, Value>], fits: &[Vec<bool>]) {
        if self.shown.is_empty() {
            return;
        }
        for (item, fits) in items.iter_mut().zip(fits) {
            for (key, source) in &selection.entries {
                if !source.field().is_none_or(|field| self.shows(field, fits))
                    && let Some(value) = item.get_mut(key)
                {
                    *value = if value.is_array() { Value::Array(Vec::new()) } else { Value::Null };
                }
            }
        }
    }

    fn shows(&self, field: &str, fits: &[bool]) -> bool {
        let fits = |place: &Option<usize>| place.is_none_or(|place| fits.get(place) == Some(&true));
        self.shown.iter().any(|(fields, place)| fields.contains(field) && fits(place))
    }
}

/// A column as the asker may see it: null where they see the item, and not this field of it. Searches and aggregates go
/// by it; filters and orders do not, on the real one neither.
pub(super) fn seen(session: &Session<'_>, collection: &Collection, field: &str) -> Answer<Sql> {
    let column = Sql::column("t0", field);
    Ok(match showing(session, collection, &[field])? {
        None => column,
        Some(shown) => Sql::new("case when ").then(shown).word(" then ").then(column).word(" end"),
    })
}

/// The condition of items of which the asker sees one of these fields; none where that is all that they see.
pub(super) fn showing(
    session: &Session<'_>,
    collection: &Collection,
    fields: &[&str],
) -> Answer<Option<Sql>> {
    let rule = access::rule(session, &collection.name, "read")?.filter(|rule| !rule.is_uniform());
    let Some(rule) = rule.filter(|_| !fields.is_empty()) else { return Ok(None) };
    let mut conditions = Vec::new();
    for case in rule.cases.iter().filter(|case| fields.iter().any(|field| case.fields.contains(field))) {
        let Some(filter) = &case.filter else { return Ok(None) };
        conditions.push(Filters::trusted(session).condition(collection, "t0", filter)?);
    }
    Ok(Some(Sql::joined(conditions, " or ", "0")))
}

impl Source {
    /// The field that it shows.
    fn field(&self) -> Option<&str> {
        match self {
            Self::Column(name) => Some(name),
            Self::Function(function) => Some(&function.field),
            Self::One(relation, ..) | Self::Any(relation, _) => Some(&relation.field),
            Self::Count(relation) | Self::Many(relation, ..) => relation.one_field.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_shown_where_a_permission_that_has_it_fits() {
        let set = |names: &[&str]| Fields::Set(names.iter().map(|it| (*it).to_owned()).collect());
        let cases = Cases {
            shown: vec![(set(&["id", "title"]), Some(0)), (set(&["id", "hidden"]), Some(1))],
            conditions: vec![Sql::new("1"), Sql::new("1")],
        };
        let column = |name: &str| (name.to_owned(), Source::Column(name.into()));
        let selection = Selection { entries: ["id", "title", "hidden"].into_iter().map(column).collect() };
        let item = json!({"id": 1, "title": "a", "hidden": [2]});
        let mut items = vec![item.as_object().cloned().unwrap_or_default(); 2];
        cases.hide(&selection, &mut items, &[vec![true, false], vec![false, true]]);
        assert_eq!(Value::Object(items[0].clone()), json!({"id": 1, "title": "a", "hidden": []}));
        assert_eq!(Value::Object(items[1].clone()), json!({"id": 1, "title": null, "hidden": [2]}));
    }
}
