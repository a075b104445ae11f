//! The native schema engine beside the server's own.

mod commands;
mod crossing;
mod differential;
mod mutation;

use lockstep_core::json::Json;
use lockstep_core::schema::Snapshot;
use lockstep_testkit::directus::Directus;
use serde_json::Value;

/// The schema as the server sends it.
pub(crate) async fn snapshot(directus: &Directus) -> Value {
    directus.get("/schema/snapshot").await.unwrap()
}

pub(crate) fn parsed(snapshot: &Value) -> Snapshot {
    Snapshot::from_value(Json::from(snapshot.clone())).unwrap()
}
