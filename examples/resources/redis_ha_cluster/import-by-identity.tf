import {
  to = redis_ha_cluster.cache
  identity = {
    namespace = "default"
    name      = "redis-1"
    # Where the cluster is reached through GKE:
    project  = "acme"
    location = "asia-east1"
    cluster  = "prod"
  }
}
