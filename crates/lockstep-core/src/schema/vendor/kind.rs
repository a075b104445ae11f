//! What a column holds, and what it holds by default, whatever its database calls it.

use crate::json::{Json, Object};
use crate::schema::shape::{is_absent, text};

/// What a column holds, whatever its database calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Uuid,
    Boolean,
    Json,
    BigInteger,
    Integer,
    Decimal,
    Float,
    String,
    Text,
    Binary,
    Time,
    Date,
    DateTime,
    Timestamp,
    Geometry,
}

/// `char(36)` is how databases without a type for them hold UUIDs.
const UUID_LENGTH: i64 = 36;

/// The kind of a column, as Directus would make it; none if it is not known.
pub(super) fn kind(item: &Object) -> Option<Kind> {
    let directus = text(item, "type").unwrap_or_default();
    item.get("schema")?.as_object()?;
    let by_column = || kind_of_column(&data_type(item), length(item));
    Some(match directus {
        "boolean" => Kind::Boolean,
        "json" => Kind::Json,
        "decimal" => Kind::Decimal,
        "float" => Kind::Float,
        "bigInteger" => Kind::BigInteger,
        "uuid" => Kind::Uuid,
        "text" | "csv" => Kind::Text,
        "binary" => Kind::Binary,
        "date" => Kind::Date,
        "time" => Kind::Time,
        "dateTime" => Kind::DateTime,
        "timestamp" => Kind::Timestamp,
        geometry if geometry.starts_with("geometry") => Kind::Geometry,
        // MySQL's counting keys of eight bytes show as integers, and so do PostgreSQL's numbers of any precision.
        "integer" => by_column().filter(|kind| *kind == Kind::BigInteger).unwrap_or(Kind::Integer),
        // Without a type for them, UUIDs show as text of their length. PostgreSQL has text of any length by two names.
        "string" | "hash" => {
            by_column().filter(|kind| [Kind::Uuid, Kind::Text].contains(kind)).unwrap_or(Kind::String)
        }
        _ => return by_column(),
    })
}

fn kind_of_column(column: &str, length: Option<i64>) -> Option<Kind> {
    Some(match column.trim_end_matches(" unsigned") {
        "uuid" => Kind::Uuid,
        "char" | "character" if length == Some(UUID_LENGTH) => Kind::Uuid,
        "bigint" | "bigserial" | "int8" => Kind::BigInteger,
        "int" | "integer" | "tinyint" | "smallint" | "mediumint" | "serial" | "int4" | "int2" => {
            Kind::Integer
        }
        "decimal" | "numeric" => Kind::Decimal,
        "float" | "real" | "double" | "double precision" | "float8" | "float4" => Kind::Float,
        "varchar" | "character varying" if length.is_some_and(|length| length < 0) => Kind::Text,
        "varchar" | "character varying" | "char" | "character" | "varchar2" | "nvarchar" => Kind::String,
        "text" | "longtext" | "mediumtext" | "tinytext" | "clob" => Kind::Text,
        "blob" | "bytea" | "binary" | "varbinary" => Kind::Binary,
        "date" => Kind::Date,
        "datetime" => Kind::DateTime,
        time if time.starts_with("timestamp") => Kind::Timestamp,
        time if time.starts_with("time") => Kind::Time,
        _ => return None,
    })
}

/// Whether no request makes such a column: Directus does not know its type, or it is computed from others.
pub(crate) fn is_uncreatable(item: &Object) -> bool {
    flag(item, "is_generated") || text(item, "type") == Some("unknown") && kind(item) != Some(Kind::Binary)
}

/// Whether the name of a column's type is one that Directus takes for its own type and never makes: it comes of a table that was
/// made without Directus, and no request leads to it.
pub(super) fn is_foreign_name(vendor: &str, item: &Object) -> bool {
    let (directus, column) = (text(item, "type").unwrap_or_default(), data_type(item));
    // Counting keys are as the database makes them, and so are references to them.
    let refers = !is_absent(self::column(item, "foreign_key_table"));
    let name = if refers { column.trim_end_matches(" unsigned") } else { &column };
    if flag(item, "has_auto_increment") || is_made(vendor, directus, name) {
        return false;
    }
    let Some(kind) = kind(item) else { return false };
    match kind_of_column(&column, length(item)) {
        Some(other) => other == kind || (kind, other) == (Kind::Integer, Kind::Decimal),
        None => true,
    }
}

fn is_made(vendor: &str, directus: &str, column: &str) -> bool {
    let names = made(vendor, directus);
    names.is_empty() || names.contains(&column)
}

/// What the columns are called that Directus makes for its own type, the usual one first; none where that is not known.
pub(super) fn made(vendor: &str, directus: &str) -> &'static [&'static str] {
    match (vendor, directus) {
        ("mysql", "integer") => &["int"],
        ("sqlite" | "postgres", "integer") => &["integer"],
        ("sqlite" | "postgres" | "mysql", "bigInteger") => &["bigint"],
        ("postgres", "float") => &["real"],
        ("sqlite" | "mysql", "float") => &["float"],
        ("postgres", "decimal") => &["numeric"],
        ("mysql", "decimal") => &["decimal"],
        ("postgres", "string" | "hash") => &["character varying", "uuid"],
        ("sqlite" | "mysql", "string" | "hash") => &["varchar", "char"],
        ("sqlite" | "postgres" | "mysql", "text" | "csv") => &["text"],
        ("sqlite" | "postgres" | "mysql", "boolean") => &["boolean"],
        ("mysql", "json") => &["json", "longtext"],
        ("sqlite" | "postgres", "json") => &["json"],
        ("postgres", "time") => &["time without time zone"],
        ("sqlite" | "mysql", "time") => &["time"],
        ("sqlite" | "mysql", "binary") => &["blob"],
        _ => &[],
    }
}

/// The database's own name of a column's type, in small letters.
pub(super) fn data_type(item: &Object) -> String {
    column(item, "data_type").and_then(Json::as_str).unwrap_or_default().to_ascii_lowercase()
}

/// The length that a column is given.
pub(super) fn length(item: &Object) -> Option<i64> {
    column(item, "max_length").and_then(Json::as_i64)
}

/// A default, as far as all databases mean it.
#[derive(Debug, PartialEq)]
pub(super) enum Default {
    None,
    /// The time of writing.
    Now,
    /// A point in time, to the second.
    Moment(String),
    Number(f64),
    Other(Json),
}

/// Directus' own function for the default of a column, which only PostgreSQL has; keys of UUIDs are made by Directus itself.
const NEW_UUID: &str = "gen_random_uuid()";

/// Whether a request can give a column of this kind this default: expressions are taken for their text, and MySQL has no
/// defaults of texts.
pub(super) fn can_default(vendor: &str, value: &Json, kind: Kind) -> bool {
    let text = value.as_str();
    let begins_with_digit = || text.is_none_or(|text| text.starts_with(|c: char| c.is_ascii_digit()));
    let endless = || vendor == "postgres" && matches!(text, Some("infinity" | "-infinity"));
    match (kind, default_of(value, kind)) {
        (_, Default::None | Default::Now) => true,
        (Kind::Integer | Kind::BigInteger | Kind::Float | Kind::Decimal, default) => {
            matches!(default, Default::Number(_))
        }
        (Kind::Date | Kind::Time | Kind::DateTime | Kind::Timestamp, _) => begins_with_digit() || endless(),
        (Kind::Uuid, _) => text.is_some_and(is_uuid) || text == Some(NEW_UUID) && vendor == "postgres",
        (Kind::Text, _) if vendor == "mysql" => false,
        // Snapshots double the quotes of a text; what has others is cut out of an expression.
        (Kind::String | Kind::Text, _) => text.is_none_or(|text| !text.replace("''", "").contains('\'')),
        // Where the value itself has a quote, the server's statement ends there.
        (Kind::Json, _) => vendor != "mysql" || !value.to_value().to_string().contains('\''),
        _ => true,
    }
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts.concat().chars().all(|c| c.is_ascii_hexdigit())
}

pub(super) fn default_of(value: &Json, kind: Kind) -> Default {
    match value {
        Json::Null => Default::None,
        Json::Bool(flag) => Default::Number(f64::from(u8::from(*flag))),
        Json::Number(number) => Default::Number(*number),
        Json::String(text) => match kind {
            Kind::DateTime | Kind::Timestamp => {
                let lower = text.to_ascii_lowercase();
                if lower.starts_with("current_timestamp") || lower == "now()" {
                    return Default::Now;
                }
                let moment: String =
                    text.replace('T', " ").chars().take("2024-01-02 03:04:05".len()).collect();
                Default::Moment(moment)
            }
            Kind::Integer | Kind::BigInteger | Kind::Float | Kind::Decimal => {
                text.parse().map_or_else(|_| Default::Other(value.clone()), Default::Number)
            }
            Kind::Boolean => match text.as_ref() {
                "true" | "1" => Default::Number(1.0),
                "false" | "0" => Default::Number(0.0),
                _ => Default::Other(value.clone()),
            },
            _ => Default::Other(value.clone()),
        },
        other => Default::Other(other.clone()),
    }
}

pub(super) fn column<'a>(item: &'a Object, key: &str) -> Option<&'a Json> {
    item.get("schema")?.get(key)
}

pub(super) fn flag(item: &Object, key: &str) -> bool {
    column(item, key).and_then(Json::as_bool) == Some(true)
}

pub(super) fn put(item: &mut Object, key: &str, value: Json) {
    if let Some(Json::Object(schema)) = item.get_mut("schema")
        && schema.get(key).is_some()
    {
        schema.insert(key, value);
    }
}
