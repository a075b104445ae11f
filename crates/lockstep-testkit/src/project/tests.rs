use std::collections::BTreeSet;

use serde_json::Value;

use lockstep_sandbox::sample::{self, Edition, Step};

use super::{large, large_core};

const EDITIONS: [Edition; 3] = [Edition::Ten, Edition::Eleven, Edition::Twelve];

fn records<'a>(steps: &'a [Step], wanted: &str) -> Vec<&'a Value> {
    let of_step = |step: &'a Step| match step {
        Step::Batch(path, records) | Step::Each(path, records) if *path == wanted => records.as_slice(),
        _ => &[],
    };
    steps.iter().flat_map(of_step).collect()
}

fn counts<const N: usize>(steps: &[Step], paths: [&str; N]) -> [usize; N] {
    paths.map(|path| records(steps, path).len())
}

#[test]
fn the_large_project_has_the_sizes_that_figures_are_about() {
    let paths = [
        "/collections",
        "/relations",
        "/folders",
        "/roles",
        "/policies",
        "/permissions",
        "/flows",
        "/operations",
        "/dashboards",
        "/panels",
        "/presets",
        "/translations",
    ];
    assert_eq!(counts(&large::steps(1.0), paths), [60, 59, 150, 30, 30, 2400, 200, 1000, 40, 320, 200, 600]);
    assert_eq!(counts(&large::steps(0.05), paths), [3, 2, 7, 1, 1, 4, 10, 50, 2, 16, 10, 30]);
    let paths = [
        "/collections",
        "/roles",
        "/policies",
        "/permissions",
        "/folders",
        "/dashboards",
        "/panels",
        "/translations",
    ];
    assert_eq!(counts(&large_core::steps(), paths), [20, 30, 30, 2400, 150, 40, 320, 600]);
}

#[test]
fn the_sample_stays_within_an_unlicensed_directus_12() {
    let steps = sample::steps(Edition::Twelve);
    let tables =
        records(&steps, "/collections").into_iter().filter(|table| !table["schema"].is_null()).count();
    assert!(tables <= 25, "{tables} collections");
    let active = records(&steps, "/flows").into_iter().filter(|flow| flow["status"] == "active").count();
    assert!(active <= 5, "{active} active flows");
    for permission in records(&steps, "/permissions") {
        let rules = ["permissions", "validation", "presets"].map(|rule| &permission[rule]);
        assert!(rules.iter().all(|rule| rule.is_null()) && permission["fields"][0] == "*", "{permission}");
    }
}

/// What has an id, in the order of sending, and whatever looks like one of ours.
#[test]
fn every_record_comes_after_what_it_refers_to() {
    for steps in EDITIONS.map(sample::steps).into_iter().chain([large::steps(0.1), large_core::steps()]) {
        let ids: BTreeSet<_> =
            steps.iter().flat_map(records_of).filter_map(|record| record["id"].as_str()).collect();
        let mut known = BTreeSet::new();
        for record in steps.iter().flat_map(records_of) {
            if let Some(id) = record["id"].as_str() {
                assert!(known.insert(id), "{record} is there twice");
            }
            for field in [
                "parent",
                "role",
                "policy",
                "flow",
                "resolve",
                "reject",
                "dashboard",
                "storage_default_folder",
            ] {
                let referred = record[field].as_str();
                assert!(referred.is_none_or(|id| known.contains(id)), "{field} of {record}");
            }
            // A flow may name an operation that comes later.
            assert!(record["operation"].as_str().is_none_or(|id| ids.contains(id)), "operation of {record}");
        }
    }
}

fn records_of(step: &Step) -> &[Value] {
    match step {
        Step::Batch(_, records) | Step::Each(_, records) => records,
        Step::Patch(_, record) => std::slice::from_ref(record),
    }
}
