//! The mappings of an instance, moved from one store to another.
//!
//! They are written to the new store beside what it holds, read back, and only then, and only with consent, taken out of
//! the old one. Cut short at any moment, one of the two holds all of them, and the next move completes it.

use std::collections::HashMap;
use std::path::PathBuf;

use lockstep_core::identity::Mappings;
use lockstep_directus::Client;

use crate::error::EngineError;
use crate::instance::Instance;
use crate::options::StateChoice;
use crate::state::{Store, Tables};

/// Mappings that are in both stores now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Where they were: `extension`, `table` or `file`.
    pub from: &'static str,
    /// Where they are as well.
    pub to: &'static str,
    /// How many.
    pub mappings: usize,
    /// How many of them the new store did not have before.
    pub added: usize,
}

/// What a move did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// No other store held any; so many were in the named one already.
    Nothing {
        /// The store that they were to go to.
        to: &'static str,
        /// How many it holds.
        mappings: usize,
    },
    /// They were copied; the old store was emptied, or not.
    Copied {
        /// What was copied.
        copied: Copied,
        /// Whether the old store was emptied.
        emptied: bool,
    },
}

/// Moves the mappings of an instance to another store. With [`StateChoice::Auto`] as `from` it is the one other store
/// that holds some. `consents` is asked once all is copied, whether the old store shall be emptied.
///
/// # Errors
/// Before the first write: when a store cannot be read, several others hold mappings, or the two contradict each other.
/// After it: [`EngineError::MoveCut`], and nothing is lost.
pub async fn move_store(
    client: Client,
    (from, to): (StateChoice, StateChoice),
    file: PathBuf,
    consents: &dyn Fn(&Copied) -> bool,
) -> Result<Moved, EngineError> {
    let instance = Instance::connect(client).await?;
    let place = Place { instance: &instance, file };
    let mut target = place.open(to).await?;
    let source = match from {
        StateChoice::Auto => place.find_other(to).await?,
        from => Some((from, place.open(from).await?)).filter(|(_, store)| !store.mappings.is_empty()),
    };
    let Some((from, mut source)) = source else {
        return Ok(Moved::Nothing { to: target.name(), mappings: count(&target.mappings) });
    };
    for store in [&mut source, &mut target] {
        store.check_project_of(&instance).await?;
    }
    let after = together(&source, &target)?;
    let copied = Copied {
        from: source.name(),
        to: target.name(),
        mappings: count(&source.mappings),
        added: lacking(&source.mappings, &target.mappings),
    };
    copy(&place, &copied, &source, (to, target), after).await?;
    if !consents(&copied) {
        return Ok(Moved::Copied { copied, emptied: false });
    }
    empty(&place, &copied, source, from).await?;
    Ok(Moved::Copied { copied, emptied: true })
}

struct Place<'a> {
    instance: &'a Instance,
    file: PathBuf,
}

impl Place<'_> {
    async fn open(&self, choice: StateChoice) -> Result<Store, EngineError> {
        Store::open_with(Tables::All, choice, self.file.clone(), self.instance).await
    }

    /// The one store besides `to` that holds mappings.
    async fn find_other(&self, to: StateChoice) -> Result<Option<(StateChoice, Store)>, EngineError> {
        let mut found = Vec::new();
        for choice in [StateChoice::Extension, StateChoice::Table, StateChoice::File] {
            if choice == to {
                continue;
            }
            match self.open(choice).await {
                Ok(store) if store.mappings.is_empty() => {}
                Ok(store) => found.push((choice, store)),
                Err(EngineError::NoExtension | EngineError::NoTable(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if found.len() > 1 {
            let names = found.iter().map(|(_, store)| store.name()).collect();
            return Err(EngineError::SeveralStores(names));
        }
        Ok(found.pop())
    }
}

/// Writes what both hold, and reads it back.
async fn copy(
    place: &Place<'_>,
    copied: &Copied,
    source: &Store,
    (to, mut target): (StateChoice, Store),
    after: Mappings,
) -> Result<(), EngineError> {
    let Copied { from, to: name, .. } = copied;
    let cut = |why: Option<EngineError>| EngineError::MoveCut {
        what: format!("the {from} holds all mappings as before, and the {name} may hold a part of them"),
        source: why.map(Box::new),
    };
    target.save(after).await.map_err(|error| cut(Some(error)))?;
    let written = place.open(to).await.map_err(|error| cut(Some(error)))?;
    if lacking(&source.mappings, &written.mappings) > 0 { Err(cut(None)) } else { Ok(()) }
}

/// Empties the old store, unless somebody recorded something in it meanwhile.
async fn empty(
    place: &Place<'_>,
    copied: &Copied,
    source: Store,
    from: StateChoice,
) -> Result<(), EngineError> {
    let Copied { from: name, to, .. } = copied;
    let cut =
        |what: String, why: Option<EngineError>| EngineError::MoveCut { what, source: why.map(Box::new) };
    let whole = format!("the {to} holds all mappings, and the {name} was not emptied");
    let mut now = place.open(from).await.map_err(|error| cut(whole.clone(), Some(error)))?;
    if lacking(&now.mappings, &source.mappings) > 0 {
        let what = format!("something was recorded in the {name} meanwhile, which was not emptied");
        return Err(cut(what, None));
    }
    let partly = format!("the {to} holds all mappings, and the {name} was not emptied completely");
    now.clear().await.map_err(|error| cut(partly, Some(error)))
}

/// What both hold, if they do not contradict each other.
fn together(source: &Store, target: &Store) -> Result<Mappings, EngineError> {
    let mut after = target.mappings.clone();
    let mut contradictions = Vec::new();
    for table in source.mappings.collections() {
        let local_ids: HashMap<_, _> =
            target.mappings.of(table).map(|(sync_id, local)| (local, sync_id)).collect();
        let mut new = Vec::new();
        for (sync_id, local) in source.mappings.of(table) {
            let by_sync = target.mappings.local(table, sync_id.as_str());
            let by_local = local_ids.get(local).copied();
            match (by_sync, by_local) {
                (None, None) => new.push((sync_id.clone(), local.clone())),
                (Some(there), Some(_)) if there == local => {}
                (Some(there), _) => {
                    contradictions.push(format!("{sync_id} of {table} is {local} or {there}"));
                }
                (None, Some(there)) => {
                    contradictions.push(format!("{local} of {table} is {sync_id} or {there}"));
                }
            }
        }
        after.extend(table, new);
    }
    if contradictions.is_empty() {
        return Ok(after);
    }
    Err(EngineError::StoresDisagree { from: source.name(), to: target.name(), contradictions })
}

/// How many of the first are not in the second.
fn lacking(mappings: &Mappings, other: &Mappings) -> usize {
    let lacking_in = |table: &str| {
        mappings
            .of(table)
            .filter(|(sync_id, local)| other.local(table, sync_id.as_str()) != Some(*local))
            .count()
    };
    mappings.collections().map(lacking_in).sum()
}

fn count(mappings: &Mappings) -> usize {
    mappings.collections().map(|table| mappings.of(table).count()).sum()
}
