//! The hash that a server puts on its schema.
//!
//! Lower-case SHA-1 over `{item: <snapshot>, version: <Directus version>}` in the canonical form of the npm package
//! object-hash 3.0.0 with its defaults: each value by type and length, the keys of an object sorted by UTF-16 code unit
//! behind three of its prototype. The form goes into the hash as it is made, so that no copy of it is kept.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use sha1::{Digest, Sha1};

use super::snapshot::Snapshot;
use crate::json::{self, Json, Key, Object, compare_code_units};

/// A function that is built into JavaScript, named `Object`.
const CONSTRUCTOR: &str = "fn:string:8:[native]string:20:function-name:Object";

impl Snapshot {
    /// The hash that a server of the snapshot's version would give it: 40 hexadecimal digits. It counts the order of
    /// the lists, which a dump of one file per field does not keep.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut form = Form { hasher: Some(Sha1::default()), ..Form::default() };
        form.outermost(self);
        form.finish()
    }
}

/// What every object has of its prototype.
const INHERITED: [&str; 3] = ["prototype", "__proto__", "constructor"];

/// The three of them, of any object but the outermost, unless it has one of its own.
const PREAMBLE: &str = "string:9:prototype:Undefined,string:9:__proto__:string:12:[CIRCULAR:1],\
    string:11:constructor:fn:string:8:[native]string:20:function-name:Objectstring:12:[CIRCULAR:2],";

#[expect(clippy::cast_possible_truncation, reason = "one digit")]
fn digit(number: usize) -> u8 {
    b'0' + number as u8
}

/// Takes the canonical form in pieces.
#[derive(Default)]
struct Form {
    /// Takes what is in the buffer when that is full; a part that is made beside others has none, and keeps everything.
    hasher: Option<Sha1>,
    buffer: Vec<u8>,
    shapes: Shapes,
}

/// What stands around the values of objects, of those whose keys were needed last: most objects of a schema have the keys
/// of one before them.
#[derive(Default)]
struct Shapes(VecDeque<Rc<Shape>>);

/// What objects of the same keys have in common.
struct Shape {
    keys: Arc<Vec<Key>>,
    /// The places of the values in the order of their keys, and what stands before each.
    parts: Vec<(usize, Vec<u8>)>,
}

/// So many different objects are in one entry of a schema, at most.
const SHAPES: usize = 8;

impl Shapes {
    /// The shape of an object; none if it has its keys alone, or some that its prototype has as well.
    fn of(&mut self, object: &Object) -> Option<Rc<Shape>> {
        let keys = object.shape();
        if let Some(shape) = self.0.iter().find(|shape| Arc::ptr_eq(&shape.keys, keys)) {
            return Some(Rc::clone(shape));
        }
        let is_odd = object.is_empty() || INHERITED.iter().any(|key| object.get(key).is_some());
        if is_odd || Arc::strong_count(keys) == 1 {
            return None;
        }
        let mut before = Form::default();
        before.preamble(object.len(), |_| None, false);
        let parts = order(keys).into_iter().map(|place| {
            before.text(keys[place].as_str());
            before.push(":");
            let part = (place, std::mem::take(&mut before.buffer));
            before.push(",");
            part
        });
        let shape = Rc::new(Shape { keys: Arc::clone(keys), parts: parts.collect() });
        if self.0.len() == SHAPES {
            self.0.pop_front();
        }
        self.0.push_back(Rc::clone(&shape));
        Some(shape)
    }
}

/// The places of keys in the order of the keys.
fn order(keys: &[Key]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by(|&left, &right| compare_code_units(keys[left].as_str(), keys[right].as_str()));
    order
}

/// So many objects are put into form by one thread at a time.
const PART: usize = 1024;

/// So much is gathered before it is hashed.
const BLOCK: usize = 64 * 1024;

impl Form {
    fn finish(self) -> String {
        let mut hasher = self.hasher.unwrap_or_default();
        hasher.update(&self.buffer);
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn push(&mut self, text: &str) {
        self.push_bytes(text.as_bytes());
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        if let Some(hasher) = self.hasher.as_mut().filter(|_| self.buffer.len() >= BLOCK) {
            hasher.update(&self.buffer);
            self.buffer.clear();
        }
    }

    /// Objects one after the other. Many of them are put into form by two threads; only hashing has to be in order.
    fn objects(&mut self, items: &[Object]) {
        for pair in items.chunks(2 * PART) {
            let (here, beside) = pair.split_at(pair.len().min(PART));
            let part = std::thread::scope(|scope| {
                let part = (!beside.is_empty()).then(|| {
                    scope.spawn(|| {
                        let mut part = Self::default();
                        beside.iter().for_each(|item| part.object(item));
                        part.buffer
                    })
                });
                here.iter().for_each(|item| self.object(item));
                part.map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            });
            self.push_bytes(&part.unwrap_or_default());
        }
    }

    fn length(&mut self, kind: &str, length: usize) {
        self.push(kind);
        // Most lengths are short; the formatting machinery would take longer than the hash.
        match length {
            0..10 => self.buffer.push(digit(length)),
            10..100 => self.buffer.extend([digit(length / 10), digit(length % 10)]),
            _ => self.push(&length.to_string()),
        }
        self.buffer.push(b':');
    }

    fn text(&mut self, text: &str) {
        let units = if text.is_ascii() { text.len() } else { text.encode_utf16().count() };
        self.length("string:", units);
        self.push(text);
    }

    fn value(&mut self, value: &Json) {
        match value {
            Json::Null => self.push("Null"),
            Json::Bool(true) => self.push("bool:true"),
            Json::Bool(false) => self.push("bool:false"),
            Json::Number(number) => {
                self.push("number:");
                self.push(&json::number(*number));
            }
            Json::String(text) => self.text(text),
            Json::Array(items) => {
                self.length("array:", items.len());
                items.iter().for_each(|item| self.value(item));
            }
            Json::Object(object) => self.object(object),
        }
    }

    fn object(&mut self, object: &Object) {
        let values = object.values();
        if let Some(shape) = self.shapes.of(object) {
            for (place, before) in &shape.parts {
                self.push_bytes(before);
                self.value(&values[*place]);
            }
            self.push(",");
            return;
        }
        self.preamble(object.len(), |key| object.get(key), false);
        let keys = object.shape();
        for place in order(keys) {
            self.pair(keys[place].as_str(), |form| form.value(&values[place]));
        }
    }

    fn pair(&mut self, key: &str, value: impl FnOnce(&mut Self)) {
        self.text(key);
        self.push(":");
        value(self);
        self.push(",");
    }

    /// The three properties that every object has of its prototype. The prototype is told once, and afterwards by where it
    /// was met.
    fn preamble<'a>(&mut self, length: usize, own: impl Fn(&str) -> Option<&'a Json>, outermost: bool) {
        self.length("object:", length + 3);
        if !outermost && INHERITED.iter().all(|key| own(key).is_none()) {
            self.push(PREAMBLE);
            return;
        }
        let inherited = |form: &mut Self, key: &str, otherwise: &dyn Fn(&mut Self)| {
            form.pair(key, |form| match own(key) {
                Some(value) => form.value(value),
                None => otherwise(form),
            });
        };
        inherited(self, "prototype", &|form| form.push("Undefined"));
        inherited(self, "__proto__", &|form| {
            if outermost { form.prototype() } else { form.text("[CIRCULAR:1]") }
        });
        inherited(self, "constructor", &|form| {
            form.push(CONSTRUCTOR);
            form.text("[CIRCULAR:2]");
        });
    }

    fn prototype(&mut self) {
        self.length("object:", 3);
        self.pair("prototype", |form| form.push("Undefined"));
        self.pair("__proto__", |form| form.push("Null"));
        self.pair("constructor", |form| {
            form.push(CONSTRUCTOR);
            form.push("object:0:");
        });
    }

    /// `{item, version}`.
    fn outermost(&mut self, snapshot: &Snapshot) {
        self.preamble(2, |_| None, true);
        self.pair("item", |form| form.snapshot(snapshot));
        self.pair("version", |form| form.text(snapshot.directus_version()));
    }

    /// A snapshot as one object, without making one.
    fn snapshot(&mut self, snapshot: &Snapshot) {
        enum Part<'a> {
            Value(&'a Json),
            List(&'a [Object]),
        }
        let header = snapshot.header();
        let mut parts: Vec<(&str, Part<'_>)> =
            header.iter().map(|(key, value)| (key.as_str(), Part::Value(value))).collect();
        parts.push(("collections", Part::List(snapshot.collections())));
        parts.push(("fields", Part::List(snapshot.fields())));
        parts.push(("relations", Part::List(snapshot.relations())));
        parts.sort_by(|(left, _), (right, _)| compare_code_units(left, right));
        self.preamble(parts.len(), |key| header.get(key), false);
        for (key, part) in parts {
            self.pair(key, |form| match part {
                Part::Value(value) => form.value(value),
                Part::List(items) => {
                    form.length("array:", items.len());
                    form.objects(items);
                }
            });
        }
    }
}
