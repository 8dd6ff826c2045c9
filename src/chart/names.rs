//! Names of a redis-ha release's objects, and the endpoints that follow from them alone.

use std::fmt;

/// The chart's own name, of which `redis-ha.name` and `redis-ha.fullname` are made.
const CHART: &str = "redis-ha";
const NAME_LENGTH_MAX: usize = 63;

/// The names of one release. `F` in the methods' comments is [`Names::fullname`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    pub release: String,
    pub namespace: String,
    /// The label `app`.
    pub name: String,
    /// The prefix of every object.
    pub fullname: String,
}

/// Host and port of something that clients connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub host: String,
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

impl Names {
    /// Names of a release whose values override nothing.
    pub fn new(release: &str, namespace: &str) -> Self {
        Self::with_overrides(release, namespace, "", "")
    }

    /// As the chart's templates compute them; an empty override is none.
    pub fn with_overrides(
        release: &str,
        namespace: &str,
        name_override: &str,
        fullname_override: &str,
    ) -> Self {
        let own = if name_override.is_empty() { CHART } else { name_override };
        let fullname = if !fullname_override.is_empty() {
            shortened(fullname_override)
        } else if release.contains(own) {
            shortened(release)
        } else {
            shortened(&format!("{release}-{own}"))
        };
        Self { release: release.to_owned(), namespace: namespace.to_owned(), name: shortened(own), fullname }
    }

    /// `F-server`
    pub fn stateful_set(&self) -> String {
        format!("{}-server", self.fullname)
    }

    /// `F-server-i`
    pub fn pod(&self, index: u32) -> String {
        format!("{}-server-{index}", self.fullname)
    }

    /// The index of a pod of the set, or `None` for a name of something else.
    pub fn pod_index(&self, pod: &str) -> Option<u32> {
        pod.strip_prefix(&self.fullname)?.strip_prefix("-server-")?.parse().ok()
    }

    /// `data-F-server-i`
    pub fn claim(&self, index: u32) -> String {
        format!("data-{}", self.pod(index))
    }

    /// `F`, headless.
    pub fn service(&self) -> String {
        self.fullname.clone()
    }

    /// `F-announce-i`, whose ClusterIP servers and sentinels announce.
    pub fn announce_service(&self, index: u32) -> String {
        format!("{}-announce-{index}", self.fullname)
    }

    /// `F-configmap`
    pub fn config_map(&self) -> String {
        format!("{}-configmap", self.fullname)
    }

    /// `F-pdb`
    pub fn pod_disruption_budget(&self) -> String {
        format!("{}-pdb", self.fullname)
    }

    /// `F`, which public charts render themselves unless an existing Secret is named.
    pub fn auth_secret(&self) -> String {
        self.fullname.clone()
    }

    /// `F-sentinel`, in public charts.
    pub fn sentinel_auth_secret(&self) -> String {
        format!("{}-sentinel", self.fullname)
    }

    /// `F-tls-secret`, in public charts.
    pub fn tls_secret(&self) -> String {
        format!("{}-tls-secret", self.fullname)
    }

    /// Labels that select the pods; immutable in the StatefulSet.
    pub fn selector(&self) -> [(&'static str, &str); 2] {
        [("release", &self.release), ("app", &self.name)]
    }

    /// The same labels as the API takes them: `release=R,app=A`.
    pub fn label_selector(&self) -> String {
        self.selector().map(|(key, value)| format!("{key}={value}")).join(",")
    }

    /// The labels of the haproxy pods of the public chart, in the same form.
    pub fn haproxy_selector(&self) -> String {
        format!("{}-haproxy", self.label_selector())
    }

    /// The DNS name of the announce Service: stable whatever the pod's address.
    pub fn announce_host(&self, index: u32) -> String {
        format!("{}.{}.svc", self.announce_service(index), self.namespace)
    }

    /// Where the server of one pod is reached, so also where the master is once its pod is known.
    pub fn master_endpoint(&self, index: u32, redis_port: u16) -> Endpoint {
        Endpoint { host: self.announce_host(index), port: redis_port }
    }

    /// Every server, by its stable name.
    pub fn announce_endpoints(&self, replicas: u32, redis_port: u16) -> Vec<Endpoint> {
        (0..replicas).map(|index| self.master_endpoint(index, redis_port)).collect()
    }

    /// Every sentinel, by its stable name: what applications are configured with.
    pub fn sentinel_endpoints(&self, replicas: u32, sentinel_port: u16) -> Vec<Endpoint> {
        (0..replicas).map(|index| Endpoint { host: self.announce_host(index), port: sentinel_port }).collect()
    }

    /// The headless Service: any server, so good for reading only.
    pub fn service_endpoint(&self, redis_port: u16) -> Endpoint {
        Endpoint { host: format!("{}.{}.svc", self.fullname, self.namespace), port: redis_port }
    }
}

/// Helm's `trunc 63 | trimSuffix "-"`.
fn shortened(name: &str) -> String {
    let cut = name.char_indices().nth(NAME_LENGTH_MAX).map_or(name.len(), |(at, _)| at);
    let cut = &name[..cut];
    cut.strip_suffix('-').unwrap_or(cut).to_owned()
}
