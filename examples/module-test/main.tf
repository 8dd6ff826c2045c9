# A module as you may have one: it makes a cluster and says how to reach it. Its tests are in
# tests/cluster.tftest.hcl; the sandbox's guide shows how to run them.
terraform {
  required_providers {
    redis = { source = "redis-ha/redis" }
  }
}

variable "gke_cluster" {
  description = "The GKE cluster that the Redis cluster goes to."
  type        = string
}

variable "maxmemory" {
  description = "How much memory each server may fill, such as 100mb."
  type        = string
  default     = "100mb"

  validation {
    condition     = can(regex("^[1-9][0-9]*(mb|gb)$", var.maxmemory))
    error_message = "Write a number of megabytes or gigabytes, such as 100mb."
  }
}

resource "redis_ha_cluster" "cache" {
  name = "redis-1"

  gke = {
    cluster   = var.gke_cluster
    node_pool = { name = "redis", machine_type = "e2-highmem-4", node_count = 3 }
  }

  redis = {
    config = { "maxmemory" = var.maxmemory }
  }
}

output "sentinel_endpoints" {
  value = redis_ha_cluster.cache.sentinel_endpoints
}

output "revision" {
  value = redis_ha_cluster.cache.release.revision
}
