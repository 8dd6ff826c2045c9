//! What a list implements: every live instance of a resource type, managed or not, for
//! `terraform query`.

use std::marker::PhantomData;

use async_trait::async_trait;

use crate::attr::Model;
use crate::context::Context;
use crate::diagnostic::Diagnostics;
use crate::resource::{checked, misfit};
use crate::schema::Schema;
use crate::value::{Type, Value, from_value, to_value};

/// Lists the instances of a resource type over clients `C`.
#[async_trait]
pub trait List<C: Send + Sync + 'static>: Send + Sync + 'static {
    /// The model of the list block's own configuration.
    type Config: Model;
    /// The model of the resource that is listed.
    type Resource: Model;

    /// The type of the resource that is listed. It has an identity.
    fn type_name(&self) -> &'static str;

    /// The schema of the list block's own configuration.
    fn schema(&self) -> Schema;

    /// Checks a configuration. Values may be unknown; nothing is contacted.
    fn validate(&self, config: Self::Config) -> Diagnostics {
        let _ = config;
        Diagnostics::none()
    }

    /// Finds instances, in an order that stays the same while they do.
    async fn list(
        &self,
        ctx: &Context,
        clients: &C,
        request: ListRequest<Self::Config>,
    ) -> Listing<Self::Resource>;
}

/// What a list is asked for.
#[derive(Clone, Debug)]
pub struct ListRequest<M> {
    pub config: M,
    /// Whether the whole object is wanted. Otherwise what makes its identity is enough.
    pub whole: bool,
    /// At most so many instances.
    pub limit: usize,
}

/// The instances that were found, and what is to be said of the search as a whole.
#[derive(Clone, Debug)]
pub struct Listing<M> {
    pub found: Vec<Listed<M>>,
    pub diagnostics: Diagnostics,
}

/// One instance.
#[derive(Clone, Debug)]
pub struct Listed<M> {
    /// How a person would call it.
    pub display_name: String,
    pub object: M,
    /// What is to be said of this instance.
    pub diagnostics: Diagnostics,
}

impl<M> Listing<M> {
    #[must_use]
    pub fn failed(diagnostics: impl Into<Diagnostics>) -> Self {
        Self { found: Vec::new(), diagnostics: diagnostics.into() }
    }
}

/// A [`List`] over values. Made by [`erase_list`]; nothing else implements it.
#[async_trait]
pub trait ErasedList<C: Send + Sync + 'static>: Send + Sync + 'static {
    fn type_name(&self) -> &'static str;
    fn schema(&self) -> Schema;
    fn validate(&self, config: &Value) -> Diagnostics;
    /// `shape` is the type of the listed resource's states.
    async fn list(
        &self,
        ctx: &Context,
        clients: &C,
        request: ListRequest<Value>,
        shape: &Type,
    ) -> Listing<Value>;
}

/// Hides the models of a list, so that a provider can name lists of many models.
pub fn erase_list<C: Send + Sync + 'static, L: List<C>>(list: L) -> Box<dyn ErasedList<C>> {
    Box::new(Erased { list, clients: PhantomData::<fn(&C)> })
}

struct Erased<L, C> {
    list: L,
    clients: PhantomData<fn(&C)>,
}

#[async_trait]
impl<C: Send + Sync + 'static, L: List<C>> ErasedList<C> for Erased<L, C> {
    fn type_name(&self) -> &'static str {
        self.list.type_name()
    }

    fn schema(&self) -> Schema {
        self.list.schema()
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        checked(config, |config| self.list.validate(config))
    }

    async fn list(
        &self,
        ctx: &Context,
        clients: &C,
        request: ListRequest<Value>,
        shape: &Type,
    ) -> Listing<Value> {
        let config = match from_value(&request.config) {
            Ok(config) => config,
            Err(error) => return Listing::failed(misfit("list", &error)),
        };
        let typed = ListRequest { config, whole: request.whole, limit: request.limit };
        let Listing { found, mut diagnostics } = self.list.list(ctx, clients, typed).await;
        let mut values = Vec::new();
        for Listed { display_name, object, diagnostics: about } in found {
            match to_value(&object, shape) {
                Ok(object) => values.push(Listed { display_name, object, diagnostics: about }),
                Err(error) => diagnostics.extend(misfit("list", &error)),
            }
        }
        Listing { found: values, diagnostics }
    }
}
