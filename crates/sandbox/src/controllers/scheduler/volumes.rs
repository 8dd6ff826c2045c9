//! The claims of a pod that is being scheduled: where their volumes are, which still wait.

use serde_json::{Value, json};

use super::affinity::node_term_matches;
use super::verdict::Refusal;
use crate::controllers::object::{annotation, is_terminating, list, metadata_entry, name, namespace, text};
use crate::controllers::volumes::{SELECTED_NODE, waits_for_consumer};
use crate::controllers::world::{Plan, World};

/// The claims of one pod.
#[derive(Default)]
pub(super) struct Claims<'a> {
    /// Volumes that are bound already; the pod must go where they can be reached.
    volumes: Vec<&'a Value>,
    /// Claims that are bound only once a node is chosen.
    pub(super) waiting: Vec<&'a Value>,
}

/// Finds a pod's claims; the error is the reason why it cannot be scheduled anywhere yet.
pub(super) fn claims_of<'a>(world: &'a World, pod: &Value) -> Result<Claims<'a>, String> {
    let mut claims = Claims::default();
    for volume in list(pod, "/spec/volumes") {
        let claim_name = text(volume, "/persistentVolumeClaim/claimName");
        if claim_name.is_empty() {
            continue;
        }
        let claim = world
            .get("PersistentVolumeClaim", namespace(pod), claim_name)
            .ok_or_else(|| format!("persistentvolumeclaim \"{claim_name}\" not found"))?;
        if is_terminating(claim) {
            return Err(format!("persistentvolumeclaim \"{claim_name}\" is being deleted"));
        }
        if text(claim, "/status/phase") == "Bound" {
            let volume = world.get("PersistentVolume", "", text(claim, "/spec/volumeName"));
            claims.volumes.extend(volume);
        } else if waits_for_consumer(world, claim) {
            claims.waiting.push(claim);
        } else {
            return Err("pod has unbound immediate PersistentVolumeClaims".to_owned());
        }
    }
    Ok(claims)
}

impl Claims<'_> {
    /// A bound volume that the node cannot reach.
    pub(super) fn conflict(&self, node: &Value) -> Option<Refusal> {
        let is_reachable = |volume: &&Value| {
            let terms = list(volume, "/spec/nodeAffinity/required/nodeSelectorTerms");
            terms.is_empty() || terms.iter().any(|term| node_term_matches(term, node))
        };
        (!self.volumes.iter().all(is_reachable))
            .then(|| Refusal::by_node("node(s) had volume node affinity conflict"))
    }

    /// The node that an earlier round chose for a waiting claim.
    pub(super) fn selected_node(&self) -> Option<&str> {
        self.waiting.iter().find_map(|claim| annotation(claim, SELECTED_NODE))
    }
}

/// Tells the volume controller where the waiting claims are wanted.
pub(super) fn select_node(claims: &Claims<'_>, node: &Value, plan: &mut Plan) {
    for claim in &claims.waiting {
        let mut changed = (*claim).clone();
        metadata_entry(&mut changed, "annotations").insert(SELECTED_NODE.to_owned(), json!(name(node)));
        plan.update(claim, changed);
    }
}
