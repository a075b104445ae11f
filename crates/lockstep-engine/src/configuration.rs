//! All that an instance is besides its content, as it is: for a copy to try things on.

use lockstep_core::collection::COLLECTIONS;
use lockstep_core::schema::{OWN_TABLES, Snapshot};
use lockstep_core::version::Version;
use lockstep_directus::Client;
use serde_json::{Map, Value};

use crate::error::EngineError;
use crate::instance::Instance;
use crate::options::Options;
use crate::schema;
use crate::state::Store;

/// Schema, rows and rights of an instance.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The version of Directus.
    pub version: Version,
    /// The schema, without the tables of sync tools.
    pub snapshot: Snapshot,
    /// The rows of each synchronized collection with their own ids, and the attachments of policies (`access`).
    pub rows: Vec<(&'static str, Vec<Map<String, Value>>)>,
    /// The user who asks.
    pub user: String,
    /// Their role.
    pub role: Option<String>,
    /// How many permissions the server does not show.
    pub hidden_permissions: u64,
}

/// Reads the configuration of an instance, completely.
///
/// # Errors
/// When it cannot be read completely, or the user is no administrator.
pub async fn configuration(client: Client) -> Result<Configuration, EngineError> {
    let instance = Instance::connect(client).await?;
    let snapshot = schema::read(&instance.client).await?.without_collections(&OWN_TABLES);
    let collections: Vec<_> =
        COLLECTIONS.iter().filter(|collection| collection.since_major <= instance.version.major).collect();
    let read = instance.read(&collections).await?;
    let (mut rows, mut access) = (Vec::new(), Vec::new());
    for collection in collections {
        let mut of_collection = Vec::new();
        for row in read.rows.get(collection.name).into_iter().flatten() {
            let mut fields = row.fields.clone();
            if let Some(Value::Array(attached)) =
                collection.attachments.and_then(|field| fields.shift_remove(field))
            {
                access.extend(
                    attached
                        .into_iter()
                        .filter_map(|attached| attachment(&row.id.to_value(collection.key), attached)),
                );
            }
            fields.insert("id".into(), row.id.to_value(collection.key));
            of_collection.push(fields);
        }
        rows.push((collection.name, of_collection));
    }
    rows.push(("access", access));
    Ok(Configuration {
        version: instance.version,
        snapshot,
        rows,
        user: instance.user.id.to_string(),
        role: instance.user.role.map(|role| role.to_string()),
        hidden_permissions: read.hidden_permissions,
    })
}

fn attachment(policy: &Value, attached: Value) -> Option<Map<String, Value>> {
    let Value::Object(mut row) = attached else { return None };
    row.insert("policy".into(), policy.clone());
    Some(row)
}

/// Gives one instance what another's store knows; the options tell where that store is. The other is a table in the
/// instance itself.
///
/// # Errors
/// When one cannot be read, or the other cannot be written.
pub async fn copy_store(from: Client, to: Client, options: &Options) -> Result<(), EngineError> {
    let from = Instance::connect(from).await?;
    let known = Store::open(options.state, options.state_file.clone(), &from).await?.mappings;
    let to = Instance::connect(to).await?;
    Store::open(crate::StateChoice::Table, options.state_file.clone(), &to).await?.save(known).await
}
