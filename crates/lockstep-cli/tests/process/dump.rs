//! What is wrong with a dump: the file, the record and the field are named, and nothing is written.

use serde_json::json;

use crate::fake::Fake;
use crate::place::Place;
use crate::schema;

const ID: &str = "00000000-0000-4000-8000-00000000000";

/// A diff and a push of this dump are refused with these words.
async fn says(place: &Place, code: i32, expected: &str) {
    let fake = Fake::empty().await;
    for command in ["diff", "push"] {
        assert_eq!(place.refuses_at(&fake, code, &[command]).await.trim_end(), expected);
    }
}

#[tokio::test]
async fn that_is_not_there() {
    let place = Place::new();
    let hint = "hint: run `lockstep pull` first, or check --dump-path";
    says(&place, 1, &format!("error: there is no dump at directus-config\n  {hint}")).await;
    let place = Place::with_dump();
    place.cli.files().remove("collections");
    let expected = "error: the dump has no collections: directus-config/collections is missing\n  hint: run `lockstep \
                    pull` first, check --collections-path, or leave records out with --no-collections";
    says(&place, 1, expected).await;
}

#[tokio::test]
async fn whose_files_are_not_what_they_should_be() {
    let anew = "hint: correct the file, or run `lockstep pull` to write it anew";
    let array = "hint: a collection's file is a JSON array with one object per record";
    let identity = "hint: give the record a `_syncId`, for instance a new UUID";
    for (text, expected) in [
        ("[\n  {\"_syncId\": \"a\",}\n]", format!(":2:19: not valid JSON: trailing comma\n  {anew}")),
        ("[{", format!(":1:2: not valid JSON: the file ends too early\n  {anew}")),
        ("", format!(":1:1: not valid JSON: the file is empty\n  {anew}")),
        (
            "[\n<<<<<<< HEAD\n{\"_syncId\":\"a\"}\n=======\n{\"_syncId\":\"b\"}\n>>>>>>> main\n]",
            ":2:1: not valid JSON: expected value\n  hint: resolve the merge conflict in this file".to_owned(),
        ),
        ("{}", format!(": expected an array of records, found an object\n  {array}")),
        ("[1]", format!(": record 1 is not an object\n  {array}")),
        (
            r#"[{"_syncId":"a"},{"name":"B"}]"#,
            format!(": record 2 has no `_syncId` (a non-empty string is needed)\n  {identity}"),
        ),
        (
            r#"[{"_syncId":"a"},{"_syncId":"b"},{"_syncId":"a"}]"#,
            ": records 1 and 3 have the same `_syncId` a\n  hint: remove one of the two records, or give it a \
             `_syncId` of its own"
                .to_owned(),
        ),
    ] {
        let place = Place::with_dump();
        place.records("roles", text);
        says(&place, 1, &format!("error: directus-config/collections/roles.json{expected}")).await;
    }
}

#[tokio::test]
async fn that_refers_to_what_is_nowhere() {
    let place = Place::with_dump();
    place.records("roles", &format!(r#"[{{"_syncId":"{ID}1","name":"Editor","parent":"{ID}9"}}]"#));
    place.records("panels", &format!(r#"[{{"_syncId":"{ID}2","name":"Chart","dashboard":"{ID}8"}}]"#));
    let expected = format!(
        "error: the dump has 2 problems, and nothing was written\n  - roles.json: \"Editor\" ({ID}1): parent refers to \
         {ID}9, a record of roles that neither the dump nor the instance has\n    hint: pull again, add the record to \
         roles.json, or include roles if it is excluded\n  - panels.json: \"{ID}8 · Chart\" ({ID}2): dashboard refers \
         to {ID}8, a record of dashboards that neither the dump nor the instance has\n    hint: pull again, add the \
         record to dashboards.json, or include dashboards if it is excluded"
    );
    says(&place, 1, &expected).await;
}

/// Two operations that lead to each other would take the server down as soon as it loads the flow.
#[tokio::test]
async fn whose_operations_go_in_a_circle() {
    let place = Place::with_dump();
    operations(&place, [Some(2), Some(1), None]);
    let expected = "error: the dump has a problem, and nothing was written\n  - operations.json: a circle by resolve \
                    or reject: \"Nightly · step1\" -> \"Nightly · step2\" -> \"Nightly · step1\"\n    hint: clear \
                    resolve or reject of one of them: the circle would crash the server when it loads the flow";
    says(&place, 1, expected).await;
    operations(&place, [Some(3), Some(3), None]);
    let expected = "error: the dump has a problem, and nothing was written\n  - operations.json: \"Nightly · step1\" \
                    and \"Nightly · step2\" have the same resolve\n    hint: no two records may have the same resolve: \
                    change it in one of them";
    says(&place, 1, expected).await;
}

/// The server would refuse these in the middle of a push, or keep another value than the dump's for ever.
#[tokio::test]
async fn that_lacks_a_text_that_every_record_has() {
    let place = Place::with_dump();
    let hint = "hint: give the record a text as name; a field that the configuration ignores does not count";
    for (name, told) in [
        ("", "missing, and the instance takes no record without it"),
        (r#","name":null"#, "null, and has to be a text"),
        (r#","name":5"#, "a number, and has to be a text"),
    ] {
        place.records("roles", &format!(r#"[{{"_syncId":"{ID}1"{name}}}]"#));
        let expected = format!(
            "error: the dump has a problem, and nothing was written\n  - roles.json: \"{ID}1\" ({ID}1): name is {told}\n    {hint}"
        );
        says(&place, 1, &expected).await;
    }
}

/// What is wrong with a value of a variable is said without the value, and a variable that is not set is no missing value.
#[tokio::test]
async fn whose_required_value_is_that_of_a_variable() {
    let place = Place::with_dump();
    place.with_schema();
    place.file(".env", "SECRET=s3cret\n");
    let record = |value: &str| {
        format!(r#"[{{"_syncId":"{ID}1","language":"en-US","key":"imprint","value":{value}}}]"#)
    };
    place.records("translations", &record(r#"["${SECRET}"]"#));
    let fake = Fake::empty().await;
    let told = place.refuses_at(&fake, 1, &["push"]).await;
    assert!(told.contains("value is a list, and has to be a text") && !told.contains("s3cret"), "{told}");
    place.records("translations", &record(r#""${NOBODY_SET_IT}""#));
    let ran = place.run_at(&fake, &["diff"]).await.exits(0).says("1 to create");
    drop(ran.says("the variable NOBODY_SET_IT is not set, so value is not compared"));
}

/// A flow with three operations, and where each goes on.
fn operations(place: &Place, next: [Option<u32>; 3]) {
    place.records("flows", &format!(r#"[{{"_syncId":"{ID}f","name":"Nightly","operation":null}}]"#));
    let operation = |(place, next): (usize, &Option<u32>)| {
        let number = place + 1;
        let next = next.map_or_else(|| "null".to_owned(), |next| format!("\"{ID}{next}\""));
        format!(
            r#"{{"_syncId":"{ID}{number}","key":"step{number}","type":"log","position_x":1,"position_y":1,"flow":"{ID}f","resolve":{next}}}"#
        )
    };
    let all: Vec<_> = next.iter().enumerate().map(operation).collect();
    place.records("operations", &format!("[{}]", all.join(",")));
}

#[tokio::test]
async fn with_roles_in_a_circle() {
    let place = Place::with_dump();
    let role =
        |id, name, parent| format!(r#"{{"_syncId":"{ID}{id}","name":"{name}","parent":"{ID}{parent}"}}"#);
    place.records("roles", &format!("[{},{}]", role(1, "A", 2), role(2, "B", 1)));
    let expected = "error: the dump has a problem, and nothing was written\n  - roles.json: a circle by parent: \"A\" \
                    -> \"B\" -> \"A\"\n    hint: clear the field parent of one of them";
    says(&place, 1, expected).await;
}

/// It is compared, and --force has nothing to force. What only one of the versions knows is told, and stays as it is.
#[tokio::test]
async fn of_another_version() {
    let mut earlier = schema::current();
    earlier["directus"] = json!("11.1.0");
    earlier.as_object_mut().unwrap().remove("systemFields");
    for field in earlier["fields"].as_array_mut().unwrap() {
        field["meta"].as_object_mut().unwrap().remove("searchable");
        field["schema"].as_object_mut().unwrap().remove("is_indexed");
    }
    let mut later = schema::current();
    later["directus"] = json!("12.4.0");
    later["collections"][0]["meta"]["status"] = json!("active");
    let fake = Fake::answering(&[("/schema/snapshot", 200, &schema::answer(&schema::current()))]).await;
    for (dumped, expected) in [
        (earlier, "note: schema: meta.searchable, schema.is_indexed are not said, and stay as they are\n"),
        (later, "note: schema: this Directus does not know meta.status (articles), left out\n"),
    ] {
        let place = Place::with_dump();
        place.schema(&dumped);
        for (arguments, outcome) in [
            (&["diff"][..], "No differences: 0 records are the same\n"),
            (&["diff", "--force"], "No differences: 0 records are the same\n"),
            (&["push"], "Nothing to push"),
            (&["push", "--force"], "Nothing to push"),
        ] {
            let ran = place.run_at(&fake, arguments).await.exits(0);
            assert!(ran.stdout.contains(outcome), "{ran}");
            assert_eq!(ran.stderr, expected, "{ran}");
        }
    }
    // A push without differences records its mappings all the same.
    assert!(fake.writes().iter().all(|seen| !seen.path.starts_with("/schema")), "{:#?}", fake.writes());
    assert_eq!(fake.comparisons(), 0);
}

#[tokio::test]
async fn with_access_rules_of_another_kind() {
    let (place, fake) = (Place::with_dump(), Fake::empty().await);
    place.file(
        "directus-config/snapshot/info.json",
        r#"{"version":1,"directus":"10.13.1","vendor":"sqlite"}"#,
    );
    let expected = "error: the dump comes from Directus 10.13.1, the instance runs 11.17.4: their access rules are \
                    built differently\n  hint: migrate with Directus itself first, or leave them out: -x \
                    roles,policies,permissions,presets\n";
    for arguments in [&["diff"][..], &["diff", "--force"], &["push"], &["push", "--force"]] {
        assert_eq!(place.refuses_at(&fake, 3, arguments).await, expected);
    }
    let ran = place.run_at(&fake, &["diff", "-x", "roles,policies,permissions,presets"]).await.exits(0);
    assert!(ran.stdout.contains("No differences: 0 records are the same\n"), "{ran}");
    assert_eq!(ran.stderr, "", "{ran}");
}

#[tokio::test]
async fn with_a_snapshot_that_cannot_be_read() {
    let place = Place::with_dump();
    place.file("directus-config/snapshot/info.json", "{\"version\":1,");
    let told = place.refuses_at(&Fake::empty().await, 1, &["diff"]).await;
    assert!(told.starts_with("error: directus-config/snapshot/info.json:1:13: not valid JSON"), "{told}");
}

#[tokio::test]
async fn with_a_file_that_no_collection_has() {
    let (place, fake) = (Place::with_dump(), Fake::empty().await);
    place.records("rols", "[]");
    let ran = place.run_at(&fake, &["diff"]).await.exits(0);
    assert_eq!(
        place.told(&ran.stderr),
        "note: directus-config/collections/rols.json is not a collection and is not read; was roles.json meant?\n"
    );
    place.cli.files().remove("collections/roles.json");
    let ran = place.run_at(&fake, &["diff"]).await.exits(0);
    assert!(
        ran.stderr.contains("note: roles.json is missing: the roles of the instance stay as they are\n"),
        "{ran}"
    );
}

#[tokio::test]
async fn with_mappings_that_cannot_be_used() {
    let (place, fake) = (Place::with_dump(), Fake::empty().await);
    place.file("directus-config/lockstep-state.json", "{");
    let told = place.refuses_at(&fake, 1, &["push", "--state", "file"]).await;
    assert!(told.starts_with("error: directus-config/lockstep-state.json"), "{told}");
    assert!(told.ends_with(
        "hint: restore the file from version control, or remove it: records are then matched anew\n"
    ));
    let expected = "error: the instance does not have the mapping extension\n  hint: install one with `lockstep extension install`, or directus-extension-sync, \
                    or use --state auto\n";
    assert_eq!(place.refuses_at(&fake, 1, &["push", "--state", "extension"]).await, expected);
}

/// It would be tracked, and so deleted by the next push.
#[tokio::test]
async fn a_record_to_link_that_the_dump_does_not_have() {
    let place = Place::with_dump();
    let known = "6b1f6f0c-7d2e-4b1c-9a52-0d2b9a1f6c11";
    place.file(
        "directus-config/collections/roles.json",
        &json!([{"_syncId": known, "name": "Editor"}]).to_string(),
    );
    let fake = Fake::with(&[("roles", vec![json!({"id": "b", "name": "Local"})])]).await;
    let told =
        place.refuses_at(&fake, 1, &["state", "link", "roles", &known.replace("c11", "c12"), "b"]).await;
    assert_eq!(
        told,
        format!(
            "error: directus-config/collections/roles.json has no record {}; did you mean {known}?\n",
            known.replace("c11", "c12")
        )
    );
    assert!(fake.writes().is_empty(), "{:#?}", fake.writes());
}

#[tokio::test]
async fn a_record_to_link_that_is_not_there() {
    let (place, fake) = (Place::with_dump(), Fake::empty().await);
    let told = place.refuses_at(&fake, 1, &["state", "link", "roles", "a", "b"]).await;
    assert_eq!(told, "error: <url> has no record b in roles\n");
    let told = place.refuses_at(&fake, 1, &["state", "link", "rolls", "a", "b"]).await;
    assert_eq!(told, "error: there is no collection rolls; did you mean roles?\n");
}
