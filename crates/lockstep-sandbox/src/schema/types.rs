//! Types: what Directus calls a field, what SQLite calls its column.

/// The names of the types that a field may be given in the API.
pub(crate) const NAMES: [&str; 31] = [
    "bigInteger",
    "boolean",
    "date",
    "dateTime",
    "decimal",
    "float",
    "integer",
    "json",
    "string",
    "text",
    "time",
    "timestamp",
    "binary",
    "uuid",
    "alias",
    "hash",
    "csv",
    "geometry",
    "geometry.Point",
    "geometry.LineString",
    "geometry.Polygon",
    "geometry.MultiPoint",
    "geometry.MultiLineString",
    "geometry.MultiPolygon",
    "unknown",
    "o2m",
    "m2m",
    "m2a",
    "o2a",
    "files",
    "translations",
];

/// A field's type, as far as values are treated differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    String,
    Text,
    Integer,
    BigInteger,
    Float,
    Decimal,
    Boolean,
    Json,
    Csv,
    Uuid,
    Hash,
    Date,
    Time,
    DateTime,
    Timestamp,
    Binary,
    Geometry,
    /// No column: relations from the other side, groups, dividers.
    Alias,
    Unknown,
}

impl Kind {
    /// The kind of a type by its name in the API.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "string" => Self::String,
            "text" => Self::Text,
            "integer" => Self::Integer,
            "bigInteger" => Self::BigInteger,
            "float" => Self::Float,
            "decimal" => Self::Decimal,
            "boolean" => Self::Boolean,
            "json" => Self::Json,
            "csv" => Self::Csv,
            "uuid" => Self::Uuid,
            "hash" => Self::Hash,
            "date" => Self::Date,
            "time" => Self::Time,
            "dateTime" => Self::DateTime,
            "timestamp" => Self::Timestamp,
            "binary" => Self::Binary,
            "alias" => Self::Alias,
            name if name.starts_with("geometry") => Self::Geometry,
            _ => Self::Unknown,
        }
    }

    /// True for numbers.
    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::BigInteger | Self::Float | Self::Decimal)
    }

    /// True for dates and times.
    pub(crate) fn is_moment(self) -> bool {
        matches!(self, Self::Date | Self::Time | Self::DateTime | Self::Timestamp)
    }

    /// True for what a search looks into as text.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::String | Self::Text | Self::Csv)
    }
}

/// The API's name of the type of a column, by its type in SQLite and the specials of its field.
pub(crate) fn type_of(sql: &str, special: &[String]) -> String {
    let has = |name: &str| special.iter().any(|it| it == name);
    if sql == "alias" {
        return "alias".into();
    }
    if let Some(geometry) = special.iter().find(|it| it.starts_with("geometry")) {
        return geometry.clone();
    }
    for (name, kind) in [
        ("cast-json", "json"),
        ("json", "json"),
        ("hash", "hash"),
        ("cast-csv", "csv"),
        ("csv", "csv"),
        ("uuid", "uuid"),
        ("file", "uuid"),
        ("cast-timestamp", "timestamp"),
        ("cast-datetime", "dateTime"),
    ] {
        if has(name) {
            return kind.into();
        }
    }
    let (name, _) = split_length(sql);
    match name.to_ascii_lowercase().as_str() {
        "boolean" => "boolean",
        "int" | "integer" | "smallint" | "tinyint" | "mediumint" => "integer",
        "bigint" => "bigInteger",
        "float" | "double" | "real" => "float",
        "decimal" | "numeric" => "decimal",
        "varchar" | "char" | "character varying" | "nvarchar" => "string",
        "text" | "longtext" | "mediumtext" | "tinytext" | "clob" => "text",
        "json" => "json",
        "date" => "date",
        "time" => "time",
        "datetime" => "dateTime",
        "timestamp" => "timestamp",
        "blob" => "binary",
        "point" => "geometry.Point",
        "linestring" => "geometry.LineString",
        "polygon" => "geometry.Polygon",
        "multipoint" => "geometry.MultiPoint",
        "multilinestring" => "geometry.MultiLineString",
        "multipolygon" => "geometry.MultiPolygon",
        "geometry" => "geometry",
        _ => "unknown",
    }
    .into()
}

/// The column that a field of this type gets; none for a type without a column.
pub(crate) fn column_of(kind: &str, max_length: Option<i64>) -> Option<String> {
    Some(match kind {
        "string" | "hash" => format!("varchar({})", max_length.filter(|it| *it > 0).unwrap_or(255)),
        "text" | "csv" => "text".into(),
        "integer" => "integer".into(),
        "bigInteger" => "bigint".into(),
        "float" | "decimal" => "float".into(),
        "boolean" => "boolean".into(),
        "json" => "json".into(),
        "uuid" => "char(36)".into(),
        "date" => "date".into(),
        "time" => "time".into(),
        "dateTime" | "timestamp" => "datetime".into(),
        "binary" => "blob".into(),
        "geometry" => "geometry".into(),
        "geometry.Point" => "point".into(),
        "geometry.LineString" => "linestring".into(),
        "geometry.Polygon" => "polygon".into(),
        "geometry.MultiPoint" => "multipoint".into(),
        "geometry.MultiLineString" => "multilinestring".into(),
        "geometry.MultiPolygon" => "multipolygon".into(),
        _ => return None,
    })
}

/// `varchar(255)` as its name and its length.
pub(crate) fn split_length(sql: &str) -> (&str, Option<i64>) {
    match sql.split_once('(') {
        // Of `numeric(8,2)` nobody can tell a length.
        Some((name, rest)) => (name.trim(), rest.trim_end_matches(')').trim().parse().ok()),
        None => (sql, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_is_none_gets_no_column() {
        for kind in ["geometry.point); drop table x; --", "geometry.", "wibble", ""] {
            assert_eq!(column_of(kind, None), None, "{kind}");
        }
    }

    #[test]
    fn a_column_made_for_a_type_has_that_type() {
        for kind in ["string", "text", "integer", "bigInteger", "float", "boolean", "json", "date", "time"] {
            let column = column_of(kind, None).expect("a column");
            assert_eq!(type_of(&column, &[]), kind);
        }
        for (kind, special) in
            [("uuid", "uuid"), ("csv", "cast-csv"), ("hash", "hash"), ("timestamp", "cast-timestamp")]
        {
            let column = column_of(kind, None).expect("a column");
            assert_eq!(type_of(&column, &[special.into()]), kind);
        }
    }
}
