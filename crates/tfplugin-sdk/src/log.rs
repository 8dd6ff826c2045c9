//! Logs as Terraform reads them: hclog's JSON, one line an event, on stderr.
//!
//! Enters: tracing events and spans. Leaves: lines. Deliberately absent: any other output; stdout
//! belongs to the handshake.

mod hclog;
mod level;

use std::io;
use std::panic::PanicHookInfo;

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use hclog::HclogLayer;

use crate::serve::ServeOptions;

/// Sends this process's logs to stderr, at the level that the environment asks for.
pub(crate) fn start(options: &ServeOptions, variable: impl Fn(&str) -> Option<String>) {
    let level = level::of(options.address, variable);
    let ours = options.log_targets.iter().copied().chain([env!("CARGO_CRATE_NAME")]);
    let targets = ours.fold(
        Targets::new().with_default(level.min(tracing::level_filters::LevelFilter::WARN)),
        |targets, target| targets.with_target(target, level),
    );
    let layer = HclogLayer::new(io::stderr).with_filter(targets);
    // A second start, as tests in one process do, keeps the first.
    let _ = tracing_subscriber::registry().with(layer).try_init();
    std::panic::set_hook(Box::new(log_panic));
}

/// A panic goes to the log as one line; what it means to the user is the verb's diagnostic.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload_as_str().unwrap_or("a panic without a message");
    tracing::error!(location, "the provider panicked: {message}");
}
