//! References, rewritten: local ids to SyncIDs on the way into a dump, SyncIDs to local ids on the way out.
//!
//! Three kinds are known: fields that the registry lists, the roles that policies are attached to, and ids anywhere
//! inside JSON (an item in a flow's options, an address with the id of a flow). The last are rewritten where a known
//! id has another text on the other side, which is seldom: preserved ids are the same everywhere.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::specials::is_special;
use super::{IdMap, InstanceRows};
use crate::collection::{Collection, Key, Reference, Registry};
use crate::record::{Fields, Late, LocalId, Row, SyncId, is_uuid, value_at};

/// A reference to a record that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingReference {
    /// Where it stands in the record.
    pub path: String,
    /// The collection that is referred to.
    pub target: &'static str,
    /// What it says: a SyncID or a local id.
    pub value: String,
}

/// The fields of a record as an instance is to hold them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Localized {
    /// References are ids of the instance; null where there is none yet.
    pub fields: Fields,
    /// The references to records that are yet to get an id.
    pub late: Vec<Late>,
}

/// True for a value that the server fills in when a flow runs: `{{$trigger.key}}`.
#[must_use]
pub fn is_template(text: &str) -> bool {
    text.trim_start().starts_with("{{")
}

/// What both directions need: the pairs, and the ids that differ.
#[derive(Debug)]
pub struct Translator<'a> {
    ids: &'a IdMap,
    /// Rows of the instance that no SyncID stands for; their own ids serve.
    others: HashMap<&'static str, Vec<&'a str>>,
    to_sync: HashMap<&'a str, &'a str>,
    to_local: HashMap<&'a str, &'a str>,
    attach_roles: bool,
    /// The kinds of the keys of content.
    keys: HashMap<&'static str, Key>,
    /// Records that will be created, and whose id only the server can make.
    pending: HashSet<(&'static str, &'a str)>,
}

impl<'a> Translator<'a> {
    /// A translator for one instance. Without `attach_roles`, policies have no `roles` at all.
    #[must_use]
    pub fn new(ids: &'a IdMap, rows: &'a InstanceRows, attach_roles: bool) -> Self {
        let mut others: HashMap<_, Vec<_>> = HashMap::new();
        for (name, rows) in rows {
            let unpaired = rows.iter().filter(|row| ids.sync(name, row.id.as_str()).is_none());
            let mut unpaired: Vec<_> = unpaired.map(|row| row.id.as_str()).collect();
            unpaired.sort_unstable();
            others.insert(*name, unpaired);
        }
        let has_uuids = |name: &str| Collection::named(name).is_some_and(|c| c.key == Key::Uuid);
        let differing: Vec<(&str, &str)> = ids
            .of(has_uuids)
            .map(|(sync, local)| (sync.as_str(), local.as_str()))
            // A SyncID that is an ordinary word would be found in ordinary texts.
            .filter(|(sync, local)| sync != local && (is_uuid(sync) || is_special(sync)))
            .collect();
        Self {
            ids,
            others,
            to_sync: differing.iter().map(|(sync, local)| (*local, *sync)).collect(),
            to_local: differing.into_iter().collect(),
            attach_roles,
            keys: HashMap::new(),
            pending: HashSet::new(),
        }
    }

    /// The same translator, for collections of content as well.
    #[must_use]
    pub fn among(mut self, registry: &Registry) -> Self {
        self.keys = registry.iter().filter(|c| c.is_content()).map(|c| (c.name, c.key)).collect();
        self
    }

    /// The same translator, which takes these records for existing: they will be when something refers to them.
    #[must_use]
    pub fn expecting(mut self, pending: HashSet<(&'static str, &'a str)>) -> Self {
        self.pending = pending;
        self
    }

    /// The same translator, blind to rows that are about to be deleted: nothing may refer to them any more.
    #[must_use]
    pub fn without(mut self, doomed: &BTreeSet<(&'static str, LocalId)>) -> Self {
        for (name, rows) in &mut self.others {
            rows.retain(|id| !doomed.contains(&(*name, LocalId::from(*id))));
        }
        self
    }

    /// The local id that a SyncID stands for: by its pair, or as the id of a row that nothing else stands for.
    #[must_use]
    pub fn local(&self, collection: &str, sync_id: &str) -> Option<&str> {
        if let Some(id) = self.ids.local(collection, sync_id) {
            return Some(id.as_str());
        }
        let others = self.others.get(collection)?;
        others.binary_search(&sync_id).ok().map(|place| others[place])
    }

    /// The SyncID of a local id, or the id of a row that has none.
    #[must_use]
    pub fn sync<'b>(&'b self, collection: &str, local_id: &'b str) -> Option<&'b str> {
        if let Some(id) = self.ids.sync(collection, local_id) {
            return Some(id.as_str());
        }
        self.others.get(collection)?.binary_search(&local_id).ok().map(|_| local_id)
    }

    /// A row as a record of a dump, `_syncId` aside. References to what is not there stay as they are and are
    /// returned.
    #[must_use]
    pub fn to_portable(&self, collection: &Collection, row: &Row) -> (Fields, Vec<MissingReference>) {
        let mut fields = Fields::new();
        for (name, value) in &row.fields {
            if collection.ignores(name) {
                continue;
            }
            if collection.attachments == Some(name) {
                if self.attach_roles {
                    fields.insert(name.clone(), self.portable_attachments(value));
                }
                continue;
            }
            fields.insert(name.clone(), value.clone());
        }
        let missing = self.rewrite(collection, &mut fields, Direction::ToSync);
        (fields, missing)
    }

    /// The fields of a dump record as the instance is to hold them, attachments left in SyncIDs.
    ///
    /// # Errors
    /// The references to records that neither the dump nor the instance has.
    pub fn to_local(
        &self,
        collection: &Collection,
        record: &Fields,
    ) -> Result<Localized, Vec<MissingReference>> {
        let mut fields = record.clone();
        if let Some(attachments) = collection.attachments {
            fields.shift_remove(attachments);
        }
        fields.retain(|name, _| !collection.ignores(name));
        let late = self.late(collection, &mut fields);
        let mut missing = self.rewrite(collection, &mut fields, Direction::ToLocal);
        missing.extend(self.missing_attachments(collection, record));
        if missing.is_empty() { Ok(Localized { fields, late }) } else { Err(missing) }
    }

    /// Takes out the references to records that have no id yet, and leaves null in their place.
    fn late(&self, collection: &Collection, fields: &mut Fields) -> Vec<Late> {
        let mut late = Vec::new();
        for reference in collection.references.iter().filter(|_| !self.pending.is_empty()) {
            let Some(Value::String(id)) = fields.get(reference.path) else { continue };
            let Some(target) = reference.target_in(fields) else { continue };
            if self.pending.contains(&(target, id.as_str())) {
                late.push(Late {
                    field: reference.path.to_owned(),
                    collection: target,
                    sync_id: id.as_str().into(),
                });
                fields.insert(reference.path.to_owned(), Value::Null);
            }
        }
        late
    }

    /// The value of one field as a dump would have it, for people to read.
    #[must_use]
    pub fn portable_value(&self, collection: &Collection, row: &Fields, field: &str) -> Value {
        let reference = collection.references.iter().find(|reference| reference.path == field);
        let beside = reference.and_then(|reference| reference.any).map(|any| any.field);
        let named = |name: &str| Some((name.to_owned(), row.get(name)?.clone()));
        let mut fields: Fields = [Some(field), beside].into_iter().flatten().filter_map(named).collect();
        self.rewrite(collection, &mut fields, Direction::ToSync);
        fields.remove(field).unwrap_or(Value::Null)
    }

    fn rewrite(&self, collection: &Collection, fields: &mut Fields, way: Direction) -> Vec<MissingReference> {
        let mut missing = Vec::new();
        for reference in collection.references {
            let Some(id) = value_at(fields, reference.path).and_then(LocalId::from_value) else { continue };
            let Some(target) = reference.target_in(fields).filter(|_| !is_template(id.as_str())) else {
                continue;
            };
            match self.other_side(target, id.as_str(), way) {
                None => missing.push(MissingReference {
                    path: reference.path.to_owned(),
                    target,
                    value: id.to_string(),
                }),
                Some(other) if !reference.path.contains('.') => {
                    let other = self.reference_value(reference, target, other, way);
                    fields.insert(reference.path.to_owned(), other);
                }
                Some(_) => {}
            }
        }
        if collection.is_content() {
            // What content says inside its JSON is said as it is.
            return missing;
        }
        let tokens = match way {
            Direction::ToSync => &self.to_sync,
            Direction::ToLocal => &self.to_local,
        };
        if !tokens.is_empty() {
            let nested = fields.iter_mut().filter(|(name, _)| collection.attachments != Some(name.as_str()));
            for (_, value) in nested.filter(|(_, value)| value.is_array() || value.is_object()) {
                rewrite_tokens(value, tokens);
            }
        }
        missing
    }

    /// An id as its field holds it: that of a many-to-any relation is text whatever the key is.
    fn reference_value(&self, reference: &Reference, target: &str, id: &str, way: Direction) -> Value {
        match (way, self.keys.get(target)) {
            (Direction::ToLocal, Some(key)) if reference.any.is_none() => LocalId::from(id).to_value(*key),
            _ => Value::from(id),
        }
    }

    fn other_side<'b>(&'b self, target: &str, id: &'b str, way: Direction) -> Option<&'b str> {
        match way {
            Direction::ToSync => self.sync(target, id),
            Direction::ToLocal => self.local(target, id),
        }
    }

    /// The attachments of a policy in SyncIDs; those of users are not part of a dump.
    fn portable_attachments(&self, value: &Value) -> Value {
        let mut attachments: Vec<_> = value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .filter(|attachment| !is_of_user(attachment))
            .map(|attachment| {
                let role = attachment.get("role").and_then(Value::as_str);
                let role = role.map(|id| self.sync("roles", id).unwrap_or(id));
                (role, attachment.get("sort").cloned().unwrap_or(Value::Null))
            })
            .collect();
        attachments.sort_by(|(a, b), (c, d)| (b.as_i64(), a).cmp(&(d.as_i64(), c)));
        attachments.into_iter().map(|(role, sort)| json!({"role": role, "sort": sort})).collect()
    }

    fn missing_attachments(&self, collection: &Collection, record: &Fields) -> Vec<MissingReference> {
        let Some(field) = collection.attachments.filter(|_| self.attach_roles) else { return Vec::new() };
        let attachments = record.get(field).and_then(Value::as_array).into_iter().flatten();
        attachments
            .filter_map(|attachment| attachment.get("role").and_then(Value::as_str))
            .filter(|role| self.local("roles", role).is_none())
            .map(|role| MissingReference {
                path: format!("{field}.role"),
                target: "roles",
                value: role.to_owned(),
            })
            .collect()
    }
}

/// True for an attachment of a policy to a user.
#[must_use]
pub fn is_of_user(attachment: &Map<String, Value>) -> bool {
    attachment.get("user").is_some_and(|user| !user.is_null())
        && attachment.get("role").is_none_or(Value::is_null)
}

#[derive(Clone, Copy)]
enum Direction {
    ToSync,
    ToLocal,
}

fn rewrite_tokens(value: &mut Value, tokens: &HashMap<&str, &str>) {
    match value {
        Value::String(text) => {
            if let Some(changed) = rewrite_text(text, tokens) {
                *text = changed;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite_tokens(item, tokens)),
        Value::Object(fields) => fields.values_mut().for_each(|value| rewrite_tokens(value, tokens)),
        _ => {}
    }
}

/// The text with every known id replaced; none where there is none. An id is a word of letters, digits, `-` and
/// `_`: a longer word that contains one is something else.
fn rewrite_text(text: &str, tokens: &HashMap<&str, &str>) -> Option<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut changed = String::new();
    let mut copied = 0;
    let mut start = None;
    for (place, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, is_word(c)) {
            (None, true) => start = Some(place),
            (Some(from), false) => {
                if let Some(other) = tokens.get(&text[from..place]) {
                    changed.push_str(&text[copied..from]);
                    changed.push_str(other);
                    copied = place;
                }
                start = None;
            }
            _ => {}
        }
    }
    (copied > 0).then(|| changed + &text[copied..])
}

/// Checks that a SyncID may become an id: what is no UUID never does, and what is not in lower case neither, because
/// some databases give it back in lower case.
#[must_use]
pub fn serves_as_id(sync_id: &SyncId) -> Option<LocalId> {
    let lower = !sync_id.as_str().contains(|c: char| c.is_ascii_uppercase());
    (lower && is_uuid(sync_id.as_str())).then(|| LocalId::from(sync_id.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaa-0000-4000-8000-000000000001";
    const B: &str = "bbbbbbbb-0000-4000-8000-000000000002";

    fn row(id: &str, fields: Value) -> Row {
        Row { id: id.into(), fields: fields.as_object().unwrap().clone() }
    }

    fn setting() -> (IdMap, InstanceRows) {
        let mut ids = IdMap::default();
        ids.pair("flows", &A.into(), &B.into());
        ids.pair("roles", &"_sync_default_admin_role".into(), &"r1".into());
        let rows = InstanceRows::from([
            ("flows", vec![row(B, json!({}))]),
            ("roles", vec![row("r1", json!({})), row("r2", json!({}))]),
        ]);
        (ids, rows)
    }

    #[test]
    fn references_go_there_and_back() {
        let (ids, rows) = setting();
        let translator = Translator::new(&ids, &rows, true);
        let operations = Collection::named("operations").unwrap();
        let local = row(
            "o",
            json!({"flow": B, "resolve": null, "options": {"flow": B, "url": format!("/flows/trigger/{B}?x=1"),
                "list": [{"deep": B}], "other": format!("x{B}")}}),
        );
        let (portable, missing) = translator.to_portable(operations, &local);
        assert_eq!(missing, []);
        assert_eq!(
            Value::Object(portable.clone()),
            json!({"flow": A, "resolve": null, "options": {"flow": A, "url": format!("/flows/trigger/{A}?x=1"),
                "list": [{"deep": A}], "other": format!("x{B}")}})
        );
        assert_eq!(
            translator.to_local(operations, &portable),
            Ok(Localized { fields: local.fields, late: vec![] })
        );
    }

    #[test]
    fn templates_stay_and_missing_records_are_named() {
        let (ids, rows) = setting();
        let translator = Translator::new(&ids, &rows, true);
        let operations = Collection::named("operations").unwrap();
        let record = json!({"flow": "gone", "options": {"flow": "{{ $trigger.id }}"}});
        let missing = translator.to_local(operations, record.as_object().unwrap()).unwrap_err();
        assert_eq!(
            missing,
            [MissingReference { path: "flow".into(), target: "flows", value: "gone".into() }]
        );
    }

    #[test]
    fn attachments_of_users_are_left_out_and_those_of_roles_are_sorted() {
        let (ids, rows) = setting();
        let policies = Collection::named("policies").unwrap();
        let policy = row(
            "p",
            json!({"roles": [
                {"id": "1", "role": "r2", "user": null, "sort": 2},
                {"id": "2", "role": null, "user": "u", "sort": 1},
                {"id": "3", "role": null, "user": null, "sort": 3},
                {"id": "4", "role": "r1", "user": null, "sort": null},
            ], "users": ["2"]}),
        );
        let (portable, _) = Translator::new(&ids, &rows, true).to_portable(policies, &policy);
        assert_eq!(
            Value::Object(portable),
            json!({"roles": [
                {"role": "_sync_default_admin_role", "sort": null},
                {"role": "r2", "sort": 2},
                {"role": null, "sort": 3},
            ]})
        );
        let (bare, _) = Translator::new(&ids, &rows, false).to_portable(policies, &policy);
        assert!(bare.is_empty());
        let record = json!({"roles": [{"role": "nobody", "sort": 1}]});
        let missing = Translator::new(&ids, &rows, true).to_local(policies, record.as_object().unwrap());
        assert_eq!(missing.unwrap_err()[0].path, "roles.role");
    }
}
