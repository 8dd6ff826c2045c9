# A cluster that the provider's kubernetes block or the KUBE_* variables lead to: NAMESPACE/NAME.
terraform import redis_ha_cluster.cache default/redis-1

# A GKE cluster: projects/PROJECT/locations/LOCATION/clusters/CLUSTER/NAMESPACE/NAME[/NODE_POOL].
terraform import redis_ha_cluster.cache \
  projects/acme/locations/asia-east1/clusters/prod/default/redis-1/redis
