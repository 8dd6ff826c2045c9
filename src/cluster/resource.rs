//! The resource's verbs, one line each: what they do is in the file of the verb's name.

use tfplugin_sdk::{
    Context, CreateRequest, DeleteRequest, Diagnostics, IdentitySchema, MoveSource, Outcome, PlanOutcome,
    PlanRequest, Private, ReadRequest, Resource, Schema, UpdateRequest, Value, async_trait,
};

use super::clients::Clients;
use super::model::Model;
use super::{cluster_schema, create, delete, identity, import, moved, planning, read, update, validating};

/// `redis_ha_cluster`.
pub struct RedisHaCluster;

#[async_trait]
impl Resource<Clients> for RedisHaCluster {
    type Model = Model;

    fn type_name(&self) -> &'static str {
        "redis_ha_cluster"
    }

    fn schema(&self) -> Schema {
        cluster_schema()
    }

    fn validate(&self, config: Model) -> Diagnostics {
        validating::validate_config(&config)
    }

    async fn plan(
        &self,
        _: &Context,
        clients: Option<&Clients>,
        request: PlanRequest<Model>,
    ) -> PlanOutcome<Model> {
        Box::pin(planning::plan_change(clients, request)).await
    }

    async fn plan_destroy(
        &self,
        _: &Context,
        _: Option<&Clients>,
        prior: Model,
        private: Private,
    ) -> (Private, Diagnostics) {
        (private, delete::refuse_protected(&prior))
    }

    async fn create(
        &self,
        ctx: &Context,
        clients: &Clients,
        request: CreateRequest<Model>,
    ) -> Outcome<Model> {
        Box::pin(create::create(ctx, clients, request)).await
    }

    async fn read(
        &self,
        _: &Context,
        clients: Option<&Clients>,
        request: ReadRequest<Model>,
    ) -> Outcome<Model> {
        Box::pin(read::read(clients, request)).await
    }

    async fn update(
        &self,
        ctx: &Context,
        clients: &Clients,
        request: UpdateRequest<Model>,
    ) -> Outcome<Model> {
        Box::pin(update::update(ctx, clients, request)).await
    }

    async fn delete(
        &self,
        ctx: &Context,
        clients: &Clients,
        request: DeleteRequest<Model>,
    ) -> Outcome<Model> {
        Box::pin(delete::delete(ctx, clients, request)).await
    }

    async fn import(&self, _: &Context, clients: &Clients, id: String) -> Outcome<Model> {
        Box::pin(import::import(clients, &id)).await
    }

    fn identity_schema(&self) -> Option<IdentitySchema> {
        Some(identity::identity_schema())
    }

    fn identity(&self, model: &Model) -> Value {
        identity::identity(model)
    }

    fn import_id(&self, identity: &Value) -> Result<String, Diagnostics> {
        identity::import_id(identity)
    }

    fn move_state(&self, source: &MoveSource) -> Outcome<Model> {
        moved::move_state(source)
    }
}
