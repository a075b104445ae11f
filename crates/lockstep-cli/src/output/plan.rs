//! A plan that people can review: by collection, with names, field by field.

use std::collections::BTreeSet;
use std::path::Path;

use anstyle::Style;
use lockstep_core::json::Json;
use lockstep_core::names::StrayName;
use lockstep_core::plan::Danger;
use lockstep_core::reconcile::{Action, Difference, Kept};
use lockstep_core::record::Fields;
use lockstep_core::report::{Applied, CollectionReport, Differences, InstanceInfo};
use lockstep_core::schema::{ChangeKind, Risk, SchemaChange, SchemaItem};

use super::printable::line;
use super::style::{self, ADD, BAD, BOLD, CHANGE, DIM, GOOD, REMOVE, WARN, count, counted};
use super::values;

/// How many creations of a collection are listed before the rest is counted. Updates and deletions are never cut.
const LISTED: usize = 20;
/// How many characters of a new record are shown.
const CONTENTS: usize = 150;
/// How many untracked records are named.
const NAMED: usize = 5;

/// The whole plan.
pub(super) fn render(instance: &InstanceInfo, differences: &Differences, root: &Path) -> String {
    let state = instance.state.map(|state| format!(", mappings in its {state}")).unwrap_or_default();
    let state = state.replace("its file", "a file");
    let mut text = format!(
        "{BOLD}{} -> {}{BOLD:#} (Directus {}{state})\n",
        style::path(root),
        instance.url,
        instance.version
    );
    text += &body(differences);
    if differences.is_empty() {
        text += &format!(
            "{GOOD}No differences{GOOD:#}: {} records are the same\n",
            count(unchanged(differences))
        );
    } else {
        text += &summary(differences);
    }
    text
}

/// Names that mean nothing, a line each.
pub(super) fn stray_names(stray: &[StrayName]) -> String {
    let told = |stray: &StrayName| {
        let meant = stray.nearest.as_ref().map(|name| format!(" (did you mean {}?)", line(name)));
        format!(
            "  {}.json: {}: {} names {}{}\n",
            stray.collection,
            line(&stray.label),
            stray.path,
            line(&stray.name),
            meant.unwrap_or_default()
        )
    };
    stray.iter().map(told).collect()
}

/// The differences alone.
pub(super) fn body(differences: &Differences) -> String {
    let mut text = String::new();
    if let Some(schema) = differences.schema.as_ref().filter(|schema| !schema.changes.is_empty()) {
        text += &format!("\n{BOLD}schema{BOLD:#}\n");
        text += &schema_changes(&schema.changes);
    }
    for (name, collection) in &differences.collections {
        text += &of_collection(name, collection);
    }
    text += "\n";
    for danger in &differences.dangers {
        text += &format!("{BAD}!{BAD:#} {}\n", danger_text(danger));
    }
    text
}

fn of_collection(name: &str, collection: &CollectionReport) -> String {
    let quiet = collection.items.is_empty() && collection.kept.is_empty() && collection.withheld.is_empty();
    if quiet {
        return String::new();
    }
    let mut text = format!("\n{BOLD}{name}{BOLD:#}\n");
    let mut created = 0;
    let mut items: Vec<_> = collection.items.iter().collect();
    items.sort_by_key(|change| (change.action, &change.label));
    for change in items {
        if change.action == Action::Create {
            created += 1;
            if created > LISTED {
                continue;
            }
        }
        text += &record(change);
    }
    if created > LISTED {
        text += &format!(
            "  {ADD}+{ADD:#} {DIM}and {} more (all of them: --json){DIM:#}\n",
            count(created - LISTED)
        );
    }
    let (stays, withheld) = match collection.content {
        true => ("not in the seed, kept", "not created (meta.create is false)"),
        false => {
            ("untracked, kept (--prune deletes them)", "not created, because they may exist and be hidden")
        }
    };
    text += &kept(stays, &collection.kept);
    text += &kept(withheld, &collection.withheld);
    text
}

fn kept(what: &str, kept: &[Kept]) -> String {
    if kept.is_empty() {
        return String::new();
    }
    let mut names: Vec<_> =
        kept.iter().take(NAMED).map(|kept| format!("\"{}\"", line(&kept.label))).collect();
    if kept.len() > NAMED {
        names.push(format!("and {} more", count(kept.len() - NAMED)));
    }
    format!("  {DIM}{what}: {}{DIM:#}\n", names.join(", "))
}

fn record(change: &Difference) -> String {
    let (sign, style) = match change.action {
        Action::Create => ('+', ADD),
        Action::Update => ('~', CHANGE),
        Action::Delete | Action::Merge => ('-', REMOVE),
    };
    let mut text = format!("  {style}{sign}{style:#} {}{}", line(&change.label), id(change));
    if change.action == Action::Merge {
        text += &format!("  {DIM}a duplicate, merged{DIM:#}");
    }
    if change.takes_along > 0 {
        text += &format!("  {BAD}takes {} along{BAD:#}", counted(change.takes_along, "untracked record"));
    }
    text.push('\n');
    if change.action == Action::Update {
        for edit in &change.changes {
            let names = (edit.before_name.as_deref(), edit.after_name.as_deref());
            text += &values::edit(&edit.path, Some(&edit.before), Some(&edit.after), names, 6);
        }
    }
    if let Some(fields) = &change.created {
        text += &contents(change, fields);
    }
    text
}

/// What a new record says, on one line: what is not null and not in its name already.
fn contents(change: &Difference, fields: &Fields) -> String {
    let told = fields.iter().filter(|(_, value)| !value.is_null()).map(|(field, value)| {
        let name = change.names.iter().find(|(of, _)| of == field).map(|(_, name)| name.as_str());
        (field, name.map_or_else(|| value.to_string(), str::to_owned))
    });
    let said = |text: &str| change.label.split(" · ").any(|part| part == text.trim_matches('"'));
    let told: Vec<_> =
        told.filter(|(_, text)| !said(text)).map(|(field, text)| format!("{field} {text}")).collect();
    let told = line(&told.join(", "));
    let mut shown: String = told.chars().take(CONTENTS).collect();
    if shown.len() < told.len() {
        shown.push('…');
    }
    if shown.is_empty() { shown } else { format!("      {DIM}{shown}{DIM:#}\n") }
}

/// The id, where the name may not be enough to find a record by.
fn id(change: &Difference) -> String {
    let shown = change.id.as_ref().filter(|_| change.action != Action::Create);
    let shown = shown.filter(|id| id.as_str() != change.label);
    shown.map(|id| format!("  {DIM}{}{DIM:#}", line(id.as_str()))).unwrap_or_default()
}

/// The fields of a new collection are named with it, and have no lines of their own.
pub(super) fn schema_changes(changes: &[SchemaChange]) -> String {
    let is_new = |change: &&SchemaChange, what| change.kind == ChangeKind::Create && change.what == what;
    let new: BTreeSet<&str> =
        changes.iter().filter(|c| is_new(c, SchemaItem::Collection)).map(|c| c.collection.as_str()).collect();
    let mut text = String::new();
    for change in changes {
        if is_new(&change, SchemaItem::Field) && new.contains(change.collection.as_str()) {
            continue;
        }
        text += &schema_change(change);
        if is_new(&change, SchemaItem::Collection) {
            let fields =
                changes.iter().filter(|c| is_new(c, SchemaItem::Field) && c.collection == change.collection);
            let names: Vec<&str> = fields.filter_map(|field| field.field.as_deref()).collect();
            if !names.is_empty() {
                text += &format!("      {DIM}{}{DIM:#}\n", line(&names.join(", ")));
            }
        }
    }
    text
}

fn schema_change(change: &SchemaChange) -> String {
    let (sign, style) = match change.kind {
        ChangeKind::Create => ('+', ADD),
        ChangeKind::Update => ('~', CHANGE),
        ChangeKind::Delete => ('-', REMOVE),
    };
    let what = match change.what {
        SchemaItem::Collection => "collection",
        SchemaItem::Field | SchemaItem::SystemField => "field",
        SchemaItem::Relation => "relation",
    };
    let related = change.related.as_ref().map(|related| format!(" -> {related}")).unwrap_or_default();
    let name = line(&format!("{}{related}", change.name()));
    let mut text = format!("  {style}{sign}{style:#} {what} {name}{}\n", risk(change));
    if change.kind == ChangeKind::Update {
        for edit in &change.edits {
            let value = |side: &Option<Json>| side.as_ref().map(Json::to_value);
            let (before, after) = (value(&edit.before), value(&edit.after));
            text += &values::edit(&edit.path, before.as_ref(), after.as_ref(), (None, None), 6);
        }
    }
    text
}

fn risk(change: &SchemaChange) -> String {
    let reason = change.reason.as_deref().map(|reason| format!(": {}", line(reason))).unwrap_or_default();
    let loses = super::schema::loses(change).map(|loses| format!(" ({loses})")).unwrap_or_default();
    let way_out =
        change.way_out.map(|way_out| format!("\n      {DIM}instead: {way_out}{DIM:#}")).unwrap_or_default();
    let told = |style: Style, word: &str| format!("  {style}{word}{style:#}{reason}{loses}{way_out}");
    match change.risk {
        Risk::Safe => String::new(),
        Risk::Lossy => told(WARN, "lossy"),
        Risk::Destructive => told(BAD, "destructive"),
    }
}

fn danger_text(danger: &Danger) -> String {
    match danger {
        Danger::MassDeletion { collection, deleted, rows } => {
            format!("{} of {} {collection} would be deleted", count(*deleted), count(*rows))
        }
        Danger::TakesAlong { collection, label, records } => format!(
            "deleting \"{}\" of {collection} would delete {} along with it",
            line(label),
            counted(*records, "untracked record")
        ),
        Danger::CutsOff { collection, label, users } => format!(
            "deleting \"{}\" of {collection} would take the access of {} away",
            line(label),
            counted(*users, "user")
        ),
    }
}

fn unchanged(differences: &Differences) -> usize {
    differences.collections.values().map(|collection| collection.unchanged).sum()
}

fn summary(differences: &Differences) -> String {
    let total =
        |count: fn(&CollectionReport) -> usize| differences.collections.values().map(count).sum::<usize>();
    let mut parts: Vec<String> = [
        (total(|c| c.create), "to create"),
        (total(|c| c.update), "to update"),
        (total(|c| c.delete), "to delete"),
        (total(|c| c.merge), "to merge"),
        (total(|c| c.unchanged), "unchanged"),
        (total(|c| c.adopted), "recognized by name"),
        (total(|c| c.untracked), "untracked"),
        (total(|c| c.dangling), "dangling"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, what)| format!("{} {what}", count(number)))
    .collect();
    if let Some(schema) = differences.schema.as_ref().filter(|schema| !schema.changes.is_empty()) {
        parts.insert(0, schema_summary(&schema.changes));
    }
    format!("{BOLD}Summary:{BOLD:#} {}\n", parts.join(", "))
}

/// What a push wrote, as one line.
pub(super) fn applied(applied: &Applied) -> String {
    let mut parts = Vec::new();
    if applied.schema {
        parts.push("the schema".to_owned());
    }
    for (name, records) in &applied.collections {
        let counts: Vec<_> =
            [(records.created, "created"), (records.updated, "updated"), (records.deleted, "deleted")]
                .into_iter()
                .filter(|(number, _)| *number > 0)
                .map(|(number, what)| format!("{} {what}", count(number)))
                .collect();
        if !counts.is_empty() {
            parts.push(format!("{name} {}", counts.join(" ")));
        }
    }
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// How many changes of the schema there are, and how many of them cost something.
pub(super) fn schema_summary(changes: &[SchemaChange]) -> String {
    let risky = |risk| changes.iter().filter(|change| change.risk == risk).count();
    let risks: Vec<_> = [(risky(Risk::Lossy), "lossy"), (risky(Risk::Destructive), "destructive")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", count(number)))
        .collect();
    let risks = if risks.is_empty() { String::new() } else { format!(" ({})", risks.join(", ")) };
    counted(changes.len(), "change") + " of the schema" + &risks
}
