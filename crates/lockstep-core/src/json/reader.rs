//! A quick reader of the JSON that is really there.
//!
//! It knows which key is likely to come next, and which keys an object is likely to have, so that most of a schema is
//! compared instead of read. What it does not know it does not judge: it gives up, and another reader tells what is wrong.

use super::parse::Known;
use super::{Json, Object};

/// So deep values are read here. (The other reader takes one level more for an error.)
const DEPTH: u32 = 127;

/// So many digits are a number that a double holds exactly.
const DIGITS: usize = 15;

pub(super) struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    known: &'a mut Known,
    /// The keys and values of the objects and arrays that are being read, an inner one's above its outer one's: so each is
    /// allocated once, in its size.
    keys: Vec<usize>,
    values: Vec<Json>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, known: &'a mut Known) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0, known, keys: Vec::new(), values: Vec::new() }
    }

    /// The whole text as a value; none if that is for the other reader to say.
    pub(super) fn document(mut self) -> Option<Json> {
        let value = self.value(0)?;
        self.peek().is_none().then_some(value)
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.bytes.get(self.at)? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                other => return Some(other),
            }
        }
    }

    fn take(&mut self) -> Option<u8> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    fn value(&mut self, depth: u32) -> Option<Json> {
        match self.peek()? {
            b'"' => Some(Json::String(self.string()?)),
            b'{' if depth < DEPTH => Some(Json::Object(self.object(depth + 1)?)),
            b'[' if depth < DEPTH => Some(Json::Array(self.array(depth + 1)?)),
            b'n' => self.word("null", Json::Null),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'-' | b'0'..=b'9' => Some(Json::Number(self.number()?)),
            _ => None,
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        let stands = self.bytes[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        stands.then_some(value)
    }

    fn object(&mut self, depth: u32) -> Option<Object> {
        self.at += 1;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(Object::default());
        }
        let (first_key, first_value) = (self.keys.len(), self.values.len());
        loop {
            let key = self.key()?;
            if self.take()? != b':' {
                return None;
            }
            let value = self.value(depth)?;
            self.keys.push(key);
            self.values.push(value);
            match self.take()? {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
        let object = self.known.object(&self.keys[first_key..], self.values.split_off(first_value));
        self.keys.truncate(first_key);
        Some(object)
    }

    fn array(&mut self, depth: u32) -> Option<Vec<Json>> {
        self.at += 1;
        if self.peek()? == b']' {
            self.at += 1;
            return Some(Vec::new());
        }
        let first = self.values.len();
        loop {
            let value = self.value(depth)?;
            self.values.push(value);
            match self.take()? {
                b',' => {}
                b']' => return Some(self.values.split_off(first)),
                _ => return None,
            }
        }
    }

    /// The place of a key among the known ones.
    fn key(&mut self) -> Option<usize> {
        if self.peek()? != b'"' {
            return None;
        }
        if let Some((place, length)) = self.known.guessed(&self.bytes[self.at + 1..]) {
            self.at += length + 2;
            return Some(place);
        }
        match self.plain_text() {
            Some(text) => Some(self.known.key(text)),
            None => self.escaped_text().map(|text| self.known.key(&text)),
        }
    }

    fn string(&mut self) -> Option<Box<str>> {
        match self.plain_text() {
            Some(text) => Some(text.into()),
            None => self.escaped_text().map(String::into_boxed_str),
        }
    }

    /// The text between two quotes, if it stands for itself.
    fn plain_text(&mut self) -> Option<&'a str> {
        let begin = self.at + 1;
        let rest = &self.bytes[begin..];
        let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20))?;
        if rest[length] != b'"' {
            return None;
        }
        self.at = begin + length + 1;
        self.text.get(begin..begin + length)
    }

    /// The text between two quotes, with its escapes read.
    fn escaped_text(&mut self) -> Option<String> {
        let begin = self.at;
        let mut end = begin + 1;
        loop {
            match *self.bytes.get(end)? {
                b'"' => break,
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        self.at = end + 1;
        serde_json::from_str(self.text.get(begin..=end)?).ok()
    }

    fn number(&mut self) -> Option<f64> {
        let begin = self.at;
        let rest = &self.bytes[begin..];
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
        let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        self.at += length;
        let (sign, digits) = match rest[..length].strip_prefix(b"-") {
            Some(digits) => (-1.0, digits),
            None => (1.0, &rest[..length]),
        };
        let is_whole = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.iter().all(u8::is_ascii_digit);
        if is_whole && digits.len() <= DIGITS {
            return Some(sign * digits.iter().fold(0.0, |sum, digit| sum * 10.0 + f64::from(digit - b'0')));
        }
        serde_json::from_str(&self.text[begin..begin + length]).ok()
    }
}
