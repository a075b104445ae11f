//! The merge of one record that two instances hold: from its last common state and what each side has now to what has
//! to be written on which side. Pure; nothing is taken from events, so that the same states give the same answer
//! however often they are looked at, and what was just written is no change.
//!
//! Values are in the words of the source: references are keys of the source, or stand for a record that only the target
//! has.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::content::{Kind, same_value_of};
use crate::record::Fields;

/// One of the two instances of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Where a one-way route reads.
    Source,
    /// Where it writes.
    Target,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Source => Self::Target,
            Self::Target => Self::Source,
        }
    }
}

/// Who wins where both sides changed the same field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The source.
    Source,
    /// The target.
    Target,
    /// Whoever wrote last.
    #[default]
    Newest,
    /// Nobody: both sides stay as they are until somebody decides.
    Manual,
}

/// How a route merges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether the source is written as well.
    pub both_ways: bool,
    /// Whether deletions are carried over.
    pub deletes: bool,
    /// Who wins.
    pub policy: Policy,
    /// Who wrote last; for [`Policy::Newest`].
    pub newest: Side,
}

/// A field that takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeField {
    /// Its name.
    pub name: String,
    /// What its values mean.
    pub kind: Option<Kind>,
}

/// What has to be written on one side.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Act {
    /// Nothing.
    #[default]
    Nothing,
    /// The record, with these fields.
    Create(Fields),
    /// These fields of it.
    Update(Fields),
    /// It goes.
    Delete,
}

/// Why a decision was needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clash {
    /// Both sides changed the field.
    BothEdited,
    /// One side changed the record, the other deleted it.
    EditedAndDeleted,
    /// The sides differ, and were never seen alike.
    NoCommonState,
    /// An edit came between reading and writing, and was overwritten.
    Overwritten,
}

/// A decision that was taken, or is left to somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Why.
    pub clash: Clash,
    /// The field; none where it is about the whole record.
    pub field: Option<String>,
    /// What both had; null where that is not known.
    pub base: Value,
    /// What the source has; null for a record that is gone.
    pub source: Value,
    /// What the target has.
    pub target: Value,
    /// Who won; none if nobody did.
    pub winner: Option<Side>,
}

/// What comes of a merge.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merged {
    /// What is done to the source.
    pub source: Act,
    /// What is done to the target.
    pub target: Act,
    /// What both have in common once that is done; a field that is not in it has no common value. None when the record is
    /// on no side, or on one only where it stays alone.
    pub common: Option<Fields>,
    /// What was decided.
    pub decisions: Vec<Decision>,
}

/// Merges one record.
#[must_use]
pub fn merge(
    fields: &[MergeField],
    rules: Rules,
    base: Option<&Fields>,
    source: Option<&Fields>,
    target: Option<&Fields>,
) -> Merged {
    match (source, target) {
        (None, None) => Merged::default(),
        (Some(source), Some(target)) => both(fields, rules, base, source, target),
        (Some(only), None) => alone(fields, rules, base, only, Side::Source),
        (None, Some(only)) => alone(fields, rules, base, only, Side::Target),
    }
}

/// Whether a record is another than both sides had last. A field without a common value says nothing of an edit.
#[must_use]
pub fn is_edited(fields: &[MergeField], base: &Fields, now: &Fields) -> bool {
    fields.iter().any(|field| {
        let before = base.get(&field.name);
        before.is_some_and(|before| !same(field, before, now.get(&field.name)))
    })
}

/// A record that only one side has.
fn alone(fields: &[MergeField], rules: Rules, base: Option<&Fields>, only: &Fields, holder: Side) -> Merged {
    let lacking = holder.other();
    let writes_lacking = lacking == Side::Target || rules.both_ways;
    let writes_holder = holder == Side::Target || rules.both_ways;
    let create = || on(lacking, Act::Create(taken(fields, only)), Some(taken(fields, only)));
    let Some(base) = base else {
        return if writes_lacking { create() } else { Merged::default() };
    };
    if is_edited(fields, base, only) {
        let mut merged = if writes_lacking { create() } else { Merged::default() };
        let (now, none) = (Value::Object(taken(fields, only)), Value::Null);
        let (source, target) = if holder == Side::Source { (now, none) } else { (none, now) };
        merged.decisions.push(Decision {
            clash: Clash::EditedAndDeleted,
            field: None,
            base: Value::Object(base.clone()),
            source,
            target,
            winner: Some(holder),
        });
        return merged;
    }
    if writes_holder && rules.deletes {
        return on(holder, Act::Delete, None);
    }
    // It stays deleted there and alone here.
    Merged { common: Some(base.clone()), ..Merged::default() }
}

fn both(
    fields: &[MergeField],
    rules: Rules,
    base: Option<&Fields>,
    source: &Fields,
    target: &Fields,
) -> Merged {
    let (mut to_source, mut to_target, mut common) = (Fields::new(), Fields::new(), Fields::new());
    let mut decisions = Vec::new();
    for field in fields {
        let name = &field.name;
        let of = |side: &Fields| side.get(name).cloned().unwrap_or(Value::Null);
        let (here, there) = (of(source), of(target));
        let before = base.and_then(|base| base.get(name));
        if same(field, &here, Some(&there)) {
            common.insert(name.clone(), here);
            continue;
        }
        let here_changed = before.is_none_or(|before| !same(field, before, Some(&here)));
        let there_changed = before.is_none_or(|before| !same(field, before, Some(&there)));
        let winner = match (here_changed, there_changed) {
            (true, false) => Some(Side::Source),
            (false, true) => Some(Side::Target),
            _ => {
                let winner = match rules.policy {
                    Policy::Source => Some(Side::Source),
                    Policy::Target => Some(Side::Target),
                    Policy::Newest => Some(rules.newest),
                    Policy::Manual => None,
                };
                decisions.push(Decision {
                    clash: if before.is_some() { Clash::BothEdited } else { Clash::NoCommonState },
                    field: Some(name.clone()),
                    base: before.cloned().unwrap_or(Value::Null),
                    source: here.clone(),
                    target: there.clone(),
                    winner,
                });
                winner
            }
        };
        match winner {
            Some(Side::Source) => {
                to_target.insert(name.clone(), here.clone());
                common.insert(name.clone(), here);
            }
            Some(Side::Target) if rules.both_ways => {
                to_source.insert(name.clone(), there.clone());
                common.insert(name.clone(), there);
            }
            // The target's own value stays there; the source is measured by what it has now.
            Some(Side::Target) => {
                common.insert(name.clone(), here);
            }
            None => {
                if let Some(before) = before {
                    common.insert(name.clone(), before.clone());
                }
            }
        }
    }
    let act = |values: Fields| if values.is_empty() { Act::Nothing } else { Act::Update(values) };
    Merged { source: act(to_source), target: act(to_target), common: Some(common), decisions }
}

fn on(side: Side, act: Act, common: Option<Fields>) -> Merged {
    match side {
        Side::Source => Merged { source: act, common, ..Merged::default() },
        Side::Target => Merged { target: act, common, ..Merged::default() },
    }
}

fn same(field: &MergeField, one: &Value, other: Option<&Value>) -> bool {
    same_value_of(field.kind, one, other.unwrap_or(&Value::Null))
}

fn taken(fields: &[MergeField], of: &Fields) -> Fields {
    let value = |field: &MergeField| of.get(&field.name).cloned().unwrap_or(Value::Null);
    fields.iter().map(|field| (field.name.clone(), value(field))).collect()
}

/// Whether so many deletions at once are more than an accident should be able to do: more than a fifth of the records,
/// where these are more than ten; or all of them.
#[must_use]
pub fn is_mass_deletion(deleted: usize, tracked: usize) -> bool {
    (deleted > 10 && deleted * 5 > tracked) || (deleted >= tracked && deleted > 1)
}

#[cfg(test)]
mod tests;
