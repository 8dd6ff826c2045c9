# Brings every redis-ha release that runs in a cluster under Terraform, without a change to any of them:
#   terraform init
#   terraform plan      # Plan: N to import, 0 to add, 0 to change, 0 to destroy.
#   terraform apply
# The cluster is that of the KUBE_* variables; a gke block in the data source reaches it through GKE.

terraform {
  required_version = ">= 1.11"

  required_providers {
    redis = { source = "redis-ha/redis" }
  }
}

data "redis_ha_clusters" "all" {}

locals {
  running = { for one in data.redis_ha_clusters.all.clusters : one.id => one }
}

import {
  for_each = local.running
  to       = redis_ha_cluster.all[each.key]
  id       = each.value.id
}

# Whatever is left out stays as it is: the chart, the values, the Secret.
resource "redis_ha_cluster" "all" {
  for_each = local.running

  name      = each.value.name
  namespace = each.value.namespace
}

output "chart_versions" {
  value = { for id, one in local.running : id => one.chart_version }
}
