//! The claims by which servers have their volumes: their size as declared and as it is. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use serde_json::Value as Json;

use super::drift::{Layer, Row};
use super::objects::quantity;

/// The only field of a claim that can change, and only upwards.
pub const SIZE: &str = "spec.resources.requests.storage";

/// The claims of a StatefulSet, beside what it declares.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    pub set: String,
    /// By the name of the claim's template.
    pub sizes: BTreeMap<String, String>,
    pub live: Vec<PersistentVolumeClaim>,
}

/// A claim that asks for less than declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooSmall<'a> {
    pub claim: &'a str,
    pub live: &'a str,
    pub declared: &'a str,
}

/// Something about a claim that is not as it should be, and that apply does not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub condition: &'static str,
    /// The claim's name.
    pub claim: String,
    pub message: String,
}

/// The sizes that a StatefulSet declares, by the name of the claim's template.
pub fn sizes<'a>(manifest: impl IntoIterator<Item = &'a Json>, set: &str) -> BTreeMap<String, String> {
    let set = manifest
        .into_iter()
        .find(|object| object["kind"] == "StatefulSet" && object["metadata"]["name"].as_str() == Some(set));
    let templates = set.and_then(|set| set["spec"]["volumeClaimTemplates"].as_array()).into_iter().flatten();
    let sizes = templates.filter_map(|template| {
        let name = template["metadata"]["name"].as_str()?;
        Some((name.to_owned(), template.pointer("/spec/resources/requests/storage")?.as_str()?.to_owned()))
    });
    sizes.collect()
}

fn name(claim: &PersistentVolumeClaim) -> &str {
    claim.metadata.name.as_deref().unwrap_or_default()
}

fn requested(claim: &PersistentVolumeClaim) -> Option<&str> {
    let requests = claim.spec.as_ref()?.resources.as_ref()?.requests.as_ref()?;
    requests.get("storage").map(|size| size.0.as_str())
}

fn capacity(claim: &PersistentVolumeClaim) -> Option<&str> {
    claim.status.as_ref()?.capacity.as_ref()?.get("storage").map(|size| size.0.as_str())
}

fn is_less(one: &str, other: &str) -> bool {
    quantity(one).zip(quantity(other)).is_some_and(|(one, other)| one < other)
}

impl Claims {
    /// What a claim should have, by its name: `TEMPLATE-SET-ORDINAL`.
    fn declared(&self, claim: &str) -> Option<&str> {
        let (template, ordinal) = claim.rsplit_once('-')?;
        ordinal.parse::<u32>().ok()?;
        let template = template.strip_suffix(&self.set)?.strip_suffix('-')?;
        self.sizes.get(template).map(String::as_str)
    }

    pub fn too_small(&self) -> Vec<TooSmall<'_>> {
        let found = self.live.iter().filter_map(|claim| {
            let (claim, live) = (name(claim), requested(claim)?);
            let declared = self.declared(claim)?;
            is_less(live, declared).then_some(TooSmall { claim, live, declared })
        });
        found.collect()
    }

    /// One row for each claim that asks for less than declared.
    pub fn rows(&self) -> Vec<Row> {
        let row = |found: TooSmall<'_>| Row {
            layer: Layer::Kubernetes,
            object: key(found.claim),
            setting: SIZE.into(),
            declared: found.declared.into(),
            live: found.live.into(),
        };
        self.too_small().into_iter().map(row).collect()
    }

    /// What an operator should know of the volumes.
    pub fn troubles(&self) -> Vec<Trouble> {
        let found = self.live.iter().filter_map(|claim| {
            let (condition, message) = trouble(claim, self.declared(name(claim))?)?;
            let claim = name(claim).to_owned();
            let message = format!("the claim {claim} {message}");
            Some(Trouble { condition, claim, message })
        });
        found.collect()
    }
}

/// How a claim is called in a row of drift.
pub fn key(claim: &str) -> String {
    format!("PersistentVolumeClaim/{claim}")
}

fn trouble(claim: &PersistentVolumeClaim, declared: &str) -> Option<(&'static str, String)> {
    let phase = claim.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    let (requested, capacity) = (requested(claim)?, capacity(claim).unwrap_or_default());
    if claim.metadata.deletion_timestamp.is_some() {
        return Some((
            "claim_ending",
            "is being deleted: it goes, and its data with it, as soon as its pod stops. The server then starts \
             empty, on a new volume, and copies the data from the master"
                .to_owned(),
        ));
    }
    match phase {
        "Lost" => Some(("claim_lost", "has lost its volume: its server cannot start anew".to_owned())),
        "Bound" if is_less(declared, requested) => Some((
            "claim_larger",
            format!(
                "asks for {requested}, and {declared} is declared. Kubernetes makes no claim smaller: declare \
                 {requested}, and all servers get as much"
            ),
        )),
        "Bound" if is_less(capacity, requested) => {
            Some(("claim_growing", format!("asks for {requested}, and its volume has {capacity} so far")))
        }
        "Bound" => None,
        phase => Some(("claim_unbound", format!("has no volume yet: it is {phase}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SET: &str = "redis-1-redis-ha-server";

    fn claims(live: Vec<PersistentVolumeClaim>) -> Claims {
        let template =
            json!({"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "10Gi"}}}});
        let set = json!({"kind": "StatefulSet", "metadata": {"name": SET}, "spec": {"volumeClaimTemplates": [template]}});
        Claims { set: SET.into(), sizes: sizes(&[set], SET), live }
    }

    fn claim(name: &str, phase: &str, requested: &str, capacity: &str) -> PersistentVolumeClaim {
        let claim = json!({"metadata": {"name": name},
            "spec": {"resources": {"requests": {"storage": requested}}},
            "status": {"phase": phase, "capacity": {"storage": capacity}}});
        serde_json::from_value(claim).expect("a claim")
    }

    #[test]
    fn a_claim_that_asks_for_less_is_drift_and_one_that_has_more_or_less_is_told() {
        let table = [
            ("10Gi", "Bound", "10Gi", None, None),
            ("10240Mi", "Bound", "10Gi", None, None),
            ("5Gi", "Bound", "5Gi", Some("5Gi"), None),
            ("20Gi", "Bound", "20Gi", None, Some("claim_larger")),
            ("10Gi", "Bound", "5Gi", None, Some("claim_growing")),
            ("10Gi", "Pending", "0", None, Some("claim_unbound")),
            ("10Gi", "Lost", "10Gi", None, Some("claim_lost")),
        ];
        for (requested, phase, capacity, drift, condition) in table {
            let claims = claims(vec![claim(&format!("data-{SET}-1"), phase, requested, capacity)]);
            let rows = claims.rows();
            assert_eq!(rows.first().map(|row| row.live.as_str()), drift, "{requested} {phase}");
            let told = claims.troubles();
            assert_eq!(told.first().map(|one| one.condition), condition, "{requested} {phase}");
        }
    }

    #[test]
    fn a_claim_that_goes_with_its_pod_is_told() {
        let mut ending = claim(&format!("data-{SET}-0"), "Bound", "10Gi", "10Gi");
        let time = serde_json::from_value(json!("2026-01-01T00:00:00Z")).expect("a time");
        ending.metadata.deletion_timestamp = Some(time);
        let told = claims(vec![ending]).troubles();
        assert_eq!(told[0].condition, "claim_ending");
        assert!(told[0].message.starts_with("the claim data-redis-1-redis-ha-server-0 is being deleted"));
    }

    #[test]
    fn claims_that_are_not_of_the_set_say_nothing() {
        let names =
            ["data-other-server-0", "logs-redis-1-redis-ha-server-0", "data-redis-1-redis-ha-server", "x"];
        let claims = claims(names.map(|name| claim(name, "Bound", "1Gi", "1Gi")).to_vec());
        assert_eq!((claims.rows(), claims.troubles()), (Vec::new(), Vec::new()));
    }
}
