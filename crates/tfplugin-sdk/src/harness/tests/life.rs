//! The life of a resource as core leads it: what stands in the state after each turn.

use std::sync::PoisonError;

use serde_json::json;

use super::super::{Action, Harness, unknown};
use super::crooked::{Crooked, Fault, Model, Shared};
use crate::Attr;
use crate::path;

async fn harness(fault: Fault) -> (Harness<Crooked>, Shared) {
    let provider = Crooked::with(fault);
    let world = provider.world.clone();
    let harness = Harness::new(provider).without_repeats();
    assert!(harness.configure(json!({})).await.is_empty());
    (harness, world)
}

fn calls(world: &Shared) -> Vec<&'static str> {
    std::mem::take(&mut world.lock().unwrap_or_else(PoisonError::into_inner).calls)
}

#[tokio::test]
async fn a_plan_shows_what_changes_and_apply_makes_it() {
    let (harness, world) = harness(Fault::None).await;
    let mut thing = harness.resource("crooked_thing");
    let plan = thing.plan(json!({ "name": "n", "plain": unknown() })).await;
    assert_eq!(plan.action, Action::Create);
    assert_eq!(plan.planned()["serial"], unknown());
    assert!(thing.apply_plan(&plan, json!({ "name": "n", "plain": "now known" })).await.is_empty());
    assert_eq!(thing.state_as::<Model>().plain, Attr::from("now known"));
    let plan = thing.plan(json!({ "name": "n", "plain": "other" })).await;
    assert_eq!(
        (plan.action, plan.changes()),
        (Action::Update, vec!["plain".to_owned(), "serial".to_owned()])
    );
    let plan = thing.plan(json!({ "name": "m", "plain": "now known" })).await;
    assert_eq!((plan.action, plan.requires_replace.as_slice()), (Action::Replace, &[path!["name"]][..]));
    calls(&world);
    assert!(thing.apply(json!({ "name": "m" })).await.is_empty());
    assert_eq!(calls(&world), ["read", "delete", "create"]);
    assert!(thing.destroy().await.is_empty());
    assert_eq!(thing.state(), None);
}

#[tokio::test]
async fn a_refused_configuration_calls_nothing() {
    let (harness, world) = harness(Fault::None).await;
    let mut thing = harness.resource("crooked_thing");
    let diagnostics = thing.apply(json!({ "name": "forbidden" })).await;
    assert_eq!(diagnostics.iter().next().and_then(|one| one.path.clone()), Some(path!["name"]));
    assert_eq!(calls(&world), Vec::<&str>::new());
}

#[tokio::test]
async fn a_create_that_fails_halfway_is_kept_and_tainted() {
    let (harness, world) = harness(Fault::CreateFailsHalfway).await;
    let mut thing = harness.resource("crooked_thing");
    assert!(thing.apply(json!({ "name": "n" })).await.has_errors());
    assert!(thing.is_tainted());
    assert_eq!(thing.state_as::<Model>().serial, Attr::Null);
    assert_eq!(thing.plan(json!({ "name": "n" })).await.action, Action::Replace);
    thing.untaint();
    calls(&world);
    assert!(thing.apply(json!({ "name": "n", "plain": "x" })).await.is_empty());
    assert_eq!(calls(&world), ["read", "update"]);
}

#[tokio::test]
async fn a_create_that_made_nothing_leaves_nothing() {
    let (harness, _) = harness(Fault::CreateFails).await;
    let mut thing = harness.resource("crooked_thing");
    assert!(thing.apply(json!({ "name": "n" })).await.has_errors());
    assert_eq!(thing.state(), None);
}

#[tokio::test]
async fn an_update_that_fails_without_a_state_keeps_the_prior() {
    let (harness, _) = harness(Fault::UpdateFails).await;
    let mut thing = harness.resource("crooked_thing");
    assert!(thing.apply(json!({ "name": "n" })).await.is_empty());
    let before = thing.state();
    assert!(thing.apply(json!({ "name": "n", "plain": "x" })).await.has_errors());
    assert_eq!((thing.state(), thing.is_tainted()), (before, false));
}

#[tokio::test]
async fn what_is_gone_is_planned_anew() {
    let (harness, world) = harness(Fault::None).await;
    let mut thing = harness.resource("crooked_thing");
    assert!(thing.apply(json!({ "name": "n" })).await.is_empty());
    world.lock().unwrap_or_else(PoisonError::into_inner).live = None;
    assert_eq!(thing.plan(json!({ "name": "n" })).await.action, Action::Create);
    let mut other = harness.resource("crooked_thing");
    let diagnostics = other.import("nobody").await;
    assert!(diagnostics.has_errors());
    assert_eq!(other.state(), None);
}

#[tokio::test]
async fn an_unknown_provider_plans_without_clients_and_refuses_to_apply() {
    let harness = Harness::new(Crooked::with(Fault::None)).without_repeats();
    assert!(harness.configure(json!({ "ready": unknown() })).await.is_empty());
    let mut thing = harness.resource("crooked_thing");
    assert_eq!(thing.plan(json!({ "name": "n" })).await.action, Action::Create);
    let diagnostics = thing.apply(json!({ "name": "n" })).await;
    assert!(diagnostics.has_errors());
    assert_eq!(thing.state(), None);
}
