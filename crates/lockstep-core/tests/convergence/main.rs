//! Whatever two instances hold, a push brings one to what the other says: on a model of a server that enforces what the
//! real one enforces.

#![expect(clippy::unwrap_used, reason = "what a model cannot do is a failed test")]

mod server;
mod world;

use std::collections::BTreeSet;

use lockstep_core::collection::{COLLECTIONS, Registry};
use lockstep_core::identity::matching::{Sides, identify_rows, match_records};
use lockstep_core::identity::specials::Specials;
use lockstep_core::identity::{DumpRecords, InstanceRows, Mappings, PreserveIds};
use lockstep_core::plan::{Limits, plan};
use lockstep_core::reconcile::{Changes, Comparison, Mode, Problem, Rules, reconcile};
use lockstep_core::record::{LocalId, Record};
use lockstep_core::transform::Transformed;
use proptest::prelude::*;

use server::Server;
use world::World;

const TARGET: &str = "http://target";

fn dump_of(world: &World, preserve: &PreserveIds) -> DumpRecords {
    let (mappings, old, registry) = (Mappings::default(), DumpRecords::new(), Registry::default());
    let specials = Specials::find(&world.rows, &world.user, &mappings);
    let sides = Sides {
        dump: &old,
        rows: &world.rows,
        mappings: &mappings,
        specials: &specials,
        target: "http://source",
        registry: &registry,
    };
    let matching = identify_rows(sides, preserve);
    let translator = matching.translator(&world.rows, true);
    let record = |name: &'static str, row: &lockstep_core::record::Row| {
        let collection = lockstep_core::collection::Collection::named(name).unwrap();
        let sync_id = matching.ids.sync(name, row.id.as_str()).expect("every row has a SyncID").clone();
        let (fields, missing) = translator.to_portable(collection, row);
        assert_eq!(missing, [], "the world refers to what it holds");
        Record { sync_id, fields: fields.into() }
    };
    world
        .rows
        .iter()
        .map(|(name, rows)| (*name, rows.iter().map(|row| record(name, row)).collect()))
        .collect()
}

fn mode(preserve: &PreserveIds, prune: bool) -> Mode {
    Mode {
        scope: COLLECTIONS.iter().map(|collection| collection.name).collect(),
        preserve: preserve.clone(),
        attach_roles: true,
        prune,
        permissions_hidden: false,
        target: TARGET.to_owned(),
        registry: Registry::default(),
        rules: Rules::default(),
    }
}

fn compare(
    dump: &DumpRecords,
    rows: &InstanceRows,
    world: &World,
    mappings: &Mappings,
    mode: &Mode,
) -> Result<Changes, Vec<Problem>> {
    let specials = Specials::find(rows, &world.user, mappings);
    let matching = match_records(Sides {
        dump,
        rows,
        mappings,
        specials: &specials,
        target: TARGET,
        registry: &mode.registry,
    });
    let transformed = &Transformed::default();
    reconcile(Comparison { dump, rows, matching, specials: &specials, mappings, mode, transformed })
}

/// What a store would hold after this comparison: every pair whose row exists.
fn recorded(changes: &Changes, rows: &InstanceRows) -> Mappings {
    let mut mappings = Mappings::default();
    for (name, rows) in rows {
        for row in rows {
            if let Some(sync_id) = changes.matching.ids.sync(name, row.id.as_str()) {
                mappings.record(name, sync_id.clone(), row.id.clone());
            }
        }
    }
    mappings
}

fn ids(rows: &InstanceRows) -> BTreeSet<(&'static str, LocalId)> {
    rows.iter().flat_map(|(name, rows)| rows.iter().map(|row| (*name, row.id.clone()))).collect()
}

fn preserve_ids() -> impl Strategy<Value = PreserveIds> {
    prop_oneof![
        Just(PreserveIds::All),
        Just(PreserveIds::None),
        Just(PreserveIds::Only(vec!["roles".to_owned(), "operations".to_owned()])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    /// A push onto any instance converges, and takes nothing that was not tracked.
    #[test]
    fn a_second_push_is_empty(seed in any::<u64>(), preserve in preserve_ids(), tracked in 0..3_u8, small in any::<bool>()) {
        let source = World::random(seed, 0);
        let target = World::random(seed ^ 0x9e37_79b9_7f4a_7c15, 1);
        let dump = dump_of(&source, &preserve);
        let mappings = target.some_mappings(seed, tracked);
        let mode = mode(&preserve, false);
        let Ok(changes) = compare(&dump, &target.rows, &target, &mappings, &mode) else {
            // Only what nobody can decide may stop a push of what an instance held.
            let problems = compare(&dump, &target.rows, &target, &mappings, &mode).unwrap_err();
            for problem in &problems {
                prop_assert!(matches!(problem, Problem::Ambiguous(_)), "{problem}");
            }
            return Err(TestCaseError::reject("ambiguous"));
        };
        let limits = if small { Limits { bytes: 300, count: 2, side_by_side: false } } else { Limits::default() };
        let mut server = Server::new(target.rows.clone());
        for batch in plan(&changes, &target.rows, limits).batches() {
            server.take(batch);
        }
        let after = recorded(&changes, &server.rows);
        let second = compare(&dump, &server.rows, &target, &after, &mode).expect("comparable still");
        prop_assert!(second.is_empty(), "{:#?}", second.iter().collect::<Vec<_>>());
        // With an empty store as well: everything is recognized by itself, but for panels that do not keep their ids.
        if preserve == PreserveIds::All {
            let unknown = compare(&dump, &server.rows, &target, &Mappings::default(), &mode);
            if let Ok(unknown) = unknown {
                let created = unknown.iter().filter(|(_, c)| c.difference.action == lockstep_core::reconcile::Action::Create);
                prop_assert_eq!(created.count(), 0, "a lost store makes no duplicates");
            }
        }
        untracked_survive(&target, &mappings, &changes, &server)?;
    }

    /// With pruning, an instance holds exactly what the dump says, and its own records.
    #[test]
    fn pruning_leaves_nothing_else(seed in any::<u64>()) {
        let source = World::random(seed, 0);
        let target = World::random(seed.rotate_left(17), 1);
        let dump = dump_of(&source, &PreserveIds::All);
        let mode = mode(&PreserveIds::All, true);
        let Ok(changes) = compare(&dump, &target.rows, &target, &Mappings::default(), &mode) else {
            return Err(TestCaseError::reject("ambiguous"));
        };
        let mut server = Server::new(target.rows.clone());
        for batch in plan(&changes, &target.rows, Limits::default()).batches() {
            server.take(batch);
        }
        for (name, records) in &dump {
            prop_assert_eq!(server.rows[name].len(), records.len(), "{}", name);
        }
    }

    /// Pulling twice gives the same, and pulling over a dump keeps its SyncIDs.
    #[test]
    fn a_pull_is_stable(seed in any::<u64>(), preserve in preserve_ids()) {
        let world = World::random(seed, 0);
        let first = dump_of(&world, &preserve);
        prop_assert_eq!(&first, &dump_of(&world, &preserve));
        let mappings = Mappings::default();
        let specials = Specials::find(&world.rows, &world.user, &mappings);
        let registry = Registry::default();
        let sides = Sides { dump: &first, rows: &world.rows, mappings: &mappings, specials: &specials, target: TARGET, registry: &registry };
        let again = identify_rows(sides, &PreserveIds::All);
        for (name, records) in &first {
            let of_dump: BTreeSet<_> = records.iter().map(|record| record.sync_id.as_str()).collect();
            let paired: BTreeSet<_> = again.ids.of(|of| of == *name).map(|(sync_id, _)| sync_id.as_str()).collect();
            prop_assert_eq!(of_dump, paired, "{}", name);
        }
    }
}

/// What was on the target, was never recorded, and is no record of the dump, is there afterwards: unless the plan said
/// that it repeats another record, or that it goes along with one.
fn untracked_survive(
    target: &World,
    mappings: &Mappings,
    changes: &Changes,
    server: &Server,
) -> Result<(), TestCaseError> {
    let announced: usize = changes.iter().map(|(_, change)| change.difference.takes_along).sum();
    let merged =
        changes.iter().filter(|(_, c)| c.difference.action == lockstep_core::reconcile::Action::Merge);
    let merged: BTreeSet<_> =
        merged.filter_map(|(c, change)| Some((c.name, change.difference.id.clone()?))).collect();
    let there = ids(&server.rows);
    let lost: Vec<_> = ids(&target.rows)
        .into_iter()
        .filter(|(name, id)| !mappings.of(name).any(|(_, local)| local == id))
        .filter(|row| !there.contains(row) && !merged.contains(row))
        .collect();
    prop_assert!(lost.len() <= announced, "lost {lost:?}, announced {announced}");
    Ok(())
}
