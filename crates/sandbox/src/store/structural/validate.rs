//! Values against a schema, with Kubernetes' words for what does not fit.

use regex::Regex;
use serde_json::{Value, json};

use super::{below, join, properties};
use crate::store::Cause;

/// What of an object does not fit its schema. Metadata has rules of its own.
pub(in crate::store) fn validate(schema: &Value, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    check(schema, object, "", &mut causes);
    causes
}

fn check(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    if value.is_null() && schema.get("nullable") == Some(&json!(true)) {
        return;
    }
    if let Some(wanted) = type_wanted(schema).filter(|wanted| !is_of(value, wanted)) {
        let found = json!(type_of(value));
        let why = format!("{path} in body must be of type {wanted}: {found}");
        let reason = "FieldValueTypeInvalid";
        causes.push(Cause { reason, ..Cause::invalid(path, &found, why) });
        return;
    }
    let mut refuse = |why: String| {
        // Maps and lists are not repeated.
        let shown = if value.is_object() || value.is_array() { json!(type_of(value)) } else { value.clone() };
        causes.push(Cause::invalid(path, &shown, format!("{path} in body {why}")));
    };
    match value {
        Value::Number(_) => check_number(schema, value.as_f64().unwrap_or_default(), &mut refuse),
        Value::String(text) => {
            check_text(schema, text, &mut refuse);
            let letters = text.chars().count();
            check_most(schema, "maxLength", letters, causes, |most| Cause {
                reason: "FieldValueTooLong",
                field: path.to_owned(),
                message: format!("Too long: may not be more than {most} bytes"),
            });
        }
        Value::Array(items) => {
            check_least(schema, "minItems", items.len(), "items", &mut refuse);
            check_most(schema, "maxItems", items.len(), causes, |most| too_many(path, items.len(), most));
            if let Some(inner) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    check(inner, item, &format!("{path}[{index}]"), causes);
                }
            }
        }
        Value::Object(map) => {
            check_least(schema, "minProperties", map.len(), "properties", &mut refuse);
            check_most(schema, "maxProperties", map.len(), causes, |most| too_many(path, map.len(), most));
            let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            for field in required.filter_map(Value::as_str).filter(|field| !map.contains_key(*field)) {
                causes.push(Cause::required(join(path, field), ""));
            }
            let is_root = path.is_empty();
            for (key, child) in map.iter().filter(|(key, _)| !(is_root && *key == "metadata")) {
                if let Some(inner) = below(schema, key) {
                    check(inner, child, &join(path, key), causes);
                }
            }
        }
        _ => {}
    }
    check_enum(schema, value, path, causes);
}

fn type_wanted(schema: &Value) -> Option<&str> {
    let is_int_or_text = schema.get("x-kubernetes-int-or-string") == Some(&json!(true));
    let implied = properties(schema).next().map(|_| "object");
    if is_int_or_text {
        Some("integer,string")
    } else {
        schema.get("type").and_then(Value::as_str).or(implied)
    }
}

fn is_of(value: &Value, wanted: &str) -> bool {
    let is_whole =
        value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0);
    match wanted {
        "integer" => is_whole,
        "number" => value.is_number(),
        "integer,string" => is_whole || value.is_string(),
        other => type_of(value) == other,
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn check_number(schema: &Value, number: f64, refuse: &mut impl FnMut(String)) {
    let bound = |field: &str| schema.get(field).filter(|bound| bound.is_number());
    let is_exclusive = |field: &str| schema.get(field) == Some(&json!(true));
    let numeric = |bound: &Value| bound.as_f64().unwrap_or_default();
    if let Some(least) = bound("minimum") {
        if is_exclusive("exclusiveMinimum") && number <= numeric(least) {
            refuse(format!("should be greater than {least}"));
        } else if number < numeric(least) {
            refuse(format!("should be greater than or equal to {least}"));
        }
    }
    if let Some(most) = bound("maximum") {
        if is_exclusive("exclusiveMaximum") && number >= numeric(most) {
            refuse(format!("should be less than {most}"));
        } else if number > numeric(most) {
            refuse(format!("should be less than or equal to {most}"));
        }
    }
    if let Some(factor) = bound("multipleOf").filter(|factor| (number / numeric(factor)).fract() != 0.0) {
        refuse(format!("should be a multiple of {factor}"));
    }
}

fn check_text(schema: &Value, text: &str, refuse: &mut impl FnMut(String)) {
    check_least(schema, "minLength", text.chars().count(), "chars long", refuse);
    let Some(pattern) = schema.get("pattern").and_then(Value::as_str) else { return };
    match Regex::new(pattern) {
        Ok(regex) if regex.is_match(text) => {}
        Ok(_) => refuse(format!("should match '{pattern}'")),
        Err(error) => refuse(format!("cannot be held against the pattern '{pattern}': {error}")),
    }
}

fn check_least(schema: &Value, field: &str, found: usize, what: &str, refuse: &mut impl FnMut(String)) {
    let least = schema.get(field).and_then(Value::as_u64).unwrap_or(0);
    if (found as u64) < least {
        let verb = if what == "chars long" { "be" } else { "have" };
        refuse(format!("should {verb} at least {least} {what}"));
    }
}

fn check_most(
    schema: &Value,
    field: &str,
    found: usize,
    causes: &mut Vec<Cause>,
    cause: impl FnOnce(u64) -> Cause,
) {
    if let Some(most) = schema.get(field).and_then(Value::as_u64).filter(|most| found as u64 > *most) {
        causes.push(cause(most));
    }
}

fn too_many(path: &str, found: usize, most: u64) -> Cause {
    let message = format!("Too many: {found}: must have at most {most} items");
    Cause { reason: "FieldValueTooMany", field: path.to_owned(), message }
}

fn check_enum(schema: &Value, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let Some(allowed) = schema.get("enum").and_then(Value::as_array) else { return };
    if !allowed.contains(value) {
        let allowed: Vec<String> =
            allowed.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect();
        let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
        causes.push(Cause::unsupported(path, value, &allowed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a `size` of this schema, as a client reads it.
    fn check_size(schema: Value, value: Value, expected: &[&str]) {
        let schema = json!({"type": "object", "properties": {"size": schema}});
        let causes = validate(&schema, &json!({"size": value}));
        let found: Vec<String> =
            causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn values_are_held_against_their_types() {
        check_size(json!({"type": "integer"}), json!(3), &[]);
        check_size(
            json!({"type": "integer"}),
            json!("3"),
            &["size: Invalid value: \"string\": size in body must be of type integer: \"string\""],
        );
        check_size(json!({"type": "number"}), json!(3), &[]);
        check_size(json!({"type": "string", "nullable": true}), Value::Null, &[]);
        check_size(json!({"x-kubernetes-int-or-string": true}), json!("50%"), &[]);
        check_size(
            json!({"type": "array", "items": {"type": "boolean"}}),
            json!([true, 1]),
            &["size[1]: Invalid value: \"integer\": size[1] in body must be of type boolean: \"integer\""],
        );
    }

    #[test]
    fn numbers_texts_and_lists_have_bounds() {
        let least = "size: Invalid value: 0: size in body should be greater than or equal to 1";
        check_size(json!({"type": "integer", "minimum": 1}), json!(0), &[least]);
        let most = "size: Invalid value: 5: size in body should be less than 5";
        check_size(json!({"type": "integer", "maximum": 5, "exclusiveMaximum": true}), json!(5), &[most]);
        let pattern = "size: Invalid value: \"x\": size in body should match '^[a-c]+$'";
        let short = "size: Invalid value: \"x\": size in body should be at least 2 chars long";
        check_size(
            json!({"type": "string", "pattern": "^[a-c]+$", "minLength": 2}),
            json!("x"),
            &[short, pattern],
        );
        check_size(
            json!({"type": "string", "maxLength": 1}),
            json!("ab"),
            &["size: Too long: may not be more than 1 bytes"],
        );
        check_size(
            json!({"type": "array", "maxItems": 1}),
            json!([1, 2]),
            &["size: Too many: 2: must have at most 1 items"],
        );
        let few = "size: Invalid value: \"array\": size in body should have at least 1 items";
        check_size(json!({"type": "array", "minItems": 1}), json!([]), &[few]);
    }

    #[test]
    fn fields_are_required_and_values_listed() {
        let listed = "size: Unsupported value: \"m\": supported values: \"s\", \"l\"";
        check_size(json!({"type": "string", "enum": ["s", "l"]}), json!("m"), &[listed]);
        let schema =
            json!({"type": "object", "required": ["name"], "additionalProperties": {"type": "string"}});
        let wrong =
            "size.other: Invalid value: \"integer\": size.other in body must be of type string: \"integer\"";
        check_size(schema, json!({"other": 1}), &["size.name: Required value", wrong]);
    }
}
