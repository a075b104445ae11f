//! Rows that the dump does not have: which of them go, what goes with them, and what stays but has to let go.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::{Action, Change, CollectionChanges, Difference, Edit, Kept, Reconciler};
use crate::collection::Collection;
use crate::record::{Fields, LocalId, Row, SyncId};

impl Reconciler<'_> {
    /// Adds the rows without a record to the changes of their collection, which hold those of its records already.
    pub(super) fn rows_without_record(
        &self,
        collection: &'static Collection,
        rows: &[Row],
        changes: &mut CollectionChanges,
    ) {
        let name = collection.name;
        let mut rows: Vec<_> = rows.iter().filter(|row| !self.stays_anyway(name, row)).collect();
        if rows.is_empty() {
            return;
        }
        rows.sort_by(|a, b| a.id.order().cmp(&b.id.order()));
        let tracked: BTreeMap<&LocalId, &SyncId> =
            self.comparison.mappings.of(name).map(|(sync_id, local)| (local, sync_id)).collect();
        let twins: HashMap<&LocalId, &SyncId> = self
            .matching
            .surplus
            .iter()
            .filter(|(table, ..)| *table == name && !self.comparison.mode.permissions_hidden)
            .map(|(_, id, of)| (id, of))
            .collect();
        for row in rows {
            let label = self.labels.of(collection, &row.fields, row.id.as_str());
            let twin = twins.get(&row.id).copied();
            let action = match twin {
                Some(_) => Action::Merge,
                None if self.doomed.contains(&(name, row.id.clone())) => Action::Delete,
                // Of content only a part is read: what is not tracked is no more than the rest.
                None if collection.is_content() && !tracked.contains_key(&row.id) => continue,
                None => {
                    changes.items.extend(self.letting_go(collection, row, &label, &changes.items));
                    changes.untracked.push(Kept { id: row.id.to_string(), label });
                    continue;
                }
            };
            let difference = Difference {
                action,
                sync_id: twin.or_else(|| tracked.get(&row.id).copied()).cloned(),
                id: Some(row.id.clone()),
                label,
                changes: self.what_goes(collection, row),
                created: None,
                names: Vec::new(),
                takes_along: self.takes_along(collection, &row.id),
                cuts_off: cuts_off(collection, row),
            };
            changes.items.push(Change {
                difference: Arc::new(difference),
                write: Fields::new(),
                late: Vec::new(),
                upload: None,
            });
        }
    }

    fn stays_anyway(&self, collection: &'static str, row: &Row) -> bool {
        self.comparison.leaves_row(collection, &row.id)
            || self.matching.ids.sync(collection, row.id.as_str()).is_some()
            || self.comparison.specials.protects(collection, &row.id)
    }

    /// The fields of a row that goes, for people.
    fn what_goes(&self, collection: &Collection, row: &Row) -> Vec<Edit> {
        let (fields, _) = self.translator.to_portable(collection, row);
        let told = fields.into_iter().filter(|(name, value)| !value.is_null() && !collection.is_secret(name));
        told.map(|(name, value)| Edit::plain(&name, value, Value::Null)).collect()
    }

    /// An untracked row that stays lets go of a row of its own collection that goes (the server does not clear these
    /// references, and refuses the deletion), and of a unique reference that a record of the dump is to have.
    fn letting_go(
        &self,
        collection: &Collection,
        row: &Row,
        label: &str,
        planned: &[Change],
    ) -> Option<Change> {
        if collection.is_content() {
            return None;
        }
        let goes = |id: &str| self.doomed.contains(&(collection.name, LocalId::from(id)));
        let wanted = |field: &str, id: &str| {
            collection.unique.contains(&field)
                && planned.iter().any(|change| change.write.get(field).and_then(Value::as_str) == Some(id))
        };
        let mut references: Vec<&'static str> = collection.self_references().collect();
        references.extend(
            collection.unique.iter().filter(|field| !collection.self_references().any(|f| f == **field)),
        );
        let (mut write, mut changes) = (Fields::new(), Vec::new());
        for field in references {
            let Some(Value::String(id)) = row.fields.get(field) else { continue };
            if goes(id) || wanted(field, id) {
                changes.push(Edit::plain(field, Value::from(id.as_str()), Value::Null));
                write.insert(field.to_owned(), Value::Null);
            }
        }
        if changes.is_empty() {
            return None;
        }
        write.insert("id".to_owned(), row.id.to_value(collection.key));
        let difference = Difference {
            action: Action::Update,
            sync_id: None,
            id: Some(row.id.clone()),
            label: label.to_owned(),
            changes,
            created: None,
            names: Vec::new(),
            takes_along: 0,
            cuts_off: 0,
        };
        Some(Change { difference: Arc::new(difference), write, late: Vec::new(), upload: None })
    }

    /// How many rows that do not go by themselves the server would delete along with this one. Of permissions that are
    /// hidden nobody knows how many belong to a policy: they count as one.
    fn takes_along(&self, collection: &Collection, id: &LocalId) -> usize {
        let children = collection.cascades.iter().flat_map(|(child, field)| {
            let rows = self.comparison.rows.get(child).into_iter().flatten();
            rows.filter(|row| row.fields.get(*field).and_then(Value::as_str) == Some(id.as_str()))
                .map(move |row| (*child, row))
        });
        let untracked = children.filter(|(child, row)| {
            let paired = self.matching.ids.sync(child, row.id.as_str()).is_some();
            let moves_away = paired
                && !self.comparison.leaves_row(child, &row.id)
                && self.comparison.mode.scope.contains(child);
            !moves_away && !self.doomed.contains(&(*child, row.id.clone()))
        });
        let hides = collection.cascades.iter().any(|(child, _)| *child == "permissions");
        untracked.count() + usize::from(hides && self.comparison.mode.permissions_hidden)
    }
}

/// How many users have this role, or this policy by themselves; everybody counts as one.
fn cuts_off(collection: &Collection, row: &Row) -> usize {
    let list = |name: &str| row.fields.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    match collection.attachments {
        Some(field) => {
            let no_role = |attachment: &&Value| attachment.get("role").is_none_or(Value::is_null);
            list(field).iter().filter(no_role).count()
        }
        None if collection.name == "roles" => list("users").len(),
        None => 0,
    }
}
