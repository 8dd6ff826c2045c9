//! From a command line to a running sandbox and back to nothing.
//!
//! The launcher stays outside: it binds the listeners on 127.0.0.1 and runs `init` in new user, network, mount and
//! process namespaces (`setpriv` → `unshare` → init, process 1 → inside, the servers). One socket joins launcher and
//! inside: the listeners go in over it, "ready" comes out, and its end on either side ends the other.
//! Enters: options, and signals. Leaves: the directory's files, and a tree of processes that the kernel ends with
//! any of its links (parent death signals, and the process namespace). Deliberately absent: what runs inside.

mod control;
mod directory;
mod environment;
mod error;
mod handover;
mod init;
mod inside;
mod launcher;
mod preflight;
mod process;
mod stop;

pub use control::Control;
pub use directory::{Directory, PodSummary, RunningState};
pub use error::LaunchError;
pub use init::run_init;
pub(crate) use inside::run_inside;
pub use launcher::{Launch, Progress};
pub(crate) use preflight::find_program;
pub use process::{ProcessIdentity, child_of};
pub use stop::{Stopped, stop};
