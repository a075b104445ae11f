use std::fs;

use lockstep_core::merge::{Clash, Decision};
use serde_json::{Value, json};

use super::pairs::Outcome;
use super::*;

fn new() -> (tempfile::TempDir, Journal) {
    let place = tempfile::tempdir().unwrap();
    let journal = Journal::open(&place.path().join("live.db")).unwrap();
    (place, journal)
}

fn mark(key: &str) -> Mark {
    Mark { edge: "a>b".into(), collection: "posts".into(), side: Side::Source, key: key.into() }
}

fn due(journal: &Journal) -> Vec<Due> {
    journal.due("a>b", "posts", now(), 0, 100).unwrap()
}

#[test]
fn a_mark_that_was_made_anew_is_not_done() {
    let (_place, journal) = new();
    journal.mark(&[mark("1"), mark("2")], Some(("a", 7))).unwrap();
    let seen = due(&journal);
    assert_eq!((seen.len(), journal.cursor("a").unwrap()), (2, Some(7)));
    journal.mark(&[mark("1")], None).unwrap();
    journal.settle("a>b", "posts", &[], &seen).unwrap();
    let left = due(&journal);
    assert_eq!(left.iter().map(|mark| mark.key.as_str()).collect::<Vec<_>>(), ["1"]);
}

#[test]
fn failures_wait_and_end_with_the_dead_letters() {
    let (_place, journal) = new();
    journal.mark(&[mark("1")], None).unwrap();
    let seen = due(&journal).remove(0);
    journal.failed("a>b", "posts", &seen, "no", Some(now() + 60_000)).unwrap();
    assert_eq!(due(&journal), []);
    journal.failed("a>b", "posts", &seen, "still no", None).unwrap();
    let letters = journal.dead_letters().unwrap();
    assert_eq!((letters.len(), letters[0].error.as_str(), letters[0].tries), (1, "still no", 2));
    assert_eq!(journal.queue("a>b").unwrap().dead, 1);
    assert_eq!(journal.retry(Some("other"), None, None).unwrap(), 0);
    assert_eq!(journal.retry(None, Some("posts"), Some("1")).unwrap(), 1);
    assert_eq!((due(&journal).len(), due(&journal)[0].tries), (1, 0));
}

#[test]
fn pairs_are_found_by_either_key_and_survive_a_restart() {
    let (place, journal) = new();
    let common = json!({"title": "x"}).as_object().unwrap().clone();
    let pair = Pair { source: "1".into(), target: "9".into(), common, stamps: [None, Some("s".into())] };
    journal.mark(&[mark("1")], None).unwrap();
    let marks = due(&journal);
    let intent = Intent { side: Side::Source, key: "1".into(), fields: Fields::new(), newest: 3, at: now() };
    journal.intend("a>b", "posts", &[intent]).unwrap();
    journal.settle("a>b", "posts", &[Outcome::Paired(pair.clone())], &marks).unwrap();
    drop(journal);
    let journal = Journal::open(&place.path().join("live.db")).unwrap();
    assert_eq!(journal.pairs("a>b", "posts", Side::Target, ["9"]).unwrap()["9"], pair);
    assert_eq!(journal.others("a>b", "posts", Side::Source, ["1", "2"]).unwrap()["1"], "9");
    assert_eq!((due(&journal), journal.intents("a>b", "posts").unwrap()), (vec![], vec![]));
    // The same target with another source is paired anew.
    let other = Pair { source: "2".into(), ..pair };
    journal.settle("a>b", "posts", &[Outcome::Paired(other)], &[]).unwrap();
    assert_eq!(journal.paired_keys("a>b", "posts", Side::Source).unwrap(), ["2"]);
    let gone = Outcome::Gone { source: "2".into(), target: "9".into() };
    journal.settle("a>b", "posts", &[gone], &[]).unwrap();
    assert_eq!(journal.tracked("a>b", "posts").unwrap(), 0);
}

#[test]
fn a_decision_is_recorded_once() {
    let (_place, journal) = new();
    let decision = Decision {
        clash: Clash::BothEdited,
        field: Some("title".into()),
        base: Value::Null,
        source: json!("x"),
        target: json!("y"),
        winner: None,
    };
    assert_eq!(journal.decided("a>b", "posts", ("1", "9"), std::slice::from_ref(&decision)).unwrap(), 1);
    assert_eq!(journal.decided("a>b", "posts", ("1", "9"), std::slice::from_ref(&decision)).unwrap(), 0);
    assert_eq!(journal.conflicts(true, 10).unwrap()[0].decision, decision);
    journal.agreed("a>b", "posts", "1").unwrap();
    assert_eq!(
        (journal.conflicts(true, 10).unwrap().len(), journal.conflicts(false, 10).unwrap().len()),
        (0, 1)
    );
}

#[test]
fn only_a_journal_is_taken_and_only_once() {
    let (place, journal) = new();
    let path = place.path().join("live.db");
    assert!(matches!(Journal::open(&path), Err(JournalError::InUse { .. })));
    assert!(Journal::visit(&path).is_ok());
    drop(journal);
    let text = place.path().join("text.db");
    fs::write(&text, "this is no database, but long enough to be looked at as one".repeat(20)).unwrap();
    assert!(matches!(Journal::open(&text), Err(JournalError::Foreign { .. })));
    let other = place.path().join("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
    assert!(matches!(Journal::open(&other), Err(JournalError::Foreign { .. })));
    assert!(matches!(Journal::visit(&place.path().join("none.db")), Err(JournalError::Missing { .. })));
    assert!(matches!(
        Journal::open(place.path()),
        Err(JournalError::File { .. } | JournalError::Foreign { .. })
    ));
}
