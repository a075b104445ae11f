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

/// Keeps what it is given.
#[derive(Debug, Default)]
struct Kept(std::sync::Arc<std::sync::Mutex<Vec<Entry>>>);

impl Ledger for Kept {
    fn append(&self, entry: &Entry) -> Result<(), JournalError> {
        // As it comes back from wherever it was.
        let text = serde_json::to_string(entry).unwrap();
        self.0.lock().unwrap().push(serde_json::from_str(&text).unwrap());
        Ok(())
    }

    fn check(&self) -> Result<(), JournalError> {
        Ok(())
    }

    fn give_up(&self) {}
}

/// A ledger that has been lost.
#[derive(Debug)]
struct Gone;

impl Ledger for Gone {
    fn append(&self, _: &Entry) -> Result<(), JournalError> {
        self.check()
    }

    fn check(&self) -> Result<(), JournalError> {
        Err(JournalError::Lost("gone".to_owned()))
    }

    fn give_up(&self) {}
}

/// All that is in a journal.
fn content(journal: &Journal) -> Vec<String> {
    let connection = journal.held();
    let mut lines = Vec::new();
    for table in ["note", "mark", "pair", "tombstone", "intent", "writing", "conflict", "tally"] {
        let mut query = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = query.column_count();
        let rows = query.query_map([], |row| {
            (0..columns)
                .map(|column| row.get::<_, rusqlite::types::Value>(column))
                .collect::<Result<Vec<_>, _>>()
        });
        lines.extend(rows.unwrap().map(|row| format!("{table} {:?}", row.unwrap())));
    }
    lines.sort();
    lines
}

#[test]
fn a_ledger_makes_the_same_journal_again() {
    let folder = tempfile::tempdir().unwrap();
    let kept = Kept::default();
    let entries = std::sync::Arc::clone(&kept.0);
    let journal = Journal::open(&folder.path().join("one.db")).unwrap().with_ledger(Box::new(kept));
    let fields = |text: &str| json!({"title": text, "n": 1.5, "ü": null}).as_object().unwrap().clone();
    let pair = |source: &str, target: &str| Pair {
        source: source.to_owned(),
        target: target.to_owned(),
        common: fields(source),
        stamps: [Some("s".to_owned()), None],
    };
    let mark = |key: &str| Mark {
        edge: "e".to_owned(),
        collection: "c".to_owned(),
        side: Side::Target,
        key: key.to_owned(),
    };
    journal.mark(&[mark("1"), mark("2"), mark("3")], Some(("a", 7))).unwrap();
    let due = journal.due("e", "c", now(), 0, 9).unwrap();
    journal.failed("e", "c", &due[0], "why", Some(5)).unwrap();
    journal.failed("e", "c", &due[1], "why", None).unwrap();
    journal.settle("e", "c", &[Outcome::Paired(pair("1", "10"))], &due[2..]).unwrap();
    // The same target under another key.
    journal
        .settle("e", "c", &[Outcome::Paired(pair("2", "10")), Outcome::Paired(pair("3", "30"))], &[])
        .unwrap();
    journal
        .settle("e", "c", &[Outcome::Gone { source: "3".to_owned(), target: "30".to_owned() }], &[])
        .unwrap();
    journal.retry(None, Some("c"), None).unwrap();
    let intent =
        |key: &str| Intent { side: Side::Source, key: key.to_owned(), fields: fields(key), newest: 3, at: 4 };
    journal.intend("e", "c", &[intent("7"), intent("8")]).unwrap();
    journal.forget("e", "c", &[(Side::Source, "7".to_owned())]).unwrap();
    let writing = |source: &str| Writing {
        side: Side::Target,
        source: source.to_owned(),
        target: "t".to_owned(),
        since: 1,
        at: 2,
        read: fields("read"),
        body: fields("body"),
    };
    journal.writing("e", "c", &[writing("1"), writing("2")]).unwrap();
    journal.written("e", "c", &[(Side::Target, "1".to_owned())]).unwrap();
    let decision = lockstep_core::merge::Decision {
        clash: lockstep_core::merge::Clash::BothEdited,
        field: Some("title".to_owned()),
        base: json!(1),
        source: json!("a"),
        target: json!("b"),
        winner: None,
    };
    journal.decided("e", "c", ("1", "10"), &[decision]).unwrap();
    journal.agreed("e", "c", "1").unwrap();
    journal.count("e", "applied", 3).unwrap();
    journal.count("e", "applied", 2).unwrap();
    journal.order("e", true).unwrap();
    journal.halt("e", "halted").unwrap();
    assert!(journal.take_order("e").unwrap());
    journal.carried_out("e").unwrap();
    let entries = entries.lock().unwrap().clone();
    let other = Journal::open(&folder.path().join("other.db")).unwrap();
    for entry in &entries {
        other.repeat(entry).unwrap();
    }
    assert_eq!(content(&other), content(&journal));
    journal.use_up_consent("e").unwrap();
    let written: std::collections::BTreeSet<String> =
        entries.iter().flat_map(|entry| &entry.0).map(|(statement, _)| format!("{statement:?}")).collect();
    let never: Vec<_> = Statement::ALL.iter().filter(|one| !written.contains(&format!("{one:?}"))).collect();
    assert_eq!(never, [&Statement::DropNoteThatSays], "each kind of write was tried");
}

#[test]
fn what_a_ledger_does_not_take_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("live.db")).unwrap().with_ledger(Box::new(Gone));
    assert!(matches!(journal.note("name", Some("value")), Err(JournalError::Lost(_))));
    assert_eq!(journal.noted("name").unwrap(), None);
    assert!(matches!(journal.check(), Err(JournalError::Lost(_))));
}
