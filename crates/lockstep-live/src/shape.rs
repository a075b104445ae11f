//! What an edge carries of a collection: its key, its fields and what they refer to.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_core::collection::{Collection, Key};
use lockstep_core::content::{FILES, Kind, ModelError, Wish};
use lockstep_core::merge::MergeField;
use serde_json::Value;

use crate::config::{EdgeConfig, Part};
use crate::peer::Peer;

/// A collection of an edge.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// Its name.
    pub(crate) collection: String,
    /// The field of its key.
    pub(crate) key_field: String,
    /// What its keys are.
    pub(crate) key: Key,
    /// Whether each server makes keys of its own, so that a record has another one there.
    pub(crate) counted: bool,
    /// The fields, without the key.
    pub(crate) fields: Vec<MergeField>,
    /// What fields refer to, as far as the edge carries that.
    pub(crate) references: Vec<Refers>,
    /// Only records that match.
    pub(crate) filter: Option<Value>,
}

/// A field that refers to a collection of the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refers {
    /// The field.
    pub(crate) field: String,
    /// The collections.
    pub(crate) to: RefersTo,
    /// Whether it may be empty.
    pub(crate) nullable: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RefersTo {
    One(String),
    /// The field that names the collection, and those of the edge that it may name.
    Any {
        by: String,
        among: Vec<String>,
    },
}

impl Shape {
    /// Fields to be read.
    pub(crate) fn read(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.key_field.as_str()).chain(self.fields.iter().map(|field| field.name.as_str()))
    }

    pub(crate) fn is_files(&self) -> bool {
        self.collection == FILES
    }

    pub(crate) fn kind(&self, field: &str) -> Option<Kind> {
        self.fields.iter().find(|known| known.name == field).and_then(|known| known.kind)
    }
}

/// What of files is metadata; the content is told apart by a digest, under [`CONTENT`].
const FILE_FIELDS: [&str; 9] = [
    "title",
    "description",
    "filename_download",
    "type",
    "tags",
    "location",
    "charset",
    "focal_point_x",
    "focal_point_y",
];
/// The digest of a file's content, among its fields.
pub(crate) const CONTENT: &str = "$content";

/// The collections of an edge, those that are referred to first; or all that does not fit.
pub(crate) fn shapes(edge: &EdgeConfig, source: &Peer, target: &Peer) -> Result<Vec<Shape>, Vec<String>> {
    let mut problems = Vec::new();
    let parts = with_junctions(edge, source);
    let names: BTreeSet<&str> = parts.iter().map(|part| part.collection.as_str()).collect();
    let mut shapes = Vec::new();
    for part in &parts {
        match shape(edge, part, source, target, &names) {
            Ok(shape) => shapes.push(shape),
            Err(found) => problems.extend(found),
        }
    }
    if edge.files {
        shapes.push(files());
    }
    if problems.is_empty() { Ok(ordered(shapes)) } else { Err(problems) }
}

/// The named collections, and the junctions that their fields go through.
fn with_junctions(edge: &EdgeConfig, source: &Peer) -> Vec<Part> {
    let mut parts = edge.collections.clone();
    let mut known: BTreeSet<String> = parts.iter().map(|part| part.collection.clone()).collect();
    let mut added = Vec::new();
    for part in &parts {
        for junction in source.junctions(&part.collection) {
            let wanted = part.fields.iter().any(|field| field == "*" || *field == junction.0);
            if wanted && known.insert(junction.1.clone()) {
                added.push(Part { collection: junction.1, fields: vec!["*".to_owned()], filter: None });
            }
        }
    }
    parts.extend(added);
    parts
}

fn describe(peer: &Peer, collection: &str) -> Result<&'static Collection, String> {
    let of = |what: String| format!("peer {}: {what}", peer.name);
    if collection.starts_with("directus_") {
        return Err(of(format!(
            "{collection} is no content; files go along with \"files\": true, and the rest is what `lockstep push` is for"
        )));
    }
    peer.model.describe(collection, &Wish::default()).map_err(|error| match error {
        ModelError::Singleton { name } => {
            of(format!("{name} is a singleton, and only collections of records are carried"))
        }
        ModelError::Unknown { name, nearest: Some(near) } => {
            of(format!("there is no collection {name}; did you mean \"{near}\"?"))
        }
        ModelError::Unknown { name, nearest: None } => of(format!("there is no collection {name}")),
        other => of(other.to_string()),
    })
}

fn shape(
    edge: &EdgeConfig,
    part: &Part,
    source: &Peer,
    target: &Peer,
    carried: &BTreeSet<&str>,
) -> Result<Shape, Vec<String>> {
    let name = &part.collection;
    let (here, there) = match (describe(source, name), describe(target, name)) {
        (Ok(here), Ok(there)) => (here, there),
        (here, there) => return Err([here.err(), there.err()].into_iter().flatten().collect()),
    };
    let mut problems = Vec::new();
    if here.key != there.key || here.key_field != there.key_field {
        problems.push(format!(
            "{name}: its key is {} ({}) on {} and {} ({}) on {}",
            here.key_field,
            key_name(here.key),
            source.name,
            there.key_field,
            key_name(there.key),
            target.name
        ));
    }
    let counted = here.key == Key::Integer && source.counts(name, here.key_field);
    if here.key == Key::Integer && counted != target.counts(name, there.key_field) {
        problems
            .push(format!("{name}: only one of {} and {} makes its keys itself", source.name, target.name));
    }
    let fields = fields(part, here, source, target, &mut problems);
    let mut references = Vec::new();
    for reference in
        here.references.iter().filter(|reference| fields.iter().any(|field| field == reference.path))
    {
        let is_carried = |to: &str| carried.contains(to) || (edge.files && to == FILES);
        let own = |table: &str| lockstep_core::content::collection_name(table);
        let to = match reference.any {
            Some(any) => RefersTo::Any {
                by: any.field.to_owned(),
                among: any
                    .among
                    .iter()
                    .map(|(name, _)| (*name).to_owned())
                    .filter(|name| is_carried(name))
                    .collect(),
            },
            None if is_carried(&own(reference.target)) => RefersTo::One(own(reference.target)),
            None => continue,
        };
        references.push(Refers { field: reference.path.to_owned(), to, nullable: reference.nullable });
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let kind = |field: &str| here.kinds.iter().find(|(name, _)| *name == field).map(|(_, kind)| *kind);
    Ok(Shape {
        collection: name.clone(),
        key_field: here.key_field.to_owned(),
        key: here.key,
        counted,
        fields: fields.into_iter().map(|name| MergeField { kind: kind(&name), name }).collect(),
        references,
        filter: part.filter.clone(),
    })
}

/// The fields that are carried. What servers fill in by themselves is not, nor what they keep secret.
fn fields(
    part: &Part,
    here: &Collection,
    source: &Peer,
    target: &Peer,
    problems: &mut Vec<String>,
) -> Vec<String> {
    let name = &part.collection;
    let all: Vec<&str> = source.model.columns(name).filter(|field| *field != here.key_field).collect();
    let there: BTreeSet<&str> = target.model.columns(name).collect();
    let left_out = |field: &str| here.ignored.contains(&field) || here.is_secret(field);
    let mut wanted: Vec<String> = Vec::new();
    for field in &part.fields {
        if field == "*" {
            wanted.extend(all.iter().filter(|field| !left_out(field)).map(|field| (*field).to_owned()));
            continue;
        }
        if field == here.key_field || source.model.is_alias(name, field) {
            continue;
        }
        if !all.contains(&field.as_str()) {
            let near = lockstep_core::nearest::nearest(field, &all);
            let near = near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
            problems.push(format!("{name}: {} has no field \"{field}\"{near}", source.name));
        } else if left_out(field) {
            problems.push(format!(
                "{name}.{field} cannot be carried: the server fills it in by itself, or keeps its value secret"
            ));
        } else {
            wanted.push(field.clone());
        }
    }
    let mut seen = BTreeSet::new();
    wanted.retain(|field| seen.insert(field.clone()));
    for field in wanted.iter().filter(|field| !there.contains(field.as_str())) {
        problems
            .push(format!("{name}: {} has the field \"{field}\", and {} has not", source.name, target.name));
    }
    for field in &wanted {
        let (one, other) = (source.field_type(name, field), target.field_type(name, field));
        if there.contains(field.as_str()) && one != other {
            problems
                .push(format!("{name}.{field} is {one} on {} and {other} on {}", source.name, target.name));
        }
    }
    for field in target.required(name) {
        let unset = field != here.key_field && !wanted.contains(&field) && !left_out(&field);
        if unset {
            problems.push(format!(
                "{name}.{field} is required on {}, and the route does not carry it",
                target.name
            ));
        }
    }
    wanted
}

/// What of files is carried.
fn files() -> Shape {
    let mut fields: Vec<MergeField> =
        FILE_FIELDS.iter().map(|name| MergeField { name: (*name).to_owned(), kind: None }).collect();
    fields.push(MergeField { name: CONTENT.to_owned(), kind: None });
    Shape {
        collection: FILES.to_owned(),
        key_field: "id".to_owned(),
        key: Key::Uuid,
        counted: false,
        fields,
        references: Vec::new(),
        filter: None,
    }
}

fn key_name(key: Key) -> &'static str {
    match key {
        Key::Uuid => "a UUID",
        Key::Integer => "an integer",
        Key::Text => "text",
        Key::Singleton => "of a singleton",
    }
}

/// Those that are referred to first; in a circle, in the order in which they were named.
fn ordered(shapes: Vec<Shape>) -> Vec<Shape> {
    let mut waiting: BTreeMap<usize, Shape> = shapes.into_iter().enumerate().collect();
    let mut ordered: Vec<Shape> = Vec::new();
    while !waiting.is_empty() {
        let names: BTreeSet<String> = waiting.values().map(|shape| shape.collection.clone()).collect();
        let free = |shape: &Shape, even_nullable: bool| {
            shape.references.iter().filter(|reference| even_nullable || !reference.nullable).all(
                |reference| {
                    let to: &[String] = match &reference.to {
                        RefersTo::One(to) => std::slice::from_ref(to),
                        RefersTo::Any { among, .. } => among,
                    };
                    to.iter().all(|to| *to == shape.collection || !names.contains(to))
                },
            )
        };
        let next = waiting.iter().find(|(_, shape)| free(shape, true));
        let next = next.or_else(|| waiting.iter().find(|(_, shape)| free(shape, false)));
        let next = next.or_else(|| waiting.iter().next()).map(|(number, _)| *number);
        ordered.extend(next.and_then(|number| waiting.remove(&number)));
    }
    ordered
}
