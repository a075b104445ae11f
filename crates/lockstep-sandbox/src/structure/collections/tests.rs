use super::*;
use crate::structure::relations;
use crate::structure::tests::{altered, map};

fn names(session: &mut Session<'_>, collection: &str) -> Answer<Vec<String>> {
    let fields = fields::read_all(session, Some(collection))?;
    Ok(fields.iter().filter_map(|it| it["field"].as_str().map(str::to_owned)).collect())
}

#[test]
fn a_collection_gets_a_key_and_comes_back_as_it_was_made() {
    altered(|session| {
        let name =
            create(session, &map(json!({"collection": "it's \"a\"", "schema": {}, "meta": {"note": "n"}})))?;
        let read = read_one(session, &name)?;
        assert_eq!((&read["meta"]["note"], &read["schema"]["name"]), (&json!("n"), &json!("it's \"a\"")));
        assert_eq!(read["meta"]["accountability"], "all");
        let field = fields::read_one(session, &name, "id")?;
        assert_eq!((&field["type"], &field["meta"]["sort"]), (&json!("integer"), &json!(1)));
        assert_eq!(field["schema"]["has_auto_increment"], true);
        assert!(session.schema.collections.contains_key(&name));
        delete(session, &name)?;
        assert_eq!(read_one(session, &name).unwrap_err().status, 403);
        assert!(!session.schema.collections.contains_key(&name));
        Ok(())
    });
}

#[test]
fn folders_have_no_table_and_lists_are_in_order() {
    altered(|session| {
        create_many(
            session,
            &[
                map(json!({"collection": "b", "meta": {"group": null}})),
                map(json!({"collection": "a", "schema": {}, "meta": {"group": "b"}})),
            ],
        )?;
        let all = read_all(session)?;
        assert_eq!((&all[0]["collection"], &all[1]["collection"]), (&json!("a"), &json!("b")));
        assert_eq!(all[1]["schema"], Value::Null);
        assert!(all[2]["meta"]["system"] == true && all.len() == 2 + SYSTEM.collections.len());
        delete(session, "b")?;
        assert_eq!(read_one(session, "a")?["meta"]["group"], Value::Null);
        Ok(())
    });
}

#[test]
fn what_the_real_one_refuses_is_refused() {
    altered(|session| {
        create(session, &map(json!({"collection": "a", "schema": {}, "meta": {}})))?;
        for (payload, status, code) in [
            (json!({}), 400, "INVALID_PAYLOAD"),
            (json!({"collection": ""}), 400, "INVALID_PAYLOAD"),
            (json!({"collection": 5}), 400, "INVALID_PAYLOAD"),
            (json!({"collection": "directus_x", "schema": {}}), 400, "INVALID_PAYLOAD"),
            (json!({"collection": "a", "schema": {}}), 400, "INVALID_PAYLOAD"),
            (json!({"collection": "b/c", "schema": {}}), 400, "INVALID_PAYLOAD"),
            (json!({"collection": "b", "schema": {}, "fields": {}}), 400, "INVALID_PAYLOAD"),
            (
                json!({"collection": "b", "schema": {}, "fields": [{"field": "x", "type": "y"}]}),
                400,
                "INVALID_PAYLOAD",
            ),
            (
                json!({"collection": "b", "schema": {}, "fields": [{"field": "x", "type": "json"}]}),
                400,
                "FAILED_VALIDATION",
            ),
            (json!({"collection": "b", "schema": {}, "meta": {"group": "c"}}), 400, "INVALID_FOREIGN_KEY"),
            (json!({"collection": "b", "schema": {}, "meta": {"hidden": null}}), 400, "FAILED_VALIDATION"),
        ] {
            let error = create(session, &map(payload.clone())).unwrap_err();
            assert_eq!((error.status, error.code), (status, code), "{payload}");
        }
        // What is neither a table nor described is nothing.
        create(session, &map(json!({"collection": "b"})))?;
        assert_eq!(delete(session, "b").unwrap_err().status, 403);
        assert_eq!(delete(session, "directus_users").unwrap_err().status, 403);
        Ok(())
    });
}

#[test]
fn with_a_collection_goes_what_refers_to_it() {
    altered(|session| {
        create_many(
            session,
            &["a", "b", "c"].map(|name| map(json!({"collection": name, "schema": {}, "meta": {}}))),
        )?;
        fields::create(session, "b", &map(json!({"field": "to_a", "type": "integer", "meta": {}})))?;
        fields::create(
            session,
            "a",
            &map(json!({"field": "bs", "type": "alias", "meta": {"special": ["o2m"]}})),
        )?;
        fields::create(session, "c", &map(json!({"field": "any", "type": "string", "meta": {}})))?;
        let relation = json!({"collection": "b", "field": "to_a", "related_collection": "a", "meta": {"one_field": "bs"}});
        relations::create(session, &map(relation))?;
        let relation =
            json!({"collection": "c", "field": "any", "meta": {"one_allowed_collections": ["a", "b"]}});
        relations::create(session, &map(relation))?;
        let policy = crate::system::bootstrap::PUBLIC_POLICY;
        let sql = "insert into directus_permissions (collection, action, policy) values ('a', 'read', ?1)";
        session.db.execute(sql, [policy])?;
        delete(session, "a")?;
        assert_eq!(names(session, "b")?, ["id"]);
        let left = relations::read_for(session, "c")?;
        assert_eq!(left[0]["meta"]["one_allowed_collections"], json!(["b"]));
        let count = |sql: &str| session.db.query_row(sql, [], |row| row.get::<_, i64>(0));
        assert_eq!(count("select count(*) from directus_permissions")?, 0);
        assert_eq!(count("select count(*) from directus_relations")?, 1);
        Ok(())
    });
}

#[test]
fn what_is_known_of_a_collection_changes_alone() {
    altered(|session| {
        create(session, &map(json!({"collection": "a", "schema": {}})))?;
        assert_eq!(read_one(session, "a")?["meta"], Value::Null);
        update(
            session,
            "a",
            &map(json!({"meta": {"note": "x", "collection": "z"}, "schema": {"name": "z"}})),
        )?;
        update_batch(session, &[map(json!({"collection": "a", "meta": {"sort": 3}}))])?;
        let read = read_one(session, "a")?;
        assert_eq!((&read["meta"]["note"], &read["meta"]["sort"]), (&json!("x"), &json!(3)));
        assert_eq!(update_batch(session, &[map(json!({"meta": {}}))]).unwrap_err().code, "INVALID_PAYLOAD");
        Ok(())
    });
}
