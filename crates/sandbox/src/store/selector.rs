//! Label and field selectors: their text, and what they select.

use serde_json::{Map, Value};

use super::{Kind, Status, kinds, object};

/// A parsed label selector: all requirements must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

impl Requirement {
    fn holds(&self, get: &dyn Fn(&str) -> Option<String>) -> bool {
        match self {
            Self::In(key, values) => get(key).is_some_and(|found| values.contains(&found)),
            Self::NotIn(key, values) => get(key).is_none_or(|found| !values.contains(&found)),
            Self::Exists(key) => get(key).is_some(),
            Self::Absent(key) => get(key).is_none(),
        }
    }
}

impl LabelSelector {
    /// Parses the text of a `labelSelector` parameter: `a=b,c in (d,e),!f`.
    pub fn parse(text: &str) -> Result<Self, Status> {
        let mut requirements = Vec::new();
        for part in split_requirements(text) {
            requirements.push(parse_requirement(part.trim())?);
        }
        Ok(Self { requirements })
    }

    /// Reads the LabelSelector of an object: matchLabels and matchExpressions. An absent one selects nothing.
    pub fn from_object(selector: &Value) -> Option<Self> {
        let selector = selector.as_object()?;
        let mut requirements = Vec::new();
        let labels = selector.get("matchLabels").and_then(Value::as_object);
        for (key, value) in labels.into_iter().flatten() {
            requirements.push(Requirement::In(key.clone(), vec![value.as_str()?.to_owned()]));
        }
        for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
            let key = object::text(expression, "/key").to_owned();
            let values = object::items(expression, "/values").iter();
            let values = values.filter_map(|value| value.as_str().map(str::to_owned)).collect();
            requirements.push(match object::text(expression, "/operator") {
                "In" => Requirement::In(key, values),
                "NotIn" => Requirement::NotIn(key, values),
                "Exists" => Requirement::Exists(key),
                "DoesNotExist" => Requirement::Absent(key),
                _ => return None,
            });
        }
        Some(Self { requirements })
    }

    /// Reads a plain map of labels, such as a Service's selector.
    pub fn from_map(labels: &Map<String, Value>) -> Self {
        let pair = |(key, value): (&String, &Value)| {
            Requirement::In(key.clone(), vec![value.as_str().unwrap_or_default().to_owned()])
        };
        Self { requirements: labels.iter().map(pair).collect() }
    }

    pub fn matches(&self, object: &Value) -> bool {
        self.matches_labels(object::labels(object))
    }

    pub fn matches_labels(&self, labels: Option<&Map<String, Value>>) -> bool {
        let get = |key: &str| labels?.get(key)?.as_str().map(str::to_owned);
        self.requirements.iter().all(|requirement| requirement.holds(&get))
    }
}

/// Splits at commas outside parentheses.
fn split_requirements(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let parts = text.split(move |letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    parts.filter(|part| !part.trim().is_empty()).collect()
}

fn parse_requirement(part: &str) -> Result<Requirement, Status> {
    let refuse = |found: &str, expected: &str| {
        Status::bad_request(format!("unable to parse requirement: found '{found}', expected: {expected}"))
    };
    if let Some(key) = part.strip_prefix('!') {
        return Ok(Requirement::Absent(key.trim().to_owned()));
    }
    if let Some((head, list)) = part.split_once('(') {
        let words: Vec<_> = head.split_whitespace().collect();
        let values = list.trim_end_matches(')').split(',').map(|value| value.trim().to_owned()).collect();
        return match words.as_slice() {
            [key, "in"] => Ok(Requirement::In((*key).to_owned(), values)),
            [key, "notin"] => Ok(Requirement::NotIn((*key).to_owned(), values)),
            _ => Err(refuse(head.trim(), "in, notin, =, ==, !=, gt, lt")),
        };
    }
    for (sign, is_equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((key, value)) = part.split_once(sign) {
            let value = value.trim();
            if value.contains('=') {
                return Err(refuse("=", "identifier"));
            }
            let (key, values) = (key.trim().to_owned(), vec![value.to_owned()]);
            return Ok(if is_equal { Requirement::In(key, values) } else { Requirement::NotIn(key, values) });
        }
    }
    match part.split_whitespace().collect::<Vec<_>>().as_slice() {
        [key] => Ok(Requirement::Exists((*key).to_owned())),
        [_, second, ..] => Err(refuse(second, "in, notin, =, ==, !=, gt, lt")),
        [] => Err(refuse("", "identifier")),
    }
}

/// A parsed field selector: pairs that must be equal (or must differ).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldSelector {
    terms: Vec<(String, bool, String)>,
}

impl FieldSelector {
    /// Parses the text of a `fieldSelector` parameter for a kind, which knows only some fields.
    pub fn parse(kind: &Kind, text: &str) -> Result<Self, Status> {
        let mut terms = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let found = [("!=", false), ("==", true), ("=", true)]
                .into_iter()
                .find_map(|(sign, equal)| part.split_once(sign).map(|(field, value)| (field, equal, value)));
            let Some((field, equal, value)) = found else {
                return Err(Status::bad_request(format!(
                    "invalid selector: '{part}'; can't understand '{part}'"
                )));
            };
            if !known_fields(kind).contains(&field) {
                let known =
                    known_fields(kind).iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
                return Err(Status::bad_request(format!(
                    "{field:?} is not a known field selector: only {known}"
                )));
            }
            terms.push((field.to_owned(), equal, value.to_owned()));
        }
        Ok(Self { terms })
    }

    pub fn matches(&self, object: &Value) -> bool {
        self.terms.iter().all(|(field, equal, wanted)| {
            let found = object.pointer(&format!("/{}", field.replace('.', "/")));
            let found = match found {
                Some(Value::String(text)) => text.clone(),
                None | Some(Value::Null) => String::new(),
                Some(other) => other.to_string(),
            };
            (found == *wanted) == *equal
        })
    }
}

fn known_fields(kind: &Kind) -> &'static [&'static str] {
    if *kind == kinds::POD {
        &[
            "metadata.name",
            "metadata.namespace",
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.phase",
            "status.podIP",
        ]
    } else if *kind == kinds::EVENT {
        &[
            "metadata.name",
            "metadata.namespace",
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "type",
        ]
    } else if *kind == kinds::SECRET {
        &["metadata.name", "metadata.namespace", "type"]
    } else if *kind == kinds::NAMESPACE {
        &["metadata.name", "status.phase"]
    } else if *kind == kinds::NODE {
        &["metadata.name", "spec.unschedulable"]
    } else if kind.namespaced {
        &["metadata.name", "metadata.namespace"]
    } else {
        &["metadata.name"]
    }
}
