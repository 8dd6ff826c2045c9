//! A provider whose one resource is a file, `toy_box`, and whose one data source, `toy_shelf`, tells
//! which there are. It shows how little a provider needs, and the crate's tests run it under a real
//! Terraform.

use std::path::PathBuf;
use std::process::ExitCode;

use tfplugin_sdk::{ServeOptions, serve};

#[path = "toy/provider.rs"]
mod provider;

fn main() -> ExitCode {
    let options = ServeOptions {
        address: "registry.terraform.io/acme/toy",
        version: "0.1.0",
        log_targets: &[env!("CARGO_CRATE_NAME")],
    };
    serve(provider::Toy::in_directory(PathBuf::from(".")), options)
}
