//! The identity of an object in a cluster.

use std::fmt;

use serde_json::Value as Json;

/// Which object: all that a URL path needs, once the kind's plural is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectRef {
    /// `v1`, `apps/v1`, …
    pub api_version: String,
    pub kind: String,
    /// `None` for a cluster-scoped object.
    pub namespace: Option<String>,
    pub name: String,
}

impl ObjectRef {
    pub fn new(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    /// The identity that an object states of itself; `None` when it lacks apiVersion, kind or
    /// name.
    pub fn of(object: &Json) -> Option<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Json::as_str);
        Some(Self::new(
            text("/apiVersion")?,
            text("/kind")?,
            text("/metadata/namespace").filter(|namespace| !namespace.is_empty()),
            text("/metadata/name").filter(|name| !name.is_empty())?,
        ))
    }

    /// `apps` of `apps/v1`, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// `Kind/name`, how plans name an object of a release.
    pub fn key(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    /// Whether both name the same object, whatever version of its group they speak.
    pub fn is_same_object(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.group() == other.group()
            && self.namespace == other.namespace
            && self.name == other.name
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}
