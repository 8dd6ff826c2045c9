//! The volumes of a pod as host directories. Enters: a pod's volumes, and the objects they refer to. Leaves: a path
//! for each. Secrets and everything else that ends with the pod lie in memory; claims lie in the sandbox's directory.
//! Deliberately absent: hostPath and drivers, which are refused by name.

mod payload;
mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::NodeError;
use super::environment::PodFacts;
use crate::api::access::Tokens;
use crate::store::object::{items, name, namespace, text};
use crate::store::{Key, Store, kinds};

/// Where a pod's volumes are on this machine.
#[derive(Debug, Clone)]
pub(super) struct Volumes {
    /// Below a file system in memory; removed with the pod.
    pod_directory: PathBuf,
    /// Where claims keep their data.
    claims_directory: PathBuf,
    tokens: Tokens,
}

/// The path of each volume by its name.
pub(super) type Sources = BTreeMap<String, PathBuf>;

impl Volumes {
    pub(super) fn new(pod_directory: PathBuf, claims_directory: PathBuf, tokens: Tokens) -> Self {
        Self { pod_directory, claims_directory, tokens }
    }

    /// Makes every volume of the pod. Fails on the first whose object is missing; the caller tries again.
    pub(super) fn mount(&self, store: &Store, facts: &PodFacts<'_>) -> Result<Sources, NodeError> {
        let mut sources = Sources::new();
        for volume in items(facts.pod, "/spec/volumes") {
            let path = self.mount_one(store, facts, volume)?;
            sources.insert(text(volume, "/name").to_owned(), path);
        }
        Ok(sources)
    }

    /// Brings the files of ConfigMaps, Secrets and the downward API up to date in running pods.
    pub(super) fn refresh(&self, store: &Store, facts: &PodFacts<'_>) {
        for volume in items(facts.pod, "/spec/volumes") {
            // An object that went away leaves its files, as on a real node.
            if let Ok(Some(files)) = payload::collect(store, facts, volume, &self.tokens)
                && let Err(error) = tree::write(&self.pod_path(volume), &files)
            {
                tracing::warn!(pod = name(facts.pod), error = error.in_one_line(), "cannot refresh a volume");
            }
        }
    }

    pub(super) fn remove(&self) {
        match fs::remove_dir_all(&self.pod_directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.pod_directory.display(), %error, "cannot remove a pod's volumes");
            }
            _ => {}
        }
    }

    fn pod_path(&self, volume: &Value) -> PathBuf {
        self.pod_directory.join("volumes").join(text(volume, "/name"))
    }

    fn mount_one(&self, store: &Store, facts: &PodFacts<'_>, volume: &Value) -> Result<PathBuf, NodeError> {
        if let Some(claim) = volume.get("persistentVolumeClaim") {
            return self.mount_claim(store, namespace(facts.pod), text(claim, "/claimName"));
        }
        let path = self.pod_path(volume);
        if let Some(files) = payload::collect(store, facts, volume, &self.tokens)? {
            tree::write(&path, &files)?;
        } else if volume.get("emptyDir").is_some() || only_named(volume) {
            create_directory(&path)?;
        } else {
            let kind = volume.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
            let kind = kind.filter(|key| *key != "name").collect::<Vec<_>>().join(", ");
            return Err(NodeError::Volume(format!(
                "volume \"{}\" is a {kind}; the sandbox has configMap, secret, emptyDir, persistentVolumeClaim, \
                 projected and downwardAPI volumes",
                text(volume, "/name")
            )));
        }
        Ok(path)
    }

    fn mount_claim(&self, store: &Store, namespace: &str, claim_name: &str) -> Result<PathBuf, NodeError> {
        let key = Key::namespaced(&kinds::PERSISTENT_VOLUME_CLAIM, namespace, claim_name);
        let missing = || NodeError::Volume(format!("persistentvolumeclaim \"{claim_name}\" not found"));
        let claim = store.get(&key).ok_or_else(missing)?;
        let volume_name = text(&claim, "/spec/volumeName");
        if volume_name.is_empty() || text(&claim, "/status/phase") != "Bound" {
            return Err(NodeError::Volume(format!("persistentvolumeclaim \"{claim_name}\" is not bound")));
        }
        let path = self.claims_directory.join(volume_name);
        create_directory(&path)?;
        Ok(path)
    }
}

/// Removes the data of volumes that are no more, as a reclaim policy of Delete does.
pub(super) fn remove_released(store: &Store, claims_directory: &Path) {
    let (volumes, _) = store.list(&kinds::PERSISTENT_VOLUME, None);
    let Ok(entries) = fs::read_dir(claims_directory) else { return };
    for entry in entries.filter_map(Result::ok) {
        let still_there = volumes.iter().any(|volume| entry.file_name() == name(volume));
        if !still_there && let Err(error) = fs::remove_dir_all(entry.path()) {
            tracing::warn!(path = %entry.path().display(), %error, "cannot remove a released volume");
        }
    }
}

/// A volume without a source is an emptyDir.
fn only_named(volume: &Value) -> bool {
    volume.as_object().is_some_and(|map| map.len() == 1)
}

fn create_directory(path: &Path) -> Result<(), NodeError> {
    fs::create_dir_all(path).map_err(NodeError::file("create the directory", path))
}
