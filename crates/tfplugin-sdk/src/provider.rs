//! What a provider implements.

use async_trait::async_trait;
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::data_source::ErasedDataSource;
use crate::diagnostic::Diagnostics;
use crate::list::ErasedList;
use crate::resource::ErasedResource;
use crate::schema::Schema;

/// A provider: its configuration, the clients made of it, its resources and data sources.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The model of the provider block.
    type Config: DeserializeOwned + Send;
    /// What resources and data sources work with once the provider is configured.
    type Clients: Send + Sync + 'static;

    fn schema(&self) -> Schema;

    /// Checks the provider block. Values may be unknown; nothing is contacted.
    fn validate(&self, config: Self::Config) -> Diagnostics {
        let _ = config;
        Diagnostics::none()
    }

    /// Makes the clients. Values may be unknown at plan: then [`Configured::unknown`] lets the
    /// resources work without clients instead of failing.
    async fn configure(&self, ctx: &Context, config: Self::Config) -> Configured<Self::Clients>;

    /// Every resource type, each made by [`crate::erase`].
    fn resources(&self) -> Vec<Box<dyn ErasedResource<Self::Clients>>>;

    /// Every data source type, each made by [`crate::erase_data_source`].
    fn data_sources(&self) -> Vec<Box<dyn ErasedDataSource<Self::Clients>>> {
        Vec::new()
    }

    /// Every resource type that can be listed, each made by [`crate::erase_list`].
    fn lists(&self) -> Vec<Box<dyn ErasedList<Self::Clients>>> {
        Vec::new()
    }
}

/// What came of configuring a provider.
#[derive(Debug)]
pub struct Configured<C> {
    /// None where the configuration is unknown or wrong.
    pub clients: Option<C>,
    pub diagnostics: Diagnostics,
}

impl<C> Configured<C> {
    #[must_use]
    pub fn ready(clients: C) -> Self {
        Self { clients: Some(clients), diagnostics: Diagnostics::none() }
    }

    /// The configuration is not known yet: verbs get no clients, and apply is refused by the server.
    #[must_use]
    pub fn unknown() -> Self {
        Self { clients: None, diagnostics: Diagnostics::none() }
    }

    #[must_use]
    pub fn failed(diagnostics: impl Into<Diagnostics>) -> Self {
        Self { clients: None, diagnostics: diagnostics.into() }
    }

    #[must_use]
    pub fn with(mut self, diagnostics: Diagnostics) -> Self {
        self.diagnostics.extend(diagnostics);
        self
    }
}
