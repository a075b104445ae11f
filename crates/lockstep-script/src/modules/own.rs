//! The modules that the engine brings itself.

/// The modules of Node that there are, without the prefix `node:`, sorted.
pub const MODULES: [&str; 16] = [
    "assert",
    "buffer",
    "console",
    "crypto",
    "events",
    "fs",
    "fs/promises",
    "module",
    "os",
    "path",
    "path/posix",
    "process",
    "timers",
    "timers/promises",
    "url",
    "util",
];

/// The modules of Node that there are not.
const MISSING: [&str; 31] = [
    "async_hooks",
    "child_process",
    "cluster",
    "constants",
    "dgram",
    "diagnostics_channel",
    "dns",
    "dns/promises",
    "domain",
    "http",
    "http2",
    "https",
    "inspector",
    "net",
    "path/win32",
    "perf_hooks",
    "punycode",
    "querystring",
    "readline",
    "readline/promises",
    "repl",
    "stream",
    "stream/promises",
    "stream/web",
    "string_decoder",
    "tls",
    "tty",
    "v8",
    "vm",
    "worker_threads",
    "zlib",
];

/// `@directus/sdk`, where the project has not installed it.
pub(crate) const SDK: &str = "@directus/sdk";

/// What a name means that may be one of Node's.
pub(crate) enum Own {
    /// The engine brings it.
    Here(&'static str),
    /// Node has it, the engine has not.
    Missing,
    /// It is none of Node's.
    No,
}

/// Looks a name up, with or without `node:`.
pub(crate) fn lookup(request: &str) -> Own {
    let (name, prefixed) = match request.strip_prefix("node:") {
        Some(name) => (name, true),
        None => (request, false),
    };
    match MODULES.iter().find(|known| **known == name) {
        Some(name) => Own::Here(name),
        None if prefixed || MISSING.contains(&name) => Own::Missing,
        None => Own::No,
    }
}

/// The JavaScript of a module of our own.
pub(crate) fn source_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "assert" => include_str!("../js/assert.js"),
        "buffer" => include_str!("../js/buffer.js"),
        "console" => include_str!("../js/console.js"),
        "crypto" => include_str!("../js/crypto.js"),
        "events" => include_str!("../js/events.js"),
        "fs" => include_str!("../js/fs.js"),
        "fs/promises" => include_str!("../js/fs-promises.js"),
        "module" => include_str!("../js/module.js"),
        "os" => include_str!("../js/os.js"),
        "path" | "path/posix" => include_str!("../js/path.js"),
        "process" => include_str!("../js/process.js"),
        "timers" => include_str!("../js/timers.js"),
        "timers/promises" => include_str!("../js/timers-promises.js"),
        "url" => include_str!("../js/url.js"),
        "util" => include_str!("../js/util.js"),
        SDK => include_str!("../js/sdk.js"),
        "lockstep:abort" => include_str!("../js/abort.js"),
        "lockstep:client" => include_str!("../js/client.js"),
        "lockstep:clone" => include_str!("../js/clone.js"),
        "lockstep:encoding" => include_str!("../js/encoding.js"),
        "lockstep:fetch" => include_str!("../js/fetch.js"),
        "lockstep:globals" => include_str!("../js/globals.js"),
        _ => return None,
    })
}
