//! What the database of an instance cannot have, found before anything is sent.
//!
//! Measured on MariaDB 10.11 and PostgreSQL 15; where MySQL and MariaDB differ, the wider limit counts. MySQL does not undo
//! changes of tables, so a refusal in the middle of a schema leaves a part of it.

mod row;

use std::collections::BTreeMap;

use super::kind::{Default, Kind, column, default_of, flag, kind, length};
use super::portable::key_of;
use crate::json::{Json, Object};
use crate::schema::change::SchemaItem;
use crate::schema::lint::{Finding, Severity};
use crate::schema::shape::{is_absent, text};
use crate::schema::snapshot::{Snapshot, name_of};

/// What of a desired schema, made to fit an instance whose schema is `current`, the database of that instance cannot have.
/// What the instance has already is not looked at.
#[must_use]
pub fn beyond(desired: &Snapshot, current: &Snapshot) -> Vec<Finding> {
    let vendor = current.vendor().unwrap_or_default();
    let mut limits = Limits { vendor, desired, current, findings: Vec::new() };
    limits.names();
    let fields = desired.fields().iter();
    fields.filter(|field| !is_absent(field.get("schema"))).for_each(|field| limits.field(field));
    if vendor == "mysql" {
        desired.relations().iter().for_each(|relation| limits.relation(relation));
        limits.rows();
    }
    limits.findings.sort();
    limits.findings
}

struct Limits<'a> {
    vendor: &'a str,
    desired: &'a Snapshot,
    current: &'a Snapshot,
    findings: Vec<Finding>,
}

/// MySQL indexes so many characters of four bytes: a longer key has no index of its own.
const KEY_LENGTH: i64 = 768;

impl Limits<'_> {
    fn find(&mut self, code: &'static str, name: String, message: String, hint: &'static str) {
        self.findings.push(Finding { severity: Severity::Error, code, name, message, hint });
    }

    /// What the database is called, as far as it has limits here.
    fn title(&self) -> &'static str {
        match self.vendor {
            "mysql" => "MySQL",
            "postgres" => "PostgreSQL",
            _ => "SQLite",
        }
    }

    /// What the instance has of an item.
    fn now(&self, what: SchemaItem, item: &Object) -> Option<&Object> {
        let (collection, field) = name_of(item);
        self.current.item(what, collection, field)
    }

    /// Whether the column of a field is new, or becomes another one.
    fn is_touched(&self, field: &Object) -> bool {
        self.now(SchemaItem::Field, field)
            .is_none_or(|now| ["type", "schema"].iter().any(|key| now.get(key) != field.get(key)))
    }

    fn names(&mut self) {
        let vendor = self.vendor;
        let too_long = |part: &str| match vendor {
            "mysql" => (part.chars().count() > 64).then_some("64 characters"),
            "postgres" => (part.len() > 63).then_some("63 bytes"),
            _ => None,
        };
        let mut seen: BTreeMap<(String, String), String> = BTreeMap::new();
        let desired = self.desired;
        let tables = desired.collections().iter().filter(|item| !is_absent(item.get("schema")));
        let columns = desired.fields().iter().filter(|item| !is_absent(item.get("schema")));
        let named = tables
            .map(|item| (SchemaItem::Collection, item))
            .chain(columns.map(|item| (SchemaItem::Field, item)));
        for (what, item) in named {
            let (collection, field) = name_of(item);
            let name = if field.is_empty() { collection.to_owned() } else { format!("{collection}.{field}") };
            let new = self.now(what, item).is_none();
            let longest = [collection, field].into_iter().find_map(too_long).filter(|_| new);
            if let Some(longest) = longest {
                let message = format!("{} has names of up to {longest}", self.title());
                self.find("name-too-long", name.clone(), message, "give it a shorter name");
            }
            if self.vendor == "postgres" {
                continue;
            }
            let folded = (collection.to_lowercase(), field.to_lowercase());
            if let Some(other) = seen.insert(folded, name.clone())
                && new
            {
                let message = format!("{} takes it for {other}: they differ in capitals only", self.title());
                self.find("name-twice", name, message, "give one of them another name");
            }
        }
    }

    fn field(&mut self, field: &Object) {
        if !self.is_touched(field) {
            return;
        }
        let (collection, name) = name_of(field);
        let name = format!("{collection}.{name}");
        if self.vendor == "mysql"
            && self.now(SchemaItem::Field, field).is_some_and(|now| is_kept_by_key(now, field))
        {
            let message = "it refers to something, and MySQL lets Directus change no such column".to_owned();
            let hint = "leave the relation out of one push, change the field with the next, and add the relation then";
            self.find("reference-altered", name.clone(), message, hint);
        }
        let title = self.title();
        let most = |mysql: i64, postgres: i64| match self.vendor {
            "mysql" => mysql,
            "postgres" => postgres,
            _ => i64::MAX,
        };
        let number = |key: &str| column(field, key).and_then(Json::as_i64).unwrap_or_default();
        let (kind, longest) = (kind(field), most(16_383, 10_485_760));
        let digits = (most(65, 1000), most(38, 1000));
        if kind == Some(Kind::String) && length(field).is_some_and(|length| length > longest) {
            let message = format!("{title} has strings of up to {longest} characters");
            self.find("string-too-long", name.clone(), message, "lower its max_length, or make it a text");
        }
        let key = flag(field, "is_primary_key") && self.vendor == "mysql";
        let long = kind == Some(Kind::String) && length(field).is_some_and(|length| length > KEY_LENGTH);
        if key && (long || kind == Some(Kind::Text)) {
            let message = format!("{title} has keys of up to {KEY_LENGTH} characters");
            self.find("key-too-long", name.clone(), message, "make the key a string of at most that length");
        }
        let (precision, scale) = (number("numeric_precision"), number("numeric_scale"));
        if kind == Some(Kind::Decimal) && (precision > digits.0 || scale > digits.1) {
            let message = format!(
                "{title} has decimals of up to {} digits, {} of them behind the point",
                digits.0, digits.1
            );
            self.find("too-many-digits", name.clone(), message, "lower its precision or scale");
        }
        if let Some((default, kind)) = column(field, "default_value").zip(kind)
            && !self.holds(&default_of(default, kind), kind)
        {
            let message = format!("{title} cannot have this default in a column of its type");
            self.find("default-out-of-range", name, message, "take another default, or another type");
        }
    }

    /// Whether a column of a kind can hold a default; SQLite's hold everything.
    fn holds(&self, default: &Default, kind: Kind) -> bool {
        let year = |moment: &str| moment.get(..4).and_then(|year| year.parse::<i32>().ok());
        match (self.vendor, kind, default) {
            ("mysql" | "postgres", Kind::Integer, Default::Number(number)) => {
                (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(number)
            }
            ("mysql", Kind::Timestamp, Default::Moment(moment)) => {
                year(moment).is_none_or(|year| (1970..=2038).contains(&year))
            }
            ("postgres", Kind::Timestamp | Kind::DateTime, Default::Moment(moment)) => {
                year(moment) != Some(0)
            }
            _ => true,
        }
    }

    /// What MySQL refuses of a foreign key, or makes another one of.
    fn relation(&mut self, relation: &Object) {
        let (collection, field) = name_of(relation);
        let name = format!("{collection}.{field}");
        let now = self.now(SchemaItem::Relation, relation).and_then(|now| now.get("schema"));
        let Some(schema) = relation.get("schema").filter(|schema| !schema.is_null()) else { return };
        let Some(column) = self.desired.field(collection, field) else { return };
        let is_new = now.is_none_or(Json::is_null);
        if !is_new && now == Some(schema) && !self.is_touched(column) {
            return;
        }
        let required =
            column.get("schema").and_then(|schema| schema.get("is_nullable")) == Some(&Json::Bool(false));
        let related = text(relation, "related_collection").unwrap_or_default().to_owned();
        match schema.get("on_delete").and_then(Json::as_str) {
            Some("SET NULL") if required => {
                let message =
                    "it is required, and is to become null when what it refers to goes; MySQL refuses that";
                let hint = "set on_delete to NO ACTION or CASCADE, or make the field nullable";
                self.find("required-set-null", name.clone(), message.to_owned(), hint);
            }
            Some("SET DEFAULT") => {
                let message = "MySQL does not set references to their default".to_owned();
                self.find(
                    "set-default",
                    name.clone(),
                    message,
                    "set on_delete to NO ACTION, SET NULL or CASCADE",
                );
            }
            _ => {}
        }
        if is_new && let Some((key, reference)) = self.unequal(column) {
            let message = format!(
                "it would be {reference}, and the key of {related} is {key}: MySQL refuses such a reference"
            );
            self.find(
                "reference-type",
                name,
                message,
                "give both one type; counting keys that are referred to are to be integers",
            );
        }
    }

    /// The types of a key and of a new reference to it, if MySQL takes them for different.
    fn unequal(&self, reference: &Object) -> Option<(&'static str, &'static str)> {
        let (collection, field) = key_of(reference)?;
        let key = match self.desired.field(collection, field) {
            Some(key) => self.column_type(key)?,
            // Those of system collections that count are ordinary integers; others are UUIDs, or text.
            None if kind(reference).is_some_and(|kind| [Kind::Integer, Kind::BigInteger].contains(&kind)) => {
                "int unsigned"
            }
            None => return None,
        };
        let own = self.column_type(reference)?;
        // Directus makes a reference to a counting key unsigned by itself, if it is an ordinary integer.
        let equal = key == own || (key, own) == ("int unsigned", "int");
        (!equal).then_some((key, own))
    }

    /// What MySQL calls a column, as far as references tell it from others.
    fn column_type(&self, field: &Object) -> Option<&'static str> {
        let now = self.now(SchemaItem::Field, field).filter(|now| kind(now) == kind(field));
        let unsigned = match now {
            Some(now) => {
                column(now, "data_type").and_then(Json::as_str).is_some_and(|name| name.ends_with("unsigned"))
            }
            None => flag(field, "has_auto_increment"),
        };
        Some(match (kind(field)?, unsigned) {
            (Kind::Integer, true) => "int unsigned",
            (Kind::Integer, false) => "int",
            (Kind::BigInteger, true) => "bigint unsigned",
            (Kind::BigInteger, false) => "bigint",
            (Kind::String | Kind::Uuid, _) => "a string",
            (Kind::Text, _) => "a text",
            _ => return None,
        })
    }

    /// The rows of a collection that gains columns, or gets other ones.
    fn rows(&mut self) {
        let touched = self.desired.fields().iter().filter(|field| self.is_touched(field));
        let mut collections: Vec<&str> = touched.map(|field| name_of(field).0).collect();
        collections.dedup();
        // How long the rows of system collections are by themselves, a snapshot does not tell.
        collections.retain(|name| !name.starts_with("directus_"));
        for name in collections {
            if let Some(message) = row::too_long(self.desired.fields_of(name)) {
                self.find("row-too-long", name.to_owned(), message, "make some of its strings texts");
            }
        }
    }
}

/// Whether a column changes that its foreign key keeps as it is: MySQL refuses another type, and Directus says one that is not
/// unsigned whatever changes.
fn is_kept_by_key(now: &Object, field: &Object) -> bool {
    let key = |part: &str| ["foreign_key_table", "foreign_key_column"].contains(&part);
    let Some(schema) = field.get("schema").and_then(Json::as_object).filter(|_| key_of(now).is_some()) else {
        return false;
    };
    let changes = |part: &str| schema.get(part).is_some_and(|wanted| column(now, part) != Some(wanted));
    match kind(now) {
        Some(Kind::Integer | Kind::BigInteger) => {
            schema.iter().any(|(part, _)| !key(part.as_str()) && changes(part.as_str()))
        }
        Some(Kind::String) => changes("max_length"),
        _ => false,
    }
}
