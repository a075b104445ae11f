//! ES modules: what the engine asks when it meets `import`.

use std::path::Path;
use std::rc::Rc;

use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::Declared;
use rquickjs::{Ctx, Exception, Function, Module, Result};

use super::commonjs;
use super::resolve::{Way, located, resolve};
use super::source::{Format, read};
use crate::error::shown;
use crate::realm::Shared;

/// The names of the engine's own modules among those of files.
const OWN: &str = "node:";

/// Says which module a name means.
pub(crate) struct Namer(pub(crate) Rc<Shared>);

impl Resolver for Namer {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        // What the engine itself asks for has been found already.
        let given = base.is_empty() || !base.starts_with('/');
        if given && (name.starts_with('/') || name.starts_with(OWN)) {
            return Ok(name.to_owned());
        }
        match resolve(name, Path::new(base), Way::Import) {
            Ok(found) if found.format == Format::Own => Ok(format!("{OWN}{}", found.name)),
            Ok(found) => Ok(found.name),
            Err(reason) => {
                let place = asked_at(Path::new(base), name, &self.0.options.directory);
                Err(Exception::throw_message(ctx, &format!("{reason} (asked for at {place})")))
            }
        }
    }
}

/// The line of a file that names a module: the engine does not tell it.
fn asked_at(file: &Path, name: &str, directory: &Path) -> String {
    let text = read(file).unwrap_or_default();
    let asks =
        |line: &str| [format!("'{name}'"), format!("\"{name}\"")].iter().any(|quoted| line.contains(quoted));
    match text.lines().position(asks) {
        Some(line) => format!("{}:{}", shown(file, directory), line + 1),
        None => shown(file, directory),
    }
}

/// Makes modules of files.
pub(crate) struct Importer(pub(crate) Rc<Shared>);

impl Loader for Importer {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        let thrown = |reason: String| Exception::throw_message(ctx, &reason);
        if let Some(own) = name.strip_prefix(OWN) {
            let host = self.0.host(ctx)?;
            let names: Vec<String> = host.get::<_, Function<'js>>("ownNames")?.call((own,))?;
            return self.stand_in(ctx, name, Format::Own, own, names.into_iter());
        }
        let path = Path::new(name);
        match located(path).map_err(thrown)?.format {
            Format::Module => {
                let text = read(path).map_err(|reason| thrown(format!("{name}: {reason}")))?;
                let module = Module::declare(ctx.clone(), name, text)?;
                let meta = module.meta()?;
                let url = url::Url::from_file_path(path).map_or_else(|()| name.to_owned(), Into::into);
                meta.set("url", url)?;
                meta.set("filename", name)?;
                meta.set("dirname", path.parent().map(|folder| folder.display().to_string()))?;
                Ok(module)
            }
            Format::CommonJs => {
                let names = commonjs::exported(path);
                self.stand_in(ctx, name, Format::CommonJs, name, names.into_iter())
            }
            format => self.stand_in(ctx, name, format, name, std::iter::empty()),
        }
    }
}

impl Importer {
    /// An ES module that exports what another kind of module does.
    fn stand_in<'js>(
        &self,
        ctx: &Ctx<'js>,
        name: &str,
        format: Format,
        required: &str,
        names: impl Iterator<Item = String>,
    ) -> Result<Module<'js, Declared>> {
        let mut source = format!(
            "const found = import.meta.required({:?}, import.meta.path); export default found; \
             const names = Object(found);",
            format.as_str()
        );
        for (index, name) in names.filter(|name| is_identifier(name)).enumerate() {
            source.push_str(&format!(
                "const name{index} = names[{name:?}]; export {{ name{index} as {name} }};"
            ));
        }
        let module = Module::declare(ctx.clone(), name, source)?;
        let meta = module.meta()?;
        meta.set("required", self.0.host(ctx)?.get::<_, Function<'js>>("required")?)?;
        meta.set("path", required)?;
        Ok(module)
    }
}

fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    name != "default"
        && characters.next().is_some_and(|first| first.is_alphabetic() || first == '_' || first == '$')
        && characters.all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}
