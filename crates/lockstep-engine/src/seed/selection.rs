//! Which records of which collections are chosen, and which of their fields.

use std::collections::BTreeSet;
use std::path::PathBuf;

use lockstep_core::collection::Collection;
use lockstep_core::content::{Model, Part, Wish};
use lockstep_core::nearest::nearest;
use lockstep_core::schema::Scope;
use lockstep_core::seed::Seeds;
use serde_json::{Value, json};

use crate::error::EngineError;

/// Which records are pulled or copied, and where to.
#[derive(Clone, Debug, Default)]
pub struct SeedSelection {
    /// The collections, by the names that the server has for them; `*` and `?` stand for others. All that have records of
    /// their own, users and files aside, where none is named.
    pub collections: Vec<String>,
    /// Only records that match these filter rules: of a collection, or of every one.
    pub filters: Vec<(Option<String>, Value)>,
    /// So many records of each collection at most, lowest keys first.
    pub limit: Option<u64>,
    /// Only these fields, `field` or `collection.field`; all that can be pushed, where none are named.
    pub fields: Vec<String>,
    /// Also what the records refer to, and what the fields of the chosen collections list.
    pub related: bool,
    /// Also the files that the records refer to.
    pub files: bool,
    /// The file to write; else each collection has one in the seed path.
    pub file: Option<PathBuf>,
}

/// A chosen collection.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// Its description.
    pub(super) collection: &'static Collection,
    /// Which of its records.
    pub(super) filter: Option<Value>,
    /// Which of their fields; all, where there are none.
    pub(super) fields: BTreeSet<String>,
}

impl Chosen {
    /// The same, for whoever compares two schemas.
    pub(super) fn part(&self) -> Part {
        Part { collection: self.collection.full_name.to_owned(), fields: self.fields.clone() }
    }
}

impl SeedSelection {
    /// Finds the chosen collections.
    ///
    /// # Errors
    /// A name, a field or a filter of what there is not.
    pub(super) fn choose(&self, model: &Model, place: &str) -> Result<Vec<Chosen>, EngineError> {
        let mut chosen: Vec<Chosen> = Vec::new();
        for name in self.names(model)? {
            let described = model.describe(&name, &Wish::default());
            let collection = described
                .map_err(|source| EngineError::SeedCollection { place: place.to_owned(), source })?;
            if !chosen.iter().any(|known| known.collection == collection) {
                let (filter, fields) = (self.filter(&name), self.fields_of(&name, model)?);
                chosen.push(Chosen { collection, filter, fields });
            }
        }
        self.check_names(&chosen)?;
        Ok(chosen)
    }

    /// True if nobody asked for single collections.
    pub(super) fn is_everything(&self) -> bool {
        self.collections.is_empty()
    }

    fn names(&self, model: &Model) -> Result<Vec<String>, EngineError> {
        let all = model.names();
        if self.is_everything() {
            return Ok(all.into_iter().map(str::to_owned).collect());
        }
        let mut names = Vec::new();
        for name in &self.collections {
            if !name.contains(['*', '?']) {
                names.push(name.clone());
                continue;
            }
            let scope = Scope::new(vec![name.clone()], Vec::new());
            let before = names.len();
            names.extend(all.iter().filter(|known| scope.has(known)).map(|known| (*known).to_owned()));
            if names.len() == before {
                return Err(EngineError::Unknown(format!("no collection of content is called {name}")));
            }
        }
        Ok(names)
    }

    /// The rules for a collection, all of which have to hold.
    fn filter(&self, name: &str) -> Option<Value> {
        let rules = self.filters.iter().filter(|(of, _)| of.as_deref().is_none_or(|of| of == name));
        let mut rules: Vec<Value> = rules.map(|(_, rule)| rule.clone()).collect();
        if rules.len() > 1 { Some(json!({"_and": rules})) } else { rules.pop() }
    }

    fn fields_of(&self, name: &str, model: &Model) -> Result<BTreeSet<String>, EngineError> {
        let columns: Vec<&str> = model.columns(name).collect();
        let mut fields = BTreeSet::new();
        for said in &self.fields {
            let field = match said.split_once('.') {
                Some((collection, field)) if collection == name => field,
                Some(_) => continue,
                None => said,
            };
            // Of system collections the schema tells only what was added.
            if !name.starts_with("directus_") && !columns.contains(&field) {
                let meant = nearest(field, &columns).map(|meant| format!("; did you mean {meant}?"));
                let text = format!("{name} has no field {field}{}", meant.unwrap_or_default());
                return Err(EngineError::Unknown(text));
            }
            fields.insert(field.to_owned());
        }
        Ok(fields)
    }

    /// A rule or a field of a collection that is not chosen is most likely misspelled.
    fn check_names(&self, chosen: &[Chosen]) -> Result<(), EngineError> {
        let names: Vec<&str> = chosen.iter().map(|chosen| chosen.collection.full_name).collect();
        let of_filters = self.filters.iter().filter_map(|(of, _)| of.as_deref()).map(|of| ("filter", of));
        let of_fields =
            self.fields.iter().filter_map(|field| field.split_once('.')).map(|(of, _)| ("field", of));
        let mut unknown = of_filters.chain(of_fields).filter(|(_, of)| !names.contains(of));
        let Some((what, of)) = unknown.next() else { return Ok(()) };
        let meant = nearest(of, &names).map(|meant| format!("; did you mean {meant}?"));
        let text = format!("a {what} is for {of}, which is not chosen{}", meant.unwrap_or_default());
        Err(EngineError::Unknown(text))
    }
}

/// The seeds of these collections.
///
/// # Errors
/// A name that no seed has.
pub(super) fn only(mut seeds: Seeds, names: &[String]) -> Result<Seeds, EngineError> {
    if names.is_empty() {
        return Ok(seeds);
    }
    let known: Vec<&str> = seeds.seeds.iter().map(|seed| seed.collection.as_str()).collect();
    let scope = Scope::new(names.to_vec(), Vec::new());
    if let Some(name) = scope.unmatched(known.iter().copied()).first() {
        let meant = nearest(name, &known).map(|meant| format!("; did you mean {meant}?"));
        let text = format!("the files have no records of {name}{}", meant.unwrap_or_default());
        return Err(EngineError::Unknown(text));
    }
    seeds.seeds.retain(|seed| scope.has(&seed.collection));
    Ok(seeds)
}
