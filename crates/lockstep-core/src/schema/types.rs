//! Which column types hold every value of which others.

/// Integers by width; a later one holds all of an earlier.
const INTEGERS: [&[&str]; 5] = [
    &["boolean", "bool", "bit", "tinyint(1)"],
    &["tinyint"],
    &["smallint", "int2"],
    &["mediumint", "int", "integer", "int4", "serial"],
    &["bigint", "biginteger", "int8", "bigserial"],
];

/// Floating point numbers by width.
const FLOATS: [&[&str]; 2] = [&["real", "float4"], &["float", "double", "double precision", "float8"]];

/// Text of a given length; `max_length` tells how long.
const STRINGS: [&str; 12] = [
    "string",
    "char",
    "character",
    "varchar",
    "character varying",
    "nvarchar",
    "nchar",
    "varchar2",
    "nvarchar2",
    "uuid",
    "hash",
    "csv",
];

/// Text of any length, by size.
const TEXTS: [&[&str]; 4] = [&["tinytext"], &["text", "clob", "ntext"], &["mediumtext"], &["longtext"]];

/// Points in time; a later one holds all of an earlier.
const TIMES: [&[&str]; 2] = [
    &["date"],
    &[
        "datetime",
        "timestamp",
        "timestamp without time zone",
        "timestamp with time zone",
        "timestamptz",
        "datetime2",
    ],
];

/// Whether a column of type `after` holds every value that one of type `before` can hold, lengths aside.
///
/// Types are Directus' own (`bigInteger`) or the database's (`bigint`). An unknown pair holds nothing.
pub(crate) fn holds_all(before: &str, after: &str) -> bool {
    let (before, after) = (before.to_lowercase(), after.to_lowercase());
    before == after
        || widened(&INTEGERS, &before, &after)
        || widened(&FLOATS, &before, &after)
        || widened(&TIMES, &before, &after)
        || text_holds(&before, &after)
}

fn text_holds(before: &str, after: &str) -> bool {
    let string = |name: &str| STRINGS.contains(&name);
    let free = |name: &str| string(name) && name != "uuid";
    match (rank(&TEXTS, before), rank(&TEXTS, after)) {
        (Some(before), Some(after)) => before <= after,
        (None, Some(after)) => after > 0 && !before.contains("blob"),
        (None, None) => string(before) && free(after),
        (Some(_), None) => false,
    }
}

fn widened(ranks: &[&[&str]], before: &str, after: &str) -> bool {
    matches!((rank(ranks, before), rank(ranks, after)), (Some(before), Some(after)) if before <= after)
}

fn rank(ranks: &[&[&str]], name: &str) -> Option<usize> {
    ranks.iter().position(|names| names.contains(&name))
}
