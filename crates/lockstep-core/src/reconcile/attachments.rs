//! The roles that a policy is attached to, as a set.
//!
//! An attachment to nobody (it makes the policy public) or to a user belongs to the instance and is never touched;
//! neither is one to a role that the dump does not know.

use serde_json::{Value, json};

use super::{Edit, Reconciler};
use crate::collection::Collection;
use crate::record::{Fields, Record, Row, same_value};

struct Attachment<'a> {
    role: &'a str,
    sort: Option<&'a Value>,
}

impl Reconciler<'_> {
    /// All attachments of a policy that is created; a public one gets its row without role.
    pub(super) fn attach_all(
        &self,
        collection: &Collection,
        record: &Record,
    ) -> Option<(&'static str, Value)> {
        let field = self.attachment_field(collection)?;
        let listed = record.fields.get(field)?.as_array()?;
        let create: Vec<_> = listed
            .iter()
            .map(|attachment| {
                let role = attachment.get("role").and_then(Value::as_str);
                let role = role.and_then(|role| self.translator.local("roles", role));
                json!({"role": role, "sort": attachment.get("sort")})
            })
            .collect();
        Some((field, json!({"create": create, "update": [], "delete": []})))
    }

    /// What changes about the attachments of a policy: the field, what is sent, and the same for people.
    pub(super) fn attachment_changes(
        &self,
        collection: &Collection,
        record: &Record,
        row: &Row,
    ) -> Option<(&'static str, Value, Edit)> {
        let field = self.attachment_field(collection)?;
        let wanted = self.wanted(record.fields.get(field)?);
        let present: Vec<(&Fields, Attachment<'_>)> = present(row.fields.get(field)?).collect();
        let known = |role: &str| self.matching.ids.sync("roles", role).is_some();
        let (mut create, mut update, mut delete) = (Vec::new(), Vec::new(), Vec::new());
        for attachment in &wanted {
            match present.iter().find(|(_, there)| there.role == attachment.role) {
                None => create.push(json!({"role": attachment.role, "sort": attachment.sort})),
                Some((fields, there)) => {
                    if let Some(sort) =
                        attachment.sort.filter(|sort| !same_value(sort, there.sort.unwrap_or(&Value::Null)))
                    {
                        update.push(json!({"id": fields.get("id"), "sort": sort}));
                    }
                }
            }
        }
        for (fields, there) in &present {
            if known(there.role) && !wanted.iter().any(|attachment| attachment.role == there.role) {
                delete.push(fields.get("id").cloned().unwrap_or_default());
            }
        }
        if create.is_empty() && update.is_empty() && delete.is_empty() {
            return None;
        }
        let describe = |attachment: &Attachment<'_>| {
            let role = self.translator.sync("roles", attachment.role).unwrap_or(attachment.role);
            json!({"role": role, "sort": attachment.sort})
        };
        let before = present.iter().filter(|(_, there)| known(there.role)).map(|(_, there)| describe(there));
        let edit = Edit::plain(field, before.collect(), wanted.iter().map(describe).collect());
        Some((field, json!({"create": create, "update": update, "delete": delete}), edit))
    }

    fn attachment_field(&self, collection: &Collection) -> Option<&'static str> {
        collection.attachments.filter(|_| self.comparison.mode.attach_roles)
    }

    /// The attachments to roles that a record lists, in local ids.
    fn wanted<'b>(&'b self, listed: &'b Value) -> Vec<Attachment<'b>> {
        let listed = listed.as_array().into_iter().flatten();
        listed
            .filter_map(|attachment| {
                let sync_id: &str = attachment.get("role")?.as_str()?;
                let role = self.translator.local("roles", sync_id)?;
                Some(Attachment { role, sort: attachment.get("sort") })
            })
            .collect()
    }
}

/// The attachments to roles that a row lists.
fn present(listed: &Value) -> impl Iterator<Item = (&Fields, Attachment<'_>)> {
    let listed = listed.as_array().into_iter().flatten().filter_map(Value::as_object);
    listed.filter_map(|fields| {
        let role = fields.get("role")?.as_str()?;
        Some((fields, Attachment { role, sort: fields.get("sort") }))
    })
}
