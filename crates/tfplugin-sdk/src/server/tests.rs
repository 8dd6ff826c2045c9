//! What the server guarantees whatever a provider does.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::*;
use crate::value::from_value;
use crate::{
    Attr, Attribute, Configured, CreateRequest, DeleteRequest, ErasedResource, Outcome, PlanOutcome,
    PlanRequest, ReadRequest, Resource, UpdateRequest, async_trait, erase,
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Model {
    name: Attr<String>,
    live: Attr<String>,
    secret_wo: Attr<String>,
}

#[derive(Deserialize)]
struct Config {}

/// A provider whose verbs do what the resource's name says.
#[derive(Default)]
struct Fickle {
    waiting: Arc<Notify>,
}

#[async_trait]
impl Provider for Fickle {
    type Config = Config;
    type Clients = Arc<Notify>;

    fn schema(&self) -> Schema {
        Schema::default()
    }

    async fn configure(&self, _: &Context, _: Config) -> Configured<Arc<Notify>> {
        Configured::ready(self.waiting.clone())
    }

    fn resources(&self) -> Vec<Box<dyn ErasedResource<Arc<Notify>>>> {
        vec![erase(Thing)]
    }
}

struct Thing;

impl Thing {
    async fn act(ctx: &Context, waiting: &Notify, model: Model, private: Private) -> Outcome<Model> {
        match model.name.as_str() {
            Some("panic") => panic!("a mistake in the provider"),
            Some("partial") => Outcome::failed(Some(model), Diagnostic::error("half", "Half was made.")),
            Some("nothing") => Outcome::failed(None, Diagnostic::error("none", "Nothing was made.")),
            Some("wait") => {
                waiting.notify_one();
                ctx.stop.cancelled().await;
                Outcome::failed(Some(model), Diagnostic::error("stopped", "Stopped at a safe place."))
            }
            _ => Outcome::new(Model { live: Attr::from("live"), ..model }, private),
        }
    }
}

#[async_trait]
impl Resource<Arc<Notify>> for Thing {
    type Model = Model;

    fn type_name(&self) -> &'static str {
        "thing"
    }

    fn schema(&self) -> Schema {
        let attributes = [
            ("name", Attribute::string("").required()),
            ("live", Attribute::string("").computed()),
            ("secret_wo", Attribute::string("").optional().write_only()),
        ];
        Schema::new("", attributes).version(2)
    }

    async fn plan(
        &self,
        _: &Context,
        _: Option<&Arc<Notify>>,
        request: PlanRequest<Model>,
    ) -> PlanOutcome<Model> {
        assert!(!request.config.name.is(&"panic".to_owned()), "a mistake in the plan");
        let secret_wo = request.config.secret_wo;
        PlanOutcome::new(Model { live: Attr::Unknown, secret_wo, ..request.proposed }, request.private)
    }

    async fn create(&self, ctx: &Context, clients: &Arc<Notify>, r: CreateRequest<Model>) -> Outcome<Model> {
        Self::act(ctx, clients, Model { secret_wo: r.config.secret_wo, ..r.planned }, r.private).await
    }

    async fn read(
        &self,
        ctx: &Context,
        clients: Option<&Arc<Notify>>,
        r: ReadRequest<Model>,
    ) -> Outcome<Model> {
        Self::act(ctx, clients.expect("configured"), r.state, r.private).await
    }

    async fn update(&self, ctx: &Context, clients: &Arc<Notify>, r: UpdateRequest<Model>) -> Outcome<Model> {
        Self::act(ctx, clients, r.planned, r.private).await
    }

    async fn delete(&self, ctx: &Context, clients: &Arc<Notify>, r: DeleteRequest<Model>) -> Outcome<Model> {
        Self::act(ctx, clients, r.state, r.private).await
    }

    fn upgrade(&self, version: u64, state: serde_json::Value) -> Result<Model, Diagnostics> {
        assert_eq!(version, 1, "there was only one version before");
        Ok(Model { name: Attr::from(state["title"].as_str()).map(str::to_owned), ..Model::default() })
    }
}

fn model(name: &str) -> Model {
    Model { name: Attr::from(name), ..Model::default() }
}

fn bytes(server: &Server<Fickle>, model: Option<&Model>) -> Encoded {
    let implied = &server.resources["thing"].implied;
    let value = model.map_or(Value::Null, |model| crate::value::to_value(model, implied).expect("a model"));
    Encoded::Msgpack(to_msgpack(&value, implied).expect("a value"))
}

fn read_back(server: &Server<Fickle>, bytes: Option<Vec<u8>>) -> Option<Model> {
    let value = from_msgpack(&bytes?, &server.resources["thing"].implied).expect("a value");
    (!value.is_null()).then(|| from_value(&value).expect("a model"))
}

async fn configured() -> Server<Fickle> {
    let server = Server::new(Fickle::default());
    assert!(server.configure("1.11.4", &Encoded::Json(b"{}".to_vec())).await.is_empty());
    server
}

/// Applies a change and checks what stands after it, and whether an error says so.
async fn check_apply(prior: Option<&Model>, planned: Option<&Model>, stands: Option<Model>, summary: &str) {
    let server = configured().await;
    let request = apply::Request {
        type_name: "thing".to_owned(),
        prior: bytes(&server, prior),
        planned: bytes(&server, planned),
        config: bytes(&server, planned.map(|planned| Model { live: Attr::Null, ..planned.clone() }).as_ref()),
        private: br#"{"kept":1}"#.to_vec(),
        identity: None,
    };
    let response = server.apply(request).await;
    assert_eq!(read_back(&server, response.state), stands, "{summary}");
    let found: Vec<_> = response.diagnostics.iter().map(|one| one.summary.as_str()).collect();
    assert!(found.iter().any(|found| found.contains(summary)) || summary.is_empty(), "{found:?}");
    if response.diagnostics.has_errors() {
        assert_eq!(response.private, br#"{"kept":1}"#);
    }
}

#[tokio::test]
async fn a_panic_in_a_verb_is_an_error_that_keeps_what_stands() {
    let planned = Model { live: Attr::Unknown, ..model("panic") };
    check_apply(None, Some(&planned), Some(model("panic")), "failed inside ApplyResourceChange").await;
    let prior = Model { live: Attr::from("before"), ..model("old") };
    check_apply(Some(&prior), Some(&planned), Some(prior.clone()), "failed inside").await;
    let prior = model("panic");
    check_apply(Some(&prior), None, Some(prior.clone()), "failed inside").await;
}

#[tokio::test]
async fn a_failed_verb_keeps_what_it_says_or_else_the_prior() {
    let unknown = |name| Model { live: Attr::Unknown, ..model(name) };
    check_apply(None, Some(&unknown("partial")), Some(model("partial")), "half").await;
    check_apply(None, Some(&unknown("nothing")), None, "none").await;
    let prior = model("nothing");
    check_apply(Some(&prior), Some(&unknown("nothing")), Some(prior.clone()), "none").await;
    check_apply(Some(&prior), None, Some(prior.clone()), "none").await;
}

#[tokio::test]
async fn a_write_only_value_reaches_the_verb_and_no_result() {
    let server = configured().await;
    let config = Model { secret_wo: Attr::from("s3cret"), ..model("n") };
    let request = plan::Request {
        type_name: "thing".to_owned(),
        prior: bytes(&server, None),
        proposed: bytes(&server, Some(&config)),
        config: bytes(&server, Some(&config)),
        private: Vec::new(),
        identity: None,
    };
    let planned = server.plan(request).await.planned;
    let planned = read_back(&server, planned).expect("a plan");
    assert_eq!(planned.secret_wo, Attr::Null);
    let request = apply::Request {
        type_name: "thing".to_owned(),
        prior: bytes(&server, None),
        planned: bytes(&server, Some(&planned)),
        config: bytes(&server, Some(&config)),
        private: Vec::new(),
        identity: None,
    };
    let made = read_back(&server, server.apply(request).await.state).expect("a state");
    assert_eq!(made, Model { live: Attr::from("live"), ..model("n") });
}

#[tokio::test]
async fn a_panic_in_a_plan_or_a_read_is_an_error() {
    let server = configured().await;
    let request = plan::Request {
        type_name: "thing".to_owned(),
        prior: bytes(&server, None),
        proposed: bytes(&server, Some(&model("panic"))),
        config: bytes(&server, Some(&model("panic"))),
        private: Vec::new(),
        identity: None,
    };
    let response = server.plan(request).await;
    assert!(response.planned.is_none() && response.diagnostics.has_errors());
    let request = read::Request {
        type_name: "thing".to_owned(),
        state: bytes(&server, Some(&model("panic"))),
        private: Vec::new(),
        identity: None,
    };
    let response = server.read(request).await;
    assert!(response.state.is_none() && response.diagnostics.has_errors());
}

#[tokio::test]
async fn without_a_configured_provider_nothing_is_applied_or_imported() {
    let server = Server::new(Fickle::default());
    let request = apply::Request {
        type_name: "thing".to_owned(),
        prior: bytes(&server, None),
        planned: bytes(&server, Some(&model("n"))),
        config: bytes(&server, Some(&model("n"))),
        private: Vec::new(),
        identity: None,
    };
    let response = server.apply(request).await;
    assert_eq!(read_back(&server, response.state), None);
    assert!(response.diagnostics.has_errors());
    let request =
        import::Request { type_name: "thing".to_owned(), target: import::Target::Id("n".to_owned()) };
    assert!(server.import(request).await.diagnostics.has_errors());
}

#[tokio::test]
async fn a_stop_ends_what_is_in_flight_and_nothing_after_it() {
    let server = Arc::new(configured().await);
    let request = |name| apply::Request {
        type_name: "thing".to_owned(),
        prior: bytes(&server, None),
        planned: bytes(&server, Some(&model(name))),
        config: bytes(&server, Some(&model(name))),
        private: Vec::new(),
        identity: None,
    };
    let waiting = server.provider.waiting.clone();
    let (response, ()) = tokio::join!(server.apply(request("wait")), async {
        waiting.notified().await;
        server.stop();
    });
    assert_eq!(read_back(&server, response.state), Some(model("wait")));
    assert!(response.diagnostics.iter().any(|one| one.summary == "stopped"));
    assert!(!server.apply(request("after")).await.diagnostics.has_errors());
}

#[tokio::test]
async fn a_read_that_ignores_a_stop_is_cut_off() {
    let server = configured().await;
    let ctx = server.context();
    server.stop();
    let verb = std::future::pending::<()>();
    let stopped = server.look("ReadResource", &ctx, verb).await.expect_err("cut off");
    assert!(stopped.iter().any(|one| one.summary.contains("was stopped")));
}

/// Upgrades a stored state and gives what came of it, or the first error.
fn upgraded(version: i64, json: Option<&str>) -> Result<Model, String> {
    let server = Server::new(Fickle::default());
    let json = json.map(|json| json.as_bytes().to_vec());
    let response = server.upgrade(&upgrade::Request { type_name: "thing".to_owned(), version, json });
    match response.diagnostics.iter().next() {
        Some(one) => Err(one.detail.clone()),
        None => Ok(read_back(&server, response.state).expect("a state")),
    }
}

#[test]
fn state_of_any_version_is_brought_to_the_present_one() {
    let same = r#"{"name":"n","live":null,"secret_wo":"stored by mistake","dropped":1}"#;
    assert_eq!(upgraded(2, Some(same)), Ok(model("n")));
    assert_eq!(upgraded(1, Some(r#"{"title":"n"}"#)), Ok(model("n")));
    let panicked = upgraded(0, Some("{}")).expect_err("an unknown version");
    assert!(panicked.contains("only one version before"), "{panicked}");
    assert!(upgraded(2, None).expect_err("a flatmap").contains("0.12"));
    assert!(upgraded(2, Some(r#"{"name":7}"#)).expect_err("no string").contains("name"));
}
