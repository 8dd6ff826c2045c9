data "redis_ha_cluster" "cache" {
  name      = "redis-1"
  namespace = "default"
}

# A plan of a module that only consumes the cluster tells that it drifted; it changes nothing.
check "cache_is_as_declared" {
  assert {
    condition     = length(data.redis_ha_cluster.cache.drift) == 0
    error_message = "redis-1 is running otherwise than declared: see the attribute drift."
  }
}

output "sentinel_endpoints" {
  value = data.redis_ha_cluster.cache.sentinel_endpoints
}
