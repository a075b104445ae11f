//! The configuration, told.

use serde_json::{Map, Value, json};

use super::printable::line;
use super::style::{BOLD, DIM, GOOD, WARN};
use super::{Output, print, style};
use crate::commands::{Failure, Written};
use crate::config::{Origin, Resolved, Shown};

impl Output {
    /// Each value and where it comes from.
    pub(crate) fn configuration(&self, resolved: &Resolved) -> Result<(), Failure> {
        let shown = resolved.settings.shown();
        if self.json {
            return self.document(&document(resolved, &shown));
        }
        let mut text = String::new();
        let files: Vec<_> = resolved.files.iter().map(|file| style::path(file)).collect();
        text += &match files.is_empty() {
            true => format!("{DIM}no configuration file{DIM:#}\n"),
            false => format!("{BOLD}{}{BOLD:#}\n", files.join(" extends ")),
        };
        match &resolved.profile {
            Some(profile) => {
                text += &format!(
                    "profile {BOLD}{}{BOLD:#} {DIM}{}{DIM:#}\n",
                    profile.value,
                    origin(&profile.origin)
                );
            }
            None if resolved.profiles.is_empty() => {}
            None => text += &format!("{DIM}no profile of {}{DIM:#}\n", resolved.profiles.join(", ")),
        }
        let width = shown.iter().map(|shown| shown.key.name.len()).max().unwrap_or_default();
        for shown in &shown {
            let name = shown.key.name;
            let value = match (&shown.unset, &shown.value) {
                (Some(unset), _) => format!("{WARN}the variable {} is not set{WARN:#}", unset.variable),
                (None, Value::Null) => format!("{DIM}not given{DIM:#}"),
                (None, value) => line(&value_text(value)),
            };
            text += &format!("  {name:width$}  {value}  {DIM}{}{DIM:#}\n", origin(&shown.origin));
        }
        print(&text)
    }

    /// What `lockstep init` wrote, and what comes next.
    pub(crate) fn initialized(&self, url: &str, written: &[Written]) -> Result<(), Failure> {
        if self.json {
            let files: Vec<_> =
                written.iter().map(|file| json!({"path": file.path, "what": file.what})).collect();
            return self.document(&json!({"directusUrl": url, "files": files}));
        }
        let mut text = String::new();
        for file in written {
            text += &format!("{GOOD}{}{GOOD:#}  {}\n", style::path(&file.path), file.what);
        }
        text += &format!(
            "\nThe configuration says where Directus is ({}) and where the dump goes (./directus-config).\n\
             More keys, all optional:\n\
             {DIM}  excludeCollections  system collections that take no part\n\
             {DIM}  records             which records take part, and which of their fields do not\n\
             {DIM}  profiles            other instances, each with its own URL and values: --profile staging\n\
             {DIM}  overrides           values that differ between instances, such as the address of a webhook\n\
             {DIM}  extends             files to build on{DIM:#}\n\
             A string may hold ${{VARIABLE}}, from the environment or .env: that is where secrets belong.\n\n\
             {BOLD}Next{BOLD:#}\n\
             \x20 1. put an administrator's static token behind DIRECTUS_TOKEN= in .env\n\
             \x20 2. lockstep config show   what holds, and where it comes from\n\
             \x20 3. lockstep pull          the instance becomes ./directus-config; commit it\n",
            line(url)
        );
        print(&text)
    }
}

fn document(resolved: &Resolved, shown: &[Shown]) -> Value {
    let settings: Map<String, Value> = shown
        .iter()
        .map(|shown| {
            let mut entry = json!({"value": shown.value, "origin": origin_document(&shown.origin)});
            if let Some(unset) = &shown.unset {
                entry["unset"] = json!(unset.variable);
            }
            (shown.key.name.to_owned(), entry)
        })
        .collect();
    let profile = resolved.profile.as_ref();
    json!({
        "files": resolved.files,
        "profile": profile.map(|profile| &profile.value),
        "profiles": resolved.profiles,
        "settings": settings,
    })
}

fn origin_document(origin: &Origin) -> Value {
    match origin {
        Origin::CommandLine => json!({"kind": "command line"}),
        Origin::Environment(variable) => json!({"kind": "environment", "variable": variable}),
        Origin::DotEnv { variable, file } => json!({"kind": ".env", "variable": variable, "file": file}),
        Origin::Profile { name, file } => json!({"kind": "profile", "profile": name, "file": file}),
        Origin::File(file) => json!({"kind": "file", "file": file}),
        Origin::Several(origins) => {
            json!({"kind": "several", "origins": origins.iter().map(origin_document).collect::<Vec<_>>()})
        }
        Origin::Default => json!({"kind": "default"}),
    }
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::CommandLine => "command line".into(),
        Origin::Environment(variable) => format!("environment variable {variable}"),
        Origin::DotEnv { variable, file } => format!("{variable} in {}", style::path(file)),
        Origin::Profile { name, file } => format!("profile {name} in {}", style::path(file)),
        Origin::File(file) => style::path(file),
        Origin::Several(origins) => origins.iter().map(self::origin).collect::<Vec<_>>().join(" and "),
        Origin::Default => "default".into(),
    }
}

/// Paths as they would be typed.
fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) if text.starts_with('/') => style::path(text.as_ref()),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".into(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().map(value_text).collect::<Vec<_>>().join(", ")
        }
        Value::Object(fields) if fields.is_empty() => "none".into(),
        other => other.to_string(),
    }
}
