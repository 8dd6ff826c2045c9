resource "redis_ha_cluster" "cache" {
  name = "redis-1"
}
