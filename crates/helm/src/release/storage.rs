//! Release records in the cluster: read, written, pruned.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::{Release, ReleaseError, Status, codec};
use crate::cluster::{Cluster, ClusterErrorKind, DeleteOptions, ObjectRef};

/// All recorded revisions of one release, the oldest first.
#[derive(Debug, Clone, Default)]
pub struct History(Vec<Release>);

impl History {
    /// Reads the records of a release: one list request. Records that cannot be read are an error, so
    /// that none is ever overwritten unseen.
    ///
    /// # Errors
    /// The cluster refuses, or a record is damaged.
    pub async fn read(cluster: &dyn Cluster, namespace: &str, name: &str) -> Result<Self, ReleaseError> {
        let selector = format!("name={name},owner=helm");
        let secrets = cluster.list("v1", "Secret", Some(namespace), &selector).await;
        let secrets = secrets.map_err(|source| ReleaseError::Cluster {
            operation: "list",
            object: format!("the records of release {namespace}/{name}"),
            source,
        })?;
        Self::of(&secrets)
    }

    /// The history in Secrets that were read elsewhere.
    ///
    /// # Errors
    /// A record is damaged.
    pub fn of(secrets: &[Json]) -> Result<Self, ReleaseError> {
        let mut releases = secrets.iter().map(codec::decode).collect::<Result<Vec<_>, _>>()?;
        releases.sort_by_key(|release| release.version);
        Ok(Self(releases))
    }

    pub fn revisions(&self) -> &[Release] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The newest revision, whatever became of it.
    pub fn latest(&self) -> Option<&Release> {
        self.0.last()
    }

    /// The newest revision that is deployed.
    pub fn deployed(&self) -> Option<&Release> {
        self.0.iter().rev().find(|release| release.info.status == Status::Deployed)
    }

    /// The revision whose manifest tells what stands in the cluster: the deployed one, or else the
    /// newest.
    pub fn current(&self) -> Option<&Release> {
        self.deployed().or_else(|| self.latest())
    }

    /// The number of the next revision.
    pub fn next_revision(&self) -> u64 {
        self.latest().map_or(1, |latest| latest.version + 1)
    }

    /// Whether the newest revision is pending, and not for so long that whoever worked on it must be
    /// taken for dead.
    ///
    /// # Errors
    /// [`ReleaseError::InProgress`] when it is.
    pub fn check_idle(&self, now: Timestamp, stale_after: Duration) -> Result<(), ReleaseError> {
        let Some(latest) = self.latest().filter(|latest| latest.info.status.is_pending()) else {
            return Ok(());
        };
        let is_stale = latest.last_begun().is_none_or(|begun| {
            let age = Duration::try_from(now.duration_since(begun)).unwrap_or_default();
            age >= stale_after
        });
        if is_stale {
            return Ok(());
        }
        Err(ReleaseError::InProgress {
            name: latest.name.clone(),
            version: latest.version,
            status: latest.info.status,
            since: latest.info.last_deployed.clone(),
        })
    }

    pub(crate) fn into_revisions(self) -> Vec<Release> {
        self.0
    }

    /// What has to go so that one more revision fits: the oldest first, never the last deployed. A
    /// maximum of 0 keeps all.
    pub(super) fn surplus(&self, revisions_max: usize) -> Vec<&Release> {
        let revisions_max = if revisions_max == 0 { usize::MAX } else { revisions_max };
        let surplus = (self.0.len() + 1).saturating_sub(revisions_max);
        let deployed = self.deployed().map(|release| release.version);
        self.0.iter().filter(|release| Some(release.version) != deployed).take(surplus).collect()
    }
}

fn record_ref(release: &Release) -> ObjectRef {
    ObjectRef::new("v1", "Secret", Some(&release.namespace), &release.record_name())
}

fn stored_version(secret: &Json) -> String {
    secret.pointer("/metadata/resourceVersion").and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// Writes a new record, after it made room for it.
pub(crate) async fn create(
    cluster: &dyn Cluster,
    history: &History,
    revisions_max: usize,
    release: &mut Release,
    now: Timestamp,
) -> Result<(), ReleaseError> {
    let secret = codec::encode(release, now, false)?;
    for old in history.surplus(revisions_max) {
        delete(cluster, old).await?;
    }
    let created = cluster.create(&secret).await.map_err(|source| match source.kind {
        // The record's name is the lock: who creates it first works on the release.
        ClusterErrorKind::AlreadyExists => ReleaseError::MovedOn {
            name: release.name.clone(),
            rendered: release.version,
            next: release.version + 1,
        },
        _ => cluster_error("create", release, source),
    })?;
    release.resource_version = stored_version(&created);
    Ok(())
}

/// Writes a record again. A record that someone else changed since it was read is a conflict.
pub(crate) async fn update(
    cluster: &dyn Cluster,
    release: &mut Release,
    now: Timestamp,
) -> Result<(), ReleaseError> {
    let secret = codec::encode(release, now, true)?;
    let updated = cluster.update(&secret).await.map_err(|source| cluster_error("update", release, source))?;
    release.resource_version = stored_version(&updated);
    Ok(())
}

/// Deletes all records of a history, the oldest first, so that the newest tells to the end what is
/// going on.
pub(crate) async fn purge(cluster: &dyn Cluster, history: &[Release]) -> Result<(), ReleaseError> {
    for release in history {
        delete(cluster, release).await?;
    }
    Ok(())
}

async fn delete(cluster: &dyn Cluster, release: &Release) -> Result<(), ReleaseError> {
    let deleted = cluster.delete(&record_ref(release), &DeleteOptions::default()).await;
    deleted.map_err(|source| cluster_error("delete", release, source))
}

fn cluster_error(
    operation: &'static str,
    release: &Release,
    source: crate::cluster::ClusterError,
) -> ReleaseError {
    ReleaseError::Cluster { operation, object: record_ref(release).to_string(), source }
}
