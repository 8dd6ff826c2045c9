//! The data source `redis_ha_clusters` and the list `redis_ha_cluster`: what runs already, each with
//! the id and the identity that import takes.

use serde::{Deserialize, Serialize};
use tfplugin_sdk::{
    Attr, Attribute, Context, DataSource, Diagnostic, Diagnostics, List, ListRequest, Listed, Listing,
    Reading, Schema, async_trait, path,
};

use super::clients::Clients;
use super::diagnostics::{diagnostic, failed};
use super::error::Error;
use super::gather::cluster_id;
use super::import_id::{GkeId, ImportId};
use super::model::{GkeCluster, Model};
use super::read::look;
use super::refresh::refresh;
use super::scan::{Found, scan};

/// Where to look. One shape for the data source and the list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Place {
    namespace: Attr<String>,
    gke: Attr<GkeCluster>,
}

fn place() -> [(&'static str, Attribute); 2] {
    let gke = [
        ("project", Attribute::string("Google Cloud project. The provider's when left out.").optional()),
        ("location", Attribute::string("Region or zone. The provider's when left out.").optional()),
        ("cluster", Attribute::string("Name of the GKE cluster.").required()),
    ];
    [
        ("namespace", Attribute::string("Only releases in this namespace.").optional()),
        (
            "gke",
            Attribute::single(
                "The GKE cluster to look into. When left out, the cluster of the provider's `kubernetes` block or of \
                 the `KUBE_*` variables.",
                gke,
            )
            .optional(),
        ),
    ]
}

impl Place {
    /// A state in which only the place is set, as far as the configuration and the provider name it.
    fn model(&self, clients: &Clients) -> Result<Model, Diagnostics> {
        let Some(gke) = self.gke.known() else { return Ok(Model::default()) };
        let said = clients.gke_cluster(gke.clone());
        if said.project.is_null() || said.location.is_null() {
            let detail = "Neither the gke block nor the provider's google block nor a GOOGLE_* variable says the \
                          project and the location of the GKE cluster.";
            return Err(Diagnostic::error("The GKE cluster is named in part", detail)
                .at(path!["gke"])
                .into());
        }
        Ok(Model { gke: Attr::Known(said), ..Model::default() })
    }

    async fn scan(&self, clients: &Clients) -> Result<(Vec<Instance>, Diagnostics), Diagnostics> {
        let place = self.model(clients)?;
        let scanned = async {
            let kubernetes = clients.kubernetes(cluster_id(&place, clients).as_ref()).await?;
            scan(&kubernetes, self.namespace.as_str()).await
        };
        let (found, unread) = scanned.await.map_err(|error: Error| failed("look for releases", &error))?;
        let unread = unread.iter().map(|text| Diagnostic::warning("A release record cannot be read", text));
        let instance = |found: Found| Instance {
            model: Model {
                name: found.name.as_str().into(),
                namespace: found.namespace.as_str().into(),
                ..place.clone()
            },
            found,
        };
        Ok((found.into_iter().map(instance).collect(), unread.collect()))
    }
}

/// A release with a state in which only its names are set.
struct Instance {
    found: Found,
    model: Model,
}

impl Instance {
    fn import_id(&self) -> String {
        let text = |attribute: &Attr<String>| attribute.as_str().unwrap_or_default().to_owned();
        let gke = self.model.gke.known().map(|gke| GkeId {
            project: text(&gke.project),
            location: text(&gke.location),
            cluster: text(&gke.cluster),
            node_pool: None,
        });
        ImportId { gke, namespace: text(&self.model.namespace), name: text(&self.model.name) }.to_string()
    }
}

/// The data source `redis_ha_clusters`.
pub struct RedisHaClusters;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Clusters {
    namespace: Attr<String>,
    gke: Attr<GkeCluster>,
    clusters: Attr<Vec<Attr<Summary>>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Summary {
    id: Attr<String>,
    namespace: Attr<String>,
    name: Attr<String>,
    chart_version: Attr<String>,
    app_version: Attr<String>,
    revision: Attr<i64>,
    status: Attr<String>,
}

pub fn clusters_schema() -> Schema {
    let text = |description: &str| Attribute::string(description).computed();
    let clusters = [
        ("id", text("What `terraform import` and an `import` block take.")),
        ("namespace", text("Namespace of the release.")),
        ("name", text("Name of the release.")),
        ("chart_version", text("Version of its chart.")),
        ("app_version", text("Version of Redis that the chart names.")),
        (
            "revision",
            Attribute::number("Newest revision of the release; 0 where no record of it is left.").computed(),
        ),
        ("status", text("Status of that revision, in Helm's words.")),
    ];
    let found = Attribute::nested_list("The releases, ordered by namespace and name.", clusters).computed();
    let attributes = place().into_iter().chain([("clusters", found)]);
    Schema::new(
        "The redis-ha releases that run already, of any chart version, managed or not: what `import` blocks are \
         made of.",
        attributes,
    )
}

#[async_trait]
impl DataSource<Clients> for RedisHaClusters {
    type Model = Clusters;

    fn type_name(&self) -> &'static str {
        "redis_ha_clusters"
    }

    fn schema(&self) -> Schema {
        clusters_schema()
    }

    async fn read(&self, _: &Context, clients: &Clients, config: Clusters) -> Reading<Clusters> {
        let place = Place { namespace: config.namespace.clone(), gke: config.gke.clone() };
        match place.scan(clients).await {
            Ok((found, warnings)) => {
                let clusters = found.iter().map(|instance| Attr::Known(summary(instance))).collect();
                Reading::new(Clusters { clusters: Attr::Known(clusters), ..config }).with(warnings)
            }
            Err(diagnostics) => Reading::failed(diagnostics),
        }
    }
}

fn summary(instance: &Instance) -> Summary {
    let found = &instance.found;
    Summary {
        id: instance.import_id().into(),
        namespace: found.namespace.as_str().into(),
        name: found.name.as_str().into(),
        chart_version: found.chart_version.as_str().into(),
        app_version: found.app_version.as_str().into(),
        revision: i64::try_from(found.revision).unwrap_or(i64::MAX).into(),
        status: found.status.into(),
    }
}

/// The list `redis_ha_cluster`, for `terraform query`.
pub struct RedisHaClusterList;

#[async_trait]
impl List<Clients> for RedisHaClusterList {
    type Config = Place;
    type Resource = Model;

    fn type_name(&self) -> &'static str {
        "redis_ha_cluster"
    }

    fn schema(&self) -> Schema {
        Schema::new("The redis-ha releases that run already, of any chart version.", place())
    }

    async fn list(&self, _: &Context, clients: &Clients, request: ListRequest<Place>) -> Listing<Model> {
        let (instances, diagnostics) = match request.config.scan(clients).await {
            Ok(found) => found,
            Err(diagnostics) => return Listing::failed(diagnostics),
        };
        let mut found = Vec::new();
        for instance in instances.into_iter().take(request.limit) {
            let display_name = format!("{}/{}", instance.found.namespace, instance.found.name);
            let (object, diagnostics) = match request.whole {
                true => whole(clients, instance.model).await,
                false => (instance.model, Diagnostics::none()),
            };
            found.push(Listed { display_name, object, diagnostics });
        }
        Listing { found, diagnostics }
    }
}

/// The object as an import would have it. One that cannot be read is told by its names.
async fn whole(clients: &Clients, named: Model) -> (Model, Diagnostics) {
    match look(clients, &named).await {
        Ok((site, observed)) => {
            (refresh(&named, &observed, (&site.namespace, &site.release)), Diagnostics::none())
        }
        Err(error) => {
            let told = diagnostic("read the cluster", &error);
            (named, Diagnostic::warning(told.summary, told.detail).into())
        }
    }
}
