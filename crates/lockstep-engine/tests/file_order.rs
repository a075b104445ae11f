//! The order of records in a file, against a dump that directus-sync wrote.

use std::path::Path;

use lockstep_core::collection::COLLECTIONS;
use lockstep_core::file_order;
use lockstep_core::record::Record;
use lockstep_engine::dump::{DumpPaths, read_collections};

#[test]
fn taking_over_a_dump_of_directus_sync_moves_no_record() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/dump-11.17.4");
    let names: Vec<&str> = COLLECTIONS.iter().map(|collection| collection.name).collect();
    let dump = read_collections(&DumpPaths::new(root), &names).unwrap();
    for collection in &COLLECTIONS {
        // directus-sync leaves operations with the same key in the order of the server.
        if collection.name == "operations" {
            continue;
        }
        let records = dump.records[collection.name].clone().unwrap();
        assert!(!records.is_empty(), "{}", collection.name);
        let written: Vec<Record> =
            records.into_iter().map(|fields| Record::from_dump(fields).unwrap()).collect();
        let mut sorted = written.clone();
        sorted.reverse();
        file_order::sort(collection, &mut sorted);
        assert_eq!(sorted, written, "{}", collection.name);
    }
}
