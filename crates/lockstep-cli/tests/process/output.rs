//! What is printed, where, and how a run ends.

use lockstep_testkit::cli::Ran;
use lockstep_testkit::directus::ADMIN_TOKEN;
use serde_json::{Value, json};

use crate::fake::{Fake, rows};
use crate::place::Place;
use crate::schema;

const ESCAPE: char = '\u{1b}';

pub(crate) fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// A dump that differs a little from what [`instance`] holds.
pub(crate) fn dump() -> Place {
    let place = Place::with_dump();
    let roles = json!([
        {"_syncId": id(1), "name": "Editor", "description": "New", "parent": null},
        {"_syncId": id(2), "name": "Author", "parent": id(1)},
    ]);
    let flows = json!([{"_syncId": id(5), "name": "Nightly", "status": "active", "operation": null,
        "options": {"cron": "0 2 * * *", "payload": {"a": 1}}}]);
    place.records("roles", &roles.to_string());
    place.records("flows", &flows.to_string());
    place
}

/// The same dump with a schema, a step ahead of what [`instance_behind`] has.
pub(crate) fn dump_ahead() -> Place {
    let place = dump();
    place.schema(&schema::desired());
    place
}

/// An instance with some roles and a flow, and the schema of [`dump`].
pub(crate) async fn instance() -> Fake {
    playing(&schema::empty(), &Value::Null).await
}

/// The same instance with a schema that is a step behind that of [`dump_ahead`]. It is asked one thing more: how many values
/// the field holds that would go.
pub(crate) async fn instance_behind() -> Fake {
    playing(&schema::current(), &schema::difference()).await
}

/// With this schema, and this as its comparison with that of the dump.
async fn playing(snapshot: &Value, difference: &Value) -> Fake {
    let role = |number, name, description: &str| json!({"id": id(number), "name": name, "description": description, "parent": null});
    let roles = [role(1, "Editor", "Old"), role(3, "Viewer", ""), role(4, "Guest", "")];
    let flow = json!({"id": id(5), "name": "Nightly", "status": "inactive", "operation": null,
        "options": {"payload": {"a": 2}, "cron": "0 2 * * *"}, "operations": [], "operations_count": 0});
    let tracked = json!({"id": "roles/0", "data": json!({"same": [id(1), id(3)]}).to_string()});
    Fake::answering(&[
        ("/roles", 200, &rows(&roles)),
        ("/flows", 200, &rows(&[flow])),
        ("/items/lockstep_state", 200, &rows(&[tracked])),
        ("/schema/diff", 200, &schema::answer(difference)),
        ("/schema/snapshot", 200, &schema::answer(snapshot)),
    ])
    .await
}

/// stdout without what differs from run to run.
fn shown(ran: &Ran, fake: &Fake) -> String {
    let text = ran.stdout.replace(&fake.url(), "<url>");
    let lines = text.lines().map(|line| match line.split_once(" requests, ") {
        Some((count, _)) => format!("{count} requests, <time>\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}

const RECORDS: &str = r#"
flows
  ~ Nightly  00000000-0000-4000-8000-000000000005
      status  "inactive" -> "active"
      options
            "payload": {
        -     "a": 2
        +     "a": 1
            }

roles
  + Author
      parent Editor
  ~ Editor  00000000-0000-4000-8000-000000000001
      description  "Old" -> "New"
  - Viewer  00000000-0000-4000-8000-000000000003
  untracked, kept (--prune deletes them): "Guest"
"#;

#[tokio::test]
async fn a_plan_says_what_would_change() {
    let (place, fake) = (dump_ahead(), instance_behind().await);
    let ran = place.run_at(&fake, &["diff"]).await.exits(0);
    let expected = format!(
        "./directus-config -> <url> (Directus 11.17.4, mappings in its table)\n\n\
         schema\n  \
           - field articles.body  destructive: the column and all its values are dropped\n      \
               instead: copy its values elsewhere first, or keep it in the desired schema\n  \
           + field articles.due\n  \
           ~ field articles.title  lossy: values longer than 100 are cut or refused\n      \
               instead: shorten the values first, or keep the length\n      \
               schema.max_length  255 -> 100\n\
         {RECORDS}\n\
         Summary: 3 changes of the schema (1 lossy, 1 destructive), 1 to create, 2 to update, 1 to delete, 1 untracked\n\
         17 requests, <time>\n"
    );
    assert_eq!((shown(&ran, &fake), ran.stderr.as_str()), (expected, ""));
    assert!(fake.writes().is_empty());
    assert_eq!(fake.comparisons(), 0, "the server is not burdened with a comparison");
}

#[tokio::test]
async fn no_difference_is_said_in_one_line() {
    let (place, fake) = (Place::with_dump(), Fake::empty().await);
    let ran = place.run_at(&fake, &["diff", "--exit-code"]).await.exits(0);
    assert_eq!(
        shown(&ran, &fake),
        "./directus-config -> <url> (Directus 11.17.4, mappings in its table)\n\nNo differences: 0 records are the \
         same\n16 requests, <time>\n"
    );
    let ran = place.run_at(&fake, &["push"]).await.exits(0);
    assert!(ran.stdout.contains("Nothing to push"), "{ran}");
}

#[tokio::test]
async fn differences_end_with_2_where_asked_for() {
    let (place, fake) = (dump(), instance().await);
    place.run_at(&fake, &["diff"]).await.exits(0);
    place.run_at(&fake, &["diff", "--exit-code"]).await.exits(2);
    place.run_at(&fake, &["diff", "--exit-code", "--json"]).await.exits(2);
}

#[tokio::test]
async fn a_diff_is_one_document() {
    let (place, fake) = (dump_ahead(), instance_behind().await);
    let ran = place.run_at(&fake, &["diff", "--json"]).await.exits(0);
    let report = ran.json();
    assert_eq!(
        (ran.stderr.as_str(), &report["command"], &report["converged"]),
        ("", &json!("diff"), &json!(false))
    );
    assert_eq!((&report["requests"], &report["applied"]), (&json!(17), &Value::Null));
    assert!(report["duration_ms"].is_u64() && report["notices"] == json!([]));
    assert_eq!(report["instance"], json!({"url": fake.url(), "version": "11.17.4", "state": "table"}));
    let roles = &report["collections"]["roles"];
    for (count, expected) in
        [("create", 1), ("update", 1), ("delete", 1), ("unchanged", 0), ("dangling", 0), ("untracked", 1)]
    {
        assert_eq!(roles[count], expected, "{count}");
    }
    let items = roles["items"].as_array().unwrap();
    assert_eq!(
        json!(items[..2]),
        json!([
            {"action": "update", "sync_id": id(1), "id": id(1), "label": "Editor",
                "changes": [{"path": "description", "before": "Old", "after": "New"}]},
            {"action": "create", "sync_id": id(2), "id": id(2), "label": "Author",
                "changes": [{"path": "name", "before": null, "after": "Author"},
                    {"path": "parent", "before": null, "after": id(1)}]},
        ])
    );
    let deleted = &items[2];
    assert_eq!(
        json!([deleted["action"], deleted["sync_id"], deleted["id"], deleted["label"]]),
        json!(["delete", id(3), id(3), "Viewer"])
    );
    let schema = report["schema"]["changes"].as_array().unwrap();
    let risks: Vec<_> =
        schema.iter().map(|change| (&change["kind"], &change["field"], &change["risk"])).collect();
    assert_eq!(
        json!(risks),
        json!([["delete", "body", "destructive"], ["create", "due", "safe"], ["update", "title", "lossy"]])
    );
    assert_eq!(schema[2]["edits"], json!([{"path": "schema.max_length", "before": 255, "after": 100}]));
}

#[tokio::test]
async fn a_pull_is_one_document() {
    let (place, fake) = (Place::new(), instance().await);
    let ran = place.run_at(&fake, &["pull", "--no-specs", "--json"]).await.exits(0);
    let report = ran.json();
    assert_eq!((ran.stderr.as_str(), &report["command"]), ("", &json!("pull")));
    assert_eq!((&report["collections"]["roles"], &report["schema_collections"]), (&json!(3), &json!(0)));
    assert!(report["requests"].is_u64() && report["duration_ms"].is_u64(), "{ran}");
    assert_eq!(report["written"].as_array().unwrap().len(), place.cli.files().files().len());
    let ran = place.run_at(&fake, &["pull", "--no-specs"]).await.exits(0);
    let expected = "Pulled <url> (Directus 11.17.4) into ./directus-config\n  5 records: dashboards 0, flows 1, \
                    folders 0, operations 0, panels 0, permissions 0, policies 0, presets 0, roles 3, settings 1, \
                    translations 0\n  schema of 0 collections\n  0 files written, 12 unchanged, 0 removed\n  \
                    16 requests, <time>\n";
    assert_eq!(shown(&ran, &fake), expected);
}

/// The played instance does not change: everything is applied, and a second comparison finds it all again.
#[tokio::test]
async fn what_is_left_after_a_push_is_told() {
    let (place, fake) = (dump(), instance().await);
    let ran = place.run_at(&fake, &["push", "--quiet"]).await.exits(2);
    assert_eq!(
        shown(&ran, &fake),
        format!(
            "Applied flows 1 updated, roles 1 created 1 updated 1 deleted\nNot in step: a second comparison still \
             finds\n{RECORDS}\n34 requests, <time>\n"
        )
    );
    let report = place.run_at(&fake, &["push", "--json"]).await.exits(2).json();
    assert_eq!((&report["command"], &report["converged"]), (&json!("push"), &json!(false)));
    assert_eq!(report["applied"]["collections"]["roles"], json!({"created": 1, "updated": 1, "deleted": 1}));
    assert_eq!(report["residue"]["collections"]["roles"]["update"], 1);
}

/// One of several processes of a server may go on with the schema that it had.
#[tokio::test]
async fn records_wait_until_the_fields_are_there() {
    let (place, fake) = (dump_ahead(), instance_behind().await);
    let front = Fake::before(&fake, &[], ("/fields/articles", 403, "{}")).await;
    place.run_at(&front, &["push", "--allow-destructive"]).await.exits(2);
    let requests = front.requests();
    let of = |method: &str, path: &str| -> Vec<usize> {
        let all = requests.iter().enumerate();
        let found = all.filter(|(_, seen)| seen.method == method && seen.path.starts_with(path));
        found.map(|(place, _)| place).collect()
    };
    let (applied, asked) = (of("POST", "/schema/apply"), of("GET", "/fields/articles"));
    assert_eq!((applied.len(), asked.len()), (1, 2), "{requests:#?}");
    let written = of("PATCH", "/flows");
    assert!(applied[0] < asked[0] && asked[1] < written[0], "{requests:#?}");
}

#[tokio::test]
async fn destruction_is_refused_unless_allowed() {
    let (place, fake) = (dump_ahead(), instance_behind().await);
    for arguments in [&["push"][..], &["push", "--yes"], &["push", "--force", "--yes", "--quiet"]] {
        let ran = place.run_at(&fake, arguments).await.exits(3);
        assert!(ran.stdout.contains("destructive: the column and all its values are dropped"), "{ran}");
        assert_eq!(
            ran.stderr,
            "error: refused: this would destroy data, and nothing was written\n  hint: look at the plan; if you \
             mean it, add --allow-destructive\n"
        );
    }
    let report = place.run_at(&fake, &["push", "--json"]).await.exits(3).json();
    assert_eq!(report["error"]["differences"]["schema"]["changes"][0]["risk"], "destructive");
    assert!(fake.writes().is_empty(), "{:#?}", fake.writes());
    assert_eq!(fake.comparisons(), 0);
    let ran = place.run_at(&fake, &["push", "--allow-destructive"]).await.exits(2);
    assert!(ran.stdout.contains("Applied the schema, flows 1 updated"), "{ran}");
    assert_eq!(fake.writes()[0].path, "/schema/apply", "{:#?}", fake.writes());
    assert_eq!(fake.comparisons(), 1, "before it writes, a push lets the server agree");
}

#[tokio::test]
async fn debug_lists_every_request_and_no_secret() {
    let (place, fake) = (dump(), instance().await);
    let ran = place.run_at(&fake, &["push", "--debug"]).await.exits(2);
    let asked: Vec<_> =
        fake.requests().iter().map(|seen| format!("{} {} ", seen.method, seen.path)).collect();
    let lines: Vec<_> = ran.stderr.lines().collect();
    assert_eq!(lines.len(), asked.len(), "{ran}");
    for request in &asked {
        assert!(lines.iter().any(|line| line.starts_with(request.as_str())), "{request}\n{ran}");
    }
    assert!(lines.iter().all(|line| line.contains(" 200 ") || line.contains(" 404 ")), "{ran}");
    assert!(!ran.stderr.contains(ADMIN_TOKEN) && !ran.stdout.contains(ADMIN_TOKEN), "{ran}");
    let ran = place.run(&["diff", "--debug", "-u", &fake.url(), "-e", "a@b.c", "-p", "pa55word"]).await;
    assert!(ran.stderr.contains("POST /auth/login ") && !ran.stderr.contains("pa55word"), "{ran}");
}

#[tokio::test]
async fn colours_are_for_terminals() {
    let (place, fake) = (dump_ahead(), instance_behind().await);
    for arguments in [&["diff"][..], &["push"], &["push", "--debug"], &["diff", "--nope"], &["--help"]] {
        let ran = place.run_at(&fake, arguments).await;
        assert!(!ran.stdout.contains(ESCAPE) && !ran.stderr.contains(ESCAPE), "{ran}");
    }
    assert!(place.run_at(&fake, &["diff", "--color", "always"]).await.stdout.contains(ESCAPE));
}

/// Whoever may name a role may not write on the terminal of whoever reviews the plan.
#[tokio::test]
async fn names_do_not_steer_the_terminal() {
    let evil = format!("{ESCAPE}]0;owned\u{7}{ESCAPE}[2J\n  - everything\u{9b}1m");
    let place = Place::with_dump();
    let role = |name: &str| {
        json!([{"_syncId": id(1), "name": name, "description": evil, "parent": null}]).to_string()
    };
    place.records("roles", &role(&evil));
    let here = [
        json!({"id": id(1), "name": "Role", "description": evil.replace('2', "3"), "parent": null}),
        json!({"id": id(2), "name": evil, "parent": null}),
    ];
    let fake = Fake::with(&[("roles", here.to_vec())]).await;
    let refusal = json!({"errors": [{"message": evil, "extensions": {"code": "FORBIDDEN"}}]}).to_string();
    let unfriendly = Fake::answering(&[("/roles", 403, &refusal)]).await;
    for fake in [&fake, &unfriendly] {
        for arguments in
            [&["diff"][..], &["diff", "--prune"], &["diff", "--json"], &["push"], &["diff", "--debug"]]
        {
            let ran = place.run_at(fake, arguments).await;
            for stream in [&ran.stdout, &ran.stderr] {
                assert!(!stream.contains([ESCAPE, '\u{7}', '\u{9b}']), "{ran}");
                assert!(!stream.lines().any(|line| line.starts_with("  - everything")), "{ran}");
            }
        }
    }
    place.records("roles", &json!([{"_syncId": id(1), "name": evil, "parent": id(9)}]).to_string());
    let ran = place.run_at(&Fake::empty().await, &["diff"]).await.exits(1);
    assert!(!ran.stderr.contains(ESCAPE), "{ran}");
}
