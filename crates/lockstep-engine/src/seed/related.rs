//! What comes along with chosen records: what their fields list, what they refer to, and files.

use std::collections::{BTreeMap, HashSet};

use lockstep_core::collection::Collection;
use lockstep_core::content::{FILES, Model, USERS, Wish, table_name};
use lockstep_core::record::{LocalId, Row};
use serde_json::{Value, json};

use crate::content::Wanted;
use crate::error::EngineError;
use crate::instance::Instance;

/// How many keys one request names.
const KEYS: usize = 500;

/// The rows of a collection, each once.
#[derive(Debug)]
pub(super) struct Held {
    /// The collection.
    pub(super) collection: &'static Collection,
    /// Its rows.
    pub(super) rows: Vec<Row>,
    ids: HashSet<LocalId>,
    /// Of so many rows the references were followed.
    followed: usize,
}

impl Held {
    /// Nothing yet.
    pub(super) fn of(collection: &'static Collection) -> Self {
        Self { collection, rows: Vec::new(), ids: HashSet::new(), followed: 0 }
    }

    /// Adds rows that are not there yet.
    pub(super) fn add(&mut self, rows: Vec<Row>) {
        let ids = &mut self.ids;
        self.rows.extend(rows.into_iter().filter(|row| ids.insert(row.id.clone())));
    }

    /// True for a row that is there.
    pub(super) fn has(&self, id: &LocalId) -> bool {
        self.ids.contains(id)
    }
}

/// Rows by the name of their mapping table.
pub(super) type AllHeld = BTreeMap<&'static str, Held>;

/// The fields that are read of a collection.
pub(super) fn columns(collection: &Collection, model: &Model) -> Vec<String> {
    match collection.full_name.starts_with("directus_") {
        true => vec!["*".to_owned()],
        false => model.columns(collection.full_name).map(str::to_owned).collect(),
    }
}

/// Reads what comes along.
#[derive(Debug)]
pub(super) struct Follower<'a> {
    pub(super) instance: &'a Instance,
    pub(super) model: &'a Model,
    /// Whether records of content do.
    pub(super) related: bool,
    /// Whether files do.
    pub(super) files: bool,
}

impl Follower<'_> {
    /// Adds to the chosen rows the records that their list fields show (of a junction: its rows), and then whatever any of
    /// them refers to.
    pub(super) async fn follow(&self, held: &mut AllHeld) -> Result<(), EngineError> {
        if self.related {
            self.lists(held).await?;
        }
        while self.references(held).await? {}
        Ok(())
    }

    async fn lists(&self, held: &mut AllHeld) -> Result<(), EngineError> {
        let roots: Vec<(&'static str, Vec<Value>)> = held
            .values()
            .map(|of| {
                (
                    of.collection.full_name,
                    of.rows.iter().map(|row| row.id.to_value(of.collection.key)).collect(),
                )
            })
            .collect();
        for (name, ids) in roots {
            for lists in self.model.holders(name) {
                let Some(holder) = self.describe(&lists.collection) else { continue };
                let fields = columns(holder, self.model);
                for part in ids.chunks(KEYS) {
                    let filter = json!({&lists.field: {"_in": part}});
                    let rows = self.instance.matching(holder, &fields, Some(&filter), None).await?;
                    held.entry(holder.name).or_insert_with(|| Held::of(holder)).add(rows);
                }
            }
        }
        Ok(())
    }

    /// Reads what the rows refer to that were not looked at yet. True if there was something to read.
    async fn references(&self, held: &mut AllHeld) -> Result<bool, EngineError> {
        let mut wanted: BTreeMap<&'static str, (&'static Collection, Wanted)> = BTreeMap::new();
        for of in held.values() {
            for row in &of.rows[of.followed..] {
                for (_, target, id) in referred(of.collection, row) {
                    if held.get(target).is_some_and(|held| held.has(&id)) {
                        continue;
                    }
                    let known = wanted.get(target).map(|(collection, _)| *collection);
                    let Some(collection) = known.or_else(|| self.target(target)) else { continue };
                    let (_, wanted) =
                        wanted.entry(target).or_insert_with(|| (collection, Wanted::of(collection)));
                    wanted.key(id);
                }
            }
        }
        held.values_mut().for_each(|of| of.followed = of.rows.len());
        let more = !wanted.is_empty();
        for (target, (collection, mut wanted)) in wanted {
            for field in columns(collection, self.model) {
                wanted.field(&field);
            }
            let rows = self.instance.rows(&wanted).await?;
            held.entry(target).or_insert_with(|| Held::of(collection)).add(rows);
        }
        Ok(more)
    }

    /// The collection of a table, if its records come along.
    pub(super) fn target(&self, table: &str) -> Option<&'static Collection> {
        match table.strip_prefix("items::") {
            Some(name) if self.related => self.describe(name),
            None if self.files && table == table_name(FILES) => {
                self.model.describe(FILES, &Wish::default()).ok()
            }
            _ => None,
        }
    }

    fn describe(&self, name: &str) -> Option<&'static Collection> {
        let described = self.model.describe(name, &Wish::default()).ok()?;
        Some(described).filter(|known| known.full_name != USERS && known.full_name != FILES)
    }
}

/// What a row refers to: by which field, table and id.
pub(super) fn referred(
    collection: &'static Collection,
    row: &Row,
) -> impl Iterator<Item = (&'static str, &'static str, LocalId)> {
    collection.references.iter().filter_map(|reference| {
        let id = row.fields.get(reference.path).and_then(LocalId::from_value)?;
        Some((reference.path, reference.target_in(&row.fields)?, id))
    })
}

/// The collections whose records may come along with those of the chosen ones, these among them.
pub(super) fn possible(
    model: &Model,
    chosen: &[&'static Collection],
    related: bool,
    files: bool,
) -> Vec<&'static Collection> {
    let describe = |name: &str| model.describe(name, &Wish::default()).ok();
    let mut all: Vec<&'static Collection> = chosen.to_vec();
    if related {
        let holders = chosen.iter().flat_map(|collection| model.holders(collection.full_name));
        let holders: Vec<_> = holders.filter_map(|lists| describe(&lists.collection)).collect();
        all.extend(holders);
    }
    let mut next = 0;
    while let Some(collection) = all.get(next).copied() {
        next += 1;
        for target in collection.referred() {
            let found = match target.strip_prefix("items::") {
                Some(name) if related => describe(name),
                None if files && target == table_name(FILES) => describe(FILES),
                _ => None,
            };
            all.extend(found.filter(|found| !all.contains(found)));
        }
    }
    let mut seen = HashSet::new();
    all.retain(|collection| seen.insert(collection.name));
    all
}
