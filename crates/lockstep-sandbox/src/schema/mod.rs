//! The model that requests go by: collections, their fields and relations, from the tables and what is known of them.

pub(crate) mod table;
pub(crate) mod types;

use std::collections::HashMap;

use std::sync::OnceLock;

use indexmap::IndexMap;
use lockstep_core::schema::Snapshot;
use rusqlite::Connection;
use serde_json::Value;

use self::table::Table;
use self::types::{Kind, type_of};
use crate::error::{Answer, ApiError};
use crate::system::{SYSTEM, SystemCollection};

/// All collections and relations.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    pub(crate) collections: IndexMap<String, Collection>,
    pub(crate) relations: Vec<Relation>,
    /// The snapshot of this very model, once somebody asked for it.
    pub(crate) snapshot: OnceLock<Snapshot>,
}

/// A collection with a table.
#[derive(Debug)]
pub(crate) struct Collection {
    pub(crate) name: String,
    /// Name of the key.
    pub(crate) key: String,
    pub(crate) singleton: bool,
    /// How far changes are recorded.
    pub(crate) tracking: Tracking,
    pub(crate) sort_field: Option<String>,
    /// True for Directus' own.
    pub(crate) system: bool,
    pub(crate) fields: IndexMap<String, Field>,
}

/// How far the changes of a collection are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tracking {
    /// Activity and revisions.
    All,
    /// Activity only.
    Activity,
    /// Nothing.
    None,
}

/// A field of a collection.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// Type as the API tells it.
    pub(crate) type_name: String,
    pub(crate) kind: Kind,
    pub(crate) special: Vec<String>,
    pub(crate) nullable: bool,
    /// The default of its column, unquoted.
    pub(crate) default: Option<String>,
    /// True for a key that counts up.
    pub(crate) counts_up: bool,
    pub(crate) max_length: Option<i64>,
    pub(crate) searchable: bool,
    /// What a value has to satisfy, as a filter.
    pub(crate) validation: Option<Value>,
}

impl Field {
    /// A number that is no field's: a count, a sum.
    pub(crate) fn number() -> Self {
        Self { type_name: "float".into(), kind: Kind::Float, ..alias("") }
    }

    /// True if the field has this special.
    pub(crate) fn has(&self, special: &str) -> bool {
        self.special.iter().any(|it| it == special)
    }

    /// True for what has no column.
    pub(crate) fn is_alias(&self) -> bool {
        self.kind == Kind::Alias
    }
}

/// A relation: a field of one collection that holds keys of another, and the field on the other side that shows it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Relation {
    pub(crate) collection: String,
    pub(crate) field: String,
    /// None where the field may refer to several collections (m2a).
    pub(crate) related: Option<String>,
    /// The alias field on the other side.
    pub(crate) one_field: Option<String>,
    /// The field beside a m2a field that tells the collection.
    pub(crate) one_collection_field: Option<String>,
    /// The collections that a m2a field may refer to.
    pub(crate) allowed: Vec<String>,
    pub(crate) sort_field: Option<String>,
    /// True if what is taken from the list on the other side is deleted; else its reference is set to null.
    pub(crate) deselect_deletes: bool,
}

impl Schema {
    /// Reads the model.
    pub(crate) fn read(connection: &Connection) -> Answer<Self> {
        let mut schema = Self::default();
        let mut tables = Tables { connection, read: HashMap::new() };
        for collection in &SYSTEM.collections {
            schema.collections.insert(collection.name.into(), system_collection(collection));
        }
        schema.read_collections(connection, &mut tables)?;
        schema.read_untracked(connection)?;
        schema.read_fields(connection, &mut tables)?;
        schema.system_relations();
        schema.read_relations(connection, &mut tables)?;
        Ok(schema)
    }

    /// The collection of this name.
    ///
    /// # Errors
    /// As for something that may not be accessed, if there is none.
    pub(crate) fn collection(&self, name: &str) -> Answer<&Collection> {
        self.collections.get(name).ok_or_else(|| ApiError::no_collection(name))
    }

    /// The relation that a field of a collection starts.
    pub(crate) fn from(&self, collection: &str, field: &str) -> Option<&Relation> {
        self.relations.iter().find(|it| it.collection == collection && it.field == field)
    }

    /// The relation that an alias field of a collection shows from the other side.
    pub(crate) fn towards(&self, collection: &str, field: &str) -> Option<&Relation> {
        self.relations
            .iter()
            .find(|it| it.related.as_deref() == Some(collection) && it.one_field.as_deref() == Some(field))
    }

    fn read_collections(&mut self, connection: &Connection, tables: &mut Tables<'_>) -> Answer<()> {
        let sql = "select collection, singleton is 1, accountability, sort_field from directus_collections order by collection";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            // Without a key there are no items.
            let Some(table) = tables.get(&name)?.filter(|table| table.key().is_some()) else { continue };
            let accountability: Option<String> = row.get(2)?;
            let collection = Collection {
                key: table.key().unwrap_or("id").into(),
                singleton: row.get(1)?,
                tracking: match accountability.as_deref() {
                    Some("all") => Tracking::All,
                    Some("activity") => Tracking::Activity,
                    _ => Tracking::None,
                },
                sort_field: row.get(3)?,
                system: false,
                fields: table.columns.iter().map(|column| (column.name.clone(), plain(column))).collect(),
                name: name.clone(),
            };
            self.collections.insert(name, collection);
        }
        Ok(())
    }

    /// Tables that Directus does not know are items all the same.
    fn read_untracked(&mut self, connection: &Connection) -> Answer<()> {
        let sql = "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\' \
                   and name not like 'directus\\_%' escape '\\' and name <> ?1 order by name";
        let mut statement = connection.prepare(sql)?;
        let names = statement.query_map([crate::files::TABLE], |row| row.get::<_, String>(0))?;
        for name in names.collect::<Result<Vec<_>, _>>()? {
            if self.collections.contains_key(&name) {
                continue;
            }
            let Some(table) = Table::read(connection, &name)? else { continue };
            let collection = Collection {
                key: table.key().unwrap_or("id").into(),
                singleton: false,
                tracking: Tracking::All,
                sort_field: None,
                system: false,
                fields: table.columns.iter().map(|column| (column.name.clone(), plain(column))).collect(),
                name: name.clone(),
            };
            // Without a key there are no items.
            if table.key().is_some() {
                self.collections.insert(name, collection);
            }
        }
        Ok(())
    }

    fn read_fields(&mut self, connection: &Connection, tables: &mut Tables<'_>) -> Answer<()> {
        let sql = "select collection, field, special, searchable is not 0, validation from directus_fields order by id";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (name, field): (String, String) = (row.get(0)?, row.get(1)?);
            let Some(collection) = self.collections.get_mut(&name) else { continue };
            let special: Vec<String> = row
                .get::<_, Option<String>>(2)?
                .map(|text| text.split(',').filter(|it| !it.is_empty()).map(Into::into).collect())
                .unwrap_or_default();
            let column = tables.get(&name)?.and_then(|table| table.column(&field));
            if let Some(column) = column
                && !collection.fields.contains_key(&field)
            {
                // People's own fields of Directus' own collections.
                collection.fields.insert(field.clone(), plain(column));
            }
            let sql = collection.fields.get(&field).is_none().then_some("alias");
            if sql.is_some() && special.iter().any(|it| it == "no-data" || it == "group") {
                continue;
            }
            let entry = collection.fields.entry(field.clone()).or_insert_with(|| alias(&field));
            if entry.kind != Kind::Alias {
                entry.type_name = type_of(column.map_or("alias", |column| &column.sql), &special);
                entry.kind = Kind::named(&entry.type_name);
            }
            entry.special = special;
            entry.searchable = row.get(3)?;
            let validation: Option<String> = row.get(4)?;
            entry.validation = validation.and_then(|text| serde_json::from_str(&text).ok());
        }
        Ok(())
    }

    fn system_relations(&mut self) {
        self.relations.extend(SYSTEM.relations.iter().map(|it| Relation {
            collection: it.collection.into(),
            field: it.field.into(),
            related: Some(it.related.into()),
            one_field: it.one_field.map(Into::into),
            sort_field: it.sort_field.map(Into::into),
            deselect_deletes: it.deselect_deletes,
            ..Relation::default()
        }));
    }

    fn read_relations(&mut self, connection: &Connection, tables: &mut Tables<'_>) -> Answer<()> {
        let sql = "select many_collection, many_field, one_collection, one_field, one_collection_field, \
                   one_allowed_collections, sort_field, one_deselect_action from directus_relations order by id";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let allowed: Option<String> = row.get(5)?;
            self.relations.push(Relation {
                collection: row.get(0)?,
                field: row.get(1)?,
                related: row.get(2)?,
                one_field: row.get(3)?,
                one_collection_field: row.get(4)?,
                allowed: allowed.map(|text| text.split(',').map(Into::into).collect()).unwrap_or_default(),
                sort_field: row.get(6)?,
                deselect_deletes: row.get::<_, String>(7)? == "delete",
            });
        }
        // Foreign keys that nobody described are relations all the same.
        let mut plain = Vec::new();
        for collection in self.collections.values().filter(|it| !it.system) {
            let Some(table) = tables.get(&collection.name)? else { continue };
            for column in &table.columns {
                let Some(key) = &column.references else { continue };
                if self.from(&collection.name, &column.name).is_none() {
                    plain.push(Relation {
                        collection: collection.name.clone(),
                        field: column.name.clone(),
                        related: Some(key.table.clone()),
                        ..Relation::default()
                    });
                }
            }
        }
        self.relations.extend(plain);
        Ok(())
    }
}

/// The tables that were read so far.
struct Tables<'a> {
    connection: &'a Connection,
    read: HashMap<String, Option<Table>>,
}

impl Tables<'_> {
    fn get(&mut self, name: &str) -> Answer<Option<&Table>> {
        if !self.read.contains_key(name) {
            self.read.insert(name.into(), Table::read(self.connection, name)?);
        }
        Ok(self.read.get(name).and_then(Option::as_ref))
    }
}

fn plain(column: &table::Column) -> Field {
    let type_name = type_of(&column.sql, &[]);
    Field {
        name: column.name.clone(),
        kind: Kind::named(&type_name),
        type_name,
        special: Vec::new(),
        nullable: !column.not_null && !column.key,
        default: column.default.clone(),
        counts_up: column.auto,
        max_length: types::split_length(&column.sql).1,
        searchable: true,
        validation: None,
    }
}

fn alias(name: &str) -> Field {
    Field {
        name: name.into(),
        type_name: "alias".into(),
        kind: Kind::Alias,
        special: Vec::new(),
        nullable: true,
        default: None,
        counts_up: false,
        max_length: None,
        searchable: false,
        validation: None,
    }
}

fn system_collection(collection: &SystemCollection) -> Collection {
    let key = collection.columns.iter().find(|column| column.key).map_or("id", |column| column.name);
    Collection {
        name: collection.name.into(),
        key: key.into(),
        singleton: collection.singleton,
        tracking: if collection.tracked { Tracking::All } else { Tracking::None },
        sort_field: collection.sort_field.map(Into::into),
        system: true,
        fields: collection.columns.iter().map(|column| (column.name.into(), system_field(column))).collect(),
    }
}

fn system_field(column: &crate::system::SystemColumn) -> Field {
    let special: Vec<String> = column.special.iter().map(|it| (*it).into()).collect();
    let type_name = type_of(column.sql, &special);
    Field {
        name: column.name.into(),
        kind: Kind::named(&type_name),
        type_name,
        special,
        nullable: !column.not_null && !column.key,
        default: column.default.map(Into::into),
        counts_up: column.key && column.sql == "integer",
        max_length: types::split_length(column.sql).1,
        searchable: true,
        validation: None,
    }
}
