//! What files hold. It is kept in a table of its own beside the records in `directus_files`.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Map, Value, json};

use crate::db::Session;
use crate::error::Answer;

/// The table of the files themselves, which is nobody's collection.
pub(crate) const TABLE: &str = "lockstep_files";

/// Makes the table, where it is not there yet.
pub(crate) fn prepare(db: &Connection) -> Answer<()> {
    db.execute_batch("create table if not exists lockstep_files (id text primary key, bytes blob not null)")?;
    Ok(())
}

/// Keeps what a file holds.
pub(crate) fn store(db: &Connection, id: &str, bytes: &[u8]) -> Answer<()> {
    prepare(db)?;
    db.execute("insert or replace into lockstep_files (id, bytes) values (?1, ?2)", params![id, bytes])?;
    Ok(())
}

/// What a file holds.
pub(crate) fn load(db: &Connection, id: &str) -> Answer<Option<Vec<u8>>> {
    prepare(db)?;
    Ok(db.query_row("select bytes from lockstep_files where id = ?1", [id], |row| row.get(0)).optional()?)
}

/// Forgets what belongs to no record any more.
pub(crate) fn sweep(session: &Session<'_>) -> Answer<()> {
    prepare(session.db)?;
    session.db.execute("delete from lockstep_files where id not in (select id from directus_files)", [])?;
    Ok(())
}

/// What can be told from the bytes of a file: its size, and of pictures width and height.
pub(crate) fn described(bytes: &[u8], kind: &str) -> Map<String, Value> {
    let mut told = Map::new();
    told.insert("filesize".into(), json!(bytes.len()));
    if let Some((width, height)) = size(bytes).filter(|_| kind.starts_with("image/")) {
        told.insert("width".into(), json!(width));
        told.insert("height".into(), json!(height));
        told.insert("metadata".into(), json!({}));
    }
    told
}

/// Width and height of a PNG, GIF or JPEG.
fn size(bytes: &[u8]) -> Option<(u32, u32)> {
    let big = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let little = |at: usize| Some(u32::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some((big(16)?, big(20)?));
    }
    if bytes.starts_with(b"GIF8") {
        return Some((little(6)?, little(8)?));
    }
    bytes.starts_with(&[0xff, 0xd8]).then(|| jpeg(bytes)).flatten()
}

fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let short = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let mut at = 2;
    loop {
        let marker = short(at)?;
        // The frames that tell a size; the others between them are tables.
        if (0xffc0..=0xffcf).contains(&marker) && !matches!(marker, 0xffc4 | 0xffc8 | 0xffcc) {
            return Some((short(at + 7)?.into(), short(at + 5)?.into()));
        }
        if marker & 0xff00 != 0xff00 {
            return None;
        }
        at += 2 + usize::from(short(at + 2)?).max(2);
    }
}

/// The title of a file from its name: `my_first-file.txt` is `My First File`.
pub(crate) fn title(name: &str) -> String {
    let stem = match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    };
    let mut spaced = String::new();
    let mut before = ' ';
    for letter in stem.chars() {
        let letter = if matches!(letter, '_' | '-') { ' ' } else { letter };
        if letter.is_uppercase() && before.is_lowercase() {
            spaced.push(' ');
        }
        spaced.push(letter);
        before = letter;
    }
    let words = spaced.split_whitespace().map(|word| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Endings of files whose name has none.
const ENDINGS: [(&str, &str); 24] = [
    ("application/gzip", ".gz"),
    ("application/json", ".json"),
    ("application/octet-stream", ".bin"),
    ("application/pdf", ".pdf"),
    ("application/xml", ".xml"),
    ("application/yaml", ".yaml"),
    ("application/zip", ".zip"),
    ("audio/mpeg", ".mpga"),
    ("audio/ogg", ".oga"),
    ("audio/wav", ".wav"),
    ("font/woff", ".woff"),
    ("font/woff2", ".woff2"),
    ("image/avif", ".avif"),
    ("image/gif", ".gif"),
    ("image/jpeg", ".jpeg"),
    ("image/png", ".png"),
    ("image/svg+xml", ".svg"),
    ("image/webp", ".webp"),
    ("text/css", ".css"),
    ("text/csv", ".csv"),
    ("text/html", ".html"),
    ("text/markdown", ".md"),
    ("text/plain", ".txt"),
    ("video/mp4", ".mp4"),
];

/// The ending of a file's name, or one that suits its type.
pub(crate) fn ending(name: &str, kind: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && !ending.is_empty() => format!(".{ending}"),
        _ => ENDINGS
            .iter()
            .find(|(it, _)| *it == kind)
            .map(|(_, ending)| (*ending).to_owned())
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_made_of_names() {
        for (name, expected) in [
            ("my_first-file.txt", "My First File"),
            ("photo.of.me.png", "Photo.of.me"),
            (".hidden", ".hidden"),
            ("camelCase.txt", "Camel Case"),
            ("", ""),
            ("ä.txt", "Ä"),
        ] {
            assert_eq!(title(name), expected, "{name}");
        }
    }

    #[test]
    fn pictures_tell_their_size() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x03";
        assert_eq!(size(png), Some((2, 3)));
        assert_eq!(size(b"GIF89a\x04\0\x05\0"), Some((4, 5)));
        let jpeg = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc0, 0, 11, 8, 0, 6, 0, 7, 3];
        assert_eq!(size(&jpeg), Some((7, 6)));
        for length in 0..jpeg.len() {
            let _ = size(&jpeg[..length]);
            let _ = size(&png[..length.min(png.len())]);
        }
        assert_eq!(size(b"text"), None);
    }
}
