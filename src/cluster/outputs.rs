//! The computed attributes, made of names alone or of what was seen. Pure.

use tfplugin_sdk::Attr;

use super::config::Config;
use super::drift::Row;
use super::model::{AuthSecret, Condition, DriftRow, Master, Member, Model, Release};
use super::observed::{Observed, ReleaseSeen, SecretSeen};
use super::resolve::digest_attributes;
use crate::chart::{Effective, Endpoint, Names};
use crate::sentinel::health::findings;
use crate::sentinel::topology::topology;
use crate::sentinel::{Observation, PodObservation, Role};

macro_rules! computed {
    ($($name:ident),* $(,)?) => {
        /// Takes every computed attribute over.
        pub fn copy(model: &mut Model, from: Model) {
            $(model.$name = from.$name;)*
        }

        /// The computed attributes alone.
        pub fn of(model: &Model) -> Model {
            Model { $($name: model.$name.clone(),)* ..Model::default() }
        }
    };
}

computed!(
    id,
    release,
    objects,
    master_endpoint,
    master,
    replica_endpoints,
    sentinel_endpoints,
    announce_endpoints,
    service_endpoint,
    master_group_name,
    auth_secret,
    redis_version,
    topology,
    health,
    drift,
);

/// What is known before anything exists.
pub fn from_names(config: &Config) -> Model {
    let mut model = names_of(&config.names, &config.effective);
    model.objects = Attr::Known(digest_attributes(&config.objects));
    model.auth_secret = match config.auth.secret() {
        None => Attr::Null,
        Some((name, key)) => {
            Attr::Known(AuthSecret { name: name.into(), key: key.into(), fingerprint: Attr::Unknown })
        }
    };
    model
}

fn names_of(names: &Names, effective: &Effective) -> Model {
    let texts = |endpoints: Vec<Endpoint>| {
        Attr::Known(endpoints.iter().map(|endpoint| Attr::Known(endpoint.to_string())).collect())
    };
    Model {
        id: format!("{}/{}", names.namespace, names.release).into(),
        sentinel_endpoints: texts(
            names.sentinel_endpoints(effective.replicas, effective.sentinels.of_clients()),
        ),
        announce_endpoints: texts(names.announce_endpoints(effective.replicas, effective.redis.of_clients())),
        service_endpoint: names.service_endpoint(effective.redis.of_clients()).to_string().into(),
        master_group_name: effective.master_group_name.clone().into(),
        ..Model::default()
    }
}

/// Everything that was seen; what was not there is null. A master that is not there is an object of nulls,
/// and a Secret that is gone keeps its name: an expression that reaches into them must not fail a plan then.
pub fn live(names: &Names, effective: &Effective, observed: &Observed) -> Model {
    let mut model = names_of(names, effective);
    model.release = observed.release.as_ref().map(release).into();
    let objects = observed.release.as_ref().map(|seen| seen.objects.clone()).unwrap_or_default();
    model.objects =
        Attr::Known(objects.into_iter().map(|(key, digest)| (key, Attr::Known(digest))).collect());
    model.auth_secret = match (&observed.secret, &effective.auth) {
        (Some(seen), _) => Attr::Known(auth_secret(seen)),
        (None, Some(named)) => Attr::Known(AuthSecret {
            name: named.secret.clone().into(),
            key: named.key.clone().into(),
            fingerprint: Attr::Null,
        }),
        (None, None) => Attr::Null,
    };
    model.master = Attr::Known(Master::default());
    match &observed.redis {
        Some(observation) => servers(&mut model, names, effective, observed, observation),
        None => {
            model.replica_endpoints = Attr::Known(Vec::new());
            model.topology = Attr::Known(Vec::new());
            model.health = Attr::Known(Vec::new());
        }
    }
    model
}

fn release(seen: &ReleaseSeen) -> Release {
    Release {
        revision: seen.revision.into(),
        status: seen.status.clone().into(),
        chart_version: seen.chart_version.clone().into(),
        app_version: seen.app_version.clone().into(),
    }
}

fn auth_secret(seen: &SecretSeen) -> AuthSecret {
    AuthSecret {
        name: seen.name.clone().into(),
        key: seen.key.clone().into(),
        fingerprint: seen.fingerprint.clone().into(),
    }
}

fn servers(
    model: &mut Model,
    names: &Names,
    effective: &Effective,
    observed: &Observed,
    observation: &Observation,
) {
    let endpoint = |pod: &str| {
        names.pod_index(pod).map(|index| names.master_endpoint(index, effective.redis.of_clients()))
    };
    let topology = topology(observation);
    // Sentinels still tell who leads the servers that refuse us.
    let named = topology.consensus_pod(observation).map(|pod| pod.pod.as_str());
    let refuses = |pod: &str| observation.pod(pod).is_some_and(|pod| pod.server.is_refused());
    let master = topology.master.as_ref().map(|master| master.pod.as_str());
    let master = master.or_else(|| named.filter(|pod| refuses(pod)));
    if let Some(master) = master
        && let Some(endpoint) = endpoint(master)
    {
        model.master_endpoint = endpoint.to_string().into();
        model.master = Attr::Known(Master {
            host: endpoint.host.into(),
            port: i64::from(endpoint.port).into(),
            pod: master.into(),
        });
        let version =
            observation.pod(master).and_then(|pod| pod.server.ok()).map(|server| server.version.clone());
        model.redis_version = version.into();
    }
    let role = |pod: &PodObservation| match pod.server.ok().map(|server| &server.role) {
        Some(Role::Master { .. }) => "master",
        Some(Role::Replica { .. }) => "replica",
        None if !pod.server.is_refused() || named.is_none() => "unreachable",
        None if named == Some(&pod.pod) => "master",
        None => "replica",
    };
    let replicas = observation.pods.iter().filter(|pod| role(pod) == "replica");
    let replicas = replicas.filter_map(|pod| endpoint(&pod.pod));
    model.replica_endpoints = Attr::Known(replicas.map(|endpoint| endpoint.to_string().into()).collect());
    model.topology = Attr::Known(
        observation
            .pods
            .iter()
            .map(|pod| {
                let placement = observed.placement.get(&pod.pod).cloned().unwrap_or_default();
                Attr::Known(Member {
                    pod: pod.pod.clone().into(),
                    role: role(pod).into(),
                    endpoint: endpoint(&pod.pod).map(|endpoint| endpoint.to_string()).into(),
                    address: placement.address.into(),
                    node: placement.node.into(),
                })
            })
            .collect(),
    );
    model.health = Attr::Known(health(observed, observation));
}

fn health(observed: &Observed, observation: &Observation) -> Vec<Attr<Condition>> {
    let condition = |condition: &str, object: String, message: String| {
        let (condition, object, message) = (condition.into(), object.into(), message.into());
        Attr::Known(Condition { condition, object, message })
    };
    let findings = findings(observation);
    let findings =
        findings.iter().map(|found| condition(found.condition(), found.object(), found.to_string()));
    let claims = observed.claims.troubles().into_iter();
    findings.chain(claims.map(|found| condition(found.condition, found.claim, found.message))).collect()
}

/// Drift rows as the state shows them.
pub fn drift_rows(rows: &[Row]) -> Attr<Vec<Attr<DriftRow>>> {
    let row = |row: &Row| {
        Attr::Known(DriftRow {
            layer: row.layer.as_str().into(),
            object: row.object.clone().into(),
            setting: row.setting.clone().into(),
            declared: row.declared.clone().into(),
            live: row.live.clone().into(),
        })
    };
    Attr::Known(rows.iter().map(row).collect())
}
