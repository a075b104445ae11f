//! An examination: what a run would need of an instance and of the dump, each with a remedy. Only reads.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use lockstep_core::checkup::{Check, Checkup};
use lockstep_core::collection::{COLLECTIONS, Collection};
use lockstep_core::names::stray_names;
use lockstep_core::schema::lint;
use lockstep_directus::{Client, mappings, server};
use serde_json::Value;

use crate::dump;
use crate::dumped;
use crate::error::EngineError;
use crate::instance::Instance;
use crate::licence;
use crate::options::Options;
use crate::state::Store;

/// So far the clocks of two machines may be apart: what compares times is told to allow for it.
const APART: Duration = Duration::from_secs(30);

/// What is looked at once the instance is known.
const OF_INSTANCE: [&str; 6] = ["licence", "limits", "extension", "store", "websockets", "clock"];

/// Looks at everything. What fails is a finding, and no error.
pub async fn examine(client: Client, options: &Options) -> Checkup {
    let url = client.url().to_owned();
    let mut checks = Vec::new();
    let begun = Instant::now();
    match server::ping(&client).await {
        Err(error) => {
            checks.push(failed("connection", &error, error.hint().map(str::to_owned)));
            checks.extend(["version", "rights"].into_iter().chain(OF_INSTANCE).map(Check::skipped));
        }
        Ok(date) => {
            let ms = begun.elapsed().as_millis();
            checks.push(Check::good("connection", format!("{url} answers, in {ms} ms")));
            match Instance::connect(client).await {
                Ok(instance) => {
                    let version = format!("Directus {}", instance.version);
                    checks.push(Check::good("version", version));
                    checks.push(Check::good("rights", "the user is an administrator"));
                    checks.extend(of_instance(&instance, options, date).await);
                }
                Err(error) => {
                    checks.extend(not_connected(&error));
                    checks.extend(OF_INSTANCE.into_iter().map(Check::skipped));
                }
            }
        }
    }
    checks.push(of_dump(options));
    Checkup::new(url, checks)
}

fn failed(name: &'static str, error: &dyn std::error::Error, remedy: Option<String>) -> Check {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    Check::bad(name, format!("{error}{cause}"), remedy)
}

/// Whether it is the version or the rights that the connection failed for.
fn not_connected(error: &EngineError) -> Vec<Check> {
    match error {
        EngineError::NotDirectus { .. } | EngineError::TooOld { .. } => {
            vec![failed("version", error, error.hint()), Check::skipped("rights")]
        }
        _ => vec![Check::skipped("version"), failed("rights", error, error.hint())],
    }
}

async fn of_instance(instance: &Instance, options: &Options, date: Option<SystemTime>) -> Vec<Check> {
    let client = &instance.client;
    let mut checks = vec![match licence::told(instance).await {
        Ok(told) => told,
        Err(error) => failed("licence", &error, error.hint()),
    }];
    let info = server::info(client).await;
    checks.push(match &info {
        Ok(info) => limits(info),
        Err(error) => failed("limits", error, error.hint().map(str::to_owned)),
    });
    checks.push(match mappings::detect(client).await {
        Ok(true) => Check::good("extension", "the mapping extension answers; mappings are kept there"),
        Ok(false) => Check::good("extension", "none, and none is needed"),
        Err(error) => failed("extension", &error, error.hint().map(str::to_owned)),
    });
    checks.push(match Store::open(options.state, options.state_file.clone(), instance).await {
        Ok(store) => {
            let known: usize = COLLECTIONS.iter().map(|it| store.mappings.of(it.name).count()).sum();
            Check::good("store", format!("{}: {known} records are mapped there", store.name()))
        }
        Err(error) => failed("store", &error, error.hint()),
    });
    checks.extend(info.ok().map(|info| websockets(&info.raw)));
    checks.push(clock(date, SystemTime::now()));
    checks
}

fn limits(info: &server::ServerInfo) -> Check {
    match info.query_limit_max {
        Some(limit) => {
            Check::good("limits", format!("reads give at most {limit} rows; Lockstep reads page by page"))
        }
        None => Check::good("limits", "reads are not limited"),
    }
}

fn websockets(info: &Value) -> Check {
    match info.get("websocket") {
        Some(Value::Object(_)) => Check::good("websockets", "the instance has them"),
        _ => Check::note(
            "websockets",
            "the instance has none; pull, diff and push need none",
            "for what follows changes at once, set WEBSOCKETS_ENABLED=true on the instance",
        ),
    }
}

fn clock(date: Option<SystemTime>, here: SystemTime) -> Check {
    let Some(there) = date else {
        return Check::note(
            "clock",
            "the instance does not tell its time",
            "a proxy may take the Date header out of its answers",
        );
    };
    let apart = here.duration_since(there).unwrap_or_else(|error| error.duration());
    match apart > APART {
        false => Check::good("clock", "the instance has the time of this machine"),
        true => Check::note(
            "clock",
            format!("the clocks are {} s apart", apart.as_secs()),
            "set both by NTP: what was changed last is told by these clocks",
        ),
    }
}

fn of_dump(options: &Options) -> Check {
    let root = options.paths.root.display().to_string();
    if !Path::new(&options.paths.root).is_dir() {
        return Check::note("dump", format!("there is none at {root}"), "lockstep pull writes one");
    }
    match dump_says(options) {
        Ok(problems) if problems.is_empty() => Check::good("dump", format!("{root} can be read")),
        Ok(problems) => {
            Check::note("dump", problems.join("; "), "lockstep verify and lockstep schema lint say more")
        }
        Err(error) => failed("dump", &error, error.hint()),
    }
}

fn dump_says(options: &Options) -> Result<Vec<String>, EngineError> {
    let mut problems = Vec::new();
    let snapshot = if options.schema { dump::read_snapshot(&options.paths)? } else { None };
    if let Some(snapshot) = &snapshot {
        let findings = lint(snapshot).len();
        problems.extend((findings > 0).then(|| format!("{findings} findings in its schema")));
    }
    let collections: Vec<&'static Collection> =
        COLLECTIONS.iter().filter(|collection| options.scope.contains(collection.name)).collect();
    if !collections.is_empty() {
        let dumped = dumped::read(&options.paths, &collections)?;
        let stray = snapshot.map_or(0, |snapshot| stray_names(&snapshot, &dumped.records).len());
        problems.extend(dumped.notices);
        problems.extend(
            (stray > 0).then(|| format!("{stray} names in its records that its schema does not have")),
        );
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use lockstep_core::checkup::Verdict;
    use serde_json::json;

    use super::*;

    #[test]
    fn clocks_may_be_a_little_apart_either_way() {
        let here = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let verdict = |there| clock(Some(there), here).verdict;
        for (seconds, expected) in [(0, Verdict::Good), (30, Verdict::Good), (31, Verdict::Note)] {
            let apart = Duration::from_secs(seconds);
            assert_eq!((verdict(here - apart), verdict(here + apart)), (expected, expected), "{seconds}");
        }
        assert_eq!(clock(None, here).verdict, Verdict::Note);
    }

    #[test]
    fn websockets_are_told_by_what_the_server_says_of_them() {
        assert_eq!(websockets(&json!({"websocket": {"rest": {}}})).verdict, Verdict::Good);
        assert_eq!(websockets(&json!({"websocket": false})).verdict, Verdict::Note);
        assert_eq!(websockets(&json!({})).verdict, Verdict::Note);
    }
}
