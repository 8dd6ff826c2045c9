//! Each rule catches the resource that breaks it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value as Json, json};

use super::super::planned::no_write_only;
use super::super::{Harness, compatible};
use super::crooked::{Crooked, Fault};
use crate::schema::{Attribute, Schema};
use crate::value::{Type, Value};

fn config() -> Json {
    json!({
        "name": "n", "token_wo": "t",
        "inner": { "a": "x", "key_wo": "k" },
        "items": { "one": { "v": 1 } },
    })
}

/// Drives every verb, and returns what the harness had to say.
fn drive(fault: Fault, repeats: bool) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let all = async {
        let harness = Harness::new(Crooked::with(fault));
        let harness = if repeats { harness } else { harness.without_repeats() };
        assert!(harness.configure(json!({})).await.is_empty());
        let mut thing = harness.resource("crooked_thing");
        assert!(!thing.apply(config()).await.has_errors());
        let mut changed = config();
        changed["note"] = json!("changed");
        assert!(!thing.apply(changed.clone()).await.has_errors());
        let mut twin = harness.resource("crooked_thing");
        assert!(!twin.import("n").await.has_errors());
        changed["name"] = json!("m");
        assert!(!thing.apply(changed).await.has_errors());
        assert!(!thing.destroy().await.has_errors());
        assert_eq!(thing.state(), None);
    };
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(all))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).expect("a panic's text")
    })
}

#[test]
fn a_resource_that_keeps_every_rule_passes() {
    assert_eq!(drive(Fault::None, true), Ok(()));
}

#[test]
fn each_broken_rule_is_named_with_its_place() {
    let cases = [
        (Fault::NameInCapitals, "rule 1 at Name"),
        (Fault::NeitherRequiredNorComputed, "rule 1 at loose"),
        (Fault::ReservedName, "rule 1 at count"),
        (Fault::DynamicInSet, "rule 2 at any"),
        (Fault::WriteOnlyInSet, "rule 2 at secrets.key_wo"),
        (Fault::ValidateRefusesUnknown, "rule 3 at name"),
        (Fault::PlanChangesConfigured, "rule 5 at name"),
        (Fault::PlanInventsOptional, "rule 5 at plain"),
        (Fault::PlanChangesNested, "rule 5 at inner.a"),
        (Fault::PlanNullsNested, "rule 6 at inner"),
        (Fault::PlanUnknownNested, "rule 6 at inner"),
        (Fault::PlanAddsKey, "rule 6 at items[\"spoiled\"]"),
        (Fault::ReplacesNowhere, "rule 8 at inner.nowhere"),
        (Fault::CreateChangesPlanned, "rule 12 at note"),
        (Fault::CreateLeavesUnknown, "not wholly known"),
        (Fault::CreateGivesNothing, "neither a state nor an error"),
        (Fault::DeleteLeaves, "still stands"),
        (Fault::ReadGivesUnknown, "not wholly known"),
        (Fault::ReadAfterImportIsGone, "rule 19"),
        (Fault::ReadFlaps, "rule 25 at serial"),
        (Fault::PlanFlaps, "rule 25 at note"),
        (Fault::NeverSettles, "rule 25"),
        (Fault::ModelMisfit, "unmodelled"),
        (Fault::IdentityHoldsAMap, "rule 2 at name"),
        (Fault::IdentityIsUnknown, "rule 15"),
    ];
    for (fault, expected) in cases {
        // A read that loses the object shows in the import only when no refresh looks before it.
        let repeats = fault != Fault::ReadAfterImportIsGone;
        let found = drive(fault, repeats).expect_err(&format!("{fault:?} goes unnoticed"));
        assert!(found.contains(expected), "{fault:?}: {found}");
    }
}

#[test]
fn a_final_plan_that_forgets_the_plan_is_caught() {
    let found = drive(Fault::FinalPlanDiffers, false).expect_err("the final plan differs");
    assert!(found.contains("rule 11 at note"), "{found}");
}

#[test]
fn a_write_only_value_is_found_at_any_depth() {
    let secret = || Attribute::string("").optional().write_only();
    let schema = Schema::new(
        "",
        [
            ("secret", secret()),
            ("list", Attribute::nested_list("", [("secret", secret())]).optional()),
            ("map", Attribute::nested_map("", [("secret", secret())]).optional()),
        ],
    );
    let object = |value| Value::Map([("secret".to_owned(), value)].into());
    let text = || Value::String("s".to_owned());
    let value = Value::Map(
        [
            ("secret".to_owned(), Value::Null),
            ("list".to_owned(), Value::List(vec![object(Value::Null), object(text())])),
            ("map".to_owned(), Value::Map([("k".to_owned(), object(text()))].into())),
        ]
        .into(),
    );
    let found: Vec<_> = no_write_only(&schema.attributes, &value).iter().map(ToString::to_string).collect();
    let expected = ["rule 7 at list[1].secret", "rule 7 at map[\"k\"].secret"];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn only_what_was_unknown_may_change_after_a_plan() {
    let text = |text: &str| Value::String(text.to_owned());
    let list = |elements: &[Value]| Value::List(elements.to_vec());
    let set = Type::set(Type::String);
    let cases = [
        (Value::unknown(), text("x"), Type::String, 0),
        (Value::unknown(), Value::Null, Type::String, 0),
        (text("x"), Value::unknown(), Type::String, 1),
        (text("x"), Value::Null, Type::String, 1),
        (list(&[text("a"), Value::unknown()]), list(&[text("a"), text("b")]), Type::list(Type::String), 0),
        (list(&[text("a")]), list(&[text("a"), text("b")]), Type::list(Type::String), 1),
        (list(&[Value::unknown(), Value::unknown()]), list(&[text("a")]), set.clone(), 0),
        (list(&[text("a"), Value::unknown()]), list(&[text("b"), text("c")]), set.clone(), 1),
        (list(&[text("a")]), list(&[text("a"), text("b")]), set, 1),
    ];
    for (planned, actual, shape, expected) in cases {
        let found = compatible::check(12, &planned, &actual, &shape);
        assert_eq!(found.len(), expected, "{planned:?} then {actual:?}: {found:?}");
    }
}
