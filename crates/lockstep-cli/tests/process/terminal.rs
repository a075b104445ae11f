//! A person at a terminal is asked, and who closes the pipe gets no error. `script` of util-linux is the terminal.

use lockstep_testkit::cli::{Cli, Ran};
use lockstep_testkit::directus::ADMIN_TOKEN;

use crate::fake::Fake;
use crate::output::{dump, dump_ahead, instance, instance_behind};
use crate::place::Place;

const BINARY: &str = env!("CARGO_BIN_EXE_lockstep");

fn at(place: &Place, fake: &Fake) -> String {
    let dump = place.cli.files().root().display().to_string();
    format!("--dump-path '{dump}' -u {} -t {ADMIN_TOKEN}", fake.url())
}

/// Runs it in a terminal into which somebody types.
async fn typing(answer: &str, arguments: &str, place: &Place, fake: &Fake) -> Ran {
    typing_at(answer, &format!("{arguments} {}", at(place, fake)), place).await
}

/// The same where the arguments say all.
pub(crate) async fn typing_at(answer: &str, arguments: &str, place: &Place) -> Ran {
    let home = place.cli.dir().display();
    let command = format!("cd '{home}' && '{BINARY}' {arguments}").replace('\'', "'\\''");
    let shell = format!("printf '{answer}\\n' | script -qec '{command}' /dev/null");
    Cli::of("/bin/sh").env("TERM", "xterm").run_bare(&["-c", &shell]).await
}

#[tokio::test]
async fn no_writes_nothing() {
    let (place, fake) = (dump(), instance().await);
    for answer in ["n", "", "nope"] {
        let ran = typing(answer, "push", &place, &fake).await.exits(3);
        let ran = ran.says("Apply these changes? [y/N]").says("error: not applied: nothing was written");
        assert!(ran.stdout.contains("+ Author"), "{ran}");
    }
    assert!(fake.writes().is_empty(), "{:#?}", fake.writes());
}

#[tokio::test]
async fn yes_applies() {
    let (place, fake) = (dump(), instance().await);
    let ran = typing("y", "push", &place, &fake).await.exits(2).says("Applied flows 1 updated");
    assert!(!fake.writes().is_empty(), "{ran}");
    let ran = typing("n", "push --yes", &place, &fake).await.exits(2);
    assert!(!ran.stdout.contains("[y/N]"), "{ran}");
}

#[tokio::test]
async fn destruction_takes_a_typed_yes() {
    let (place, fake) = (dump_ahead(), instance_behind().await);
    for (answer, arguments) in [("y", "push"), ("y", "push --yes"), ("YES", "push --quiet"), ("", "push")] {
        let ran = typing(answer, arguments, &place, &fake).await.exits(3);
        drop(ran.says("This destroys data. Type yes to go on:").says("destructive: the column"));
    }
    assert!(fake.writes().is_empty(), "{:#?}", fake.writes());
    drop(typing("yes", "push", &place, &fake).await.exits(2));
    assert!(!fake.writes().is_empty());
}

#[tokio::test]
async fn nobody_is_asked_for_json() {
    let (place, fake) = (dump(), instance().await);
    let ran = typing("n", "push --json", &place, &fake).await.exits(3);
    assert!(!ran.stdout.contains("[y/N]") && ran.stdout.contains("{\r\n  \""), "{ran}");
    drop(ran.says("not applied: nobody said yes").says("hint: say --yes"));
    assert!(fake.writes().is_empty(), "{:#?}", fake.writes());
    let ran = typing("n", "push --json --yes", &place, &fake).await.exits(2);
    assert!(!ran.stdout.contains("[y/N]") && ran.stdout.contains("{\r\n  \""), "{ran}");
}

#[tokio::test]
async fn a_closed_pipe_is_no_error() {
    let (place, fake) = (dump(), instance().await);
    for (arguments, reader) in
        [("diff", "head -1"), ("diff", "true"), ("diff --json", "true"), ("--help", "true")]
    {
        let connection = if arguments == "--help" { String::new() } else { at(&place, &fake) };
        let shell = format!("{{ '{BINARY}' {arguments} {connection}; echo $? >&2; }} | {reader}");
        let ran = Cli::of("/bin/sh").run_bare(&["-c", &shell]).await.exits(0);
        assert_eq!(ran.stderr, "0\n", "{ran}");
    }
}
