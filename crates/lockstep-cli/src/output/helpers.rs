//! What the helpers tell.

use std::time::Duration;

use lockstep_core::record::LocalId;
use lockstep_engine::helpers::{Duplicate, Duplicates, Ready, Untracked};
use serde_json::{Value, json};

use super::printable::line;
use super::style::{self, BOLD, GOOD, REMOVE};
use super::{Output, print};
use crate::commands::Failure;

impl Output {
    /// A record that is no longer one of the dump.
    pub(crate) fn untracked(
        &self,
        untracked: &Untracked,
        collection: &str,
        id: &LocalId,
    ) -> Result<(), Failure> {
        let Untracked { store, sync_id } = untracked;
        if self.json {
            return self
                .document(&json!({"state": store, "collection": collection, "id": id, "sync_id": sync_id}));
        }
        print(&match sync_id {
            Some(sync_id) => format!(
                "{GOOD}Untracked{GOOD:#}: {id} of {collection} was {}, as the {store} had it\n",
                line(sync_id.as_str())
            ),
            None => format!("Nothing to untrack: the {store} has nothing of {id} of {collection}\n"),
        })
    }

    /// Shows which permissions would go, and asks where there is somebody to ask.
    pub(crate) fn consents_to_remove(&self, duplicates: &Duplicates, yes: bool) -> bool {
        let asks = self.can_ask() && !yes;
        if !self.json && (!self.quiet || asks) {
            // A list that cannot be shown must not be agreed to, but then the question cannot be read either.
            let _ = print(&listed(duplicates));
        }
        match asks {
            true => self.ask("Delete these permissions?"),
            // The one document on stdout is no place for a question.
            false => !self.is_unanswered(yes),
        }
    }

    /// Permissions that were deleted.
    pub(crate) fn duplicates_removed(&self, duplicates: &Duplicates) -> Result<(), Failure> {
        let Duplicates { holder, groups, hidden } = duplicates;
        if *hidden > 0 {
            self.notice(&format!(
                "the instance hides {} (its licence does not include custom rules), which are left alone",
                style::counted(usize::try_from(*hidden).unwrap_or(usize::MAX), "permission")
            ));
        }
        if self.json {
            let deleted: Vec<_> = groups.iter().map(|group| document(group, holder)).collect();
            return self.document(&json!({"deleted": deleted, "hidden": hidden}));
        }
        if groups.is_empty() {
            return print(&format!(
                "{GOOD}No duplicates{GOOD:#}: no two permissions are of the same {holder}, collection and action\n"
            ));
        }
        let count = groups.iter().map(|group| group.ids.len()).sum();
        print(&format!("{BOLD}Deleted{BOLD:#} {}\n", style::counted(count, "permission")))
    }

    /// An instance that is ready.
    pub(crate) fn ready(&self, url: &str, ready: Ready, waited: Duration) -> Result<(), Failure> {
        if self.json {
            return self.document(
                &json!({"url": url, "looks": ready.looks, "duration_ms": u64::try_from(waited.as_millis()).unwrap_or(u64::MAX)}),
            );
        }
        let looks = style::counted(usize::try_from(ready.looks).unwrap_or(usize::MAX), "look");
        print(&format!("{GOOD}Ready{GOOD:#}: {url}, after {looks} and {:.1} s\n", waited.as_secs_f64()))
    }
}

fn listed(duplicates: &Duplicates) -> String {
    let mut text =
        format!("{BOLD}Permissions of the same {}, collection and action{BOLD:#}\n", duplicates.holder);
    for Duplicate { label, kept, ids, differing, .. } in &duplicates.groups {
        let ids: Vec<_> = ids.iter().map(LocalId::as_str).collect();
        text += &format!("  {REMOVE}-{REMOVE:#} {}  {} (stays: {kept})\n", line(label), ids.join(", "));
        if !differing.is_empty() {
            text += &format!("      not the same as the one that stays: {}\n", line(&differing.join(", ")));
        }
    }
    text
}

fn document(group: &Duplicate, holder: &str) -> Value {
    let Duplicate { collection, action, kept, ids, differing, .. } = group;
    json!({
        holder: group.holder, "collection": collection, "action": action, "kept": kept, "ids": ids,
        "differing": differing,
    })
}
