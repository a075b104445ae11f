//! Changes sorted into stages, lanes and batches.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::{Batch, Item, Lane, Limits, Plan, Stage, Verb, graph};
use crate::collection::{COLLECTIONS, Collection, Key};
use crate::identity::InstanceRows;
use crate::reconcile::{Action, Change, Changes};
use crate::record::{Fields, LocalId};

/// Orders changes into batches.
#[must_use]
pub fn plan(changes: &Changes, rows: &InstanceRows, limits: Limits) -> Plan {
    let planner = Planner { changes, rows, limits };
    let mut stages = vec![planner.release(), planner.delete(true)];
    let last = COLLECTIONS.iter().map(level).max().unwrap_or_default();
    for current in 0..=last {
        stages.push(planner.write(current, Action::Create));
        stages.push(planner.write(current, Action::Update));
    }
    stages.extend(planner.delete_later());
    stages.retain(|stage| !stage.lanes.is_empty());
    Plan { stages }
}

/// How many collections have to be written before this one.
fn level(collection: &Collection) -> usize {
    let attached = collection.attachments.map(|_| "roles");
    let enforced = collection.references.iter().filter(|reference| reference.enforced).map(|r| r.target);
    enforced
        .chain(attached)
        .filter(|target| *target != collection.name)
        .filter_map(Collection::named)
        .map(|target| level(target) + 1)
        .max()
        .unwrap_or_default()
}

struct Planner<'a> {
    changes: &'a Changes,
    rows: &'a InstanceRows,
    limits: Limits,
}

impl<'a> Planner<'a> {
    fn of(&self, collection: &Collection, actions: &[Action]) -> Vec<&'a Change> {
        let found = self.changes.collections.iter().find(|(c, _)| c.name == collection.name);
        let items = found.into_iter().flat_map(|(_, changes)| &changes.items);
        items.filter(|change| actions.contains(&change.difference.action)).collect()
    }

    /// Stage 1. A reference is released by a row that holds a unique value which another record is about to get, by
    /// rows that refer to each other and are about to go, so that they can go in any order, and by those that move where
    /// the server refuses a circle in between. A name in parts is released by getting the id in place of its last part.
    fn release(&self) -> Stage {
        let lanes = self.changes.collections.iter().map(|(collection, _)| {
            let named = self.parked(collection).into_keys().map(|id| (id.clone(), Vec::new()));
            let items = self.released(collection).into_iter().chain(named).map(|(id, fields)| {
                let mut body = Fields::new();
                body.insert("id".to_owned(), id.to_value(collection.key));
                let label = format!("{id}");
                let name = collection.change_apart.last().filter(|_| fields.is_empty());
                body.extend(name.map(|part| ((*part).to_owned(), Value::from(label.as_str()))));
                body.extend(fields.into_iter().map(|field| (field.to_owned(), Value::Null)));
                Item { sync_id: None, id: Some(id), label, body: Value::Object(body).to_string() }
            });
            self.batches(collection, Verb::Release, items.collect())
        });
        Stage { lanes: lanes.filter(|lane| !lane.is_empty()).collect() }
    }

    fn released(&self, collection: &'static Collection) -> BTreeMap<LocalId, Vec<&'static str>> {
        let mut released: BTreeMap<LocalId, Vec<&'static str>> = BTreeMap::new();
        let writes = self.of(collection, &[Action::Create, Action::Update]);
        let mut going = self.of(collection, &[Action::Delete]);
        going.retain(|change| !self.goes_with_parent(collection, change));
        let going: HashSet<&str> =
            going.iter().filter_map(|c| c.difference.id.as_ref()).map(LocalId::as_str).collect();
        let mut fields: BTreeSet<&str> = collection.self_references().collect();
        fields.extend(collection.unique);
        for field in fields {
            let moving: HashSet<_> = writes
                .iter()
                .filter(|c| collection.refuses_circles && c.write.contains_key(field))
                .filter_map(|c| c.difference.id.as_ref())
                .collect();
            let wanted: BTreeMap<&str, Option<&LocalId>> = writes
                .iter()
                .filter_map(|c| Some((c.write.get(field)?.as_str()?, c.difference.id.as_ref())))
                .collect();
            for row in self.rows.get(collection.name).into_iter().flatten() {
                let Some(held) = row.fields.get(field).and_then(Value::as_str) else { continue };
                let unique = collection.unique.contains(&field);
                let given_away = unique && wanted.get(held).is_some_and(|to| *to != Some(&row.id));
                let moves = moving.contains(&row.id);
                if given_away || moves || going.contains(held) && going.contains(row.id.as_str()) {
                    released.entry(row.id.clone()).or_default().push(field);
                }
            }
        }
        released
    }

    /// Stages 3: what has this level.
    fn write(&self, current: usize, action: Action) -> Stage {
        let mut lanes = Vec::new();
        for collection in COLLECTIONS.iter().filter(|collection| level(collection) == current) {
            let changes = self.of(collection, &[action]);
            match action {
                Action::Create => {
                    let items =
                        in_order(collection, &changes).into_iter().map(|c| item(c, &c.write)).collect();
                    let batches = self.batches(collection, Verb::Create, items);
                    if collection.refers_to_itself() {
                        lanes.push(batches);
                    } else {
                        lanes.extend(batches.into_iter().map(|batch| vec![batch]));
                    }
                }
                _ => lanes.push(self.updates(collection, &changes)),
            }
        }
        lanes.retain(|lane: &Lane| !lane.is_empty());
        Stage { lanes }
    }

    /// Updates; the last part of a name that was released comes in a second round.
    fn updates(&self, collection: &'static Collection, changes: &[&Change]) -> Lane {
        let parked = self.parked(collection);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for change in changes {
            let last = collection.change_apart.last();
            let name = change.difference.id.as_ref().and_then(|id| parked.get(id)).zip(last);
            let Some((name, last)) = name else {
                first.push(item(change, &change.write));
                continue;
            };
            let mut write = change.write.clone();
            write.shift_remove(*last);
            first.extend((write.len() > 1).then(|| item(change, &write)));
            write.retain(|field, _| field == "id");
            write.insert((*last).to_owned(), name.clone());
            second.push(item(change, &write));
        }
        let mut lane = self.batches(collection, Verb::Update, first);
        lane.extend(self.batches(collection, Verb::Update, second));
        lane
    }

    /// Rows whose name in parts another record is about to get, or of which more than one part changes, with the last
    /// part of the name that they get in the end.
    fn parked(&self, collection: &'static Collection) -> BTreeMap<&'a LocalId, Value> {
        let parts = collection.change_apart;
        let renames = |change: &&Change| parts.iter().any(|part| change.write.contains_key(*part));
        let mut writes = self.of(collection, &[Action::Create, Action::Update]);
        writes.retain(renames);
        let rows = self.rows.get(collection.name).into_iter().flatten();
        let rows: BTreeMap<_, _> = rows.map(|row| (&row.id, &row.fields)).collect();
        let part = |change: &Change, part: &str| {
            let before = || change.difference.id.as_ref().and_then(|id| rows.get(id)?.get(part));
            change.write.get(part).or_else(before).cloned().unwrap_or_default()
        };
        let after = |change: &&Change| parts.iter().map(|name| part(change, name).to_string()).collect();
        let wanted: BTreeMap<Vec<String>, &Change> =
            writes.iter().map(|change| (after(change), *change)).collect();
        let in_the_way = |change: &Change, fields: &Fields| {
            let now: Vec<_> =
                parts.iter().map(|name| fields.get(*name).unwrap_or(&Value::Null).to_string()).collect();
            let several = parts.iter().filter(|name| change.write.contains_key(**name)).count() > 1;
            several || wanted.get(&now).is_some_and(|other| other.difference.id != change.difference.id)
        };
        let updates = writes.iter().filter_map(|change| Some((change.difference.id.as_ref()?, *change)));
        updates
            .filter(|(id, change)| rows.get(id).is_some_and(|fields| in_the_way(change, fields)))
            .filter_map(|(id, change)| Some((id, part(change, parts.last()?))))
            .collect()
    }

    fn delete(&self, first: bool) -> Stage {
        let chosen = COLLECTIONS.iter().filter(|collection| collection.delete_first == first);
        let lanes = chosen.map(|collection| self.deletions(collection));
        Stage { lanes: lanes.filter(|lane| !lane.is_empty()).collect() }
    }

    /// Stage 4, children first: highest level first.
    fn delete_later(&self) -> Vec<Stage> {
        let last = COLLECTIONS.iter().map(level).max().unwrap_or_default();
        let of_level = |current: usize| {
            let chosen = COLLECTIONS.iter().filter(|c| !c.delete_first && level(c) == current);
            let lanes = chosen.map(|collection| self.deletions(collection));
            Stage { lanes: lanes.filter(|lane| !lane.is_empty()).collect() }
        };
        (0..=last).rev().map(of_level).collect()
    }

    fn deletions(&self, collection: &'static Collection) -> Lane {
        let mut changes = self.of(collection, &[Action::Delete, Action::Merge]);
        changes.retain(|change| !self.goes_with_parent(collection, change));
        let items = changes.into_iter().filter_map(|change| {
            let id = change.difference.id.as_ref()?;
            Some(Item { body: id.to_value(collection.key).to_string(), ..item(change, &Fields::new()) })
        });
        self.batches(collection, Verb::Delete, items.collect())
    }

    /// True if the server deletes the row anyway, with a parent that goes.
    fn goes_with_parent(&self, collection: &Collection, change: &Change) -> bool {
        let rows = self.rows.get(collection.name).into_iter().flatten();
        let Some(row) = rows.into_iter().find(|row| Some(&row.id) == change.difference.id.as_ref()) else {
            return false;
        };
        COLLECTIONS.iter().any(|parent| {
            parent.cascades.iter().filter(|(child, _)| *child == collection.name).any(|(_, field)| {
                let id = row.fields.get(*field).and_then(Value::as_str);
                self.of(parent, &[Action::Delete])
                    .iter()
                    .any(|c| c.difference.id.as_ref().map(LocalId::as_str) == id)
            })
        })
    }

    fn batches(&self, collection: &'static Collection, verb: Verb, items: Vec<Item>) -> Lane {
        let mut lane: Lane = Vec::new();
        let mut bytes = 0;
        for item in items {
            bytes += item.body.len() + 1;
            let alone = collection.key == Key::Singleton;
            match lane.last_mut() {
                Some(batch)
                    if bytes <= self.limits.bytes && batch.items.len() < self.limits.count && !alone =>
                {
                    batch.items.push(item);
                }
                _ => {
                    bytes = item.body.len() + 1;
                    lane.push(Batch { collection, verb, items: vec![item] });
                }
            }
        }
        lane
    }
}

fn item(change: &Change, write: &Fields) -> Item {
    Item {
        sync_id: change.difference.sync_id.clone(),
        id: change.difference.id.clone(),
        label: change.difference.label.clone(),
        body: serde_json::to_string(write).unwrap_or_default(),
    }
}

/// Creations of records that refer to each other, targets first.
fn in_order<'a>(collection: &Collection, changes: &[&'a Change]) -> Vec<&'a Change> {
    if !collection.refers_to_itself() {
        return changes.to_vec();
    }
    let places: BTreeMap<&str, usize> = changes
        .iter()
        .enumerate()
        .filter_map(|(place, c)| Some((c.difference.id.as_ref()?.as_str(), place)))
        .collect();
    let own: Vec<&str> = collection.self_references().collect();
    let targets: Vec<Vec<usize>> = changes
        .iter()
        .map(|change| {
            let ids = own.iter().filter_map(|field| change.write.get(*field)?.as_str());
            ids.filter_map(|id| places.get(id).copied()).collect()
        })
        .collect();
    let (order, stuck) = graph::targets_first(&targets);
    order.into_iter().chain(stuck).map(|place| changes[place]).collect()
}
