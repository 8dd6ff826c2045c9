//! Rules 11 and 12: what was known in a plan stays, to the byte; what was unknown may become
//! anything of its type.

use super::Violation;
use crate::path::AttributePath;
use crate::value::{Type, Value};

/// Checks that `actual` completes `planned`.
pub(super) fn check(rule: u8, planned: &Value, actual: &Value, shape: &Type) -> Vec<Violation> {
    let mut found = Vec::new();
    Checker { rule, found: &mut found }.value(planned, actual, shape, &AttributePath::root());
    found
}

struct Checker<'f> {
    rule: u8,
    found: &'f mut Vec<Violation>,
}

impl Checker<'_> {
    fn report(&mut self, path: &AttributePath, message: String) {
        self.found.push(Violation::new(self.rule, path, message));
    }

    fn value(&mut self, planned: &Value, actual: &Value, shape: &Type, path: &AttributePath) {
        match (planned, actual, shape) {
            (Value::Unknown(known), Value::Null, _) if known.null == Some(false) => {
                self.report(path, "was promised not to be null, but is".to_owned());
            }
            (Value::Unknown(_), _, _) => {}
            (Value::Dynamic(planned_type, planned), Value::Dynamic(actual_type, actual), _) => {
                if planned_type == actual_type {
                    self.value(planned, actual, planned_type, path);
                } else {
                    self.report(
                        path,
                        format!("was of type {planned_type:?}, but is of type {actual_type:?}"),
                    );
                }
            }
            (Value::List(planned), Value::List(actual), Type::Set(element)) => {
                self.set(planned, actual, element, path);
            }
            (Value::List(planned), Value::List(actual), shape) => self.list(planned, actual, shape, path),
            (Value::Map(planned), Value::Map(actual), shape) => {
                for (name, planned) in planned {
                    let path = path.clone().attribute(name);
                    match actual.get(name) {
                        Some(actual) => self.value(planned, actual, element_type(shape, name), &path),
                        None => self.report(&path, "has vanished".to_owned()),
                    }
                }
                for name in actual.keys().filter(|name| !planned.contains_key(*name)) {
                    self.report(&path.clone().attribute(name), "has appeared".to_owned());
                }
            }
            (planned, actual, _) if planned == actual => {}
            (planned, Value::Unknown(_), _) => self.report(path, format!("was {planned:?}, but now unknown")),
            (planned, actual, _) => self.report(path, format!("was {planned:?}, but now {actual:?}")),
        }
    }

    fn list(&mut self, planned: &[Value], actual: &[Value], shape: &Type, path: &AttributePath) {
        if planned.len() != actual.len() {
            self.report(path, format!("had {} elements, but now {}", planned.len(), actual.len()));
        }
        for (index, (planned, actual)) in planned.iter().zip(actual).enumerate() {
            let element = match shape {
                Type::List(element) => element,
                Type::Tuple(elements) => &elements[index],
                _ => &Type::Dynamic,
            };
            self.value(planned, actual, element, &path.clone().index(index));
        }
    }

    /// Unknown elements of a set may become equal and so fewer, never more.
    fn set(&mut self, planned: &[Value], actual: &[Value], element: &Type, path: &AttributePath) {
        let fits = |planned: &Value, actual: &Value| check(self.rule, planned, actual, element).is_empty();
        let vanished =
            planned.iter().filter(|planned| !actual.iter().any(|actual| fits(planned, actual))).count();
        let appeared =
            actual.iter().filter(|actual| !planned.iter().any(|planned| fits(planned, actual))).count();
        if vanished > 0 {
            self.report(path, format!("{vanished} planned elements have vanished from the set"));
        }
        if appeared > 0 || actual.len() > planned.len() {
            self.report(path, format!("{appeared} elements have appeared in the set"));
        }
    }
}

fn element_type<'t>(shape: &'t Type, name: &str) -> &'t Type {
    match shape {
        Type::Object(attributes) => attributes.get(name).unwrap_or(&Type::Dynamic),
        Type::Map(element) => element,
        _ => &Type::Dynamic,
    }
}
