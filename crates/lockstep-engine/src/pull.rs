//! Pull: an instance becomes a dump. Nothing is written to the instance.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::time::Instant;

use futures::future::{OptionFuture, try_join};
use lockstep_core::collection::{Collection, Key, Registry};
use lockstep_core::file_order;
use lockstep_core::identity::Mappings;
use lockstep_core::identity::matching::{Matching, Sides, identify_rows};
use lockstep_core::identity::specials::{ADMIN_ROLE, Specials};
use lockstep_core::record::{CONCEALED, Fields, LocalId, Record, Row, SyncId};
use lockstep_core::report::{Event, FoundSecret, InstanceInfo, Observer, Phase, PullReport};
use lockstep_core::schema::{OWN_TABLES, Snapshot};
use lockstep_directus::Client;
use rayon::prelude::*;
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::aliases::Aliases;
use crate::beside::beside;
use crate::dump::{self, DumpContents, DumpPaths};
use crate::dumped::{self, Dumped};
use crate::error::EngineError;
use crate::hooks::Moment;
use crate::instance::{Instance, ReadRows};
use crate::licence;
use crate::options::Options;
use crate::schema;
use crate::selection;
use crate::specs;
use crate::state::Store;
use crate::transform;

/// Reads an instance and writes it as a dump.
///
/// # Errors
/// When the instance cannot be read completely, or the dump not be written; the old dump is then whole.
pub async fn pull(
    client: Client,
    options: &Options,
    observer: &dyn Observer,
) -> Result<PullReport, EngineError> {
    let started = Instant::now();
    observer.event(Event::Phase(Phase::Connecting));
    let instance = Instance::connect(client).await?;
    observer.event(Event::Phase(Phase::Reading));
    let collections = options.read(instance.version.major);
    let reading = !collections.is_empty();
    let store: OptionFuture<_> =
        reading.then(|| Store::open(options.state, options.state_file.clone(), &instance)).into();
    let store = async { store.await.transpose() };
    let rows = async {
        let read = instance.read(&collections).await?;
        let aliases = Aliases::among(&instance, &read.rows).await?;
        Ok((read, aliases))
    };
    let old = spawn_blocking({
        let (paths, collections) = (options.paths.clone(), collections.clone());
        let filtered = !options.transforms.is_empty();
        move || old_dump(&paths, &collections, filtered)
    });
    // What takes the server longest: records are put into their form while it is still at it.
    let slow = Box::pin(try_join(snapshot(&instance, options.schema), specs::read(&instance, options.specs)));
    let quick = Box::pin(try_join(rows, store));
    let (((read, aliases), store), slow) = beside(slow, quick).await?;

    // A reading that ended in the middle is made again here, and may end the same way.
    let again = |_| old_dump(&options.paths, &collections, !options.transforms.is_empty());
    let old = old.await.unwrap_or_else(again)?;
    let mut puller = Puller::new(options, &instance, read, old, store.as_ref(), &collections);
    let records = async {
        let mut records = puller.records(&aliases).await?;
        let secrets = puller.transform(&mut records)?;
        Ok((puller.saved(records).await?, secrets))
    };
    let ((records, secrets), (snapshot, specs)) = try_join(records, slow).await?;
    let counts = records.iter().map(|(collection, records)| (collection.name, records.len())).collect();
    let snapshot = match snapshot {
        Some(snapshot) => Some(options.hooks.snapshot(Moment::Save, snapshot, &instance.client).await?),
        None => None,
    };
    observer.event(Event::Phase(Phase::WritingFiles));
    let schema_collections = snapshot.as_ref().map(|snapshot| snapshot.collections().len());
    let contents = DumpContents {
        collections: records.into_iter().map(|(c, records)| (c.name.to_owned(), records)).collect(),
        snapshot: snapshot.map(|snapshot| (snapshot, options.layout)),
        specs,
    };
    let written = dump::write(&options.paths, &contents, options.sort_json)?;
    let show = |paths: Vec<std::path::PathBuf>| paths.iter().map(|path| path.display().to_string()).collect();
    Ok(PullReport {
        command: "pull",
        instance: InstanceInfo {
            url: instance.client.url().to_owned(),
            version: instance.version.to_string(),
            state: store.as_ref().map(Store::name),
        },
        collections: counts,
        schema_collections,
        unchanged: written.unchanged.len(),
        written: show(written.written),
        removed: show(written.removed),
        notices: puller.dumped.notices,
        secrets,
        requests: instance.client.requests_sent(),
        duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

async fn snapshot(instance: &Instance, wanted: bool) -> Result<Option<Snapshot>, EngineError> {
    if !wanted {
        return Ok(None);
    }
    Ok(Some(schema::current(instance).await?.without_collections(&OWN_TABLES)))
}

/// The records of a collection.
pub(crate) type RecordsOf = (&'static Collection, Vec<Record>);

struct Puller<'a> {
    options: &'a Options,
    instance: &'a Instance,
    read: ReadRows,
    collections: &'a [&'static Collection],
    matching: Matching,
    dumped: Dumped,
}

impl<'a> Puller<'a> {
    fn new(
        options: &'a Options,
        instance: &'a Instance,
        read: ReadRows,
        dumped: Dumped,
        store: Option<&Store>,
        collections: &'a [&'static Collection],
    ) -> Self {
        let nothing = Mappings::default();
        let mappings = store.map_or(&nothing, |store| &store.mappings);
        let specials = Specials::find(&read.rows, &instance.user, mappings);
        let registry = Registry::default();
        let matching = identify_rows(
            Sides {
                dump: &dumped.records,
                rows: &read.rows,
                mappings,
                specials: &specials,
                target: instance.client.url(),
                registry: &registry,
            },
            &options.preserve,
        );
        Self { options, instance, read, collections, matching, dumped }
    }

    /// The records of the collections that take part, in the order of their files.
    async fn records(&mut self, aliases: &Aliases) -> Result<Vec<RecordsOf>, EngineError> {
        let mut notices = Vec::new();
        let mut all = Vec::new();
        let translator = self.matching.translator(&self.read.rows, self.options.attach_roles);
        let (hooks, client) = (&self.options.hooks, &self.instance.client);
        for collection in self.collections.iter().filter(|c| self.options.scope.contains(c.name)) {
            let old: HashMap<&SyncId, &Fields> = self
                .dumped
                .records
                .get(collection.name)
                .into_iter()
                .flatten()
                .map(|record| (&record.sync_id, &*record.fields))
                .collect();
            let mut records = Vec::new();
            let selected = self.selected(collection).await?;
            let rows = selected.as_deref().or(self.read.rows.get(collection.name).map(Vec::as_slice));
            let tracked = self.tracked(collection, rows.unwrap_or_default());
            let raw = || tracked.iter().map(|(sync_id, row)| raw(sync_id, row)).collect();
            let dumped = hooks.records(collection.name, Moment::Dump, client, raw).await?;
            let dumped: Option<Vec<_>> = dumped.map(|dumped| dumped.into_iter().map(row).collect());
            let rows = dumped.as_ref().map(|rows| rows.iter().map(|(sync_id, row)| (sync_id, row)).collect());
            for (sync_id, row) in rows.unwrap_or(tracked) {
                let (mut fields, missing) = translator.to_portable(collection, row);
                notices.extend(missing.into_iter().map(|m| {
                    format!(
                        "{}.json: {sync_id}: {} refers to {} of {}, which does not exist",
                        collection.name, m.path, m.value, m.target
                    )
                }));
                aliases.remove(collection, &mut fields);
                keep_secrets_out(collection, &mut fields, old.get(sync_id).copied());
                records.push(Record { sync_id: sync_id.clone(), fields: fields.into() });
            }
            if collection.name == "permissions" && self.read.hidden_permissions > 0 {
                self.keep_hidden(&mut records, &mut notices);
            }
            file_order::sort(collection, &mut records);
            warn_of_twins(collection, &records, &mut notices);
            all.push((*collection, records));
        }
        self.dumped.notices.extend(notices);
        Ok(all)
    }

    /// The records as they stand in their files.
    async fn saved(
        &self,
        all: Vec<RecordsOf>,
    ) -> Result<Vec<(&'static Collection, Vec<Fields>)>, EngineError> {
        let (hooks, client) = (&self.options.hooks, &self.instance.client);
        let mut files = Vec::new();
        for (collection, records) in all {
            let given = || records.iter().cloned().map(Record::into_dump).collect();
            let saved = hooks.records(collection.name, Moment::Save, client, given).await?;
            let records: Vec<Fields> = match saved {
                Some(saved) => saved.into_iter().map(|(id, fields)| saved_record(id, fields)).collect(),
                None => records.into_iter().map(Record::into_dump).collect(),
            };
            files.push((collection, records));
        }
        Ok(files)
    }

    /// What a hook's query selects; none if there is no such hook, or it leaves the query alone.
    async fn selected(&self, collection: &'static Collection) -> Result<Option<Vec<Row>>, EngineError> {
        let query = self.options.hooks.query(collection.name, &self.instance.client).await?;
        let (Some(query), Some(rows)) = (query, self.read.rows.get(collection.name)) else { return Ok(None) };
        selection::select(self.instance, collection, &query, rows).await.map(Some)
    }

    /// Rows with the SyncIDs that stand for them.
    fn tracked<'b>(&'b self, collection: &Collection, rows: &'b [Row]) -> Vec<(&'b SyncId, &'b Row)> {
        let pair = |row: &'b Row| Some((self.matching.ids.sync(collection.name, row.id.as_str())?, row));
        // The administrator's role of Directus 10 carries the access itself and is not tracked.
        let carries_access =
            |sync_id: &SyncId| sync_id.as_str() == ADMIN_ROLE && !self.instance.version.has_policies();
        rows.iter().filter_map(pair).filter(|(sync_id, _)| !carries_access(sync_id)).collect()
    }

    /// What the configuration says of records, and the secrets in them.
    fn transform(&mut self, records: &mut [RecordsOf]) -> Result<Vec<FoundSecret>, EngineError> {
        let translator = self.matching.translator(&self.read.rows, self.options.attach_roles);
        let found =
            transform::pulled(self.options, &translator, &self.read.rows, &self.dumped.records, records)?;
        self.dumped.notices.extend(found.notices);
        Ok(found.secrets)
    }

    /// What the licence of the instance hides is not gone: the custom rules of the old dump stay, where their policy does.
    fn keep_hidden(&self, records: &mut Vec<Record>, notices: &mut Vec<String>) {
        let old = self.dumped.records.get("permissions").into_iter().flatten();
        let known: HashSet<_> = records.iter().map(|record| record.sync_id.clone()).collect();
        let has_policy = |record: &Record| {
            let policy = record.fields.get("policy").and_then(Value::as_str);
            policy.is_some_and(|policy| self.matching.ids.local("policies", policy).is_some())
        };
        let may_be_hidden = |record: &&Record| {
            !known.contains(&record.sync_id) && licence::is_custom(&record.fields) && has_policy(record)
        };
        let kept: Vec<_> = old.filter(may_be_hidden).cloned().collect();
        notices.push(format!(
            "the instance hides {} permissions (its licence does not include custom rules); {} of the old dump are kept",
            self.read.hidden_permissions,
            kept.len()
        ));
        records.extend(kept);
    }
}

/// The dump that is about to be overwritten, for its SyncIDs and what only it holds. A file that cannot be read is told
/// of, and the others are kept to.
///
/// # Errors
/// Where a file that cannot be read has placeholders, or records are `filtered`, so that the instance does not show all.
fn old_dump(
    paths: &DumpPaths,
    collections: &[&'static Collection],
    filtered: bool,
) -> Result<Dumped, EngineError> {
    let mut old = Dumped::default();
    if !paths.collections.is_dir() {
        return Ok(old);
    }
    let read = |collection: &&'static Collection| (*collection, dumped::read(paths, &[*collection]));
    for (collection, read) in collections.par_iter().map(read).collect::<Vec<_>>() {
        match read {
            Ok(of_collection) => old.records.extend(of_collection.records),
            Err(error) => {
                let file = paths.collection_file(collection.name);
                let text = fs::read(&file).unwrap_or_default();
                if filtered || String::from_utf8_lossy(&text).contains("${") {
                    return Err(EngineError::OldDump { file, source: Box::new(error) });
                }
                old.notices.push(format!("the old dump is not looked at: {error}"));
            }
        }
    }
    Ok(old)
}

/// A row as hooks see it: its fields as the instance has them, and its SyncID.
fn raw(sync_id: &SyncId, row: &Row) -> Fields {
    let mut fields = row.fields.clone();
    fields.insert("_syncId".to_owned(), Value::from(sync_id.as_str()));
    fields
}

/// What a hook made of [`raw`]. Its id is of no use any more.
fn row((sync_id, fields): (SyncId, Fields)) -> (SyncId, Row) {
    let id = LocalId::from(sync_id.as_str());
    (sync_id, Row { id, fields })
}

fn saved_record(sync_id: SyncId, fields: Fields) -> Fields {
    Record { sync_id, fields: fields.into() }.into_dump()
}

/// Secrets are null in a dump, or the placeholder that the old dump has in their place.
fn keep_secrets_out(collection: &Collection, fields: &mut Fields, old: Option<&Fields>) {
    for (name, value) in fields.iter_mut() {
        if collection.is_secret(name) || value.as_str() == Some(CONCEALED) {
            let is_placeholder = |old: &&Value| old.as_str().is_some_and(transform::is_placeholder);
            let kept = old.and_then(|old| old.get(name)).filter(is_placeholder);
            *value = kept.cloned().unwrap_or(Value::Null);
        }
    }
}

fn warn_of_twins(collection: &Collection, records: &[Record], notices: &mut Vec<String>) {
    if !collection.merges_twins || collection.key != Key::Integer {
        return;
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for record in records {
        if let Some(key) = lockstep_core::identity::matching::natural_key(collection, &record.fields) {
            *seen.entry(key).or_default() += 1;
        }
    }
    let doubled = seen.values().filter(|count| **count > 1).count();
    if doubled > 0 {
        notices.push(format!(
            "{}.json: {doubled} rules exist more than once (same policy, collection and action); all are in the dump",
            collection.name
        ));
    }
}
