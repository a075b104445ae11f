//! The magazine Meridian and its shop.
//!
//! Small, but with one of each thing that a sync has to get right: every kind of relation, records that refer to each
//! other in circles and inside JSON, names that are not ASCII, records for everyone and for a role.

mod access;
mod automation;
mod field;
mod insights;
mod schema;
mod workspace;

use serde_json::{Value, json};
use uuid::Uuid;

/// One kind of record, and how it gets in.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Created many at once.
    Batch(&'static str, Vec<Value>),
    /// Created one at a time, because the endpoint takes no arrays.
    Each(&'static str, Vec<Value>),
    /// Changed.
    Patch(&'static str, Value),
}

/// The major version, as far as it decides what a project can be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// Permissions belong to roles.
    Ten,
    /// Permissions belong to policies, roles have parents.
    Eleven,
    /// As 11, and without a licence no permission rules, five active flows, 25 collections.
    Twelve,
}

impl Edition {
    /// The edition of a version.
    #[must_use]
    pub fn of(version: &str) -> Self {
        match version.split('.').next() {
            Some("10") => Self::Ten,
            Some("11") => Self::Eleven,
            _ => Self::Twelve,
        }
    }
}

/// The id of the record of this name, the same in every run.
#[must_use]
pub fn id(name: &str) -> String {
    const PROJECTS: Uuid = Uuid::from_u128(0x5ac1_6a31_0c5e_4f0e_9d2b_6c6f_636b_7374);
    Uuid::new_v5(&PROJECTS, name.as_bytes()).to_string()
}

/// An integer key that the database counts up.
#[must_use]
pub fn serial_key() -> Value {
    json!({
        "field": "id", "type": "integer", "meta": { "hidden": true, "interface": "input", "readonly": true },
        "schema": { "is_primary_key": true, "has_auto_increment": true },
    })
}

/// The steps that fill an instance, each after what it refers to.
#[must_use]
pub fn steps(edition: Edition) -> Vec<Step> {
    let mut steps = schema::steps();
    steps.push(workspace::folders());
    steps.extend(access::steps(edition));
    steps.extend(automation::steps());
    steps.extend(insights::steps());
    steps.extend(workspace::steps());
    steps
}
