//! How an instance comes into the state without an apply.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value as Json, json};

use super::super::{Action, Found, Harness, Moved, Wanted};
use super::crooked::{Crooked, Fault, Model};
use crate::Attr;

const ELSEWHERE: &str = "registry.terraform.io/acme/straight";

/// A harness over a world in which the thing `n` lives.
async fn populated(fault: Fault) -> Harness<Crooked> {
    let harness = Harness::new(Crooked::with(fault)).without_repeats();
    assert!(harness.configure(json!({})).await.is_empty());
    let mut thing = harness.resource("crooked_thing");
    assert!(thing.apply(json!({ "name": "n" })).await.is_empty());
    harness
}

fn moved<'a>(type_name: &'a str, state: &'a Json) -> Moved<'a> {
    Moved { provider_address: ELSEWHERE, type_name, schema_version: 3, state }
}

/// What the harness had to say of a drive that breaks a rule.
fn breach(drive: impl Future<Output = ()>) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let panic = catch_unwind(AssertUnwindSafe(|| runtime.block_on(drive))).expect_err("a broken rule");
    panic.downcast_ref::<String>().cloned().expect("a panic's text")
}

#[tokio::test]
async fn an_identity_imports_what_it_names_and_stays_beside_the_state() {
    let harness = populated(Fault::None).await;
    let mut thing = harness.resource("crooked_thing");
    assert!(thing.import_identity(json!({ "name": "n" })).await.is_empty());
    assert_eq!(thing.kept_identity(), Some(json!({ "name": "n" })));
    assert_eq!(thing.plan(json!({ "name": "n" })).await.action, Action::NoOp);
    assert!(thing.apply(json!({ "name": "m" })).await.is_empty());
    assert_eq!(thing.kept_identity(), Some(json!({ "name": "m" })));
}

#[tokio::test]
async fn an_identity_once_given_stays_whatever_becomes_of_the_state() {
    let harness = Harness::new(Crooked::with(Fault::IdentityWanders));
    assert!(harness.configure(json!({})).await.is_empty());
    let mut thing = harness.resource("crooked_thing");
    for note in ["one", "two"] {
        assert!(thing.apply(json!({ "name": "n", "note": note })).await.is_empty());
        assert_eq!(thing.kept_identity(), Some(json!({ "name": "1" })));
    }
}

#[tokio::test]
async fn an_identity_that_names_nothing_imports_nothing() {
    let harness = populated(Fault::None).await;
    for (identity, expected) in [
        (json!({}), "Incomplete identity of a crooked_thing"),
        (json!({ "name": "nobody" }), "Cannot import a crooked_thing that does not exist"),
    ] {
        let mut thing = harness.resource("crooked_thing");
        let found = thing.import_identity(identity).await;
        assert_eq!(found.iter().next().map(|one| one.summary.as_str()), Some(expected));
        assert_eq!((thing.state(), thing.kept_identity()), (None, None));
    }
}

#[tokio::test]
async fn the_state_of_another_type_is_taken_over_and_read() {
    let harness = populated(Fault::None).await;
    let mut thing = harness.resource("crooked_thing");
    let state = json!({ "title": "n", "secret": "not ours to show" });
    assert!(thing.take_over(moved("straight_thing", &state)).await.is_empty());
    assert_eq!(thing.state_as::<Model>().note, Attr::from("noted"));
    assert_eq!(thing.plan(json!({ "name": "n" })).await.action, Action::NoOp);
    let mut other = harness.resource("crooked_thing");
    let refused = other.take_over(moved("bent_thing", &state)).await;
    let text = format!("{refused:?}");
    assert!(text.contains("A bent_thing cannot become a crooked_thing"), "{text}");
    assert!(text.contains(ELSEWHERE) && !text.contains("not ours"), "{text}");
    assert_eq!(other.state(), None);
}

#[tokio::test]
async fn a_list_gives_identities_and_objects_within_its_limit() {
    let harness = populated(Fault::None).await;
    let list = async |prefix: &str, whole, limit| {
        let wanted = Wanted { whole, limit };
        let (found, said) = harness.list("crooked_thing", json!({ "prefix": prefix }), wanted).await;
        assert!(said.is_empty(), "{said:?}");
        found
    };
    let identity = json!({ "name": "n" });
    let plain = Found { display_name: "it".to_owned(), identity, object: None };
    assert_eq!(list("n", false, 2).await, [plain.clone(), plain]);
    let whole = list("n", true, 9).await;
    assert_eq!(whole.len(), 3);
    assert_eq!(whole[0].object.as_ref().expect("an object")["note"], json!("noted"));
    assert_eq!(list("x", true, 9).await, []);
}

#[test]
fn what_a_move_and_a_list_leave_open_is_caught() {
    let state = json!({ "title": "n" });
    let found = breach(async {
        let harness = populated(Fault::MoveLeavesUnknown).await;
        harness.resource("crooked_thing").take_over(moved("straight_thing", &state)).await;
    });
    assert!(found.contains("After move the state is not wholly known"), "{found}");
    let found = breach(async {
        let harness = populated(Fault::ListForgetsIdentity).await;
        harness.list("crooked_thing", json!({}), Wanted { whole: false, limit: 9 }).await;
    });
    assert!(found.contains("A listed object has no identity"), "{found}");
}
