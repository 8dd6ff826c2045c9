//! Hooks: objects that run at an event of a release and are no part of it.

use serde::{Deserialize, Serialize};

use super::Manifest;

pub(super) const EVENT_ANNOTATION: &str = "helm.sh/hook";
const WEIGHT_ANNOTATION: &str = "helm.sh/hook-weight";
const DELETE_ANNOTATION: &str = "helm.sh/hook-delete-policy";
const OUTPUT_LOG_ANNOTATION: &str = "helm.sh/hook-output-log-policy";

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookEvent {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    Test,
}

impl HookEvent {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "pre-install" => Self::PreInstall,
            "post-install" => Self::PostInstall,
            "pre-delete" => Self::PreDelete,
            "post-delete" => Self::PostDelete,
            "pre-upgrade" => Self::PreUpgrade,
            "post-upgrade" => Self::PostUpgrade,
            "pre-rollback" => Self::PreRollback,
            "post-rollback" => Self::PostRollback,
            "test" | "test-success" => Self::Test,
            _ => return None,
        })
    }
}

/// When a hook's object is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum HookDeletePolicy {
    /// Once the hook has succeeded.
    HookSucceeded,
    /// Once the hook has failed.
    HookFailed,
    /// Before the hook runs again. What happens when a hook names no policy.
    BeforeHookCreation,
    /// A word without a meaning, kept for the record.
    Other(String),
}

impl From<String> for HookDeletePolicy {
    fn from(text: String) -> Self {
        match text.as_str() {
            "hook-succeeded" => Self::HookSucceeded,
            "hook-failed" => Self::HookFailed,
            "before-hook-creation" => Self::BeforeHookCreation,
            _ => Self::Other(text),
        }
    }
}

impl From<HookDeletePolicy> for String {
    fn from(policy: HookDeletePolicy) -> Self {
        match policy {
            HookDeletePolicy::HookSucceeded => "hook-succeeded".to_owned(),
            HookDeletePolicy::HookFailed => "hook-failed".to_owned(),
            HookDeletePolicy::BeforeHookCreation => "before-hook-creation".to_owned(),
            HookDeletePolicy::Other(text) => text,
        }
    }
}

/// How far a hook's last run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum HookPhase {
    /// It has not run.
    #[default]
    #[serde(rename = "")]
    None,
    Unknown,
    Running,
    Succeeded,
    Failed,
}

/// A hook's last run. Times are RFC 3339, empty when not reached.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HookRun {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub started_at: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub completed_at: String,
    pub phase: HookPhase,
}

/// One hook, in the form of Helm's release records.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Hook {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The template it came from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The document's text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<HookEvent>,
    pub last_run: HookRun,
    /// Hooks of one event run by rising weight, then by name.
    #[serde(skip_serializing_if = "is_zero")]
    pub weight: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delete_policies: Vec<HookDeletePolicy>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output_log_policies: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(weight: &i64) -> bool {
    *weight == 0
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(|word| word.trim().to_ascii_lowercase())
}

impl Hook {
    /// `None` when one of the events is unknown.
    pub(super) fn of(manifest: &Manifest, events: &str) -> Option<Self> {
        let parsed: Option<Vec<_>> = words(events).map(|word| HookEvent::parse(&word)).collect();
        let Some(events) = parsed else {
            tracing::info!(path = manifest.path, events, "skipping a hook of an unknown event");
            return None;
        };
        let list = |annotation| manifest.annotation(annotation).map(|text| words(&text).collect::<Vec<_>>());
        let policies = list(DELETE_ANNOTATION).unwrap_or_default();
        let weight = manifest.annotation(WEIGHT_ANNOTATION);
        Some(Self {
            name: manifest.name(),
            kind: manifest.kind(),
            path: manifest.path.clone(),
            manifest: manifest.content.clone(),
            events,
            last_run: HookRun::default(),
            weight: weight.and_then(|text| text.parse().ok()).unwrap_or_default(),
            delete_policies: policies.into_iter().map(HookDeletePolicy::from).collect(),
            output_log_policies: list(OUTPUT_LOG_ANNOTATION).unwrap_or_default(),
        })
    }
}
