//! Differences of two JSON values, in the form that Directus sends and takes.
//!
//! The form, the order and what counts as a difference are those of the npm package deep-diff, which the server uses.

use crate::json::{Json, Key, Object};

use super::shape::{self, ShapeError};

/// One step of a path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// Into an object.
    Key(Key),
    /// Into an array.
    Index(u32),
}

/// Where a difference is inside its item; empty for the item itself.
pub(crate) type Path = Vec<Step>;

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Difference {
    /// Only the right side has it.
    New { path: Path, rhs: Json },
    /// Only the left side has it.
    Deleted { path: Path, lhs: Json },
    /// Both have it, and not the same. One of the sides is missing only where an item has no `meta` at all.
    Edited { path: Path, lhs: Option<Json>, rhs: Option<Json> },
    /// One array has more elements than the other: `item` is new or deleted.
    Array { path: Path, index: u32, item: Box<Difference> },
}

impl Difference {
    /// Where it is.
    pub(crate) fn path(&self) -> &[Step] {
        match self {
            Self::New { path, .. }
            | Self::Deleted { path, .. }
            | Self::Edited { path, .. }
            | Self::Array { path, .. } => path,
        }
    }

    /// The path, dotted.
    pub(crate) fn dotted_path(&self) -> String {
        let step = |step: &Step| match step {
            Step::Key(key) => key.as_str().to_owned(),
            Step::Index(index) => index.to_string(),
        };
        self.path().iter().map(step).collect::<Vec<_>>().join(".")
    }

    /// True if it is inside `meta`.
    pub(crate) fn is_in_meta(&self) -> bool {
        matches!(self.path().first(), Some(Step::Key(key)) if key.as_str() == "meta")
    }

    /// What is on the left, if anything.
    pub(crate) fn lhs(&self) -> Option<&Json> {
        match self {
            Self::New { .. } => None,
            Self::Deleted { lhs, .. } => Some(lhs),
            Self::Edited { lhs, .. } => lhs.as_ref(),
            Self::Array { item, .. } => item.lhs(),
        }
    }

    /// What is on the right, if anything.
    pub(crate) fn rhs(&self) -> Option<&Json> {
        match self {
            Self::New { rhs, .. } => Some(rhs),
            Self::Deleted { .. } => None,
            Self::Edited { rhs, .. } => rhs.as_ref(),
            Self::Array { item, .. } => item.rhs(),
        }
    }

    /// Reads one as the server sends it.
    pub(crate) fn read(value: Json, place: &str) -> Result<Self, ShapeError> {
        let mut object = shape::object(value, place, "an object")?;
        let path = read_path(object.remove("path"), place)?;
        let kind = object.remove("kind");
        let side = |object: &mut Object, key: &str| object.remove(key).unwrap_or_default();
        Ok(match kind.as_ref().and_then(Json::as_str) {
            Some("N") => Self::New { path, rhs: side(&mut object, "rhs") },
            Some("D") => Self::Deleted { path, lhs: side(&mut object, "lhs") },
            Some("E") => Self::Edited { path, lhs: object.remove("lhs"), rhs: object.remove("rhs") },
            Some("A") => {
                let index =
                    object.get("index").and_then(Json::as_i64).and_then(|index| u32::try_from(index).ok());
                let index = index.ok_or_else(|| {
                    ShapeError::new(shape::join(place, "index"), "an index", object.get("index"))
                })?;
                let item = Self::read(side(&mut object, "item"), &shape::join(place, "item"))?;
                Self::Array { path, index, item: Box::new(item) }
            }
            _ => return Err(ShapeError::new(shape::join(place, "kind"), "one of N, D, E, A", kind.as_ref())),
        })
    }

    /// As the server sends it.
    pub(crate) fn to_json(&self, keys: &DiffKeys) -> Json {
        let (kind, rest) = match self {
            Self::New { rhs, .. } => ("N", vec![(&keys.rhs, Some(rhs.clone()))]),
            Self::Deleted { lhs, .. } => ("D", vec![(&keys.lhs, Some(lhs.clone()))]),
            Self::Edited { lhs, rhs, .. } => ("E", vec![(&keys.lhs, lhs.clone()), (&keys.rhs, rhs.clone())]),
            Self::Array { index, item, .. } => (
                "A",
                vec![
                    (&keys.index, Some(Json::Number(f64::from(*index)))),
                    (&keys.item, Some(item.to_json(keys))),
                ],
            ),
        };
        let path = (!self.path().is_empty()).then(|| self.path().iter().map(Step::to_json).collect());
        let pairs = [(&keys.kind, Some(Json::from(kind))), (&keys.path, path.map(Json::Array))];
        let pairs = pairs.into_iter().chain(rest);
        Json::Object(pairs.filter_map(|(key, value)| Some((key.clone(), value?))).collect())
    }
}

impl Step {
    fn to_json(&self) -> Json {
        match self {
            Self::Key(key) => Json::from(key.as_str()),
            Self::Index(index) => Json::Number(f64::from(*index)),
        }
    }
}

/// The keys of differences, shared.
pub(crate) struct DiffKeys {
    kind: Key,
    path: Key,
    lhs: Key,
    rhs: Key,
    index: Key,
    item: Key,
}

impl Default for DiffKeys {
    fn default() -> Self {
        let [kind, path, lhs, rhs, index, item] =
            ["kind", "path", "lhs", "rhs", "index", "item"].map(Key::from);
        Self { kind, path, lhs, rhs, index, item }
    }
}

fn read_path(path: Option<Json>, place: &str) -> Result<Path, ShapeError> {
    let place = || shape::join(place, "path");
    let steps = match path {
        None => return Ok(Vec::new()),
        Some(Json::Array(steps)) => steps,
        other => return Err(ShapeError::new(place(), "an array", other.as_ref())),
    };
    let step = |step: Json| match &step {
        Json::String(key) => Ok(Step::Key(Key::from(key.as_ref()))),
        number => match number.as_i64().and_then(|index| u32::try_from(index).ok()) {
            Some(index) => Ok(Step::Index(index)),
            None => Err(ShapeError::new(place(), "keys and indices", Some(&step))),
        },
    };
    steps.into_iter().map(step).collect()
}

/// All differences between two values, in the server's order: keys of the left side in their order, then keys that only
/// the right side has; of arrays the surplus from the end, then the shared indices downwards.
pub(crate) fn differences(lhs: &Json, rhs: &Json) -> Vec<Difference> {
    let mut found = Vec::new();
    if lhs != rhs {
        compare(lhs, rhs, &mut Vec::new(), &mut found);
    }
    found
}

fn compare(lhs: &Json, rhs: &Json, path: &mut Path, found: &mut Vec<Difference>) {
    match (lhs, rhs) {
        (Json::Object(lhs), Json::Object(rhs)) => compare_objects(lhs, rhs, path, found),
        (Json::Array(lhs), Json::Array(rhs)) => compare_arrays(lhs, rhs, path, found),
        (lhs, rhs) if lhs == rhs => {}
        (lhs, rhs) => found.push(Difference::Edited {
            path: path.clone(),
            lhs: Some(lhs.clone()),
            rhs: Some(rhs.clone()),
        }),
    }
}

fn compare_objects(lhs: &Object, rhs: &Object, path: &mut Path, found: &mut Vec<Difference>) {
    for (key, left) in lhs.iter() {
        path.push(Step::Key(key.clone()));
        match rhs.get(key.as_str()) {
            Some(right) => compare(left, right, path, found),
            None => found.push(Difference::Deleted { path: path.clone(), lhs: left.clone() }),
        }
        path.pop();
    }
    // The package takes an empty key of the right side alone for none.
    for (key, right) in rhs.iter().filter(|(key, _)| !key.as_str().is_empty()) {
        if lhs.get(key.as_str()).is_none() {
            path.push(Step::Key(key.clone()));
            found.push(Difference::New { path: path.clone(), rhs: right.clone() });
            path.pop();
        }
    }
}

fn compare_arrays(lhs: &[Json], rhs: &[Json], path: &mut Path, found: &mut Vec<Difference>) {
    let shared = lhs.len().min(rhs.len());
    let indexed =
        |items: &[Json]| -> Vec<(u32, Json)> { (0..).zip(items.iter().cloned()).skip(shared).collect() };
    for (index, rhs) in indexed(rhs).into_iter().rev() {
        let item = Box::new(Difference::New { path: Vec::new(), rhs });
        found.push(Difference::Array { path: path.clone(), index, item });
    }
    for (index, lhs) in indexed(lhs).into_iter().rev() {
        let item = Box::new(Difference::Deleted { path: Vec::new(), lhs });
        found.push(Difference::Array { path: path.clone(), index, item });
    }
    let pairs: Vec<_> = (0..).zip(lhs.iter().zip(rhs)).collect();
    for (index, (left, right)) in pairs.into_iter().rev() {
        path.push(Step::Index(index));
        compare(left, right, path, found);
        path.pop();
    }
}

/// What becomes of a value when differences are applied to it, as the server does; none if it goes.
///
/// # Errors
/// A sentence, when a difference does not fit the value.
pub(crate) fn applied(mut value: Option<Json>, differences: &[Difference]) -> Result<Option<Json>, String> {
    for difference in differences {
        let misfit = || format!("{} does not fit", difference.dotted_path());
        match difference {
            Difference::New { path, rhs } => set(&mut value, path, Some(rhs.clone())).ok_or_else(misfit)?,
            Difference::Deleted { path, .. } => set(&mut value, path, None).ok_or_else(misfit)?,
            Difference::Edited { path, rhs, .. } => set(&mut value, path, rhs.clone()).ok_or_else(misfit)?,
            Difference::Array { path, index, item } => {
                let array =
                    path.iter().try_fold(value.as_mut().ok_or_else(misfit)?, step_into).ok_or_else(misfit)?;
                let Json::Array(items) = array else { return Err(misfit()) };
                let index = *index as usize;
                match item.rhs() {
                    // New elements come from the last to the first.
                    Some(new) => {
                        let length = items.len().max(index + 1);
                        items.resize(length, Json::Null);
                        items[index] = new.clone();
                    }
                    None if index < items.len() => {
                        items.remove(index);
                    }
                    None => return Err(misfit()),
                }
            }
        }
    }
    Ok(value)
}

fn step_into<'a>(value: &'a mut Json, step: &Step) -> Option<&'a mut Json> {
    match (value, step) {
        (Json::Object(object), Step::Key(key)) => object.get_mut(key.as_str()),
        (Json::Array(items), Step::Index(index)) => items.get_mut(*index as usize),
        _ => None,
    }
}

fn set(value: &mut Option<Json>, path: &[Step], new: Option<Json>) -> Option<()> {
    let Some((last, parents)) = path.split_last() else {
        *value = new;
        return Some(());
    };
    let parent = parents.iter().try_fold(value.as_mut()?, step_into)?;
    match (parent, last, new) {
        (Json::Object(object), Step::Key(key), Some(new)) => object.insert(key.as_str(), new),
        (Json::Object(object), Step::Key(key), None) => {
            object.remove(key.as_str());
        }
        (Json::Array(items), Step::Index(index), Some(new)) => *items.get_mut(*index as usize)? = new,
        _ => return None,
    }
    Some(())
}
