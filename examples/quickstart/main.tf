terraform {
  required_providers {
    redis = { source = "redis-ha/redis" }
  }
}

# The credentials and addresses come from the environment: Application Default Credentials on
# Google Cloud, or what the sandbox's `env` file exports.
provider "redis" {}

variable "project" {
  type    = string
  default = "sandbox"
}

variable "location" {
  type    = string
  default = "asia-east1"
}

variable "cluster" {
  type    = string
  default = "sandbox"
}

resource "redis_ha_cluster" "cache" {
  name = "redis-1"

  gke = {
    project  = var.project
    location = var.location
    cluster  = var.cluster

    node_pool = {
      name         = "redis"
      machine_type = "e2-highmem-4"
      node_count   = 3 # in each zone: each server gets a node of its own
    }
  }

  redis = {
    config = {
      "maxmemory"        = "100mb"
      "maxmemory-policy" = "allkeys-lru"
    }
  }
}

# Stable names: they outlive every failover.
output "sentinel_endpoints" {
  value = redis_ha_cluster.cache.sentinel_endpoints
}

output "master_group_name" {
  value = redis_ha_cluster.cache.master_group_name
}

output "auth_secret_name" {
  value = redis_ha_cluster.cache.auth_secret.name
}

output "auth_secret_key" {
  value = redis_ha_cluster.cache.auth_secret.key
}

# Where the master is right now: these move with a failover.
output "master_endpoint" {
  value = redis_ha_cluster.cache.master_endpoint
}

output "master_pod" {
  value = redis_ha_cluster.cache.master.pod
}

output "replica_endpoints" {
  value = redis_ha_cluster.cache.replica_endpoints
}
