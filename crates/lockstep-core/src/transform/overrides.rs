//! Values that records have on one instance: set by a push, undone by a pull.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::{Concealed, Filter, Path, Remark, Transforms, World};
use crate::collection::{Collection, Key};
use crate::identity::DumpRecords;
use crate::record::{Fields, Record, SyncId, same_value};

/// Values of some records on this instance.
#[derive(Clone, Debug)]
pub struct Override {
    /// The collection, without prefix.
    pub collection: &'static str,
    /// Which records; none for all (the settings).
    pub matches: Option<Filter>,
    /// Place, value, and the value as the configuration has it, variables and all.
    pub set: Vec<(Path, Value, Value)>,
    /// Where the rule stands.
    pub place: String,
}

/// What a push did.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// The places that were set, by record; what is shown of them differs from the value where a variable supplied it.
    pub places: Concealed,
    /// What people ought to know.
    pub remarks: Vec<Remark>,
}

/// What a pull did.
#[derive(Clone, Debug, Default)]
pub struct Undone {
    /// The places that hold what the configuration or the old dump says, by record.
    pub places: BTreeSet<(SyncId, Path)>,
    /// What people ought to know.
    pub notices: Vec<String>,
}

impl Override {
    fn concerns(&self, world: &World<'_>, id: &str, fields: &Fields) -> bool {
        let Some(collection) = Collection::named(self.collection) else { return false };
        match &self.matches {
            None => collection.key == Key::Singleton,
            Some(filter) => filter.matches(world, collection, id, fields),
        }
    }
}

impl Transforms {
    /// Puts the values of the overrides into the records of a dump. Which records are meant is told by what they hold in
    /// the dump.
    pub fn override_values(&self, dump: &mut DumpRecords) -> Applied {
        let world = World::new(dump);
        let concerned: Vec<Vec<usize>> = self
            .overrides
            .iter()
            .map(|rule| {
                let records = dump.get(rule.collection).into_iter().flatten().enumerate();
                let meant = records.filter(|(_, r)| rule.concerns(&world, r.sync_id.as_str(), &r.fields));
                meant.map(|(index, _)| index).collect()
            })
            .collect();
        let mut applied = Applied::default();
        for (rule, concerned) in self.overrides.iter().zip(concerned) {
            let Some(records) = dump.get_mut(rule.collection) else { continue };
            if concerned.is_empty() {
                applied.remarks.push(Remark::Notice(nothing_matches(rule)));
            }
            for index in concerned {
                let record = &mut records[index];
                let places = applied.places.entry((rule.collection, record.sync_id.clone())).or_default();
                for (path, value, written) in &rule.set {
                    match path.set(Arc::make_mut(&mut record.fields), value.clone()) {
                        Ok(()) => {
                            places.retain(|(earlier, _)| earlier != path);
                            places.push((path.clone(), written.clone()));
                        }
                        Err(error) => {
                            let text =
                                format!("{}: {} ({}): {error}", rule.place, rule.collection, record.sync_id);
                            applied.remarks.push(Remark::Problem(text));
                        }
                    }
                }
            }
        }
        applied
    }

    /// Gives overridden places of records that were read from an instance what the old dump has there. Where it does not
    /// have the record, what the configuration has as the value if the instance holds that value, else what it holds.
    #[must_use]
    pub fn undo_overrides(
        &self,
        collection: &'static Collection,
        records: &mut [Record],
        found: &World<'_>,
        old: &World<'_>,
    ) -> Undone {
        let mut undone = Undone::default();
        for rule in self.overrides.iter().rev().filter(|rule| rule.collection == collection.name) {
            let mut matched = false;
            for record in records.iter_mut() {
                let id = record.sync_id.as_str();
                let before = old.get(collection.name, id);
                let here = found.get(collection.name, id).unwrap_or(&record.fields);
                let concerned = match before {
                    Some(before) => rule.concerns(old, id, before),
                    None => rule.concerns(found, id, here),
                };
                if !concerned {
                    continue;
                }
                matched = true;
                for set in &rule.set {
                    if undone.places.insert((record.sync_id.clone(), set.0.clone())) {
                        undone.notices.extend(undo(rule, record, set, before));
                    }
                }
            }
            if !matched {
                undone.notices.push(nothing_matches(rule));
            }
        }
        undone
    }
}

fn undo(
    rule: &Override,
    record: &mut Record,
    (path, value, written): &(Path, Value, Value),
    before: Option<&Fields>,
) -> Option<String> {
    let held = path.get(&record.fields).cloned();
    let is_override = held.as_ref().is_some_and(|held| same_value(held, value));
    let fields = Arc::make_mut(&mut record.fields);
    let Some(before) = before else {
        if is_override {
            // It fits: the value is there.
            let _ = path.set(fields, written.clone());
            return Some(format!(
                "{}: {} ({}): the dump had no {path}, and the instance holds that of the override, which was written \
                 as the configuration has it: correct it in the dump",
                rule.place, rule.collection, record.sync_id
            ));
        }
        return None;
    };
    match path.get(before) {
        Some(kept) => {
            // Where the way is gone on the instance, the place is gone as well.
            let _ = path.set(fields, kept.clone());
        }
        None => path.remove(fields),
    }
    let same_as_dump = held.as_ref().map(|held| path.get(before).is_some_and(|kept| same_value(kept, held)));
    let other = held.is_some() && !is_override && same_as_dump == Some(false);
    other.then(|| {
        format!(
            "{}: {} ({}): the instance holds another {path} than the override; the dump keeps its own",
            rule.place, rule.collection, record.sync_id
        )
    })
}

fn nothing_matches(rule: &Override) -> String {
    format!("{}: no record of {} matches, so nothing is overridden", rule.place, rule.collection)
}
