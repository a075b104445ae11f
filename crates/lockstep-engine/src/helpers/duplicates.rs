//! Permissions of which Directus takes only one, or adds up several: those of the same policy, collection and action.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lockstep_core::collection::{Collection, Key};
use lockstep_core::identity::DumpRecords;
use lockstep_core::label::Labels;
use lockstep_core::record::{LocalId, Row, same_value};
use lockstep_directus::Client;
use lockstep_directus::items::{self, Endpoint};
use serde_json::Value;

use crate::error::EngineError;
use crate::instance::Instance;
use crate::options::StateChoice;
use crate::state::Store;

/// Permissions deleted in one request.
const AT_ONCE: usize = 200;

/// Which of several permissions stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// The one with the lowest id.
    First,
    /// The one with the highest id.
    #[default]
    Last,
}

/// Permissions that go, and the one like them that stays.
#[derive(Clone, Debug, PartialEq)]
pub struct Duplicate {
    /// What people call it: `Editors · update · articles`.
    pub label: String,
    /// The policy or role; null is the public of Directus 10.
    pub holder: Value,
    /// The collection that it is about.
    pub collection: String,
    /// The action that it allows.
    pub action: String,
    /// The id of the one that stays.
    pub kept: LocalId,
    /// The ids of those that go.
    pub ids: Vec<LocalId>,
    /// The fields in which one that goes differs from the one that stays.
    pub differing: Vec<String>,
}

/// All duplicates of an instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Duplicates {
    /// What holds permissions: `policy`, on Directus 10 `role`.
    pub holder: &'static str,
    /// Each kind of which there are several.
    pub groups: Vec<Duplicate>,
    /// How many permissions the server does not show, and which are left alone.
    pub hidden: u64,
}

/// Deletes permissions of the same policy (Directus 10: role), collection and action but one; what was recorded of them
/// is then recorded of the one that stays. `consents` sees them before.
///
/// # Errors
/// [`EngineError::Declined`] without consent; when the instance or the store cannot be read or written.
pub async fn remove_duplicates(
    client: Client,
    state: StateChoice,
    file: PathBuf,
    keep: Keep,
    consents: &dyn Fn(&Duplicates) -> bool,
) -> Result<Duplicates, EngineError> {
    let instance = Instance::connect(client).await?;
    let duplicates = find(&instance, keep).await?;
    if duplicates.groups.is_empty() {
        return Ok(duplicates);
    }
    let mut store = Store::open(state, file, &instance).await?;
    store.check_project_of(&instance).await?;
    if !consents(&duplicates) {
        return Err(EngineError::Declined);
    }
    let ids = duplicates.groups.iter().flat_map(|group| &group.ids);
    let ids: Vec<Value> = ids.map(|id| id.to_value(Key::Integer)).collect();
    let permissions = Endpoint::of("directus_permissions");
    for ids in ids.chunks(AT_ONCE) {
        items::delete_many(&instance.client, &permissions, ids).await?;
    }
    follow(&mut store, &duplicates).await?;
    Ok(duplicates)
}

async fn find(instance: &Instance, keep: Keep) -> Result<Duplicates, EngineError> {
    let (holder, holders) =
        if instance.version.has_policies() { ("policy", "policies") } else { ("role", "roles") };
    let collections: Vec<_> =
        [Collection::named("permissions"), Collection::named(holders)].into_iter().flatten().collect();
    let read = instance.read(&collections).await?;
    let none = DumpRecords::new();
    let labels = Labels::new(&none, &read.rows);
    let rows = read.rows.get("permissions").map(Vec::as_slice).unwrap_or_default();
    let groups = groups(rows, holder, keep)
        .into_iter()
        .map(|(kept, gone)| describe(kept, &gone, holder, &labels))
        .collect();
    Ok(Duplicates { holder, groups, hidden: read.hidden_permissions })
}

/// Of each kind of which there are several: the one that stays, and the others.
fn groups<'a>(rows: &'a [Row], holder: &str, keep: Keep) -> Vec<(&'a Row, Vec<&'a Row>)> {
    let mut kinds: BTreeMap<[String; 3], Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let part = |field: &str| row.fields.get(field).unwrap_or(&Value::Null).to_string();
        kinds.entry([part(holder), part("collection"), part("action")]).or_default().push(row);
    }
    let several = kinds.into_values().filter(|rows| rows.len() > 1);
    several
        .filter_map(|mut rows| {
            rows.sort_by(|a, b| a.id.order().cmp(&b.id.order()));
            let kept = match keep {
                Keep::First => rows.remove(0),
                Keep::Last => rows.pop()?,
            };
            Some((kept, rows))
        })
        .collect()
}

fn describe(kept: &Row, gone: &[&Row], holder: &str, labels: &Labels<'_>) -> Duplicate {
    let differs = |field: &str| {
        let of = |row: &Row| row.fields.get(field).cloned().unwrap_or_default();
        gone.iter().any(|row| !same_value(&of(row), &of(kept)))
    };
    let text = |field: &str| kept.fields.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let label = Collection::named("permissions")
        .map(|permissions| labels.of(permissions, &kept.fields, kept.id.as_str()))
        .unwrap_or_default();
    Duplicate {
        label,
        holder: kept.fields.get(holder).cloned().unwrap_or_default(),
        collection: text("collection"),
        action: text("action"),
        kept: kept.id.clone(),
        ids: gone.iter().map(|row| row.id.clone()).collect(),
        differing: kept.fields.keys().filter(|field| differs(field)).cloned().collect(),
    }
}

/// What stood for one that is gone stands for the one that stayed, unless something else does.
async fn follow(store: &mut Store, duplicates: &Duplicates) -> Result<(), EngineError> {
    const TABLE: &str = "permissions";
    let mut after = store.mappings.clone();
    for Duplicate { kept, ids, .. } in &duplicates.groups {
        let recorded = |id: &LocalId| {
            let found = store.mappings.of(TABLE).find(|(_, local)| *local == id);
            found.map(|(sync_id, _)| sync_id.clone())
        };
        let of_gone: Vec<_> = ids.iter().filter_map(recorded).collect();
        for sync_id in &of_gone {
            after.forget(TABLE, sync_id.as_str());
        }
        if let (None, Some(sync_id)) = (recorded(kept), of_gone.into_iter().next()) {
            after.record(TABLE, sync_id, kept.clone());
        }
    }
    store.save(after).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(id: &str, policy: Value, action: &str) -> Row {
        let fields = json!({"policy": policy, "collection": "posts", "action": action});
        Row { id: id.into(), fields: fields.as_object().unwrap().clone() }
    }

    #[test]
    fn one_of_each_kind_stays() {
        let rows = [
            row("10", json!("p"), "read"),
            row("9", json!("p"), "read"),
            row("11", json!("p"), "read"),
            row("1", json!("p"), "update"),
            row("2", json!("q"), "read"),
            row("3", Value::Null, "read"),
        ];
        for (keep, kept, gone) in [(Keep::First, "9", ["10", "11"]), (Keep::Last, "11", ["9", "10"])] {
            let found = groups(&rows, "policy", keep);
            let [(stays, goes)] = found.as_slice() else { panic!("{found:?}") };
            let goes: Vec<_> = goes.iter().map(|row| row.id.as_str()).collect();
            assert_eq!((stays.id.as_str(), goes), (kept, gone.to_vec()));
        }
    }
}
