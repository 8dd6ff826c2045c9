//! A panic in a verb is an error of that verb, never the end of the process.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use super::BUG;
use crate::diagnostic::Diagnostic;

/// What a verb panicked with.
pub(super) struct Panic(String);

impl Panic {
    fn new(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Self(text.unwrap_or_else(|| "a panic without a message".to_owned()))
    }

    pub(super) fn diagnostic(&self, rpc: &str) -> Diagnostic {
        let detail =
            format!("{}. {BUG} Please report it with the log of TF_LOG=debug. The state was kept.", self.0);
        Diagnostic::error(format!("The provider failed inside {rpc}"), detail)
    }
}

/// Runs a future to its end or to its panic.
pub(super) async fn guard<F: Future>(future: F) -> Result<F::Output, Panic> {
    let mut future = Box::pin(future);
    poll_fn(move |task| {
        // The future is dropped after a panic and never polled again, so no broken state is seen.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(task))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(payload) => Poll::Ready(Err(Panic::new(payload.as_ref()))),
        }
    })
    .await
}

/// Runs a function to its end or to its panic.
pub(super) fn guard_sync<T>(function: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(function)).map_err(|payload| Panic::new(payload.as_ref()))
}
