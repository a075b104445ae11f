//! What is told of stores of mappings, and of the extension that is one.

use lockstep_engine::extension::Installed;
use serde_json::json;

use super::style::{self, GOOD};
use super::{Output, print};
use crate::commands::Failure;

impl Output {
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
