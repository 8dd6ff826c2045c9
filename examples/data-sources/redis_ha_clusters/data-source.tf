data "redis_ha_clusters" "all" {}

output "running" {
  value = { for one in data.redis_ha_clusters.all.clusters : one.id => one.chart_version }
}
