//! What the daemon tells: health, readiness, metrics, the page; WebSockets; notifications.

use std::net::TcpListener;

use lockstep_directus::{Auth, Client, ClientOptions, Request};
use serde_json::json;

use crate::stage::{Stage, create, rows, until};

#[tokio::test(flavor = "multi_thread")]
async fn health_metrics_and_the_page() {
    let stage = Stage::new(2).await;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let routes = json!([{"from": "a", "to": "b", "collections": ["authors"]}]);
    let config = stage.config(routes, |config| {
        config["listen"] = json!(format!("127.0.0.1:{port}"));
        config["attempts"] = json!(1);
    });
    let daemon = stage.run(config).await;
    create(&stage.instances[0].client, "authors", json!({"name": "Ann"})).await;
    stage.alike(&["authors"], true).await;
    let web = Client::new(&format!("http://127.0.0.1:{port}"), Auth::None, ClientOptions::default()).unwrap();
    let text = async |path: &str| web.send(&Request::get(path)).await.unwrap().text().unwrap();
    assert!(text("/health").await.contains("\"ok\""));
    assert!(text("/ready").await.contains("true"));
    let metrics = text("/metrics").await;
    assert!(metrics.contains("lockstep_live_applied_total{route=\"a>b\"} 1"), "{metrics}");
    let page = text("/").await;
    assert!(page.contains("Lockstep live") && !page.contains("http://") && !page.contains("https://"));
    let status = text("/status").await;
    for said in [&metrics, &page, &status] {
        assert!(stage.instances.iter().all(|it| !said.contains(it.sandbox.token())));
    }
    let forged = Request::get("/status").header("Host", "evil.example");
    assert_eq!(web.send(&forged).await.unwrap_err().status(), Some(403));
    let retried = web.send(&Request::post("/retry").json(json!({}))).await.unwrap().json().unwrap();
    assert_eq!(retried, json!({"retried": 0}));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn websockets_tell_at_once() {
    let stage = Stage::new(2).await;
    let routes = json!([{"from": "a", "to": "b", "collections": ["authors"]}]);
    let config = stage.config(routes, |config| {
        // Without a WebSocket nothing would be seen within the patience of the test.
        config["poll"] = json!(3600);
        config["websocket"] = json!(true);
        for (peer, instance) in ["a", "b"].into_iter().zip(&stage.instances) {
            config["peers"][peer]["url"] = json!(instance.sandbox.url());
        }
    });
    let daemon = stage.run(config).await;
    stage.ready().await;
    let journal = || lockstep_live::journal::Journal::visit(&stage.journal()).unwrap();
    until("it listens", || async {
        lockstep_live::status::Status::read(&journal()).unwrap().peers["a"].websocket
    })
    .await;
    create(&stage.instances[0].client, "authors", json!({"name": "Ann"})).await;
    until("it came", || async { rows(&stage.instances[1].client, "authors").await.len() == 1 }).await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_told_once_of_a_problem() {
    let stage = Stage::new(2).await;
    let b = &stage.instances[1].client;
    let me = b.send(&Request::get("/users/me")).await.unwrap().data().unwrap()["id"].clone();
    let routes = json!([{"from": "a", "to": "b", "collections": ["tags"]}]);
    let config = stage.config(routes, |config| {
        config["attempts"] = json!(2);
        config["notify"] = json!({"b": [me]});
    });
    let daemon = stage.run(config).await;
    stage.ready().await;
    create(b, "tags", json!({"name": "red"})).await;
    create(&stage.instances[0].client, "tags", json!({"name": "red"})).await;
    until("they are told", || async { !rows(b, "directus_notifications").await.is_empty() }).await;
    let told = rows(b, "directus_notifications").await;
    assert_eq!(told.len(), 1);
    assert!(told[0]["subject"].as_str().unwrap().contains("tags"), "{told:?}");
    daemon.stop().await;
}
