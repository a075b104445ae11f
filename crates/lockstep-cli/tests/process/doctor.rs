//! `lockstep doctor`: on an instance in this process, and on ones where something is wrong.

use lockstep_sandbox::{Options, Sandbox};

use crate::fake::Fake;
use crate::place::Place;

async fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).await.unwrap()
}

#[tokio::test]
async fn all_is_well() {
    let (place, sandbox) = (Place::with_dump(), sandbox().await);
    let ran = place.run(&["doctor", "-u", &sandbox.url(), "-t", sandbox.token()]).await.exits(0);
    for line in [
        "ok    version     Directus 11.17.4",
        "ok    extension   the mapping extension answers",
        "ok    dump",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{ran}");
    }
    assert!(ran.stdout.ends_with("Nothing stands in the way\n"), "{ran}");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_missing_dump_is_worth_a_note_only() {
    let (place, sandbox) = (Place::new(), sandbox().await);
    let ran = place.run(&["doctor", "--json", "-u", &sandbox.url(), "-t", sandbox.token()]).await.exits(0);
    let document = ran.json();
    let dump = document["checks"].as_array().unwrap().iter().find(|check| check["name"] == "dump").unwrap();
    assert_eq!((&dump["verdict"], &document["healthy"]), (&"note".into(), &true.into()), "{ran}");
    assert_eq!(dump["remedy"], "lockstep pull writes one", "{ran}");
    sandbox.stop().await;
}

#[tokio::test]
async fn what_fails_is_told_with_its_remedy_and_the_rest_is_not_looked_at() {
    let (place, sandbox) = (Place::with_dump(), sandbox().await);
    let wrong = place.run(&["doctor", "-u", &sandbox.url(), "-t", "wrong"]).await.exits(1);
    assert!(wrong.stdout.contains("bad   rights"), "{wrong}");
    assert!(wrong.stdout.contains("-     store       not looked at"), "{wrong}");
    assert!(wrong.stdout.contains("hint: "), "{wrong}");
    sandbox.stop().await;
    let nobody = place.run(&["doctor", "-u", "http://127.0.0.1:9", "-t", "x"]).await.exits(1);
    assert!(nobody.stdout.contains("bad   connection  cannot connect to http://127.0.0.1:9"), "{nobody}");
    let fake = Fake::answering(&[("/server/ping", 200, "hello")]).await;
    let other = place.run_at(&fake, &["doctor"]).await.exits(1);
    assert!(other.stdout.contains("bad   connection"), "{other}");
}

#[tokio::test]
async fn a_broken_dump_is_told_whatever_the_instance_says() {
    let (place, sandbox) = (Place::with_dump(), sandbox().await);
    place.records("roles", "[{]");
    let ran = place.run(&["doctor", "-u", &sandbox.url(), "-t", sandbox.token()]).await.exits(1);
    assert!(ran.stdout.contains("bad   dump") && ran.stdout.contains("roles.json"), "{ran}");
    sandbox.stop().await;
}
