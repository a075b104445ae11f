use serde_json::{Value, json};

use super::{diff_of, fixture, fixture_snapshot};
use crate::schema::{CODES, ChangeKind, Risk, SchemaChange, SchemaDiff, SchemaItem, Snapshot};

fn fixture_diff(name: &str) -> SchemaDiff {
    SchemaDiff::from_value(fixture(name)).unwrap().unwrap()
}

fn summary(change: &SchemaChange) -> String {
    let json = serde_json::to_value(change).unwrap();
    let word = |key: &str| json[key].as_str().unwrap().to_owned();
    let reason = change.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    format!("{} {} {} {}{reason}", word("kind"), word("what"), change.name(), word("risk"))
}

fn summaries(diff: &SchemaDiff, current: Option<&Snapshot>) -> Vec<String> {
    diff.changes(current).iter().map(summary).collect()
}

/// The only change of a field whose nested differences these are.
fn field_change(nested: Value) -> SchemaChange {
    let entry = json!({"collection": "posts", "field": "title", "diff": nested});
    diff_of(json!({"collections": [], "fields": [entry], "relations": []})).changes(None).remove(0)
}

fn column_edit(property: &str, before: Value, after: Value) -> Value {
    json!({"kind": "E", "path": ["schema", property], "lhs": before, "rhs": after})
}

#[test]
fn the_diff_of_directus_11_is_read() {
    let current = fixture_snapshot("v11-current");
    assert_eq!(
        summaries(&fixture_diff("v11-diff"), Some(&current)),
        [
            "update collection bench_000 safe",
            "update field bench_000.f0_string lossy: values longer than 100 are cut or refused",
            "update field bench_000.f2_integer lossy: records without a value are refused",
            "update field bench_000.f4_json safe",
            "delete field bench_000.f6_float destructive: the column and all its values are dropped",
            "update relation bench_001.parent_ref safe",
            "delete collection bench_003 destructive: the table and all its records are dropped",
            "create collection zz_folder safe",
            "create collection zz_new safe",
            "create field zz_new.f1_text safe",
            "create field zz_new.id safe",
            "create field zz_new.notice safe",
        ]
    );
}

#[test]
fn the_diff_of_directus_12_is_read_the_same_way() {
    let changes = fixture_diff("v12-diff").changes(None);
    let field = changes.iter().find(|change| change.name() == "alpha.f0_string").unwrap();
    let paths: Vec<&str> = field.edits.iter().map(|edit| edit.path.as_str()).collect();
    assert_eq!(
        paths,
        ["meta.options.choices", "meta.options.nested", "schema.max_length"],
        "an object edited as a whole is told by key"
    );
    assert_eq!((field.kind, field.risk), (ChangeKind::Update, Risk::Lossy));
}

#[test]
fn a_diff_goes_back_as_it_came() {
    for name in ["v11-diff", "v12-diff"] {
        let text = serde_json::to_string(&fixture(name)).unwrap();
        assert_eq!(serde_json::to_string(&fixture_diff(name).to_value()).unwrap(), text, "{name}");
    }
}

#[test]
fn edits_are_told_with_their_values() {
    let change = field_change(json!([
        {"kind": "A", "path": ["meta", "special"], "index": 1, "item": {"kind": "N", "rhs": "extra"}},
        {"kind": "N", "path": ["meta", "searchable"], "rhs": null},
        {"kind": "E", "path": ["meta", "options", "choices", 0, "text"], "lhs": "A", "rhs": "B"},
    ]));
    assert_eq!(
        serde_json::to_value(&change).unwrap(),
        json!({
            "kind": "update", "what": "field", "collection": "posts", "field": "title",
            "code": "field-changed", "risk": "safe",
            "edits": [
                {"path": "meta.options.choices.0.text", "before": "A", "after": "B"},
                {"path": "meta.searchable", "after": null},
                {"path": "meta.special.1", "after": "extra"},
            ],
        })
    );
}

#[test]
fn columns_are_judged_by_what_they_hold() {
    use Risk::{Destructive, Lossy, Safe};
    let number = |value: i64| json!(value);
    let cases = [
        ("max_length", number(255), number(100), Lossy),
        ("max_length", number(100), number(255), Safe),
        ("max_length", number(100), json!(null), Safe),
        ("max_length", json!(null), number(100), Lossy),
        ("max_length", number(255), number(-1), Safe),
        ("numeric_precision", number(10), number(8), Lossy),
        ("numeric_precision", number(8), number(10), Safe),
        ("numeric_scale", number(2), number(0), Lossy),
        ("numeric_scale", number(0), number(2), Lossy),
        ("is_nullable", json!(true), json!(false), Lossy),
        ("is_nullable", json!(false), json!(true), Safe),
        ("is_unique", json!(false), json!(true), Lossy),
        ("is_unique", json!(true), json!(false), Safe),
        ("is_indexed", json!(false), json!(true), Safe),
        ("default_value", json!(null), json!("x"), Safe),
        ("is_primary_key", json!(false), json!(true), Destructive),
        ("is_primary_key", json!(true), json!(false), Destructive),
        ("generation_expression", json!(null), json!("a + b"), Lossy),
        ("data_type", json!("varchar"), json!("text"), Safe),
        ("data_type", json!("text"), json!("varchar"), Lossy),
        ("data_type", json!("integer"), json!("bigint"), Safe),
        ("data_type", json!("bigint"), json!("integer"), Lossy),
        ("data_type", json!("integer"), json!("text"), Safe),
        ("data_type", json!("real"), json!("integer"), Lossy),
        ("data_type", json!("date"), json!("timestamp"), Safe),
        ("data_type", json!("timestamp"), json!("date"), Lossy),
        ("data_type", json!("char"), json!("varchar"), Safe),
        ("data_type", json!("longtext"), json!("text"), Lossy),
        ("data_type", json!("something"), json!("else"), Lossy),
    ];
    for (property, before, after, risk) in cases {
        let told = format!("{property}: {before} -> {after}");
        let change = field_change(json!([column_edit(property, before, after)]));
        assert_eq!(change.risk, risk, "{told}");
        assert_eq!(change.reason.is_some(), risk != Safe, "{told}");
    }
}

#[test]
fn wider_digits_before_and_after_the_point_are_safe_together() {
    let edits = |precision, scale| {
        json!([
            column_edit("numeric_precision", json!(8), json!(precision)),
            column_edit("numeric_scale", json!(2), json!(scale)),
        ])
    };
    assert_eq!(field_change(edits(12, 4)).risk, Risk::Safe);
    assert_eq!(field_change(edits(9, 4)).risk, Risk::Lossy);
}

#[test]
fn a_type_that_only_directus_changes_is_judged_by_name() {
    let edit = |before, after| json!([{"kind": "E", "path": ["type"], "lhs": before, "rhs": after}]);
    assert_eq!(field_change(edit("uuid", "string")).risk, Risk::Safe);
    assert_eq!(field_change(edit("string", "uuid")).risk, Risk::Lossy);
    assert_eq!(field_change(edit("text", "json")).risk, Risk::Lossy);
}

#[test]
fn a_column_that_becomes_an_alias_is_dropped() {
    let gone = field_change(json!([{"kind": "D", "path": ["schema"], "lhs": {"name": "title"}}]));
    assert_eq!((gone.kind, gone.risk), (ChangeKind::Update, Risk::Destructive));
    let nulled =
        field_change(json!([{"kind": "E", "path": ["schema"], "lhs": {"name": "title"}, "rhs": null}]));
    assert_eq!(nulled.risk, Risk::Destructive);
}

#[test]
fn the_type_of_a_primary_key_is_known_from_the_snapshot() {
    let current = super::snapshot_of(&["posts"]);
    let entry = json!({"collection": "posts", "field": "id",
        "diff": [column_edit("data_type", json!("integer"), json!("bigint"))]});
    let diff = diff_of(json!({"collections": [], "fields": [entry], "relations": []}));
    assert_eq!(diff.changes(None)[0].risk, Risk::Safe);
    assert_eq!(diff.changes(Some(&current))[0].risk, Risk::Destructive);
}

#[test]
fn folders_and_aliases_go_without_loss_and_relations_do_not() {
    let dropped = |item: Value| json!([{"kind": "D", "lhs": item}]);
    let diff = diff_of(json!({
        "collections": [{"collection": "folder", "diff": dropped(json!({"collection": "folder", "meta": {}}))}],
        "fields": [{"collection": "posts", "field": "notice", "diff": dropped(json!({"type": "alias", "meta": {}}))}],
        "relations": [
            {"collection": "posts", "field": "author", "related_collection": "people", "diff": dropped(json!({}))},
            {"collection": "posts", "field": "editor", "related_collection": "people",
             "diff": [{"kind": "D", "path": ["schema"], "lhs": {"table": "posts"}}]},
            {"collection": "posts", "field": "owner", "related_collection": "people",
             "diff": [{"kind": "E", "path": ["related_collection"], "lhs": "a", "rhs": "people"}]},
        ],
    }));
    let risks: Vec<Risk> = diff.changes(None).iter().map(|change| change.risk).collect();
    assert_eq!(risks, [Risk::Safe, Risk::Safe, Risk::Destructive, Risk::Destructive, Risk::Lossy]);
}

#[test]
fn changes_of_one_collection_come_in_order() {
    let new = json!([{"kind": "N", "rhs": {}}]);
    let named = |field| json!({"collection": "a", "field": field, "diff": new});
    let diff = diff_of(json!({
        "systemFields": [named("s")], "relations": [named("b")], "fields": [named("z"), named("b")],
        "collections": [{"collection": "b", "diff": new}, {"collection": "a", "diff": new}],
    }));
    use SchemaItem::{Collection, Field, Relation, SystemField};
    let order: Vec<_> = diff.changes(None).iter().map(|change| (change.what, change.name())).collect();
    let expected = [
        (Collection, "a"),
        (Field, "a.b"),
        (Field, "a.z"),
        (Relation, "a.b"),
        (SystemField, "a.s"),
        (Collection, "b"),
    ];
    assert_eq!(order, expected.map(|(what, name)| (what, name.to_owned())));
}

#[test]
fn no_difference_is_none_and_anything_else_is_told() {
    assert_eq!(SchemaDiff::from_value(json!(null)).unwrap(), None);
    assert_eq!(SchemaDiff::from_value(json!({"data": null})).unwrap(), None);
    let cases = [
        (json!("x"), "schema diff: expected an object with hash and diff, found a string"),
        (json!({"hash": "a"}), "diff: expected an object with collections, fields and relations, found null"),
        (json!({"diff": {}}), "hash: expected a name, found nothing"),
        (
            json!({"hash": "a", "diff": {"flows": []}}),
            "diff.flows: expected a list known to this version, found an array",
        ),
        (
            json!({"hash": "a", "diff": {"fields": [{"collection": "c", "diff": []}]}}),
            "diff.fields[0].field: expected a name, found nothing",
        ),
        (
            json!({"hash": "a", "diff": {"collections": [{"collection": "c", "diff": []}]}}),
            "diff.collections[0].diff: expected a list of differences, found an array",
        ),
        (
            json!({"hash": "a", "diff": {"collections": [{"collection": "c", "diff": [{"kind": "X"}]}]}}),
            "diff.collections[0].diff[0].kind: expected one of N, D, E, A, found a string",
        ),
    ];
    for (value, message) in cases {
        assert_eq!(SchemaDiff::from_value(value).unwrap_err().to_string(), message);
    }
}

/// The only change of a list with one entry.
fn only(list: &str, entry: Value) -> SchemaChange {
    let mut changes = diff_of(json!({list: [entry]})).changes(None);
    assert_eq!(changes.len(), 1);
    changes.remove(0)
}

#[test]
fn every_code_comes_up_with_its_way_out() {
    let dropped = |item: Value| json!([{"kind": "D", "lhs": item}]);
    let collection = |item: Value| only("collections", json!({"collection": "posts", "diff": dropped(item)}));
    let relation = |diff: Value| {
        only(
            "relations",
            json!({"collection": "posts", "field": "author", "related_collection": "people", "diff": diff}),
        )
    };
    let column = |property, before, after| field_change(json!([column_edit(property, before, after)]));
    let table = json!({"collection": "posts", "schema": {"name": "posts"}});
    let of_type = json!({"type": "string", "schema": {"name": "title", "data_type": "varchar"}});
    let cases = [
        ("collection-dropped", collection(table)),
        ("field-dropped", field_change(dropped(of_type))),
        ("likely-rename", renamed("string", "string").remove(0)),
        ("column-dropped", field_change(json!([{"kind": "D", "path": ["schema"], "lhs": {}}]))),
        ("primary-key-changed", column("is_primary_key", json!(false), json!(true))),
        ("relation-dropped", relation(dropped(json!({})))),
        (
            "foreign-key-dropped",
            relation(json!([{"kind": "D", "path": ["schema"], "lhs": {"table": "posts"}}])),
        ),
        (
            "relation-retargeted",
            relation(
                json!([{"kind": "E", "path": ["related_collection"], "lhs": "people", "rhs": "groups"}]),
            ),
        ),
        ("type-narrowed", column("data_type", json!("text"), json!("varchar"))),
        ("length-shortened", column("max_length", json!(255), json!(100))),
        ("precision-reduced", column("numeric_precision", json!(10), json!(8))),
        ("not-null-added", column("is_nullable", json!(true), json!(false))),
        ("unique-added", column("is_unique", json!(false), json!(true))),
        ("column-recomputed", column("is_generated", json!(false), json!(true))),
        ("folder-dropped", collection(json!({"collection": "posts", "schema": null}))),
    ];
    assert_eq!(cases.len(), CODES.len());
    for ((code, risk, way_out), (expected, change)) in CODES.into_iter().zip(cases) {
        assert_eq!((change.code, change.risk), (code, risk), "{expected}");
        assert_eq!(code, expected);
        assert_eq!(change.way_out, Some(way_out).filter(|text| !text.is_empty()), "{code}");
        assert_eq!(change.reason.is_some(), risk != Risk::Safe, "{code}");
    }
}

#[test]
fn what_is_safe_has_a_code_and_no_way_out() {
    let new = json!([{"kind": "N", "rhs": {}}]);
    let edit = json!([{"kind": "E", "path": ["meta", "note"], "lhs": null, "rhs": "n"}]);
    let dropped = json!([{"kind": "D", "lhs": {"type": "alias"}}]);
    let index = json!([{"kind": "E", "path": ["schema", "is_indexed"], "lhs": false, "rhs": true}]);
    let cases = [
        ("collections", &new, "collection-created"),
        ("collections", &edit, "collection-changed"),
        ("fields", &new, "field-created"),
        ("fields", &edit, "field-changed"),
        ("fields", &dropped, "alias-dropped"),
        ("relations", &new, "relation-created"),
        ("relations", &edit, "relation-changed"),
        ("systemFields", &index, "index-changed"),
    ];
    for (list, diff, code) in cases {
        let change = only(list, json!({"collection": "posts", "field": "title", "diff": diff}));
        assert_eq!((change.code, change.risk, change.way_out), (code, Risk::Safe, None));
    }
}

/// The code is of the first of several reasons, and all are told.
#[test]
fn several_costs_have_one_code() {
    let changed = |edits: &[(&str, Value, Value)]| {
        let edits = edits
            .iter()
            .map(|(property, before, after)| column_edit(property, before.clone(), after.clone()));
        let change = field_change(edits.collect());
        (change.code, change.reason.unwrap())
    };
    let (on, off) = (json!(true), json!(false));
    assert_eq!(
        changed(&[("max_length", json!(255), json!(9)), ("is_nullable", on.clone(), off.clone())]),
        (
            "length-shortened",
            "values longer than 9 are cut or refused; records without a value are refused".to_owned()
        )
    );
    assert_eq!(
        changed(&[("is_nullable", on.clone(), off.clone()), ("is_unique", off.clone(), on.clone())]),
        ("not-null-added", "records without a value, and equal values, are refused".to_owned())
    );
    assert_eq!(
        changed(&[("is_nullable", off.clone(), on.clone()), ("is_unique", off, on)]),
        ("unique-added", "equal values are refused".to_owned())
    );
}

fn whole_field(collection: &str, field: &str, kind: &str, side: &str) -> Value {
    let item = json!({"collection": collection, "field": field, "type": kind, "meta": {"interface": "input", "note": field},
        "schema": {"name": field, "table": collection, "data_type": "varchar", "max_length": 255}});
    let letter = if side == "lhs" { "D" } else { "N" };
    json!({"collection": collection, "field": field, "diff": [{"kind": letter, side: item}]})
}

/// What becomes of `posts.title`, dropped, and `posts.heading`, added.
fn renamed(before: &str, after: &str) -> Vec<SchemaChange> {
    let fields =
        [whole_field("posts", "title", before, "lhs"), whole_field("posts", "heading", after, "rhs")];
    let mut changes = diff_of(json!({"fields": fields})).changes(None);
    changes.reverse();
    changes
}

#[test]
fn a_drop_and_an_add_of_one_shape_are_most_likely_a_rename() {
    let changes = renamed("string", "string");
    assert_eq!((changes[0].code, changes[0].risk), ("likely-rename", Risk::Destructive));
    let reason = "title looks renamed to heading, but its values would be dropped";
    assert_eq!(changes[0].reason.as_deref(), Some(reason));
    assert_eq!(changes[1].code, "field-created");
    assert_eq!(renamed("string", "text")[0].code, "field-dropped", "of another shape");
}

#[test]
fn one_new_field_is_the_new_name_of_one_old_only() {
    let of = |fields: &[Value]| -> Vec<(String, &'static str)> {
        let changes = diff_of(json!({"fields": fields})).changes(None);
        changes.iter().map(|change| (change.name(), change.code)).collect()
    };
    let dropped = |collection, field| whole_field(collection, field, "string", "lhs");
    let added = |collection, field| whole_field(collection, field, "string", "rhs");
    assert_eq!(
        of(&[dropped("posts", "a"), dropped("posts", "b"), added("posts", "c")]),
        [("posts.a", "likely-rename"), ("posts.b", "field-dropped"), ("posts.c", "field-created")]
            .map(|(name, code)| (name.to_owned(), code))
    );
    assert_eq!(
        of(&[dropped("posts", "a"), added("pages", "a")]),
        [("pages.a", "field-created"), ("posts.a", "field-dropped")]
            .map(|(name, code)| (name.to_owned(), code)),
        "of another collection"
    );
}
