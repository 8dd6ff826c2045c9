//! The sandbox's one binary: what the user runs, and what it runs again inside the namespaces.

use std::process::ExitCode;

fn main() -> ExitCode {
    sandbox::cli::main()
}
