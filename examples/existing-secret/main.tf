# The password is in a Secret of your own: the provider reads it and never changes or deletes it.

terraform {
  required_providers {
    redis = { source = "redis-ha/redis" }
  }
}

# Credentials and addresses come from the environment: Application Default Credentials on
# Google Cloud, or what the sandbox's `env` file exports.
provider "redis" {}

variable "namespace" {
  type    = string
  default = "default"
}

variable "secret" {
  type        = string
  description = "Made beforehand, in the same namespace: kubectl create secret generic redis-credentials --from-literal=auth=…"
  default     = "redis-credentials"
}

resource "redis_ha_cluster" "cache" {
  name      = "redis-2"
  namespace = var.namespace

  # As with `helm install -f`: later documents win, and attributes win over documents.
  values = [file("${path.module}/values.yaml")]

  sentinel = {
    quorum                  = 2
    down_after_milliseconds = 5000
  }

  auth = {
    existing_secret = var.secret
    secret_key      = "auth"
  }

  deletion_protection = false
}

output "sentinel_endpoints" {
  value = redis_ha_cluster.cache.sentinel_endpoints
}

output "master_group_name" {
  value = redis_ha_cluster.cache.master_group_name
}
