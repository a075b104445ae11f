use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::collection::Collection;
use crate::record::Record;

fn fields(value: Value) -> Fields {
    value.as_object().unwrap().clone()
}

fn record(id: &str, value: Value) -> Record {
    Record { sync_id: id.into(), fields: Arc::new(fields(value)) }
}

fn dump() -> DumpRecords {
    DumpRecords::from([
        (
            "flows",
            vec![
                record(
                    "f1",
                    json!({"name": "Nightly", "status": "active", "sort": 1, "options": {"url": "http://dev", "tags": ["a"]}}),
                ),
                record("f2", json!({"name": "Test run", "status": "inactive", "sort": 20, "options": null})),
            ],
        ),
        (
            "operations",
            vec![
                record(
                    "o1",
                    json!({"key": "send", "flow": "f1", "options": {"headers": [{"header": "A", "value": "1"}]}}),
                ),
                record("o2", json!({"key": "log", "flow": "f2", "options": {}})),
            ],
        ),
        ("settings", vec![record("s", json!({"project_name": "Dev"}))]),
    ])
}

#[test]
fn filters_mean_what_they_say() {
    let dump = dump();
    let world = World::new(&dump);
    let flows = Collection::named("flows").unwrap();
    for (filter, expected) in [
        (json!({}), [true, true]),
        (json!({"name": "Nightly"}), [true, false]),
        (json!({"name": {"_eq": "Nightly"}}), [true, false]),
        (json!({"name": ["Nightly", "x"]}), [true, false]),
        (json!({"name": {"_nstarts_with": "Test"}}), [true, false]),
        (json!({"name": {"_icontains": "RUN"}, "status": {"_neq": "active"}}), [false, true]),
        (json!({"_or": [{"sort": {"_gt": 3}}, {"sort": {"_lte": 1}}]}), [true, true]),
        (json!({"_and": [{"sort": {"_between": [2, 30]}}]}), [false, true]),
        (json!({"sort": "20"}), [false, true]),
        (json!({"options": null}), [false, true]),
        (json!({"options.url": {"_ends_with": "dev"}}), [true, false]),
        (json!({"options": {"tags": {"_contains": "a"}}}), [true, false]),
        (json!({"nothing": {"_nnull": true}}), [false, false]),
        (json!({"id": {"_in": ["f2"]}}), [false, true]),
        (json!({"_syncId": "f1"}), [true, false]),
        (json!({"name": {"_nin": ["Nightly"]}, "status": {"_empty": false}}), [false, true]),
    ] {
        let filter_of = Filter::parse(&filter).unwrap();
        let found =
            dump["flows"].iter().map(|r| filter_of.matches(&world, flows, r.sync_id.as_str(), &r.fields));
        assert_eq!(found.collect::<Vec<_>>(), expected, "{filter}");
    }
    let operations = Collection::named("operations").unwrap();
    for filter in [
        json!({"flow": {"name": "Nightly"}}),
        json!({"flow.name": {"_eq": "Nightly"}}),
        json!({"flow": "f1"}),
    ] {
        let filter_of = Filter::parse(&filter).unwrap();
        let found = dump["operations"].iter().map(|r| filter_of.matches(&world, operations, "", &r.fields));
        assert_eq!(found.collect::<Vec<_>>(), [true, false], "{filter}");
    }
}

#[test]
fn what_is_no_filter_is_named() {
    for (filter, at, problem) in [
        (json!([]), "", "has to be an object"),
        (
            json!({"name": {"_equal": 1}}),
            "name._equal",
            "is not an operator that Lockstep evaluates; did you mean _eq?",
        ),
        (json!({"a": {"b": {"_in": 1}}}), "a.b._in", "needs a list"),
        (json!({"_or": {"a": 1}}), "_or", "has to be a list of filters"),
        (json!({"a": {"_null": 1}}), "a._null", "needs true or false"),
        (json!({"a": {"_between": [1]}}), "a._between", "needs a list of two"),
        (json!({"a": {"_eq": {}}}), "a._eq", "needs a plain value"),
    ] {
        let error = Filter::parse(&filter).unwrap_err();
        assert_eq!((error.at.as_str(), error.problem.as_str()), (at, problem));
    }
}

fn filtered(collection: &'static str, filter: Value) -> Transforms {
    let rules =
        CollectionRules { filter: Some((Filter::parse(&filter).unwrap(), "p".into())), ..Default::default() };
    Transforms { records: BTreeMap::from([(collection, rules)]), ..Default::default() }
}

#[test]
fn what_belongs_to_a_record_takes_part_with_it() {
    let (dump, transforms) = (dump(), filtered("flows", json!({"status": "active"})));
    let world = World::new(&dump);
    let operations = Collection::named("operations").unwrap();
    let part = |r: &Record| transforms.takes_part(&world, operations, r.sync_id.as_str(), &r.fields);
    assert_eq!(dump["operations"].iter().map(part).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_pull_keeps_what_takes_no_part_in_the_dump() {
    let flows = Collection::named("flows").unwrap();
    let transforms = filtered("flows", json!({"status": "active"}));
    let flow = |id: &str, status: &str, name: &str| record(id, json!({"status": status, "name": name}));
    // On the instance: one in, one out that the dump knows as in, one new and out.
    let found = DumpRecords::from([(
        "flows",
        vec![flow("in", "active", "new"), flow("left", "inactive", "new"), flow("out", "inactive", "new")],
    )]);
    // In the dump: also one that is out and gone, and one that is in and gone.
    let old = DumpRecords::from([(
        "flows",
        vec![
            flow("in", "inactive", "old"),
            flow("left", "active", "old"),
            flow("gone-out", "inactive", "old"),
            flow("gone-in", "active", "old"),
        ],
    )]);
    let mut records = found["flows"].clone();
    let kept = transforms.narrow(flows, &mut records, &World::new(&found), &old);
    let ids = |records: &[Record]| records.iter().map(|r| r.sync_id.to_string()).collect::<Vec<_>>();
    assert_eq!((ids(&records), ids(&kept)), (vec!["in".into()], vec!["left".into(), "gone-out".into()]));
    assert!(kept.iter().all(|record| record.fields["name"] == "old"));
}

fn overriding(set: Value, matches: Option<Value>) -> Transforms {
    let set = set.as_object().unwrap().iter();
    let set = set.map(|(path, value)| (Path::parse(path).unwrap(), value.clone(), value.clone())).collect();
    let matches = matches.map(|matches| Filter::parse(&matches).unwrap());
    let collection = if matches.is_some() { "flows" } else { "settings" };
    Transforms {
        overrides: vec![Override { collection, matches, set, place: "here".into() }],
        ..Default::default()
    }
}

#[test]
fn overrides_are_set_and_undone() {
    let mut pushed = dump();
    let transforms = overriding(
        json!({"options.url": "http://staging", "options.new": 1}),
        Some(json!({"name": "Nightly"})),
    );
    let applied = transforms.override_values(&mut pushed);
    assert_eq!(applied.remarks, []);
    assert_eq!(
        pushed["flows"][0].fields["options"],
        json!({"url": "http://staging", "tags": ["a"], "new": 1})
    );
    assert_eq!(pushed["flows"][1], dump()["flows"][1]);

    // What was pushed is pulled: the dump is what it was.
    let (old, flows) = (dump(), Collection::named("flows").unwrap());
    let mut pulled = pushed["flows"].clone();
    let undone = transforms.undo_overrides(flows, &mut pulled, &World::new(&pushed), &World::new(&old));
    assert_eq!((pulled, undone.notices), (old["flows"].clone(), vec![]));
    assert_eq!(undone.places.len(), 2);

    // Somebody changed it on the instance: the dump keeps its own, and that is told.
    let mut changed = pushed.clone();
    Path::parse("options.url")
        .unwrap()
        .set(Arc::make_mut(&mut changed.get_mut("flows").unwrap()[0].fields), json!("http://else"))
        .unwrap();
    let mut pulled = changed["flows"].clone();
    let undone = transforms.undo_overrides(flows, &mut pulled, &World::new(&changed), &World::new(&old));
    assert_eq!(pulled, old["flows"]);
    assert_eq!(
        undone.notices,
        [
            "here: flows (f1): the instance holds another options.url than the override; the dump keeps its own"
        ]
    );
}

#[test]
fn a_first_pull_writes_what_the_configuration_says() {
    let flows = Collection::named("flows").unwrap();
    let mut transforms = overriding(json!({"options.url": "secret"}), Some(json!({"name": "X"})));
    transforms.overrides[0].set[0].2 = json!("${HOOK}");
    let found =
        DumpRecords::from([("flows", vec![record("f", json!({"name": "X", "options": {"url": "secret"}}))])]);
    let mut pulled = found["flows"].clone();
    let undone = transforms.undo_overrides(flows, &mut pulled, &World::new(&found), &World::default());
    assert_eq!(pulled[0].fields["options"], json!({"url": "${HOOK}"}));
    assert_eq!(undone.notices.len(), 1);
    let found = DumpRecords::from([(
        "flows",
        vec![record("f", json!({"name": "X", "options": {"url": "its own"}}))],
    )]);
    let mut pulled = found["flows"].clone();
    let undone = transforms.undo_overrides(flows, &mut pulled, &World::new(&found), &World::default());
    assert_eq!((pulled, undone.notices), (found["flows"].clone(), vec![]));
}

#[test]
fn wrong_paths_and_nothing_to_override_are_told() {
    let remarks =
        |set: Value, matches: Option<Value>| overriding(set, matches).override_values(&mut dump()).remarks;
    let named = || Some(json!({"name": "Nightly"}));
    assert_eq!(
        remarks(json!({"options.ulr": 1}), named()),
        [Remark::Problem("here: flows (f1): options has no ulr; did you mean url?".into())]
    );
    assert_eq!(
        remarks(json!({"options.tags.3": 1}), named()),
        [Remark::Problem("here: flows (f1): options.tags is a list of 1, and has no 3".into())]
    );
    assert_eq!(
        remarks(json!({"name.first": 1}), named()),
        [Remark::Problem("here: flows (f1): name is neither object nor list, so it has no first".into())]
    );
    assert_eq!(
        remarks(json!({"name": 1}), Some(json!({"name": "no"}))),
        [Remark::Notice("here: no record of flows matches, so nothing is overridden".into())]
    );
    assert_eq!(remarks(json!({"project_name": "Staging"}), None), []);

    let dump = dump();
    let unknown = |transforms: Transforms| transforms.unknown_fields(&[&World::new(&dump)]);
    assert_eq!(
        unknown(overriding(json!({"option.url": 1}), named())),
        [Remark::Problem("here: flows have no field option; did you mean options?".into())]
    );
    assert_eq!(
        unknown(filtered("flows", json!({"stats": "x"}))),
        [Remark::Problem("p: flows have no field stats; did you mean status?".into())]
    );
    assert_eq!(
        unknown(filtered("flows", json!({"colour_scheme": "x"}))),
        [Remark::Notice("p: flows have no field colour_scheme".into())]
    );
    assert_eq!(unknown(filtered("roles", json!({"anything": "x"}))), []);
}

fn vars(name: &str) -> Option<&'static str> {
    match name {
        "KEY" => Some("k3y-v4lue"),
        _ => None,
    }
}

#[test]
fn placeholders_are_filled_and_kept() {
    let old = fields(json!({"options": {
        "url": "https://h/x", "code": "`${KEY}`", "literal": "$${KEY}",
        "headers": [{"header": "Authorization", "value": "Bearer ${KEY}"}, {"header": "X", "value": "1"}],
    }}));
    let mut pushed = old.clone();
    let (replaced, missing) = supply(&mut pushed, &vars, &[]);
    assert_eq!(missing, []);
    assert_eq!(
        replaced,
        [Replaced { path: Path::parse("options.headers[0].value").unwrap(), text: "Bearer ${KEY}".into() }]
    );
    assert_eq!(
        Value::Object(pushed.clone()),
        json!({"options": {
            "url": "https://h/x", "code": "`${KEY}`", "literal": "${KEY}",
            "headers": [{"header": "Authorization", "value": "Bearer k3y-v4lue"}, {"header": "X", "value": "1"}],
        }})
    );
    let kept = |mut fields: Fields, known: bool| {
        let lookup = |name: &str| vars(name).filter(|_| known);
        let operations = Collection::named("operations").unwrap();
        let secrets: Vec<Path> = found(operations, &fields).into_iter().map(|found| found.path).collect();
        let others = keep(&mut fields, Some(&old), &lookup, &secrets, &|_| false);
        (fields, others.into_iter().map(|(path, kept)| (path.to_string(), kept)).collect::<Vec<_>>())
    };
    assert_eq!(kept(pushed.clone(), true), (old.clone(), vec![]));
    assert_eq!(
        kept(pushed.clone(), false),
        (old.clone(), vec![]),
        "a secret is not written where the variable is not known"
    );

    let at = Path::parse("options.headers.0.value").unwrap();
    at.set(&mut pushed, json!("Bearer 0ther-v4lue")).unwrap();
    let place = "options.headers.0.value".to_owned();
    assert_eq!(
        kept(pushed.clone(), true),
        (old.clone(), vec![(place.clone(), true)]),
        "another secret is no text for a dump"
    );
    at.set(&mut pushed, json!("{{$env.KEY}}")).unwrap();
    let (fields, others) = kept(pushed, true);
    assert_eq!((at.get(&fields), others), (Some(&json!("{{$env.KEY}}")), vec![(place, false)]));
}

#[test]
fn a_variable_that_is_not_set_is_named_with_its_place() {
    let mut record = fields(json!({"a": "${KEY}", "b": {"c": "x?t=${NO}"}, "d": "${NO}"}));
    let (replaced, missing) = supply(&mut record, &vars, &[Path::of_field("d")]);
    assert_eq!((replaced.len(), missing.len()), (1, 1));
    assert_eq!((missing[0].path.to_string(), missing[0].variable.as_str()), ("b.c".into(), "NO"));
    assert_eq!(Value::Object(record), json!({"a": "k3y-v4lue", "b": {"c": "x?t=${NO}"}, "d": "${NO}"}));
}

const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6IjEyMyJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ";

#[test]
fn secrets_are_found_by_place_and_by_look() {
    let operations = Collection::named("operations").unwrap();
    let all = |value: Value| -> Vec<(String, Kind)> {
        found(operations, &fields(value)).into_iter().map(|f| (f.path.to_string(), f.kind)).collect()
    };
    let token = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    for (options, expected) in [
        (
            json!({"headers": [{"header": "Authorization", "value": "Bearer Zk3y91xQ77"}]}),
            ("options.headers.0.value", Kind::Authorization),
        ),
        (
            json!({"headers": [{"header": "X-Api-Key", "value": "Zk3y91xQ77"}]}),
            ("options.headers.0.value", Kind::Named),
        ),
        (json!({"auth": {"password": "hunter2"}}), ("options.auth.password", Kind::Named)),
        (json!({"clientSecret": "abcdEFGH"}), ("options.clientSecret", Kind::Named)),
        (json!({"access_token": "8d7f6a5b4c3d2e1f"}), ("options.access_token", Kind::Named)),
        (json!({"url": "https://me:pa55@host/x"}), ("options.url", Kind::Url)),
        (json!({"url": "https://host/x?a=1&access_token=Zk3y91xQ77&b=2"}), ("options.url", Kind::Url)),
        (json!({"url": "https://hooks.slack.com/services/T0/B0/abcdefgh"}), ("options.url", Kind::Url)),
        (json!({"body": format!("{{\"t\": \"{token}\"}}")}), ("options.body", Kind::Token)),
        (json!({"code": format!("const t = '{JWT}';")}), ("options.code", Kind::Jwt)),
        (json!({"pem": "-----BEGIN RSA PRIVATE KEY-----\nx"}), ("options.pem", Kind::PrivateKey)),
    ] {
        assert_eq!(
            all(json!({"options": options.clone()})),
            [(expected.0.to_owned(), expected.1)],
            "{options}"
        );
    }
}

#[test]
fn ordinary_values_are_no_secrets() {
    let operations = Collection::named("operations").unwrap();
    for options in [
        json!({"headers": [{"header": "Authorization", "value": "Bearer {{$env.KEY}}"}]}),
        json!({"headers": [{"header": "Authorization", "value": "Bearer ${KEY}"}]}),
        json!({"headers": [{"header": "Content-Type", "value": "application/json"}]}),
        json!({"password": "{{$trigger.password}}", "secret": "**********", "token": ""}),
        json!({"type": "token", "token_type": "access", "key": "send_mail_to_author_2"}),
        json!({"fields": ["password", "token"], "tokenField": "access_token_of_x1"}),
        json!({"url": "https://example.com/api?key=title&page=2", "flow": "6b1f6f0c-7d2e-4b1c-9a52-0d2b9a1f6c11"}),
        json!({"code": "module.exports = async ({ token }) => `${token}`", "message": "Your password has changed"}),
        json!({"body": "Basic information", "subject": "Token expired", "permissions": "$trigger"}),
        json!({"query": {"filter": {"token": {"_null": true}}}, "collection": "api_keys"}),
    ] {
        let found: Vec<_> = found(operations, &fields(json!({"options": options.clone()})))
            .into_iter()
            .map(|f| f.path.to_string())
            .collect();
        assert!(found.is_empty(), "{options}: {found:?}");
    }
}

#[test]
fn a_secret_becomes_a_placeholder_that_is_one() {
    let operations = Collection::named("operations").unwrap();
    for (text, expected) in [
        ("Bearer Zk3y91xQ77", Some("Bearer ${OPERATION_NOTIFY_SEND_X_AUTH}")),
        ("https://me:pa55@host/x", Some("https://me:${OPERATION_NOTIFY_SEND_X_AUTH}@host/x")),
        ("https://h/?token=Zk3y91xQ77&b=2", Some("https://h/?token=${OPERATION_NOTIFY_SEND_X_AUTH}&b=2")),
        (JWT, Some("${OPERATION_NOTIFY_SEND_X_AUTH}")),
        ("fetch('x', 'ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8')", None),
    ] {
        let record = fields(json!({"options": [{"header": "X-Auth", "value": text}]}));
        let found = found(operations, &record);
        assert_eq!(found.len(), 1, "{text}");
        let name = variable_name(operations, "Notify · send", &record, &found[0].path);
        let placed = extracted(text, &found[0], &name);
        assert_eq!(placed.as_deref(), expected);
        if let Some(placed) = placed {
            let secret = &text[found[0].span.0..found[0].span.1];
            assert_eq!(crate::placeholder::filled(&placed, |_| Some(secret)).as_deref(), Ok(text));
        }
    }
}
