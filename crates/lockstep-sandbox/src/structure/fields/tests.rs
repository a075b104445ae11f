use super::*;
use crate::structure::collections;
use crate::structure::tests::{altered, map};

fn with_table(work: impl FnOnce(&mut Session<'_>) -> Answer<()>) {
    altered(|session| {
        collections::create(session, &map(json!({"collection": "a", "schema": {}, "meta": {}})))?;
        work(session)
    });
}

#[test]
fn a_field_is_made_changed_and_deleted_and_rows_stay() {
    with_table(|session| {
        let field = json!({"field": "t", "type": "string", "meta": {}, "schema": {"max_length": 40, "default_value": "it's"}});
        create(session, "a", &map(field))?;
        session.db.execute_batch("insert into a (t) values ('x'), ('y')")?;
        let read = read_one(session, "a", "t")?;
        assert_eq!((&read["schema"]["default_value"], &read["meta"]["sort"]), (&json!("it''s"), &json!(2)));
        update(
            session,
            "a",
            "t",
            &map(json!({"schema": {"is_nullable": false, "is_unique": true, "default_value": "d"}})),
        )?;
        let read = read_one(session, "a", "t")?;
        assert_eq!(
            (&read["schema"]["max_length"], &read["schema"]["is_nullable"]),
            (&json!(40), &json!(false))
        );
        assert_eq!(
            (&read["schema"]["is_unique"], &read["schema"]["default_value"]),
            (&json!(true), &json!("d"))
        );
        let texts: String = session.db.query_row("select group_concat(t) from a", [], |row| row.get(0))?;
        assert_eq!(texts, "x,y");
        update(session, "a", "t", &map(json!({"type": "text", "schema": {"is_unique": false}})))?;
        assert_eq!(read_one(session, "a", "t")?["type"], "text");
        delete(session, "a", "t")?;
        assert_eq!(read_one(session, "a", "t").unwrap_err().code, "FORBIDDEN");
        let rows: i64 = session.db.query_row("select count(*) from a", [], |row| row.get(0))?;
        assert_eq!((rows, read_all(session, Some("a"))?.len()), (2, 1));
        Ok(())
    });
}

#[test]
fn a_default_that_is_not_named_is_said_again_with_its_quotes_doubled() {
    with_table(|session| {
        create(
            session,
            "a",
            &map(json!({"field": "t", "type": "string", "schema": {"default_value": "it's"}})),
        )?;
        update(session, "a", "t", &map(json!({"schema": {"is_indexed": true}})))?;
        assert_eq!(read_one(session, "a", "t")?["schema"]["default_value"], "it''''s");
        Ok(())
    });
}

#[test]
fn what_contradicts_the_rows_is_refused() {
    with_table(|session| {
        create(session, "a", &map(json!({"field": "t", "type": "string"})))?;
        session.db.execute_batch("insert into a (t) values ('x'), ('x'), (null)")?;
        let mut refused = |changes: Value| {
            session.db.execute_batch("savepoint s").unwrap();
            let error = update(session, "a", "t", &map(json!({"schema": changes}))).unwrap_err();
            session.db.execute_batch("rollback to s").unwrap();
            (error.status, error.code)
        };
        assert_eq!(refused(json!({"is_nullable": false})), (400, "CONTAINS_NULL_VALUES"));
        assert_eq!(refused(json!({"is_unique": true})), (400, "RECORD_NOT_UNIQUE"));
        let field = json!({"field": "n", "type": "string", "schema": {"is_nullable": false}});
        assert_eq!(create(session, "a", &map(field)).unwrap_err().status, 500);
        Ok(())
    });
}

#[test]
fn what_the_real_one_refuses_is_refused() {
    with_table(|session| {
        for (payload, status) in [
            (json!({}), 400),
            (json!({"field": 5}), 400),
            (json!({"field": "x", "type": "nonsense"}), 400),
            (json!({"field": "x", "type": "string", "foo": 1}), 400),
            (json!({"field": "id", "type": "string"}), 400),
            (json!({"field": "ID", "type": "string"}), 500),
            (json!({"field": "x", "type": "integer", "schema": {"is_primary_key": true}}), 500),
        ] {
            assert_eq!(create(session, "a", &map(payload.clone())).unwrap_err().status, status, "{payload}");
        }
        let field = map(json!({"field": "x", "type": "string"}));
        assert_eq!(create(session, "nope", &field).unwrap_err().status, 403);
        assert_eq!(update(session, "a", "id", &map(json!({"type": "alias"}))).unwrap_err().status, 400);
        let nullable = map(json!({"schema": {"is_nullable": true}}));
        assert_eq!(update(session, "a", "id", &nullable).unwrap_err().status, 400);
        let note = map(json!({"meta": {"note": "x"}}));
        assert_eq!(update(session, "directus_users", "email", &note).unwrap_err().code, "INVALID_PAYLOAD");
        assert_eq!(delete(session, "directus_users", "email").unwrap_err().status, 403);
        Ok(())
    });
}

#[test]
fn system_collections_take_fields_and_indexes() {
    altered(|session| {
        create(
            session,
            "directus_users",
            &map(json!({"field": "shoe \"size\"", "type": "float", "meta": {}})),
        )?;
        update(session, "directus_users", "email", &map(json!({"schema": {"is_indexed": true}})))?;
        assert_eq!(read_one(session, "directus_users", "email")?["schema"]["is_indexed"], true);
        assert!(session.schema.collections["directus_users"].fields.contains_key("shoe \"size\""));
        delete(session, "directus_users", "shoe \"size\"")?;
        assert_eq!(read_one(session, "directus_users", "shoe \"size\"").unwrap_err().status, 403);
        let users: i64 = session.db.query_row("select count(*) from directus_users", [], |row| row.get(0))?;
        assert_eq!(users, 1);
        Ok(())
    });
}

#[test]
fn a_type_that_needs_a_special_gets_it() {
    with_table(|session| {
        for (field, kind, special) in [("j", "json", "cast-json"), ("t", "timestamp", "cast-timestamp")] {
            create(session, "a", &map(json!({"field": field, "type": kind})))?;
            let read = read_one(session, "a", field)?;
            assert_eq!((&read["type"], &read["meta"]["special"]), (&json!(kind), &json!([special])));
        }
        update_many(session, "a", &[map(json!({"field": "j", "meta": {"sort": 9}}))])?;
        assert_eq!(read_one(session, "a", "j")?["meta"]["sort"], 9);
        create(
            session,
            "a",
            &map(json!({"field": "g", "type": "alias", "meta": {"special": ["alias", "group"]}})),
        )?;
        create(session, "a", &map(json!({"field": "in", "type": "string", "meta": {"group": "g"}})))?;
        delete(session, "a", "g")?;
        let read = read_one(session, "a", "in")?;
        assert_eq!((&read["meta"]["group"], &read["meta"]["sort"]), (&Value::Null, &json!(1)));
        Ok(())
    });
}
