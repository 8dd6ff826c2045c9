//! The mark on what is ours. The mark, not any state, decides what may be deleted.

use serde_json::{Value as Json, json};

/// The label that says who made an object, as Kubernetes recommends it.
pub(super) const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY_LABEL`] on what is ours.
pub(super) const MANAGED_BY: &str = "terraform-provider-redis";
/// The label that says of which release an object is, by its name alone.
pub(super) const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";
/// The annotation that says for which release, as `NAMESPACE/NAME`.
pub const OWNER_ANNOTATION: &str = "terraform-provider-redis/release";

/// Whose an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Ours, for the release that was asked about.
    Ours,
    /// Ours, for another release.
    OtherRelease(String),
    /// Someone else's; what manages it, where it says so.
    Foreign(Option<String>),
}

impl Owner {
    /// Reads the mark of an object.
    pub fn of(object: &Json, release: &str) -> Self {
        let metadata = &object["metadata"];
        let manager = metadata["labels"][MANAGED_BY_LABEL].as_str();
        if manager != Some(MANAGED_BY) {
            return Self::Foreign(manager.map(str::to_owned));
        }
        match metadata["annotations"][OWNER_ANNOTATION].as_str() {
            Some(owner) if owner == release => Self::Ours,
            other => Self::OtherRelease(other.unwrap_or("a release that is not named").to_owned()),
        }
    }

    /// In words, for errors.
    pub fn describe(&self) -> String {
        match self {
            Self::Ours => "ours".to_owned(),
            Self::OtherRelease(release) => format!("it was made for the release {release}"),
            Self::Foreign(Some(manager)) => format!("it is managed by {manager}"),
            Self::Foreign(None) => "it does not carry our mark".to_owned(),
        }
    }
}

/// The labels of what was made for a release, `NAMESPACE/NAME`.
pub fn own_labels(release: &str) -> Json {
    json!({MANAGED_BY_LABEL: MANAGED_BY, INSTANCE_LABEL: name_of(release)})
}

/// Selects what has those labels.
pub(super) fn own_selector(release: &str) -> String {
    format!("{MANAGED_BY_LABEL}={MANAGED_BY},{INSTANCE_LABEL}={}", name_of(release))
}

fn name_of(release: &str) -> &str {
    release.rsplit('/').next().unwrap_or(release)
}

/// The metadata of an object of ours.
pub(super) fn marked(namespace: Option<&str>, name: &str, release: &str) -> Json {
    let mut metadata = json!({
        "name": name,
        "labels": own_labels(release),
        "annotations": {OWNER_ANNOTATION: release},
    });
    if let Some(namespace) = namespace {
        metadata["namespace"] = namespace.into();
    }
    metadata
}
