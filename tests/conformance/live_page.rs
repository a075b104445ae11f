//! The status page of live replication, as somebody sees it in a browser: on the sandbox, with the program itself as the
//! daemon, and a headless Chromium.

use std::net::TcpListener;
use std::path::Path;

use lockstep_testkit::browser::Page;
use lockstep_testkit::cli::{Cli, Running};
use lockstep_testkit::proxy::{Fault, Rule};
use serde_json::{Map, Value, json};

use crate::stage::instance::Instance;

const NAMES: [&str; 3] = ["a", "b", "c"];
/// What a page must never take for more than text.
const MARKUP: &str = "<img src=x onerror=window.hurt=1>";

impl Instance {
    /// Content, with one field whose values are unique.
    async fn with_unique_emails() -> Self {
        let instance = Self::new().await;
        let email = json!({"field": "email", "type": "string", "schema": {"is_unique": true}, "meta": {}});
        instance.http.post("/fields/authors", &email).await.unwrap();
        instance
    }

    async fn author(&self, name: &str, email: &str) -> Value {
        let made = self.http.post("/items/authors", &json!({"name": name, "email": email})).await.unwrap();
        made["id"].clone()
    }

    /// How often somebody tried to create authors here.
    fn tries(&self) -> usize {
        let tries = |path: &str| path.starts_with("/items/authors");
        self.proxy.requests().iter().filter(|seen| seen.method == "POST" && tries(&seen.path)).count()
    }
}

/// Instances with a daemon between them, which takes nothing a second time.
struct Stage {
    instances: Vec<Instance>,
    // Ended before its folder goes.
    daemon: Running,
    cli: Cli,
    address: String,
}

impl Stage {
    fn new(instances: Vec<Instance>, routes: Value) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let peers: Map<String, Value> =
            NAMES.into_iter().zip(&instances).map(|(name, it)| (name.to_owned(), it.peer())).collect();
        let live = json!({
            "listen": address, "poll": 0.2, "attempts": 1, "websocket": false, "peers": peers, "routes": routes,
        });
        let cli = Cli::new();
        std::fs::write(cli.dir().join("lockstep.config.json"), json!({"live": live}).to_string()).unwrap();
        let daemon = cli.start(&["live", "run"]);
        Self { instances, daemon, cli, address }
    }

    async fn open(&mut self) -> Page {
        // The browser is not patient with an address where nobody is yet.
        while std::net::TcpStream::connect(&self.address).is_err() {
            assert_eq!(self.daemon.ended(), None, "{}", self.daemon.log());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        // Who has no browser is told what to install.
        Page::open(&format!("http://{}/", self.address)).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Nothing came from elsewhere, nothing was wrong, nobody's token is shown.
    async fn is_clean(&self, page: &mut Page) {
        assert_eq!(page.complaints(), [""; 0]);
        let requests = page.requests();
        let own = [format!("http://{}/", self.address), "data:".to_owned()];
        let strange = requests.iter().find(|url| !own.iter().any(|own| url.starts_with(own.as_str())));
        assert_eq!(strange, None, "{requests:?}");
        assert!(requests.iter().any(|url| url.ends_with("/status")), "{requests:?}");
        let html = page.evaluate("document.documentElement.outerHTML").await.unwrap();
        let html = html.as_str().unwrap();
        assert!(html.contains("Lockstep live"));
        assert!(self.instances.iter().all(|it| !html.contains(it.sandbox.token())));
    }
}

/// The rows of a table of the page, each by the names of its columns.
async fn table(page: &mut Page, id: &str) -> Vec<Value> {
    let rows = format!(
        "[...document.querySelectorAll('#{id} tr')].map((tr) => Object.fromEntries([...tr.cells].map((td) => [td.dataset.label, td.innerText.trim()])))"
    );
    page.evaluate(&rows).await.unwrap().as_array().unwrap().clone()
}

/// A condition for the page: the cell of this row (by its first cell) and column reads so.
fn reads(id: &str, row: &str, column: &str, test: &str) -> String {
    format!(
        "[...document.querySelectorAll('#{id} tr')].filter((tr) => tr.cells[0].innerText.trim() === '{row}')
            .some((tr) => [...tr.cells].some((td) => td.dataset.label === '{column}' && ((text) => {test})(td.innerText.trim())))"
    )
}

const PRESS: &str = "document.querySelector('#letters button').click()";
const NO_LETTERS: &str = "document.querySelectorAll('#letters button').length === 0";
const A_LETTER: &str = "document.querySelectorAll('#letters button').length === 1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_tells_how_everything_stands() {
    let instances = vec![
        Instance::with_unique_emails().await,
        Instance::with_unique_emails().await,
        Instance::with_unique_emails().await,
    ];
    let routes = json!([{"from": "a", "to": ["b", "c"], "collections": ["authors"]}]);
    let mut stage = Stage::new(instances, routes);
    let mut page = stage.open().await;
    page.until("document.querySelectorAll('#routes .running').length === 2").await.unwrap();
    page.until("document.querySelectorAll('#peers .up').length === 3").await.unwrap();
    page.until("document.getElementById('summary').textContent === 'all is well'").await.unwrap();
    let [a, b, c] = &stage.instances[..] else { unreachable!("there are three") };

    a.author("Ann", "ann@example.com").await;
    page.until(&reads("routes", "a → c", "Applied", "text === '1'")).await.unwrap();
    page.until(&reads("routes", "a → b", "Applied", "text === '1'")).await.unwrap();
    page.until(&reads("routes", "a → b", "Waiting", "text === '0'")).await.unwrap();
    let rows = table(&mut page, "routes").await;
    assert_eq!((&rows[0]["Lag"], &rows[0]["Tracked"]), (&json!("0 ms"), &json!("1")), "{rows:?}");
    let rows = table(&mut page, "peers").await;
    assert_eq!(rows[1], json!({"Peer": "b", "State": "polling", "Address": b.proxy.url()}));
    assert_eq!(table(&mut page, "letters").await, [json!({"": "none"})]);

    // What cannot be written is shown with its reason; the button tries again, and it stays until the cause is mended.
    let other = b.author("Of b", "bob@example.com").await;
    let bob = a.author("Bob", "bob@example.com").await;
    page.until(A_LETTER).await.unwrap();
    let letter = table(&mut page, "letters").await.remove(0);
    assert_eq!(letter["Record"], json!(format!("authors {bob}")));
    assert!(letter["Last error"].as_str().unwrap().contains("unique"), "{letter}");
    // A button that somebody is about to press is not exchanged when the page looks again.
    page.evaluate("document.querySelector('#letters button').mine = true").await.unwrap();
    let looks = "performance.getEntriesByType('resource').length";
    let seen = page.evaluate(looks).await.unwrap().as_u64().unwrap();
    page.until(&format!("{looks} >= {}", seen + 2)).await.unwrap();
    assert_eq!(page.evaluate("document.querySelector('#letters button').mine").await.unwrap(), true);
    let before = b.tries();
    page.evaluate(PRESS).await.unwrap();
    page.until("document.getElementById('said').textContent === 'brought back: 1'").await.unwrap();
    while b.tries() == before {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    page.until(A_LETTER).await.unwrap();
    b.http.patch(&format!("/items/authors/{other}"), &json!({"email": "other@example.com"})).await.unwrap();
    page.evaluate(PRESS).await.unwrap();
    page.until(NO_LETTERS).await.unwrap();
    page.until(&reads("routes", "a → b", "Tracked", "text === '2'")).await.unwrap();
    page.until("document.getElementById('all').hidden").await.unwrap();

    // A peer that goes away holds up no other.
    c.proxy.kill().await;
    a.author("Cid", "cid@example.com").await;
    page.until(&reads("peers", "c", "State", "text.startsWith('away')")).await.unwrap();
    page.until(&reads("routes", "a → c", "State", "text.startsWith('waiting')")).await.unwrap();
    page.until(&reads("routes", "a → c", "Waiting", "text !== '0'")).await.unwrap();
    page.until(&reads("routes", "a → c", "Lag", "text !== '0 ms'")).await.unwrap();
    page.until(&reads("routes", "a → b", "Tracked", "text === '3'")).await.unwrap();
    page.until("document.getElementById('summary').textContent.includes('1 of 3 peers away')").await.unwrap();
    b.author("Of b too", "dan@example.com").await;
    a.author("Dan", "dan@example.com").await;
    page.until(A_LETTER).await.unwrap();
    for (width, height, dark) in [(1200, 800, false), (400, 800, false), (400, 1600, true)] {
        page.resize(width, height, dark).await.unwrap();
        let fits = page.evaluate("document.documentElement.scrollWidth <= innerWidth").await.unwrap();
        // To be looked at.
        let name = format!("live-page-{width}{}.png", if dark { "-dark" } else { "" });
        page.screenshot(&Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)).await.unwrap();
        assert_eq!(fits, true, "wider than {width}");
    }
    c.proxy.revive().await.unwrap();
    page.until(&reads("peers", "c", "State", "text === 'polling'")).await.unwrap();
    page.until(&reads("routes", "a → c", "Lag", "text === '0 ms'")).await.unwrap();
    stage.is_clean(&mut page).await;
    assert_eq!(stage.daemon.terminate(), 0);
    page.until("document.body.innerText.includes('the daemon does not answer')").await.unwrap();
    drop(stage.cli);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_from_instances_is_only_text() {
    let instances = vec![Instance::with_unique_emails().await, Instance::with_unique_emails().await];
    // Both have this, each with a label of its own: a conflict with markup in key and values.
    for (instance, word) in instances.iter().zip(["one", "two"]) {
        let tag = json!({"code": MARKUP, "label": format!("{MARKUP} <b>{word}</b>")});
        instance.http.post("/items/tags", &tag).await.unwrap();
    }
    // One that the other side refuses, with markup in key and reason.
    let letter = format!("{MARKUP}2");
    instances[0].http.post("/items/tags", &json!({"code": letter, "label": "x"})).await.unwrap();
    let reason =
        json!({"errors": [{"message": format!("no {MARKUP}"), "extensions": {"code": "INVALID_PAYLOAD"}}]});
    let refusal = Fault::respond(400, &reason.to_string());
    instances[1].proxy.fault(Rule::new(refusal).method("POST").path("/items/tags"));
    let routes =
        json!([{"from": "a", "to": "b", "mode": "both", "conflict": "source", "collections": ["tags"]}]);
    let mut stage = Stage::new(instances, routes);
    let mut page = stage.open().await;
    page.until(A_LETTER).await.unwrap();
    page.until("document.querySelectorAll('#conflicts .name').length > 0").await.unwrap();
    let shown = table(&mut page, "letters").await.remove(0);
    assert_eq!(shown["Record"], json!(format!("tags {letter}")));
    assert!(shown["Last error"].as_str().unwrap().contains(&format!("no {MARKUP}")), "{shown}");
    let conflicts = table(&mut page, "conflicts").await;
    let of_label =
        conflicts.iter().find(|row| row["Record"] == json!(format!("tags {MARKUP}.label"))).unwrap();
    assert_eq!(of_label["Source"], json!(format!("{MARKUP} <b>one</b>")));
    let elements = "document.querySelectorAll('img, b, script:not(html > body > script)').length";
    assert_eq!(page.evaluate(elements).await.unwrap(), 0);
    assert_eq!(page.evaluate("typeof window.hurt").await.unwrap(), "undefined");
    // What the button sends is the key as it is.
    stage.instances[1].proxy.clear();
    page.evaluate(PRESS).await.unwrap();
    page.until(NO_LETTERS).await.unwrap();
    page.until(&reads("routes", "a → b", "Tracked", "text === '2'")).await.unwrap();
    stage.is_clean(&mut page).await;
    assert_eq!(stage.daemon.terminate(), 0);
}
