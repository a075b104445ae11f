//! What is told of a run on a real server: as much as was asked of it, and never a secret.

use lockstep_testkit::cli::Cli;
use lockstep_testkit::directus::Directus;
use lockstep_testkit::proxy::Proxy;
use serde_json::Value;

use crate::stage::{on_every_version, project};

const COUNTS: [&str; 5] = ["create", "update", "delete", "unchanged", "dangling"];

async fn a_run_is_told_in_full_and_without_secrets(version: &str) {
    let (a, b) = Directus::pair(version).await.unwrap();
    project::fill(&a).await;
    let (of_a, of_b) = (Proxy::start(&a.url()).await.unwrap(), Proxy::start(&b.url()).await.unwrap());
    let cli = Cli::new();
    for (command, proxy) in [("pull", &of_a), ("diff", &of_b), ("push", &of_b), ("diff", &of_b)] {
        proxy.clear();
        let ran = cli.run(&[command, "--json", "--debug"], proxy).await.exits(0);
        let (report, asked) = (ran.json(), proxy.requests());
        assert_eq!(
            (&report["command"], report["requests"].as_u64()),
            (&command.into(), Some(asked.len() as u64))
        );
        assert!(report["duration_ms"].is_u64() && report["instance"]["version"] == a.version(), "{ran}");
        for seen in &asked {
            let line = format!("{} {} {} ", seen.method, seen.path, seen.status.unwrap());
            assert!(ran.stderr.lines().any(|told| told.starts_with(&line)), "{line}\n{ran}");
        }
        assert!(!ran.stderr.contains(a.token()) && !ran.stdout.contains(a.token()), "{ran}");
        if command != "pull" {
            is_counted(&report);
        }
    }
    let ran = cli.run(&["push"], &of_b).await.exits(0);
    assert!(ran.stdout.starts_with("Nothing to push") || ran.stdout.contains("\nNothing to push"), "{ran}");
    drop(cli.run(&["diff", "--exit-code"], &of_b).await.exits(0));
}

/// Each collection says how many records it has for each action, and names them one by one.
#[track_caller]
fn is_counted(report: &Value) {
    for (name, collection) in report["collections"].as_object().unwrap() {
        for count in COUNTS {
            assert!(collection[count].is_u64(), "{name} has no {count}: {collection:#}");
        }
        let items = collection["items"].as_array().unwrap();
        for action in ["create", "update", "delete"] {
            let named = items.iter().filter(|item| item["action"] == action).count() as u64;
            assert_eq!(collection[action], named, "{name} {action}");
        }
        for item in items {
            assert!(item["label"].is_string() && item["changes"].is_array(), "{name}: {item:#}");
            let changes = item["changes"].as_array().unwrap();
            let whole =
                |change: &Value| ["path", "before", "after"].iter().all(|key| change.get(key).is_some());
            assert!(changes.iter().all(whole), "{name}: {item:#}");
        }
    }
}

on_every_version!(a_run_is_told_in_full_and_without_secrets);
