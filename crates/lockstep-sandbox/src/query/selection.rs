//! Which fields an answer shows, and what is shown of the items behind them.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::Query;
use crate::access::{self, Fields};
use crate::db::Session;
use crate::error::{Answer, ApiError};
use crate::schema::{Collection, Relation, Schema};

/// What is shown of each item, in this order.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    pub(crate) entries: IndexMap<String, Source>,
}

impl Selection {
    /// True if nothing but one key of an answer needs a column.
    pub(crate) fn needs_once(&self, column: &str) -> bool {
        let needs = |source: &Source| match source {
            Source::Column(name) => name == column,
            Source::One(relation, ..) => relation.field == column,
            Source::Any(relation, _) => {
                relation.field == column || relation.one_collection_field.as_deref() == Some(column)
            }
            Source::Function(_) | Source::Count(_) | Source::Many(..) => false,
        };
        self.entries.values().filter(|source| needs(source)).count() == 1
    }
}

/// Where one key of an answer comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// A column.
    Column(String),
    /// A function of a column: `year(date)`.
    Function(Function),
    /// How many items a list has: `count(comments)`.
    Count(Relation),
    /// The item that a field refers to.
    One(Relation, Box<Selection>, Box<Query>),
    /// The items that refer here; only their keys where nothing is selected of them.
    Many(Relation, Box<Selection>, Box<Query>, KeysOnly),
    /// The item that a field refers to, in one of several collections.
    Any(Relation, IndexMap<String, Selection>),
}

/// True if a list shows the keys of its items instead of objects.
pub(crate) type KeysOnly = bool;

/// A function of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) field: String,
}

impl Function {
    /// `year(date)` taken apart.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once('(')?;
        let field = rest.strip_suffix(')')?;
        let is_name = !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphabetic());
        is_name.then_some(())?;
        Some(Self { name: name.into(), field: field.into() })
    }

    /// The key under which an answer shows it.
    pub(crate) fn key(&self) -> String {
        format!("{}_{}", self.field, self.name)
    }
}

/// Paths of fields, as a tree: `author.name` is `author` with `name` below.
type Tree = IndexMap<String, Below>;

/// What is asked of what stands behind a field.
#[derive(Debug, Default)]
struct Below {
    paths: Vec<String>,
    /// True if the field itself is not asked for.
    only_beyond: bool,
}

/// What a query shows of the items of a collection.
///
/// # Errors
/// `FORBIDDEN` for a field that is not there.
pub(crate) fn select(
    session: &Session<'_>,
    collection: &str,
    query: &Query,
    place: &str,
) -> Answer<Selection> {
    let schema = &*session.schema;
    let all = ["*".to_owned()];
    let fields: &[String] = if query.fields.is_empty() { &all } else { &query.fields };
    let backlinks = !query.without_backlinks;
    Selector { session, schema, deep: &query.deep, alias: &query.alias, place, backlinks, came_by: None }
        .collection(schema.collection(collection)?, fields)
}

#[derive(Clone, Copy)]
struct Selector<'a> {
    session: &'a Session<'a>,
    schema: &'a Schema,
    deep: &'a Map<String, Value>,
    alias: &'a Map<String, Value>,
    /// Where in the query this is, for errors.
    place: &'a str,
    /// False where stars do not lead back to where they came from.
    backlinks: bool,
    /// The relation that led here.
    came_by: Option<&'a Relation>,
}

impl Selector<'_> {
    fn collection(&self, collection: &Collection, paths: &[String]) -> Answer<Selection> {
        let mut selection = Selection::default();
        let allowed = access::rule(self.session, &collection.name, "read")?;
        let allowed = allowed.ok_or_else(|| ApiError::no_collection(&collection.name))?.fields;
        for (name, below) in self.tree(collection, paths, &allowed)? {
            let field = self.alias.get(&name).and_then(Value::as_str).unwrap_or(&name).to_owned();
            if let Some(function) = Function::parse(&field) {
                let key = if field == name { function.key() } else { name };
                let source = self.function(collection, function)?;
                selection.entries.insert(key, source);
                continue;
            }
            let (field, only) = match field.split_once(':') {
                Some((field, only)) => (field.to_owned(), Some(only.to_owned())),
                None => (field, None),
            };
            if !collection.fields.contains_key(&field) || !allowed.contains(&field) {
                return Err(missing(collection, &field, self.place));
            }
            // Below what refers to nothing is nothing, also where what it refers to may not be seen.
            if below.only_beyond
                && !collection.fields[&field].is_alias()
                && !self.leads_on(collection, &field)?
            {
                continue;
            }
            let below = below.paths;
            let key = if only.is_some() { field.clone() } else { name };
            let source = self.source(collection, &key, &field, only.as_deref(), below)?;
            match (selection.entries.get_mut(&key), source) {
                (Some(Source::Any(_, known)), Source::Any(_, more)) => {
                    for (name, selection) in more {
                        if !selection.entries.is_empty() || !known.contains_key(&name) {
                            known.insert(name, selection);
                        }
                    }
                }
                // What is asked of some collections does not undo what is asked of any.
                (Some(Source::Any(..)), Source::Column(_)) => {}
                (_, source) => {
                    selection.entries.insert(key, source);
                }
            }
        }
        Ok(selection)
    }

    /// The paths as a tree, wildcards resolved.
    fn tree(&self, collection: &Collection, paths: &[String], allowed: &Fields) -> Answer<Tree> {
        let mut tree = Tree::new();
        for path in paths {
            let (first, rest) = match path.split_once('.') {
                Some((first, rest)) if !first.contains('(') => (first, Some(rest.to_owned())),
                _ => (path.as_str(), None),
            };
            if first != "*" {
                let only_beyond = rest.is_some();
                let below = tree.entry(first.into()).or_insert(Below { paths: Vec::new(), only_beyond });
                below.only_beyond = below.only_beyond && only_beyond;
                below.paths.extend(rest);
                continue;
            }
            for field in collection.fields.values().filter(|field| allowed.contains(&field.name)) {
                let leads_on = self.leads_on(collection, &field.name)?;
                if field.is_alias() && !leads_on {
                    continue;
                }
                let relation = self.relation(collection, &field.name).filter(|_| leads_on);
                let came_by = self.came_by.filter(|_| !self.backlinks);
                let back = relation.zip(came_by).is_some_and(|(one, other)| is_same(one, other));
                let below = tree.entry(field.name.clone()).or_default();
                below.only_beyond = false;
                if relation.is_some() && !back {
                    below.paths.extend(rest.clone());
                }
            }
        }
        Ok(tree)
    }

    /// The relation that a field starts, or shows from the other side.
    fn relation(&self, collection: &Collection, field: &str) -> Option<&Relation> {
        self.schema.from(&collection.name, field).or_else(|| self.schema.towards(&collection.name, field))
    }

    /// True for a field behind which the asker may see something.
    fn leads_on(&self, collection: &Collection, field: &str) -> Answer<bool> {
        match (self.schema.from(&collection.name, field), self.schema.towards(&collection.name, field)) {
            (Some(relation), _) => relation.related.as_deref().map_or(Ok(true), |name| self.may_see(name)),
            (None, Some(relation)) => self.may_see(&relation.collection),
            (None, None) => Ok(false),
        }
    }

    fn may_see(&self, collection: &str) -> Answer<bool> {
        Ok(access::rule(self.session, collection, "read")?.is_some())
    }

    fn function(&self, collection: &Collection, function: Function) -> Answer<Source> {
        let Some(field) = collection.fields.get(&function.field) else {
            return Err(missing(collection, &function.field, self.place));
        };
        let rule = access::rule(self.session, &collection.name, "read")?;
        if !rule.is_some_and(|rule| rule.fields.contains(&field.name)) {
            return Err(missing(collection, &function.field, self.place));
        }
        if function.name == "count" && field.is_alias() {
            return match self.schema.towards(&collection.name, &field.name) {
                Some(relation) => {
                    super::refuse_unseen(self.session, &relation.collection)?;
                    Ok(Source::Count(relation.clone()))
                }
                None => Err(missing(collection, &function.field, self.place)),
            };
        }
        super::functions::check(&function, field)?;
        Ok(Source::Function(function))
    }

    fn source(
        &self,
        collection: &Collection,
        key: &str,
        field: &str,
        only: Option<&str>,
        below: Vec<String>,
    ) -> Answer<Source> {
        if let Some(relation) = self.schema.towards(&collection.name, field) {
            let query = Query::below(self.deep, key)?;
            let keys_only = below.is_empty();
            let child = self.schema.collection(&relation.collection)?;
            let below = if keys_only { vec![child.key.clone()] } else { below };
            let place = self.below(key);
            let came_by = Some(relation);
            let selection =
                Selector { deep: &query.deep, alias: &query.alias, place: &place, came_by, ..*self }
                    .collection(child, &below)?;
            return Ok(Source::Many(relation.clone(), Box::new(selection), Box::new(query), keys_only));
        }
        if collection.fields[field].is_alias() {
            return Err(missing(collection, field, self.place));
        }
        let Some(relation) = self.schema.from(&collection.name, field).filter(|_| !below.is_empty()) else {
            return Ok(Source::Column(field.into()));
        };
        let query = Query::below(self.deep, key)?;
        let place = self.below(key);
        let came_by = Some(relation);
        let selector = Selector { deep: &query.deep, alias: &query.alias, place: &place, came_by, ..*self };
        match &relation.related {
            Some(related) => {
                let selection = selector.collection(self.schema.collection(related)?, &below)?;
                Ok(Source::One(relation.clone(), Box::new(selection), Box::new(query)))
            }
            None => {
                let mut selections = IndexMap::new();
                for name in &relation.allowed {
                    // Of the others, the keys are shown.
                    let wanted = match only {
                        Some(only) if only == name => true,
                        _ if !self.may_see(name)? => continue,
                        only => only.is_none(),
                    };
                    let selection = match wanted {
                        true => selector.collection(self.schema.collection(name)?, &below)?,
                        false => Selection::default(),
                    };
                    selections.insert(name.clone(), selection);
                }
                Ok(Source::Any(relation.clone(), selections))
            }
        }
    }

    fn below(&self, key: &str) -> String {
        if self.place == "root" { key.to_owned() } else { format!("{}.{key}", self.place) }
    }
}

fn is_same(one: &Relation, other: &Relation) -> bool {
    one.collection == other.collection && one.field == other.field
}

/// The error for a field that is not there or not allowed; `place` are the fields that lead there.
pub(crate) fn missing(collection: &Collection, field: &str, place: &str) -> ApiError {
    missing_all(collection, &[field], place)
}

/// The same for several fields.
pub(crate) fn missing_all(collection: &Collection, fields: &[&str], place: &str) -> ApiError {
    let place = if matches!(place, "" | "root") { "root".to_owned() } else { format!("\"{place}\"") };
    let (what, they) = if fields.len() > 1 { ("fields", "they do") } else { ("field", "it does") };
    let fields: Vec<String> = fields.iter().map(|field| format!("\"{field}\"")).collect();
    ApiError::forbidden(Some(&format!(
        "You don't have permission to access {what} {} in collection \"{}\" or {they} not exist. Queried in {place}.",
        fields.join(", "),
        collection.name
    )))
}
