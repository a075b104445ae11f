use super::*;
use crate::structure::tests::{altered, map};
use crate::structure::{collections, fields};

fn with_tables(work: impl FnOnce(&mut Session<'_>) -> Answer<()>) {
    altered(|session| {
        for name in ["a", "b"] {
            collections::create(session, &map(json!({"collection": name, "schema": {}, "meta": {}})))?;
        }
        fields::create(
            session,
            "b",
            &map(json!({"field": "to_a", "type": "integer", "meta": {"special": ["m2o"]}})),
        )?;
        fields::create(
            session,
            "a",
            &map(json!({"field": "bs", "type": "alias", "meta": {"special": ["o2m"]}})),
        )?;
        work(session)
    });
}

fn relation() -> Map<String, Value> {
    map(json!({
        "collection": "b", "field": "to_a", "related_collection": "a", "meta": {"one_field": "bs"},
        "schema": {"on_delete": "CASCADE"}
    }))
}

#[test]
fn a_relation_is_a_foreign_key_and_what_is_known_of_it() {
    with_tables(|session| {
        create(session, &relation())?;
        let read = read_one(session, "b", "to_a")?;
        assert_eq!(
            (&read["related_collection"], &read["schema"]["on_delete"]),
            (&json!("a"), &json!("CASCADE"))
        );
        assert_eq!(
            (&read["meta"]["one_field"], &read["schema"]["on_update"]),
            (&json!("bs"), &json!("NO ACTION"))
        );
        assert_eq!(fields::read_one(session, "b", "to_a")?["schema"]["foreign_key_table"], "a");
        assert!(session.schema.towards("a", "bs").is_some());
        let changes =
            map(json!({"schema": {"on_delete": "SET NULL"}, "meta": {"one_deselect_action": "delete"}}));
        update(session, "b", "to_a", &changes)?;
        let read = read_one(session, "b", "to_a")?;
        assert_eq!(read["schema"]["on_delete"], "SET NULL");
        assert_eq!(
            (&read["meta"]["one_field"], &read["meta"]["one_deselect_action"]),
            (&json!("bs"), &json!("delete"))
        );
        delete(session, "b", "to_a")?;
        // Its foreign key stays, and is a relation that nobody described.
        let read = read_one(session, "b", "to_a")?;
        assert_eq!((&read["meta"], &read["schema"]["on_delete"]), (&Value::Null, &json!("SET NULL")));
        assert_eq!(fields::read_one(session, "b", "to_a")?["schema"]["foreign_key_table"], "a");
        delete(session, "b", "to_a")?;
        Ok(())
    });
}

#[test]
fn either_field_of_a_relation_may_go() {
    with_tables(|session| {
        create(session, &relation())?;
        fields::delete(session, "a", "bs")?;
        assert_eq!(read_one(session, "b", "to_a")?["meta"]["one_field"], Value::Null);
        fields::create(
            session,
            "a",
            &map(json!({"field": "bs", "type": "alias", "meta": {"special": ["o2m"]}})),
        )?;
        update(session, "b", "to_a", &map(json!({"meta": {"one_field": "bs"}})))?;
        fields::delete(session, "b", "to_a")?;
        assert_eq!(fields::read_one(session, "a", "bs").unwrap_err().status, 403);
        assert_eq!(read_for(session, "b")?, Vec::<Value>::new());
        Ok(())
    });
}

#[test]
fn what_the_real_one_refuses_is_refused() {
    with_tables(|session| {
        for (key, value) in [
            ("collection", json!("nope")),
            ("collection", Value::Null),
            ("field", json!("nope")),
            ("field", json!("id")),
            ("related_collection", json!("nope")),
            ("schema", json!({"on_delete": "drop table a"})),
        ] {
            let mut payload = relation();
            payload.insert(key.into(), value);
            let error = create(session, &payload).unwrap_err();
            assert_eq!((error.status, error.code), (400, "INVALID_PAYLOAD"), "{key}");
        }
        create(session, &relation())?;
        assert_eq!(create(session, &relation()).unwrap_err().status, 400);
        assert_eq!(delete(session, "b", "id").unwrap_err().status, 400);
        assert_eq!(delete(session, "nope", "id").unwrap_err().status, 403);
        Ok(())
    });
}
