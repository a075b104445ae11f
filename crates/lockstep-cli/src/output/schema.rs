//! What `lockstep schema` prints.

use lockstep_core::report::SchemaReport;
use lockstep_core::schema::{ChangeKind, Finding, Risk, SchemaChange, SchemaItem, Severity};

use super::plan::{schema_changes, schema_summary};
use super::printable::line;
use super::style::{BAD, BOLD, DIM, GOOD, WARN, counted};

/// What leads from one schema to another, for a terminal.
pub(super) fn text(report: &SchemaReport, (current, desired): (&str, &str)) -> String {
    let title = format!("{BOLD}{} -> {}{BOLD:#}\n", line(current), line(desired));
    if report.changes.is_empty() {
        return format!("{title}{GOOD}No differences{GOOD:#} of the schema\n");
    }
    format!(
        "{title}\n{}\n{BOLD}Summary:{BOLD:#} {}\n",
        schema_changes(&report.changes),
        schema_summary(&report.changes)
    )
}

/// The same for a comment on a pull request: what may cost something first, the rest folded away.
pub(super) fn markdown(
    report: &SchemaReport,
    (current, desired): (&str, &str),
    notices: &[String],
) -> String {
    let title = format!("### Schema: `{}` → `{}`\n\n", code(current), code(desired));
    if report.changes.is_empty() {
        return format!("{title}No differences.\n{}", noted(notices));
    }
    let mut text = format!("{title}{}\n", schema_summary(&report.changes));
    let risky: Vec<&SchemaChange> =
        report.changes.iter().filter(|change| change.risk != Risk::Safe).collect();
    if !risky.is_empty() {
        text += "\n| | Change | Why | Instead |\n|---|---|---|---|\n";
        for change in risky {
            let sign = if change.risk == Risk::Destructive { "🛑 destructive" } else { "⚠️ lossy" };
            let loses = loses(change).map(|loses| format!(" ({loses})")).unwrap_or_default();
            text += &format!(
                "| {sign} | {} | {}{loses} | {} |\n",
                named(change),
                cell(change.reason.as_deref().unwrap_or_default()),
                cell(change.way_out.unwrap_or_default()),
            );
        }
    }
    text += "\n<details><summary>All changes</summary>\n\n";
    let mut collection = "";
    for change in &report.changes {
        if change.collection != collection {
            collection = &change.collection;
            text += &format!("\n**{}**\n", cell(collection));
        }
        let paths = change.edits.iter().map(|edit| edit.path.as_str()).filter(|path| !path.is_empty());
        let edits: Vec<String> = paths.map(|path| format!("`{}`", code(path))).collect();
        let edits = if edits.is_empty() { String::new() } else { format!(": {}", edits.join(", ")) };
        text += &format!("- {}{edits}\n", named(change));
    }
    text += "\n</details>\n";
    text + &noted(notices)
}

fn noted(notices: &[String]) -> String {
    notices.iter().map(|notice| format!("\n> {}\n", cell(notice))).collect()
}

/// How much would go, where it was counted.
pub(super) fn loses(change: &SchemaChange) -> Option<String> {
    let number = usize::try_from(change.loses?).unwrap_or(usize::MAX);
    let what = if change.what == SchemaItem::Collection { "row" } else { "value" };
    Some(if number == 0 { format!("no {what}s there") } else { counted(number, what) })
}

/// What is wrong with a schema.
pub(super) fn findings(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return format!("{GOOD}Nothing is wrong{GOOD:#} with the schema\n");
    }
    let mut text = String::new();
    for finding in findings {
        let (style, word) = match finding.severity {
            Severity::Error => (BAD, "error"),
            Severity::Warning => (WARN, "warning"),
        };
        text += &format!(
            "{style}{word}{style:#} {BOLD}{}{BOLD:#}: {}  {DIM}{}{DIM:#}\n    {DIM}hint:{DIM:#} {}\n",
            line(&finding.name),
            line(&finding.message),
            finding.code,
            finding.hint
        );
    }
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    text + &format!(
        "{}, {}\n",
        counted(of(Severity::Error), "error"),
        counted(of(Severity::Warning), "warning")
    )
}

fn named(change: &SchemaChange) -> String {
    let verb = match change.kind {
        ChangeKind::Create => "add",
        ChangeKind::Update => "change",
        ChangeKind::Delete => "drop",
    };
    let what = match change.what {
        SchemaItem::Collection => "collection",
        SchemaItem::Field | SchemaItem::SystemField => "field",
        SchemaItem::Relation => "relation",
    };
    format!("{verb} {what} `{}`", code(&change.name()))
}

/// Text inside a table: nothing of it may end the cell or the line, be a link, or call somebody.
fn cell(text: &str) -> String {
    let escapes = [("|", "\\|"), ("<", "&lt;"), ("[", "\\["), ("`", "'"), ("@", "&#64;")];
    escapes.iter().fold(line(text), |text, (from, to)| text.replace(from, to))
}

fn code(text: &str) -> String {
    line(text).replace('`', "'").replace('|', "\\|")
}
