//! The sandbox's directory: where each file lies, who holds it, and what runs there.

use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{LaunchError, ProcessIdentity};
use crate::node::{ImageTable, ImageTableError};

/// Held by the launcher while it runs; the mark of a sandbox's directory afterwards.
const LOCK_FILE: &str = "lock";
const REMOVAL_POLL: Duration = Duration::from_secs(1);
const LOG_TAIL_LINES: usize = 12;

/// An existing directory, by its absolute path.
#[derive(Debug, Clone)]
pub struct Directory {
    root: PathBuf,
}

/// What runs in a directory: written when the APIs answer, removed at the end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunningState {
    pub launcher: ProcessIdentity,
    /// Process 1 of the namespaces, by its number outside.
    pub init: ProcessIdentity,
    pub kubernetes_port: u16,
    pub google_port: u16,
}

impl RunningState {
    pub fn addresses(&self) -> String {
        format!(
            "Kubernetes API  https://127.0.0.1:{}\nGKE and Compute http://127.0.0.1:{}",
            self.kubernetes_port, self.google_port
        )
    }
}

/// One pod, as `status` shows it. The node agent writes them on every change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodSummary {
    pub namespace: String,
    pub name: String,
    pub ready: String,
    pub status: String,
    pub restarts: i64,
    pub address: String,
    pub node: String,
}

impl PodSummary {
    pub fn as_row(&self) -> [String; 7] {
        [
            self.namespace.clone(),
            self.name.clone(),
            self.ready.clone(),
            self.status.clone(),
            self.restarts.to_string(),
            self.address.clone(),
            self.node.clone(),
        ]
    }
}

/// Held by the launcher as long as it lives; the kernel lets go of it however the launcher ends.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _file: File,
}

impl Directory {
    /// Makes the directory if it is missing; only its owner may read what it will hold.
    /// A directory with files of somebody else is refused: a sandbox removes what an earlier one left.
    pub fn create(path: &Path) -> Result<Self, LaunchError> {
        fs::create_dir_all(path).map_err(LaunchError::file("create the directory", path))?;
        let root = path.canonicalize().map_err(LaunchError::file("resolve", path))?;
        let mark = root.join(LOCK_FILE);
        let mut entries = fs::read_dir(&root).map_err(LaunchError::file("read the directory", &root))?;
        if let Some(Ok(found)) = entries.next().filter(|_| !mark.exists()) {
            return Err(LaunchError::Foreign { path: root, found: found.file_name() });
        }
        if root.starts_with("/run") {
            return Err(LaunchError::BelowRun { path: root });
        }
        File::options().create(true).append(true).open(&mark).map_err(LaunchError::file("create", &mark))?;
        fs::set_permissions(&root, Permissions::from_mode(0o700))
            .map_err(LaunchError::file("make private", &root))?;
        let logs = root.join("logs");
        fs::create_dir_all(&logs).map_err(LaunchError::file("create the directory", &logs))?;
        Ok(Self { root })
    }

    /// Removes a directory in which no sandbox came to run; one that did has logs that may tell why it ended.
    pub fn remove_unused(&self) {
        if !self.sandbox_log().exists() {
            // What cannot be removed is in nobody's way: a later `up` takes the directory.
            let _ = fs::remove_dir_all(&self.root);
        }
    }

    /// The directory, if a sandbox runs or ran in it.
    pub fn open(path: &Path) -> Option<Self> {
        path.canonicalize().ok().filter(|root| root.join(LOCK_FILE).is_file()).map(|root| Self { root })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.root.join("kubeconfig")
    }

    pub(crate) fn env(&self) -> PathBuf {
        self.root.join("env")
    }

    /// What the launcher of a detached sandbox says.
    pub fn launcher_log(&self) -> PathBuf {
        self.root.join("logs/launcher.log")
    }

    /// What the servers, the controllers and the node agent say.
    pub(crate) fn sandbox_log(&self) -> PathBuf {
        self.root.join("logs/sandbox.log")
    }

    pub(crate) fn pod_logs(&self) -> PathBuf {
        self.root.join("logs/pods")
    }

    pub(crate) fn volumes(&self) -> PathBuf {
        self.root.join("volumes")
    }

    fn state_file(&self) -> PathBuf {
        self.root.join("state.json")
    }

    fn pods_file(&self) -> PathBuf {
        self.root.join("pods.json")
    }

    /// Takes the directory for this process, or says who has it.
    pub(super) fn lock(&self) -> Result<DirectoryLock, LaunchError> {
        let Some(mut file) = self.try_lock()? else {
            let pid = self.holder().map_or("unknown".to_owned(), |holder| holder.pid.to_string());
            return Err(LaunchError::InUse { path: self.root.clone(), pid });
        };
        let own = i32::try_from(std::process::id()).ok().and_then(ProcessIdentity::observe);
        let text = serde_json::to_vec(&own).expect("numbers serialize");
        let path = self.lock_file();
        file.set_len(0).map_err(LaunchError::file("empty", &path))?;
        file.write_all(&text).map_err(LaunchError::file("write", &path))?;
        Ok(DirectoryLock { _file: file })
    }

    fn lock_file(&self) -> PathBuf {
        self.root.join(LOCK_FILE)
    }

    fn try_lock(&self) -> Result<Option<File>, LaunchError> {
        let path = self.lock_file();
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(LaunchError::file("open", &path))?;
        Ok(flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok().then_some(file))
    }

    pub(super) fn is_locked(&self) -> Result<bool, LaunchError> {
        Ok(self.try_lock()?.is_none())
    }

    /// The process that holds the lock, or held it last.
    pub(super) fn holder(&self) -> Option<ProcessIdentity> {
        serde_json::from_slice(&fs::read(self.lock_file()).ok()?).ok()
    }

    /// Removes what an earlier sandbox left: the cluster starts empty, so its volumes do too.
    pub(super) fn clear(&self) -> Result<(), LaunchError> {
        for path in [self.volumes(), self.pod_logs()] {
            remove(&path, fs::remove_dir_all(&path))?;
        }
        let files = [
            self.kubeconfig(),
            self.env(),
            self.state_file(),
            self.pods_file(),
            self.sandbox_log(),
            self.images(),
        ];
        for path in files {
            remove(&path, fs::remove_file(&path))?;
        }
        Ok(())
    }

    pub(super) fn read_state(&self) -> Option<RunningState> {
        serde_json::from_slice(&fs::read(self.state_file()).ok()?).ok()
    }

    pub(super) fn write_state(&self, state: &RunningState) -> Result<(), LaunchError> {
        let text = serde_json::to_vec_pretty(state).expect("numbers serialize");
        write_atomically(&self.state_file(), &text)
    }

    /// Returns when the directory is there no more.
    pub(super) async fn until_removed(&self) {
        while self.lock_file().exists() {
            tokio::time::sleep(REMOVAL_POLL).await;
        }
    }

    /// Removes what means nothing without a running sandbox; logs and the files for clients stay.
    pub(super) fn remove_state(&self) -> Result<(), LaunchError> {
        for path in [self.state_file(), self.pods_file()] {
            remove(&path, fs::remove_file(&path))?;
        }
        let volumes = self.volumes();
        remove(&volumes, fs::remove_dir_all(&volumes))
    }

    /// What runs here now, if anything does.
    pub fn running(&self) -> Option<RunningState> {
        self.read_state().filter(|state| state.init.is_alive())
    }

    pub fn pods(&self) -> Vec<PodSummary> {
        let read = fs::read(self.pods_file()).ok();
        read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    pub(crate) fn write_pods(&self, pods: &[PodSummary]) -> Result<(), LaunchError> {
        let text = serde_json::to_vec_pretty(pods).expect("text serializes");
        write_atomically(&self.pods_file(), &text)
    }

    fn images(&self) -> PathBuf {
        self.root.join("images.json")
    }

    /// Keeps the user's table of images for the processes inside.
    pub(super) fn write_images(&self, images: &ImageTable) -> Result<(), LaunchError> {
        let text = serde_json::to_vec_pretty(images).expect("text serializes");
        write_atomically(&self.images(), &text)
    }

    /// The user's table of images; an empty one if none was given.
    pub(super) fn read_images(&self) -> Result<ImageTable, ImageTableError> {
        if self.images().exists() { ImageTable::read(&self.images()) } else { Ok(ImageTable::default()) }
    }

    /// The token that every API takes.
    pub(crate) fn access_token(&self) -> PathBuf {
        self.root.join("access-token")
    }

    pub(crate) fn terraform_config(&self) -> PathBuf {
        self.root.join("terraform.tfrc")
    }

    pub(crate) fn mirror(&self) -> PathBuf {
        self.root.join("mirror")
    }

    pub(crate) fn gcloud_config(&self) -> PathBuf {
        self.root.join("gcloud")
    }

    /// What `status --json` says of a sandbox that runs here.
    pub fn describe(&self, state: &RunningState) -> Value {
        json!({
            "running": true,
            "directory": self.root,
            "kubernetes": format!("https://127.0.0.1:{}", state.kubernetes_port),
            "google": format!("http://127.0.0.1:{}", state.google_port),
            "kubeconfig": self.kubeconfig(),
            "env": self.env(),
            "pods": self.pods(),
        })
    }

    pub fn how_to_use(&self) -> String {
        format!(
            "Use it:  . {}\nStop it: redis-ha-sandbox down --dir {}",
            self.env().display(),
            self.root.display()
        )
    }

    /// The end of the inner log, for an error that has nothing better to say.
    pub(super) fn log_tail(&self) -> String {
        let text = fs::read(self.sandbox_log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }
}

fn remove(path: &Path, outcome: std::io::Result<()>) -> Result<(), LaunchError> {
    match outcome {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LaunchError::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Readers see the old file or the new one, and only the owner sees either.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), LaunchError> {
    let partial = path.with_extension("partial");
    let mut file = File::create(&partial).map_err(LaunchError::file("create", &partial))?;
    file.set_permissions(Permissions::from_mode(0o600))
        .map_err(LaunchError::file("make private", &partial))?;
    file.write_all(bytes).map_err(LaunchError::file("write", &partial))?;
    fs::rename(&partial, path).map_err(LaunchError::file("put in place", path))
}
