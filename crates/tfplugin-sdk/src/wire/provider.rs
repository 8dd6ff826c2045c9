//! Every RPC of tfplugin6.Provider as a call of the server.

use std::sync::Arc;
use std::vec::IntoIter;

use tokio_stream::Iter;
use tonic::{Request, Response, Status, async_trait};
use tracing::Instrument;

use super::convert::{absent, diagnostics, dynamic, encoded, identity_data, path, standing};
use super::pb::tfplugin6 as pb;
use super::schema::{identity_schema, schema};
use crate::provider::Provider;
use crate::server::{Server, apply, identity, import, list, move_state, plan, read, read_data, upgrade};

/// The gRPC service in front of a server.
pub(super) struct ProviderService<P: Provider>(pub(super) Arc<Server<P>>);

type Answer<T> = Result<Response<T>, Status>;

#[expect(
    clippy::unnecessary_wraps,
    reason = "every RPC answers with a gRPC result, and ours never fail as such"
)]
fn answer<T>(message: T) -> Answer<T> {
    Ok(Response::new(message))
}

fn capabilities() -> pb::ServerCapabilities {
    pb::ServerCapabilities {
        plan_destroy: true,
        get_provider_schema_optional: true,
        move_resource_state: true,
    }
}

/// The span under which a verb logs, in the names that Terraform's own tools look for.
fn span(rpc: &'static str, resource: &str) -> tracing::Span {
    tracing::debug_span!("rpc", tf_rpc = rpc, tf_resource_type = resource)
}

#[async_trait]
impl<P: Provider> pb::provider_server::Provider for ProviderService<P> {
    async fn get_metadata(
        &self,
        _: Request<pb::get_metadata::Request>,
    ) -> Answer<pb::get_metadata::Response> {
        let resources = self
            .0
            .resource_schemas()
            .map(|(name, _)| pb::get_metadata::ResourceMetadata { type_name: name.to_owned() });
        let data_sources = self
            .0
            .data_source_schemas()
            .map(|(name, _)| pb::get_metadata::DataSourceMetadata { type_name: name.to_owned() });
        let lists = self
            .0
            .list_schemas()
            .map(|(name, _)| pb::get_metadata::ListResourceMetadata { type_name: name.to_owned() });
        answer(pb::get_metadata::Response {
            server_capabilities: Some(capabilities()),
            resources: resources.collect(),
            data_sources: data_sources.collect(),
            list_resources: lists.collect(),
            ..Default::default()
        })
    }

    async fn get_provider_schema(
        &self,
        _: Request<pb::get_provider_schema::Request>,
    ) -> Answer<pb::get_provider_schema::Response> {
        let resources = self.0.resource_schemas().map(|(name, one)| (name.to_owned(), schema(one)));
        let sources = self.0.data_source_schemas().map(|(name, one)| (name.to_owned(), schema(one)));
        let lists = self.0.list_schemas().map(|(name, one)| (name.to_owned(), schema(one)));
        answer(pb::get_provider_schema::Response {
            provider: Some(schema(self.0.schema())),
            resource_schemas: resources.collect(),
            data_source_schemas: sources.collect(),
            list_resource_schemas: lists.collect(),
            server_capabilities: Some(capabilities()),
            ..Default::default()
        })
    }

    async fn validate_provider_config(
        &self,
        request: Request<pb::validate_provider_config::Request>,
    ) -> Answer<pb::validate_provider_config::Response> {
        let config = encoded(request.into_inner().config);
        let found = span("ValidateProviderConfig", "").in_scope(|| self.0.validate_provider(&config));
        answer(pb::validate_provider_config::Response { diagnostics: diagnostics(&found) })
    }

    async fn configure_provider(
        &self,
        request: Request<pb::configure_provider::Request>,
    ) -> Answer<pb::configure_provider::Response> {
        let request = request.into_inner();
        let config = encoded(request.config);
        let verb = self.0.configure(&request.terraform_version, &config);
        let found = verb.instrument(span("ConfigureProvider", "")).await;
        answer(pb::configure_provider::Response { diagnostics: diagnostics(&found) })
    }

    async fn stop_provider(
        &self,
        _: Request<pb::stop_provider::Request>,
    ) -> Answer<pb::stop_provider::Response> {
        tracing::info!(tf_rpc = "StopProvider", "Terraform was interrupted: what is in flight is cancelled");
        self.0.stop();
        answer(pb::stop_provider::Response::default())
    }

    async fn validate_resource_config(
        &self,
        request: Request<pb::validate_resource_config::Request>,
    ) -> Answer<pb::validate_resource_config::Response> {
        let request = request.into_inner();
        let (name, config) = (request.type_name, encoded(request.config));
        let found =
            span("ValidateResourceConfig", &name).in_scope(|| self.0.validate_resource(&name, &config));
        answer(pb::validate_resource_config::Response { diagnostics: diagnostics(&found) })
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<pb::upgrade_resource_state::Request>,
    ) -> Answer<pb::upgrade_resource_state::Response> {
        let request = request.into_inner();
        let json = request.raw_state.map(|raw| raw.json).filter(|json| !json.is_empty());
        let native = upgrade::Request { type_name: request.type_name, version: request.version, json };
        let done = span("UpgradeResourceState", &native.type_name).in_scope(|| self.0.upgrade(&native));
        answer(pb::upgrade_resource_state::Response {
            upgraded_state: done.state.map(dynamic),
            diagnostics: diagnostics(&done.diagnostics),
        })
    }

    async fn read_resource(
        &self,
        request: Request<pb::read_resource::Request>,
    ) -> Answer<pb::read_resource::Response> {
        let pb::read_resource::Request { type_name, current_state, private, current_identity, .. } =
            request.into_inner();
        let span = span("ReadResource", &type_name);
        let identity = current_identity.and_then(standing);
        let native = read::Request { type_name, state: encoded(current_state), private, identity };
        let done = self.0.read(native).instrument(span).await;
        answer(pb::read_resource::Response {
            new_state: done.state.map(dynamic),
            diagnostics: diagnostics(&done.diagnostics),
            private: done.private,
            deferred: None,
            new_identity: done.identity.map(identity_data),
        })
    }

    async fn plan_resource_change(
        &self,
        request: Request<pb::plan_resource_change::Request>,
    ) -> Answer<pb::plan_resource_change::Response> {
        let request = request.into_inner();
        let span = span("PlanResourceChange", &request.type_name);
        let native = plan::Request {
            type_name: request.type_name,
            prior: encoded(request.prior_state),
            proposed: encoded(request.proposed_new_state),
            config: encoded(request.config),
            private: request.prior_private,
            identity: request.prior_identity.and_then(standing),
        };
        let done = self.0.plan(native).instrument(span).await;
        answer(pb::plan_resource_change::Response {
            planned_state: done.planned.map(dynamic),
            requires_replace: done.requires_replace.iter().map(path).collect(),
            planned_private: done.private,
            diagnostics: diagnostics(&done.diagnostics),
            legacy_type_system: false,
            deferred: None,
            planned_identity: done.identity.map(identity_data),
        })
    }

    async fn apply_resource_change(
        &self,
        request: Request<pb::apply_resource_change::Request>,
    ) -> Answer<pb::apply_resource_change::Response> {
        let request = request.into_inner();
        let span = span("ApplyResourceChange", &request.type_name);
        let native = apply::Request {
            type_name: request.type_name,
            prior: encoded(request.prior_state),
            planned: encoded(request.planned_state),
            config: encoded(request.config),
            private: request.planned_private,
            identity: request.planned_identity.and_then(standing),
        };
        let done = self.0.apply(native).instrument(span).await;
        answer(pb::apply_resource_change::Response {
            new_state: done.state.map(dynamic),
            private: done.private,
            diagnostics: diagnostics(&done.diagnostics),
            legacy_type_system: false,
            new_identity: done.identity.map(identity_data),
        })
    }

    async fn import_resource_state(
        &self,
        request: Request<pb::import_resource_state::Request>,
    ) -> Answer<pb::import_resource_state::Response> {
        let pb::import_resource_state::Request { type_name, id, identity: named, .. } = request.into_inner();
        let span = span("ImportResourceState", &type_name);
        let target = match named.and_then(|named| named.identity_data) {
            Some(named) => import::Target::Identity(encoded(Some(named))),
            None => import::Target::Id(id),
        };
        let done = self.0.import(import::Request { type_name, target }).instrument(span).await;
        let imported = done.imported.map(|found| pb::import_resource_state::ImportedResource {
            type_name: found.type_name,
            state: Some(dynamic(found.state)),
            private: found.private,
            identity: found.identity.map(identity_data),
        });
        answer(pb::import_resource_state::Response {
            imported_resources: imported.into_iter().collect(),
            diagnostics: diagnostics(&done.diagnostics),
            deferred: None,
        })
    }

    async fn move_resource_state(
        &self,
        request: Request<pb::move_resource_state::Request>,
    ) -> Answer<pb::move_resource_state::Response> {
        let request = request.into_inner();
        let native = move_state::Request {
            source_provider_address: request.source_provider_address,
            source_type_name: request.source_type_name,
            source_schema_version: request.source_schema_version,
            source_json: request.source_state.map(|raw| raw.json).filter(|json| !json.is_empty()),
            target_type_name: request.target_type_name,
        };
        let done =
            span("MoveResourceState", &native.target_type_name).in_scope(|| self.0.move_state(&native));
        answer(pb::move_resource_state::Response {
            target_state: done.state.map(dynamic),
            diagnostics: diagnostics(&done.diagnostics),
            target_private: done.private,
            target_identity: done.identity.map(identity_data),
        })
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Request<pb::get_resource_identity_schemas::Request>,
    ) -> Answer<pb::get_resource_identity_schemas::Response> {
        let schemas = self.0.identity_schemas().map(|(name, one)| (name.to_owned(), identity_schema(&one)));
        answer(pb::get_resource_identity_schemas::Response {
            identity_schemas: schemas.collect(),
            diagnostics: Vec::new(),
        })
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<pb::upgrade_resource_identity::Request>,
    ) -> Answer<pb::upgrade_resource_identity::Response> {
        let request = request.into_inner();
        let json = request.raw_identity.map(|raw| raw.json).unwrap_or_default();
        let native = identity::Upgrade { type_name: request.type_name, version: request.version, json };
        let (upgraded, found) = match self.0.upgrade_identity(&native) {
            Ok(upgraded) => (Some(identity_data(upgraded)), Vec::new()),
            Err(found) => (None, diagnostics(&found)),
        };
        answer(pb::upgrade_resource_identity::Response { upgraded_identity: upgraded, diagnostics: found })
    }

    async fn validate_list_resource_config(
        &self,
        request: Request<pb::validate_list_resource_config::Request>,
    ) -> Answer<pb::validate_list_resource_config::Response> {
        let request = request.into_inner();
        let (name, config) = (request.type_name, encoded(request.config));
        let found =
            span("ValidateListResourceConfig", &name).in_scope(|| self.0.validate_list(&name, &config));
        answer(pb::validate_list_resource_config::Response { diagnostics: diagnostics(&found) })
    }

    type ListResourceStream = Iter<IntoIter<Result<pb::list_resource::Event, Status>>>;

    async fn list_resource(
        &self,
        request: Request<pb::list_resource::Request>,
    ) -> Answer<Self::ListResourceStream> {
        let request = request.into_inner();
        let span = span("ListResource", &request.type_name);
        let native = list::Request {
            type_name: request.type_name,
            config: encoded(request.config),
            whole: request.include_resource_object,
            // None at all is no limit.
            limit: usize::try_from(request.limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX),
        };
        let events = self.0.list(native).instrument(span).await.into_iter().map(|event| {
            Ok(pb::list_resource::Event {
                identity: event.identity.map(identity_data),
                display_name: event.display_name,
                resource_object: event.object.map(dynamic),
                diagnostic: diagnostics(&event.diagnostics),
            })
        });
        answer(tokio_stream::iter(events.collect::<Vec<_>>()))
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<pb::validate_data_resource_config::Request>,
    ) -> Answer<pb::validate_data_resource_config::Response> {
        let request = request.into_inner();
        let (name, config) = (request.type_name, encoded(request.config));
        let found =
            span("ValidateDataResourceConfig", &name).in_scope(|| self.0.validate_data(&name, &config));
        answer(pb::validate_data_resource_config::Response { diagnostics: diagnostics(&found) })
    }

    async fn read_data_source(
        &self,
        request: Request<pb::read_data_source::Request>,
    ) -> Answer<pb::read_data_source::Response> {
        let pb::read_data_source::Request { type_name, config, .. } = request.into_inner();
        let span = span("ReadDataSource", &type_name);
        let native = read_data::Request { type_name, config: encoded(config) };
        let done = self.0.read_data(native).instrument(span).await;
        answer(pb::read_data_source::Response {
            state: done.state.map(dynamic),
            diagnostics: diagnostics(&done.diagnostics),
            deferred: None,
        })
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<pb::validate_ephemeral_resource_config::Request>,
    ) -> Answer<pb::validate_ephemeral_resource_config::Response> {
        let diagnostics = absent("ephemeral resource", &request.into_inner().type_name);
        answer(pb::validate_ephemeral_resource_config::Response { diagnostics })
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<pb::open_ephemeral_resource::Request>,
    ) -> Answer<pb::open_ephemeral_resource::Response> {
        let diagnostics = absent("ephemeral resource", &request.into_inner().type_name);
        answer(pb::open_ephemeral_resource::Response { diagnostics, ..Default::default() })
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<pb::renew_ephemeral_resource::Request>,
    ) -> Answer<pb::renew_ephemeral_resource::Response> {
        let diagnostics = absent("ephemeral resource", &request.into_inner().type_name);
        answer(pb::renew_ephemeral_resource::Response { diagnostics, ..Default::default() })
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<pb::close_ephemeral_resource::Request>,
    ) -> Answer<pb::close_ephemeral_resource::Response> {
        let diagnostics = absent("ephemeral resource", &request.into_inner().type_name);
        answer(pb::close_ephemeral_resource::Response { diagnostics })
    }

    async fn get_functions(
        &self,
        _: Request<pb::get_functions::Request>,
    ) -> Answer<pb::get_functions::Response> {
        answer(pb::get_functions::Response::default())
    }

    async fn call_function(
        &self,
        request: Request<pb::call_function::Request>,
    ) -> Answer<pb::call_function::Response> {
        let text = format!("This version of the provider has no function {}.", request.into_inner().name);
        let error = Some(pb::FunctionError { text, function_argument: None });
        answer(pb::call_function::Response { result: None, error })
    }
}
