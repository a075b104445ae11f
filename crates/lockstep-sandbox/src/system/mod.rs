//! What Directus itself keeps: its collections, their columns and relations, as 11.17.4 has them.
//!
//! `tables.txt` is the description, one line a column: name, type of the database, and what else is to be known. It was
//! taken from the tables that a real server makes.

pub(crate) mod bootstrap;

use std::sync::LazyLock;

/// One collection of Directus' own.
#[derive(Debug)]
pub(crate) struct SystemCollection {
    pub(crate) name: &'static str,
    pub(crate) singleton: bool,
    /// True if its changes are recorded in the activity.
    pub(crate) tracked: bool,
    pub(crate) sort_field: Option<&'static str>,
    pub(crate) columns: Vec<SystemColumn>,
}

/// One field of a collection of Directus' own.
#[derive(Debug, Default)]
pub(crate) struct SystemColumn {
    pub(crate) name: &'static str,
    /// Type in the database; `alias` for what is no column.
    pub(crate) sql: &'static str,
    pub(crate) key: bool,
    pub(crate) not_null: bool,
    pub(crate) default: Option<&'static str>,
    pub(crate) unique: bool,
    pub(crate) index: bool,
    /// The collection that it refers to by a foreign key, and what happens when that record goes.
    pub(crate) references: Option<(&'static str, &'static str)>,
    pub(crate) special: Vec<&'static str>,
}

/// One relation between collections of Directus' own.
#[derive(Debug)]
pub(crate) struct SystemRelation {
    pub(crate) collection: &'static str,
    pub(crate) field: &'static str,
    pub(crate) related: &'static str,
    pub(crate) one_field: Option<&'static str>,
    pub(crate) junction_field: Option<&'static str>,
    pub(crate) sort_field: Option<&'static str>,
    pub(crate) deselect_deletes: bool,
}

/// All of it.
pub(crate) struct System {
    pub(crate) collections: Vec<SystemCollection>,
    pub(crate) relations: Vec<SystemRelation>,
}

/// The description, read once.
pub(crate) static SYSTEM: LazyLock<System> = LazyLock::new(|| read(include_str!("tables.txt")));

fn read(text: &'static str) -> System {
    let mut system = System { collections: Vec::new(), relations: Vec::new() };
    let mut in_relations = false;
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix("  ") {
            None if line == "relations" => in_relations = true,
            None => system.collections.push(collection(line)),
            Some(line) if in_relations => system.relations.extend(relation(line)),
            Some(line) => {
                if let Some(collection) = system.collections.last_mut() {
                    collection.columns.push(column(line));
                }
            }
        }
    }
    system
}

fn collection(line: &'static str) -> SystemCollection {
    let mut words = line.split(' ');
    let mut collection = SystemCollection {
        name: words.next().unwrap_or_default(),
        singleton: false,
        tracked: true,
        sort_field: None,
        columns: Vec::new(),
    };
    for word in words {
        match word.split_once('=') {
            Some(("accountability", _)) => collection.tracked = false,
            Some(("sort", field)) => collection.sort_field = Some(field),
            _ => collection.singleton = word == "singleton",
        }
    }
    collection
}

fn column(line: &'static str) -> SystemColumn {
    let mut words = line.split(' ');
    let mut column = SystemColumn {
        name: words.next().unwrap_or_default(),
        sql: words.next().unwrap_or_default(),
        ..SystemColumn::default()
    };
    while let Some(word) = words.next() {
        match (word, word.split_once('=')) {
            ("key", _) => column.key = true,
            ("not-null", _) => column.not_null = true,
            ("unique", _) => column.unique = true,
            ("index", _) => column.index = true,
            ("->", _) => column.references = words.next().map(|table| (table, "NO ACTION")),
            ("on-delete", _) => {
                let action = match words.next() {
                    Some("cascade") => "CASCADE",
                    _ => "SET NULL",
                };
                column.references = column.references.map(|(table, _)| (table, action));
            }
            (_, Some(("default", value))) => column.default = Some(value),
            (_, Some(("special", value))) => column.special = value.split('+').collect(),
            _ => {}
        }
    }
    column
}

fn relation(line: &'static str) -> Option<SystemRelation> {
    let mut words = line.split(' ');
    let (collection, field) = words.next()?.split_once('.')?;
    let one = words.nth(1)?;
    let (related, one_field) = match one.split_once('.') {
        Some((related, field)) => (related, Some(field)),
        None => (one, None),
    };
    let mut relation = SystemRelation {
        collection,
        field,
        related,
        one_field,
        junction_field: None,
        sort_field: None,
        deselect_deletes: false,
    };
    for (key, value) in words.filter_map(|word| word.split_once('=')) {
        match key {
            "junction_field" => relation.junction_field = Some(value),
            "sort_field" => relation.sort_field = Some(value),
            _ => relation.deselect_deletes = value == "delete",
        }
    }
    Some(relation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_collection_has_one_key_and_every_relation_two_ends() {
        for collection in &SYSTEM.collections {
            let keys = collection.columns.iter().filter(|column| column.key).count();
            assert_eq!(keys, 1, "{}", collection.name);
        }
        let known = |name: &str, field: &str| {
            let found = SYSTEM.collections.iter().find(|it| it.name == name);
            found.is_some_and(|it| field.is_empty() || it.columns.iter().any(|column| column.name == field))
        };
        assert!(SYSTEM.relations.len() > 40);
        for relation in &SYSTEM.relations {
            assert!(known(relation.collection, relation.field), "{relation:?}");
            let junction = relation.junction_field.is_some();
            assert!(
                known(relation.related, relation.one_field.unwrap_or_default()) || junction,
                "{relation:?}"
            );
        }
    }
}
