use helm::chart::Chart;
use helm::values::{coalesce, parse};

use crate::{chart, told};

const SCHEMA: &str = r#"{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object",
  "required": ["image"],
  "properties": {
    "replicas": { "type": "integer", "minimum": 1 },
    "password": { "type": "string", "pattern": "^[a-z]+$" },
    "image": { "type": "object", "properties": { "tag": { "type": "string" } } }
  }
}"#;

/// What is wrong with the values of the chart, in words; nothing when they are right.
fn check(chart: &Chart, values: &str, expected: &str) {
    let values = parse(values).expect("values");
    let chart = chart.resolve(&values).expect("a chart");
    let coalesced = coalesce(&chart, &values).expect("values that fit").values;
    let found = chart.check_values(&coalesced).err().map(|error| told(&error)).unwrap_or_default();
    let found =
        found.replace("values don't meet the specifications of the schema(s) in the following chart(s):", "");
    assert_eq!(found.trim(), expected, "{values:?}");
}

#[test]
fn names_the_path_of_every_value_that_is_wrong() {
    let web =
        chart("web", &[("values.schema.json", SCHEMA.as_bytes()), ("values.yaml", b"image: {tag: a}\n")]);
    check(&web, "replicas: 3", "");
    check(&web, "replicas: three", "web:\n- at '/replicas': want integer, but got string");
    check(
        &web,
        "{replicas: 0, image: {tag: 1}}",
        "web:\n- at '/image/tag': want string, but got number\n- at '/replicas': must be >=1, but got 0",
    );
    check(&web, "image: null", "web:\n- at '': missing properties 'image'");
}

#[test]
fn tells_no_value() {
    let web = chart("web", &[("values.schema.json", SCHEMA.as_bytes()), ("values.yaml", b"image: {}\n")]);
    check(&web, "password: Hunter2", "web:\n- at '/password': does not match the pattern \"^[a-z]+$\"");
}

#[test]
fn holds_each_chart_against_its_own_schema() {
    let strict = br#"{ "properties": { "colour": { "enum": ["red"] } } }"#;
    let family = chart(
        "web",
        &[
            ("values.schema.json", br#"{ "properties": { "replicas": { "type": "integer" } } }"#),
            ("charts/paint/Chart.yaml", b"apiVersion: v2\nname: paint\nversion: 0.1.0\n"),
            ("charts/paint/values.schema.json", strict),
        ],
    );
    check(&family, "paint: {colour: red}", "");
    check(
        &family,
        "{replicas: x, paint: {colour: blue}}",
        "web:\n- at '/replicas': want integer, but got string\npaint:\n- at '/colour': value must be 'red'",
    );
}

#[test]
fn refuses_a_schema_that_is_none_or_reaches_out() {
    let broken = chart("web", &[("values.schema.json", b"{")]);
    check(
        &broken,
        "{}",
        "cannot parse values.schema.json of web: EOF while parsing an object at line 1 column 1",
    );
    for address in ["file:///etc/passwd", "https://example.com/schema.json"] {
        let schema = format!(r#"{{ "$ref": "{address}" }}"#);
        let web = chart("web", &[("values.schema.json", schema.as_bytes())]);
        let values = parse("").expect("values");
        let said = told(&web.check_values(&values).expect_err("no reach"));
        assert!(said.contains(&format!("it refers to {address}, which is not in the chart")), "{said}");
    }
}
