//! Seed pull: records of an instance become a seed. Nothing is written to the instance.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use lockstep_core::collection::{Collection, Key, Registry};
use lockstep_core::content::{Model, Wish};
use lockstep_core::file_order;
use lockstep_core::identity::matching::{Matching, Sides, identify_rows};
use lockstep_core::identity::specials::Specials;
use lockstep_core::identity::{DumpRecords, InstanceRows, Mappings};
use lockstep_core::nearest::nearest;
use lockstep_core::record::{CONCEALED, Fields, LocalId, Record, Row, SyncId};
use lockstep_core::report::{Event, Observer, Phase, PullReport};
use lockstep_core::seed::Seeds;
use lockstep_directus::{Client, Request};
use serde_json::Value;

use super::SeedOptions;
use super::origin::{Origin, derived};
use super::place::{Place, Target};
use super::references::referred;
use crate::dump;
use crate::error::EngineError;
use crate::instance::Instance;
use crate::push::{info, milliseconds};
use crate::schema;
use crate::state::{Store, Tables};

/// Which records are pulled, and where to.
#[derive(Clone, Debug, Default)]
pub struct SeedSelection {
    /// The collections, by the names that the server has for them.
    pub collections: Vec<String>,
    /// Only records that match this filter rule.
    pub filter: Option<Value>,
    /// So many records of each collection at most, lowest keys first.
    pub limit: Option<u64>,
    /// Only these fields; all that can be pushed, where none are named.
    pub fields: Vec<String>,
    /// The file to write; else each collection has one in the seed path.
    pub file: Option<PathBuf>,
}

/// Fields of files that follow from what is in them, or where they are.
const OF_THE_FILE: [&str; 8] =
    ["storage", "width", "height", "duration", "embed", "charset", "metadata", "uploaded_by"];

/// Writes records of an instance as seeds.
///
/// # Errors
/// When they cannot be read completely, or not be written; the old files are then whole.
pub async fn pull(
    client: Client,
    options: &SeedOptions,
    selection: &SeedSelection,
    observer: &dyn Observer,
) -> Result<PullReport, EngineError> {
    let started = Instant::now();
    observer.event(Event::Phase(Phase::Connecting));
    let place = Place::open(&options.paths, selection)?;
    let instance = Instance::connect(client).await?;
    observer.event(Event::Phase(Phase::Reading));
    let model = Model::new(schema::read(&instance.client).await?);
    let collections = described(selection, &model)?;
    let referred = referred(&collections, &model, instance.version.major);
    let registry = Registry::new(referred.into_iter().chain(collections.iter().copied()).collect());
    let tables: Vec<&str> = registry.iter().map(|collection| collection.name).collect();
    let store =
        Store::open_with(Tables::Only(&tables), options.state, options.state_file.clone(), &instance).await?;
    let mut puller = Puller {
        instance: &instance,
        model: &model,
        selection,
        registry: &registry,
        notices: BTreeSet::new(),
        rows: InstanceRows::new(),
    };
    puller.read(&collections).await?;
    let origin = Origin::of(&instance).await?;
    let matching = puller.identify(options, &store.mappings, &collections, &origin);
    let mut counts = BTreeMap::new();
    let mut targets: Vec<Target> = Vec::new();
    let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    for collection in collections {
        let mut records = puller.records(collection, &matching);
        let target = place.of(collection, &records);
        if collection.upload.is_some() {
            files.extend(download(&instance, collection, &mut records, &matching, target.folder()).await?);
        }
        counts.insert(collection.shown_name(), records.len());
        targets.push(target.with(records));
    }
    observer.event(Event::Phase(Phase::WritingFiles));
    files.extend(place.documents(targets, options.sort_json));
    let (mut written, mut unchanged) = (Vec::new(), 0);
    for (path, bytes) in files {
        if std::fs::read(&path).is_ok_and(|before| before == bytes) {
            unchanged += 1;
            continue;
        }
        dump::write_file(&path, bytes)?;
        written.push(path.display().to_string());
    }
    Ok(PullReport {
        command: "seed pull",
        instance: info(&instance, Some(&store)),
        collections: counts,
        schema_collections: None,
        written,
        unchanged,
        removed: Vec::new(),
        notices: puller.notices.into_iter().collect(),
        secrets: Vec::new(),
        requests: instance.client.requests_sent(),
        duration_ms: milliseconds(started),
    })
}

fn described(selection: &SeedSelection, model: &Model) -> Result<Vec<&'static Collection>, EngineError> {
    let mut collections: Vec<&'static Collection> = Vec::new();
    for name in &selection.collections {
        let described = model.describe(name, &Wish::default());
        let described =
            described.map_err(|source| EngineError::SeedCollection { place: "pull".to_owned(), source })?;
        if !collections.contains(&described) {
            collections.push(described);
        }
        if !name.starts_with("directus_") {
            let columns: Vec<&str> = model.columns(name).collect();
            if let Some(field) = selection.fields.iter().find(|field| !columns.contains(&field.as_str())) {
                let meant = nearest(field, &columns).map(|meant| format!("; did you mean {meant}?"));
                let text = format!("{name} has no field {field}{}", meant.unwrap_or_default());
                return Err(EngineError::Unknown(text));
            }
        }
    }
    Ok(collections)
}

struct Puller<'a> {
    instance: &'a Instance,
    model: &'a Model,
    selection: &'a SeedSelection,
    registry: &'a Registry,
    notices: BTreeSet<String>,
    rows: InstanceRows,
}

impl Puller<'_> {
    /// Reads the records that were asked for, and the configuration that they may refer to.
    async fn read(&mut self, collections: &[&'static Collection]) -> Result<(), EngineError> {
        let system: Vec<_> = self.registry.iter().filter(|collection| !collection.is_content()).collect();
        self.rows = self.instance.read(&system).await?.rows;
        for collection in collections {
            let fields = match collection.full_name.starts_with("directus_") {
                true => vec!["*".to_owned()],
                false => self.model.columns(collection.full_name).map(str::to_owned).collect(),
            };
            let (filter, limit) = (self.selection.filter.as_ref(), self.selection.limit);
            let rows = self.instance.matching(collection, &fields, filter, limit).await?;
            self.rows.insert(collection.name, rows);
        }
        Ok(())
    }

    /// The SyncID of every row: of its mapping; else its key, where that says which record it is everywhere; else one
    /// that follows from the key and the instance.
    fn identify(
        &self,
        options: &SeedOptions,
        mappings: &Mappings,
        collections: &[&'static Collection],
        origin: &Origin,
    ) -> Matching {
        let specials = Specials::find(&self.rows, &self.instance.user, mappings);
        let system = Registry::new(self.registry.iter().filter(|c| !c.is_content()).collect());
        let sides = Sides {
            dump: &DumpRecords::new(),
            rows: &self.rows,
            mappings,
            specials: &specials,
            target: self.instance.client.url(),
            registry: &system,
        };
        let mut matching = identify_rows(sides, &options.preserve);
        for collection in self.registry.iter().filter(|collection| collection.is_content()) {
            for (sync_id, id) in mappings.of(collection.name) {
                matching.ids.pair(collection.name, sync_id, id);
            }
        }
        for collection in collections {
            let mut rows: Vec<&Row> = self.rows.get(collection.name).into_iter().flatten().collect();
            rows.sort_by(|one, other| one.id.order().cmp(&other.id.order()));
            for row in rows {
                let own = SyncId::from(row.id.as_str());
                let made = derived(collection, origin, &row.id);
                let counted = collection.key == Key::Integer;
                let candidates = if counted { [made.clone(), made] } else { [own, made] };
                // One that is paired already keeps its SyncID.
                let free = matching.ids.sync(collection.name, row.id.as_str()).is_none();
                let _ = free && candidates.iter().any(|id| matching.ids.pair(collection.name, id, &row.id));
            }
        }
        matching
    }

    fn records(&mut self, collection: &'static Collection, matching: &Matching) -> Vec<Record> {
        let translator = matching.translator(&self.rows, false).among(self.registry);
        let mut records = Vec::new();
        let mut notices = BTreeSet::new();
        for row in self.rows.get(collection.name).into_iter().flatten() {
            let Some(sync_id) = matching.ids.sync(collection.name, row.id.as_str()) else { continue };
            let (mut fields, missing) = translator.to_portable(collection, row);
            for reference in missing {
                let target = reference.target.strip_prefix("items::").unwrap_or(reference.target);
                notices.insert(format!(
                    "{}.{} refers to records of {target} that have no _sync_id: pull {target} as well",
                    collection.full_name, reference.path
                ));
            }
            fields.retain(|name, value| self.takes_part(collection, name, value));
            if collection.key == Key::Text {
                fields.insert(collection.key_field.to_owned(), Value::from(row.id.as_str()));
            }
            records.push(Record { sync_id: sync_id.clone(), fields: fields.into() });
        }
        self.notices.extend(notices);
        file_order::sort(collection, &mut records);
        records
    }

    /// What a seed says of a record: what can be pushed, and no secret.
    fn takes_part(&self, collection: &Collection, field: &str, value: &Value) -> bool {
        let chosen = &self.selection.fields;
        let secret = collection.is_secret(field) || value.as_str() == Some(CONCEALED);
        let of_file = collection.upload.is_some() && OF_THE_FILE.contains(&field);
        let listed = collection.once.contains(&field) || self.model.is_alias(collection.full_name, field);
        let wanted = chosen.is_empty() || chosen.iter().any(|name| name == field);
        wanted && !secret && !listed && !of_file
    }
}

/// The files of records, by where they are written; the records are told.
async fn download(
    instance: &Instance,
    collection: &Collection,
    records: &mut [Record],
    matching: &Matching,
    folder: &Path,
) -> Result<BTreeMap<PathBuf, Vec<u8>>, EngineError> {
    let mut files = BTreeMap::new();
    let field = collection.upload.unwrap_or_default();
    for record in records {
        let Some(id) = matching.ids.local(collection.name, record.sync_id.as_str()) else { continue };
        let inside = file_name(&record.sync_id, &record.fields, id);
        let answer = instance.client.send(&Request::get(format!("/assets/{id}"))).await?;
        files.insert(folder.join(&inside), answer.body.to_vec());
        let mut fields = (*record.fields).clone();
        fields.insert(field.to_owned(), Value::from(inside));
        record.fields = fields.into();
    }
    Ok(files)
}

/// Where a file lies, from the folder of the seeds. What looks like a seed is called otherwise, because all `*.json` below
/// the seed path is read.
fn file_name(sync_id: &SyncId, fields: &Fields, id: &LocalId) -> String {
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let name = if plain(sync_id.as_str()) { sync_id.as_str() } else { id.as_str() };
    let download = fields.get("filename_download").and_then(Value::as_str).unwrap_or_default();
    let ending = Path::new(download).extension().and_then(|ending| ending.to_str()).filter(|e| plain(e));
    match ending {
        Some(ending) if ending.eq_ignore_ascii_case("json") => format!("files/{name}.json.file"),
        Some(ending) => format!("files/{name}.{ending}"),
        None => format!("files/{name}"),
    }
}

/// Seeds that are there already, for whoever looks what a pull would overwrite.
pub(super) fn existing(paths: &[PathBuf]) -> Result<Seeds, EngineError> {
    match paths.iter().any(|path| path.exists()) {
        true => super::files::read(paths),
        false => Ok(Seeds::default()),
    }
}
