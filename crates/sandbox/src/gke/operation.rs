//! Operations: one at a time for a cluster, through PENDING and RUNNING to DONE.

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::Settings;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OperationKind {
    CreateNodePool,
    DeleteNodePool,
    SetNodePoolSize,
    SetNodePoolManagement,
    UpdateNodePool,
    UpgradeNodes,
}

impl OperationKind {
    fn name(self) -> &'static str {
        match self {
            Self::CreateNodePool => "CREATE_NODE_POOL",
            Self::DeleteNodePool => "DELETE_NODE_POOL",
            Self::SetNodePoolSize => "SET_NODE_POOL_SIZE",
            Self::SetNodePoolManagement => "SET_NODE_POOL_MANAGEMENT",
            Self::UpdateNodePool => "UPDATE_CLUSTER",
            Self::UpgradeNodes => "UPGRADE_NODES",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Pending,
    Running,
    Aborting,
    Done,
}

/// An operation as the work that it does sees it.
#[derive(Debug, Clone)]
pub(super) struct Ongoing {
    pub(super) name: String,
    pub(super) cancel: CancellationToken,
}

#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) kind: OperationKind,
    pub(super) pool: String,
    pub(super) phase: Phase,
    /// Nodes that are made again or removed, none for other operations.
    pub(super) nodes_total: usize,
    pub(super) nodes_done: usize,
    pub(super) error: Option<String>,
    pub(super) cancel: CancellationToken,
    started: Timestamp,
    ended: Option<Timestamp>,
}

impl Operation {
    pub(super) fn new(kind: OperationKind, pool: &str, now: Timestamp) -> Self {
        let random: u128 = rand::random();
        let hex = format!("{random:032x}");
        let name = format!(
            "operation-{}-{}-{}-{}-{}-{}",
            now.as_millisecond(),
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        );
        Self {
            name,
            kind,
            pool: pool.to_owned(),
            phase: Phase::Pending,
            nodes_total: 0,
            nodes_done: 0,
            error: None,
            cancel: CancellationToken::new(),
            started: now,
            ended: None,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    pub(super) fn finish(&mut self, error: Option<String>, now: Timestamp) {
        self.phase = Phase::Done;
        self.error = error;
        self.ended = Some(now);
    }

    /// The operation as the Container API shows it.
    pub(super) fn render(&self, settings: &Settings) -> Value {
        let place = format!("projects/{}/locations/{}", settings.project, settings.location);
        let base = format!("https://container.googleapis.com/v1/{place}");
        let mut operation = json!({
            "name": self.name,
            "zone": settings.location,
            "location": settings.location,
            "operationType": self.kind.name(),
            "status": match self.phase {
                Phase::Pending => "PENDING",
                Phase::Running => "RUNNING",
                Phase::Aborting => "ABORTING",
                Phase::Done => "DONE",
            },
            "selfLink": format!("{base}/operations/{}", self.name),
            "targetLink": format!("{base}/clusters/{}/nodePools/{}", settings.cluster, self.pool),
            "startTime": self.started.to_string(),
        });
        if let Some(ended) = self.ended {
            operation["endTime"] = json!(ended.to_string());
        }
        if self.nodes_total > 0 {
            operation["progress"] = self.render_progress();
            operation["detail"] = json!(self.render_detail());
        }
        if let Some(error) = &self.error {
            operation["statusMessage"] = json!(error);
            operation["error"] = json!({"code": 10, "message": error});
        }
        operation
    }

    fn render_progress(&self) -> Value {
        let metric = |name: &str, count: usize| json!({"name": name, "intValue": count.to_string()});
        json!({"metrics": [
            metric("NODES_TOTAL", self.nodes_total),
            metric("NODES_FAILED", 0),
            metric("NODES_COMPLETE", self.nodes_done),
            metric("NODES_DONE", self.nodes_done),
        ]})
    }

    fn render_detail(&self) -> String {
        let (total, done) = (self.nodes_total, self.nodes_done);
        let percent = done * 1000 / total;
        let processed = usize::from(!self.is_done() && done < total);
        format!(
            "Done with {done} out of {total} nodes ({}.{}%): {processed} being processed, {done} succeeded",
            percent / 10,
            percent % 10
        )
    }
}
