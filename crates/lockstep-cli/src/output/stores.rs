//! What is told of stores of mappings, and of the extension that is one.

use std::path::Path;

use lockstep_engine::extension::Installed;
use lockstep_engine::{Copied, Moved};
use serde_json::json;

use super::style::{self, GOOD};
use super::{Output, print};
use crate::commands::Failure;

impl Output {
    /// Whether the store that mappings were copied from shall be emptied; without an answer it stays.
    pub(crate) fn consents_to_empty(&self, copied: &Copied, yes: bool) -> bool {
        let Copied { from, to, mappings, .. } = copied;
        let them = if *mappings == 1 { "it" } else { "them" };
        let mappings = style::counted(*mappings, "mapping");
        yes || self.can_ask()
            && self.ask(&format!("The {to} holds all {mappings} now. Take {them} out of the {from}?"))
    }

    /// What became of mappings that were to be moved.
    pub(crate) fn moved(&self, moved: &Moved, file: &Path) -> Result<(), Failure> {
        let (copied, emptied) = match moved {
            Moved::Nothing { to, mappings } if self.json => {
                return self.document(
                    &json!({"from": null, "to": to, "mappings": mappings, "added": 0, "emptied": false}),
                );
            }
            Moved::Nothing { to, mappings } => {
                let mappings = style::counted(*mappings, "mapping");
                return print(&format!(
                    "{GOOD}Nothing to move{GOOD:#}: no other store holds any, the {to} has {mappings}\n"
                ));
            }
            Moved::Copied { copied, emptied } => (copied, *emptied),
        };
        let Copied { from, to, mappings, added } = copied;
        if self.json {
            return self.document(
                &json!({"from": from, "to": to, "mappings": mappings, "added": added, "emptied": emptied}),
            );
        }
        let what = if emptied { "Moved" } else { "Copied" };
        let mappings = style::counted(*mappings, "mapping");
        let mut text = format!(
            "{GOOD}{what}{GOOD:#}: {mappings} from the {from} to the {to} ({} new there), read back and found whole\n",
            style::count(*added)
        );
        if !emptied {
            text += &format!("The {from} still holds them; `--yes` empties it\n");
        }
        text += &match (*from, *to) {
            (_, "extension") => String::new(),
            ("extension", "table") => {
                "Next: remove the extension from the server, or use --state table: by itself a run prefers an extension\n"
                    .to_owned()
            }
            (_, "table") => String::new(),
            _ => format!("Next: use --state file, here and wherever else you push from, and commit {}\n", style::path(file)),
        };
        print(&text)
    }

    /// An extension that was written.
    pub(crate) fn installed(&self, installed: &Installed) -> Result<(), Failure> {
        let Installed { folder, version, before, missing_manifest } = installed;
        if let Some(manifest) = missing_manifest {
            self.notice(&format!(
                "{} is missing: if Directus runs there, it loads no extension (its content may be {{}})",
                style::path(manifest)
            ));
        }
        if self.json {
            return self.document(&json!({
                "folder": folder, "version": version, "before": before, "missing_manifest": missing_manifest,
            }));
        }
        let instead = match before {
            Some(before) if before == version => " (it was there, and is written anew)".to_owned(),
            Some(before) => format!(" in place of {before}"),
            None => String::new(),
        };
        print(&format!(
            "{GOOD}Installed{GOOD:#}: {} {version}{instead}\n\
             Next:\n  \
             1. restart Directus (with EXTENSIONS_AUTO_RELOAD=true it loads the extension by itself)\n  \
             2. lockstep state show                  tells whether the instance answers with it\n  \
             3. lockstep state move --to extension   if its mappings were in its table or in a file\n",
            style::path(folder)
        ))
    }
}
