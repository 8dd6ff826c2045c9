//! The provider's process: serves `redis` to Terraform.

use std::process::ExitCode;

use provider_redis::provider::RedisProvider;
use tfplugin_sdk::{ServeOptions, serve};

fn main() -> ExitCode {
    let options = ServeOptions {
        address: "registry.terraform.io/redis-ha/redis",
        version: env!("CARGO_PKG_VERSION"),
        log_targets: &["provider_redis", "helm", "tfplugin_sdk"],
    };
    serve(RedisProvider, options)
}
