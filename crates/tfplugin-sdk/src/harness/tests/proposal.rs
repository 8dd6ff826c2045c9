//! Core's proposed new state, case by case.

use serde_json::{Value as Json, json};

use super::super::config::{json_of, value};
use super::super::proposed::proposed;
use crate::schema::{Attribute, Schema};
use crate::value::{Value, conform};

fn schema() -> Schema {
    let inside = || {
        [
            ("plain", Attribute::string("").optional()),
            ("both", Attribute::string("").optional().computed()),
            ("live", Attribute::string("").computed()),
        ]
    };
    let computed_inside = [("both", Attribute::string("").optional().computed())];
    Schema::new(
        "",
        [
            ("plain", Attribute::string("").optional()),
            ("both", Attribute::string("").optional().computed()),
            ("live", Attribute::string("").computed()),
            ("single", Attribute::single("", inside()).optional().computed()),
            ("computed", Attribute::single("", computed_inside).optional().computed()),
            ("list", Attribute::nested_list("", inside()).optional()),
            ("set", Attribute::nested_set("", inside()).optional()),
            ("map", Attribute::nested_map("", inside()).optional()),
        ],
    )
}

/// Prior and configuration hold only what matters; the proposal is compared where it is named.
fn check(prior: Json, config: Json, expected: Json) {
    let schema = schema();
    let untyped = match &prior {
        Json::Null => Value::Null,
        prior => {
            let encoded = serde_json::to_vec(prior).expect("JSON");
            crate::value::from_state_json(&encoded, &schema.implied_type()).expect("a prior state")
        }
    };
    let proposal = proposed(&schema.attributes, &untyped, &value(&schema, &config));
    let proposal = json_of(&conform(proposal, &schema.implied_type()).expect("of the schema"));
    for (name, expected) in expected.as_object().expect("an object") {
        assert_eq!(&proposal[name], expected, "{name} of {config} over {prior}");
    }
}

#[test]
fn a_computed_value_left_out_stays_as_it_was() {
    let prior = json!({ "plain": "p", "both": "b", "live": "l" });
    check(prior.clone(), json!({}), json!({ "plain": null, "both": "b", "live": "l" }));
    check(prior, json!({ "both": "c" }), json!({ "both": "c" }));
    check(Json::Null, json!({ "plain": "p" }), json!({ "plain": "p", "both": null, "live": null }));
}

#[test]
fn nested_objects_merge_attribute_by_attribute() {
    let inside = json!({ "plain": "p", "both": "b", "live": "l" });
    let configured = json!({ "plain": "q" });
    let merged = json!({ "plain": "q", "both": "b", "live": "l" });
    let fresh = json!({ "plain": "q", "both": null, "live": null });
    check(json!({ "single": inside }), json!({ "single": configured }), json!({ "single": merged }));
    check(
        json!({ "list": [inside] }),
        json!({ "list": [configured, configured] }),
        json!({ "list": [merged, fresh] }),
    );
    let (prior, config) =
        (json!({ "map": { "k": inside } }), json!({ "map": { "k": configured, "n": configured } }));
    check(prior, config, json!({ "map": { "k": merged, "n": fresh } }));
}

#[test]
fn an_object_that_was_configured_goes_with_its_configuration() {
    check(json!({ "single": { "plain": "p", "both": "b" } }), json!({}), json!({ "single": null }));
    let computed = json!({ "single": { "both": "b", "live": "l" } });
    check(computed, json!({}), json!({ "single": { "plain": null, "both": "b", "live": "l" } }));
    check(json!({ "computed": { "both": "b" } }), json!({}), json!({ "computed": { "both": "b" } }));
}

#[test]
fn elements_of_a_set_find_the_prior_they_came_from() {
    let prior = json!({ "set": [
        { "plain": "a", "both": "1", "live": "la" },
        { "plain": "b", "both": "2", "live": "lb" },
    ] });
    let config = json!({ "set": [{ "plain": "b" }, { "plain": "c" }, { "plain": "a", "both": "9" }] });
    let expected = json!({ "set": [
        { "plain": "c", "both": null, "live": null },
        { "plain": "b", "both": "2", "live": "lb" },
        { "plain": "a", "both": "9", "live": null },
    ] });
    check(prior, config, expected);
}

#[test]
fn an_unknown_configuration_is_proposed_as_it_is() {
    let unknown = super::super::unknown();
    check(
        json!({ "single": { "plain": "p" }, "both": "b", "list": [{ "plain": "p" }] }),
        json!({ "single": unknown, "both": unknown, "list": unknown }),
        json!({ "single": unknown, "both": unknown, "list": unknown }),
    );
}
