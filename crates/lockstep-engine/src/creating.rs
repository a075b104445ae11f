//! What a push is about to create under keys that the server counts. Nothing but its mapping says later which record such
//! a row is, and a run can end between the two. So the store is told before: collection by collection the newest key, and
//! the records in the order in which they are created. The next run adopts what it finds to be these.

use lockstep_core::collection::{Collection, Key};
use lockstep_core::identity::Mappings;
use lockstep_core::plan::{Plan, Verb};
use lockstep_core::record::{LocalId, SyncId};

use crate::error::EngineError;
use crate::executor::Made;
use crate::instance::Instance;
use crate::state::Store;

/// What the names of such tables of mappings begin with.
const PREFIX: &str = "creating:";
/// Stands for all records of a collection, where each mapping costs a request.
const ALL: &str = "*";

/// The table of mappings that tells what is created in a collection.
pub(crate) fn table(collection: &str) -> String {
    format!("{PREFIX}{collection}")
}

/// True for such a table.
pub(crate) fn is_table(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// What a run that was cut short was about to create in a collection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    /// The newest key that was there before.
    pub(crate) newest: i64,
    /// The records, in order; none where all of the collection may be meant.
    pub(crate) records: Option<Vec<SyncId>>,
}

/// What is known of it.
pub(crate) fn announced(mappings: &Mappings, collection: &Collection) -> Option<Announced> {
    let mut found: Vec<(i64, usize, &SyncId)> = mappings
        .of(&table(collection.name))
        .filter_map(|(sync_id, place)| {
            let (newest, ordinal) = place.as_str().split_once('+')?;
            Some((newest.parse().ok()?, ordinal.parse().ok()?, sync_id))
        })
        .collect();
    found.sort_unstable();
    let newest = found.first()?.0;
    let all = found.iter().any(|(.., sync_id)| sync_id.as_str() == ALL);
    let records = found.into_iter().map(|(.., sync_id)| sync_id.clone()).collect();
    Some(Announced { newest, records: (!all).then_some(records) })
}

/// Forgets what was announced in a collection, once all that a push creates there is known. What is announced of records
/// that are not known stays: seeds and content share the mappings of a collection, and the other push was cut short.
pub(crate) fn settle(mappings: &mut Mappings, collection: &Collection) {
    let table = table(collection.name);
    let unknown = |id: &SyncId| id.as_str() != ALL && mappings.local(collection.name, id.as_str()).is_none();
    let of_others = mappings.of(&table).filter(|(id, _)| unknown(id));
    let of_others: Vec<_> = of_others.map(|(id, place)| (id.clone(), place.clone())).collect();
    mappings.clear(&table);
    if !of_others.is_empty() {
        mappings.extend(&table, of_others);
    }
}

/// Tells the store what a plan creates, beside what is `known`.
///
/// # Errors
/// When the newest keys cannot be read, or the store cannot be written; then nothing was created yet.
pub(crate) async fn announce(
    instance: &Instance,
    store: &mut Store,
    mut known: Mappings,
    plan: &Plan,
    made: &Made,
) -> Result<(), EngineError> {
    let mut found = false;
    for (collection, records) in counted(plan) {
        let newest = instance.newest(collection).await?;
        made.note_newest(collection, newest);
        let place = |ordinal: usize| LocalId::from(format!("{newest}+{ordinal}"));
        let told = if store.takes_many() {
            records.into_iter().enumerate().map(|(ordinal, id)| (id, place(ordinal))).collect()
        } else {
            vec![(SyncId::from(ALL), place(0))]
        };
        known.extend(&table(collection.name), told);
        found = true;
    }
    if found { store.save(known).await } else { Ok(()) }
}

/// The records that a plan creates under keys that the server counts, by collection, in the order of the plan.
fn counted(plan: &Plan) -> Vec<(&'static Collection, Vec<SyncId>)> {
    let mut all: Vec<(&'static Collection, Vec<SyncId>)> = Vec::new();
    let creations = plan.batches().filter(|batch| {
        batch.verb == Verb::Create && batch.collection.is_content() && batch.collection.key == Key::Integer
    });
    for batch in creations {
        let records = batch.items.iter().filter(|item| item.id.is_none());
        let records: Vec<SyncId> = records.filter_map(|item| item.sync_id.clone()).collect();
        match all.iter_mut().find(|(collection, _)| collection.name == batch.collection.name) {
            Some((_, others)) => others.extend(records),
            None if records.is_empty() => {}
            None => all.push((batch.collection, records)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use lockstep_core::content::{Model, Wish};
    use lockstep_core::schema::Snapshot;
    use serde_json::json;

    use super::*;

    fn authors() -> &'static Collection {
        let snapshot = json!({
            "version": 1, "directus": "11.17.4", "vendor": "sqlite", "relations": [],
            "collections": [{"collection": "authors", "meta": null, "schema": {"name": "authors"}}],
            "fields": [{"collection": "authors", "field": "id", "type": "integer", "meta": null,
                "schema": {"name": "id", "table": "authors", "data_type": "integer", "is_primary_key": true,
                    "has_auto_increment": true}}],
        });
        let snapshot = Snapshot::from_value(snapshot).unwrap();
        Model::new(snapshot).describe("authors", &Wish::default()).unwrap()
    }

    #[test]
    fn what_is_announced_is_read_in_order() {
        let mut mappings = Mappings::default();
        assert_eq!(announced(&mappings, authors()), None);
        let pairs = [("b", "41+0"), ("a", "41+10"), ("c", "41+2"), ("odd", "x")];
        mappings.extend("creating:items::authors", pairs.map(|(s, l)| (SyncId::from(s), LocalId::from(l))));
        let records = Some(["b", "c", "a"].map(SyncId::from).to_vec());
        assert_eq!(announced(&mappings, authors()), Some(Announced { newest: 41, records }));
        let mut all = Mappings::default();
        all.extend("creating:items::authors", [(SyncId::from("*"), LocalId::from("7+0"))]);
        assert_eq!(announced(&all, authors()), Some(Announced { newest: 7, records: None }));
    }

    #[test]
    fn what_is_known_is_settled_and_what_others_announced_stays() {
        let mut mappings = Mappings::default();
        let pairs = [("*", "7+0"), ("a", "7+1"), ("b", "7+2")];
        mappings.extend("creating:items::authors", pairs.map(|(s, l)| (SyncId::from(s), LocalId::from(l))));
        mappings.record("items::authors", SyncId::from("a"), LocalId::from("8"));
        settle(&mut mappings, authors());
        let records = Some(vec![SyncId::from("b")]);
        assert_eq!(announced(&mappings, authors()), Some(Announced { newest: 7, records }));
        mappings.record("items::authors", SyncId::from("b"), LocalId::from("9"));
        settle(&mut mappings, authors());
        assert_eq!(announced(&mappings, authors()), None);
        assert_eq!(mappings.collections().collect::<Vec<_>>(), ["items::authors"]);
    }
}
