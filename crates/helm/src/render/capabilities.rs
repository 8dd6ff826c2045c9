//! `.Capabilities`: what templates ask about the cluster and about Helm.

use crate::cluster::Capabilities;
use crate::template::format::plain;
use crate::value::{ConvertError, Elements, List, Object, Signature, Struct, Type, Value};
use crate::version::Version;

/// The Kubernetes version that Helm 4.1 assumes without a cluster.
const OFFLINE_VERSION: &str = "v1.35.0";

/// The API versions that Helm 4.1 assumes without a cluster: `group:version …`.
const OFFLINE_APIS: &str = "\
:v1
admissionregistration.k8s.io:v1 v1alpha1 v1beta1
internal.apiserver.k8s.io:v1alpha1
apps:v1 v1beta1 v1beta2
authentication.k8s.io:v1 v1alpha1 v1beta1
authorization.k8s.io:v1 v1beta1
autoscaling:v1 v2 v2beta1 v2beta2
batch:v1 v1beta1
certificates.k8s.io:v1 v1beta1 v1alpha1
coordination.k8s.io:v1alpha2 v1beta1 v1
discovery.k8s.io:v1 v1beta1
events.k8s.io:v1 v1beta1
extensions:v1beta1
flowcontrol.apiserver.k8s.io:v1 v1beta1 v1beta2 v1beta3
networking.k8s.io:v1 v1beta1
node.k8s.io:v1 v1alpha1 v1beta1
policy:v1 v1beta1
rbac.authorization.k8s.io:v1 v1beta1 v1alpha1
resource.k8s.io:v1 v1beta2 v1beta1 v1alpha3
scheduling.k8s.io:v1alpha1 v1beta1 v1
storage.k8s.io:v1beta1 v1 v1alpha1
storagemigration.k8s.io:v1beta1
apiextensions.k8s.io:v1beta1 v1";

/// What `helm template` takes a cluster to be when it is not told: Kubernetes 1.35 with the APIs
/// of its own client.
pub fn offline_capabilities() -> Capabilities {
    let mut api_versions = Vec::new();
    for line in OFFLINE_APIS.lines() {
        let (group, versions) = line.split_once(':').unwrap_or_default();
        let prefix = if group.is_empty() { String::new() } else { format!("{group}/") };
        api_versions.extend(versions.split(' ').map(|version| format!("{prefix}{version}")));
    }
    Capabilities { kube_version: OFFLINE_VERSION.to_owned(), api_versions }
}

/// The object that templates see.
pub(super) fn value(kube_version: &str, release: &Version, api_versions: &[String]) -> Value {
    let git_version =
        if kube_version.starts_with('v') { kube_version.to_owned() } else { format!("v{kube_version}") };
    let fields = vec![
        ("KubeVersion", Value::object(KubeVersion { git_version, release: release.clone() })),
        ("APIVersions", Value::object(ApiVersions(api_versions.to_vec()))),
        ("HelmVersion", helm_version()),
    ];
    Value::object(Pointer(Struct::new("*common.Capabilities", fields)))
}

/// The Helm that this crate renders like.
fn helm_version() -> Value {
    let text = Value::from;
    Value::object(BuildInfo(Struct::new(
        "version.BuildInfo",
        vec![
            ("Version", text("v4.1.4")),
            ("GitCommit", text("05fa37973dc9e42b76e1d2883494c87174b6074f")),
            ("GitTreeState", text("clean")),
            ("GoVersion", text("go1.25.9")),
            ("KubeClientVersion", text("v1.35")),
        ],
    )))
}

/// A pointer to a struct: its kind is `ptr`, and it prints with an ampersand.
#[derive(Debug)]
struct Pointer(Struct);

impl Object for Pointer {
    fn type_name(&self) -> &str {
        self.0.type_name()
    }

    fn kind_name(&self) -> &'static str {
        "ptr"
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.0.field(name)
    }

    fn display(&self) -> String {
        format!("&{}", self.0.display())
    }

    fn to_plain(&self) -> Result<Value, ConvertError> {
        self.0.to_plain()
    }
}

/// Its JSON names differ from its fields' names.
#[derive(Debug)]
struct BuildInfo(Struct);

impl Object for BuildInfo {
    fn type_name(&self) -> &str {
        self.0.type_name()
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.0.field(name)
    }

    fn display(&self) -> String {
        self.0.display()
    }

    fn to_plain(&self) -> Result<Value, ConvertError> {
        let names = [
            ("version", "Version"),
            ("git_commit", "GitCommit"),
            ("git_tree_state", "GitTreeState"),
            ("go_version", "GoVersion"),
            ("kube_client_version", "KubeClientVersion"),
        ];
        let entries =
            names.into_iter().filter_map(|(json, field)| Some((json.to_owned(), self.0.field(field)?)));
        Ok(Value::Map(entries.collect()))
    }
}

#[derive(Debug)]
struct KubeVersion {
    /// With a leading `v` and whatever the vendor appends.
    git_version: String,
    release: Version,
}

const NO_ARGUMENTS: Signature = Signature { fixed: &[], rest: None };

impl Object for KubeVersion {
    fn type_name(&self) -> &'static str {
        "common.KubeVersion"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Version" => Some(self.git_version.as_str().into()),
            "Major" => Some(self.release.major.to_string().into()),
            "Minor" => Some(self.release.minor.to_string().into()),
            _ => None,
        }
    }

    fn method(&self, name: &str) -> Option<Signature> {
        matches!(name, "String" | "GitVersion").then_some(NO_ARGUMENTS)
    }

    fn call(&self, name: &str, _arguments: &[Value]) -> Result<Value, String> {
        Ok(match name {
            "GitVersion" => self.git_version.as_str().into(),
            _ => self.display().into(),
        })
    }

    /// The version that constraints are checked against.
    fn display(&self) -> String {
        format!("v{}", self.release)
    }

    fn to_plain(&self) -> Result<Value, ConvertError> {
        let names = ["Version", "Major", "Minor"];
        let entries = names.into_iter().filter_map(|name| Some((name.to_owned(), self.field(name)?)));
        Ok(Value::Map(entries.collect()))
    }
}

#[derive(Debug)]
struct ApiVersions(Vec<String>);

impl ApiVersions {
    fn list(&self) -> Value {
        let items = self.0.iter().map(|version| Value::from(version.as_str()));
        Value::List(List::of(Elements::String, items.collect()))
    }
}

impl Object for ApiVersions {
    fn type_name(&self) -> &'static str {
        "common.VersionSet"
    }

    fn kind_name(&self) -> &'static str {
        "slice"
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "Has").then_some(Signature { fixed: &[Type::String], rest: None })
    }

    fn call(&self, _name: &str, arguments: &[Value]) -> Result<Value, String> {
        let wanted = arguments.first().and_then(Value::as_str).ok_or("want a string")?;
        Ok(self.0.iter().any(|version| version == wanted).into())
    }

    fn entries(&self) -> Option<Vec<(Value, Value)>> {
        let entries = (0..).zip(&self.0);
        Some(entries.map(|(index, version)| (Value::Int(index), version.as_str().into())).collect())
    }

    fn display(&self) -> String {
        plain(&self.list())
    }

    fn to_plain(&self) -> Result<Value, ConvertError> {
        Ok(self.list())
    }
}
