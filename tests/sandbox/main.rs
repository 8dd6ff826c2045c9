//! The whole by its own means: real Terraform and the built provider against the sandbox, where
//! real Redis and real Sentinel run. Each test has a sandbox of its own.

mod adopt;
mod adopt_killed;
mod application;
mod charts;
mod dist;
mod drift;
mod drift_objects;
mod existing;
mod faults;
mod harness;
mod health;
mod import;
mod import_forms;
mod import_refusals;
mod interop;
mod lifecycle;
mod load;
mod module_test;
mod passwords;
mod places;
mod races;
mod refusals;
mod secrets;
mod support;
mod tls;
mod unrecorded;
mod variants;
mod volumes;

/// A cluster on a pool of its own; `more` goes into the resource.
fn configuration(more: &str) -> String {
    format!(
        r#"
terraform {{
  required_providers {{
    redis = {{ source = "redis-ha/redis" }}
  }}
}}

resource "redis_ha_cluster" "cache" {{
  name = "redis-1"
  gke = {{
    cluster   = "sandbox"
    node_pool = {{ name = "redis", machine_type = "e2-highmem-4", node_count = 3 }}
  }}
{more}
}}
"#
    )
}
