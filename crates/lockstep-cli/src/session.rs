//! From the effective configuration to what the engine is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockstep_core::collection::COLLECTIONS;
use lockstep_core::schema::Layout;
use lockstep_directus::{Auth, Client, ClientOptions};
use lockstep_engine::dump::DumpPaths;
use lockstep_engine::{Options, StateChoice as Store};

use crate::args::Cli;
use crate::commands::Failure;
use crate::config::{self, Credentials, Environment, Settings, StateChoice};
use crate::output::Output;

/// The name of the file of mappings, beside the records of the dump.
const STATE_FILE: &str = "lockstep-state.json";

/// A run: what is wanted, and of which instance.
pub(crate) struct Session {
    /// The connection; nothing has been sent yet.
    pub(crate) client: Client,
    /// What is wanted.
    pub(crate) options: Options,
}

impl Session {
    /// Resolves the configuration; its warnings are told at once.
    ///
    /// # Errors
    /// When the configuration is wrong or says too little.
    pub(crate) fn open(cli: &Cli, output: &Output) -> Result<Self, Failure> {
        let directory = std::env::current_dir().map_err(Failure::Directory)?;
        let environment = Environment::load(&directory)?;
        let resolved =
            config::resolve(cli.values(), cli.global.config_path.as_deref(), &environment, &directory)?;
        for warning in &resolved.warnings {
            output.warn(warning);
        }
        let settings = resolved.settings;
        let client = connect(&settings, output)?;
        Ok(Self { client, options: options(&settings, &environment) })
    }
}

fn connect(settings: &Settings, output: &Output) -> Result<Client, Failure> {
    let connection = settings.connection()?;
    let auth = match connection.credentials {
        Credentials::Token(token) => Auth::Token(token.value),
        Credentials::Login { email, password } => {
            Auth::Password { email: email.value, password: password.value }
        }
    };
    let observer = settings.debug.value.then(|| output.request_log());
    let options =
        ClientOptions { observer: observer.map(|log| Arc::new(log) as _), ..ClientOptions::default() };
    Client::new(&connection.url.value, auth, options).map_err(Failure::Client)
}

fn options(settings: &Settings, environment: &Environment) -> Options {
    let paths = DumpPaths {
        root: settings.dump_path.value.clone(),
        collections: settings.collections_path.value.clone(),
        snapshot: settings.snapshot_path.value.clone(),
        specs: settings.specs_path.value.clone(),
    };
    let state_file = settings.state_file.as_ref().map(|file| file.value.clone());
    Options {
        scope: COLLECTIONS.iter().map(|c| c.name).filter(|name| settings.takes_part(name)).collect(),
        schema: settings.snapshot.value,
        layout: if settings.split.value { Layout::Split } else { Layout::Single },
        specs: settings.specs.value,
        attach_roles: settings.sync_policy_roles.value,
        preserve: settings.preserve_ids.value.clone(),
        sort_json: settings.sort_json.value,
        force: false,
        prune: false,
        state: match settings.state.value {
            StateChoice::Auto => Store::Auto,
            StateChoice::Extension => Store::Extension,
            StateChoice::Table => Store::Table,
            StateChoice::File => Store::File,
        },
        state_file: state_file.unwrap_or_else(|| paths.root.join(STATE_FILE)),
        paths,
        variables: variables(environment),
    }
}

/// What `${NAME}` stands for: the environment, and what only the `.env` file says.
fn variables(environment: &Environment) -> BTreeMap<String, String> {
    let of_file = environment.of_file().map(|(name, value)| (name.clone(), value.clone()));
    let real = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    of_file.chain(real).collect()
}
