//! The Compute API: only the managed instance groups behind the pools.

use serde_json::{Value, json};

use super::Gke;
use super::error::GoogleError;
use super::pool::{Group, group_url};
use crate::controllers::object::list;

impl Gke {
    fn find_group(&self, zone: &str, name: &str) -> Result<(String, Group), GoogleError> {
        let state = self.state();
        let found = state.pools.iter().find_map(|(pool, record)| {
            let group = record.groups.iter().find(|group| group.zone == zone && group.name == name)?;
            Some((pool.clone(), group.clone()))
        });
        found.ok_or_else(|| {
            let project = &self.settings().project;
            let resource = format!(
                "The resource 'projects/{project}/zones/{zone}/instanceGroupManagers/{name}' was not found"
            );
            GoogleError::not_found_compute(resource)
        })
    }

    pub(super) fn get_group(&self, zone: &str, name: &str) -> Result<Value, GoogleError> {
        let (_, group) = self.find_group(zone, name)?;
        let settings = self.settings();
        let base = "https://www.googleapis.com/compute/v1";
        let zone_url = format!("{base}/projects/{}/zones/{zone}", settings.project);
        let is_stable = group.instances.len() == group.target_size as usize;
        Ok(json!({
            "kind": "compute#instanceGroupManager",
            "name": group.name,
            "zone": zone_url,
            "baseInstanceName": group.name.trim_end_matches("-grp"),
            "instanceGroup": format!("{zone_url}/instanceGroups/{name}"),
            "selfLink": group_url(settings, zone, name),
            "targetSize": group.target_size,
            "currentActions": {"none": group.instances.len()},
            "status": {"isStable": is_stable},
        }))
    }

    /// The machines of the group, as `listManagedInstances` shows them.
    pub(super) fn list_managed_instances(&self, zone: &str, name: &str) -> Result<Value, GoogleError> {
        let (_, group) = self.find_group(zone, name)?;
        let project = &self.settings().project;
        let instances: Vec<Value> = group
            .instances
            .iter()
            .map(|instance| {
                json!({
                    "name": instance.name,
                    "id": instance.number.to_string(),
                    "instance": format!("https://www.googleapis.com/compute/v1/projects/{project}/zones/{zone}/instances/{}", instance.name),
                    "instanceStatus": "RUNNING",
                    "currentAction": "NONE",
                })
            })
            .collect();
        Ok(json!({"managedInstances": instances}))
    }

    /// Somebody changes the size behind GKE's back: machines come and go without a drain.
    pub(super) fn resize_group(&self, zone: &str, name: &str, size: &str) -> Result<Value, GoogleError> {
        let (pool, _) = self.find_group(zone, name)?;
        let size: u32 = size
            .parse()
            .map_err(|_| GoogleError::invalid(format!("Invalid value for field 'size': '{size}'.")))?;
        if let Some(record) = self.state().pools.get_mut(&pool) {
            for group in record.groups.iter_mut().filter(|group| group.name == name) {
                group.target_size = size;
            }
        }
        self.fill_groups(&pool);
        for node in self.surplus_of(&pool) {
            self.remove_node(&node);
        }
        Ok(self.group_operation(zone, name, "resize"))
    }

    /// Machines go without a drain, and the group is smaller by them.
    pub(super) fn delete_instances(
        &self,
        zone: &str,
        name: &str,
        body: &Value,
    ) -> Result<Value, GoogleError> {
        let (pool, group) = self.find_group(zone, name)?;
        let asked: Vec<&str> = list(body, "/instances").iter().filter_map(Value::as_str).collect();
        let asked: Vec<&str> = asked.iter().map(|url| url.rsplit('/').next().unwrap_or(url)).collect();
        if asked.is_empty() {
            return Err(GoogleError::invalid("Required field 'instances' not specified"));
        }
        let is_member = |one: &&&str| group.instances.iter().any(|instance| instance.name == **one);
        if let Some(stranger) = asked.iter().find(|one| !is_member(one)) {
            return Err(GoogleError::invalid(format!(
                "Invalid value for field 'instances': '{stranger}'. The instance is not a member of '{name}'."
            )));
        }
        if let Some(record) = self.state().pools.get_mut(&pool) {
            for group in record.groups.iter_mut().filter(|group| group.name == name) {
                let fewer = u32::try_from(asked.len()).unwrap_or(u32::MAX);
                group.target_size = group.target_size.saturating_sub(fewer);
            }
        }
        asked.iter().for_each(|node| self.remove_node(node));
        Ok(self.group_operation(zone, name, "deleteInstances"))
    }

    /// What Compute answers to a change of a group, which is done by then.
    fn group_operation(&self, zone: &str, name: &str, verb: &str) -> Value {
        let project = &self.settings().project;
        json!({
            "kind": "compute#operation",
            "name": format!("operation-{verb}-{name}"),
            "operationType": format!("compute.instanceGroupManagers.{verb}"),
            "targetLink": group_url(self.settings(), zone, name),
            "status": "DONE",
            "progress": 100,
            "zone": format!("https://www.googleapis.com/compute/v1/projects/{project}/zones/{zone}"),
        })
    }
}
