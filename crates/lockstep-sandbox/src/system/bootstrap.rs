//! The tables and records that an empty instance begins with.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::{SYSTEM, SystemCollection};
use crate::error::Answer;
use crate::schema::table::{Column, ForeignKey, Table};

/// The policy of the public, the same on every instance.
pub(crate) const PUBLIC_POLICY: &str = "abf8a154-5b1c-4a46-ac9c-7300570f4f17";

// What a new instance allows.
const OPENAI_MODELS: &str = r#"["gpt-5-nano","gpt-5-mini","gpt-5"]"#;
const ANTHROPIC_MODELS: &str = r#"["claude-haiku-4-5","claude-sonnet-4-5"]"#;
const GOOGLE_MODELS: &str =
    r#"["gemini-3-pro-preview","gemini-3-flash-preview","gemini-2.5-pro","gemini-2.5-flash"]"#;

/// Makes Directus' own tables where they are not there yet.
pub(crate) fn prepare(connection: &Connection) -> Answer<()> {
    if Table::read(connection, "directus_users")?.is_some() {
        return Ok(());
    }
    connection.execute_batch("pragma foreign_keys = off; begin")?;
    for collection in &SYSTEM.collections {
        table(collection).create(connection)?;
    }
    records(connection)?;
    connection.execute_batch("commit; pragma foreign_keys = on")?;
    Ok(())
}

/// The table of a collection of Directus' own.
pub(crate) fn table(collection: &SystemCollection) -> Table {
    let columns = collection.columns.iter().filter(|column| column.sql != "alias");
    let columns = columns.map(|column| Column {
        name: column.name.into(),
        sql: column.sql.into(),
        not_null: column.not_null || column.key,
        key: column.key,
        auto: column.key && column.sql == "integer",
        default: column.default.map(Into::into),
        unique: column.unique,
        indexed: column.index,
        references: column.references.map(|(table, on_delete)| ForeignKey {
            table: table.into(),
            column: if table == "directus_collections" { "collection" } else { "id" }.into(),
            on_update: "NO ACTION".into(),
            on_delete: on_delete.into(),
            place: 0,
        }),
    });
    Table { name: collection.name.into(), columns: columns.collect() }
}

/// The administrator, their role and policy, and the policy of the public. The ids are new for each instance.
fn records(connection: &Connection) -> Answer<()> {
    let id = || Uuid::new_v4().to_string();
    let (role, policy, user) = (id(), id(), id());
    let icon = "verified";
    let note = "$t:admin_description";
    connection.execute(
        "insert into directus_roles (id, name, icon, description) values (?1, 'Administrator', ?2, ?3)",
        params![role, icon, note],
    )?;
    connection.execute(
        "insert into directus_policies (id, name, icon, description, admin_access, app_access) \
         values (?1, 'Administrator', ?2, ?3, 1, 1)",
        params![policy, icon, note],
    )?;
    connection.execute(
        "insert into directus_policies (id, name, icon, description) \
         values (?1, '$t:public_label', 'public', '$t:public_description')",
        params![PUBLIC_POLICY],
    )?;
    connection.execute(
        "insert into directus_access (id, policy, sort) values (?1, ?2, 1)",
        params![id(), PUBLIC_POLICY],
    )?;
    connection.execute(
        "insert into directus_access (id, role, policy) values (?1, ?2, ?3)",
        params![id(), role, policy],
    )?;
    connection.execute(
        "insert into directus_users (id, first_name, last_name, email, role) \
         values (?1, 'Admin', 'User', 'admin@example.com', ?2)",
        params![user, role],
    )?;
    connection.execute(
        "insert into directus_settings (project_id, ai_openai_allowed_models, ai_anthropic_allowed_models, \
         ai_google_allowed_models) values (?1, ?2, ?3, ?4)",
        params![Uuid::now_v7().to_string(), OPENAI_MODELS, ANTHROPIC_MODELS, GOOGLE_MODELS],
    )?;
    Ok(())
}
