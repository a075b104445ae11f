//! Seed pull: records of an instance become seeds. Nothing is written to the instance.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use lockstep_core::collection::Collection;
use lockstep_core::content::Model;
use lockstep_core::record::{Fields, LocalId, Record, SyncId};
use lockstep_core::report::{Event, Observer, Phase, PullReport};
use lockstep_directus::Client;
use serde_json::Value;

use super::gather::Gathered;
use super::place::{Place, document};
use super::selection::SeedSelection;
use super::supplied::kept;
use super::{Command, SeedOptions};
use crate::assets::asset;
use crate::dump;
use crate::error::EngineError;
use crate::instance::Instance;
use crate::push::{info, milliseconds};
use crate::schema;

/// Writes records of an instance as seeds, a collection after the other.
///
/// # Errors
/// When they cannot be read completely, and nothing was written then; or not be written: each file is then what it was, or
/// what it is to be.
pub async fn pull(
    client: Client,
    options: &SeedOptions,
    selection: &SeedSelection,
    observer: &dyn Observer,
) -> Result<PullReport, EngineError> {
    let started = Instant::now();
    observer.event(Event::Phase(Phase::Connecting));
    let place = Place::open(&options.paths, selection.file.as_ref())?;
    let instance = Instance::connect(client).await?;
    observer.event(Event::Phase(Phase::Reading));
    let model = Model::new(schema::read(&instance.client).await?);
    let chosen = selection.choose(&model, "pull")?;
    let mut gathered = Gathered::read(&instance, &model, options, selection, &chosen).await?;
    let files = place.files(&gathered.collections)?;
    observer.event(Event::Phase(Phase::WritingFiles));
    let mut counts = BTreeMap::new();
    let mut written = Written::default();
    for (file, collections) in files {
        let mut seeds = Vec::with_capacity(collections.len());
        for collection in collections {
            let mut records = gathered.take(collection);
            counts.insert(collection.shown_name(), records.len());
            gathered.notices.extend(keep_placeholders(collection, &mut records, &place, &options.variables));
            if collection.upload.is_some() {
                let folder = file.parent().unwrap_or(Path::new("."));
                download(&instance, collection, &gathered, &mut records, folder, &mut written).await?;
            }
            seeds.push(place.seed(collection, records));
        }
        written.file(&file, document(seeds, options.sort_json))?;
    }
    let mut notices = gathered.notices;
    if selection.is_everything() {
        let singletons = model.singletons();
        notices.extend((!singletons.is_empty()).then(|| {
            format!("left out, because a singleton has no records of its own: {}", singletons.join(", "))
        }));
    }
    Ok(PullReport {
        command: options.area.command(Command::Pull),
        instance: info(&instance, Some(&gathered.store)),
        collections: counts,
        schema_collections: None,
        written: written.written,
        unchanged: written.unchanged,
        removed: Vec::new(),
        notices: notices.into_iter().collect(),
        secrets: Vec::new(),
        requests: instance.client.requests_sent(),
        duration_ms: milliseconds(started),
    })
}

/// Says records with the placeholders that the files have for them. Told is where the instance holds something else.
fn keep_placeholders(
    collection: &Collection,
    records: &mut [Record],
    place: &Place,
    variables: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut told = Vec::new();
    for record in records {
        let before = place.before(collection, record);
        let others = kept(collection, Arc::make_mut(&mut record.fields), before, variables);
        told.extend(others.into_iter().map(|path| {
            let (name, id) = (collection.full_name, &record.sync_id);
            format!("{name}: {id}: the instance holds another {path} than the variable says; the placeholder stays")
        }));
    }
    told
}

/// What became of files.
#[derive(Debug, Default)]
struct Written {
    written: Vec<String>,
    unchanged: usize,
}

impl Written {
    /// Writes a file, unless it has these bytes already.
    fn file(&mut self, path: &PathBuf, bytes: Vec<u8>) -> Result<(), EngineError> {
        if std::fs::read(path).is_ok_and(|before| before == bytes) {
            self.unchanged += 1;
            return Ok(());
        }
        dump::write_file(path, bytes)?;
        self.written.push(path.display().to_string());
        Ok(())
    }
}

/// Writes the files of records, one after the other; the records are told.
async fn download(
    instance: &Instance,
    collection: &Collection,
    gathered: &Gathered<'_>,
    records: &mut [Record],
    folder: &Path,
    written: &mut Written,
) -> Result<(), EngineError> {
    let field = collection.upload.unwrap_or_default();
    for record in records {
        let Some(id) = gathered.id(collection, record) else { continue };
        let inside = file_name(&record.sync_id, &record.fields, id);
        let bytes = asset(&instance.client, id.as_str()).await?;
        written.file(&folder.join(&inside), bytes)?;
        let mut fields = (*record.fields).clone();
        fields.insert(field.to_owned(), Value::from(inside));
        record.fields = fields.into();
    }
    Ok(())
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
