//! Rows of another instance, taken over as they are: for a copy of it.

use rusqlite::params_from_iter;
use serde_json::{Map, Value};

use crate::db::Session;
use crate::error::Answer;
use crate::query::sql::Sql;
use crate::query::values::stored;

/// What a copy takes over.
#[derive(Debug, Clone, Default)]
pub struct Copied {
    /// Rows with their ids, by collection without `directus_`. They replace what is there.
    pub rows: Vec<(String, Vec<Map<String, Value>>)>,
    /// Id of the user who shall be the administrator.
    pub user: String,
    /// Their role.
    pub role: Option<String>,
}

/// Replaces the rows of Directus' own collections. Fields that this version does not have are left out, and references
/// to what was not copied stay as they are: foreign keys have to be off.
pub(crate) fn load(session: &mut Session<'_>, copied: &Copied) -> Answer<()> {
    for (name, rows) in &copied.rows {
        let name = format!("directus_{name}");
        let schema = session.schema.clone();
        let collection = schema.collection(&name)?;
        session.db.execute_batch(&Sql::new("delete from ").name(&name).text)?;
        for row in rows {
            let (mut names, mut values) =
                (Sql::new("insert into ").name(&name).word(" ("), Sql::new(") values ("));
            let known = row.iter().filter_map(|(field, value)| Some((collection.fields.get(field)?, value)));
            for (index, (field, value)) in known.filter(|(field, _)| !field.is_alias()).enumerate() {
                let comma = if index > 0 { ", " } else { "" };
                names = names.word(comma).name(&field.name);
                values = values.word(comma).value(stored(field.kind, value));
            }
            let sql = names.then(values).word(")");
            session.db.prepare_cached(&sql.text)?.execute(params_from_iter(sql.values))?;
        }
    }
    let sql = "update directus_users set id = ?1, role = ?2";
    session.db.execute(sql, [Some(&copied.user), copied.role.as_ref()])?;
    Ok(())
}
