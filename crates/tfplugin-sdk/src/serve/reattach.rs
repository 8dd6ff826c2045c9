//! Debug mode: a provider that runs by itself, and that any Terraform can be pointed at.

use std::io;
use std::path::Path;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

/// What the user exports so that Terraform finds the provider.
pub(super) fn announcement(address: &str, pid: u32, socket: &Path) -> String {
    let reattach = json!({
        address: {
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": pid,
            "Test": true,
            "Addr": { "Network": "unix", "String": socket.display().to_string() },
        }
    });
    format!(
        "Provider started. Attach Terraform to it with:\n\n\tTF_REATTACH_PROVIDERS='{reattach}'\n\n\
         Press Ctrl-C to stop it."
    )
}

/// Ends when the user wants the provider to stop.
pub(super) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
