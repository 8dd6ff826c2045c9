# Real applies: each run leaves its state to the next, and Terraform destroys everything at the end.
variables {
  gke_cluster = "sandbox"
}

run "creates_a_cluster" {
  assert {
    condition     = length(output.sentinel_endpoints) == 3
    error_message = "three sentinels were wanted, there are ${length(output.sentinel_endpoints)}"
  }

  assert {
    condition     = redis_ha_cluster.cache.master.pod == "redis-1-redis-ha-server-0"
    error_message = "a new cluster's master is its first pod, not ${redis_ha_cluster.cache.master.pod}"
  }
}

run "changes_memory_without_a_failover" {
  variables {
    maxmemory = "200mb"
  }

  assert {
    condition     = output.revision == run.creates_a_cluster.revision + 1
    error_message = "the change was to be one revision of the release"
  }

  assert {
    condition     = redis_ha_cluster.cache.master.pod == "redis-1-redis-ha-server-0"
    error_message = "a setting that Redis takes while it runs moved the master"
  }
}

run "refuses_memory_without_a_unit" {
  command = plan

  variables {
    maxmemory = "200"
  }

  expect_failures = [var.maxmemory]
}
