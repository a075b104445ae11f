//! Tables of SQLite: read from the database, made, and made anew where SQLite cannot change them.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::error::Answer;

/// A table, completely.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// As declared, `varchar(255)`.
    pub(crate) sql: String,
    pub(crate) not_null: bool,
    pub(crate) key: bool,
    /// True for a key that SQLite counts up.
    pub(crate) auto: bool,
    /// Without quotes: `active`, `0`, `CURRENT_TIMESTAMP`.
    pub(crate) default: Option<String>,
    pub(crate) unique: bool,
    pub(crate) indexed: bool,
    pub(crate) references: Option<ForeignKey>,
}

/// What a column refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignKey {
    pub(crate) table: String,
    pub(crate) column: String,
    pub(crate) on_update: String,
    pub(crate) on_delete: String,
    /// Where it stands among those of its table, the oldest first.
    pub(crate) place: i64,
}

/// The same as [`quote`], in the letters that the real one uses in definitions, which the API shows.
fn ticked(name: &str) -> String {
    format!("`{}`", name.replace('`', "``").replace('\0', ""))
}

/// A name as SQL has it; whatever stands in it stays part of the name.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\"").replace('\0', ""))
}

impl Table {
    /// The column of this name.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The column of this name.
    pub(crate) fn column_mut(&mut self, name: &str) -> Option<&mut Column> {
        self.columns.iter_mut().find(|column| column.name == name)
    }

    /// The name of the key.
    pub(crate) fn key(&self) -> Option<&str> {
        self.columns.iter().find(|column| column.key).map(|column| column.name.as_str())
    }

    /// Reads a table of the database; none if there is no such table.
    pub(crate) fn read(connection: &Connection, name: &str) -> Answer<Option<Self>> {
        let sql = "select sql from sqlite_master where type = 'table' and name = ?1";
        let sql: Option<String> = match connection.query_row(sql, [name], |row| row.get(0)) {
            Err(rusqlite::Error::QueryReturnedNoRows) => return Ok(None),
            other => other?,
        };
        let counts_up = sql.is_some_and(|sql| sql.to_ascii_lowercase().contains("autoincrement"));
        let mut table = Self { name: name.into(), columns: Vec::new() };
        let mut rows = connection
            .prepare_cached("select name, type, \"notnull\", dflt_value, pk from pragma_table_info(?1)")?;
        let mut rows = rows.query([name])?;
        while let Some(row) = rows.next()? {
            // SQLite tells some types in capitals, however they were declared.
            let (sql, default): (String, Option<String>) = (row.get(1)?, row.get(3)?);
            let sql = sql.to_ascii_lowercase();
            let key = row.get::<_, i64>(4)? > 0;
            table.columns.push(Column {
                name: row.get(0)?,
                auto: key && counts_up && sql == "integer",
                sql,
                not_null: row.get(2)?,
                key,
                default: default.and_then(|text| unquoted(&text)),
                ..Column::default()
            });
        }
        table.read_indexes(connection)?;
        table.read_foreign_keys(connection)?;
        Ok(Some(table))
    }

    fn read_indexes(&mut self, connection: &Connection) -> Answer<()> {
        let sql = "select l.\"unique\", i.name from pragma_index_list(?1) l, pragma_index_info(l.name) i \
                   where l.origin in ('c', 'u') and (select count(*) from pragma_index_info(l.name)) = 1";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([&self.name])?;
        while let Some(row) = rows.next()? {
            let (unique, name): (bool, Option<String>) = (row.get(0)?, row.get(1)?);
            if let Some(column) = name.and_then(|name| self.column_mut(&name)) {
                if unique {
                    column.unique = true;
                } else {
                    column.indexed = true;
                }
            }
        }
        Ok(())
    }

    fn read_foreign_keys(&mut self, connection: &Connection) -> Answer<()> {
        let sql = "select \"from\", \"table\", coalesce(\"to\", ''), on_update, on_delete, -id from pragma_foreign_key_list(?1)";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([&self.name])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            let references = ForeignKey {
                table: row.get(1)?,
                column: row.get(2)?,
                on_update: row.get(3)?,
                on_delete: row.get(4)?,
                place: row.get(5)?,
            };
            if let Some(column) = self.column_mut(&name) {
                column.references = Some(references);
            }
        }
        Ok(())
    }

    /// Makes the table.
    pub(crate) fn create(&self, connection: &Connection) -> Answer<()> {
        connection.execute_batch(&self.definition(&self.name))?;
        self.create_indexes(connection)
    }

    /// Puts this table in the place of another that is there, with all values of the columns that both have.
    ///
    /// Foreign keys have to be off, since the old table is dropped.
    ///
    /// # Errors
    /// When a row has nothing in a column that takes no null any more, or the same as another one where it may not.
    pub(crate) fn replace(&self, connection: &Connection, old: &Self) -> Answer<()> {
        if self.grows_from(old) {
            return self.grow(connection, old);
        }
        let rows = format!("select exists (select 1 from {})", quote(&old.name));
        if !connection.query_row(&rows, [], |row| row.get(0))? {
            remove(connection, &old.name)?;
            return self.create(connection);
        }
        let interim = format!("_lockstep_new_{}", self.name);
        connection.execute_batch(&self.definition(&interim))?;
        let kept: Vec<String> = self
            .columns
            .iter()
            .filter(|column| old.column(&column.name).is_some())
            .map(|column| quote(&column.name))
            .collect();
        let kept = if kept.is_empty() { "rowid".to_owned() } else { kept.join(", ") };
        connection.execute_batch(&format!(
            "insert into {} ({kept}) select {kept} from {};",
            quote(&interim),
            quote(&old.name)
        ))?;
        let counted = counted(connection, &old.name)?;
        remove(connection, &old.name)?;
        connection.execute_batch(&format!(
            "alter table {} rename to {};",
            quote(&interim),
            quote(&self.name)
        ))?;
        if let Some(counted) = counted {
            // Numbers that were given once are not given again.
            connection.execute("delete from sqlite_sequence where name = ?1", [&self.name])?;
            connection.execute(
                "insert into sqlite_sequence (name, seq) values (?1, ?2)",
                params![self.name, counted],
            )?;
        }
        self.create_indexes(connection)
    }

    /// True if SQLite can make this table of the other one without touching its rows.
    fn grows_from(&self, old: &Self) -> bool {
        // A column that is unique may be so by a constraint, which goes with its table only.
        let same = |column: &Column| Column { unique: false, indexed: false, ..column.clone() };
        let less_unique = |(new, old): (&Column, &Column)| old.unique && !new.unique;
        let added = self.columns.get(old.columns.len()..).unwrap_or_default();
        let plain = |column: &Column| {
            !column.key && !column.not_null && column.default.as_deref() != Some("CURRENT_TIMESTAMP")
        };
        self.name == old.name
            && self.columns.len() >= old.columns.len()
            && self.columns.iter().zip(&old.columns).all(|(new, old)| same(new) == same(old))
            && !self.columns.iter().zip(&old.columns).any(less_unique)
            && added.iter().all(plain)
    }

    fn grow(&self, connection: &Connection, old: &Self) -> Answer<()> {
        for column in &self.columns[old.columns.len()..] {
            let mut text = format!("alter table {} add column {}", quote(&self.name), column.definition());
            if let Some(key) = &column.references {
                text.push(' ');
                text.push_str(&key.reference());
            }
            connection.execute_batch(&text)?;
        }
        for (place, column) in self.columns.iter().enumerate() {
            let before = old.columns.get(place);
            let had = |flag: fn(&Column) -> bool| before.is_some_and(flag);
            if column.unique && !had(|it| it.unique) {
                self.create_index(connection, column, true)?;
            }
            match (had(|it| it.indexed), column.indexed) {
                (false, true) => self.create_index(connection, column, false)?,
                (true, false) => self.drop_index(connection, column)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Drops the index that was made of a column; one that has another name is somebody's own, and stays.
    fn drop_index(&self, connection: &Connection, column: &Column) -> Answer<()> {
        let sql = "select l.name from pragma_index_list(?1) l, pragma_index_info(l.name) i where l.origin = 'c' \
                   and not l.\"unique\" and i.name = ?2 and (select count(*) from pragma_index_info(l.name)) = 1";
        let mut statement = connection.prepare_cached(sql)?;
        let names = statement.query_map([&self.name, &column.name], |row| row.get(0))?;
        let made = index_name(&self.name, &column.name, false);
        let numbered = |rest: &str| {
            let number = rest.strip_prefix('_').unwrap_or(rest);
            number.bytes().all(|byte| byte.is_ascii_digit())
        };
        let is_made = |name: &String| name.strip_prefix(made.as_str()).is_some_and(numbered);
        for name in names.collect::<Result<Vec<String>, _>>()?.into_iter().filter(is_made) {
            connection.execute_batch(&format!("drop index {}", quote(&name)))?;
        }
        Ok(())
    }

    fn definition(&self, name: &str) -> String {
        let mut parts: Vec<String> = self.columns.iter().map(Column::definition).collect();
        let referring = |column: &'_ Column| Some((column.references.clone()?, column.name.clone()));
        let mut keys: Vec<(ForeignKey, String)> = self.columns.iter().filter_map(referring).collect();
        keys.sort_by_key(|(key, _)| key.place);
        parts.extend(keys.iter().map(|(key, name)| key.definition(name)));
        if parts.is_empty() {
            parts.push("`id` integer not null primary key autoincrement".into());
        }
        format!("create table {} ({});", ticked(name), parts.join(", "))
    }

    fn create_indexes(&self, connection: &Connection) -> Answer<()> {
        for column in &self.columns {
            if column.unique {
                self.create_index(connection, column, true)?;
            }
            if column.indexed {
                self.create_index(connection, column, false)?;
            }
        }
        Ok(())
    }

    fn create_index(&self, connection: &Connection, column: &Column, unique: bool) -> Answer<()> {
        let kind = if unique { "unique index" } else { "index" };
        let name = free_name(connection, &index_name(&self.name, &column.name, unique))?;
        connection.execute_batch(&format!(
            "create {kind} {} on {} ({});",
            quote(&name),
            quote(&self.name),
            quote(&column.name)
        ))?;
        Ok(())
    }
}

/// Takes a table out of the database.
pub(crate) fn remove(connection: &Connection, name: &str) -> Answer<()> {
    Ok(connection.execute_batch(&format!("drop table {}", quote(name)))?)
}

/// The name of an index that is made of a column.
fn index_name(table: &str, column: &str, unique: bool) -> String {
    format!("{table}_{column}_{}", if unique { "unique" } else { "index" }).to_lowercase()
}

/// The name, or one like it that no index has: `a_b` and `c` make the same one as `a` and `b_c`.
fn free_name(connection: &Connection, name: &str) -> Answer<String> {
    let mut statement = connection
        .prepare_cached("select exists (select 1 from sqlite_master where name = ?1 collate nocase)")?;
    let mut free = name.to_owned();
    for number in 2.. {
        if !statement.query_row([&free], |row| row.get(0))? {
            break;
        }
        free = format!("{name}_{number}");
    }
    Ok(free)
}

impl Column {
    fn definition(&self) -> String {
        let mut text = format!("{} {}", ticked(&self.name), self.sql);
        if self.key {
            text.push_str(if self.auto {
                " not null primary key autoincrement"
            } else {
                " not null primary key"
            });
        } else if self.not_null {
            text.push_str(" not null");
        } else {
            text.push_str(" null");
        }
        if let Some(default) = &self.default {
            text.push_str(" default ");
            text.push_str(&match default.as_str() {
                "CURRENT_TIMESTAMP" => default.clone(),
                text => format!("'{}'", text.replace('\'', "''").replace('\0', "")),
            });
        }
        text
    }
}

impl ForeignKey {
    fn definition(&self, column: &str) -> String {
        format!("foreign key ({}) {}", ticked(column), self.reference())
    }

    fn reference(&self) -> String {
        // Without a column, the key is meant.
        let column =
            if self.column.is_empty() { String::new() } else { format!(" ({})", quote(&self.column)) };
        format!(
            "references {}{column} on update {} on delete {}",
            quote(&self.table),
            action(&self.on_update),
            action(&self.on_delete)
        )
    }
}

/// How far the key of a table was counted, if it is one that counts up.
fn counted(connection: &Connection, table: &str) -> Answer<Option<i64>> {
    let known = "select 1 from sqlite_master where name = 'sqlite_sequence'";
    if !connection.prepare_cached(known)?.exists([])? {
        return Ok(None);
    }
    let sql = "select seq from sqlite_sequence where name = ?1";
    Ok(connection.query_row(sql, [table], |row| row.get(0)).optional()?)
}

/// Only what SQLite knows gets into a definition.
fn action(name: &str) -> &'static str {
    match name.to_ascii_uppercase().as_str() {
        "CASCADE" => "CASCADE",
        "SET NULL" => "SET NULL",
        "SET DEFAULT" => "SET DEFAULT",
        "RESTRICT" => "RESTRICT",
        _ => "NO ACTION",
    }
}

fn unquoted(text: &str) -> Option<String> {
    if text.eq_ignore_ascii_case("null") {
        return None;
    }
    let inner = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    Some(inner.map_or_else(|| text.to_owned(), |inner| inner.replace("''", "'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let column =
            |name: &str, sql: &str| Column { name: name.into(), sql: sql.into(), ..Column::default() };
        Table {
            name: "it's a \"table\"".into(),
            columns: vec![
                Column { key: true, auto: true, not_null: true, ..column("id", "integer") },
                Column { default: Some("it's".into()), not_null: true, ..column("na\"me", "varchar(255)") },
                Column { unique: true, indexed: true, ..column("code", "varchar(9)") },
            ],
        }
    }

    #[test]
    fn a_table_is_read_as_it_was_made() {
        let connection = Connection::open_in_memory().expect("a database");
        table().create(&connection).expect("created");
        assert_eq!(Table::read(&connection, &table().name).expect("read"), Some(table()));
        assert_eq!(Table::read(&connection, "other").expect("read"), None);
    }

    #[test]
    fn a_table_made_anew_keeps_its_rows() {
        let connection = Connection::open_in_memory().expect("a database");
        let old = table();
        old.create(&connection).expect("created");
        connection.execute_batch("insert into \"it's a \"\"table\"\"\" (code) values ('x')").expect("a row");
        let mut new = old.clone();
        new.columns.remove(1);
        new.columns.push(Column { name: "more".into(), sql: "text".into(), ..Column::default() });
        new.replace(&connection, &old).expect("replaced");
        assert_eq!(Table::read(&connection, &new.name).expect("read"), Some(new.clone()));
        let code: String = connection
            .query_row(&format!("select code from {}", quote(&new.name)), [], |row| row.get(0))
            .expect("the row");
        assert_eq!(code, "x");
    }

    #[test]
    fn indexes_go_that_were_made_of_a_column_and_others_stay() {
        let connection = Connection::open_in_memory().expect("a database");
        let old = table();
        old.create(&connection).expect("created");
        let mut new = old.clone();
        new.columns[2].indexed = false;
        new.replace(&connection, &old).expect("replaced");
        assert_eq!(Table::read(&connection, &new.name).expect("read"), Some(new.clone()));
        connection.execute_batch("create index my_own on \"it's a \"\"table\"\"\" (code)").expect("an index");
        assert_eq!(Table::read(&connection, &old.name).expect("read"), Some(old.clone()));
        new.replace(&connection, &old).expect("replaced");
        assert_eq!(Table::read(&connection, &old.name).expect("read"), Some(old));
    }
}
