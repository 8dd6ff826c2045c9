//! Charts from repositories and registries, as real Helm makes them, over real HTTP and TLS.

mod http;
mod peer;
mod registry;
mod server;
mod store;

use std::sync::Arc;

use helm::repository::{Access, Cache, HttpTransport, Pulled, RepositoryError, Source, pull};

/// Pulls without a cache.
pub(crate) async fn fetch(
    repository: Option<&str>,
    name: &str,
    version: Option<&str>,
    access: &Access,
) -> Result<Pulled, RepositoryError> {
    let source = Source::parse(repository, name, version)?;
    pull(&source, &HttpTransport::new(), access, None).await
}

/// An error with all its causes, in one line.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// What went wrong, in words; and none of them is a secret.
pub(crate) fn refusal(result: Result<Pulled, RepositoryError>) -> String {
    let text = told(&result.expect_err("a refusal"));
    assert!(!text.contains(server::PASSWORD) && !text.contains(&server::encoded()), "{text}");
    text
}

pub(crate) fn cache() -> (tempfile::TempDir, Arc<Cache>) {
    let directory = tempfile::tempdir().expect("a directory");
    let cache = Cache::at(directory.path().to_path_buf());
    (directory, Arc::new(cache))
}
