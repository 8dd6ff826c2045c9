//! Charts of repositories and registries, by what the user's own Helm knows of those.

use helm::chart::Chart;
use helm::repository::{Access, Cache, HttpTransport, RepositoryError, Source, pull};

/// Below the user's cache directory.
const CACHE_NAME: &str = "terraform-provider-redis";

/// How charts are fetched. Nothing is contacted before one is needed.
pub struct Charts {
    transport: HttpTransport,
    /// `None` where the environment names no place for one: then each run fetches anew.
    cache: Option<Cache>,
    /// What is wrong with Helm's files concerns only those who need them.
    access: Result<Access, RepositoryError>,
}

impl Charts {
    pub fn from_environment(lookup: &dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            transport: HttpTransport::new(),
            cache: Cache::of_user(lookup, CACHE_NAME),
            access: Access::from_environment(lookup),
        }
    }

    /// The chart, from the cache where that has it. `told` words what went wrong.
    pub async fn fetch<E>(&self, source: &Source, told: impl Fn(&RepositoryError) -> E) -> Result<Chart, E> {
        let access = self.access.as_ref().map_err(&told)?;
        let pulled = Box::pin(pull(source, &self.transport, access, self.cache.as_ref())).await;
        pulled.map(|pulled| pulled.chart).map_err(|error| told(&error))
    }
}
