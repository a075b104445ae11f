//! The command line as a page of Markdown: `docs/cli.md`, which a test holds against what is typed here.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command};

/// The page. Options of every command are told once.
pub(crate) fn page(mut program: Command) -> String {
    program.build();
    let mut page = "# Commands\n\nMade from the program by its tests (`LOCKSTEP_BLESS=1 cargo test -p lockstep-cli reference`); \
        the same as `lockstep help`.\n"
        .to_owned();
    let global = program.get_arguments().filter(|option| option.is_global_set());
    page += "\n## Options of every command\n\n";
    page += &options(global);
    if let Some(after) = program.get_after_help() {
        // Writing to a text cannot fail; so everywhere below.
        let _ = write!(page, "\n```\n{after}\n```\n");
    }
    for command in told(&program) {
        section(&mut page, command, "lockstep");
    }
    page
}

fn section(page: &mut String, command: &Command, parent: &str) {
    let name = format!("{parent} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = write!(page, "\n## {name}\n\n{about}.\n");
    let arguments = command.get_positionals().filter(|argument| !argument.is_hide_set());
    let listed = options(arguments);
    if !command.has_subcommands() {
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ").trim();
        let _ = write!(page, "\n```\n{usage}\n```\n");
    }
    let own = command.get_arguments().filter(|option| !option.is_positional() && !option.is_global_set());
    for listed in [listed, options(own)].iter().filter(|listed| !listed.is_empty()) {
        let _ = write!(page, "\n{listed}");
    }
    if let Some(after) = command.get_after_help() {
        let _ = write!(page, "\n```\n{after}\n```\n");
    }
    for inner in told(command) {
        section(page, inner, &name);
    }
}

fn told(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| command.get_name() != "help" && !command.is_hide_set())
}

fn options<'a>(options: impl Iterator<Item = &'a Arg>) -> String {
    let own = |option: &&Arg| !matches!(option.get_action(), ArgAction::Help | ArgAction::Version);
    options.filter(|option| !option.is_hide_set()).filter(own).map(row).collect()
}

fn row(option: &Arg) -> String {
    let values: Vec<String> =
        option.get_value_names().into_iter().flatten().map(|name| format!("<{name}>")).collect();
    let value = if takes_value(option) { values.join(" ") } else { String::new() };
    let short = option.get_short().map(|short| format!("-{short}"));
    let long = option.get_long().map(|long| format!("--{long}"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    let name = format!("{} {value}", names.join(", "));
    let help = option.get_help().map(ToString::to_string).unwrap_or_default().replace('\n', " ");
    let possible: Vec<String> = option
        .get_possible_values()
        .iter()
        .filter(|_| takes_value(option))
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    let possible = if possible.is_empty() { String::new() } else { format!(" ({})", possible.join(", ")) };
    let default: Vec<_> = option.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default = match default.is_empty() || !takes_value(option) {
        true => String::new(),
        false => format!(" [default: {}]", default.join(",")),
    };
    format!("- `{}`: {help}{possible}{default}\n", name.trim())
}

fn takes_value(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::Set | ArgAction::Append)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Cli;

    #[test]
    fn the_page_of_the_documentation_is_what_the_program_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
        let page = page(Cli::command());
        if std::env::var_os("LOCKSTEP_BLESS").is_some_and(|value| value == "1") {
            std::fs::write(&path, &page).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == page,
            "docs/cli.md is stale: LOCKSTEP_BLESS=1 cargo test -p lockstep-cli reference"
        );
    }

    #[test]
    fn every_option_has_a_help_text() {
        fn bare(command: &Command, parent: &str) -> Vec<String> {
            let name = format!("{parent} {}", command.get_name());
            let told =
                command.get_arguments().filter(|option| !option.is_hide_set() && option.get_help().is_none());
            let own = told.map(|option| format!("{name} {}", option.get_id()));
            own.chain(command.get_subcommands().flat_map(|inner| bare(inner, &name))).collect()
        }
        let mut program = Cli::command();
        program.build();
        assert_eq!(bare(&program, ""), Vec::<String>::new());
    }
}
