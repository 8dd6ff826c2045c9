//! What `terraform import` is given: a release by its namespace and name, with the GKE cluster
//! in front of it where the cluster is reached through GKE.

use std::fmt;

use thiserror::Error;

/// The parsed id of an existing cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportId {
    pub gke: Option<GkeId>,
    pub namespace: String,
    pub name: String,
}

/// The GKE cluster, and the pool to own, of an imported release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GkeId {
    pub project: String,
    pub location: String,
    pub cluster: String,
    pub node_pool: Option<String>,
}

impl fmt::Display for ImportId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(GkeId { project, location, cluster, .. }) = &self.gke {
            write!(out, "projects/{project}/locations/{location}/clusters/{cluster}/")?;
        }
        write!(out, "{}/{}", self.namespace, self.name)?;
        match self.gke.as_ref().and_then(|gke| gke.node_pool.as_ref()) {
            Some(pool) => write!(out, "/{pool}"),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "`{seen}` is no id of a redis_ha_cluster: wanted NAMESPACE/NAME, or \
     projects/PROJECT/locations/LOCATION/clusters/CLUSTER/NAMESPACE/NAME[/NODE_POOL]"
)]
pub struct ImportIdError {
    seen: String,
}

/// Reads both forms of the id.
pub fn parse_import_id(id: &str) -> Result<ImportId, ImportIdError> {
    let refuse = || ImportIdError { seen: id.to_owned() };
    let parts: Vec<&str> = id.split('/').collect();
    if parts.iter().any(|part| part.is_empty() || part.chars().any(char::is_whitespace)) {
        return Err(refuse());
    }
    let owned = |part: &&str| (*part).to_owned();
    match parts.as_slice() {
        [namespace, name] => Ok(ImportId { gke: None, namespace: owned(namespace), name: owned(name) }),
        ["projects", project, "locations", location, "clusters", cluster, namespace, name, pool @ ..]
            if pool.len() <= 1 =>
        {
            let gke = GkeId {
                project: owned(project),
                location: owned(location),
                cluster: owned(cluster),
                node_pool: pool.first().map(owned),
            };
            Ok(ImportId { gke: Some(gke), namespace: owned(namespace), name: owned(name) })
        }
        _ => Err(refuse()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_and_refuses_the_rest() {
        for id in ["default/redis-1", "projects/p/locations/l/clusters/c/cache/redis-1/pool"] {
            assert_eq!(parse_import_id(id).expect(id).to_string(), id);
        }
        let short = parse_import_id("default/redis-1").expect("the short form");
        assert_eq!((short.gke, short.namespace.as_str(), short.name.as_str()), (None, "default", "redis-1"));
        let long =
            parse_import_id("projects/p/locations/l/clusters/c/cache/redis-1/pool").expect("the long form");
        let gke = long.gke.expect("a GKE cluster");
        assert_eq!(gke.node_pool.as_deref(), Some("pool"));
        for wrong in ["redis-1", "", "a//b", "a/b/c", "projects/p/locations/l/clusters/c/ns", "a/ b"] {
            let error = parse_import_id(wrong).expect_err(wrong).to_string();
            assert!(error.contains("NAMESPACE/NAME"), "{error}");
        }
    }
}
