//! A resource with its model hidden, as the server keeps it: values in, values out.

use std::marker::PhantomData;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::{
    CreateRequest, DeleteRequest, MoveSource, Outcome, PlanRequest, ReadRequest, Resource, UpdateRequest,
};
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::identity::IdentitySchema;
use crate::path::AttributePath;
use crate::private::Private;
use crate::schema::Schema;
use crate::server::BUG;
use crate::value::{Type, Value, ValueError, from_value, to_value};

/// What came of a plan, as a value. None where the verb failed before it had one.
#[derive(Clone, Debug)]
pub struct ErasedPlan {
    pub planned: Option<Value>,
    pub requires_replace: Vec<AttributePath>,
    pub private: Private,
    pub diagnostics: Diagnostics,
}

/// What a verb leaves behind, as a value.
#[derive(Clone, Debug)]
pub struct ErasedOutcome {
    pub state: Option<Value>,
    /// The verb ran, but what it returned fits no state. What it did is not undone by that.
    pub lost: bool,
    pub private: Private,
    pub diagnostics: Diagnostics,
}

/// A [`Resource`] over values. Made by [`erase`]; nothing else implements it.
#[async_trait]
pub trait ErasedResource<C: Send + Sync + 'static>: Send + Sync + 'static {
    fn type_name(&self) -> &'static str;
    fn schema(&self) -> Schema;
    fn validate(&self, config: &Value) -> Diagnostics;
    async fn plan(&self, ctx: &Context, clients: Option<&C>, request: PlanRequest<Value>) -> ErasedPlan;
    async fn plan_destroy(
        &self,
        ctx: &Context,
        clients: Option<&C>,
        prior: &Value,
        private: Private,
    ) -> (Private, Diagnostics);
    async fn create(&self, ctx: &Context, clients: &C, request: CreateRequest<Value>) -> ErasedOutcome;
    async fn read(&self, ctx: &Context, clients: Option<&C>, request: ReadRequest<Value>) -> ErasedOutcome;
    async fn update(&self, ctx: &Context, clients: &C, request: UpdateRequest<Value>) -> ErasedOutcome;
    async fn delete(&self, ctx: &Context, clients: &C, request: DeleteRequest<Value>) -> ErasedOutcome;
    async fn import(&self, ctx: &Context, clients: &C, id: String) -> ErasedOutcome;
    fn identity_schema(&self) -> Option<IdentitySchema>;
    /// # Errors
    /// When the state fits no model.
    fn identity(&self, state: &Value) -> Result<Value, Diagnostics>;
    /// # Errors
    /// When the identity's attributes do not go together.
    fn import_id(&self, identity: &Value) -> Result<String, Diagnostics>;
    fn move_state(&self, source: &MoveSource) -> ErasedOutcome;
    /// # Errors
    /// When the version is unknown or the upgraded model does not fit the schema.
    fn upgrade(&self, version: u64, state: Json) -> Result<Value, Diagnostics>;
}

/// Hides the model of a resource, so that a provider can list resources of many models.
pub fn erase<C: Send + Sync + 'static, R: Resource<C>>(resource: R) -> Box<dyn ErasedResource<C>> {
    let implied = resource.schema().implied_type();
    Box::new(Erased { resource, implied, clients: PhantomData::<fn(&C)> })
}

struct Erased<R, C> {
    resource: R,
    implied: Type,
    clients: PhantomData<fn(&C)>,
}

/// A model that does not fit its schema is a mistake in the provider, found by its first test.
pub(crate) fn misfit(what: &str, error: &ValueError) -> Diagnostics {
    Diagnostic::error(
        format!("The provider's model does not fit its schema in {what}"),
        format!("{error}. {BUG}"),
    )
    .at(error.path().clone())
    .into()
}

/// Runs a check over the model of a configuration.
pub(crate) fn checked<M: DeserializeOwned>(
    config: &Value,
    check: impl FnOnce(M) -> Diagnostics,
) -> Diagnostics {
    match from_value(config) {
        Ok(config) => check(config),
        Err(error) if error.is_bug() => misfit("validate", &error),
        Err(error) => {
            Diagnostic::error("Invalid configuration", error.to_string()).at(error.path().clone()).into()
        }
    }
}

impl<R, C> Erased<R, C> {
    fn outcome<M: serde::Serialize>(&self, what: &str, outcome: Outcome<M>) -> ErasedOutcome {
        let Outcome { state, private, mut diagnostics } = outcome;
        match state.map(|state| to_value(&state, &self.implied)).transpose() {
            Ok(state) => ErasedOutcome { state, lost: false, private, diagnostics },
            Err(error) => {
                diagnostics.extend(misfit(what, &error));
                ErasedOutcome { state: None, lost: true, private, diagnostics }
            }
        }
    }
}

fn failed(what: &str, error: &ValueError) -> ErasedOutcome {
    ErasedOutcome { state: None, lost: false, private: Private::default(), diagnostics: misfit(what, error) }
}

#[async_trait]
impl<C: Send + Sync + 'static, R: Resource<C>> ErasedResource<C> for Erased<R, C> {
    fn type_name(&self) -> &'static str {
        self.resource.type_name()
    }

    fn schema(&self) -> Schema {
        self.resource.schema()
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        checked(config, |config| self.resource.validate(config))
    }

    async fn plan(&self, ctx: &Context, clients: Option<&C>, request: PlanRequest<Value>) -> ErasedPlan {
        let private = request.private.clone();
        let fail = |diagnostics| ErasedPlan {
            planned: None,
            requires_replace: Vec::new(),
            private: private.clone(),
            diagnostics,
        };
        let typed = match typed_plan::<R::Model>(&request) {
            Ok(typed) => typed,
            Err(error) => return fail(misfit("plan", &error)),
        };
        let outcome = self.resource.plan(ctx, clients, typed).await;
        match to_value(&outcome.planned, &self.implied) {
            Ok(planned) => ErasedPlan {
                planned: Some(planned),
                requires_replace: outcome.requires_replace,
                private: outcome.private,
                diagnostics: outcome.diagnostics,
            },
            Err(error) => {
                let mut diagnostics = outcome.diagnostics;
                diagnostics.extend(misfit("plan", &error));
                fail(diagnostics)
            }
        }
    }

    async fn plan_destroy(
        &self,
        ctx: &Context,
        clients: Option<&C>,
        prior: &Value,
        private: Private,
    ) -> (Private, Diagnostics) {
        match from_value(prior) {
            Ok(prior) => self.resource.plan_destroy(ctx, clients, prior, private).await,
            Err(error) => (private, misfit("destroy plan", &error)),
        }
    }

    async fn create(&self, ctx: &Context, clients: &C, request: CreateRequest<Value>) -> ErasedOutcome {
        let typed = || {
            let planned = from_value(&request.planned)?;
            Ok(CreateRequest {
                planned,
                config: from_value(&request.config)?,
                private: request.private.clone(),
            })
        };
        match typed() {
            Ok(typed) => self.outcome("create", self.resource.create(ctx, clients, typed).await),
            Err(error) => failed("create", &error),
        }
    }

    async fn read(&self, ctx: &Context, clients: Option<&C>, request: ReadRequest<Value>) -> ErasedOutcome {
        match from_value(&request.state) {
            Ok(state) => {
                let typed = ReadRequest { state, private: request.private };
                self.outcome("read", self.resource.read(ctx, clients, typed).await)
            }
            Err(error) => failed("read", &error),
        }
    }

    async fn update(&self, ctx: &Context, clients: &C, request: UpdateRequest<Value>) -> ErasedOutcome {
        let typed = || {
            Ok(UpdateRequest {
                prior: from_value(&request.prior)?,
                planned: from_value(&request.planned)?,
                config: from_value(&request.config)?,
                private: request.private.clone(),
            })
        };
        match typed() {
            Ok(typed) => self.outcome("update", self.resource.update(ctx, clients, typed).await),
            Err(error) => failed("update", &error),
        }
    }

    async fn delete(&self, ctx: &Context, clients: &C, request: DeleteRequest<Value>) -> ErasedOutcome {
        match from_value(&request.state) {
            Ok(state) => {
                let typed = DeleteRequest { state, private: request.private };
                self.outcome("delete", self.resource.delete(ctx, clients, typed).await)
            }
            Err(error) => failed("delete", &error),
        }
    }

    async fn import(&self, ctx: &Context, clients: &C, id: String) -> ErasedOutcome {
        self.outcome("import", self.resource.import(ctx, clients, id).await)
    }

    fn identity_schema(&self) -> Option<IdentitySchema> {
        self.resource.identity_schema()
    }

    fn identity(&self, state: &Value) -> Result<Value, Diagnostics> {
        let model = from_value(state).map_err(|error| misfit("identity", &error))?;
        Ok(self.resource.identity(&model))
    }

    fn import_id(&self, identity: &Value) -> Result<String, Diagnostics> {
        self.resource.import_id(identity)
    }

    fn move_state(&self, source: &MoveSource) -> ErasedOutcome {
        self.outcome("move", self.resource.move_state(source))
    }

    fn upgrade(&self, version: u64, state: Json) -> Result<Value, Diagnostics> {
        let model = self.resource.upgrade(version, state)?;
        to_value(&model, &self.implied).map_err(|error| misfit("state upgrade", &error))
    }
}

fn typed_plan<M: DeserializeOwned>(request: &PlanRequest<Value>) -> Result<PlanRequest<M>, ValueError> {
    Ok(PlanRequest {
        prior: request.prior.as_ref().map(from_value).transpose()?,
        config: from_value(&request.config)?,
        proposed: from_value(&request.proposed)?,
        private: request.private.clone(),
    })
}
