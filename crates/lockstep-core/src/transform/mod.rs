//! What a configuration says about records: which take part, which of their fields, what they hold on one instance, and
//! where their secrets are.
//!
//! ```text
//! push   dump -> ignored fields out -> overrides in -> placeholders filled -> compared; what takes no part is untouched
//! pull   rows -> what takes no part out, of the old dump kept -> ignored fields out -> overrides undone -> placeholders
//!        of the old dump kept -> secrets found
//! ```
//!
//! Promises: a record that takes no part is neither written nor deleted on either side; a pull after a push with the same
//! rules gives the dump that was pushed; what a variable supplied is in no file and in no report.

mod filter;
mod overrides;
mod path;
mod scan;
mod scope;
mod supply;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::identity::DumpRecords;
use crate::record::{Fields, SyncId};

pub use filter::{Filter, FilterError};
pub use overrides::{Applied, Override, Undone};
pub use path::{Path, PathError};
pub use scan::{Found, Kind, extracted, found, variable_name};
pub use scope::{CollectionRules, Untouched, portable};
pub use supply::{Missing, Replaced, has_placeholders, keep, supply};

/// All rules of a run.
#[derive(Clone, Debug, Default)]
pub struct Transforms {
    /// Which records and fields take part, by collection.
    pub records: BTreeMap<&'static str, CollectionRules>,
    /// Values of this instance; what comes later wins.
    pub overrides: Vec<Override>,
}

/// What the transformation of a dump means to a comparison.
#[derive(Clone, Debug, Default)]
pub struct Transformed {
    /// What is left alone.
    pub untouched: Untouched,
    /// What reports do not show, by record: the place, and what is shown instead.
    pub concealed: Concealed,
    /// What is not compared because a variable is not set.
    pub unset: UnsetFields,
}

/// Fields that records do not have because a variable in them is not set: collection, record, field.
pub type UnsetFields = BTreeSet<(&'static str, SyncId, String)>;

/// Places whose values come from variables, by record, and what is shown instead.
pub type Concealed = BTreeMap<(&'static str, SyncId), Vec<(Path, Value)>>;

/// The records of one side, to look up what others refer to.
#[derive(Debug, Default)]
pub struct World<'a>(BTreeMap<&'static str, HashMap<&'a str, &'a Fields>>);

impl<'a> World<'a> {
    /// The records of a dump, or of an instance in the form of one.
    #[must_use]
    pub fn new(records: &'a DumpRecords) -> Self {
        let of = |records: &'a Vec<crate::record::Record>| {
            records.iter().map(|record| (record.sync_id.as_str(), &*record.fields)).collect()
        };
        Self(records.iter().map(|(name, records)| (*name, of(records))).collect())
    }

    /// A record by its SyncID.
    #[must_use]
    pub fn get(&self, collection: &str, sync_id: &str) -> Option<&'a Fields> {
        self.0.get(collection)?.get(sync_id).copied()
    }

    /// The names of all fields that records of a collection have.
    fn fields(&self, collection: &str) -> BTreeSet<&'a str> {
        let records = self.0.get(collection).into_iter().flat_map(HashMap::values);
        records.flat_map(|fields| fields.keys().map(String::as_str)).collect()
    }
}

/// Something about the rules that people ought to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// A rule that cannot be followed: nothing may be written.
    Problem(String),
    /// Probably not meant so.
    Notice(String),
}

impl Transforms {
    /// True if there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.overrides.is_empty()
    }

    /// Fields that rules name and that no record has, on either side.
    #[must_use]
    pub fn unknown_fields(&self, sides: &[&World<'_>]) -> Vec<Remark> {
        let mut remarks = Vec::new();
        let known = |collection: &str| {
            let mut fields: BTreeSet<&str> =
                sides.iter().flat_map(|world| world.fields(collection)).collect();
            fields.extend(["id", "_syncId"]);
            fields
        };
        for (collection, rules) in &self.records {
            let fields = known(collection);
            let of_filter = rules.filter.iter().flat_map(|(filter, place)| {
                filter.fields().into_iter().map(move |field| (place.as_str(), field))
            });
            let ignored = rules.ignored.iter().map(|(field, place)| (place.as_str(), field.as_str()));
            for (place, field) in of_filter.chain(ignored) {
                remarks.extend(unknown(collection, place, field, &fields, false));
            }
        }
        for rule in &self.overrides {
            let fields = known(rule.collection);
            for field in rule.matches.iter().flat_map(Filter::fields) {
                remarks.extend(unknown(rule.collection, &rule.place, field, &fields, false));
            }
            for (path, ..) in &rule.set {
                remarks.extend(unknown(rule.collection, &rule.place, path.field(), &fields, true));
            }
        }
        remarks
    }
}

/// `written`: the field would be written, so that guessing is not enough.
fn unknown(
    collection: &str,
    place: &str,
    field: &str,
    known: &BTreeSet<&str>,
    written: bool,
) -> Option<Remark> {
    // Only the two that every record has: nothing is known.
    if known.contains(field) || known.len() <= 2 {
        return None;
    }
    let names: Vec<&str> = known.iter().copied().collect();
    let nearest = crate::nearest::nearest(field, &names);
    let hint = nearest.map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default();
    let text = format!("{place}: {collection} have no field {field}{hint}");
    Some(if written || nearest.is_some() { Remark::Problem(text) } else { Remark::Notice(text) })
}

#[cfg(test)]
mod tests;
