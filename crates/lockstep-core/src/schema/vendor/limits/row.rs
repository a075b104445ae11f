//! How long a row of MySQL can be.

use crate::json::Object;
use crate::schema::vendor::kind::{Kind, kind, length};

/// All columns of a row, in bytes, apart from what lies outside of it.
const ROW: i64 = 65_535;

/// What of a row has to be on its page, in bytes: short columns, and where to find the others.
const ON_PAGE: i64 = 8126;

/// A longer column lies outside, and takes [`POINTER`] bytes on the page.
const SHORT: i64 = 255;
const POINTER: i64 = 20;

/// What is wrong with a row of these columns, if it is too long. Columns are taken for shorter than they are where that
/// depends on more than is known.
pub(super) fn too_long<'a>(fields: impl Iterator<Item = &'a Object>) -> Option<String> {
    let (mut row, mut on_page) = (0, 0);
    for bytes in fields.filter_map(bytes) {
        row += bytes;
        on_page += if bytes > SHORT { POINTER } else { bytes };
    }
    if row > ROW {
        return Some(format!("its columns take {row} bytes, and MySQL has rows of up to {ROW}"));
    }
    (on_page > ON_PAGE).then(|| {
        format!(
            "its columns of up to 63 characters take {on_page} bytes, and MySQL has up to {ON_PAGE} for these"
        )
    })
}

/// The bytes of a column at its longest, in UTF-8 of up to four bytes a character.
fn bytes(field: &Object) -> Option<i64> {
    const DEFAULT_LENGTH: i64 = 255;
    Some(match kind(field)? {
        Kind::String => 4 * length(field).unwrap_or(DEFAULT_LENGTH) + 1,
        Kind::Uuid => 4 * 36,
        Kind::Text | Kind::Json | Kind::Binary | Kind::Geometry => 9,
        Kind::BigInteger => 8,
        Kind::Integer | Kind::Float | Kind::Decimal | Kind::Timestamp => 4,
        Kind::DateTime => 5,
        Kind::Date | Kind::Time => 3,
        Kind::Boolean => 1,
    })
}
