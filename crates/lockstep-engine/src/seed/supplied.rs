//! Placeholders in seeds: filled in by a push, kept by a pull.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockstep_core::collection::Collection;
use lockstep_core::reconcile::Problem;
use lockstep_core::record::{Fields, Record};
use lockstep_core::transform::{Missing, Path, keep, supply};
use serde_json::Value;

use super::prepared::Prepared;
use crate::error::EngineError;
use crate::options::Unset;

impl Prepared {
    /// Fills placeholders in; what stands for their values in reports is noted.
    ///
    /// # Errors
    /// Variables that are not set, where `unset` says so.
    pub(super) fn supply(
        &mut self,
        variables: &BTreeMap<String, String>,
        unset: Unset,
    ) -> Result<(), EngineError> {
        let lookup = |name: &str| variables.get(name).map(String::as_str);
        let mut problems = Vec::new();
        for collection in self.registry.iter() {
            // The path of a file is one on this machine.
            let skipped: Vec<Path> = collection.upload.into_iter().map(Path::of_field).collect();
            for record in self.records.get_mut(collection.name).into_iter().flatten() {
                let (replaced, missing) = supply(Arc::make_mut(&mut record.fields), &lookup, &skipped);
                let id = (collection.name, record.sync_id.clone());
                let place = self.rules.places.get(&id).map(String::as_str).unwrap_or_default();
                for missing in missing {
                    if unset == Unset::Refuse {
                        problems.push(problem(place, record, &missing));
                    } else {
                        self.notices.push(left_out(place, record, &missing));
                    }
                }
                let shown = replaced.into_iter().map(|replaced| (replaced.path, Value::from(replaced.text)));
                let shown: Vec<_> = shown.collect();
                if !shown.is_empty() {
                    self.concealed.insert(id, shown);
                }
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(EngineError::Problems(problems)) }
    }
}

/// Takes the field out that cannot be compared, and says so.
fn left_out(place: &str, record: &mut Record, missing: &Missing) -> String {
    let field = missing.path.field();
    Arc::make_mut(&mut record.fields).shift_remove(field);
    format!("{place}: the variable {} is not set, so {field} is not compared", missing.variable)
}

fn problem(place: &str, record: &Record, missing: &Missing) -> Problem {
    Problem::Unfit {
        place: place.to_owned(),
        sync_id: record.sync_id.clone(),
        field: missing.path.to_string(),
        reason: format!("refers to the variable {}, which is not set", missing.variable),
        hint: "set it in the environment or in .env; to write ${ itself, double the dollar sign: $${"
            .to_owned(),
    }
}

/// Puts the placeholders of the old seed back where the instance may hold their values, and escapes texts that would be
/// taken for one. What is told: places where the instance holds something else.
pub(super) fn kept(
    collection: &Collection,
    fields: &mut Fields,
    old: Option<&Fields>,
    variables: &BTreeMap<String, String>,
) -> Vec<Path> {
    let lookup = |name: &str| variables.get(name).map(String::as_str);
    let upload = |path: &Path| collection.upload == Some(path.field());
    let placeholders = old.map_or_else(Vec::new, placeholders);
    keep(fields, old, &lookup, &placeholders, &upload).into_iter().map(|(path, _)| path).collect()
}

/// Where a record of a file has placeholders.
pub(super) fn placeholders(fields: &Fields) -> Vec<Path> {
    let (replaced, _) = supply(&mut fields.clone(), &|_| Some(""), &[]);
    replaced.into_iter().map(|replaced| replaced.path).collect()
}
