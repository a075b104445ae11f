//! Changes sorted into stages, lanes and batches.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::rounds::{self, Creation};
use super::{Batch, Item, Lane, Limits, Plan, Stage, Verb, graph};
use crate::collection::{Collection, Key, Reference};
use crate::identity::InstanceRows;
use crate::reconcile::{Action, Change, Changes};
use crate::record::{Fields, Late, LocalId};

/// Orders changes into batches.
#[must_use]
pub fn plan(changes: &Changes, rows: &InstanceRows, limits: Limits) -> Plan {
    let planner = Planner { changes, rows, limits, groups: groups(changes) };
    let mut stages = vec![planner.release(), planner.delete_first()];
    for level in planner.levels() {
        stages.extend(planner.creations(&level));
        stages.push(planner.updates_of(&level));
    }
    stages.extend(planner.delete_later());
    stages.retain(|stage| !stage.lanes.is_empty());
    Plan { stages }
}

/// Collections that refer to each other in a circle, or one that does not.
struct Group {
    collections: Vec<&'static Collection>,
    /// How many groups have to be written before this one, and where it stands among those of the same number.
    level: (usize, u32),
}

/// The collections that take part, those that are referred to first.
fn groups(changes: &Changes) -> Vec<Group> {
    let collections: Vec<_> = changes.collections.iter().map(|(collection, _)| *collection).collect();
    let place = |name: &str| collections.iter().position(|collection| collection.name == name);
    let targets: Vec<Vec<usize>> =
        collections.iter().map(|collection| enforced(collection).filter_map(place).collect()).collect();
    let components = graph::components(&targets);
    let count = components.iter().max().map_or(0, |last| last + 1);
    let mut groups: Vec<Group> = Vec::with_capacity(count);
    for component in 0..count {
        let members: Vec<_> =
            (0..collections.len()).filter(|place| components[*place] == component).collect();
        let before = members.iter().flat_map(|member| &targets[*member]).map(|target| components[*target]);
        let level = before.filter(|other| *other != component).map(|other| groups[other].level.0 + 1).max();
        let rank = members.iter().map(|member| collections[*member].rank).min();
        groups.push(Group {
            collections: members.into_iter().map(|member| collections[member]).collect(),
            level: (level.unwrap_or_default(), rank.unwrap_or_default()),
        });
    }
    groups
}

/// What has to exist before records of a collection can be written.
fn enforced(collection: &Collection) -> impl Iterator<Item = &'static str> {
    let attached = collection.attachments.map(|_| "roles");
    let enforced = collection.references.iter().filter(|reference| reference.enforced);
    enforced.flat_map(Reference::targets).chain(attached)
}

struct Planner<'a> {
    changes: &'a Changes,
    rows: &'a InstanceRows,
    limits: Limits,
    groups: Vec<Group>,
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
                body.insert(collection.key_field.to_owned(), id.to_value(collection.key));
                let label = format!("{id}");
                let name = collection.change_apart.last().filter(|_| fields.is_empty());
                body.extend(name.map(|part| ((*part).to_owned(), Value::from(label.as_str()))));
                body.extend(fields.into_iter().map(|field| (field.to_owned(), Value::Null)));
                let body = Value::Object(body).to_string();
                Item { sync_id: None, id: Some(id), label, body, late: Vec::new(), file: None }
            });
            batches(collection, Verb::Release, items.collect(), self.limits)
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
        let blocking = collection.references.iter().filter(|reference| reference.blocks);
        let blocking: BTreeSet<&str> = blocking.map(|reference| reference.path).collect();
        let mut fields: BTreeSet<&str> =
            collection.self_references().filter(|field| blocking.contains(field)).collect();
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
                let Some(held) = row.fields.get(field).and_then(LocalId::from_value) else { continue };
                let held = held.as_str();
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

    /// The groups of each level, lowest first.
    fn levels(&self) -> Vec<Vec<&Group>> {
        let mut levels: BTreeMap<(usize, u32), Vec<&Group>> = BTreeMap::new();
        for group in &self.groups {
            levels.entry(group.level).or_default().push(group);
        }
        levels.into_values().collect()
    }

    /// Stages 3, creations: round by round, and then what they refer to and could not be said at first.
    fn creations(&self, level: &[&Group]) -> Vec<Stage> {
        let mut stages: Vec<Stage> = Vec::new();
        for group in level {
            for (number, lanes) in self.creations_of(group).into_iter().enumerate() {
                match stages.get_mut(number) {
                    Some(stage) => stage.lanes.extend(lanes),
                    None => stages.push(Stage { lanes }),
                }
            }
        }
        stages
    }

    fn creations_of(&self, group: &Group) -> Vec<Vec<Lane>> {
        let of = |collection: &'static Collection| {
            self.of(collection, &[Action::Create]).into_iter().map(move |change| (collection, change))
        };
        let rounds = rounds::rounds(group.collections.iter().copied().flat_map(of).collect());
        let mut stages = Vec::new();
        for round in &rounds {
            stages.push(self.lanes_of(group, Verb::Create, round, |creation| Some(creation.first())));
        }
        let all: Vec<_> = rounds.into_iter().flatten().collect();
        stages.push(self.lanes_of(group, Verb::Update, &all, Creation::later));
        stages
    }

    fn lanes_of<'c>(
        &self,
        group: &Group,
        verb: Verb,
        creations: &[Creation<'c>],
        body: impl Fn(&Creation<'c>) -> Option<(Fields, Vec<Late>)>,
    ) -> Vec<Lane> {
        let mut lanes = Vec::new();
        for collection in &group.collections {
            let own = creations.iter().filter(|creation| creation.collection == *collection);
            let items = own.filter_map(|creation| {
                let (write, late) = body(creation)?;
                let write =
                    if verb == Verb::Create { without_what_is_null_anyway(collection, write) } else { write };
                let mut item = Item { late, ..item(creation.change, &write) };
                item.file = item.file.filter(|_| verb == Verb::Create);
                Some(item)
            });
            let items: Vec<_> = items.collect();
            if collection.refers_to_itself() || rounds::counts(collection) {
                lanes.push(batches(collection, verb, items, self.limits));
            } else if !self.limits.side_by_side {
                lanes.push(batches(collection, verb, items, self.limits.alone()));
            } else {
                let limits = self.limits.side_by_side(items.len());
                lanes.extend(batches(collection, verb, items, limits).into_iter().map(|batch| vec![batch]));
            }
        }
        lanes.retain(|lane| !lane.is_empty());
        lanes
    }

    /// Stages 3, updates.
    fn updates_of(&self, level: &[&Group]) -> Stage {
        let collections = level.iter().flat_map(|group| &group.collections);
        let lanes =
            collections.map(|collection| self.updates(collection, &self.of(collection, &[Action::Update])));
        Stage { lanes: lanes.filter(|lane| !lane.is_empty()).collect() }
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
        let mut lane = batches(collection, Verb::Update, first, self.limits);
        lane.extend(batches(collection, Verb::Update, second, self.limits));
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

    /// Stage 2, of collections whose names have to be free before others get them.
    fn delete_first(&self) -> Stage {
        let all = self.groups.iter().flat_map(|group| &group.collections);
        let lanes = all.filter(|collection| collection.delete_first).map(|it| self.deletions(it));
        Stage { lanes: lanes.filter(|lane| !lane.is_empty()).collect() }
    }

    /// Stage 4, children first: highest level first.
    fn delete_later(&self) -> Vec<Stage> {
        let of_level = |level: Vec<&Group>| {
            let collections = level.into_iter().flat_map(|group| &group.collections);
            let lanes = collections
                .filter(|collection| !collection.delete_first)
                .map(|collection| (*collection, self.deletions(collection)));
            blocking_first(lanes.filter(|(_, lane)| !lane.is_empty()).collect())
        };
        self.levels().into_iter().rev().flat_map(of_level).collect()
    }

    fn deletions(&self, collection: &'static Collection) -> Lane {
        let mut changes = self.of(collection, &[Action::Delete, Action::Merge]);
        changes.retain(|change| !self.goes_with_parent(collection, change));
        let items = changes.into_iter().filter_map(|change| {
            let id = change.difference.id.as_ref()?;
            Some(Item { body: id.to_value(collection.key).to_string(), ..item(change, &Fields::new()) })
        });
        batches(collection, Verb::Delete, items.collect(), self.limits)
    }

    /// True if the server deletes the row anyway, with a parent that goes.
    fn goes_with_parent(&self, collection: &Collection, change: &Change) -> bool {
        let rows = self.rows.get(collection.name).into_iter().flatten();
        let Some(row) = rows.into_iter().find(|row| Some(&row.id) == change.difference.id.as_ref()) else {
            return false;
        };
        self.changes.collections.iter().any(|(parent, _)| {
            parent.cascades.iter().filter(|(child, _)| *child == collection.name).any(|(_, field)| {
                let id = row.fields.get(*field).and_then(Value::as_str);
                self.of(parent, &[Action::Delete])
                    .iter()
                    .any(|c| c.difference.id.as_ref().map(LocalId::as_str) == id)
            })
        })
    }
}

/// Deletions of collections that may refer to each other in a circle: what keeps others from being deleted goes before them.
fn blocking_first(mut waiting: Vec<(&'static Collection, Lane)>) -> Vec<Stage> {
    let blocks = |one: &Collection, other: &Collection| {
        let mut blocking = one.references.iter().filter(|reference| reference.blocks);
        one.name != other.name
            && blocking.any(|reference| reference.targets().any(|target| target == other.name))
    };
    let mut stages = Vec::new();
    while !waiting.is_empty() {
        let is_free: Vec<bool> =
            waiting.iter().map(|(of, _)| !waiting.iter().any(|(other, _)| blocks(other, of))).collect();
        // Of those that block each other no one is the first.
        let stuck = !is_free.contains(&true);
        let (mut lanes, mut later) = (Vec::new(), Vec::new());
        for ((collection, lane), free) in waiting.into_iter().zip(is_free) {
            if free || stuck { lanes.push(lane) } else { later.push((collection, lane)) }
        }
        stages.push(Stage { lanes });
        waiting = later;
    }
    stages
}

/// A value that is sent costs the server three times: in the record, and twice in the revision of it.
fn without_what_is_null_anyway(collection: &Collection, mut write: Fields) -> Fields {
    write.retain(|field, value| !(value.is_null() && collection.null_at_first.contains(&field.as_str())));
    write
}

fn batches(collection: &'static Collection, verb: Verb, items: Vec<Item>, limits: Limits) -> Lane {
    let mut lane: Lane = Vec::new();
    let mut bytes = 0;
    for item in items {
        bytes += item.body.len() + 1;
        let alone = collection.key == Key::Singleton || item.file.is_some();
        match lane.last_mut() {
            Some(batch) if bytes <= limits.bytes && batch.items.len() < limits.count && !alone => {
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

fn item(change: &Change, write: &Fields) -> Item {
    Item {
        sync_id: change.difference.sync_id.clone(),
        id: change.difference.id.clone(),
        label: change.difference.label.clone(),
        body: serde_json::to_string(write).unwrap_or_default(),
        late: change.late.clone(),
        file: change.upload.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_null_is_not_sent_where_it_is_there_by_itself() {
        for (collection, sent, left) in [
            (
                "permissions",
                json!({"policy": "p", "permissions": null, "presets": null, "validation": {}, "fields": null}),
                json!({"policy": "p", "validation": {}, "fields": null}),
            ),
            // The column of an icon has another default.
            ("policies", json!({"name": "p", "icon": null}), json!({"name": "p", "icon": null})),
        ] {
            let sent = sent.as_object().cloned().unwrap_or_default();
            let written = without_what_is_null_anyway(Collection::named(collection).unwrap(), sent);
            assert_eq!(Value::Object(written), left, "{collection}");
        }
    }
}
