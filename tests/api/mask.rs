//! What differs from run to run, replaced by what it is: `<uuid 1>`, `<time>`, `<activity 2>`.
//!
//! The numbers count different values by their first appearance in the file, so that two answers that speak of the same
//! row visibly do.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// Masks the answers of one file.
#[derive(Debug, Clone)]
pub(crate) struct Mask {
    /// Where the server is; answers may say it.
    url: String,
    /// UUIDs that the file itself sends stay as they are.
    literal: String,
    /// What each placeholder stands for; `None` is a number that only the file knows.
    known: Vec<(Kind, usize, String)>,
    days: [String; 3],
    now: i128,
}

type Kind = &'static str;

const UUID: Kind = "uuid";
const DAY: i128 = 86_400_000;

/// Endpoints whose rows are counted, and what a row is called. What it is depends on all that happened before on the
/// instance, other files included.
const COUNTED: [(&str, Kind); 7] = [
    ("/activity", "activity"),
    ("/revisions", "revision"),
    ("/permissions", "permission"),
    ("/presets", "preset"),
    ("/fields", "field"),
    ("/relations", "relation"),
    ("/notifications", "notification"),
];

/// The keys under which other endpoints say them.
const COUNTED_KEYS: [(&str, Kind); 4] = [
    ("activity", "activity"),
    ("revisions", "revision"),
    ("parent", "revision"),
    ("permissions", "permission"),
];

impl Mask {
    /// For the answers of the server at `url` to a file with this text.
    pub(crate) fn new(url: &str, file: &str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i128);
        let days = [-1, 0, 1].map(|offset| date((now / DAY) as i64 + offset));
        Self { url: url.to_owned(), literal: file.to_ascii_lowercase(), known: Vec::new(), days, now }
    }

    /// The same before any answer: what it masks, it does not tell apart.
    pub(crate) fn fresh(&self) -> Self {
        Self { known: Vec::new(), ..self.clone() }
    }

    /// Learns which values the placeholders of the expected answer stand for. What says the same at the same place but
    /// otherwise differs is found by the comparison afterwards.
    pub(crate) fn learn(&mut self, expected: &Value, actual: &Value) {
        match (expected, actual) {
            (Value::Object(expected), Value::Object(actual)) => {
                for (key, value) in expected {
                    if let Some(found) = actual.get(key) {
                        self.learn(value, found);
                    }
                }
            }
            (Value::Array(expected), Value::Array(actual)) => {
                expected.iter().zip(actual).for_each(|(expected, actual)| self.learn(expected, actual));
            }
            (Value::String(expected), Value::Number(actual)) => {
                if let [(kind, number)] = placeholders(expected)[..] {
                    self.bind(kind, number, &actual.to_string());
                }
            }
            (Value::String(expected), Value::String(actual)) => {
                let found: Vec<String> = self.unknown_uuids(actual);
                let wanted = placeholders(expected);
                if found.len() == wanted.len() {
                    wanted.iter().zip(&found).for_each(|((kind, n), value)| self.bind(kind, *n, value));
                }
            }
            _ => {}
        }
    }

    fn bind(&mut self, kind: Kind, number: usize, value: &str) {
        let taken =
            |known: &&(Kind, usize, String)| known.0 == kind && (known.1 == number || known.2 == value);
        if !self.known.iter().any(|known| taken(&known)) {
            self.known.push((kind, number, value.to_owned()));
        }
    }

    fn unknown_uuids(&self, text: &str) -> Vec<String> {
        let places = uuids(text);
        let found = places.iter().map(|at| text[*at..at + 36].to_ascii_lowercase());
        found.filter(|uuid| !self.literal.contains(uuid.as_str())).collect()
    }

    /// The value with everything masked that this run made up. `path` is that of the request.
    pub(crate) fn apply(&mut self, value: &Value, path: &str) -> Value {
        let endpoint = COUNTED.iter().find(|(start, _)| path.starts_with(start)).map(|(_, kind)| *kind);
        let counting =
            if path.starts_with("/items/") { Counting::Nothing } else { Counting::Answer(endpoint) };
        self.value(value, "", counting)
    }

    fn value(&mut self, value: &Value, key: &str, counting: Counting) -> Value {
        match value {
            Value::Object(map) if map.get("extensions").is_some_and(is_internal) => {
                // What the database or the language says of itself is nobody's promise.
                let mut masked = map.clone();
                masked.insert("message".into(), "<internal>".into());
                Value::Object(masked)
            }
            Value::Object(map) => {
                let below = |key: &str| counting.below(key);
                map.iter().map(|(key, child)| (key.clone(), self.value(child, key, below(key)))).collect()
            }
            Value::Array(list) => list.iter().map(|child| self.value(child, key, counting)).collect(),
            Value::String(text) => Value::String(self.text_at(text, key)),
            Value::Number(number) => match (counting.kind(key), number.as_i64()) {
                (Some(kind), Some(number)) => self.placeholder(kind, &number.to_string()).into(),
                (None, Some(number)) if (i128::from(number) - self.now).abs() < DAY => "<ms>".into(),
                _ => value.clone(),
            },
            _ => value.clone(),
        }
    }

    fn text_at(&mut self, text: &str, key: &str) -> String {
        if key.ends_with("token") && text.len() == 64 {
            return "<token>".into();
        }
        self.text(text)
    }

    /// The same for a text.
    pub(crate) fn text(&mut self, text: &str) -> String {
        if text.starts_with("eyJ") && text.split('.').count() == 3 {
            return "<jwt>".into();
        }
        if text.starts_with("$argon2") {
            return "<argon2>".into();
        }
        if let Some(time) = self.time(text) {
            return time;
        }
        let text = without_temporary_tables(&text.replace(&self.url, "<url>"));
        let mut masked = String::new();
        let mut done = 0;
        for at in uuids(&text) {
            let uuid = text[at..at + 36].to_ascii_lowercase();
            if !self.literal.contains(&uuid) {
                masked.push_str(&text[done..at]);
                masked.push_str(&self.placeholder(UUID, &uuid));
                done = at + 36;
            }
        }
        masked.push_str(&text[done..]);
        masked
    }

    /// A time of these days. Its form is part of what is promised: `<time>` is the usual one, in UTC with milliseconds.
    fn time(&self, text: &str) -> Option<String> {
        let day = text.get(..10).filter(|day| self.days.iter().any(|known| known == day))?;
        let rest = &text[day.len()..];
        let form: String = rest.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        Some(match form.as_str() {
            "" => "<today>".into(),
            "T00:00:00.000Z" => "<time>".into(),
            form => format!("<time {form}>"),
        })
    }

    fn placeholder(&mut self, kind: Kind, value: &str) -> String {
        let of_kind: Vec<_> = self.known.iter().filter(|known| known.0 == kind).collect();
        let number = match of_kind.iter().find(|known| known.2 == value) {
            Some(known) => known.1,
            None => {
                let next = of_kind.iter().map(|known| known.1).max().unwrap_or(0) + 1;
                self.known.push((kind, next, value.to_owned()));
                next
            }
        };
        format!("<{kind} {number}>")
    }
}

/// A text that is the same for values that only differ in what is masked: something to sort by.
pub(crate) fn sort_key(value: &Value) -> String {
    let text = value.to_string();
    let mut key = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('<') {
        key.push_str(before);
        rest = after.split_once('>').map_or(after, |(_, after)| after);
    }
    key + rest
}

/// Where in an answer one is, as far as numbers of rows go.
#[derive(Debug, Clone, Copy)]
enum Counting {
    /// Around the rows, of what the endpoint is about.
    Answer(Option<Kind>),
    /// In a row.
    Row(Option<Kind>),
    /// In what a case made itself, such as the item that a revision keeps.
    Nothing,
}

impl Counting {
    fn below(self, key: &str) -> Self {
        match self {
            Self::Answer(kind) => Self::Row(kind),
            Self::Row(_) if key == "data" || key == "delta" => Self::Nothing,
            other => other,
        }
    }

    fn kind(self, key: &str) -> Option<Kind> {
        match self {
            Self::Row(kind) if key == "id" => kind,
            Self::Row(_) => COUNTED_KEYS.iter().find(|(name, _)| *name == key).map(|(_, kind)| *kind),
            _ => None,
        }
    }
}

fn is_internal(extensions: &Value) -> bool {
    extensions["code"] == "INTERNAL_SERVER_ERROR"
}

fn placeholders(text: &str) -> Vec<(Kind, usize)> {
    let kinds = || COUNTED.iter().map(|(_, kind)| *kind).chain([UUID]);
    let parts = text.split('<').skip(1).filter_map(|part| part.split_once('>')?.0.rsplit_once(' '));
    parts.filter_map(|(name, n)| Some((kinds().find(|kind| *kind == name)?, n.parse().ok()?))).collect()
}

/// The tables that a change of a column goes through are called by chance.
fn without_temporary_tables(text: &str) -> String {
    const NAME: &str = "_knex_temp_alter";
    let mut parts = text.split(NAME);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + "<temporary>" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

fn uuids(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let is_uuid = |window: &[u8]| {
        let dash = |n: usize| matches!(n, 8 | 13 | 18 | 23);
        window.iter().enumerate().all(|(n, b)| if dash(n) { *b == b'-' } else { b.is_ascii_hexdigit() })
    };
    let mut found: Vec<usize> = Vec::new();
    for (at, window) in bytes.windows(36).enumerate() {
        if found.last().is_none_or(|last| at >= last + 36) && is_uuid(window) {
            found.push(at);
        }
    }
    found
}

/// The date so many days after the first of January 1970, by the calendar's period of 400 years.
fn date(days: i64) -> String {
    let shifted = days + 719_468;
    let era_day = shifted.rem_euclid(146_097);
    let year_of_era = (era_day - era_day / 1460 + era_day / 36_524 - era_day / 146_096) / 365;
    let day_of_year = era_day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + shifted.div_euclid(146_097) * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const A: &str = "3f0c8a50-0000-4000-8000-00000000000a";
    const B: &str = "3f0c8a50-0000-4000-8000-00000000000b";

    #[test]
    fn values_are_numbered_by_first_appearance() {
        let mut mask = Mask::new("http://x:1", "");
        let answer = json!({"id": A, "text": format!("{B}/{A}"), "at": "http://x:1/y", "n": 5});
        let masked = json!({"id": "<uuid 1>", "text": "<uuid 2>/<uuid 1>", "at": "<url>/y", "n": 5});
        assert_eq!(mask.apply(&answer, "/items/x"), masked);
        let fields = json!({"data": [{"meta": {"id": 12, "sort": 1}}, {"meta": {"id": 13}}]});
        let masked =
            json!({"data": [{"meta": {"id": "<field 1>", "sort": 1}}, {"meta": {"id": "<field 2>"}}]});
        assert_eq!(mask.apply(&fields, "/fields/x"), masked);
    }

    #[test]
    fn what_the_file_sends_is_not_masked() {
        let mut mask = Mask::new("http://x:1", &format!("POST /x\n{A}"));
        assert_eq!(mask.apply(&json!([A, B]), "/x"), json!([A, "<uuid 1>"]));
    }

    #[test]
    fn expected_numbers_are_learned_where_they_stand() {
        let mut mask = Mask::new("http://x:1", "");
        let answer = json!({"data": {"a": A, "b": B, "id": 9}});
        mask.learn(&json!({"data": {"b": "<uuid 7>", "id": "<activity 3>"}}), &answer);
        let masked = json!({"data": {"a": "<uuid 8>", "b": "<uuid 7>", "id": "<activity 3>"}});
        assert_eq!(mask.apply(&answer, "/activity"), masked);
    }

    #[test]
    fn what_a_revision_keeps_is_no_row_of_the_server() {
        let mut mask = Mask::new("http://x:1", "");
        let answer = json!({"data": [{"id": 40, "data": {"id": 1, "parent": 2}, "parent": 39}]});
        let masked = json!({"data": [{"id": "<revision 1>", "data": {"id": 1, "parent": 2}, "parent": "<revision 2>"}]});
        assert_eq!(mask.apply(&answer, "/revisions?sort=id"), masked);
    }

    #[test]
    fn times_of_these_days_keep_their_form() {
        let mut mask = Mask::new("http://x:1", "");
        let today = mask.days[1].clone();
        assert_eq!(mask.text(&format!("{today}T10:20:30.123Z")), "<time>");
        assert_eq!(mask.text(&format!("{today}T10:20:30")), "<time T00:00:00>");
        assert_eq!(mask.text("2001-02-03T10:20:30"), "2001-02-03T10:20:30");
        assert_eq!([date(0), date(19_782), date(-1)], ["1970-01-01", "2024-02-29", "1969-12-31"]);
    }

    #[test]
    fn what_the_inside_says_is_masked() {
        let mut mask = Mask::new("http://x:1", "");
        let answer =
            json!({"errors": [{"message": "SQLITE", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]});
        assert_eq!(mask.apply(&answer, "/x")["errors"][0]["message"], "<internal>");
        assert_eq!(mask.text("in \"_knex_temp_alter12\""), "in \"<temporary>\"");
    }

    #[test]
    fn what_is_masked_does_not_decide_an_order() {
        assert_eq!(sort_key(&json!({"a": "<uuid 1>"})), sort_key(&json!({"a": "<uuid 12>"})));
    }
}
