//! What a configuration says of records, and their secrets, on the way between dump and instance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockstep_core::collection::Collection;
use lockstep_core::file_order;
use lockstep_core::identity::matching::Matching;
use lockstep_core::identity::translate::Translator;
use lockstep_core::identity::{DumpRecords, InstanceRows};
use lockstep_core::label::Labels;
use lockstep_core::placeholder;
use lockstep_core::reconcile::Problem;
use lockstep_core::record::{Record, SyncId};
use lockstep_core::report::FoundSecret;
use lockstep_core::transform::{
    self, Concealed, Missing, Path, Remark, Transformed, Undone, UnsetFields, World, has_placeholders, keep,
    portable, supply,
};
use serde_json::Value;

use crate::desired::Desired;
use crate::dumped::Dumped;
use crate::error::EngineError;
use crate::options::{Options, Unset};
use crate::pull::RecordsOf;

/// True for a text that stands for a variable's value.
pub(crate) fn is_placeholder(text: &str) -> bool {
    placeholder::is_marked(text) && placeholder::variables(text).next().is_some()
}

/// Makes a dump what this instance is to hold, and gives what reports show in place of the values of variables, and the
/// fields that are left out because of them.
///
/// # Errors
/// Paths that do not fit; variables that are not set, where `unset` says so.
pub(crate) fn desired(
    dumped: &mut Dumped,
    options: &Options,
    unset: Unset,
) -> Result<(Concealed, UnsetFields), EngineError> {
    options.transforms.remove_ignored_of(&mut dumped.records);
    let left_out = filtered_out(&dumped.records, options);
    let applied = options.transforms.override_values(&mut dumped.records);
    dumped.notices.extend(notices(applied.remarks)?);
    let mut concealed = applied.places;
    let mut missing: Vec<(&'static str, SyncId, Missing)> = Vec::new();
    let lookup = |name: &str| options.variables.get(name).map(String::as_str);
    for (name, records) in dumped.records.iter_mut().filter(|(name, _)| options.scope.contains(*name)) {
        for record in records.iter_mut().filter(|record| has_placeholders(&record.fields)) {
            let id = (*name, record.sync_id.clone());
            if left_out.contains(&id) {
                continue;
            }
            let set: Vec<Path> =
                concealed.get(&id).into_iter().flatten().map(|(path, _)| path.clone()).collect();
            let (replaced, of_record) = supply(Arc::make_mut(&mut record.fields), &lookup, &set);
            let shown = replaced.into_iter().map(|replaced| (replaced.path, Value::from(replaced.text)));
            concealed.entry(id).or_default().extend(shown);
            missing.extend(of_record.into_iter().map(|missing| (*name, record.sync_id.clone(), missing)));
        }
    }
    concealed.retain(|_, places| !places.is_empty());
    match unset {
        Unset::Refuse if !missing.is_empty() => Err(EngineError::Problems(problems(dumped, missing))),
        Unset::LeaveOut => {
            let fields = leave_out(dumped, missing);
            Ok((concealed, fields))
        }
        Unset::Refuse | Unset::Literal => Ok((concealed, UnsetFields::new())),
    }
}

/// The records that filters leave out.
fn filtered_out(dump: &DumpRecords, options: &Options) -> BTreeSet<(&'static str, SyncId)> {
    if !options.transforms.has_filters() {
        return BTreeSet::new();
    }
    let world = World::new(dump);
    let named = dump.iter().filter_map(|(name, records)| Some((Collection::named(name)?, records)));
    let records =
        named.flat_map(|(collection, records)| records.iter().map(move |record| (collection, record)));
    records
        .filter(|(collection, record)| {
            !options.transforms.takes_part(&world, collection, record.sync_id.as_str(), &record.fields)
        })
        .map(|(collection, record)| (collection.name, record.sync_id.clone()))
        .collect()
}

fn problems(dumped: &Dumped, missing: Vec<(&'static str, SyncId, Missing)>) -> Vec<Problem> {
    let rows = InstanceRows::new();
    let labels = Labels::new(&dumped.records, &rows);
    let world = World::new(&dumped.records);
    let label = |collection: &str, id: &SyncId| {
        let found = Collection::named(collection).zip(world.get(collection, id.as_str()));
        found
            .map_or_else(|| id.to_string(), |(collection, fields)| labels.of(collection, fields, id.as_str()))
    };
    let problem = |(collection, sync_id, missing): (&'static str, SyncId, Missing)| Problem::Unset {
        collection,
        label: label(collection, &sync_id),
        sync_id,
        path: missing.path.to_string(),
        variable: missing.variable,
    };
    missing.into_iter().map(problem).collect()
}

/// Takes the fields out that cannot be compared, and gives them.
fn leave_out(dumped: &mut Dumped, missing: Vec<(&'static str, SyncId, Missing)>) -> UnsetFields {
    let mut left_out = UnsetFields::new();
    for (name, sync_id, missing) in missing {
        let records = dumped.records.get_mut(name).into_iter().flatten();
        let field = missing.path.field();
        for record in records.filter(|record| record.sync_id == sync_id) {
            Arc::make_mut(&mut record.fields).shift_remove(field);
        }
        dumped.notices.push(format!(
            "{name}.json: {sync_id}: the variable {} is not set, so {field} is not compared",
            missing.variable
        ));
        left_out.insert((name, sync_id, field.to_owned()));
    }
    left_out
}

/// What takes no part in a comparison, and what is not shown of it; notices about the rules.
///
/// # Errors
/// Fields that the rules name and that there are not.
pub(crate) fn compared(
    desired: &Desired,
    options: &Options,
    rows: &InstanceRows,
    matching: &Matching,
) -> Result<(Transformed, Vec<String>), EngineError> {
    let (concealed, unset) = (desired.concealed.clone(), desired.unset.clone());
    if options.transforms.is_empty() {
        return Ok((Transformed { concealed, unset, ..Transformed::default() }, Vec::new()));
    }
    let dump = &desired.dumped.records;
    let translator = matching.translator(rows, options.attach_roles);
    let found = portable(&translator, rows);
    let remarks = options.transforms.unknown_fields(&[&World::new(dump), &World::new(&found)]);
    let notices = notices(remarks)?;
    let untouched = options.transforms.untouched(dump, rows, &found, matching);
    Ok((Transformed { untouched, concealed, unset }, notices))
}

/// What a pull found in records.
#[derive(Default)]
pub(crate) struct Pulled {
    /// Secrets.
    pub(crate) secrets: Vec<FoundSecret>,
    /// What people ought to know.
    pub(crate) notices: Vec<String>,
}

/// Makes the records of an instance what the dump is to hold.
///
/// # Errors
/// Fields that the rules name and that there are not.
pub(crate) fn pulled(
    options: &Options,
    translator: &Translator<'_>,
    rows: &InstanceRows,
    old: &DumpRecords,
    all: &mut [RecordsOf],
) -> Result<Pulled, EngineError> {
    let transforms = &options.transforms;
    let found = if transforms.is_empty() { DumpRecords::new() } else { portable(translator, rows) };
    let (found, of_old) = (World::new(&found), World::new(old));
    let mut pulled = Pulled::default();
    if !transforms.is_empty() {
        pulled.notices = notices(transforms.unknown_fields(&[&found, &of_old]))?;
    }
    let mut staying = BTreeMap::new();
    for (collection, records) in all.iter_mut() {
        staying.insert(collection.name, transforms.narrow(collection, records, &found, old));
        let undone = transforms.undo_overrides(collection, records, &found, &of_old);
        for record in records.iter_mut() {
            transforms.remove_ignored(collection, Arc::make_mut(&mut record.fields));
            pulled.notices.extend(keep_placeholders(options, collection, record, &of_old, &undone));
        }
        pulled.notices.extend(undone.notices);
    }
    pulled.secrets = secrets(options, all);
    for (collection, records) in all.iter_mut() {
        records.extend(staying.remove(collection.name).unwrap_or_default());
        // What the instance holds of its own has no say in the order either.
        if !transforms.is_empty() {
            file_order::sort(collection, records);
        }
    }
    Ok(pulled)
}

fn keep_placeholders(
    options: &Options,
    collection: &Collection,
    record: &mut Record,
    old: &World<'_>,
    undone: &Undone,
) -> Vec<String> {
    let before = old.get(collection.name, record.sync_id.as_str());
    if !has_placeholders(&record.fields) && !before.is_some_and(has_placeholders) {
        return Vec::new();
    }
    let lookup = |name: &str| options.variables.get(name).map(String::as_str);
    let sync_id = record.sync_id.clone();
    let skipped = |path: &Path| {
        let is_undone = undone.places.contains(&(sync_id.clone(), path.clone()));
        is_undone || collection.is_secret(path.field())
    };
    let secrets: Vec<Path> = match before {
        Some(_) => transform::found(collection, &record.fields).into_iter().map(|found| found.path).collect(),
        None => Vec::new(),
    };
    let others = keep(Arc::make_mut(&mut record.fields), before, &lookup, &secrets, &skipped);
    let notice = |(path, kept): (Path, bool)| {
        let what = if kept { "the placeholder stays" } else { "it takes the place of the placeholder" };
        format!(
            "{}.json: {}: the instance holds another {path} than the variable says; {what}",
            collection.name, record.sync_id
        )
    };
    others.into_iter().map(notice).collect()
}

/// The secrets of all records; with `extract_secrets` placeholders take their place.
fn secrets(options: &Options, all: &mut [RecordsOf]) -> Vec<FoundSecret> {
    let places: Vec<_> = all
        .iter()
        .map(|(collection, records)| {
            let of = |(index, record): (usize, &Record)| {
                let found = transform::found(collection, &record.fields);
                found.into_iter().map(move |found| (index, found))
            };
            records.iter().enumerate().flat_map(of).collect::<Vec<_>>()
        })
        .collect();
    if places.iter().all(Vec::is_empty) {
        return Vec::new();
    }
    let records: DumpRecords =
        all.iter().map(|(collection, records)| (collection.name, records.clone())).collect();
    let rows = InstanceRows::new();
    let labels = Labels::new(&records, &rows);
    let mut names = variables_of(&records);
    let mut secrets = Vec::new();
    for ((collection, records), places) in all.iter_mut().zip(places) {
        for (index, found) in places {
            let record = &mut records[index];
            let label = labels.of(collection, &record.fields, record.sync_id.as_str());
            let variable = options.extract_secrets.then(|| {
                let name = transform::variable_name(collection, &label, &record.fields, &found.path);
                let name = free(name, &names);
                let place = found.path.get_mut(Arc::make_mut(&mut record.fields))?;
                *place = Value::from(transform::extracted(place.as_str()?, &found, &name)?);
                names.insert(name.clone());
                Some(name)
            });
            secrets.push(FoundSecret {
                collection: collection.name,
                sync_id: record.sync_id.clone(),
                label,
                path: found.path.to_string(),
                kind: found.kind,
                variable: variable.flatten(),
            });
        }
    }
    secrets
}

/// The variables that records refer to already.
fn variables_of(records: &DumpRecords) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for record in records.values().flatten() {
        for value in record.fields.values() {
            collect(value, &mut names);
        }
    }
    names
}

fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if is_placeholder(text) => {
            names.extend(placeholder::variables(text).map(str::to_owned));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, names)),
        _ => {}
    }
}

fn free(name: String, taken: &BTreeSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or(name)
}

/// The notices among remarks.
fn notices(remarks: Vec<Remark>) -> Result<Vec<String>, EngineError> {
    let (mut notices, mut problems) = (Vec::new(), Vec::new());
    for remark in remarks {
        match remark {
            Remark::Notice(text) => notices.push(text),
            Remark::Problem(text) => problems.push(Problem::Rule(text)),
        }
    }
    if problems.is_empty() { Ok(notices) } else { Err(EngineError::Problems(problems)) }
}
