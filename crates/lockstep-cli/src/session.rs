//! From the effective configuration to what the engine is told.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lockstep_core::collection::COLLECTIONS;
use lockstep_core::schema::Layout;
use lockstep_directus::{Auth, Client, ClientOptions, RetryPolicy};
use lockstep_engine::dump::DumpPaths;
use lockstep_engine::schema::SchemaOptions;
use lockstep_engine::seed::{Area, SeedOptions};
use lockstep_engine::{Options, StateChoice as Store, Unset};
use lockstep_live::config::PeerAddress;
use lockstep_live::{JournalPlace, LiveConfig, LiveError};
use secrecy::{ExposeSecret, SecretString};

use crate::args::Cli;
use crate::commands::Failure;
use crate::config::{
    self, ConfigError, Credentials, Environment, Resolved, Settings, StateChoice, Surroundings, Values,
    Wanted,
};
use crate::hooks::{ScriptHooks, Web};
use crate::output::Output;
use crate::peer::Peer;

/// The name of the file of mappings, beside the records of the dump.
const STATE_FILE: &str = "lockstep-state.json";

/// How long an instance may take to answer where it is only asked whether it is ready.
const MOMENT: Duration = Duration::from_secs(10);

/// A run: what is wanted, and of which instance.
pub(crate) struct Session {
    /// The connection; nothing has been sent yet.
    pub(crate) client: Client,
    /// What is wanted.
    pub(crate) options: Options,
    /// What is wanted of seeds.
    pub(crate) seeds: SeedOptions,
    /// What is wanted of content.
    pub(crate) content: SeedOptions,
}

impl Session {
    /// Resolves the configuration; its warnings are told at once.
    ///
    /// # Errors
    /// When the configuration is wrong or says too little.
    pub(crate) fn open(cli: &Cli, output: &Output) -> Result<Self, Failure> {
        Self::of(&Run::resolve(cli, cli.values(), output)?, output)
    }

    /// The same for an instance that the command names itself: nothing that the environment or the command line says of
    /// the one instance of other commands is about it.
    ///
    /// # Errors
    /// When the configuration is wrong, there is no such profile, or no way to log in.
    pub(crate) fn of_peer(cli: &Cli, peer: &Peer<'_>, output: &Output) -> Result<Self, Failure> {
        let directory = std::env::current_dir().map_err(Failure::Directory)?;
        let mut values = cli.values();
        peer.fill(&mut values, &Environment::load(&directory)?)?;
        let profile = peer.profile().or(cli.global.profile.as_deref());
        let wanted = Wanted { file: cli.global.config_path.as_deref(), profile, named: true };
        Self::of(&Run::with(resolve_as(values, wanted, output)?, output)?, output)
    }

    fn of(run: &Run, output: &Output) -> Result<Self, Failure> {
        let client = connect(&run.settings, run.hooks.as_ref(), output)?;
        let options = options(run)?;
        let (seeds, content) = (&run.settings.seed_path.value, vec![run.settings.content_path.value.clone()]);
        let seeds = SeedOptions {
            area: Area::Seed,
            paths: seeds.clone(),
            others: content,
            only: Vec::new(),
            state: options.state,
            state_file: options.state_file.clone(),
            preserve: options.preserve.clone(),
            sort_json: options.sort_json,
            variables: options.variables.clone(),
        };
        let (paths, others) = (seeds.others.clone(), seeds.paths.clone());
        let content = SeedOptions { area: Area::Content, paths, others, ..seeds.clone() };
        Ok(Self { client, options, seeds, content })
    }
}

/// What is wanted of a dump where no instance takes part.
///
/// # Errors
/// When the configuration is wrong.
pub(crate) fn without_instance(cli: &Cli, output: &Output) -> Result<Options, Failure> {
    options(&Run::resolve(cli, cli.values(), output)?)
}

/// A connection for the little that an instance tells everybody: as nobody where no login is configured. Nothing is sent
/// twice by itself, and no answer is waited for longer than a moment.
///
/// # Errors
/// When the configuration is wrong, or names no instance.
pub(crate) fn without_login(cli: &Cli, output: &Output) -> Result<Client, Failure> {
    let run = Run::resolve(cli, cli.values(), output)?;
    let (url, auth) = match run.settings.connection() {
        Ok(connection) => (connection.url.value, auth(connection.credentials)),
        Err(ConfigError::MissingCredentials) => (run.settings.url()?.value, Auth::None),
        Err(error) => return Err(error.into()),
    };
    let options = ClientOptions {
        retry: RetryPolicy::never(),
        read_timeout: MOMENT,
        ..client_options(&run.settings, run.hooks.as_ref(), output)
    };
    Client::new(&url, auth, options).map_err(Failure::Client)
}

/// What is replicated live.
///
/// # Errors
/// When the configuration is wrong, or says nothing of it.
pub(crate) fn live(cli: &Cli, output: &Output) -> Result<LiveConfig, Failure> {
    let run = Run::resolve(cli, cli.values(), output)?;
    read_live(cli, run.settings.live()?, output)
}

/// The same where tokens are still to be made: `token` is an administrator's of one peer, where it is not that of its
/// profile.
///
/// # Errors
/// When the configuration is wrong, or says nothing of it.
pub(crate) fn live_before(cli: &Cli, peer: &str, output: &Output) -> Result<LiveConfig, Failure> {
    let run = Run::resolve(cli, cli.values(), output)?;
    let mut live = run.settings.live_written.clone().ok_or(ConfigError::NoLive)?;
    for (name, of) in live.get_mut("peers").and_then(serde_json::Value::as_object_mut).into_iter().flatten() {
        let typed = cli.global.directus_token.as_ref().filter(|_| name == peer);
        match (typed, of.get("profile").is_some()) {
            (Some(token), false) => of["token"] = token.expose_secret().into(),
            // It is not asked.
            (None, false) if name != peer => of["token"] = "none".into(),
            _ => {}
        }
    }
    config::fill_live(&mut live, &run.environment)?;
    read_live(cli, &live, output)
}

fn read_live(cli: &Cli, live: &serde_json::Value, output: &Output) -> Result<LiveConfig, Failure> {
    let directory = std::env::current_dir().map_err(Failure::Directory)?;
    let of_profile = |name: &str| address(cli, name, output).map_err(|error| error.to_string());
    let mut config = LiveConfig::read(live, of_profile).map_err(LiveError::Refused)?;
    if let JournalPlace::File(path) = &mut config.journal {
        *path = directory.join(&*path);
    }
    Ok(config)
}

/// Where the instance of a profile is.
///
/// # Errors
/// When there is no such profile, or it has no static token.
pub(crate) fn address(cli: &Cli, profile: &str, output: &Output) -> Result<PeerAddress, Failure> {
    let wanted = Wanted { file: cli.global.config_path.as_deref(), profile: Some(profile), named: true };
    let (resolved, _) = resolve_as(Values::default(), wanted, output)?;
    let connection = resolved.settings.connection()?;
    match connection.credentials {
        Credentials::Token(token) => Ok(PeerAddress { url: connection.url.value, token: token.value }),
        Credentials::Login { .. } => Err(Failure::NeedsToken { profile: profile.to_owned() }),
    }
}

/// What the schema commands need to know before they know whether they need an instance.
pub(crate) struct SchemaSession<'a> {
    cli: &'a Cli,
    output: &'a Output,
    run: Run,
}

impl<'a> SchemaSession<'a> {
    /// Resolves the configuration; its warnings are told at once.
    ///
    /// # Errors
    /// When the configuration is wrong.
    pub(crate) fn open(cli: &'a Cli, output: &'a Output) -> Result<Self, Failure> {
        Ok(Self { cli, output, run: Run::resolve(cli, cli.values(), output)? })
    }

    /// The folder of the dump's snapshot.
    pub(crate) fn snapshot(&self) -> &Path {
        &self.run.settings.snapshot_path.value
    }

    /// A connection to the configured instance; another URL or token wins over the configured one.
    ///
    /// # Errors
    /// When the configuration says too little.
    pub(crate) fn connect(&self, url: Option<&str>, token: Option<&SecretString>) -> Result<Client, Failure> {
        if url.is_none() && token.is_none() {
            return connect(&self.run.settings, self.run.hooks.as_ref(), self.output);
        }
        let mut values = self.cli.values();
        values.directus_url = url.map(str::to_owned).or(values.directus_url);
        values.directus_token = token.cloned().or(values.directus_token);
        // Its warnings were told when the session was opened.
        let (resolved, _) = resolve(self.cli, values, self.output)?;
        connect(&resolved.settings, self.run.hooks.as_ref(), self.output)
    }
}

/// What a run goes by.
struct Run {
    settings: Settings,
    environment: Environment,
    hooks: Option<ScriptHooks>,
}

impl Run {
    /// Resolves the configuration; its warnings are told at once.
    fn resolve(cli: &Cli, values: Values, output: &Output) -> Result<Self, Failure> {
        Self::with(resolve(cli, values, output)?, output)
    }

    fn with((resolved, environment): (Resolved, Environment), output: &Output) -> Result<Self, Failure> {
        for warning in &resolved.warnings {
            output.warn(warning);
        }
        let hooks = match resolved.scripts.into_parts() {
            Some((engine, functions)) => Some(ScriptHooks::new(engine, functions)?),
            None => None,
        };
        Ok(Self { settings: resolved.settings, environment, hooks })
    }
}

/// What the command line, the environment and the files say together.
///
/// # Errors
/// When the configuration is wrong.
pub(crate) fn resolve(
    cli: &Cli,
    values: Values,
    output: &Output,
) -> Result<(Resolved, Environment), Failure> {
    let (file, profile) = (cli.global.config_path.as_deref(), cli.global.profile.as_deref());
    resolve_as(values, Wanted { file, profile, named: false }, output)
}

fn resolve_as(
    values: Values,
    wanted: Wanted<'_>,
    output: &Output,
) -> Result<(Resolved, Environment), Failure> {
    let directory = std::env::current_dir().map_err(Failure::Directory)?;
    let environment = Environment::load(&directory)?;
    let surroundings = Surroundings {
        environment: environment.all(),
        console: Arc::new(output.script_console()),
        fetch: Some(Arc::new(Web::default())),
    };
    let resolved = config::resolve(values, wanted, &environment, &directory, surroundings)?;
    Ok((resolved, environment))
}

fn connect(settings: &Settings, hooks: Option<&ScriptHooks>, output: &Output) -> Result<Client, Failure> {
    let connection = settings.connection()?;
    let options = ClientOptions {
        login: Some(connection.credentials.told()),
        ..client_options(settings, hooks, output)
    };
    Client::new(&connection.url.value, auth(connection.credentials), options).map_err(Failure::Client)
}

fn auth(credentials: Credentials) -> Auth {
    match credentials {
        Credentials::Token(token) => Auth::Token(token.value),
        Credentials::Login { email, password } => {
            Auth::Password { email: email.value, password: password.value }
        }
    }
}

fn client_options(settings: &Settings, hooks: Option<&ScriptHooks>, output: &Output) -> ClientOptions {
    let observer = settings.debug.value.then(|| output.request_log());
    ClientOptions {
        observer: observer.map(|log| Arc::new(log) as _),
        decorator: hooks.and_then(ScriptHooks::decorator),
        ..ClientOptions::default()
    }
}

fn options(run: &Run) -> Result<Options, Failure> {
    let Run { settings, environment, hooks } = run;
    let paths = DumpPaths {
        root: settings.dump_path.value.clone(),
        collections: settings.collections_path.value.clone(),
        snapshot: settings.snapshot_path.value.clone(),
        specs: settings.specs_path.value.clone(),
    };
    let state_file = settings.state_file.as_ref().map(|file| file.value.clone());
    Ok(Options {
        scope: COLLECTIONS.iter().map(|c| c.name).filter(|name| settings.takes_part(name)).collect(),
        schema: settings.snapshot.value,
        schema_options: SchemaOptions::default(),
        layout: if settings.split.value { Layout::Split } else { Layout::Single },
        specs: settings.specs.value,
        attach_roles: settings.sync_policy_roles.value,
        preserve: settings.preserve_ids.value.clone(),
        sort_json: settings.sort_json.value,
        prune: false,
        state: match settings.state.value {
            StateChoice::Auto => Store::Auto,
            StateChoice::Extension => Store::Extension,
            StateChoice::Table => Store::Table,
            StateChoice::File => Store::File,
        },
        state_file: state_file.unwrap_or_else(|| paths.root.join(STATE_FILE)),
        paths,
        variables: environment.all(),
        unset: Unset::default(),
        transforms: settings.transforms()?,
        extract_secrets: false,
        hooks: hooks.as_ref().map(ScriptHooks::set).unwrap_or_default(),
    })
}
