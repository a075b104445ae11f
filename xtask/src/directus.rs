//! `cargo xtask directus`: real servers to try things on, one per port, side by side.

use std::error::Error;

use clap::{Subcommand, ValueEnum};
use lockstep_testkit::cache::Cache;
use lockstep_testkit::directus::named::{self, Running, Wish};
use lockstep_testkit::directus::{self, ADMIN_EMAIL, ADMIN_PASSWORD, ADMIN_TOKEN, VERSIONS};
use lockstep_testkit::npm::Package;

use crate::install::install;

/// The arguments of `cargo xtask directus`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install Directus from npm into the cache
    Install {
        /// A version; may be given several times [default: the three that conformance runs on]
        #[arg(long = "version", value_name = "VERSION")]
        versions: Vec<String>,
        /// Install directus-extension-sync too
        #[arg(long)]
        extension: bool,
    },
    /// Start an instance in the background; one that exists keeps its data
    Up(Instance),
    /// Stop an instance, or all of them; data stays
    Down {
        /// The instance's port [default: all]
        #[arg(long)]
        port: Option<u16>,
    },
    /// Give an instance a fresh database again and start it
    Reset(Instance),
}

#[derive(Debug, clap::Args)]
struct Instance {
    /// Directus version [default: what the port has, else 11.17.4]
    #[arg(long)]
    version: Option<String>,
    /// Where it listens, on 127.0.0.1
    #[arg(long, default_value_t = 8055)]
    port: u16,
    /// Database [default: what the port has, else sqlite]
    #[arg(long)]
    db: Option<Db>,
    /// Which of two separately bootstrapped databases to copy [default: what the port has, else a]
    #[arg(long)]
    template: Option<Template>,
    /// Add a mapping extension: that of directus-sync, or Lockstep's own
    #[arg(long, value_name = "WHOSE", num_args = 0..=1, default_missing_value = "directus-sync")]
    extension: Option<Extension>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Extension {
    DirectusSync,
    Lockstep,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Db {
    Sqlite,
    Postgres,
    /// MariaDB, which Directus takes for MySQL
    Mysql,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Template {
    A,
    B,
}

/// Runs `cargo xtask directus`.
///
/// # Errors
/// Whatever kept the servers from being as asked.
pub(crate) fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let cache = Cache::from_env()?;
    match args.command {
        Command::Install { versions, extension } => install_versions(&cache, versions, extension),
        Command::Up(instance) => up(&cache, &instance),
        Command::Down { port } => down(&cache, port),
        Command::Reset(instance) => reset(&cache, &instance),
    }
}

fn install_versions(cache: &Cache, versions: Vec<String>, extension: bool) -> Result<(), Box<dyn Error>> {
    let versions = if versions.is_empty() { VERSIONS.map(str::to_owned).to_vec() } else { versions };
    let mut packages: Vec<_> = versions.iter().map(|version| Package::directus(version)).collect();
    packages.extend(extension.then(Package::extension_sync));
    install(cache, &packages)?;
    println!("Directus {} in {}", versions.join(", "), cache.root().display());
    Ok(())
}

fn up(cache: &Cache, instance: &Instance) -> Result<(), Box<dyn Error>> {
    let wish = instance.wish();
    install(cache, &needs(&named::wanted(cache, instance.port, &wish)?))?;
    show(&runtime()?.block_on(named::up(cache, instance.port, &wish))?);
    Ok(())
}

fn reset(cache: &Cache, instance: &Instance) -> Result<(), Box<dyn Error>> {
    let wish = instance.wish();
    install(cache, &needs(&named::wanted(cache, instance.port, &wish)?))?;
    show(&runtime()?.block_on(named::reset(cache, instance.port, &wish))?);
    Ok(())
}

fn down(cache: &Cache, port: Option<u16>) -> Result<(), Box<dyn Error>> {
    let ports = port.map_or_else(|| named::ports(cache), |port| Ok(vec![port]))?;
    for port in ports {
        let stopped = named::down(cache, port)?;
        println!("port {port}: {}", if stopped { "stopped" } else { "nothing was running" });
    }
    Ok(())
}

fn needs(setup: &directus::Setup) -> Vec<Package> {
    let of_npm = setup.extension == directus::Extension::DirectusSync;
    let extension = of_npm.then(Package::extension_sync);
    std::iter::once(Package::directus(&setup.version)).chain(extension).collect()
}

fn show(running: &Running) {
    let Running { setup, url, pid, log, already } = running;
    println!("{setup} {}", if *already { "was running already" } else { "is running" });
    println!("  url    {url}");
    println!("  token  {ADMIN_TOKEN}");
    println!("  login  {ADMIN_EMAIL} / {ADMIN_PASSWORD}");
    println!("  pid    {pid}");
    println!("  log    {}", log.display());
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

impl Instance {
    fn wish(&self) -> Wish {
        let db = self.db.map(|db| match db {
            Db::Sqlite => directus::Db::Sqlite,
            Db::Postgres => directus::Db::Postgres,
            Db::Mysql => directus::Db::Mysql,
        });
        let template = self.template.map(|template| match template {
            Template::A => directus::Template::A,
            Template::B => directus::Template::B,
        });
        let extension = match self.extension {
            None => directus::Extension::None,
            Some(Extension::DirectusSync) => directus::Extension::DirectusSync,
            Some(Extension::Lockstep) => directus::Extension::Lockstep,
        };
        Wish { version: self.version.clone(), db, template, extension }
    }
}
