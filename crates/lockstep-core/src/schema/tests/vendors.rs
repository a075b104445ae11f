use super::vendor_snapshot;
use crate::schema::{Mode, Scope, adapt, diff};

#[test]
fn explore() {
    let all = ["sqlite-10.13.1", "sqlite-11.17.4", "postgres-11.17.4", "mysql-11.17.4"];
    for from in all {
        for to in all {
            let current = vendor_snapshot(to);
            let adapted = adapt(vendor_snapshot(from), &current, &Scope::default()).unwrap();
            println!("=== {from} -> {to}");
            if let Some(found) = diff(&current, &adapted.snapshot, Mode::Mirror).unwrap() {
                for change in found.changes(Some(&current)) {
                    println!("{:?} {:?} {} {}", change.kind, change.what, change.name(), change.code);
                    for edit in change.edits {
                        println!("    {}: {} -> {}", edit.path, serde_json::to_string(&edit.before).unwrap(), serde_json::to_string(&edit.after).unwrap());
                    }
                }
            }
            let mut by: std::collections::BTreeMap<String, Vec<String>> = Default::default();
            for it in &adapted.left_out {
                by.entry(format!("{:?} {:?} {:?} {:?}", it.what, it.kind, it.reason, it.paths)).or_default().push(format!("{}.{}", it.collection, it.field.clone().unwrap_or_default()));
            }
            for (k, v) in by { println!("  - {k}: {} {:?}", v.len(), v.iter().take(4).collect::<Vec<_>>()); }
        }
    }
}
