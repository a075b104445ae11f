//! New records that refer to each other, in rounds: each round refers only to what exists when it is sent.
//!
//! Within a batch the server creates in order, so a record whose id is chosen may be referred to by one behind it. An id
//! that only the server makes is known when the batch is answered: what refers to such a record comes a round later.
//! Where that would take too many rounds, or goes in a circle, references that may be empty are left out and set by an
//! update once all records are there.

use std::collections::{HashMap, HashSet};

use super::graph;
use crate::collection::{Collection, Key};
use crate::reconcile::Change;
use crate::record::{Fields, Late, LocalId};

/// More rounds than this are not gone through for references that can be set later.
const ROUNDS: usize = 4;

/// A new record, and the references that are set later.
#[derive(Debug)]
pub(super) struct Creation<'a> {
    pub(super) collection: &'static Collection,
    pub(super) change: &'a Change,
    /// Fields that are left out at first.
    pub(super) cut: HashSet<&'static str>,
}

/// One reference between two new records.
struct Edge {
    field: &'static str,
    to: usize,
    nullable: bool,
    /// Whether the other record has to be created by an earlier request.
    waits: bool,
}

/// Orders the creations of collections that refer to each other.
pub(super) fn rounds<'a>(creations: Vec<(&'static Collection, &'a Change)>) -> Vec<Vec<Creation<'a>>> {
    let mut edges = edges(&creations);
    let mut cut: Vec<HashSet<&'static str>> = creations.iter().map(|_| HashSet::new()).collect();
    cut_circles(&mut edges, &mut cut);
    let mut depths = depths(&edges);
    if depths.iter().any(|depth| *depth >= ROUNDS) {
        detach(&mut edges, &mut cut, |_, edge| edge.waits);
        depths = self::depths(&edges);
    }
    let (order, stuck) = graph::targets_first(&targets(&edges));
    let last = depths.iter().max().map_or(0, |depth| depth + 1);
    let mut rounds: Vec<Vec<Creation<'a>>> = (0..last).map(|_| Vec::new()).collect();
    // What is stuck refers in a circle by fields that must not be empty: the server says so.
    for place in order.into_iter().chain(stuck) {
        let (collection, change) = creations[place];
        let cut = std::mem::take(&mut cut[place]);
        rounds[depths[place]].push(Creation { collection, change, cut });
    }
    rounds
}

fn edges(creations: &[(&'static Collection, &Change)]) -> Vec<Vec<Edge>> {
    let mut by_id: HashMap<(&str, &str), usize> = HashMap::new();
    let mut by_sync_id: HashMap<(&str, &str), usize> = HashMap::new();
    for (place, (collection, change)) in creations.iter().enumerate() {
        if let Some(id) = &change.difference.id {
            by_id.insert((collection.name, id.as_str()), place);
        }
        if let Some(id) = &change.difference.sync_id {
            by_sync_id.insert((collection.name, id.as_str()), place);
        }
    }
    let of = |collection: &'static Collection, change: &Change| {
        let enforced = collection.references.iter().filter(|reference| reference.enforced);
        let found = enforced.filter_map(|reference| {
            let late = change.late.iter().find(|late| late.field == reference.path);
            let to = match late {
                Some(late) => by_sync_id.get(&(late.collection, late.sync_id.as_str())).copied(),
                None => {
                    let id = change.write.get(reference.path).and_then(LocalId::from_value)?;
                    by_id.get(&(reference.target_in(&change.write)?, id.as_str())).copied()
                }
            }?;
            let waits = late.is_some() || creations[to].0 != collection;
            Some(Edge { field: reference.path, to, nullable: reference.nullable, waits })
        });
        found.collect()
    };
    creations.iter().map(|(collection, change)| of(collection, change)).collect()
}

fn targets(edges: &[Vec<Edge>]) -> Vec<Vec<usize>> {
    edges.iter().map(|of_node| of_node.iter().map(|edge| edge.to).collect()).collect()
}

/// Within circles every reference that may be empty is set later.
fn cut_circles(edges: &mut [Vec<Edge>], cut: &mut [HashSet<&'static str>]) {
    let (_, stuck) = graph::targets_first(&targets(edges));
    if !stuck.is_empty() {
        let circles = graph::components(&targets(edges));
        detach(edges, cut, |node, edge| circles[node] == circles[edge.to]);
    }
}

fn detach(edges: &mut [Vec<Edge>], cut: &mut [HashSet<&'static str>], goes: impl Fn(usize, &Edge) -> bool) {
    for (node, of_node) in edges.iter_mut().enumerate() {
        of_node.retain(|edge| {
            let detached = edge.nullable && goes(node, edge);
            if detached {
                cut[node].insert(edge.field);
            }
            !detached
        });
    }
}

/// The round of each record.
fn depths(edges: &[Vec<Edge>]) -> Vec<usize> {
    let (order, _) = graph::targets_first(&targets(edges));
    let mut depths = vec![0; edges.len()];
    for node in order {
        let after = |edge: &Edge| depths[edge.to] + usize::from(edge.waits);
        depths[node] = edges[node].iter().map(after).max().unwrap_or_default();
    }
    depths
}

impl Creation<'_> {
    /// What is sent at first.
    pub(super) fn first(&self) -> (Fields, Vec<Late>) {
        let mut write = self.change.write.clone();
        write.retain(|field, _| !self.cut.contains(field.as_str()));
        let late = self.change.late.iter().filter(|late| !self.cut.contains(late.field.as_str()));
        (write, late.cloned().collect())
    }

    /// The update that sets what was left out; none if nothing was.
    pub(super) fn later(&self) -> Option<(Fields, Vec<Late>)> {
        if self.cut.is_empty() {
            return None;
        }
        let (mut write, mut late) = (Fields::new(), Vec::new());
        let key = self.collection.key_field;
        match (&self.change.difference.id, &self.change.difference.sync_id) {
            (Some(id), _) => {
                write.insert(key.to_owned(), id.to_value(self.collection.key));
            }
            (None, Some(sync_id)) => late.push(Late {
                field: key.to_owned(),
                collection: self.collection.name,
                sync_id: sync_id.clone(),
            }),
            (None, None) => return None,
        }
        let named = |field: &str| self.cut.contains(field);
        let cut = self.change.write.iter().filter(|(field, _)| named(field));
        write.extend(cut.map(|(field, value)| (field.clone(), value.clone())));
        late.extend(self.change.late.iter().filter(|late| named(&late.field)).cloned());
        Some((write, late))
    }
}

/// True if ids are only known once records are created.
pub(super) fn counts(collection: &Collection) -> bool {
    collection.is_content() && collection.key == Key::Integer
}
