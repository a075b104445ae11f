//! Which record of a dump is which record here: what the extension `directus-extension-sync` keeps, natively.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Value, json};

use crate::clock;
use crate::error::{Answer, ApiError};

/// By what a mapping is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Sync,
    Local,
}

impl By {
    /// As the address names it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "sync_id" => Some(Self::Sync),
            "local_id" => Some(Self::Local),
            _ => None,
        }
    }

    fn column(self) -> &'static str {
        match self {
            Self::Sync => "sync_id",
            Self::Local => "local_id",
        }
    }
}

/// Makes the table, where it is not there yet.
fn prepare(db: &Connection) -> Answer<()> {
    db.execute_batch(
        "create table if not exists directus_sync_id_map (\
         id integer not null primary key autoincrement, \"table\" varchar(255) not null, sync_id varchar(255) not null, \
         local_id varchar(255) not null, created_at datetime default CURRENT_TIMESTAMP, \
         unique (\"table\", sync_id), unique (\"table\", local_id)); \
         create index if not exists directus_sync_id_map_created_at_index on directus_sync_id_map (created_at)",
    )?;
    Ok(())
}

/// True if anything was mapped yet.
fn there(db: &Connection) -> Answer<bool> {
    let sql =
        "select exists (select 1 from sqlite_master where type = 'table' and name = 'directus_sync_id_map')";
    Ok(db.query_row(sql, [], |row| row.get(0))?)
}

fn shown(row: &Row<'_>) -> rusqlite::Result<Value> {
    Ok(json!({
        "id": row.get::<_, i64>(0)?,
        "table": row.get::<_, String>(1)?,
        "sync_id": row.get::<_, String>(2)?,
        "local_id": row.get::<_, String>(3)?,
        "created_at": row.get::<_, Option<String>>(4)?,
    }))
}

const COLUMNS: &str =
    "select id, \"table\", sync_id, local_id, created_at from directus_sync_id_map where \"table\" = ?1";

/// All mappings of a table.
pub(crate) fn all(db: &Connection, table: &str) -> Answer<Vec<Value>> {
    if !there(db)? {
        return Ok(Vec::new());
    }
    let mut statement = db.prepare(&format!("{COLUMNS} order by id"))?;
    let rows = statement.query_map([table], shown)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One mapping.
pub(crate) fn find(db: &Connection, table: &str, by: By, id: &str) -> Answer<Option<Value>> {
    if !there(db)? {
        return Ok(None);
    }
    let sql = format!("{COLUMNS} and {} = ?2", by.column());
    Ok(db.query_row(&sql, [table, id], shown).optional()?)
}

/// Notes a mapping, and gives its sync id; none if the local id is mapped already.
pub(crate) fn add(db: &Connection, table: &str, local: &str, sync: Option<&str>) -> Answer<Option<String>> {
    prepare(db)?;
    let sync = sync.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
    let sql = "insert into directus_sync_id_map (\"table\", sync_id, local_id, created_at) values (?1, ?2, ?3, ?4) \
               on conflict do nothing";
    let added = db.execute(sql, params![table, sync, local, clock::now()])?;
    Ok((added > 0).then_some(sync))
}

/// Forgets a mapping, if there is one.
pub(crate) fn remove(db: &Connection, table: &str, by: By, id: &str) -> Answer<()> {
    if there(db)? {
        let sql = format!("delete from directus_sync_id_map where \"table\" = ?1 and {} = ?2", by.column());
        db.execute(&sql, [table, id])?;
    }
    Ok(())
}

/// A mapping as a caller names it.
#[derive(Debug, Clone)]
pub(crate) struct Mapping {
    pub(crate) table: String,
    pub(crate) sync: String,
    /// Where it is to be forgotten, none means whatever it is.
    pub(crate) local: Option<String>,
}

/// All mappings by table.
pub(crate) fn tables(db: &Connection) -> Answer<BTreeMap<String, Vec<Value>>> {
    let mut tables: BTreeMap<_, Vec<_>> = BTreeMap::new();
    if there(db)? {
        let sql = "select \"table\", sync_id, local_id from directus_sync_id_map order by id";
        let mut statement = db.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let mapping = json!({"sync_id": row.get::<_, String>(1)?, "local_id": row.get::<_, String>(2)?});
            tables.entry(row.get(0)?).or_default().push(mapping);
        }
    }
    Ok(tables)
}

/// Forgets and notes mappings; gives how many of each.
pub(crate) fn change(db: &Connection, gone: &[Mapping], wanted: &[Mapping]) -> Answer<(usize, usize)> {
    let (mut deleted, mut created) = (0, 0);
    if !wanted.is_empty() {
        prepare(db)?;
    } else if !there(db)? {
        return Ok((0, 0));
    }
    let forget = "delete from directus_sync_id_map where \"table\" = ?1 and sync_id = ?2 and (?3 is null or local_id = ?3)";
    for Mapping { table, sync, local } in gone {
        deleted += db.execute(forget, params![table, sync, local])?;
    }
    let clear = "delete from directus_sync_id_map where \"table\" = ?1 and (sync_id = ?2) <> (local_id = ?3)";
    for Mapping { table, sync, local } in wanted {
        let Some(local) = local else { continue };
        deleted += db.execute(clear, params![table, sync, local])?;
        created += usize::from(add(db, table, local, Some(sync))?.is_some());
    }
    Ok((deleted, created))
}

/// Permissions of the same policy, collection and action: which of each are too many.
pub(crate) fn duplicates(db: &Connection, keep_first: bool) -> Answer<Vec<Duplicate>> {
    let sql = "select policy, collection, action, group_concat(id) from \
               (select * from directus_permissions order by id) group by policy, collection, action having count(*) > 1 \
               order by min(id)";
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let ids: String = row.get(3)?;
        let mut ids: Vec<i64> = ids.split(',').filter_map(|id| id.parse().ok()).collect();
        ids.sort_unstable();
        if keep_first {
            ids.remove(0);
        } else {
            ids.pop();
        }
        Ok(Duplicate { policy: row.get(0)?, collection: row.get(1)?, action: row.get(2)?, ids })
    })?;
    rows.collect::<Result<_, _>>().map_err(ApiError::from)
}

/// Permissions that are there already.
pub(crate) struct Duplicate {
    pub(crate) policy: Option<String>,
    pub(crate) collection: String,
    pub(crate) action: String,
    pub(crate) ids: Vec<i64>,
}
