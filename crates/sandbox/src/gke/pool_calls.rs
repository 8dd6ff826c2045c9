//! The calls on node pools: each checks, changes the record, and starts its operation.

use serde_json::{Value, json};

use super::checks::check_autoscaling;
use super::defaults::autoscaling_bounds;
use super::error::GoogleError;
use super::operation::OperationKind;
use super::pool::Pool;
use super::update::plan_update;
use super::{Gke, Settings};

impl Gke {
    fn pool_path(&self, pool: &str) -> String {
        let Settings { project, location, cluster, .. } = self.settings();
        format!("projects/{project}/locations/{location}/clusters/{cluster}/nodePools/{pool}")
    }

    fn find_pool(&self, pool: &str) -> Result<Pool, GoogleError> {
        let found = self.state().pools.get(pool).cloned();
        found.ok_or_else(|| GoogleError::not_found(&self.pool_path(pool)))
    }

    fn change_pool(&self, pool: &str, change: impl FnOnce(&mut Pool)) {
        if let Some(pool) = self.state().pools.get_mut(pool) {
            change(pool);
        }
    }

    pub(super) fn get_pool(&self, pool: &str) -> Result<Value, GoogleError> {
        Ok(self.find_pool(pool)?.render(self.settings()))
    }

    pub(super) fn list_pools(&self) -> Value {
        let state = self.state();
        let pools: Vec<Value> = state.pools.values().map(|pool| pool.render(self.settings())).collect();
        json!({"nodePools": pools})
    }

    pub(super) fn create_pool(&self, body: &Value) -> Result<Value, GoogleError> {
        let mut pool = Pool::parse_request(self.settings(), &body["nodePool"])?;
        let name = pool.name().to_owned();
        if self.state().pools.contains_key(&name) {
            return Err(GoogleError::already_exists(&self.pool_path(&name)));
        }
        pool.set_status("PROVISIONING");
        self.start(OperationKind::CreateNodePool, &name.clone(), |gke, _| {
            gke.state().pools.insert(name.clone(), pool);
            async move {
                tokio::time::sleep(gke.settings().operation_time / 4).await;
                gke.fill_groups(&name);
                gke.change_pool(&name, |pool| pool.set_status("RUNNING"));
                Ok(())
            }
        })
    }

    pub(super) fn delete_pool(&self, name: &str) -> Result<Value, GoogleError> {
        self.find_pool(name)?;
        let name = name.to_owned();
        self.start(OperationKind::DeleteNodePool, &name.clone(), |gke, ongoing| {
            gke.change_pool(&name, |pool| pool.set_status("STOPPING"));
            async move {
                let result = gke.retire(gke.nodes_of(&name), &ongoing).await;
                match result {
                    Ok(()) => drop(gke.state().pools.shift_remove(&name)),
                    Err(_) => gke.change_pool(&name, |pool| pool.set_status("RUNNING_WITH_ERROR")),
                }
                result
            }
        })
    }

    pub(super) fn set_pool_size(&self, name: &str, body: &Value) -> Result<Value, GoogleError> {
        self.find_pool(name)?;
        let size = body["nodeCount"].as_i64().unwrap_or(0);
        let size = u32::try_from(size)
            .map_err(|_| GoogleError::invalid("Node pool size must be greater than or equal to 0."))?;
        let name = name.to_owned();
        self.start(OperationKind::SetNodePoolSize, &name.clone(), |gke, ongoing| {
            gke.change_pool(&name, |pool| {
                pool.set_status("RECONCILING");
                for group in &mut pool.groups {
                    group.target_size = size;
                }
            });
            async move {
                gke.fill_groups(&name);
                let result = gke.retire(gke.surplus_of(&name), &ongoing).await;
                gke.change_pool(&name, |pool| pool.set_status("RUNNING"));
                result
            }
        })
    }

    pub(super) fn set_management(&self, name: &str, body: &Value) -> Result<Value, GoogleError> {
        self.find_pool(name)?;
        let management = body
            .get("management")
            .filter(|management| management.is_object())
            .cloned()
            .ok_or_else(|| GoogleError::invalid("Node management must be specified."))?;
        let name = name.to_owned();
        self.start(OperationKind::SetNodePoolManagement, &name.clone(), |gke, _| async move {
            gke.change_pool(&name, |pool| pool.resource["management"] = management);
            Ok(())
        })
    }

    /// Sets the limits; sizes outside them are brought inside, as the autoscaler would.
    pub(super) fn set_autoscaling(&self, name: &str, body: &Value) -> Result<Value, GoogleError> {
        self.find_pool(name)?;
        let autoscaling = body.get("autoscaling").cloned().unwrap_or_else(|| json!({}));
        check_autoscaling(&autoscaling)?;
        let name = name.to_owned();
        self.start(OperationKind::UpdateNodePool, &name.clone(), |gke, ongoing| async move {
            gke.change_pool(&name, |pool| {
                if let Some((low, high)) = autoscaling_bounds(&autoscaling) {
                    for group in &mut pool.groups {
                        group.target_size = group.target_size.clamp(low, high);
                    }
                }
                pool.resource["autoscaling"] = autoscaling;
            });
            gke.fill_groups(&name);
            gke.retire(gke.surplus_of(&name), &ongoing).await
        })
    }

    /// What gcloud asks of a cluster that is about one of its pools: limits, a version, an image type.
    pub(super) fn update_cluster(&self, body: &Value) -> Result<Value, GoogleError> {
        let update = &body["update"];
        let pool = update["desiredNodePoolId"].as_str().filter(|pool| !pool.is_empty());
        let pool = pool.unwrap_or("default-pool");
        let is_asked = |field: &str| !matches!(&update[field], Value::Null) && update[field] != "";
        if is_asked("desiredNodePoolAutoscaling") {
            let limits = json!({"autoscaling": update["desiredNodePoolAutoscaling"]});
            return self.set_autoscaling(pool, &limits);
        }
        if is_asked("desiredNodeVersion") || is_asked("desiredImageType") {
            let version = &update["desiredNodeVersion"];
            return self.update_pool(
                pool,
                &json!({"nodeVersion": version, "imageType": update["desiredImageType"]}),
            );
        }
        Err(GoogleError::unimplemented(
            "The sandbox changes no cluster, only its node pools: their autoscaling, version and image type.",
        ))
    }

    pub(super) fn update_pool(&self, name: &str, body: &Value) -> Result<Value, GoogleError> {
        let pool = self.find_pool(name)?;
        let etag = body["etag"].as_str().unwrap_or_default();
        if !etag.is_empty() && pool.render(self.settings())["etag"] != etag {
            return Err(GoogleError::precondition("The etag of the node pool does not match."));
        }
        let change = plan_update(&pool, body, &self.settings().version)?;
        let mut changed = Pool { resource: change.resource, groups: pool.groups };
        let mut leaving = Vec::new();
        if let Some(zones) = &change.zones {
            let size = changed.groups.first().map_or(0, |group| group.target_size);
            leaving = changed.set_zones(self.settings(), zones, size)?;
        }
        let kind =
            if change.is_upgrade { OperationKind::UpgradeNodes } else { OperationKind::UpdateNodePool };
        let name = name.to_owned();
        self.start(kind, &name.clone(), |gke, ongoing| {
            changed.set_status("RECONCILING");
            gke.state().pools.insert(name.clone(), changed);
            async move {
                gke.relabel(&name);
                gke.fill_groups(&name);
                let nodes = leaving.into_iter().flat_map(|group| group.instances);
                let mut result = gke.retire(nodes.map(|instance| instance.name).collect(), &ongoing).await;
                if result.is_ok() && change.rolls_nodes {
                    result = gke.roll(&name, &ongoing).await;
                }
                gke.change_pool(&name, |pool| pool.set_status("RUNNING"));
                result
            }
        })
    }
}
