//! Records of an instance as seeds have them: chosen, read, identified, and said in SyncIDs.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_core::collection::{Collection, Key, Registry};
use lockstep_core::content::Model;
use lockstep_core::file_order;
use lockstep_core::identity::matching::{Matching, Sides, identify_rows};
use lockstep_core::identity::specials::Specials;
use lockstep_core::identity::{DumpRecords, InstanceRows};
use lockstep_core::record::{CONCEALED, LocalId, Record, Row, SyncId};
use serde_json::Value;

use super::origin::{Origin, derived};
use super::references::referred as referred_collections;
use super::related::{AllHeld, Follower, Held, columns, referred};
use super::selection::{Chosen, SeedSelection};
use super::{Area, SeedOptions};
use crate::error::EngineError;
use crate::instance::Instance;
use crate::state::{Store, Tables};

/// Fields of files that follow from what is in them, or where they are.
const OF_THE_FILE: [&str; 8] =
    ["storage", "width", "height", "duration", "embed", "charset", "metadata", "uploaded_by"];

/// What was read of an instance.
#[derive(Debug)]
pub(super) struct Gathered<'a> {
    /// The collections, the chosen ones first.
    pub(super) collections: Vec<&'static Collection>,
    /// Where the mappings of the instance are.
    pub(super) store: Store,
    /// What people ought to know.
    pub(super) notices: BTreeSet<String>,
    model: &'a Model,
    area: Area,
    registry: Registry,
    matching: Matching,
    /// Rows of the configuration.
    system: InstanceRows,
    held: AllHeld,
    /// The collections of which all rows are held that anything refers to.
    whole: BTreeSet<&'static str>,
    /// What is referred to and not there: no constraint guards the items of many-to-any relations.
    absent: BTreeSet<(&'static str, LocalId)>,
    /// Which fields are wanted of the chosen collections.
    fields: BTreeMap<&'static str, BTreeSet<String>>,
}

impl<'a> Gathered<'a> {
    /// Reads the chosen records and what comes along, complete or not at all.
    pub(super) async fn read(
        instance: &Instance,
        model: &'a Model,
        options: &SeedOptions,
        selection: &SeedSelection,
        chosen: &[Chosen],
    ) -> Result<Self, EngineError> {
        let mut held = AllHeld::new();
        for chosen in chosen {
            let collection = chosen.collection;
            let fields = fields_of(chosen, model);
            let rows =
                instance.matching(collection, &fields, chosen.filter.as_ref(), selection.limit).await?;
            held.entry(collection.name).or_insert_with(|| Held::of(collection)).add(rows);
        }
        let (related, files) = (selection.related, selection.files);
        let follower = Follower { instance, model, related, files };
        follower.follow(&mut held).await?;
        let all = chosen.iter().filter(|chosen| chosen.filter.is_none() && selection.limit.is_none());
        let mut whole: BTreeSet<&'static str> = all.map(|chosen| chosen.collection.name).collect();
        let mut collections: Vec<_> = chosen.iter().map(|chosen| chosen.collection).collect();
        let along = held.values().filter(|of| !of.rows.is_empty()).map(|of| of.collection);
        let along: Vec<_> = along.filter(|collection| !collections.contains(collection)).collect();
        collections.extend(along);
        let referred = referred_collections(&collections, model, instance.version.major);
        let registry = Registry::new(referred.into_iter().chain(collections.iter().copied()).collect());
        whole.extend(registry.iter().map(|known| known.name).filter(|name| follower.target(name).is_some()));
        let tables: Vec<&str> = registry.iter().map(|collection| collection.name).collect();
        let file = options.state_file.clone();
        let store = Store::open_with(Tables::Only(&tables), options.state, file, instance).await?;
        let system: Vec<_> = registry.iter().filter(|collection| !collection.is_content()).collect();
        let mut gathered = Self {
            collections,
            store,
            notices: BTreeSet::new(),
            model,
            area: options.area,
            system: instance.read(&system).await?.rows,
            registry,
            matching: Matching::default(),
            held,
            whole,
            absent: BTreeSet::new(),
            fields: chosen.iter().map(|it| (it.collection.name, it.fields.clone())).collect(),
        };
        let origin = Origin::of(instance).await?;
        gathered.identify(instance, options, &origin);
        Ok(gathered)
    }

    /// The SyncID of every row: of its mapping; else its key, where that says which record it is everywhere; else one
    /// that follows from the key and the instance. A counted key that is only referred to gets one as well: on another
    /// instance the number would be another record.
    fn identify(&mut self, instance: &Instance, options: &SeedOptions, origin: &Origin) {
        let mappings = &self.store.mappings;
        let specials = Specials::find(&self.system, &instance.user, mappings);
        let system = Registry::new(self.registry.iter().filter(|c| !c.is_content()).collect());
        let sides = Sides {
            dump: &DumpRecords::new(),
            rows: &self.system,
            mappings,
            specials: &specials,
            target: instance.client.url(),
            registry: &system,
        };
        let mut matching = identify_rows(sides, &options.preserve);
        for collection in self.registry.iter().filter(|collection| collection.is_content()) {
            for (sync_id, id) in mappings.of(collection.name) {
                matching.ids.pair(collection.name, sync_id, id);
            }
        }
        for of in self.held.values_mut() {
            of.rows.sort_by(|one, other| one.id.order().cmp(&other.id.order()));
            for row in &of.rows {
                name(&mut matching, of.collection, &row.id, origin);
            }
        }
        let content: BTreeMap<_, _> =
            self.registry.iter().filter(|c| c.is_content()).map(|c| (c.name, c)).collect();
        for of in self.held.values() {
            for reference in of.collection.references {
                if !self.takes_part(of.collection, reference.path, &Value::Null) {
                    continue;
                }
                let (mut outside, mut gone) = (BTreeSet::new(), BTreeSet::new());
                for row in &of.rows {
                    let Some(id) = row.fields.get(reference.path).and_then(LocalId::from_value) else {
                        continue;
                    };
                    let Some(target) = reference.target_in(&row.fields) else { continue };
                    let Some(collection) = content.get(target) else { continue };
                    if self.held.get(target).is_some_and(|held| held.has(&id)) {
                        continue;
                    }
                    if self.whole.contains(target) {
                        gone.insert(collection.full_name);
                        self.absent.insert((collection.name, id));
                        continue;
                    }
                    let mapped = matching.ids.sync(target, id.as_str()).is_some();
                    if !mapped || self.area == Area::Content {
                        outside.insert(collection.full_name);
                    }
                    if collection.key == Key::Integer {
                        name(&mut matching, collection, &id, origin);
                    }
                }
                let (from, field) = (of.collection.full_name, reference.path);
                self.notices.extend(outside.into_iter().map(|target| {
                    let remedy = self.area.remedy(target);
                    format!("{from}.{field} refers to records of {target} that do not come along: {remedy}")
                }));
                self.notices.extend(gone.into_iter().map(|target| {
                    format!(
                        "{from}.{field} refers to records of {target} that are gone, and is left out there"
                    )
                }));
            }
        }
        self.matching = matching;
    }

    /// The records of a collection; they are not held here any more.
    pub(super) fn take(&mut self, collection: &'static Collection) -> Vec<Record> {
        let Some(held) = self.held.remove(collection.name) else { return Vec::new() };
        let translator = self.matching.translator(&self.system, false).among(&self.registry);
        let mut records = Vec::with_capacity(held.rows.len());
        for row in held.rows {
            let Some(sync_id) = self.matching.ids.sync(collection.name, row.id.as_str()) else { continue };
            let (mut fields, missing) = translator.to_portable(collection, &row);
            let of_system = |name: &str| self.registry.iter().any(|c| c.name == name && !c.is_content());
            for reference in missing.iter().filter(|reference| of_system(reference.target)) {
                self.notices.insert(format!(
                    "{}.{} refers to records of {} that are not there",
                    collection.full_name, reference.path, reference.target
                ));
            }
            for (field, target, id) in referred(collection, &row) {
                if self.absent.contains(&(target, id)) {
                    fields.shift_remove(field);
                }
            }
            fields.retain(|name, value| self.takes_part(collection, name, value));
            if collection.key == Key::Text || self.tells_key(collection, sync_id, &row) {
                fields.insert(collection.key_field.to_owned(), Value::from(row.id.as_str()));
            }
            records.push(Record { sync_id: sync_id.clone(), fields: fields.into() });
        }
        file_order::sort(collection, &mut records);
        records
    }

    /// The id that a record has on the instance.
    pub(super) fn id(&self, collection: &Collection, record: &Record) -> Option<&LocalId> {
        self.matching.ids.local(collection.name, record.sync_id.as_str())
    }

    /// A key that means the same everywhere is kept, whatever the record is called.
    fn tells_key(&self, collection: &Collection, sync_id: &SyncId, row: &Row) -> bool {
        self.area == Area::Content && collection.key == Key::Uuid && sync_id.as_str() != row.id.as_str()
    }

    /// What a seed says of a record: what can be pushed, and no secret.
    fn takes_part(&self, collection: &Collection, field: &str, value: &Value) -> bool {
        let chosen = self.fields.get(collection.name).filter(|chosen| !chosen.is_empty());
        let secret = collection.is_secret(field) || value.as_str() == Some(CONCEALED);
        let of_file = collection.upload.is_some() && OF_THE_FILE.contains(&field);
        let listed = collection.once.contains(&field) || self.model.is_alias(collection.full_name, field);
        let wanted =
            chosen.is_none_or(|chosen| chosen.contains(field) || names_target(collection, chosen, field));
        wanted && !secret && !listed && !of_file
    }
}

/// The fields that are read of chosen records.
fn fields_of(chosen: &Chosen, model: &Model) -> Vec<String> {
    let (collection, fields) = (chosen.collection, &chosen.fields);
    let mut all = columns(collection, model);
    if !fields.is_empty() && !collection.full_name.starts_with("directus_") {
        all.retain(|field| fields.contains(field) || names_target(collection, fields, field));
    }
    all
}

/// True for the field that names the collection of a chosen many-to-any relation.
fn names_target(collection: &Collection, chosen: &BTreeSet<String>, field: &str) -> bool {
    let any = |path: &str| collection.references.iter().find(|it| it.path == path).and_then(|it| it.any);
    chosen.iter().any(|chosen| any(chosen).is_some_and(|any| any.field == field))
}

/// Gives a row its SyncID, if it has none.
fn name(matching: &mut Matching, collection: &'static Collection, id: &LocalId, origin: &Origin) {
    if matching.ids.sync(collection.name, id.as_str()).is_some() {
        return;
    }
    let made = derived(collection, origin, id);
    let own = SyncId::from(id.as_str());
    let candidates = if collection.key == Key::Integer { [made.clone(), made] } else { [own, made] };
    let _ = candidates.iter().any(|sync_id| matching.ids.pair(collection.name, sync_id, id));
}
