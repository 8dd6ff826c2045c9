//! Charts from repositories over HTTP and from OCI registries, and a cache of them on disk.
//!
//! Enters: a [`Source`] (which chart, in which repository, in exactly one version), what the user's own
//! Helm knows of repositories and registries ([`Access`]), and a [`Transport`] that sends requests.
//! Leaves: a [`Pulled`] chart, its archive held against the digest that the index or the manifest
//! promises; with a [`Cache`], no request is sent for a chart that was pulled before.
//! Deliberately absent: version ranges, which would make two plans differ; provenance files; pushing;
//! and an HTTP client, unless the feature `http` is on.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use helm::repository::{Access, Cache, HttpTransport, Source, pull};
//!
//! let source = Source::parse(Some("https://charts.example.com"), "web", Some("1.2.3"))?;
//! let access = Access::from_environment(&|name| std::env::var(name).ok())?;
//! let cache = Cache::at("/var/cache/charts".into());
//! let pulled = pull(&source, &HttpTransport::new(), &access, Some(&cache)).await?;
//! println!("{} {}", pulled.chart.name(), pulled.chart.metadata.version);
//! # Ok(())
//! # }
//! ```

mod access;
mod cache;
mod digest;
mod error;
#[cfg(feature = "http")]
mod http;
mod index;
mod oci;
mod source;
mod transport;

pub use access::Access;
pub use cache::Cache;
pub use error::{Fault, RepositoryError};
#[cfg(feature = "http")]
pub use http::HttpTransport;
pub use source::Source;
pub use transport::{Answer, Authorization, Get, Tls, Transport, TransportError};

use crate::chart::{CHART_BYTES_MAX, Chart};
use source::Location;

/// A chart that came from a repository.
#[derive(Debug, Clone)]
pub struct Pulled {
    pub chart: Chart,
    /// `sha256:` and 64 hex digits, of the archive.
    pub digest: String,
}

/// The chart of a source, from the cache where that has it, else from the repository or registry. What
/// was fetched is put into the cache; a cache that cannot be written to is warned of in the log, and
/// no failure.
///
/// # Errors
/// The repository cannot be reached or refuses, has no such chart or version, or the archive is not the
/// one that was promised or no such chart.
pub async fn pull(
    source: &Source,
    transport: &dyn Transport,
    access: &Access,
    cache: Option<&Cache>,
) -> Result<Pulled, RepositoryError> {
    if let Some(pulled) = cache.and_then(|cache| cached(source, cache)) {
        return Ok(pulled);
    }
    let archive = match &source.location {
        Location::Repository { url, name } => {
            index::fetch(transport, access, url, name, &source.version).await?
        }
        Location::Registry(reference) => oci::fetch(transport, access, reference).await?,
    };
    let pulled = open(source, &archive)?;
    if let Some(cache) = cache
        && let Err(error) = cache.put(&source.identity(), &archive)
    {
        tracing::warn!(%error, chart = %source, "the chart could not be cached");
    }
    Ok(pulled)
}

/// The chart of a source, if the cache has it whole. Sends nothing.
pub fn cached(source: &Source, cache: &Cache) -> Option<Pulled> {
    open(source, &cache.get(&source.identity())?).ok()
}

/// Reads an archive, and holds it against what was asked for.
fn open(source: &Source, archive: &[u8]) -> Result<Pulled, RepositoryError> {
    let unreadable = |error| RepositoryError::Archive { chart: source.to_string(), source: Box::new(error) };
    let chart = Chart::from_archive(archive).map_err(unreadable)?;
    let found = (chart.name(), chart.metadata.version.as_str());
    if found.0 != source.chart_name() || source.version().is_some_and(|wanted| wanted != found.1) {
        let found = format!("{} {}", found.0, found.1);
        return Err(RepositoryError::Another { chart: source.to_string(), found });
    }
    Ok(Pulled { chart, digest: digest::sha256(archive) })
}

/// The largest archive that is downloaded, in bytes. Packed, it is never larger than what it holds.
const ARCHIVE_BYTES_MAX: u64 = CHART_BYTES_MAX;
