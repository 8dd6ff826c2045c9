//! DaemonSets: a pod on each node that suits the template and whose taints it bears.
//!
//! Enters: DaemonSets, their pods and revisions, nodes. Leaves: pods that the scheduler binds to their one node,
//! revisions, status. Absent: adoption of pods that nobody owns.

use serde_json::{Value, json};

use super::digest::letters_of;
use super::disruption::portion;
use super::events::{Event, EventKind};
use super::object::{
    entry, integer, is_controlled_by, is_pod_available, is_pod_finished, is_pod_ready, is_terminating, label,
    list, metadata_entry, name, namespace, pod_of_template, text, uid,
};
use super::revisions::{self, Revisions};
use super::scheduler::suits;
use super::selector::selects;
use super::toleration::is_tolerated;
use super::world::{Plan, Reconciler, World, Write};

const COMPONENT: &str = "daemonset-controller";
const HASH: &str = "controller-revision-hash";
const TERMS: &str =
    "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
/// What pods of a DaemonSet bear unasked.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

pub(crate) const RECONCILER: Reconciler =
    Reconciler { name: COMPONENT, reads: &["DaemonSet", "Pod", "Node", "ControllerRevision"], reconcile };

fn reconcile(world: &World) -> Plan {
    let mut plan = Plan::default();
    for set in world.all("DaemonSet").filter(|set| !is_terminating(set)) {
        reconcile_set(world, set, &mut plan);
    }
    plan
}

/// A node and the set's pods on it, the oldest first.
struct Place<'a> {
    node: &'a Value,
    /// Whether a pod belongs here, and whether one that is here may stay.
    takes: bool,
    keeps: bool,
    pods: Vec<&'a Value>,
}

struct Observed<'a> {
    world: &'a World,
    set: &'a Value,
    /// The present template's, as a label of its pods.
    hash: String,
    places: Vec<Place<'a>>,
}

fn reconcile_set(world: &World, set: &Value, plan: &mut Plan) {
    let owned = |object: &&Value| is_controlled_by(object, uid(set));
    let mut pods: Vec<&Value> = world
        .within("Pod", namespace(set))
        .filter(|pod| owned(pod) && selects(set.pointer("/spec/selector"), pod.pointer("/metadata/labels")))
        .collect();
    pods.sort_by_key(|pod| text(pod, "/metadata/creationTimestamp"));
    let history: Vec<&Value> = world.within("ControllerRevision", namespace(set)).filter(owned).collect();
    let revisions = revisions::resolve(set, &history, plan);
    let hash = revisions.update.trim_start_matches(&format!("{}-", name(set))).to_owned();
    let places = world.all("Node").map(|node| place(set, &hash, node, &pods)).collect();
    let observed = Observed { world, set, hash, places };
    let is_complete = observed.place_pods(plan);
    if is_complete && text(set, "/spec/updateStrategy/type") != "OnDelete" {
        observed.roll(plan);
    }
    observed.write_status(plan);
    let current = Revisions { current: revisions.update.clone(), ..revisions };
    revisions::prune(set, &in_use_left_out(&history, &pods), &pods, &current, plan);
}

/// Revisions whose pods still run stay, whatever the limit.
fn in_use_left_out<'a>(history: &[&'a Value], pods: &[&Value]) -> Vec<&'a Value> {
    let is_used = |revision: &Value| {
        let hash = label(revision, "controller.kubernetes.io/hash");
        pods.iter().any(|pod| label(pod, HASH) == hash)
    };
    history.iter().copied().filter(|revision| !is_used(revision)).collect()
}

fn place<'a>(set: &Value, hash: &str, node: &'a Value, pods: &[&'a Value]) -> Place<'a> {
    let pod = render_pod(set, hash, name(node), "");
    let bears = |effects: &[&str]| {
        let taints = list(node, "/spec/taints").iter();
        taints
            .filter(|taint| effects.contains(&text(taint, "/effect")))
            .all(|taint| is_tolerated(&pod, taint))
    };
    let is_suited = suits(&pod, node) && !is_terminating(node);
    Place {
        node,
        takes: is_suited && bears(&["NoSchedule", "NoExecute"]),
        keeps: is_suited && bears(&["NoExecute"]),
        pods: pods.iter().copied().filter(|pod| node_of(pod) == name(node)).collect(),
    }
}

/// Where a pod runs, or is to run.
fn node_of(pod: &Value) -> &str {
    match text(pod, "/spec/nodeName") {
        "" => text(pod, &format!("{TERMS}/0/matchFields/0/values/0")),
        node => node,
    }
}

impl<'a> Place<'a> {
    fn live(&self) -> impl Iterator<Item = &'a Value> {
        self.pods.iter().copied().filter(|pod| !is_terminating(pod) && !is_pod_finished(pod))
    }
}

impl<'a> Observed<'a> {
    fn is_new(&self, pod: &Value) -> bool {
        label(pod, HASH) == Some(&self.hash)
    }

    fn is_available(&self, pod: &Value, plan: &mut Plan) -> bool {
        let min_ready_seconds = integer(self.set, "/spec/minReadySeconds").unwrap_or(0);
        let (is_available, at) = is_pod_available(pod, min_ready_seconds, self.world.now);
        plan.look_again_at(at);
        is_available
    }

    /// The number of pods that a field of the rolling update allows.
    fn allowance(&self, field: &str, default: usize) -> usize {
        let desired = self.places.iter().filter(|place| place.takes).count();
        let limit = self.set.pointer(&format!("/spec/updateStrategy/rollingUpdate/{field}"));
        let allowed = limit.map(|limit| portion(limit, i64::try_from(desired).unwrap_or(i64::MAX)));
        allowed.and_then(|allowed| usize::try_from(allowed).ok()).unwrap_or(default)
    }

    /// Makes what is missing and ends what does not belong; true when there was nothing to make.
    fn place_pods(&self, plan: &mut Plan) -> bool {
        let mut is_complete = true;
        for place in &self.places {
            if !place.keeps {
                place.live().for_each(|pod| self.end(pod, plan));
                continue;
            }
            for pod in place.pods.iter().filter(|pod| is_pod_finished(pod) && !is_terminating(pod)) {
                let message = format!(
                    "Found failed daemon pod {}/{} on node {}, will try to kill it",
                    namespace(pod),
                    name(pod),
                    name(place.node)
                );
                self.tell(EventKind::Warning, "FailedDaemonPod", message, plan);
                plan.push(Write::delete(pod));
            }
            if place.pods.is_empty() && place.takes {
                is_complete = false;
                self.make(place, plan);
            }
            let (new, old): (Vec<&Value>, Vec<&Value>) = place.live().partition(|pod| self.is_new(pod));
            let surplus = new.iter().skip(1).chain(old.iter().skip(1));
            surplus.for_each(|pod| self.end(pod, plan));
        }
        is_complete
    }

    /// Replaces pods of older templates: beside a surge by one that comes first, else as many as may be missing.
    fn roll(&self, plan: &mut Plan) {
        let surge = self.allowance("maxSurge", 0);
        let mut surging = 0;
        let mut missing = 0;
        let mut candidates = Vec::new();
        for place in self.places.iter().filter(|place| place.takes) {
            let (new, old): (Vec<&Value>, Vec<&Value>) = place.live().partition(|pod| self.is_new(pod));
            let new_is_available = new.iter().any(|pod| self.is_available(pod, plan));
            let old_is_available = old.iter().any(|pod| self.is_available(pod, plan));
            missing += usize::from(!new_is_available && !old_is_available);
            match (new.first(), old.first()) {
                (Some(_), Some(old)) if new_is_available || !old_is_available => self.end(old, plan),
                (Some(_), Some(_)) => surging += 1,
                (None, Some(old)) => candidates.push((old_is_available, place, *old)),
                _ => {}
            }
        }
        // What serves nobody goes first, and costs nothing.
        candidates.sort_by_key(|(is_available, ..)| *is_available);
        let mut allowed = self.allowance("maxUnavailable", 1).saturating_sub(missing);
        for (is_available, place, old) in candidates {
            if surge > 0 {
                if surging < surge && place.pods.len() == 1 {
                    surging += 1;
                    self.make(place, plan);
                }
            } else if !is_available {
                self.end(old, plan);
            } else if allowed > 0 {
                allowed -= 1;
                self.end(old, plan);
            }
        }
    }

    fn make(&self, place: &Place<'_>, plan: &mut Plan) {
        let content = format!("{}/{}/{}", uid(self.set), name(place.node), self.world.now);
        let pod_name = format!("{}-{}", name(self.set), letters_of(&content, 5));
        let pod = render_pod(self.set, &self.hash, name(place.node), &pod_name);
        self.tell(EventKind::Normal, "SuccessfulCreate", format!("Created pod: {pod_name}"), plan);
        plan.push(Write::Create(pod));
    }

    fn end(&self, pod: &Value, plan: &mut Plan) {
        self.tell(EventKind::Normal, "SuccessfulDelete", format!("Deleted pod: {}", name(pod)), plan);
        plan.push(Write::delete(pod));
    }

    fn tell(&self, kind: EventKind, reason: &'static str, message: String, plan: &mut Plan) {
        let about = self.set.clone();
        plan.push(Write::Event(Event { about, kind, reason, message, component: COMPONENT }));
    }

    fn write_status(&self, plan: &mut Plan) {
        let (mut desired, mut current, mut strayed) = (0, 0, 0);
        let (mut ready, mut updated, mut available) = (0, 0, 0);
        for place in &self.places {
            let newest = place.live().max_by_key(|pod| (self.is_new(pod), is_pod_ready(pod)));
            desired += usize::from(place.takes);
            strayed += usize::from(!place.takes && newest.is_some());
            let Some(pod) = newest.filter(|_| place.takes) else { continue };
            current += 1;
            ready += usize::from(place.live().any(is_pod_ready));
            updated += usize::from(self.is_new(pod));
            available += usize::from(place.live().any(|pod| self.is_available(pod, plan)));
        }
        let mut status = json!({"currentNumberScheduled": current, "desiredNumberScheduled": desired,
            "numberMisscheduled": strayed, "numberReady": ready,
            "observedGeneration": integer(self.set, "/metadata/generation").unwrap_or(1)});
        let counts = [
            ("updatedNumberScheduled", updated),
            ("numberAvailable", available),
            ("numberUnavailable", desired - available),
        ];
        for (field, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            status[field] = json!(count);
        }
        plan.set_status(self.set, status);
    }
}

fn render_pod(set: &Value, hash: &str, node: &str, pod_name: &str) -> Value {
    let mut pod = pod_of_template(set, pod_name);
    metadata_entry(&mut pod, "labels").insert(HASH.to_owned(), json!(hash));
    let by_name = json!([{"key": "metadata.name", "operator": "In", "values": [node]}]);
    let mut terms = list(&pod, TERMS).to_vec();
    if terms.is_empty() {
        terms.push(json!({}));
    }
    for term in &mut terms {
        term["matchFields"] = by_name.clone();
    }
    let spec = entry(&mut pod, "spec");
    spec.entry("affinity").or_insert_with(|| json!({}))["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
        json!({"nodeSelectorTerms": terms});
    let tolerations = spec.entry("tolerations").or_insert_with(|| json!([]));
    for (key, effect) in TOLERATED {
        if let Some(tolerations) = tolerations.as_array_mut() {
            tolerations.push(json!({"key": key, "operator": "Exists", "effect": effect}));
        }
    }
    pod
}

#[cfg(test)]
mod tests {
    use crate::controllers::testing::{owned_by, ready, status_of, summary, world};

    use super::*;

    fn set(rolling: Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent", "namespace": "web", "uid": "d"},
            "spec": {"selector": {"matchLabels": {"app": "agent"}},
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
                "template": {"metadata": {"labels": {"app": "agent"}}, "spec": {"nodeSelector": {"disk": "ssd"}}}}})
    }

    fn node(name: &str, disk: &str, effect: &str) -> Value {
        let taints = if effect.is_empty() { json!([]) } else { json!([{"key": "own", "effect": effect}]) };
        json!({"kind": "Node", "metadata": {"name": name, "labels": {"disk": disk}}, "spec": {"taints": taints}})
    }

    fn pod(name: &str, node: &str, hash: &str) -> Value {
        let pod = json!({"kind": "Pod", "metadata": {"name": name, "namespace": "web", "uid": name,
            "labels": {"app": "agent", HASH: hash}}, "spec": {"nodeName": node}});
        owned_by(pod, &set(json!({})))
    }

    /// The pods that a set makes and ends, by node and by name.
    fn check(rolling: Value, objects: Vec<Value>, made: &[&str], ended: &[&str]) {
        let objects = objects.into_iter().chain([set(rolling)]);
        let plan = reconcile(&world(objects));
        let found: Vec<&str> = plan
            .writes
            .iter()
            .filter_map(|write| match write {
                Write::Create(pod) if pod["kind"] == "Pod" => Some(node_of(pod)),
                _ => None,
            })
            .collect();
        assert_eq!(found, made);
        let found: Vec<String> = summary(&plan)
            .into_iter()
            .filter_map(|line| line.strip_prefix("delete Pod ").map(str::to_owned))
            .collect();
        assert_eq!(found, ended);
    }

    fn hash() -> String {
        let mut plan = Plan::default();
        let update = revisions::resolve(&set(json!({})), &[], &mut plan).update;
        update.trim_start_matches("agent-").to_owned()
    }

    #[test]
    fn a_pod_goes_to_each_node_that_suits() {
        let nodes = vec![
            node("a", "ssd", ""),
            node("b", "hdd", ""),
            node("c", "ssd", "NoSchedule"),
            node("d", "ssd", "PreferNoSchedule"),
        ];
        check(json!({}), nodes.clone(), &["a", "d"], &[]);
        let new = hash();
        let mut placed = nodes;
        // One is where it may stay but would not be put, one where it may not be, and one node has two.
        placed.extend([
            pod("p", "c", &new),
            pod("q", "b", &new),
            pod("r", "a", &new),
            pod("s", "a", &new),
            pod("t", "d", &new),
        ]);
        check(json!({}), placed.clone(), &[], &["s", "q"]);
        let plan = reconcile(&world(placed.into_iter().chain([set(json!({}))])));
        let status = status_of(&plan, "agent").expect("a status");
        assert_eq!(
            (&status["desiredNumberScheduled"], &status["numberMisscheduled"]),
            (&json!(2), &json!(2))
        );
    }

    #[test]
    fn a_cordoned_node_keeps_its_pods_and_gets_new_ones() {
        let mut cordoned = node("a", "ssd", "");
        cordoned["spec"] = json!({"unschedulable": true,
            "taints": [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]});
        check(json!({}), vec![cordoned], &["a"], &[]);
    }

    #[test]
    fn a_new_template_replaces_as_many_as_may_be_missing() {
        let nodes = ["a", "b", "c"].map(|name| node(name, "ssd", ""));
        let olds = |ready_ones: &[&str]| -> Vec<Value> {
            let pods = ["a", "b", "c"].map(|node| {
                let pod = pod(node, node, "old");
                if ready_ones.contains(&node) { ready(pod) } else { pod }
            });
            nodes.iter().cloned().chain(pods).collect()
        };
        check(json!({"maxUnavailable": 1}), olds(&["a", "b", "c"]), &[], &["a"]);
        check(json!({"maxUnavailable": "50%"}), olds(&["a", "b", "c"]), &[], &["a", "b"]);
        // What is not available goes at once and uses the allowance up.
        check(json!({"maxUnavailable": 1}), olds(&["a", "b"]), &[], &["c"]);
        check(json!({"maxUnavailable": 0, "maxSurge": 1}), olds(&["a", "b", "c"]), &["a"], &[]);
        let mut surged = olds(&["a", "b", "c"]);
        surged.push(ready(pod("new", "a", &hash())));
        check(json!({"maxUnavailable": 0, "maxSurge": 1}), surged, &["b"], &["a"]);
    }
}
