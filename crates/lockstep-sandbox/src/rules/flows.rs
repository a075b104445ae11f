//! Flows: operations refer to each other, so a flow lets them go before it takes them along.

use serde_json::Value;

use super::for_keys;
use crate::db::Session;
use crate::error::Answer;

/// Takes the operations of flows apart, which the database then deletes with them.
pub(super) fn delete(session: &Session<'_>, keys: &[Value]) -> Answer<()> {
    let sql = "update directus_operations set resolve = null, reject = null \
               where flow in (select value from json_each(?1))";
    for_keys(session, sql, keys)
}
