terraform {
  required_providers {
    redis = { source = "redis-ha/redis" }
  }
}

# All of it may be left out: then it is the Application Default Credentials and the environment.
provider "redis" {
  google = {
    project  = "acme"
    location = "asia-east1"
  }
}
