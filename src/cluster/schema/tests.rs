//! The schema and the model are the same shape.

use tfplugin_sdk::value::{Value, to_value};

use super::cluster_schema;
use crate::cluster::model::Model;

#[test]
fn the_model_has_exactly_the_attributes_of_the_schema() {
    let schema = cluster_schema();
    let value = to_value(&Model::default(), &schema.implied_type()).expect("a model fits its schema");
    let Value::Map(attributes) = value else { panic!("an object, not {value:?}") };
    let modelled: Vec<_> = attributes.keys().collect();
    let described: Vec<_> = schema.attributes.keys().collect();
    assert_eq!(modelled, described);
}
