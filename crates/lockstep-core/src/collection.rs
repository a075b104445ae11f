//! The registry: what each synchronized collection is.
//!
//! One row describes a collection completely: its key, what its fields refer to, what stays out of the dump,
//! what makes two records the same. Reading, normalizing, matching, planning and writing all go by it, so that a
//! collection (or a field of a new Directus version) is a row here and code nowhere. Collections of content are described
//! in the same words, made from the schema of an instance ([`crate::content`]).

use serde_json::Value;

use crate::content::Kind;
use crate::record::Fields;

/// The kind of primary key that a collection has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A UUID, which a client may choose when it creates the record.
    Uuid,
    /// An integer that the server makes.
    Integer,
    /// Text that whoever creates the record chooses.
    Text,
    /// One row only, never created nor deleted.
    Singleton,
}

/// A field that holds the id of a record of another collection (or of its own).
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// Where the id is: a field, or a place inside a JSON field (`options.flow`).
    pub path: &'static str,
    /// The collection that is referred to.
    pub target: &'static str,
    /// True if the server insists that the target exists when the reference is written. `flows.operation` has no
    /// foreign key, and a template inside options is resolved when the flow runs.
    pub enforced: bool,
    /// Where a field of the same record says which collection is meant (many-to-any); `target` is then empty.
    pub any: Option<&'static Any>,
    /// True if the field may be empty, so that the reference may come after the record.
    pub nullable: bool,
    /// True if the server refuses to delete a record while this refers to it.
    pub blocks: bool,
}

/// The collections that a many-to-any reference may be to.
#[derive(Clone, Copy, Debug)]
pub struct Any {
    /// The field that names the collection.
    pub field: &'static str,
    /// Name on the server, and name in the registry, of each.
    pub among: &'static [(&'static str, &'static str)],
}

impl Reference {
    /// The collection that a record refers to by this field; none where its other field names none that is allowed.
    #[must_use]
    pub fn target_in(&self, fields: &Fields) -> Option<&'static str> {
        let Some(any) = self.any else { return Some(self.target) };
        let named = fields.get(any.field)?.as_str()?;
        any.among.iter().find(|(name, _)| *name == named).map(|(_, target)| *target)
    }

    /// All collections that it may refer to.
    pub fn targets(&self) -> impl Iterator<Item = &'static str> {
        let any = self.any.map_or(&[][..], |any| any.among).iter().map(|(_, target)| *target);
        any.chain((self.any.is_none()).then_some(self.target))
    }
}

/// One part of the name that people know a record by.
#[derive(Clone, Copy, Debug)]
pub enum LabelPart {
    /// The text of a field.
    Field(&'static str),
    /// The name of the record that a field refers to.
    Named(&'static str),
}

/// A field that every record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    /// It holds a text.
    Text(&'static str),
    /// It holds a number.
    Number(&'static str),
}

impl Required {
    /// The field.
    #[must_use]
    pub fn field(self) -> &'static str {
        let (Self::Text(field) | Self::Number(field)) = self;
        field
    }

    /// True for a value that the field can hold.
    #[must_use]
    pub fn takes(self, value: &Value) -> bool {
        match self {
            Self::Text(_) => value.is_string(),
            Self::Number(_) => value.is_number(),
        }
    }

    /// What it holds, in words.
    #[must_use]
    pub fn form(self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
        }
    }
}

/// One synchronized collection.
#[derive(Debug)]
pub struct Collection {
    /// The name of its mapping table: that of a system collection without its `directus_` prefix, as in files; for other
    /// collections see [`crate::content`].
    pub name: &'static str,
    /// The name on the server, for content; empty for the rows of this registry, where the prefix makes it.
    pub full_name: &'static str,
    /// The kind of its primary key.
    pub key: Key,
    /// The field of its primary key.
    pub key_field: &'static str,
    /// True if the SyncID is the id whatever `--preserve-ids` says (flows, folders): their ids are public, in
    /// webhook addresses and in the files of a folder.
    pub always_preserved: bool,
    /// Fields that belong to the instance or repeat what other records say.
    pub ignored: &'static [&'static str],
    /// Fields that hold secrets; a `*` stands for any text.
    pub secrets: &'static [&'static str],
    /// Its own fields that may hold a list, in any version, besides attachments and ignored ones; any other list may be what
    /// people added to show their content.
    pub lists: &'static [&'static str],
    /// What its fields refer to.
    pub references: &'static [Reference],
    /// The field with attachments of roles (policies only).
    pub attachments: Option<&'static str>,
    /// The fields that together name a record; empty where nothing does. A field that a version does not have
    /// counts as null.
    pub natural_key: &'static [&'static str],
    /// What parts of the natural key are where a version does not have them; otherwise null.
    pub missing_parts: &'static [(&'static str, &'static str)],
    /// True if the server lets several records have the same natural key and treats them alike.
    pub twins: bool,
    /// True if twins beyond those of the dump are merged away (permissions), not kept.
    pub merges_twins: bool,
    /// Fields whose value only one record may have, and which are freed before they are given to another.
    pub unique: &'static [&'static str],
    /// The parts of a name that only one record may have; the server refuses to change several in one request.
    pub change_apart: &'static [&'static str],
    /// True if the server refuses a parent that is below the record, also in between.
    pub refuses_circles: bool,
    /// Fields that every change repeats, because the server judges the change by them: a Directus 12 without a licence
    /// takes one of a permission that does not say `fields` for a custom rule.
    pub restated: &'static [&'static str],
    /// What no record may lack, in every version: the server refuses one without.
    pub required: &'static [Required],
    /// Fields that are null in a new record of which nothing else is said, in every version: their null is not sent.
    pub null_at_first: &'static [&'static str],
    /// True if deletions go before writes, because of uniqueness over ordinary fields.
    pub delete_first: bool,
    /// The collection of the children that one request reads with their parents; the field that lists them there is called
    /// as the collection is.
    pub brings: Option<&'static str>,
    /// The children that the server deletes together with a record: collection and the field that names the parent.
    pub cascades: &'static [(&'static str, &'static str)],
    /// What people know a record by.
    pub label: &'static [LabelPart],
    /// Only rows whose field of this name is null are synchronized.
    pub only_null: Option<&'static str>,
    /// The order in the file: these fields joined by `-`; empty means by SyncID.
    pub file_order: &'static [&'static str],
    /// The first major version that has the collection.
    pub since_major: u32,
    /// Fields of which not the text counts, but what it means.
    pub kinds: &'static [(&'static str, Kind)],
    /// Fields that are written with a new record only, and never compared.
    pub once: &'static [&'static str],
    /// The field of a record that names a file to be uploaded with it.
    pub upload: Option<&'static str>,
    /// Among collections that do not depend on each other, those with a lower one are written first.
    pub rank: u32,
}

const fn reference(path: &'static str, target: &'static str) -> Reference {
    Reference { path, target, enforced: true, any: None, nullable: true, blocks: true }
}

const fn loose(path: &'static str, target: &'static str) -> Reference {
    Reference { path, target, enforced: false, any: None, nullable: true, blocks: false }
}

pub(crate) const PLAIN: Collection = Collection {
    name: "",
    full_name: "",
    key: Key::Uuid,
    key_field: "id",
    always_preserved: false,
    ignored: &[],
    secrets: &[],
    lists: &[],
    references: &[],
    attachments: None,
    natural_key: &["name"],
    missing_parts: &[],
    twins: false,
    merges_twins: false,
    unique: &[],
    change_apart: &[],
    refuses_circles: false,
    restated: &[],
    required: &[],
    null_at_first: &[],
    delete_first: false,
    brings: None,
    cascades: &[],
    label: &[LabelPart::Field("name")],
    only_null: None,
    file_order: &[],
    since_major: 10,
    kinds: &[],
    once: &[],
    upload: None,
    rank: 0,
};

/// All synchronized collections; what a natural key refers to stands before what has that key.
///
/// Facts: directus-sync's documentation and the servers themselves (10.13.1, 11.17.4, 12.4.0).
pub static COLLECTIONS: [Collection; 11] = [
    Collection {
        name: "settings",
        key: Key::Singleton,
        ignored: &[
            "project_logo",
            "public_foreground",
            "public_background",
            "public_favicon",
            "project_url",
            "project_id",
        ],
        secrets: &["ai_*_api_key", "ai_openai_compatible_headers", "license_key", "license_token"],
        lists: &[
            "storage_asset_presets",
            "basemaps",
            "module_bar",
            "custom_aspect_ratios",
            "visual_editor_urls",
            "ai_openai_compatible_models",
            "ai_openai_compatible_headers",
            "ai_openai_allowed_models",
            "ai_anthropic_allowed_models",
            "ai_google_allowed_models",
            "ai_translation_glossary",
        ],
        references: &[
            reference("public_registration_role", "roles"),
            reference("storage_default_folder", "folders"),
        ],
        natural_key: &[],
        label: &[LabelPart::Field("project_name")],
        ..PLAIN
    },
    Collection {
        name: "folders",
        always_preserved: true,
        references: &[reference("parent", "folders")],
        natural_key: &["type", "parent", "name"],
        required: &[Required::Text("name")],
        // Before Directus 12 all folders are for files.
        missing_parts: &[("type", "files")],
        ..PLAIN
    },
    Collection {
        name: "translations",
        natural_key: &["language", "key"],
        required: &[Required::Text("language"), Required::Text("key"), Required::Text("value")],
        change_apart: &["language", "key"],
        delete_first: true,
        label: &[LabelPart::Field("key"), LabelPart::Field("language")],
        ..PLAIN
    },
    Collection {
        name: "flows",
        always_preserved: true,
        ignored: &["date_created", "user_created", "operations"],
        references: &[loose("operation", "operations"), reference("folder", "folders")],
        unique: &["operation"],
        required: &[Required::Text("name")],
        brings: Some("operations"),
        cascades: &[("operations", "flow")],
        ..PLAIN
    },
    Collection {
        name: "operations",
        ignored: &["date_created", "user_created"],
        references: &[
            reference("flow", "flows"),
            reference("resolve", "operations"),
            reference("reject", "operations"),
            loose("options.flow", "flows"),
        ],
        natural_key: &["flow", "key"],
        unique: &["resolve", "reject"],
        required: &[
            Required::Text("flow"),
            Required::Text("key"),
            Required::Text("type"),
            Required::Number("position_x"),
            Required::Number("position_y"),
        ],
        label: &[LabelPart::Named("flow"), LabelPart::Field("key")],
        file_order: &["key"],
        ..PLAIN
    },
    Collection {
        name: "roles",
        ignored: &["users", "children", "policies"],
        lists: &["ip_access"],
        references: &[reference("parent", "roles")],
        required: &[Required::Text("name")],
        refuses_circles: true,
        cascades: &[("presets", "role"), ("permissions", "role")],
        ..PLAIN
    },
    Collection {
        name: "policies",
        ignored: &["users", "permissions"],
        lists: &["ip_access"],
        attachments: Some("roles"),
        required: &[Required::Text("name")],
        cascades: &[("permissions", "policy")],
        since_major: 11,
        ..PLAIN
    },
    Collection {
        name: "permissions",
        key: Key::Integer,
        lists: &["fields"],
        references: &[reference("role", "roles"), reference("policy", "policies")],
        natural_key: &["role", "policy", "collection", "action"],
        twins: true,
        merges_twins: true,
        restated: &["collection", "action", "fields", "permissions"],
        required: &[Required::Text("collection"), Required::Text("action")],
        null_at_first: &["permissions", "validation", "presets"],
        label: &[
            LabelPart::Named("role"),
            LabelPart::Named("policy"),
            LabelPart::Field("action"),
            LabelPart::Field("collection"),
        ],
        file_order: &["policy", "collection", "action"],
        ..PLAIN
    },
    Collection {
        name: "dashboards",
        ignored: &["date_created", "user_created", "panels"],
        brings: Some("panels"),
        required: &[Required::Text("name")],
        cascades: &[("panels", "dashboard")],
        ..PLAIN
    },
    Collection {
        name: "panels",
        ignored: &["date_created", "user_created"],
        references: &[reference("dashboard", "dashboards")],
        required: &[
            Required::Text("dashboard"),
            Required::Text("type"),
            Required::Number("position_x"),
            Required::Number("position_y"),
            Required::Number("width"),
            Required::Number("height"),
        ],
        natural_key: &[],
        label: &[LabelPart::Named("dashboard"), LabelPart::Field("name"), LabelPart::Field("type")],
        ..PLAIN
    },
    Collection {
        name: "presets",
        key: Key::Integer,
        ignored: &["user"],
        references: &[reference("role", "roles")],
        natural_key: &["role", "collection", "bookmark"],
        twins: true,
        label: &[LabelPart::Field("collection"), LabelPart::Field("bookmark"), LabelPart::Named("role")],
        only_null: Some("user"),
        ..PLAIN
    },
];

/// The names of all synchronized collections, without prefix.
#[must_use]
pub fn names() -> [&'static str; COLLECTIONS.len()] {
    std::array::from_fn(|place| COLLECTIONS[place].name)
}

/// The collections that a comparison is about, what is referred to by a natural key before what has that key.
#[derive(Clone, Debug)]
pub struct Registry(Vec<&'static Collection>);

impl Default for Registry {
    /// The system collections.
    fn default() -> Self {
        Self(COLLECTIONS.iter().collect())
    }
}

impl Registry {
    /// These collections.
    #[must_use]
    pub fn new(collections: Vec<&'static Collection>) -> Self {
        Self(collections)
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &'static Collection> + '_ {
        self.0.iter().copied()
    }

    /// The collection whose mapping table has this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&'static Collection> {
        self.iter().find(|collection| collection.name == name)
    }
}

impl PartialEq for Collection {
    /// Names are unique in the registry.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Collection {}

impl Collection {
    /// A collection with UUID keys and nothing else to say of it, for what is read but not synchronized by itself.
    #[must_use]
    pub const fn plain(name: &'static str) -> Self {
        Self { name, ..PLAIN }
    }

    /// The collection of this name, with or without the `directus_` prefix.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        let name = name.strip_prefix("directus_").unwrap_or(name);
        COLLECTIONS.iter().find(|collection| collection.name == name)
    }

    /// The full name, as the server uses it.
    #[must_use]
    pub fn system_name(&self) -> String {
        if self.is_content() { self.full_name.to_owned() } else { format!("directus_{}", self.name) }
    }

    /// True for a collection of content, whose description was made from a schema.
    #[must_use]
    pub const fn is_content(&self) -> bool {
        !self.full_name.is_empty()
    }

    /// The name that people know the collection by.
    #[must_use]
    pub const fn shown_name(&self) -> &'static str {
        if self.is_content() { self.full_name } else { self.name }
    }

    /// True if the field stays out of the dump and is never written.
    #[must_use]
    pub fn ignores(&self, field: &str) -> bool {
        field == self.key_field || self.ignored.contains(&field)
    }

    /// The fields in which the server repeats the ids of children that are read by themselves.
    pub fn lists_of_children(&self) -> impl Iterator<Item = &'static str> {
        let children = self.cascades;
        let is_list = move |field: &&str| children.iter().any(|(child, _)| child == field);
        self.ignored.iter().copied().filter(is_list)
    }

    /// True if a field of this name is the collection's own, and may hold a list.
    #[must_use]
    pub fn has_list(&self, field: &str) -> bool {
        self.lists.contains(&field) || self.attachments == Some(field) || self.ignores(field)
    }

    /// What the values of a field mean; none where they mean what they say.
    #[must_use]
    pub fn kind(&self, field: &str) -> Option<Kind> {
        self.kinds.iter().find(|(name, _)| *name == field).map(|(_, kind)| *kind)
    }

    /// True if two values of a field are the same.
    #[must_use]
    pub fn same(&self, field: &str, one: &Value, other: &Value) -> bool {
        crate::content::same_value_of(self.kind(field), one, other)
    }

    /// True if the field holds a secret.
    #[must_use]
    pub fn is_secret(&self, field: &str) -> bool {
        self.secrets.iter().any(|pattern| matches_pattern(pattern, field))
    }

    /// True if records refer to records of the same collection, so that their order matters inside one batch.
    #[must_use]
    pub fn refers_to_itself(&self) -> bool {
        self.self_references().next().is_some()
    }

    /// What a part of the natural key is where a record does not have it.
    pub(crate) fn missing_part(&self, field: &str) -> Value {
        let part = self.missing_parts.iter().find(|(name, _)| *name == field);
        part.map_or(Value::Null, |(_, value)| Value::from(*value))
    }

    /// The fields that refer to records of the same collection.
    pub fn self_references(&self) -> impl Iterator<Item = &'static str> {
        let own = self.references.iter().filter(|reference| reference.enforced);
        own.filter(|reference| reference.targets().any(|target| target == self.name))
            .map(|reference| reference.path)
    }

    /// The collections that this one refers to, itself left out, attachments included.
    pub fn referred(&self) -> impl Iterator<Item = &'static str> {
        let attached = self.attachments.map(|_| "roles");
        self.references.iter().flat_map(Reference::targets).chain(attached)
    }
}

fn matches_pattern(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natural_keys_refer_only_to_what_stands_before_them() {
        for (place, collection) in COLLECTIONS.iter().enumerate() {
            for reference in collection.references {
                if collection.natural_key.contains(&reference.path) && reference.target != collection.name {
                    let target = COLLECTIONS.iter().position(|c| c.name == reference.target);
                    assert!(target < Some(place), "{}.{}", collection.name, reference.path);
                }
            }
        }
    }

    #[test]
    fn every_row_names_only_collections_that_exist() {
        for collection in &COLLECTIONS {
            for target in collection.referred().chain(collection.cascades.iter().map(|(child, _)| *child)) {
                assert!(Collection::named(target).is_some(), "{} -> {target}", collection.name);
            }
        }
    }

    #[test]
    fn lists_of_children_are_what_the_children_say_as_well() {
        let lists = |name| Collection::named(name).unwrap().lists_of_children().collect::<Vec<_>>();
        assert_eq!(lists("policies"), ["permissions"]);
        assert_eq!(lists("flows"), ["operations"]);
        assert_eq!(lists("dashboards"), ["panels"]);
        // Who has a role is said nowhere else.
        assert_eq!(lists("roles"), [""; 0]);
    }

    #[test]
    fn secrets_go_by_pattern() {
        let settings = Collection::named("directus_settings").unwrap();
        assert!(settings.is_secret("ai_openai_api_key"));
        assert!(settings.is_secret("ai_openai_compatible_api_key"));
        assert!(!settings.is_secret("ai_openai_compatible_base_url"));
        assert!(!settings.is_secret("ai_api_key_hint"));
    }
}
