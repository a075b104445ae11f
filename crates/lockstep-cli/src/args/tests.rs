use clap::CommandFactory;
use secrecy::ExposeSecret;

use super::*;
use crate::config::Values;

fn read(line: &str) -> Cli {
    Cli::read(std::iter::once("lockstep").chain(line.split(' '))).unwrap()
}

fn values(line: &str) -> Values {
    read(line).values()
}

fn refused(line: &str) -> clap::Error {
    Cli::read(std::iter::once("lockstep").chain(line.split(' ').filter(|word| !word.is_empty()))).unwrap_err()
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn global_options_go_before_and_after_the_command() {
    for line in
        ["-u http://a -t -x- -d --sort-json pull", "pull --directus-url=http://a -t=-x- -d --sort-json"]
    {
        let values = values(line);
        assert_eq!(values.directus_url.as_deref(), Some("http://a"), "{line}");
        assert_eq!(values.directus_token.unwrap().expose_secret(), "-x-", "{line}");
        assert_eq!((values.debug, values.sort_json), (Some(true), Some(true)), "{line}");
    }
    assert!(read("state --json show -q").global.json);
    assert!(read("state show -q").global.quiet);
}

#[test]
fn flags_are_given_or_not() {
    let given =
        |v: &Values| [v.collections, v.snapshot, v.split, v.specs, v.sync_policy_roles, v.debug, v.sort_json];
    assert_eq!(given(&values("pull")), [None; 7]);
    let off = "pull --no-collections --no-snapshot --no-split --no-specs --no-sync-policy-roles --no-debug --no-sort-json";
    assert_eq!(given(&values(off)), [Some(false); 7]);
    let on = "pull --collections --snapshot --split --specs --sync-policy-roles --debug --sort-json";
    assert_eq!(given(&values(on)), [Some(true); 7]);
    assert_eq!(values("diff --no-split --split").split, Some(true));
    assert_eq!(values("diff --split --no-split").split, Some(false));
}

#[test]
fn lists_are_comma_separated() {
    let values = values("push -o roles,policies --exclude-collections=flows --preserve-ids roles,panels");
    assert_eq!(values.only_collections.unwrap(), ["roles", "policies"]);
    assert_eq!(values.exclude_collections.unwrap(), ["flows"]);
    assert_eq!(values.preserve_ids.unwrap(), ["roles", "panels"]);
    assert_eq!(read("diff --preserve-ids *").values().preserve_ids.unwrap(), ["*"]);
}

#[test]
fn every_command_takes_its_options() {
    let Command::Push(push) =
        read("push -f --pretty-diff --prune --allow-destructive -y --max-push-retries 0 --state table")
            .command
    else {
        panic!("not a push")
    };
    assert!(push.compare.force && push.compare.pretty_diff && push.compare.prune);
    assert!(push.consent.allow_destructive && push.consent.yes);
    let Command::Diff(diff) = read("diff --force --prune --exit-code --state-file s.json").command else {
        panic!("not a diff")
    };
    assert!(diff.compare.force && diff.compare.prune && diff.exit_code);
    assert_eq!(values("push --max-push-retries 0 --state table").state, Some(StateChoice::Table));
    assert_eq!(values("state show --state file --dump-path d").dump_path, Some("d".into()));
    assert_eq!(values("pull --specs-path s").specs_path, Some("s".into()));
}

#[test]
fn state_link_takes_three_words() {
    let Command::State(StateArgs { command: StateCommand::Link { collection, sync_id, local_id }, .. }) =
        read("state link roles 6f1c 2b9e").command
    else {
        panic!("not a link")
    };
    assert_eq!((collection.as_str(), sync_id.as_str(), local_id.as_str()), ("roles", "6f1c", "2b9e"));
}

#[test]
fn wrong_usage_is_64_help_and_version_are_0() {
    let wrong = [
        "",
        "state",
        "state link roles",
        "pul",
        "pull --bogus",
        "pull --dump-path",
        "pull --prune",
        "diff --yes",
        "push --max-push-retries many",
        "push --state somewhere",
        "pull -q -d",
        "diff --no-specs",
    ];
    for line in wrong {
        let error = refused(line);
        assert_eq!(exit_code(&error), 64, "{line}");
        assert!(error.use_stderr(), "{line}");
    }
    for line in ["--help", "-h", "pull --help", "state link -h", "--version", "-V", "help push"] {
        let error = refused(line);
        assert_eq!(exit_code(&error), 0, "{line}");
        assert!(!error.use_stderr(), "{line}");
    }
}

#[test]
fn secrets_are_in_no_debug_output() {
    let cli = read("pull -t s3cret -p s3cret");
    assert!(!format!("{cli:?}").contains("s3cret"));
}
