//! Somebody always has to be left who may do everything.

use crate::db::{Action, Session};
use crate::error::{Answer, ApiError};
use crate::write::Item;

/// True if a write may have taken an administrator's rights.
pub(super) fn may_be_fewer(collection: &str, action: Action, item: &Item) -> bool {
    let says =
        |fields: &[&str]| action == Action::Delete || fields.iter().any(|field| item.contains_key(*field));
    match collection {
        "directus_users" => says(&["role", "status"]),
        "directus_roles" => says(&["parent"]),
        "directus_policies" => says(&["admin_access", "ip_access"]),
        "directus_access" => action == Action::Delete || action == Action::Update,
        _ => false,
    }
}

/// Refuses what leaves no active administrator.
pub(super) fn remain(session: &Session<'_>) -> Answer<()> {
    let sql = "with recursive above (user, role) as ( \
                 select id, role from directus_users where status = 'active' \
                 union select a.user, r.parent from above a join directus_roles r on r.id = a.role \
               ) select 1 from above a join directus_access x on x.user = a.user or x.role = a.role \
               join directus_policies p on p.id = x.policy where p.admin_access limit 1";
    match session.db.prepare_cached(sql)?.exists([])? {
        true => Ok(()),
        false => Err(ApiError::unprocessable("Cannot remove the last admin user from the system")),
    }
}
