# terraform query, from Terraform 1.14: -generate-config-out=found.tf writes resources and import blocks.
list "redis_ha_cluster" "all" {
  provider = redis

  config {
    namespace = "default"
  }
}
