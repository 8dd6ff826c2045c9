//! Names, labels and keys.

use serde_json::{Value, json};

use super::{Cause, Kind, object};

pub(super) const LABEL_RULE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const DNS_1035_RULE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const KEY_RULE: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/// Names of roles may hold anything but path separators.
fn is_path_segment_kind(kind: &Kind) -> bool {
    kind.group == "rbac.authorization.k8s.io"
}

pub(super) fn check_metadata(kind: &Kind, object: &Value, causes: &mut Vec<Cause>) {
    let name = object::name(object);
    let refuse = |why: &str| Cause::invalid("metadata.name", &json!(name), why);
    match (kind.group, kind.kind) {
        ("", "Service") => {
            if !is_dns_1035(name) {
                causes.push(refuse(DNS_1035_RULE));
            }
        }
        ("", "Namespace") => {
            if !is_dns_label(name) {
                causes.push(refuse(LABEL_RULE));
            }
        }
        _ if is_path_segment_kind(kind) => {
            if name.contains(['/', '%']) {
                causes.push(refuse("may not contain '/' or '%'"));
            }
        }
        _ => {
            if !is_subdomain(name) {
                causes.push(refuse(SUBDOMAIN_RULE));
            }
        }
    }
    check_labels(object, causes);
}

pub(super) fn check_labels(object: &Value, causes: &mut Vec<Cause>) {
    for value in object::labels(object).into_iter().flatten().filter_map(|(_, value)| value.as_str()) {
        if value.len() > 63 {
            causes.push(Cause::invalid("metadata.labels", &json!(value), "must be no more than 63 bytes"));
        } else if !is_label_value(value) {
            causes.push(Cause::invalid("metadata.labels", &json!(value), LABEL_VALUE_RULE));
        }
    }
}

pub(super) fn check_data_keys(object: &Value, fields: &[&str], causes: &mut Vec<Cause>) {
    for field in fields {
        let keys = object.get(*field).and_then(Value::as_object).into_iter().flatten().map(|(key, _)| key);
        for key in keys {
            let good = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
            if key.is_empty() || !key.chars().all(good) {
                causes.push(Cause::invalid(format!("{field}[{key}]"), &json!(key), KEY_RULE));
            }
        }
    }
}

pub(super) fn is_dns_label(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty()
        && name.len() <= 63
        && name.bytes().all(good)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn is_dns_1035(name: &str) -> bool {
    is_dns_label(name) && name.starts_with(|first: char| first.is_ascii_lowercase())
}

fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_dns_label)
}

fn is_label_value(value: &str) -> bool {
    let good = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let edge = |letter: Option<char>| letter.is_none_or(|letter| letter.is_ascii_alphanumeric());
    value.chars().all(good) && edge(value.chars().next()) && edge(value.chars().last())
}
