//! Pieces of SQL with the values that belong to them: names are quoted, values are bound, nothing else gets in.

use rusqlite::types::Value as Stored;

use crate::schema::table::quote;

/// A piece of SQL.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) values: Vec<Stored>,
}

impl Sql {
    /// A piece of fixed words.
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.into(), values: Vec::new() }
    }

    /// A column of a table that goes by an alias.
    pub(crate) fn column(alias: &str, name: &str) -> Self {
        Self::new(&format!("{alias}.{}", quote(name)))
    }

    /// Appends fixed words.
    pub(crate) fn word(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    /// Appends a name.
    pub(crate) fn name(self, name: &str) -> Self {
        let quoted = quote(name);
        self.word(&quoted)
    }

    /// Appends a value.
    pub(crate) fn value(mut self, value: Stored) -> Self {
        self.text.push('?');
        self.values.push(value);
        self
    }

    /// Appends another piece.
    pub(crate) fn then(mut self, other: Self) -> Self {
        self.text.push_str(&other.text);
        self.values.extend(other.values);
        self
    }

    /// Pieces with a word between each two, in brackets; `empty` where there is none.
    pub(crate) fn joined(pieces: Vec<Self>, word: &str, empty: &str) -> Self {
        if pieces.is_empty() {
            return Self::new(empty);
        }
        let mut all = Self::new("(");
        for (index, piece) in pieces.into_iter().enumerate() {
            if index > 0 {
                all = all.word(word);
            }
            all = all.then(piece);
        }
        all.word(")")
    }
}
