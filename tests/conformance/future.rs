//! Fields that a later Directus, or a hand, has put into a dump: named, left out where the instance does not have them,
//! never a reason to fail.

use lockstep_testkit::cli::Cli;
use lockstep_testkit::directus::Directus;
use serde_json::json;

use crate::stage::portrait::assert_alike;
use crate::stage::project;
use crate::stage::{on_every_version, pull};

const COLLECTIONS: [&str; 9] = [
    "flows",
    "folders",
    "operations",
    "panels",
    "permissions",
    "presets",
    "roles",
    "settings",
    "translations",
];

async fn unknown_fields_are_named_and_left_out(version: &str) {
    let (a, b) = Directus::pair(version).await.unwrap();
    project::fill(&a).await;
    let cli = Cli::new();
    pull(&cli, &a).await;
    for collection in COLLECTIONS {
        cli.files().edit(collection, |records| {
            for record in records {
                record["of_tomorrow"] = json!({"is": ["unknown"]});
            }
        });
    }
    // Records that are created, and records that are there.
    for round in ["created", "there"] {
        let report = cli.run(&["push", "--json"], &b).await.exits(0).json();
        assert_eq!(report["converged"], true, "{round}: {report:#}");
        let notices = report["notices"].to_string();
        assert!(notices.contains("of_tomorrow"), "{round}: {notices}");
        assert_alike(&a, &b).await;
    }
    let ran = cli.run(&["diff", "--exit-code"], &b).await.exits(0);
    for collection in COLLECTIONS {
        let line = ran.stderr.lines().find(|line| line.contains(&format!("{collection}:")));
        assert!(line.is_some_and(|line| line.contains("of_tomorrow")), "{collection}\n{ran}");
    }
}

on_every_version!(unknown_fields_are_named_and_left_out);
