//! Edits that came between reading and writing. The API has no conditional write, so that they are overwritten; but they
//! are not lost without a word: what they were is kept by the revisions, and recorded as a conflict.

use std::collections::BTreeMap;

use lockstep_core::content::same_value_of;
use lockstep_core::merge::{Clash, Decision, Side};
use lockstep_core::record::Fields;
use lockstep_directus::activity;
use serde_json::Value;

use super::Edge;
use super::plan::{Item, Write};
use crate::error::LiveError;
use crate::journal::{Writing, now};
use crate::shape::Shape;

impl Edge {
    /// Journals what is about to be written on a side.
    pub(super) fn announce(
        &self,
        shape: &Shape,
        side: Side,
        since: i64,
        items: &[Item],
        updates: &[&Write],
    ) -> Result<(), LiveError> {
        let writing = |write: &&Write| {
            let item = &items[write.item];
            Writing {
                side,
                source: item.key(Side::Source).cloned().unwrap_or_default(),
                target: item.key(Side::Target).cloned().unwrap_or_default(),
                since,
                at: now(),
                read: item.row(side).cloned().unwrap_or_default(),
                body: write.body.clone(),
            }
        };
        let writings: Vec<Writing> = updates.iter().map(writing).collect();
        Ok(self.journal.writing(self.name(), &shape.collection, &writings)?)
    }

    /// Records the edits that the announced changes of a collection have overwritten. Those that cannot be found on their side
    /// are left for later, or dropped if that is `over`; gives how many are left.
    pub(super) async fn note_overwritten(&self, shape: &Shape, over: bool) -> Result<usize, LiveError> {
        let writings = self.journal.writings(self.name(), &shape.collection)?;
        let mut done = Vec::new();
        for side in [Side::Source, Side::Target] {
            let of_side: Vec<&Writing> = writings.iter().filter(|writing| writing.side == side).collect();
            for part in of_side.chunks(self.batch) {
                done.extend(self.overwritten_on(shape, side, part, over).await?);
            }
        }
        if over {
            done = writings.iter().map(|writing| (writing.side, writing.source.clone())).collect();
        }
        self.journal.written(self.name(), &shape.collection, &done)?;
        Ok(writings.len() - done.len())
    }

    /// Gives those that were found; where it is over, one that stands alone on its side is not asked for.
    async fn overwritten_on(
        &self,
        shape: &Shape,
        side: Side,
        writings: &[&Writing],
        over: bool,
    ) -> Result<Vec<(Side, String)>, LiveError> {
        let key = |writing: &Writing| match side {
            Side::Source => writing.source.clone(),
            Side::Target => writing.target.clone(),
        };
        let by_key: BTreeMap<String, &Writing> =
            writings.iter().map(|writing| (key(writing), *writing)).collect();
        let keys: Vec<String> = by_key.keys().cloned().collect();
        let Some(since) = writings.iter().map(|writing| writing.since).min() else { return Ok(Vec::new()) };
        let peer = self.peer(side);
        let failed = |error| peer.failed(error);
        let entries =
            activity::updates(&peer.client, &shape.collection, &keys, since).await.map_err(failed)?;
        let mut of_item: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for entry in &entries {
            of_item.entry(&entry.item).or_default().push(entry.id);
        }
        // If the answer has come, one entry is our own.
        of_item.retain(|_, entries| !over || entries.len() > 1);
        let asked: Vec<i64> = of_item.values().flatten().copied().collect();
        let mut deltas: BTreeMap<i64, Fields> = BTreeMap::new();
        for part in asked.chunks(peer.page.min(200)) {
            deltas.extend(activity::deltas(&peer.client, part).await.map_err(failed)?);
        }
        let mut found = Vec::new();
        for (key, entries) in of_item {
            let Some(writing) = by_key.get(key) else { continue };
            let since = entries.iter().filter(|entry| **entry > writing.since);
            let edits: Vec<&Fields> = since.filter_map(|entry| deltas.get(entry)).collect();
            let Some(decisions) = overwritten(shape, side, &writing.read, &writing.body, &edits) else {
                continue;
            };
            self.note_decisions(shape, (&writing.source, &writing.target), &decisions)?;
            found.push((side, writing.source.clone()));
        }
        Ok(found)
    }
}

/// The edits that a write hid: of each field the last one before ours, unless it is what was read, or what was written. It may
/// have been sent more than once, if its first answer was lost. None if it is not among the edits.
fn overwritten(
    shape: &Shape,
    side: Side,
    read: &Fields,
    body: &Fields,
    edits: &[&Fields],
) -> Option<Vec<Decision>> {
    // Keys of other records have other names on the other side, and revisions leave them out.
    let is_reference = |name: &str| shape.references.iter().any(|reference| reference.field == name);
    let body: Vec<(&String, &Value)> = body.iter().filter(|(name, _)| !is_reference(name)).collect();
    if body.is_empty() {
        return Some(Vec::new());
    }
    let is_ours = |edit: &Fields| {
        let mut told =
            body.iter().filter_map(|(name, value)| Some((name, value, edit.get(*name)?))).peekable();
        told.peek().is_some()
            && told.all(|(name, value, edited)| same_value_of(shape.kind(name), value, edited))
    };
    let ours: Vec<usize> = (0..edits.len()).filter(|place| is_ours(edits[*place])).collect();
    let first = *ours.first()?;
    let mut decisions = Vec::new();
    for (name, written) in body {
        let before = read.get(name).unwrap_or(&Value::Null);
        for place in &ours {
            let Some(edit) = edits[..*place].iter().rev().find_map(|edit| edit.get(name)) else { continue };
            let same = |other: &Value| same_value_of(shape.kind(name), edit, other);
            if same(written) || (*place == first && same(before)) {
                continue;
            }
            let (source, target) = match side {
                Side::Target => (written.clone(), edit.clone()),
                Side::Source => (edit.clone(), written.clone()),
            };
            decisions.push(Decision {
                clash: Clash::Overwritten,
                field: Some(name.clone()),
                base: before.clone(),
                source,
                target,
                winner: Some(side.other()),
            });
        }
    }
    Some(decisions)
}

#[cfg(test)]
mod tests {
    use lockstep_core::collection::Key;
    use lockstep_core::merge::MergeField;
    use serde_json::json;

    use super::*;
    use crate::shape::{Refers, RefersTo};

    #[test]
    fn only_edits_between_reading_and_writing_are_told() {
        let field = |name: &str| MergeField { name: name.to_owned(), kind: None };
        let shape = Shape {
            collection: "posts".to_owned(),
            key_field: "id".to_owned(),
            key: Key::Uuid,
            counted: false,
            fields: vec![field("title"), field("body")],
            references: vec![Refers {
                field: "author".to_owned(),
                to: RefersTo::One("authors".to_owned()),
                nullable: true,
            }],
            filter: None,
        };
        let fields = |value: Value| value.as_object().unwrap().clone();
        let (read, body) = (fields(json!({"title": "read"})), fields(json!({"title": "ours"})));
        for (edits, expected) in [
            (vec![json!({"title": "ours"})], None),
            (vec![json!({"title": "read"}), json!({"title": "ours"})], None),
            (vec![json!({"title": "theirs"}), json!({"title": "ours"})], Some("theirs")),
            (
                vec![json!({"title": "theirs"}), json!({"title": "ours"}), json!({"title": "later"})],
                Some("theirs"),
            ),
            // Sent twice, because the first answer was lost.
            (
                vec![json!({"title": "theirs"}), json!({"title": "ours"}), json!({"title": "ours"})],
                Some("theirs"),
            ),
            (
                vec![json!({"title": "ours"}), json!({"title": "theirs"}), json!({"title": "ours"})],
                Some("theirs"),
            ),
            (
                vec![json!({"title": "ours"}), json!({"title": "read"}), json!({"title": "ours"})],
                Some("read"),
            ),
            (vec![json!({"body": "another field"}), json!({"title": "ours"})], None),
            (vec![json!({"title": "first"}), json!({"title": "read"}), json!({"title": "ours"})], None),
        ] {
            let edits: Vec<Fields> = edits.into_iter().map(fields).collect();
            let found = overwritten(&shape, Side::Target, &read, &body, &edits.iter().collect::<Vec<_>>());
            let told = found.unwrap().first().map(|decision| decision.target.clone());
            assert_eq!(told, expected.map(Value::from), "{edits:?}");
        }
        let theirs = fields(json!({"title": "theirs"}));
        let with_reference = fields(json!({"title": "ours", "author": 7}));
        let edits = [fields(json!({"title": "theirs"})), fields(json!({"title": "ours"}))];
        let edits: Vec<&Fields> = edits.iter().collect();
        let found = overwritten(&shape, Side::Target, &read, &with_reference, &edits).unwrap();
        assert_eq!(found.len(), 1, "revisions leave references out");
        assert_eq!(
            overwritten(&shape, Side::Target, &read, &body, &[&theirs]),
            None,
            "ours is not there yet"
        );
    }
}
