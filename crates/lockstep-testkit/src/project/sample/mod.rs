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

use super::Edition;
use super::step::Step;

/// The steps that fill an instance, each after what it refers to.
pub(super) fn steps(edition: Edition) -> Vec<Step> {
    let mut steps = schema::steps();
    steps.push(workspace::folders());
    steps.extend(access::steps(edition));
    steps.extend(automation::steps());
    steps.extend(insights::steps());
    steps.extend(workspace::steps());
    steps
}
