//! What a schema says of its collections, as the registry would.

use std::collections::BTreeMap;

use super::kind::Kind;
use super::{intern, table_name};
use crate::collection::{Any, Collection, Key, LabelPart, PLAIN, Reference};
use crate::json::{Json, Object};
use crate::nearest::nearest;
use crate::schema::Snapshot;

/// The users, as content: whoever seeds them knows them by their email.
pub const USERS: &str = "directus_users";
/// The files, as content.
pub const FILES: &str = "directus_files";

/// Fields that the server fills in by itself, whatever it is sent.
pub(super) const SERVER_MADE: [&str; 6] =
    ["date-created", "date-updated", "user-created", "user-updated", "role-created", "role-updated"];
/// Fields that records are known by, where the collection does not say, best first.
const NAMES: [&str; 7] = ["name", "title", "label", "key", "code", "slug", "email"];

/// What is wished of the records of a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Whether the SyncID of a record is its key.
    pub preserve_ids: bool,
    /// Fields that are written with a new record only.
    pub once: Vec<String>,
    /// Of collections that do not depend on each other, those with a lower one are written first.
    pub rank: u32,
}

/// A collection cannot be described.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// There is none of that name.
    #[error("the instance has no collection {name}")]
    Unknown {
        /// The name.
        name: String,
        /// One that is like it.
        nearest: Option<String>,
    },
    /// It is part of the configuration.
    #[error("{name} is no content: of the system collections only {USERS} and {FILES} can be seeded")]
    System {
        /// The name.
        name: String,
    },
    /// It has no primary key that can be seen.
    #[error("the collection {name} has no table with a primary key")]
    NoKey {
        /// The name.
        name: String,
    },
    /// It holds one record that is always there.
    #[error("the collection {name} is a singleton, which has no records of its own to seed")]
    Singleton {
        /// The name.
        name: String,
    },
}

/// A field that lists records of another collection, which hold the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists {
    /// The collection whose records are listed: the other one, or the junction.
    pub collection: String,
    /// The field there that refers back.
    pub field: String,
}

/// The collections of an instance.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) snapshot: Snapshot,
}

impl Model {
    /// Of a schema that was read whole.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self { snapshot }
    }

    /// Describes a collection of content, with the wishes for it.
    ///
    /// # Errors
    /// When there is none of that name, or its records cannot be told apart.
    pub fn describe(&self, name: &str, wish: &Wish) -> Result<&'static Collection, ModelError> {
        let mut described = match name {
            USERS => users(),
            FILES => files(),
            system if system.starts_with("directus_") => {
                return Err(ModelError::System { name: name.to_owned() });
            }
            _ => self.of_table(name)?,
        };
        self.add_fields(name, &mut described);
        described.once.extend(wish.once.iter().cloned());
        described.preserve_ids = wish.preserve_ids;
        described.rank = wish.rank;
        Ok(described.kept())
    }

    /// The fields of a collection with a column, and the primary key; of system collections only those that were added.
    pub fn columns<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        let columns = self.snapshot.fields_of(name).filter(|field| text(field, "type") != "alias");
        columns.map(|field| text(field, "field"))
    }

    /// What a field lists; none if it is not one of those.
    #[must_use]
    pub fn lists(&self, name: &str, field: &str) -> Option<Lists> {
        let shows = |relation: &&Object| {
            let meta = relation.get("meta");
            let one = |key: &str| meta.and_then(|meta| meta.get(key)).and_then(Json::as_str);
            one("one_field") == Some(field) && text(relation, "related_collection") == name
        };
        let relation = self.snapshot.relations().iter().find(shows)?;
        Some(Lists {
            collection: text(relation, "collection").to_owned(),
            field: text(relation, "field").to_owned(),
        })
    }

    /// True for a field without a column.
    #[must_use]
    pub fn is_alias(&self, name: &str, field: &str) -> bool {
        self.snapshot.field(name, field).is_some_and(|field| text(field, "type") == "alias")
    }

    /// The relations on whose account the server deletes records with others: collection, field, and the collection
    /// that is referred to.
    pub fn cascades(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        let cascading = self.snapshot.relations().iter().filter(|r| on_delete(r) == "CASCADE");
        cascading.map(|r| (text(r, "collection"), text(r, "field"), text(r, "related_collection")))
    }

    fn of_table(&self, name: &str) -> Result<Draft, ModelError> {
        let Some(collection) = self.snapshot.collection(name) else {
            let names: Vec<&str> = self.snapshot.collection_names().chain([USERS, FILES]).collect();
            let nearest = nearest(name, &names).map(str::to_owned);
            return Err(ModelError::Unknown { name: name.to_owned(), nearest });
        };
        if collection.get("meta").and_then(|meta| meta.get("singleton")).and_then(Json::as_bool) == Some(true)
        {
            return Err(ModelError::Singleton { name: name.to_owned() });
        }
        let is_key =
            |field: &&Object| at(field, "schema.is_primary_key").and_then(Json::as_bool) == Some(true);
        let no_key = || ModelError::NoKey { name: name.to_owned() };
        let key = self.snapshot.fields_of(name).find(is_key).ok_or_else(no_key)?;
        let kind = match text(key, "type") {
            "integer" | "bigInteger" => Key::Integer,
            "uuid" => Key::Uuid,
            _ if specials(key).any(|special| special == "uuid") => Key::Uuid,
            _ => Key::Text,
        };
        let mut draft = Draft::new(name, kind, text(key, "field"));
        draft.labels = self.labels(name, collection);
        Ok(draft)
    }

    /// The fields that a collection shows its records by.
    fn labels(&self, name: &str, collection: &Object) -> Vec<String> {
        let template = at(collection, "meta.display_template").and_then(Json::as_str).unwrap_or_default();
        let has = |field: &str| self.columns(name).any(|column| column == field);
        let shown = template.split("{{").skip(1).filter_map(|part| part.split("}}").next());
        let shown: Vec<String> = shown.map(str::trim).filter(|field| has(field)).map(str::to_owned).collect();
        if !shown.is_empty() {
            return shown;
        }
        NAMES.iter().find(|field| has(field)).map(|field| (*field).to_owned()).into_iter().collect()
    }

    fn add_fields(&self, name: &str, draft: &mut Draft) {
        for field in self.snapshot.fields_of(name) {
            let (field_name, specials) = (text(field, "field"), specials(field).collect::<Vec<_>>());
            if field_name == draft.key_field {
                continue;
            }
            if specials.iter().any(|special| SERVER_MADE.contains(special)) {
                draft.ignored.push(field_name.to_owned());
                continue;
            }
            if specials.contains(&"hash") || self.lists(name, field_name).is_some() {
                draft.once.push(field_name.to_owned());
            } else if text(field, "type") == "alias" {
                draft.ignored.push(field_name.to_owned());
            }
            if specials.contains(&"conceal") || specials.contains(&"hash") {
                draft.secrets.push(field_name.to_owned());
            }
            if let Some(kind) = Kind::of_type(text(field, "type")) {
                draft.kinds.insert(field_name.to_owned(), kind);
            }
            if let Some(relation) = self.snapshot.relation(name, field_name)
                && let Some(link) = self.link(field, relation)
            {
                draft.kinds.remove(field_name);
                if matches!(link.to, LinkTo::Any { .. }) {
                    draft.kinds.insert(field_name.to_owned(), Kind::Text);
                }
                draft.links.push(link);
            }
        }
    }

    fn link(&self, field: &Object, relation: &Object) -> Option<Link> {
        let to = match text(relation, "related_collection") {
            "" => {
                let by = at(relation, "meta.one_collection_field").and_then(Json::as_str)?;
                let allowed = at(relation, "meta.one_allowed_collections").and_then(Json::as_array)?;
                let allowed = allowed.iter().filter_map(Json::as_str).map(str::to_owned);
                LinkTo::Any { by: by.to_owned(), among: allowed.collect() }
            }
            // What nothing is known of is written as it is said.
            related if !is_known(related) => return None,
            related => LinkTo::One(related.to_owned()),
        };
        let nullable = at(field, "schema.is_nullable").and_then(Json::as_bool).unwrap_or(true);
        let required = at(field, "meta.required").and_then(Json::as_bool).unwrap_or(false);
        let blocks = matches!(to, LinkTo::One(_)) && !matches!(on_delete(relation), "SET NULL" | "CASCADE");
        Some(Link { field: text(field, "field").to_owned(), to, nullable: nullable && !required, blocks })
    }
}

/// What a description is made of, before it is kept for good.
#[derive(Debug)]
struct Draft {
    full_name: String,
    key: Key,
    key_field: String,
    ignored: Vec<String>,
    secrets: Vec<String>,
    once: Vec<String>,
    links: Vec<Link>,
    kinds: BTreeMap<String, Kind>,
    labels: Vec<String>,
    natural_key: Vec<String>,
    preserve_ids: bool,
    rank: u32,
    upload: bool,
}

#[derive(Debug)]
struct Link {
    field: String,
    to: LinkTo,
    nullable: bool,
    blocks: bool,
}

#[derive(Debug)]
enum LinkTo {
    One(String),
    Any { by: String, among: Vec<String> },
}

impl Draft {
    fn new(full_name: &str, key: Key, key_field: &str) -> Self {
        Self {
            full_name: full_name.to_owned(),
            key,
            key_field: key_field.to_owned(),
            ignored: Vec::new(),
            secrets: Vec::new(),
            once: Vec::new(),
            links: Vec::new(),
            kinds: BTreeMap::new(),
            labels: Vec::new(),
            natural_key: Vec::new(),
            preserve_ids: false,
            rank: 0,
            upload: false,
        }
    }

    fn kept(self) -> &'static Collection {
        intern::collection(format!("{self:?}"), || self.collection())
    }

    fn collection(&self) -> Collection {
        let texts = |texts: &[String]| intern::list(texts.iter().map(|text| intern::text(text)).collect());
        let label = |field: &String| LabelPart::Field(intern::text(field));
        Collection {
            name: intern::text(&table_name(&self.full_name)),
            full_name: intern::text(&self.full_name),
            key: self.key,
            key_field: intern::text(&self.key_field),
            always_preserved: self.preserve_ids,
            ignored: texts(&self.ignored),
            secrets: texts(&self.secrets),
            references: intern::list(self.links.iter().map(Link::reference).collect()),
            natural_key: texts(&self.natural_key),
            label: intern::list(self.labels.iter().map(label).collect()),
            kinds: intern::list(self.kinds.iter().map(|(name, kind)| (intern::text(name), *kind)).collect()),
            once: texts(&self.once),
            upload: self.upload.then_some("_file_path"),
            rank: self.rank,
            ..PLAIN
        }
    }
}

impl Link {
    fn reference(&self) -> Reference {
        let table = |name: &str| intern::text(&table_name(name));
        let (target, any) = match &self.to {
            LinkTo::One(related) => (table(related), None),
            LinkTo::Any { by, among } => {
                let among = among.iter().map(|name| (intern::text(name), table(name))).collect();
                let any: &'static [Any] =
                    intern::list(vec![Any { field: intern::text(by), among: intern::list(among) }]);
                ("", any.first())
            }
        };
        Reference {
            path: intern::text(&self.field),
            target,
            enforced: true,
            any,
            nullable: self.nullable,
            blocks: self.blocks,
        }
    }
}

fn is_known(collection: &str) -> bool {
    let known = [USERS, FILES].contains(&collection) || Collection::named(collection).is_some();
    known || !collection.starts_with("directus_")
}

/// What every version of Directus has of users. Facts: 10.13.1, 11.17.4, 12.4.0.
fn users() -> Draft {
    let mut draft = Draft::new(USERS, Key::Uuid, "id");
    draft.links = vec![to("role", "directus_roles"), to("avatar", FILES)];
    draft.secrets = names(&["password", "token", "tfa_secret", "auth_data"]);
    draft.once = names(&["password", "policies"]);
    draft.ignored = names(&["last_access", "last_page"]);
    draft.natural_key = names(&["email"]);
    draft.labels = names(&["email"]);
    draft.kinds.insert("email".to_owned(), Kind::Caseless);
    draft
}

/// What every version of Directus has of files.
fn files() -> Draft {
    let mut draft = Draft::new(FILES, Key::Uuid, "id");
    // A user stays as long as a file names it; a folder does not.
    let blocking = |field: &str| Link { blocks: true, ..to(field, USERS) };
    draft.links = vec![to("folder", "directus_folders"), blocking("uploaded_by"), blocking("modified_by")];
    draft.ignored = names(&[
        "_file_path",
        "filename_disk",
        "filesize",
        "created_on",
        "uploaded_on",
        "modified_on",
        "modified_by",
        "tus_id",
        "tus_data",
    ]);
    draft.labels = names(&["title", "filename_download"]);
    draft.upload = true;
    draft
}

fn to(field: &str, related: &str) -> Link {
    Link { field: field.to_owned(), to: LinkTo::One(related.to_owned()), nullable: true, blocks: false }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub(super) fn text<'a>(entry: &'a Object, key: &str) -> &'a str {
    entry.get(key).and_then(Json::as_str).unwrap_or_default()
}

pub(super) fn at<'a>(entry: &'a Object, path: &str) -> Option<&'a Json> {
    let (first, rest) = path.split_once('.')?;
    entry.get(first)?.at(rest)
}

pub(super) fn specials(field: &Object) -> impl Iterator<Item = &str> {
    at(field, "meta.special").and_then(Json::as_array).unwrap_or_default().iter().filter_map(Json::as_str)
}

fn on_delete(relation: &Object) -> &str {
    at(relation, "schema.on_delete").and_then(Json::as_str).unwrap_or_default()
}
