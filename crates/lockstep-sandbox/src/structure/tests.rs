//! Whole schemas, there and back.

use std::path::Path;

use lockstep_core::schema::{Mode, Snapshot};
use serde_json::{Map, Value};

use super::{apply, diff, snapshot};
use crate::access::Who;
use crate::db::{Data, Database, Session};
use crate::error::Answer;

/// Does something to the structure of an empty instance.
pub(crate) fn altered<T>(work: impl FnOnce(&mut Session<'_>) -> Answer<T>) -> T {
    let database = Database::open(&Data::Memory).unwrap();
    database.alter(&Who::instance(), work).unwrap()
}

/// The object of a literal.
pub(crate) fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn fixture(name: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lockstep-core/tests/fixtures");
    let text = std::fs::read_to_string(root.join(name)).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    match value.get_mut("data") {
        Some(data) => data.take(),
        None => value,
    }
}

/// The schema, with columns of 36 characters that are not said to be UUIDs as the text that they become.
fn settled(name: &str) -> Value {
    let mut value = fixture(name);
    for field in value["fields"].as_array_mut().unwrap() {
        let schema = &field["schema"];
        let loose =
            field["type"] == "string" && schema["data_type"] == "char" && schema["is_primary_key"] == false;
        if loose && schema["foreign_key_table"].is_null() {
            field["schema"]["data_type"] = "varchar".into();
        }
    }
    value
}

fn parsed(value: &Value) -> Snapshot {
    Snapshot::from_value(value.clone()).unwrap()
}

/// Makes the schema the desired one, in the form that Lockstep sends.
pub(crate) fn converge(session: &mut Session<'_>, desired: &Value) -> Answer<()> {
    let current = snapshot::snapshot(session)?;
    let desired = parsed(desired);
    let Some(found) = lockstep_core::schema::diff(&current, &desired, Mode::Mirror).unwrap() else {
        return Ok(());
    };
    let (sent, untellable) = found.for_sending(&current, &desired);
    assert_eq!(untellable, Vec::<String>::new());
    apply(session, &sent.to_value(), false)
}

#[test]
fn a_schema_of_every_type_comes_back_and_goes_again() {
    altered(|session| {
        let empty = snapshot::snapshot(session)?;
        let desired = fixture("schema-vendors/sqlite-11.17.4.json");
        converge(session, &desired)?;
        // A UUID that is not said to be one becomes text, as on the real one.
        let left = diff(session, &desired, false)?.unwrap();
        assert_eq!(
            (left["diff"]["collections"].as_array(), left["diff"]["relations"].as_array()),
            (Some(&vec![]), Some(&vec![]))
        );
        let fields: Vec<&Value> =
            left["diff"]["fields"].as_array().unwrap().iter().map(|it| &it["field"]).collect();
        assert_eq!(fields, ["unspecial_uuid", "cust_rel"]);
        converge(session, &empty.to_value())?;
        assert_eq!(snapshot::snapshot(session)?, empty);
        Ok(())
    });
}

#[test]
fn a_schema_that_was_read_is_the_same_when_it_is_made_again() {
    let made = altered(|session| {
        converge(session, &settled("schema-diff/v11-current.json"))?;
        snapshot::snapshot(session)
    });
    let desired = parsed(&settled("schema-diff/v11-current.json"));
    let bytes = |snapshot: &Snapshot| snapshot.to_value().to_string();
    assert!(bytes(&made.clone().normalized()) == bytes(&desired.normalized()));
    altered(|session| {
        let empty = snapshot::snapshot(session)?.hash();
        let found = diff(session, &made.to_value(), false)?.unwrap();
        assert_eq!(found["hash"], empty);
        apply(session, &found, false)?;
        let again = snapshot::snapshot(session)?;
        assert_eq!(bytes(&again), bytes(&made));
        assert_eq!(again.hash(), made.hash());
        assert_eq!(diff(session, &made.to_value(), false)?, None);
        Ok(())
    });
}

#[test]
fn the_diff_of_a_real_server_leads_where_it_says() {
    altered(|session| {
        converge(session, &settled("schema-diff/v11-current.json"))?;
        let current = snapshot::snapshot(session)?;
        let desired = settled("schema-diff/v11-desired.json");
        let found = diff(session, &desired, false)?.unwrap();
        let theirs = fixture("schema-diff/v11-diff.json");
        for list in ["collections", "fields", "relations", "systemFields"] {
            let sorted = |diff: &Value| {
                let mut texts: Vec<String> =
                    diff["diff"][list].as_array().unwrap().iter().map(ToString::to_string).collect();
                texts.sort();
                texts
            };
            assert_eq!(sorted(&found), sorted(&theirs));
        }
        apply(session, &found, false)?;
        assert_eq!(diff(session, &desired, false)?, None);
        converge(session, &current.to_value())?;
        assert_eq!(snapshot::snapshot(session)?.normalized(), current.normalized());
        Ok(())
    });
}

#[test]
fn hundreds_of_collections_come_and_go_at_once() {
    altered(|session| {
        let empty = snapshot::snapshot(session)?;
        let mut desired = empty.to_value();
        let template = fixture("schema-diff/v11-current.json");
        let named = |item: &Value, number: usize| -> Value {
            let text = item.to_string().replace("bench_00", &format!("many_{number}_"));
            serde_json::from_str(&text).unwrap()
        };
        for list in ["collections", "fields", "relations"] {
            for number in 0..25 {
                let items = template[list].as_array().unwrap().iter().map(|item| named(item, number));
                desired[list].as_array_mut().unwrap().extend(items);
            }
        }
        let found = diff(session, &desired, false)?.unwrap();
        apply(session, &found, false)?;
        let current = snapshot::snapshot(session)?;
        assert_eq!(
            (current.collections().len(), current.fields().len(), current.relations().len()),
            (100, 1375, 75)
        );
        assert_eq!(session.schema.collections.values().filter(|it| !it.system).count(), 100);
        let back = diff(session, &empty.to_value(), false)?.unwrap();
        apply(session, &back, false)?;
        assert_eq!(snapshot::snapshot(session)?.hash(), empty.hash());
        Ok(())
    });
}
