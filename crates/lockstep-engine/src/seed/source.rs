//! Seeds as what an instance is brought to.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{try_join, try_join_all};
use lockstep_core::collection::{Collection, Key, LabelPart};
use lockstep_core::identity::matching::{Sides, asked_id, match_records};
use lockstep_core::identity::specials::Specials;
use lockstep_core::identity::{InstanceRows, Mappings, PreserveIds, chosen_id};
use lockstep_core::reconcile::{Comparison, Mode, Rules, reconcile};
use lockstep_core::record::{LocalId, Record};
use lockstep_core::report::Differences;
use lockstep_core::schema;
use lockstep_core::transform::{Transformed, Untouched};
use serde_json::Value;

use super::SeedOptions;
use super::adopted::add_created;
use super::contents;
use super::origin::add_derived;
use super::others;
use super::prepared::Prepared;
use crate::assets::Assets;
use crate::compare::{Compared, project_id};
use crate::content::Wanted;
use crate::creating;
use crate::error::EngineError;
use crate::instance::Instance;
use crate::push::Source;
use crate::state::{Store, Tables};

/// Seeds that were checked against the schema of the instance.
pub(super) struct SeedSource<'a> {
    pub(super) options: &'a SeedOptions,
    pub(super) prepared: Prepared,
    /// Where the files are that records come with.
    pub(super) assets: Assets,
}

impl Source for SeedSource<'_> {
    async fn compare(&self, instance: &Instance, store: &mut Option<Store>) -> Result<Compared, EngineError> {
        let mut mappings = self.open(instance, store).await?.clone();
        add_derived(instance, &self.prepared, &mut mappings).await?;
        add_created(instance, &self.prepared, &mut mappings).await?;
        let rows = self.read(instance, &mappings).await?;
        let specials = Specials::find(&rows, &instance.user, &mappings);
        let prepared = &self.prepared;
        let sides = Sides {
            dump: &prepared.records,
            rows: &rows,
            mappings: &mappings,
            specials: &specials,
            target: instance.client.url(),
            registry: &prepared.registry,
        };
        let matching = match_records(sides);
        let changed_files = contents::changed(instance, prepared, &matching, &rows, &self.assets).await?;
        let me = ("users", instance.user.id.clone());
        let mut protected = others::protected(&self.options.others, prepared, &mappings)?;
        protected.insert(me);
        let rules = Rules { changed_files, protected, ..prepared.rules.clone() };
        let mode = Mode {
            scope: prepared.scope(),
            preserve: PreserveIds::None,
            attach_roles: false,
            prune: false,
            permissions_hidden: false,
            target: instance.client.url().to_owned(),
            registry: prepared.registry.clone(),
            rules,
        };
        let concealed = prepared.concealed.clone();
        let transformed = Transformed { concealed, ..Transformed::default() };
        let comparison = Comparison {
            dump: &prepared.records,
            rows: &rows,
            matching,
            specials: &specials,
            mappings: &mappings,
            mode: &mode,
            transformed: &transformed,
        };
        let changes = reconcile(comparison).map_err(EngineError::Problems)?;
        let differences = Differences::new(None, &changes);
        let mut notices = prepared.notices.clone();
        for (collection, of_collection) in &changes.collections {
            let fields: Vec<_> = of_collection.unknown_fields.iter().map(String::as_str).collect();
            if !fields.is_empty() {
                let name = collection.shown_name();
                notices.push(format!("{name}: this Directus does not know {}, left out", fields.join(", ")));
            }
        }
        let untouched = Untouched::default();
        let one_at_a_time = false;
        Ok(Compared { changes, schema: None, differences, one_at_a_time, rows, notices, untouched })
    }

    fn schema_mode(&self) -> Option<schema::Mode> {
        None
    }

    fn assets(&self) -> Assets {
        self.assets.clone()
    }
}

impl SeedSource<'_> {
    /// The mappings of all collections that take part.
    async fn open<'s>(
        &self,
        instance: &Instance,
        store: &'s mut Option<Store>,
    ) -> Result<&'s Mappings, EngineError> {
        if let Some(store) = store {
            return Ok(&store.mappings);
        }
        let counted = self.prepared.registry.iter().filter(|c| c.is_content() && c.key == Key::Integer);
        let creating: Vec<String> = counted.map(|collection| creating::table(collection.name)).collect();
        let tables = self.prepared.registry.iter().map(|collection| collection.name);
        let tables: Vec<&str> = tables.chain(creating.iter().map(String::as_str)).collect();
        let file = self.options.state_file.clone();
        let mut opened = Store::open_with(Tables::Only(&tables), self.options.state, file, instance).await?;
        if let (true, Some(settings)) = (opened.name() == "file", Collection::named("settings")) {
            let read = instance.read(&[settings]).await?;
            opened.check_project(project_id(&read.rows))?;
        }
        Ok(&store.insert(opened).mappings)
    }

    /// The rows that the seeds may be about, and those that they refer to.
    async fn read(&self, instance: &Instance, mappings: &Mappings) -> Result<InstanceRows, EngineError> {
        let wanted = self.wanted(instance, mappings);
        let system: Vec<_> = self.prepared.registry.iter().filter(|c| !c.is_content()).collect();
        let of_content = wanted
            .iter()
            .map(|(name, wanted)| async { Ok::<_, EngineError>((*name, instance.rows(wanted).await?)) });
        let (read, of_content) = try_join(instance.read(&system), try_join_all(of_content)).await?;
        let mut rows = read.rows;
        rows.extend(of_content);
        Ok(rows)
    }

    fn wanted(&self, instance: &Instance, mappings: &Mappings) -> BTreeMap<&'static str, Wanted> {
        let content: Vec<_> = self.prepared.registry.iter().filter(|c| c.is_content()).collect();
        let mut wanted: BTreeMap<_, _> =
            content.iter().map(|collection| (collection.name, Wanted::of(collection))).collect();
        for collection in content {
            let Some(records) = self.prepared.records.get(collection.name) else { continue };
            if let Some(of_collection) = wanted.get_mut(collection.name) {
                add_fields(of_collection, collection, records);
                for (_, id) in mappings.of(collection.name) {
                    of_collection.key(id.clone());
                }
            }
            for record in records {
                if let Some(of_collection) = wanted.get_mut(collection.name) {
                    add_record(of_collection, collection, record, mappings, instance.client.url());
                }
                add_references(&mut wanted, collection, record, mappings);
            }
        }
        wanted
    }
}

/// What is read of each row: what the seeds say of it, and what it is known by.
fn add_fields(wanted: &mut Wanted, collection: &Collection, records: &[Record]) {
    if collection.full_name.starts_with("directus_") {
        // Which fields there are depends on the version, and asking for one that is not there is an error.
        wanted.field("*");
        return;
    }
    let said: BTreeSet<&str> =
        records.iter().flat_map(|record| record.fields.keys()).map(String::as_str).collect();
    let labels = collection.label.iter().map(|part| match part {
        LabelPart::Field(field) | LabelPart::Named(field) => *field,
    });
    for field in said.into_iter().chain(labels).filter(|field| !collection.once.contains(field)) {
        wanted.field(field);
    }
}

/// Where a record may be: at the ids that it can have, and by what names it.
fn add_record(
    wanted: &mut Wanted,
    collection: &'static Collection,
    record: &Record,
    mappings: &Mappings,
    target: &str,
) {
    let asked = asked_id(collection, record);
    wanted.key(asked.unwrap_or_else(|| record.sync_id.as_str().into()));
    if mappings.local(collection.name, record.sync_id.as_str()).is_none() {
        wanted.key(chosen_id(collection, target, &record.sync_id));
        for field in collection.natural_key {
            if let Some(Value::String(value)) = record.fields.get(*field) {
                wanted.named(field, value);
            }
        }
    }
}

/// The records that a record refers to: by the mapping, or by an id of the instance.
fn add_references(
    wanted: &mut BTreeMap<&'static str, Wanted>,
    collection: &Collection,
    record: &Record,
    mappings: &Mappings,
) {
    for reference in collection.references {
        let id = record.fields.get(reference.path).and_then(LocalId::from_value);
        let (Some(id), Some(target)) = (id, reference.target_in(&record.fields)) else { continue };
        if let Some(of_target) = wanted.get_mut(target) {
            if let Some(mapped) = mappings.local(target, id.as_str()) {
                of_target.key(mapped.clone());
            }
            of_target.key(id);
        }
    }
}
