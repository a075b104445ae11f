//! Laying sources over each other: the strongest wins, lists add up.

use super::layer::{Layer, Origin, Values};
use super::settings::Sourced;

/// The value of the strongest layer that gives one; `layers` are strongest first.
pub(crate) fn first<T>(layers: &[Layer], pick: impl Fn(&Values) -> Option<T>) -> Option<Sourced<T>> {
    layers
        .iter()
        .find_map(|layer| pick(&layer.values).map(|value| Sourced { value, origin: layer.origin.clone() }))
}

/// The lists of all layers as one, weakest first (the order of directus-sync).
///
/// `pick` also says whether a value is *whole*: a whole value replaces weaker ones, and is not added to stronger lists.
/// `None` when no layer gives anything.
pub(crate) fn lists<T>(
    layers: &[Layer],
    pick: impl Fn(&Values) -> Option<(Vec<T>, bool)>,
) -> Option<Sourced<Vec<T>>> {
    let mut given: Vec<(Vec<T>, &Origin)> = Vec::new();
    for layer in layers {
        let Some((list, whole)) = pick(&layer.values) else { continue };
        if whole && !given.is_empty() {
            break;
        }
        given.push((list, &layer.origin));
        if whole {
            break;
        }
    }
    let origins: Vec<Origin> = given.iter().map(|(_, origin)| (*origin).clone()).collect();
    let origin = match <[Origin; 1]>::try_from(origins) {
        Ok([origin]) => origin,
        Err(origins) if origins.is_empty() => return None,
        Err(origins) => Origin::Several(origins),
    };
    Some(Sourced { value: given.into_iter().rev().flat_map(|(list, _)| list).collect(), origin })
}

/// [`lists`] of strings, where `is_whole` recognizes words such as `all`; nothing given is an empty list.
pub(crate) fn concatenated(
    layers: &[Layer],
    pick: impl Fn(&Values) -> Option<Vec<String>>,
    is_whole: impl Fn(&[String]) -> bool,
) -> Sourced<Vec<String>> {
    let pick = |values: &Values| {
        let list = pick(values)?;
        let whole = is_whole(&list);
        Some((list, whole))
    };
    lists(layers, pick).unwrap_or(Sourced::default_of(Vec::new()))
}
