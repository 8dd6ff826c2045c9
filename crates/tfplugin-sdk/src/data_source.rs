//! What a data source implements: one read, from a configuration to an object, over a typed model.
//!
//! Terraform reads a data source only once its configuration is wholly known: at plan if it can,
//! else at apply. The server around it guarantees: the read is only called with a configured
//! provider; what it leaves unknown is an error; a panic becomes an error.

use std::marker::PhantomData;

use async_trait::async_trait;

use crate::attr::Model;
use crate::context::Context;
use crate::diagnostic::Diagnostics;
use crate::resource::{checked, misfit};
use crate::schema::Schema;
use crate::value::{Type, Value, from_value, to_value};

/// A data source type over clients `C`.
#[async_trait]
pub trait DataSource<C: Send + Sync + 'static>: Send + Sync + 'static {
    /// The model of a configuration and of what is read alike.
    type Model: Model;

    fn type_name(&self) -> &'static str;

    fn schema(&self) -> Schema;

    /// Checks a configuration. Values may be unknown; nothing is contacted.
    fn validate(&self, config: Self::Model) -> Diagnostics {
        let _ = config;
        Diagnostics::none()
    }

    /// Reads what the configuration asks for. The configuration is wholly known; what it sets comes
    /// back as it was set. What does not exist is an error: a data source has no 'gone'.
    async fn read(&self, ctx: &Context, clients: &C, config: Self::Model) -> Reading<Self::Model>;
}

/// What a read leaves behind. A reading with an error is not kept.
#[derive(Clone, Debug)]
pub struct Reading<M> {
    pub state: Option<M>,
    pub diagnostics: Diagnostics,
}

impl<M> Reading<M> {
    #[must_use]
    pub fn new(state: M) -> Self {
        Self { state: Some(state), diagnostics: Diagnostics::none() }
    }

    #[must_use]
    pub fn failed(diagnostics: impl Into<Diagnostics>) -> Self {
        Self { state: None, diagnostics: diagnostics.into() }
    }

    #[must_use]
    pub fn with(mut self, diagnostics: Diagnostics) -> Self {
        self.diagnostics.extend(diagnostics);
        self
    }
}

/// A [`DataSource`] over values. Made by [`erase_data_source`]; nothing else implements it.
#[async_trait]
pub trait ErasedDataSource<C: Send + Sync + 'static>: Send + Sync + 'static {
    fn type_name(&self) -> &'static str;
    fn schema(&self) -> Schema;
    fn validate(&self, config: &Value) -> Diagnostics;
    async fn read(&self, ctx: &Context, clients: &C, config: &Value) -> Reading<Value>;
}

/// Hides the model of a data source, so that a provider can list data sources of many models.
pub fn erase_data_source<C: Send + Sync + 'static, D: DataSource<C>>(
    source: D,
) -> Box<dyn ErasedDataSource<C>> {
    let implied = source.schema().implied_type();
    Box::new(Erased { source, implied, clients: PhantomData::<fn(&C)> })
}

struct Erased<D, C> {
    source: D,
    implied: Type,
    clients: PhantomData<fn(&C)>,
}

#[async_trait]
impl<C: Send + Sync + 'static, D: DataSource<C>> ErasedDataSource<C> for Erased<D, C> {
    fn type_name(&self) -> &'static str {
        self.source.type_name()
    }

    fn schema(&self) -> Schema {
        self.source.schema()
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        checked(config, |config| self.source.validate(config))
    }

    async fn read(&self, ctx: &Context, clients: &C, config: &Value) -> Reading<Value> {
        let config = match from_value(config) {
            Ok(config) => config,
            Err(error) => return Reading::failed(misfit("read", &error)),
        };
        let Reading { state, diagnostics } = self.source.read(ctx, clients, config).await;
        match state.map(|state| to_value(&state, &self.implied)).transpose() {
            Ok(state) => Reading { state, diagnostics },
            Err(error) => Reading::failed(diagnostics).with(misfit("read", &error)),
        }
    }
}
