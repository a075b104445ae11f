use proptest::prelude::*;
use serde_json::json;

use super::*;

fn fields(value: Value) -> Fields {
    value.as_object().unwrap().clone()
}

fn record(a: i64, b: i64) -> Fields {
    fields(json!({"a": a, "b": b}))
}

fn both_fields() -> Vec<MergeField> {
    ["a", "b"].map(|name| MergeField { name: name.to_owned(), kind: None }).to_vec()
}

const RULES: Rules = Rules { both_ways: true, deletes: true, policy: Policy::Source, newest: Side::Source };

fn merged(rules: Rules, base: Option<Fields>, source: Option<Fields>, target: Option<Fields>) -> Merged {
    merge(&both_fields(), rules, base.as_ref(), source.as_ref(), target.as_ref())
}

#[test]
fn edits_of_different_fields_are_joined() {
    let found = merged(RULES, Some(record(1, 1)), Some(record(2, 1)), Some(record(1, 3)));
    assert_eq!(found.target, Act::Update(fields(json!({"a": 2}))));
    assert_eq!(found.source, Act::Update(fields(json!({"b": 3}))));
    assert_eq!((found.common, found.decisions.len()), (Some(record(2, 3)), 0));
}

#[test]
fn the_same_field_goes_by_the_policy() {
    for (policy, newest, both_ways, to_source, to_target, common, winner) in [
        (Policy::Source, Side::Target, true, None, Some(2), Some(2), Some(Side::Source)),
        (Policy::Target, Side::Source, true, Some(3), None, Some(3), Some(Side::Target)),
        (Policy::Target, Side::Source, false, None, None, Some(2), Some(Side::Target)),
        (Policy::Newest, Side::Target, true, Some(3), None, Some(3), Some(Side::Target)),
        (Policy::Newest, Side::Source, true, None, Some(2), Some(2), Some(Side::Source)),
        (Policy::Manual, Side::Source, true, None, None, Some(1), None),
    ] {
        let rules = Rules { both_ways, policy, newest, deletes: true };
        let found = merged(rules, Some(record(1, 1)), Some(record(2, 1)), Some(record(3, 1)));
        let act = |value: Option<i64>| match value {
            Some(value) => Act::Update(fields(json!({"a": value}))),
            None => Act::Nothing,
        };
        assert_eq!((&found.source, &found.target), (&act(to_source), &act(to_target)), "{policy:?}");
        assert_eq!(found.common.unwrap().get("a").cloned(), common.map(Value::from), "{policy:?}");
        assert_eq!((found.decisions[0].clash, found.decisions[0].winner), (Clash::BothEdited, winner));
    }
}

#[test]
fn records_of_one_side() {
    let (none, some, edited) = (None, Some(record(1, 1)), Some(record(1, 2)));
    let one_way = Rules { both_ways: false, ..RULES };
    let keeping = Rules { deletes: false, ..RULES };
    // rules, base, source, target, on the source, on the target, clashes
    for (rules, base, source, target, to_source, to_target, clashes) in [
        (RULES, &none, &some, &none, "nothing", "create", 0),
        (RULES, &none, &none, &some, "create", "nothing", 0),
        (one_way, &none, &none, &some, "nothing", "nothing", 0),
        (RULES, &some, &some, &none, "delete", "nothing", 0),
        (RULES, &some, &none, &some, "nothing", "delete", 0),
        (one_way, &some, &none, &some, "nothing", "delete", 0),
        (one_way, &some, &some, &none, "nothing", "nothing", 0),
        (keeping, &some, &none, &some, "nothing", "nothing", 0),
        (RULES, &some, &none, &edited, "create", "nothing", 1),
        (RULES, &some, &edited, &none, "nothing", "create", 1),
        (one_way, &some, &edited, &none, "nothing", "create", 1),
        (one_way, &some, &none, &edited, "nothing", "nothing", 1),
        (RULES, &some, &none, &none, "nothing", "nothing", 0),
    ] {
        let found = merged(rules, base.clone(), source.clone(), target.clone());
        let name = |act: &Act| match act {
            Act::Nothing => "nothing",
            Act::Create(_) => "create",
            Act::Update(_) => "update",
            Act::Delete => "delete",
        };
        let place = format!("{rules:?} {base:?} {source:?} {target:?}");
        assert_eq!((name(&found.source), name(&found.target)), (to_source, to_target), "{place}");
        assert_eq!(found.decisions.len(), clashes, "{place}");
    }
}

#[test]
fn what_was_never_alike_goes_by_the_policy() {
    let found = merged(RULES, None, Some(record(1, 2)), Some(record(1, 3)));
    assert_eq!(found.target, Act::Update(fields(json!({"b": 2}))));
    assert_eq!(found.decisions[0].clash, Clash::NoCommonState);
    let manual = Rules { policy: Policy::Manual, ..RULES };
    let found = merged(manual, None, Some(record(1, 2)), Some(record(1, 3)));
    assert_eq!(found.common, Some(fields(json!({"a": 1}))));
    assert_eq!((found.source, found.target), (Act::Nothing, Act::Nothing));
}

#[test]
fn values_mean_what_their_kind_says() {
    let number = [MergeField { name: "a".to_owned(), kind: Some(Kind::Number) }];
    let (one, other) = (fields(json!({"a": "10.50"})), fields(json!({"a": 10.5})));
    let found = merge(&number, RULES, None, Some(&one), Some(&other));
    assert_eq!((found.source, found.target, found.decisions.len()), (Act::Nothing, Act::Nothing, 0));
}

#[test]
fn masses_are_told_from_a_few() {
    for (deleted, tracked, mass) in [
        (1, 1, false),
        (2, 2, true),
        (2, 3, false),
        (10, 20, false),
        (11, 20, true),
        (11, 55, false),
        (12, 55, true),
    ] {
        assert_eq!(is_mass_deletion(deleted, tracked), mass, "{deleted} of {tracked}");
    }
}

fn state() -> impl Strategy<Value = Option<Fields>> {
    proptest::option::weighted(0.8, (0..3_i64, 0..3_i64).prop_map(|(a, b)| record(a, b)))
}

fn apply(act: &Act, to: Option<Fields>) -> Option<Fields> {
    match (act, to) {
        (Act::Nothing, held) => held,
        (Act::Create(fields), _) => Some(fields.clone()),
        (Act::Delete, _) => None,
        (Act::Update(changed), held) => {
            let mut held = held.unwrap();
            held.extend(changed.clone());
            Some(held)
        }
    }
}

proptest! {
    /// After a merge of a two-way route both sides are alike, and looking again finds nothing to do.
    #[test]
    fn two_ways_converge(
        base in state(), source in state(), target in state(),
        policy in prop_oneof![Just(Policy::Source), Just(Policy::Target), Just(Policy::Newest)],
        newest in prop_oneof![Just(Side::Source), Just(Side::Target)],
    ) {
        let rules = Rules { both_ways: true, deletes: true, policy, newest };
        let first = merged(rules, base, source.clone(), target.clone());
        let (source, target) = (apply(&first.source, source), apply(&first.target, target));
        prop_assert_eq!(&source, &target);
        prop_assert_eq!(&first.common, &source);
        let again = merged(rules, first.common, source, target);
        prop_assert_eq!((again.source, again.target, again.decisions), (Act::Nothing, Act::Nothing, vec![]));
    }

    /// A one-way route never writes its source, and settles.
    #[test]
    fn one_way_writes_one_side(base in state(), source in state(), target in state()) {
        let rules = Rules { both_ways: false, deletes: true, policy: Policy::Source, newest: Side::Source };
        let first = merged(rules, base, source.clone(), target.clone());
        prop_assert_eq!(&first.source, &Act::Nothing);
        let target = apply(&first.target, target);
        let again = merged(rules, first.common, source, target);
        prop_assert_eq!((again.source, again.target), (Act::Nothing, Act::Nothing));
    }
}
