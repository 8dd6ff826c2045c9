//! Compiles the wire contracts without a system protoc.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = "../../proto";
    println!("cargo:rerun-if-changed={directory}");
    let files = protox::compile(["tfplugin6.proto", "goplugin.proto"], [directory])?;
    // The client side is built as well: tests speak to the server as Terraform does.
    tonic_prost_build::configure().build_transport(false).compile_fds(files)?;
    Ok(())
}
