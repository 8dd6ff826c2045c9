//! Adoption: a set takes pods and revisions that nobody controls and that are its own by selector and
//! name. So a set that was deleted without its pods, and made anew, goes on with them.

use serde_json::{Value, json};

use super::pods::ordinal_of;
use crate::controllers::object::{controller_reference, is_terminating, list, namespace};
use crate::controllers::selector::selects;
use crate::controllers::world::{Plan, World};

/// Returns whether something was taken; the next look sees it as owned.
pub(super) fn adopt(world: &World, set: &Value, plan: &mut Plan) -> bool {
    let is_free = |object: &&Value| {
        let references = list(object, "/metadata/ownerReferences");
        !is_terminating(object) && references.iter().all(|reference| reference["controller"] != true)
    };
    let matches =
        |object: &&Value| selects(set.pointer("/spec/selector"), object.pointer("/metadata/labels"));
    let pods = world.within("Pod", namespace(set)).filter(|pod| ordinal_of(set, pod).is_some());
    let revisions = world.within("ControllerRevision", namespace(set));
    let mut has_taken = false;
    for object in pods.chain(revisions).filter(is_free).filter(matches) {
        let mut references = list(object, "/metadata/ownerReferences").to_vec();
        references.push(controller_reference(set));
        let mut owned = object.clone();
        owned["metadata"]["ownerReferences"] = json!(references);
        plan.update(object, owned);
        has_taken = true;
    }
    has_taken
}
