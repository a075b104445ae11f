//! The types of the collections, in the language of GraphQL.

use std::fmt::Write as _;

use crate::access;
use crate::db::Session;
use crate::error::Answer;
use crate::schema::types::Kind;
use crate::schema::{Collection, Field, Schema};

const SCALARS: &str = "scalar Date\n\nscalar GraphQLBigInt\n\nscalar GraphQLStringOrFloat\n\nscalar Hash\n\nscalar JSON\n\n\
                       scalar Void\n";

/// Type definitions of people's own collections, or of Directus' own.
pub(crate) fn sdl(session: &Session<'_>, system: bool) -> Answer<String> {
    let mut shown = Vec::new();
    for collection in session.schema.collections.values() {
        let named = is_name(&collection.name) && collection.system == system;
        if named && access::rule(session, &collection.name, "read")?.is_some() {
            shown.push(collection);
        }
    }
    if shown.is_empty() {
        return Ok("type Query {\n  _empty: Void\n}\n\nscalar Void\n".into());
    }
    let mut text = String::from("type Query {\n");
    for collection in &shown {
        let name = query_name(collection);
        if collection.singleton {
            let _infallible = writeln!(text, "  {name}: {}", collection.name);
        } else {
            let arguments =
                "filter: JSON, sort: [String], limit: Int, offset: Int, page: Int, search: String";
            let _infallible = writeln!(text, "  {name}({arguments}): [{}!]!", collection.name);
            let _infallible = writeln!(text, "  {name}_by_id(id: ID!): {}", collection.name);
        }
    }
    text.push_str("  server_ping: String\n}\n\n");
    for collection in &shown {
        text.push_str(&type_of(&session.schema, collection, &shown));
    }
    text.push_str(SCALARS);
    Ok(text)
}

fn query_name(collection: &Collection) -> &str {
    let name = collection.name.as_str();
    if collection.system { name.strip_prefix("directus_").unwrap_or(name) } else { name }
}

fn type_of(schema: &Schema, collection: &Collection, shown: &[&Collection]) -> String {
    let mut text = format!("type {} {{\n", collection.name);
    let mut any = false;
    for field in collection.fields.values().filter(|field| is_name(&field.name)) {
        let Some(kind) = field_type(schema, collection, field, shown) else { continue };
        any = true;
        let _infallible = writeln!(text, "  {}: {kind}", field.name);
    }
    if !any {
        text.push_str("  _empty: String\n");
    }
    text.push_str("}\n\n");
    text
}

fn field_type(
    schema: &Schema,
    collection: &Collection,
    field: &Field,
    shown: &[&Collection],
) -> Option<String> {
    let there = |name: &str| shown.iter().any(|it| it.name == name);
    if let Some(relation) = schema.from(&collection.name, &field.name) {
        let related = relation.related.as_deref().filter(|name| there(name));
        return Some(related.map_or_else(|| "String".to_owned(), str::to_owned));
    }
    if let Some(relation) = schema.towards(&collection.name, &field.name) {
        return there(&relation.collection).then(|| format!("[{}]", relation.collection));
    }
    let kind = match field.kind {
        _ if field.name == collection.key => "ID",
        Kind::Boolean => "Boolean",
        Kind::Integer => "Int",
        Kind::BigInteger => "GraphQLBigInt",
        Kind::Float | Kind::Decimal => "Float",
        Kind::Csv => "[String]",
        Kind::Json | Kind::Geometry => "JSON",
        Kind::Hash => "Hash",
        Kind::Date | Kind::DateTime | Kind::Timestamp => "Date",
        Kind::Alias => return None,
        Kind::String | Kind::Text | Kind::Uuid | Kind::Time | Kind::Binary | Kind::Unknown => "String",
    };
    let needed = if field.nullable { "" } else { "!" };
    Some(format!("{kind}{needed}"))
}

/// True for what GraphQL takes as a name.
fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && !text.starts_with("__")
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}
