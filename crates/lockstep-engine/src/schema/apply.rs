//! Changes of the schema, carried out.

use lockstep_core::json::Keys;
use lockstep_core::schema::{Dialect, Mode, Risk, SchemaDiff, Snapshot, diff as diff_of};
use lockstep_directus::{Bytes, Client, ErrorKind, caches, collections, schema};

use super::{PAUSE, SchemaComparison, read};
use crate::error::EngineError;

/// How often an apply is repeated whose answer was lost and that was not carried out.
const ATTEMPTS: u32 = 3;

/// So many collections are created by one request at most: the server does it in one transaction.
const AT_ONCE: usize = 200;

/// Applies the changes that a comparison found. With the mode that they were found in, the server has to agree first that
/// these are the changes; without, they were computed before, and there is nothing to ask it.
///
/// # Errors
/// When the server sees other changes, or refuses them. What may have been applied is told by
/// [`EngineError::may_have_been_applied`].
pub(crate) async fn apply(
    client: &Client,
    comparison: &SchemaComparison,
    compared: Option<Mode>,
) -> Result<(), EngineError> {
    let Some(diff) = &comparison.diff else { return Ok(()) };
    if let Some(mode) = compared {
        agree(client, comparison, diff, mode).await?;
    }
    let (sendable, untellable) = diff.for_sending(&comparison.current, &comparison.desired);
    if !untellable.is_empty() {
        return Err(EngineError::CannotApply { names: untellable });
    }
    let mut wrote = false;
    let done = carry_out(client, comparison, sendable, compared.unwrap_or_default(), &mut wrote).await;
    // What comes after the first write leaves the instance between two schemas.
    let done = done.map_err(|source| match wrote {
        true => EngineError::SchemaPartly { source: Box::new(source) },
        false => source,
    });
    // A failure to clear caches must not hide why the changes failed.
    let cleared = caches::clear(client).await;
    done?;
    cleared?;
    settle(client, diff).await;
    Ok(())
}

/// Where several processes serve an instance, one may go on with the schema that it had, and do to records what that one says.
/// So the field that came last is asked for until it is there. What still is not after a while is told by the second
/// comparison, as is whatever keeps from asking.
async fn settle(client: &Client, diff: &SchemaDiff) {
    let Some((collection, field, comes)) = diff.last_field() else { return };
    for attempt in 1..=ATTEMPTS {
        match collections::has_field(client, collection, field).await {
            Ok(there) if there != comes => {}
            _ => return,
        }
        tokio::time::sleep(PAUSE * attempt).await;
        if caches::clear(client).await.is_err() {
            return;
        }
    }
}

/// Sends the changes, in steps where they are very many; each step leaves a valid schema, and the next is computed from what
/// the server then has.
async fn carry_out(
    client: &Client,
    comparison: &SchemaComparison,
    mut rest: SchemaDiff,
    mode: Mode,
    wrote: &mut bool,
) -> Result<(), EngineError> {
    let mut current = comparison.current.clone();
    // Old versions take the deletion of a collection inside a group that stays for granted, and do nothing.
    let skipped = rest.deletions_that_are_skipped(&current);
    for name in &skipped {
        collections::delete(client, name).await?;
        *wrote = true;
    }
    if !skipped.is_empty() {
        let Some(left) = recompute(client, &mut current, comparison, mode).await? else { return Ok(()) };
        rest = left.for_sending(&current, &comparison.desired).0;
    }
    if track_tables(client, &rest, &current, wrote).await? {
        let Some(left) = recompute(client, &mut current, comparison, mode).await? else { return Ok(()) };
        // Nobody has seen what a table that was there already differs in.
        if left.changes(Some(&current)).iter().any(|change| change.risk == Risk::Destructive) {
            return Err(EngineError::Tracked);
        }
        rest = left.for_sending(&current, &comparison.desired).0;
    }
    let mut steps = 0;
    while let Some(step) = rest.first_step(AT_ONCE) {
        send(client, &step).await?;
        *wrote = true;
        steps += 1;
        let Some(left) = recompute(client, &mut current, comparison, mode).await? else { return Ok(()) };
        if left.new_collections() >= rest.new_collections() {
            return Err(EngineError::NoProgress { steps });
        }
        rest = left.for_sending(&current, &comparison.desired).0;
    }
    match (send(client, &rest).await, rest.keeping_indexes()) {
        // Some versions fail at an index with a name of its own; it stays, and the second comparison tells.
        (Err(EngineError::Directus(error)), Some(kept)) if error.kind() == ErrorKind::Server => {
            if kept.is_empty() { Ok(()) } else { send(client, &kept).await }
        }
        (sent, _) => sent,
    }
}

/// From 11.10 on an untracked table is in no snapshot, and creating it fails: what exists is tracked instead. True if there
/// was such a table.
async fn track_tables(
    client: &Client,
    diff: &SchemaDiff,
    current: &Snapshot,
    wrote: &mut bool,
) -> Result<bool, EngineError> {
    let hidden = current.directus_version().parse().is_ok_and(|version| Dialect::of(version).hides_untracked);
    let tables = diff.new_tables();
    if !hidden || tables.is_empty() {
        return Ok(false);
    }
    let untracked = collections::untracked(client).await?;
    let mut found = false;
    for table in tables.into_iter().filter(|table| untracked.iter().any(|it| it == table.name)) {
        let columns = collections::stored_fields(client, table.name).await?;
        collections::track(client, table.name, &table.meta.to_value()).await?;
        *wrote = true;
        for (field, meta) in
            table.fields.into_iter().filter(|(field, _)| columns.iter().any(|it| it == field))
        {
            collections::track_field(client, table.name, field, &meta.to_value()).await?;
        }
        found = true;
    }
    if found {
        caches::clear(client).await?;
    }
    Ok(found)
}

async fn recompute(
    client: &Client,
    current: &mut Snapshot,
    comparison: &SchemaComparison,
    mode: Mode,
) -> Result<Option<SchemaDiff>, EngineError> {
    *current = read(client).await?;
    diff_of(current, &comparison.desired, mode).map_err(|error| EngineError::Adapt(error.into()))
}

/// The server's own comparison has to be the same. It is asked with what was made to fit, so that there is nothing to be
/// forced.
async fn agree(
    client: &Client,
    comparison: &SchemaComparison,
    own: &SchemaDiff,
    mode: Mode,
) -> Result<(), EngineError> {
    let snapshot = serde_json::to_vec(&comparison.desired).map_err(EngineError::SchemaText)?;
    let theirs = match schema::diff_text(client, Bytes::from(snapshot), false).await? {
        Some(text) => {
            SchemaDiff::from_value(Keys::default().parse(&text).map_err(EngineError::SchemaDiffText)?)?
        }
        None => None,
    };
    // Only some versions know how to merge, so all are asked for everything.
    let theirs = theirs.map(|theirs| if mode == Mode::Merge { theirs.without_deletions() } else { theirs });
    match own.first_disagreement(theirs.as_ref()) {
        None => Ok(()),
        Some(place) => Err(EngineError::Disagreement { place }),
    }
}

/// Sends a diff. After a lost answer the server is asked whether its schema is still the one that was compared.
async fn send(client: &Client, diff: &SchemaDiff) -> Result<(), EngineError> {
    let body = serde_json::to_vec(&diff.to_json()).map_err(EngineError::SchemaText)?;
    let body = Bytes::from(body);
    let mut attempt = 0;
    loop {
        let error = match schema::apply_serialized(client, body.clone(), false).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        attempt += 1;
        let lost = matches!(error.kind(), ErrorKind::Lost | ErrorKind::Timeout);
        if !lost || attempt > ATTEMPTS {
            return Err(error.into());
        }
        tokio::time::sleep(PAUSE * attempt).await;
        // Where looking fails as well, the first failure is what matters: it may have been carried out.
        let Ok(now) = read(client).await else { return Err(error.into()) };
        if now.hash() != diff.hash() {
            return Ok(());
        }
    }
}
