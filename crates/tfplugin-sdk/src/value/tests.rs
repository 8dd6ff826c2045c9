//! Values through msgpack, JSON and models, and back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::*;
use crate::attr::Attr;
use crate::path;

fn number(text: &str) -> Value {
    Value::Number(text.parse().expect("a number"))
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(entries.map(|(name, value)| (name.to_owned(), value)).into())
}

fn dynamic(shape: Type, value: Value) -> Value {
    Value::Dynamic(shape, Box::new(value))
}

/// Every kind of value with its type.
fn samples() -> Vec<(Value, Type)> {
    let object = Type::object([("a", Type::Number), ("b", Type::list(Type::String))]);
    vec![
        (Value::Bool(true), Type::Bool),
        (text("ünï\"code\n"), Type::String),
        (Value::Null, Type::list(Type::String)),
        (Value::List(vec![text("x"), Value::Null]), Type::list(Type::String)),
        (Value::List(vec![]), Type::set(Type::Number)),
        (Value::List(vec![number("-3"), number("2"), number("10")]), Type::set(Type::Number)),
        (Value::List(vec![text("x"), number("1")]), Type::Tuple(vec![Type::String, Type::Number])),
        (map([("k/1", Value::Bool(false))]), Type::map(Type::Bool)),
        (map([("a", number("1")), ("b", Value::Null)]), object.clone()),
        (dynamic(object, map([("a", number("0.5")), ("b", Value::List(vec![]))])), Type::Dynamic),
        (Value::List(vec![dynamic(Type::Bool, Value::Bool(true)), Value::Null]), Type::list(Type::Dynamic)),
    ]
}

#[test]
fn every_type_comes_back_from_msgpack() {
    for (value, shape) in samples() {
        let bytes = to_msgpack(&value, &shape).expect("a value of its type");
        assert_eq!(from_msgpack(&bytes, &shape), Ok(value), "{shape:?}");
    }
}

#[test]
fn every_type_comes_back_from_json() {
    for (value, shape) in samples() {
        let json = to_json(&value).expect("nothing unknown");
        assert_eq!(from_json(json.as_bytes(), &shape), Ok(value), "{json}");
    }
}

#[test]
fn every_type_constraint_comes_back_from_json() {
    for (_, shape) in samples() {
        assert_eq!(Type::parse(shape.to_json().to_string().as_bytes()).expect("a constraint"), shape);
    }
    assert!(Type::parse(br#"["object",{"a":"string"},["a"]]"#).is_ok(), "optional attributes are accepted");
    for wrong in [&br#""text""#[..], br#"["list"]"#, b"7", br#"["tuple","string"]"#] {
        assert!(Type::parse(wrong).is_err());
    }
}

#[test]
fn numbers_travel_in_the_smallest_exact_form() {
    let cases: [(&str, &[u8]); 7] = [
        ("0", &[0x00]),
        ("-1", &[0xff]),
        ("300", &[0xcd, 0x01, 0x2c]),
        ("0.5", &[0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0]),
        ("0.1", b"\xa30.1"),
        ("9223372036854775808", &[0xcb, 0x43, 0xe0, 0, 0, 0, 0, 0, 0]),
        ("1234567890123456789012345", b"\xb91234567890123456789012345"),
    ];
    for (digits, bytes) in cases {
        assert_eq!(to_msgpack(&number(digits), &Type::Number).expect("a number"), bytes, "{digits}");
        assert_eq!(from_msgpack(bytes, &Type::Number), Ok(number(digits)));
    }
}

#[test]
fn numbers_keep_every_digit() {
    let cases = [
        ("1e3", "1000"),
        ("-0.0", "0"),
        ("12.3400", "12.34"),
        ("1.5E-3", "0.0015"),
        ("+7", "7"),
        (
            "3.14159265358979323846264338327950288419716939937510",
            "3.1415926535897932384626433832795028841971693993751",
        ),
    ];
    for (written, plain) in cases {
        assert_eq!(written.parse::<Number>().expect("a number").to_string(), plain);
        let json = from_json(plain.as_bytes(), &Type::Number).expect("a JSON number");
        assert_eq!(to_json(&json).expect("known"), plain);
    }
    for wrong in ["", "-", ".", "1e999999", "0x10", "1.2.3", "NaN", "1 "] {
        assert!(wrong.parse::<Number>().is_err(), "{wrong:?}");
    }
    assert!("2".parse::<Number>().expect("2") < "10".parse().expect("10"));
    assert!("-2.5".parse::<Number>().expect("-2.5") < "-2.49".parse().expect("-2.49"));
}

#[test]
fn any_extension_is_unknown_and_code_twelve_is_refined() {
    assert_eq!(to_msgpack(&Value::unknown(), &Type::String).expect("unknown"), [0xd4, 0, 0]);
    for other in [&[0xd4, 0, 0][..], &[0xd5, 7, 1, 2], &[0xc7, 3, 99, 1, 2, 3]] {
        assert_eq!(from_msgpack(other, &Type::Bool), Ok(Value::unknown()));
    }
    let refined = Value::Unknown(Refinements {
        null: Some(false),
        string_prefix: Some("redis-".to_owned()),
        number_min: Some(Bound { number: 1_i64.into(), inclusive: true }),
        number_max: Some(Bound { number: "2.5".parse().expect("2.5"), inclusive: false }),
        length_min: Some(1),
        length_max: Some(300),
    });
    let bytes = to_msgpack(&refined, &Type::Dynamic).expect("unknown");
    assert_eq!(bytes[2], 12);
    assert_eq!(from_msgpack(&bytes, &Type::Dynamic), Ok(refined));
    let of_the_future = [0xc7, 5, 12, 0x82, 1, 0xc2, 99, 0xc0];
    let known = Refinements { null: Some(false), ..Refinements::default() };
    assert_eq!(from_msgpack(&of_the_future, &Type::Bool), Ok(Value::Unknown(known)));
}

#[test]
fn broken_bytes_are_errors_and_no_panics() {
    let shape = Type::object([("a", Type::list(Type::String))]);
    let whole = to_msgpack(&map([("a", Value::List(vec![text("x")]))]), &shape).expect("a value");
    for end in 0..whole.len() {
        assert!(from_msgpack(&whole[..end], &shape).is_err(), "cut at {end}");
    }
    let error = from_msgpack(&[0x81, 0xa1, b'a', 0x91, 0x01], &shape).expect_err("1 is no string");
    assert_eq!(error.path(), &path!["a", 0_usize]);
    assert!(from_msgpack(&[0x80], &shape).expect_err("no a").to_string().contains("\"a\""));
    assert!(from_msgpack(&[0xdd, 0xff, 0xff, 0xff, 0xff], &Type::list(Type::Bool)).is_err());
    assert!(from_msgpack(&[0xc3, 0xc3], &Type::Bool).is_err());
}

#[test]
fn sets_have_one_order() {
    let shape = Type::set(Type::String);
    let mixed = Value::List(vec![text("b"), text("a"), text("b")]);
    assert_eq!(conform(mixed, &shape), Ok(Value::List(vec![text("a"), text("b")])));
    let unknowns = Value::List(vec![Value::unknown(), Value::unknown()]);
    assert_eq!(conform(unknowns.clone(), &shape), Ok(unknowns));
}

#[test]
fn stored_state_of_another_release_is_read_leniently() {
    let shape = Type::object([("kept", Type::String), ("new", Type::Bool)]);
    let state = br#"{"kept": "x", "dropped": [1, {"deep": "}]\\\""}]}"#;
    assert_eq!(from_state_json(state, &shape), Ok(map([("kept", text("x")), ("new", Value::Null)])));
    assert!(from_json(state, &shape).is_err());
    assert!(from_state_json(b"{", &shape).is_err());
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Colour {
    Red,
    Green,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Model {
    name: String,
    colour: Attr<Colour>,
    small: Attr<u8>,
    ratio: Attr<f64>,
    exact: Attr<Number>,
    option: Option<bool>,
    labels: Attr<BTreeMap<String, Attr<String>>>,
    nested: Attr<Vec<Nested>>,
    anything: Attr<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Nested {
    #[serde(rename = "type")]
    kind: Attr<String>,
}

fn shape() -> Type {
    Type::object([
        ("name", Type::String),
        ("colour", Type::String),
        ("small", Type::Number),
        ("ratio", Type::Number),
        ("exact", Type::Number),
        ("option", Type::Bool),
        ("labels", Type::map(Type::String)),
        ("nested", Type::list(Type::object([("type", Type::String)]))),
        ("anything", Type::Dynamic),
    ])
}

fn sample() -> Model {
    Model {
        name: "n".to_owned(),
        colour: Attr::Known(Colour::Green),
        small: Attr::Known(200),
        ratio: Attr::Known(0.1),
        exact: Attr::Known("0.30000000000000000001".parse().expect("a number")),
        option: None,
        labels: Attr::Known([("a".to_owned(), Attr::Unknown), ("b".to_owned(), Attr::from("x"))].into()),
        nested: Attr::Known(vec![Nested { kind: Attr::Null }, Nested { kind: Attr::Unknown }]),
        anything: Attr::Known(dynamic(Type::list(Type::Bool), Value::List(vec![Value::Bool(true)]))),
    }
}

#[test]
fn a_model_comes_back_from_a_value() {
    let value = to_value(&sample(), &shape()).expect("a model of the type");
    assert_eq!(value.get("ratio"), Some(&number("0.1")), "a float means its shortest decimal");
    assert_eq!(value.get("colour"), Some(&text("green")));
    assert_eq!(value.get("option"), Some(&Value::Null));
    assert_eq!(from_value::<Model>(&value), Ok(sample()));
    let unknown = map([("type", Value::unknown())]);
    assert_eq!(from_value::<Nested>(&unknown), Ok(Nested { kind: Attr::Unknown }));
}

fn check_misfit(name: &str, wrong: Value, at: &AttributePath, says: &str) {
    let mut value = to_value(&sample(), &shape()).expect("a model of the type");
    let Value::Map(entries) = &mut value else { panic!("a model is an object") };
    entries.insert(name.to_owned(), wrong);
    let error = from_value::<Model>(&value).expect_err(name);
    assert_eq!(error.path(), at, "{error}");
    assert!(error.message().contains(says), "{error}");
}

#[test]
fn a_misfit_says_where_it_is() {
    check_misfit("name", Value::unknown(), &path!["name"], "not known yet");
    check_misfit("name", Value::Null, &path!["name"], "string");
    check_misfit("small", number("300"), &path!["small"], "300");
    check_misfit("small", number("1.5"), &path!["small"], "whole number");
    check_misfit("colour", text("blue"), &path!["colour"], "blue");
    check_misfit("option", Value::unknown(), &path!["option"], "not known yet");
    check_misfit(
        "labels",
        map([("k", Value::Bool(true))]),
        &AttributePath::root().attribute("labels").key("k"),
        "string",
    );
    let extra = Value::List(vec![map([("type", Value::Null), ("more", Value::Null)])]);
    check_misfit("nested", extra, &path!["nested", 0_usize], "more");
}

#[test]
fn a_model_that_fits_no_schema_is_an_error() {
    let narrow = Type::object([("type", Type::Bool)]);
    let error = to_value(&Nested { kind: Attr::from("x") }, &narrow).expect_err("a string is no bool");
    assert_eq!(error.path(), &path!["type"]);
    let other = Type::object([("other", Type::Bool)]);
    assert!(to_value(&Nested { kind: Attr::Null }, &other).is_err());
}

#[test]
fn a_model_survives_plain_json() {
    let json = serde_json::to_string(&Nested { kind: Attr::from("x") }).expect("JSON");
    assert_eq!(json, r#"{"type":"x"}"#);
    assert_eq!(serde_json::from_str::<Nested>(&json).expect("JSON"), Nested { kind: Attr::from("x") });
    assert_eq!(
        serde_json::from_str::<Nested>(r#"{"type":null}"#).expect("JSON"),
        Nested { kind: Attr::Null }
    );
    let exact: Number = serde_json::from_str("7").expect("a number");
    assert_eq!(exact, 7_i64.into());
    let dynamic: Value = dynamic(Type::Bool, Value::Bool(true));
    let json = serde_json::to_string(&dynamic).expect("JSON");
    assert_eq!(serde_json::from_str::<Value>(&json).expect("JSON"), dynamic);
}
