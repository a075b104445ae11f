use serde_json::json;

use super::*;
use crate::structure::tests::{altered, map};
use crate::structure::{collections, fields};

fn payload(session: &mut Session<'_>, list: &str, entry: Value) -> Answer<Value> {
    let mut payload = json!({
        "hash": snapshot(session)?.hash(),
        "diff": {"collections": [], "fields": [], "systemFields": [], "relations": []}
    });
    payload["diff"][list] = json!([entry]);
    Ok(payload)
}

fn one(session: &mut Session<'_>, list: &str, entry: Value) -> Answer<()> {
    let payload = payload(session, list, entry)?;
    apply(session, &payload, false)
}

fn with_table(work: impl FnOnce(&mut Session<'_>) -> Answer<()>) {
    altered(|session| {
        collections::create(session, &map(json!({"collection": "a", "schema": {}, "meta": {}})))?;
        fields::create(
            session,
            "a",
            &map(json!({"field": "t", "type": "string", "meta": {"options": {"x": 1}}})),
        )?;
        work(session)
    });
}

#[test]
fn nothing_to_do_is_done_whatever_the_hash() {
    with_table(|session| {
        let nothing = json!({"hash": "x", "diff": {"collections": [], "fields": [], "systemFields": [], "relations": []}});
        apply(session, &nothing, false)
    });
}

#[test]
fn a_diff_of_another_schema_is_refused_by_its_first_contradiction() {
    with_table(|session| {
        for (list, entry, expected) in [
            (
                "collections",
                json!({"collection": "a", "diff": [{"kind": "N", "rhs": {}}]}),
                "create collection \"a\" but it already exists",
            ),
            (
                "collections",
                json!({"collection": "b", "diff": [{"kind": "D", "lhs": {}}]}),
                "delete collection \"b\" but it does not exist",
            ),
            (
                "fields",
                json!({"collection": "a", "field": "t", "diff": [{"kind": "N", "rhs": {}}]}),
                "create field \"a.t\" but",
            ),
            (
                "relations",
                json!({"collection": "a", "field": "t", "related_collection": "b", "diff": [{"kind": "D", "lhs": {}}]}),
                "delete relation \"a.t-> b\" but it does not exist",
            ),
            (
                "systemFields",
                json!({"collection": "a", "field": "t", "diff": [{"kind": "N", "rhs": {}}]}),
                "this action is not supported",
            ),
            (
                "fields",
                json!({"collection": "a", "field": "t", "diff": [{"kind": "D", "lhs": {}}]}),
                "Provided hash does not match",
            ),
        ] {
            let mut payload = payload(session, list, entry)?;
            payload["hash"] = "x".into();
            let error = apply(session, &payload, false).unwrap_err();
            assert!(error.message.contains(expected), "{}", error.message);
            assert_eq!((error.status, error.code), (400, "INVALID_PAYLOAD"));
        }
        Ok(())
    });
}

#[test]
fn what_cannot_be_done_is_refused_as_the_real_one_does() {
    with_table(|session| {
        let n = |rhs: Value| json!([{"kind": "N", "rhs": rhs}]);
        for (list, entry, status) in [
            (
                "collections",
                json!({"collection": "a", "diff": n(json!({"collection": "a", "schema": {}}))}),
                400,
            ),
            ("collections", json!({"collection": "b", "diff": [{"kind": "D", "lhs": {}}]}), 403),
            (
                "fields",
                json!({"collection": "b", "field": "x", "diff": n(json!({"field": "x", "type": "string"}))}),
                500,
            ),
            (
                "fields",
                json!({"collection": "a", "field": "t", "diff": n(json!({"field": "t", "type": "string"}))}),
                400,
            ),
            (
                "fields",
                json!({"collection": "a", "field": "x", "diff": n(json!({"field": "x", "type": "nonsense"}))}),
                400,
            ),
            (
                "relations",
                json!({"collection": "a", "field": "t", "diff": n(json!({"collection": "a", "field": "t", "related_collection": "b"}))}),
                400,
            ),
            (
                "systemFields",
                json!({"collection": "directus_users", "field": "nope", "diff": [{"kind": "E", "path": ["schema", "is_indexed"], "lhs": false, "rhs": true}]}),
                500,
            ),
        ] {
            assert_eq!(one(session, list, entry.clone()).unwrap_err().status, status, "{entry}");
        }
        Ok(())
    });
}

#[test]
fn the_first_difference_decides() {
    with_table(|session| {
        let entry = json!({"collection": "a", "field": "t", "diff": [{"kind": "D", "path": ["meta", "options", "x"], "lhs": 1}]});
        one(session, "fields", entry)?;
        assert_eq!(fields::read_one(session, "a", "t")?["meta"]["options"], json!({}));
        let entry = json!({"collection": "a", "field": "t", "diff": [{"kind": "D", "path": ["schema", "is_indexed"], "lhs": false}]});
        one(session, "fields", entry)?;
        assert_eq!(fields::read_one(session, "a", "t").unwrap_err().status, 403);
        Ok(())
    });
}

#[test]
fn groups_come_first_and_without_one_nothing_comes() {
    altered(|session| {
        let new = |name: &str, group: Value| {
            json!({
                "collection": name,
                "diff": [{"kind": "N", "rhs": {"collection": name, "meta": {"group": group}}}]
            })
        };
        let mut payload = payload(session, "collections", Value::Null)?;
        payload["diff"]["collections"] = json!([
            new("a", json!("b")),
            new("b", json!("c")),
            new("c", Value::Null),
            new("d", json!("nowhere"))
        ]);
        apply(session, &payload, false)?;
        let names: Vec<String> = snapshot(session)?.collection_names().map(str::to_owned).collect();
        assert_eq!(names, ["a", "b", "c"]);
        Ok(())
    });
}

#[test]
fn an_applied_schema_leaves_no_trace_and_a_request_does() {
    let database = crate::db::Database::open(&crate::db::Data::Memory).unwrap();
    let who = database
        .read(&crate::access::Who::instance(), |session| {
            let user = session.db.query_row("select id from directus_users", [], |row| row.get(0))?;
            Ok(crate::access::Who { user: Some(user), ..crate::access::Who::instance() })
        })
        .unwrap();
    let traces = |session: &Session<'_>| -> Answer<String> {
        let sql = "select coalesce(group_concat(a.action || ' ' || a.collection || ' ' || a.item || ' ' || coalesce(r.delta, ''), ';'), '') \
                   from directus_activity a left join directus_revisions r on r.activity = a.id";
        Ok(session.db.query_row(sql, [], |row| row.get(0))?)
    };
    database
        .alter(&who, |session| {
            let entry = json!({"collection": "a", "diff": [{"kind": "N", "rhs": {"collection": "a", "meta": {}, "schema": {}}}]});
            one(session, "collections", entry)?;
            assert_eq!(traces(session)?, "");
            fields::create(session, "a", &map(json!({"field": "t", "type": "string", "meta": {"note": "n"}})))?;
            assert_eq!(traces(session)?, "create directus_fields 2 {\"sort\":2,\"note\":\"n\",\"field\":\"t\"}");
            Ok(())
        })
        .unwrap();
}
