//! Seeds: records of content in files become records of an instance, and the other way round.
//!
//! The same road as for a dump. What is different is where the collections come from (the schema of the instance describes
//! them, [`lockstep_core::content`]) and what is read of the instance: the rows that the seeds and their references are
//! about, by key, and never whole collections.

mod adopted;
mod area;
mod contents;
mod copy;
mod files;
mod gather;
mod origin;
mod others;
mod place;
mod prepared;
mod pull;
mod references;
mod related;
mod selection;
mod source;
mod supplied;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use lockstep_core::content::Model;
use lockstep_core::identity::PreserveIds;
use lockstep_core::report::{ComparisonReport, Event, Observer, Phase};
use lockstep_directus::Client;

use crate::assets::Assets;
use crate::error::EngineError;
use crate::instance::Instance;
use crate::options::{Interrupt, StateChoice, Unset};
use crate::push::{Consent, bring, look};
use crate::schema;

pub use area::Area;
pub use copy::{CopyOptions, Side, copy};
pub use pull::pull;
pub use selection::SeedSelection;

use area::Command;
use prepared::Prepared;
use source::SeedSource;

/// What the seed commands are told.
#[derive(Clone, Debug)]
pub struct SeedOptions {
    /// Whose commands they are.
    pub area: Area,
    /// Folders with seeds, and files.
    pub paths: Vec<PathBuf>,
    /// Folders and files with records of the same collections that somebody else keeps: what they have is not deleted.
    pub others: Vec<PathBuf>,
    /// Only the seeds of these collections are compared and pushed, `*` and `?` standing for others; all, where there are none.
    pub only: Vec<String>,
    /// Where mappings are kept.
    pub state: StateChoice,
    /// The file of mappings.
    pub state_file: PathBuf,
    /// Whose ids a pull takes for SyncIDs, of the configuration that records refer to.
    pub preserve: PreserveIds,
    /// Whether a pull sorts the keys of what it writes.
    pub sort_json: bool,
    /// What `${NAME}` in a record stands for.
    pub variables: BTreeMap<String, String>,
}

/// Compares seeds with an instance. Nothing is written anywhere.
///
/// # Errors
/// When one of them cannot be read, or a seed contradicts itself or the schema of the instance.
pub async fn diff(
    client: Client,
    options: &SeedOptions,
    observer: &dyn Observer,
) -> Result<ComparisonReport, EngineError> {
    let started = Instant::now();
    let (instance, source) = open(client, options, Unset::LeaveOut, observer).await?;
    Box::pin(look(options.area.command(Command::Diff), started, &instance, &source)).await
}

/// Brings the records of an instance to what seeds say, and checks by a second comparison that they got there.
///
/// # Errors
/// As [`crate::push`].
pub async fn push(
    client: Client,
    options: &SeedOptions,
    observer: &dyn Observer,
    consent: &dyn Consent,
    interrupt: &Interrupt,
) -> Result<ComparisonReport, EngineError> {
    let started = Instant::now();
    let (instance, source) = open(client, options, Unset::Refuse, observer).await?;
    Box::pin(bring(
        options.area.command(Command::Push),
        started,
        instance,
        source,
        observer,
        consent,
        interrupt,
    ))
    .await
}

async fn open<'a>(
    client: Client,
    options: &'a SeedOptions,
    unset: Unset,
    observer: &dyn Observer,
) -> Result<(Instance, SeedSource<'a>), EngineError> {
    observer.event(Event::Phase(Phase::Connecting));
    // What is wrong with the files is told before anybody is asked anything.
    let read = match options.paths.iter().any(|path| path.exists()) {
        true => files::read(&options.paths)?,
        false => return Err(options.area.nothing(&options.paths)),
    };
    let read = selection::only(read, &options.only)?;
    let instance = Instance::connect(client).await?;
    observer.event(Event::Phase(Phase::Reading));
    let model = Model::new(schema::read(&instance.client).await?);
    let mut prepared = Prepared::new(read, &model, instance.version.major)?;
    prepared.supply(&options.variables, unset)?;
    Ok((instance, SeedSource { options, prepared, assets: Assets::Disk }))
}

/// What a file is, by its name.
pub(crate) fn media_type(path: &Path) -> &'static str {
    mime_guess::from_path(path).first_raw().unwrap_or("application/octet-stream")
}
