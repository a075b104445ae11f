//! The records that every instance has of its own, and that stand for each other by meaning: the administrator's
//! role and policy, the public policy, the settings. They are never created and never deleted.

use serde_json::Value;

use super::{InstanceRows, Mappings};
use crate::record::{Fields, LocalId, Row};

/// SyncID of the role of the user who runs the command.
pub const ADMIN_ROLE: &str = "_sync_default_admin_role";
/// SyncID of the policy that makes that role an administrator's.
pub const ADMIN_POLICY: &str = "_sync_default_admin_policy";
/// SyncID of the policy that everybody has, logged in or not.
pub const PUBLIC_POLICY: &str = "_sync_default_public_policy";
/// SyncID of the settings.
pub const SETTINGS: &str = "_sync_default_settings";

/// The user whose token or password is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentUser {
    /// Their id.
    pub id: LocalId,
    /// Their role; a user of Directus 11 and later may have none.
    pub role: Option<LocalId>,
}

/// What stands for each special SyncID on one instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Specials {
    found: Vec<(&'static str, &'static str, LocalId)>,
    /// The role and the policy that the user of this run lives by, whatever else stands for the special SyncIDs.
    own: Vec<(&'static str, LocalId)>,
}

impl Specials {
    /// Finds them. A mapping that still fits its meaning wins over the search, so that another administrator who
    /// runs the command does not turn the access rules over.
    #[must_use]
    pub fn find(rows: &InstanceRows, user: &CurrentUser, mappings: &Mappings) -> Self {
        let access = Access { rows, user };
        let mapped = |collection, sync_id| mappings.local(collection, sync_id);
        let policy = mapped("policies", ADMIN_POLICY)
            .filter(|id| access.row("policies", id).is_some_and(gives_admin_access))
            .cloned()
            .or_else(|| access.admin_policy());
        let role = mapped("roles", ADMIN_ROLE)
            .filter(|id| access.row("roles", id).is_some())
            .cloned()
            .or_else(|| access.admin_role(policy.as_ref()));
        let public = mapped("policies", PUBLIC_POLICY)
            .filter(|id| access.row("policies", id).is_some_and(|row| public_rank(row).is_some()))
            .cloned()
            .or_else(|| access.public_policy());
        let settings = rows.get("settings").and_then(|rows| rows.first()).map(|row| row.id.clone());
        let found = [
            ("roles", ADMIN_ROLE, role),
            ("policies", ADMIN_POLICY, policy),
            ("policies", PUBLIC_POLICY, public),
            ("settings", SETTINGS, settings),
        ];
        let by_meaning = access.admin_policy();
        let own_role = user.role.clone().or_else(|| access.admin_role(by_meaning.as_ref()));
        let own = [("roles", own_role), ("policies", by_meaning)];
        Self {
            found: found.into_iter().filter_map(|(table, sync_id, id)| Some((table, sync_id, id?))).collect(),
            own: own.into_iter().filter_map(|(table, id)| Some((table, id?))).collect(),
        }
    }

    /// Collection, SyncID and local id of each one found.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &'static str, &LocalId)> {
        self.found.iter().map(|(collection, sync_id, id)| (*collection, *sync_id, id))
    }

    /// True if the row must never be deleted: one of them, or the role and policy of the user.
    #[must_use]
    pub fn protects(&self, collection: &str, id: &LocalId) -> bool {
        self.found.iter().any(|(table, _, special)| *table == collection && special == id)
            || self.own.iter().any(|(table, own)| *table == collection && own == id)
    }
}

/// True for a SyncID that is resolved by meaning.
#[must_use]
pub fn is_special(sync_id: &str) -> bool {
    [ADMIN_ROLE, ADMIN_POLICY, PUBLIC_POLICY, SETTINGS].contains(&sync_id)
}

struct Access<'a> {
    rows: &'a InstanceRows,
    user: &'a CurrentUser,
}

impl<'a> Access<'a> {
    fn all(&self, collection: &str) -> &'a [Row] {
        self.rows.get(collection).map_or(&[], Vec::as_slice)
    }

    fn row(&self, collection: &str, id: &LocalId) -> Option<&'a Row> {
        self.all(collection).iter().find(|row| row.id == *id)
    }

    /// The first policy with administrator access that is attached to the user's role; else, for a user without a
    /// role, one that is attached to the user; else one that is attached to any role.
    fn admin_policy(&self) -> Option<LocalId> {
        let role = self.user.role.as_ref().map(LocalId::as_str);
        let mut found: Vec<_> = self
            .all("policies")
            .iter()
            .filter(|policy| gives_admin_access(policy))
            .flat_map(|policy| attachments(policy).map(move |attachment| (policy, attachment)))
            .filter_map(|(policy, attachment)| {
                let (to_role, to_user) = (text(attachment, "role"), text(attachment, "user"));
                let nearness = match (to_role, to_user) {
                    (Some(given), _) if Some(given) == role => 0,
                    (_, Some(given)) if given == self.user.id.as_str() => 1,
                    (Some(_), _) => 2,
                    _ => return None,
                };
                Some((nearness, rank(attachment), policy))
            })
            .collect();
        found.sort_by(|(a, b, c), (d, e, f)| (a, b, &c.id).cmp(&(d, e, &f.id)));
        found.first().map(|(_, _, policy)| policy.id.clone())
    }

    /// The user's own role, or the first that the administrator's policy is attached to.
    fn admin_role(&self, policy: Option<&LocalId>) -> Option<LocalId> {
        if let Some(role) = &self.user.role {
            return Some(role.clone());
        }
        let policy = self.row("policies", policy?)?;
        let mut roles: Vec<_> =
            attachments(policy).filter_map(|a| Some((rank(a), text(a, "role")?))).collect();
        roles.sort_unstable();
        roles.first().map(|(_, role)| LocalId::from(*role))
    }

    fn public_policy(&self) -> Option<LocalId> {
        let ranked = self.all("policies").iter().filter_map(|row| Some((public_rank(row)?, row)));
        ranked.min_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, row)| row.id.clone())
    }
}

fn gives_admin_access(policy: &Row) -> bool {
    policy.fields.get("admin_access").and_then(Value::as_bool).unwrap_or(false)
}

/// Where a policy stands among the public ones (lowest first); none for a policy that is not public.
fn public_rank(policy: &Row) -> Option<(i64, String)> {
    attachments(policy)
        .filter(|attachment| text(attachment, "role").is_none() && text(attachment, "user").is_none())
        .map(rank)
        .min()
}

fn attachments(policy: &Row) -> impl Iterator<Item = &Fields> {
    policy.fields.get("roles").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

fn rank(attachment: &Fields) -> (i64, String) {
    let sort = attachment.get("sort").and_then(Value::as_i64).unwrap_or(i64::MAX);
    (sort, text(attachment, "id").unwrap_or_default().to_owned())
}

fn text<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policy(id: &str, admin: bool, roles: Value) -> Row {
        let fields = json!({"admin_access": admin, "roles": roles});
        Row { id: id.into(), fields: fields.as_object().unwrap().clone() }
    }

    fn rows(policies: Vec<Row>) -> InstanceRows {
        let role = |id: &str| Row { id: id.into(), fields: Fields::new() };
        InstanceRows::from([("policies", policies), ("roles", vec![role("r1"), role("r2")])])
    }

    fn user(role: Option<&str>) -> CurrentUser {
        CurrentUser { id: "u".into(), role: role.map(Into::into) }
    }

    fn found(specials: &Specials, sync_id: &str) -> Option<String> {
        specials.iter().find(|(_, s, _)| *s == sync_id).map(|(_, _, id)| id.to_string())
    }

    #[test]
    fn a_policy_without_access_rows_is_never_the_public_one() {
        let rows = rows(vec![
            policy("empty", false, json!([])),
            policy("user", false, json!([{"id": "a", "role": null, "user": "u", "sort": 1}])),
            policy("late", false, json!([{"id": "b", "role": null, "user": null, "sort": 2}])),
            policy("first", false, json!([{"id": "c", "role": null, "user": null, "sort": 1}])),
        ]);
        let specials = Specials::find(&rows, &user(Some("r1")), &Mappings::default());
        assert_eq!(found(&specials, PUBLIC_POLICY).as_deref(), Some("first"));
        assert_eq!(found(&specials, ADMIN_POLICY), None);
    }

    #[test]
    fn the_administrator_is_who_runs_the_command() {
        let rows = rows(vec![
            policy("other", true, json!([{"id": "a", "role": "r2", "user": null, "sort": 1}])),
            policy("own", true, json!([{"id": "b", "role": "r1", "user": null, "sort": 9}])),
            policy("mine", true, json!([{"id": "c", "role": null, "user": "u", "sort": 1}])),
        ]);
        let find = |role| Specials::find(&rows, &user(role), &Mappings::default());
        assert_eq!(found(&find(Some("r1")), ADMIN_POLICY).as_deref(), Some("own"));
        assert_eq!(found(&find(Some("r1")), ADMIN_ROLE).as_deref(), Some("r1"));
        assert_eq!(found(&find(None), ADMIN_POLICY).as_deref(), Some("mine"));
        assert_eq!(found(&find(None), ADMIN_ROLE), None);
    }

    #[test]
    fn a_mapping_wins_only_while_it_fits() {
        let rows = rows(vec![
            policy("own", true, json!([{"id": "b", "role": "r1", "user": null, "sort": 1}])),
            policy("mapped", true, json!([{"id": "a", "role": "r2", "user": null, "sort": 1}])),
            policy("plain", false, json!([])),
        ]);
        let find = |policy: &str, role: &str| {
            let mut mappings = Mappings::default();
            mappings.record("policies", ADMIN_POLICY.into(), policy.into());
            mappings.record("roles", ADMIN_ROLE.into(), role.into());
            let specials = Specials::find(&rows, &user(Some("r1")), &mappings);
            (found(&specials, ADMIN_POLICY).unwrap(), found(&specials, ADMIN_ROLE).unwrap())
        };
        assert_eq!(find("mapped", "r2"), ("mapped".into(), "r2".into()));
        assert_eq!(find("plain", "gone"), ("own".into(), "r1".into()));
    }
}
