//! The functions of Rust that `host.js` and the modules of our own call.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use rquickjs::context::EvalOptions;
use rquickjs::convert::List;
use rquickjs::function::Opt;
use rquickjs::{Array, Ctx, Exception, Function, IntoJs, Module, Object, Result, TypedArray, Value};

use super::{Shared, Wish, files, urls};
use crate::engine::Returned;
use crate::modules::{Found, MODULES, Way, located, own_source, read, resolve, wrapped};
use crate::outside::Level;

/// The object that JavaScript gets.
pub(super) fn object<'js>(ctx: &Ctx<'js>, shared: &Rc<Shared>) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    modules(ctx, &native, shared)?;
    imports(ctx, &native)?;
    wishes(ctx, &native, shared)?;
    surroundings(ctx, &native, shared)?;
    reading(ctx, &native)?;
    native.set(
        "url",
        Function::new(ctx.clone(), |url: String, base: Option<String>| urls::parsed(&url, base.as_deref()))?,
    )?;
    native.set(
        "urlWith",
        Function::new(ctx.clone(), |url: String, part: String, value: String| {
            urls::changed(&url, &part, &value)
        })?,
    )?;
    Ok(native)
}

/// Evaluates an expression that is a function.
pub(super) fn evaluated<'js>(
    ctx: &Ctx<'js>,
    source: impl Into<Vec<u8>>,
    name: &str,
) -> Result<Function<'js>> {
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(name.to_owned());
    ctx.eval_with_options(source, options)
}

/// By how many columns the first line of a file is shifted.
pub(super) fn shift(commonjs: &HashSet<PathBuf>, file: &Path) -> u32 {
    if commonjs.contains(file) { u32::try_from(wrapped("").len() - "\n})".len()).unwrap_or(0) } else { 0 }
}

/// Closures over what they get of a world give what is of the same world.
fn giving<F>(function: F) -> F
where
    F: for<'js> Fn(Ctx<'js>, String) -> Result<Value<'js>>,
{
    function
}

fn modules<'js>(ctx: &Ctx<'js>, native: &Object<'js>, shared: &Rc<Shared>) -> Result<()> {
    let own = giving(|ctx, name| {
        let source = own_source(&name).unwrap_or_default();
        let source = format!("(function (exports, require, module, native) {{ 'use strict'; {source}\n}})");
        evaluated(&ctx, source, &format!("lockstep:{name}"))?.into_js(&ctx)
    });
    native.set("own", Function::new(ctx.clone(), own)?)?;
    native.set("names", Function::new(ctx.clone(), || MODULES.map(str::to_owned).to_vec())?)?;
    native.set(
        "resolve",
        Function::new(ctx.clone(), |request: String, from: String| {
            named(resolve(&request, Path::new(&from), Way::Require))
        })?,
    )?;
    native.set("locate", Function::new(ctx.clone(), |path: String| named(located(Path::new(&path))))?)?;
    let files = shared.clone();
    let commonjs = giving(move |ctx, path| {
        let text = text(&ctx, &path)?;
        files.commonjs.borrow_mut().insert(PathBuf::from(&path));
        evaluated(&ctx, wrapped(&text), &path)?.into_js(&ctx)
    });
    native.set("commonjs", Function::new(ctx.clone(), commonjs)?)?;
    let json = giving(|ctx, path| {
        let text = text(&ctx, &path)?;
        let checked: serde_json::Result<serde::de::IgnoredAny> = serde_json::from_str(&text);
        if let Err(error) = checked {
            return Err(Exception::throw_syntax(&ctx, &format!("{path} is not JSON: {error}")));
        }
        ctx.json_parse(text)
    });
    native.set("json", Function::new(ctx.clone(), json)?)
}

/// A module that was found, or why there is none.
fn named(found: std::result::Result<Found, String>) -> List<(Vec<String>, Option<String>)> {
    List(match found {
        Ok(found) => (vec![found.format.as_str().to_owned(), found.name], None),
        Err(reason) => (Vec::new(), Some(reason)),
    })
}

fn text(ctx: &Ctx<'_>, path: &str) -> Result<String> {
    read(Path::new(path)).map_err(|reason| Exception::throw_message(ctx, &format!("{path}: {reason}")))
}

fn imports<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    let soon = giving(|ctx, path| Module::import(&ctx, path)?.into_js(&ctx));
    native.set("importSoon", Function::new(ctx.clone(), soon)?)?;
    // A module around the wanted one: so it does not matter whether that was imported before.
    let now = giving(|ctx, path| {
        let source = format!("import * as found from {path:?}; export {{ found }};");
        let (module, promise) =
            Module::declare(ctx.clone(), format!("lockstep:require:{path}"), source)?.eval()?;
        match promise.result::<Value<'_>>() {
            Some(Ok(_)) => module.get("found"),
            Some(Err(error)) => Err(error),
            None => {
                let told = format!(
                    "{path} awaits something at its top level, so it cannot be required: use import()"
                );
                Err(Exception::throw_message(&ctx, &told))
            }
        }
    });
    native.set("importNow", Function::new(ctx.clone(), now)?)
}

fn wishes<'js>(ctx: &Ctx<'js>, native: &Object<'js>, shared: &Rc<Shared>) -> Result<()> {
    let wish = shared.clone();
    let timer = move |id: u32, delay: f64| {
        wish.wish(Wish::Timer { id, delay: Duration::from_secs_f64(delay.clamp(0.0, 1e9) / 1000.0) });
    };
    native.set("timer", Function::new(ctx.clone(), timer)?)?;
    let wish = shared.clone();
    native.set("noTimer", Function::new(ctx.clone(), move |id: u32| wish.wish(Wish::NoTimer { id }))?)?;
    let wish = shared.clone();
    let fetch = move |id: f64, request: String| {
        if let Ok(request) = serde_json::from_str(&request) {
            wish.wish(Wish::Fetch { id: whole(id), request });
        }
    };
    native.set("askWeb", Function::new(ctx.clone(), fetch)?)?;
    let wish = shared.clone();
    let request = move |id: f64, call: f64, request: String| {
        if let Ok(request) = serde_json::from_str(&request) {
            wish.wish(Wish::Request { id: whole(id), call: whole(call), request });
        }
    };
    native.set("askInstance", Function::new(ctx.clone(), request)?)?;
    let wish = shared.clone();
    let finished =
        move |call: f64, what: String, json: Option<String>, text: Opt<String>, bytes: Opt<Vec<u8>>| {
            let body = bytes.0.or(text.0.map(String::into_bytes)).unwrap_or_default();
            wish.wish(Wish::Finished { call: whole(call), returned: Returned { what, json, body } });
        };
    native.set("finished", Function::new(ctx.clone(), finished)?)?;
    let wish = shared.clone();
    let failed = move |call: f64, told: String| wish.wish(Wish::Failed { call: whole(call), told });
    native.set("failed", Function::new(ctx.clone(), failed)?)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers that were counted up from 1"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

fn surroundings<'js>(ctx: &Ctx<'js>, native: &Object<'js>, shared: &Rc<Shared>) -> Result<()> {
    let platform = if std::env::consts::OS == "macos" { "darwin" } else { std::env::consts::OS };
    native.set("platform", platform)?;
    native.set("arch", if std::env::consts::ARCH == "aarch64" { "arm64" } else { "x64" })?;
    native.set("version", env!("CARGO_PKG_VERSION"))?;
    native.set("directory", shared.options.directory.display().to_string())?;
    let of = shared.clone();
    native.set("environment", Function::new(ctx.clone(), move || of.options.environment.clone())?)?;
    let of = shared.clone();
    let log = move |level: String, text: String| {
        let level = match level.as_str() {
            "debug" => Level::Debug,
            "warn" => Level::Warn,
            "error" => Level::Error,
            _ => Level::Log,
        };
        of.options.console.print(level, &text);
    };
    native.set("log", Function::new(ctx.clone(), log)?)
}

fn reading<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    let file = giving(|ctx, path| match files::read(&path) {
        Ok(bytes) => TypedArray::<u8>::new(ctx.clone(), bytes)?.into_js(&ctx),
        Err(code) => code.into_js(&ctx),
    });
    native.set("readFile", Function::new(ctx.clone(), file)?)?;
    let list = giving(|ctx, path| match files::list(&path) {
        Ok(entries) => {
            let entries: Vec<_> =
                entries.into_iter().map(|(name, kind)| vec![name, kind.to_owned()]).collect();
            entries.into_js(&ctx)
        }
        Err(code) => code.into_js(&ctx),
    });
    native.set("readDirectory", Function::new(ctx.clone(), list)?)?;
    native.set("realPath", Function::new(ctx.clone(), |path: String| files::real_path(&path))?)?;
    let follow = giving(|ctx, path| stat(&ctx, &path, true));
    native.set("stat", Function::new(ctx.clone(), follow)?)?;
    let link = giving(|ctx, path| stat(&ctx, &path, false));
    native.set("lstat", Function::new(ctx.clone(), link)?)?;
    let utf8 = |bytes: Vec<u8>, fatal: bool| match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => (!fatal).then(|| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    };
    native.set("utf8", Function::new(ctx.clone(), utf8)?)?;
    let random = |ctx: Ctx<'js>, size: usize| {
        let mut bytes = vec![0; size];
        let filled = getrandom::fill(&mut bytes);
        filled.map_err(|_| Exception::throw_message(&ctx, "the system gives no random numbers"))?;
        TypedArray::<u8>::new(ctx, bytes)
    };
    native.set("random", Function::new(ctx.clone(), random)?)
}

fn stat<'js>(ctx: &Ctx<'js>, path: &str, follow: bool) -> Result<Value<'js>> {
    match files::stat(path, follow) {
        Ok(entry) => {
            let array = Array::new(ctx.clone())?;
            array.set(0, entry.kind)?;
            array.set(1, entry.size)?;
            array.set(2, entry.modified)?;
            array.into_js(ctx)
        }
        Err(code) => code.into_js(ctx),
    }
}
