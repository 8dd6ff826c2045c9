//! The data source `redis_ha_cluster`: what the resource observes, for modules that only consume a
//! cluster and for `check` blocks. It reads and never writes.

use serde::{Deserialize, Serialize};
use tfplugin_sdk::schema::{Attribute, Schema};
use tfplugin_sdk::{Attr, Context, DataSource, Reading, async_trait};

use super::clients::Clients;
use super::diagnostics::failed;
use super::error::Error;
use super::explain::explain;
use super::model::{AuthSecret, Condition, DriftRow, GkeCluster, Master, Member, Model, Release, StringMap};
use super::read::look;
use super::refresh::refresh;
use super::schema::computed;

/// What is asked for, and what is reported.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClusterData {
    pub name: Attr<String>,
    pub namespace: Attr<String>,
    pub gke: Attr<GkeCluster>,
    pub replicas: Attr<i64>,

    pub id: Attr<String>,
    pub release: Attr<Release>,
    pub objects: Attr<StringMap>,
    pub master_endpoint: Attr<String>,
    pub master: Attr<Master>,
    pub replica_endpoints: Attr<Vec<Attr<String>>>,
    pub sentinel_endpoints: Attr<Vec<Attr<String>>>,
    pub announce_endpoints: Attr<Vec<Attr<String>>>,
    pub service_endpoint: Attr<String>,
    pub master_group_name: Attr<String>,
    pub auth_secret: Attr<AuthSecret>,
    pub redis_version: Attr<String>,
    pub topology: Attr<Vec<Attr<Member>>>,
    pub health: Attr<Vec<Attr<Condition>>>,
    pub drift: Attr<Vec<Attr<DriftRow>>>,
}

/// The data source of the resource's name.
pub struct RedisHaClusterData;

pub fn data_schema() -> Schema {
    let text = |description: &str| Attribute::string(description).optional();
    let mut schema = Schema::new(
        "An existing redis-ha cluster as it is at this moment: where the master is, how clients reach it, and \
         what differs from what its release declares. Nothing is changed.",
        [
            ("name", Attribute::string("Name of the Helm release.").required()),
            ("namespace", text("Namespace of the release.").computed().default("`default`")),
            (
                "gke",
                Attribute::single(
                    "The GKE cluster. When left out, the cluster of the provider's `kubernetes` block or of the \
                     `KUBE_*` variables.",
                    [
                        ("project", text("Google Cloud project.").computed().default("the provider's")),
                        ("location", text("Region or zone of the cluster.").computed().default("the provider's")),
                        ("cluster", Attribute::string("Name of the GKE cluster.").required()),
                    ],
                )
                .optional(),
            ),
            ("replicas", Attribute::number("Redis servers, each with a Sentinel beside it.").computed()),
        ]
        .map(|(name, attribute)| (name.to_owned(), attribute)),
    );
    schema.attributes.extend(computed::attributes());
    schema
}

#[async_trait]
impl DataSource<Clients> for RedisHaClusterData {
    type Model = ClusterData;

    fn type_name(&self) -> &'static str {
        "redis_ha_cluster"
    }

    fn schema(&self) -> Schema {
        data_schema()
    }

    async fn read(&self, _: &Context, clients: &Clients, config: ClusterData) -> Reading<ClusterData> {
        match Box::pin(find(clients, config)).await {
            Ok((found, warnings)) => Reading::new(found).with(warnings),
            Err(error) => Reading::failed(failed("read the cluster", &error)),
        }
    }
}

async fn find(
    clients: &Clients,
    config: ClusterData,
) -> Result<(ClusterData, tfplugin_sdk::Diagnostics), Error> {
    let named = Model {
        name: config.name,
        namespace: config.namespace.or("default".into()),
        gke: config.gke.map(|gke| clients.gke_cluster(gke)),
        repair: "report".into(),
        ..Model::default()
    };
    let (site, observed) = look(clients, &named).await?;
    if observed.release.is_none() {
        return Err(Error::NotFound { namespace: site.namespace.clone(), name: site.release.clone() });
    }
    let model = refresh(&named, &observed, (&site.namespace, &site.release));
    let warnings = explain(&model, &observed.unjudged);
    Ok((reported(model), warnings))
}

fn reported(model: Model) -> ClusterData {
    ClusterData {
        name: model.name,
        namespace: model.namespace,
        gke: model.gke.map(|gke| GkeCluster {
            project: gke.project,
            location: gke.location,
            cluster: gke.cluster,
        }),
        replicas: model.replicas,
        id: model.id,
        release: model.release,
        objects: model.objects,
        master_endpoint: model.master_endpoint,
        master: model.master,
        replica_endpoints: model.replica_endpoints,
        sentinel_endpoints: model.sentinel_endpoints,
        announce_endpoints: model.announce_endpoints,
        service_endpoint: model.service_endpoint,
        master_group_name: model.master_group_name,
        auth_secret: model.auth_secret,
        redis_version: model.redis_version,
        topology: model.topology,
        health: model.health,
        drift: model.drift,
    }
}

#[cfg(test)]
mod tests {
    use tfplugin_sdk::value::{Value, to_value};

    use super::*;

    #[test]
    fn the_model_has_exactly_the_attributes_of_the_schema() {
        let schema = data_schema();
        let value =
            to_value(&ClusterData::default(), &schema.implied_type()).expect("a model fits its schema");
        let Value::Map(attributes) = value else { panic!("an object, not {value:?}") };
        let modelled: Vec<_> = attributes.keys().collect();
        let described: Vec<_> = schema.attributes.keys().collect();
        assert_eq!(modelled, described);
    }
}
