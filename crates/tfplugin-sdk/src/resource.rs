//! What a managed resource implements: one method a lifecycle verb, over a typed model.
//!
//! The server around it guarantees: write-only values are nulled in every result; unknown values
//! that an apply leaves behind are an error; a panic becomes an error that keeps the state there
//! was. Apply verbs and import are only called with a configured provider.

mod erased;

use std::fmt;

use async_trait::async_trait;
use serde_json::Value as Json;

pub use erased::{ErasedOutcome, ErasedPlan, ErasedResource, erase};
pub(crate) use erased::{checked, misfit};

use crate::attr::Model;
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::identity::IdentitySchema;
use crate::path::AttributePath;
use crate::private::Private;
use crate::schema::Schema;
use crate::value::Value;

/// A managed resource type over clients `C`.
#[async_trait]
pub trait Resource<C: Send + Sync + 'static>: Send + Sync + 'static {
    /// The model of a configuration, a plan and a state alike.
    type Model: Model;

    fn type_name(&self) -> &'static str;

    fn schema(&self) -> Schema;

    /// Checks a configuration. Values may be unknown; nothing is contacted.
    fn validate(&self, config: Self::Model) -> Diagnostics {
        let _ = config;
        Diagnostics::none()
    }

    /// Says what apply will make of the resource. `clients` is none while the provider's own
    /// configuration is unknown.
    async fn plan(
        &self,
        ctx: &Context,
        clients: Option<&C>,
        request: PlanRequest<Self::Model>,
    ) -> PlanOutcome<Self::Model>;

    /// Has its say before a destroy: an error here refuses it.
    async fn plan_destroy(
        &self,
        ctx: &Context,
        clients: Option<&C>,
        prior: Self::Model,
        private: Private,
    ) -> (Private, Diagnostics) {
        let _ = (ctx, clients, prior);
        (private, Diagnostics::none())
    }

    /// Makes the resource. On failure the state of what was made is returned with the error:
    /// no state means that nothing was made.
    async fn create(
        &self,
        ctx: &Context,
        clients: &C,
        request: CreateRequest<Self::Model>,
    ) -> Outcome<Self::Model>;

    /// Reads what is live. No state means that it is gone; what cannot be reached is an error.
    async fn read(
        &self,
        ctx: &Context,
        clients: Option<&C>,
        request: ReadRequest<Self::Model>,
    ) -> Outcome<Self::Model>;

    /// Changes the resource in place.
    async fn update(
        &self,
        ctx: &Context,
        clients: &C,
        request: UpdateRequest<Self::Model>,
    ) -> Outcome<Self::Model>;

    /// Deletes the resource. No state means that it is gone; with an error, the state of what is
    /// left (with an error and no state the server keeps the prior state).
    async fn delete(
        &self,
        ctx: &Context,
        clients: &C,
        request: DeleteRequest<Self::Model>,
    ) -> Outcome<Self::Model>;

    /// Finds an existing object by the identifier that the user gave.
    async fn import(&self, ctx: &Context, clients: &C, id: String) -> Outcome<Self::Model> {
        let _ = (ctx, clients);
        Outcome::failed(
            None,
            Diagnostic::error(
                format!("{} cannot be imported", self.type_name()),
                format!("The resource type has no import; {id:?} was not looked up."),
            ),
        )
    }

    /// What tells an instance from all others. Without one, Terraform knows instances by their state
    /// alone, and imports them by id only.
    fn identity_schema(&self) -> Option<IdentitySchema> {
        None
    }

    /// The identity of an instance, a value of the identity schema, made of what stays the same in
    /// all its life.
    fn identity(&self, model: &Self::Model) -> Value {
        let _ = model;
        Value::Null
    }

    /// The identifier for [`Resource::import`] that an identity stands for.
    ///
    /// # Errors
    /// When the identity's attributes do not go together.
    fn import_id(&self, identity: &Value) -> Result<String, Diagnostics> {
        let _ = identity;
        Err(Diagnostic::error(
            format!("{} cannot be imported by identity", self.type_name()),
            "Import it by its id.",
        )
        .into())
    }

    /// Takes over the state of another resource type, which a `moved` block names. Nothing is
    /// contacted; a Read follows. No state and no error means that no such state is taken.
    fn move_state(&self, source: &MoveSource) -> Outcome<Self::Model> {
        let _ = source;
        Outcome::gone()
    }

    /// Brings the state of an older schema version to the present one. The present version itself
    /// never arrives here: the server reads it and drops attributes it no longer knows.
    ///
    /// # Errors
    /// When the version is not one that this resource ever wrote.
    fn upgrade(&self, version: u64, state: Json) -> Result<Self::Model, Diagnostics> {
        drop(state);
        Err(Diagnostic::error(
            format!("State of {} is of another schema version", self.type_name()),
            format!(
                "The state has version {version}, this provider writes version {}. Use the provider version \
                 that wrote the state, or a newer one.",
                self.schema().version
            ),
        )
        .into())
    }
}

/// A change to plan. Create has no prior.
#[derive(Clone, Debug)]
pub struct PlanRequest<M> {
    pub prior: Option<M>,
    /// What the user wrote. Only here do write-only values appear.
    pub config: M,
    /// Terraform's merge: the configuration, with prior values where computed attributes were left out.
    pub proposed: M,
    pub private: Private,
}

/// What apply will do.
#[derive(Clone, Debug)]
pub struct PlanOutcome<M> {
    pub planned: M,
    /// Attributes whose change cannot be made in place. Terraform then plans again without a prior.
    pub requires_replace: Vec<AttributePath>,
    pub private: Private,
    pub diagnostics: Diagnostics,
}

impl<M> PlanOutcome<M> {
    #[must_use]
    pub fn new(planned: M, private: Private) -> Self {
        Self { planned, requires_replace: Vec::new(), private, diagnostics: Diagnostics::none() }
    }

    #[must_use]
    pub fn failed(proposed: M, private: Private, diagnostics: impl Into<Diagnostics>) -> Self {
        Self { planned: proposed, requires_replace: Vec::new(), private, diagnostics: diagnostics.into() }
    }

    #[must_use]
    pub fn replacing(mut self, paths: Vec<AttributePath>) -> Self {
        self.requires_replace = paths;
        self
    }

    #[must_use]
    pub fn with(mut self, diagnostics: Diagnostics) -> Self {
        self.diagnostics.extend(diagnostics);
        self
    }
}

#[derive(Clone, Debug)]
pub struct CreateRequest<M> {
    pub planned: M,
    /// What the user wrote, wholly known, with write-only values.
    pub config: M,
    pub private: Private,
}

#[derive(Clone, Debug)]
pub struct ReadRequest<M> {
    pub state: M,
    pub private: Private,
}

#[derive(Clone, Debug)]
pub struct UpdateRequest<M> {
    pub prior: M,
    pub planned: M,
    /// What the user wrote, wholly known, with write-only values.
    pub config: M,
    pub private: Private,
}

#[derive(Clone, Debug)]
pub struct DeleteRequest<M> {
    pub state: M,
    pub private: Private,
}

/// The state of another resource type, as the state file holds it.
#[derive(Clone)]
pub struct MoveSource {
    /// Such as `registry.terraform.io/hashicorp/helm`.
    pub provider_address: String,
    pub type_name: String,
    pub schema_version: i64,
    pub state: Json,
}

impl fmt::Debug for MoveSource {
    /// Another provider's state may hold anything, so it is never shown.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider_address, type_name, schema_version, .. } = self;
        write!(out, "version {schema_version} of {type_name} of {provider_address}")
    }
}

/// What a verb leaves behind. Partial success is normal: state and error go together.
#[derive(Clone, Debug)]
pub struct Outcome<M> {
    pub state: Option<M>,
    pub private: Private,
    pub diagnostics: Diagnostics,
}

impl<M> Outcome<M> {
    #[must_use]
    pub fn new(state: M, private: Private) -> Self {
        Self { state: Some(state), private, diagnostics: Diagnostics::none() }
    }

    /// The object does not exist (any more).
    #[must_use]
    pub fn gone() -> Self {
        Self { state: None, private: Private::default(), diagnostics: Diagnostics::none() }
    }

    /// The verb failed, and this is what stands.
    #[must_use]
    pub fn failed(state: Option<M>, diagnostics: impl Into<Diagnostics>) -> Self {
        Self { state, private: Private::default(), diagnostics: diagnostics.into() }
    }

    #[must_use]
    pub fn private(mut self, private: Private) -> Self {
        self.private = private;
        self
    }

    #[must_use]
    pub fn with(mut self, diagnostics: Diagnostics) -> Self {
        self.diagnostics.extend(diagnostics);
        self
    }
}
