//! What somebody may do with a collection: the permissions of all their policies, joined.

use indexmap::IndexSet;
use rusqlite::params;
use serde_json::{Map, Value, json};

use super::{Who, own, policies};
use crate::db::Session;
use crate::error::Answer;

/// Fields of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fields {
    All,
    /// In the order in which they were listed.
    Set(IndexSet<String>),
}

impl Fields {
    /// True if this one is among them.
    pub(crate) fn contains(&self, field: &str) -> bool {
        match self {
            Self::All => true,
            Self::Set(set) => set.contains(field),
        }
    }

    fn join(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Set(set), Self::Set(other)) => set.extend(other),
            (_, Self::All) => *self = Self::All,
            (Self::All, _) => {}
        }
    }
}

/// What an action may reach, and what it sets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    pub(crate) fields: Fields,
    /// Only these items, as a filter; it may speak of `$CURRENT_USER` and the like.
    pub(crate) filter: Option<Value>,
    /// What is written has to satisfy this, as a filter.
    pub(crate) validation: Option<Value>,
    /// What is set where nothing is said, an object.
    pub(crate) presets: Option<Value>,
    /// The permissions that this is joined of: these fields of the items that fit.
    pub(crate) cases: Vec<Case>,
}

/// Fields that may be seen of some items.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    pub(crate) fields: Fields,
    /// Only of these items.
    pub(crate) filter: Option<Value>,
}

impl Rule {
    fn everything() -> Self {
        Self { fields: Fields::All, filter: None, validation: None, presets: None, cases: Vec::new() }
    }

    /// True if all of the fields may be seen of all of the items that may be.
    pub(crate) fn is_uniform(&self) -> bool {
        self.cases.iter().all(|case| case.fields == self.fields)
    }
}

/// What of an action (`create`, `read`, `update`, `delete`, `share`) is allowed; none if it is not.
pub(crate) fn rule(session: &Session<'_>, collection: &str, action: &str) -> Answer<Option<Rule>> {
    if session.who.admin {
        return Ok(Some(Rule::everything()));
    }
    let mut joined: Option<Joined> = None;
    let sql = "select fields, permissions, validation, presets from directus_permissions \
               where policy = ?1 and collection = ?2 and action = ?3 order by id";
    let mut statement = session.db.prepare_cached(sql)?;
    for policy in policies(session.db, session.who)? {
        let mut rows = statement.query(params![policy.id, collection, action])?;
        while let Some(row) = rows.next()? {
            let permission = Permission {
                fields: fields(row.get::<_, Option<String>>(0)?.as_deref()),
                filter: parsed(row.get(1)?),
                validation: parsed(row.get(2)?),
                presets: parsed(row.get(3)?),
            };
            joined.get_or_insert_default().add(permission);
        }
    }
    for own in own_permissions(session.who, collection, action) {
        joined.get_or_insert_default().add(own);
    }
    Ok(joined.map(Joined::rule))
}

struct Permission {
    fields: Fields,
    filter: Option<Value>,
    validation: Option<Value>,
    presets: Option<Value>,
}

/// Several permissions; the widest of them counts.
struct Joined {
    fields: Fields,
    filters: Vec<Option<Value>>,
    validations: Vec<Option<Value>>,
    presets: Map<String, Value>,
    cases: Vec<Case>,
}

impl Default for Joined {
    fn default() -> Self {
        let fields = Fields::Set(IndexSet::new());
        Self { fields, filters: Vec::new(), validations: Vec::new(), presets: Map::new(), cases: Vec::new() }
    }
}

impl Joined {
    fn add(&mut self, permission: Permission) {
        let case = Case { fields: permission.fields.clone(), filter: permission.filter.clone() };
        self.cases.push(case);
        self.fields.join(permission.fields);
        self.filters.push(permission.filter);
        self.validations.push(permission.validation);
        if let Some(Value::Object(presets)) = permission.presets {
            self.presets.extend(presets);
        }
    }

    fn rule(self) -> Rule {
        Rule {
            fields: self.fields,
            filter: any(self.filters),
            validation: any(self.validations),
            presets: (!self.presets.is_empty()).then_some(Value::Object(self.presets)),
            cases: self.cases,
        }
    }
}

/// One of the filters has to fit; no filter fits always.
fn any(filters: Vec<Option<Value>>) -> Option<Value> {
    let mut filters: Vec<Value> = filters.into_iter().collect::<Option<_>>()?;
    filters.dedup();
    if filters.len() <= 1 { filters.pop() } else { Some(json!({"_or": filters})) }
}

fn fields(text: Option<&str>) -> Fields {
    let names = || text.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
    if names().any(|name| name == "*") { Fields::All } else { Fields::Set(names().map(Into::into).collect()) }
}

/// An object that says something.
fn parsed(text: Option<String>) -> Option<Value> {
    let value: Value = serde_json::from_str(&text?).ok()?;
    value.as_object().is_some_and(|map| !map.is_empty()).then_some(value)
}

/// What everybody may who may use the application.
fn own_permissions(who: &Who, collection: &str, action: &str) -> Vec<Permission> {
    if !who.app {
        return Vec::new();
    }
    let rows = own::ROWS.iter().filter(|row| row["collection"] == collection && row["action"] == action);
    let object = |value: &Value| value.as_object().is_some_and(|map| !map.is_empty()).then(|| value.clone());
    let permission = |row: &Value| Permission {
        fields: fields(Some(&list(&row["fields"]))),
        filter: object(&row["permissions"]),
        validation: object(&row["validation"]),
        presets: None,
    };
    rows.map(permission).collect()
}

fn list(value: &Value) -> String {
    let names: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    names.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_permission_counts() {
        let one = || Some(json!({"a": {"_eq": 1}}));
        assert_eq!(any(vec![None]), None);
        assert_eq!(any(vec![one()]), one());
        assert_eq!(any(vec![one(), one()]), one());
        assert_eq!(any(vec![one(), None]), None);
        let other = json!({"b": {"_eq": 1}});
        assert_eq!(any(vec![one(), Some(other.clone())]), Some(json!({"_or": [one(), other]})));
    }

    #[test]
    fn fields_are_joined() {
        let mut joined = fields(Some("a, b"));
        joined.join(fields(Some("b,c")));
        assert!(joined.contains("c") && !joined.contains("d"));
        joined.join(fields(None));
        assert!(!joined.contains("d"));
        joined.join(fields(Some("*")));
        assert_eq!(joined, Fields::All);
        joined.join(fields(Some("a")));
        assert_eq!(joined, Fields::All);
    }

    #[test]
    fn permissions_stay_known_one_by_one() {
        let permission = |names: &str, filter: Option<Value>| Permission {
            fields: fields(Some(names)),
            filter,
            validation: None,
            presets: None,
        };
        let mut joined = Joined::default();
        joined.add(permission("id,b,a", None));
        joined.add(permission("id,c", Some(json!({"id": {"_eq": 2}}))));
        let rule = joined.rule();
        assert!(!rule.is_uniform());
        assert_eq!(rule.cases.len(), 2);
        assert!(matches!(&rule.fields, Fields::Set(set) if set.iter().eq(["id", "b", "a", "c"])));
        let mut joined = Joined::default();
        joined.add(permission("id", Some(json!({"id": {"_eq": 1}}))));
        joined.add(permission("id", Some(json!({"id": {"_eq": 2}}))));
        assert!(joined.rule().is_uniform());
    }

    #[test]
    fn rules_that_say_nothing_are_none() {
        for text in ["", "null", "{}", "[]", "nonsense"] {
            assert_eq!(parsed(Some(text.into())), None, "{text}");
        }
        assert_eq!(parsed(None), None);
    }
}
