//! What a fault is. The same types go over the control channel and come out as JSON.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::strike::Call;
use crate::glob;

/// One thing that goes wrong on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "lowercase")]
pub enum Fault {
    /// Requests to an API go wrong.
    Api(ApiFault),
    /// All processes of a container are stopped (SIGSTOP) until the fault is cleared.
    Stop(ContainerFault),
    /// The first process of a container is killed (SIGKILL), once.
    Kill(ContainerFault),
    /// A pod is cut off from others.
    Partition(PartitionFault),
    /// A node is lost: unreachable, with all that runs on it.
    Node(NodeFault),
}

/// Which requests go wrong, how, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiFault {
    pub service: Service,
    /// Any of these; [`Verb::Any`] is every one.
    pub verbs: Vec<Verb>,
    /// A pattern for the whole path without the query; `*` stands for any characters, slashes too.
    pub path: String,
    /// How many requests it meets; none for all of them.
    pub count: Option<u64>,
    #[serde(flatten)]
    pub effect: Effect,
}

/// An API of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    Kubernetes,
    /// The Container API.
    Gke,
    /// The Compute API.
    Compute,
}

/// What a request does, in Kubernetes' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    #[value(name = "*")]
    #[serde(rename = "*")]
    Any,
    Create,
    Get,
    List,
    Watch,
    Patch,
    Update,
    Delete,
}

/// How a request goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "kebab-case")]
pub enum Effect {
    /// It is refused, in the API's own form.
    Status { status: u16, retry_after_seconds: Option<u64> },
    /// It is answered late.
    Delay { delay_milliseconds: u64 },
    /// It is never answered.
    Hang,
    /// Its connection is reset (TCP RST).
    Reset,
    /// A watch gives this many events whole and half of the next; then its stream breaks off.
    HalfWatch { after_events: u64 },
}

/// A pod by its namespace and name: `NAMESPACE/POD`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PodName {
    pub namespace: String,
    pub name: String,
}

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerFault {
    pub pod: PodName,
    pub container: String,
}

/// A pod and those it is cut off from, in both directions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionFault {
    pub pod: PodName,
    /// Empty for everything: all pods, Services and DNS. The node itself still reaches the pod.
    pub from: Vec<PodName>,
}

/// A node by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFault {
    pub node: String,
}

impl ApiFault {
    /// Whether a request is one of those that it meets.
    pub(super) fn matches(&self, call: &Call<'_>) -> bool {
        let is_meant = match self.effect {
            Effect::HalfWatch { .. } => call.verb == Verb::Watch,
            _ => true,
        };
        let has_verb = self.verbs.iter().any(|verb| *verb == Verb::Any || *verb == call.verb);
        is_meant && self.service == call.service && has_verb && glob::matches(&self.path, call.path)
    }
}

impl fmt::Display for PodName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

impl FromStr for PodName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => Err(format!("{text:?} names no pod; write NAMESPACE/POD, such as default/redis-0")),
        }
    }
}

impl TryFrom<String> for PodName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PodName> for String {
    fn from(pod: PodName) -> Self {
        pod.to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(verbs: &[Verb], path: &str, effect: Effect, call: (Verb, &str), expected: bool) {
        let fault = ApiFault {
            service: Service::Kubernetes,
            verbs: verbs.to_vec(),
            path: path.to_owned(),
            count: None,
            effect,
        };
        let (verb, path) = call;
        let call = Call { service: Service::Kubernetes, verb, path };
        assert_eq!(fault.matches(&call), expected, "{fault:?} {call:?}");
    }

    #[test]
    fn a_fault_meets_its_verbs_on_its_paths() {
        check(&[Verb::Any], "*", Effect::Hang, (Verb::Get, "/api/v1/nodes"), true);
        check(&[Verb::Get, Verb::List], "*/secrets*", Effect::Hang, (Verb::List, "/api/v1/secrets"), true);
        check(&[Verb::Get], "*/secrets*", Effect::Hang, (Verb::List, "/api/v1/secrets"), false);
        check(&[Verb::Get], "*/secrets*", Effect::Hang, (Verb::Get, "/api/v1/nodes"), false);
    }

    #[test]
    fn half_a_watch_meets_watches_only() {
        let half = || Effect::HalfWatch { after_events: 1 };
        check(&[Verb::Any], "*", half(), (Verb::Watch, "/api/v1/pods"), true);
        check(&[Verb::Any], "*", half(), (Verb::List, "/api/v1/pods"), false);
    }

    #[test]
    fn a_fault_reads_back_as_it_was_written() {
        let written = json!({"fault": "api", "service": "gke", "verbs": ["*"], "path": "*", "count": 2,
            "effect": "status", "status": 429, "retry_after_seconds": 1});
        let fault: Fault = serde_json::from_value(written.clone()).expect("a fault");
        assert_eq!(serde_json::to_value(&fault).expect("JSON"), written);
    }

    #[test]
    fn a_pod_needs_its_namespace() {
        assert!("default/redis-0".parse::<PodName>().is_ok());
        for text in ["redis-0", "/redis-0", "default/", "a/b/c"] {
            assert!(text.parse::<PodName>().is_err(), "{text}");
        }
    }
}
